// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

/* 0 up to @from, 1 from @to on, a straight line between. */
static double ramp(double x, double from, double to)
{
	return fmin(1, fmax(0, (x - from) / (to - from)));
}

/*
 * Many threads may wait at once for what one of them holds, or for one server:
 * that is one bottleneck, so waiting counts at most as much as there is running,
 * or as one thread.
 */
static double capped(double waiting, double running)
{
	return fmin(waiting, fmax(1, running));
}

/* How far a share of the CPU demand that cannot be met takes the CPUs away. */
double bb_verdict__starved_by(double share)
{
	return ramp(share, bb_rule(BB_R_STARVED_FROM), bb_rule(BB_R_STARVED_AT));
}

/* The share of the CPU demand that the cgroup's quota held back. */
double bb_verdict__throttled(const struct bb_facts *f)
{
	return f->throttled > 0 ? f->throttled / (f->on + f->runq) : 0;
}

/* What only one thread can have at a time, and who is kept waiting by it. */
struct kept {
	double gil, lock;       /* shares of wall time, together 1 at most */
	double by_gil, by_lock; /* threads */
	double queueing;        /* part of these that queue for a CPU just now */
};

static struct kept kept_of(const struct bb_facts *f)
{
	double noise = bb_rule(BB_R_CONTENDED), both;
	struct kept k = {
		.gil = f->gil_share > noise ? f->gil_share : 0,
		.lock = f->lock_share > noise ? f->lock_share : 0,
	};

	if (k.gil + k.lock <= 0)
		return k;
	k.by_gil = k.gil > 0 ? f->gil : 0;
	k.by_lock = k.lock > 0 ? f->lock : 0;
	/* had they a CPU, they would wait for whichever of the two they wait for else */
	k.queueing = f->behind_gil;
	if (k.lock > k.gil) {
		k.by_lock += k.queueing;
		k.lock = fmin(1, k.lock + k.queueing);
	} else {
		k.by_gil += k.queueing;
		k.gil = fmin(1, k.gil + k.queueing);
	}
	both = fmax(1, k.gil + k.lock);
	k.gil /= both;
	k.lock /= both;
	return k;
}

void bb_amounts__of(struct bb_amounts *a, const struct bb_facts *f, double fill)
{
	double full = ramp(fill, bb_rule(BB_R_FULL_FROM), bb_rule(BB_R_FULL_AT));
	struct kept k = kept_of(f);
	double held = fmin(1, k.gil + k.lock), on, runq, starved;

	memset(a, 0, sizeof(*a));
	/*
	 * Running while others wait for the GIL or a lock is part of that bound:
	 * it is what they wait for. Where the CPUs are full it makes no
	 * difference, the wait would be for a CPU instead.
	 */
	on = f->on * (1 - held);
	a->of[BB_BOUND_GIL_BOUND] = (1 - full) * (capped(k.by_gil, f->on) + f->on * k.gil);
	a->of[BB_BOUND_LOCK_BOUND] = (1 - full) * (capped(k.by_lock, f->on) + f->on * k.lock);
	/*
	 * While a lock or the GIL is waited for, only its holder can use a CPU: the
	 * others would queue for the lock if they did not queue for a CPU. What queues
	 * for a CPU else queues in front of the same lock: it is capped as that is.
	 */
	runq = fmax(0, f->runq - k.queueing);
	a->queueing = (1 - held) * (held > 0 ? capped(runq, f->on) : runq) +
		      held * fmin(runq, fmax(0, 1 - f->on));
	/* CPUs that others fill are no more to be had than those that it fills itself */
	starved = f->on + f->runq > 0 ? bb_verdict__starved_by(f->runq / (f->on + f->runq)) : 0;
	starved *= isnan(f->host_busy)
			   ? 1
			   : ramp(f->host_busy, bb_rule(BB_R_FULL_FROM), bb_rule(BB_R_FULL_AT));
	/* nor are those that the quota takes, however idle the machine */
	starved = fmax(fmax(full, starved), bb_verdict__starved_by(bb_verdict__throttled(f)));
	a->of[BB_BOUND_CPU_SATURATED] =
		(1 - full) * a->queueing + full * (f->runq + f->on) + (starved - full) * on;
	a->of[BB_BOUND_CPU_BOUND] = (1 - starved) * on;
	/* so is what the holder waits for */
	a->io = k.lock > 0 ? fmax(0, f->io - f->held_io) : f->io;
	/*
	 * Threads that each wait for most of their time wait side by side, which
	 * counts for more than those that wait beside one that computes.
	 */
	a->side_by_side = f->busiest < bb_rule(BB_R_DOMINATES) ? 2 : 1;
	a->of[BB_BOUND_IO_BOUND] = capped(a->io, a->side_by_side * (f->on + f->runq));
	a->fill = fill;
	a->full = full;
	a->gil = k.gil;
	a->lock = k.lock;
	a->by_gil = k.by_gil;
	a->by_lock = k.by_lock;
	a->behind = k.queueing;
	a->computing = on;
	a->starved = starved;
}

