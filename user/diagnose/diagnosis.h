/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The diagnosis of a record: a verdict per process, and one for all of them.
 *
 * Pure C over the record: no /proc, no clock, no globals. The same record
 * always gives the same diagnosis.
 */
#ifndef BB_DIAGNOSE_DIAGNOSIS_H
#define BB_DIAGNOSE_DIAGNOSIS_H

#include "findings.h"
#include "what_if.h"

#define BB_VERDICTS(X)                                                                             \
	X(GIL_BOUND, "gil-bound")                                                                  \
	X(LOCK_BOUND, "lock-bound")                                                                \
	X(CPU_SATURATED, "cpu-saturated")                                                          \
	X(CPU_BOUND, "cpu-bound")                                                                  \
	X(IO_BOUND, "io-bound")                                                                    \
	X(IDLE, "idle")                                                                            \
	X(MIXED, "mixed")                                                                          \
	X(UNKNOWN, "unknown")

enum bb_bound {
#define X(id, name) BB_BOUND_##id,
	BB_VERDICTS(X)
#undef X
		BB_BOUND_MAX,
};

#define BB_EVIDENCE_MAX 12

/* One number that a verdict rests on, or that argues against it. */
struct bb_evidence {
	char fact[96];    /* in words, printable ASCII, without the number */
	double value;     /* NaN: could not be measured */
	double threshold; /* NaN: context, no rule compares it */
	const char *unit; /* "share", "threads", "cpus", "ns", "count", "per_s" */
	const char *rule; /* id of the rule in docs/method.md, "" for context */
};

struct bb_verdict {
	enum bb_bound bound;
	double confidence;               /* 0 to 1 */
	char summary[256];               /* one sentence */
	double components[BB_BOUND_MAX]; /* strength of each verdict, 0 to 1 */
	enum bb_bound runner_up;         /* BB_BOUND_MAX: none */
	struct bb_evidence evidence[BB_EVIDENCE_MAX];
	size_t nr_evidence;
	struct bb_evidence against[BB_EVIDENCE_MAX];
	size_t nr_against;
};

struct bb_diagnosis {
	struct bb_verdict *processes; /* one per process of the record, same order */
	size_t nr_processes;
	struct bb_findings *findings; /* likewise; NULL: not looked for */
	struct bb_what_ifs *what_ifs; /* likewise; NULL: not worked out */
	struct bb_verdict tree;       /* all selected processes together */
	struct bb_what_ifs tree_what_ifs;
	bool has_tree;   /* false where there is one process only */
	bool incomplete; /* losses touch the verdict: exit status 4 */
};

/** bb_bound__name - e.g. "gil-bound"; static string, never NULL. */
const char *bb_bound__name(enum bb_bound b);

/**
 * bb_diagnose - judge a record.
 * @rec:  the record; only read. The findings point into it
 * @diag: filled on success; release with bb_diagnosis__free()
 * Return 0 or -ENOMEM.
 */
int bb_diagnose(const struct bb_record *rec, struct bb_diagnosis *diag);

/** bb_diagnosis__free - release what bb_diagnose() allocated; not @diag itself. */
void bb_diagnosis__free(struct bb_diagnosis *diag);

#endif
