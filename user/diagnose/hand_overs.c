// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Queue hand-overs: work that a waiting thread was given.
 *
 * Who finds work there already does not wait, and no call of the kernel shows it. But while at
 * least one worker waits, whatever comes is given to one that waits. So all that was not seen was
 * taken up in the time in which nobody waited. What the workers can have done of it then is no more
 * than that time, times as many as they are, and what all but one still had in hand as it ended.
 */
#include <math.h>
#include <string.h>

#include "../model/code.h"
#include "rules.h"
#include "unit_parts.h"

/* Rows of one queue: of one object, or of one place in Python's code, whose waiters have a lock
 * of their own each. */
struct queue {
	const struct bb_lock *l; /* the first of them */
	size_t rows;
	double waits, empty, waiters_max, wait_ns;
	double fed, passed;   /* wake-ups: by others, and by those who wait there themselves */
	double unattended_ns; /* wall time in which nobody waits, at most; NaN: several rows */
};

/* Is it work that is waited for? In Python the code knows, elsewhere that others feed it. */
static bool is_work(const struct bb_process *p, const struct bb_lock *l)
{
	if (l->state != BB_STATE_QUEUE)
		return false;
	switch (l->kind) {
	case BB_LOCK_BARRIER:
	case BB_LOCK_COUNTER:
	case BB_LOCK_WORLD:
	case BB_LOCK_STOPPER:
	case BB_LOCK_RAW:
		return false;
	default:
		break;
	}
	if (p->runtime.gil == BB_GIL_NONE && !p->runtime.free_threaded)
		return l->rule == BB_RULE_FED;
	return l->kind == BB_LOCK_SIMPLE_QUEUE || bb_str__ends(l->code, ":_worker") ||
	       bb_str__ends(l->code, ":worker") || bb_str__ends(l->code, "queue.py:get") ||
	       bb_str__ends(l->caller, "queue.py:get");
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool is_of(const struct queue *q, const struct bb_process *p, const struct bb_lock *l)
{
	return l == q->l || (l->code && is_work(p, l) && same(l->code, q->l->code) &&
			     same(l->caller, q->l->caller));
}

static void add_row(struct queue *q, const struct bb_lock *l, double span)
{
	q->unattended_ns = q->rows++ ? NAN : fmax(0, span - (double)l->contended_ns);
	q->waits += (double)l->waits;
	q->empty += (double)l->times - (l->open && l->times);
	q->waiters_max = fmax(q->waiters_max, l->waiters_max);
	q->wait_ns += (double)l->wait_ns;
}

/* Is no row before it of the same queue? Of many rows most are of one, which is found at once. */
static bool is_first(const struct bb_process *p, size_t i)
{
	for (size_t j = 0; p->locks[i].code && j < i; j++) {
		struct queue before = { .l = &p->locks[j] };

		if (is_work(p, before.l) && is_of(&before, p, &p->locks[i]))
			return false;
	}
	return true;
}

/* The queue that is waited for most often. */
static bool busiest(struct queue *q, const struct bb_process *p, double span)
{
	struct queue at;

	memset(q, 0, sizeof(*q));
	for (size_t i = 0; i < p->nr_locks; i++) {
		if (!is_work(p, &p->locks[i]) || !is_first(p, i))
			continue;
		at = (struct queue){ .l = &p->locks[i] };
		add_row(&at, at.l, span);
		/* those without code are one each */
		for (size_t j = i + 1; at.l->code && j < p->nr_locks; j++)
			if (is_of(&at, p, &p->locks[j]))
				add_row(&at, &p->locks[j], span);
		if (at.waits > q->waits)
			*q = at;
	}
	return q->l != NULL;
}

/* "dir/file.py:function" is the frame's. */
static bool is_frame(const char *name, const struct bb_frame *f)
{
	const char *function = strrchr(name, ':'), *dot = f->function, *file = f->file;
	size_t n, m = strlen(file);

	if (!function)
		return false;
	n = (size_t)(function - name);
	if (strrchr(dot, '.'))
		dot = strrchr(dot, '.') + 1;
	return m >= n && !strncmp(file + m - n, name, n) && same(function + 1, dot);
}

static bool waits_there(const struct bb_process *p, const struct queue *q, pid_t tid)
{
	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];

		if (c->kind == BB_PY_BLOCKED && c->tid == tid && c->state == BB_STATE_QUEUE &&
		    c->nr_frames && is_frame(q->l->code, &c->frames[0]) &&
		    (!q->l->caller || (c->nr_frames > 1 && is_frame(q->l->caller, &c->frames[1]))))
			return true;
	}
	return false;
}

