// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which advice a verdict and its findings carry; the words are in advice_text.c. */
#include "advice.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../model/code.h"
#include "../util/fmt.h"
#include "rules.h"

/* Fewer usable CPUs than this are one: nothing can run beside something else. */
#define TWO_CPUS 1.5
/* Gains above that are bounded by what is not measured. */
#define GAIN_SAID 100
/* A gain below is none. */
#define GAIN_LEAST 1.05
/* Threads that wait at a time, from which a thread for each is dear, as guides say. */
#define MANY_WAITERS 50
/* One waits at a time. */
#define ONE_WAITER 1.5

struct advising {
	struct bb_advices *out;
	const struct bb_advised *in;
	const struct bb_facts *f;
	enum bb_language lang;
	struct bb_advice *last; /* that was added, or was there already; NULL: no room */
};

static enum bb_language language_of(const struct bb_runtime *rt)
{
	if (!strcmp(rt->name, "cpython") || !strcmp(rt->name, "pypy"))
		return BB_LANGUAGE_PYTHON;
	if (!strcmp(rt->name, "go"))
		return BB_LANGUAGE_GO;
	if (!strcmp(rt->name, "java"))
		return BB_LANGUAGE_JAVA;
	return !strcmp(rt->name, "node") ? BB_LANGUAGE_NODE : BB_LANGUAGE_OTHER;
}

/* Of several processes, where all have it. */
static enum bb_language language(const struct bb_advised *in)
{
	enum bb_language lang;

	if (in->p)
		return language_of(&in->p->runtime);
	lang = in->rec->nr_processes ? language_of(&in->rec->processes[0].runtime)
				     : BB_LANGUAGE_OTHER;
	for (size_t i = 1; i < in->rec->nr_processes; i++)
		if (language_of(&in->rec->processes[i].runtime) != lang)
			return BB_LANGUAGE_OTHER;
	return lang;
}

static bool has_parent(const struct bb_record *rec, const struct bb_process *p)
{
	for (size_t i = 0; i < rec->nr_processes; i++)
		if (rec->processes[i].pid == p->ppid)
			return true;
	return false;
}

/* "-p 1,2": the process, or those whose parents are not there; few, so that it can be typed. */
static void targets(const struct advising *a, char *buf, size_t len)
{
	const struct bb_advised *in = a->in;
	size_t at = (size_t)snprintf(buf, len, "-p "), nr = 0;

	if (in->p) {
		snprintf(buf + at, len - at, "%d", in->p->pid);
		return;
	}
	for (size_t i = 0; i < in->rec->nr_processes && nr < 4; i++)
		if (!has_parent(in->rec, &in->rec->processes[i]))
			at += (size_t)snprintf(buf + at, len - at, "%s%d", nr++ ? "," : "",
					       in->rec->processes[i].pid);
}

/* @options: before the targets. The pid is this one's: what was started anew has another. */
static void command(const struct advising *a, struct bb_advice *adv, const char *options)
{
	char who[64];

	targets(a, who, sizeof(who));
	snprintf(adv->check, sizeof(adv->check), "boundby %s%s %s", options, a->in->p ? "" : " -C",
		 who);
}

static struct bb_advice *add(struct advising *a, enum bb_advice_id id)
{
	struct bb_advice *adv;

	a->last = NULL;
	for (size_t i = 0; i < a->out->nr; i++)
		if (a->out->items[i].id == id) {
			a->last = &a->out->items[i];
			return NULL;
		}
	if (a->out->nr == BB_ADVICE_SHOWN)
		return NULL;
	a->last = adv = &a->out->items[a->out->nr++];
	memset(adv, 0, sizeof(*adv));
	adv->id = id;
	adv->gain_most = NAN;
	snprintf(adv->text, sizeof(adv->text), "%s", bb_advice__text(id, a->lang));
	snprintf(adv->cost, sizeof(adv->cost), "%s", bb_advice__cost(id, a->lang));
	snprintf(adv->expect, sizeof(adv->expect), "%s", bb_advice__expect(id));
	/* a pool of processes is seen with its workers */
	command(a, adv,
		a->in->p && (id == BB_ADVICE_PROCESSES ||
			     (id == BB_ADVICE_SPLIT_WORK && a->lang == BB_LANGUAGE_PYTHON))
			? "-d 10 -C"
			: "-d 10");
	return adv;
}

