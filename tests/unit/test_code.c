// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines of code summed, quantiles of histograms, and the share of time that a GIL is held. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/model/code.h"
#include "../../user/model/delta.h"
#include "../../user/model/native.h"
#include "../lib/records.h"

static void near(double a, double b)
{
	assert_true(fabs(a - b) < 1e-9);
}

static void quantile_of_an_empty_histogram_is_unknown(void **state)
{
	uint64_t hist[BB_HIST_SLOTS] = {};

	(void)state;
	assert_true(bb_hist__quantile(hist, 0.5, 100) == BB_UNKNOWN_U64);
}

static void quantiles_lie_in_their_slots(void **state)
{
	uint64_t hist[BB_HIST_SLOTS] = { [10] = 98, [20] = 2 };

	(void)state;
	/* the 50th of 98 waits that are spread over 1024 to 2048 */
	assert_int_equal(bb_hist__quantile(hist, 0.5, 2000000), 1024 * (1 + 50.0 / 98));
	/* the first of two in 2^20 to 2^21, and not beyond the longest */
	assert_int_equal(bb_hist__quantile(hist, 0.99, 2000000), (1 << 20) * 1.5);
	assert_int_equal(bb_hist__quantile(hist, 0.99, 1100000), 1100000);
	assert_int_equal(bb_hist__quantile(hist, 1, 1100000), 1100000);
	assert_int_equal(bb_hist__quantile(hist, 0, 1100000), 1024);
}

static void a_threads_share_has_the_error_of_its_samples(void **state)
{
	struct bb_thread t = { .gil_samples = 75, .gil_free_samples = 25 };
	struct bb_held h = bb_gil__held_oncpu(&t);

	(void)state;
	near(h.share, 0.75);
	near(h.error, sqrt(0.75 * 0.25 / 100));
	t.gil_free_samples = 0;
	h = bb_gil__held_oncpu(&t);
	near(h.share, 1);
	near(h.error, 1.0 / 76);
	t.gil_samples = 0;
	assert_true(isnan(bb_gil__held_oncpu(&t).share));
}

static void held_is_sampled_on_a_cpu_and_exact_off_it(void **state)
{
	struct bb_record *rec = make__record(10 * SEC, 1);
	struct bb_process *p = rec->processes;
	struct bb_held h;

	(void)state;
	make__process(p, 100, "python3", 3);
	for (int i = 0; i < 3; i++)
		make__thread(&p->threads[i], "python3", 10 * SEC);
	make__in(&p->threads[0], BB_STATE_ONCPU, 4 * SEC);
	make__in(&p->threads[1], BB_STATE_ONCPU, 2 * SEC);
	p->threads[0].gil_samples = 300;
	p->threads[0].gil_free_samples = 100;
	p->threads[1].gil_samples = 50;
	p->threads[1].gil_free_samples = 150;
	p->threads[2].gil_held_off_ns = 1 * SEC;
	assert_true(isnan(bb_gil__held(p, NULL, rec->window.ns).share)); /* no GIL */
	p->gils = calloc(1, sizeof(*p->gils));
	assert_non_null(p->gils);
	p->nr_gils = 1;
	p->gils[0].samples = 350;
	p->gils[0].held_off_ns = 1 * SEC;
	h = bb_gil__held(p, NULL, rec->window.ns);
	near(h.share, (0.75 * 4 + 0.25 * 2 + 1) / 10);
	near(h.error,
	     sqrt(pow(4 * sqrt(0.75 * 0.25 / 400), 2) + pow(2 * sqrt(0.75 * 0.25 / 200), 2)) / 10);
	/* without any sample there is no figure, or where they hardly ran one with that error */
	p->gils[0].samples = 0;
	for (int i = 0; i < 2; i++)
		p->threads[i].gil_samples = p->threads[i].gil_free_samples = 0;
	assert_true(isnan(bb_gil__held(p, NULL, rec->window.ns).share));
	p->threads[0].budget.ns[BB_STATE_ONCPU] = SEC / 5;
	p->threads[1].budget.ns[BB_STATE_ONCPU] = 0;
	near(bb_gil__held(p, NULL, rec->window.ns).share, (1 + 0.1) / 10);
	near(bb_gil__held(p, NULL, rec->window.ns).error, 0.1 / 10);
	p->gils[0].samples = 350;
	p->threads[0].gil_samples = 300;
	p->threads[0].gil_free_samples = 100;
	p->threads[1].gil_samples = 50;
	p->threads[1].gil_free_samples = 150;
	p->threads[0].budget.ns[BB_STATE_ONCPU] = 4 * SEC;
	p->threads[1].budget.ns[BB_STATE_ONCPU] = 2 * SEC;
	/* half a second of a thread that no sample hit is as the 600 samples of the others */
	make__in(&p->threads[2], BB_STATE_ONCPU, SEC / 2);
	near(bb_gil__held(p, NULL, rec->window.ns).share, h.share + 350.0 / 600 * 0.5 / 10);
	assert_true(bb_gil__held(p, NULL, rec->window.ns).error > h.error);
	/* 99 samples of threads that have no row any more are a second */
	p->gils[0].samples += BB_SAMPLE_HZ;
	near(bb_gil__held(p, NULL, rec->window.ns).share,
	     h.share + 350.0 / 600 * 0.5 / 10 + 1.0 / 10);
	/* of two GILs each has its own samples, of 600 in 6 s; what no sample hit is in none */
	p->gils = realloc(p->gils, 2 * sizeof(*p->gils));
	assert_non_null(p->gils);
	memset(p->gils, 0, 2 * sizeof(*p->gils));
	p->nr_gils = 2;
	p->gils[0].samples = 150;
	p->gils[1].samples = 200;
	p->gils[1].held_off_ns = 1 * SEC;
	assert_true(isnan(bb_gil__held(p, NULL, rec->window.ns).share));
	near(bb_gil__held(p, &p->gils[0], rec->window.ns).share, 0.25 * 6 / 10);
	h = bb_gil__held(p, &p->gils[1], rec->window.ns);
	near(h.share, (6. / 3 + 1) / 10);
	near(h.error, 6 * sqrt(1. / 3 * 2 / 3 / 600) / 10);
	bb_record__free(rec);
}

