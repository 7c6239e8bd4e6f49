// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is advised, and what must not be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/diagnose/advice.h"
#include "../lib/records.h"

struct made {
	struct bb_record *rec;
	struct bb_verdict v;
	struct bb_reason r;
	struct bb_findings found;
	struct bb_advices out;
	const struct bb_phases *phases;
	const struct bb_what_ifs *what_ifs;
};

static void begin(struct made *m, const char *runtime, enum bb_bound bound, double confidence,
		  double cpus)
{
	memset(m, 0, sizeof(*m));
	m->rec = make__record(10 * SEC, 1);
	m->rec->host.cpus_online = 8;
	make__process(m->rec->processes, 4242, "work", 1);
	strcpy(m->rec->processes->runtime.name, runtime);
	m->rec->processes->rss_bytes = 30 << 20;
	m->v.bound = bound;
	m->v.confidence = m->v.by_lead = confidence;
	strcpy(m->v.summary, "So it is.");
	m->r.facts.cpus = cpus;
	m->r.facts.window_ns = 10e9;
	m->r.facts.on = 1;
}

static const struct bb_advice *advise(struct made *m, bool tree)
{
	bb_advice__of(&m->out, &(struct bb_advised){ .rec = m->rec,
						     .p = tree ? NULL : m->rec->processes,
						     .v = &m->v,
						     .reason = &m->r,
						     .findings = &m->found,
						     .phases = m->phases,
						     .what_ifs = m->what_ifs });
	return m->out.items;
}

static bool has(const struct made *m, enum bb_advice_id id)
{
	for (size_t i = 0; i < m->out.nr; i++)
		if (m->out.items[i].id == id)
			return true;
	return false;
}

static void end(struct made *m)
{
	bb_findings__free(&m->found);
	bb_record__free(m->rec);
}

/* Of a third of the window, unless it is said otherwise. */
static void find_for(struct made *m, enum bb_finding_id id, uint64_t ns)
{
	struct bb_finding f = { .id = id, .syscall = -1, .ns = ns, .value = (double)ns / 10e9 };

	assert_int_equal(bb_findings__add(&m->found, m->rec, &f), 0);
}

static void find(struct made *m, enum bb_finding_id id)
{
	find_for(m, id, 10 * SEC / 3);
}

static void little_findings_come_last(void **state)
{
	struct made m;

	(void)state;
	begin(&m, "cpython", BB_BOUND_GIL_BOUND, 0.97, 2);
	m.r.facts.gil = 2.8;
	find_for(&m, BB_FINDING_GIL_HELD_WHILE_BLOCKING, SEC / 5);
	find_for(&m, BB_FINDING_BLOCKING_CALL_IN_LOOP, SEC / 5);
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_PROCESSES);
	assert_int_equal(m.out.nr, 4);
	assert_int_equal(m.out.items[3].id, BB_ADVICE_OFF_THE_LOOP);
	/* unless they are most of it; each advice once */
	find_for(&m, BB_FINDING_GIL_HELD_WHILE_BLOCKING, 3 * SEC);
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_RELEASE_GIL);
	assert_int_equal(m.out.nr, 4);
	end(&m);
}

static void processes_for_the_gil(void **state)
{
	const struct bb_advice *a;
	struct made m;

	(void)state;
	begin(&m, "cpython", BB_BOUND_GIL_BOUND, 0.97, 2);
	m.r.facts.gil = 2.8;
	m.r.facts.gil_share = 0.99;
	/* one computes, and delays others: nothing is faster without it */
	a = advise(&m, false);
	assert_int_equal(a->id, BB_ADVICE_PROCESSES);
	assert_true(isnan(a->gain_most) && !a->gain[0]);
	find(&m, BB_FINDING_THREADS_FOR_CPU);
	a = advise(&m, false);
	assert_int_equal(a->id, BB_ADVICE_PROCESSES);
	assert_int_equal(m.out.items[1].id, BB_ADVICE_FREE_THREADED);
	/* two CPUs, one in use */
	assert_true(a->gain_most > 1.99 && a->gain_most < 2.01);
	assert_non_null(strstr(a->gain, "at most 2 times as fast"));
	assert_non_null(strstr(a->because, "99% of the time, 2.8 threads"));
	assert_non_null(strstr(a->cost, "30.0 MiB"));
	assert_string_equal(a->check, "boundby -d 10 -C -p 4242");
	/* no more than want to run */
	m.r.facts.cpus = 64;
	a = advise(&m, false);
	assert_true(a->gain_most > 3.79 && a->gain_most < 3.81);
	end(&m);
}