/* Of the advice that was added last. */
__attribute__((format(printf, 2, 3))) static void because(struct advising *a, const char *fmt, ...)
{
	va_list ap;

	/* what was there already has its reason */
	if (!a->last || a->last->because[0])
		return;
	va_start(ap, fmt);
	vsnprintf(a->last->because, sizeof(a->last->because), fmt, ap);
	va_end(ap);
}

/* What the change would bring with as much in flight as now: the first amount. NULL: not known. */
static const struct bb_what_if *predicted(const struct advising *a, enum bb_change change)
{
	const struct bb_what_ifs *all = a->in->what_ifs;

	for (size_t i = 0; all && !all->capacity && i < all->nr; i++)
		if (all->items[i].change == change)
			return &all->items[i];
	return NULL;
}

/* The last advice has the gain that the what-if predicts; false: it predicts none. */
static bool gain_by(struct advising *a, enum bb_change change)
{
	const struct bb_what_if *w = predicted(a, change);
	char as[BB_FMT_LEN], low[BB_FMT_LEN], high[BB_FMT_LEN];

	if (!a->last || !w || w->speedup < GAIN_LEAST || w->speedup > GAIN_SAID)
		return false;
	a->last->gain_most = w->high;
	snprintf(a->last->gain, sizeof(a->last->gain),
		 "%s times as fast (%s to %s), by what was measured: see What if",
		 bb_fmt__real(as, sizeof(as), w->speedup, 2),
		 bb_fmt__real(low, sizeof(low), w->low, 2),
		 bb_fmt__real(high, sizeof(high), w->high, 2));
	return true;
}

/* The gain of the last advice: times as much work in the same time, at most. */
static void gain(struct advising *a, double most, const char *law)
{
	char real[BB_FMT_LEN];

	if (!a->last || !(most >= GAIN_LEAST) || most > GAIN_SAID)
		return;
	a->last->gain_most = most;
	snprintf(a->last->gain, sizeof(a->last->gain), "at most %s times as fast: %s",
		 bb_fmt__real(real, sizeof(real), most, 2), law);
}

/*
 * Utilisation law (Denning and Buzen, The Operational Analysis of Queueing Network Models, 1978):
 * throughput is CPU time in use over CPU time for each piece of work, and no more than all usable
 * CPUs can be in use.
 */
static double by_cpus(const struct bb_facts *f)
{
	return f->on > 0 ? f->cpus / f->on : NAN;
}

/*
 * Little's law (ibid.): as many threads as now, of which none waits for @removed of the time any
 * more, get through their work the faster by that; if nothing else gets slower.
 */
static double without(const struct bb_facts *f, double removed)
{
	double all = bb_facts__at_work(f);

	return fmin(all > removed ? all / (all - removed) : INFINITY, by_cpus(f));
}

static void say_cpus(const struct advising *a, char *buf, size_t len)
{
	snprintf(buf, len, "%.1f of %.3g usable CPUs are in use", a->f->on, a->f->cpus);
}

/* ---- what to measure next */

static void measure(struct advising *a, enum bb_advice_id id, const char *options)
{
	struct bb_advice *adv = add(a, id);

	if (adv)
		command(a, adv, options);
}

/* Does it wait in some phases, and compute in others, each for a part that matters? */
static bool in_turns(const struct bb_phases *p)
{
	double waits = 0, computes = 0, all = 0;

	for (size_t i = 0; p && i < p->nr; i++) {
		enum bb_bound b = p->items[i].bound;
		double ns = (double)p->items[i].ns;

		all += ns;
		if (b == BB_BOUND_IO_BOUND)
			waits += ns;
		else if (b == BB_BOUND_GIL_BOUND || b == BB_BOUND_CPU_BOUND ||
			 b == BB_BOUND_CPU_SATURATED)
			computes += ns;
	}
	return all > 0 && fmin(waits, computes) >= bb_rule(BB_R_MATTERS) * all;
}

