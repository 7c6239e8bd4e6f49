/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The record: names, sums, residuals, release of half-built ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/emit/tree.h"
#include "../../user/model/delta.h"
#include "../lib/records.h"

static void new_is_unknown(void **state)
{
	struct bb_record *rec = bb_record__new();

	(void)state;
	assert_non_null(rec);
	assert_true(isnan(rec->host.busy_share));
	assert_true(rec->overhead.bpf_ns == BB_UNKNOWN_U64);
	assert_true(rec->overhead.rss_bytes == BB_UNKNOWN_U64);
	assert_int_equal(rec->command_status, -1);
	assert_int_equal(bb_record__losses(rec), 0);
	bb_record__free(rec);
}

/* Counts without arrays, as after an allocation that failed; and nothing at all. */
static void frees_half_built(void **state)
{
	struct bb_record *rec = bb_record__new();
	struct bb_process *p;

	(void)state;
	bb_record__free(NULL);
	assert_non_null(rec);
	rec->nr_processes = 3;
	bb_record__free(rec);

	rec = make__record(SEC, 1);
	p = rec->processes;
	p->nr_threads = p->nr_locks = p->nr_gils = p->nr_waits = p->nr_syscalls = 7;
	bb_record__free(rec);
}

/* Rows of the kernel's locks: copied whole, and an earlier state of them is taken off. */
static void kernel_locks_are_subtracted(void **state)
{
	struct bb_record *rec = make__record(2 * SEC, 1), *earlier;
	struct bb_process *p = rec->processes;

	(void)state;
	p->nr_klocks = 3;
	p->klocks = calloc(3, sizeof(*p->klocks));
	assert_non_null(p->klocks);
	for (size_t i = 0; i < 3; i++) {
		p->klocks[i].kind = BB_KLOCK_KIND_RWSEM;
		p->klocks[i].writes = i == 1;
		p->klocks[i].ns = 10 * MS;
		p->klocks[i].count = 4;
		strcpy(p->klocks[i].function, i == 2 ? "other" : "some");
	}
	assert_true(!bb_klock__same(&p->klocks[0], &p->klocks[1]));
	assert_true(!bb_klock__same(&p->klocks[0], &p->klocks[2]));
	earlier = bb_record__copy(rec);
	assert_non_null(earlier);
	assert_int_equal(earlier->processes[0].nr_klocks, 3);
	earlier->window.ns = SEC;
	/* of the first nothing came, of the second a little, of the third most */
	p->klocks[1].ns += 2 * MS;
	p->klocks[1].count += 1;
	p->klocks[2].ns += 5 * MS;
	p->klocks[2].count += 3;
	bb_record__subtract(rec, earlier);
	assert_int_equal(p->nr_klocks, 2);
	assert_string_equal(p->klocks[0].function, "other");
	assert_int_equal(p->klocks[0].ns, 5 * MS);
	assert_int_equal(p->klocks[0].count, 3);
	assert_true(p->klocks[1].writes);
	assert_int_equal(p->klocks[1].ns, 2 * MS);
	bb_record__free(earlier);
	bb_record__free(rec);
}

static void names_are_distinct(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < BB_STATE_MAX; i++) {
		assert_true(strlen(bb_state__name(i)) > 0);
		assert_true(strlen(bb_state__text(i)) > 0);
		assert_true(strlen(bb_state__text(i)) <= 37); /* the column of the report */
		for (j = 0; j < i; j++)
			assert_string_not_equal(bb_state__name(i), bb_state__name(j));
	}
	for (i = 0; i < BB_DROP_MAX; i++) {
		assert_true(strlen(bb_drop__text(i)) > 0);
		for (j = 0; j < i; j++)
			assert_string_not_equal(bb_drop__name(i), bb_drop__name(j));
	}
	for (i = 0; i < BB_BOUND_MAX; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(bb_bound__name(i), bb_bound__name(j));
	assert_non_null(bb_state__name(BB_STATE_MAX));
	assert_non_null(bb_state__text(BB_STATE_MAX));
	assert_non_null(bb_drop__name(BB_DROP_MAX));
	assert_non_null(bb_drop__text(BB_DROP_MAX));
	assert_non_null(bb_bound__name(BB_BOUND_MAX));
}

/* Every field: the struct is nothing but uint64_t, so fill it as an array. */
static void budgets_add_up(void **state)
{
	struct bb_budget a, b;
	uint64_t values[sizeof(a) / sizeof(uint64_t)];
	uint64_t sum = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		values[i] = i + 1;
	memcpy(&a, values, sizeof(a));
	memcpy(&b, values, sizeof(b));
	bb_budget__add(&a, &b);
	for (i = 0; i < BB_STATE_MAX; i++)
		sum += b.ns[i];
	assert_int_equal(bb_budget__sum(&b), sum);
	memcpy(values, &a, sizeof(a));
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(values[i], 2 * (i + 1));
}

