// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verdict on made-up records: for each bound a case that fires and one alike that must not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../../user/diagnose/facts.h"
#include "../../user/diagnose/rules.h"
#include "../../user/diagnose/verdict.h"
#include "../lib/records.h"

#define WINDOW (10 * SEC)

/* One group of like threads: shares of their window, in percent. */
struct group {
	unsigned int threads;
	unsigned int on, runq, gil, lock, queue;
	enum bb_state wait; /* what the rest is spent in */
	enum bb_endpoint end;
	unsigned int waits; /* number of those waits */
	bool inactive;      /* never ran */
};

struct verdict_case {
	const char *name;
	double cpus;
	unsigned int gil_contended, lock_contended; /* percent of wall time */
	struct group groups[4];
	enum bb_bound bound;
	enum bb_bound not_bound; /* the one alike that it must not be */
};

#define NO_BOUND BB_BOUND_MAX

static const struct verdict_case cases[] = {
	{ "four computing threads under the GIL",
	  2,
	  99,
	  0,
	  { { .threads = 4, .on = 25, .runq = 2, .gil = 73 } },
	  BB_BOUND_GIL_BOUND,
	  NO_BOUND },
	{ "two computing threads under the GIL",
	  8,
	  98,
	  0,
	  { { .threads = 2, .on = 50, .gil = 50 } },
	  BB_BOUND_GIL_BOUND,
	  NO_BOUND },
	{ "the same on one CPU: without the GIL they would queue for it",
	  1,
	  99,
	  0,
	  { { .threads = 4, .on = 25, .gil = 75 } },
	  BB_BOUND_CPU_SATURATED,
	  BB_BOUND_GIL_BOUND },
	{ "one computing thread holds the GIL, nobody waits",
	  2,
	  0,
	  0,
	  { { .threads = 1, .on = 100 } },
	  BB_BOUND_CPU_BOUND,
	  BB_BOUND_GIL_BOUND },
	{ "C code that releases the GIL fills the CPUs",
	  2,
	  3,
	  0,
	  { { .threads = 4, .on = 49, .runq = 50, .gil = 1 } },
	  BB_BOUND_CPU_SATURATED,
	  BB_BOUND_GIL_BOUND },
	{ "requests that sleep, with a little GIL contention",
	  2,
	  2,
	  0,
	  { { .threads = 10, .on = 1, .gil = 1, .wait = BB_STATE_SLEEP, .waits = 33 } },
	  BB_BOUND_IO_BOUND,
	  BB_BOUND_GIL_BOUND },
	{ "a mutex convoy",
	  4,
	  0,
	  95,
	  { { .threads = 4, .on = 25, .lock = 75 } },
	  BB_BOUND_LOCK_BOUND,
	  NO_BOUND },
	{ "an idle pool waits on a futex too",
	  4,
	  0,
	  0,
	  { { .threads = 16, .on = 0, .queue = 100 } },
	  BB_BOUND_IDLE,
	  BB_BOUND_LOCK_BOUND },
	{ "a lock that is hardly contended",
	  4,
	  0,
	  3,
	  { { .threads = 2, .on = 97, .lock = 3 } },
	  BB_BOUND_CPU_BOUND,
	  BB_BOUND_LOCK_BOUND },
	{ "two computing processes' worth of threads on two CPUs",
	  2,
	  0,
	  0,
	  { { .threads = 2, .on = 99, .runq = 1 } },
	  BB_BOUND_CPU_SATURATED,
	  BB_BOUND_CPU_BOUND },
	{ "the same on eight",
	  8,
	  0,
	  0,
	  { { .threads = 2, .on = 99, .runq = 1 } },
	  BB_BOUND_CPU_BOUND,
	  BB_BOUND_CPU_SATURATED },
	{ "starved by a neighbour",
	  2,
	  0,
	  0,
	  { { .threads = 1, .on = 30, .runq = 70 } },
	  BB_BOUND_CPU_SATURATED,
	  BB_BOUND_CPU_BOUND },
	{ "waits for its database",
	  2,
	  0,
	  0,
	  { { .threads = 1, .on = 5, .wait = BB_STATE_NET, .end = BB_END_OUTBOUND, .waits = 100 } },
	  BB_BOUND_IO_BOUND,
	  BB_BOUND_IDLE },
	{ "a server waits for clients",
	  2,
	  0,
	  0,
	  { { .threads = 1, .on = 1, .wait = BB_STATE_NET, .end = BB_END_INBOUND, .waits = 100 } },
	  BB_BOUND_IDLE,
	  BB_BOUND_IO_BOUND },
	{ "an event loop waits for clients",
	  2,
	  0,
	  0,
	  { { .threads = 1, .on = 2, .wait = BB_STATE_POLL, .end = BB_END_INBOUND, .waits = 500 } },
	  BB_BOUND_IDLE,
	  BB_BOUND_IO_BOUND },
	{ "an event loop waits for a server",
	  2,
	  0,
	  0,
	  { { .threads = 1,
	      .on = 2,
	      .wait = BB_STATE_POLL,
	      .end = BB_END_OUTBOUND,
	      .waits = 500 } },
	  BB_BOUND_IO_BOUND,
	  BB_BOUND_IDLE },
	{ "writes and syncs",
	  2,
	  0,
	  0,
	  { { .threads = 4, .on = 10, .wait = BB_STATE_DISK, .waits = 1000 } },
	  BB_BOUND_IO_BOUND,
	  BB_BOUND_IDLE },
	{ "a runtime's monitor naps beside two threads that compute",
	  2,
	  0,
	  0,
	  { { .threads = 2, .on = 99, .runq = 1 },
	    { .threads = 1, .on = 0, .wait = BB_STATE_SLEEP, .waits = 9000 } },
	  BB_BOUND_CPU_SATURATED,
	  BB_BOUND_MIXED },
	{ "an event loop that wakes up for nothing five times a second",
	  2,
	  0,
	  0,
	  { { .threads = 1, .on = 0, .wait = BB_STATE_POLL, .end = BB_END_NONE, .waits = 50 } },
	  BB_BOUND_IDLE,
	  BB_BOUND_IO_BOUND },
	{ "waits for the lock of somebody who never lets go",
	  2,
	  0,
	  0,
	  { { .threads = 2, .lock = 100, .inactive = true } },
	  BB_BOUND_IDLE,
	  BB_BOUND_LOCK_BOUND },
	{ "four threads that write and sync, each at its own pace",
	  2,
	  0,
	  0,
	  { { .threads = 4, .on = 16, .runq = 4, .wait = BB_STATE_DISK, .waits = 1000 } },
	  BB_BOUND_IO_BOUND,
	  BB_BOUND_MIXED },
	{ "one computes, ten wait for a server",
	  4,
	  0,
	  0,
	  { { .threads = 1, .on = 100 },
	    { .threads = 10, .on = 2, .wait = BB_STATE_NET, .end = BB_END_OUTBOUND, .waits = 99 } },
	  BB_BOUND_MIXED,
	  BB_BOUND_IO_BOUND },
	{ "sleeps a second at a time, as daemons do",
	  2,
	  0,
	  0,
	  { { .threads = 1, .on = 0, .wait = BB_STATE_SLEEP, .waits = 10 } },
	  BB_BOUND_IDLE,
	  BB_BOUND_IO_BOUND },
	{ "never ran",
	  2,
	  0,
	  0,
	  { { .threads = 3, .wait = BB_STATE_SLEEP, .waits = 1, .inactive = true } },
	  BB_BOUND_IDLE,
	  BB_BOUND_UNKNOWN },
	{ "a thousand sleepers do not outvote the one that works",
	  4,
	  0,
	  0,
	  { { .threads = 1, .on = 100 },
	    { .threads = 1000, .wait = BB_STATE_SLEEP, .waits = 1, .inactive = true } },
	  BB_BOUND_CPU_BOUND,
	  BB_BOUND_IDLE },
	{ "half the time the disk, half computing",
	  8,
	  0,
	  0,
	  { { .threads = 1, .on = 50, .wait = BB_STATE_DISK, .waits = 100 } },
	  BB_BOUND_MIXED,
	  NO_BOUND },
	{ "ten that sleep for a third of a second at a time, on a busy machine",
	  2,
	  0,
	  0,
	  { { .threads = 10, .on = 0, .runq = 1, .wait = BB_STATE_SLEEP, .waits = 33 } },
	  BB_BOUND_IO_BOUND,
	  BB_BOUND_IDLE },
	{ "the same beside one that works a little",
	  2,
	  0,
	  0,
	  { { .threads = 10, .on = 0, .runq = 1, .wait = BB_STATE_SLEEP, .waits = 33 },
	    { .threads = 1, .on = 10, .queue = 90 } },
	  BB_BOUND_IDLE,
	  BB_BOUND_IO_BOUND },
	{ "blocked for a cause that nobody knows",
	  2,
	  0,
	  0,
	  { { .threads = 2, .on = 5, .wait = BB_STATE_UNKNOWN, .waits = 10 } },
	  BB_BOUND_UNKNOWN,
	  BB_BOUND_IDLE },
};

