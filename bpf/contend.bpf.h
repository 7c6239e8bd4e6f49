/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wall time in which at least one thread waits for an object.
 *
 * @cas says whether BPF has compare-and-swap here (5.12, 5ffa25502b5a). Both
 * variants are compiled into separate programs, because older kernels refuse
 * the instruction even where it is dead code.
 */
#ifndef BB_CONTEND_BPF_H
#define BB_CONTEND_BPF_H

#include "boundby.bpf.h"

#define BB_WORD_TRIES 12

static __always_inline void contend_peak(struct bb_contention *c, u64 waiters)
{
	/* racing writers may lose a peak by one another's, never invent one */
	if (waiters > c->max)
		c->max = waiters;
}

/*
 * One more waiter from @now. True when it was counted, and contend_end() is due.
 * The word holds "since" from the window's start (in 4 ns, 48 bits: 13 days) and
 * the number of waiters, so that the two change together.
 */
static __always_inline bool contend_begin(struct bb_contention *c, u64 now, const bool cas)
{
	if (!cas) {
		/* Adding is atomic, the rest is not: a race costs one interval. */
		__sync_fetch_and_add(&c->word, 1);
		u64 n = *(volatile u64 *)&c->word;

		if (n == 1) {
			c->since = now;
			c->times++;
		}
		contend_peak(c, n);
		return true;
	}
	for (int i = 0; i < BB_WORD_TRIES; i++) {
		u64 old = *(volatile u64 *)&c->word;
		u64 new = (old & 0xffff)
				  ? old + 1
				  : ((now - bb_window_start) >> BB_WORD_UNIT_SHIFT << 16) | 1;

		if ((old & 0xffff) == 0xffff)
			break;
		if (__sync_val_compare_and_swap(&c->word, old, new) == old) {
			contend_peak(c, new & 0xffff);
			if ((new & 0xffff) == 1)
				__sync_fetch_and_add(&c->times, 1);
			return true;
		}
	}
	bb_drop(BB_DROP_CONTENTION_RACE);
	return false;
}

/* One waiter fewer from @now. Only after a contend_begin() that was true. */
static __always_inline void contend_end(struct bb_contention *c, u64 now, const bool cas)
{
	if (!cas) {
		__sync_fetch_and_add(&c->word, -1);
		if (*(volatile u64 *)&c->word == 0 && c->since && now > c->since) {
			__sync_fetch_and_add(&c->ns, now - c->since);
			c->last_end = now;
		}
		return;
	}
	for (int i = 0; i < BB_WORD_TRIES; i++) {
		u64 old = *(volatile u64 *)&c->word;
		u64 n = old & 0xffff;
		u64 new = n > 1 ? old - 1 : 0;

		if (!n)
			return;
		if (__sync_val_compare_and_swap(&c->word, old, new) == old) {
			u64 since = (old >> 16 << BB_WORD_UNIT_SHIFT) + bb_window_start;

			if (n == 1) {
				if (now > since)
					__sync_fetch_and_add(&c->ns, now - since);
				c->last_end = now;
			}
			return;
		}
	}
	bb_drop(BB_DROP_CONTENTION_RACE);
}

/* All contended time up to @now, that of the open interval included. */
static __always_inline u64 contended_until(const struct bb_contention *c, u64 now)
{
	/* in this order: an interval that ends meanwhile is missed, not counted twice */
	u64 ns = *(volatile u64 *)&c->ns, word, since;

	barrier();
	word = *(volatile u64 *)&c->word;
	if (!(word & 0xffff))
		return ns;
	since = cfg_cas ? (word >> 16 << BB_WORD_UNIT_SHIFT) + bb_window_start : c->since;
	return now > since ? ns + (now - since) : ns;
}

/*
 * Contended time that nobody was given yet, of which @given is the rest, and which the
 * caller now gives to somebody. Where two ask at once, one gets it.
 */
static __always_inline u64 take_owed(const struct bb_contention *c, u64 *given, u64 now,
				     const bool cas)
{
	u64 total = contended_until(c, now), before = *given;

	if (total <= before)
		return 0;
	if (!cas) {
		*given = total;
		return total - before;
	}
	return __sync_val_compare_and_swap(given, before, total) == before ? total - before : 0;
}

#endif
