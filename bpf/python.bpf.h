/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which Python code a thread is in: its frames, read from the target's memory by
 * a thread of the target. Everything there may be torn or hostile: each loop is
 * bounded, each read may fail.
 */
#ifndef BB_PYTHON_BPF_H
#define BB_PYTHON_BPF_H

#include "thread.bpf.h"

/* Steps along the lists of thread states in one search: 128 of them were half of what the
 * verifier had to do for a switch. */
#define BB_PY_STEPS      16
#define BB_PY_STEP_NS    200 /* what each takes */
#define BB_PY_SEARCHES   128 /* 2,048 threads */
#define BB_PY_WALK       96  /* frames, shims between them included */
#define BB_PY_WALK_PART  24  /* of them at a time */
#define BB_PY_OWNER_SHIM 3   /* FRAME_OWNED_BY_CSTACK, BY_INTERPRETER: 3.12 and later */

static __always_inline u64 py_read(u64 addr)
{
	u64 v = 0;

	if (bpf_probe_read_user(&v, sizeof(v), (void *)addr))
		return 0;
	return v;
}

/* What the thread has in CPython's thread-specific key: its thread state, 0: none (any more). */
static __always_inline u64 py_tstate_by_key(struct bb_python_info *py, u64 self)
{
	return py_read(self + py->tss_slot);
}

/*
 * The thread state whose thread_id is @self (pthread_self()), on the lists of
 * the interpreters. The newest thread comes first on a list. One search goes BB_PY_STEPS
 * far; the next begins where it ended, which is checked as all else that is read here:
 * memory that is something else by now has no such thread_id, or not long.
 */
static __always_inline u64 py_find_tstate(struct bb_python_info *py, struct bb_thread_sum *t,
					  u64 self)
{
	u64 interp = t->search_interp, ts = t->search, first;
	struct bb_cpu *cpu = bb_cpu();
	u32 i;

	if (!ts) {
		interp = py_read(py->runtime + py->off.interp_head);
		ts = interp ? py_read(interp + py->off.interp_threads) : 0;
	}
	t->search = 0;
	first = ts;
	for (i = 0; i < BB_PY_STEPS; i++) {
		if (!ts) {
			/* the end of one interpreter's list: on to the next */
			interp = interp ? py_read(interp + py->off.interp_next) : 0;
			if (!interp)
				goto none;
			ts = py_read(interp + py->off.interp_threads);
			continue;
		}
		if (py_read(ts + py->off.tstate_thread_id) == self)
			return ts;
		ts = py_read(ts + py->off.tstate_next);
		/* a ring: where it does not lead back to here, the next search begins in it */
		if (ts == first)
			goto none;
	}
	t->search = ts;
	t->search_interp = interp;
none:
	if (cpu)
		cpu->credit -= i * BB_PY_STEP_NS;
	return 0;
}

static __always_inline void py_count(enum bb_walk how)
{
	struct bb_cpu *cpu = bb_cpu();

	if (cpu)
		cpu->walks[how]++;
}

/*
 * Who is the thread of a thread state of the current process: BB_WHO_TID and its tid or,
 * where that is not known, the thread state. That address is used again as soon as a
 * thread is gone, but it names its pthread_self(), which is noted from a thread's start to its end.
 */
__noinline u64 bb_who(u32 tgid, u64 tstate)
{
	struct bb_python_info *py = bpf_map_lookup_elem(&pythons, &tgid);
	struct bb_self_key key = { .tgid = tgid };
	u32 *tid;

	if (!py || !tstate || !py->off.tstate_thread_id)
		return tstate;
	key.self = py_read(tstate + py->off.tstate_thread_id);
	tid = bpf_map_lookup_elem(&selves, &key);
	return tid ? BB_WHO_TID | *tid : tstate;
}

/*
 * The current thread's own thread state, 0: it has none. A native thread that calls in
 * has another one each time, or none: the key says so, where it is known. Without it a
 * thread that had none is not looked for again until it is seen to want the GIL.
 * Global functions with plain numbers as arguments, this and the next: the verifier goes
 * through their loops once, and not once for each state in which they are called.
 */
