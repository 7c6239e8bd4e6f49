// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Slices of a process, from the kernel's buckets to the states of the model. */
#include <errno.h>
#include <stdlib.h>

#include "sliced.h"

static uint64_t at(const struct bb_column *c, size_t i)
{
	return c->v ? c->v[i] : 0;
}

struct spread {
	const struct bb_slice_times *times;
	uint64_t start, end; /* ktime, of the process */
};

static int spread_column(struct bb_column *c, void *ctx)
{
	const struct spread *sp = ctx;
	const struct bb_slice_times *t = sp->times;
	uint64_t all = at(c, t->nr - 1), left = all;

	if (!all)
		return 0;
	c->v[t->nr - 1] = 0;
	for (size_t i = 0; i < t->nr; i++) {
		uint64_t from = i ? t->ends[i - 1] : t->start_ns, to = t->ends[i];
		uint64_t ns;

		from = from > sp->start ? from : sp->start;
		if (to >= sp->end || i + 1 == t->nr) {
			c->v[i] += left;
			return 0;
		}
		if (to <= from)
			continue;
		ns = (uint64_t)((double)all * (double)(to - from) / (double)(sp->end - sp->start));
		ns = ns < left ? ns : left;
		c->v[i] += ns;
		left -= ns;
	}
	return 0;
}

/* Each column that a slice of the model is made of. */
static void spread(struct bb_sliced *from, const struct bb_slice_times *times,
		   const struct bb_process *p)
{
	struct spread sp = { .times = times, .start = UINT64_MAX };

	for (size_t i = 0; i < p->nr_threads; i++) {
		uint64_t start = times->start_ns + p->threads[i].start_ns;
		uint64_t end = start + p->threads[i].window_ns;

		sp.start = start < sp.start ? start : sp.start;
		sp.end = end > sp.end ? end : sp.end;
	}
	if (sp.end > sp.start)
		bb_sliced__each(from, spread_column, &sp);
}

/* Of the futex waits whose words are not told apart, the part that is for locks. */
static double lock_share(const struct bb_process *p)
{
	double lock = (double)p->budget.ns[BB_STATE_LOCK];
	double queue = (double)p->budget.ns[BB_STATE_QUEUE];

	return lock + queue > 0 ? lock / (lock + queue) : 0;
}

/* @states: of the words; BB_STATE_MAX: no futex with a row. */
static void fold_slice(struct bb_slice *to, const struct bb_sliced *from,
		       const enum bb_state *states, double rest, size_t i)
{
	struct bb_lock_shares shares = { .lock = { 1, 1, 0, rest } };
	uint64_t ns[BB_BUCKET_MAX], lock = 0, queue = 0;

	for (int b = 0; b < BB_BUCKET_MAX; b++)
		ns[b] = at(&from->buckets[b], i);
	for (size_t w = 0; w < from->nr_words; w++) {
		if (states[w] == BB_STATE_LOCK)
			lock += at(&from->words[w].waited, i);
		else if (states[w] == BB_STATE_QUEUE)
			queue += at(&from->words[w].waited, i);
	}
	bb_fold__budget(&to->budget, ns, &shares, lock, queue);
	to->busiest_ns = at(&from->busiest, i);
}

int bb_sliced__give(struct bb_sliced *from, const struct bb_slice_times *s, bool late,
		    struct bb_process *p)
{
	struct bb_slices *to = &p->slices;
	enum bb_state states[BB_SLICED_WORDS];

	if (late)
		spread(from, s, p);
	to->nr_waits = from->nr_waits;
	to->nr_objects = from->nr_words;
	to->items = calloc(s->nr, sizeof(*to->items));
	to->waits = calloc(to->nr_waits + 1, sizeof(*to->waits));
	to->wait_ns = calloc(s->nr * to->nr_waits + 1, sizeof(*to->wait_ns));
	to->objects = calloc(to->nr_objects + 1, sizeof(*to->objects));
	to->contended_ns = calloc(s->nr * to->nr_objects + 1, sizeof(*to->contended_ns));
	if (!to->items || !to->waits || !to->wait_ns || !to->objects || !to->contended_ns)
		return -ENOMEM;
	for (size_t w = 0; w < to->nr_waits; w++)
		to->waits[w] = (struct bb_slice_wait){ .state = bb_fold__state(from->ids[w].bucket),
						       .syscall = from->ids[w].nr,
						       .fdkind = from->ids[w].fdkind,
						       .end = from->ids[w].end };
	for (size_t o = 0; o < to->nr_objects; o++) {
		const struct bb_lock *l = bb_process__lock_at(p, from->words[o].addr);

		to->objects[o] = from->words[o].addr;
		states[o] = l && !from->words[o].gil ? l->state : BB_STATE_MAX;
	}
	for (size_t i = 0; i < s->nr; i++) {
		uint64_t length = s->ends[i] - (i ? s->ends[i - 1] : s->start_ns);

		fold_slice(&to->items[i], from, states, lock_share(p), i);
		for (size_t w = 0; w < to->nr_waits; w++)
			to->wait_ns[i * to->nr_waits + w] = at(&from->waits[w], i);
		for (size_t o = 0; o < to->nr_objects; o++) {
			uint64_t ns = at(&from->words[o].contended, i);

			/* a word that came to be told apart brings all of its past */
			to->contended_ns[i * to->nr_objects + o] = ns < length ? ns : length;
		}
	}
	return 0;
}
