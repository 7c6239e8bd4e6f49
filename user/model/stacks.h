/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks of what threads blocked in, ran in, and were woken from. */
#ifndef BB_MODEL_STACKS_H
#define BB_MODEL_STACKS_H

#include "record.h"

/** bb_stacks__join - make rows that tell the same one row, and sort them: longest first. */
void bb_stacks__join(struct bb_process *p);

/** bb_stacks__subtract - take what was told in @less from the rows of @p; empty ones go. */
void bb_stacks__subtract(struct bb_process *p, const struct bb_process *less);

/** bb_stacks__samples - samples of threads on a CPU, over all rows. */
uint64_t bb_stacks__samples(const struct bb_process *p);

/* Who ended waits of a process, over all rows of BB_STACK_WAKER. */
struct bb_wake_edge {
	const struct bb_stack_row *row; /* one of them: who waited, and who ended it */
	uint64_t ns;
	uint64_t count;
	uint64_t behind_ns; /* see struct bb_stack_row */
	enum bb_state behind;
	uint64_t behind_max;
};

/**
 * bb_stacks__edges - its wake-ups by who waited in which state, and who ended that; longest first.
 * @by_thread: false: who waited is not told apart
 * @out: an array of @nr, to be freed; NULL where there are none. Return 0 or -ENOMEM.
 */
int bb_stacks__edges(const struct bb_process *p, bool by_thread, struct bb_wake_edge **out,
		     size_t *nr);

#endif
