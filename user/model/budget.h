/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A time budget: what is summed by state. */
#ifndef BB_MODEL_BUDGET_H
#define BB_MODEL_BUDGET_H

#include <stdint.h>

#include "state.h"

/* One thread's, or a sum over threads. */
struct bb_budget {
	uint64_t ns[BB_STATE_MAX];
	/* BB_STATE_RUNQ split by how the thread got there; sums to it. */
	uint64_t runq_preempted_ns;
	uint64_t runq_woken_ns;
	uint64_t runq_throttled_ns;
	/* Futex waits by how they ended; sums to LOCK + QUEUE. */
	uint64_t futex_proto_ns;
	uint64_t futex_handed_ns;
	uint64_t futex_fed_ns;
	uint64_t futex_other_ns;
};

/** bb_budget__sum - all states of a budget added up, in ns. */
uint64_t bb_budget__sum(const struct bb_budget *b);

/** bb_budget__add - add each figure of @b to @to. */
void bb_budget__add(struct bb_budget *to, const struct bb_budget *b);

#endif