static void one_cpu_has_no_use_for_processes(void **state)
{
	static const enum bb_bound bounds[] = { BB_BOUND_GIL_BOUND, BB_BOUND_CPU_SATURATED,
						BB_BOUND_CPU_BOUND };
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		begin(&m, "cpython", bounds[i], 0.9, 1);
		m.r.facts.gil = 2;
		m.r.facts.runq = 1;
		assert_int_equal(advise(&m, false)->id, BB_ADVICE_UNPIN);
		assert_true(has(&m, BB_ADVICE_FASTER_CODE));
		assert_false(has(&m, BB_ADVICE_PROCESSES) || has(&m, BB_ADVICE_SPLIT_WORK) ||
			     has(&m, BB_ADVICE_FREE_THREADED));
		/* by a quota */
		m.r.facts.throttled = 0.8;
		assert_int_equal(advise(&m, false)->id, BB_ADVICE_LIFT_QUOTA);
		assert_false(has(&m, BB_ADVICE_PROCESSES) || has(&m, BB_ADVICE_SPLIT_WORK));
		/* the machine has no more */
		m.r.facts.throttled = 0;
		m.rec->host.cpus_online = 1;
		assert_int_equal(advise(&m, false)->id, BB_ADVICE_FASTER_CODE);
		assert_int_equal(m.out.nr, 1);
		end(&m);
	}
}

static void no_advice_without_confidence(void **state)
{
	struct made m;

	(void)state;
	begin(&m, "cpython", BB_BOUND_GIL_BOUND, 0.69, 8);
	m.r.facts.gil = 3;
	m.v.lowered[0].why = "losses";
	m.v.lowered[0].by = 0.6;
	m.v.nr_lowered = 1;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_MEASURE_LONGER);
	assert_int_equal(m.out.nr, 1);
	assert_string_equal(m.out.items->check, "boundby -d 30 -p 4242");
	assert_non_null(strstr(m.out.items->because, "0.69: losses"));
	assert_true(isnan(m.out.items->gain_most) && !m.out.items->gain[0]);
	/* findings stand by themselves */
	find(&m, BB_FINDING_BLOCKING_CALL_IN_LOOP);
	advise(&m, false);
	assert_int_equal(m.out.nr, 2);
	assert_int_equal(m.out.items[1].id, BB_ADVICE_OFF_THE_LOOP);
	/* just enough */
	m.v.confidence = 0.71;
	advise(&m, false);
	assert_true(has(&m, BB_ADVICE_PROCESSES) && !has(&m, BB_ADVICE_MEASURE_LONGER));
	end(&m);
}

static void what_to_measure_next(void **state)
{
	struct made m;

	(void)state;
	begin(&m, "cpython", BB_BOUND_MIXED, 0.95, 8);
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_MEASURE_PHASES);
	assert_string_equal(m.out.items->check, "boundby -i 1 -d 30 -p 4242");
	assert_int_equal(m.out.nr, 1);
	m.v.bound = BB_BOUND_UNKNOWN;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_MEASURE_LONGER);
	m.r.facts.unknown = 2;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_MEASURE_STACKS);
	assert_string_equal(m.out.items->check, "boundby -d 10 --stacks -p 4242");
	m.r.facts.unknown = 0;
	m.r.facts.parks = true;
	m.r.facts.queue = 4;
	m.v.bound = BB_BOUND_CPU_BOUND;
	m.v.confidence = 0.5;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_MEASURE_STACKS);
	/* of several processes, with those that they start */
	m.r.processes = 1;
	assert_string_equal(advise(&m, true)->check, "boundby -d 10 --stacks -C -p 4242");
	end(&m);
}