/* ---- words */

static void say(struct bb_evidence *list, size_t *nr, double value, double threshold,
		const char *unit, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));

static void say(struct bb_evidence *list, size_t *nr, double value, double threshold,
		const char *unit, const char *rule, const char *fmt, ...)
{
	struct bb_evidence *e;
	va_list ap;

	if (*nr >= BB_EVIDENCE_MAX)
		return;
	e = &list[(*nr)++];
	va_start(ap, fmt);
	vsnprintf(e->fact, sizeof(e->fact), fmt, ap);
	va_end(ap);
	e->value = value;
	e->threshold = threshold;
	e->unit = unit;
	e->rule = rule;
}

#define FOR(v, ...)     say((v)->evidence, &(v)->nr_evidence, __VA_ARGS__)
#define AGAINST(v, ...) say((v)->against, &(v)->nr_against, __VA_ARGS__)

static enum bb_state top_io_state(const struct bb_facts *f)
{
	enum bb_state top = BB_STATE_DISK;

	for (int s = 0; s < BB_STATE_MAX; s++)
		if (f->io_by[s] > f->io_by[top])
			top = s;
	return top;
}

static const char *io_words(const struct bb_facts *f)
{
	switch (top_io_state(f)) {
	case BB_STATE_DISK:
		return "the disk";
	case BB_STATE_NET:
		return "the network";
	case BB_STATE_POLL:
		if (f->top_io && f->top_io->endpoint == BB_END_NONE)
			return "timers";
		return "events in a poll loop";
	case BB_STATE_IPC:
		return "pipes and local sockets";
	case BB_STATE_SLEEP:
		return "timers (it sleeps)";
	case BB_STATE_CHILD:
		return "child processes";
	case BB_STATE_FAULT:
		return "memory (page faults)";
	default:
		return "other system calls";
	}
}

static double largest(const struct bb_verdict *v)
{
	double most = 0;

	for (int b = 0; b < BB_BOUND_MAX; b++)
		most = fmax(most, v->components[b]);
	return most;
}

/* Is what the lock's holder waits for what all wait for? */
static bool waits_itself(const struct bb_facts *f)
{
	const struct bb_lock_holder *h = f->chain_end;

	return h && h->tid && h->ns && (double)h->wait.ns / (double)h->ns >= 0.5;
}

/* What is waited for is no lock of the program's, but the interpreter that has stopped it. */
static bool is_world(const struct bb_facts *f)
{
	return f->top_lock && f->top_lock->kind == BB_LOCK_WORLD;
}

/* CPU time that goes into waiting; whatever the verdict is. */
static void spin_of(struct bb_verdict *v, const struct bb_facts *f)
{
	const struct bb_spin *s = &f->spin;

	if (bb_spin__yields(s, f->on))
		FOR(v, fmin(1, s->yielding / f->on), bb_rule(BB_R_SPINS), "share", "spins",
		    "of its CPU time or more is spinning: %.0f sched_yield() a second",
		    s->yields_per_s);
	if (bb_spin__wakes_in_vain(s, f->on))
		FOR(v, s->vain_per_s / f->on, bb_rule(BB_R_VAIN_CALLS), "per_s", "vain-calls",
		    "futex calls for nobody, per second of CPU time: waiting may be by spinning");
	if (bb_spin__naps(s, f->on))
		FOR(v, s->waits_per_s / f->on, bb_rule(BB_R_SHORT_WAITS), "per_s", "short-waits",
		    "waits for a word, per second of CPU time, of %.1f us: too short to sleep for",
		    s->wait_ns / 1e3);
}

