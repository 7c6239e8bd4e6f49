// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "calls.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../util/grow.h"

bool bb_call_kind__adds_up(enum bb_call_kind kind)
{
	return kind >= BB_CALL_FUTEX_WAKE;
}

bool bb_syscall__same(const struct bb_syscall *a, const struct bb_syscall *b)
{
	return a->nr == b->nr && a->kind == b->kind;
}

void bb_syscall__add(struct bb_syscall *to, const struct bb_syscall *b)
{
	to->count += b->count;
	to->errors += b->errors;
	to->ns += b->ns;
	if (b->max_ns > to->max_ns)
		to->max_ns = b->max_ns;
	to->inside_ns += b->inside_ns;
	to->amount += b->amount;
	for (int i = 0; i < BB_OUT_MAX; i++) {
		to->outcomes[i].count += b->outcomes[i].count;
		to->outcomes[i].ns += b->outcomes[i].ns;
	}
}

/* Of futex, what waits for a word is told by the state: another command blocks as any call. */
static bool waits_for_word(const struct bb_wait *w)
{
	return w->state == BB_STATE_GIL || w->state == BB_STATE_LOCK || w->state == BB_STATE_QUEUE;
}

static struct bb_call *call_of(struct bb_call *calls, size_t nr, const struct bb_wait *w)
{
	for (size_t i = 0; i < nr; i++)
		if (calls[i].traced.nr == w->syscall &&
		    (calls[i].traced.kind == BB_CALL_FUTEX_WAIT) == waits_for_word(w))
			return &calls[i];
	return NULL;
}

static void forget(struct bb_syscall *s)
{
	s->count = s->errors = s->ns = s->max_ns = BB_UNKNOWN_U64;
	s->inside_ns = s->amount = BB_UNKNOWN_U64;
}

/* One that was traced all the time was not made: not from beginning to end. */
static struct bb_call *call_untraced(struct bb_call *c, const struct bb_wait *w, bool all)
{
	c->traced.nr = w->syscall;
	c->traced.kind = waits_for_word(w) ? BB_CALL_FUTEX_WAIT : BB_CALL_OTHER;
	if (!all)
		forget(&c->traced);
	return c;
}

static uint64_t time_of(const struct bb_call *c)
{
	uint64_t ns = c->traced.inside_ns;

	if (ns == BB_UNKNOWN_U64)
		ns = c->traced.ns;
	return ns != BB_UNKNOWN_U64 && ns > c->blocked_ns ? ns : c->blocked_ns;
}

static int longest_first(const void *a, const void *b)
{
	const struct bb_call *x = a, *y = b;

	if (time_of(x) != time_of(y))
		return time_of(x) < time_of(y) ? 1 : -1;
	if (x->traced.nr != y->traced.nr)
		return x->traced.nr < y->traced.nr ? -1 : 1;
	return (x->traced.kind > y->traced.kind) - (x->traced.kind < y->traced.kind);
}

int bb_process__calls(const struct bb_record *rec, const struct bb_process *p, struct bb_call **out,
		      size_t *nr)
{
	/* an interval of one that was traced may come after it was */
	size_t n = 0, nr_traced = rec->overhead.syscall_window_ns ? p->nr_syscalls : 0;
	bool all = rec->overhead.syscall_tracing == BB_TRACING_ON;
	struct bb_call *calls = calloc(nr_traced + p->nr_waits + 1, sizeof(*calls));

	*out = calls;
	*nr = 0;
	if (!calls)
		return -ENOMEM;
	for (size_t i = 0; i < nr_traced; i++) {
		const struct bb_syscall *s = &p->syscalls[i];

		/* no more is known than that one was open as the window began */
		if (!all && !s->count)
			continue;
		calls[n].traced = *s;
		if (!all)
			calls[n].traced.inside_ns = BB_UNKNOWN_U64;
		n++;
	}
	for (size_t i = 0; i < p->nr_waits; i++) {
		const struct bb_wait *w = &p->waits[i];
		struct bb_call *c;

		if (w->syscall == -1)
			continue;
		c = call_of(calls, n, w);
		if (!c)
			c = call_untraced(&calls[n++], w, all);
		c->waits += w->count;
		c->blocked_ns += w->ns;
		if (w->max_ns > c->blocked_max_ns)
			c->blocked_max_ns = w->max_ns;
	}
	qsort(calls, n, sizeof(*calls), longest_first);
	*nr = n;
	return 0;
}

double bb_call__blocked_share(const struct bb_record *rec, const struct bb_call *c)
{
	uint64_t ns = c->traced.inside_ns;

	if (rec->overhead.syscall_tracing != BB_TRACING_ON || !ns)
		return NAN;
	return c->blocked_ns < ns ? (double)c->blocked_ns / (double)ns : 1;
}

struct bb_syscall *bb_process__syscall(struct bb_process *p, int32_t nr, enum bb_call_kind kind)
{
	struct bb_syscall *s;

	for (size_t i = 0; i < p->nr_syscalls; i++)
		if (p->syscalls[i].nr == nr && p->syscalls[i].kind == kind)
			return &p->syscalls[i];
	s = bb_grow((void **)&p->syscalls, &p->nr_syscalls, sizeof(*s));
	if (!s)
		return NULL;
	s->nr = nr;
	s->kind = kind;
	return s;
}
