// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes that come and change: children to follow, and exec. */
#include "thread.bpf.h"

/*
 * A child of a target is a target from its first instant. It has its parent's
 * memory, and so its GILs at the same addresses, until it execs.
 */
SEC("?tp_btf/sched_process_fork")
int BPF_PROG(bb_process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct bb_proc_sum *proc, fresh = {};
	struct bb_python_info *py;
	u32 tgid, ptgid;

	if (!bb_follow || child->tgid == parent->tgid || !bb_may_be_target(parent->tgid))
		return 0;
	proc = bb_proc_of(parent);
	if (!proc)
		return 0;
	tgid = child->tgid;
	fresh.tgid = tgid;
	fresh.ns_tgid = number_at(child, bb_level);
	fresh.ptgid = parent->tgid;
	fresh.flags = BB_PF_FOLLOWED;
	fresh.start_boottime = child->start_boottime;
	fresh.seen = bpf_ktime_get_ns();
	bpf_probe_read_kernel(fresh.comm, sizeof(fresh.comm), child->comm);
	/* an older process of that number has ended: its sums give way */
	if (bpf_map_lookup_elem(&procs, &tgid))
		bb_drop(BB_DROP_PROCS_FULL);
	if (bpf_map_update_elem(&procs, &tgid, &fresh, BPF_ANY)) {
		bb_drop(BB_DROP_PROCS_FULL);
		return 0;
	}
	ptgid = parent->tgid;
	py = bpf_map_lookup_elem(&pythons, &ptgid);
	if (py) {
		bpf_map_update_elem(&pythons, &tgid, py, BPF_ANY);
		/* what its parent has exec'd is not counted as its own */
		py = bpf_map_lookup_elem(&pythons, &tgid);
		if (py)
			py->execs = 0;
	} else {
		bpf_map_delete_elem(&pythons, &tgid);
	}
	bb_targets[tgid & (BB_TARGET_SLOTS - 1)] = 1;
	__sync_fetch_and_add(&bb_proc_events, 1);
	return 0;
}

/*
 * A thread that is not the leader execs: from now on it has the leader's number
 * (fs/exec.c, de_thread). As the one that it was it has ended; user space joins
 * the rows of the number that it takes over.
 */
static __always_inline void take_number(struct task_struct *p, struct bb_thread_sum *t,
					struct bb_proc_sum *proc)
{
	u64 now = bpf_ktime_get_ns(), ended;
	u32 flags = t->flags & BB_TF_IGNORE, seq = t->seq;

	if (now < t->since)
		now = t->since;
	t->seq = seq + 1;
	barrier();
	t->ns[BB_ONCPU] += now - t->since;
	t->since = now;
	t->flags |= BB_TF_ENDED;
	t->migrations = migrations_since(p, t);
	bpf_probe_read_kernel(t->comm, sizeof(t->comm), p->comm);
	ended = t->since << 16 ^ t->tid;
	if (!flags && bpf_map_update_elem(&exited, &ended, t, BPF_NOEXIST)) {
		bb_drop(BB_DROP_EXITED_FULL);
		fold_thread(proc, t);
	}
	__sync_fetch_and_add(&proc->ended, 1);
	bpf_probe_read_kernel(t, sizeof(*t), &bb_zero_thread);
	t->seq = seq + 1;
	t->tid = p->pid;
	t->tgid = p->tgid;
	t->sys_nr = -1;
	t->fd = -1;
	t->nr = -1;
	t->nvcsw = p->nvcsw;
	t->migrations = p->se.nr_migrations;
	t->run_delay = p->sched_info.run_delay;
	t->start = now;
	t->since = now;
	t->flags = flags | BB_TF_RAN;
	barrier();
	t->seq = seq + 2;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(bb_process_exec, struct task_struct *p, int old_pid, struct linux_binprm *bprm)
{
	struct bb_thread_sum *t;
	struct bb_proc_sum *proc;
	u32 tgid;

	if (!bb_may_be_target(p->tgid))
		return 0;
	proc = bb_proc_of(p);
	if (!proc)
		return 0;
	proc->flags |= BB_PF_EXECED;
	proc->exec_count++;
	bpf_probe_read_kernel(proc->comm, sizeof(proc->comm), p->comm);
	tgid = p->tgid;
	bpf_map_delete_elem(&pythons, &tgid);
	t = thread_of(p);
	if (t) {
		if (old_pid != p->pid && bb_gate)
			take_number(p, t, proc);
		t->gil = 0;
		t->tstate = 0;
		t->search = 0;
		self_forget(t);
		t->pythons = 0;
		t->flags &= ~BB_TF_NO_TSTATE;
	}
	__sync_fetch_and_add(&bb_proc_events, 1);
	return 0;
}
