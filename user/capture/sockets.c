// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ends.h"
#include "procfs.h"

#define TCP_LISTEN   10 /* include/net/tcp_states.h, in hex in /proc/net/tcp */
#define POLL_FDS_MAX 4096

enum family { FAM_TCP, FAM_UDP, FAM_UNIX };

struct sock {
	unsigned long inode;
	enum family family;
	bool listening;
	bool connected;
	bool v6;
	unsigned int local_port, peer_port;
	unsigned int peer[4]; /* as /proc prints it */
	bool named;           /* unix: bound to a path */
	char path[60];        /* its end, if it is longer */
};

struct bb_sockets {
	pid_t pid;
	struct sock *socks; /* by inode */
	size_t nr;
};

static struct sock *new_sock(struct bb_sockets *s)
{
	struct sock *more;

	if (!(s->nr & (s->nr - 1))) {
		more = realloc(s->socks, (s->nr ? s->nr * 2 : 1) * sizeof(*more));
		if (!more)
			return NULL;
		s->socks = more;
	}
	memset(&s->socks[s->nr], 0, sizeof(*s->socks));
	return &s->socks[s->nr++];
}

/* /proc/PID/net/tcp and its kin (Documentation/networking/proc_net_tcp.rst). */
static int parse_inet(struct bb_sockets *s, char *line, enum family family, bool v6)
{
	char local[40], peer[40];
	unsigned int lport, pport, state;
	unsigned long inode;
	struct sock *k;

	if (sscanf(line, " %*d: %39[0-9A-F]:%x %39[0-9A-F]:%x %x %*s %*s %*s %*d %*d %lu", local,
		   &lport, peer, &pport, &state, &inode) != 6 ||
	    !inode)
		return 0;
	k = new_sock(s);
	if (!k)
		return -ENOMEM;
	k->inode = inode;
	k->family = family;
	k->v6 = v6;
	k->listening = family == FAM_TCP && state == TCP_LISTEN;
	k->connected = pport != 0;
	k->local_port = lport;
	k->peer_port = pport;
	for (int i = 0; i < (v6 ? 4 : 1); i++)
		sscanf(peer + 8 * i, "%8x", &k->peer[i]);
	return 0;
}

static int parse_unix(struct bb_sockets *s, char *line)
{
	unsigned int flags, state;
	unsigned long inode;
	int path = 0;
	struct sock *k;

	if (sscanf(line, " %*[^:]: %*x %*x %x %*x %x %lu %n", &flags, &state, &inode, &path) < 3)
		return 0;
	k = new_sock(s);
	if (!k)
		return -ENOMEM;
	k->inode = inode;
	k->family = FAM_UNIX;
	k->listening = flags & 0x10000; /* SO_ACCEPTCON */
	k->connected = state == 3;      /* SS_CONNECTED */
	k->named = path && line[path];
	if (k->named) {
		size_t len = strlen(line + path), most = sizeof(k->path) - 1;

		strcpy(k->path, line + path + (len > most ? len - most : 0));
	}
	return 0;
}

static int read_table(struct bb_sockets *s, const char *name, enum family family, bool v6)
{
	char path[64], *text, *line, *save = NULL;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", s->pid, name);
	text = bb_procfs__read(path, NULL);
	if (!text)
		return errno == ENOMEM ? -ENOMEM : 0;
	line = strtok_r(text, "\n", &save); /* the heading */
	while (!err && (line = strtok_r(NULL, "\n", &save)))
		err = family == FAM_UNIX ? parse_unix(s, line) : parse_inet(s, line, family, v6);
	free(text);
	return err;
}

