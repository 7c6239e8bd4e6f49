// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the window's time in one row of waits, or in a state: as what it counts, in ns. */
struct uses {
	double ns[BB_USE_MAX];
};

/* What is worked out once for all slices. */
struct scale {
	struct uses *rows; /* by slice wait */
	struct uses states[BB_STATE_MAX];
};

static uint64_t slice_start(const struct bb_record *rec, size_t i)
{
	return i ? rec->slice_ends[i - 1] : 0;
}

static double overlap(const struct bb_record *rec, size_t i, uint64_t from, uint64_t to)
{
	uint64_t start = slice_start(rec, i), end = rec->slice_ends[i];

	start = start > from ? start : from;
	end = end < to ? end : to;
	return end > start ? (double)(end - start) : 0;
}

/* The slice's row of a thread's wait, -1: it has none. */
static long row_of(const struct bb_slices *s, const struct bb_wait *w)
{
	for (size_t i = 0; i < s->nr_waits; i++)
		if (s->waits[i].state == w->state && s->waits[i].syscall == w->syscall &&
		    s->waits[i].fdkind == w->fdkind && s->waits[i].end == w->end)
			return (long)i;
	return -1;
}

/* As what the waits of active threads count over the window: in slices they count likewise. */
static void judge_waits(struct scale *scale, const struct bb_facts *whole,
			const struct bb_process *p, const struct bb_thread *t)
{
	double duty =
		t->window_ns ? (double)t->budget.ns[BB_STATE_ONCPU] / (double)t->window_ns : 1;

	for (size_t i = 0; i < t->nr_waits; i++) {
		const struct bb_wait *w = &t->waits[i];
		enum bb_use use = bb_facts__use(whole, w, duty);
		double pool = bb_facts__in_pool(whole, p, t->tid, w->state) * (double)w->ns;
		long row = row_of(&p->slices, w);

		if (!bb_facts__waits(w->state))
			continue;
		scale->states[w->state].ns[use] += (double)w->ns - pool;
		scale->states[w->state].ns[BB_USE_POOL] += pool;
		if (row < 0)
			continue;
		scale->rows[row].ns[use] += (double)w->ns - pool;
		scale->rows[row].ns[BB_USE_POOL] += pool;
	}
}

static double sum_of_uses(const struct uses *u)
{
	double all = 0;

	for (int i = 0; i < BB_USE_MAX; i++)
		all += u->ns[i];
	return all;
}

static bool is_known(const struct uses *u)
{
	return sum_of_uses(u) > 0;
}

/* @ns of waits, by the shares of @u; nothing known: I/O. */
static void add_uses(float *to, const struct uses *u, double ns)
{
	double all = sum_of_uses(u);

	if (all <= 0) {
		to[BB_USE_IO] += (float)ns;
		return;
	}
	for (int i = 0; i < BB_USE_MAX; i++)
		to[i] += (float)(ns * u->ns[i] / all);
}

/*
 * A thread that never ran in the window did not change its state: take it out, as it has no
 * vote, at the rate of its states.
 */
static void take_inactive(struct bb_parts *parts, const struct bb_thread *t, double *waits)
{
	const struct bb_slices *s = &parts->p->slices;

	for (size_t i = parts->first; i < parts->end && t->window_ns; i++) {
		double part = overlap(parts->rec, i, t->start_ns, t->start_ns + t->window_ns) /
			      (double)t->window_ns;
		struct bb_part *to = &parts->items[i];

		for (int st = 0; st < BB_STATE_MAX && part > 0; st++)
			if (st != BB_STATE_UNKNOWN && st != BB_STATE_STOPPED)
				to->states[st] -= part * (double)t->budget.ns[st];
		to->preempted -= part * (double)t->budget.runq_preempted_ns;
		to->throttled -= part * (double)t->budget.runq_throttled_ns;
		for (size_t w = 0; w < t->nr_waits && part > 0; w++) {
			long row = row_of(s, &t->waits[w]);

			if (row >= 0)
				waits[i * s->nr_waits + (size_t)row] -=
					part * (double)t->waits[w].ns;
		}
	}
}

