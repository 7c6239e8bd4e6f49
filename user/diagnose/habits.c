// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "habits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../model/code.h"

/* A thread that computes less than this part of what the others do on average asks, and computes
 * not. */
#define PART_OF_MEAN 0.25
/* Threads that wait for work for half of their time are workers of a pool. */
#define WORKER_WAITS 0.5
/* Fewer threads that wait for work than these may be a main thread in join(). */
#define OTHERS_LEAST 2
/* Who has a lock more often than this, of all times that it was handed on, keeps it. */
#define KEEPS 0.75
/* Those who have a lock are on a CPU for less than this of the time: it is waited with. */
#define HOLDERS_RUN 0.5

static double of_window(const struct bb_thread *t, enum bb_state s)
{
	return t->window_ns ? (double)t->budget.ns[s] / (double)t->window_ns : 0;
}

static double mean(const struct bb_record *rec, double ns)
{
	return rec->window.ns ? ns / (double)rec->window.ns : 0;
}

/* Does it run, or want to, for most of its time? */
static bool wants_gil(const struct bb_thread *t)
{
	return t->active && of_window(t, BB_STATE_ONCPU) + of_window(t, BB_STATE_GIL) +
					    of_window(t, BB_STATE_RUNQ) >=
				    0.5;
}

/* The line that has the GIL longest while others wait; NULL: not known. */
static int top_line(const struct bb_process *p, enum bb_py_kind kind, pid_t tid,
		    const struct bb_frame **frame)
{
	struct bb_code_line *lines;
	size_t nr;
	int err = bb_code__lines(p, kind, tid != 0, &lines, &nr);

	*frame = NULL;
	for (size_t i = 0; i < nr && !err && !*frame; i++)
		if (!tid || lines[i].tid == tid)
			*frame = lines[i].frame;
	free(lines);
	return err;
}

/* Does it wait for an item of a queue, or for a task of a pool? Not for an event, a permit, an end.
 */
static bool for_work(const struct bb_code *c)
{
	for (size_t i = 0; i < c->nr_frames && i < 3; i++) {
		const struct bb_frame *f = &c->frames[i];

		if ((bb_str__ends(f->file, "/concurrent/futures/thread.py") &&
		     bb_str__ends(f->function, "_worker")) ||
		    (bb_str__ends(f->file, "/queue.py") && bb_str__ends(f->function, "get")) ||
		    (bb_str__ends(f->file, "/multiprocessing/pool.py") &&
		     bb_str__ends(f->function, "worker")))
			return true;
	}
	return false;
}

/*
 * The share of the time in state queue that is waiting for work, of what is known; 1 where no code
 * tells. @tid: 0: of all threads. @row: the longest of these rows; NULL: none.
 */
static double work_share(const struct bb_process *p, pid_t tid, const struct bb_code **row)
{
	uint64_t known = 0, work = 0;

	*row = NULL;
	if (strcmp(p->runtime.name, "cpython") != 0)
		return 1;
	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];

		if (c->kind != BB_PY_BLOCKED || c->state != BB_STATE_QUEUE || !c->nr_frames ||
		    (tid && c->tid != tid))
			continue;
		known += c->ns;
		if (!for_work(c))
			continue;
		work += c->ns;
		if (!*row || c->ns > (*row)->ns)
			*row = c;
	}
	return known ? (double)work / (double)known : 0;
}

