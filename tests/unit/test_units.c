// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Units of work on made-up records: what is told is right by arithmetic; what cannot be known is
 * not told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../../user/diagnose/rules.h"
#include "../../user/diagnose/units.h"
#include "../../user/diagnose/what_if.h"
#include "../lib/records.h"

#define WINDOW (10 * SEC)
#define PID    100

struct made {
	struct bb_record *rec;
	struct bb_process *p;
	struct bb_units u;
};

static void begin(struct made *m, size_t threads)
{
	memset(m, 0, sizeof(*m));
	m->rec = make__record(WINDOW, 1);
	m->rec->overhead.syscall_tracing = BB_TRACING_ON;
	m->rec->overhead.syscall_window_ns = WINDOW;
	m->p = m->rec->processes;
	make__process(m->p, PID, "server", threads);
	m->p->cpus_usable = 2;
	for (size_t i = 0; i < threads; i++)
		make__thread(&m->p->threads[i], "server", WINDOW);
}

static void end(struct made *m)
{
	bb_record__free(m->rec);
}

static struct bb_wait *last_wait(struct bb_thread *t, int nr, int endpoint)
{
	for (size_t i = 0; i < t->nr_waits; i++)
		if (t->waits[i].syscall == nr && t->waits[i].endpoint == endpoint)
			return &t->waits[i];
	return NULL;
}

/* @ms of waits of a thread: @count that ended, the last one is open. */
static void waits(struct made *m, size_t thread, enum bb_state state, int nr, int endpoint,
		  uint64_t count, uint64_t ms)
{
	struct bb_thread *t = &m->p->threads[thread];

	make__in(t, state, ms * MS);
	make__wait(m->p, t,
		   &(struct bb_wait){ .state = state,
				      .syscall = nr,
				      .fdkind = BB_FD_INET,
				      .endpoint = endpoint,
				      .end = (uint16_t)(1 + endpoint),
				      .count = count + 1,
				      .ns = ms * MS });
	last_wait(t, nr, endpoint)->open = true;
}

static void calls(struct made *m, int nr, enum bb_call_kind kind, uint64_t none, uint64_t some,
		  uint64_t again)
{
	struct bb_process *p = m->p;
	struct bb_syscall *s;

	p->syscalls = realloc(p->syscalls, (p->nr_syscalls + 1) * sizeof(*p->syscalls));
	assert_non_null(p->syscalls);
	s = &p->syscalls[p->nr_syscalls++];
	memset(s, 0, sizeof(*s));
	s->nr = nr;
	s->kind = kind;
	s->count = none + some + again;
	s->outcomes[BB_OUT_NONE].count = none;
	s->outcomes[BB_OUT_SOME].count = some;
	s->outcomes[BB_OUT_AGAIN].count = again;
}

static const struct bb_unit *count(struct made *m, enum bb_unit_kind kind, bool incomplete)
{
	make__sum(m->p);
	bb_units__of(&m->u, m->rec, m->p, incomplete);
	for (size_t i = 0; i < m->u.nr; i++)
		if (m->u.items[i].kind == kind)
			return &m->u.items[i];
	return NULL;
}

static void assert_told(const struct bb_unit *u, double n)
{
	assert_non_null(u);
	if (!(fabs(u->count - n) <= 1))
		fail_msg("%s: %g (%g to %g), not %g: %s", bb_unit__name(u->kind), u->count, u->low,
			 u->high, n, u->why_not);
	assert_int_equal(u->why_not[0], 0);
	assert_true(u->low <= u->count + 0.5 && u->count - 0.5 <= u->high);
}

static void assert_not_told(const struct bb_unit *u, const char *why)
{
	assert_non_null(u);
	if (!isnan(u->count))
		fail_msg("%s: told: %g", bb_unit__name(u->kind), u->count);
	if (!strstr(u->why_not, why))
		fail_msg("'%s' does not say '%s'", u->why_not, why);
	assert_true(u->low <= u->high);
	assert_true(isnan(bb_unit__work_ns(u)) && isnan(bb_unit__held_ns(u)));
}

