/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which Python code a thread runs: the code objects of its top two frames. Read
 * from the target's own memory by the thread itself, as it blocks. Everything
 * there may be torn or hostile: each loop is bounded, each read may fail.
 */
#ifndef BB_PYTHON_BPF_H
#define BB_PYTHON_BPF_H

#include "boundby.bpf.h"

#define BB_PY_STEPS      128 /* along the lists of thread states */
#define BB_PY_SHIMS      3
#define BB_PY_OWNER_SHIM 3 /* FRAME_OWNED_BY_CSTACK, BY_INTERPRETER: 3.12 and later */

static __always_inline u64 py_read(u64 addr)
{
	u64 v = 0;

	if (bpf_probe_read_user(&v, sizeof(v), (void *)addr))
		return 0;
	return v;
}

/*
 * glibc's struct pthread on x86-64 holds the first 32 thread-specific values at
 * 0x310, 16 bytes each, the value in the second half (nptl/descr.h); CPython
 * keeps the thread state in one, until 3.14.
 */
#define BB_PTHREAD_SPECIFIC 0x310
#define BB_PTHREAD_KEYS     32

static __always_inline u64 py_tstate_by_key(struct bb_python_info *py, u64 self)
{
	u32 key = 0;
	u64 ts;

	if (!py->off.tss_key)
		return 0;
	/* Py_tss_t: int initialised, then the key */
	if (bpf_probe_read_user(&key, sizeof(key), (void *)(py->runtime + py->off.tss_key + 4)))
		return 0;
	if (key >= BB_PTHREAD_KEYS)
		return 0;
	ts = py_read(self + BB_PTHREAD_SPECIFIC + key * 16 + 8);
	return ts && py_read(ts + py->off.tstate_thread_id) == self ? ts : 0;
}

/*
 * The thread state whose thread_id is @self (pthread_self()), on the lists of
 * the interpreters. The newest thread comes first on a list.
 */
static __always_inline u64 py_find_tstate(struct bb_python_info *py, u64 self)
{
	u64 interp, ts;

	ts = py_tstate_by_key(py, self);
	if (ts)
		return ts;
	interp = py_read(py->runtime + py->off.interp_head);
	ts = interp ? py_read(interp + py->off.interp_threads) : 0;
	for (int i = 0; i < BB_PY_STEPS; i++) {
		if (!ts) {
			/* the end of one interpreter's list: on to the next */
			interp = interp ? py_read(interp + py->off.interp_next) : 0;
			if (!interp)
				return 0;
			ts = py_read(interp + py->off.interp_threads);
			continue;
		}
		if (py_read(ts + py->off.tstate_thread_id) == self)
			return ts;
		ts = py_read(ts + py->off.tstate_next);
	}
	return 0;
}

/* @frame, or the next below it that is no shim for a call from C. */
static __always_inline u64 py_real_frame(struct bb_python_info *py, u64 frame)
{
	for (int i = 0; i < BB_PY_SHIMS && frame && py->off.has_owner; i++) {
		u8 owner = 0;

		bpf_probe_read_user(&owner, sizeof(owner), (void *)(frame + py->off.frame_owner));
		if (owner < BB_PY_OWNER_SHIM)
			break;
		frame = py_read(frame + py->off.frame_previous);
	}
	return frame;
}

/* From 3.14 on a reference to the code object carries tags in its low bits. */
static __always_inline u64 py_code(struct bb_python_info *py, u64 frame)
{
	return frame ? py_read(frame + py->off.frame_code) & ~3ULL : 0;
}

/*
 * Find the code objects of the current thread's top frame and of its caller; they
 * are left in this CPU's row, 0: not known. A global function with plain numbers
 * as arguments: the verifier goes through its loops once, and not once for each
 * state in which it is called.
 */
__noinline int bb_py_top_code(u32 tgid, u64 self)
{
	struct bb_python_info *py = bpf_map_lookup_elem(&pythons, &tgid);
	struct bb_cpu *cpu = bb_cpu();
	struct bb_thread_sum *t;
	struct bb_self me;
	u64 frame;

	bb_self_get(&me);
	t = thread_at(me.task, me.pid);
	if (!py || !t || !cpu)
		return 0;
	cpu->code = 0;
	cpu->caller = 0;
	if (!py->runtime || !py->off.tstate_frame || !self)
		return 0;
	if (t->tstate && py_read(t->tstate + py->off.tstate_thread_id) != self)
		t->tstate = 0;
	if (!t->tstate && !(t->flags & BB_TF_NO_TSTATE)) {
		t->tstate = py_find_tstate(py, self);
		if (!t->tstate)
			t->flags |= BB_TF_NO_TSTATE;
	}
	if (!t->tstate)
		return 0;
	frame = py_read(t->tstate + py->off.tstate_frame);
	if (py->off.has_cframe && frame)
		frame = py_read(frame + py->off.cframe_frame);
	frame = py_real_frame(py, frame);
	cpu->code = py_code(py, frame);
	if (frame)
		frame = py_real_frame(py, py_read(frame + py->off.frame_previous));
	cpu->caller = py_code(py, frame);
	return 0;
}

#endif
