/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Waits for the kernel's own locks: from the kernel's sums to the record. */
#ifndef BB_CAPTURE_BUILD_KLOCKS_H
#define BB_CAPTURE_BUILD_KLOCKS_H

#include "kernel.h"

struct build;

/* A row of the kernel's, as it was read. */
struct bb_klock_read {
	struct bb_klock_key key;
	struct bb_klock_sum sum;
	uint32_t new; /* bit mask: callers that were not looked for before */
};

/**
 * bb_build__klocks - read all of them into the processes of @b, where the functions have their
 * names. Return 0, -ENOMEM or -errno.
 */
int bb_build__klocks(struct build *b, struct bb_kernel *k);

#endif