int bb_habits__threads_for_cpu(struct bb_findings *found, const struct bb_record *rec,
			       const struct bb_process *p, const struct bb_facts *facts)
{
	struct bb_finding f = {
		.id = BB_FINDING_THREADS_FOR_CPU,
		.state = BB_STATE_GIL,
		.syscall = -1,
		.waited_ns = BB_UNKNOWN_U64,
		.rule = BB_R_GIL_WANTERS,
	};
	double on = 0, each = 0;
	size_t nr = 0;
	int err;

	/* those of a pool of processes that feed it are no work that could be split */
	if (!facts->has_gil || facts->on / facts->cpus >= bb_rule(BB_R_FULL_FROM) ||
	    facts->pool.pool_ns > facts->pool.task_ns)
		return 0;
	for (size_t i = 0; i < p->nr_threads; i++)
		if (wants_gil(&p->threads[i])) {
			each += (double)p->threads[i].budget.ns[BB_STATE_ONCPU];
			nr++;
		}
	each = nr ? each / (double)nr : 0;
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];

		if (!wants_gil(t) || (double)t->budget.ns[BB_STATE_ONCPU] < PART_OF_MEAN * each)
			continue;
		on += mean(rec, (double)t->budget.ns[BB_STATE_ONCPU]);
		f.ns += t->budget.ns[BB_STATE_GIL];
		f.count += t->gil_acquisitions;
		f.max_ns = t->gil_wait_max_ns > f.max_ns ? t->gil_wait_max_ns : f.max_ns;
		f.at_once++;
	}
	f.waiters = mean(rec, (double)f.ns);
	f.value = on + f.waiters;
	/* what they compute must be what the others wait for: a GIL that is slept with is another
	 */
	if (f.value < bb_rule(f.rule) || on > bb_rule(BB_R_GIL_SERIAL) ||
	    facts->on < facts->gil_share / 2)
		return 0;
	err = top_line(p, BB_PY_HOLDER, 0, &f.frame);
	return err ? err : bb_findings__add(found, rec, &f);
}

static int too_many_runnable(struct bb_findings *found, const struct bb_record *rec,
			     const struct bb_process *p, const struct bb_facts *facts)
{
	struct bb_finding f = {
		.id = BB_FINDING_TOO_MANY_WORKERS,
		.state = BB_STATE_RUNQ,
		.syscall = -1,
		.ns = p->budget.ns[BB_STATE_RUNQ],
		.count = p->involuntary,
		.max_ns = BB_UNKNOWN_U64,
		.waited_ns = BB_UNKNOWN_U64,
		.at_once = facts->on,
		.waiters = facts->runq,
		.rule = BB_R_RUNNABLE_PER_CPU,
		.value = (facts->on + facts->runq) / facts->cpus,
	};

	return f.value < bb_rule(f.rule) ? 0 : bb_findings__add(found, rec, &f);
}

int bb_habits__too_many(struct bb_findings *found, const struct bb_record *rec,
			const struct bb_process *p, const struct bb_facts *facts)
{
	struct bb_finding f = {
		.id = BB_FINDING_TOO_MANY_WORKERS,
		.state = BB_STATE_QUEUE,
		.syscall = -1,
		.waited_ns = BB_UNKNOWN_U64,
		.max_ns = BB_UNKNOWN_U64,
		.rule = BB_R_IDLE_WORKERS,
	};
	const struct bb_code *row;
	bool active = false;
	double there = 0;
	int err;

	err = too_many_runnable(found, rec, p, facts);
	/* a thread that a runtime has parked may wait for anything */
	if (err || facts->parks)
		return err;
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];

		if (of_window(t, BB_STATE_QUEUE) < WORKER_WAITS)
			continue;
		active |= t->active;
		there += (double)t->window_ns;
		f.ns += t->budget.ns[BB_STATE_QUEUE];
		f.count++;
	}
	f.value = f.waiters = mean(rec, (double)f.ns);
	f.at_once = mean(rec, there - (double)f.ns);
	/* how many an idle pool needs, nothing tells */
	if (!active || f.value < bb_rule(f.rule) ||
	    (double)f.ns < bb_rule(BB_R_IDLE_WORKERS_SHARE) * there || work_share(p, 0, &row) < 0.5)
		return 0;
	f.frame = row ? &row->frames[0] : NULL;
	return bb_findings__add(found, rec, &f);
}

/* The interpreter's own, which the program cannot split. */
static bool is_interpreters(const struct bb_lock *l)
{
	return l->kind == BB_LOCK_WORLD || l->kind == BB_LOCK_STOPPER || l->kind == BB_LOCK_RAW;
}

