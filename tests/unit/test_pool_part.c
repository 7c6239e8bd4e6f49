// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pools of processes on made-up records: who feeds, who works, and whether it pays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/diagnose/advice.h"
#include "../lib/records.h"

#define WINDOW (10 * SEC)

#define LIB   "/usr/lib/python3.11/"
#define BOOT  "BaseProcess._bootstrap " LIB "multiprocessing/process.py"
#define RUN   "worker " LIB "multiprocessing/pool.py"
#define RECV  "Connection._recv " LIB "multiprocessing/connection.py"
#define GET   "SimpleQueue.get " LIB "multiprocessing/queues.py"
#define STAR  "mapstar " LIB "multiprocessing/pool.py"
#define REPLY "Pool._handle_results " LIB "multiprocessing/pool.py"
#define ASKS  "ApplyResult.wait " LIB "multiprocessing/pool.py"
#define WAIT  "Condition.wait " LIB "threading.py"

static void code(struct bb_process *p, enum bb_py_kind kind, enum bb_state state, uint64_t amount,
		 ...)
{
	struct bb_code *c = &p->code[p->nr_code++];
	const char *frame;
	va_list args;

	memset(c, 0, sizeof(*c));
	c->kind = kind;
	c->state = state;
	c->syscall = -1;
	c->tid = p->pid;
	c->stack = p->nr_code;
	c->ns = kind == BB_PY_BLOCKED ? amount : 0;
	c->count = kind == BB_PY_BLOCKED ? amount / (20 * MS) : amount;
	c->frames = calloc(8, sizeof(*c->frames));
	assert_non_null(c->frames);
	va_start(args, amount);
	while ((frame = va_arg(args, const char *))) {
		struct bb_frame *f = &c->frames[c->nr_frames++];
		char function[64];

		snprintf(function, sizeof(function), "%.*s", (int)strcspn(frame, " "), frame);
		f->function = bb_strings__add(p->strings, function);
		f->file = bb_strings__add(p->strings, strchr(frame, ' ') + 1);
		f->line = 7;
	}
	va_end(args);
}

static void process(struct bb_process *p, pid_t pid, pid_t ppid, uint64_t on, enum bb_state state)
{
	struct bb_wait w = { .state = state,
			     .syscall = 0,
			     .fdkind = BB_FD_PIPE,
			     .fd = 3,
			     .count = 500,
			     .ns = WINDOW - on,
			     .max_ns = 30 * MS,
			     .endpoint = BB_END_LOCAL };

	make__process(p, pid, "python3", 1);
	p->ppid = ppid;
	p->cpus_usable = 2;
	strcpy(p->runtime.name, "cpython");
	p->runtime.gil = BB_GIL_ENABLED;
	make__thread(p->threads, "python3", WINDOW);
	make__in(p->threads, BB_STATE_ONCPU, on);
	make__in(p->threads, state, WINDOW - on);
	make__wait(p, p->threads, &w);
	make__sum(p);
	p->strings = bb_strings__new();
	p->code = calloc(8, sizeof(*p->code));
	assert_non_null(p->strings);
	assert_non_null(p->code);
}

/* A parent that feeds, and @workers that are on a CPU for @on, and else in @state for a task or for
 * work. */
static struct bb_record *pool(size_t workers, uint64_t on, enum bb_state state, bool in_task,
			      uint64_t pool_samples, uint64_t task_samples)
{
	struct bb_record *rec = make__record(WINDOW, workers + 1);
	struct bb_process *parent = rec->processes;

	rec->host.cpus_online = 2;
	process(parent, 100, 1, WINDOW / 50, BB_STATE_IPC);
	code(parent, BB_PY_BLOCKED, BB_STATE_IPC, WINDOW, RECV, REPLY, WAIT, NULL);
	code(parent, BB_PY_BLOCKED, BB_STATE_QUEUE, WINDOW, WAIT, ASKS, "main /srv/a.py", NULL);
	for (size_t i = 1; i <= workers; i++) {
		struct bb_process *p = &rec->processes[i];

		process(p, 100 + (pid_t)i, 100, on, state);
		if (in_task)
			code(p, BB_PY_BLOCKED, state, WINDOW - on, "nap /srv/a.py", STAR, RUN, BOOT,
			     NULL);
		else
			code(p, BB_PY_BLOCKED, state, WINDOW - on, RECV, GET, RUN, BOOT, NULL);
		if (task_samples)
			code(p, BB_PY_ON_GIL, BB_STATE_ONCPU, task_samples, "f /srv/a.py", STAR,
			     RUN, BOOT, NULL);
		if (pool_samples)
			code(p, BB_PY_ON_GIL, BB_STATE_ONCPU, pool_samples, GET, RUN, BOOT, NULL);
	}
	return rec;
}

