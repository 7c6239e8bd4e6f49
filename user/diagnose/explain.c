// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Each formula is that of docs/method.md 8; what it gives is what the verdict was made of. */
#include "explain.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

/* Less of a state than this is not worth a line. */
#define WORTH 0.005

__attribute__((format(printf, 6, 7))) static void say(struct bb_steps *s, enum bb_stage stage,
						      double value, const char *unit,
						      enum bb_rule rule, const char *fmt, ...)
{
	struct bb_step *step;
	va_list ap;

	if (s->nr == BB_STEPS_MAX)
		return;
	step = &s->items[s->nr++];
	step->stage = stage;
	step->value = value;
	step->unit = unit;
	step->rule = rule;
	va_start(ap, fmt);
	vsnprintf(step->text, sizeof(step->text), fmt, ap);
	va_end(ap);
}

static void fact(struct bb_steps *s, double threads, const char *what)
{
	if (threads >= WORTH)
		say(s, BB_STAGE_FACTS, threads, "threads", BB_R_MAX, "%s", what);
}

static void facts_of(struct bb_steps *s, const struct bb_facts *f)
{
	say(s, BB_STAGE_FACTS, f->threads, "threads", BB_R_MAX, "threads; %zu ran in the window",
	    f->active);
	say(s, BB_STAGE_FACTS, f->cpus, "cpus", BB_R_MAX, "CPUs usable");
	say(s, BB_STAGE_FACTS, f->on, "threads", BB_R_MAX, "on a CPU");
	fact(s, f->runq, "in a run queue");
	fact(s, f->preempted, "of these, having lost the CPU");
	fact(s, f->throttled, "of these, held back by the quota");
	fact(s, f->gil, "waiting for the GIL");
	fact(s, f->lock, "waiting for locks");
	fact(s, f->io, "waiting for disk, network, pipes, children or timers");
	for (int i = 0; i < BB_STATE_MAX; i++)
		if (f->io_by[i] >= WORTH)
			say(s, BB_STAGE_FACTS, f->io_by[i], "threads", BB_R_MAX,
			    "of these, in state %s", bb_state__name((enum bb_state)i));
	fact(s, f->idle, "waiting for clients, work or a long timer");
	fact(s, f->feeding, "waiting for other processes of a pool");
	fact(s, f->queue, "waiting for work or an event (futex)");
	fact(s, f->stopped, "stopped, traced or frozen");
	fact(s, f->unknown, "blocked for a cause not known");
	fact(s, f->blocked_outside, "that never ran, waiting for disk or a server");
	fact(s, f->stuck, "that never ran, waiting for a lock");
}

static void shares_of(struct bb_steps *s, const struct bb_facts *f, const struct bb_amounts *a)
{
	double demand = f->on + f->runq;

	say(s, BB_STAGE_SHARES, a->fill, "share", BB_R_FULL_FROM,
	    "fill: CPU time over usable CPUs, %.2f / %.3g%s", f->on, f->cpus,
	    a->fill > f->on / f->cpus + 0.0005 ? "; of all watched processes together it is more"
					       : "");
	say(s, BB_STAGE_SHARES, a->full, "share", BB_R_FULL_AT,
	    "full: from 0 at %.2f to 1 at %.2f of fill", bb_rule(BB_R_FULL_FROM),
	    bb_rule(BB_R_FULL_AT));
	if (f->has_gil || f->gil_share > 0)
		say(s, BB_STAGE_SHARES, a->gil, "share", BB_R_CONTENDED,
		    "GIL share: wall time with a waiter is %.3f; up to %.2f it is noise%s%s",
		    f->gil_share, bb_rule(BB_R_CONTENDED),
		    a->behind > 0 && a->gil >= a->lock ? "; and who is behind it" : "",
		    a->gil < f->gil_share && a->gil > 0 ? "; with the lock's more than 1: scaled"
							: "");
	if (f->lock_share > 0)
		say(s, BB_STAGE_SHARES, a->lock, "share", BB_R_CONTENDED,
		    "lock share: the same of the most contended lock, %.3f", f->lock_share);
	say(s, BB_STAGE_SHARES, a->starved, "share", BB_R_STARVED_FROM,
	    "starved: the larger of full; of the %.3f of the demand for CPU that queues, as far as "
	    "the machine is full (%.2f busy); and of the %.3f that the quota holds back",
	    demand > 0 ? f->runq / demand : 0, isnan(f->host_busy) ? 1 : f->host_busy,
	    bb_verdict__throttled(f));
	if (f->runq >= WORTH)
		say(s, BB_STAGE_SHARES, a->queueing, "threads", BB_R_MAX,
		    "queueing: %.2f x %.2f in a run queue%s + %.2f x the part of it that fills one "
		    "CPU beside %.2f on a CPU",
		    1 - a->gil - a->lock,
		    a->gil + a->lock > 0 ? fmin(f->runq - a->behind, fmax(1, f->on)) : f->runq,
		    a->behind > 0 ? ", but for those behind the GIL" : "", a->gil + a->lock, f->on);
	if (a->behind > 0)
		say(s, BB_STAGE_SHARES, a->behind, "threads", BB_R_MAX,
		    "behind the GIL: of those in a run queue, what would wait for it if it had a "
		    "CPU; counted as waiting for the %s",
		    a->lock > a->gil ? "lock" : "GIL");
	say(s, BB_STAGE_SHARES, a->computing, "threads", BB_R_MAX,
	    "computing: %.2f on a CPU x (1 - GIL share - lock share), %.2f", f->on,
	    1 - a->gil - a->lock);
}