int bb_habits__convoy(struct bb_findings *found, const struct bb_record *rec,
		      const struct bb_process *p, const struct bb_facts *facts)
{
	struct bb_finding f = {
		.id = BB_FINDING_LOCK_CONVOY,
		.state = BB_STATE_LOCK,
		.syscall = -1,
		.waited_ns = BB_UNKNOWN_U64,
		.rule = BB_R_CONVOY_CONTENDED,
	};
	const struct bb_lock_holder *h;
	const struct bb_thread *t;
	uint64_t times = 0, most = 0, ran = 0;
	size_t nr;

	if (!facts->top_lock || is_interpreters(facts->top_lock))
		return 0;
	f.lock = facts->top_lock->addr;
	f.ns = facts->top_lock->wait_ns;
	f.count = facts->top_lock->waits;
	f.max_ns = facts->top_lock->max_ns;
	f.value = facts->lock_share;
	f.waiters = (double)f.ns / facts->window_ns;
	h = bb_process__lock_holders(p, facts->top_lock->addr, &nr);
	for (size_t i = 0; i < nr; i++) {
		times += h[i].count;
		most = h[i].count > most ? h[i].count : most;
		t = h[i].pid == p->pid ? bb_process__thread(p, h[i].tid) : NULL;
		ran += t ? t->budget.ns[BB_STATE_ONCPU] : 0;
		if (h[i].code.function && !f.frame)
			f.frame = &h[i].code;
	}
	f.at_once = (double)nr;
	/* threads that take turns in waiting for clients with it pass on no work */
	if ((double)ran < HOLDERS_RUN * (double)facts->top_lock->contended_ns)
		return 0;
	if (f.value < bb_rule(f.rule) || f.waiters < bb_rule(BB_R_CONVOY_WAITERS) ||
	    (double)f.count / (facts->window_ns / 1e9) < bb_rule(BB_R_CONVOY_RATE) || nr < 2 ||
	    (double)most > KEEPS * (double)times)
		return 0;
	return bb_findings__add(found, rec, &f);
}

static bool runs_a_loop(const struct bb_process *p, pid_t tid)
{
	for (size_t i = 0; i < p->nr_loops; i++)
		if (p->loops[i].tid == tid)
			return true;
	return false;
}

/* Threads that wait for work, all the time or nearly so. */
static size_t waiting_for_work(const struct bb_process *p)
{
	const struct bb_code *row;
	size_t nr = 0;

	for (size_t i = 0; i < p->nr_threads; i++)
		nr += of_window(&p->threads[i], BB_STATE_QUEUE) >=
			      bb_rule(BB_R_IDLE_WORKERS_SHARE) &&
		      work_share(p, p->threads[i].tid, &row) >= 0.5;
	return nr;
}

int bb_habits__serial(struct bb_findings *found, const struct bb_record *rec,
		      const struct bb_process *p, const struct bb_facts *facts)
{
	struct bb_finding f = {
		.id = BB_FINDING_SERIAL_LOOP,
		.state = BB_STATE_ONCPU,
		.syscall = -1,
		.waited_ns = BB_UNKNOWN_U64,
		.max_ns = BB_UNKNOWN_U64,
		.rule = BB_R_SERIAL_SHARE,
	};
	const struct bb_thread *busiest = NULL;
	size_t others;
	int err;

	for (size_t i = 0; i < p->nr_threads; i++)
		if (!busiest ||
		    p->threads[i].budget.ns[BB_STATE_ONCPU] > busiest->budget.ns[BB_STATE_ONCPU])
			busiest = &p->threads[i];
	others = waiting_for_work(p);
	/* a JVM, Go and Node have threads of their own that wait for work */
	if (!busiest || !p->budget.ns[BB_STATE_ONCPU] || others < OTHERS_LEAST || facts->parks ||
	    !strcmp(p->runtime.name, "node") || runs_a_loop(p, busiest->tid) ||
	    facts->on / facts->cpus >= bb_rule(BB_R_FULL_FROM) ||
	    of_window(busiest, BB_STATE_ONCPU) + of_window(busiest, BB_STATE_RUNQ) <
		    bb_rule(BB_R_SERIAL_BUSY))
		return 0;
	f.tid = busiest->tid;
	f.ns = busiest->budget.ns[BB_STATE_ONCPU];
	f.at_once = 1;
	f.waiters = (double)others;
	f.value = (double)f.ns / (double)p->budget.ns[BB_STATE_ONCPU];
	if (f.value < bb_rule(f.rule))
		return 0;
	err = top_line(p, BB_PY_ON_GIL, f.tid, &f.frame);
	return err ? err : bb_findings__add(found, rec, &f);
}
