// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "shared_locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../util/grow.h"

struct row {
	const struct bb_process *p;
	const struct bb_lock *lock;
};

static int by_memory(const void *a, const void *b)
{
	const struct bb_lock *x = ((const struct row *)a)->lock, *y = ((const struct row *)b)->lock;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int most_contended_first(const void *a, const void *b)
{
	const struct bb_lock *x = a, *y = b;

	if (x->state != y->state)
		return x->state == BB_STATE_LOCK ? -1 : 1;
	if (x->contended_ns != y->contended_ns)
		return x->contended_ns < y->contended_ns ? 1 : -1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int add_hist(struct bb_lock *to, const uint64_t *hist)
{
	if (!hist)
		return 0;
	if (!to->hist)
		to->hist = calloc(BB_HIST_SLOTS, sizeof(*to->hist));
	if (!to->hist)
		return -ENOMEM;
	for (int i = 0; i < BB_HIST_SLOTS; i++)
		to->hist[i] += hist[i];
	return 0;
}

/* A process may see less of it than another: who only lets go of it sees no waits. */
static int add_row(struct bb_lock *to, const struct bb_lock *l)
{
	to->processes++;
	to->contended_most_ns += l->contended_ns;
	to->contended_ns = l->contended_ns > to->contended_ns ? l->contended_ns : to->contended_ns;
	to->waiters_max = l->waiters_max > to->waiters_max ? l->waiters_max : to->waiters_max;
	to->max_ns = l->max_ns > to->max_ns ? l->max_ns : to->max_ns;
	to->wait_ns += l->wait_ns;
	to->waits += l->waits;
	to->times += l->times;
	to->write_ns += l->write_ns;
	to->write_waits += l->write_waits;
	to->proto_ns += l->proto_ns;
	to->handed_ns += l->handed_ns;
	to->fed_ns += l->fed_ns;
	to->other_ns += l->other_ns;
	to->open |= l->open;
	if (to->kind == BB_LOCK_UNKNOWN)
		to->kind = l->kind;
	/* the protocol, or a hand-over that one of them saw, says more than that the other did not
	 */
	if (l->state == BB_STATE_LOCK && to->state != BB_STATE_LOCK) {
		to->state = l->state;
		to->rule = l->rule;
	}
	return add_hist(to, l->hist);
}

static void add_holder(struct bb_lock_holder *to, const struct bb_lock_holder *h)
{
	uint64_t ns = to->wait.ns + h->wait.ns;

	to->ns += h->ns;
	to->count += h->count;
	to->owns |= h->owns;
	if (h->wait.max_ns > to->wait.max_ns) {
		to->wait = h->wait;
	}
	to->wait.ns = ns;
}

static int add_holders(struct bb_process *tree, size_t from, uint64_t addr, const struct row *r)
{
	const struct bb_lock_holder *h;
	size_t nr;

	h = bb_process__lock_holders(r->p, r->lock->addr, &nr);
	for (size_t i = 0; i < nr; i++) {
		struct bb_lock_holder *to;
		size_t j = from;

		while (j < tree->nr_lock_holders && (tree->lock_holders[j].tid != h[i].tid ||
						     tree->lock_holders[j].pid != h[i].pid))
			j++;
		if (j < tree->nr_lock_holders) {
			add_holder(&tree->lock_holders[j], &h[i]);
			continue;
		}
		to = bb_grow((void **)&tree->lock_holders, &tree->nr_lock_holders, sizeof(*to));
		if (!to)
			return -ENOMEM;
		*to = h[i];
		to->lock = addr;
		/* an address of its own process */
		to->futex = 0;
	}
	return 0;
}

/*
 * Locks of different memory may be at the same address in different processes. Words are at
 * multiples of 4: what is added tells such apart.
 */
static uint64_t free_addr(const struct bb_process *tree, uint64_t addr)
{
	while (bb_process__lock_at(tree, addr))
		addr++;
	return addr;
}

/* Rows from @r on that are one lock; their number, or -ENOMEM. */
static ssize_t join(const struct bb_record *rec, struct bb_process *tree, const struct row *r,
		    size_t nr)
{
	uint64_t addr = free_addr(tree, r->lock->addr);
	struct bb_lock *to = bb_grow((void **)&tree->locks, &tree->nr_locks, sizeof(*to));
	size_t n = 0, holders = tree->nr_lock_holders;

	if (!to)
		return -ENOMEM;
	*to = (struct bb_lock){
		.addr = addr,
		.shared = true,
		.kind = r->lock->kind,
		.rule = r->lock->rule,
		.state = r->lock->state,
		.place = r->lock->place,
		.symbol = r->lock->symbol,
		.object = r->lock->object,
		.code = r->lock->code,
		.caller = r->lock->caller,
		.dev = r->lock->dev,
		.inode = r->lock->inode,
		.offset = r->lock->offset,
	};
	for (; n < nr && !by_memory(r, &r[n]); n++)
		if (add_row(to, r[n].lock) || add_holders(tree, holders, to->addr, &r[n]))
			return -ENOMEM;
	if (to->contended_most_ns > rec->window.ns)
		to->contended_most_ns = rec->window.ns;
	if (to->contended_most_ns < to->contended_ns)
		to->contended_most_ns = to->contended_ns;
	return (ssize_t)n;
}

int bb_shared_locks__join(const struct bb_record *rec, struct bb_process *tree)
{
	struct row *rows = NULL, *row;
	size_t nr = 0;
	ssize_t n = 0;
	int err = 0;

	for (size_t i = 0; i < rec->nr_processes && !err; i++) {
		const struct bb_process *p = &rec->processes[i];

		for (size_t j = 0; j < p->nr_locks && !err; j++) {
			if (!p->locks[j].inode)
				continue;
			row = bb_grow((void **)&rows, &nr, sizeof(*rows));
			if (row)
				*row = (struct row){ p, &p->locks[j] };
			else
				err = -ENOMEM;
		}
	}
	if (nr && !err)
		qsort(rows, nr, sizeof(*rows), by_memory);
	for (size_t i = 0; i < nr && !err; i += (size_t)n) {
		n = join(rec, tree, &rows[i], nr - i);
		err = n < 0 ? (int)n : 0;
	}
	free(rows);
	if (tree->nr_locks)
		qsort(tree->locks, tree->nr_locks, sizeof(*tree->locks), most_contended_first);
	bb_lock_holders__sort(tree->lock_holders, tree->nr_lock_holders);
	return err;
}

void bb_shared_locks__free(struct bb_process *tree)
{
	for (size_t i = 0; i < tree->nr_locks; i++)
		free(tree->locks[i].hist);
	free(tree->locks);
	free(tree->lock_holders);
}
