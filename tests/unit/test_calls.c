// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of system calls: what was traced, joined with what was waited in. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../../user/capture/sysclass.h"
#include "../../user/emit/names.h"
#include "../../user/model/calls.h"
#include "../../user/model/delta.h"
#include "../lib/records.h"

#define FUTEX 202
#define READ  0
#define SLEEP 35

static void traced(struct bb_process *p, int32_t nr, enum bb_call_kind kind, uint64_t count,
		   uint64_t ns, uint64_t inside_ns)
{
	struct bb_syscall *s = bb_process__syscall(p, nr, kind);

	assert_non_null(s);
	s->count += count;
	s->ns += ns;
	s->inside_ns += inside_ns;
	s->amount += bb_call_kind__adds_up(kind) ? 10 * count : 0;
	s->outcomes[BB_OUT_NONE].count += count;
	s->outcomes[BB_OUT_NONE].ns += ns;
}

static void waited(struct bb_process *p, enum bb_state state, int32_t nr, uint64_t count,
		   uint64_t ns)
{
	struct bb_wait w = { .state = state,
			     .syscall = nr,
			     .fd = -1,
			     .count = count,
			     .ns = ns,
			     .max_ns = ns / count };

	make__wait(p, p->threads, &w);
}

/* Waits for a lock, in a queue, and for no call at all; a read that was never traced. */
static struct bb_record *reading(enum bb_tracing tracing, uint64_t traced_ns, uint64_t times)
{
	struct bb_record *rec = make__record(10 * SEC * times, 1);
	struct bb_process *p = rec->processes;

	make__process(p, 100, "calls", 1);
	make__thread(p->threads, "calls", 10 * SEC * times);
	rec->overhead.syscall_tracing = tracing;
	rec->overhead.syscall_window_ns = traced_ns;
	waited(p, BB_STATE_LOCK, FUTEX, 5 * times, 3 * SEC * times);
	waited(p, BB_STATE_QUEUE, FUTEX, 2 * times, SEC * times);
	waited(p, BB_STATE_OTHER, FUTEX, 1 * times, MS * times);
	waited(p, BB_STATE_FAULT, -1, 1 * times, SEC * times);
	waited(p, BB_STATE_IPC, READ, 1, 2 * SEC * times);
	if (tracing == BB_TRACING_OFF)
		return rec;
	traced(p, FUTEX, BB_CALL_FUTEX_WAKE, 9 * times, 9 * MS * times, 9 * MS * times);
	traced(p, FUTEX, BB_CALL_FUTEX_WAIT, 7 * times, 4 * SEC * times, 5 * SEC * times);
	traced(p, SLEEP, BB_CALL_OTHER, 1, 8 * MS, 8 * MS);
	return rec;
}

static const struct bb_call *find(const struct bb_call *calls, size_t nr, int32_t call,
				  enum bb_call_kind kind)
{
	for (size_t i = 0; i < nr; i++)
		if (calls[i].traced.nr == call && calls[i].traced.kind == kind)
			return &calls[i];
	return NULL;
}

static void waits_join_their_calls(void **state)
{
	struct bb_record *rec = reading(BB_TRACING_ON, 10 * SEC, 1);
	const struct bb_call *wait, *wake, *call;
	struct bb_call *calls;
	size_t nr;

	(void)state;
	assert_int_equal(bb_process__calls(rec, rec->processes, &calls, &nr), 0);
	assert_int_equal(nr, 4);
	wait = find(calls, nr, FUTEX, BB_CALL_FUTEX_WAIT);
	wake = find(calls, nr, FUTEX, BB_CALL_FUTEX_WAKE);
	assert_ptr_equal(wait, calls);
	assert_int_equal(wait->traced.count, 7);
	assert_int_equal(wait->waits, 7);
	assert_int_equal(wait->blocked_ns, 4 * SEC);
	assert_int_equal(wait->blocked_max_ns, 600 * MS);
	/* of the time in calls that were open at an edge, too */
	assert_true(bb_call__blocked_share(rec, wait) == 0.8);
	/* what blocked, and not for a word */
	assert_int_equal(wake->waits, 1);
	assert_int_equal(wake->blocked_ns, MS);
	/* none began and ended in the window: that is known */
	call = find(calls, nr, READ, BB_CALL_OTHER);
	assert_int_equal(call->traced.count, 0);
	assert_int_equal(call->blocked_ns, 2 * SEC);
	/* nothing blocked, and that is known as well */
	call = find(calls, nr, SLEEP, BB_CALL_OTHER);
	assert_int_equal(call->blocked_ns, 0);
	assert_true(bb_call__blocked_share(rec, call) == 0);
	for (size_t i = 0; i + 1 < nr; i++)
		assert_true(calls[i].blocked_ns >= calls[i + 1].blocked_ns);
	free(calls);
	bb_record__free(rec);
}

static void blocking_needs_no_tracing(void **state)
{
	struct bb_record *rec = reading(BB_TRACING_OFF, 0, 1);
	struct bb_call *calls;
	size_t nr;

	(void)state;
	assert_int_equal(bb_process__calls(rec, rec->processes, &calls, &nr), 0);
	assert_int_equal(nr, 3);
	for (size_t i = 0; i < nr; i++) {
		assert_true(calls[i].traced.count == BB_UNKNOWN_U64);
		assert_true(calls[i].traced.errors == BB_UNKNOWN_U64);
		assert_true(calls[i].traced.ns == BB_UNKNOWN_U64);
		assert_true(isnan(bb_call__blocked_share(rec, &calls[i])));
	}
	assert_int_equal(calls[0].blocked_ns, 4 * SEC);
	assert_int_equal(calls[0].traced.kind, BB_CALL_FUTEX_WAIT);
	free(calls);
	bb_record__free(rec);
}

