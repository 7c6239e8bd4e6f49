// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sysclass.h"

static const enum bb_state state_of[BB_BUCKET_MAX] = {
	[BB_ONCPU] = BB_STATE_ONCPU,       [BB_RUNQ_PREEMPTED] = BB_STATE_RUNQ,
	[BB_RUNQ_WOKEN] = BB_STATE_RUNQ,   [BB_RUNQ_THROTTLED] = BB_STATE_RUNQ,
	[BB_GIL] = BB_STATE_GIL,           [BB_FUTEX_PROTO] = BB_STATE_LOCK,
	[BB_FUTEX_HANDED] = BB_STATE_LOCK, [BB_FUTEX_FED] = BB_STATE_QUEUE,
	[BB_FUTEX_OTHER] = BB_STATE_QUEUE, [BB_DISK] = BB_STATE_DISK,
	[BB_NET] = BB_STATE_NET,           [BB_POLL] = BB_STATE_POLL,
	[BB_IPC] = BB_STATE_IPC,           [BB_SLEEP] = BB_STATE_SLEEP,
	[BB_CHILD] = BB_STATE_CHILD,       [BB_FAULT] = BB_STATE_FAULT,
	[BB_STOPPED] = BB_STATE_STOPPED,   [BB_OTHER] = BB_STATE_OTHER,
	[BB_UNKNOWN] = BB_STATE_UNKNOWN,
};

enum bb_state bb_fold__state(uint32_t bucket)
{
	return bucket < BB_BUCKET_MAX ? state_of[bucket] : BB_STATE_UNKNOWN;
}

void bb_fold__budget(struct bb_budget *b, const uint64_t *ns, const struct bb_lock_shares *shares,
		     uint64_t lock_ns, uint64_t queue_ns)
{
	uint64_t futex = 0, known, lock;
	double by_share = 0;

	memset(b, 0, sizeof(*b));
	for (int i = 0; i < BB_BUCKET_MAX; i++) {
		if (i < BB_FUTEX_PROTO || i > BB_FUTEX_OTHER) {
			b->ns[state_of[i]] += ns[i];
			continue;
		}
		futex += ns[i];
		by_share += (double)ns[i] * shares->lock[i - BB_FUTEX_PROTO];
	}
	if (lock_ns > futex)
		lock_ns = futex;
	if (queue_ns > futex - lock_ns)
		queue_ns = futex - lock_ns;
	known = lock_ns + queue_ns;
	lock = lock_ns;
	if (futex > known)
		lock += (uint64_t)(by_share * (double)(futex - known) / (double)futex);
	if (lock > futex - queue_ns)
		lock = futex - queue_ns;
	b->ns[BB_STATE_LOCK] += lock;
	b->ns[BB_STATE_QUEUE] += futex - lock;
	b->runq_preempted_ns = ns[BB_RUNQ_PREEMPTED];
	b->runq_woken_ns = ns[BB_RUNQ_WOKEN];
	b->runq_throttled_ns = ns[BB_RUNQ_THROTTLED];
	b->futex_proto_ns = ns[BB_FUTEX_PROTO];
	b->futex_handed_ns = ns[BB_FUTEX_HANDED];
	b->futex_fed_ns = ns[BB_FUTEX_FED];
	b->futex_other_ns = ns[BB_FUTEX_OTHER];
}

static int longer(const void *a, const void *b)
{
	const struct bb_wait *x = a, *y = b;

	return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : 0;
}

void bb_fold__sort_waits(struct bb_wait *rows, size_t nr)
{
	if (nr)
		qsort(rows, nr, sizeof(*rows), longer);
}

int bb_fold__waits(struct bb_thread *t, const struct bb_thread_sum *sum)
{
	size_t nr = 0, used = 0;

	while (used < BB_WAIT_SLOTS && sum->slots[used].used)
		used++;
	/* of ten thousand threads, rows that nobody needs would be megabytes */
	t->waits = calloc(used ? used : 1, sizeof(*t->waits));
	if (!t->waits)
		return -ENOMEM;
	for (size_t i = 0; i < used; i++) {
		const struct bb_wait_slot *s = &sum->slots[i];
		struct bb_wait *w = &t->waits[nr];

		/* a row that had to take several states says nothing about one of them */
		if (s->bucket >= BB_BUCKET_MAX)
			continue;
		w->state = state_of[s->bucket];
		w->syscall = s->nr;
		w->fdkind = s->fdkind < BB_FD_MAX ? s->fdkind : BB_FD_UNKNOWN;
		w->fd = s->fd;
		w->end = s->end;
		w->count = s->count;
		w->ns = s->ns;
		w->max_ns = s->max_ns;
		w->open = s->used > 1;
		w->polls = s->bucket == BB_POLL && bb_sysclass__polls(s->nr);
		nr++;
	}
	t->nr_waits = nr;
	bb_fold__sort_waits(t->waits, nr);
	return 0;
}

int bb_fold__merge_waits(struct bb_wait **rows, size_t *nr, const struct bb_wait *more,
			 size_t nr_more)
{
	for (size_t i = 0; i < nr_more; i++) {
		const struct bb_wait *m = &more[i];
		struct bb_wait *w = NULL;

		for (size_t j = 0; j < *nr && !w; j++)
			if (bb_wait__same_call(&(*rows)[j], m) && (*rows)[j].end == m->end &&
			    !strcmp((*rows)[j].label, m->label))
				w = &(*rows)[j];
		if (!w) {
			struct bb_wait *grown = realloc(*rows, (*nr + 1) * sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			*rows = grown;
			grown[(*nr)++] = *m;
			continue;
		}
		w->count += m->count;
		w->ns += m->ns;
		w->open |= m->open;
		if (m->max_ns > w->max_ns)
			w->max_ns = m->max_ns;
		if (w->endpoint != m->endpoint)
			w->endpoint = BB_END_UNKNOWN;
	}
	return 0;
}
