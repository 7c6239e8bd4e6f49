// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The time budget: every switch closes one state of a thread and opens another.
 *
 * Off-CPU time is split at the switch back in: what the thread spent runnable
 * is taken from the kernel's own run delay, the rest it was blocked. So no
 * wake-up needs tracing.
 */
#include "stack.bpf.h"
#include "thread.bpf.h"
#include "wait.bpf.h"
#include "loop.bpf.h"

/* A new row for @p, NULL when it is not ours or the map is full. */
static __noinline struct bb_thread_sum *thread_enter(struct task_struct *p)
{
	struct bb_proc_sum *proc;
	struct bb_thread_sum *t;
	struct bb_row *row;
	u32 number;

	if (!p)
		return NULL;
	proc = bb_proc_of(p);
	if (!proc)
		return NULL;
	row = row_take(&number);
	if (!row) {
		bb_drop(BB_DROP_THREADS_FULL);
		return NULL;
	}
	bpf_probe_read_kernel(&row->sum, sizeof(row->sum), &bb_zero_thread);
	thread_fill(&row->sum, p);
	if (!row_enter(row, number, p)) {
		row_give_back(row, number);
		/* the iterator was faster, or there is no room */
		t = thread_of(p);
		if (!t)
			bb_drop(BB_DROP_THREADS_FULL);
		return t;
	}
	if (row->sum.flags & BB_TF_BORN)
		__sync_fetch_and_add(&proc->born, 1);
	return &row->sum;
}

/* The verifier has to see the bound on the very register that indexes. */
static __always_inline void add_ns(struct bb_thread_sum *t, u32 bucket, u64 ns)
{
	asm volatile("" : "+r"(bucket));
	if (bucket < BB_BUCKET_MAX)
		t->ns[bucket] += ns;
}

/*
 * A first comparison of the clocks may be late by what the host took from a virtual
 * CPU just then: a later one sets that right, and so back, by some milliseconds.
 */
#define BB_CLOCK_BACK_NS 10000000ULL

/*
 * Clocks of two CPUs may differ by a little. Time that would run backwards
 * stands still: the intervals of a thread always add up to its window.
 */
static __always_inline u64 not_before(struct bb_thread_sum *t, u64 now)
{
	if (now >= t->since)
		return now;
	if (t->since - now > BB_CLOCK_BACK_NS)
		bb_drop(BB_DROP_CLOCK_BACK);
	return t->since;
}

static __always_inline void seq_begin(struct bb_thread_sum *t)
{
	t->seq++;
	barrier();
}

static __always_inline void seq_end(struct bb_thread_sum *t)
{
	barrier();
	t->seq++;
}

/* The last switch of a thread: keep its sums, in full while there is room. */
static __noinline void thread_end(struct task_struct *p, struct bb_thread_sum *t)
{
	struct bb_proc_sum *proc;
	u64 ended, self;
	u32 tgid, tid;

	if (!p || !t)
		return;
	tgid = t->tgid;
	tid = t->tid;
	__sync_fetch_and_add(&bb_ends, 1);
	t->flags |= BB_TF_ENDED;
	t->migrations = migrations_since(p, t);
	self = t->self;
	self_forget(t);
	t->self = self;
	/* numbers are used again, at exec at once: the time of the end makes the key unique */
	ended = t->since << 16 ^ tid;
	bpf_probe_read_kernel(t->comm, sizeof(t->comm), p->comm);
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (proc) {
		__sync_fetch_and_add(&proc->ended, 1);
		if (tid == tgid)
			__builtin_memcpy(proc->comm, t->comm, sizeof(proc->comm));
		if (!p->signal->live.counter) {
			proc->flags |= BB_PF_ENDED;
			/* the low bits are the signal, as in a wait status */
			if (p->exit_code & 0x7f)
				proc->exit_signal = p->exit_code & 0x7f;
		}
	}
	if (!(t->flags & BB_TF_IGNORE) && bpf_map_update_elem(&exited, &ended, t, BPF_NOEXIST)) {
		u64 key = thread_key(t);

		bb_drop(BB_DROP_EXITED_FULL);
		if (proc)
			fold_thread(proc, t);
		/* room for those that live: what it did with the GIL is in no row of the report */
		bpf_map_delete_elem(&py_threads, &key);
	}
	row_leave(p);
	__sync_fetch_and_add(&bb_ends, 1);
}