/* On a CPU or off it, that is time in which the program gets nowhere. */
static void klocks_of(struct bb_verdict *v, const struct bb_facts *f)
{
	if (!f->top_klock || f->klock < bb_rule(BB_R_KERNEL_LOCK))
		return;
	FOR(v, f->klock, bb_rule(BB_R_KERNEL_LOCK), "threads", "kernel-lock",
	    "threads spin or wait for a lock of the kernel%s%s%s, on average",
	    f->top_klock->function[0] ? ", mostly in " : "", f->top_klock->function,
	    f->top_klock->function[0] ? "()" : "");
}

static void evidence_of(struct bb_verdict *v, const struct bb_facts *f)
{
	double fill = f->on / f->cpus;

	if (v->bound == BB_BOUND_MIXED || v->bound == BB_BOUND_UNKNOWN)
		FOR(v, largest(v), bb_rule(BB_R_DOMINATES), "share", "dominates",
		    "of the time speaks for the strongest of its bounds");
	else
		FOR(v, v->components[v->bound], bb_rule(BB_R_DOMINATES), "share", "dominates",
		    "of the time speaks for %s", bb_bound__name(v->bound));
	FOR(v, f->on, NAN, "cpus", "", "CPUs in use, of %.3g usable", f->cpus);
	switch (v->bound) {
	case BB_BOUND_GIL_BOUND:
		FOR(v, f->gil_share, bb_rule(BB_R_CONTENDED), "share", "contended",
		    "wall time with a thread waiting for the GIL");
		FOR(v, f->gil, NAN, "threads", "", "threads waiting for the GIL, on average");
		FOR(v, fill, bb_rule(BB_R_FULL_FROM), "share", "cpus-full-from",
		    "use of the usable CPUs: the rest is free");
		break;
	case BB_BOUND_LOCK_BOUND:
		if (is_world(f))
			FOR(v, f->lock_share, bb_rule(BB_R_CONTENDED), "share", "contended",
			    "wall time with a thread waiting for a stop of the world to end");
		else
			FOR(v, f->lock_share, bb_rule(BB_R_CONTENDED), "share", "contended",
			    "wall time with a thread waiting for the lock at 0x%llx",
			    f->top_lock ? (unsigned long long)f->top_lock->addr : 0);
		if (f->top_holder && f->top_holder->tid)
			FOR(v, (double)f->top_holder->ns / (double)f->top_lock->contended_ns, NAN,
			    "share", "", "of that time thread %d had it", (int)f->top_holder->tid);
		if (waits_itself(f))
			FOR(v, (double)f->chain_end->wait.ns / (double)f->chain_end->ns, NAN,
			    "share", "", "of its time with %s thread %d was blocked, longest in %s",
			    f->chain_end == f->top_holder ? "it" : "another lock",
			    (int)f->chain_end->tid, bb_state__name(f->chain_end->wait.state));
		FOR(v, f->lock, NAN, "threads", "", "threads waiting for locks, on average");
		FOR(v, fill, bb_rule(BB_R_FULL_FROM), "share", "cpus-full-from",
		    "use of the usable CPUs: the rest is free");
		break;
	case BB_BOUND_CPU_SATURATED:
		FOR(v, fill, bb_rule(BB_R_FULL_AT), "share", "cpus-full-at",
		    "use of the usable CPUs");
		FOR(v, f->runq, NAN, "threads", "", "threads queueing for a CPU, on average");
		if (bb_verdict__throttled(f) >= bb_rule(BB_R_STARVED_FROM))
			FOR(v, bb_verdict__throttled(f), bb_rule(BB_R_STARVED_FROM), "share",
			    "starved-from",
			    "of the demand for CPU is held back by the cgroup's quota");
		break;
	case BB_BOUND_CPU_BOUND:
		FOR(v, fill, bb_rule(BB_R_FULL_FROM), "share", "cpus-full-from",
		    "use of the usable CPUs: the rest is free");
		if (f->has_gil)
			FOR(v, f->gil_share, bb_rule(BB_R_CONTENDED), "share", "contended",
			    "wall time with a thread waiting for the GIL");
		break;
	case BB_BOUND_IO_BOUND:
		FOR(v, f->io, NAN, "threads", "", "threads waiting for I/O, on average");
		FOR(v, f->io_by[top_io_state(f)], NAN, "threads", "", "of these, in state %s",
		    bb_state__name(top_io_state(f)));
		break;
	case BB_BOUND_IDLE:
		FOR(v, bb_facts__at_work(f), bb_rule(BB_R_IDLE_BELOW), "threads", "idle-below",
		    "threads running, or waiting for a result");
		FOR(v, f->idle + f->queue, NAN, "threads", "",
		    "active threads waiting for clients, work or a timer");
		break;
	default:
		if (f->io > 0)
			FOR(v, f->io, NAN, "threads", "", "threads waiting for I/O, on average");
		if (f->gil > 0)
			FOR(v, f->gil, NAN, "threads", "",
			    "threads waiting for the GIL, on average");
		if (f->lock > 0)
			FOR(v, f->lock, NAN, "threads", "",
			    "threads waiting for locks, on average");
		if (f->runq > 0)
			FOR(v, f->runq, NAN, "threads", "",
			    "threads queueing for a CPU, on average");
		break;
	}
	spin_of(v, f);
	klocks_of(v, f);
	if (v->bound != BB_BOUND_IDLE && v->bound != BB_BOUND_UNKNOWN && f->on + f->io > 0)
		FOR(v, f->on / bb_facts__at_work(f), 0.8, "share", "",
		    "CPU time over wall time: a rule of thumb calls more than 0.8 CPU-bound");
}