/* Of a part of the window: what was counted in it stays, and of the others nothing is known. */
static void governed_is_a_part(void **state)
{
	struct bb_record *rec = reading(BB_TRACING_GOVERNED, SEC, 1);
	const struct bb_call *wait, *call;
	struct bb_call *calls;
	size_t nr;

	(void)state;
	/* it was open as the window began, and did not block */
	traced(rec->processes, 7, BB_CALL_POLL, 0, 0, MS);
	assert_int_equal(bb_process__calls(rec, rec->processes, &calls, &nr), 0);
	assert_null(find(calls, nr, 7, BB_CALL_POLL));
	wait = find(calls, nr, FUTEX, BB_CALL_FUTEX_WAIT);
	assert_int_equal(wait->traced.count, 7);
	assert_int_equal(wait->blocked_ns, 4 * SEC);
	assert_true(wait->traced.inside_ns == BB_UNKNOWN_U64);
	assert_true(isnan(bb_call__blocked_share(rec, wait)));
	call = find(calls, nr, READ, BB_CALL_OTHER);
	assert_true(call->traced.count == BB_UNKNOWN_U64);
	assert_int_equal(call->blocked_ns, 2 * SEC);
	free(calls);
	bb_record__free(rec);
}

static void intervals_of_calls(void **state)
{
	struct bb_record *first = reading(BB_TRACING_ON, 10 * SEC, 1);
	struct bb_record *second = reading(BB_TRACING_ON, 20 * SEC, 2);
	const struct bb_call *wait;
	struct bb_call *calls;
	size_t nr;

	(void)state;
	bb_record__subtract(second, first);
	assert_int_equal(bb_process__calls(second, second->processes, &calls, &nr), 0);
	wait = find(calls, nr, FUTEX, BB_CALL_FUTEX_WAIT);
	assert_int_equal(wait->traced.count, 7);
	assert_int_equal(wait->traced.ns, 4 * SEC);
	assert_int_equal(wait->traced.inside_ns, 5 * SEC);
	assert_int_equal(wait->traced.outcomes[BB_OUT_NONE].count, 7);
	assert_int_equal(wait->traced.outcomes[BB_OUT_NONE].ns, 4 * SEC);
	assert_int_equal(wait->blocked_ns, 4 * SEC);
	assert_int_equal(find(calls, nr, FUTEX, BB_CALL_FUTEX_WAKE)->traced.amount, 90);
	/* that was not called in this interval */
	assert_null(find(calls, nr, SLEEP, BB_CALL_OTHER));
	free(calls);
	bb_record__free(first);
	bb_record__free(second);
}

/* Tracing was taken off before this interval began: 0 would be wrong. */
static void interval_after_the_tracing(void **state)
{
	struct bb_record *first = reading(BB_TRACING_GOVERNED, SEC, 1);
	struct bb_record *second = reading(BB_TRACING_GOVERNED, SEC, 2);
	struct bb_call *calls;
	size_t nr;

	(void)state;
	bb_record__subtract(second, first);
	assert_int_equal(bb_process__calls(second, second->processes, &calls, &nr), 0);
	assert_int_equal(nr, 3);
	for (size_t i = 0; i < nr; i++)
		assert_true(calls[i].traced.count == BB_UNKNOWN_U64);
	free(calls);
	bb_record__free(first);
	bb_record__free(second);
}

static void kinds_of_calls(void **state)
{
	static const struct {
		int nr;
		enum bb_call_kind kind;
	} known[] = {
		{ SYS_read, BB_CALL_READ },
		{ SYS_write, BB_CALL_WRITE },
		{ SYS_recvmmsg, BB_CALL_MESSAGES },
		{ SYS_futex, BB_CALL_FUTEX },
		{ SYS_ppoll, BB_CALL_POLL },
		{ SYS_epoll_pwait, BB_CALL_POLL },
		{ SYS_getppid, BB_CALL_OTHER },
		{ SYS_accept4, BB_CALL_OTHER },
		{ -1, BB_CALL_OTHER },
		{ BB_SYSCALL_MAX, BB_CALL_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_int_equal(bb_syscall__kind(known[i].nr), known[i].kind);
}

/* In JSON each outcome of a call is there once. */
static void outcomes_are_distinct(void **state)
{
	(void)state;
	for (int kind = 0; kind < BB_CALL_KIND_MAX; kind++)
		for (int i = 0; i < BB_OUT_MAX; i++)
			for (int j = 0; j < i; j++) {
				const char *a = bb_name__outcome(kind, i);

				/* no amount: there is but one success */
				if (j == BB_OUT_NONE && i == BB_OUT_SOME &&
				    !bb_call_kind__adds_up(kind))
					continue;
				/* a poll that timed out returns 0, and no error */
				if (kind == BB_CALL_POLL && j == BB_OUT_NONE && i == BB_OUT_TIMEOUT)
					continue;
				assert_string_not_equal(a, bb_name__outcome(kind, j));
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_join_their_calls),
		cmocka_unit_test(blocking_needs_no_tracing),
		cmocka_unit_test(governed_is_a_part),
		cmocka_unit_test(intervals_of_calls),
		cmocka_unit_test(interval_after_the_tracing),
		cmocka_unit_test(kinds_of_calls),
		cmocka_unit_test(outcomes_are_distinct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
