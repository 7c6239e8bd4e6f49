// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How threads share the work: for each finding a record that shows it, and one alike that must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/diagnose/findings.h"
#include "../lib/records.h"

#define WINDOW (10 * SEC)

/* Shares of the time of like threads, in percent; the rest is in state sleep. */
struct group {
	unsigned int threads, on, runq, gil, lock, queue;
	bool inactive;
};

static struct bb_record *make(double cpus, const char *runtime, const struct group *groups,
			      size_t nr)
{
	struct bb_record *rec = make__record(WINDOW, 1);
	struct bb_process *p = rec->processes;
	size_t threads = 0, at = 0;

	for (size_t i = 0; i < nr; i++)
		threads += groups[i].threads;
	make__process(p, 100, "work", threads);
	p->cpus_usable = cpus;
	strcpy(p->runtime.name, runtime);
	p->runtime.gil = strcmp(runtime, "cpython") ? BB_GIL_NONE : BB_GIL_ENABLED;
	for (size_t i = 0; i < nr; i++)
		for (unsigned int n = 0; n < groups[i].threads; n++, at++) {
			struct bb_thread *t = &p->threads[at];

			make__thread(t, "work", WINDOW);
			make__in(t, BB_STATE_ONCPU, groups[i].on * WINDOW / 100);
			make__in(t, BB_STATE_RUNQ, groups[i].runq * WINDOW / 100);
			make__in(t, BB_STATE_GIL, groups[i].gil * WINDOW / 100);
			make__in(t, BB_STATE_LOCK, groups[i].lock * WINDOW / 100);
			make__in(t, BB_STATE_QUEUE, groups[i].queue * WINDOW / 100);
			make__in(t, BB_STATE_SLEEP, t->budget.ns[BB_STATE_UNKNOWN]);
			t->active = !groups[i].inactive;
		}
	make__sum(p);
	return rec;
}

static void gil(struct bb_record *rec, unsigned int contended)
{
	struct bb_process *p = rec->processes;

	p->gils = calloc(1, sizeof(*p->gils));
	assert_non_null(p->gils);
	p->nr_gils = 1;
	p->gils[0].contended_ns = contended * WINDOW / 100;
}

static void lock(struct bb_record *rec, unsigned int contended, uint64_t wait_ns, uint64_t waits)
{
	struct bb_process *p = rec->processes;

	p->locks = calloc(1, sizeof(*p->locks));
	assert_non_null(p->locks);
	p->nr_locks = 1;
	*p->locks = (struct bb_lock){ .addr = 0x1000,
				      .kind = BB_LOCK_MUTEX,
				      .state = BB_STATE_LOCK,
				      .contended_ns = contended * WINDOW / 100,
				      .wait_ns = wait_ns,
				      .waits = waits,
				      .max_ns = MS };
}

static void holders(struct bb_record *rec, const uint64_t *counts, size_t nr)
{
	struct bb_process *p = rec->processes;

	p->lock_holders = calloc(nr, sizeof(*p->lock_holders));
	assert_non_null(p->lock_holders);
	p->nr_lock_holders = nr;
	for (size_t i = 0; i < nr; i++)
		p->lock_holders[i] = (struct bb_lock_holder){
			.lock = 0x1000, .tid = 100 + (pid_t)i, .pid = 100, .count = counts[i]
		};
}

/* In which code all its threads wait on futexes. */
static struct bb_record *waiting_in(struct bb_record *rec, const char *function, const char *file)
{
	struct bb_process *p = rec->processes;

	p->strings = bb_strings__new();
	p->code = calloc(p->nr_threads, sizeof(*p->code));
	assert_non_null(p->strings);
	assert_non_null(p->code);
	for (size_t i = 0; i < p->nr_threads; i++) {
		struct bb_code *c = &p->code[p->nr_code++];

		c->kind = BB_PY_BLOCKED;
		c->state = BB_STATE_QUEUE;
		c->tid = p->threads[i].tid;
		c->ns = p->threads[i].budget.ns[BB_STATE_QUEUE];
		c->nr_frames = 1;
		c->frames = calloc(1, sizeof(*c->frames));
		assert_non_null(c->frames);
		c->frames->function = bb_strings__add(p->strings, function);
		c->frames->file = bb_strings__add(p->strings, file);
	}
	return rec;
}

/* What is found of @id, and it is all that is found; NULL: nothing is. Frees @rec. */
static bool finds(struct bb_record *rec, enum bb_finding_id id, struct bb_finding *out)
{
	struct bb_findings f;
	bool any;

	assert_int_equal(bb_findings__of(&f, rec, rec->processes), 0);
	any = f.nr;
	for (size_t i = 0; i < f.nr; i++)
		assert_string_equal(bb_finding__name(f.items[i].id), bb_finding__name(id));
	if (any && out)
		*out = f.items[0];
	bb_findings__free(&f);
	bb_record__free(rec);
	return any;
}