/* A thread for which there never was room ends: its time is known, its states are not. */
static __noinline int unseen_end(struct task_struct *p, u64 now)
{
	struct bb_proc_sum *proc;
	u64 since = bb_window_start;

	if (!p)
		return 0;
	proc = bb_proc_of(p);
	if (!proc || cfg_tids)
		return 0;
	if (p->start_time > since)
		since = p->start_time;
	if (now < since)
		return 0;
	__sync_fetch_and_add(&bb_ends, 2);
	__sync_fetch_and_add(&proc->ended, 1);
	__sync_fetch_and_add(&proc->folded, 1);
	__sync_fetch_and_add(&proc->folded_window, now - since);
	__sync_fetch_and_add(&proc->folded_ns[BB_UNKNOWN], now - since);
	return 0;
}

/* A poll that blocked for @ns is over. */
__noinline int bb_loop_polled(u64 task, u32 pid, u64 ns, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_loop_sum *l;

	if (!t)
		return 0;
	if (!(t->flags & BB_TF_INNER)) {
		t->turn = now;
		return 0;
	}
	l = loop_of(t);
	if (!l)
		return 0;
	l->inner_count++;
	l->inner_ns += ns;
	l->inner_nr = t->nr;
	if (ns > l->inner_max_ns)
		l->inner_max_ns = ns;
	return 0;
}

__noinline int bb_stack_blocked(u64 task, u32 pid, u32 bucket, u64 ns)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (t && cfg_stacks)
		stack_blocked(t, bucket, ns);
	return 0;
}

/*
 * A thread gets a CPU at @now: close what it was off for. @runq: ns of it that it was
 * runnable, if it was blocked; more than all of it is all.
 */
static __always_inline void enter_at(struct bb_thread_sum *t, u64 now, u64 runq, const bool cas)
{
	u64 off;
	u32 bucket;

	seq_begin(t);
	now = not_before(t, now);
	off = now - t->since;
	bucket = t->bucket;
	t->queued = off;
	t->blocked = 0;
	if (bucket >= BB_RUNQ_PREEMPTED && bucket <= BB_RUNQ_THROTTLED) {
		add_ns(t, bucket, off);
	} else if (bucket < BB_BUCKET_MAX) {
		if (runq > off)
			runq = off;
		t->queued = runq;
		t->blocked = off - runq;
		if (is_futex_bucket(bucket))
			bucket = cas ? bb_futex_end(task_of(t), t->tid, off - runq, now)
				     : bb_futex_end_nocas(task_of(t), t->tid, off - runq, now);
		if (t->stack && bucket != BB_GIL)
			bb_py_blocked(task_of(t), t->tid, bucket, off - runq);
		if (bucket == BB_POLL && polls_events(t->nr))
			bb_loop_polled(task_of(t), t->tid, off - runq, now);
		if (cfg_stacks)
			bb_stack_blocked(task_of(t), t->tid, bucket, off - runq);
		t->ns[BB_RUNQ_WOKEN] += runq;
		add_ns(t, bucket, off - runq);
		if (!slot_is_first(t, bucket, off - runq))
			bb_slot_add(task_of(t), t->tid, bucket, off - runq);
	}
	if (t->flags & BB_TF_HOLDS)
		bb_gil_back(task_of(t), t->tid, bucket, off, now);
	t->off_ns += off;
	t->since = now;
	t->on = BB_STATE_RAN;
	t->flags |= BB_TF_RAN;
	seq_end(t);
}

__noinline int bb_enter_seen(u64 task, u32 pid, u64 now, u64 runq)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (t)
		enter_at(t, now, runq, true);
	return 0;
}

__noinline int bb_enter_seen_nocas(u64 task, u32 pid, u64 now, u64 runq)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (t)
		enter_at(t, now, runq, false);
	return 0;
}

/*
 * A wait for a CPU that the thread had lost is over, and meanwhile its run queue was
 * throttled: @then and @mark are its throttled_mark() before and after. That part of the wait
 * is lost to the quota, the rest to whoever had the CPU. Returns the part, in us.
 */
__noinline int bb_runq_split(u64 task, u32 pid, u64 then, u64 mark)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	u64 ns = (mark - then) >> 16, rest;

	/* of another run queue, or it was not seen to lose its CPU: as that began, all of it */
	if (!t)
		return 0;
	if ((u16)then != (u16)mark)
		return t->bucket == BB_RUNQ_THROTTLED ? t->queued / 1000 : 0;
	if (ns > t->queued)
		ns = t->queued;
	rest = t->queued - ns;
	seq_begin(t);
	if (t->bucket == BB_RUNQ_THROTTLED) {
		t->ns[BB_RUNQ_THROTTLED] -= rest;
		t->ns[BB_RUNQ_PREEMPTED] += rest;
	} else {
		t->ns[BB_RUNQ_PREEMPTED] -= ns;
		t->ns[BB_RUNQ_THROTTLED] += ns;
	}
	seq_end(t);
	return ns / 1000;
}

