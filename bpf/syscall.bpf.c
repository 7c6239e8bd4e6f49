// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every system call of the targets: how often, how long, how many failed, and
 * how much of the CPU time was the kernel's. These tracepoints slow all
 * processes of the machine, so user space takes them off again where calls are
 * frequent; no state of the budget depends on them.
 */
#include "loop.bpf.h"

static __always_inline struct bb_thread_sum *current_thread(void)
{
	struct bb_self self;

	bb_self_get(&self);
	return bb_may_be_target(self.tgid) ? thread_at(self.task, self.pid) : NULL;
}

/* A poll begins, by descriptor @fd. */
__noinline int bb_poll_begin(u64 task, u32 pid, s32 fd)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (!t)
		return 0;
	t->flags &= ~BB_TF_INNER;
	if (!is_loops_fd(task, t, fd))
		t->flags |= BB_TF_INNER;
	else if (t->turn_traced)
		turn_end(t, t->sys_enter);
	return 0;
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(bb_sys_enter, struct pt_regs *regs, long id)
{
	struct bb_cpu *cpu;
	struct bb_thread_sum *t;

	if (!bb_gate)
		return 0;
	cpu = bb_cpu();
	if (cpu)
		cpu->syscalls++;
	t = current_thread();
	if (!t || (t->flags & BB_TF_IGNORE))
		return 0;
	if (cpu)
		cpu->own_calls++;
	t->sys_nr = id;
	t->sys_off = t->off_ns;
	t->sys_enter = bpf_ktime_get_ns();
	if (polls_events(id)) {
		struct bb_regs r;

		bb_regs_fill(&r, regs);
		bb_poll_begin(task_of(t), t->tid, r.arg[0]);
	} else if (makes_poller(id)) {
		struct bb_loop_sum *l = loop_of(t);

		if (l)
			l->made++;
	}
	return 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(bb_sys_exit, struct pt_regs *regs, long ret)
{
	struct bb_syscall_key key = {};
	struct bb_syscall_sum *s;
	struct bb_thread_sum *t;
	u64 ns, off, now;

	if (!bb_gate)
		return 0;
	t = current_thread();
	if (!t || !t->sys_enter)
		return 0;
	now = bpf_ktime_get_ns();
	ns = now - t->sys_enter;
	if (polls_events(t->sys_nr) && !(t->flags & BB_TF_INNER)) {
		t->turn_traced = now;
		t->turn_off = t->off_ns;
	}
	off = t->off_ns - t->sys_off;
	/* no event has shown yet that it got a CPU: see seen_at() */
	if (t->on == BB_STATE_OFF && now > t->since)
		off += now - t->since;
	t->sys_enter = 0;
	if (ns > off)
		t->kernel_ns += ns - off;
	key.tgid = t->tgid;
	key.nr = t->sys_nr;
	s = bpf_map_lookup_elem(&syscalls, &key);
	if (!s) {
		struct bb_syscall_sum zero = {};

		bpf_map_update_elem(&syscalls, &key, &zero, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&syscalls, &key);
		if (!s) {
			bb_drop(BB_DROP_SYSCALLS_FULL);
			return 0;
		}
	}
	__sync_fetch_and_add(&s->count, 1);
	__sync_fetch_and_add(&s->ns, ns);
	if (ret < 0 && ret >= -4095)
		__sync_fetch_and_add(&s->errors, 1);
	if (ns > s->max_ns)
		s->max_ns = ns;
	return 0;
}