static void residual_has_a_sign(void **state)
{
	struct bb_thread t = { .window_ns = 10 };

	(void)state;
	t.budget.ns[BB_STATE_ONCPU] = 7;
	assert_int_equal(bb_thread__residual(&t), 3);
	t.budget.ns[BB_STATE_GIL] = 5;
	assert_int_equal(bb_thread__residual(&t), -2);
	t.budget.ns[BB_STATE_GIL] = 3;
	assert_int_equal(bb_thread__residual(&t), 0);
}

static void losses_are_counted_by_kind(void **state)
{
	struct bb_record *rec = bb_record__new();

	(void)state;
	assert_non_null(rec);
	rec->drops[0] = 1;
	rec->drops[BB_DROP_MAX - 1] = 1000;
	assert_int_equal(bb_record__losses(rec), 2);
	bb_record__free(rec);
}

/* The samples are what the golden files are made of: they must be sound themselves. */
static void samples_sum_up(void **state)
{
	struct sample s;
	size_t i, j;
	int id;

	(void)state;
	for (id = 0; id < SAMPLE_MAX; id++) {
		sample__make(id, &s);
		assert_int_equal(s.diag.nr_processes, s.rec->nr_processes);
		for (i = 0; i < s.rec->nr_processes; i++) {
			const struct bb_process *p = &s.rec->processes[i];
			uint64_t window = p->folded_window_ns;

			for (j = 0; j < p->nr_threads; j++) {
				window += p->threads[j].window_ns;
				if (id != SAMPLE_LOSSES)
					assert_int_equal(bb_thread__residual(&p->threads[j]), 0);
			}
			assert_int_equal(window, p->window_ns);
			assert_int_equal(bb_process__residual(p), id == SAMPLE_LOSSES ? 5 * MS : 0);
		}
		sample__free(&s);
	}
}

static void tree_sums_processes(void **state)
{
	struct bb_process tree;
	uint64_t ns = 0, count = 0;
	struct sample s;
	size_t i, j;

	(void)state;
	sample__make(SAMPLE_TREE, &s);
	assert_int_equal(bb_tree__sum(s.rec, &tree), 0);
	for (i = 0; i < s.rec->nr_processes; i++) {
		ns += bb_budget__sum(&s.rec->processes[i].budget);
		for (j = 0; j < s.rec->processes[i].nr_waits; j++)
			count += s.rec->processes[i].waits[j].count;
	}
	assert_int_equal(bb_budget__sum(&tree.budget), ns);
	assert_int_equal(tree.window_ns, ns);
	assert_int_equal(tree.nr_waits, 2);
	assert_int_equal(tree.waits[0].count + tree.waits[1].count, count);
	assert_true(tree.waits[0].ns >= tree.waits[1].ns);
	assert_int_equal(tree.nr_syscalls, 2);
	assert_true(tree.cpus_usable == 2);
	bb_tree__free(&tree);

	/* One that does not know makes the sum unknown, and cpus_usable must agree. */
	s.rec->processes[3].rss_bytes = BB_UNKNOWN_U64;
	s.rec->processes[3].cpus_usable = 1;
	assert_int_equal(bb_tree__sum(s.rec, &tree), 0);
	assert_true(tree.rss_bytes == BB_UNKNOWN_U64);
	assert_true(isnan(tree.cpus_usable));
	bb_tree__free(&tree);
	sample__free(&s);
}

/* A chain goes on where the holder's own wait was for a lock, and for most of its time. */
static void chains_of_locks(void **state)
{
	const struct bb_lock_holder *first, *last;
	struct bb_process *p;
	struct sample s;
	size_t nr;

	(void)state;
	sample__make(SAMPLE_LOSSES, &s);
	p = s.rec->processes;
	first = bb_process__lock_holders(p, p->locks[0].addr, &nr);
	assert_int_equal(nr, 2);
	last = bb_process__lock_holders(p, p->locks[1].addr, &nr);
	assert_int_equal(nr, 1);
	assert_null(bb_process__lock_holders(p, p->locks[2].addr, &nr));
	assert_int_equal(nr, 0);
	assert_ptr_equal(bb_process__chain_end(p, first), last);
	assert_ptr_equal(bb_process__chain_end(p, last), last);
	/* what it waited for the other lock hardly matters */
	p->lock_holders[0].wait.ns = p->lock_holders[0].ns / 3;
	assert_ptr_equal(bb_process__chain_end(p, first), first);
	/* a ring has an end, too */
	p->lock_holders[0].wait.ns = p->lock_holders[0].ns;
	p->lock_holders[2].futex = p->locks[0].addr;
	assert_non_null(bb_process__chain_end(p, first));
	sample__free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_is_unknown),
		cmocka_unit_test(frees_half_built),
		cmocka_unit_test(kernel_locks_are_subtracted),
		cmocka_unit_test(names_are_distinct),
		cmocka_unit_test(budgets_add_up),
		cmocka_unit_test(residual_has_a_sign),
		cmocka_unit_test(losses_are_counted_by_kind),
		cmocka_unit_test(samples_sum_up),
		cmocka_unit_test(tree_sums_processes),
		cmocka_unit_test(chains_of_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