static struct bb_record *gil_of(double cpus, unsigned int contended, const struct group *g,
				size_t nr)
{
	struct bb_record *rec = make(cpus, "cpython", g, nr);

	gil(rec, contended);
	return rec;
}

static void threads_that_compute_by_turns(void **state)
{
	const struct group four = { .threads = 4, .on = 25, .runq = 2, .gil = 73 };
	const struct group two = { .threads = 2, .on = 50, .gil = 50 };
	const struct group asks[] = { { .threads = 1, .on = 96, .gil = 4 },
				      { .threads = 20, .on = 0, .gil = 60, .queue = 40 } };
	const struct group apart = { .threads = 4, .on = 45, .gil = 30, .runq = 5 };
	const struct group sleeps[] = { { .threads = 2, .on = 2, .gil = 97 },
					{ .threads = 1, .on = 1 } };
	struct bb_finding f;

	(void)state;
	assert_true(finds(gil_of(2, 99, &four, 1), BB_FINDING_THREADS_FOR_CPU, &f));
	assert_int_equal(f.at_once, 4);
	assert_true(f.waiters > 2.9 && f.waiters < 2.93 && f.value > 3.9 && f.value < 3.94);
	assert_true(finds(gil_of(8, 98, &two, 1), BB_FINDING_THREADS_FOR_CPU, NULL));
	/* without the GIL they would queue for the one CPU */
	assert_false(finds(gil_of(1, 99, &four, 1), BB_FINDING_MAX, NULL));
	/* one computes, others want its results */
	assert_false(finds(gil_of(4, 90, asks, 2), BB_FINDING_MAX, NULL));
	/* C code lets go of it: they do run side by side */
	assert_false(finds(gil_of(8, 60, &apart, 1), BB_FINDING_MAX, NULL));
	/* it is slept with: nobody computes */
	assert_false(finds(gil_of(8, 99, sleeps, 2), BB_FINDING_MAX, NULL));
	/* no GIL at all */
	assert_false(finds(make(8, "", &two, 1), BB_FINDING_MAX, NULL));
}

static void more_than_can_run(void **state)
{
	const struct group many = { .threads = 9, .on = 22, .runq = 78 };
	const struct group few = { .threads = 4, .on = 50, .runq = 50 };
	struct bb_finding f;

	(void)state;
	assert_true(finds(make(2, "", &many, 1), BB_FINDING_TOO_MANY_WORKERS, &f));
	assert_int_equal(f.state, BB_STATE_RUNQ);
	assert_true(f.value > 4.4 && f.value < 4.6);
	assert_false(finds(make(2, "", &few, 1), BB_FINDING_MAX, NULL));
	assert_false(finds(make(4, "", &many, 1), BB_FINDING_MAX, NULL));
}

static void more_than_there_is_work_for(void **state)
{
	const struct group pool = { .threads = 100, .on = 1, .queue = 98 };
	const struct group small = { .threads = 40, .on = 1, .queue = 98 };
	const struct group busy = { .threads = 100, .on = 1, .queue = 90 };
	const struct group off = { .threads = 100, .queue = 100, .inactive = true };
	struct bb_finding f;

	(void)state;
	assert_true(finds(make(8, "", &pool, 1), BB_FINDING_TOO_MANY_WORKERS, &f));
	assert_int_equal(f.state, BB_STATE_QUEUE);
	assert_true(f.waiters > 97.9 && f.waiters < 98.1 && f.at_once > 1.9 && f.at_once < 2.1);
	assert_false(finds(make(8, "", &small, 1), BB_FINDING_MAX, NULL));
	assert_false(finds(make(8, "", &busy, 1), BB_FINDING_MAX, NULL));
	/* it has no work at all: how many it needs, nothing tells */
	assert_false(finds(make(8, "", &off, 1), BB_FINDING_MAX, NULL));
	/* parked for anything */
	assert_false(finds(make(8, "java", &pool, 1), BB_FINDING_MAX, NULL));
	/* in Python its code tells: not that of a semaphore, nor what nobody knows */
	assert_true(finds(waiting_in(make(8, "cpython", &pool, 1), "_worker",
				     "/usr/lib/python3/concurrent/futures/thread.py"),
			  BB_FINDING_TOO_MANY_WORKERS, NULL));
	assert_false(finds(waiting_in(make(8, "cpython", &pool, 1), "Semaphore.acquire",
				      "/usr/lib/python3/threading.py"),
			   BB_FINDING_MAX, NULL));
	assert_false(finds(make(8, "cpython", &pool, 1), BB_FINDING_MAX, NULL));
}