/* What took most of the confidence, or that there was no lead. */
static void measure_again(struct advising *a)
{
	const struct bb_verdict *v = a->in->v;
	const struct bb_factor *worst = NULL;
	char options[24];
	double secs;

	for (size_t i = 0; i < v->nr_lowered; i++)
		if (!worst || v->lowered[i].by < worst->by)
			worst = &v->lowered[i];
	/* three times as long as it was, and 10 s at least */
	secs = fmin(fmax(10, ceil(3 * (double)a->in->rec->window.ns / 1e9)), 3600);
	if (v->bound == BB_BOUND_MIXED && in_turns(a->in->phases)) {
		add(a, BB_ADVICE_PIPELINE);
		because(a, "%s", v->summary);
		return;
	}
	if (v->bound == BB_BOUND_MIXED) {
		measure(a, BB_ADVICE_MEASURE_PHASES, "-i 1 -d 30");
		because(a, "%s", v->summary);
		return;
	}
	if (a->f->parks && a->f->queue >= 1) {
		measure(a, BB_ADVICE_MEASURE_STACKS, "-d 10 --stacks");
		because(a,
			"the confidence in %s is %.2f: the runtime parks threads, for work or "
			"for a lock of its own",
			bb_bound__name(v->bound), v->confidence);
		return;
	}
	if (a->f->unknown > 0.5) {
		measure(a, BB_ADVICE_MEASURE_STACKS, "-d 10 --stacks");
		because(a, "%.1f threads were blocked for a cause that is not known",
			a->f->unknown);
		return;
	}
	snprintf(options, sizeof(options), "-d %.0f", secs);
	measure(a, BB_ADVICE_MEASURE_LONGER, options);
	because(a, "the confidence in %s is %.2f%s%s", bb_bound__name(v->bound), v->confidence,
		worst ? ": " : "", worst ? worst->why : "");
}

/* Does the verdict carry a change? */
static bool carries(const struct bb_verdict *v)
{
	return v->bound != BB_BOUND_MIXED && v->bound != BB_BOUND_UNKNOWN &&
	       v->confidence >= bb_rule(BB_R_ADVICE_FROM);
}

/* ---- by finding */

static enum bb_advice_id for_finding(const struct bb_finding *f)
{
	switch (f->id) {
	case BB_FINDING_GIL_HELD_WHILE_BLOCKING:
		return BB_ADVICE_RELEASE_GIL;
	case BB_FINDING_BLOCKING_CALL_IN_LOOP:
		return BB_ADVICE_OFF_THE_LOOP;
	case BB_FINDING_CPU_IN_LOOP:
		return BB_ADVICE_COMPUTE_OFF_THE_LOOP;
	case BB_FINDING_SEMAPHORE_LIMIT:
		return BB_ADVICE_MORE_PERMITS;
	case BB_FINDING_POOL_STARVED:
		return BB_ADVICE_MORE_WORKERS;
	case BB_FINDING_TOO_MANY_WORKERS:
		return BB_ADVICE_FEWER_WORKERS;
	case BB_FINDING_LOCK_CONVOY:
		return BB_ADVICE_HOLD_LESS;
	case BB_FINDING_PROCESSES_FOR_QUICK_IO:
		return BB_ADVICE_THREADS_FOR_IO;
	case BB_FINDING_TINY_TASKS:
		return BB_ADVICE_LARGER_TASKS;
	case BB_FINDING_THREADS_FOR_CPU: /* with the verdict: the gain is known there */
	case BB_FINDING_SERIAL_LOOP:
	case BB_FINDING_MAX:
		break;
	}
	return BB_ADVICE_MAX;
}

/* Does it weigh as much as a bound that matters? What shapes a pool or a lock does. */
static bool is_major(const struct bb_finding *f)
{
	switch (f->id) {
	case BB_FINDING_GIL_HELD_WHILE_BLOCKING:
		return f->value >= bb_rule(BB_R_MATTERS);
	case BB_FINDING_BLOCKING_CALL_IN_LOOP:
	case BB_FINDING_CPU_IN_LOOP:
		return f->share >= bb_rule(BB_R_MATTERS);
	default:
		return true;
	}
}

/* The processes of a tree that have a finding. */
struct having {
	const struct bb_finding *worst; /* NULL: none of them has it */
	const struct bb_process *p;     /* who has that one */
	size_t nr;
	double part; /* what is at work in them, over that of the tree, which leaves some of it out
		      */
};

