/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The Prometheus page: golden files, and what holds for every page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/golden.h"

static void golden_pages(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	char name[64], *text;
	int id;

	(void)state;
	for (id = 0; id < SAMPLE_MAX; id++) {
		sample__make(id, &s);
		text = render(bb_emit__prometheus, &s, &opts);
		snprintf(name, sizeof(name), "%s.prom", s.name);
		golden__check(name, text);
		free(text);
		sample__free(&s);
	}
}

static void has(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in:\n%s", what, text);
}

static void verdict_is_a_state_set(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	const char *line;
	struct sample s;
	int ones = 0, n = 0;
	char *text;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	text = render(bb_emit__prometheus, &s, &opts);
	for (line = text; (line = strstr(line, "\nboundby_verdict{")); line++) {
		const char *end = strchr(line + 1, '\n');

		assert_non_null(end);
		ones += end[-1] == '1';
		n++;
	}
	assert_int_equal(n, BB_BOUND_MAX);
	assert_int_equal(ones, 1);
	has(text, "boundby_verdict{pid=\"4242\",comm=\"python3.12\",bound=\"gil-bound\"} 1\n");
	has(text, "boundby_state_seconds{pid=\"4242\",comm=\"python3.12\",state=\"gil\"} 29.7\n");
	has(text, "boundby_gil_contended_ratio{pid=\"4242\",comm=\"python3.12\",interpreter=\"0\"} "
		  "0.9987\n");
	free(text);
	sample__free(&s);
}

/* A newline in a name must not forge a line, a quote not a label. */
static void labels_are_escaped(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	const char *line, *end;
	struct sample s;
	char *text;

	(void)state;
	sample__make(SAMPLE_HOSTILE, &s);
	text = render(bb_emit__prometheus, &s, &opts);
	for (line = text; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_true(!strncmp(line, "boundby_", 8) ||
			    !strncmp(line, "# HELP boundby_", 15) ||
			    !strncmp(line, "# TYPE boundby_", 15));
		assert_null(memchr(line, '\033', (size_t)(end - line)));
	}
	has(text, "cgroup=\"/a\\\"b\\\\c\\nforged 1\"");
	free(text);
	sample__free(&s);
}

/* Two processes of one pid, two interpreters without an id: no series twice. */
static void series_are_distinct(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	char *text;

	(void)state;
	sample__make(SAMPLE_TREE, &s);
	s.rec->processes[7].pid = s.rec->processes[9].pid = s.rec->processes[2].pid;
	text = render(bb_emit__prometheus, &s, &opts);
	has(text, "comm=\"backend-05\",pid_reuse=\"1\"} ");
	has(text, "comm=\"backend-07\",pid_reuse=\"2\"} ");
	has(text, "boundby_tree_verdict{bound=\"io-bound\"} 1\n");
	free(text);
	sample__free(&s);

	sample__make(SAMPLE_GIL, &s);
	s.rec->processes[0].gils[0].interpreter = -1;
	text = render(bb_emit__prometheus, &s, &opts);
	has(text, "interpreter=\"unknown-0\"");
	free(text);
	sample__free(&s);
}

/* What is unknown has no sample, and a residual keeps its sign. */
static void unknown_is_left_out(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	char *text;

	(void)state;
	sample__make(SAMPLE_EMPTY, &s);
	text = render(bb_emit__prometheus, &s, &opts);
	assert_null(strstr(text, "boundby_own_cpu_ratio"));
	assert_null(strstr(text, "boundby_own_bpf_seconds"));
	assert_null(strstr(text, "boundby_tree_verdict"));
	free(text);
	sample__free(&s);

	sample__make(SAMPLE_ENDED, &s);
	s.rec->processes[0].window_ns -= 1500000;
	text = render(bb_emit__prometheus, &s, &opts);
	has(text, "boundby_residual_seconds{pid=\"88\",comm=\"sh\"} -0.0015\n");
	free(text);
	sample__free(&s);
}

static void passes_errors_on(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;

	(void)state;
	broken_output(bb_emit__prometheus);
	sample__make(SAMPLE_TREE, &s);
	s.diag.nr_processes--;
	assert_int_equal(bb_emit__prometheus(stdout, s.rec, &s.diag, &opts), -EINVAL);
	sample__free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_pages),        cmocka_unit_test(verdict_is_a_state_set),
		cmocka_unit_test(labels_are_escaped),  cmocka_unit_test(series_are_distinct),
		cmocka_unit_test(unknown_is_left_out), cmocka_unit_test(passes_errors_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