static struct bb_record *convoy(unsigned int contended, uint64_t waits, const uint64_t *counts,
				size_t nr)
{
	const struct group four = { .threads = 4, .on = 24, .lock = 74 };
	struct bb_record *rec = make(8, "", &four, 1);

	lock(rec, contended, 3 * WINDOW, waits);
	holders(rec, counts, nr);
	return rec;
}

static void lock_that_passes_on(void **state)
{
	const uint64_t all[] = { 1000, 900, 1100, 1000 }, one[] = { 1000, 100, 100 };
	struct bb_finding f;
	struct bb_record *rec;

	(void)state;
	assert_true(finds(convoy(95, 4000, all, 4), BB_FINDING_LOCK_CONVOY, &f));
	assert_int_equal(f.lock, 0x1000);
	assert_int_equal(f.at_once, 4);
	assert_true(f.value > 0.94 && f.value < 0.96);
	/* one thread has it nearly always; it is free half of the time; each has it for long */
	assert_false(finds(convoy(95, 4000, one, 3), BB_FINDING_MAX, NULL));
	assert_false(finds(convoy(45, 4000, all, 4), BB_FINDING_MAX, NULL));
	assert_false(finds(convoy(95, 400, all, 4), BB_FINDING_MAX, NULL));
	/* who has it waits with it, for clients say */
	rec = convoy(95, 4000, all, 4);
	for (size_t i = 0; i < 4; i++)
		rec->processes->threads[i].budget.ns[BB_STATE_ONCPU] = WINDOW / 10;
	assert_false(finds(rec, BB_FINDING_MAX, NULL));
	/* a stop of the world */
	rec = convoy(95, 4000, all, 4);
	rec->processes->locks->kind = BB_LOCK_WORLD;
	assert_false(finds(rec, BB_FINDING_MAX, NULL));
	/* one waits at a time, as of two threads */
	rec = convoy(95, 4000, all, 2);
	rec->processes->locks->wait_ns = WINDOW * 95 / 100;
	assert_false(finds(rec, BB_FINDING_MAX, NULL));
}

static void one_computes_while_others_sleep(void **state)
{
	const struct group pool[] = { { .threads = 1, .on = 97, .runq = 3 },
				      { .threads = 4, .queue = 100, .inactive = true } };
	const struct group joined[] = { { .threads = 1, .on = 97, .runq = 3 },
					{ .threads = 1, .queue = 100, .inactive = true } };
	const struct group shared[] = { { .threads = 1, .on = 97, .runq = 3 },
					{ .threads = 1, .on = 40, .queue = 60 },
					{ .threads = 3, .queue = 100, .inactive = true } };
	const struct group little[] = { { .threads = 1, .on = 50 },
					{ .threads = 4, .queue = 100, .inactive = true } };
	struct bb_record *rec;
	struct bb_finding f;

	(void)state;
	assert_true(finds(make(4, "", pool, 2), BB_FINDING_SERIAL_LOOP, &f));
	assert_int_equal(f.tid, 100);
	assert_int_equal(f.waiters, 4);
	assert_false(finds(make(4, "", joined, 2), BB_FINDING_MAX, NULL));
	assert_false(finds(make(4, "", shared, 3), BB_FINDING_MAX, NULL));
	assert_false(finds(make(4, "", little, 2), BB_FINDING_MAX, NULL));
	/* threads that wait for events, or for work */
	assert_false(finds(waiting_in(make(4, "cpython", pool, 2), "Event.wait",
				      "/usr/lib/python3/threading.py"),
			   BB_FINDING_MAX, NULL));
	assert_true(finds(waiting_in(make(4, "cpython", pool, 2), "Queue.get",
				     "/usr/lib/python3/queue.py"),
			  BB_FINDING_SERIAL_LOOP, NULL));
	/* no CPU is free; the runtime's own threads; the thread of an event loop */
	assert_false(finds(make(1, "", pool, 2), BB_FINDING_MAX, NULL));
	assert_false(finds(make(4, "node", pool, 2), BB_FINDING_MAX, NULL));
	rec = make(4, "", pool, 2);
	rec->processes->loops = calloc(1, sizeof(*rec->processes->loops));
	assert_non_null(rec->processes->loops);
	rec->processes->nr_loops = 1;
	rec->processes->loops->tid = 100;
	rec->processes->loops->kind = BB_LOOP_ASYNCIO;
	assert_false(finds(rec, BB_FINDING_MAX, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_that_compute_by_turns),
		cmocka_unit_test(more_than_can_run),
		cmocka_unit_test(more_than_there_is_work_for),
		cmocka_unit_test(lock_that_passes_on),
		cmocka_unit_test(one_computes_while_others_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