static void having(struct having *h, const struct advising *a, enum bb_finding_id id, bool any,
		   bool major)
{
	const struct bb_advised *in = a->in;
	double all = bb_facts__at_work(a->f), window = (double)in->rec->window.ns;

	memset(h, 0, sizeof(*h));
	for (size_t i = 0; !in->p && in->each && in->reasons && i < in->rec->nr_processes; i++) {
		const struct bb_facts *f = &in->reasons[i].facts;
		const struct bb_finding *one = NULL;

		for (size_t k = 0; k < in->each[i].nr && !one; k++)
			if (in->each[i].items[k].id == id &&
			    (any || is_major(&in->each[i].items[k]) == major))
				one = &in->each[i].items[k];
		if (!one)
			continue;
		h->nr++;
		h->part += all > 0 ? bb_facts__at_work(f) * bb_facts__part(f, window) / all : 0;
		if (!h->worst || one->share > h->worst->share) {
			h->worst = one;
			h->p = &in->rec->processes[i];
		}
	}
	/* what a process does that hardly works is no advice to all of them */
	if (h->part < bb_rule(BB_R_MATTERS))
		h->worst = NULL;
}

static void by_finding(struct advising *a, const struct bb_finding *f, const struct having *h)
{
	char at[160] = "", whose[64] = "";

	if (!add(a, for_finding(f)))
		return;
	if (f->frame)
		bb_frame__print(at, sizeof(at), f->frame);
	if (h)
		snprintf(whose, sizeof(whose), ", in %zu of %zu processes: most in %d", h->nr,
			 a->in->rec->nr_processes, (int)h->p->pid);
	because(a, "the finding %s%s%s%s", bb_finding__name(f->id), whose, f->frame ? " in " : "",
		at);
}

static void by_findings(struct advising *a, bool major)
{
	const struct bb_findings *list = a->in->findings;
	struct having h;

	for (size_t i = 0; list && i < list->nr; i++)
		if (for_finding(&list->items[i]) != BB_ADVICE_MAX &&
		    is_major(&list->items[i]) == major)
			by_finding(a, &list->items[i], NULL);
	for (int id = 0; id < BB_FINDING_MAX; id++) {
		having(&h, a, id, false, major);
		if (h.worst && for_finding(h.worst) != BB_ADVICE_MAX)
			by_finding(a, h.worst, &h);
	}
}

static void by_all_findings(struct advising *a)
{
	by_findings(a, true);
	by_findings(a, false);
}

static bool found(const struct advising *a, enum bb_finding_id id)
{
	const struct bb_findings *list = a->in->findings;
	struct having h;

	for (size_t i = 0; list && i < list->nr; i++)
		if (list->items[i].id == id)
			return true;
	having(&h, a, id, true, false);
	return h.worst != NULL;
}

/* ---- by verdict */

/* Nothing can run beside something else, so nothing that runs more at once helps. */
static bool one_cpu(struct advising *a)
{
	uint32_t online = a->in->rec->host.cpus_online;

	if (a->f->cpus >= TWO_CPUS)
		return false;
	if (online > a->f->cpus) {
		add(a, a->f->throttled > 0 ? BB_ADVICE_LIFT_QUOTA : BB_ADVICE_UNPIN);
		because(a, "it may use %.3g of %u CPUs, and uses %.2f of it", a->f->cpus, online,
			a->f->on);
		gain(a,
		     a->f->on > 0 ? fmin((a->f->on + a->f->runq + a->f->gil) / a->f->on,
					 online / a->f->on)
				  : NAN,
		     "as many CPUs in use as threads want one, by the utilisation law");
	}
	add(a, BB_ADVICE_FASTER_CODE);
	because(a, "it may use %.3g CPU%s", a->f->cpus, a->f->cpus == 1 ? "" : "s");
	return true;
}

/* What another process of it takes; nothing where that is not known. */
static void add_memory(struct advising *a)
{
	char size[BB_FMT_LEN], cost[sizeof(a->last->cost)];

	if (!a->last || !a->in->p || a->in->p->rss_bytes == BB_UNKNOWN_U64)
		return;
	snprintf(cost, sizeof(cost), "%s", a->last->cost);
	snprintf(a->last->cost, sizeof(a->last->cost),
		 "up to %s of memory for each process, less what they share; %s",
		 bb_fmt__bytes(size, sizeof(size), a->in->p->rss_bytes), cost);
}

