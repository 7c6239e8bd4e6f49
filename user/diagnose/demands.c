// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "demands.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../model/code.h"
#include "../model/loop.h"
#include "facts.h"
#include "rules.h"

/* What one thread did, ns. */
struct sums {
	double on, runq, gil, lock, io, timer, away;
	double answers; /* of io */
};

static double at_work(const struct sums *s)
{
	return s->on + s->runq + s->gil + s->lock + s->io + s->timer;
}

/* A process whose threads are looked at. */
struct from {
	const struct bb_process *p;
	struct bb_facts f;
	bool beside; /* something else goes on: timers of threads that hardly run are housekeeping
		      */
	bool tree;   /* with its children: who waits for one waits for work that is counted */
};

static void from_process(struct from *from, const struct bb_record *rec, const struct bb_process *p,
			 bool tree)
{
	from->p = p;
	bb_facts__of(&from->f, rec, p);
	from->beside = from->f.timers <= 0;
	from->tree = tree;
}

/* A wait counts as it does for the verdict; timers apart, since nothing makes them faster. */
static void add_wait(struct sums *s, const struct from *from, const struct bb_thread *t,
		     const struct bb_wait *w, double duty)
{
	double pool = bb_facts__in_pool(&from->f, from->p, t->tid, w->state) * (double)w->ns;
	enum bb_use use = bb_facts__use(&from->f, w, duty);

	s->away += pool;
	if (use == BB_USE_IDLE || (use == BB_USE_TIMER && from->beside) ||
	    (from->tree && w->state == BB_STATE_CHILD)) {
		s->away += (double)w->ns - pool;
	} else if (w->state == BB_STATE_SLEEP ||
		   (w->state == BB_STATE_POLL && w->endpoint == BB_END_NONE)) {
		s->timer += (double)w->ns - pool;
	} else {
		s->io += (double)w->ns - pool;
		if (w->state == BB_STATE_NET || w->state == BB_STATE_POLL)
			s->answers += (double)w->ns - pool;
	}
}

static void sums_of(struct sums *s, const struct from *from, const struct bb_thread *t)
{
	const struct bb_budget *b = &t->budget;
	double left[BB_STATE_MAX];
	double duty = t->window_ns ? (double)b->ns[BB_STATE_ONCPU] / (double)t->window_ns : 1;

	memset(s, 0, sizeof(*s));
	s->on = (double)b->ns[BB_STATE_ONCPU];
	s->runq = (double)b->ns[BB_STATE_RUNQ];
	s->gil = (double)b->ns[BB_STATE_GIL];
	s->lock = (double)b->ns[BB_STATE_LOCK];
	s->away = (double)b->ns[BB_STATE_QUEUE];
	for (int i = 0; i < BB_STATE_MAX; i++)
		left[i] = bb_facts__waits(i) ? (double)b->ns[i] : 0;
	for (size_t i = 0; i < t->nr_waits; i++) {
		if (!bb_facts__waits(t->waits[i].state))
			continue;
		left[t->waits[i].state] -= (double)t->waits[i].ns;
		add_wait(s, from, t, &t->waits[i], duty);
	}
	for (int i = 0; i < BB_STATE_MAX; i++)
		s->io += fmax(0, left[i]);
}

static void add(struct sums *to, const struct sums *s)
{
	to->on += s->on;
	to->runq += s->runq;
	to->gil += s->gil;
	to->lock += s->lock;
	to->io += s->io;
	to->timer += s->timer;
	to->answers += s->answers;
	to->away += s->away;
}

/* The share of CPU time in what a thread needs, its waits for others left out. */
static double cpu_part(const struct sums *s)
{
	double own = s->on + s->io + s->timer;

	return own > 0 ? s->on / own : 0;
}

/* Parts of the window by which it is told when workers are there. */
#define STEPS_OF_WINDOW 256

/* All threads of @p once: @most is known in the second pass, which tells workers by it. */
struct pass {
	double most;                   /* at work, ns */
	struct sums all;               /* of workers */
	double window;                 /* of workers, ns */
	double there[STEPS_OF_WINDOW]; /* of each part of the window: in which one is there */
	double rest;                   /* at work, of the others */
	double apart;                  /* weighted by work, not divided yet */
	double on;                     /* of all threads */
	pid_t last;                    /* a worker's tid */
};

static bool is_worker(const struct sums *s, double most)
{
	return most > 0 && at_work(s) >= most / 2;
}