/* Does the thread wait there? Without code each thread that waits for any queue may. */
static bool is_member(const struct bb_process *p, const struct queue *q, const struct bb_thread *t)
{
	for (size_t i = 0; i < t->nr_waits; i++)
		if (t->waits[i].state == BB_STATE_QUEUE && t->waits[i].count)
			return !q->l->code || !t->active || waits_there(p, q, t->tid);
	return false;
}

static void count_wakes(struct queue *q, const struct bb_process *p)
{
	for (size_t i = 0; i < p->nr_lock_holders; i++) {
		const struct bb_lock_holder *h = &p->lock_holders[i];
		const struct bb_lock *l = bb_process__lock_at(p, h->lock);
		const struct bb_thread *t = h->pid == p->pid ? bb_process__thread(p, h->tid) : NULL;

		if (!l || !is_of(q, p, l))
			continue;
		if (t && is_member(p, q, t))
			q->passed += (double)h->count;
		else
			q->fed += (double)h->count;
	}
}

/* Those who wait for it. */
struct members {
	double busy; /* ns not in the queue */
	double queue_ns, waits, open;
};

static void add_members(struct members *m, struct bb_unit *u, const struct bb_process *p,
			const struct queue *q)
{
	static const double none[BB_STATE_MAX];

	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];

		if (!is_member(p, q, t))
			continue;
		for (size_t j = 0; j < t->nr_waits; j++) {
			if (t->waits[j].state != BB_STATE_QUEUE)
				continue;
			m->waits += (double)t->waits[j].count;
			m->open += t->waits[j].open;
		}
		/* one that was never woken is no worker yet, but it waits */
		if (!t->active)
			continue;
		m->queue_ns += (double)t->budget.ns[BB_STATE_QUEUE];
		m->busy += fmax(0, (double)t->window_ns - (double)t->budget.ns[BB_STATE_QUEUE]);
		bb_unit__spend(u, t, none);
	}
}

/*
 * Who is woken by one that waits there, too, may have been given something, or have been woken in
 * vain by one that let go: both bound the count. But up to CPython 3.12 SimpleQueue.get() lets go
 * of the queue's lock each time, and the next one who waits wakes up for nothing: then there are as
 * many of these as of the others.
 */
static void bound(struct bb_unit *u, const struct queue *q, const struct members *m)
{
	double ended = fmax(0, q->waits - m->open), limit = bb_rule(BB_R_UNITS_UNSEEN), most;
	double unseen = m->busy > 0 ? (double)u->threads * q->unattended_ns / m->busy : 0;

	most = fmax(ended, q->fed + q->passed);
	if (q->l->code && fabs(q->passed - q->fed) <= limit * q->fed)
		most = q->fed;
	/* woken all at once, one gets the work: then nobody waits any more */
	u->low = fmax(0, fmin(ended, q->fed) - q->empty * fmax(0, q->waiters_max - 1));
	u->high = unseen < 1 ? most / (1 - unseen) + q->empty * (double)(u->threads - 1) : INFINITY;
	if (isnan(unseen))
		bb_unit__no(u, "each worker waits by a lock of its own: whether one waited at all "
			       "times is not known");
}

bool bb_unit__hand_overs(struct bb_unit *u, const struct bb_record *rec, const struct bb_process *p)
{
	struct members m = {};
	struct queue q;

	if (bb_runtime__parks(&p->runtime) || !busiest(&q, p, u->span_ns))
		return false;
	add_members(&m, u, p, &q);
	count_wakes(&q, p);
	if (!u->threads || q.fed <= 0)
		return false;
	u->spent[BB_STATE_QUEUE] = fmax(0, m.queue_ns - q.wait_ns);
	if (rec->drops[BB_DROP_LOCKS_FULL] || p->folded.ns[BB_STATE_QUEUE])
		bb_unit__no(u, "not all waits are known: see the losses and the ended threads");
	else if (m.waits > q.waits * (1 + bb_rule(BB_R_UNITS_UNSEEN)) && !q.l->code)
		bb_unit__no(u, "its threads wait for several queues or events: which of them "
			       "begins a unit is not known");
	bound(u, &q, &m);
	if (!(u->high >= u->low))
		u->high = INFINITY;
	return true;
}
