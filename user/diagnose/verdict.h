/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From facts to a verdict. */
#ifndef BB_DIAGNOSE_VERDICT_H
#define BB_DIAGNOSE_VERDICT_H

#include "facts.h"

/* Mean numbers of threads that each bound accounts for. */
struct bb_amounts {
	double of[BB_BOUND_MAX];
};

/**
 * bb_amounts__of - divide a process's time among the bounds. @fill: use of the
 * usable CPUs, 0 to 1, by the process or the tree that it belongs to.
 */
void bb_amounts__of(struct bb_amounts *a, const struct bb_facts *f, double fill);

/** bb_components__of - the strength of each bound into @c, BB_BOUND_MAX of them; they add to 1. */
void bb_components__of(double *c, const struct bb_amounts *a);

/**
 * bb_verdict__of - judge. @quality: 0 to 1, what losses leave of the confidence.
 * @tree: the facts are of several processes.
 */
void bb_verdict__of(struct bb_verdict *v, const struct bb_facts *f, const struct bb_amounts *a,
		    double quality, bool tree);

#endif
