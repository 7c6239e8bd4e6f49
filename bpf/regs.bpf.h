/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a task was doing when it entered the kernel. */
#ifndef BB_REGS_BPF_H
#define BB_REGS_BPF_H

#include "boundby.bpf.h"

/*
 * The registers that a task saved when it entered the kernel. Before 5.15 there
 * is no helper: they lie at the top of the kernel stack, whose padding was 0 on
 * x86-64 until FRED came with 6.9.
 */
static __always_inline int bb_regs_of_stack(const char *stack, struct bb_regs *r, bool iter)
{
	u32 number = iter;
	struct bb_regs_scratch *s = bpf_map_lookup_elem(&regs_scratch, &number);

	if (!s || bpf_probe_read_kernel(&s->regs, sizeof(s->regs),
					stack + BB_THREAD_SIZE - sizeof(s->regs)))
		return -1;
	bb_regs_fill(r, &s->regs);
	return 0;
}

/* A pointer from a map is a number to the verifier, with which it lets us calculate. */
static __always_inline void note_regs_at(u64 stack, struct pt_regs *regs, bool iter)
{
	u32 number = iter;
	struct bb_regs_scratch *s = bpf_map_lookup_elem(&regs_scratch, &number);

	if (!s || !stack)
		return;
	*(struct pt_regs *volatile *)&s->at = regs;
	bb_regs_at = *(volatile u64 *)&s->at - stack;
}

/*
 * With the helper, where it is known. They are at the same place of each task's stack, so it is
 * asked once: a call costs 10 ns where returns are guarded (SRSO).
 * @iter: for the task iterator, which an interrupt's programs may come between.
 */
static __always_inline int bb_read_regs(struct task_struct *p, struct bb_regs *r, bool iter)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___core, BPF_FUNC_task_pt_regs___core)) {
		struct pt_regs *regs;

		if (bb_can_type() && bb_regs_at) {
			regs = bb_typed((const char *)p->stack + bb_regs_at, struct pt_regs);
		} else {
			regs = (void *)bpf_task_pt_regs(p);
			if (bb_can_type())
				note_regs_at((u64)p->stack, regs, iter);
		}
		bb_regs_fill(r, regs);
		return 0;
	}
	return bb_regs_of_stack(p->stack, r, iter);
}

/* The current task's: where there is no helper, the verifier does not know that task. */
static __always_inline int bb_read_own_regs(struct bb_regs *r)
{
	struct task_struct *task;

	if (bpf_core_enum_value_exists(enum bpf_func_id___core, BPF_FUNC_task_pt_regs___core))
		return bb_read_regs(bpf_get_current_task_btf(), r, false);
	task = (void *)bpf_get_current_task();
	return bb_regs_of_stack(BPF_CORE_READ(task, stack), r, false);
}

#endif
