// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each slice is judged as the window is, which gives a point: the strength of each bound. Where
 * the points' mean changes, a phase may end. Each run of slices between is judged by the facts of
 * all of it, and neighbours that are not clearly different become one.
 */
#include "segment.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "parts.h"
#include "rules.h"
#include "whole.h"

#define DIMS (BB_BOUND_MAX + 1) /* strength of the bounds, and how far idle is stopped */
#define EDGE 2 /* slices before the first change, and after the last: the window cuts these */

struct segment {
	const struct bb_record *rec;
	struct bb_parts *parts; /* of each process */
	size_t nr;
	struct bb_facts *facts; /* of them, in the run of slices that is judged */
	struct bb_amounts *amounts;
	double *on; /* ns on a CPU, of all of them, by slice */
	double cpus;
	double quality;
	bool tree;  /* of all of them together */
	size_t who; /* else of this one */
};

static double stopped_share(const struct bb_facts *f)
{
	double all = bb_facts__at_work(f) + f->idle + f->queue + f->stopped;

	return all > 0 ? f->stopped / all : 0;
}

static double length(const struct bb_record *rec, size_t from, size_t to)
{
	return (double)(rec->slice_ends[to - 1] - (from ? rec->slice_ends[from - 1] : 0));
}

/* Use of the usable CPUs by all processes together. */
static double fill_of(const struct segment *s, size_t from, size_t to)
{
	double on = 0;

	for (size_t i = from; i < to; i++)
		on += s->on[i];
	return s->cpus > 0 ? on / length(s->rec, from, to) / s->cpus : 1;
}

/* Facts and amounts of a run of slices: as bb_whole__of(), of one process alone where that will do.
 */
static void facts_of(struct segment *s, size_t from, size_t to, struct bb_facts *f,
		     struct bb_amounts *a)
{
	struct bb_whole whole;

	if (!s->tree) {
		bb_parts__facts(&s->parts[s->who], from, to, f);
		bb_amounts__of(a, f, fmax(bb_facts__fill(f), fill_of(s, from, to)));
		return;
	}
	for (size_t i = 0; i < s->nr; i++)
		bb_parts__facts(&s->parts[i], from, to, &s->facts[i]);
	bb_whole__of(&whole, s->facts, s->nr, length(s->rec, from, to), s->amounts);
	*f = whole.facts;
	*a = whole.amounts;
}

static void point_of(struct segment *s, size_t i, double *x)
{
	struct bb_amounts a;
	struct bb_facts f;
	double stopped;

	facts_of(s, i, i + 1, &f, &a);
	bb_components__of(x, &a);
	stopped = x[BB_BOUND_IDLE] * stopped_share(&f);
	x[BB_BOUND_IDLE] -= stopped;
	x[BB_BOUND_MAX] = stopped;
}

static void judge(struct segment *s, struct bb_phase *p)
{
	struct bb_verdict v;
	struct bb_amounts a;
	struct bb_facts f;

	facts_of(s, p->from, p->to, &f, &a);
	bb_verdict__of(&v, &f, &a, s->quality, s->tree);
	p->bound = v.bound;
	p->confidence = v.confidence;
	memcpy(p->components, v.components, sizeof(p->components));
	memcpy(p->summary, v.summary, sizeof(p->summary));
	p->stopped = v.bound == BB_BOUND_IDLE && stopped_share(&f) >= 0.5;
	p->gil_share = f.has_gil ? f.gil_share : NAN;
	p->lock_share = f.lock_share;
}

/* Where it is, and what its threads did. */
static void measure(const struct segment *s, struct bb_phase *p, uint64_t start, uint64_t end)
{
	uint64_t from = p->from ? s->rec->slice_ends[p->from - 1] : 0;
	uint64_t to = s->rec->slice_ends[p->to - 1];

	p->start_ns = from > start ? from : start;
	p->ns = (to < end ? to : end) - p->start_ns;
	memset(&p->budget, 0, sizeof(p->budget));
	for (size_t i = 0; i < s->rec->nr_processes; i++) {
		const struct bb_slices *slices = &s->rec->processes[i].slices;

		if (!slices->items || (!s->tree && i != s->who))
			continue;
		for (size_t j = p->from; j < p->to; j++)
			bb_budget__add(&p->budget, &slices->items[j].budget);
	}
}

