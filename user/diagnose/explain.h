/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way from the facts to a verdict, step by step, with the numbers of this one. */
#ifndef BB_DIAGNOSE_EXPLAIN_H
#define BB_DIAGNOSE_EXPLAIN_H

#include "verdict.h"

/* What a verdict was reached from. */
struct bb_reason {
	struct bb_facts facts; /* as they were judged; they point into the record */
	struct bb_amounts amounts;
	double quality;   /* what losses left of the confidence, 0 to 1 */
	size_t processes; /* of a tree: how many it is the sum of; of a process: 0 */
};

/* X(identifier, name, title), in the order in which they are told. */
#define BB_STAGES(X)                                                                               \
	X(FACTS, "facts", "What was measured: threads, on average over the window")                \
	X(SHARES, "shares", "What of it counts")                                                   \
	X(AMOUNTS, "amounts", "How many threads each bound accounts for")                          \
	X(COMPONENTS, "components", "Their shares, and the rest, which is idle")                   \
	X(CHOICE, "choice", "The verdict")                                                         \
	X(CONFIDENCE, "confidence", "How sure it is")

enum bb_stage {
#define X(id, name, title) BB_STAGE_##id,
	BB_STAGES(X)
#undef X
		BB_STAGE_MAX,
};

struct bb_step {
	enum bb_stage stage;
	char text[256];    /* what is worked out, from which numbers; printable ASCII */
	double value;      /* what comes out; NaN: could not be measured */
	const char *unit;  /* as of struct bb_evidence, "factor" too; static */
	enum bb_rule rule; /* that it was compared with, BB_R_MAX: none */
};

#define BB_STEPS_MAX 64

struct bb_steps {
	struct bb_step items[BB_STEPS_MAX];
	size_t nr;
};

/**
 * bb_explain__of - work out @v once more from @r, and write down each step. A pure function of the
 * two; @s is filled, and needs no release.
 */
void bb_explain__of(struct bb_steps *s, const struct bb_reason *r, const struct bb_verdict *v);

/** bb_stage__name - e.g. "amounts"; static string, never NULL. */
const char *bb_stage__name(enum bb_stage stage);

/** bb_stage__title - the same in words; static string, never NULL. */
const char *bb_stage__title(enum bb_stage stage);

#endif
