// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A clock that ticks on each CPU, for what no event shows: does the thread that runs
 * hold the GIL, and in which code is it?
 */
#include "thread.bpf.h"
#include "gil.bpf.h"
#include "loop.bpf.h"
#include "stack.bpf.h"

static __always_inline void sample_native(const struct bb_py_key *key)
{
	u32 tgid = key->tgid;
	struct bb_proc_sum *proc = bpf_map_lookup_elem(&procs, &tgid);
	struct bb_native_sample *n = bpf_ringbuf_reserve(&natives, sizeof(*n), 0);

	if (!n) {
		py_count(BB_WALK_NATIVE_LOST);
		return;
	}
	n->key = *key;
	n->execs = proc ? proc->exec_count : 0;
	n->depth = native_walk(n->ip);
	/* user space comes by itself, four times a second */
	bpf_ringbuf_submit(n, BPF_RB_NO_WAKEUP);
}

static __always_inline void sample_stack(void *ctx, u32 tgid, u64 python)
{
	struct bb_stack_key key = { .native = stack_take(ctx, BB_ONCPU, false),
				    .python = python,
				    .tgid = tgid,
				    .kind = BB_STACK_ONCPU,
				    .bucket = BB_ONCPU,
				    .nr = -1 };

	stack_sum(&key, 0, 0, 0);
}

SEC("?perf_event")
int bb_sample(void *ctx)
{
	struct bb_py_key key = { .bucket = BB_ONCPU, .nr = -1 };
	struct bb_python_info *py;
	struct bb_gil_sum *g;
	struct bb_thread_sum *t;
	struct bb_py_thread *p;
	struct task_struct *task;
	struct bb_self me;
	u64 self, holder, tstate, gil, now;
	u32 tgid;

	if (!bb_gate)
		return 0;
	bb_self_get(&me);
	tgid = me.tgid;
	if (!bb_may_be_target(tgid))
		return 0;
	py = bpf_map_lookup_elem(&pythons, &tgid);
	t = thread_at(me.task, me.pid);
	if (!t || (t->flags & BB_TF_IGNORE))
		return 0;
	task = (void *)me.task;
	self = bb_pthread_self_of(task);
	tstate = py && py->runtime ? bb_py_own_tstate(tgid, self) : 0;
	/* a native thread has none: it is no part of what is told about Python's */
	if (!py || !tstate) {
		if (cfg_stacks)
			sample_stack(ctx, tgid, 0);
		return 0;
	}
	now = bpf_ktime_get_ns();
	/* not by the credit: there is more of it after a long stay in one place, which would get
	 * more samples */
	key.stack = bb_py_stack(tgid, tstate, now, BB_WALK_FREE);
	if (cfg_stacks)
		sample_stack(ctx, tgid, key.stack);
	p = py_thread(t);
	if (!p)
		return 0;
	key.who = t->tid;
	key.tgid = tgid;
	gil = gil_held_by(py, self, &holder);
	if (gil) {
		g = gil_sum(gil, tgid);
		if (g)
			__sync_fetch_and_add(&g->samples, 1);
		key.kind = BB_PY_ON_GIL;
		p->samples_gil++;
		if (g && (g->contention.word & 0xffff))
			bb_gil_seen(tgid, gil, BB_WHO_TID | t->tid, key.stack);
	} else {
		key.kind = BB_PY_ON_FREE;
		p->samples_free++;
	}
	if (t->turn_traced && turn_cpu_ns(t, now) >= BB_TURN_LONG_NS)
		key.kind |= BB_PY_LONG;
	py_sum_add(&key, 0, 1, 0);
	sample_native(&key);
	return 0;
}
