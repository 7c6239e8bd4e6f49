// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The objects of glibc 2.25 and later that threads wait for by FUTEX_WAIT_BITSET, whose rows
 * are by the word's address rounded down to 8, and its barrier, by FUTEX_WAIT. Their layouts
 * are part of the ABI: bits/struct_rwlock.h and bits/thread-shared-types.h have those of the
 * rwlock and the condition.
 */
#include "lock_glibc.h"

#include <linux/futex.h>
#include <string.h>

#define WAITERS_MOST 65536 /* a larger number of waiters is none */

static bool word(const struct bb_lock_look *k, int at, uint32_t *v)
{
	size_t need = at < 0 ? (size_t)-at : (size_t)at + sizeof(*v);

	if (at < 0 ? need > k->before : need > k->after)
		return false;
	memcpy(v, &k->mem[BB_LOOK_BEFORE + at], sizeof(*v));
	return true;
}

/* Words from @at on, @nr of them. */
static bool words(const struct bb_lock_look *k, int at, uint32_t *v, int nr)
{
	for (int i = 0; i < nr; i++)
		if (!word(k, at + 4 * i, &v[i]))
			return false;
	return true;
}

static uint64_t wide(const uint32_t *v)
{
	return (uint64_t)v[1] << 32 | v[0];
}

static bool is_private(const struct bb_lock_look *k)
{
	return k->op & FUTEX_PRIVATE_FLAG;
}

/*
 * At @base: __readers, whose low bits are flags, and __writers, whose top bit is one; the two
 * words that are waited for, which are 0 or 1, and 2 where somebody waits; two unused ones; the
 * number of the writer; whether it is shared; and, 48 bytes from the start, its kind.
 */
static bool is_rwlock_at(const struct bb_lock_look *k, int base)
{
	uint32_t v[8], kind;

	if (!words(k, base, v, 8) || !word(k, base + 48, &kind))
		return false;
	return v[0] >> 3 < WAITERS_MOST && (v[1] & 0x7fffffff) < WAITERS_MOST && v[2] <= 3 &&
	       v[3] <= 3 && !v[4] && !v[5] && v[6] <= FUTEX_TID_MASK &&
	       v[7] == (is_private(k) ? 0 : 1) && kind <= 2;
}

/*
 * Who is to read waits for __wrphase_futex to be no more 3, who is to write for it to be no
 * more 2, or for __writers_futex to be no more 3. Where writers go first, readers also wait for
 * __readers itself to change, in which bit 2 says so.
 */
static bool is_rwlock(const struct bb_lock *l, const struct bb_lock_look *k)
{
	uint32_t v[2];

	if ((k->val == 2 || k->val == 3) && is_rwlock_at(k, -8))
		return !l->open || (words(k, 0, v, 2) && ((v[0] | v[1]) & 2));
	return (k->val & 5) == 4 && is_rwlock_at(k, 0);
}

/*
 * In front of the two words that are waited for (__g_signals) are the number of waiters, from
 * bit 3, with flags below; the size of the group that is woken, from bit 2; and the sizes of both.
 * Before these, to 2.40 two words further up, are the number of waits so far and that up to which
 * they were woken, each from bit 1.
 */
static bool is_condition(const struct bb_lock *l, const struct bb_lock_look *k)
{
	uint32_t v[4], waiters;

	if (!words(k, -8, v, 2))
		return false;
	waiters = v[1] >> 3;
	if ((v[1] & 1) != !is_private(k) || waiters >= WAITERS_MOST || (l->open && !waiters) ||
	    v[0] >> 2 >= WAITERS_MOST || (v[0] & 3) == 3)
		return false;
	for (int at = -40; at <= -32; at += 8) {
		uint64_t waits, woken;

		if (!words(k, at, v, 4))
			continue;
		waits = wide(v) >> 1;
		woken = wide(v + 2) >> 1;
		/* a wait may go to sleep more than once */
		if (waits && waits >= l->waits / 4 && woken <= waits &&
		    waits - woken < WAITERS_MOST && waits < 1ULL << 48)
			return true;
	}
	return false;
}

/* Its value and the number of its waiters, then whether it is shared. The value 0 is waited for. */
static bool is_semaphore(const struct bb_lock *l, const struct bb_lock_look *k)
{
	uint32_t v[3];

	return !k->val && words(k, 0, v, 3) && v[0] <= INT32_MAX && v[1] < WAITERS_MOST &&
	       (!l->open || v[1]) && v[2] == (is_private(k) ? 0 : FUTEX_PRIVATE_FLAG);
}

/*
 * The number of those that came; the same at the start of this round, which is waited for; of how
 * many it is; whether it is shared; and the number of those that left. A round adds to each as
 * many as it is of.
 */
static bool is_barrier(const struct bb_lock_look *k)
{
	uint32_t v[5], of;

	if (!words(k, -4, v, 5))
		return false;
	of = v[2];
	return of >= 2 && of < WAITERS_MOST && !(v[1] % of) && !(k->val % of) && v[0] >= v[1] &&
	       v[0] - v[1] <= 2 * of && v[4] <= v[0] &&
	       v[3] == (is_private(k) ? 0 : FUTEX_PRIVATE_FLAG);
}

enum bb_lock_kind bb_glibc__kind(const struct bb_lock *l, const struct bb_lock_look *look)
{
	uint32_t cmd = look->op & (uint32_t)FUTEX_CMD_MASK;

	if (look->where != BB_AT_WORD)
		return BB_LOCK_UNKNOWN;
	if (cmd == FUTEX_WAIT)
		return is_barrier(look) ? BB_LOCK_BARRIER : BB_LOCK_UNKNOWN;
	if (cmd != FUTEX_WAIT_BITSET)
		return BB_LOCK_UNKNOWN;
	if (is_condition(l, look))
		return BB_LOCK_CONDITION;
	if (is_rwlock(l, look))
		return BB_LOCK_RWLOCK;
	return is_semaphore(l, look) ? BB_LOCK_SEMAPHORE : BB_LOCK_UNKNOWN;
}