/* Two threads: each answers 500 requests, waits for each, computes 2 ms, asks a database for 4. */
static void server(struct made *m)
{
	begin(m, 2);
	for (size_t i = 0; i < 2; i++) {
		make__in(&m->p->threads[i], BB_STATE_ONCPU, 1000 * MS);
		make__in(&m->p->threads[i], BB_STATE_RUNQ, 500 * MS);
		waits(m, i, BB_STATE_NET, SYS_recvfrom, BB_END_INBOUND, 500, 6500);
		waits(m, i, BB_STATE_POLL, SYS_poll, BB_END_OUTBOUND, 500, 2000);
		m->p->threads[i].gil_samples = 60;
		m->p->threads[i].gil_free_samples = 40;
	}
	calls(m, SYS_sendto, BB_CALL_WRITE, 0, 1000, 0);
}

static void test_requests(void **state)
{
	const struct bb_unit *u;
	struct made m;

	(void)state;
	server(&m);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 1000, 0);
	u = count(&m, BB_UNIT_REQUEST, false);
	assert_told(u, 1000);
	assert_int_equal(u->threads, 2);
	assert_float_equal(bb_unit__per_s(u, u->count), 100, 0.1);
	/* D = B / C */
	assert_float_equal(bb_unit__ns(u, BB_STATE_ONCPU), 2e6, 2e3);
	assert_float_equal(bb_unit__ns(u, BB_STATE_RUNQ), 1e6, 1e3);
	assert_float_equal(bb_unit__ns(u, BB_STATE_POLL), 4e6, 4e3);
	assert_float_equal(bb_unit__ns(u, BB_STATE_NET), 0, 1);
	assert_float_equal(bb_unit__work_ns(u), 7e6, 7e3);
	/* no GIL */
	assert_true(isnan(bb_unit__held_ns(u)));
	m.p->runtime.gil = BB_GIL_ENABLED;
	u = count(&m, BB_UNIT_REQUEST, false);
	assert_float_equal(bb_unit__held_ns(u), 1.2e6, 1.2e3);
	assert_ptr_equal(bb_units__told(&m.u), u);
	/* too few samples for a share */
	m.p->threads[0].gil_samples = m.p->threads[1].gil_samples = 2;
	m.p->threads[0].gil_free_samples = m.p->threads[1].gil_free_samples = 2;
	u = count(&m, BB_UNIT_REQUEST, false);
	assert_true(isnan(bb_unit__held_ns(u)));
	assert_not_told(count(&m, BB_UNIT_REQUEST, true), "losses");
	end(&m);
}

/* What did not have to be waited for: 1,000 waits, but three times as many reads. */
static void test_requests_that_were_there(void **state)
{
	const struct bb_unit *u;
	struct made m;

	(void)state;
	server(&m);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 3000, 0);
	m.p->syscalls[0].outcomes[BB_OUT_SOME].count = 3000;
	u = count(&m, BB_UNIT_REQUEST, false);
	assert_not_told(u, "were there already");
	assert_float_equal(u->low, 1000, 1);
	assert_float_equal(u->high, 3000, 3);
	assert_null(bb_units__told(&m.u));
	end(&m);

	/* half as many more, each answered: no request can have taken two reads */
	server(&m);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 1500, 0);
	m.p->syscalls[0].outcomes[BB_OUT_SOME].count = 1500;
	assert_told(count(&m, BB_UNIT_REQUEST, false), 1501);
	/* but where answers are no whole number of the reads, some may have */
	m.p->syscalls[0].outcomes[BB_OUT_SOME].count = 2000;
	assert_not_told(count(&m, BB_UNIT_REQUEST, false), "were there already");
	end(&m);
}

/* Nobody traced the reads, or not all the time. */
static void test_requests_untraced(void **state)
{
	struct made m;

	(void)state;
	server(&m);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 1000, 0);
	m.rec->overhead.syscall_tracing = BB_TRACING_GOVERNED;
	assert_not_told(count(&m, BB_UNIT_REQUEST, false), "not traced");
	m.rec->overhead.syscall_tracing = BB_TRACING_OFF;
	assert_not_told(count(&m, BB_UNIT_REQUEST, false), "not traced");
	end(&m);
}

