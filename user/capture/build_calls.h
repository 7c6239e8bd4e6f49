/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls of a process, as they were traced. */
#ifndef BB_CAPTURE_BUILD_CALLS_H
#define BB_CAPTURE_BUILD_CALLS_H

#include "../model/record.h"

/** bb_build__call - add a row of the kernel's. Return 0 or -ENOMEM. */
int bb_build__call(struct bb_process *p, const struct bb_syscall_key *key,
		   const struct bb_syscall_sum *sum);

/**
 * bb_build__open_call - add the time in the call that a thread is in at @end, if it is in one that
 * was seen to start, or has been blocked in one since before the window. Return 0 or -ENOMEM.
 */
int bb_build__open_call(struct bb_process *p, const struct bb_thread_sum *sum, uint64_t end);

#endif
