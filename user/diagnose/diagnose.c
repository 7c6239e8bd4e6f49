// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "feeder.h"
#include "rules.h"
#include "tree_findings.h"

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
	return err ? err : bb_tree_findings__of(&diag->tree_findings, rec);
}

/* The facts of each process, and of all of them together. */
static void gather(const struct bb_record *rec, struct bb_facts *facts, struct bb_facts *tree)
{
	for (size_t i = 0; i < rec->nr_processes; i++) {
		bb_facts__of(&facts[i], rec, &rec->processes[i]);
		bb_facts__add(tree, &facts[i], part_of(rec, &facts[i]));
	}
}

static void judge(const struct bb_record *rec, struct bb_diagnosis *diag, struct bb_facts *facts)
{
	struct bb_reason *whole = &diag->reasons[rec->nr_processes];
	struct bb_facts *tree = &whole->facts;
	double quality = quality_of(rec, &diag->incomplete), tree_fill;
	bool tree_works;

	gather(rec, facts, tree);
	tree_fill = fill_of(tree);
	tree_works = bb_facts__beside_timers(tree) >= bb_rule(BB_R_IDLE_BELOW);
	if (tree_works)
		bb_facts__drop_timers(tree);
	for (size_t i = 0; i < rec->nr_processes; i++) {
		struct bb_reason *r = &diag->reasons[i];
		struct bb_amounts a;

		/* the CPUs that a process's own relatives fill are full for it too */
		r->facts = facts[i];
		r->quality = quality;
		bb_amounts__of(&r->amounts, &facts[i], fmax(fill_of(&facts[i]), tree_fill));
		bb_verdict__of(&diag->processes[i], &facts[i], &r->amounts, quality, false);
		if (tree_works)
			bb_facts__drop_timers(&facts[i]);
		/* who waits for a child of the same tree waits for its work, which is counted */
		facts[i].io -= facts[i].io_by[BB_STATE_CHILD];
		bb_amounts__of(&a, &facts[i], fmax(fill_of(&facts[i]), tree_fill));
		for (int b = 0; b < BB_BOUND_MAX; b++)
			whole->amounts.of[b] += a.of[b] * part_of(rec, &facts[i]);
	}
	/* after all were judged by themselves */
	for (size_t i = 0; i < rec->nr_processes; i++)
		bb_feeder__judge(rec, diag->reasons, i, &diag->processes[i]);
	if (rec->nr_processes < 2)
		return;
	tree->io -= tree->io_by[BB_STATE_CHILD];
	tree->io_by[BB_STATE_CHILD] = 0;
	whole->quality = quality;
	whole->processes = rec->nr_processes;
	diag->has_tree = true;
	bb_verdict__of(&diag->tree, tree, &whole->amounts, quality, true);
}

int bb_diagnose(const struct bb_record *rec, struct bb_diagnosis *diag)
{
	size_t n = rec->nr_processes;
	struct bb_facts *facts = calloc(n + 1, sizeof(*facts));

	memset(diag, 0, sizeof(*diag));
	diag->processes = calloc(n + 1, sizeof(*diag->processes));
	diag->reasons = calloc(n + 1, sizeof(*diag->reasons));
	if (diag->processes)
		diag->nr_processes = n;
	if (!facts || !diag->processes || !diag->reasons || find_all(rec, diag)) {
		free(facts);
		bb_diagnosis__free(diag);
		return -ENOMEM;
	}
	judge(rec, diag, facts);
	free(facts);
	return 0;
}
