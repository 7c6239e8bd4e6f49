// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "place.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps.h"
#include "sockets.h"
#include "symbols.h"

#define SYMBOL_FILES 8 /* whose tables are read for one process */

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
	char path[sizeof(l->path) + 32];
	int fd, err;

	if (l->tried || !l->exec_start || l->files >= SYMBOL_FILES)
		return 0;
	l->tried = true;
	l->files++;
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)l->pid, l->path);
	fd = bb_maps__open(path, l->inode);
	if (fd < 0)
		return 0;
	err = bb_symbols__open(fd, l->pid, BB_SYMBOLS_DATA, &l->symbols);
	if (err)
		return err == -ENOMEM ? err : 0;
	if (bb_symbols__bias(l->symbols, l->exec_start, l->exec_offset, &l->bias)) {
		bb_symbols__free(l->symbols);
		l->symbols = NULL;
	}
	return 0;
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
	bool bss = is_bss(l, m);
	int err = 0;

	pass(l, m);
	for (size_t i = 0; i < l->nr && !err; i++) {
		struct bb_lock *lock = &l->v[i];

		if (lock->place || lock->addr < m->start || lock->addr >= m->end)
			continue;
		lock->place = strdup(bss ? l->path : m->path[0] ? m->path : "[anonymous]");
		if (!lock->place)
			return -ENOMEM;
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

int bb_place__waits(struct bb_process *p, const struct bb_end_key *ends, size_t nr)
{
	uint32_t *peers = calloc(nr ? nr : 1, sizeof(*peers)); /* and 1: counted once */
	struct bb_sockets *s = NULL;
	int err = peers ? 0 : -ENOMEM;

	for (size_t i = 0; i < p->nr_threads && !err; i++) {
		for (size_t j = 0; j < p->threads[i].nr_waits && !err; j++) {
			struct bb_wait *w = &p->threads[i].waits[j];
			bool known = w->end && w->end < nr && w->end != BB_END_SEVERAL;

			if ((w->fd < 0 && !known) || p->kernel_thread)
				continue;
			if (!s) {
				/* read once, and only when somebody waited on a descriptor */
				err = bb_sockets__read(p->pid, &s);
				if (err)
					break;
			}
			if (known)
				bb_sockets__of_end(&ends[w->end], w);
			else
				bb_sockets__describe(s, w);
			if (known && w->endpoint == BB_END_INBOUND &&
			    ends[w->end].proto == IPPROTO_TCP) {
				if (!peers[w->end])
					peers[w->end] =
						1 + bb_sockets__peers(s, ends[w->end].local);
				w->peers = peers[w->end] - 1;
			}
			if (w->end == BB_END_SEVERAL)
				snprintf(w->label, sizeof(w->label), "several");
		}
	}
	bb_sockets__free(s);
	free(peers);
	return err == -ENOMEM ? err : 0;
}
