// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Slices from the kernel's sums of made-up threads: each has what was done in it, and they add up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/capture/sliced.h"
#include "../lib/records.h"

#define START (1000 * SEC)
#define SLICE (100 * MS)
#define ROOM  16

struct made {
	struct bb_sliced *p;
	struct bb_process to;
	uint64_t ends[ROOM];
	size_t nr;
};

static void begin(struct made *m)
{
	memset(m, 0, sizeof(*m));
	m->p = calloc(1, sizeof(*m->p));
	assert_non_null(m->p);
}

static struct bb_thread_sum thread(void)
{
	return (struct bb_thread_sum){ .tid = 7, .start = START, .since = START };
}

/* Read these threads at the end of the next slice. */
static void look(struct made *m, const struct bb_thread_sum *sums, size_t nr)
{
	m->ends[m->nr] = START + (m->nr + 1) * SLICE;
	bb_sliced__begin(m->p);
	for (size_t i = 0; i < nr; i++)
		bb_sliced__thread(m->p, &sums[i], m->ends[m->nr], false);
	assert_int_equal(bb_sliced__step(m->p, m->nr, ROOM), 0);
	m->nr++;
}

static void give(struct made *m, bool late)
{
	const struct bb_slice_times times = { m->ends, m->nr, START };

	assert_int_equal(bb_sliced__give(m->p, &times, late, &m->to), 0);
}

static void end(struct made *m)
{
	bb_sliced__free(m->p);
	bb_process__release(&m->to);
}

static uint64_t in(const struct made *m, size_t i, enum bb_state state)
{
	return m->to.slices.items[i].budget.ns[state];
}

static uint64_t in_all(const struct made *m, enum bb_state state)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < m->nr; i++)
		ns += in(m, i, state);
	return ns;
}

/* A wait of three slices and a half: each edge has its part of it, and nothing counts twice. */
static void open_states_end_at_the_edge(void **state)
{
	struct bb_thread_sum t = thread();
	struct made m;

	(void)state;
	begin(&m);
	t.on = BB_STATE_OFF;
	t.bucket = BB_POLL;
	for (int i = 0; i < 3; i++)
		look(&m, &t, 1);
	t.ns[BB_POLL] = 3 * SLICE + SLICE / 2;
	t.since = START + t.ns[BB_POLL];
	t.on = BB_STATE_RAN;
	look(&m, &t, 1);
	look(&m, &t, 1);
	give(&m, false);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(in(&m, i, BB_STATE_POLL), SLICE);
	assert_int_equal(in(&m, 3, BB_STATE_POLL), SLICE / 2);
	assert_int_equal(in(&m, 3, BB_STATE_ONCPU), SLICE / 2);
	assert_int_equal(in(&m, 4, BB_STATE_ONCPU), SLICE);
	end(&m);
}

/* What was a wait at the edge turns out to have been one for a CPU in part. */
static void totals_that_fall(void **state)
{
	struct bb_thread_sum t = thread();
	struct made m;

	(void)state;
	begin(&m);
	t.on = BB_STATE_OFF;
	t.bucket = BB_SLEEP;
	look(&m, &t, 1);
	t.ns[BB_SLEEP] = 70 * MS;
	t.ns[BB_RUNQ_WOKEN] = 30 * MS;
	t.since = START + SLICE;
	look(&m, &t, 1);
	look(&m, &t, 1);
	give(&m, false);
	assert_int_equal(in(&m, 1, BB_STATE_SLEEP), 70 * MS);
	assert_int_equal(in_all(&m, BB_STATE_SLEEP), 270 * MS);
	assert_int_equal(in_all(&m, BB_STATE_RUNQ), 30 * MS);
	end(&m);
}

/* A wake-up that was seen divides a wait that goes on for a CPU. */
static void woken_but_not_running(void **state)
{
	struct bb_thread_sum t = thread();
	struct made m;

	(void)state;
	begin(&m);
	t.on = BB_STATE_OFF;
	t.bucket = BB_GIL;
	t.gil = 0x7000;
	t.woken = START + 60 * MS;
	look(&m, &t, 1);
	give(&m, false);
	assert_int_equal(in(&m, 0, BB_STATE_GIL), 60 * MS);
	assert_int_equal(in(&m, 0, BB_STATE_RUNQ), 40 * MS);
	assert_int_equal(m.to.slices.items[0].budget.runq_woken_ns, 40 * MS);
	end(&m);
}

/* A thread ends, and its sums go from its row to where ended ones are: no slice has them twice. */
static void threads_that_end(void **state)
{
	struct bb_thread_sum t[2] = { thread(), thread() };
	uint64_t folded[BB_BUCKET_MAX] = {};
	struct made m;

	(void)state;
	begin(&m);
	look(&m, t, 2);
	/* the second has ended in the middle of the second slice */
	t[1].ns[BB_ONCPU] = SLICE + SLICE / 2;
	bb_sliced__thread(m.p, &t[1], 0, true);
	look(&m, t, 1);
	look(&m, t, 1);
	/* it is read again, and one for which there was no room */
	bb_sliced__forget(m.p, true);
	bb_sliced__thread(m.p, &t[1], 0, true);
	bb_sliced__forget(m.p, false);
	folded[BB_ONCPU] = 5 * MS;
	folded[BB_FUTEX_HANDED] = 7 * MS;
	bb_sliced__folded(m.p, folded);
	look(&m, t, 1);
	m.to.budget.ns[BB_STATE_QUEUE] = 7 * MS;
	give(&m, false);
	assert_int_equal(in(&m, 0, BB_STATE_ONCPU), 2 * SLICE);
	assert_int_equal(in(&m, 1, BB_STATE_ONCPU), SLICE + SLICE / 2);
	assert_int_equal(in(&m, 2, BB_STATE_ONCPU), SLICE);
	assert_int_equal(in(&m, 3, BB_STATE_ONCPU), SLICE + 5 * MS);
	assert_int_equal(in(&m, 3, BB_STATE_QUEUE), 7 * MS);
	end(&m);
}