/* Half the sum of the differences: the share of the time that would have to change sides. */
static double distance(const struct bb_phase *a, const struct bb_phase *b)
{
	double sum = 0;

	if (a->stopped != b->stopped)
		return 1;
	for (int i = 0; i < BB_BOUND_MAX; i++)
		sum += fabs(a->components[i] - b->components[i]);
	return sum / 2;
}

static bool is_short(const struct bb_phase *p)
{
	return (double)p->ns < bb_rule(BB_R_SHORT_WINDOW_NS);
}

static bool are_one(const struct bb_phase *a, const struct bb_phase *b)
{
	return (a->bound == b->bound && a->stopped == b->stopped) || is_short(a) || is_short(b) ||
	       distance(a, b) < bb_rule(BB_R_PHASE_DIFFERS);
}

/* Join neighbours, the most alike first, until all are clearly different. */
static void join(struct segment *s, struct bb_phases *p, uint64_t start, uint64_t end)
{
	for (;;) {
		size_t best = p->nr;

		for (size_t i = 0; i + 1 < p->nr; i++)
			if (are_one(&p->items[i], &p->items[i + 1]) &&
			    (best == p->nr ||
			     distance(&p->items[i], &p->items[i + 1]) <
				     distance(&p->items[best], &p->items[best + 1])))
				best = i;
		if (best == p->nr)
			return;
		p->items[best].to = p->items[best + 1].to;
		memmove(&p->items[best + 1], &p->items[best + 2],
			(p->nr - best - 2) * sizeof(*p->items));
		p->nr--;
		measure(s, &p->items[best], start, end);
		judge(s, &p->items[best]);
	}
}

static int find_changes(struct segment *s, size_t from, size_t nr, size_t *ends, long *found)
{
	const struct bb_change_opts opts = { .least = (size_t)bb_rule(BB_R_PHASE_SLICES),
					     .edge = EDGE,
					     .penalty = bb_rule(BB_R_PHASE_CHANGE) };
	struct bb_series series = { .dims = DIMS, .nr = nr };
	double *x = calloc(nr * DIMS, sizeof(*x)), *weights = calloc(nr, sizeof(*weights));
	double mean = length(s->rec, from, from + nr) / (double)nr;

	*found = -ENOMEM;
	if (x && weights) {
		for (size_t i = 0; i < nr; i++) {
			point_of(s, from + i, x + i * DIMS);
			weights[i] = length(s->rec, from + i, from + i + 1) / mean;
		}
		series.x = x;
		series.weights = weights;
		*found = bb_changes__find(&series, &opts, ends);
	}
	free(x);
	free(weights);
	return *found < 0 ? (int)*found : 0;
}

/* The phases of slices @from up to @to, that span @start to @end. */
static int phases_of(struct segment *s, struct bb_phases *p, size_t from, size_t to, uint64_t start,
		     uint64_t end)
{
	size_t *ends;
	long nr = 0;
	int err;

	if (from >= to)
		return 0;
	ends = calloc(to - from, sizeof(*ends));
	err = ends ? find_changes(s, from, to - from, ends, &nr) : -ENOMEM;
	if (!err) {
		p->items = calloc((size_t)nr, sizeof(*p->items));
		err = p->items ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !err && i < (size_t)nr; i++) {
		struct bb_phase *phase = &p->items[p->nr++];

		phase->from = from + (i ? ends[i - 1] : 0);
		phase->to = from + ends[i];
		measure(s, phase, start, end);
		judge(s, phase);
	}
	free(ends);
	if (err)
		return err;
	join(s, p, start, end);
	bb_phases__repeat(p);
	return 0;
}

