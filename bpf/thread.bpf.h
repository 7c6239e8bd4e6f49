/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows of threads: found by task, and made for those that have none yet. */
#ifndef BB_THREAD_BPF_H
#define BB_THREAD_BPF_H

#include "boundby.bpf.h"

/* The number in the PID namespace of depth @level; 0 where there is none. */
static __always_inline u32 pid_number(struct pid *pid, u32 level)
{
	s32 nr = 0;

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	/* by a probe read: older verifiers do not let an array of a struct be indexed */
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)&pid->numbers[0] + level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return nr;
}

static __always_inline u32 number_at(struct task_struct *p, u32 level)
{
	return pid_number(BPF_CORE_READ(p, thread_pid), level);
}

/* The row of the current thread, NULL: it has none. */
static __always_inline struct bb_thread_sum *current_thread(void)
{
	struct bb_self self;

	bb_self_get(&self);
	return bb_may_be_target(self.tgid) ? thread_at(self.task, self.pid) : NULL;
}

/* The thread whose pthread_self() was noted is no more, or has another one. */
static __always_inline void self_forget(struct bb_thread_sum *t)
{
	struct bb_self_key key = { .self = t->self, .tgid = t->tgid };
	u32 *tid;

	t->self = 0;
	if (!key.self)
		return;
	tid = bpf_map_lookup_elem(&selves, &key);
	/* glibc gives the next thread the same before the last switch of this one */
	if (tid && *tid == t->tid)
		bpf_map_delete_elem(&selves, &key);
}

static __always_inline void self_note(struct bb_thread_sum *t, u64 self)
{
	struct bb_self_key key = { .self = self, .tgid = t->tgid };
	u32 tid = t->tid;

	if (t->self && t->self != self)
		self_forget(t);
	t->self = self;
	/* full: what it holds is told by its thread state alone */
	if (self)
		bpf_map_update_elem(&selves, &key, &tid, BPF_ANY);
}

/* A row that nobody else sees until row_enter(), NULL: there is no room. */
static __always_inline struct bb_row *row_take(u32 *number)
{
	if (bpf_map_pop_elem(&free_rows, number))
		return NULL;
	return bpf_map_lookup_elem(&rows, number);
}

static __always_inline void row_give_back(struct bb_row *row, u32 number)
{
	row->task = 0;
	barrier();
	bpf_map_push_elem(&free_rows, &number, 0);
}

/* Make the row the one of @p. False: it has got another one meanwhile, or there is no room. */
static __always_inline bool row_enter(struct bb_row *row, u32 number, struct task_struct *p)
{
	u64 key = (u64)p;

	row->task = key;
	barrier();
	return !bpf_map_update_elem(&threads, &key, &number, BPF_NOEXIST);
}

static __always_inline void row_leave(struct task_struct *p)
{
	u64 key = (u64)p;
	u32 *at = bpf_map_lookup_elem(&threads, &key);
	struct bb_row *row;
	u32 number;

	if (!at)
		return;
	number = *at;
	bpf_map_delete_elem(&threads, &key);
	row = bpf_map_lookup_elem(&rows, &number);
	if (row)
		row_give_back(row, number);
}

/*
 * Fill a zeroed row for @p. It has been in the state in which it is found since
 * the window began, or since it was born: had it switched before, the switch
 * would have entered it.
 */
static __always_inline void thread_fill(struct bb_thread_sum *t, struct task_struct *p)
{
	u32 tid = p->pid;
	u64 since = bb_window_start;

	t->tid = tid;
	t->tgid = p->tgid;
	t->sys_nr = -1;
	t->fd = -1;
	t->nr = -1;
	t->nvcsw = p->nvcsw;
	t->run_delay = p->sched_info.run_delay;
	self_note(t, bb_pthread_self(p));
	if (p->start_time > since) {
		since = p->start_time;
		t->flags |= BB_TF_BORN; /* the kernel counts its migrations from 0 */
	} else {
		t->migrations = p->se.nr_migrations;
	}
	t->start = since;
	t->since = since;
	if (cfg_tids) {
		/* they are numbered as user space sees them */
		tid = number_at(p, bb_level);
		if (!bpf_map_lookup_elem(&tids, &tid))
			t->flags |= BB_TF_IGNORE;
	}
}

/*
 * CPU time of @p since it was last put on a CPU: the kernel notes its sum there
 * (kernel/sched/fair.c, set_next_entity). In other classes that note is old, and
 * this too much.
 */
static __always_inline u64 stint_ns(struct task_struct *p)
{
	return p->se.sum_exec_runtime - p->se.prev_sum_exec_runtime;
}

/*
 * Nanoseconds up to @now that @p, off its CPU, was runnable since it left it: what the
 * kernel added to run_delay meanwhile (migrations), and what it will add when @p runs
 * (kernel/sched/stats.h). @clock: its run queue's, 0: it is not queued. Where the kernel
 * may take sleep for that, it is the time since the wake-up at most: bb_task_delayed().
 */
static __always_inline u64 runnable_ns(struct task_struct *p, const struct bb_thread_sum *t,
				       u64 now, u64 clock)
{
	u64 ns = p->sched_info.run_delay - t->run_delay;
	u64 queued = p->sched_info.last_queued;

	if (queued && clock > queued)
		ns += clock - queued;
	if ((t->flags & BB_TF_DELAYED) && t->woken && ns + t->woken > now)
		ns = now > t->woken ? now - t->woken : 0;
	return ns;
}

/*
 * For how long the run queue of @p has been throttled so far, and which CPU's it is: what is
 * kept while @p waits for a CPU that it lost. Never 0.
 */
static __always_inline u64 throttled_mark(struct task_struct *p, u64 clock)
{
	return bb_throttled_ns(p, clock) << 16 | (u16)(bpf_get_smp_processor_id() + 1);
}

/* What the kernel counted since the thread was entered: 32 bits of it are enough. */
static __always_inline u32 migrations_since(struct task_struct *p, const struct bb_thread_sum *t)
{
	return (u32)p->se.nr_migrations - t->migrations;
}

/* Keep an ended thread's sums in its process, where there is no room for its row. */
static __always_inline void fold_thread(struct bb_proc_sum *proc, const struct bb_thread_sum *t)
{
	__sync_fetch_and_add(&proc->folded, 1);
	__sync_fetch_and_add(&proc->folded_migrations, t->migrations);
	__sync_fetch_and_add(&proc->folded_window, t->since - t->start);
	__sync_fetch_and_add(&proc->folded_voluntary, t->voluntary);
	__sync_fetch_and_add(&proc->folded_involuntary, t->involuntary);
	__sync_fetch_and_add(&proc->folded_kernel, t->kernel_ns);
	for (int i = 0; i < BB_BUCKET_MAX; i++)
		__sync_fetch_and_add(&proc->folded_ns[i], t->ns[i]);
}

#endif