/* It polls a server and hardly ever runs: the answers are either slow or not asked for. */
static bool is_doubtful(const struct bb_verdict *v, const struct bb_facts *f)
{
	return v->bound == BB_BOUND_IO_BOUND && f->on < bb_rule(BB_R_LOW_DUTY) && f->top_io &&
	       f->top_io->state == BB_STATE_POLL && f->top_io->endpoint == BB_END_OUTBOUND;
}

static void against_of(struct bb_verdict *v, const struct bb_facts *f)
{
	if (v->bound == BB_BOUND_IDLE && f->blocked_outside >= 0.5)
		AGAINST(v, f->blocked_outside, NAN, "threads", "",
			"threads waited for disk or a server all the time");
	if (f->parks && f->queue >= 1)
		AGAINST(v, f->queue, NAN, "threads", "",
			"threads parked by the runtime: for work, or for a lock of its own");
	if (v->bound == BB_BOUND_IDLE && f->stuck >= 0.5)
		AGAINST(v, f->stuck, NAN, "threads", "", "threads waited for a lock all the time");
	if (is_doubtful(v, f))
		AGAINST(v, f->on, bb_rule(BB_R_LOW_DUTY), "cpus", "low-duty",
			"in use: it may be polling a server that has nothing for it");
	if (f->unknown > 0.01)
		AGAINST(v, f->unknown, NAN, "threads", "", "threads blocked for a cause not known");
	if (f->stopped > 0.01)
		AGAINST(v, f->stopped, NAN, "threads", "",
			"threads were stopped, traced or frozen");
	if (f->window_ns < bb_rule(BB_R_SURE_WINDOW_NS))
		AGAINST(v, f->window_ns, bb_rule(BB_R_SURE_WINDOW_NS), "ns", "sure-window",
			"the window is short");
}

static void summary_mixed(struct bb_verdict *v, bool tree)
{
	size_t at = 0;
	const char *sep = tree ? "Several things limit them: " : "Several things limit it: ";

	for (int b = 0; b < BB_BOUND_MAX; b++) {
		if (v->components[b] < bb_rule(BB_R_MATTERS))
			continue;
		at += (size_t)snprintf(v->summary + at, sizeof(v->summary) - at, "%s%s %.0f%%", sep,
				       bb_bound__name(b), v->components[b] * 100);
		if (at >= sizeof(v->summary) - 1)
			return;
		sep = ", ";
	}
	snprintf(v->summary + at, sizeof(v->summary) - at, " of the time.");
}