/* Waits that end with the connection, or with nothing, are no requests; nor are parts of one. */
static void test_no_requests(void **state)
{
	struct made m;

	(void)state;
	server(&m);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 500, 500, 0);
	assert_told(count(&m, BB_UNIT_REQUEST, false), 500);
	end(&m);

	/* one answer for two waits */
	server(&m);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 1000, 0);
	m.p->syscalls[0].outcomes[BB_OUT_SOME].count = 500;
	assert_not_told(count(&m, BB_UNIT_REQUEST, false), "in parts");
	assert_float_equal(m.u.items[0].low, 0, 0);
	assert_float_equal(m.u.items[0].high, 1000, 1);
	end(&m);

	/* a client: what it waits for are no requests */
	begin(&m, 1);
	make__in(&m.p->threads[0], BB_STATE_ONCPU, 1000 * MS);
	waits(&m, 0, BB_STATE_NET, SYS_recvfrom, BB_END_OUTBOUND, 500, 9000);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 500, 0);
	calls(&m, SYS_sendto, BB_CALL_WRITE, 0, 500, 0);
	assert_null(count(&m, BB_UNIT_REQUEST, false));
	assert_int_equal(m.u.nr, 0);
	end(&m);

	/* who only accepts, for its children */
	begin(&m, 1);
	make__in(&m.p->threads[0], BB_STATE_ONCPU, 10 * MS);
	waits(&m, 0, BB_STATE_POLL, SYS_poll, BB_END_LISTEN, 300, 9900);
	calls(&m, SYS_accept4, BB_CALL_OTHER, 300, 0, 0);
	assert_null(count(&m, BB_UNIT_REQUEST, false));
	end(&m);

	/* too few to be a rate */
	begin(&m, 1);
	make__in(&m.p->threads[0], BB_STATE_ONCPU, 10 * MS);
	waits(&m, 0, BB_STATE_NET, SYS_recvfrom, BB_END_INBOUND, 10, 9990);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 10, 0);
	calls(&m, SYS_sendto, BB_CALL_WRITE, 0, 10, 0);
	assert_not_told(count(&m, BB_UNIT_REQUEST, false), "too few");
	end(&m);
}

/* Who polls first, and reads without blocking. */
static void test_requests_polled(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 1);
	make__in(&m.p->threads[0], BB_STATE_ONCPU, 1000 * MS);
	waits(&m, 0, BB_STATE_POLL, SYS_poll, BB_END_INBOUND, 500, 9000);
	calls(&m, SYS_poll, BB_CALL_POLL, 0, 500, 0);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 500, 500);
	calls(&m, SYS_sendto, BB_CALL_WRITE, 0, 500, 0);
	assert_told(count(&m, BB_UNIT_REQUEST, false), 500);
	/* it found as many there without a poll, and twice as much is written */
	m.p->syscalls[1].outcomes[BB_OUT_SOME].count = 1500;
	m.p->syscalls[1].count += 1000;
	m.p->syscalls[2].outcomes[BB_OUT_SOME].count = 1500;
	assert_not_told(count(&m, BB_UNIT_REQUEST, false), "were there already");
	end(&m);
}

/* A process for each connection that polls its client by epoll; and a loop, which polls for more.
 */
static void test_one_client(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 1);
	make__in(&m.p->threads[0], BB_STATE_ONCPU, 1000 * MS);
	waits(&m, 0, BB_STATE_POLL, SYS_epoll_wait, BB_END_INBOUND, 500, 9000);
	last_wait(&m.p->threads[0], SYS_epoll_wait, BB_END_INBOUND)->polls = true;
	calls(&m, SYS_epoll_wait, BB_CALL_POLL, 0, 500, 0);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 520, 500);
	calls(&m, SYS_sendto, BB_CALL_WRITE, 0, 520, 0);
	m.p->loops = calloc(1, sizeof(*m.p->loops));
	assert_non_null(m.p->loops);
	m.p->nr_loops = 1;
	*m.p->loops =
		(struct bb_loop){ .tid = PID, .exact = true, .window_ns = WINDOW, .turns = 500 };
	assert_null(count(&m, BB_UNIT_REQUEST, false));
	assert_told(count(&m, BB_UNIT_LOOP_TURN, false), 500);
	last_wait(&m.p->threads[0], SYS_epoll_wait, BB_END_INBOUND)->one_client = true;
	assert_told(count(&m, BB_UNIT_REQUEST, false), 520);
	assert_told(count(&m, BB_UNIT_LOOP_TURN, false), 500);
	m.p->loops->kind = BB_LOOP_ASYNCIO;
	assert_null(count(&m, BB_UNIT_REQUEST, false));
	end(&m);
}

