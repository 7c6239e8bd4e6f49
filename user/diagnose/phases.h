/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The window's phases: runs of slices, each with a verdict, and whether they repeat. */
#ifndef BB_DIAGNOSE_PHASES_H
#define BB_DIAGNOSE_PHASES_H

#include "bound.h"

#define BB_CYCLE_MOST 6

struct bb_phase {
	size_t from, to;   /* slices of the record */
	uint64_t start_ns; /* offset from the window's start */
	uint64_t ns;
	enum bb_bound bound;
	bool stopped; /* it was stopped for most of it: idle, and why */
	double confidence;
	double components[BB_BOUND_MAX];
	char summary[256];
	struct bb_budget budget; /* of all its threads */
	double gil_share;        /* wall time with a waiter for the most contended GIL; NaN: none */
	double lock_share;       /* and lock */
};

struct bb_phases {
	struct bb_phase *items; /* in order, without gaps */
	size_t nr;
	/* where they repeat: the mean lengths of what a cycle is made of, from the first phase on
	 */
	uint64_t period_ns; /* 0: they do not, or not often enough to tell */
	double cycles;      /* that the window has */
	struct {
		enum bb_bound bound;
		bool stopped;
		uint64_t ns;
	} cycle[BB_CYCLE_MOST];
	size_t nr_cycle;
};

/** bb_phases__free - release what they own; not @p itself. Accepts zeroed ones. */
void bb_phases__free(struct bb_phases *p);

/** bb_phases__repeat - fill in period and cycle from the phases. */
void bb_phases__repeat(struct bb_phases *p);

/**
 * bb_phases__words - "io-bound 2.0 s, then gil-bound 1.0 s, repeating each 3.0 s" into @buf. Cut
 * to @len; of many that do not repeat, how long each bound held.
 */
void bb_phases__words(const struct bb_phases *p, char *buf, size_t len);

/** bb_phase__name - the word for it: its bound, or "stopped"; static string. */
const char *bb_phase__name(enum bb_bound bound, bool stopped);

#endif
