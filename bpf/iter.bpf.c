// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The task iterator: finds processes and their parents, enters threads that no
 * switch has shown yet, and reads a consistent copy of each thread's sums.
 */
#include "thread.bpf.h"
#include "wait.bpf.h"

#define BB_COPY_TRIES 4

static __always_inline int survey(struct seq_file *seq, struct task_struct *p)
{
	struct bb_leader_row row = {};

	if (p->pid != p->tgid)
		return 0;
	row.tgid = p->tgid;
	row.ns_tgid = number_at(p, bb_level);
	row.ptgid = p->real_parent->tgid;
	row.flags = p->flags;
	row.start_boottime = p->start_boottime;
	bpf_seq_write(seq, &row, sizeof(row));
	return 0;
}

/*
 * Enter a thread as it is now, built aside and put in at once: a switch that
 * comes first wins. last_queued is set while a task waits for a CPU.
 */
static __always_inline void enter_as_is(struct task_struct *p, const bool cas)
{
	struct bb_row *row;
	struct bb_thread_sum *t;
	u32 state = bb_task_state(p), number;
	bool is_born;

	if (thread_of(p) || (state & BB_TASK_DEAD))
		return;
	row = row_take(&number);
	if (!row) {
		bb_drop(BB_DROP_THREADS_FULL);
		return;
	}
	t = &row->sum;
	bpf_probe_read_kernel(t, sizeof(*t), &bb_zero_thread);
	thread_fill(t, p);
	if (state) {
		t->on = BB_STATE_OFF;
		if (p->sched_info.last_queued)
			t->flags |= BB_TF_DELAYED;
		classify(p, t, state, t->since, false, cas);
	} else if (p->sched_info.last_queued) {
		t->on = BB_STATE_OFF;
		t->bucket = BB_RUNQ_PREEMPTED;
	} else {
		t->on = BB_STATE_RAN;
		t->flags |= BB_TF_RAN;
	}
	is_born = t->flags & BB_TF_BORN;
	if (!row_enter(row, number, p)) {
		/* a switch was faster */
		futex_uncount(t, bb_window_start, cas);
		row_give_back(row, number);
		if (!thread_of(p))
			bb_drop(BB_DROP_THREADS_FULL);
	} else if (is_born) {
		struct bb_proc_sum *proc = bb_proc_of(p);

		if (proc)
			__sync_fetch_and_add(&proc->born, 1);
	}
}

static __always_inline int read_thread(struct seq_file *seq, struct task_struct *p)
{
	struct bb_thread_sum *t;
	struct bb_thread_row *row;
	u32 zero = 0;

	row = bpf_map_lookup_elem(&scratch, &zero);
	if (!row)
		return 0;
	row->start_time = p->start_time;
	row->nvcsw = p->nvcsw;
	row->nivcsw = p->nivcsw;
	row->migrations = p->se.nr_migrations;
	row->ns_tid = number_at(p, bb_level);
	row->runq_ns = 0;
	row->ran_ns = 0;
	row->self = bb_pthread_self(p);
	row->found = 0;
	bpf_probe_read_kernel(row->comm, sizeof(row->comm), p->comm);
	t = thread_of(p);
	/* a zombie has ended, and its sums are in `exited` */
	if (!t && p->exit_state)
		return 0;
	if (t) {
		for (int i = 0; i < BB_COPY_TRIES && !row->found; i++) {
			u32 seq_before = *(volatile u32 *)&t->seq;

			barrier();
			bpf_probe_read_kernel(&row->sum, sizeof(row->sum), t);
			barrier();
			/* a row may have been given back, and be another thread's now */
			if (!(seq_before & 1) && *(volatile u32 *)&t->seq == seq_before &&
			    thread_of(p) == t)
				row->found = 1;
		}
	}
	row->now = bpf_ktime_get_ns();
	if (!row->found) {
		row->sum.tid = p->pid;
		row->sum.tgid = p->tgid;
		row->sum.flags = 0;
	} else if (row->sum.on == BB_STATE_OFF) {
		/* since 6.12 a blocked task may stay on its run queue, and be moved to another */
		row->runq_ns =
			runnable_ns(p, &row->sum, row->now, bb_task_state(p) ? 0 : bb_rq_clock(p));
		/* no event showed that it got a CPU: see seen_at() */
		if (p->on_cpu)
			row->ran_ns = stint_ns(p);
	}
	bpf_seq_write(seq, row, sizeof(*row));
	return 0;
}

static __always_inline int on_task(struct bpf_iter__task *ctx, const bool cas)
{
	struct task_struct *p = ctx->task;
	struct seq_file *seq = ctx->meta->seq;

	if (!p)
		return 0;
	bb_runq_exact = bpf_core_field_exists(((struct cfs_rq *)0)->rq);
	bb_level = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_pid, level);
	if (bb_iter_mode == BB_ITER_SURVEY)
		return survey(seq, p);
	if (!bb_may_be_target(p->tgid) || !bb_proc_of(p))
		return 0;
	if (bb_iter_mode == BB_ITER_BEGIN)
		enter_as_is(p, cas);
	else
		read_thread(seq, p);
	return 0;
}

SEC("?iter/task")
int bb_iter_task(struct bpf_iter__task *ctx)
{
	return on_task(ctx, true);
}

/* before 5.12 */
SEC("?iter/task")
int bb_iter_task_nocas(struct bpf_iter__task *ctx)
{
	return on_task(ctx, false);
}
