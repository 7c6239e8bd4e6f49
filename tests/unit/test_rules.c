// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Small rules: lock or queue, numbers of the command line, the governor, folding, differences. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/futex.h>

#include "../../user/capture/fold.h"
#include "../../user/capture/allowance.h"
#include "../../user/capture/governor.h"
#include "../../user/model/delta.h"
#include "../../user/model/lock_rule.h"
#include "../../user/util/num.h"
#include "../lib/records.h"

/* futex operations as the C libraries pass them */
#define OP_MUTEX      128 /* WAIT | PRIVATE */
#define OP_SEM        393 /* WAIT_BITSET | PRIVATE | CLOCK_REALTIME */
#define OP_SEM_SHARED 265
#define OP_LOCK_PI    134

static void locks_and_queues(void **state)
{
	const struct {
		const char *what;
		uint64_t proto, handed, fed, other;
		uint32_t op, val;
		const char *place;
		uint32_t where;
		enum bb_state state;
		enum bb_lock_rule rule;
		enum bb_lock_kind kind;
	} t[] = {
		{ "glibc mutex", 100, 0, 0, 0, OP_MUTEX, 2, "[heap]", BB_AT_WORD, BB_STATE_LOCK,
		  BB_RULE_PROTOCOL, BB_LOCK_MUTEX },
		{ "PI mutex", 100, 0, 0, 0, OP_LOCK_PI, 0, "[heap]", BB_AT_WORD, BB_STATE_LOCK,
		  BB_RULE_PROTOCOL, BB_LOCK_PI_MUTEX },
		{ "Python lock, handed on", 0, 90, 10, 0, OP_SEM, 0, "[heap]", BB_AT_WORD,
		  BB_STATE_LOCK, BB_RULE_HANDED, BB_LOCK_UNKNOWN },
		{ "pool fed by a producer", 0, 10, 90, 500, OP_SEM, 0, "[heap]", BB_AT_WORD,
		  BB_STATE_QUEUE, BB_RULE_FED, BB_LOCK_UNKNOWN },
		{ "never woken", 0, 0, 0, 900, OP_SEM, 0, "[heap]", BB_AT_WORD, BB_STATE_QUEUE,
		  BB_RULE_NONE, BB_LOCK_UNKNOWN },
		{ "still waiting for a mutex", 0, 0, 0, 0, OP_MUTEX, 2, "[heap]", BB_AT_WORD,
		  BB_STATE_LOCK, BB_RULE_PROTOCOL, BB_LOCK_MUTEX },
		{ "multiprocessing's semaphore", 0, 100, 0, 0, OP_SEM_SHARED, 0,
		  "/dev/shm/sem.mp-x1 (deleted)", BB_AT_WORD, BB_STATE_QUEUE, BB_RULE_MAPPING,
		  BB_LOCK_SEMAPHORE },
		{ "monitor of the JVM", 100, 0, 0, 0, OP_SEM, 0, "[heap]", BB_AT_MONITOR,
		  BB_STATE_LOCK, BB_RULE_PROTOCOL, BB_LOCK_MONITOR },
		{ "monitor, while nobody was woken", 0, 0, 0, 100, OP_SEM, 0, "[heap]",
		  BB_AT_MONITOR, BB_STATE_LOCK, BB_RULE_PROTOCOL, BB_LOCK_MONITOR },
		{ "parking lot", 0, 100, 0, 0, OP_SEM, 0, "[stack]", BB_AT_STACK, BB_STATE_LOCK,
		  BB_RULE_HANDED, BB_LOCK_PARKED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bb_lock l = { .proto_ns = t[i].proto,
				     .handed_ns = t[i].handed,
				     .fed_ns = t[i].fed,
				     .other_ns = t[i].other,
				     .place = (char *)t[i].place };

		const struct bb_lock_look look = { .op = t[i].op,
						   .val = t[i].val,
						   .where = t[i].where };

		bb_lock__judge(&l, &look);
		if (l.state != t[i].state || l.rule != t[i].rule || l.kind != t[i].kind)
			fail_msg("%s: state %s rule %d kind %d", t[i].what, bb_state__name(l.state),
				 l.rule, l.kind);
	}
}

/* Words that their wakers wait on too, and that are no locks all the same. */
static void handed_on_without_a_lock(void **state)
{
	const struct {
		const char *what;
		uint64_t proto, handed, fed;
		uint32_t val, rises, falls;
		bool parks;
		enum bb_state state;
		enum bb_lock_rule rule;
		enum bb_lock_kind kind;
	} t[] = {
		{ "a barrier counts its rounds", 0, 100, 0, 4096, 1000, 0, false, BB_STATE_QUEUE,
		  BB_RULE_PROTOCOL, BB_LOCK_COUNTER },
		{ "whose count began anew, as one does in 2^32", 0, 100, 0, 8, 1000, 1, false,
		  BB_STATE_QUEUE, BB_RULE_PROTOCOL, BB_LOCK_COUNTER },
		{ "a lock of two values", 0, 100, 0, 1, 1000, 1000, false, BB_STATE_LOCK,
		  BB_RULE_HANDED, BB_LOCK_UNKNOWN },
		{ "a busy lock of two values", 0, 100, 0, 1, 65535, 255, false, BB_STATE_LOCK,
		  BB_RULE_HANDED, BB_LOCK_UNKNOWN },
		{ "a lock of one value", 0, 100, 0, 1, 1, 0, false, BB_STATE_LOCK, BB_RULE_HANDED,
		  BB_LOCK_UNKNOWN },
		{ "too few to count", 0, 100, 0, 7, 7, 0, false, BB_STATE_LOCK, BB_RULE_HANDED,
		  BB_LOCK_UNKNOWN },
		{ "owners by growing numbers", 100, 0, 0, FUTEX_WAITERS | 4242, 20, 0, false,
		  BB_STATE_LOCK, BB_RULE_PROTOCOL, BB_LOCK_MUTEX },
		{ "collectors of garbage", 0, 90, 10, 0, 0, 0, true, BB_STATE_QUEUE,
		  BB_RULE_RUNTIME, BB_LOCK_UNKNOWN },
		{ "threads parked for work", 0, 10, 90, 0, 0, 0, true, BB_STATE_QUEUE, BB_RULE_FED,
		  BB_LOCK_UNKNOWN },
		{ "the runtime's own mutex", 100, 0, 0, 2, 1, 0, true, BB_STATE_LOCK,
		  BB_RULE_PROTOCOL, BB_LOCK_MUTEX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bb_lock l = { .proto_ns = t[i].proto,
				     .handed_ns = t[i].handed,
				     .fed_ns = t[i].fed,
				     .rises = t[i].rises,
				     .falls = t[i].falls };

		const struct bb_lock_look look = {
			.op = OP_MUTEX, .val = t[i].val, .where = BB_AT_WORD, .parks = t[i].parks
		};

		bb_lock__judge(&l, &look);
		if (l.state != t[i].state || l.rule != t[i].rule || l.kind != t[i].kind)
			fail_msg("%s: state %s rule %d kind %d", t[i].what, bb_state__name(l.state),
				 l.rule, l.kind);
	}
}

/* CPython's parking lot: what a waiter says that it waits for. */
static void parked(void **state)
{
	static const char lock[] = "_thread.lock", wait[] = "lib/threading.py:wait";
	const struct {
		const char *what;
		uint64_t proto, handed, fed, other;
		uint32_t where;
		const char *place, *object, *code;
		enum bb_lock_kind kind;
		enum bb_state state;
		enum bb_lock_rule rule;
	} t[] = {
		{ "an event", 0, 0, 90, 0, BB_AT_PARKED, "[heap]", NULL, NULL, BB_LOCK_PARKED,
		  BB_STATE_QUEUE, BB_RULE_FED },
		{ "the mutex of a list, let go by one that never waits", 0, 0, 100, 0,
		  BB_AT_PYMUTEX, "[anonymous]", "list", NULL, BB_LOCK_PYMUTEX, BB_STATE_LOCK,
		  BB_RULE_PROTOCOL },
		{ "the same, in code that waits for events", 0, 0, 100, 0, BB_AT_PYMUTEX,
		  "[anonymous]", "list", wait, BB_LOCK_PYMUTEX, BB_STATE_LOCK, BB_RULE_PROTOCOL },
		{ "a mutex of the interpreter's", 0, 0, 100, 0, BB_AT_PYMUTEX,
		  "/usr/bin/python3.14", NULL, NULL, BB_LOCK_PYMUTEX, BB_STATE_LOCK,
		  BB_RULE_PROTOCOL },
		{ "a lock that signals", 0, 10, 90, 0, BB_AT_PYMUTEX, "[heap]", lock, NULL,
		  BB_LOCK_PYMUTEX, BB_STATE_QUEUE, BB_RULE_FED },
		{ "a contended lock", 0, 90, 10, 0, BB_AT_PYMUTEX, "[heap]", lock, NULL,
		  BB_LOCK_PYMUTEX, BB_STATE_LOCK, BB_RULE_HANDED },
		{ "a lock that nobody has let go of", 0, 0, 0, 90, BB_AT_PYMUTEX, "[heap]", lock,
		  NULL, BB_LOCK_PYMUTEX, BB_STATE_LOCK, BB_RULE_PROTOCOL },
		{ "a condition's lock", 0, 90, 10, 0, BB_AT_PYMUTEX, "[heap]", lock, wait,
		  BB_LOCK_PYMUTEX, BB_STATE_QUEUE, BB_RULE_PYTHON },
		{ "a mutex of something that is gone", 0, 10, 90, 0, BB_AT_PYMUTEX, "[heap]", NULL,
		  NULL, BB_LOCK_PYMUTEX, BB_STATE_QUEUE, BB_RULE_FED },
		{ "a queue whose consumers wake each other", 0, 100, 0, 0, BB_AT_SIMPLE_QUEUE,
		  "[heap]", NULL, NULL, BB_LOCK_SIMPLE_QUEUE, BB_STATE_QUEUE, BB_RULE_PROTOCOL },
		{ "kept from running", 100, 0, 0, 0, BB_AT_WORLD, "[heap]", NULL, NULL,
		  BB_LOCK_WORLD, BB_STATE_LOCK, BB_RULE_PROTOCOL },
		{ "the same, in code that waits for events", 100, 0, 0, 0, BB_AT_WORLD, "[heap]",
		  NULL, wait, BB_LOCK_WORLD, BB_STATE_LOCK, BB_RULE_PROTOCOL },
		{ "stops the others", 100, 0, 0, 0, BB_AT_STOPPER, "[heap]", NULL, NULL,
		  BB_LOCK_STOPPER, BB_STATE_LOCK, BB_RULE_PROTOCOL },
		{ "the parking lot itself", 100, 0, 0, 0, BB_AT_RAW, "[heap]", NULL, NULL,
		  BB_LOCK_RAW, BB_STATE_LOCK, BB_RULE_PROTOCOL },
		{ "a place of a later version", 0, 0, 0, 100, 99, "[heap]", NULL, NULL,
		  BB_LOCK_PARKED, BB_STATE_QUEUE, BB_RULE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bb_lock l = { .proto_ns = t[i].proto,
				     .handed_ns = t[i].handed,
				     .fed_ns = t[i].fed,
				     .other_ns = t[i].other,
				     .place = (char *)t[i].place,
				     .object = (char *)t[i].object,
				     .code = (char *)t[i].code };

		const struct bb_lock_look look = { .op = OP_SEM, .where = t[i].where };

		bb_lock__judge(&l, &look);
		if (l.state != t[i].state || l.rule != t[i].rule || l.kind != t[i].kind)
			fail_msg("%s: state %s rule %d kind %d", t[i].what, bb_state__name(l.state),
				 l.rule, l.kind);
	}
}

/* Stops of the world, from the rows of the locks. */
static void pauses(void **state)
{
	struct bb_lock locks[] = {
		{ .kind = BB_LOCK_WORLD,
		  .times = 3,
		  .wait_ns = 900,
		  .contended_ns = 400,
		  .max_ns = 250,
		  .waiters_max = 4 },
		{ .kind = BB_LOCK_STOPPER, .times = 7, .wait_ns = 30, .contended_ns = 5000 },
		{ .kind = BB_LOCK_PYMUTEX,
		  .times = 9,
		  .wait_ns = 7000,
		  .contended_ns = 9000,
		  .max_ns = 8000,
		  .waiters_max = 9 },
		{ .kind = BB_LOCK_WORLD,
		  .times = 2,
		  .wait_ns = 100,
		  .contended_ns = 500,
		  .max_ns = 50,
		  .waiters_max = 1 },
	};
	struct bb_process p = { .locks = locks, .nr_locks = 4 };
	struct bb_pauses s;

	(void)state;
	assert_false(bb_process__pauses(&p, &s));
	p.runtime.free_threaded = true;
	assert_true(bb_process__pauses(&p, &s));
	assert_int_equal(s.count, 5);
	assert_int_equal(s.wall_ns, 500);
	assert_int_equal(s.wait_ns, 1000);
	assert_int_equal(s.max_ns, 250);
	assert_int_equal(s.request_ns, 30);
	assert_int_equal(s.threads_max, 4);
	p.nr_locks = 0;
	assert_true(bb_process__pauses(&p, &s));
	assert_int_equal(s.count, 0);
}

static void numbers(void **state)
{
	int64_t v = 0;

	(void)state;
	assert_int_equal(bb_num__int("42", 1, 100, &v), 0);
	assert_int_equal(v, 42);
	assert_int_equal(bb_num__int("0", 1, 100, &v), -ERANGE);
	assert_int_equal(bb_num__int("-1", 1, 100, &v), -ERANGE);
	assert_int_equal(bb_num__int("99999999999999999999", 1, 100, &v), -ERANGE);
	assert_int_equal(bb_num__int("", 1, 100, &v), -EINVAL);
	assert_int_equal(bb_num__int("12x", 1, 100, &v), -EINVAL);
	assert_int_equal(bb_num__int(" 12", 1, 100, &v), -EINVAL);
	assert_int_equal(bb_num__int("0x10", 1, 100, &v), -EINVAL);
}

static void times(void **state)
{
	const struct {
		const char *s;
		int err;
		uint64_t ns;
	} t[] = {
		{ "10", 0, 10000000000ULL },
		{ "0.5", 0, 500000000 },
		{ "500ms", 0, 500000000 },
		{ "2m", 0, 120000000000ULL },
		{ "1h", 0, 3600000000000ULL },
		{ ".25s", 0, 250000000 },
		{ "0", -ERANGE, 0 },
		{ "-1", -ERANGE, 0 },
		{ "8760h", -ERANGE, 0 },
		{ "ten", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "5 s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "1e99", -ERANGE, 0 },
		{ "5sec", -EINVAL, 0 },
	};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int err = bb_num__seconds(t[i].s, &ns);

		if (err != t[i].err || (!err && ns != t[i].ns))
			fail_msg("'%s': %d, %llu ns", t[i].s, err, (unsigned long long)ns);
	}
}

static void governor_of_the_machine(void **state)
{
	struct bb_cpu cpus[2] = {};
	struct bb_governor g;
	uint64_t t = SEC;

	(void)state;
	assert_int_equal(bb_governor__start(&g, t, 2), 0);
	/* too soon to say */
	cpus[1].syscalls = 9000000;
	assert_false(bb_governor__too_much(&g, t + 1 * MS, cpus));
	cpus[1].syscalls = 0;
	/* less than it may be, on each CPU and for long */
	for (int i = 0; i < 1000; i++) {
		t += 50 * MS;
		cpus[0].syscalls += BB_GOVERNOR_CPU_RATE / 21;
		cpus[1].syscalls += BB_GOVERNOR_CPU_RATE / 21;
		assert_false(bb_governor__too_much(&g, t, cpus));
	}
	/* the rate is that since the last look, not since the start */
	assert_in_range(g.rate, BB_GOVERNOR_CPU_RATE * 1.9, BB_GOVERNOR_CPU_RATE * 2);
	/* a burst on one CPU, and long after it another: no more is saved than for one */
	cpus[1].syscalls += BB_GOVERNOR_CPU_RATE / 6;
	assert_false(bb_governor__too_much(&g, t += 50 * MS, cpus));
	assert_false(bb_governor__too_much(&g, t += 100 * SEC, cpus));
	/* a look that comes late */
	cpus[1].syscalls += 10 * BB_GOVERNOR_CPU_RATE;
	assert_false(bb_governor__too_much(&g, t += 20 * SEC, cpus));
	cpus[1].syscalls += BB_GOVERNOR_CPU_RATE / 2;
	assert_true(bb_governor__too_much(&g, t += 50 * MS, cpus));
	bb_governor__free(&g);
}

/* Calls each 50 ms, of which @oncpu_ns were used: after how many looks is it too much? 0: never. */
static int looks_until_too_much(uint64_t calls, uint64_t oncpu_ns)
{
	struct bb_cpu cpus[4] = {};
	struct bb_governor g;
	int much = 0;

	assert_int_equal(bb_governor__start(&g, SEC, 4), 0);
	for (int i = 1; i <= 1000 && !much; i++) {
		for (int cpu = 0; cpu < 4; cpu++) {
			cpus[cpu].own_calls += calls / 4;
			cpus[cpu].syscalls += calls / 4;
			cpus[cpu].oncpu_ns += oncpu_ns / 4;
		}
		if (bb_governor__too_much(&g, SEC + (uint64_t)i * 50 * MS, cpus))
			much = i;
	}
	bb_governor__free(&g);
	return much;
}

static void governor_of_the_targets(void **state)
{
	uint64_t most = BB_GOVERNOR_OWN_RATE / 20; /* in 50 ms */

	(void)state;
	assert_int_equal(looks_until_too_much(most, 50 * MS), 0);
	/* twice that: once the first burst is used up */
	assert_in_range(looks_until_too_much(2 * most, 50 * MS), 4, 5);
	/* by four CPUs as many are four times less */
	assert_int_equal(looks_until_too_much(2 * most, 200 * MS), 0);
	/* four CPUs whose threads have made no switch */
	assert_int_equal(looks_until_too_much(3 * most, 0), 0);
	assert_int_equal(looks_until_too_much(6 * most, 0), 3);
	/* for who hardly uses one, it is the cost for a CPU that counts */
	assert_int_equal(looks_until_too_much(most, 1 * MS), 0);
}

static void folding_loses_nothing(void **state)
{
	struct bb_lock_shares shares = { { 1, 0.75, 0.1, 0 } };
	uint64_t ns[BB_BUCKET_MAX], sum = 0;
	struct bb_budget b;

	(void)state;
	for (int i = 0; i < BB_BUCKET_MAX; i++) {
		ns[i] = 1000003ULL * (uint64_t)(i + 1);
		sum += ns[i];
	}
	bb_fold__budget(&b, ns, &shares, 0, 0);
	assert_int_equal(bb_budget__sum(&b), sum);
	assert_int_equal(b.ns[BB_STATE_RUNQ],
			 b.runq_preempted_ns + b.runq_woken_ns + b.runq_throttled_ns);
	assert_int_equal(b.ns[BB_STATE_LOCK] + b.ns[BB_STATE_QUEUE],
			 b.futex_proto_ns + b.futex_handed_ns + b.futex_fed_ns + b.futex_other_ns);
	assert_int_equal(b.ns[BB_STATE_GIL], ns[BB_GIL]);
	/* all of the proto, three quarters of the handed, a tenth of the fed */
	assert_int_equal(b.ns[BB_STATE_LOCK], (uint64_t)((double)ns[BB_FUTEX_PROTO] +
							 (double)ns[BB_FUTEX_HANDED] * 0.75 +
							 (double)ns[BB_FUTEX_FED] * 0.1));
	/* what is known of the words is not divided by shares */
	sum = b.ns[BB_STATE_LOCK] + b.ns[BB_STATE_QUEUE];
	bb_fold__budget(&b, ns, &shares, 0, sum);
	assert_int_equal(b.ns[BB_STATE_LOCK], 0);
	assert_int_equal(b.ns[BB_STATE_QUEUE], sum);
	bb_fold__budget(&b, ns, &shares, sum - 5, 5);
	assert_int_equal(b.ns[BB_STATE_LOCK], sum - 5);
}

static void waits_are_joined(void **state)
{
	struct bb_wait a[] = {
		{ .state = BB_STATE_NET, .syscall = 45, .count = 2, .ns = 20, .max_ns = 15 },
		{ .state = BB_STATE_SLEEP, .syscall = 230, .count = 1, .ns = 5 }
	};
	struct bb_wait b[] = {
		{ .state = BB_STATE_NET, .syscall = 45, .count = 3, .ns = 30, .max_ns = 12 },
		{ .state = BB_STATE_NET, .syscall = 43, .count = 1, .ns = 1 }
	};
	struct bb_wait *rows = NULL;
	size_t nr = 0;

	(void)state;
	assert_int_equal(bb_fold__merge_waits(&rows, &nr, a, 2), 0);
	assert_int_equal(bb_fold__merge_waits(&rows, &nr, b, 2), 0);
	bb_fold__sort_waits(rows, nr);
	assert_int_equal(nr, 3);
	assert_int_equal(rows[0].count, 5);
	assert_int_equal(rows[0].ns, 50);
	assert_int_equal(rows[0].max_ns, 15);
	assert_int_equal(rows[2].syscall, 43);
	free(rows);
}

/* One thread that has run @on of @window and slept the rest, in one wait that is open. */
static struct bb_record *reading(uint64_t window, uint64_t on)
{
	struct bb_record *rec = make__record(window, 1);
	struct bb_process *p = &rec->processes[0];
	struct bb_wait w = { .state = BB_STATE_SLEEP,
			     .syscall = 230,
			     .fd = -1,
			     .count = 1,
			     .ns = window - on,
			     .open = true };

	make__process(p, 100, "delta", 1);
	make__thread(&p->threads[0], "delta", window);
	make__in(&p->threads[0], BB_STATE_ONCPU, on);
	make__in(&p->threads[0], BB_STATE_SLEEP, window - on);
	make__wait(p, &p->threads[0], &w);
	p->threads[0].active = true;
	p->threads[0].voluntary = on;
	p->threads[0].migrations = window / SEC;
	p->budget = p->threads[0].budget;
	p->window_ns = window;
	return rec;
}

static void an_interval_is_a_difference(void **state)
{
	struct bb_record *first = reading(4 * SEC, 1 * SEC), *second = reading(6 * SEC, 1 * SEC);
	struct bb_record *part = bb_record__copy(second);
	struct bb_thread *t = &part->processes[0].threads[0];

	(void)state;
	bb_record__subtract(part, first);
	assert_int_equal(part->window.ns, 2 * SEC);
	assert_int_equal(t->window_ns, 2 * SEC);
	assert_int_equal(t->budget.ns[BB_STATE_ONCPU], 0);
	assert_int_equal(t->budget.ns[BB_STATE_SLEEP], 2 * SEC);
	assert_int_equal(bb_thread__residual(t), 0);
	assert_int_equal(t->voluntary, 0);
	assert_int_equal(t->migrations, 2);
	/* it did not run in this interval, whatever it did before */
	assert_false(t->active);
	assert_int_equal(t->nr_waits, 1);
	assert_int_equal(t->waits[0].count, 1);
	/* the readings themselves are as they were */
	assert_int_equal(second->processes[0].threads[0].window_ns, 6 * SEC);
	bb_record__free(part);
	bb_record__free(first);
	bb_record__free(second);
}

/* Rows of two peers become one for several: what they had is taken from that one. */
static void an_interval_of_rows_that_were_joined(void **state)
{
	struct bb_record *first = make__record(4 * SEC, 1), *second = make__record(6 * SEC, 1);
	struct bb_wait w = { .state = BB_STATE_NET, .syscall = 45, .fdkind = BB_FD_INET };
	struct bb_wait *rows;

	(void)state;
	make__process(&first->processes[0], 100, "delta", 1);
	make__process(&second->processes[0], 100, "delta", 1);
	for (uint16_t end = 1; end <= 3; end++) {
		w.end = end;
		w.ns = end * SEC;
		w.count = end;
		make__wait(&first->processes[0], &first->processes[0].threads[0], &w);
	}
	/* 1 and 3 were joined, and 2 goes on by itself */
	w.end = BB_END_SEVERAL;
	w.ns = 4 * SEC + 500 * MS;
	w.count = 6;
	make__wait(&second->processes[0], &second->processes[0].threads[0], &w);
	w.end = 2;
	w.ns = 3 * SEC;
	w.count = 4;
	make__wait(&second->processes[0], &second->processes[0].threads[0], &w);
	bb_record__subtract(second, first);
	rows = second->processes[0].threads[0].waits;
	assert_int_equal(second->processes[0].threads[0].nr_waits, 2);
	assert_int_equal(rows[0].end, BB_END_SEVERAL);
	assert_int_equal(rows[0].ns, 500 * MS);
	assert_int_equal(rows[0].count, 2);
	assert_int_equal(rows[1].end, 2);
	assert_int_equal(rows[1].ns, SEC);
	bb_record__free(first);
	bb_record__free(second);
}

static void a_copy_is_deep(void **state)
{
	struct sample s;

	(void)state;
	for (int id = 0; id < SAMPLE_MAX; id++) {
		struct bb_record *c;

		sample__make(id, &s);
		c = bb_record__copy(s.rec);
		assert_non_null(c);
		assert_int_equal(c->nr_processes, s.rec->nr_processes);
		sample__free(&s); /* ASan sees what the copy still shares */
		for (size_t i = 0; i < c->nr_processes; i++)
			for (size_t j = 0; j < c->processes[i].nr_threads; j++)
				assert_true(c->processes[i].threads[j].tid > 0);
		bb_record__free(c);
	}
}

/* However much is asked for, reading the targets takes 1/32 of a CPU, and so much more at both
 * ends. */
static void allowance_is_bounded(void **state)
{
	static const size_t processes[] = { 1, 3, 1000 };
	const uint64_t s = 1000000000, step = 250000000;

	(void)state;
	for (size_t p = 0; p < 3; p++) {
		struct bb_allowance a;
		int64_t taken = 0, each_most = 0;

		bb_allowance__start(&a, s);
		for (uint64_t t = s; t <= 61 * s; t += step) {
			bool last = t == 61 * s;
			int64_t look = 0;

			bb_allowance__look(&a, t, processes[p], last);
			for (size_t i = 0; i < processes[p]; i++) {
				int64_t one = bb_allowance__grant(&a, 0);

				bb_allowance__take(&a, one);
				assert_in_range(bb_allowance__grant(&a, one), 0, 0);
				look += one;
				each_most = one > each_most && !last ? one : each_most;
			}
			assert_true(last || look <= BB_ALLOWANCE_LOOK);
			taken += look;
		}
		assert_true(taken <=
			    BB_ALLOWANCE_FIRST + (int64_t)(60 * s / 32) + BB_ALLOWANCE_LAST);
		/* a share of it for each, and for each of two purposes */
		assert_true(each_most <= BB_ALLOWANCE_LOOK / 2 / (int64_t)processes[p] ||
			    each_most <= BB_ALLOWANCE_EACH);
	}
}

/* What is not used is there later, up to a limit; what was overdrawn is paid back first. */
static void allowance_is_saved_up(void **state)
{
	const uint64_t s = 1000000000;
	struct bb_allowance a;

	(void)state;
	bb_allowance__start(&a, s);
	bb_allowance__look(&a, 1000 * s, 1, false);
	assert_true(a.credit == BB_ALLOWANCE_MOST && a.left == BB_ALLOWANCE_LOOK);
	bb_allowance__take(&a, BB_ALLOWANCE_MOST + 3 * (int64_t)s / 32);
	bb_allowance__look(&a, 1002 * s, 1, false);
	assert_true(a.left < 0 && bb_allowance__grant(&a, 0) < 0);
	bb_allowance__look(&a, 1004 * s, 1, false);
	assert_in_range(a.left, s / 32 - 10, s / 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locks_and_queues),
		cmocka_unit_test(handed_on_without_a_lock),
		cmocka_unit_test(parked),
		cmocka_unit_test(pauses),
		cmocka_unit_test(numbers),
		cmocka_unit_test(times),
		cmocka_unit_test(governor_of_the_machine),
		cmocka_unit_test(governor_of_the_targets),
		cmocka_unit_test(allowance_is_bounded),
		cmocka_unit_test(allowance_is_saved_up),
		cmocka_unit_test(folding_loses_nothing),
		cmocka_unit_test(waits_are_joined),
		cmocka_unit_test(an_interval_is_a_difference),
		cmocka_unit_test(an_interval_of_rows_that_were_joined),
		cmocka_unit_test(a_copy_is_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
