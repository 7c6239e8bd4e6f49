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

/** bb_build__read_klocks - read the kernel's rows. Return 0, -ENOMEM or -errno. */
int bb_build__read_klocks(struct build *b, struct bb_kernel *k);

/**
 * bb_build__klocks - put those that were read into the processes of @b, with the names of the
 * functions. That may take 100 ms: once all else is read, since threads go on meanwhile.
 * Return 0 or -ENOMEM.
 */
int bb_build__klocks(struct build *b);

#endif