/* Of one process; those of a tree are sums. */
static void amounts_of(struct bb_steps *s, const struct bb_facts *f, const struct bb_amounts *a)
{
	double running = fmax(1, f->on);

	say(s, BB_STAGE_AMOUNTS, a->of[BB_BOUND_GIL_BOUND], "threads", BB_R_MAX,
	    "gil-bound: (1 - full) x (%.2f waiting, at most %.2f + on-CPU x GIL share) = %.2f x "
	    "(%.2f + %.2f x %.2f)",
	    a->by_gil, running, 1 - a->full, fmin(a->by_gil, running), f->on, a->gil);
	say(s, BB_STAGE_AMOUNTS, a->of[BB_BOUND_LOCK_BOUND], "threads", BB_R_MAX,
	    "lock-bound: likewise = %.2f x (%.2f + %.2f x %.2f)", 1 - a->full,
	    fmin(a->by_lock, running), f->on, a->lock);
	say(s, BB_STAGE_AMOUNTS, a->of[BB_BOUND_CPU_SATURATED], "threads", BB_R_MAX,
	    "cpu-saturated: (1 - full) x queueing + full x (runq + on-CPU) + (starved - full) x "
	    "computing = %.2f x %.2f + %.2f x %.2f + %.2f x %.2f",
	    1 - a->full, a->queueing, a->full, f->runq + f->on, a->starved - a->full, a->computing);
	say(s, BB_STAGE_AMOUNTS, a->of[BB_BOUND_CPU_BOUND], "threads", BB_R_MAX,
	    "cpu-bound: (1 - starved) x computing = %.2f x %.2f", 1 - a->starved, a->computing);
	say(s, BB_STAGE_AMOUNTS, a->of[BB_BOUND_IO_BOUND], "threads", BB_R_MAX,
	    "io-bound: %.2f waiting%s, at most %.2f: what runs or queues, %.0f times, or 1", a->io,
	    a->io < f->io ? " (but for those that wait with the lock)" : "",
	    fmax(1, a->side_by_side * (f->on + f->runq)), a->side_by_side);
}

static void sums_of(struct bb_steps *s, const struct bb_reason *r)
{
	for (int b = 0; b < BB_BOUND_IDLE; b++)
		say(s, BB_STAGE_AMOUNTS, r->amounts.of[b], "threads", BB_R_MAX,
		    "%s: the sum of those of %zu processes, each for its part of the window",
		    bb_bound__name((enum bb_bound)b), r->processes);
}

static void components_of(struct bb_steps *s, const struct bb_reason *r, const struct bb_verdict *v)
{
	double total = 0;

	for (int b = 0; b < BB_BOUND_MAX; b++)
		total += r->amounts.of[b];
	say(s, BB_STAGE_COMPONENTS, v->busy, "share", BB_R_IDLE_BELOW,
	    "at work: the amounts' sum is %.2f threads: from 0 at %.2f to 1 at %.2f", total,
	    bb_rule(BB_R_IDLE_BELOW), bb_rule(BB_R_IDLE_RAMP));
	for (int b = 0; b < BB_BOUND_IDLE && total > 0; b++)
		say(s, BB_STAGE_COMPONENTS, v->components[b], "share", BB_R_MAX,
		    "%s: %.2f / %.2f x %.2f", bb_bound__name((enum bb_bound)b), r->amounts.of[b],
		    total, v->busy);
	say(s, BB_STAGE_COMPONENTS, v->components[BB_BOUND_IDLE], "share", BB_R_MAX,
	    "idle: 1 - %.2f", v->busy);
}

