// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lock_rule.h"

#include <linux/futex.h>
#include <string.h>

#define RISES_OF_COUNTER 8 /* from which it counts: few may be chance */

/*
 * The semaphores behind multiprocessing's queues and pools are shared by name.
 * Idle workers hand them on to one another just as a lock is handed on, so the
 * way their waits end does not tell (docs/method.md). Where the Python code is
 * known, that decides.
 */
static bool is_named_semaphore(const char *place)
{
	return place && !strncmp(place, "/dev/shm/sem.", 13);
}

/*
 * Python functions that wait for work or an event, by the end of file:function.
 * Where one of them is on top, the futex is no lock that somebody holds, however
 * its waits end: idle workers of a pool wake one another, too.
 */
static bool is_queue_code(const char *code)
{
	static const char *const queues[] = {
		"futures/thread.py:_worker",
		"threading.py:wait",
		"threading.py:join",
		"threading.py:_wait_for_tstate_lock",
		"queue.py:get",
		"queue.py:put",
		"multiprocessing/queues.py:get",
		"multiprocessing/pool.py:worker",
		"multiprocessing/pool.py:wait",
		"concurrent/futures/process.py:_process_worker",
		"multiprocessing/popen_fork.py:wait",
	};
	size_t len = code ? strlen(code) : 0;

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		size_t n = strlen(queues[i]);
		const char *at;

		if (len < n)
			continue;
		at = code + len - n;
		if (strcmp(at, queues[i]))
			continue;
		if (at == code || at[-1] == '/' || strchr(queues[i], '/'))
			return true;
	}
	return false;
}

static bool is_queue(const struct bb_lock *l)
{
	static const char enter[] = "synchronize.py:__enter__";
	size_t len = l->code ? strlen(l->code) : 0;

	if (is_queue_code(l->code))
		return true;
	/* multiprocessing takes its locks through a function of its own */
	return len >= sizeof(enter) - 1 && !strcmp(l->code + len - (sizeof(enter) - 1), enter) &&
	       is_queue_code(l->caller);
}

static enum bb_lock_kind kind_of(const struct bb_lock *l, const struct bb_lock_look *look)
{
	static const enum bb_lock_kind parked[] = {
		[BB_AT_PYMUTEX] = BB_LOCK_PYMUTEX, [BB_AT_SIMPLE_QUEUE] = BB_LOCK_SIMPLE_QUEUE,
		[BB_AT_WORLD] = BB_LOCK_WORLD,     [BB_AT_STOPPER] = BB_LOCK_STOPPER,
		[BB_AT_RAW] = BB_LOCK_RAW,
	};
	uint32_t cmd = look->op & (uint32_t)FUTEX_CMD_MASK, val = look->val, where = look->where;
	enum bb_lock_kind kind = bb_glibc__kind(l, look);

	if (where == BB_AT_MONITOR)
		return BB_LOCK_MONITOR;
	if (cmd == FUTEX_LOCK_PI || cmd == 13 /* FUTEX_LOCK_PI2, Linux 5.14 */)
		return BB_LOCK_PI_MUTEX;
	if (cmd == FUTEX_WAIT_REQUEUE_PI)
		return BB_LOCK_CONDITION;
	if (kind == BB_LOCK_BARRIER)
		return kind;
	if (cmd == FUTEX_WAIT && (val == 2 || ((val & FUTEX_WAITERS) && (val & FUTEX_TID_MASK))))
		return BB_LOCK_MUTEX;
	if (where < sizeof(parked) / sizeof(parked[0]) && parked[where])
		return parked[where];
	if (where != BB_AT_WORD)
		return BB_LOCK_PARKED;
	/* whatever its memory looks like by now */
	if (cmd == FUTEX_WAIT_BITSET && !val && is_named_semaphore(l->place))
		return BB_LOCK_SEMAPHORE;
	/* up to CPython 3.13.0 each lock of threading is one, of its own */
	if (kind == BB_LOCK_SEMAPHORE && l->code && !l->shared)
		return BB_LOCK_PYTHON;
	return kind;
}

/*
 * What a lock's word may be is a few values, that come again and again. One that only grows
 * counts events: rounds of a barrier, signals of a condition. Whoever is the last to arrive
 * wakes the others, and waits himself the next time, which is no lock.
 */
static bool is_counter(const struct bb_lock *l)
{
	return l->kind == BB_LOCK_UNKNOWN && l->rises >= RISES_OF_COUNTER && l->falls < UINT8_MAX &&
	       l->falls <= l->rises / 16;
}

/*
 * A mutex by what it is. A threading.Lock (since 3.13.1 a PyMutex) may also be used to
 * signal: anybody may release it. So may one of which it is not known what it belongs to,
 * as objects on the heap come and go; but none that lies in a file's mapping.
 */
static bool is_mutex(const struct bb_lock *l)
{
	switch (l->kind) {
	case BB_LOCK_WORLD:
	case BB_LOCK_STOPPER:
	case BB_LOCK_RAW:
	case BB_LOCK_MONITOR:
	case BB_LOCK_RWLOCK:
		return true;
	case BB_LOCK_PYMUTEX:
		if (l->object)
			return strcmp(l->object, "_thread.lock") != 0;
		return l->place && l->place[0] == '/';
	default:
		return false;
	}
}

void bb_lock__judge(struct bb_lock *l, const struct bb_lock_look *look)
{
	uint64_t told = l->proto_ns + l->handed_ns + l->fed_ns;

	l->kind = kind_of(l, look);
	if (is_mutex(l)) {
		l->rule = BB_RULE_PROTOCOL;
		l->state = BB_STATE_LOCK;
	} else if (l->kind == BB_LOCK_SIMPLE_QUEUE || l->kind == BB_LOCK_BARRIER) {
		l->rule = BB_RULE_PROTOCOL;
		l->state = BB_STATE_QUEUE;
	} else if (is_queue(l)) {
		l->rule = BB_RULE_PYTHON;
		l->state = BB_STATE_QUEUE;
	} else if (is_named_semaphore(l->place) && !l->code) {
		l->rule = BB_RULE_MAPPING;
		l->state = BB_STATE_QUEUE;
	} else if (l->proto_ns > told / 2) {
		l->rule = BB_RULE_PROTOCOL;
		l->state = BB_STATE_LOCK;
	} else if (is_counter(l)) {
		l->kind = BB_LOCK_COUNTER;
		l->rule = BB_RULE_PROTOCOL;
		l->state = BB_STATE_QUEUE;
	} else if (look->parks && l->handed_ns > told / 2) {
		/* its threads wake one another for work, for a stop of the world, for an answer */
		l->rule = BB_RULE_RUNTIME;
		l->state = BB_STATE_QUEUE;
	} else if (l->handed_ns > told / 2) {
		l->rule = BB_RULE_HANDED;
		l->state = BB_STATE_LOCK;
	} else if (l->fed_ns) {
		l->rule = BB_RULE_FED;
		l->state = BB_STATE_QUEUE;
	} else if (!told && (l->kind == BB_LOCK_MUTEX || l->kind == BB_LOCK_PI_MUTEX ||
			     l->kind == BB_LOCK_PYMUTEX)) {
		/* its only wait is still going on, or timed out */
		l->rule = BB_RULE_PROTOCOL;
		l->state = BB_STATE_LOCK;
	} else {
		l->rule = BB_RULE_NONE;
		l->state = BB_STATE_QUEUE;
	}
}
