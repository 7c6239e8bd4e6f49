// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Folded stacks: golden files, and what holds for every one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/model/stacks.h"
#include "../lib/golden.h"
#include "../lib/records.h"

static char *folded(const struct sample *s, enum bb_folded_kind kind)
{
	struct bb_emit_opts opts = sample__opts();

	opts.folded = kind;
	return render(bb_emit__folded, s, &opts);
}

static void golden_stacks(void **state)
{
	static const char *const names[] = { "stacks.folded", "stacks.offcpu.folded",
					     "stacks.oncpu.folded", "stacks.wakeup.folded" };
	struct sample s;

	(void)state;
	sample__make(SAMPLE_STACKS, &s);
	for (int kind = 0; kind < 4; kind++) {
		char *text = folded(&s, (enum bb_folded_kind)kind);

		golden__check(names[kind], text);
		free(text);
	}
	sample__free(&s);
}

/* Each line is frames without a semicolon at either end, a blank and a number; returns their sum.
 */
static uint64_t check_lines(char *text)
{
	char *save, *line = strtok_r(text, "\n", &save);
	uint64_t sum = 0;

	for (; line; line = strtok_r(NULL, "\n", &save)) {
		char *value = strrchr(line, ' '), *end;

		assert_non_null(value);
		sum += strtoull(value + 1, &end, 10);
		assert_true(end > value + 1 && !*end);
		assert_true(line[0] != ';' && value[-1] != ';');
		assert_null(strstr(line, ";;"));
	}
	return sum;
}

/* With stacks or without, all of the threads' time is there, to half a microsecond a line. */
static void all_states_add_up_to_the_windows(void **state)
{
	(void)state;
	for (int id = 0; id < SAMPLE_MAX; id++) {
		uint64_t want = 0, sum;
		struct sample s;
		char *text;

		sample__make((enum sample_id)id, &s);
		for (size_t i = 0; i < s.rec->nr_processes; i++)
			want += bb_budget__sum(&s.rec->processes[i].budget) / 1000;
		text = folded(&s, BB_FOLDED_ALL);
		sum = check_lines(text);
		assert_true(sum + 100 > want && sum < want + 100);
		free(text);
		sample__free(&s);
	}
}

/* Rows of one stack are one; an interval has what is more than before it. */
static void rows_are_joined_and_subtracted(void **state)
{
	struct bb_process *p, *more;
	struct sample s, later;
	size_t nr;

	(void)state;
	sample__make(SAMPLE_STACKS, &s);
	sample__make(SAMPLE_STACKS, &later);
	p = s.rec->processes;
	more = later.rec->processes;
	nr = p->nr_stacks;
	bb_stacks__join(p);
	assert_int_equal(p->nr_stacks, nr);
	assert_int_equal(bb_stacks__samples(p), 90);
	/* the same again, in what it had before as well */
	more->stacks[0].ns += 5 * MS;
	more->stacks[0].count++;
	bb_stacks__subtract(more, p);
	assert_int_equal(more->nr_stacks, 1);
	assert_int_equal(more->stacks[0].ns, 5 * MS);
	assert_int_equal(more->stacks[0].count, 1);
	sample__free(&s);
	sample__free(&later);
}

static void edges_tell_who_ended_waits(void **state)
{
	struct bb_wake_edge *edges;
	struct sample s;
	size_t nr;

	(void)state;
	sample__make(SAMPLE_STACKS, &s);
	assert_int_equal(bb_stacks__edges(s.rec->processes, true, &edges, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(edges[0].row->by_tid, 51);
	assert_int_equal(edges[0].ns, 1400 * MS);
	assert_true(edges[1].row->interrupt);
	free(edges);
	sample__free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_stacks),
		cmocka_unit_test(all_states_add_up_to_the_windows),
		cmocka_unit_test(rows_are_joined_and_subtracted),
		cmocka_unit_test(edges_tell_who_ended_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
