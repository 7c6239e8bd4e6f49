// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ends.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DNS_PORT 53

unsigned int bb_end__major(uint32_t dev)
{
	return dev >> 20;
}

unsigned int bb_end__minor(uint32_t dev)
{
	return dev & 0xfffff;
}

void bb_end__address(bool v6, const void *peer, unsigned int port, char *buf, size_t len)
{
	char addr[INET6_ADDRSTRLEN] = "?";
	const char *what = port == DNS_PORT ? " (dns)" : "";

	inet_ntop(v6 ? AF_INET6 : AF_INET, peer, addr, sizeof(addr));
	if (v6 && !strncmp(addr, "::ffff:", 7))
		snprintf(buf, len, "%s:%u%s", addr + 7, port, what);
	else
		snprintf(buf, len, v6 ? "[%s]:%u%s" : "%s:%u%s", addr, port, what);
}

void bb_end__inet(const struct bb_end_key *key, struct bb_wait *w)
{
	const char *proto = key->proto == IPPROTO_TCP   ? "tcp"
			    : key->proto == IPPROTO_UDP ? "udp"
							: "ip";
	char peer[64];

	if (key->listens) {
		w->endpoint = BB_END_LISTEN;
		snprintf(w->label, sizeof(w->label), "%s listen :%u", proto, key->local);
	} else if (key->peer) {
		w->endpoint = BB_END_OUTBOUND;
		bb_end__address(key->family == AF_INET6, key->addr, ntohs(key->peer), peer,
				sizeof(peer));
		snprintf(w->label, sizeof(w->label), "%s out %s", proto, peer);
	} else if (key->proto == IPPROTO_TCP) {
		w->endpoint = BB_END_INBOUND;
		snprintf(w->label, sizeof(w->label), "tcp in :%u", key->local);
	} else {
		w->endpoint = key->proto == IPPROTO_UDP ? BB_END_INBOUND : BB_END_UNKNOWN;
		snprintf(w->label, sizeof(w->label), "%s :%u", proto, key->local);
	}
}

/* @text, or its end where there is no room: of a path that says more than the start. */
static void put_tail(char *label, size_t len, const char *text, size_t room)
{
	size_t at = strlen(label), n = strlen(text);

	if (room > len - 1 - at)
		room = len - 1 - at;
	if (n <= room)
		snprintf(label + at, len - at, "%s", text);
	else if (room > 3)
		snprintf(label + at, len - at, "...%s", text + n - (room - 3));
}

/* "BEFORE PATH AFTER" */
static void put_path(struct bb_wait *w, const char *before, const char *path, const char *after)
{
	size_t rest = strlen(before) + strlen(after), len = sizeof(w->label);

	snprintf(w->label, len, "%s", before);
	put_tail(w->label, len, path, rest < len - 1 ? len - 1 - rest : 0);
	snprintf(w->label + strlen(w->label), len - strlen(w->label), "%s", after);
}

/* " (sh 4711)", or " from sh (4711)" with a preposition; and how many more there are. */
static void peer_words(const struct bb_end_peer *peer, const char *preposition, char *buf,
		       size_t len)
{
	const char *comm = peer->comm[0] ? peer->comm : "process";
	size_t at;

	buf[0] = '\0';
	if (!peer->pid)
		return;
	if (preposition)
		snprintf(buf, len, " %s %s (%d)", preposition, comm, (int)peer->pid);
	else
		snprintf(buf, len, " (%s %d)", comm, (int)peer->pid);
	at = strlen(buf);
	if (peer->others)
		snprintf(buf + at, len - at, " +%" PRIu32, peer->others);
}

/*
 * As in /proc/net/unix: where the name is of no file, each NUL of it is an @. It begins with one
 * then, and a path has one at its end.
 */
static void unix_name(const struct bb_end *end, char *buf)
{
	size_t n = end->len < BB_END_NAME ? end->len : BB_END_NAME;

	if (n && end->name[0] && !end->name[n - 1])
		n--;
	memcpy(buf, end->name, n);
	buf[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!buf[i])
			buf[i] = '@';
}

bool bb_end__has_name(const struct bb_end *end, const char *name)
{
	char text[BB_END_NAME + 1];
	size_t len = strlen(name), n;

	unix_name(end, text);
	n = strlen(text);
	return end->len > BB_END_NAME ? len >= n && !strcmp(name + len - n, text)
				      : !strcmp(name, text);
}

void bb_end__unix(const struct bb_end_row *row, const struct bb_end_peer *peer, struct bb_wait *w)
{
	const struct bb_end_key *key = &row->key;
	char name[BB_END_NAME + 4] = "...", who[64];

	unix_name(&row->end, row->end.len > BB_END_NAME ? name + 3 : name);
	peer_words(peer, key->named ? NULL : "with", who, sizeof(who));
	w->local = true;
	if (key->listens) {
		w->endpoint = BB_END_LISTEN;
		put_path(w, "unix listen ", name, "");
	} else if (key->named && key->peer) {
		w->endpoint = BB_END_OUTBOUND;
		put_path(w, "unix out ", name, who);
	} else if (key->named) {
		w->endpoint = BB_END_INBOUND;
		put_path(w, "unix in ", name, "");
	} else if (key->peer && peer->own) {
		w->endpoint = BB_END_NONE;
		snprintf(w->label, sizeof(w->label), "socketpair");
	} else {
		w->endpoint = BB_END_LOCAL;
		snprintf(w->label, sizeof(w->label), "%s%s", key->peer ? "socketpair" : "unix",
			 who);
	}
}

void bb_end__pipe(const struct bb_end_row *row, const char *path, bool writes,
		  const struct bb_end_peer *peer, struct bb_wait *w)
{
	const char *name = path ? path : row->end.name;
	char who[64];

	w->endpoint = BB_END_LOCAL;
	peer_words(peer, writes ? "to" : "from", who, sizeof(who));
	if (peer->own)
		snprintf(who, sizeof(who), " of its own");
	if (name[0])
		put_path(w, "fifo ", name, who);
	else
		snprintf(w->label, sizeof(w->label), "pipe%s", who);
}

void bb_end__file(const struct bb_end_row *row, const char *path, struct bb_wait *w)
{
	const struct bb_end_key *key = &row->key;
	const char *name = row->end.name, *parent = name + BB_END_PARENT;
	char text[2 * BB_END_NAME], inode[64];

	w->endpoint = key->proto == BB_FD_TTY ? BB_END_LOCAL : BB_END_FILE;
	if (path) {
		put_path(w, "", path, "");
		return;
	}
	snprintf(inode, sizeof(inode), " (%u:%u inode %" PRIu64 ")", bb_end__major(key->dev),
		 bb_end__minor(key->dev), (uint64_t)key->inode);
	/* the root of its file system is called "/" */
	snprintf(text, sizeof(text), "%s%s/%s%s", parent[0] == '/' ? "" : ".../",
		 parent[0] == '/' ? "..." : parent, name,
		 strlen(name) == BB_END_PARENT - 1 ? "..." : "");
	put_path(w, "", text, inode);
}
