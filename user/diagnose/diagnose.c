// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "verdict.h"

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

static double fill_of(const struct bb_facts *f)
{
	return f->cpus > 0 ? f->on / f->cpus : 1;
}

/* In a tree each process counts for the part of the window in which it was there. */
static double part_of(const struct bb_record *rec, const struct bb_facts *f)
{
	return rec->window.ns ? fmin(1, f->window_ns / (double)rec->window.ns) : 1;
}

static int find_all(const struct bb_record *rec, struct bb_diagnosis *diag)
{
	int err = 0;

	diag->findings = calloc(rec->nr_processes ? rec->nr_processes : 1, sizeof(*diag->findings));
	if (!diag->findings)
		return -ENOMEM;
	for (size_t i = 0; i < rec->nr_processes && !err; i++)
		err = bb_findings__of(&diag->findings[i], rec, &rec->processes[i]);
	return err;
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

static int predict_all(const struct bb_record *rec, struct bb_diagnosis *diag)
{
	struct bb_what_if_context c;
	int err = 0;

	diag->what_ifs = calloc(rec->nr_processes ? rec->nr_processes : 1, sizeof(*diag->what_ifs));
	if (!diag->what_ifs)
		return -ENOMEM;
	for (size_t i = 0; i < rec->nr_processes && !err; i++) {
		c = context_of(&diag->processes[i], diag->incomplete);
		err = bb_what_ifs__of(&diag->what_ifs[i], rec, &rec->processes[i], &c);
	}
	if (err || !diag->has_tree)
		return err;
	c = context_of(&diag->tree, diag->incomplete);
	return bb_what_ifs__tree(&diag->tree_what_ifs, rec, &c);
}

int bb_diagnose(const struct bb_record *rec, struct bb_diagnosis *diag)
{
	struct bb_amounts sum = {};
	struct bb_facts tree = {}, *facts;
	double quality, tree_fill;
	bool tree_works;

	memset(diag, 0, sizeof(*diag));
	quality = quality_of(rec, &diag->incomplete);
	diag->processes =
		calloc(rec->nr_processes ? rec->nr_processes : 1, sizeof(*diag->processes));
	facts = calloc(rec->nr_processes ? rec->nr_processes : 1, sizeof(*facts));
	if (!diag->processes || !facts) {
		free(facts);
		bb_diagnosis__free(diag);
		return -ENOMEM;
	}
	diag->nr_processes = rec->nr_processes;
	if (find_all(rec, diag)) {
		free(facts);
		bb_diagnosis__free(diag);
		return -ENOMEM;
	}
	for (size_t i = 0; i < rec->nr_processes; i++) {
		bb_facts__of(&facts[i], rec, &rec->processes[i]);
		bb_facts__add(&tree, &facts[i], part_of(rec, &facts[i]));
	}
	tree_fill = fill_of(&tree);
	tree_works = bb_facts__beside_timers(&tree) >= bb_rule(BB_R_IDLE_BELOW);
	if (tree_works)
		bb_facts__drop_timers(&tree);
	for (size_t i = 0; i < rec->nr_processes; i++) {
		struct bb_amounts a;

		/* the CPUs that a process's own relatives fill are full for it too */
		bb_amounts__of(&a, &facts[i], fmax(fill_of(&facts[i]), tree_fill));
		bb_verdict__of(&diag->processes[i], &facts[i], &a, quality, false);
		if (tree_works)
			bb_facts__drop_timers(&facts[i]);
		/* who waits for a child of the same tree waits for its work, which is counted */
		facts[i].io -= facts[i].io_by[BB_STATE_CHILD];
		bb_amounts__of(&a, &facts[i], fmax(fill_of(&facts[i]), tree_fill));
		for (int b = 0; b < BB_BOUND_MAX; b++)
			sum.of[b] += a.of[b] * part_of(rec, &facts[i]);
	}
	if (rec->nr_processes > 1) {
		tree.io -= tree.io_by[BB_STATE_CHILD];
		tree.io_by[BB_STATE_CHILD] = 0;
		diag->has_tree = true;
		bb_verdict__of(&diag->tree, &tree, &sum, quality, true);
	}
	free(facts);
	if (predict_all(rec, diag)) {
		bb_diagnosis__free(diag);
		return -ENOMEM;
	}
	return 0;
}