static int by_inode(const void *a, const void *b)
{
	const struct sock *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

int bb_sockets__read(pid_t pid, struct bb_sockets **out)
{
	struct bb_sockets *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->pid = pid;
	err = read_table(s, "tcp", FAM_TCP, false);
	if (!err)
		err = read_table(s, "tcp6", FAM_TCP, true);
	if (!err)
		err = read_table(s, "udp", FAM_UDP, false);
	if (!err)
		err = read_table(s, "udp6", FAM_UDP, true);
	if (!err)
		err = read_table(s, "unix", FAM_UNIX, false);
	if (err) {
		bb_sockets__free(s);
		return err;
	}
	if (s->nr)
		qsort(s->socks, s->nr, sizeof(*s->socks), by_inode);
	*out = s;
	return 0;
}

void bb_sockets__free(struct bb_sockets *s)
{
	if (!s)
		return;
	free(s->socks);
	free(s);
}

static const struct sock *find(const struct bb_sockets *s, unsigned long inode)
{
	struct sock key = { .inode = inode };

	return s->nr ? bsearch(&key, s->socks, s->nr, sizeof(key), by_inode) : NULL;
}

/* A connection is inbound if somebody in this network namespace listens on its port or path. */
static bool is_inbound(const struct bb_sockets *s, const struct sock *k)
{
	for (size_t i = 0; i < s->nr; i++) {
		const struct sock *l = &s->socks[i];

		if (!l->listening || l->family != k->family)
			continue;
		if (k->family == FAM_UNIX ? k->named && !strcmp(l->path, k->path)
					  : l->local_port == k->local_port)
			return true;
	}
	return false;
}

/*
 * An unnamed unix socket whose neighbour by inode is one too: the two ends of a
 * socketpair(), as event loops use to wake themselves. (The kernel numbers the
 * two one after the other.)
 */
static bool is_pair(const struct bb_sockets *s, const struct sock *k)
{
	const struct sock *next = find(s, k->inode + 1), *prev = find(s, k->inode - 1);

	return (next && next->family == FAM_UNIX && !next->named) ||
	       (prev && prev->family == FAM_UNIX && !prev->named);
}

static enum bb_endpoint socket_end(const struct bb_sockets *s, const struct sock *k, char *label,
				   size_t len)
{
	const char *proto = k->family == FAM_TCP ? "tcp" : "udp";
	char peer[64];

	if (k->family == FAM_UNIX) {
		if (k->listening) {
			snprintf(label, len, "unix listen %s", k->path);
			return BB_END_LISTEN;
		}
		if (!k->named && is_pair(s, k)) {
			snprintf(label, len, "socketpair");
			return BB_END_NONE;
		}
		if (!k->named || (k->connected && !is_inbound(s, k))) {
			snprintf(label, len, "unix");
			return BB_END_LOCAL;
		}
		snprintf(label, len, "unix in %s", k->path);
		return k->connected ? BB_END_INBOUND : BB_END_LOCAL;
	}
	if (k->listening) {
		snprintf(label, len, "%s listen :%u", proto, k->local_port);
		return BB_END_LISTEN;
	}
	if (!k->connected) {
		snprintf(label, len, "%s :%u", proto, k->local_port);
		return k->family == FAM_UDP ? BB_END_INBOUND : BB_END_UNKNOWN;
	}
	if (is_inbound(s, k)) {
		snprintf(label, len, "%s in :%u", proto, k->local_port);
		return BB_END_INBOUND;
	}
	/* each group of 8 hex digits is a 32-bit word in host order */
	bb_end__address(k->v6, k->peer, k->peer_port, peer, sizeof(peer));
	snprintf(label, len, "%s out %s", proto, peer);
	return BB_END_OUTBOUND;
}

/* What descriptor @fd leads to. @epoll: set where it is an epoll descriptor. */
static enum bb_endpoint fd_end(const struct bb_sockets *s, int fd, char *label, size_t len,
			       bool *epoll)
{
	char target[512];
	unsigned long inode;
	const struct sock *k;

	*epoll = false;
	label[0] = '\0';
	if (!bb_procfs__fd_target(s->pid, fd, target, sizeof(target)))
		return BB_END_UNKNOWN;
	if (sscanf(target, "socket:[%lu]", &inode) == 1) {
		k = find(s, inode);
		return k ? socket_end(s, k, label, len) : BB_END_UNKNOWN;
	}
	if (!strcmp(target, "anon_inode:[eventpoll]")) {
		*epoll = true;
		return BB_END_UNKNOWN;
	}
	if (!strncmp(target, "pipe:", 5)) {
		snprintf(label, len, "pipe");
		return BB_END_LOCAL;
	}
	if (target[0] != '/') {
		snprintf(label, len, "%.40s", target);
		return BB_END_NONE; /* eventfd, timerfd and so on: the process's own */
	}
	/* the end of a long path says more than its start */
	snprintf(label, len, "%s",
		 strlen(target) < len ? target : target + strlen(target) - len + 1);
	return !strncmp(target, "/dev/pts", 8) || !strncmp(target, "/dev/tty", 8) ? BB_END_LOCAL
										  : BB_END_FILE;
}

/* What is watched by one call: how many there are of each kind, and the first that matter. */
struct members {
	unsigned int n[BB_END_MIXED + 1];
	char out[2][64]; /* two that differ: it is not known for which of them it waits */
	char listen[64], local[64];
};

static void add_member(const struct bb_sockets *s, struct members *m, int fd)
{
	char label[64];
	bool epoll;
	enum bb_endpoint e = fd_end(s, fd, label, sizeof(label), &epoll);

	m->n[e]++;
	if (e == BB_END_OUTBOUND && !m->out[0][0])
		snprintf(m->out[0], sizeof(m->out[0]), "%s", label);
	else if (e == BB_END_OUTBOUND && !m->out[1][0] && strcmp(m->out[0], label))
		snprintf(m->out[1], sizeof(m->out[1]), "%s", label);
	if (e == BB_END_LISTEN && !m->listen[0])
		snprintf(m->listen, sizeof(m->listen), "%s", label);
	if (e == BB_END_LOCAL && !m->local[0])
		snprintf(m->local, sizeof(m->local), "%s", label);
}

static void put_some(struct bb_wait *w, unsigned int n, const char *one, const char *more)
{
	size_t at = strlen(w->label), room = sizeof(w->label) - at;

	if (n)
		snprintf(w->label + at, room, "%s%u %s", at ? ", " : "", n, n == 1 ? one : more);
}

static void describe_outbound(const struct members *m, struct bb_wait *w)
{
	const char *second = m->out[1];
	unsigned int n = m->n[BB_END_OUTBOUND];

	if (n == 1) {
		snprintf(w->label, sizeof(w->label), "%.44s", m->out[0]);
	} else if (!second[0]) {
		snprintf(w->label, sizeof(w->label), "%.36s, %u of them", m->out[0], n);
	} else {
		/* "tcp out A, B" */
		if (!strncmp(m->out[0], second, 8))
			second += 8;
		snprintf(w->label, sizeof(w->label), "one of %u: %.29s, %.21s", n, m->out[0],
			 second);
	}
}

static void describe_members(const struct members *m, struct bb_wait *w)
{
	const unsigned int *n = m->n;

	if (n[BB_END_OUTBOUND]) {
		w->endpoint =
			n[BB_END_LISTEN] || n[BB_END_INBOUND] ? BB_END_MIXED : BB_END_OUTBOUND;
		describe_outbound(m, w);
		put_some(w, n[BB_END_INBOUND], "client", "clients");
	} else if (n[BB_END_INBOUND]) {
		w->endpoint = BB_END_INBOUND;
		w->one_client = n[BB_END_INBOUND] == 1 && !n[BB_END_LISTEN];
		put_some(w, n[BB_END_INBOUND], "client", "clients");
	} else if (n[BB_END_LISTEN]) {
		w->endpoint = BB_END_LISTEN;
		snprintf(w->label, sizeof(w->label), "%s", m->listen);
	} else if (n[BB_END_LOCAL]) {
		w->endpoint = BB_END_LOCAL;
		if (n[BB_END_LOCAL] == 1)
			snprintf(w->label, sizeof(w->label), "%s", m->local);
		put_some(w, n[BB_END_LOCAL] > 1 ? n[BB_END_LOCAL] : 0, "", "pipes or unix sockets");
	} else if (n[BB_END_UNKNOWN]) {
		w->endpoint = BB_END_UNKNOWN;
	} else {
		w->endpoint = BB_END_NONE;
		snprintf(w->label, sizeof(w->label), "timers only");
	}
}

/* The members of an epoll set, from its fdinfo (proc(5)). */
static void describe_epoll(const struct bb_sockets *s, struct bb_wait *w)
{
	char path[64], *text, *line, *save = NULL;
	struct members m = {};
	unsigned int seen = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", s->pid, w->fd);
	text = bb_procfs__read(path, NULL);
	if (!text)
		return;
	for (line = strtok_r(text, "\n", &save); line && seen < POLL_FDS_MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "tfd: %d", &fd) != 1)
			continue;
		seen++;
		add_member(s, &m, fd);
	}
	free(text);
	describe_members(&m, w);
}