/* Waiting and computing by turns are two stages; two ways to compute are not. */
static void phases_make_a_pipeline(void **state)
{
	struct bb_phase items[2] = { { .bound = BB_BOUND_IO_BOUND, .ns = SEC },
				     { .bound = BB_BOUND_GIL_BOUND, .ns = SEC } };
	struct bb_phases phases = { .items = items, .nr = 2 };
	struct made m;

	(void)state;
	begin(&m, "cpython", BB_BOUND_MIXED, 0.95, 8);
	m.phases = &phases;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_PIPELINE);
	assert_non_null(strstr(m.out.items->text, "ProcessPoolExecutor"));
	assert_int_equal(m.out.nr, 1);
	items[0].bound = BB_BOUND_CPU_BOUND;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_MEASURE_PHASES);
	/* one short phase among long ones is no turn */
	items[0].bound = BB_BOUND_IO_BOUND;
	items[1].ns = 10 * SEC;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_MEASURE_PHASES);
	end(&m);
}

/* What was predicted takes the place of a bound, where it is a gain. */
static void gains_are_predicted_ones(void **state)
{
	struct bb_what_if items[] = {
		{ .change = BB_CHANGE_PROCESSES, .speedup = 2.8, .low = 2.5, .high = 3.1 },
		{ .change = BB_CHANGE_PROCESSES, .speedup = 5.9, .low = 4.7, .high = 6.1 },
	};
	struct bb_what_ifs all = { .items = items, .nr = 2 };
	struct made m;

	(void)state;
	begin(&m, "cpython", BB_BOUND_GIL_BOUND, 0.95, 8);
	m.r.facts.gil = 3;
	m.what_ifs = &all;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_PROCESSES);
	assert_non_null(strstr(m.out.items->gain, "2.8 times as fast (2.5 to 3.1)"));
	assert_true(m.out.items->gain_most == 3.1);
	/* of one that waits for clients it is no gain of a throughput */
	all.capacity = true;
	assert_null(strstr(advise(&m, false)->gain, "2.8 times"));
	all.capacity = false;
	items[0].speedup = items[1].speedup = 1;
	assert_null(strstr(advise(&m, false)->gain, "(2.5 to"));
	end(&m);
}

static void idle_needs_no_change(void **state)
{
	struct made m;

	(void)state;
	begin(&m, "cpython", BB_BOUND_IDLE, 0.99, 8);
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_NOTHING);
	assert_int_equal(m.out.nr, 1);
	assert_string_equal(m.out.items->because, "So it is.");
	/* but for what was found */
	find(&m, BB_FINDING_TOO_MANY_WORKERS);
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_FEWER_WORKERS);
	assert_int_equal(m.out.nr, 1);
	/* or if it waits for a disk all the time */
	m.v.confidence = 0.6;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_MEASURE_LONGER);
	end(&m);
}

static void waiting(void **state)
{
	struct made m;

	(void)state;
	begin(&m, "cpython", BB_BOUND_IO_BOUND, 0.9, 4);
	m.r.facts.on = 0.1;
	m.r.facts.io = 0.9;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_AT_ONCE);
	assert_true(m.out.items->gain_most > 39 && m.out.items->gain_most < 41);
	/* ten times as fast, if these waits took no time */
	assert_int_equal(m.out.items[1].id, BB_ADVICE_FASTER_IO);
	assert_true(m.out.items[1].gain_most > 9.9 && m.out.items[1].gain_most < 10.1);
	/* they wait side by side already */
	m.r.facts.io = 9;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_FASTER_IO);
	m.r.facts.io = 60;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_ASYNCIO);
	/* where something keeps them from it, that first, and no more of them */
	m.r.facts.io = 0.9;
	find(&m, BB_FINDING_BLOCKING_CALL_IN_LOOP);
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_OFF_THE_LOOP);
	assert_false(has(&m, BB_ADVICE_AT_ONCE));
	end(&m);
}

