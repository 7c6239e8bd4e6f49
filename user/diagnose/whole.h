/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the facts of each process to what bounds it, and to what bounds all of them together. */
#ifndef BB_DIAGNOSE_WHOLE_H
#define BB_DIAGNOSE_WHOLE_H

#include "verdict.h"

struct bb_whole {
	struct bb_facts facts;
	struct bb_amounts amounts;
};

/**
 * bb_whole__of - @facts: of @nr processes, over the time in which each was there; @window_ns: of
 * all. The amounts of each go to @each, which has room for @nr.
 */
void bb_whole__of(struct bb_whole *w, const struct bb_facts *facts, size_t nr, double window_ns,
		  struct bb_amounts *each);

#endif
