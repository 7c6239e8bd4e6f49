/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All selected processes of a record, added up into one. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../model/calls.h"
#include "../model/shared_locks.h"
#include "tree.h"

uint64_t bb_process__threads(const struct bb_process *p)
{
	return p->nr_threads + p->folded_threads;
}

uint64_t bb_process__active(const struct bb_process *p)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < p->nr_threads; i++)
		n += p->threads[i].active;
	return n;
}

int64_t bb_process__residual(const struct bb_process *p)
{
	return (int64_t)(p->window_ns - bb_budget__sum(&p->budget));
}

static void wait__merge(struct bb_wait *to, const struct bb_wait *w)
{
	to->count += w->count;
	to->ns += w->ns;
	if (w->max_ns > to->max_ns)
		to->max_ns = w->max_ns;
	to->open |= w->open;
	to->fd = -1; /* a number says nothing across processes */
	if (to->endpoint != w->endpoint)
		to->endpoint = BB_END_UNKNOWN;
	if (strcmp(to->label, w->label))
		to->label[0] = '\0';
}

/*
 * The distinct rows are few (states times syscalls times kinds of descriptor),
 * so a linear search does; room for all rows is allocated up front.
 */
static void tree__add_waits(struct bb_process *tree, const struct bb_process *p)
{
	size_t i, j;

	for (i = 0; i < p->nr_waits; i++) {
		const struct bb_wait *w = &p->waits[i];

		for (j = 0; j < tree->nr_waits; j++)
			if (bb_wait__same_call(&tree->waits[j], w))
				break;
		if (j < tree->nr_waits)
			wait__merge(&tree->waits[j], w);
		else
			tree->waits[tree->nr_waits++] = *w;
	}
}

static void tree__add_syscalls(struct bb_process *tree, const struct bb_process *p)
{
	size_t i, j;

	for (i = 0; i < p->nr_syscalls; i++) {
		const struct bb_syscall *s = &p->syscalls[i];

		for (j = 0; j < tree->nr_syscalls; j++)
			if (bb_syscall__same(&tree->syscalls[j], s))
				break;
		if (j < tree->nr_syscalls)
			bb_syscall__add(&tree->syscalls[j], s);
		else
			tree->syscalls[tree->nr_syscalls++] = *s;
	}
}

static void tree__add(struct bb_process *tree, const struct bb_process *p)
{
	bb_budget__add(&tree->budget, &p->budget);
	bb_budget__add(&tree->folded, &p->folded);
	tree->window_ns += p->window_ns;
	tree->voluntary += p->voluntary;
	tree->involuntary += p->involuntary;
	tree->threads_born += p->threads_born;
	tree->threads_ended += p->threads_ended;
	tree->folded_threads += p->folded_threads;
	tree->folded_window_ns += p->folded_window_ns;
	tree->migrations = bb_known__add(tree->migrations, p->migrations);
	tree->kernel_ns = bb_known__add(tree->kernel_ns, p->kernel_ns);
	tree->rss_bytes = bb_known__add(tree->rss_bytes, p->rss_bytes);
	if (p->cpus_usable != tree->cpus_usable)
		tree->cpus_usable = NAN;
	tree__add_waits(tree, p);
	tree__add_syscalls(tree, p);
}

static int wait__longest_first(const void *a, const void *b)
{
	const struct bb_wait *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->syscall != y->syscall)
		return x->syscall < y->syscall ? -1 : 1;
	return (x->fdkind > y->fdkind) - (x->fdkind < y->fdkind);
}

int bb_tree__sum(const struct bb_record *rec, struct bb_process *tree)
{
	size_t i, waits = 1, syscalls = 1;

	memset(tree, 0, sizeof(*tree));
	for (i = 0; i < rec->nr_processes; i++) {
		waits += rec->processes[i].nr_waits;
		syscalls += rec->processes[i].nr_syscalls;
	}
	tree->waits = calloc(waits, sizeof(*tree->waits));
	tree->syscalls = calloc(syscalls, sizeof(*tree->syscalls));
	if (!tree->waits || !tree->syscalls) {
		bb_tree__free(tree);
		return -ENOMEM;
	}
	tree->cpus_usable = rec->nr_processes ? rec->processes[0].cpus_usable : NAN;
	for (i = 0; i < rec->nr_processes; i++)
		tree__add(tree, &rec->processes[i]);
	qsort(tree->waits, tree->nr_waits, sizeof(*tree->waits), wait__longest_first);
	if (bb_shared_locks__join(rec, tree)) {
		bb_tree__free(tree);
		return -ENOMEM;
	}
	return 0;
}

void bb_tree__free(struct bb_process *tree)
{
	free(tree->waits);
	free(tree->syscalls);
	bb_shared_locks__free(tree);
	memset(tree, 0, sizeof(*tree));
}
