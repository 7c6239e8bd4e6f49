// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/code.h"

#define PLACES_MOST 16 /* where semaphores are waited for, of a process: the longest */

/* One thread, by its index in the process. */
struct member {
	bool in;
	uint64_t wait;  /* queue, as rows of code have it: for the semaphore, or for work */
	uint64_t queue; /* queue, in other code */
	uint64_t away;  /* blocked in code that is not between taking a permit and its return */
};

/* The function of that file, with or without its class. */
static bool is_function(const struct bb_frame *f, const char *file, const char *name)
{
	const char *dot = strrchr(f->function, '.');

	return bb_str__ends(f->file, file) && !strcmp(dot ? dot + 1 : f->function, name);
}

static bool same_place(const struct bb_frame *a, const struct bb_frame *b)
{
	return !strcmp(a->function, b->function) && !strcmp(a->file, b->file);
}

static bool runs(const struct bb_code *c, const struct bb_frame *place)
{
	for (size_t i = 0; i < c->nr_frames; i++)
		if (same_place(&c->frames[i], place))
			return true;
	return false;
}

static struct member *member_of(const struct bb_process *p, struct member *m, pid_t tid)
{
	size_t i = tid ? bb_process__first_thread(p, tid) : p->nr_threads;

	return i < p->nr_threads && p->threads[i].tid == tid ? &m[i] : NULL;
}

static bool is_blocked(const struct bb_code *c)
{
	return c->kind == BB_PY_BLOCKED && c->tid && c->nr_frames;
}

/* Semaphore.acquire() waits for a condition: the caller's frame, NULL: it is no such wait. */
static const struct bb_frame *semaphore_of(const struct bb_code *c)
{
	if (!is_blocked(c) || c->state != BB_STATE_QUEUE || c->nr_frames < 3 ||
	    !is_function(&c->frames[0], "threading.py", "wait") ||
	    !is_function(&c->frames[1], "threading.py", "acquire"))
		return NULL;
	return &c->frames[2];
}

/* Part of its time in state queue that no other code has: rows may be missing. */
static uint64_t waited(const struct bb_thread *t, const struct member *m)
{
	uint64_t queue = t->budget.ns[BB_STATE_QUEUE];

	queue = queue > m->queue ? queue - m->queue : 0;
	return queue > m->wait ? queue : m->wait;
}

/*
 * Do those who wait for permits give them back, too? One that others release is fed by these,
 * and caps nothing. The locks of the condition's waiters are all that tells, and not whose.
 */
static bool members_release(const struct bb_process *p, struct member *m)
{
	uint64_t own = 0, all = 0;

	for (size_t i = 0; i < p->nr_locks; i++) {
		const struct bb_lock *l = &p->locks[i];
		const struct bb_lock_holder *h;
		size_t nr;

		if (!l->code || !l->caller || !bb_str__ends(l->code, "threading.py:wait") ||
		    !bb_str__ends(l->caller, "threading.py:acquire"))
			continue;
		h = bb_process__lock_holders(p, l->addr, &nr);
		for (size_t j = 0; j < nr; j++) {
			const struct member *w =
				h[j].pid == p->pid ? member_of(p, m, h[j].tid) : NULL;

			all += h[j].count;
			own += w && w->in ? h[j].count : 0;
		}
	}
	return own > all / 2;
}

/* What its threads did but wait at @place; sums the waits into @f. */
static void at_place(const struct bb_process *p, const struct bb_frame *place, struct member *m,
		     struct bb_finding *f)
{
	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];
		const struct bb_frame *at = semaphore_of(c);
		struct member *t = is_blocked(c) ? member_of(p, m, c->tid) : NULL;

		if (!t)
			continue;
		if (at && same_place(at, place)) {
			t->in = true;
			t->wait += c->ns;
			f->count += c->count;
			f->max_ns = c->max_ns > f->max_ns ? c->max_ns : f->max_ns;
			f->syscall = c->syscall;
		} else {
			bool within = runs(c, place);

			/* who has a permit may have waited before the window */
			t->in |= within;
			t->queue += c->state == BB_STATE_QUEUE ? c->ns : 0;
			t->away += within ? 0 : c->ns;
		}
	}
}

static bool caps(const struct bb_process *p, const struct bb_frame *place, struct member *m,
		 struct bb_finding *f)
{
	uint64_t from = UINT64_MAX, to = 0, through = 0;
	size_t members = 0;

	at_place(p, place, m, f);
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];
		uint64_t wait = waited(t, &m[i]), other = wait + m[i].away;

		if (!m[i].in)
			continue;
		members++;
		from = t->start_ns < from ? t->start_ns : from;
		to = t->start_ns + t->window_ns > to ? t->start_ns + t->window_ns : to;
		f->ns += wait;
		through += t->window_ns > other ? t->window_ns - other : 0;
	}
	if (members < 2 || to <= from)
		return false;
	f->waiters = (double)f->ns / (double)(to - from);
	f->at_once = (double)through / (double)(to - from);
	f->value = f->waiters;
	return f->waiters >= bb_rule(f->rule) && members_release(p, m);
}

