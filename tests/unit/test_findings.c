// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Findings on made-up records: for each a case that shows it and one alike that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/diagnose/findings.h"
#include "../../user/model/loop.h"
#include "../lib/records.h"

#define TID 100

struct made {
	struct bb_record *rec;
	struct bb_process *p;
	struct bb_findings found;
};

/* One thread of a process, 10 s. */
static void begin(struct made *m)
{
	memset(m, 0, sizeof(*m));
	m->rec = make__record(10 * SEC, 1);
	m->p = m->rec->processes;
	make__process(m->p, TID, "python3", 1);
	make__thread(m->p->threads, "python3", 10 * SEC);
	make__in(m->p->threads, BB_STATE_ONCPU, 4 * SEC);
	m->p->strings = bb_strings__new();
	m->p->code = calloc(8, sizeof(*m->p->code));
	assert_non_null(m->p->strings);
	assert_non_null(m->p->code);
}

static void loop(struct made *m, enum bb_loop_kind kind, bool exact)
{
	m->p->loops = calloc(1, sizeof(*m->p->loops));
	assert_non_null(m->p->loops);
	m->p->nr_loops = 1;
	*m->p->loops = (struct bb_loop){
		.tid = TID,
		.kind = kind,
		.exact = exact,
		.window_ns = 10 * SEC,
		.turns = 1000,
		.busy_ns = 2 * SEC,
		.max_ns = 50 * MS,
		.long_turns = exact ? 0 : BB_UNKNOWN_U64,
		.long_ns = exact ? 0 : BB_UNKNOWN_U64,
		.long_max_ns = exact ? 0 : BB_UNKNOWN_U64,
	};
}

/* A row of code; frames from the top, "function file", up to NULL. */
static struct bb_code *code(struct made *m, enum bb_py_kind kind, enum bb_state state, uint64_t ns,
			    uint64_t max_ns, ...)
{
	struct bb_code *c = &m->p->code[m->p->nr_code++];
	const char *frame;
	va_list args;

	c->kind = kind;
	c->state = state;
	c->syscall = 230;
	c->tid = TID;
	c->ns = ns;
	c->count = 10;
	c->max_ns = max_ns;
	c->stack = m->p->nr_code;
	c->frames = calloc(8, sizeof(*c->frames));
	assert_non_null(c->frames);
	va_start(args, max_ns);
	while ((frame = va_arg(args, const char *))) {
		struct bb_frame *f = &c->frames[c->nr_frames++];
		char function[64];

		assert_int_equal(strcspn(frame, " ") < sizeof(function), 1);
		snprintf(function, sizeof(function), "%.*s", (int)strcspn(frame, " "), frame);
		f->function = bb_strings__add(m->p->strings, function);
		f->file = bb_strings__add(m->p->strings, strchr(frame, ' ') + 1);
		f->line = (int)c->nr_frames;
	}
	va_end(args);
	return c;
}

static const struct bb_findings *find(struct made *m)
{
	bb_findings__free(&m->found);
	assert_int_equal(bb_findings__of(&m->found, m->rec, m->p), 0);
	return &m->found;
}

static void end(struct made *m)
{
	bb_findings__free(&m->found);
	bb_record__free(m->rec);
}

static void nothing_in_nothing(void **state)
{
	struct made m;

	(void)state;
	begin(&m);
	assert_int_equal(find(&m)->nr, 0);
	m.rec->window.ns = 0;
	loop(&m, BB_LOOP_ASYNCIO, true);
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
}

static void held_while_others_waited(void **state)
{
	const struct bb_finding *f;
	struct bb_code *c;
	struct made m;

	(void)state;
	begin(&m);
	c = code(&m, BB_PY_HELD, BB_STATE_SLEEP, 2 * SEC, 20 * MS, "hog /a.py", NULL);
	c->waited_ns = 1500 * MS;
	assert_int_equal(find(&m)->nr, 1);
	f = m.found.items;
	assert_int_equal(f->id, BB_FINDING_GIL_HELD_WHILE_BLOCKING);
	assert_int_equal(f->tid, TID);
	assert_string_equal(f->frame->function, "hog");
	assert_int_equal(f->waited_ns, 1500 * MS);
	assert_true(f->share > 0.1999 && f->share < 0.2001);
	assert_true(f->value > 0.1499 && f->value < 0.1501);
	assert_null(f->loop);
	/* nobody minded */
	c->waited_ns = 99 * MS;
	assert_int_equal(find(&m)->nr, 0);
	/* it was made to wait, and did not choose to */
	c->waited_ns = 1500 * MS;
	c->state = BB_STATE_RUNQ;
	assert_int_equal(find(&m)->nr, 0);
	c->state = BB_STATE_FAULT;
	assert_int_equal(find(&m)->nr, 0);
	/* without the GIL, the same is no matter */
	c->state = BB_STATE_SLEEP;
	c->kind = BB_PY_BLOCKED;
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
}