static void for_gil(struct advising *a)
{
	const struct bb_facts *f = a->f;
	double most = fmin(by_cpus(f), f->on > 0 ? (f->on + f->gil) / f->on : NAN);

	/* the GIL of a process that hands out tiny tasks is waited for by the pool's own threads */
	if (found(a, BB_FINDING_TINY_TASKS) || f->pool.pool_ns > f->pool.task_ns || one_cpu(a))
		return;
	/* one computes, and delays others that hardly do: these wait less, and nothing is faster */
	if (!found(a, BB_FINDING_THREADS_FOR_CPU))
		most = NAN;
	add(a, BB_ADVICE_PROCESSES);
	because(a,
		"somebody waits for the GIL %.0f%% of the time, %.1f threads on average, and "
		"%.1f of %.3g usable CPUs are in use",
		f->gil_share * 100, f->gil, f->on, f->cpus);
	if (!gain_by(a, BB_CHANGE_PROCESSES))
		gain(a, most,
		     "as many CPUs in use as there are and threads want, by the utilisation law");
	add_memory(a);
	add(a, BB_ADVICE_FREE_THREADED);
	because(a, "%.1f threads would run beside the one that does", f->gil);
	gain(a, most, "the same bound");
}

static bool is_world(const struct bb_facts *f)
{
	return f->top_lock && f->top_lock->kind == BB_LOCK_WORLD;
}

static void for_lock(struct advising *a)
{
	const struct bb_facts *f = a->f;
	const struct bb_lock_holder *h = f->chain_end;
	bool waits = h && h->ns && (double)h->wait.ns / (double)h->ns >= 0.5;

	if (is_world(f)) {
		add(a, BB_ADVICE_STOP_LESS);
		because(a, "the world is stopped %.0f%% of the time", f->lock_share * 100);
		return;
	}
	if (waits) {
		add(a, BB_ADVICE_WAIT_OUTSIDE);
		because(a,
			"thread %d, which had the lock at 0x%llx, was blocked in %s for %.0f%% "
			"of that time",
			(int)h->tid, f->top_lock ? (unsigned long long)f->top_lock->addr : 0,
			bb_state__name(h->wait.state), 100 * (double)h->wait.ns / (double)h->ns);
		gain(a, without(f, f->lock),
		     "nobody waits for the lock any more, and there are no more CPUs");
	}
	add(a, BB_ADVICE_HOLD_LESS);
	because(a, "the lock at 0x%llx is waited for %.0f%% of the time",
		f->top_lock ? (unsigned long long)f->top_lock->addr : 0, f->lock_share * 100);
	if (!gain_by(a, BB_CHANGE_NO_LOCK))
		gain(a, without(f, f->lock),
		     "nobody waits for the lock any more, and there are no more CPUs");
}

static void for_full_cpus(struct advising *a)
{
	const struct bb_facts *f = a->f;
	double wanted = f->on > 0 ? (f->on + f->runq) / f->on : NAN;

	if (f->throttled > f->preempted) {
		add(a, BB_ADVICE_LIFT_QUOTA);
		because(a, "%.1f threads are held back by the quota, on average", f->throttled);
		gain(a, wanted, "all that queue run, by the utilisation law");
		return;
	}
	if (one_cpu(a))
		return;
	if (a->in->rec->host.cpus_online > f->cpus + 0.5) {
		add(a, BB_ADVICE_UNPIN);
		because(a, "it may use %.3g of %u CPUs, and %.1f threads queue for them", f->cpus,
			a->in->rec->host.cpus_online, f->runq);
		gain(a, fmin(wanted, a->in->rec->host.cpus_online / f->on),
		     "all that queue run, by the utilisation law");
	}
	add(a, BB_ADVICE_FEWER_OR_CPUS);
	because(a, "%.1f threads queue for a CPU beside %.1f that run on %.3g", f->runq, f->on,
		f->cpus);
	gain(a, wanted, "with more CPUs all that queue run, by the utilisation law");
}

static void for_computing(struct advising *a)
{
	char cpus[64];

	if (one_cpu(a) || found(a, BB_FINDING_CPU_IN_LOOP) || found(a, BB_FINDING_TINY_TASKS))
		return;
	say_cpus(a, cpus, sizeof(cpus));
	add(a, BB_ADVICE_SPLIT_WORK);
	because(a, "%s%s", cpus,
		found(a, BB_FINDING_SERIAL_LOOP) ? ", by one thread while others wait for work"
						 : ", and nothing else holds it back");
	gain(a, by_cpus(a->f),
	     "all usable CPUs in use, by the utilisation law; what cannot be "
	     "split keeps its time");
	if (a->lang == BB_LANGUAGE_PYTHON)
		add_memory(a);
}

static bool has_loop(const struct advising *a)
{
	if (a->in->p)
		return a->in->p->nr_loops;
	for (size_t i = 0; i < a->in->rec->nr_processes; i++)
		if (a->in->rec->processes[i].nr_loops)
			return true;
	return false;
}