/* A connection for each request, whose thread finds it there: accept() and reads agree. */
static void test_requests_by_connection(void **state)
{
	const struct bb_unit *u;
	struct made m;

	(void)state;
	begin(&m, 2);
	make__in(&m.p->threads[0], BB_STATE_ONCPU, 100 * MS);
	waits(&m, 0, BB_STATE_POLL, SYS_poll, BB_END_LISTEN, 300, 9900);
	make__in(&m.p->threads[1], BB_STATE_ONCPU, 900 * MS);
	m.p->threads[1].budget.ns[BB_STATE_UNKNOWN] = 0;
	m.p->folded.ns[BB_STATE_ONCPU] = 500 * MS;
	m.p->folded_threads = 298;
	calls(&m, SYS_accept4, BB_CALL_OTHER, 300, 0, 0);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 300, 0);
	calls(&m, SYS_sendto, BB_CALL_WRITE, 0, 600, 0);
	u = count(&m, BB_UNIT_REQUEST, false);
	assert_told(u, 300);
	assert_float_equal(bb_unit__ns(u, BB_STATE_ONCPU), 5e6, 1);
	assert_float_equal(bb_unit__work_ns(u), 5e6, 1);
	assert_int_equal(u->threads, 300);
	/* what ended threads waited for on sockets is not told apart */
	m.p->folded.ns[BB_STATE_NET] = MS;
	u = count(&m, BB_UNIT_REQUEST, false);
	assert_told(u, 300);
	assert_true(isnan(bb_unit__ns(u, BB_STATE_NET)) && isnan(bb_unit__work_ns(u)));
	end(&m);
}

/* A pool of @threads workers, each busy for @busy_ms, fed by a thread that is none. */
static void pool(struct made *m, size_t threads, uint64_t hand_overs, uint64_t busy_ms,
		 uint64_t unattended_ms)
{
	struct bb_lock *l;

	begin(m, threads + 1);
	make__in(&m->p->threads[threads], BB_STATE_ONCPU, 500 * MS);
	make__in(&m->p->threads[threads], BB_STATE_SLEEP, 9500 * MS);
	for (size_t i = 0; i < threads; i++) {
		make__in(&m->p->threads[i], BB_STATE_ONCPU, busy_ms * MS);
		waits(m, i, BB_STATE_QUEUE, SYS_futex, BB_END_UNKNOWN, hand_overs / threads,
		      10000 - busy_ms);
	}
	m->p->locks = calloc(2, sizeof(*m->p->locks));
	m->p->lock_holders = calloc(1, sizeof(*m->p->lock_holders));
	assert_non_null(m->p->locks);
	assert_non_null(m->p->lock_holders);
	m->p->nr_locks = m->p->nr_lock_holders = 1;
	l = m->p->locks;
	*l = (struct bb_lock){ .addr = 4096,
			       .kind = BB_LOCK_CONDITION,
			       .rule = BB_RULE_FED,
			       .state = BB_STATE_QUEUE,
			       .contended_ns = WINDOW - unattended_ms * MS,
			       .times = 1,
			       .open = true,
			       .waits = hand_overs + threads,
			       .wait_ns = threads * (10000 - busy_ms) * MS,
			       .waiters_max = (uint32_t)threads };
	*m->p->lock_holders = (struct bb_lock_holder){
		.lock = 4096, .tid = PID + (pid_t)threads, .pid = PID, .count = hand_overs
	};
}

static void test_hand_overs(void **state)
{
	const struct bb_unit *u;
	struct made m;

	(void)state;
	/* one of four always waits */
	pool(&m, 4, 400, 1000, 0);
	u = count(&m, BB_UNIT_HAND_OVER, false);
	assert_told(u, 400);
	assert_int_equal(u->threads, 4);
	assert_float_equal(bb_unit__ns(u, BB_STATE_ONCPU), 10e6, 1);
	assert_float_equal(bb_unit__work_ns(u), 10e6, 1);
	end(&m);

	/* nobody waits for 20 ms, twice: 80 ms of 4 s of work is 2 % */
	pool(&m, 4, 400, 1000, 20);
	m.p->locks->times = 3;
	u = count(&m, BB_UNIT_HAND_OVER, false);
	assert_told(u, 394);
	assert_true(u->high > 400 && u->high < 420);
	end(&m);
}