static void parts_of_a_pool(void **state)
{
	struct bb_record *rec = pool(1, WINDOW / 2, BB_STATE_IPC, false, 25, 75);
	struct bb_pool_part part;

	(void)state;
	bb_pool_part__of(&part, &rec->processes[0]);
	assert_true(part.feeder && !part.worker);
	assert_int_equal(part.asked_ns, WINDOW);
	bb_pool_part__of(&part, &rec->processes[1]);
	assert_true(part.worker && part.tasks && !part.feeder);
	assert_int_equal(part.samples, 100);
	assert_int_equal((uint64_t)part.pool_ns, WINDOW / 8);
	assert_int_equal((uint64_t)part.task_ns, WINDOW / 8 * 3);
	assert_int_equal(part.wait_ns, 0);
	assert_true(bb_pool_part__waiting(&rec->processes[1], 101, BB_STATE_IPC) == 1);
	assert_true(bb_pool_part__waiting(&rec->processes[1], 101, BB_STATE_SLEEP) == 0);
	assert_true(bb_record__descends(rec, &rec->processes[1], 100));
	assert_false(bb_record__descends(rec, &rec->processes[0], 101));
	/* numbers that go round must not hang it */
	rec->processes[0].ppid = 101;
	assert_false(bb_record__descends(rec, &rec->processes[1], 99));
	bb_record__free(rec);
}

static void c_code_of_a_task_is_the_tasks(void **state)
{
	struct bb_record *rec = pool(1, WINDOW / 2, BB_STATE_IPC, false, 0, 10);
	struct bb_pool_part part;

	(void)state;
	/* zlib.compress(), called by the pool itself, has no frame; what the pool calls has one */
	code(&rec->processes[1], BB_PY_ON_FREE, BB_STATE_ONCPU, 30, STAR, RUN, BOOT, NULL);
	bb_pool_part__of(&part, &rec->processes[1]);
	assert_true(part.pool_ns == 0 && part.samples == 40);
	/* as joblib calls it, by the names that CPython 3.10 has */
	code(&rec->processes[1], BB_PY_ON_FREE, BB_STATE_ONCPU, 30,
	     "<listcomp> /srv/lib/site-packages/joblib/parallel.py",
	     "__call__ /srv/lib/site-packages/joblib/parallel.py", NULL);
	bb_pool_part__of(&part, &rec->processes[1]);
	assert_true(part.pool_ns == 0 && part.samples == 70);
	assert_false(bb_pool_part__hands_over(&part));
	bb_record__free(rec);
}

static void parent_is_bound_as_its_workers(void **state)
{
	struct bb_record *rec = pool(2, WINDOW / 100 * 98, BB_STATE_IPC, false, 1, 99);
	struct bb_diagnosis diag;

	(void)state;
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.tree.bound, BB_BOUND_CPU_SATURATED);
	assert_int_equal(diag.processes[0].bound, BB_BOUND_CPU_SATURATED);
	assert_non_null(strstr(diag.processes[0].summary, "It feeds 2 workers"));
	assert_int_equal(diag.tree_findings.nr, 0);
	bb_diagnosis__free(&diag);
	/* idle workers make it idle */
	bb_record__free(rec);
	rec = pool(2, WINDOW / 100, BB_STATE_IPC, false, 1, 0);
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.processes[0].bound, BB_BOUND_IDLE);
	assert_int_equal(diag.tree.bound, BB_BOUND_IDLE);
	bb_diagnosis__free(&diag);
	bb_record__free(rec);
}

static void parent_whose_workers_are_not_there(void **state)
{
	struct bb_record *rec = pool(0, 0, BB_STATE_IPC, false, 0, 0);
	struct bb_advices advices;
	struct bb_diagnosis diag;

	(void)state;
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.processes[0].bound, BB_BOUND_UNKNOWN);
	assert_true(diag.processes[0].unseen_workers);
	bb_advice__for(&advices, rec, &diag, 0);
	assert_int_equal(advices.nr, 1);
	assert_int_equal(advices.items[0].id, BB_ADVICE_MEASURE_CHILDREN);
	assert_string_equal(advices.items[0].check, "boundby -d 10 -C -p 100");
	bb_diagnosis__free(&diag);
	/* nobody asks for anything: it is idle */
	rec->processes->code[1].state = BB_STATE_SLEEP;
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.processes[0].bound, BB_BOUND_IDLE);
	bb_diagnosis__free(&diag);
	/* a pipe that other code reads is as before */
	rec->processes->code[0].frames[0].file = rec->processes->code[0].frames[1].file =
		bb_strings__add(rec->processes->strings, "/srv/a.py");
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.processes[0].bound, BB_BOUND_IO_BOUND);
	bb_diagnosis__free(&diag);
	bb_record__free(rec);
}

/* joblib's parent sleeps for 10 ms at a time until there are results, and its tracker reads a pipe.
 */
