// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "place.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "files.h"
#include "maps.h"
#include "pollset.h"
#include "sockets.h"
#include "symbols.h"
#include "sysclass.h"

#define SYMBOL_FILES 8  /* whose tables are read for one process */
#define POLL_TRIES   20 /* of 1 ms, in a report */

/* The file whose mappings are passed by just now, and what follows them without a gap: its .bss. */
struct locks {
	pid_t pid;
	struct bb_lock *v;
	size_t nr;
	uint64_t dev, inode, end;
	char path[256];
	uint64_t exec_start, exec_offset; /* of its mapping with code, 0: none yet */
	struct bb_symbols *symbols;
	uint64_t bias;
	bool tried;
	int files;
};

static void next_file(struct locks *l, const struct bb_mapping *m)
{
	bb_symbols__free(l->symbols);
	l->symbols = NULL;
	l->tried = false;
	l->dev = m->dev;
	l->inode = m->inode;
	l->exec_start = 0;
	snprintf(l->path, sizeof(l->path), "%s", m->path);
}

static bool is_bss(const struct locks *l, const struct bb_mapping *m)
{
	return !m->path[0] && l->inode && m->start == l->end;
}

static void pass(struct locks *l, const struct bb_mapping *m)
{
	if (m->inode && m->path[0] == '/') {
		if (m->dev != l->dev || m->inode != l->inode)
			next_file(l, m);
		if (m->exec) {
			l->exec_start = m->start;
			l->exec_offset = m->offset;
		}
		l->end = m->end;
	} else if (is_bss(l, m)) {
		l->end = m->end;
	} else {
		l->inode = 0;
	}
}

/* The file's variables, once there is a lock among them. */
static int read_symbols(struct locks *l)
{
	int fd, err;

	if (l->tried || !l->exec_start || l->files >= SYMBOL_FILES)
		return 0;
	l->tried = true;
	l->files++;
	fd = bb_maps__open_of(l->pid, l->path, l->inode);
	if (fd < 0)
		return fd == -ENOMEM ? fd : 0;
	err = bb_symbols__open(fd, l->pid, BB_SYMBOLS_DATA, &l->symbols);
	if (err)
		return err == -ENOMEM ? err : 0;
	if (bb_symbols__bias(l->symbols, l->exec_start, l->exec_offset, &l->bias)) {
		bb_symbols__free(l->symbols);
		l->symbols = NULL;
	}
	return 0;
}

/*
 * Memory that follows a file's without a gap is shown as one mapping with its .bss: only what the
 * file says is in it. Of a file that cannot be read all of it may be.
 */
static int is_loaded(struct locks *l, uint64_t addr, bool *loaded)
{
	int err = read_symbols(l);
	uint64_t end = !err && l->symbols ? bb_symbols__end(l->symbols) : 0;

	*loaded = !end || addr - l->bias < end;
	return err;
}

/* "name+0x28", as far as the file has names for its variables. */
static int name_variable(struct locks *l, struct bb_lock *lock)
{
	char name[BB_SYMBOL_LEN + 32];
	uint64_t offset;
	int err = read_symbols(l);

	if (err || !l->symbols || bb_symbols__find(l->symbols, lock->addr - l->bias, name, &offset))
		return err;
	if (offset)
		snprintf(name + strlen(name), 32, "+0x%" PRIx64, offset);
	lock->symbol = strdup(name);
	return lock->symbol ? 0 : -ENOMEM;
}

static int name_locks(const struct bb_mapping *m, void *ctx)
{
	struct locks *l = ctx;
	bool follows = is_bss(l, m), bss;
	int err = 0;

	pass(l, m);
	for (size_t i = 0; i < l->nr && !err; i++) {
		struct bb_lock *lock = &l->v[i];

		if (lock->place || lock->addr < m->start || lock->addr >= m->end)
			continue;
		bss = follows;
		if (follows)
			err = is_loaded(l, lock->addr, &bss);
		lock->place = strdup(bss ? l->path : m->path[0] ? m->path : "[anonymous]");
		if (err || !lock->place)
			return -ENOMEM;
		if (lock->shared && m->shared && m->inode) {
			lock->dev = m->dev;
			lock->inode = m->inode;
			lock->offset = m->offset + (lock->addr - m->start);
		}
		if (l->inode && (bss || m->path[0] == '/'))
			err = name_variable(l, lock);
	}
	return err;
}

int bb_place__locks(pid_t pid, struct bb_lock *locks, size_t nr)
{
	struct locks l = { .pid = pid, .v = locks, .nr = nr };
	int err = nr ? bb_maps__each(pid, name_locks, &l) : 0;

	bb_symbols__free(l.symbols);
	return err == -ENOMEM ? err : 0;
}

/* One process's, read only when they matter, and once. */
struct places {
	const struct bb_process *process;
	struct bb_end_table *table;
	uint32_t *peers; /* by number of the end, and 1: counted once */
	struct bb_sockets *sockets;
	struct bb_files *files;
	struct bb_mem mem;
};

static int read_sockets(struct places *e)
{
	return e->sockets ? 0 : bb_sockets__read(e->process->pid, &e->sockets);
}

static int read_files(struct places *e)
{
	return e->files ? 0 : bb_files__read(e->process->pid, &e->files);
}

static int read_peers(struct places *e)
{
	return e->table->peers ? 0 : bb_peers__read(e->table->rows, e->table->nr, &e->table->peers);
}