/* The same for @p, whose wait ended by @clock of its run queue. Returns the part, in ns. */
static __always_inline u64 split_runq(struct task_struct *p, struct bb_thread_sum *t, u64 then,
				      u64 clock)
{
	u64 mark;

	if (!bb_has_throttled_ns() ||
	    (t->bucket != BB_RUNQ_PREEMPTED && t->bucket != BB_RUNQ_THROTTLED))
		return 0;
	mark = throttled_mark(p, clock);
	if (mark == then && t->bucket != BB_RUNQ_THROTTLED)
		return 0;
	return 1000 * (u64)bb_runq_split(task_of(t), t->tid, then, mark);
}

/*
 * @p leaves a CPU, and no event said that it had got one: some kernels show no
 * switch away from tasks that they hide. The kernel's own sums say when it was:
 * @p was on the CPU for its last stint, and not while it was delayed.
 */
static __always_inline u64 seen_at(struct task_struct *p, struct bb_thread_sum *t, u64 now)
{
	u64 delay = p->sched_info.run_delay - t->run_delay;
	u64 ran = stint_ns(p), off = now > t->since ? now - t->since : 0;

	if (delay > off)
		delay = off;
	if (ran > off - delay)
		ran = off - delay;
	return t->since + off - ran;
}

static __noinline int missed_enter(struct task_struct *p, struct bb_thread_sum *t, u64 now,
				   u64 clock)
{
	u64 mark;

	if (!p || !t)
		return 0;
	mark = t->queued;
	now = seen_at(p, t, now);
	bb_enter_seen(task_of(t), t->tid, now, runnable_ns(p, t, now, 0));
	split_runq(p, t, mark, clock);
	return 0;
}

static __noinline int missed_enter_nocas(struct task_struct *p, struct bb_thread_sum *t, u64 now,
					 u64 clock)
{
	u64 mark;

	if (!p || !t)
		return 0;
	mark = t->queued;
	now = seen_at(p, t, now);
	bb_enter_seen_nocas(task_of(t), t->tid, now, runnable_ns(p, t, now, 0));
	split_runq(p, t, mark, clock);
	return 0;
}

/* A poll blocks: the loop is back at it, if it is the loop's. */
__noinline int bb_loop_turn(u64 task, u32 pid, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_loop_sum *l = t ? loop_of(t) : NULL;

	if (!t)
		return 0;
	t->flags &= ~BB_TF_INNER;
	if (!is_loops_fd(task, t, t->fd)) {
		t->flags |= BB_TF_INNER;
		return 0;
	}
	if (l && t->turn)
		turn_add(&l->seen, now - t->turn);
	t->turn = 0;
	return 0;
}

/* In which code does the thread block? */
static __always_inline void py_block(struct task_struct *p, struct bb_thread_sum *t,
				     struct bb_cpu *cpu, u64 now)
{
	bool about_gil = t->bucket == BB_GIL || (t->flags & BB_TF_HOLDS);
	u32 tgid = t->tgid;

	if (!cpu || !is_python(t))
		return;
	/* before what has to be looked up for a walk: there may be many thousands a second */
	if (cfg_stacks || py_may_walk(cpu, now, about_gil ? 0 : BB_CREDIT_GIL))
		t->stack = bb_py_stack(tgid, bb_py_own_tstate(tgid, bb_pthread_self(p)), now,
				       cfg_stacks ? BB_WALK_FREE : 0);
}

static __always_inline void py_leave(struct task_struct *p, struct bb_thread_sum *t, u64 now)
{
	if (!bb_pythons || !is_python(t))
		return;
	/* one read tells mostly: each costs 100 ns */
	if (t->only_gil && !gil_holder(t->only_gil))
		return;
	bb_gil_leave(task_of(t), t->tid, bb_pthread_self(p), now);
}

static __always_inline void taker_add(struct bb_taker_sum *t, u64 ns)
{
	if (!ns)
		return;
	__sync_fetch_and_add(&t->ns, ns);
	__sync_fetch_and_add(&t->count, 1);
	if (ns > t->max_ns)
		t->max_ns = ns;
}