static void test_hand_overs_not_told(void **state)
{
	const struct bb_unit *u;
	struct made m;

	(void)state;
	/* one worker: what comes while it works may be any number */
	pool(&m, 1, 400, 1000, 1000);
	m.p->locks->times = 401;
	u = count(&m, BB_UNIT_HAND_OVER, false);
	assert_not_told(u, "were there already");
	assert_float_equal(u->low, 400, 0.1);
	assert_true(isinf(u->high));
	end(&m);

	/* all of them are busy for half of the time */
	pool(&m, 4, 400, 5000, 5000);
	assert_not_told(count(&m, BB_UNIT_HAND_OVER, false), "were there already");
	end(&m);

	/* woken all at once, each time: one in four gets something */
	pool(&m, 4, 400, 1000, 1);
	m.p->locks->times = 101;
	u = count(&m, BB_UNIT_HAND_OVER, false);
	assert_not_told(u, "were there already");
	assert_true(u->low <= 100);
	end(&m);

	/* of those who wait one wakes the next, for nothing or not */
	pool(&m, 4, 400, 1000, 0);
	m.p->lock_holders->tid = PID + 1;
	assert_null(count(&m, BB_UNIT_HAND_OVER, false));
	m.p->lock_holders = realloc(m.p->lock_holders, 2 * sizeof(*m.p->lock_holders));
	assert_non_null(m.p->lock_holders);
	m.p->lock_holders[1] = m.p->lock_holders[0];
	m.p->lock_holders[1].tid = PID + 4;
	m.p->lock_holders[0].count = m.p->lock_holders[1].count = 200;
	m.p->nr_lock_holders = 2;
	u = count(&m, BB_UNIT_HAND_OVER, false);
	assert_not_told(u, "were there already");
	assert_float_equal(u->low, 200, 0.1);
	assert_float_equal(u->high, 400, 0.1);
	end(&m);

	/* they wait for something else as often */
	pool(&m, 4, 400, 1000, 0);
	m.p->locks->waits = 204;
	m.p->lock_holders->count = 200;
	assert_not_told(count(&m, BB_UNIT_HAND_OVER, false), "several queues");
	end(&m);

	/* a barrier hands nothing over, nor does a lock; a runtime that parks tells nothing */
	pool(&m, 4, 400, 1000, 0);
	m.p->locks->kind = BB_LOCK_BARRIER;
	assert_null(count(&m, BB_UNIT_HAND_OVER, false));
	m.p->locks->kind = BB_LOCK_CONDITION;
	m.p->locks->state = BB_STATE_LOCK;
	assert_null(count(&m, BB_UNIT_HAND_OVER, false));
	m.p->locks->state = BB_STATE_QUEUE;
	strcpy(m.p->runtime.name, "go");
	assert_null(count(&m, BB_UNIT_HAND_OVER, false));
	end(&m);
}

/* In Python the code says who waits for work; queue.Queue gives each waiter a lock of its own. */
static void test_hand_overs_in_python(void **state)
{
	static struct bb_frame frames[] = { { "/usr/lib/python3.11/threading.py", "Condition.wait",
					      320 },
					    { "/usr/lib/python3.11/queue.py", "Queue.get", 171 } };
	const struct bb_unit *u;
	struct made m;

	(void)state;
	pool(&m, 2, 400, 1000, 0);
	strcpy(m.p->runtime.name, "cpython");
	m.p->runtime.gil = BB_GIL_ENABLED;
	/* code that is not known, or that is no work */
	assert_null(count(&m, BB_UNIT_HAND_OVER, false));
	m.p->locks->code = make__string("python3.11/threading.py:wait");
	m.p->locks->caller = make__string("python3.11/threading.py:wait");
	assert_null(count(&m, BB_UNIT_HAND_OVER, false));
	free(m.p->locks->caller);
	m.p->locks->caller = make__string("python3.11/queue.py:get");
	/* no thread was seen there */
	assert_null(count(&m, BB_UNIT_HAND_OVER, false));
	m.p->code = calloc(2, sizeof(*m.p->code));
	assert_non_null(m.p->code);
	m.p->nr_code = 2;
	for (int i = 0; i < 2; i++) {
		m.p->code[i] = (struct bb_code){ .kind = BB_PY_BLOCKED,
						 .state = BB_STATE_QUEUE,
						 .tid = PID + i,
						 .nr_frames = 2 };
		m.p->code[i].frames = malloc(sizeof(frames));
		assert_non_null(m.p->code[i].frames);
		memcpy(m.p->code[i].frames, frames, sizeof(frames));
	}
	u = count(&m, BB_UNIT_HAND_OVER, false);
	assert_told(u, 400);
	/* a second row, of the other waiter's lock */
	m.p->locks[1] = m.p->locks[0];
	m.p->locks[1].addr = 8192;
	m.p->locks[1].code = make__string(m.p->locks->code);
	m.p->locks[1].caller = make__string(m.p->locks->caller);
	m.p->locks[0].waits = m.p->locks[1].waits = 201;
	m.p->nr_locks = 2;
	assert_not_told(count(&m, BB_UNIT_HAND_OVER, false), "lock of its own");
	end(&m);
}