void bb_sockets__describe_set(const struct bb_sockets *s, const int *fds, size_t nr,
			      struct bb_wait *w)
{
	struct members m = {};

	for (size_t i = 0; i < nr; i++)
		add_member(s, &m, fds[i]);
	describe_members(&m, w);
}

uint32_t bb_sockets__peers(const struct bb_sockets *s, unsigned int port)
{
	uint32_t nr = 0;

	for (size_t i = 0; i < s->nr; i++)
		nr += s->socks[i].family == FAM_TCP && s->socks[i].connected &&
		      s->socks[i].local_port == port;
	return nr;
}

uint32_t bb_sockets__unix_peers(const struct bb_sockets *s, const struct bb_end *end)
{
	uint32_t nr = 0;

	for (size_t i = 0; i < s->nr; i++)
		nr += s->socks[i].family == FAM_UNIX && s->socks[i].connected &&
		      s->socks[i].named && bb_end__has_name(end, s->socks[i].path);
	return nr;
}

void bb_sockets__listeners(pid_t pid, uint64_t *ports)
{
	struct bb_sockets s = { .pid = pid };

	/* what cannot be read has none: its connections are outbound, then */
	if (!read_table(&s, "tcp", FAM_TCP, false))
		read_table(&s, "tcp6", FAM_TCP, true);
	for (size_t i = 0; i < s.nr; i++)
		if (s.socks[i].listening)
			ports[s.socks[i].local_port / 64 % (BB_PORTS / 64)] |=
				1ULL << s.socks[i].local_port % 64;
	free(s.socks);
}

void bb_sockets__describe(struct bb_sockets *s, struct bb_wait *w)
{
	bool epoll;

	w->endpoint = fd_end(s, w->fd, w->label, sizeof(w->label), &epoll);
	if (epoll)
		describe_epoll(s, w);
}