__noinline u64 bb_py_own_tstate(u32 tgid, u64 self)
{
	struct bb_python_info *py = bpf_map_lookup_elem(&pythons, &tgid);
	struct bb_thread_sum *t;
	struct bb_self me;
	u64 ts;

	bb_self_get(&me);
	t = thread_at(me.task, me.pid);
	if (!py || !t || !py->runtime || !py->off.tstate_frame || !self)
		return 0;
	if (t->self != self)
		self_note(t, self);
	if (py->tss_slot) {
		ts = py_tstate_by_key(py, self);
		if (ts && ts == t->tstate)
			return ts;
		/* the key may be somebody else's by now */
		if (ts && py_read(ts + py->off.tstate_thread_id) != self)
			ts = 0;
		if (ts) {
			t->flags &= ~BB_TF_NO_TSTATE;
		} else {
			t->flags |= BB_TF_NO_TSTATE;
		}
		t->tstate = ts;
		return ts;
	}
	if (t->tstate && py_read(t->tstate + py->off.tstate_thread_id) != self)
		t->tstate = 0;
	if (!t->tstate && !(t->flags & BB_TF_NO_TSTATE)) {
		ts = py_find_tstate(py, t, self);
		if (ts)
			t->tstate = ts;
		/* a list that does not end is none */
		if (t->search && ++t->searches > BB_PY_SEARCHES)
			t->search = 0;
		if (!ts && !t->search)
			t->flags |= BB_TF_NO_TSTATE;
	}
	return t->tstate;
}

/* Look up for the thread's row what its process is: see is_python(). */
__noinline int bb_py_know(u64 task, u32 pid)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_python_info *py;
	u32 tgid;

	if (!t)
		return 0;
	/* in this order: if it changes meanwhile, it is looked up again */
	t->pythons = *(volatile u32 *)&bb_pythons;
	barrier();
	tgid = t->tgid;
	py = bpf_map_lookup_elem(&pythons, &tgid);
	t->flags &= ~BB_TF_PYTHON;
	t->only_gil = 0;
	if (!py || !py->runtime)
		return 0;
	t->flags |= BB_TF_PYTHON;
	if (!py->gils[1])
		t->only_gil = py->gils[0];
	return 0;
}

/* Has the thread's process Python code that can be read? Its row knows: a look-up costs 60 ns. */
static __always_inline bool is_python(struct bb_thread_sum *t)
{
	if (t->pythons != bb_pythons)
		bb_py_know(task_of(t), t->tid);
	return t->flags & BB_TF_PYTHON;
}

static __always_inline u64 py_top_frame(struct bb_python_info *py, u64 tstate)
{
	u64 frame = py_read(tstate + py->off.tstate_frame);

	if (py->off.has_cframe && frame)
		frame = py_read(frame + py->off.cframe_frame);
	return frame;
}

/* A word of the frame that was read; the mask is for the verifier. */
static __always_inline u64 frame_word(struct bb_py_scratch *s, u32 off)
{
	return s->frame[(off >> 3) & 15];
}

/*
 * One frame to the end of the stack. Its first bytes come in one read; frames of
 * C (shims) are left out; from 3.14 on a reference to code has tags in its low
 * bits. Returns the frame below, 0: there is none.
 */
static __always_inline u64 py_add_frame(struct bb_python_info *py, struct bb_py_scratch *s,
					u64 frame)
{
	u32 size = py->off.frame_size, d = s->stack.depth;
	u64 code, pos;

	if (size > sizeof(s->frame))
		return 0;
	if (bpf_probe_read_user(s->frame, size, (void *)frame)) {
		s->failed = BB_WALK_UNREADABLE;
		return 0;
	}
	if (py->off.has_owner) {
		u32 at = py->off.frame_owner;

		if ((u8)(frame_word(s, at) >> ((at & 7) * 8)) >= BB_PY_OWNER_SHIM)
			return frame_word(s, py->off.frame_previous);
	}
	code = frame_word(s, py->off.frame_code) & ~3ULL;
	if (!code) {
		s->failed = BB_WALK_TORN;
		return 0;
	}
	pos = frame_word(s, py->off.frame_pos);
	if (!py->off.pos_is_ptr)
		pos = (u32)(pos >> ((py->off.frame_pos & 4) * 8));
	s->stack.code[d & (BB_PY_DEPTH - 1)] = code;
	s->stack.pos[d & (BB_PY_DEPTH - 1)] = pos;
	s->stack.depth = d + 1;
	s->hash = hash_add(hash_add(s->hash, code), pos);
	return frame_word(s, py->off.frame_previous);
}