static void gain_that_says_nothing_is_not_said(void **state)
{
	struct made m;

	(void)state;
	begin(&m, "", BB_BOUND_IO_BOUND, 0.9, 4);
	m.r.facts.on = 0.001;
	m.r.facts.io = 0.999;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_AT_ONCE);
	assert_true(isnan(m.out.items->gain_most) && !m.out.items->gain[0]);
	m.r.facts.on = 0;
	assert_true(isnan(advise(&m, false)->gain_most));
	m.v.bound = BB_BOUND_CPU_BOUND;
	m.r.facts.on = 3.9;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_SPLIT_WORK);
	assert_true(isnan(m.out.items->gain_most));
	end(&m);
}

static void locks(void **state)
{
	struct bb_lock lock = { .addr = 0x10, .kind = BB_LOCK_MUTEX };
	struct bb_lock_holder h = { .tid = 7, .ns = SEC, .wait = { .state = BB_STATE_DISK } };
	struct made m;

	(void)state;
	begin(&m, "", BB_BOUND_LOCK_BOUND, 0.9, 8);
	m.r.facts.lock = 3;
	m.r.facts.lock_share = 0.95;
	m.r.facts.top_lock = &lock;
	m.r.facts.chain_end = m.r.facts.top_holder = &h;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_HOLD_LESS);
	/* four threads, of which three wait; eight CPUs are more than that */
	assert_true(m.out.items->gain_most > 3.99 && m.out.items->gain_most < 4.01);
	m.r.facts.cpus = 2;
	assert_true(fabs(advise(&m, false)->gain_most - 2) < 0.01);
	h.wait.ns = SEC / 10 * 9;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_WAIT_OUTSIDE);
	assert_non_null(strstr(m.out.items->because, "blocked in disk for 90%"));
	lock.kind = BB_LOCK_WORLD;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_STOP_LESS);
	assert_int_equal(m.out.nr, 1);
	end(&m);
}

static void full_cpus(void **state)
{
	struct made m;

	(void)state;
	begin(&m, "", BB_BOUND_CPU_SATURATED, 0.9, 8);
	m.r.facts.on = 7.9;
	m.r.facts.runq = 7.9;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_FEWER_OR_CPUS);
	assert_true(fabs(m.out.items->gain_most - 2) < 0.01);
	m.rec->host.cpus_online = 12;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_UNPIN);
	assert_true(fabs(m.out.items->gain_most - 12 / 7.9) < 0.01);
	m.r.facts.throttled = 7;
	assert_int_equal(advise(&m, false)->id, BB_ADVICE_LIFT_QUOTA);
	end(&m);
}

static void in_the_terms_of_the_language(void **state)
{
	static const struct {
		const char *runtime, *word;
	} cases[] = { { "cpython", "ProcessPoolExecutor" },
		      { "go", "goroutines" },
		      { "java", "ExecutorService" },
		      { "node", "worker_threads" },
		      { "", "OpenMP" } };
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&m, cases[i].runtime, BB_BOUND_CPU_BOUND, 0.9, 8);
		assert_int_equal(advise(&m, false)->id, BB_ADVICE_SPLIT_WORK);
		assert_non_null(strstr(m.out.items->text, cases[i].word));
		end(&m);
	}
}

static void every_advice_has_words_that_fit(void **state)
{
	struct bb_advice a;

	(void)state;
	for (int id = 0; id < BB_ADVICE_MAX; id++)
		for (int lang = 0; lang < BB_LANGUAGE_MAX; lang++) {
			const char *text = bb_advice__text(id, lang);

			assert_true(*text && strlen(text) < sizeof(a.text));
			/* memory may come before it */
			assert_true(strlen(bb_advice__cost(id, lang)) + 80 < sizeof(a.cost));
			assert_true(strlen(bb_advice__expect(id)) < sizeof(a.expect));
			assert_string_not_equal(bb_advice__name(id), "unknown");
		}
}