static void lines_are_summed_by_thread_and_place(void **state)
{
	struct bb_code_line *lines;
	struct bb_process *p;
	struct sample s;
	size_t nr;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	p = s.rec->processes;
	assert_int_equal(bb_code__lines(p, BB_PY_HOLDER, true, &lines, &nr), 0);
	assert_int_equal(nr, 3);
	assert_string_equal(lines[0].frame->function, "Worker.sieve.<locals>.mark");
	near(lines[0].share, 6000.0 / 9800);
	assert_null(lines[2].frame);
	free(lines);

	/* a second stack with the same top: one line */
	p->code[0].frames[0] = p->code[1].frames[0];
	p->code[0].tid = p->code[1].tid;
	assert_int_equal(bb_code__lines(p, BB_PY_HOLDER, true, &lines, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(lines[0].ns, 9000 * MS);
	assert_int_equal(lines[0].max_ns, 3000 * MS);
	free(lines);
	p->code[0].tid = 1;
	assert_int_equal(bb_code__lines(p, BB_PY_HOLDER, false, &lines, &nr), 0);
	assert_int_equal(nr, 2);
	free(lines);
	assert_int_equal(bb_code__lines(p, BB_PY_HOLDER, true, &lines, &nr), 0);
	assert_int_equal(nr, 3);
	free(lines);

	/* samples have a count and no time */
	assert_int_equal(bb_code__lines(p, BB_PY_ON_GIL, true, &lines, &nr), 0);
	assert_int_equal(nr, 3);
	near(lines[0].share, 240.0 / 487);
	free(lines);
	assert_int_equal(bb_code__lines(p, BB_PY_ON_FREE, true, &lines, &nr), 0);
	assert_int_equal(nr, 0);
	assert_null(lines);
	sample__free(&s);
}

/* Rows 0 to 2 of the sample: 6 s and 3 s of two threads in code, and 0.8 s in none. */
static void settled(uint64_t who, pid_t tid, uint64_t first, uint64_t second, size_t rows)
{
	uint64_t sum = 0;
	struct sample s;
	struct bb_process *p;
	size_t nr;

	sample__make(SAMPLE_GIL, &s);
	p = s.rec->processes;
	nr = p->nr_code;
	/* the second has ended; both were found by ticks of the clock, too */
	p->code[1].tid = 77777;
	p->code[0].ticks = 5;
	p->code[1].ticks = 9;
	p->code[2].stack = 0;
	p->code[2].who = who == 1 ? p->code[0].who : who;
	p->code[2].tid = tid == 1 ? p->code[4].tid : tid;
	assert_int_equal(bb_code__settle(p), 0);
	assert_int_equal(p->nr_code, nr - 3 + rows);
	for (size_t i = 0; i < p->nr_code; i++) {
		struct bb_code *c = &p->code[i];

		if (c->kind != BB_PY_HOLDER)
			continue;
		sum += c->ns;
		if (c->tid == 77777)
			assert_int_equal(c->ns, second);
		else if (c->ticks)
			assert_int_equal(c->ns, first);
	}
	assert_int_equal(sum, 9800 * MS);
	sample__free(&s);
}

static void contended_time_without_code_is_handed_out(void **state)
{
	(void)state;
	/* of a thread that was found in code: as the rest of it */
	settled(1, 0, 6800 * MS, 3000 * MS, 2);
	/* of one that has ended and was found in none: as others that have */
	settled(0, 0, 6000 * MS, 3800 * MS, 2);
	/* of one that lives: it stays without */
	settled(5, 1, 6000 * MS, 3000 * MS, 3);
}

/* The same rows as those of one thread: two with code, and one without. */
static struct bb_process *one_holder(struct sample *s)
{
	struct bb_process *p;

	sample__make(SAMPLE_GIL, s);
	p = s->rec->processes;
	for (int i = 0; i < 3; i++) {
		p->code[i].who = 42;
		p->code[i].tid = p->code[0].tid;
	}
	p->code[2].stack = 0;
	return p;
}

static void it_is_handed_out_by_ticks(void **state)
{
	struct sample s;
	struct bb_process *p = one_holder(&s);
	uint64_t sum = 0;

	(void)state;
	p->code[0].ns = 0;
	p->code[0].ticks = 3;
	p->code[1].ticks = 1;
	assert_int_equal(bb_code__settle(p), 0);
	for (size_t i = 0; i < p->nr_code; i++) {
		if (p->code[i].kind != BB_PY_HOLDER)
			continue;
		assert_int_equal(p->code[i].ns, p->code[i].ticks == 3 ? 600 * MS : 3200 * MS);
		sum += p->code[i].ns;
	}
	assert_int_equal(sum, 3800 * MS);
	sample__free(&s);
}

static void ticks_in_no_code_keep_their_part(void **state)
{
	struct sample s;
	struct bb_process *p = one_holder(&s);

	(void)state;
	p->code[0].ns = p->code[1].ns = 0;
	p->code[0].ticks = 1;
	p->code[1].ticks = 1;
	p->code[2].ticks = 2;
	assert_int_equal(bb_code__settle(p), 0);
	for (size_t i = 0; i < p->nr_code; i++)
		if (p->code[i].kind == BB_PY_HOLDER)
			assert_int_equal(p->code[i].ns, p->code[i].stack ? 200 * MS : 400 * MS);
	sample__free(&s);
}

/* Threads that live, whose ticks came when there was no room for rows of their own. */
static void ticks_of_all_are_for_who_has_none(void **state)
{
	struct bb_process *p;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	p = s.rec->processes;
	p->code[0].who = 0;
	p->code[0].tid = 0;
	p->code[0].ns = 0;
	p->code[0].ticks = 7;
	p->code[2].stack = 0;
	p->code[2].who = 5;
	p->code[2].tid = p->code[4].tid;
	assert_int_equal(bb_code__settle(p), 0);
	for (size_t i = 0; i < p->nr_code; i++)
		if (p->code[i].kind == BB_PY_HOLDER)
			assert_int_equal(p->code[i].ns, p->code[i].ticks ? 800 * MS : 3000 * MS);
	sample__free(&s);
}

/* A little that is known of a thread says nothing about the rest, where the clock ticks. */
static void a_little_does_not_speak_for_the_rest(void **state)
{
	struct bb_process *p;
	struct sample s;
	size_t nameless = 0;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	p = s.rec->processes;
	p->code[0].ticks = 9;
	p->code[1].ns = 1 * MS;
	p->code[2].stack = 0;
	p->code[2].who = p->code[1].who;
	p->code[2].tid = p->code[1].tid;
	assert_int_equal(bb_code__settle(p), 0);
	for (size_t i = 0; i < p->nr_code; i++) {
		if (p->code[i].kind != BB_PY_HOLDER || p->code[i].ticks)
			continue;
		assert_int_equal(p->code[i].ns, p->code[i].stack ? 1 * MS : 800 * MS);
		nameless += !p->code[i].stack;
	}
	assert_int_equal(nameless, 1);
	sample__free(&s);
}

/* The sampled row of the line that a holder is in: rows 7 and 8 of the sample. */
static struct bb_code *sampled_row(struct bb_process *p)
{
	struct bb_code *c = &p->code[7];

	assert_int_equal(c->kind, BB_PY_ON_GIL);
	assert_int_equal(c->nr_natives, 2);
	return c;
}

static bool has_call(const struct bb_process *p, const struct bb_code *c,
		     struct bb_native_call *call)
{
	int found = bb_native__call(p, c->tid, &c->frames[0], call);

	assert_true(found >= 0);
	return found;
}

static void a_line_is_in_the_c_function_that_has_most_of_it(void **state)
{
	struct bb_native_call call;
	struct bb_native *top;
	struct bb_process *p;
	struct bb_code *c;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	p = s.rec->processes;
	c = sampled_row(p);
	top = &c->natives[0].frames[0];
	assert_true(has_call(p, c, &call));
	assert_string_equal(call.symbol, "crc32_z");
	assert_int_equal(call.count, 228);
	assert_int_equal(call.samples, 240);

	/* another line, another thread */
	assert_int_equal(bb_native__call(p, c->tid, &c->frames[1], &call), 0);
	assert_int_equal(bb_native__call(p, c->tid + 1, &c->frames[0], &call), 0);
	assert_int_equal(bb_native__call(p, 0, NULL, &call), 0);
	/* any thread's */
	assert_int_equal(bb_native__call(p, 0, &c->frames[0], &call),
			 bb_native__call(p, c->tid, &c->frames[0], &call));

	/* 133 of 240 are half of it with an error of 3 %: that may be chance; 141 is not */
	c->natives[0].count = 133;
	assert_false(has_call(p, c, &call));
	c->natives[0].count = 141;
	assert_true(has_call(p, c, &call));
	/* neither are all of three */
	c->natives[0].count = c->count = 3;
	c->natives[1].count = 0;
	assert_false(has_call(p, c, &call));
	c->natives[0].count = c->count = 4;
	assert_true(has_call(p, c, &call));
	/* samples without a native stack count against it */
	c->count = 8;
	assert_false(has_call(p, c, &call));
	c->count = 4;

	/* a function without a name is its file's; no file, no name, no call */
	top->symbol = NULL;
	assert_true(has_call(p, c, &call));
	assert_null(call.symbol);
	assert_non_null(strstr(call.object, "libz.so"));
	top->object = NULL;
	assert_false(has_call(p, c, &call));
	sample__free(&s);
}

static void two_functions_of_a_file_are_that_file(void **state)
{
	struct bb_native_call call;
	struct bb_process *p;
	struct bb_code *c;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	p = s.rec->processes;
	c = sampled_row(p);
	c->natives[0].count = c->natives[1].count = 120;
	c->natives[1].frames[0] = c->natives[0].frames[0];
	c->natives[1].frames[0].symbol = "adler32_z";
	assert_true(has_call(p, c, &call));
	assert_null(call.symbol);
	assert_int_equal(call.count, 240);
	/* of two files neither has most */
	c->natives[1].frames[0].object = "/lib/other.so";
	assert_false(has_call(p, c, &call));
	sample__free(&s);
}

static void the_interpreter_is_no_c_call(void **state)
{
	static const char *const own[] = { "_PyEval_EvalFrameDefault",
					   "_PyEval_EvalFrameDefault.cold", "_TAIL_CALL_LOAD_FAST",
					   NULL };
	struct bb_native_call call;
	struct bb_native *top;
	struct bb_process *p;
	struct bb_code *c;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	p = s.rec->processes;
	assert_false(has_call(p, &p->code[8], &call));
	c = sampled_row(p);
	top = &c->natives[0].frames[0];
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		*top = (struct bb_native){ own[i], "/usr/bin/python3.12", true };
		assert_false(has_call(p, c, &call));
		/* the same name elsewhere is a call like any other */
		top->interpreter = false;
		assert_true(has_call(p, c, &call));
	}
	*top = (struct bb_native){ "list_sort_impl", "/usr/bin/python3.12", true };
	assert_true(has_call(p, c, &call));
	assert_string_equal(call.symbol, "list_sort_impl");
	/* functions of the interpreter do not make its file a call */
	c->natives[0].count = 120;
	c->natives[1].count = 120;
	c->natives[1].frames[0] = *top;
	c->natives[1].frames[0].symbol = "merge_at";
	assert_false(has_call(p, c, &call));
	sample__free(&s);
}

static void tops_are_summed_over_stacks(void **state)
{
	struct bb_native_top *tops;
	struct bb_code *c;
	struct sample s;
	size_t nr;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	c = sampled_row(s.rec->processes);
	assert_int_equal(bb_native__tops(c, &tops, &nr), 0);
	assert_int_equal(nr, 2);
	assert_string_equal(tops[0].what->symbol, "crc32_z");
	assert_int_equal(tops[0].count, 228);
	free(tops);
	/* the same on top of other callers */
	c->natives[1].frames[0] = c->natives[0].frames[0];
	assert_int_equal(bb_native__tops(c, &tops, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(tops[0].count, 238);
	free(tops);
	assert_int_equal(bb_native__tops(&s.rec->processes[0].code[0], &tops, &nr), 0);
	assert_int_equal(nr, 0);
	assert_null(tops);
	sample__free(&s);
}

static void an_interval_has_its_own_native_samples(void **state)
{
	struct bb_record *earlier;
	struct bb_process *p;
	struct bb_code *c = NULL;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	earlier = bb_record__copy(s.rec);
	assert_non_null(earlier);
	p = s.rec->processes;
	/* 5 more of the second stack, none of the first */
	sampled_row(p)->count += 5;
	sampled_row(p)->natives[1].count += 5;
	bb_record__subtract(s.rec, earlier);
	bb_record__free(earlier);
	for (size_t i = 0; i < p->nr_code; i++)
		if (p->code[i].kind == BB_PY_ON_GIL)
			c = &p->code[i];
	assert_non_null(c);
	assert_int_equal(c->count, 5);
	assert_int_equal(c->nr_natives, 1);
	assert_int_equal(c->natives[0].count, 5);
	assert_string_equal(c->natives[0].frames[0].symbol, "_PyEval_EvalFrameDefault");
	sample__free(&s);
}

static void samples_have_their_place_among_times(void **state)
{
	struct bb_code rows[] = { { .kind = BB_PY_HOLDER, .ns = 25000000, .count = 9, .tid = 3 },
				  { .kind = BB_PY_ON_GIL, .count = 2, .tid = 4 },
				  { .kind = BB_PY_BLOCKED, .ns = 90000000, .count = 1, .tid = 1 },
				  { .kind = BB_PY_ON_FREE, .count = 3, .tid = 2 },
				  { .kind = BB_PY_WAITER, .ns = 90000000, .count = 5, .tid = 0 } };

	(void)state;
	/* a sample is worth some 10 ms: rows that are left out are the least, of any kind */
	bb_code__sort(rows, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(rows[i].tid, i);
}

static void a_copy_outlives_its_record(void **state)
{
	struct bb_record *copy;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	copy = bb_record__copy(s.rec);
	assert_non_null(copy);
	sample__free(&s);
	assert_string_equal(copy->processes[0].code[1].frames[0].function, "fib");
	assert_string_equal(copy->processes[0].code[7].natives[0].frames[0].symbol, "crc32_z");
	bb_record__free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantile_of_an_empty_histogram_is_unknown),
		cmocka_unit_test(quantiles_lie_in_their_slots),
		cmocka_unit_test(a_threads_share_has_the_error_of_its_samples),
		cmocka_unit_test(held_is_sampled_on_a_cpu_and_exact_off_it),
		cmocka_unit_test(lines_are_summed_by_thread_and_place),
		cmocka_unit_test(contended_time_without_code_is_handed_out),
		cmocka_unit_test(it_is_handed_out_by_ticks),
		cmocka_unit_test(ticks_in_no_code_keep_their_part),
		cmocka_unit_test(ticks_of_all_are_for_who_has_none),
		cmocka_unit_test(a_little_does_not_speak_for_the_rest),
		cmocka_unit_test(a_line_is_in_the_c_function_that_has_most_of_it),
		cmocka_unit_test(two_functions_of_a_file_are_that_file),
		cmocka_unit_test(the_interpreter_is_no_c_call),
		cmocka_unit_test(tops_are_summed_over_stacks),
		cmocka_unit_test(an_interval_has_its_own_native_samples),
		cmocka_unit_test(samples_have_their_place_among_times),
		cmocka_unit_test(a_copy_outlives_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