static void fill(struct bb_process *p, const struct verdict_case *c)
{
	size_t nr = 0, at = 0;

	for (size_t g = 0; g < 4; g++)
		nr += c->groups[g].threads;
	make__process(p, 100, "case", nr);
	p->cpus_usable = c->cpus;
	for (size_t g = 0; g < 4; g++) {
		const struct group *k = &c->groups[g];

		for (unsigned int i = 0; i < k->threads; i++) {
			struct bb_thread *t = &p->threads[at++];
			unsigned int rest = 100 - k->on - k->runq - k->gil - k->lock - k->queue;
			struct bb_wait w = { .state = k->wait,
					     .syscall = 1,
					     .fd = -1,
					     .endpoint = (int)k->end,
					     .count = k->waits,
					     .ns = WINDOW / 100 * rest };

			make__thread(t, "case", WINDOW);
			make__in(t, BB_STATE_ONCPU,
				 WINDOW / 100 * k->on + (!k->on && !k->inactive));
			make__in(t, BB_STATE_RUNQ, WINDOW / 100 * k->runq);
			make__in(t, BB_STATE_GIL, WINDOW / 100 * k->gil);
			make__in(t, BB_STATE_LOCK, WINDOW / 100 * k->lock);
			make__in(t, BB_STATE_QUEUE, WINDOW / 100 * k->queue - (k->queue == 100));
			if (k->waits && k->wait != BB_STATE_UNKNOWN) {
				make__in(t, k->wait, t->budget.ns[BB_STATE_UNKNOWN]);
				make__wait(p, t, &w);
			}
			t->active = !k->inactive;
			p->window_ns += t->window_ns;
			bb_budget__add(&p->budget, &t->budget);
		}
	}
	if (c->gil_contended) {
		p->gils = calloc(1, sizeof(*p->gils));
		p->nr_gils = 1;
		p->gils[0].contended_ns = WINDOW / 100 * c->gil_contended;
		p->runtime.gil = BB_GIL_ENABLED;
	}
	if (c->lock_contended) {
		p->locks = calloc(1, sizeof(*p->locks));
		p->nr_locks = 1;
		p->locks[0].state = BB_STATE_LOCK;
		p->locks[0].contended_ns = WINDOW / 100 * c->lock_contended;
	}
}

