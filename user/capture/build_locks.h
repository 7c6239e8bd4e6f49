/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the kernel's sums by futex to locks and queues. */
#ifndef BB_CAPTURE_BUILD_LOCKS_H
#define BB_CAPTURE_BUILD_LOCKS_H

#include "build_state.h"

/**
 * bb_build__locks - the rows of all processes: named, judged, in their order, and indexed; with how
 * a futex wait is to be divided where its word has none (shares). Return 0, -ENOMEM or -errno.
 */
int bb_build__locks(struct build *b);

/** bb_build__contended_ns - wall time with a waiter, an interval that is open at the end included.
 */
uint64_t bb_build__contended_ns(const struct build *b, const struct bb_contention *c);

/**
 * bb_build__known_futexes - of a thread's futex waits, those whose words have rows: @ns[0] for
 * locks, @ns[1] for queues. After bb_build__locks().
 */
void bb_build__known_futexes(struct build *b, size_t process, const struct bb_thread_sum *sum,
			     uint64_t *ns);

/**
 * bb_build__open_futex - a futex wait of @ns that is still going on: count it with its lock. Return
 * how it would end, as the other waits for that lock did.
 */
enum bb_bucket bb_build__open_futex(struct build *b, size_t process, struct bb_thread_sum *sum,
				    uint64_t ns);

#endif