/* How many clients there are on a port, or a path. */
static int count_peers(struct places *e, struct bb_wait *w)
{
	const struct bb_end_row *row = &e->table->rows[w->end];
	uint32_t *nr = &e->peers[w->end];
	int err = *nr ? 0 : read_sockets(e);

	if (err)
		return err;
	if (!*nr && row->key.family == AF_UNIX)
		*nr = 1 + bb_sockets__unix_peers(e->sockets, &row->end);
	else if (!*nr)
		*nr = 1 + bb_sockets__peers(e->sockets, row->key.local);
	w->peers = *nr - 1;
	return 0;
}

static int place_unix(struct places *e, struct bb_wait *w)
{
	const struct bb_end_row *row = &e->table->rows[w->end];
	struct bb_end_peer peer = {};
	int err = 0;

	if (row->key.named) {
		peer.pid = (pid_t)row->end.pid;
		if (peer.pid)
			bb_peers__comm(peer.pid, peer.comm);
	} else if (row->key.peer) {
		err = read_peers(e);
		if (!err)
			bb_peers__of(e->table->peers, row, e->process->pid, false, &peer);
	}
	if (!err)
		bb_end__unix(row, &peer, w);
	return !err && w->endpoint == BB_END_INBOUND ? count_peers(e, w) : err;
}

static int place_pipe(struct places *e, struct bb_wait *w)
{
	const struct bb_end_row *row = &e->table->rows[w->end];
	const char *call = bb_syscall__name(w->syscall), *path = NULL;
	/* of any other call it is the descriptor that is read from */
	bool writes = call && (strstr(call, "write") || !strcmp(call, "sendfile"));
	struct bb_end_peer peer;
	int err = read_peers(e);

	if (!err && row->end.name[0])
		err = read_files(e);
	if (err)
		return err;
	if (row->end.name[0])
		path = bb_files__path(e->files, row);
	bb_peers__of(e->table->peers, row, e->process->pid, writes, &peer);
	bb_end__pipe(row, path, writes, &peer, w);
	return 0;
}

static int place_end(struct places *e, struct bb_wait *w)
{
	const struct bb_end_row *row = &e->table->rows[w->end];
	int err;

	if (row->key.family == AF_UNIX)
		return place_unix(e, w);
	if (row->key.family != BB_END_INODE) {
		bb_end__inet(&row->key, w);
		return w->endpoint == BB_END_INBOUND && row->key.proto == IPPROTO_TCP
			       ? count_peers(e, w)
			       : 0;
	}
	if (row->key.proto == BB_FD_PIPE)
		return place_pipe(e, w);
	err = read_files(e);
	if (!err)
		bb_end__file(row, bb_files__path(e->files, row), w);
	return err;
}

/* A poll() or select() of several: what the thread watches now, if it is blocked there again. */
static int place_set(struct places *e, const struct bb_thread *t, struct bb_wait *w)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int fds[BB_POLLSET_MOST], nr, err;

	if (t->ended || w->ns < t->window_ns / 10)
		return 0;
	nr = bb_pollset__read(&e->mem, t->tid, w->syscall, fds);
	while (nr == -EAGAIN && e->table->tries < POLL_TRIES) {
		e->table->tries++;
		nanosleep(&ms, NULL);
		nr = bb_pollset__read(&e->mem, t->tid, w->syscall, fds);
	}
	err = nr > 0 ? read_sockets(e) : nr;
	if (!err && nr > 0)
		bb_sockets__describe_set(e->sockets, fds, (size_t)nr, w);
	return err;
}

/* By its descriptor, as that is now. */
static int place_fd(struct places *e, struct bb_wait *w)
{
	int err = read_sockets(e);

	if (!err)
		bb_sockets__describe(e->sockets, w);
	return err;
}

static int place_wait(struct places *e, const struct bb_thread *t, struct bb_wait *w)
{
	int err = 0;

	if (w->end && w->end < e->table->nr)
		err = place_end(e, w);
	else if (w->state == BB_STATE_POLL && bb_pollset__watches(w->syscall) && w->fd < 0)
		err = place_set(e, t, w);
	else if (w->fd >= 0)
		err = place_fd(e, w);
	/* the last of them stands for the others' direction */
	if (w->end == BB_END_SEVERAL)
		snprintf(w->label, sizeof(w->label), "several");
	for (char *c = w->label; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return err == -ENOMEM ? err : 0;
}

int bb_place__waits(struct bb_process *p, struct bb_end_table *table)
{
	struct places e = { .process = p, .table = table };
	int err = 0;

	if (p->kernel_thread)
		return 0;
	e.peers = calloc(table->nr ? table->nr : 1, sizeof(*e.peers));
	if (!e.peers)
		return -ENOMEM;
	bb_mem__init(&e.mem, p->pid);
	for (size_t i = 0; i < p->nr_threads && !err; i++)
		for (size_t j = 0; j < p->threads[i].nr_waits && !err; j++)
			err = place_wait(&e, &p->threads[i], &p->threads[i].waits[j]);
	bb_mem__free(&e.mem);
	bb_sockets__free(e.sockets);
	bb_files__free(e.files);
	free(e.peers);
	return err;
}

void bb_place__free_table(struct bb_end_table *table)
{
	bb_peers__free(table->peers);
	free(table->rows);
}
