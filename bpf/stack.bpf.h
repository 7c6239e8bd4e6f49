/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native stacks of the current task: user's by frame pointers, and the kernel's. */
#ifndef BB_STACK_BPF_H
#define BB_STACK_BPF_H

#include "regs.bpf.h"
#include "thread.bpf.h"

#define BB_STACK_MOST (8U << 20) /* how far up a frame may be: the usual limit of a stack */

/*
 * The user's instruction and, as far as code keeps frame pointers, who called it; in the
 * kernel they are those that it was entered with. Each frame begins with the caller's frame
 * pointer and its instruction. bpf_get_stack() would do, but takes 3 us where nothing is in
 * the caches, and believes a register that is no frame pointer. Returns how many there are.
 */
static __always_inline u32 native_walk(u64 *ip)
{
	struct bb_regs r;
	struct {
		u64 fp;
		u64 ip;
	} frame;
	u32 i;

	if (bb_read_own_regs(&r))
		return 0;
	ip[0] = r.ip;
	for (i = 1; i < BB_NATIVE_DEPTH; i++) {
		if (r.fp - r.sp >= BB_STACK_MOST || (r.fp & 7) ||
		    bpf_probe_read_user(&frame, sizeof(frame), (void *)r.fp) || !frame.ip)
			break;
		ip[i] = frame.ip;
		r.sp = r.fp + sizeof(frame);
		r.fp = frame.fp;
	}
	return i;
}

/* Enter a stack that is new. */
static __always_inline u64 stack_enter(struct bb_stack *s, u64 id)
{
	struct task_struct *me = (void *)bpf_get_current_task();
	u32 tgid = s->tgid;
	struct bb_proc_sum *proc = bpf_map_lookup_elem(&procs, &tgid);

	s->execs = proc ? proc->exec_count : 0;
	s->ns_tgid = number_at(BPF_CORE_READ(me, group_leader), bb_level);
	bpf_get_current_comm(s->comm, sizeof(s->comm));
	if (!bpf_map_update_elem(&native_stacks, &id, s, BPF_ANY))
		return id;
	bb_drop(BB_DROP_STACKS_FULL);
	return 0;
}

/* Is the way through the kernel told by the call, so that one walk stands for all? */
static __always_inline bool walks_once(u32 bucket)
{
	return bucket != BB_DISK && bucket != BB_FAULT && bucket != BB_OTHER &&
	       bucket != BB_UNKNOWN;
}

/*
 * Where the current task is, kept in `native_stacks`: its user part, and the kernel's. To walk
 * that takes most of the time, as the kernel looks each frame up: @once, it is done when the rest
 * is new. @what: more that tells stacks apart. Returns the key there, 0: there is no room.
 */
static __noinline u64 stack_take(void *ctx, u64 what, bool once)
{
	u32 zero = 0, i;
	struct bb_stack *s = bpf_map_lookup_elem(&stack_scratch, &zero);
	u64 id;
	long len;

	if (!s)
		return 0;
	s->tgid = bpf_get_current_pid_tgid() >> 32;
	s->nr_user = bb_own_memory() ? native_walk(s->user) : 0;
	id = hash_add(s->tgid, what);
	for (i = 0; i < BB_NATIVE_DEPTH && i < s->nr_user; i++)
		id = hash_add(id, s->user[i]);
	if (once && bpf_map_lookup_elem(&native_stacks, &id))
		return id;
	len = bpf_get_stack(ctx, s->kernel, sizeof(s->kernel), 0);
	s->nr_kernel = len > 0 ? len / sizeof(u64) : 0;
	for (i = 0; !once && i < BB_KERNEL_DEPTH && i < s->nr_kernel; i++)
		id = hash_add(id, s->kernel[i]);
	if (!once && bpf_map_lookup_elem(&native_stacks, &id))
		return id;
	return stack_enter(s, id);
}

/* @behind: of the time, in which who ended the wait was blocked itself, in @bucket. */
static __always_inline void stack_sum(const struct bb_stack_key *key, u64 ns, u64 behind,
				      u32 bucket)
{
	struct bb_stack_sum *sum = bpf_map_lookup_elem(&stack_sums, key);

	if (!sum) {
		bpf_map_update_elem(&stack_sums, key, &bb_zero_stack_sum, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(&stack_sums, key);
	}
	if (!sum) {
		bb_drop(BB_DROP_STACKS_FULL);
		return;
	}
	if (ns)
		__sync_fetch_and_add(&sum->ns, ns);
	__sync_fetch_and_add(&sum->count, 1);
	if (ns > sum->max_ns)
		sum->max_ns = ns;
	if (!behind)
		return;
	__sync_fetch_and_add(&sum->behind_ns, behind);
	if (behind > sum->behind_max) {
		sum->behind_max = behind;
		sum->behind = bucket;
	}
}

/* The thread of row @t was blocked for @ns. */
static __always_inline void stack_blocked(const struct bb_thread_sum *t, u32 bucket, u64 ns)
{
	struct bb_stack_key key = { .native = t->native,
				    .python = t->stack,
				    .tgid = t->tgid,
				    .kind = BB_STACK_BLOCKED,
				    .bucket = bucket,
				    .nr = t->nr };

	/* the slices of one acquisition are waited for in the same code, of which one walk was made
	 */
	if (bucket == BB_GIL && !key.python)
		key.python = t->acq_stack;
	if (bucket >= BB_GIL && bucket <= BB_FUTEX_OTHER)
		key.who = t->flags & BB_TF_GIL ? t->gil : t->futex;
	stack_sum(&key, ns, 0, 0);
}

#endif