/*
 * Some frames from @frame on: see bb_py_walk(). Returns the one that is next, 0: none. The
 * verifier goes through the loop once, and not once for each part of a walk.
 */
__noinline u64 bb_py_frames(u32 tgid, u64 frame, u32 most)
{
	struct bb_python_info *py = bpf_map_lookup_elem(&pythons, &tgid);
	u32 zero = 0;
	struct bb_py_scratch *s = bpf_map_lookup_elem(&py_scratch, &zero);

	if (!py || !s)
		return 0;
	for (int i = 0; i < BB_PY_WALK_PART && frame; i++) {
		if (s->stack.depth >= most || s->stack.depth >= BB_PY_DEPTH) {
			s->stack.truncated = 1;
			break;
		}
		frame = py_add_frame(py, s, frame);
		s->steps++;
	}
	return frame;
}

/*
 * Walk the frames of a thread of @tgid, which is the current process, from the
 * top, @most at most (up to BB_PY_DEPTH), into this CPU's scratch. Returns how
 * many, and says there why there are none or no more. @others: of another thread,
 * which may run on meanwhile.
 */
__noinline int bb_py_walk(u32 tgid, u64 tstate, u32 most, u32 others)
{
	struct bb_python_info *py = bpf_map_lookup_elem(&pythons, &tgid);
	u32 zero = 0;
	struct bb_py_scratch *s = bpf_map_lookup_elem(&py_scratch, &zero);
	u64 top, frame;

	if (!s)
		return 0;
	s->stack.depth = 0;
	s->stack.truncated = 0;
	s->stack.tgid = tgid;
	s->failed = BB_WALK_DONE;
	s->steps = 0;
	if (!py || !tstate || !py->off.frame_size)
		return 0;
	s->stack.execs = (u16)py->execs;
	s->hash = (u64)py->execs << 32 | tgid;
	top = py_top_frame(py, tstate);
	frame = top;
	for (int i = 0; i < BB_PY_WALK / BB_PY_WALK_PART && frame && !s->stack.truncated; i++)
		frame = bb_py_frames(tgid, frame, most);
	/* more than any stack has: frames of C that lead to each other */
	if (frame && !s->stack.truncated)
		s->failed = BB_WALK_UNREADABLE;
	if (s->failed)
		s->stack.truncated = 1;
	/* it may be the next call's frame at the same place, and another may have lost its code */
	if (others && (s->failed == BB_WALK_TORN || py_top_frame(py, tstate) != top)) {
		s->failed = BB_WALK_TORN;
		s->stack.depth = 0;
	}
	return s->stack.depth;
}

/*
 * Walks may take 1/512 of each CPU's time. They are charged by what they were
 * measured to take at most, since asking the clock would double the price.
 */
#define BB_CREDIT_SHIFT  9
#define BB_CREDIT_MOST   4000000LL
#define BB_CREDIT_GIL    1000000LL /* of it, only for what is about the GIL */
#define BB_WALK_NS       1000
#define BB_WALK_FRAME_NS 60

/* @reserve: of the credit, for what matters more. */
static __always_inline bool py_may_walk(struct bb_cpu *cpu, u64 now, s64 reserve)
{
	if (now > cpu->credit_at) {
		cpu->credit += (now - cpu->credit_at) >> BB_CREDIT_SHIFT;
		if (cpu->credit > BB_CREDIT_MOST)
			cpu->credit = BB_CREDIT_MOST;
		cpu->credit_at = now;
	}
	if (cpu->credit > reserve)
		return true;
	cpu->walks[BB_WALK_NO_BUDGET]++;
	return false;
}

/* How bb_py_stack() walks. */
#define BB_WALK_OTHERS (1u << 0) /* another thread's frames: see bb_py_walk() */
#define BB_WALK_FREE   (1u << 1) /* whatever the credit: the caller comes at a rate of its own */