int bb_pools__semaphores(struct bb_findings *found, const struct bb_record *rec,
			 const struct bb_process *p)
{
	const struct bb_frame *places[PLACES_MOST];
	struct member *m = calloc(p->nr_threads ? p->nr_threads : 1, sizeof(*m));
	size_t nr = 0;
	int err = m ? 0 : -ENOMEM;

	for (size_t i = 0; i < p->nr_code && !err && nr < PLACES_MOST; i++) {
		const struct bb_frame *place = semaphore_of(&p->code[i]);
		struct bb_finding f = {
			.id = BB_FINDING_SEMAPHORE_LIMIT,
			.frame = place,
			.state = BB_STATE_QUEUE,
			.waited_ns = BB_UNKNOWN_U64,
			.rule = BB_R_SEMAPHORE_WAITERS,
		};
		bool seen = !place;

		for (size_t j = 0; j < nr && !seen; j++)
			seen = same_place(places[j], place);
		if (seen)
			continue;
		places[nr++] = place;
		memset(m, 0, p->nr_threads * sizeof(*m));
		if (caps(p, place, m, &f))
			err = bb_findings__add(found, rec, &f);
	}
	free(m);
	return err;
}

static bool is_worker(const struct bb_frame *f)
{
	return is_function(f, "concurrent/futures/thread.py", "_worker") ||
	       is_function(f, "multiprocessing/pool.py", "worker");
}

static bool of_worker(const struct bb_code *c)
{
	for (size_t i = 0; i < c->nr_frames; i++)
		if (is_worker(&c->frames[i]))
			return true;
	return false;
}

/* Does it wait for what a pool is to do? */
static bool asks(const struct bb_code *c)
{
	for (size_t i = 0; i < c->nr_frames; i++) {
		const struct bb_frame *f = &c->frames[i];

		if (bb_str__ends(f->file, "concurrent/futures/_base.py") ||
		    is_function(f, "concurrent/futures/thread.py", "shutdown") ||
		    is_function(f, "multiprocessing/pool.py", "get") ||
		    is_function(f, "multiprocessing/pool.py", "wait"))
			return c->state == BB_STATE_QUEUE;
	}
	return false;
}

/* Who works and who asks; of the work, where most of it is blocked into @f. */
static uint64_t who_asks(const struct bb_process *p, struct member *m, struct bb_finding *f)
{
	uint64_t asked = 0, longest = 0;

	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];
		struct member *t = is_blocked(c) ? member_of(p, m, c->tid) : NULL;
		bool idle = t && c->state == BB_STATE_QUEUE && is_worker(&c->frames[0]);

		if (!t)
			continue;
		if (!of_worker(c)) {
			asked += asks(c) ? c->ns : 0;
			continue;
		}
		t->in = true;
		t->wait += idle ? c->ns : 0;
		t->queue += !idle && c->state == BB_STATE_QUEUE ? c->ns : 0;
		if (!idle && c->ns > longest) {
			longest = c->ns;
			f->frame = &c->frames[0];
			f->state = c->state;
			f->syscall = c->syscall;
		}
	}
	return asked;
}

/* All that workers did in the line where they are blocked most. */
static void sum_line(const struct bb_process *p, struct bb_finding *f)
{
	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];

		if (!is_blocked(c) || !of_worker(c) || c->state != f->state ||
		    c->syscall != f->syscall || bb_frame__compare(&c->frames[0], f->frame))
			continue;
		f->ns += c->ns;
		f->count += c->count;
		f->max_ns = c->max_ns > f->max_ns ? c->max_ns : f->max_ns;
	}
}

int bb_pools__starved(struct bb_findings *found, const struct bb_record *rec,
		      const struct bb_process *p)
{
	struct member *m = calloc(p->nr_threads ? p->nr_threads : 1, sizeof(*m));
	struct bb_finding f = {
		.id = BB_FINDING_POOL_STARVED,
		.waited_ns = BB_UNKNOWN_U64,
		.rule = BB_R_POOL_BUSY,
	};
	double there = 0, idle = 0, ready = 0;
	size_t workers = 0;
	uint64_t asked;

	if (!m)
		return -ENOMEM;
	asked = who_asks(p, m, &f);
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];
		const uint64_t *ns = t->budget.ns;

		if (!m[i].in)
			continue;
		workers++;
		there += (double)t->window_ns;
		idle += (double)waited(t, &m[i]);
		ready += (double)(ns[BB_STATE_ONCPU] + ns[BB_STATE_RUNQ] + ns[BB_STATE_GIL] +
				  ns[BB_STATE_LOCK]);
	}
	free(m);
	if (!workers || !f.frame || !rec->window.ns)
		return 0;
	f.at_once = (double)workers;
	f.waiters = (double)asked / (double)rec->window.ns;
	f.value = 1 - idle / there;
	if (f.value < bb_rule(f.rule) || f.waiters < bb_rule(BB_R_POOL_ASKED) ||
	    1 - (idle + ready) / there < bb_rule(BB_R_POOL_WAITS))
		return 0;
	sum_line(p, &f);
	return bb_findings__add(found, rec, &f);
}