static struct bb_verdict judge(const struct verdict_case *c, uint64_t window,
			       void (*change)(struct bb_record *rec))
{
	struct bb_record *rec = make__record(window, 1);
	struct bb_diagnosis diag;
	struct bb_verdict v;

	fill(&rec->processes[0], c);
	if (change)
		change(rec);
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.nr_processes, 1);
	assert_false(diag.has_tree);
	v = diag.processes[0];
	bb_diagnosis__free(&diag);
	bb_record__free(rec);
	return v;
}

static void each_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bb_verdict v = judge(&cases[i], WINDOW, NULL);
		double sum = 0;

		for (int b = 0; b < BB_BOUND_MAX; b++)
			sum += v.components[b];
		if (v.bound != cases[i].bound || v.bound == cases[i].not_bound)
			fail_msg("%s: expected %s, got %s (%.2f): %s", cases[i].name,
				 bb_bound__name(cases[i].bound), bb_bound__name(v.bound),
				 v.confidence, v.summary);
		if (fabs(sum - 1) > 1e-9)
			fail_msg("%s: components add up to %f", cases[i].name, sum);
		assert_true(v.confidence >= 0 && v.confidence <= 1);
		assert_true(v.nr_evidence > 0);
		assert_true(v.summary[0] && v.runner_up != v.bound);
	}
}

/* Short bursts of many threads: they use up a quota, which beside that is hardly used. */
static const struct verdict_case bursts = {
	.cpus = 4,
	.groups = { { .threads = 4, .on = 20, .runq = 40, .queue = 40 } },
};

/* The machine is idle, and of the time in run queues @share was throttled. */
static void throttle(struct bb_record *rec, double share)
{
	struct bb_process *p = &rec->processes[0];

	rec->host.busy_share = 0.1;
	for (size_t i = 0; i < p->nr_threads; i++) {
		struct bb_budget *b = &p->threads[i].budget;

		b->runq_throttled_ns = (uint64_t)((double)b->ns[BB_STATE_RUNQ] * share);
		b->runq_preempted_ns = b->ns[BB_STATE_RUNQ] - b->runq_throttled_ns;
		b->runq_woken_ns = 0;
	}
}

static void throttle_all(struct bb_record *rec)
{
	throttle(rec, 1);
}

static void throttle_some(struct bb_record *rec)
{
	throttle(rec, 0.1);
}

static void throttle_none(struct bb_record *rec)
{
	throttle(rec, 0);
}

static const struct bb_evidence *quota_evidence(const struct bb_verdict *v)
{
	for (size_t i = 0; i < v->nr_evidence; i++)
		if (strstr(v->evidence[i].fact, "quota"))
			return &v->evidence[i];
	return NULL;
}