static int all_phases(struct segment *s, struct bb_phases *phases)
{
	int err = 0;

	for (size_t i = 0; i < s->nr && !err; i++) {
		uint64_t start, end;

		s->who = i;
		bb_facts__span(s->rec, s->parts[i].p, &start, &end);
		err = phases_of(s, &phases[i], s->parts[i].first, s->parts[i].end, start, end);
	}
	if (err || s->nr < 2)
		return err;
	s->tree = true;
	return phases_of(s, &phases[s->nr], 0, s->rec->nr_slices, 0, s->rec->window.ns);
}

static bool is_sliced(const struct bb_record *rec)
{
	for (size_t i = 0; i < rec->nr_processes; i++)
		if (!rec->processes[i].slices.items)
			return false;
	return rec->nr_slices > 0 && rec->nr_processes > 0;
}

int bb_segment(const struct bb_record *rec, const struct bb_facts *facts, double quality,
	       struct bb_phases *phases)
{
	struct segment s = { .rec = rec, .quality = quality };
	size_t nr = rec->nr_processes;
	int err = 0;

	if (!is_sliced(rec))
		return 0;
	s.parts = calloc(nr, sizeof(*s.parts));
	s.facts = calloc(nr, sizeof(*s.facts));
	s.amounts = calloc(nr, sizeof(*s.amounts));
	s.on = calloc(rec->nr_slices, sizeof(*s.on));
	if (!s.parts || !s.facts || !s.amounts || !s.on)
		err = -ENOMEM;
	for (; s.nr < nr && !err; s.nr++) {
		err = bb_parts__of(&s.parts[s.nr], rec, &rec->processes[s.nr], &facts[s.nr]);
		if (err)
			break;
		s.cpus = fmax(s.cpus, facts[s.nr].cpus);
		for (size_t i = 0; i < rec->nr_slices; i++)
			s.on[i] += s.parts[s.nr].items[i].states[BB_STATE_ONCPU];
	}
	if (!err)
		err = all_phases(&s, phases);
	for (size_t i = 0; s.parts && i < s.nr; i++)
		bb_parts__free(&s.parts[i]);
	free(s.parts);
	free(s.facts);
	free(s.amounts);
	free(s.on);
	return err;
}

/* ---- the window's verdict */

static bool is_clear(enum bb_bound b)
{
	return b != BB_BOUND_MIXED && b != BB_BOUND_UNKNOWN;
}

void bb_segment__tell(struct bb_verdict *v, const struct bb_phases *p)
{
	double share[BB_BOUND_MAX] = {}, all = 0, other = 0;
	char words[320];
	size_t at;

	if (p->nr < 2 || v->bound == BB_BOUND_UNKNOWN)
		return;
	for (size_t i = 0; i < p->nr; i++) {
		share[p->items[i].bound] += (double)p->items[i].ns;
		all += (double)p->items[i].ns;
	}
	for (int b = 0; b < BB_BOUND_MAX; b++) {
		share[b] /= all;
		if (is_clear(b) && b != (int)v->bound)
			other = fmax(other, share[b]);
	}
	if (other < bb_rule(BB_R_MATTERS))
		return;
	bb_phases__words(p, words, sizeof(words));
	if (is_clear(v->bound) && share[v->bound] < bb_rule(BB_R_DOMINATES)) {
		if (v->nr_evidence < BB_EVIDENCE_MAX)
			v->evidence[v->nr_evidence++] = (struct bb_evidence){
				.fact = "of the window is phases of another bound",
				.value = other,
				.threshold = bb_rule(BB_R_MATTERS),
				.unit = "share",
				.rule = "matters",
			};
		v->by_phases = true;
		bb_verdict__lower(v, fmin(1, fmax(0.5, 1 - fabs(other - share[v->bound]))),
				  "its phases differ in length");
		v->runner_up = BB_BOUND_MAX;
		v->bound = BB_BOUND_MIXED;
	}
	if (v->bound == BB_BOUND_MIXED)
		v->summary[0] = '\0';
	at = strlen(v->summary);
	/* half a sentence would be worse than none: the phases are told elsewhere too */
	if (at + strlen(words) + 40 > sizeof(v->summary))
		return;
	snprintf(v->summary + at, sizeof(v->summary) - at, "%s%s.",
		 at ? " In phases: " : "Phases have different bounds: ", words);
}