/* The process of @by had a CPU while a thread of @tgid queued for it, for @ns. */
static __noinline int cpu_taken(struct task_struct *by, u32 tgid, u64 ns)
{
	struct bb_taker_key key = { .tgid = tgid };
	struct bb_taker_sum *t;

	if (!by)
		return 0;
	key.by = by->tgid;
	t = bpf_map_lookup_elem(&takers, &key);
	if (!t) {
		struct task_struct *leader = BPF_CORE_READ(by, group_leader);

		bpf_map_update_elem(&takers, &key, &bb_zero_taker, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&takers, &key);
		if (!t) {
			if (ns)
				bb_drop(BB_DROP_TAKERS_FULL);
			return 0;
		}
		t->ns_tgid = number_at(leader, bb_level);
		bpf_probe_read_kernel(t->comm, sizeof(t->comm), &leader->comm);
	}
	taker_add(t, ns);
	return 0;
}

/*
 * The thread got a CPU, which @before left for that, after some time in the queue; for
 * @throttled ns of it nobody kept it from running but the quota.
 */
static __always_inline void queued_behind(struct bb_thread_sum *t, struct task_struct *before,
					  u64 throttled)
{
	struct bb_taker_key key = { .tgid = t->tgid, .by = t->taker };
	struct bb_taker_sum *first = NULL;
	u64 ns = t->queued - throttled;

	if (ns < BB_TAKEN_NS || (t->bucket == BB_RUNQ_THROTTLED && !bb_has_throttled_ns()))
		return;
	if (t->bucket == BB_RUNQ_PREEMPTED && key.by != (u32)before->tgid)
		first = bpf_map_lookup_elem(&takers, &key);
	if (first)
		taker_add(first, ns / 2);
	cpu_taken(before, t->tgid, first ? ns - ns / 2 : ns);
}

/* @next: the task that gets the CPU; @clock: its run queue's. */
static __always_inline void leave_cpu(void *ctx, struct task_struct *p, struct task_struct *next,
				      struct bb_cpu *cpu, bool preempt, u64 now, u64 clock,
				      const bool cas)
{
	struct bb_thread_sum *t = thread_of(p);
	u32 state = bb_task_state(p);
	bool blocked = !preempt && state;

	if (!t) {
		t = thread_enter(p);
		if (!t) {
			if (state & BB_TASK_DEAD)
				unseen_end(p, now);
			return;
		}
		/* as it was before this switch: see below */
		t->nvcsw -= blocked;
	}
	if (t->flags & BB_TF_IGNORE) {
		if (state & BB_TASK_DEAD)
			thread_end(p, t);
		return;
	}
	if (t->on == BB_STATE_OFF && cas)
		missed_enter(p, t, now, clock);
	else if (t->on == BB_STATE_OFF)
		missed_enter_nocas(p, t, now, clock);
	t->early = 0;
	seq_begin(t);
	now = not_before(t, now);
	t->ns[BB_ONCPU] += now - t->since;
	if (cpu)
		cpu->oncpu_ns += now - t->since;
	t->since = now;
	t->flags |= BB_TF_RAN;
	/* which of its counts the kernel raised (kernel/sched/core.c, __schedule) */
	if ((u32)p->nvcsw != t->nvcsw)
		t->voluntary++;
	else
		t->involuntary++;
	t->nvcsw = p->nvcsw;
	t->run_delay = p->sched_info.run_delay;
	t->on = BB_STATE_OFF;
	t->stack = 0;
	if (!blocked) {
		py_leave(p, t, now);
		t->bucket = bb_task_throttled(p) ? BB_RUNQ_THROTTLED : BB_RUNQ_PREEMPTED;
		t->queued = throttled_mark(p, clock);
		if (t->taker != (u32)next->tgid) {
			t->taker = next->tgid;
			cpu_taken(next, t->tgid, 0);
		}
	} else if (state & BB_TASK_DEAD) {
		if (t->flags & BB_TF_IN_ACQ)
			bb_gil_close(task_of(t), t->tid);
		seq_end(t);
		thread_end(p, t);
		return;
	} else {
		t->flags &= ~BB_TF_DELAYED;
		if (bb_task_delayed(p))
			t->flags |= BB_TF_DELAYED;
		t->woken = 0;
		classify(p, t, state, now, true, cas);
		/* of who waits for a GIL it is known: futex_begin() */
		if (t->bucket != BB_GIL)
			py_leave(p, t, now);
		/* the slices of one acquisition are waited for in the same code */
		if (bb_pythons &&
		    (t->bucket != BB_GIL || ((t->flags & BB_TF_IN_ACQ) && !t->acq_stack)))
			py_block(p, t, cpu, now);
		if (t->bucket == BB_GIL && t->stack)
			t->acq_stack = t->stack;
		if ((t->flags & BB_TF_IN_ACQ) && t->bucket != BB_GIL)
			bb_gil_close(task_of(t), t->tid);
		if (t->bucket == BB_POLL && polls_events(t->nr))
			bb_loop_turn(task_of(t), t->tid, now);
		if (cfg_stacks)
			t->native = stack_take(ctx, (u64)t->nr << 16 | t->fdkind << 8 | t->bucket,
					       walks_once(t->bucket));
	}
	seq_end(t);
	if (blocked && (t->flags & BB_TF_COUNTED) && woken_already(p, t)) {
		if (cas)
			bb_futex_woken(task_of(t), t->tid, now);
		else
			bb_futex_woken_nocas(task_of(t), t->tid, now);
	}
}

