// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's own locks, where a target's threads have to wait for them (since 5.19,
 * 16edd9b511a1). These tracepoints fire only where a lock is contended. Raw ones: they load on
 * kernels that do not have them, and without a look into the kernel's BTF before.
 */
#include "thread.bpf.h"

/*
 * A wait within a wait is part of the outer one: for the spinlock that guards a mutex. A mutex
 * says twice that it begins, once while it spins. What sleeps cannot be within another: the
 * end of the one before was not seen.
 */
SEC("?raw_tp/contention_begin")
int BPF_PROG(bb_contention_begin, void *lock, unsigned int flags)
{
	struct bb_thread_sum *t;

	if (!bb_gate)
		return 0;
	t = current_thread();
	if (!t || (t->flags & BB_TF_IGNORE))
		return 0;
	if (t->klock == (u64)lock && (t->klock_kind & BB_KLOCK_MUTEX))
		return 0;
	if (t->klock && t->klock != (u64)lock && (flags & BB_KLOCK_SPIN))
		return 0;
	t->klock_kind = flags;
	if ((u64)lock == bb_own_mmap_lock())
		t->klock_kind |= BB_KLOCK_MMAP;
	t->klock_at = bpf_ktime_get_ns();
	t->klock = (u64)lock;
	return 0;
}

static __always_inline struct bb_klock_sum *klock_of(const struct bb_klock_key *key,
						     const struct bb_klock_sum *new)
{
	struct bb_klock_sum *sum = bpf_map_lookup_elem(&klocks, key);

	if (sum)
		return sum;
	bpf_map_update_elem(&klocks, key, new, BPF_NOEXIST);
	return bpf_map_lookup_elem(&klocks, key);
}

SEC("?raw_tp/contention_end")
int BPF_PROG(bb_contention_end, void *lock, int ret)
{
	struct bb_klock_sum *new, *sum;
	struct bb_klock_key key = {};
	struct bb_thread_sum *t;
	u32 zero = 0;
	u64 now, ns;
	long len;

	if (!bb_gate)
		return 0;
	t = current_thread();
	if (!t || !t->klock || t->klock != (u64)lock)
		return 0;
	now = bpf_ktime_get_ns();
	ns = now > t->klock_at ? now - t->klock_at : 0;
	t->klock = 0;
	new = bpf_map_lookup_elem(&klock_scratch, &zero);
	if (!new)
		return 0;
	len = bpf_get_stack(ctx, new->ip, sizeof(new->ip), 0);
	new->nr = len > 0 ? len / sizeof(u64) : 0;
	key.tgid = t->tgid;
	key.kind = t->klock_kind & ~(t->klock_kind & BB_KLOCK_MUTEX ? BB_KLOCK_SPIN : 0);
	for (u32 i = 0; i < BB_KLOCK_DEPTH && i < new->nr; i++)
		key.way = hash_add(key.way, new->ip[i]);
	sum = klock_of(&key, new);
	/* the map has locks of its own, whose waits begin here and end unseen */
	t->klock = 0;
	if (!sum) {
		bb_drop(BB_DROP_KLOCKS_FULL);
		return 0;
	}
	__sync_fetch_and_add(&sum->ns, ns);
	__sync_fetch_and_add(&sum->count, 1);
	if (ns > sum->max_ns)
		sum->max_ns = ns;
	return 0;
}
