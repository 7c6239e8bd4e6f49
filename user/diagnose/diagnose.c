// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "feeder.h"
#include "rules.h"
#include "segment.h"
#include "tree_findings.h"
#include "verdict.h"
#include "whole.h"

/*
 * What a loss leaves of the confidence. Threads without detail may be the ones
 * that matter; lost rows of locks blur lock and queue; the others cost detail
 * that the verdict does not use.
 */
static double quality_of(const struct bb_record *rec, bool *incomplete)
{
	double q = 1;

	*incomplete = false;
	if (rec->drops[BB_DROP_THREADS_FULL] || rec->drops[BB_DROP_PROCS_FULL]) {
		q *= 0.6;
		*incomplete = true;
	}
	if (rec->drops[BB_DROP_LOCKS_FULL]) {
		q *= 0.85;
		*incomplete = true;
	}
	if (rec->drops[BB_DROP_REGS_READ] || rec->drops[BB_DROP_FD_READ] ||
	    rec->drops[BB_DROP_WAITS_FULL] || rec->drops[BB_DROP_CONTENTION_RACE])
		q *= 0.97;
	return q;
}

static int find_all(const struct bb_record *rec, struct bb_diagnosis *diag)
{
	int err = 0;

	diag->findings = calloc(rec->nr_processes ? rec->nr_processes : 1, sizeof(*diag->findings));
	if (!diag->findings)
		return -ENOMEM;
	for (size_t i = 0; i < rec->nr_processes && !err; i++)
		err = bb_findings__of(&diag->findings[i], rec, &rec->processes[i]);
	return err ? err : bb_tree_findings__of(&diag->tree_findings, rec);
}

/* The verdicts, and the phases that they tell of. */
static int judge_all(const struct bb_record *rec, struct bb_diagnosis *diag, struct bb_facts *facts,
		     struct bb_amounts *amounts)
{
	size_t nr = rec->nr_processes;
	struct bb_reason *all = &diag->reasons[nr];
	double quality = quality_of(rec, &diag->incomplete);
	struct bb_whole whole;
	int err;

	for (size_t i = 0; i < nr; i++)
		bb_facts__of(&facts[i], rec, &rec->processes[i]);
	bb_whole__of(&whole, facts, nr, (double)rec->window.ns, amounts);
	err = bb_segment(rec, facts, quality, diag->phases);
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++) {
		diag->reasons[i] = (struct bb_reason){ .facts = facts[i],
						       .amounts = amounts[i],
						       .quality = quality };
		bb_verdict__of(&diag->processes[i], &facts[i], &amounts[i], quality, false);
	}
	/* after all were judged by themselves */
	for (size_t i = 0; i < nr; i++)
		bb_feeder__judge(rec, diag->reasons, i, &diag->processes[i]);
	/* of one that is judged by its workers, its own phases tell nothing */
	for (size_t i = 0; i < nr; i++)
		if (!diag->reasons[i].processes)
			bb_segment__tell(&diag->processes[i], &diag->phases[i]);
	if (!diag->has_tree)
		return 0;
	*all = (struct bb_reason){
		.facts = whole.facts, .amounts = whole.amounts, .quality = quality, .processes = nr
	};
	bb_verdict__of(&diag->tree, &all->facts, &all->amounts, quality, true);
	bb_segment__tell(&diag->tree, &diag->phases[nr]);
	return 0;
}

/* The verdict says what the figures can carry. */
static struct bb_what_if_context context_of(const struct bb_verdict *v, bool incomplete)
{
	return (struct bb_what_if_context){
		.judged = v->bound != BB_BOUND_IDLE && v->bound != BB_BOUND_UNKNOWN,
		.confidence = v->confidence,
		.incomplete = incomplete,
	};
}

static int count_all(const struct bb_record *rec, struct bb_diagnosis *diag)
{
	size_t nr = rec->nr_processes;

	diag->units = calloc(nr + 1, sizeof(*diag->units));
	if (!diag->units)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		bb_units__of(&diag->units[i], rec, &rec->processes[i], diag->incomplete);
	bb_units__tree(&diag->units[nr], diag->units, nr, (double)rec->window.ns);
	return 0;
}

static int predict_all(const struct bb_record *rec, struct bb_diagnosis *diag)
{
	struct bb_what_if_context c;
	int err = 0;

	diag->what_ifs = calloc(rec->nr_processes ? rec->nr_processes : 1, sizeof(*diag->what_ifs));
	if (!diag->what_ifs)
		return -ENOMEM;
	for (size_t i = 0; i < rec->nr_processes && !err; i++) {
		c = context_of(&diag->processes[i], diag->incomplete);
		c.units = &diag->units[i];
		c.feeds = diag->reasons[i].processes > 0;
		c.hands_over = bb_pool_part__hands_over(&diag->reasons[i].facts.pool);
		err = bb_what_ifs__of(&diag->what_ifs[i], rec, &rec->processes[i], &c);
	}
	if (err || !diag->has_tree)
		return err;
	c = context_of(&diag->tree, diag->incomplete);
	c.units = &diag->units[rec->nr_processes];
	for (size_t i = 0; i < diag->tree_findings.nr; i++)
		c.hands_over |= diag->tree_findings.items[i].id == BB_FINDING_TINY_TASKS;
	return bb_what_ifs__tree(&diag->tree_what_ifs, rec, &c);
}

int bb_diagnose(const struct bb_record *rec, struct bb_diagnosis *diag)
{
	size_t room = rec->nr_processes + 1;
	struct bb_amounts *amounts;
	struct bb_facts *facts;
	int err = -ENOMEM;

	memset(diag, 0, sizeof(*diag));
	diag->processes = calloc(room, sizeof(*diag->processes));
	diag->phases = calloc(room, sizeof(*diag->phases));
	diag->reasons = calloc(room, sizeof(*diag->reasons));
	facts = calloc(room, sizeof(*facts));
	amounts = calloc(room, sizeof(*amounts));
	diag->nr_processes = rec->nr_processes;
	diag->has_tree = rec->nr_processes > 1;
	if (diag->processes && diag->phases && diag->reasons && facts && amounts)
		err = find_all(rec, diag);
	if (!err)
		err = judge_all(rec, diag, facts, amounts);
	free(facts);
	free(amounts);
	if (!err)
		err = count_all(rec, diag);
	if (!err)
		err = predict_all(rec, diag);
	if (err)
		bb_diagnosis__free(diag);
	return err;
}