static double largest(const struct from *from)
{
	const struct bb_process *p = from->p;
	double most = 0;
	struct sums s;

	for (size_t i = 0; i < p->nr_threads; i++) {
		if (!p->threads[i].active)
			continue;
		sums_of(&s, from, &p->threads[i]);
		most = fmax(most, at_work(&s));
	}
	return most;
}

/* A worker that is there from @start for @ns, as shares of the window. */
static void is_there(struct pass *w, double start, double ns)
{
	for (int i = 0; i < STEPS_OF_WINDOW; i++) {
		double from = fmax((double)i / STEPS_OF_WINDOW, start);
		double to = fmin((double)(i + 1) / STEPS_OF_WINDOW, start + ns);

		w->there[i] = fmax(w->there[i], to - from);
	}
}

/* The share of the window in which there was at least one; at least a thousandth. */
static double when_there(const struct pass *w)
{
	double sum = 0;

	for (int i = 0; i < STEPS_OF_WINDOW; i++)
		sum += w->there[i];
	return fmin(1, fmax(1e-3, sum));
}

static void add_workers(struct pass *w, const struct bb_record *rec, const struct from *from)
{
	double window = rec->window.ns ? (double)rec->window.ns : 1;
	const struct bb_process *p = from->p;
	struct sums s;

	for (size_t i = 0; i < p->nr_threads; i++) {
		if (!p->threads[i].active)
			continue;
		sums_of(&s, from, &p->threads[i]);
		w->on += s.on;
		if (!is_worker(&s, w->most)) {
			w->rest += at_work(&s);
			continue;
		}
		w->last = p->threads[i].tid;
		w->window += (double)p->threads[i].window_ns;
		is_there(w, (double)p->threads[i].start_ns / window,
			 (double)p->threads[i].window_ns / window);
		add(&w->all, &s);
	}
	w->rest += (double)p->folded.ns[BB_STATE_ONCPU];
	w->on += (double)p->folded.ns[BB_STATE_ONCPU];
}

static void add_apart(struct pass *w, const struct from *from)
{
	const struct bb_process *p = from->p;
	double mean = cpu_part(&w->all);
	struct sums s;

	for (size_t i = 0; i < p->nr_threads; i++) {
		if (!p->threads[i].active)
			continue;
		sums_of(&s, from, &p->threads[i]);
		if (is_worker(&s, w->most))
			w->apart += fabs(cpu_part(&s) - mean) * at_work(&s);
	}
}

static void finish(struct bb_demands *d, const struct bb_record *rec, const struct pass *w)
{
	double work = at_work(&w->all), window = rec->window.ns ? (double)rec->window.ns : 1;
	double online = rec->host.cpus_online ? rec->host.cpus_online : 1, spare;

	if (work <= 0)
		return;
	d->work_ns = work;
	/* as many as are there at a time: some may only come when others have gone */
	d->n = (size_t)fmax(1, round(w->window / (when_there(w) * window)));
	d->need.cpu = w->all.on / work;
	d->need.delay = (w->all.io + w->all.timer) / work;
	d->io = w->all.io / work;
	d->answers = w->all.answers / work;
	d->wait_gil = w->all.gil / work;
	d->wait_cpu = w->all.runq / work;
	d->wait_lock = w->all.lock / work;
	d->away = w->window > 0 ? w->all.away / w->window : 0;
	d->apart = w->apart / work;
	d->rest = w->rest / work;
	if (!(d->cpus > 0))
		d->cpus = online;
	d->cpus_left = w->on / window + (1 - rec->host.busy_share) * online;
	spare = isnan(d->cpus_left) ? d->cpus : d->cpus_left;
	d->cpus_spare = fmax(0.01, fmin(d->cpus, spare));
}

/* Blocked with the GIL held, ns: a wait for a CPU is the CPUs' part. */
static double gil_blocked(const struct bb_process *p)
{
	double ns = 0;

	for (size_t i = 0; i < p->nr_code; i++)
		if (p->code[i].kind == BB_PY_HELD && bb_facts__waits(p->code[i].state))
			ns += (double)p->code[i].ns;
	return ns;
}

/*
 * How much of the CPU time is with the GIL. By samples; but where others wait for it somebody
 * has it, which is exact.
 */