/* Divide the waits of one slice; @rows: ns by row, of active threads. */
static void divide(struct bb_part *to, const struct bb_slices *s, const struct scale *scale,
		   const double *rows)
{
	double in[BB_STATE_MAX] = {};

	for (size_t w = 0; w < s->nr_waits; w++)
		in[s->waits[w].state] += fmax(0, rows[w]);
	for (size_t w = 0; w < s->nr_waits; w++) {
		enum bb_state st = s->waits[w].state;
		double ns = fmax(0, rows[w]);

		/* rows that were joined bring their past along: no more than there is */
		if (in[st] > to->states[st])
			ns *= to->states[st] / in[st];
		/* a row that no thread has at the end was joined to others of the state */
		add_uses(to->waits[st],
			 is_known(&scale->rows[w]) ? &scale->rows[w] : &scale->states[st], ns);
	}
	for (int st = 0; st < BB_STATE_MAX; st++)
		if (bb_facts__waits(st) && to->states[st] > in[st])
			add_uses(to->waits[st], &scale->states[st], to->states[st] - in[st]);
}

static void pick_locks(struct bb_parts *parts)
{
	const struct bb_process *p = parts->p;
	size_t nr = 0;

	/* locks come first, most contended first */
	for (size_t i = 0; i < p->nr_locks && nr < BB_PART_LOCKS; i++)
		for (size_t o = 0; o < p->slices.nr_objects; o++)
			if (p->locks[i].state == BB_STATE_LOCK &&
			    p->slices.objects[o] == p->locks[i].addr) {
				parts->locks[nr++] = &p->locks[i];
				break;
			}
}

static void add_contended(struct bb_parts *parts, size_t i)
{
	const struct bb_process *p = parts->p;
	const struct bb_slices *s = &p->slices;
	struct bb_part *to = &parts->items[i];

	for (size_t o = 0; o < s->nr_objects; o++) {
		float ns = (float)s->contended_ns[i * s->nr_objects + o];

		for (size_t g = 0; g < p->nr_gils; g++)
			if (p->gils[g].addr == s->objects[o])
				to->gil = fmaxf(to->gil, ns);
		for (size_t l = 0; l < BB_PART_LOCKS && parts->locks[l]; l++)
			if (parts->locks[l]->addr == s->objects[o])
				to->locks[l] = ns;
	}
}

static void fill(struct bb_parts *parts, const struct scale *scale, double *waits)
{
	const struct bb_process *p = parts->p;
	const struct bb_slices *s = &p->slices;

	for (size_t i = parts->first; i < parts->end; i++) {
		const struct bb_slice *from = &s->items[i];
		struct bb_part *to = &parts->items[i];

		for (int st = 0; st < BB_STATE_MAX; st++)
			to->states[st] = (double)from->budget.ns[st];
		to->preempted = (double)from->budget.runq_preempted_ns;
		to->throttled = (double)from->budget.runq_throttled_ns;
		to->busiest = (float)from->busiest_ns;
		for (size_t w = 0; w < s->nr_waits; w++)
			waits[i * s->nr_waits + w] = (double)s->wait_ns[i * s->nr_waits + w];
	}
	for (size_t t = 0; t < p->nr_threads; t++)
		if (!p->threads[t].active)
			take_inactive(parts, &p->threads[t], waits);
	for (size_t i = parts->first; i < parts->end; i++) {
		struct bb_part *to = &parts->items[i];

		for (int st = 0; st < BB_STATE_MAX; st++)
			to->states[st] = fmax(0, to->states[st]);
		divide(to, s, scale, &waits[i * s->nr_waits]);
		add_contended(parts, i);
	}
}

int bb_parts__of(struct bb_parts *parts, const struct bb_record *rec, const struct bb_process *p,
		 const struct bb_facts *whole)
{
	struct scale scale = {};
	uint64_t start, end;
	double *waits;

	memset(parts, 0, sizeof(*parts));
	parts->rec = rec;
	parts->p = p;
	parts->whole = whole;
	parts->items = calloc(rec->nr_slices + 1, sizeof(*parts->items));
	scale.rows = calloc(p->slices.nr_waits + 1, sizeof(*scale.rows));
	waits = calloc(rec->nr_slices * p->slices.nr_waits + 1, sizeof(*waits));
	if (!parts->items || !scale.rows || !waits) {
		free(scale.rows);
		free(waits);
		bb_parts__free(parts);
		return -ENOMEM;
	}
	bb_facts__span(rec, p, &start, &end);
	parts->first = rec->nr_slices;
	for (size_t i = 0; i < rec->nr_slices; i++) {
		parts->items[i].ns = (float)overlap(rec, i, start, end);
		if (parts->items[i].ns <= 0)
			continue;
		if (parts->first > i)
			parts->first = i;
		parts->end = i + 1;
	}
	for (size_t t = 0; t < p->nr_threads; t++)
		if (p->threads[t].active)
			judge_waits(&scale, whole, p, &p->threads[t]);
	pick_locks(parts);
	fill(parts, &scale, waits);
	free(scale.rows);
	free(waits);
	return 0;
}