static void choice_of(struct bb_steps *s, const struct bb_facts *f, const struct bb_verdict *v)
{
	enum bb_bound first, second;

	/* those that are 0 are told, too */
	bb_components__rank(v->components, -1, &first, &second);
	if (f->pool.feeder && f->feeding >= bb_rule(BB_R_FEEDS) && !v->unseen_workers)
		say(s, BB_STAGE_CHOICE, f->feeding, "threads", BB_R_FEEDS,
		    "of its own wait for its workers: it is judged together with them");
	say(s, BB_STAGE_CHOICE, v->components[first], "share", BB_R_DOMINATES, "the strongest: %s",
	    bb_bound__name(first));
	say(s, BB_STAGE_CHOICE, v->components[second], "share", BB_R_MATTERS, "the second: %s",
	    bb_bound__name(second));
	if (v->unseen_workers)
		say(s, BB_STAGE_CHOICE, f->feeding, "threads", BB_R_FEEDS,
		    "wait for worker processes, which are not watched: unknown");
	else if (v->bound == BB_BOUND_UNKNOWN && f->window_ns < bb_rule(BB_R_SHORT_WINDOW_NS))
		say(s, BB_STAGE_CHOICE, f->window_ns, "ns", BB_R_SHORT_WINDOW_NS,
		    "the window is too short: unknown");
	else if (v->bound == BB_BOUND_UNKNOWN)
		say(s, BB_STAGE_CHOICE, f->unknown, "threads", BB_R_UNKNOWN_MAX,
		    "blocked for a cause not known, which is too much: unknown");
	else if (v->by_phases)
		say(s, BB_STAGE_CHOICE, v->components[first], "share", BB_R_MATTERS,
		    "phases of another bound make up a part of the window that matters: mixed");
	else if (v->bound == BB_BOUND_MIXED)
		say(s, BB_STAGE_CHOICE, v->components[first], "share", BB_R_DOMINATES,
		    "none dominates, and two matter: mixed");
	for (size_t i = 0; i < v->nr_against; i++)
		say(s, BB_STAGE_CHOICE, v->against[i].value, v->against[i].unit, BB_R_MAX,
		    "against it: %s", v->against[i].fact);
}

static void confidence_of(struct bb_steps *s, const struct bb_verdict *v)
{
	enum bb_bound first, second;
	double a, b;

	bb_components__rank(v->components, -1, &first, &second);
	a = v->components[first];
	b = v->components[second];
	if (v->bound == BB_BOUND_UNKNOWN)
		say(s, BB_STAGE_CONFIDENCE, v->by_lead, "share", BB_R_MAX,
		    "of unknown: one half, by definition");
	else if (v->bound == BB_BOUND_MIXED && !v->by_phases)
		say(s, BB_STAGE_CONFIDENCE, v->by_lead, "share", BB_R_MAX,
		    "1 - %.2f x the lead of the strongest over the second, %.2f - %.2f",
		    bb_rule(BB_R_LEAD_DOUBT), a, b);
	else
		say(s, BB_STAGE_CONFIDENCE, v->by_lead, "share", BB_R_MAX,
		    "1 - %.2f x (1 - the lead over the second, %.2f - %.2f)",
		    bb_rule(BB_R_LEAD_DOUBT), a, b);
	for (size_t i = 0; i < v->nr_lowered; i++)
		say(s, BB_STAGE_CONFIDENCE, v->lowered[i].by, "factor", BB_R_MAX, "times, for: %s",
		    v->lowered[i].why);
	say(s, BB_STAGE_CONFIDENCE, v->confidence, "share", BB_R_MAX, "the confidence in %s",
	    bb_bound__name(v->bound));
}

void bb_explain__of(struct bb_steps *s, const struct bb_reason *r, const struct bb_verdict *v)
{
	memset(s, 0, sizeof(*s));
	facts_of(s, &r->facts);
	if (r->processes) {
		sums_of(s, r);
	} else {
		shares_of(s, &r->facts, &r->amounts);
		amounts_of(s, &r->facts, &r->amounts);
	}
	components_of(s, r, v);
	choice_of(s, &r->facts, v);
	confidence_of(s, v);
}

static const struct {
	const char *name, *title;
} stages[BB_STAGE_MAX] = {
#define X(id, name, title) [BB_STAGE_##id] = { name, title },
	BB_STAGES(X)
#undef X
};

const char *bb_stage__name(enum bb_stage stage)
{
	return (unsigned int)stage < BB_STAGE_MAX ? stages[stage].name : "unknown";
}

const char *bb_stage__title(enum bb_stage stage)
{
	return (unsigned int)stage < BB_STAGE_MAX ? stages[stage].title : "unknown";
}