static void split_gil(struct bb_demands *d, const struct bb_record *rec, const struct bb_process *p,
		      const struct pass *w)
{
	const struct bb_gil *g = &p->gils[0];
	double window = (double)rec->window.ns, work = at_work(&w->all), off, held, blocked;
	struct bb_held h = bb_gil__held(p, NULL, rec->window.ns);
	double share, least;

	if (isnan(h.share) || w->on <= 0 || window <= 0)
		return;
	d->has_gil = true;
	off = (double)g->held_off_ns;
	held = fmax(0, h.share * window - off);
	least = (double)g->contended_ns - (double)g->hand_over_ns - off;
	share = fmin(1, fmax(held, least) / w->on);
	d->need.gil = d->need.cpu * share;
	d->need.cpu -= d->need.gil;
	d->gil_error = h.error * window / work;
	blocked = fmin(gil_blocked(p) / work, d->need.delay);
	if (d->need.delay > 0) {
		d->io *= 1 - blocked / d->need.delay;
		d->answers *= 1 - blocked / d->need.delay;
	}
	d->need.gil_off = blocked;
	d->need.delay -= blocked;
}

/* What is waited for other locks than the most contended one is a delay to this model. */
static void split_lock(struct bb_demands *d, const struct bb_record *rec, const struct from *from,
		       const struct pass *w)
{
	double window = (double)rec->window.ns, work = at_work(&w->all), own, ns = 0, blocked = 0;
	const struct bb_lock_holder *h;
	size_t nr;

	if (!from->f.top_lock || from->f.lock_share <= bb_rule(BB_R_CONTENDED)) {
		d->need.delay += d->wait_lock;
		d->wait_lock = 0;
		return;
	}
	d->lock = from->f.top_lock;
	own = fmin(d->wait_lock, (double)d->lock->wait_ns / work);
	d->need.delay += d->wait_lock - own;
	d->wait_lock = own;
	d->lock_busy = fmin(1, (double)d->lock->contended_ns / (when_there(w) * window));
	h = bb_process__lock_holders(from->p, d->lock->addr, &nr);
	for (size_t i = 0; i < nr; i++) {
		ns += (double)h[i].ns;
		if (bb_facts__waits(h[i].wait.state))
			blocked += (double)h[i].wait.ns;
	}
	d->lock_delay = ns > 0 ? fmin(1, blocked / ns) : 0;
}

void bb_demands__of(struct bb_demands *d, const struct bb_record *rec, const struct bb_process *p)
{
	struct pass w = {};
	struct from from;

	memset(d, 0, sizeof(*d));
	d->cpus = p->cpus_usable;
	d->cpus_unlimited = p->cpus_unlimited;
	from_process(&from, rec, p, false);
	w.most = largest(&from);
	add_workers(&w, rec, &from);
	add_apart(&w, &from);
	finish(d, rec, &w);
	if (!d->n)
		return;
	if (p->runtime.gil == BB_GIL_ENABLED && p->nr_gils == 1)
		split_gil(d, rec, p, &w);
	split_lock(d, rec, &from, &w);
	d->loop = d->n == 1 && bb_process__loop_of(p, w.last);
}

int bb_demands__tree(struct bb_demands *d, const struct bb_record *rec)
{
	struct from *from = calloc(rec->nr_processes ? rec->nr_processes : 1, sizeof(*from));
	struct bb_facts whole = {};
	struct pass w = {};

	memset(d, 0, sizeof(*d));
	if (!from)
		return -ENOMEM;
	d->cpus_unlimited = NAN;
	for (size_t i = 0; i < rec->nr_processes; i++) {
		const struct bb_process *p = &rec->processes[i];

		from_process(&from[i], rec, p, true);
		bb_facts__add(&whole, &from[i].f,
			      bb_facts__part(&from[i].f, (double)rec->window.ns));
		if (!isnan(p->cpus_usable))
			d->cpus = fmax(d->cpus, p->cpus_usable);
	}
	for (size_t i = 0; i < rec->nr_processes; i++) {
		from[i].beside = from[i].beside || bb_facts__keeps_house(&whole);
		w.most = fmax(w.most, largest(&from[i]));
	}
	for (size_t i = 0; i < rec->nr_processes; i++)
		add_workers(&w, rec, &from[i]);
	for (size_t i = 0; i < rec->nr_processes; i++)
		add_apart(&w, &from[i]);
	free(from);
	finish(d, rec, &w);
	d->need.delay += d->wait_lock;
	d->wait_lock = 0;
	return 0;
}
