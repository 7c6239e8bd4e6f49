/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The window in slices: what a process's threads did in each, summed over threads.
 *
 * All processes of a record have the same slices; bb_record has where they end. A slice is
 * compact, so that there may be hundreds: which thread did what is not in it.
 */
#ifndef BB_MODEL_SLICES_H
#define BB_MODEL_SLICES_H

#include <stddef.h>
#include <stdint.h>

#include "budget.h"

struct bb_slice {
	struct bb_budget budget; /* of all threads; how futex waits ended is not told apart */
	uint64_t busiest_ns;     /* running, or queueing for a CPU, of the thread that did most */
};

/* One process's. All zero: it was not sliced. */
struct bb_slices {
	struct bb_slice *items; /* as many as the record has */
	/* waits that are told apart, by state, call, kind of descriptor and end */
	struct bb_slice_wait *waits;
	size_t nr_waits;
	uint64_t *wait_ns; /* of slice i in wait w: [i * nr_waits + w] */
	/* GILs and locks that were waited for, by address */
	uint64_t *objects;
	size_t nr_objects;
	uint64_t *contended_ns; /* wall time with a waiter, in slice i of object o: likewise */
};

struct bb_slice_wait {
	enum bb_state state;
	int32_t syscall;
	uint8_t fdkind; /* enum bb_fdkind */
	uint16_t end;
};

/** bb_slices__release - release what it owns; not @s itself. Accepts a zeroed one. */
void bb_slices__release(struct bb_slices *s);

/** bb_slices__copy - deep copy of @nr slices to @to. Return 0 or -ENOMEM; @to is released then. */
int bb_slices__copy(struct bb_slices *to, const struct bb_slices *from, size_t nr);

#endif
