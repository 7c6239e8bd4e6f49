/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Units of work: which kinds can be told, how many there were, and what one of them needs.
 *
 * The demand of one unit is the time that went into all of them over their number: the service
 * demand law, D = B / C (Denning & Buzen, ACM Computing Surveys 10(3), 1978). docs/method.md 14
 * says how each kind is counted, and when it is not told.
 */
#ifndef BB_DIAGNOSE_UNITS_H
#define BB_DIAGNOSE_UNITS_H

#include "../model/record.h"

/* X(identifier, JSON name, plural for people) */
#define BB_UNITS(X)                                                                                \
	X(REQUEST, "request", "requests")                                                          \
	X(HAND_OVER, "hand-over", "hand-overs")                                                    \
	X(LOOP_TURN, "loop-turn", "loop turns")

enum bb_unit_kind {
#define X(id, name, plural) BB_UNIT_##id,
	BB_UNITS(X)
#undef X
		BB_UNIT_MAX,
};

struct bb_unit {
	enum bb_unit_kind kind;
	double count;     /* in the window; NaN: it is not told, see why_not */
	double low, high; /* at least and at most; high is INFINITY where nothing limits it */
	double span_ns;   /* in which they were counted */
	size_t threads;   /* that do such units */
	/* their time that is not between units, by state, ns; NaN: not known */
	double spent[BB_STATE_MAX];
	double held_samples, free_samples; /* of them on a CPU: with the GIL, and without */
	bool has_gil;
	char why_not[160]; /* "": it is told */
};

struct bb_units {
	struct bb_unit items[BB_UNIT_MAX]; /* by kind */
	size_t nr;
	double handed_on; /* connections that were accepted here, and are served elsewhere */
};

/**
 * bb_units__of - the units of one process of @rec.
 * @incomplete: losses touch the figures: nothing is told
 * @u is filled; it owns nothing.
 */
void bb_units__of(struct bb_units *u, const struct bb_record *rec, const struct bb_process *p,
		  bool incomplete);

/**
 * bb_units__tree - of all processes together; @each: those of each, @nr; @window_ns: of the
 * record.
 */
void bb_units__tree(struct bb_units *u, const struct bb_units *each, size_t nr, double window_ns);

/** bb_units__told - the one in which throughput is told, NULL: none. A turn does as much as there
 * is to do, so it measures none. */
const struct bb_unit *bb_units__told(const struct bb_units *u);

/** bb_unit__per_s - @count units in its span, per second; NaN where @count is. */
double bb_unit__per_s(const struct bb_unit *u, double count);

/** bb_unit__ns - time of one unit in a state, ns; NaN: not known. */
double bb_unit__ns(const struct bb_unit *u, enum bb_state s);

/** bb_unit__work_ns - mean time of one unit from its beginning to its end; NaN: not known. */
double bb_unit__work_ns(const struct bb_unit *u);

/**
 * bb_unit__held_ns - CPU time of one unit with the GIL, by samples. NaN: there is no GIL, or there
 * are too few samples for a share that is right to a tenth.
 */
double bb_unit__held_ns(const struct bb_unit *u);

/** bb_unit__name - e.g. "loop-turn"; static string, never NULL. */
const char *bb_unit__name(enum bb_unit_kind kind);

/** bb_unit__plural - the same for people; static string, never NULL. */
const char *bb_unit__plural(enum bb_unit_kind kind);

#endif
