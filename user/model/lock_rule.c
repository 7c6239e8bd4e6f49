// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lock_rule.h"

#include <linux/futex.h>
#include <string.h>

/*
 * The semaphores behind multiprocessing's queues and pools are shared by name.
 * Idle workers hand them on to one another just as a lock is handed on, so the
 * way their waits end does not tell (docs/method.md).
 */
static bool is_named_semaphore(const char *place)
{
	return place && !strncmp(place, "/dev/shm/sem.", 13);
}

static enum bb_lock_kind kind_of(const struct bb_lock *l, uint32_t op, uint32_t val, bool on_stack)
{
	uint32_t cmd = op & (uint32_t)FUTEX_CMD_MASK & ~(uint32_t)FUTEX_PRIVATE_FLAG;

	if (cmd == FUTEX_LOCK_PI || cmd == 13 /* FUTEX_LOCK_PI2, Linux 5.14 */)
		return BB_LOCK_PI_MUTEX;
	if (cmd == FUTEX_WAIT_REQUEUE_PI)
		return BB_LOCK_CONDITION;
	if (cmd == FUTEX_WAIT && val == 2)
		return BB_LOCK_MUTEX;
	if (on_stack)
		return BB_LOCK_PARKED;
	/* sem_wait() of glibc waits for the value 0, by the real-time clock */
	if (cmd == FUTEX_WAIT_BITSET && (op & FUTEX_CLOCK_REALTIME) && !val)
		return is_named_semaphore(l->place) ? BB_LOCK_SEMAPHORE : BB_LOCK_UNKNOWN;
	return BB_LOCK_UNKNOWN;
}

void bb_lock__judge(struct bb_lock *l, uint32_t op, uint32_t val, bool on_stack)
{
	uint64_t told = l->proto_ns + l->handed_ns + l->fed_ns;

	l->kind = kind_of(l, op, val, on_stack);
	if (is_named_semaphore(l->place)) {
		l->rule = BB_RULE_MAPPING;
		l->state = BB_STATE_QUEUE;
	} else if (l->proto_ns > told / 2) {
		l->rule = BB_RULE_PROTOCOL;
		l->state = BB_STATE_LOCK;
	} else if (l->handed_ns > told / 2) {
		l->rule = BB_RULE_HANDED;
		l->state = BB_STATE_LOCK;
	} else if (l->fed_ns) {
		l->rule = BB_RULE_FED;
		l->state = BB_STATE_QUEUE;
	} else if (!told && (l->kind == BB_LOCK_MUTEX || l->kind == BB_LOCK_PI_MUTEX)) {
		/* its only wait is still going on */
		l->rule = BB_RULE_PROTOCOL;
		l->state = BB_STATE_LOCK;
	} else {
		l->rule = BB_RULE_NONE;
		l->state = BB_STATE_QUEUE;
	}
}