static void blocked_in_a_loop(void **state)
{
	const struct bb_finding *f;
	struct bb_code *c, *poll;
	struct made m;

	(void)state;
	begin(&m);
	poll = code(&m, BB_PY_BLOCKED, BB_STATE_POLL, 5 * SEC, 200 * MS, "select /selectors.py",
		    "run_forever /asyncio/base_events.py", "main /a.py", NULL);
	poll->polls = true;
	c = code(&m, BB_PY_BLOCKED, BB_STATE_SLEEP, 500 * MS, 50 * MS, "nap /a.py", "handler /a.py",
		 "_run /asyncio/events.py", "run_forever /asyncio/base_events.py", "main /a.py",
		 NULL);
	/* a thread that runs no loop may block */
	assert_int_equal(find(&m)->nr, 0);
	loop(&m, BB_LOOP_ASYNCIO, false);
	assert_int_equal(find(&m)->nr, 1);
	f = m.found.items;
	assert_int_equal(f->id, BB_FINDING_BLOCKING_CALL_IN_LOOP);
	assert_string_equal(f->frame->function, "nap");
	assert_string_equal(f->task->function, "handler");
	assert_ptr_equal(f->loop, m.p->loops);
	assert_int_equal(f->rule, BB_R_LOOP_BLOCKED);
	assert_true(f->waited_ns == BB_UNKNOWN_U64);
	/* little, and none of it long; then one that was */
	c->ns = 190 * MS;
	assert_int_equal(find(&m)->nr, 0);
	c->max_ns = 110 * MS;
	assert_int_equal(find(&m)->nr, 1);
	assert_int_equal(m.found.items->rule, BB_R_LOOP_STALL_NS);
	/* its poll, and the wait for the GIL, are none of it */
	c->polls = true;
	assert_int_equal(find(&m)->nr, 0);
	c->polls = false;
	c->kind = BB_PY_WAITER;
	c->ns = 5 * SEC;
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
}

static void native_loops_have_waits_without_code(void **state)
{
	struct bb_wait sleep = { .state = BB_STATE_SLEEP,
				 .syscall = 230,
				 .fd = -1,
				 .count = 10,
				 .ns = SEC,
				 .max_ns = 101 * MS };
	struct bb_wait poll = { .state = BB_STATE_POLL,
				.syscall = 232,
				.count = 100,
				.ns = 4 * SEC,
				.max_ns = SEC,
				.polls = true };
	struct made m;

	(void)state;
	begin(&m);
	make__wait(m.p, m.p->threads, &sleep);
	make__wait(m.p, m.p->threads, &poll);
	loop(&m, BB_LOOP_EPOLL, true);
	assert_int_equal(find(&m)->nr, 1);
	assert_null(m.found.items->frame);
	assert_int_equal(m.found.items->count, 10);
	assert_int_equal(m.found.items->state, BB_STATE_SLEEP);
	/* a poll by another descriptor, within a turn */
	m.p->loops->inner_ns = 2 * SEC;
	m.p->loops->inner_count = 20;
	m.p->loops->inner_syscall = 232;
	assert_int_equal(find(&m)->nr, 2);
	assert_int_equal(m.found.items[0].state, BB_STATE_POLL);
	assert_int_equal(m.found.items[0].ns, 2 * SEC);
	/* a few polls do not make a loop of a thread that nothing else says is one */
	m.p->loops->turns = 9;
	assert_int_equal(find(&m)->nr, 0);
	m.p->loops->kind = BB_LOOP_NODE;
	assert_int_equal(find(&m)->nr, 2);
	/* of Go's threads none is the loop */
	m.p->loops->kind = BB_LOOP_GO;
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
}