static void test_turns(void **state)
{
	const struct bb_unit *u;
	struct made m;

	(void)state;
	begin(&m, 2);
	make__in(&m.p->threads[0], BB_STATE_ONCPU, 2000 * MS);
	make__in(&m.p->threads[0], BB_STATE_DISK, 1000 * MS);
	waits(&m, 0, BB_STATE_POLL, SYS_epoll_wait, BB_END_INBOUND, 1000, 7000);
	last_wait(&m.p->threads[0], SYS_epoll_wait, BB_END_INBOUND)->polls = true;
	make__in(&m.p->threads[1], BB_STATE_ONCPU, 5000 * MS);
	m.p->loops = calloc(1, sizeof(*m.p->loops));
	assert_non_null(m.p->loops);
	m.p->nr_loops = 1;
	*m.p->loops = (struct bb_loop){
		.tid = PID, .exact = true, .window_ns = WINDOW, .turns = 2000, .busy_ns = 3000 * MS
	};
	u = count(&m, BB_UNIT_LOOP_TURN, false);
	assert_told(u, 2000);
	assert_int_equal(u->threads, 1);
	assert_float_equal(bb_unit__ns(u, BB_STATE_ONCPU), 1e6, 1);
	assert_float_equal(bb_unit__work_ns(u), 1.5e6, 1);
	/* no measure of what was done */
	assert_null(bb_units__told(&m.u));
	/* a poll by another descriptor is part of a turn */
	m.p->loops->inner_ns = 1000 * MS;
	u = count(&m, BB_UNIT_LOOP_TURN, false);
	assert_float_equal(bb_unit__work_ns(u), 2e6, 1);
	m.p->loops->exact = false;
	assert_not_told(count(&m, BB_UNIT_LOOP_TURN, false), "did not block");
	m.p->loops->kind = BB_LOOP_GO;
	assert_null(count(&m, BB_UNIT_LOOP_TURN, false));
	end(&m);
}

static void test_tree(void **state)
{
	struct bb_units each[2], all;
	struct made m;

	(void)state;
	server(&m);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 1000, 0);
	assert_told(count(&m, BB_UNIT_REQUEST, false), 1000);
	each[0] = each[1] = m.u;
	bb_units__tree(&all, each, 2, WINDOW);
	assert_int_equal(all.nr, 1);
	assert_told(&all.items[0], 2000);
	assert_float_equal(bb_unit__work_ns(&all.items[0]), 7e6, 7e3);
	/* in the window, however long each was there: by fewer at a time the rate is no higher */
	each[0].items[0].span_ns = each[1].items[0].span_ns = WINDOW / 2;
	bb_units__tree(&all, each, 2, WINDOW);
	assert_float_equal(bb_unit__per_s(&all.items[0], 2000), 200, 0.1);
	/* one that has none does not matter, one that is not told does */
	each[1].nr = 0;
	bb_units__tree(&all, each, 2, WINDOW);
	assert_told(&all.items[0], 1000);
	/* nor does one that hands its connections on, if each has a request that was seen */
	each[1].handed_on = 1010;
	bb_units__tree(&all, each, 2, WINDOW);
	assert_told(&all.items[0], 1000);
	each[1].handed_on = 1300;
	bb_units__tree(&all, each, 2, WINDOW);
	assert_not_told(&all.items[0], "handed on");
	assert_true(count(&m, BB_UNIT_REQUEST, true) != NULL);
	each[1] = m.u;
	bb_units__tree(&all, each, 2, WINDOW);
	assert_not_told(&all.items[0], "losses");
	end(&m);

	/* few of each are enough together, or not */
	begin(&m, 1);
	make__in(&m.p->threads[0], BB_STATE_ONCPU, 10 * MS);
	waits(&m, 0, BB_STATE_NET, SYS_recvfrom, BB_END_INBOUND, 10, 9990);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 10, 0);
	calls(&m, SYS_sendto, BB_CALL_WRITE, 0, 10, 0);
	assert_not_told(count(&m, BB_UNIT_REQUEST, false), "too few");
	each[0] = each[1] = m.u;
	bb_units__tree(&all, each, 2, WINDOW);
	assert_told(&all.items[0], 20);
	/* and of a kind that comes after one that is not there */
	for (int i = 0; i < 2; i++)
		each[i].items[0].kind = BB_UNIT_LOOP_TURN;
	bb_units__tree(&all, each, 2, WINDOW);
	assert_int_equal(all.nr, 1);
	assert_told(&all.items[0], 20);
	bb_units__tree(&all, each, 1, WINDOW);
	assert_not_told(&all.items[0], "too few");
	end(&m);
}

