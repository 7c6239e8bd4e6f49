/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The diagnosis of a record: a verdict per process, and one for all of them.
 *
 * Pure C over the record: no /proc, no clock, no globals. The same record
 * always gives the same diagnosis.
 */
#ifndef BB_DIAGNOSE_DIAGNOSIS_H
#define BB_DIAGNOSE_DIAGNOSIS_H

#include "bound.h"
#include "findings.h"
#include "phases.h"
#include "units.h"
#include "what_if.h"

#define BB_EVIDENCE_MAX 12

/* One number that a verdict rests on, or that argues against it. */
struct bb_evidence {
	char fact[96];    /* in words, printable ASCII, without the number */
	double value;     /* NaN: could not be measured */
	double threshold; /* NaN: context, no rule compares it */
	const char *unit; /* "share", "threads", "cpus", "ns", "count", "per_s" */
	const char *rule; /* id of the rule in docs/method.md, "" for context */
};

#define BB_FACTORS_MAX 8

/* What lowers a confidence. */
struct bb_factor {
	const char *why; /* in words, static */
	double by;       /* 0 to 1: it is multiplied by that */
};

struct bb_verdict {
	enum bb_bound bound;
	double confidence; /* 0 to 1 */
	double by_lead;    /* what it would be if nothing lowered it */
	struct bb_factor lowered[BB_FACTORS_MAX];
	size_t nr_lowered;
	bool by_phases;      /* mixed, since its phases have different bounds */
	bool unseen_workers; /* unknown: it feeds processes that are not watched */
	double busy;         /* how far it is at work at all, 0 to 1: the rest is idle */
	char summary[256];   /* one sentence */
	double components[BB_BOUND_MAX]; /* strength of each verdict, 0 to 1 */
	enum bb_bound runner_up;         /* BB_BOUND_MAX: none */
	struct bb_evidence evidence[BB_EVIDENCE_MAX];
	size_t nr_evidence;
	struct bb_evidence against[BB_EVIDENCE_MAX];
	size_t nr_against;
};

struct bb_reason; /* explain.h */

struct bb_diagnosis {
	struct bb_verdict *processes; /* one per process of the record, same order */
	size_t nr_processes;
	struct bb_findings *findings;     /* likewise; NULL: not looked for */
	struct bb_findings tree_findings; /* about several of them together */
	/* likewise, and one more for all together if there are several; NULL: not looked for */
	struct bb_phases *phases;
	/* of each process, last of all together; NULL: not counted */
	struct bb_units *units;
	struct bb_what_ifs *what_ifs; /* one per process; NULL: not worked out */
	struct bb_verdict tree;       /* all selected processes together */
	struct bb_what_ifs tree_what_ifs;
	bool has_tree; /* false where there is one process only */
	/* what the verdicts were reached from: one per process, last the tree's; NULL: not kept */
	struct bb_reason *reasons;
	bool incomplete; /* losses touch the verdict: exit status 4 */
};

/**
 * bb_diagnose - judge a record.
 * @rec:  the record; only read. The findings point into it
 * @diag: filled on success; release with bb_diagnosis__free()
 * Return 0 or -ENOMEM.
 */
int bb_diagnose(const struct bb_record *rec, struct bb_diagnosis *diag);

/**
 * bb_diagnosis__findings, bb_diagnosis__what_ifs - those of process @i, or of all together, where
 * @i is their number. NULL: not looked for.
 */
const struct bb_findings *bb_diagnosis__findings(const struct bb_diagnosis *diag, size_t i);
const struct bb_what_ifs *bb_diagnosis__what_ifs(const struct bb_diagnosis *diag, size_t i);

/** bb_diagnosis__free - release what bb_diagnose() allocated; not @diag itself. */
void bb_diagnosis__free(struct bb_diagnosis *diag);

#endif
