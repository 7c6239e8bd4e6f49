// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

static int compare_text(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return a == b ? 0 : strcmp(a, b);
}

static int compare_frames(const struct bb_stack_frame *a, const struct bb_stack_frame *b)
{
	int d = COMPARE(a->kind, b->kind);

	if (!d)
		d = compare_text(a->name, b->name);
	if (!d)
		d = compare_text(a->object, b->object);
	return d ? d : COMPARE(a->line, b->line);
}

/* Who ended it: interrupts are all one, whoever they hit. */
static int compare_wakers(const struct bb_stack_row *a, const struct bb_stack_row *b)
{
	int d = COMPARE(a->interrupt, b->interrupt);

	if (d || a->interrupt)
		return d;
	d = COMPARE(a->by_pid, b->by_pid);
	if (!d)
		d = COMPARE(a->by_tid, b->by_tid);
	return d ? d : strcmp(a->by_comm, b->by_comm);
}

static int compare_keys(const void *x, const void *y)
{
	const struct bb_stack_row *a = x, *b = y;
	int d = COMPARE(a->kind, b->kind);

	if (!d)
		d = COMPARE(a->state, b->state);
	if (!d)
		d = COMPARE(a->syscall, b->syscall);
	if (!d)
		d = COMPARE(a->tid, b->tid);
	if (!d)
		d = compare_wakers(a, b);
	for (size_t i = 0; !d && i < a->nr && i < b->nr; i++)
		d = compare_frames(&a->frames[i], &b->frames[i]);
	if (!d)
		d = COMPARE(a->nr, b->nr);
	return d ? d : COMPARE(a->truncated, b->truncated);
}

static int compare_sizes(const void *x, const void *y)
{
	const struct bb_stack_row *a = x, *b = y;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return compare_keys(a, b);
}

void bb_stacks__join(struct bb_process *p)
{
	size_t kept = 0;

	if (!p->nr_stacks)
		return;
	qsort(p->stacks, p->nr_stacks, sizeof(*p->stacks), compare_keys);
	for (size_t i = 0; i < p->nr_stacks; i++) {
		struct bb_stack_row *to = kept ? &p->stacks[kept - 1] : NULL, *r = &p->stacks[i];

		if (!to || compare_keys(to, r)) {
			p->stacks[kept++] = *r;
			continue;
		}
		to->ns += r->ns;
		to->count += r->count;
		if (r->max_ns > to->max_ns)
			to->max_ns = r->max_ns;
		to->behind_ns += r->behind_ns;
		if (r->behind_max > to->behind_max) {
			to->behind_max = r->behind_max;
			to->behind = r->behind;
		}
		free(r->frames);
	}
	p->nr_stacks = kept;
	qsort(p->stacks, kept, sizeof(*p->stacks), compare_sizes);
}

void bb_stacks__subtract(struct bb_process *p, const struct bb_process *less)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->nr_stacks; i++) {
		struct bb_stack_row *r = &p->stacks[i];

		for (size_t j = 0; j < less->nr_stacks; j++) {
			const struct bb_stack_row *l = &less->stacks[j];

			if (compare_keys(l, r))
				continue;
			r->ns -= r->ns < l->ns ? r->ns : l->ns;
			r->count -= r->count < l->count ? r->count : l->count;
			r->behind_ns -= r->behind_ns < l->behind_ns ? r->behind_ns : l->behind_ns;
			break;
		}
		if (r->ns || r->count)
			p->stacks[kept++] = *r;
		else
			free(r->frames);
	}
	p->nr_stacks = kept;
	if (kept)
		qsort(p->stacks, kept, sizeof(*p->stacks), compare_sizes);
}

uint64_t bb_stacks__samples(const struct bb_process *p)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < p->nr_stacks; i++)
		if (p->stacks[i].kind == BB_STACK_ONCPU)
			nr += p->stacks[i].count;
	return nr;
}

static int compare_edges(const void *x, const void *y)
{
	const struct bb_wake_edge *a = x, *b = y;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	return COMPARE(b->count, a->count);
}

static bool same_edge(const struct bb_stack_row *a, const struct bb_stack_row *b, bool by_thread)
{
	return a->state == b->state && !compare_wakers(a, b) && (!by_thread || a->tid == b->tid);
}

int bb_stacks__edges(const struct bb_process *p, bool by_thread, struct bb_wake_edge **out,
		     size_t *nr)
{
	struct bb_wake_edge *edges = NULL;
	size_t n = 0, j;

	*out = NULL;
	*nr = 0;
	for (size_t i = 0; i < p->nr_stacks; i++) {
		const struct bb_stack_row *r = &p->stacks[i];

		if (r->kind != BB_STACK_WAKER)
			continue;
		if (!edges)
			edges = calloc(p->nr_stacks, sizeof(*edges));
		if (!edges)
			return -ENOMEM;
		for (j = 0; j < n && !same_edge(edges[j].row, r, by_thread); j++)
			;
		if (j == n)
			edges[n++].row = r;
		edges[j].ns += r->ns;
		edges[j].count += r->count;
		edges[j].behind_ns += r->behind_ns;
		if (r->behind_max > edges[j].behind_max) {
			edges[j].behind_max = r->behind_max;
			edges[j].behind = r->behind;
		}
	}
	if (n)
		qsort(edges, n, sizeof(*edges), compare_edges);
	*out = edges;
	*nr = n;
	return 0;
}