/* @before: the task that has just left this CPU. */
static __always_inline void enter_cpu(struct task_struct *p, struct task_struct *before, u64 now,
				      u64 clock, const bool cas)
{
	struct bb_thread_sum *t = thread_of(p);
	u64 mark;

	if (!t) {
		t = thread_enter(p);
		if (!t)
			return;
		/* its registers still say what it waited in */
		t->on = BB_STATE_OFF;
		if (t->flags & BB_TF_BORN)
			t->bucket = BB_RUNQ_WOKEN;
		else
			classify(p, t, 1, t->since, false, cas);
	}
	if (t->flags & BB_TF_IGNORE)
		return;
	mark = t->queued;
	enter_at(t, now, runnable_ns(p, t, now, clock), cas);
	queued_behind(t, before, split_runq(p, t, mark, clock));
}

#define BB_CLOCK_FRESH_NS 4000000ULL
/* Clocks part by less than 1/1024: NTP slews by 500 ppm at most. */
#define BB_CLOCK_DRIFT_SHIFT 10

/*
 * Compare the two clocks. The sample is late by what came between the
 * scheduler's reading and ours, in a virtual machine by milliseconds at times,
 * and never early: the least offset is the true one, give or take the drift.
 */
static __always_inline void compare_clocks(struct bb_cpu *cpu, u64 clock, u64 now)
{
	s64 off = now - clock;
	s64 most = (s64)cpu->clock_off + (s64)((clock - cpu->clock_at) >> BB_CLOCK_DRIFT_SHIFT);

	if (cpu->clock_at && off > most)
		off = most;
	cpu->clock_off = off;
	cpu->clock_at = clock;
}

/*
 * The time of a switch, as ktime: the run queue's clock, which the scheduler has
 * just updated (kernel/sched/core.c, __schedule), moved to the base of ktime.
 * Reading ktime itself takes longer than all the rest of an event where it is a
 * slow clock, so the two are compared only every few milliseconds.
 */
static __always_inline u64 switch_time(u64 clock, struct bb_cpu *cpu)
{
	u64 now;

	if (!clock || !cpu)
		return bpf_ktime_get_ns();
	if (clock - cpu->clock_at >= BB_CLOCK_FRESH_NS)
		compare_clocks(cpu, clock, bpf_ktime_get_ns());
	now = clock + cpu->clock_off;
	return now > bb_window_start ? now : bb_window_start;
}

static __always_inline int on_switch(void *ctx, bool preempt, struct task_struct *prev,
				     struct task_struct *next, const bool cas)
{
	bool prev_ours = bb_may_be_target(prev->tgid);
	bool next_ours = bb_may_be_target(next->tgid);
	struct bb_cpu *cpu;
	u64 clock, now;

	if (!prev_ours && !next_ours)
		return 0;
	if (!bb_gate)
		return 0;
	cpu = bb_cpu();
	if (cpu)
		cpu->events++;
	clock = bb_rq_clock(next_ours ? next : prev);
	now = switch_time(clock, cpu);
	if (prev_ours)
		leave_cpu(ctx, prev, next, cpu, preempt, now, clock, cas);
	if (next_ours)
		enter_cpu(next, prev, now, clock, cas);
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(bb_sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return on_switch(ctx, preempt, prev, next, true);
}

/* before 5.12 */
SEC("?tp_btf/sched_switch")
int BPF_PROG(bb_sched_switch_nocas, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	return on_switch(ctx, preempt, prev, next, false);
}
