/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The JSON document: golden files, and what holds for every document. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../lib/golden.h"

static void golden_documents(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	char name[64], *text;
	int id;

	(void)state;
	for (id = 0; id < SAMPLE_MAX; id++) {
		sample__make(id, &s);
		text = render(bb_emit__json, &s, &opts);
		snprintf(name, sizeof(name), "%s.json", s.name);
		golden__check(name, text);
		free(text);
		sample__free(&s);
	}
}

static json_t *document(const struct sample *s, bool compact)
{
	struct bb_emit_opts opts = sample__opts();
	json_error_t error;
	json_t *doc;
	char *text;

	opts.compact = compact;
	text = render(bb_emit__json, s, &opts);
	doc = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!doc)
		fail_msg("%s: line %d: %s", s->name, error.line, error.text);
	if (compact)
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
	return doc;
}

static void compact_is_one_line_and_the_same(void **state)
{
	json_t *pretty, *compact;
	struct sample s;
	int id;

	(void)state;
	for (id = 0; id < SAMPLE_MAX; id++) {
		sample__make(id, &s);
		pretty = document(&s, false);
		compact = document(&s, true);
		assert_true(json_equal(pretty, compact));
		json_decref(pretty);
		json_decref(compact);
		sample__free(&s);
	}
}

static json_int_t sum(const json_t *states)
{
	json_int_t ns = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)states, key, value) ns += json_integer_value(value);
	assert_int_equal(json_object_size(states), BB_STATE_MAX);
	return ns;
}

static json_int_t integer(const json_t *o, const char *key)
{
	json_t *value = json_object_get(o, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

/* As a reader sees it: states, residual and window of threads, process and tree. */
static void states_sum_to_the_window(void **state)
{
	json_t *doc, *process, *thread;
	size_t i, j;
	struct sample s;
	int id;

	(void)state;
	for (id = 0; id < SAMPLE_MAX; id++) {
		json_int_t all = 0;

		sample__make(id, &s);
		doc = document(&s, true);
		json_array_foreach(json_object_get(doc, "processes"), i, process)
		{
			json_int_t ns = sum(json_object_get(process, "states"));
			json_t *folded = json_object_get(process, "folded");
			json_int_t threads = sum(json_object_get(folded, "states"));

			assert_int_equal(ns + integer(process, "residual_ns"),
					 integer(process, "window_ns"));
			json_array_foreach(json_object_get(process, "threads"), j, thread)
			{
				json_int_t own = sum(json_object_get(thread, "states"));

				assert_int_equal(own + integer(thread, "residual_ns"),
						 integer(thread, "window_ns"));
				threads += own;
			}
			assert_int_equal(threads, ns);
			all += ns;
		}
		if (s.diag.has_tree)
			assert_int_equal(
				sum(json_object_get(json_object_get(doc, "tree"), "states")), all);
		else
			assert_true(json_is_null(json_object_get(doc, "tree")));
		json_decref(doc);
		sample__free(&s);
	}
}

static void unknown_is_null(void **state)
{
	json_t *doc, *process, *overhead, *evidence, *call;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_HOSTILE, &s);
	doc = document(&s, false);
	process = json_array_get(json_object_get(doc, "processes"), 0);
	overhead = json_object_get(doc, "overhead");
	assert_true(json_is_null(json_object_get(process, "cpus_usable")));
	assert_true(json_is_null(json_object_get(process, "rss_bytes")));
	assert_true(json_is_null(json_object_get(process, "kernel_ns")));
	call = json_array_get(json_object_get(process, "syscalls"), 0); /* not traced */
	assert_true(json_is_null(json_object_get(call, "count")));
	assert_true(json_is_null(json_object_get(call, "errors")));
	assert_true(json_is_null(json_object_get(call, "total_ns")));
	assert_true(json_is_null(json_object_get(call, "inside_ns")));
	assert_true(json_is_null(json_object_get(call, "blocked_share")));
	assert_true(json_is_null(json_object_get(call, "outcomes")));
	assert_int_equal(integer(call, "blocked_ns"), s.rec->processes[0].waits[0].ns);
	assert_true(json_is_null(json_object_get(process, "gil")));
	assert_true(json_is_null(json_object_get(overhead, "bpf_ns")));
	evidence =
		json_array_get(json_object_get(json_object_get(process, "verdict"), "evidence"), 0);
	assert_true(json_is_null(json_object_get(evidence, "value")));
	json_decref(doc);
	sample__free(&s);
}

static void hostile_strings_survive(void **state)
{
	json_t *doc, *process;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_HOSTILE, &s);
	doc = document(&s, false);
	process = json_array_get(json_object_get(doc, "processes"), 0);
	assert_string_equal(json_string_value(json_object_get(process, "comm")),
			    "\033[2J\nroot# \xef\xbf\xbd");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(process, "cmdline"), 1)),
		"line\nbreak");
	assert_int_equal(json_array_size(json_object_get(process, "cmdline")), 9);
	json_decref(doc);
	sample__free(&s);
}

static void gil_figures_are_shares_of_the_window(void **state)
{
	json_t *doc, *gil;
	struct sample s;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	doc = document(&s, false);
	gil = json_object_get(json_array_get(json_object_get(doc, "processes"), 0), "gil");
	assert_true(fabs(json_number_value(json_object_get(gil, "contended_share")) - 0.9987) <
		    1e-9);
	assert_true(fabs(json_number_value(json_object_get(gil, "waiters_mean")) - 2.97) < 1e-9);
	assert_int_equal(integer(gil, "acquisitions"), 1970);
	/* 10.12 s of samples with it of 10.14 s on a CPU, and 120 ms off it, of a window of 10 s */
	assert_true(json_number_value(json_object_get(gil, "held_share")) == 1.0);
	assert_true(json_number_value(json_object_get(gil, "held_error")) > 0);
	assert_int_equal(json_array_size(json_object_get(gil, "holders")), 3);
	assert_int_equal(json_array_size(json_object_get(gil, "wait_hist")), 3);
	assert_int_equal(integer(json_array_get(json_object_get(gil, "wait_hist"), 0), "from_ns"),
			 1 << 22);
	json_decref(doc);

	/* The slots at both ends, and a contended time that is a hair over the window. */
	s.rec->processes[0].gils[0].hist[0] = 1;
	s.rec->processes[0].gils[0].hist[BB_HIST_SLOTS - 1] = 1;
	s.rec->processes[0].gils[0].contended_ns = s.rec->window.ns + 1;
	doc = document(&s, false);
	gil = json_object_get(json_array_get(json_object_get(doc, "processes"), 0), "gil");
	assert_true(json_number_value(json_object_get(gil, "contended_share")) == 1.0);
	assert_int_equal(integer(json_array_get(json_object_get(gil, "wait_hist"), 0), "from_ns"),
			 0);
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(gil, "wait_hist"), 4), "to_ns")));
	json_decref(doc);
	sample__free(&s);
}

static void passes_errors_on(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;

	(void)state;
	broken_output(bb_emit__json);
	sample__make(SAMPLE_TREE, &s);
	s.diag.nr_processes--;
	assert_int_equal(bb_emit__json(stdout, s.rec, &s.diag, &opts), -EINVAL);
	sample__free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_documents),
		cmocka_unit_test(compact_is_one_line_and_the_same),
		cmocka_unit_test(states_sum_to_the_window),
		cmocka_unit_test(unknown_is_null),
		cmocka_unit_test(hostile_strings_survive),
		cmocka_unit_test(gil_figures_are_shares_of_the_window),
		cmocka_unit_test(passes_errors_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