static void rests_of_known_waits_are_no_row(void **state)
{
	struct bb_wait sleep = { .state = BB_STATE_SLEEP,
				 .syscall = 230,
				 .fd = -1,
				 .count = 11,
				 .ns = 1005 * MS,
				 .max_ns = 101 * MS };
	struct bb_blocker *rows;
	struct made m;
	size_t nr;

	(void)state;
	begin(&m);
	code(&m, BB_PY_BLOCKED, BB_STATE_SLEEP, SEC, 101 * MS, "nap /a.py", NULL);
	make__wait(m.p, m.p->threads, &sleep);
	loop(&m, BB_LOOP_GEVENT, true);
	m.p->threads->gil_samples = 1;
	assert_int_equal(bb_loop__blockers(m.p, m.p->loops, &rows, &nr), 0);
	assert_int_equal(nr, 1);
	assert_string_equal(rows[0].task->function, "nap");
	free(rows);
	/* half of the waits were not walked */
	m.p->threads->waits[0].ns = 2 * SEC;
	m.p->threads->waits[0].count = 20;
	assert_int_equal(bb_loop__blockers(m.p, m.p->loops, &rows, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(rows[0].ns, SEC);
	assert_int_equal(rows[0].count + rows[1].count, 20);
	free(rows);
	/* as much as is known: a finding of its own. Less: most likely the same code */
	assert_int_equal(find(&m)->nr, 2);
	m.p->threads->waits[0].ns = 1900 * MS;
	assert_int_equal(find(&m)->nr, 1);
	assert_non_null(m.found.items->frame);
	end(&m);
}

static void long_turns(void **state)
{
	const struct bb_finding *f;
	struct bb_code *c;
	struct made m;

	(void)state;
	begin(&m);
	/* many short turns: 300 samples, and none late in a turn */
	c = code(&m, BB_PY_ON_GIL, BB_STATE_ONCPU, 0, 0, "tick /a.py", NULL);
	c->count = 300;
	m.p->threads->gil_samples = 400;
	loop(&m, BB_LOOP_GEVENT, true);
	assert_int_equal(find(&m)->nr, 0);
	/* two lines of one function, late; of another one a sample by chance */
	for (int line = 1; line <= 2; line++) {
		c = code(&m, BB_PY_ON_GIL, BB_STATE_ONCPU, 0, 0, "compute /a.py", "job /a.py",
			 NULL);
		c->long_turn = true;
		c->count = 45 + (uint64_t)line;
		c->frames[0].line = line;
	}
	c = code(&m, BB_PY_ON_GIL, BB_STATE_ONCPU, 0, 0, "tick /a.py", NULL);
	c->count = 7;
	c->long_turn = true;
	m.p->loops->long_turns = 50;
	m.p->loops->long_ns = 1500 * MS;
	m.p->loops->long_max_ns = 31 * MS;
	assert_int_equal(find(&m)->nr, 1);
	f = m.found.items;
	assert_int_equal(f->id, BB_FINDING_CPU_IN_LOOP);
	assert_string_equal(f->frame->function, "compute");
	assert_int_equal(f->frame->line, 2);
	assert_string_equal(f->task->function, "job");
	assert_int_equal(f->ns, 1500 * MS * 93 / 100);
	assert_int_equal(f->max_ns, 31 * MS);
	/* little of it; then one turn that stalls by itself */
	m.p->loops->long_ns = 190 * MS;
	assert_int_equal(find(&m)->nr, 0);
	m.p->loops->long_max_ns = 150 * MS;
	assert_int_equal(find(&m)->nr, 1);
	/* polls were not all seen: a long turn may be many */
	m.p->loops->exact = false;
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
}

static void the_worst_come_first_and_not_all(void **state)
{
	struct made m;

	(void)state;
	begin(&m);
	for (unsigned int i = 0; i < 7; i++) {
		struct bb_code *c =
			code(&m, BB_PY_HELD, BB_STATE_NET, (i + 1) * SEC / 2, SEC, "f /a.py", NULL);

		c->waited_ns = SEC;
		c->frames[0].line = (int)i;
	}
	assert_int_equal(find(&m)->nr, BB_FINDINGS_OF_ONE);
	assert_int_equal(m.found.items[0].ns, 3500 * MS);
	assert_true(m.found.items[3].ns > m.found.items[4].ns);
	end(&m);
}

/* The task of stacks as each kind of loop has them. */
static void tasks(void **state)
{
	struct bb_code *c, *poll, *uv;
	struct made m;

	(void)state;
	begin(&m);
	poll = code(&m, BB_PY_BLOCKED, BB_STATE_POLL, SEC, SEC, "select /selectors.py",
		    "run_forever /asyncio/base_events.py", "main /a.py", NULL);
	c = code(&m, BB_PY_BLOCKED, BB_STATE_SLEEP, SEC, SEC, "nap /a.py", "handler /a.py",
		 "_run /tornado/ioloop.py", "_run /asyncio/events.py",
		 "run_forever /asyncio/base_events.py", "main /a.py", NULL);
	assert_string_equal(bb_loop__task(c, poll, BB_LOOP_ASYNCIO)->function, "handler");
	/* no poll was seen: by the name of what calls it */
	assert_string_equal(bb_loop__task(c, NULL, BB_LOOP_ASYNCIO)->function, "handler");
	c->truncated = true;
	assert_string_equal(bb_loop__task(c, poll, BB_LOOP_ASYNCIO)->function, "handler");
	/* uvloop's frames are none of Python's */
	uv = code(&m, BB_PY_BLOCKED, BB_STATE_POLL, SEC, SEC, "main /a.py", NULL);
	c = code(&m, BB_PY_BLOCKED, BB_STATE_SLEEP, SEC, SEC, "nap /a.py", "handler /a.py",
		 "main /a.py", NULL);
	assert_string_equal(bb_loop__task(c, uv, BB_LOOP_UVLOOP)->function, "handler");
	assert_null(bb_loop__task(c, NULL, BB_LOOP_UVLOOP));
	/* the loop itself */
	assert_null(bb_loop__task(uv, uv, BB_LOOP_UVLOOP));
	/* a greenlet has a stack of its own */
	assert_string_equal(bb_loop__task(c, NULL, BB_LOOP_GEVENT)->function, "main");
	end(&m);
}

/* Threads beside the first, as many as there are rows of code for: 10 s each, all in one state. */
static void threads(struct made *m, size_t nr, enum bb_state state)
{
	free(m->p->threads);
	m->p->threads = calloc(nr, sizeof(*m->p->threads));
	assert_non_null(m->p->threads);
	m->p->nr_threads = nr;
	for (size_t i = 0; i < nr; i++) {
		m->p->threads[i].tid = TID + (pid_t)i;
		make__thread(&m->p->threads[i], "python3", 10 * SEC);
		make__in(&m->p->threads[i], state, 10 * SEC);
	}
}

#define WAIT "Condition.wait lib/threading.py", "Semaphore.acquire lib/threading.py"

/* Of four threads three wait for a permit at a time, and the fourth works; @waker wakes them. */
static void clients(struct made *m, pid_t waker)
{
	struct bb_lock *l;

	begin(m);
	threads(m, 4, BB_STATE_QUEUE);
	for (int i = 0; i < 4; i++)
		code(m, BB_PY_BLOCKED, BB_STATE_QUEUE, 7 * SEC, SEC, WAIT, "query app.py", NULL)
			->tid = TID + i;
	for (int i = 0; i < 4; i++) {
		code(m, BB_PY_BLOCKED, BB_STATE_SLEEP, 2 * SEC, SEC, "query app.py", NULL)->tid =
			TID + i;
		m->p->threads[i].budget.ns[BB_STATE_QUEUE] = 7500 * MS;
		m->p->threads[i].budget.ns[BB_STATE_SLEEP] = 2500 * MS;
	}
	m->p->locks = calloc(1, sizeof(*m->p->locks));
	m->p->lock_holders = calloc(1, sizeof(*m->p->lock_holders));
	assert_non_null(m->p->locks);
	assert_non_null(m->p->lock_holders);
	m->p->nr_locks = m->p->nr_lock_holders = 1;
	l = m->p->locks;
	l->addr = 0x1000;
	l->code = strdup("python3.11/threading.py:wait");
	l->caller = strdup("python3.11/threading.py:acquire");
	*m->p->lock_holders = (struct bb_lock_holder){
		.lock = l->addr, .tid = waker, .pid = m->p->pid, .count = 20
	};
}

static void semaphore(void **state)
{
	const struct bb_finding *f;
	struct made m;

	(void)state;
	clients(&m, TID + 1);
	assert_int_equal(find(&m)->nr, 1);
	f = m.found.items;
	assert_int_equal(f->id, BB_FINDING_SEMAPHORE_LIMIT);
	assert_string_equal(f->frame->function, "query");
	/* also the waits that have no row of code: 7.5 s of each */
	assert_int_equal(f->ns, 30 * SEC);
	assert_true(f->waiters > 2.99 && f->waiters < 3.01);
	assert_true(f->at_once > 0.99 && f->at_once < 1.01);
	end(&m);
}

static void semaphore_without_limit(void **state)
{
	struct made m;

	(void)state;
	/* others give what these take */
	clients(&m, TID + 99);
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
	/* nobody is known to */
	clients(&m, TID + 1);
	m.p->nr_lock_holders = 0;
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
	/* hardly anybody waits */
	clients(&m, TID + 1);
	for (int i = 0; i < 4; i++) {
		m.p->threads[i].budget.ns[BB_STATE_QUEUE] = SEC;
		m.p->code[i].ns = SEC;
	}
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
	/* for a condition, not for a permit */
	clients(&m, TID + 1);
	for (int i = 0; i < 4; i++)
		m.p->code[i].frames[1].function = "main";
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
}

#define WORKER "_worker lib/concurrent/futures/thread.py"
#define RESULT "Condition.wait lib/threading.py", "Future.result lib/concurrent/futures/_base.py"

/* Two workers that are blocked in @at for 10 s but for @idle, and a thread that waits for results.
 */
static void pool(struct made *m, enum bb_state at, uint64_t idle)
{
	begin(m);
	threads(m, 3, at);
	for (int i = 1; i < 3; i++) {
		code(m, BB_PY_BLOCKED, at, 5 * SEC, SEC, "fetch app.py", WORKER, NULL)->tid =
			TID + i;
		m->p->threads[i].budget.ns[at] -= idle;
		m->p->threads[i].budget.ns[BB_STATE_QUEUE] += idle;
	}
	m->p->threads[0].budget.ns[at] = 0;
	m->p->threads[0].budget.ns[BB_STATE_QUEUE] = 10 * SEC;
	code(m, BB_PY_BLOCKED, BB_STATE_QUEUE, 10 * SEC, SEC, RESULT, "main app.py", NULL);
}

static void pool_starved(void **state)
{
	const struct bb_finding *f;
	struct made m;

	(void)state;
	pool(&m, BB_STATE_NET, 0);
	assert_int_equal(find(&m)->nr, 1);
	f = m.found.items;
	assert_int_equal(f->id, BB_FINDING_POOL_STARVED);
	assert_string_equal(f->frame->function, "fetch");
	assert_int_equal(f->state, BB_STATE_NET);
	assert_int_equal(f->ns, 10 * SEC);
	assert_true(f->at_once > 1.99 && f->at_once < 2.01);
	assert_true(f->waiters > 0.99 && f->waiters < 1.01);
	end(&m);
}

static void pool_not_starved(void **state)
{
	struct made m;

	(void)state;
	/* they wait for work for a tenth of the time, though no row of code says so */
	pool(&m, BB_STATE_NET, SEC);
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
	/* or one says so */
	pool(&m, BB_STATE_NET, 9 * SEC);
	code(&m, BB_PY_BLOCKED, BB_STATE_QUEUE, 9 * SEC, SEC, WORKER, NULL)->tid = TID + 1;
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
	/* they would rather have the GIL */
	pool(&m, BB_STATE_GIL, 0);
	assert_int_equal(find(&m)->nr, 0);
	end(&m);
	/* nobody waits for what they do */
	pool(&m, BB_STATE_NET, 0);
	m.p->nr_code--;
	assert_int_equal(find(&m)->nr, 0);
	m.p->nr_code++;
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_in_nothing),
		cmocka_unit_test(held_while_others_waited),
		cmocka_unit_test(blocked_in_a_loop),
		cmocka_unit_test(native_loops_have_waits_without_code),
		cmocka_unit_test(rests_of_known_waits_are_no_row),
		cmocka_unit_test(long_turns),
		cmocka_unit_test(the_worst_come_first_and_not_all),
		cmocka_unit_test(tasks),
		cmocka_unit_test(semaphore),
		cmocka_unit_test(semaphore_without_limit),
		cmocka_unit_test(pool_starved),
		cmocka_unit_test(pool_not_starved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
