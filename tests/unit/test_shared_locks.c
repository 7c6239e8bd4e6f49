// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rows of several processes that are one lock, and such that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/model/shared_locks.h"
#include "../lib/records.h"

static struct bb_lock row(uint64_t addr, uint64_t inode, uint64_t offset, uint64_t contended)
{
	return (struct bb_lock){ .addr = addr,
				 .shared = true,
				 .kind = BB_LOCK_MUTEX,
				 .rule = BB_RULE_PROTOCOL,
				 .state = BB_STATE_LOCK,
				 .dev = 1,
				 .inode = inode,
				 .offset = offset,
				 .contended_ns = contended,
				 .wait_ns = 2 * contended,
				 .waits = 10,
				 .max_ns = contended / 2,
				 .waiters_max = 2 };
}

/* Two processes, each with a row, and the thread of the other that lets go. */
static void two(struct bb_process *p, struct bb_lock *a, struct bb_lock *b,
		struct bb_lock_holder *holders)
{
	p[0].locks = a;
	p[1].locks = b;
	p[0].nr_locks = p[1].nr_locks = 1;
	holders[0] = (struct bb_lock_holder){ .lock = a->addr, .tid = 200, .pid = 200, .ns = 7 };
	holders[1] = (struct bb_lock_holder){ .lock = b->addr, .tid = 100, .pid = 100, .ns = 5 };
	p[0].lock_holders = &holders[0];
	p[1].lock_holders = &holders[1];
	p[0].nr_lock_holders = p[1].nr_lock_holders = 1;
}

static void joined(void **state)
{
	struct bb_lock a = row(0x1000, 5, 64, 3 * SEC), b = row(0x9000, 5, 64, 2 * SEC), *l;
	struct bb_lock_holder holders[2];
	struct bb_process p[2] = {}, tree = {};
	struct bb_record rec = { .window.ns = 4 * SEC, .processes = p, .nr_processes = 2 };
	uint64_t hist[BB_HIST_SLOTS] = { [20] = 4 };
	size_t nr;

	(void)state;
	two(p, &a, &b, holders);
	b.state = BB_STATE_QUEUE;
	b.hist = hist;
	assert_int_equal(bb_shared_locks__join(&rec, &tree), 0);
	assert_int_equal(tree.nr_locks, 1);
	l = tree.locks;
	assert_int_equal(l->processes, 2);
	assert_int_equal(l->state, BB_STATE_LOCK);
	assert_int_equal(l->wait_ns, 10 * SEC);
	assert_int_equal(l->waits, 20);
	/* not less than one of them saw, and not more than the window has */
	assert_int_equal(l->contended_ns, 3 * SEC);
	assert_int_equal(l->contended_most_ns, 4 * SEC);
	assert_int_equal(l->hist[20], 4);
	bb_process__lock_holders(&tree, l->addr, &nr);
	assert_int_equal(nr, 2);
	bb_shared_locks__free(&tree);
}

static void apart(void **state)
{
	struct bb_lock a = row(0x1000, 5, 64, 3 * SEC), b = row(0x1000, 5, 128, 2 * SEC);
	struct bb_lock_holder holders[2];
	struct bb_process p[2] = {}, tree = {};
	struct bb_record rec = { .window.ns = 4 * SEC, .processes = p, .nr_processes = 2 };

	(void)state;
	/* another offset, another file */
	two(p, &a, &b, holders);
	assert_int_equal(bb_shared_locks__join(&rec, &tree), 0);
	assert_int_equal(tree.nr_locks, 2);
	assert_int_equal(tree.locks[0].processes, 1);
	assert_int_equal(tree.locks[0].contended_ns, 3 * SEC);
	/* each has its own holders, though their addresses are the same */
	for (size_t i = 0; i < 2; i++) {
		size_t nr;

		bb_process__lock_holders(&tree, tree.locks[i].addr, &nr);
		assert_int_equal(nr, 1);
	}
	bb_shared_locks__free(&tree);
	memset(&tree, 0, sizeof(tree));
	b = row(0x1000, 6, 64, 2 * SEC);
	assert_int_equal(bb_shared_locks__join(&rec, &tree), 0);
	assert_int_equal(tree.nr_locks, 2);
	bb_shared_locks__free(&tree);
	/* in no shared memory: the same address says nothing */
	memset(&tree, 0, sizeof(tree));
	a.inode = b.inode = 0;
	assert_int_equal(bb_shared_locks__join(&rec, &tree), 0);
	assert_int_equal(tree.nr_locks, 0);
	bb_shared_locks__free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joined),
		cmocka_unit_test(apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
