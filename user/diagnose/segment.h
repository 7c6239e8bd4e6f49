/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a record's slices to phases: of each process, and of all together. */
#ifndef BB_DIAGNOSE_SEGMENT_H
#define BB_DIAGNOSE_SEGMENT_H

#include "phases.h"
#include "verdict.h"

/**
 * bb_segment - find the phases. @facts: of each process, over the window; @quality: what losses
 * leave of the confidence. @phases: one for each process, and one more for all of them together
 * where there are several, all zeroed. Those without slices stay so. Return 0 or -ENOMEM; what is
 * in @phases is to be freed either way.
 */
int bb_segment(const struct bb_record *rec, const struct bb_facts *facts, double quality,
	       struct bb_phases *phases);

/**
 * bb_segment__tell - say in the window's verdict what its phases are, where they differ. It is
 * mixed where another bound than its own has phases that matter, and its own does not dominate.
 */
void bb_segment__tell(struct bb_verdict *v, const struct bb_phases *p);

#endif
