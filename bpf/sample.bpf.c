// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A clock that ticks on each CPU, for what no event shows: does the thread that runs
 * hold the GIL, and in which code is it?
 */
#include "thread.bpf.h"
#include "gil.bpf.h"
#include "loop.bpf.h"
#include "regs.bpf.h"

#define BB_STACK_MOST (8U << 20) /* how far up a frame may be: the usual limit of a stack */

/*
 * The user's instruction and, as far as code keeps frame pointers, who called it. Of a
 * sample in the kernel they are those that it was entered with. Each frame begins with the
 * caller's frame pointer and its instruction. bpf_get_stack() would do, but takes 3 us
 * where nothing is in the caches, and believes a register that is no frame pointer.
 */
static __always_inline void native_walk(struct bb_native_sample *n)
{
	struct bb_regs r;
	struct {
		u64 fp;
		u64 ip;
	} frame;

	n->depth = 0;
	if (bb_read_own_regs(&r))
		return;
	n->ip[0] = r.ip;
	n->depth = 1;
	for (int i = 1; i < BB_NATIVE_DEPTH; i++) {
		if (r.fp - r.sp >= BB_STACK_MOST || (r.fp & 7) ||
		    bpf_probe_read_user(&frame, sizeof(frame), (void *)r.fp) || !frame.ip)
			return;
		n->ip[i] = frame.ip;
		n->depth = i + 1;
		r.sp = r.fp + sizeof(frame);
		r.fp = frame.fp;
	}
}

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
	native_walk(n);
	/* user space comes by itself, four times a second */
	bpf_ringbuf_submit(n, BPF_RB_NO_WAKEUP);
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
	if (!py || !t || !py->runtime || (t->flags & BB_TF_IGNORE))
		return 0;
	task = (void *)me.task;
	self = bb_pthread_self_of(task);
	tstate = bb_py_own_tstate(tgid, self);
	/* a native thread has none: it is no part of what is told about Python's */
	if (!tstate)
		return 0;
	now = bpf_ktime_get_ns();
	/* not by the credit: there is more of it after a long stay in one place, which would get
	 * more samples */
	key.stack = bb_py_stack(tgid, tstate, now, BB_WALK_FREE);
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