/* A tree of four, of which the first @nr have a finding, and are at work as much as @each says. */
static void tree_of_four(struct made *m, enum bb_bound bound, enum bb_finding_id id, size_t nr,
			 double each)
{
	struct bb_findings found[4] = {};
	struct bb_reason reasons[4] = {};
	struct bb_finding f = { .id = id, .ns = 5 * SEC, .share = 0.5 };

	begin(m, "cpython", bound, 0.95, 8);
	bb_record__free(m->rec);
	m->rec = make__record(10 * SEC, 4);
	m->r.facts.on = 3;
	m->r.facts.gil = 1;
	for (size_t i = 0; i < 4; i++) {
		make__process(&m->rec->processes[i], 100 + (pid_t)i, "work", 1);
		m->rec->processes[i].ppid = i ? 100 : 1;
		strcpy(m->rec->processes[i].runtime.name, "cpython");
		reasons[i].facts.window_ns = 10e9;
		reasons[i].facts.on = each;
		if (i < nr)
			assert_int_equal(bb_findings__add(&found[i], m->rec, &f), 0);
	}
	bb_advice__of(&m->out, &(struct bb_advised){ .rec = m->rec,
						     .v = &m->v,
						     .reason = &m->r,
						     .findings = &m->found,
						     .each = found,
						     .reasons = reasons });
	for (size_t i = 0; i < 4; i++)
		bb_findings__free(&found[i]);
}

static void findings_of_its_processes(void **state)
{
	struct made m;

	(void)state;
	tree_of_four(&m, BB_BOUND_IO_BOUND, BB_FINDING_BLOCKING_CALL_IN_LOOP, 3, 1);
	assert_int_equal(m.out.items[0].id, BB_ADVICE_OFF_THE_LOOP);
	assert_string_equal(m.out.items[0].because, "the finding blocking-call-in-event-loop, in 3 "
						    "of 4 processes: most in 100");
	assert_string_equal(m.out.items[0].check, "boundby -d 10 -C -p 100");
	end(&m);
	/* who hardly works is not what the tree is to be changed for */
	tree_of_four(&m, BB_BOUND_IO_BOUND, BB_FINDING_BLOCKING_CALL_IN_LOOP, 3, 0.1);
	assert_false(has(&m, BB_ADVICE_OFF_THE_LOOP));
	end(&m);
	/* all that there is to be gained, where the threads compute */
	tree_of_four(&m, BB_BOUND_GIL_BOUND, BB_FINDING_THREADS_FOR_CPU, 4, 1);
	assert_int_equal(m.out.items[0].id, BB_ADVICE_PROCESSES);
	assert_true(m.out.items[0].gain_most > 1.3 && m.out.items[0].gain_most < 1.4);
	end(&m);
	tree_of_four(&m, BB_BOUND_GIL_BOUND, BB_FINDING_THREADS_FOR_CPU, 0, 1);
	assert_int_equal(m.out.items[0].id, BB_ADVICE_PROCESSES);
	assert_true(isnan(m.out.items[0].gain_most));
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_findings_come_last),
		cmocka_unit_test(processes_for_the_gil),
		cmocka_unit_test(one_cpu_has_no_use_for_processes),
		cmocka_unit_test(no_advice_without_confidence),
		cmocka_unit_test(what_to_measure_next),
		cmocka_unit_test(phases_make_a_pipeline),
		cmocka_unit_test(gains_are_predicted_ones),
		cmocka_unit_test(idle_needs_no_change),
		cmocka_unit_test(waiting),
		cmocka_unit_test(gain_that_says_nothing_is_not_said),
		cmocka_unit_test(locks),
		cmocka_unit_test(full_cpus),
		cmocka_unit_test(in_the_terms_of_the_language),
		cmocka_unit_test(findings_of_its_processes),
		cmocka_unit_test(every_advice_has_words_that_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
