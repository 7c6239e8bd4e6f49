// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every system call of the targets: how often, how long, how it came out, and
 * how much of the CPU time was the kernel's. These tracepoints slow all
 * processes of the machine, so user space takes them off again where calls are
 * frequent; no state of the budget depends on them.
 */
#include "lock.bpf.h"
#include "loop.bpf.h"

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

#define BB_MAX_ERRNO 4095
/* include/uapi/asm-generic/errno.h; from 512 on include/linux/errno.h, which no program gets */
enum {
	BB_EINTR = 4,
	BB_EAGAIN = 11,
	BB_ETIMEDOUT = 110,
	BB_ERESTARTSYS = 512,
	BB_ERESTARTNOINTR = 513,
	BB_ERESTARTNOHAND = 514,
	BB_ERESTART_RESTARTBLOCK = 516,
};

static __always_inline u32 outcome_of(s64 ret, u32 kind)
{
	if (ret >= 0 || ret < -BB_MAX_ERRNO)
		return ret > 0 && kind >= BB_CALL_FUTEX_WAKE ? BB_OUT_SOME : BB_OUT_NONE;
	switch (-ret) {
	case BB_EAGAIN:
		return BB_OUT_AGAIN;
	case BB_ETIMEDOUT:
		return BB_OUT_TIMEOUT;
	case BB_EINTR:
	case BB_ERESTARTSYS:
	case BB_ERESTARTNOINTR:
	case BB_ERESTARTNOHAND:
	case BB_ERESTART_RESTARTBLOCK:
		return BB_OUT_INTR;
	default:
		return BB_OUT_ERROR;
	}
}

/* The call that @r are of, which may have been resumed by restart_syscall. */
static __always_inline void key_of_call(struct bb_syscall_key *key, const struct bb_thread_sum *t,
					s32 nr, const struct bb_regs *r)
{
	u32 kind, cmd;

	key->tgid = t->tgid;
	if (nr < 0 || nr >= BB_SYSCALL_MAX || r->compat) {
		key->nr = BB_NR_OTHER;
		return;
	}
	if (cfg_sysclass[nr & (BB_SYSCALL_MAX - 1)] == BB_SC_RESTART && t->restart_bucket)
		nr = t->restart_nr;
	kind = cfg_callkind[nr & (BB_SYSCALL_MAX - 1)];
	if (kind == BB_CALL_FUTEX) {
		cmd = r->arg[1] & BB_FUTEX_CMD_MASK;
		kind = futex_waits(cmd)   ? BB_CALL_FUTEX_WAIT
		       : futex_wakes(cmd) ? BB_CALL_FUTEX_WAKE
					  : BB_CALL_FUTEX;
	}
	key->nr = nr;
	key->kind = kind;
}

/* All time off the CPU; no event has shown yet that it got one: see seen_at(). */
static __always_inline u64 off_until(const struct bb_thread_sum *t, u64 now)
{
	u64 off = t->off_ns;

	return t->on == BB_STATE_OFF && now > t->since ? off + (now - t->since) : off;
}

/* A call that was seen to start has ended. Its wall time. */
static __always_inline u64 call_ended(struct bb_thread_sum *t, u64 now)
{
	u64 ns = now - t->sys_enter, off = off_until(t, now) - t->sys_off;

	if (polls_events(t->sys_nr) && !(t->flags & BB_TF_INNER)) {
		t->turn_traced = now;
		t->turn_off = t->off_ns;
	}
	t->sys_enter = 0;
	if (ns > off)
		t->kernel_ns += ns - off;
	return ns;
}

static __always_inline void call_add(const struct bb_syscall_key *key, u64 ns, long ret)
{
	struct bb_syscall_sum *s = bpf_map_lookup_elem(&syscalls, key);

	if (!s) {
		struct bb_syscall_sum zero = {};

		bpf_map_update_elem(&syscalls, key, &zero, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&syscalls, key);
		if (!s) {
			bb_drop(BB_DROP_SYSCALLS_FULL);
			return;
		}
	}
	__sync_fetch_and_add(&s->count, 1);
	__sync_fetch_and_add(&s->ns, ns);
	if (key->outcome == BB_OUT_SOME)
		__sync_fetch_and_add(&s->amount, ret);
	if (ns > s->max_ns)
		s->max_ns = ns;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(bb_sys_exit, struct pt_regs *regs, long ret)
{
	struct bb_syscall_key key = {};
	struct bb_thread_sum *t;
	struct bb_regs r;
	u64 ns;

	if (!bb_gate)
		return 0;
	t = current_thread();
	if (!t)
		return 0;
	if (t->sys_enter) {
		ns = call_ended(t, bpf_ktime_get_ns());
		bb_regs_fill(&r, regs);
		key_of_call(&key, t, t->sys_nr, &r);
		key.outcome = outcome_of(ret, key.kind);
	} else {
		/* the first that ends; of a new thread that is the clone that made it */
		if (t->sys_nr != -1 || (t->flags & (BB_TF_IGNORE | BB_TF_BORN)))
			return 0;
		t->sys_nr = BB_NR_OTHER;
		ns = off_until(t, bpf_ktime_get_ns());
		if (!ns)
			return 0;
		bb_regs_fill(&r, regs);
		key_of_call(&key, t, r.nr, &r);
		key.outcome = BB_OUT_EDGE;
	}
	call_add(&key, ns, ret);
	return 0;
}
