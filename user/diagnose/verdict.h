/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From facts to a verdict. */
#ifndef BB_DIAGNOSE_VERDICT_H
#define BB_DIAGNOSE_VERDICT_H

#include "facts.h"

/* Mean numbers of threads that each bound accounts for. */
struct bb_amounts {
	double of[BB_BOUND_MAX];
	/* how they came about (docs/method.md 8); all 0 in the sum of a tree */
	double fill;            /* use of the usable CPUs */
	double full;            /* how full they are by that, 0 to 1 */
	double gil, lock;       /* shares of wall time that are waited for, as far as they count */
	double by_gil, by_lock; /* threads that wait for it, or queue for a CPU and would */
	double behind;          /* part of these that queue for a CPU */
	double computing;       /* on-CPU, but for what the GIL and the lock have of it */
	double queueing;     /* threads that queue for a CPU, but for those that would wait else */
	double starved;      /* how far the CPUs are not to be had, 0 to 1 */
	double io;           /* waiting for I/O, but for what waits with the lock */
	double side_by_side; /* 2: no thread computes for most of its time; else 1 */
};

/**
 * bb_amounts__of - divide a process's time among the bounds. @fill: use of the
 * usable CPUs, 0 to 1, by the process or the tree that it belongs to.
 */
void bb_amounts__of(struct bb_amounts *a, const struct bb_facts *f, double fill);

/** bb_components__of - the strength of each bound into @c, BB_BOUND_MAX of them; they add to 1. */
void bb_components__of(double *c, const struct bb_amounts *a);

/**
 * bb_components__rank - the two strongest of components @c, of those larger than @above, by their
 * order where they are equal. BB_BOUND_MAX: there is none.
 */
void bb_components__rank(const double *c, double above, enum bb_bound *first,
			 enum bb_bound *second);

/**
 * bb_verdict__of - judge. @quality: 0 to 1, what losses leave of the confidence.
 * @tree: the facts are of several processes.
 */
void bb_verdict__of(struct bb_verdict *v, const struct bb_facts *f, const struct bb_amounts *a,
		    double quality, bool tree);

/** bb_verdict__lower - its confidence by the factor @by, 0 to 1; @why: in words, static. */
void bb_verdict__lower(struct bb_verdict *v, double by, const char *why);

/** bb_verdict__starved_by - how far a share of the CPU demand that is not met takes the CPUs. */
double bb_verdict__starved_by(double share);

/** bb_verdict__throttled - the share of the CPU demand that the cgroup's quota holds back. */
double bb_verdict__throttled(const struct bb_facts *f);

#endif
