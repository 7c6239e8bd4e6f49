// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "feeder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

static void add_evidence(struct bb_verdict *v, const struct bb_facts *own, size_t workers)
{
	struct bb_evidence *e;

	if (v->nr_evidence == BB_EVIDENCE_MAX)
		v->nr_evidence--;
	e = &v->evidence[v->nr_evidence++];
	memset(e, 0, sizeof(*e));
	e->value = own->feeding;
	e->threshold = bb_rule(BB_R_FEEDS);
	e->unit = "threads";
	e->rule = bb_rules[BB_R_FEEDS].name;
	if (workers)
		snprintf(e->fact, sizeof(e->fact),
			 "of its own wait for its %zu workers, on average", workers);
	else
		snprintf(e->fact, sizeof(e->fact),
			 "of its threads wait for worker processes, on average");
}

static void as_its_workers(struct bb_verdict *v, struct bb_reason *r, const struct bb_reason *all,
			   size_t workers)
{
	char theirs[sizeof(v->summary)];
	struct bb_facts own = r->facts;

	bb_verdict__of(v, &all->facts, &all->amounts, r->quality, true);
	snprintf(theirs, sizeof(theirs), "%s", v->summary);
	snprintf(v->summary, sizeof(v->summary), "It feeds %zu worker%s, and waits for %s. %s",
		 workers, workers == 1 ? "" : "s", workers == 1 ? "it" : "them", theirs);
	add_evidence(v, &own, workers);
	*r = *all;
	r->processes = workers + 1;
	/* whose memory and code it is about */
	r->facts.pool = own.pool;
	r->facts.feeding = own.feeding;
}

static void unseen(struct bb_verdict *v, const struct bb_facts *own)
{
	v->runner_up = v->bound;
	v->bound = BB_BOUND_UNKNOWN;
	v->confidence = v->by_lead = 0.5;
	v->nr_lowered = 0;
	v->unseen_workers = true;
	snprintf(v->summary, sizeof(v->summary),
		 "It feeds worker processes that are not watched, and waits for them: they decide "
		 "(-C shows them).");
	add_evidence(v, own, 0);
}

void bb_feeder__judge(const struct bb_record *rec, struct bb_reason *reasons, size_t i,
		      struct bb_verdict *v)
{
	struct bb_reason *r = &reasons[i], all = { .quality = r->quality };
	const struct bb_facts *own = &r->facts;
	size_t workers = 0;

	if (v->bound != BB_BOUND_IDLE || !own->pool.feeder || own->feeding < bb_rule(BB_R_FEEDS))
		return;
	for (size_t j = 0; j < rec->nr_processes; j++) {
		const struct bb_reason *other = &reasons[j];
		double part;

		if (j != i &&
		    !(other->facts.pool.worker &&
		      bb_record__descends(rec, &rec->processes[j], rec->processes[i].pid)))
			continue;
		workers += j != i && !other->facts.pool.tidies;
		part = bb_facts__part(&other->facts, (double)rec->window.ns);
		bb_facts__add(&all.facts, &other->facts, part);
		for (int b = 0; b < BB_BOUND_MAX; b++)
			all.amounts.of[b] += other->amounts.of[b] * part;
	}
	if (workers)
		as_its_workers(v, r, &all, workers);
	else if ((double)own->pool.asked_ns / own->window_ns >= bb_rule(BB_R_FEEDS))
		unseen(v, own);
}