void bb_parts__free(struct bb_parts *parts)
{
	free(parts->items);
	memset(parts, 0, sizeof(*parts));
}

/* Sums over slices, in ns. */
struct sum {
	double ns, states[BB_STATE_MAX], preempted, throttled, busiest;
	double waits[BB_STATE_MAX][BB_USE_MAX];
	double gil, locks[BB_PART_LOCKS];
};

static void sum_of(struct sum *s, const struct bb_parts *parts, size_t from, size_t to)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = from; i < to; i++) {
		const struct bb_part *x = &parts->items[i];

		s->ns += x->ns;
		s->preempted += x->preempted;
		s->throttled += x->throttled;
		s->busiest += x->busiest;
		s->gil += x->gil;
		for (int st = 0; st < BB_STATE_MAX; st++) {
			s->states[st] += x->states[st];
			for (int u = 0; u < BB_USE_MAX; u++)
				s->waits[st][u] += x->waits[st][u];
		}
		for (int l = 0; l < BB_PART_LOCKS; l++)
			s->locks[l] += x->locks[l];
	}
}

static void add_lock(struct bb_facts *f, const struct bb_parts *parts, const struct sum *s)
{
	const struct bb_facts *whole = parts->whole;
	size_t nr;

	f->lock_share = 0;
	f->top_lock = NULL;
	f->held_io = 0;
	for (size_t l = 0; l < BB_PART_LOCKS && parts->locks[l]; l++) {
		if (s->locks[l] / f->window_ns <= f->lock_share)
			continue;
		f->lock_share = fmin(1, s->locks[l] / f->window_ns);
		f->top_lock = parts->locks[l];
	}
	f->top_holder =
		f->top_lock ? bb_process__lock_holders(parts->p, f->top_lock->addr, &nr) : NULL;
	f->chain_end = f->top_holder ? bb_process__chain_end(parts->p, f->top_holder) : NULL;
	/* what its holders were blocked in is known over the window */
	if (f->top_lock && f->top_lock == whole->top_lock && whole->lock_share > 0)
		f->held_io = whole->held_io * f->lock_share / whole->lock_share;
}

void bb_parts__facts(const struct bb_parts *parts, size_t from, size_t to, struct bb_facts *f)
{
	const struct bb_facts *whole = parts->whole;
	double ns, all = 0, machine = parts->rec->host.cpus_online;
	struct sum s;

	sum_of(&s, parts, from, to);
	*f = *whole;
	ns = s.ns > 0 ? s.ns : 1;
	f->window_ns = s.ns;
	for (int st = 0; st < BB_STATE_MAX; st++)
		all += s.states[st];
	f->threads = all / ns;
	f->on = s.states[BB_STATE_ONCPU] / ns;
	f->runq = s.states[BB_STATE_RUNQ] / ns;
	f->gil = s.states[BB_STATE_GIL] / ns;
	f->lock = s.states[BB_STATE_LOCK] / ns;
	f->queue = s.states[BB_STATE_QUEUE] / ns;
	f->stopped = s.states[BB_STATE_STOPPED] / ns;
	f->unknown = s.states[BB_STATE_UNKNOWN] / ns;
	f->preempted = s.preempted / ns;
	f->throttled = s.throttled / ns;
	f->busiest = s.busiest / ns;
	f->io = f->idle = f->timers = f->feeding = 0;
	f->timer_work = whole->on + whole->runq > 0
				? whole->timer_work * (f->on + f->runq) / (whole->on + whole->runq)
				: 0;
	f->timer_on = whole->on > 0 ? whole->timer_on * f->on / whole->on : 0;
	/* of what queues, the same part as over the window */
	f->behind_gil = whole->runq > 0 ? whole->behind_gil * f->runq / whole->runq : 0;
	memset(f->io_by, 0, sizeof(f->io_by));
	memset(f->timers_by, 0, sizeof(f->timers_by));
	for (int st = 0; st < BB_STATE_MAX; st++)
		for (int u = 0; u < BB_USE_MAX; u++)
			bb_facts__wait(f, (enum bb_state)st, (enum bb_use)u, s.waits[st][u] / ns);
	/* which of the slice's these were is not known */
	f->timed = fmin(whole->timed, f->io - f->timers);
	bb_facts__settle(f);
	f->gil_share = fmin(1, s.gil / ns);
	f->window_ns = ns;
	add_lock(f, parts, &s);
	f->window_ns = s.ns;
	/* the machine was at least as busy as the process made it */
	if (machine > 0 && !isnan(f->host_busy))
		f->host_busy = fmax(f->host_busy, fmin(1, f->on / machine));
}