/* Of the demand, 20 % running and 40 % queueing, two thirds are lost to the quota. */
static void lost_to_the_quota(void **state)
{
	struct bb_verdict v = judge(&bursts, WINDOW, throttle_all);
	const struct bb_evidence *e = quota_evidence(&v);

	(void)state;
	assert_int_equal(v.bound, BB_BOUND_CPU_SATURATED);
	assert_non_null(e);
	assert_true(fabs(e->value - 2.0 / 3) < 1e-6);
	assert_true(e->threshold == bb_rule(BB_R_STARVED_FROM));
	assert_string_equal(e->unit, "share");
	assert_string_equal(e->rule, "starved-from");
	assert_non_null(strstr(v.summary, "quota holds back 67% of its demand"));
	/* with more quota it would run at once */
	assert_true(v.components[BB_BOUND_CPU_BOUND] == 0);
}

/* The same, but others had the CPUs; and with a quota that takes a fifteenth. */
static void not_lost_to_the_quota(void **state)
{
	struct bb_verdict v = judge(&bursts, WINDOW, throttle_none);

	(void)state;
	assert_null(quota_evidence(&v));
	assert_null(strstr(v.summary, "quota"));
	assert_true(v.components[BB_BOUND_CPU_BOUND] > 0);
	v = judge(&bursts, WINDOW, throttle_some);
	assert_null(quota_evidence(&v));
	assert_null(strstr(v.summary, "quota"));
	assert_true(v.components[BB_BOUND_CPU_BOUND] > 0);
}

static void lose_threads(struct bb_record *rec)
{
	rec->drops[BB_DROP_THREADS_FULL] = 7;
}

static void losses_lower_confidence(void **state)
{
	struct bb_verdict whole = judge(&cases[0], WINDOW, NULL);
	struct bb_verdict lossy = judge(&cases[0], WINDOW, lose_threads);

	(void)state;
	assert_true(lossy.confidence < whole.confidence * 0.7);
	assert_int_equal(lossy.bound, whole.bound);
}

/* A bound is the surer the further it leads; that two are mixed, the less one of them leads. */
static void confidence_by_lead(void **state)
{
	static const struct verdict_case parts[] = {
		{ .cpus = 8,
		  .groups = { { .threads = 1, .on = 80, .wait = BB_STATE_DISK, .waits = 100 } },
		  .bound = BB_BOUND_CPU_BOUND },
		{ .cpus = 8,
		  .groups = { { .threads = 1, .on = 65, .wait = BB_STATE_DISK, .waits = 100 } },
		  .bound = BB_BOUND_CPU_BOUND },
		{ .cpus = 8,
		  .groups = { { .threads = 1, .on = 58, .wait = BB_STATE_DISK, .waits = 100 } },
		  .bound = BB_BOUND_MIXED },
		{ .cpus = 8,
		  .groups = { { .threads = 1, .on = 50, .wait = BB_STATE_DISK, .waits = 100 } },
		  .bound = BB_BOUND_MIXED },
	};
	double doubt = bb_rule(BB_R_LEAD_DOUBT), lead;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct bb_verdict v = judge(&parts[i], WINDOW, NULL);

		assert_int_equal(v.bound, parts[i].bound);
		lead = fabs(v.components[BB_BOUND_CPU_BOUND] - v.components[BB_BOUND_IO_BOUND]);
		if (v.bound != BB_BOUND_MIXED)
			lead = 1 - lead;
		assert_true(fabs(v.confidence - (1 - doubt * lead)) < 1e-9);
	}
}

static void losses_are_incomplete(void **state)
{
	struct bb_record *rec = make__record(WINDOW, 1);
	struct bb_diagnosis diag;

	(void)state;
	fill(&rec->processes[0], &cases[0]);
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_false(diag.incomplete);
	bb_diagnosis__free(&diag);
	lose_threads(rec);
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_true(diag.incomplete);
	bb_diagnosis__free(&diag);
	bb_record__free(rec);
}

static void shrink(struct bb_record *rec)
{
	rec->processes[0].threads[0].window_ns = 50 * MS;
	rec->processes[0].nr_threads = 1;
}

static void too_short_a_window(void **state)
{
	static const struct verdict_case one = {
		"", 2, 0, 0, { { .threads = 1, .on = 100 } }, BB_BOUND_CPU_BOUND, NO_BOUND
	};
	struct bb_verdict v = judge(&one, 50 * MS, shrink);

	(void)state;
	assert_int_equal(v.bound, BB_BOUND_UNKNOWN);
	assert_non_null(strstr(v.summary, "too short"));
}