static void summarise(struct bb_verdict *v, const struct bb_facts *f, bool tree)
{
	const char *it = tree ? "They" : "It";
	char *s = v->summary;
	size_t len = sizeof(v->summary);

	switch (v->bound) {
	case BB_BOUND_GIL_BOUND:
		snprintf(s, len,
			 "Python's GIL lets one thread run at a time: %.1f threads wait for it, "
			 "%.1f of %.3g CPUs are used.",
			 f->gil, f->on, f->cpus);
		break;
	case BB_BOUND_LOCK_BOUND:
		if (is_world(f))
			snprintf(s, len,
				 "Python stops the world %.0f%% of the time: %.1f threads wait, "
				 "%.1f of "
				 "%.3g CPUs are used.",
				 f->lock_share * 100, f->lock, f->on, f->cpus);
		else
			snprintf(s, len,
				 "One lock is waited for %.0f%% of the time: %.1f threads wait, "
				 "%.1f of "
				 "%.3g CPUs are used.",
				 f->lock_share * 100, f->lock, f->on, f->cpus);
		if (waits_itself(f))
			snprintf(s + strlen(s), len - strlen(s),
				 " Who has it waits itself, longest in %s.",
				 bb_state__name(f->chain_end->wait.state));
		break;
	case BB_BOUND_CPU_SATURATED:
		if (f->throttled > f->preempted &&
		    bb_verdict__throttled(f) >= bb_rule(BB_R_STARVED_FROM))
			snprintf(s, len,
				 "The CPU quota holds back %.0f%% of %s demand for CPU: %.1f "
				 "threads were throttled.",
				 bb_verdict__throttled(f) * 100, tree ? "their" : "its",
				 f->throttled);
		else if (f->on / f->cpus < bb_rule(BB_R_FULL_FROM))
			snprintf(
				s, len,
				"%s would use more CPU than there is: others take it (%.1f threads "
				"queue).",
				it, f->runq);
		else
			snprintf(s, len,
				 "The CPUs are busy: %.1f of %.3g in use, %.1f more threads queue.",
				 f->on, f->cpus, f->runq);
		break;
	case BB_BOUND_CPU_BOUND:
		snprintf(s, len, "%s on %.1f of %.3g CPUs, and nothing else holds %s back.",
			 tree ? "They compute" : "It computes", f->on, f->cpus,
			 tree ? "them" : "it");
		break;
	case BB_BOUND_IO_BOUND:
		snprintf(s, len,
			 "%s mostly wait%s for %s: %.1f threads wait, %.2f of %.3g CPUs are used.",
			 it, tree ? "" : "s", io_words(f), fmin(f->io, 1e6), f->on, f->cpus);
		break;
	case BB_BOUND_IDLE:
		if (f->stopped >= 0.5)
			snprintf(s, len, "%s stopped: suspended, traced or frozen.",
				 tree ? "They are" : "It is");
		else if (f->stuck >= 0.5 && !f->active)
			snprintf(s, len,
				 "Nothing ran in the window: %.0f thread%s waited for a lock all "
				 "the time.",
				 f->stuck, f->stuck >= 1.5 ? "s" : "");
		else if (!f->active)
			snprintf(s, len, "%s nothing to do: no thread ran in the window.",
				 tree ? "They have" : "It has");
		else if (bb_facts__at_work(f) >= bb_rule(BB_R_IDLE_BELOW))
			snprintf(s, len,
				 "%s up: at work %.0f%% of the time, and else waiting for clients, "
				 "work or "
				 "a timer.",
				 tree ? "They keep" : "It keeps",
				 fmin(1, bb_facts__at_work(f)) * 100);
		else
			snprintf(s, len,
				 "%s nothing to do: the threads wait for clients, work or a timer.",
				 tree ? "They have" : "It has");
		break;
	case BB_BOUND_MIXED:
		summary_mixed(v, tree);
		break;
	default:
		snprintf(s, len, "The data cannot tell: %s.",
			 f->window_ns < bb_rule(BB_R_SHORT_WINDOW_NS)
				 ? "the window is too short"
				 : "the cause of most waits is not known");
		break;
	}
}

/* ---- choice */

void bb_components__rank(const double *c, double above, enum bb_bound *first, enum bb_bound *second)
{
	*first = *second = BB_BOUND_MAX;
	for (int b = 0; b < BB_BOUND_MAX; b++) {
		if (b == BB_BOUND_MIXED || b == BB_BOUND_UNKNOWN || c[b] <= above)
			continue;
		if (*first == BB_BOUND_MAX || c[b] > c[*first]) {
			*second = *first;
			*first = b;
		} else if (*second == BB_BOUND_MAX || c[b] > c[*second]) {
			*second = b;
		}
	}
}