/* Half of the time at work, two workers: rates as they come, and what they could do. */
static void test_rates(void **state)
{
	struct bb_what_if_context c = { .judged = true, .confidence = 0.9 };
	struct bb_what_ifs w;
	struct made m;

	(void)state;
	server(&m);
	calls(&m, SYS_recvfrom, BB_CALL_READ, 0, 1000, 0);
	assert_told(count(&m, BB_UNIT_REQUEST, false), 1000);
	c.units = &m.u;
	assert_int_equal(bb_what_ifs__of(&w, m.rec, m.p, &c), 0);
	assert_true(w.nr > 0 && w.capacity && w.unit);
	/* 7 ms a request, of which 1 ms is waiting for a CPU: 286 a second of two workers, to 333
	 */
	assert_true(w.now.per_s >= 285 && w.now.per_s <= 334);
	for (size_t i = 0; i < w.nr; i++) {
		const struct bb_rate *r = &w.items[i].rate;

		assert_true(r->low <= r->per_s && r->per_s <= r->high);
		assert_float_equal(r->per_s / w.now.per_s, w.items[i].speedup, 0.01);
	}
	bb_what_ifs__free(&w);

	/* never waiting for clients: what was measured, times the gain */
	for (size_t i = 0; i < 2; i++) {
		struct bb_thread *t = &m.p->threads[i];

		t->window_ns = 3520 * MS;
		t->budget.ns[BB_STATE_NET] = 20 * MS;
		last_wait(t, SYS_recvfrom, BB_END_INBOUND)->ns = 20 * MS;
	}
	m.rec->window.ns = 3520 * MS;
	assert_told(count(&m, BB_UNIT_REQUEST, false), 1000);
	assert_int_equal(bb_what_ifs__of(&w, m.rec, m.p, &c), 0);
	assert_true(w.nr > 0 && !w.capacity && w.unit);
	assert_float_equal(w.now.per_s, 1000 / 3.52, 0.5);
	assert_float_equal(w.items[0].rate.per_s, w.now.per_s * w.items[0].speedup, 0.1);
	bb_what_ifs__free(&w);

	/* where the units are not what the workers' time goes to there is no rate */
	for (int s = 0; s < BB_STATE_MAX; s++)
		m.u.items[0].spent[s] /= 2;
	assert_int_equal(bb_what_ifs__of(&w, m.rec, m.p, &c), 0);
	assert_true(w.nr > 0 && !w.unit && isnan(w.now.per_s));
	assert_true(isnan(w.items[0].rate.per_s));
	bb_what_ifs__free(&w);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_requests_that_were_there),
		cmocka_unit_test(test_requests_untraced),
		cmocka_unit_test(test_no_requests),
		cmocka_unit_test(test_requests_polled),
		cmocka_unit_test(test_one_client),
		cmocka_unit_test(test_requests_by_connection),
		cmocka_unit_test(test_hand_overs),
		cmocka_unit_test(test_hand_overs_not_told),
		cmocka_unit_test(test_hand_overs_in_python),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
