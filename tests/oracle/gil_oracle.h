/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The events of the oracle, as the programs write them and as gil_oracle prints them. */
#ifndef GIL_ORACLE_H
#define GIL_ORACLE_H

/* letters, for they are printed as such */
enum oracle_kind {
	ORACLE_TAKE = 'T',      /* take_gil() begins */
	ORACLE_TAKEN = 't',     /* and returns */
	ORACLE_DROP = 'D',      /* drop_gil() begins */
	ORACLE_DROPPED = 'd',   /* and returns */
	ORACLE_BLOCKED = 'b',   /* the thread leaves its CPU, to be woken */
	ORACLE_PREEMPTED = 'p', /* the thread leaves its CPU, runnable */
	ORACLE_WAKING = 'W',    /* somebody begins to wake the thread */
	ORACLE_WOKEN = 'w',     /* it is on a run queue */
	ORACLE_RUNS = 'r',      /* the thread gets a CPU */
};

struct oracle_event {
	unsigned long long ns; /* CLOCK_MONOTONIC */
	unsigned int tid;
	unsigned int by;   /* ORACLE_WAKING: the thread of the process that was current, or 0 */
	unsigned int kind; /* enum oracle_kind */
	unsigned int pad;
};

#endif
