// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../util/grow.h"
#include "files.h"
#include "procfs.h"

#define FDS_MOST 200000 /* that are looked at: about half a second */

/* A process has it open. */
struct holder {
	uint64_t inode;
	pid_t pid;
	bool reads, writes;
	bool fifo; /* of another file system, with other numbers */
};

struct bb_peers {
	const struct bb_end_row **wanted; /* by inode */
	size_t nr_wanted;
	struct holder *v;
	size_t nr;
	size_t looked;
};

static int by_inode(const void *a, const void *b)
{
	const struct bb_end_row *const *x = a, *const *y = b;

	return (*x)->key.inode < (*y)->key.inode ? -1 : (*x)->key.inode > (*y)->key.inode;
}

static bool is_wanted(const struct bb_end_row *row)
{
	const struct bb_end_key *key = &row->key;

	if (key->family == AF_UNIX)
		return key->peer && !key->named && key->inode;
	return key->family == BB_END_INODE && key->proto == BB_FD_PIPE;
}

static int fill_wanted(struct bb_peers *p, const struct bb_end_row *rows, size_t nr)
{
	p->wanted = calloc(nr ? nr : 1, sizeof(*p->wanted));
	if (!p->wanted)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		if (is_wanted(&rows[i]))
			p->wanted[p->nr_wanted++] = &rows[i];
	qsort(p->wanted, p->nr_wanted, sizeof(*p->wanted), by_inode);
	return 0;
}

static bool wants_inode(const struct bb_peers *p, uint64_t inode)
{
	struct bb_end_row row = { .key.inode = inode };
	const struct bb_end_row *key = &row;

	return bsearch(&key, p->wanted, p->nr_wanted, sizeof(*p->wanted), by_inode);
}

static bool is_fifo(const struct bb_end_row *row)
{
	return row->key.family == BB_END_INODE && row->end.name[0];
}

/* A FIFO is a path like that of any file: asked for its inode where the name is the same. */
static bool wants_name(const struct bb_peers *p, const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < p->nr_wanted; i++)
		if (is_fifo(p->wanted[i]) &&
		    !strncmp(name, p->wanted[i]->end.name, strlen(p->wanted[i]->end.name)))
			return true;
	return false;
}

struct looking {
	struct bb_peers *peers;
	pid_t pid;
};

static int add_fd(int fd, void *ctx)
{
	struct looking *l = ctx;
	struct bb_peers *p = l->peers;
	char link[64], target[4096];
	unsigned long inode = 0;
	struct holder *h;
	struct stat st;
	int mnt;

	if (p->looked++ >= FDS_MOST)
		return 1;
	if (!bb_procfs__fd_target(l->pid, fd, target, sizeof(target)))
		return 0;
	if (target[0] == '/') {
		if (wants_name(p, target))
			inode = bb_files__inode(l->pid, fd, &mnt);
	} else if (sscanf(target, "pipe:[%lu]", &inode) != 1 &&
		   sscanf(target, "socket:[%lu]", &inode) != 1) {
		return 0;
	}
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)l->pid, fd);
	/* of the link itself: its mode is how the file was opened */
	if (!inode || !wants_inode(p, inode) || lstat(link, &st))
		return 0;
	h = bb_grow((void **)&p->v, &p->nr, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->inode = inode;
	h->pid = l->pid;
	h->fifo = target[0] == '/';
	h->reads = st.st_mode & S_IRUSR;
	h->writes = st.st_mode & S_IWUSR;
	return 0;
}

static int add_process(int pid, void *ctx)
{
	struct looking l = { ctx, pid };
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	return bb_procfs__each_number(path, add_fd, &l) == -ENOMEM ? -ENOMEM : 0;
}

int bb_peers__read(const struct bb_end_row *rows, size_t nr, struct bb_peers **out)
{
	struct bb_peers *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	err = fill_wanted(p, rows, nr);
	if (!err && p->nr_wanted && bb_procfs__each_number("/proc", add_process, p) == -ENOMEM)
		err = -ENOMEM;
	if (err) {
		bb_peers__free(p);
		return err;
	}
	*out = p;
	return 0;
}

void bb_peers__comm(pid_t pid, char *comm)
{
	char path[32], *text;

	comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	text = bb_procfs__read(path, NULL);
	if (!text)
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(comm, BB_COMM_LEN, "%s", text);
	free(text);
}

void bb_peers__of(const struct bb_peers *p, const struct bb_end_row *row, pid_t pid, bool writes,
		  struct bb_end_peer *peer)
{
	pid_t last = 0;

	memset(peer, 0, sizeof(*peer));
	for (size_t i = 0; i < p->nr; i++) {
		const struct holder *h = &p->v[i];

		if (h->inode != row->key.inode || h->fifo != is_fifo(row) ||
		    (writes ? !h->reads : !h->writes))
			continue;
		peer->own |= h->pid == pid;
		if (h->pid == pid || h->pid == last)
			continue;
		last = h->pid;
		if (peer->pid)
			peer->others++;
		else
			peer->pid = h->pid;
	}
	peer->own &= !peer->pid;
	if (peer->pid)
		bb_peers__comm(peer->pid, peer->comm);
}

void bb_peers__free(struct bb_peers *p)
{
	if (!p)
		return;
	free(p->wanted);
	free(p->v);
	free(p);
}
