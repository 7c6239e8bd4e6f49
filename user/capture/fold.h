/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the kernel's buckets to the states of the budget, and to rows of waits. */
#ifndef BB_CAPTURE_FOLD_H
#define BB_CAPTURE_FOLD_H

#include "../model/record.h"

/* By how futex waits end (PROTO, HANDED, FED, OTHER): the part of them that is lock, not queue. */
struct bb_lock_shares {
	double lock[4];
};

/**
 * bb_fold__budget - fold @ns, by enum bb_bucket, into @b; sums exactly to the
 * same. Of the futex waits @lock_ns are known to be for locks and @queue_ns for
 * queues; the rest is divided by @shares.
 */
void bb_fold__budget(struct bb_budget *b, const uint64_t *ns, const struct bb_lock_shares *shares,
		     uint64_t lock_ns, uint64_t queue_ns);

/** bb_fold__waits - the rows of a thread's wait slots; @t owns them. Return 0 or -ENOMEM. */
int bb_fold__waits(struct bb_thread *t, const struct bb_thread_sum *sum);

/**
 * bb_fold__merge_waits - add the rows @more to the array @rows of @nr, joined by
 * state, call, kind of descriptor and other end. Return 0 or -ENOMEM.
 */
int bb_fold__merge_waits(struct bb_wait **rows, size_t *nr, const struct bb_wait *more,
			 size_t nr_more);

/** bb_fold__sort_waits - longest first. */
void bb_fold__sort_waits(struct bb_wait *rows, size_t nr);

/** bb_fold__state - the state that the kernel's bucket counts for; BB_STATE_UNKNOWN: none. */
enum bb_state bb_fold__state(uint32_t bucket);

#endif