static void a_tree_is_judged_as_one(void **state)
{
	static const struct verdict_case half = {
		"", 2, 0, 0, { { .threads = 1, .on = 99 } }, BB_BOUND_CPU_BOUND, NO_BOUND
	};
	struct bb_record *rec = make__record(WINDOW, 2);
	struct bb_diagnosis diag;

	(void)state;
	fill(&rec->processes[0], &half);
	fill(&rec->processes[1], &half);
	rec->processes[1].pid = 200;
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_true(diag.has_tree);
	/* each alone leaves a CPU free, together they fill both */
	assert_int_equal(diag.tree.bound, BB_BOUND_CPU_SATURATED);
	assert_int_equal(diag.processes[0].bound, BB_BOUND_CPU_SATURATED);
	bb_diagnosis__free(&diag);
	bb_record__free(rec);
}

static void an_empty_record(void **state)
{
	struct bb_record *rec = make__record(WINDOW, 0);
	struct bb_diagnosis diag;

	(void)state;
	assert_int_equal(bb_diagnose(rec, &diag), 0);
	assert_int_equal(diag.nr_processes, 0);
	bb_diagnosis__free(&diag);
	bb_record__free(rec);
}

static void idle_waits(void **state)
{
	const struct {
		struct bb_wait w;
		bool idle;
	} waits[] = {
		{ { .state = BB_STATE_DISK, .count = 1, .ns = 10 * SEC }, false },
		{ { .state = BB_STATE_CHILD, .count = 1, .ns = 10 * SEC }, false },
		{ { .state = BB_STATE_NET, .fdkind = BB_FD_INET_LISTEN, .count = 99, .ns = SEC },
		  true },
		{ { .state = BB_STATE_NET,
		    .endpoint = BB_END_OUTBOUND,
		    .count = 1,
		    .ns = 10 * SEC },
		  false },
		{ { .state = BB_STATE_POLL, .endpoint = BB_END_NONE, .count = 20, .ns = 6 * SEC },
		  false },
		{ { .state = BB_STATE_POLL, .endpoint = BB_END_NONE, .count = 2, .ns = 6 * SEC },
		  true },
		{ { .state = BB_STATE_IPC, .fdkind = BB_FD_TTY, .count = 99, .ns = SEC }, true },
		{ { .state = BB_STATE_IPC, .fdkind = BB_FD_PIPE, .count = 99, .ns = SEC }, false },
		{ { .state = BB_STATE_IPC, .endpoint = BB_END_INBOUND, .count = 99, .ns = SEC },
		  true },
		{ { .state = BB_STATE_IPC, .endpoint = BB_END_OUTBOUND, .count = 99, .ns = SEC },
		  false },
		/* a bus that says nothing, and a database by a unix socket */
		{ { .state = BB_STATE_POLL,
		    .endpoint = BB_END_OUTBOUND,
		    .local = true,
		    .count = 1,
		    .ns = 10 * SEC },
		  true },
		{ { .state = BB_STATE_POLL,
		    .endpoint = BB_END_OUTBOUND,
		    .local = true,
		    .count = 99,
		    .ns = SEC },
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		if (bb_facts__is_idle(&waits[i].w) != waits[i].idle)
			fail_msg("wait %zu: expected %s", i, waits[i].idle ? "idle" : "not idle");
}

/* The value of the evidence that names a rule; NaN: there is none. */
static double evidence(const struct bb_verdict *v, const char *rule)
{
	for (size_t i = 0; i < v->nr_evidence; i++)
		if (!strcmp(v->evidence[i].rule, rule))
			return v->evidence[i].value;
	return NAN;
}

/* CPU time that goes into waiting is told, and else not. Two CPUs are full, for a window of 10 s.
 */
static void spinning_is_told(void **state)
{
	static const struct verdict_case full = {
		"", 2, 0, 0, { { .threads = 2, .on = 100 } }, BB_BOUND_CPU_SATURATED, NO_BOUND
	};
	const struct {
		const char *what;
		uint64_t traced, yields, yield_ns, futexes, waits, wait_ns;
		double spins, vain, naps; /* NaN: not told */
	} t[] = {
		{ "computes", WINDOW, 0, 0, 0, 0, 0, NAN, NAN, NAN },
		{ "spins by sched_yield()", SEC / 100, 6000, 6000 * 800, 0, 0, 0, 0.24, NAN, NAN },
		{ "gives the CPU to others", WINDOW, 3000, WINDOW, 0, 0, 0, NAN, NAN, NAN },
		{ "yields, and nobody looked", 0, 6000, 6000 * 800, 0, 0, 0, NAN, NAN, NAN },
		{ "wakes nobody", SEC, 0, 0, 90000, 0, 0, NAN, 45000, NAN },
		{ "wakes sleepers", WINDOW, 0, 0, 900000, 300000, 300 * SEC, NAN, NAN, NAN },
		{ "sleeps for moments", WINDOW, 0, 0, 0, 300000, 3 * SEC, NAN, NAN, 15000 },
		{ "sleeps for moments, seldom", WINDOW, 0, 0, 0, 30000, SEC / 10, NAN, NAN, NAN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bb_syscall calls[] = {
			{ .nr = SYS_sched_yield, .count = t[i].yields, .ns = t[i].yield_ns },
			/* wakes and waits have rows of their own */
			{ .nr = SYS_futex, .count = t[i].futexes / 3 },
			{ .nr = SYS_futex, .count = t[i].futexes - t[i].futexes / 3 },
		};
		struct bb_lock word = { .state = BB_STATE_QUEUE,
					.waits = t[i].waits,
					.wait_ns = t[i].wait_ns };
		struct bb_record *rec = make__record(WINDOW, 1);
		struct bb_process *p = &rec->processes[0];
		const struct bb_verdict *v;
		struct bb_diagnosis diag;

		fill(p, &full);
		rec->overhead.syscall_window_ns = t[i].traced;
		p->syscalls = calloc(3, sizeof(*p->syscalls));
		p->locks = calloc(1, sizeof(*p->locks));
		assert_non_null(p->syscalls);
		assert_non_null(p->locks);
		memcpy(p->syscalls, calls, sizeof(calls));
		p->locks[0] = word;
		p->nr_syscalls = 3;
		p->nr_locks = 1;
		assert_int_equal(bb_diagnose(rec, &diag), 0);
		v = &diag.processes[0];
		assert_int_equal(v->bound, BB_BOUND_CPU_SATURATED);
#define SAME(a, b) ((isnan(a) && isnan(b)) || fabs((a) - (b)) <= 0.001 * fabs(b))
		if (!SAME(evidence(v, "spins"), t[i].spins) ||
		    !SAME(evidence(v, "vain-calls"), t[i].vain) ||
		    !SAME(evidence(v, "short-waits"), t[i].naps))
			fail_msg("%s: spins %g vain-calls %g short-waits %g", t[i].what,
				 evidence(v, "spins"), evidence(v, "vain-calls"),
				 evidence(v, "short-waits"));
		bb_diagnosis__free(&diag);
		bb_record__free(rec);
	}
}

/* What rounding leaves of nothing is not less than that. */
static void amounts_are_never_negative(void **state)
{
	struct bb_facts f = { .window_ns = 1e9,
			      .cpus = 4,
			      .threads = 4,
			      .active = 4,
			      .on = 0.7,
			      .runq = 0.3,
			      .gil = 2,
			      .gil_share = 0.7,
			      .lock_share = 0.1,
			      .lock = 0.1,
			      .behind_gil = 0.3 * (1 + 1e-15),
			      .host_busy = 0.5 };
	struct bb_amounts a;

	(void)state;
	for (int i = 0; i < 100; i++) {
		f.gil_share = 0.5 + i / 300.0;
		f.lock_share = (i % 7) / 10.0 + 0.1;
		bb_amounts__of(&a, &f, 0.2);
		for (int b = 0; b < BB_BOUND_MAX; b++)
			assert_true(a.of[b] >= 0);
	}
}

/* From a tenth of a thread on, with the function that waits most. */
static void locks_of_the_kernel_are_told(void **state)
{
	static const struct verdict_case full = {
		"", 2, 0, 0, { { .threads = 2, .on = 100 } }, BB_BOUND_CPU_SATURATED, NO_BOUND
	};
	const uint64_t waited[] = { 0, WINDOW / 20, WINDOW };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bb_record *rec = make__record(WINDOW, 1);
		struct bb_process *p = &rec->processes[0];
		const struct bb_verdict *v;
		struct bb_diagnosis diag;
		bool told = false;

		fill(p, &full);
		p->klocks = calloc(1, sizeof(*p->klocks));
		assert_non_null(p->klocks);
		p->nr_klocks = 1;
		p->klocks[0].ns = waited[i];
		strcpy(p->klocks[0].function, "fdget_pos");
		assert_int_equal(bb_diagnose(rec, &diag), 0);
		v = &diag.processes[0];
		assert_int_equal(v->bound, BB_BOUND_CPU_SATURATED);
		for (size_t j = 0; j < v->nr_evidence; j++)
			told |= strstr(v->evidence[j].fact, "mostly in fdget_pos()") != NULL;
		assert_int_equal(told, i == 2);
		assert_true(i == 2 ? evidence(v, "kernel-lock") == 1
				   : isnan(evidence(v, "kernel-lock")));
		bb_diagnosis__free(&diag);
		bb_record__free(rec);
	}
}

/* Go's scheduler naps, which is nothing to wait for; what sleeps for longer is the program's. */
static void naps_of_go(void **state)
{
	(void)state;
	for (uint64_t long_ns = 5 * MS; long_ns <= 20 * MS; long_ns += 15 * MS) {
		struct verdict_case sleeper = {
			"",
			2,
			0,
			0,
			{ { .threads = 2,
			    .on = 2,
			    .wait = BB_STATE_SLEEP,
			    .waits = (unsigned int)(WINDOW / 100 * 98 / long_ns) } },
			BB_BOUND_IDLE,
			NO_BOUND
		};
		struct bb_record *rec = make__record(WINDOW, 1);
		struct bb_diagnosis diag;

		fill(&rec->processes[0], &sleeper);
		strcpy(rec->processes[0].runtime.name, "go");
		assert_int_equal(bb_diagnose(rec, &diag), 0);
		assert_int_equal(diag.processes[0].bound,
				 long_ns > 11 * MS ? BB_BOUND_IO_BOUND : BB_BOUND_IDLE);
		bb_diagnosis__free(&diag);
		bb_record__free(rec);
	}
}

static void fill_machine(struct bb_record *rec)
{
	rec->host.busy_share = 1;
}

/*
 * A lock is handed round while a neighbour has a CPU: what queues for the CPU queues in front of
 * the lock. With a lock that is waited for now and then it is the CPUs that it lacks.
 */
static void locks_beside_a_neighbour(void **state)
{
	static const struct verdict_case convoy = {
		.cpus = 2,
		.lock_contended = 60,
		.groups = { { .threads = 4, .on = 25, .runq = 50, .lock = 25 } },
	};
	static const struct verdict_case starved = {
		.cpus = 2,
		.lock_contended = 25,
		.groups = { { .threads = 8, .on = 12, .runq = 84, .lock = 4 } },
	};

	(void)state;
	assert_int_equal(judge(&convoy, WINDOW, fill_machine).bound, BB_BOUND_LOCK_BOUND);
	assert_int_equal(judge(&starved, WINDOW, fill_machine).bound, BB_BOUND_CPU_SATURATED);
}

static void run_with_the_gil(struct bb_record *rec)
{
	fill_machine(rec);
	for (size_t i = 0; i < rec->processes[0].nr_threads; i++)
		rec->processes[0].threads[i].gil_samples = 20;
}

static void run_without_the_gil(struct bb_record *rec)
{
	fill_machine(rec);
	for (size_t i = 0; i < rec->processes[0].nr_threads; i++)
		rec->processes[0].threads[i].gil_free_samples = 20;
}

/* What queues for a CPU and needs the GIL on it would wait for the GIL: more CPUs are no use. */
static void gil_beside_a_neighbour(void **state)
{
	static const struct verdict_case threads = {
		.cpus = 2,
		.gil_contended = 10,
		.groups = { { .threads = 4, .on = 25, .runq = 70, .gil = 5 } },
	};
	static const struct verdict_case unheard_of = {
		.cpus = 2,
		.gil_contended = 1,
		.groups = { { .threads = 4, .on = 25, .runq = 75 } },
	};
	static const struct verdict_case alone = {
		.cpus = 2,
		.gil_contended = 10,
		.groups = { { .threads = 1, .on = 40, .runq = 60 } },
	};

	(void)state;
	assert_int_equal(judge(&threads, WINDOW, run_with_the_gil).bound, BB_BOUND_GIL_BOUND);
	assert_int_equal(judge(&threads, WINDOW, run_without_the_gil).bound,
			 BB_BOUND_CPU_SATURATED);
	assert_int_equal(judge(&threads, WINDOW, fill_machine).bound, BB_BOUND_CPU_SATURATED);
	assert_int_equal(judge(&unheard_of, WINDOW, run_with_the_gil).bound,
			 BB_BOUND_CPU_SATURATED);
	assert_int_equal(judge(&alone, WINDOW, run_with_the_gil).bound, BB_BOUND_CPU_SATURATED);
}

static void be_go(struct bb_record *rec)
{
	strcpy(rec->processes[0].runtime.name, "go");
}

/* Beside work, Go's poll for timers is housekeeping, whichever thread happens to do it. */
static void timers_of_go(void **state)
{
	static const struct verdict_case works = {
		.cpus = 4,
		.groups = { { .threads = 2,
			      .on = 50,
			      .wait = BB_STATE_POLL,
			      .end = BB_END_NONE,
			      .waits = 100 } },
	};
	static const struct verdict_case sleeps = {
		.cpus = 4,
		.groups = { { .threads = 2,
			      .on = 2,
			      .wait = BB_STATE_POLL,
			      .end = BB_END_NONE,
			      .waits = 100 } },
	};
	static const struct verdict_case asks = {
		.cpus = 4,
		.groups = { { .threads = 2,
			      .on = 50,
			      .wait = BB_STATE_POLL,
			      .end = BB_END_OUTBOUND,
			      .waits = 100 } },
	};

	(void)state;
	assert_int_equal(judge(&works, WINDOW, be_go).bound, BB_BOUND_CPU_BOUND);
	assert_int_equal(judge(&works, WINDOW, NULL).bound, BB_BOUND_MIXED);
	assert_int_equal(judge(&sleeps, WINDOW, be_go).bound, BB_BOUND_IO_BOUND);
	assert_int_equal(judge(&asks, WINDOW, be_go).bound, BB_BOUND_MIXED);
}

/* Those that wait for timers run for so much of the window. */
static void run_little(struct bb_record *rec, unsigned int per_mille)
{
	struct bb_process *p = rec->processes;

	for (size_t i = 0; i < p->nr_threads; i++) {
		struct bb_thread *t = &p->threads[i];
		uint64_t ns = WINDOW / 1000 * per_mille;

		if (!t->nr_waits || t->waits->state != BB_STATE_SLEEP)
			continue;
		t->active = true;
		t->budget.ns[BB_STATE_ONCPU] += ns;
		t->budget.ns[BB_STATE_SLEEP] -= ns;
		t->waits->ns -= ns;
		p->budget.ns[BB_STATE_ONCPU] += ns;
		p->budget.ns[BB_STATE_SLEEP] -= ns;
	}
}

static void run_for_two_per_mille(struct bb_record *rec)
{
	run_little(rec, 2);
}

static void run_for_six_per_mille(struct bb_record *rec)
{
	run_little(rec, 6);
}

/* Forty threads of a server, none of which runs for a hundredth of its time, are what it does. */
static void timers_that_are_the_work(void **state)
{
	static const struct verdict_case server = {
		.cpus = 2,
		.groups = { { .threads = 1,
			      .on = 50,
			      .wait = BB_STATE_POLL,
			      .end = BB_END_INBOUND,
			      .waits = 5000 },
			    { .threads = 40, .wait = BB_STATE_SLEEP, .waits = 200 } },
	};
	static const struct verdict_case client = {
		.cpus = 2,
		.groups = { { .threads = 1,
			      .on = 1,
			      .wait = BB_STATE_NET,
			      .end = BB_END_OUTBOUND,
			      .waits = 500 },
			    { .threads = 1, .wait = BB_STATE_SLEEP, .waits = 100 } },
	};
	static const struct verdict_case beat = {
		.cpus = 2,
		.groups = { { .threads = 1,
			      .on = 50,
			      .wait = BB_STATE_POLL,
			      .end = BB_END_INBOUND,
			      .waits = 5000 },
			    { .threads = 1, .wait = BB_STATE_SLEEP, .waits = 100 } },
	};
	struct bb_verdict v;

	(void)state;
	/* a third of all CPU time, a seventh */
	assert_int_equal(judge(&server, WINDOW, run_for_six_per_mille).bound, BB_BOUND_IO_BOUND);
	v = judge(&server, WINDOW, run_for_two_per_mille);
	assert_int_equal(v.bound, BB_BOUND_IO_BOUND);
	assert_non_null(strstr(v.summary, "39.9 threads"));
	/* a half of it, but beside a thread that waits for its database all the time */
	v = judge(&client, WINDOW, run_for_six_per_mille);
	assert_non_null(strstr(v.summary, "1.0 threads"));
	/* a hundredth */
	v = judge(&beat, WINDOW, run_for_six_per_mille);
	assert_true(v.components[BB_BOUND_IO_BOUND] == 0);
	assert_true(v.components[BB_BOUND_CPU_BOUND] > 0.4);
}

static void every_rule_has_words(void **state)
{
	(void)state;
	for (int r = 0; r < BB_R_MAX; r++) {
		assert_non_null(bb_rules[r].name);
		assert_true(bb_rules[r].value > 0);
		assert_true(strlen(bb_rules[r].text) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		cmocka_unit_test(lost_to_the_quota),
		cmocka_unit_test(not_lost_to_the_quota),
		cmocka_unit_test(losses_lower_confidence),
		cmocka_unit_test(confidence_by_lead),
		cmocka_unit_test(losses_are_incomplete),
		cmocka_unit_test(too_short_a_window),
		cmocka_unit_test(a_tree_is_judged_as_one),
		cmocka_unit_test(an_empty_record),
		cmocka_unit_test(idle_waits),
		cmocka_unit_test(spinning_is_told),
		cmocka_unit_test(amounts_are_never_negative),
		cmocka_unit_test(locks_of_the_kernel_are_told),
		cmocka_unit_test(naps_of_go),
		cmocka_unit_test(locks_beside_a_neighbour),
		cmocka_unit_test(gil_beside_a_neighbour),
		cmocka_unit_test(timers_of_go),
		cmocka_unit_test(timers_that_are_the_work),
		cmocka_unit_test(every_rule_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
