// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who wakes a thread from a futex wait. Attached only once somebody waits on a
 * futex. It tells a lock from a queue (those who wake a lock's sleepers wait on
 * it themselves), and ends contended time at the instant of the wake-up.
 */
#include "lock.bpf.h"
#include "regs.bpf.h"
#include "stack.bpf.h"

/*
 * Is the current task, in task context, inside a call that wakes futexes? A
 * timer's interrupt that hits a thread of the target says nothing about it; its
 * saved registers then show no system call, or another one, or that it waits on a
 * futex itself: the timers of several slices often expire together.
 */
static __always_inline bool wakes_futexes(s32 nr, u32 op)
{
	u32 cmd = op & BB_FUTEX_CMD_MASK;

	if (nr == cfg_nr_futex)
		return !futex_waits(cmd);
	return nr == cfg_nr_futex_wake || nr == cfg_nr_exit || nr == cfg_nr_exit_group;
}

/* Not the idle task, whose CPU a slice's timer finds. */
static __always_inline bool current_wakes_futexes(struct bb_self *self)
{
	struct bb_regs r;

	bb_self_get(self);
	return bb_own_memory() && !bb_read_own_regs(&r) && wakes_futexes(r.nr, r.arg[1]);
}

/* The Python stack of the current task, where it is a thread of a target's. */
static __always_inline u64 stack_python(struct bb_self *me, u64 now)
{
	struct task_struct *task = (void *)me->task;

	if (!bb_may_be_target(me->tgid))
		return 0;
	return bb_py_stack(me->tgid, bb_py_own_tstate(me->tgid, bb_pthread_self_of(task)), now,
			   BB_WALK_FREE);
}

/* The current task ends the wait of the thread of row @t, at @now. */
static __always_inline void stack_waker(void *ctx, const struct bb_thread_sum *t, u64 now)
{
	struct bb_stack_key key = {
		.tgid = t->tgid, .kind = BB_STACK_WAKER, .bucket = t->bucket, .nr = t->nr
	};
	u64 ns = now > t->since ? now - t->since : 0, behind = 0;
	struct bb_regs r = { .nr = -1 };
	struct bb_thread_sum *w;
	struct bb_self self;

	if (waits_for_word(t))
		key.bucket = futex_how(t);
	/* by the call that it is in, and by what it ends: so an interrupt's way is one of its own
	 */
	if (bb_own_memory() && bb_read_own_regs(&r))
		bb_drop(BB_DROP_REGS_READ);
	key.native = stack_take(ctx, (u64)r.nr << 32 | (u32)t->nr << 8 | t->bucket, true);
	bb_self_get(&self);
	/* in no call: it is an interrupt that hit it */
	key.who = (u64)t->tid << 32 | (bb_own_memory() && r.nr < 0 ? 0 : self.pid);
	/* it may be an interrupt in whoever's time */
	w = r.nr >= 0 ? thread_at(self.task, self.pid) : NULL;
	if (w)
		behind = blocked_within(w, is_futex_bucket(t->bucket) ? t->futex : 0, ns, now);
	if (bb_pythons && r.nr >= 0)
		key.python = stack_python(&self, now);
	stack_sum(&key, ns, behind, !behind ? 0 : waits_for_word(w) ? futex_how(w) : w->bucket);
}

static __always_inline int on_waking(void *ctx, struct task_struct *p, const bool cas)
{
	struct bb_thread_sum *t, *w;
	struct bb_self self;
	u64 now;

	if (!bb_may_be_target(p->tgid) || !bb_gate)
		return 0;
	t = thread_of(p);
	if (!t)
		return 0;
	if (*(volatile u32 *)&t->seq & 1) {
		/* it is still on its way off the CPU, and ends its wait itself: leave_cpu() */
		t->early = 1;
		return 0;
	}
	if (t->on != BB_STATE_OFF)
		return 0;
	/* it was on its way off the CPU, and lost that first: it waits for nothing */
	if (t->bucket >= BB_RUNQ_PREEMPTED && t->bucket <= BB_RUNQ_THROTTLED)
		return 0;
	if (!is_futex_bucket(t->bucket)) {
		/* only where the kernel does not know how long it has been runnable */
		if (cfg_stacks || (t->flags & BB_TF_DELAYED))
			t->woken = bpf_ktime_get_ns();
		if (cfg_stacks)
			stack_waker(ctx, t, t->woken);
		return 0;
	}
	now = bpf_ktime_get_ns();
	t->woken = now;
	if (!current_wakes_futexes(&self)) {
		t->wake_how = BB_FUTEX_OTHER;
	} else {
		w = thread_at(self.task, self.pid);
		if (t->flags & BB_TF_GIL) {
			t->wake_how = BB_FUTEX_HANDED;
			/* the waker shares its memory: that thread has just let go of the GIL */
			if (w && w->tgid == t->tgid) {
				t->gil_switches = gil_switch_number(t->gil);
				gil_release(t->tgid, t->gil, now, t->flags & BB_TF_FORCED, cas);
				/*
				 * To let go of it, or to end a forced switch, it must have got
				 * it. A timer's interrupt in a wake-up of the mutex shows another.
				 */
				if ((w->flags & BB_TF_IN_ACQ) && w->gil == t->gil &&
				    (t->flags & (BB_TF_COND | BB_TF_FORCED)) && w->tstate &&
				    py_read(t->gil + BB_GIL_HOLDER) == w->tstate)
					bb_gil_close(task_of(w), w->tid);
			}
		} else {
			t->wake_how =
				w && recalls_lock(w, t->futex) ? BB_FUTEX_HANDED : BB_FUTEX_FED;
			if ((t->flags & BB_TF_COUNTED) && cas)
				bb_lock_give(task_of(t), t->tid, now);
			else if (t->flags & BB_TF_COUNTED)
				bb_lock_give_nocas(task_of(t), t->tid, now);
		}
	}
	if (cfg_stacks)
		stack_waker(ctx, t, now);
	futex_uncount(t, now, cas);
	return 0;
}

SEC("?tp_btf/sched_waking")
int BPF_PROG(bb_sched_waking, struct task_struct *p)
{
	return on_waking(ctx, p, true);
}

/* before 5.12 */
SEC("?tp_btf/sched_waking")
int BPF_PROG(bb_sched_waking_nocas, struct task_struct *p)
{
	return on_waking(ctx, p, false);
}
