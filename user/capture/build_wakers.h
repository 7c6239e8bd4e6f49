/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who ended the waits for locks and queues, and who has a lock at the end. */
#ifndef BB_CAPTURE_BUILD_WAKERS_H
#define BB_CAPTURE_BUILD_WAKERS_H

#include "build.h"

/**
 * bb_build__wakers - fill in lock_holders of each process. The locks are judged, the threads
 * are there. Return 0, -ENOMEM or -errno.
 */
int bb_build__wakers(struct bb_record *rec, struct bb_kernel *k, struct bb_targets *targets);

#endif
