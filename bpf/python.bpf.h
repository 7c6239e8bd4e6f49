/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which Python code a thread runs: the code objects of its top two frames. Read
 * from the target's own memory by the thread itself, as it blocks. Everything
 * there may be torn or hostile: each loop is bounded, each read may fail.
 */
#ifndef BB_PYTHON_BPF_H
#define BB_PYTHON_BPF_H

#include "boundby.bpf.h"

#define BB_PY_INTERPS 4
#define BB_PY_THREADS 256
#define BB_PY_SHIMS 3
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
#define BB_PTHREAD_KEYS 32

static __always_inline u64 py_tstate_by_key(struct bb_proc_sum *proc, u64 self)
{
	u32 key = 0;
	u64 ts;

	if (!proc->py.tss_key)
		return 0;
	/* Py_tss_t: int initialised, then the key */
	if (bpf_probe_read_user(&key, sizeof(key), (void *)(proc->py_runtime + proc->py.tss_key + 4)))
		return 0;
	if (key >= BB_PTHREAD_KEYS)
		return 0;
	ts = py_read(self + BB_PTHREAD_SPECIFIC + key * 16 + 8);
	return ts && py_read(ts + proc->py.tstate_thread_id) == self ? ts : 0;
}

/*
 * The thread state whose thread_id is @self (pthread_self()), on the lists of
 * the interpreters. The newest thread comes first on a list.
 */
static __noinline u64 py_find_tstate(struct bb_proc_sum *proc, u64 self)
{
	u64 interp, ts;

	if (!proc || !self)
		return 0;
	ts = py_tstate_by_key(proc, self);
	if (ts)
		return ts;
	interp = py_read(proc->py_runtime + proc->py.interp_head);
	for (int i = 0; i < BB_PY_INTERPS && interp; i++) {
		ts = py_read(interp + proc->py.interp_threads);
		for (int j = 0; j < BB_PY_THREADS && ts; j++) {
			if (py_read(ts + proc->py.tstate_thread_id) == self)
				return ts;
			ts = py_read(ts + proc->py.tstate_next);
		}
		interp = py_read(interp + proc->py.interp_next);
	}
	return 0;
}

/* @frame, or the next below it that is no shim for a call from C. */
static __always_inline u64 py_real_frame(struct bb_proc_sum *proc, u64 frame)
{
	for (int i = 0; i < BB_PY_SHIMS && frame && proc->py.has_owner; i++) {
		u8 owner = 0;

		bpf_probe_read_user(&owner, sizeof(owner), (void *)(frame + proc->py.frame_owner));
		if (owner < BB_PY_OWNER_SHIM)
			break;
		frame = py_read(frame + proc->py.frame_previous);
	}
	return frame;
}

/* From 3.14 on a reference to the code object carries tags in its low bits. */
static __always_inline u64 py_code(struct bb_proc_sum *proc, u64 frame)
{
	return frame ? py_read(frame + proc->py.frame_code) & ~3ULL : 0;
}

/* The code objects of the current thread's top frame and of its caller; 0: not known. */
static __noinline int py_top_code(struct bb_proc_sum *proc, struct bb_thread_sum *t, u64 self,
				  u64 *codes)
{
	u64 frame;

	if (!proc || !t || !codes)
		return 0;
	codes[0] = codes[1] = 0;
	if (!proc->py_runtime || !proc->py.tstate_frame || !self)
		return 0;
	if (t->tstate && py_read(t->tstate + proc->py.tstate_thread_id) != self)
		t->tstate = 0;
	if (!t->tstate && !(t->flags & BB_TF_NO_TSTATE)) {
		t->tstate = py_find_tstate(proc, self);
		if (!t->tstate)
			t->flags |= BB_TF_NO_TSTATE;
	}
	if (!t->tstate)
		return 0;
	frame = py_read(t->tstate + proc->py.tstate_frame);
	if (proc->py.has_cframe && frame)
		frame = py_read(frame + proc->py.cframe_frame);
	frame = py_real_frame(proc, frame);
	codes[0] = py_code(proc, frame);
	if (frame)
		frame = py_real_frame(proc, py_read(frame + proc->py.frame_previous));
	codes[1] = py_code(proc, frame);
	return 0;
}

#endif