/*
 * The stack of a thread of the current process, walked and kept. Returns its id,
 * 0: none. What came of it is counted once. @how: BB_WALK_OTHERS and the like.
 */
__noinline u64 bb_py_stack(u32 tgid, u64 tstate, u64 now, u32 how)
{
	struct bb_cpu *cpu = bb_cpu();
	struct bb_py_scratch *s;
	u32 zero = 0;
	int depth;
	u64 id;

	if (!cpu)
		return 0;
	if (!tstate) {
		cpu->walks[BB_WALK_NO_TSTATE]++;
		return 0;
	}
	if (!(how & BB_WALK_FREE) && !py_may_walk(cpu, now, 0))
		return 0;
	depth = bb_py_walk(tgid, tstate, BB_PY_DEPTH, how & BB_WALK_OTHERS);
	s = bpf_map_lookup_elem(&py_scratch, &zero);
	if (!s)
		return 0;
	if (!(how & BB_WALK_FREE))
		cpu->credit -= BB_WALK_NS + BB_WALK_FRAME_NS * s->steps;
	if (depth <= 0) {
		cpu->walks[s->failed == BB_WALK_TORN         ? BB_WALK_TORN
			   : s->failed == BB_WALK_UNREADABLE ? BB_WALK_UNREADABLE
							     : BB_WALK_NO_FRAME]++;
		return 0;
	}
	id = s->hash ? s->hash : 1;
	if (!bpf_map_lookup_elem(&stacks, &id) &&
	    bpf_map_update_elem(&stacks, &id, &s->stack, BPF_ANY)) {
		cpu->walks[BB_WALK_FULL]++;
		return 0;
	}
	cpu->walks[BB_WALK_DONE]++;
	if (s->stack.truncated)
		cpu->walks[BB_WALK_TRUNCATED]++;
	return id;
}

/*
 * Where threads come and go, each would have rows of its own. The last quarter of the
 * room is for what all further threads did in a stack, and the last sixteenth for what
 * they did in any: so that no time is lost, and code from the window's end has a place.
 */
static __always_inline struct bb_py_sum *py_sum_of(struct bb_py_key *key)
{
	struct bb_py_sum *sum = bpf_map_lookup_elem(&py_sums, key);
	u32 used = *(volatile u32 *)&bb_py_sums_used;

	if (sum)
		return sum;
	if (used >= cfg_py_sums - cfg_py_sums / 4) {
		key->who = 0;
		sum = bpf_map_lookup_elem(&py_sums, key);
	}
	if (!sum && used >= cfg_py_sums - cfg_py_sums / 16 && key->stack) {
		py_count(BB_WALK_FULL);
		key->stack = 0;
		sum = bpf_map_lookup_elem(&py_sums, key);
	}
	if (sum)
		return sum;
	if (!bpf_map_update_elem(&py_sums, key, &bb_zero_py_sum, BPF_NOEXIST))
		__sync_fetch_and_add(&bb_py_sums_used, 1);
	return bpf_map_lookup_elem(&py_sums, key);
}

/* @key may be changed. */
static __always_inline void py_sum_add(struct bb_py_key *key, u64 ns, u64 count, u64 waited)
{
	struct bb_py_sum *sum = py_sum_of(key);

	if (!sum) {
		py_count(BB_WALK_FULL);
		return;
	}
	/* clang makes an atomic "or" of adding a constant 0, which kernels before 5.12 have not */
	if (ns)
		__sync_fetch_and_add(&sum->ns, ns);
	__sync_fetch_and_add(&sum->count, count);
	if (waited)
		__sync_fetch_and_add(&sum->waited_ns, waited);
	if (ns > sum->max_ns)
		sum->max_ns = ns;
}

static __always_inline struct bb_py_thread *py_thread(struct bb_thread_sum *t)
{
	u64 key = thread_key(t);
	struct bb_py_thread *p = bpf_map_lookup_elem(&py_threads, &key);

	if (p)
		return p;
	bpf_map_update_elem(&py_threads, &key, &bb_zero_py_thread, BPF_NOEXIST);
	p = bpf_map_lookup_elem(&py_threads, &key);
	if (!p)
		py_count(BB_WALK_FULL);
	return p;
}

#endif