static bool cannot_tell(const struct bb_facts *f)
{
	double known = bb_facts__at_work(f) + f->idle + f->queue + f->stopped;

	/* a worker's is in idle too */
	known += f->pool.worker ? 0 : f->feeding;
	if (f->window_ns < bb_rule(BB_R_SHORT_WINDOW_NS))
		return true;
	return f->unknown > 0 && f->unknown > bb_rule(BB_R_UNKNOWN_MAX) * (f->unknown + known);
}

/*
 * How often a verdict is right whose first component leads the second by @lead, 0 to 1: of the
 * corpus (docs/method.md 12). With no lead either of the two may be right, of a mixed one with a
 * long lead the first alone.
 */
static double by_lead(double lead, bool mixed)
{
	return 1 - bb_rule(BB_R_LEAD_DOUBT) * (mixed ? lead : 1 - lead);
}

void bb_verdict__lower(struct bb_verdict *v, double by, const char *why)
{
	if (by == 1 || v->nr_lowered == BB_FACTORS_MAX)
		return;
	v->confidence *= by;
	v->lowered[v->nr_lowered].why = why;
	v->lowered[v->nr_lowered++].by = by;
}

void bb_components__of(double *c, const struct bb_amounts *a)
{
	double total = 0, busy;

	for (int b = 0; b < BB_BOUND_MAX; b++)
		total += a->of[b];
	/* components add up to 1: what is not busy is idle */
	busy = ramp(total, bb_rule(BB_R_IDLE_BELOW), bb_rule(BB_R_IDLE_RAMP));
	for (int b = 0; b < BB_BOUND_MAX; b++)
		c[b] = total > 0 ? busy * a->of[b] / total : 0;
	c[BB_BOUND_IDLE] = 1 - busy;
}

/* The strongest bound, or why none is said; the confidence that its lead gives. */
static void choose(struct bb_verdict *v, const struct bb_facts *f)
{
	double first, second;
	enum bb_bound b1, b2;

	bb_components__rank(v->components, 0, &b1, &b2);
	first = v->components[b1];
	second = b2 == BB_BOUND_MAX ? 0 : v->components[b2];
	v->bound = b1;
	v->runner_up = b2;
	v->confidence = by_lead(first - second, false);
	if (cannot_tell(f)) {
		v->bound = BB_BOUND_UNKNOWN;
		v->runner_up = b1;
		v->confidence = 0.5;
	} else if (first < bb_rule(BB_R_DOMINATES) && second >= bb_rule(BB_R_MATTERS)) {
		v->bound = BB_BOUND_MIXED;
		v->runner_up = BB_BOUND_MAX; /* its parts are in the components */
		v->confidence = by_lead(first - second, true);
	}
	v->by_lead = v->confidence;
}

void bb_verdict__of(struct bb_verdict *v, const struct bb_facts *f, const struct bb_amounts *a,
		    double quality, bool tree)
{
	memset(v, 0, sizeof(*v));
	bb_components__of(v->components, a);
	v->busy = 1 - v->components[BB_BOUND_IDLE];
	choose(v, f);
	if (v->bound == BB_BOUND_IDLE && (f->blocked_outside >= 0.5 || f->stuck >= 0.5)) {
		bb_verdict__lower(v, 0.6,
				  "threads waited for disk, a server or a lock all the time");
		v->runner_up = f->blocked_outside >= 0.5 ? BB_BOUND_IO_BOUND : BB_BOUND_LOCK_BOUND;
	}
	/* what its threads are parked for is not to be seen (docs/method.md 3) */
	if (f->parks && f->queue >= 1)
		bb_verdict__lower(v, 0.88,
				  "the runtime parks threads, for work or for a lock of its own");
	if (is_doubtful(v, f)) {
		bb_verdict__lower(v, 0.8, "it may be polling a server that has nothing for it");
		v->runner_up = BB_BOUND_IDLE;
	}
	bb_verdict__lower(v, 1 - f->unknown / fmax(1, f->threads), "time whose cause is not known");
	if (f->window_ns < bb_rule(BB_R_SURE_WINDOW_NS))
		bb_verdict__lower(v, 0.7 + 0.3 * f->window_ns / bb_rule(BB_R_SURE_WINDOW_NS),
				  "the window is short");
	bb_verdict__lower(v, quality, "losses");
	v->confidence = fmin(1, fmax(0, v->confidence));
	evidence_of(v, f);
	against_of(v, f);
	summarise(v, f, tree);
}