static void joblib_is_a_pool(void **state)
{
	struct bb_record *rec = pool(3, WINDOW / 100 * 98, BB_STATE_IPC, false, 1, 99);
	struct bb_process *parent = rec->processes, *tracker = &rec->processes[3];
	struct bb_diagnosis diag;
	struct bb_pool_part part;

	(void)state;
	bb_process__release(parent);
	memset(parent, 0, sizeof(*parent));
	process(parent, 100, 1, WINDOW / 50, BB_STATE_SLEEP);
	code(parent, BB_PY_BLOCKED, BB_STATE_SLEEP, WINDOW / 50 * 49,
	     "Parallel._retrieve /srv/lib/site-packages/joblib/parallel.py", "main /srv/a.py",
	     NULL);
	bb_process__release(tracker);
	memset(tracker, 0, sizeof(*tracker));
	process(tracker, 103, 100, WINDOW / 1000, BB_STATE_IPC);
	code(tracker, BB_PY_BLOCKED, BB_STATE_IPC, WINDOW,
	     "main /srv/lib/site-packages/joblib/externals/loky/backend/resource_tracker.py", NULL);
	bb_pool_part__of(&part, parent);
	assert_true(part.feeder && part.asked_ns == WINDOW / 50 * 49);
	bb_pool_part__of(&part, tracker);
	assert_true(part.worker && !part.tasks);
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.processes[0].bound, BB_BOUND_CPU_SATURATED);
	assert_int_equal(diag.processes[3].bound, BB_BOUND_IDLE);
	assert_int_equal(diag.tree.bound, BB_BOUND_CPU_SATURATED);
	assert_true(diag.tree.components[BB_BOUND_IO_BOUND] < 0.01);
	assert_non_null(strstr(diag.processes[0].summary, "It feeds 2 workers"));
	bb_diagnosis__free(&diag);
	/* its code is the program's where that sleeps itself */
	parent->code[0].frames[0].file = bb_strings__add(parent->strings, "/srv/a.py");
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.processes[0].bound, BB_BOUND_IO_BOUND);
	bb_diagnosis__free(&diag);
	bb_record__free(rec);
}

static enum bb_finding_id found(struct bb_record *rec, struct bb_finding *out)
{
	enum bb_finding_id id = BB_FINDING_MAX;
	struct bb_diagnosis diag;

	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_in_range(diag.tree_findings.nr, 0, 1);
	if (diag.tree_findings.nr) {
		id = diag.tree_findings.items[0].id;
		*out = diag.tree_findings.items[0];
	}
	bb_diagnosis__free(&diag);
	bb_record__free(rec);
	return id;
}

static void tasks_that_wait(void **state)
{
	struct bb_finding f = {};

	(void)state;
	assert_int_equal(found(pool(8, WINDOW / 100, BB_STATE_SLEEP, true, 1, 9), &f),
			 BB_FINDING_PROCESSES_FOR_QUICK_IO);
	assert_int_equal(f.at_once, 8);
	assert_true(f.waiters > 7.9 && f.waiters < 8);
	/* it computes half of the time; one worker is no pool; they wait for work, not in tasks */
	assert_int_equal(found(pool(2, WINDOW / 2, BB_STATE_SLEEP, true, 1, 99), &f),
			 BB_FINDING_MAX);
	assert_int_equal(found(pool(1, WINDOW / 100, BB_STATE_SLEEP, true, 1, 9), &f),
			 BB_FINDING_MAX);
	assert_int_equal(found(pool(8, WINDOW / 100, BB_STATE_IPC, false, 1, 9), &f),
			 BB_FINDING_MAX);
}

static void tasks_that_are_tiny(void **state)
{
	struct bb_finding f = {};

	(void)state;
	assert_int_equal(found(pool(2, WINDOW / 2, BB_STATE_IPC, false, 80, 20), &f),
			 BB_FINDING_TINY_TASKS);
	assert_true(f.value > 0.79 && f.value < 0.81 && f.at_once == 2);
	assert_int_equal(found(pool(2, WINDOW / 2, BB_STATE_IPC, false, 45, 55), &f),
			 BB_FINDING_MAX);
	/* few samples; next to no CPU time */
	assert_int_equal(found(pool(2, WINDOW / 2, BB_STATE_IPC, false, 7, 1), &f), BB_FINDING_MAX);
	assert_int_equal(found(pool(2, WINDOW / 50, BB_STATE_IPC, false, 80, 20), &f),
			 BB_FINDING_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_a_pool),
		cmocka_unit_test(c_code_of_a_task_is_the_tasks),
		cmocka_unit_test(parent_is_bound_as_its_workers),
		cmocka_unit_test(parent_whose_workers_are_not_there),
		cmocka_unit_test(joblib_is_a_pool),
		cmocka_unit_test(tasks_that_wait),
		cmocka_unit_test(tasks_that_are_tiny),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