/* Futexes are told apart by their words: a lock, a queue, and what is neither known. */
static void locks_and_queues(void **state)
{
	struct bb_thread_sum t = thread();
	struct made m;

	(void)state;
	begin(&m);
	t.on = BB_STATE_OFF;
	t.bucket = BB_FUTEX_OTHER;
	t.futex = 0x1000;
	look(&m, &t, 1);
	/* it had to wait for that one all along; now it waits for another, and how is another thing
	 */
	t.ns[BB_FUTEX_HANDED] = 150 * MS;
	t.recent[0] = 0x1000;
	t.recent_ns[0] = 150 * MS;
	t.since = START + 150 * MS;
	t.futex = 0x2000;
	look(&m, &t, 1);
	m.to.locks = calloc(2, sizeof(*m.to.locks));
	m.to.nr_locks = 2;
	m.to.locks[0] = (struct bb_lock){ .addr = 0x1000, .state = BB_STATE_LOCK };
	m.to.locks[1] = (struct bb_lock){ .addr = 0x2000, .state = BB_STATE_QUEUE };
	give(&m, false);
	assert_int_equal(in(&m, 0, BB_STATE_LOCK), SLICE);
	assert_int_equal(in(&m, 1, BB_STATE_LOCK), SLICE / 2);
	assert_int_equal(in(&m, 1, BB_STATE_QUEUE), SLICE / 2);
	assert_int_equal(m.to.slices.nr_objects, 2);
	end(&m);
}

static void waits_by_call(void **state)
{
	struct bb_thread_sum t = thread();
	struct made m;

	(void)state;
	begin(&m);
	t.on = BB_STATE_OFF;
	t.bucket = BB_NET;
	t.nr = 45;
	t.fdkind = BB_FD_INET;
	t.end = 3;
	t.slots[0] = (struct bb_wait_slot){
		.bucket = BB_NET, .fdkind = BB_FD_INET, .nr = 45, .end = 2, .used = 1, .ns = 40 * MS
	};
	t.ns[BB_NET] = 40 * MS;
	t.since = START + 40 * MS;
	look(&m, &t, 1);
	give(&m, false);
	assert_int_equal(m.to.slices.nr_waits, 2);
	assert_int_equal(m.to.slices.waits[0].end, 2);
	assert_int_equal(m.to.slices.wait_ns[0], 40 * MS);
	assert_int_equal(m.to.slices.waits[1].end, 3);
	assert_int_equal(m.to.slices.wait_ns[1], 60 * MS);
	assert_int_equal(in(&m, 0, BB_STATE_NET), SLICE);
	/* more kinds of waits than are told apart: their time is there all the same */
	for (int i = 0; i < 3 * BB_SLICED_WAITS; i++) {
		t.end = (uint16_t)(10 + i);
		bb_sliced__thread(m.p, &t, m.ends[0], false);
	}
	assert_int_equal(m.p->nr_waits, BB_SLICED_WAITS);
	end(&m);
}

/* Slices are joined in pairs, the odd one stays: nothing gets lost. */
static void pairs(void **state)
{
	struct bb_thread_sum t = thread();
	struct made m;

	(void)state;
	begin(&m);
	for (int i = 0; i < 5; i++)
		look(&m, &t, 1);
	assert_int_equal(bb_sliced__resize(m.p, ROOM, 2 * ROOM), 0);
	bb_sliced__pair(m.p, m.nr);
	m.nr = 3;
	m.ends[0] = m.ends[1];
	m.ends[1] = m.ends[3];
	m.ends[2] = m.ends[4];
	give(&m, false);
	assert_int_equal(in(&m, 0, BB_STATE_ONCPU), 2 * SLICE);
	assert_int_equal(in(&m, 1, BB_STATE_ONCPU), 2 * SLICE);
	assert_int_equal(in(&m, 2, BB_STATE_ONCPU), SLICE);
	end(&m);
}

/* Who came and went between two looks is known at the last: it was there earlier all the same. */
static void known_too_late(void **state)
{
	struct bb_thread_sum t = thread();
	struct made m;

	(void)state;
	begin(&m);
	for (int i = 0; i < 7; i++)
		look(&m, NULL, 0);
	t.ns[BB_ONCPU] = 150 * MS;
	bb_sliced__thread(m.p, &t, 0, true);
	look(&m, NULL, 0);
	m.to.threads = calloc(1, sizeof(*m.to.threads));
	m.to.nr_threads = 1;
	m.to.threads[0].start_ns = 2 * SLICE + SLICE / 2;
	m.to.threads[0].window_ns = 150 * MS;
	give(&m, true);
	assert_int_equal(in(&m, 1, BB_STATE_ONCPU), 0);
	assert_int_equal(in(&m, 2, BB_STATE_ONCPU), SLICE / 2);
	assert_int_equal(in(&m, 3, BB_STATE_ONCPU), SLICE);
	assert_int_equal(in(&m, 7, BB_STATE_ONCPU), 0);
	assert_int_equal(in_all(&m, BB_STATE_ONCPU), 150 * MS);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_states_end_at_the_edge),
		cmocka_unit_test(totals_that_fall),
		cmocka_unit_test(woken_but_not_running),
		cmocka_unit_test(threads_that_end),
		cmocka_unit_test(locks_and_queues),
		cmocka_unit_test(waits_by_call),
		cmocka_unit_test(pairs),
		cmocka_unit_test(known_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
