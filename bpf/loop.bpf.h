/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Event loops: how long a thread that polls is away from its poll. */
#ifndef BB_LOOP_BPF_H
#define BB_LOOP_BPF_H

#include "thread.bpf.h"

static __always_inline bool polls_events(s32 nr)
{
	return nr >= 0 && nr < BB_SYSCALL_MAX &&
	       cfg_sysclass[nr & (BB_SYSCALL_MAX - 1)] == BB_SC_POLL_FD;
}

static __always_inline struct bb_loop_sum *loop_of(struct bb_thread_sum *t)
{
	u64 key = thread_key(t);
	struct bb_loop_sum *l = bpf_map_lookup_elem(&loops, &key);

	if (l)
		return l;
	bpf_map_update_elem(&loops, &key, &bb_zero_loop, BPF_NOEXIST);
	l = bpf_map_lookup_elem(&loops, &key);
	if (!l)
		bb_drop(BB_DROP_LOOPS_FULL);
	return l;
}

/* Only the thread itself writes its row. */
static __always_inline void turn_add(struct bb_turns *turns, u64 ns)
{
	u32 exp = log2_ns(ns), slot = 0;

	if (exp >= BB_TURN_FIRST)
		slot = (exp - BB_TURN_FIRST) << BB_TURN_SUB_BITS |
		       (ns >> (exp - BB_TURN_SUB_BITS) & ((1 << BB_TURN_SUB_BITS) - 1));
	if (slot >= BB_TURN_SLOTS)
		slot = BB_TURN_SLOTS - 1;
	turns->count++;
	turns->ns += ns;
	/* the verifier has to see the bound on the very register that indexes */
	asm volatile("" : "+r"(slot));
	if (slot < BB_TURN_SLOTS)
		turns->hist[slot]++;
	if (ns > turns->max_ns)
		turns->max_ns = ns;
}

#endif