/* With more in flight, and nothing else: until the CPUs, or the GIL, are full. */
static double in_flight(const struct advising *a)
{
	const struct bb_process *p = a->in->p;
	double most = by_cpus(a->f), held = NAN;

	if (p && p->nr_gils == 1)
		held = bb_gil__held(p, NULL, a->in->rec->window.ns).share;
	return held > 0 ? fmin(most, 1 / held) : most;
}

static void for_io(struct advising *a)
{
	const struct bb_facts *f = a->f;
	const char *end = f->top_io && f->top_io->label[0] ? f->top_io->label : NULL;
	bool limited = found(a, BB_FINDING_SEMAPHORE_LIMIT) || found(a, BB_FINDING_POOL_STARVED) ||
		       found(a, BB_FINDING_BLOCKING_CALL_IN_LOOP);

	if (!limited && !has_loop(a) && f->io < ONE_WAITER) {
		add(a, BB_ADVICE_AT_ONCE);
		because(a, "%.1f threads wait at a time, and %.2f of %.3g CPUs are in use", f->io,
			f->on, f->cpus);
		gain(a, in_flight(a),
		     "until the CPUs or the GIL are full, by the utilisation law; "
		     "less if the other side takes no more at once");
	} else if (!has_loop(a) && f->io > MANY_WAITERS) {
		add(a, BB_ADVICE_ASYNCIO);
		because(a, "%.0f threads wait at a time", f->io);
		gain_by(a, BB_CHANGE_ASYNCIO);
	}
	/* its own timers are nobody's to make faster; if there is nothing else to say, they are */
	if (a->out->nr && f->top_io && f->top_io->state == BB_STATE_SLEEP)
		return;
	add(a, BB_ADVICE_FASTER_IO);
	because(a, "%.1f threads wait at a time%s%s%s%s", f->io, f->top_io ? ", longest in " : "",
		f->top_io ? bb_state__name(f->top_io->state) : "", end ? " on " : "",
		end ? end : "");
	gain(a, without(f, f->io), "these waits take no time any more, by Little's law");
}

static void by_verdict(struct advising *a)
{
	switch (a->in->v->bound) {
	case BB_BOUND_GIL_BOUND:
		for_gil(a);
		break;
	case BB_BOUND_LOCK_BOUND:
		for_lock(a);
		break;
	case BB_BOUND_CPU_SATURATED:
		for_full_cpus(a);
		break;
	case BB_BOUND_CPU_BOUND:
		for_computing(a);
		break;
	case BB_BOUND_IO_BOUND:
		for_io(a);
		break;
	default:
		break;
	}
}

void bb_advice__of(struct bb_advices *out, const struct bb_advised *in)
{
	struct advising a = { out, in, &in->reason->facts, language(in), NULL };

	out->nr = 0;
	if (in->v->unseen_workers) {
		measure(&a, BB_ADVICE_MEASURE_CHILDREN, "-d 10 -C");
		because(&a, "%s", in->v->summary);
		return;
	}
	/* a pool is advised as a whole: its workers and who feeds them have findings only */
	if (in->p && in->rec->nr_processes > 1 && (a.f->pool.worker || in->reason->processes)) {
		by_all_findings(&a);
		return;
	}
	if (!carries(in->v)) {
		measure_again(&a);
		by_all_findings(&a);
		return;
	}
	by_findings(&a, true);
	by_verdict(&a);
	by_findings(&a, false);
	/* what was found is to be changed all the same */
	if (!out->nr && in->v->bound == BB_BOUND_IDLE) {
		add(&a, BB_ADVICE_NOTHING);
		because(&a, "%s", in->v->summary);
	}
}

void bb_advice__for(struct bb_advices *out, const struct bb_record *rec,
		    const struct bb_diagnosis *diag, size_t i)
{
	bool tree = i == rec->nr_processes;
	struct bb_advised in = {
		.rec = rec,
		.p = tree ? NULL : &rec->processes[i],
		.v = tree ? &diag->tree : &diag->processes[i],
		.findings = bb_diagnosis__findings(diag, i),
		.phases = diag->phases ? &diag->phases[i] : NULL,
		.what_ifs = bb_diagnosis__what_ifs(diag, i),
		.each = diag->findings,
		.reasons = diag->reasons,
	};

	out->nr = 0;
	if (!diag->reasons)
		return;
	in.reason = &diag->reasons[i];
	bb_advice__of(out, &in);
}
