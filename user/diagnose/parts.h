/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process's slices as what adds up: so that the facts of any run of slices, which are those of
 * the window too, are sums.
 */
#ifndef BB_DIAGNOSE_PARTS_H
#define BB_DIAGNOSE_PARTS_H

#include "facts.h"

#define BB_PART_LOCKS 4

/* Nanoseconds of active threads in one slice; unknown and stopped: of all threads. */
struct bb_part {
	float ns; /* of the slice, in which the process was there */
	/* not rounded yet: the times of many threads may be taken off */
	double states[BB_STATE_MAX], preempted, throttled;
	float busiest;
	float waits[BB_STATE_MAX][BB_USE_MAX];
	float gil; /* wall time with a waiter, of the most contended */
	float locks[BB_PART_LOCKS];
};

struct bb_parts {
	const struct bb_record *rec;
	const struct bb_process *p;
	const struct bb_facts *whole;               /* of the window */
	struct bb_part *items;                      /* by slice of the record */
	size_t first, end;                          /* slices in which the process was there */
	const struct bb_lock *locks[BB_PART_LOCKS]; /* the most contended; NULL: fewer */
};

/**
 * bb_parts__of - of a process with slices. @whole: its facts over the window; kept.
 * Return 0 or -ENOMEM; release with bb_parts__free().
 */
int bb_parts__of(struct bb_parts *parts, const struct bb_record *rec, const struct bb_process *p,
		 const struct bb_facts *whole);

void bb_parts__free(struct bb_parts *parts);

/**
 * bb_parts__facts - the facts of slices @from up to @to. What slices do not tell (threads that
 * were stuck, the other end of waits, spinning) is that of the window. Of a process that was not
 * there all is 0.
 */
void bb_parts__facts(const struct bb_parts *parts, size_t from, size_t to, struct bb_facts *f);

#endif
