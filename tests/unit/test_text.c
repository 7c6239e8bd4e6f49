/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text report: golden files, and what holds for every report. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/emit/escape.h"
#include "../../user/emit/line.h"
#include "../lib/golden.h"

static void golden_reports(void **state)
{
	struct bb_emit_opts opts = sample__opts(), fancy = sample__opts();
	struct sample s;
	char name[64], *text;
	int id;

	(void)state;
	fancy.utf8 = fancy.color = true;
	for (id = 0; id < SAMPLE_MAX; id++) {
		sample__make(id, &s);
		opts.compact = false;
		text = render(bb_emit__text, &s, &opts);
		snprintf(name, sizeof(name), "%s.txt", s.name);
		golden__check(name, text);
		free(text);
		opts.compact = true;
		text = render(bb_emit__text, &s, &opts);
		snprintf(name, sizeof(name), "%s.compact.txt", s.name);
		golden__check(name, text);
		free(text);
		text = render(bb_emit__text, &s, &fancy);
		snprintf(name, sizeof(name), "%s.color.txt", s.name);
		golden__check(name, text);
		free(text);
		sample__free(&s);
	}
}

/* Width, and that nothing but colours of ours is unprintable. */
static void check_lines(const char *text, size_t width, bool color)
{
	const char *line = text, *end, *c;

	while (*line) {
		end = strchr(line, '\n');
		assert_non_null(end); /* the last line ends too */
		if (bb_utf8__columns(line, (size_t)(end - line)) > width)
			fail_msg("wider than %zu columns: %.*s", width, (int)(end - line), line);
		assert_true(end == line || end[-1] != ' ');
		for (c = line; c < end; c++) {
			if (*c == '\033')
				assert_true(color && c[1] == '[');
			else
				assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
		}
		line = end + 1;
	}
}

static void every_line_fits(void **state)
{
	static const unsigned int widths[] = { 0, 1, 40, 65, 79, 80, 81, 100, 132, 200, 5000 };
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	size_t width, i;
	char *text;
	int id, how;

	(void)state;
	for (id = 0; id < SAMPLE_MAX; id++) {
		sample__make(id, &s);
		for (how = 0; how < 16; how++) {
			opts.utf8 = how & 1;
			opts.color = how & 2;
			opts.compact = how & 4;
			opts.all_threads = how & 8;
			for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
				opts.width = widths[i];
				width = opts.width ? opts.width : 80;
				if (width < BB_WIDTH_MIN)
					width = BB_WIDTH_MIN;
				if (width > BB_WIDTH_MAX)
					width = BB_WIDTH_MAX;
				text = render(bb_emit__text, &s, &opts);
				check_lines(text, width, opts.color);
				free(text);
			}
		}
		sample__free(&s);
	}
}

static void has(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in:\n%s", what, text);
}

static void leads_with_the_verdict(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	char *text;

	(void)state;
	sample__make(SAMPLE_GIL, &s);
	text = render(bb_emit__text, &s, &opts);
	assert_ptr_equal(strstr(text, "python3.12 (4242): gil-bound (confidence 0.97)\n"), text);
	has(text, "\n4 threads want to run Python code");
	has(text, "\n     99.9%      50.0%  of the window, at least one thread waited");
	has(text, "the runner-up");
	free(text);
	sample__free(&s);
}

static void always_says_residual_and_losses(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	char *text;
	int id;

	(void)state;
	for (id = 0; id < SAMPLE_MAX; id++) {
		sample__make(id, &s);
		text = render(bb_emit__text, &s, &opts);
		has(text, "residual:");
		has(text, "own cost:");
		has(text, id == SAMPLE_LOSSES ? "threads_map_full" : "losses:    none");
		if (id == SAMPLE_LOSSES)
			has(text, "at worst 5.00 ms of 2.00 s");
		free(text);
		sample__free(&s);
	}
}

static void says_what_happened_to_the_process(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;
	char *text;

	(void)state;
	sample__make(SAMPLE_ENDED, &s);
	s.rec->processes->execed = true;
	text = render(bb_emit__text, &s, &opts);
	has(text, "started inside the window");
	has(text, "replaced its program (exec)");
	has(text, "killed by SIGKILL");
	free(text);
	s.rec->processes->exit_signal = 64;
	text = render(bb_emit__text, &s, &opts);
	has(text, "killed by signal 64");
	free(text);
	sample__free(&s);
}

static size_t rows(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* Ten rows and a sum; all rows on demand. */
static void sums_the_rest(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct bb_process *p;
	struct sample s;
	char *text;
	size_t i;

	(void)state;
	sample__make(SAMPLE_IDLE, &s);
	p = s.rec->processes;
	for (i = 1; i < p->nr_threads; i++) {
		make__in(&p->threads[i], BB_STATE_UNKNOWN, 0);
		p->threads[i].budget.ns[BB_STATE_QUEUE] -= i * MS;
		p->threads[i].budget.ns[BB_STATE_ONCPU] += i * MS;
	}
	text = render(bb_emit__text, &s, &opts);
	assert_int_equal(rows(text, " pool-worker "), 10);
	has(text, "  3 more ");
	free(text);
	opts.all_threads = true;
	text = render(bb_emit__text, &s, &opts);
	assert_int_equal(rows(text, " pool-worker "), 12);
	free(text);
	sample__free(&s);

	opts.all_threads = false;
	sample__make(SAMPLE_LOSSES, &s);
	text = render(bb_emit__text, &s, &opts);
	has(text, "  2 more locks       7.00 ms\n");
	has(text, "1 queue, where threads wait for work");
	free(text);
	sample__free(&s);
}

static void passes_errors_on(void **state)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;

	(void)state;
	broken_output(bb_emit__text);
	/* A diagnosis of another record. */
	sample__make(SAMPLE_TREE, &s);
	s.diag.nr_processes--;
	assert_int_equal(bb_emit__text(stdout, s.rec, &s.diag, &opts), -EINVAL);
	sample__free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_reports),
		cmocka_unit_test(every_line_fits),
		cmocka_unit_test(leads_with_the_verdict),
		cmocka_unit_test(always_says_residual_and_losses),
		cmocka_unit_test(says_what_happened_to_the_process),
		cmocka_unit_test(sums_the_rest),
		cmocka_unit_test(passes_errors_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
