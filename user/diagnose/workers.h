/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How many workers the measurement supports: the curve of throughput, and where it flattens. */
#ifndef BB_DIAGNOSE_WORKERS_H
#define BB_DIAGNOSE_WORKERS_H

#include "predict.h"
#include "what_if.h"

/** bb_workers__most - up to how many workers the curve goes, where there are @now: at most
 * BB_MVA_MOST. */
size_t bb_workers__most(size_t now);

/**
 * bb_workers__of - fill in the curve.
 * @w: zeroed; release with bb_workers__free()
 * @d: of whom it is
 * @of: @most predictions; [i] with i + 1 workers
 * @processes: the workers are processes, or are to be
 * Return 0 or -ENOMEM.
 */
int bb_workers__of(struct bb_workers *w, const struct bb_demands *d, const struct bb_prediction *of,
		   size_t most, bool processes);

/** bb_workers__free - release the curve, and zero @w. Accepts a zeroed one. */
void bb_workers__free(struct bb_workers *w);

#endif
