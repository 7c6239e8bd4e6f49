/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Futex waits: which object, how long somebody waits for it (wall time), how
 * each wait ended, and GIL waits joined into acquisitions.
 *
 * @cas says whether BPF has compare-and-swap here (5.12, 5ffa25502b5a). Both
 * variants are compiled into separate programs, because older kernels refuse
 * the instruction even where it is dead code.
 */
#ifndef BB_LOCK_BPF_H
#define BB_LOCK_BPF_H

#include "boundby.bpf.h"
#include "python.bpf.h"

#define BB_FUTEX_CMD_MASK 127u
#define BB_FUTEX_PRIVATE  128u
enum {
	BB_FUTEX_WAIT = 0,
	BB_FUTEX_LOCK_PI = 6,
	BB_FUTEX_WAIT_BITSET = 9,
	BB_FUTEX_WAIT_REQUEUE_PI = 11,
	BB_FUTEX_LOCK_PI2 = 13,
};

/* struct _gil_runtime_state of CPython 3.7 to 3.15, from its start (GIL builds). */
#define BB_GIL_SWITCH_NUMBER 24
#define BB_GIL_COND          32
#define BB_GIL_END           208

#define BB_WORD_TRIES 12

static __always_inline void contend_peak(struct bb_contention *c, u64 waiters)
{
	/* racing writers may lose a peak by one another's, never invent one */
	if (waiters > c->max)
		c->max = waiters;
}

/*
 * One more waiter from @now. True when it was counted, and contend_end() is due.
 * The word holds "since" from the window's start (in 4 ns, 48 bits: 13 days) and
 * the number of waiters, so that the two change together.
 */
static __always_inline bool contend_begin(struct bb_contention *c, u64 now, const bool cas)
{
	if (!cas) {
		/* Adding is atomic, the rest is not: a race costs one interval. */
		__sync_fetch_and_add(&c->word, 1);
		u64 n = *(volatile u64 *)&c->word;

		if (n == 1)
			c->since = now;
		contend_peak(c, n);
		return true;
	}
	for (int i = 0; i < BB_WORD_TRIES; i++) {
		u64 old = *(volatile u64 *)&c->word;
		u64 new = (old & 0xffff)
				  ? old + 1
				  : ((now - bb_window_start) >> BB_WORD_UNIT_SHIFT << 16) | 1;

		if ((old & 0xffff) == 0xffff)
			break;
		if (__sync_val_compare_and_swap(&c->word, old, new) == old) {
			contend_peak(c, new & 0xffff);
			return true;
		}
	}
	bb_drop(BB_DROP_CONTENTION_RACE);
	return false;
}

/* One waiter fewer from @now. Only after a contend_begin() that was true. */
static __always_inline void contend_end(struct bb_contention *c, u64 now, const bool cas)
{
	if (!cas) {
		__sync_fetch_and_add(&c->word, -1);
		if (*(volatile u64 *)&c->word == 0 && c->since && now > c->since) {
			__sync_fetch_and_add(&c->ns, now - c->since);
			c->last_end = now;
		}
		return;
	}
	for (int i = 0; i < BB_WORD_TRIES; i++) {
		u64 old = *(volatile u64 *)&c->word;
		u64 n = old & 0xffff;
		u64 new = n > 1 ? old - 1 : 0;

		if (!n)
			return;
		if (__sync_val_compare_and_swap(&c->word, old, new) == old) {
			u64 since = (old >> 16 << BB_WORD_UNIT_SHIFT) + bb_window_start;

			if (n == 1) {
				if (now > since)
					__sync_fetch_and_add(&c->ns, now - since);
				c->last_end = now;
			}
			return;
		}
	}
	bb_drop(BB_DROP_CONTENTION_RACE);
}

static __always_inline void lock_key_of(const struct bb_thread_sum *t, struct bb_lock_key *key)
{
	key->addr = t->flags & BB_TF_GIL ? t->gil : t->futex;
	key->tgid = t->tgid;
	key->pad = 0;
}

static __always_inline struct bb_contention *contention_of(struct bb_thread_sum *t)
{
	struct bb_lock_key key;

	lock_key_of(t, &key);
	if (t->flags & BB_TF_GIL) {
		struct bb_gil_sum *g = bpf_map_lookup_elem(&gils, &key);

		/* keeps the two apart: a look-up is inlined only where its map is known */
		asm volatile("" : "+r"(g));
		return g ? &g->contention : NULL;
	} else {
		struct bb_lock_sum *l = bpf_map_lookup_elem(&locks, &key);

		return l ? &l->contention : NULL;
	}
}

static __always_inline struct bb_gil_sum *gil_sum(u64 addr, u32 tgid)
{
	struct bb_lock_key key = { .addr = addr, .tgid = tgid };
	struct bb_gil_sum *g = bpf_map_lookup_elem(&gils, &key);

	if (g)
		return g;
	/* does not fit the stack: -EEXIST is a race that somebody else won */
	bpf_map_update_elem(&gils, &key, &bb_zero_gil, BPF_NOEXIST);
	g = bpf_map_lookup_elem(&gils, &key);
	if (!g)
		bb_drop(BB_DROP_LOCKS_FULL);
	return g;
}

/* The process's GIL that @uaddr lies in, 0: none. */
static __always_inline u64 gil_at(struct task_struct *p, struct bb_thread_sum *t, u64 uaddr,
				  bool own_memory)
{
	struct bb_python_info *py;
	u32 tgid = t->tgid;

	if (t->gil && uaddr - t->gil < BB_GIL_END)
		return t->gil;
	py = bpf_map_lookup_elem(&pythons, &tgid);
	if (!py || !py->nr_gils)
		return 0;
	for (int i = 0; i < BB_GILS_MAX; i++) {
		u64 gil = py->gils[i];

		if (!gil)
			break;
		if (uaddr - gil < BB_GIL_END)
			return gil;
		if ((py->flags & BB_PY_MUSL) && own_memory) {
			/*
			 * musl's condition variables wait on a node of the
			 * waiter's stack; its list head is the condition's
			 * second word.
			 */
			u64 node = 0;

			if (!bpf_probe_read_user(&node, sizeof(node),
						 (void *)(gil + BB_GIL_COND + 8)) &&
			    node && node == uaddr - 20)
				return gil;
		}
	}
	return 0;
}

/* gil.switch_number, which goes up whenever the GIL changes hands. */
static __always_inline u64 gil_switch_number(u64 gil)
{
	u64 n = 0;

	if (bpf_probe_read_user(&n, sizeof(n), (void *)(gil + BB_GIL_SWITCH_NUMBER)))
		bb_drop(BB_DROP_USER_READ);
	return n;
}

static __always_inline u32 log2_ns(u64 v)
{
	u32 r = 0;

	if (v >> 32) {
		v >>= 32;
		r += 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	if (v >> 1)
		r += 1;
	return r < BB_HIST_BITS ? r : BB_HIST_BITS - 1;
}

/* The thread has the GIL that it waited for: one acquisition more. */
static __always_inline void gil_close(struct bb_thread_sum *t)
{
	u64 ns = t->acq_ns;
	struct bb_gil_sum *g;

	t->flags &= ~BB_TF_IN_ACQ;
	t->acq_ns = 0;
	t->acq_count++;
	if (ns > t->acq_max)
		t->acq_max = ns;
	g = gil_sum(t->gil, t->tgid);
	if (!g)
		return;
	__sync_fetch_and_add(&g->acquisitions, 1);
	__sync_fetch_and_add(&g->hist[log2_ns(ns)], 1);
	if (ns > g->max_ns)
		g->max_ns = ns;
}

/*
 * Is a new wait for the GIL the next slice of the acquisition that is open?
 * take_gil() waits in slices of the switch interval; after a slice that timed
 * out it does not have the GIL. After one that was signalled it either got it,
 * or was overtaken: then the GIL changed hands once since the signal, and at
 * least twice if this thread got it and lost it again.
 */
static __always_inline bool gil_joined(struct bb_thread_sum *t, u64 gil, bool own_memory)
{
	if (!(t->flags & BB_TF_IN_ACQ) || t->gil != gil)
		return false;
	if (t->wake_how == 0 || t->wake_how == BB_FUTEX_OTHER || !own_memory)
		return true;
	return gil_switch_number(gil) - t->gil_switches <= 1;
}

static __always_inline void lock_begin(struct bb_thread_sum *t, u64 since, u32 op, u32 val,
				       bool on_stack, bool coded, const bool cas)
{
	struct bb_lock_key key;
	struct bb_lock_sum *l;

	lock_key_of(t, &key);
	l = bpf_map_lookup_elem(&locks, &key);
	if (!l) {
		struct bb_lock_sum zero = {};

		bpf_map_update_elem(&locks, &key, &zero, BPF_NOEXIST);
		l = bpf_map_lookup_elem(&locks, &key);
	}
	if (!l) {
		bb_drop(BB_DROP_LOCKS_FULL);
		return;
	}
	l->op = op;
	l->val = val;
	l->tgid = t->tgid;
	l->on_stack = on_stack;
	if (coded) {
		struct bb_cpu *cpu = bb_cpu();

		if (cpu && cpu->code) {
			l->code = cpu->code;
			l->caller = cpu->caller;
		}
	}
	if (since < l->contention.last_end)
		since = l->contention.last_end;
	if (contend_begin(&l->contention, since, cas))
		t->flags |= BB_TF_COUNTED;
}

static __always_inline void remember_lock(struct bb_thread_sum *t, u64 addr)
{
	u32 least = 0;

	for (int i = 0; i < BB_RECENT_LOCKS; i++)
		if (t->recent[i] == addr)
			return;
	/* the one that it waited for least gives way */
	for (int i = 1; i < BB_RECENT_LOCKS; i++)
		if (t->recent_ns[i] < t->recent_ns[least])
			least = i;
	t->recent[least & (BB_RECENT_LOCKS - 1)] = addr;
	t->recent_ns[least & (BB_RECENT_LOCKS - 1)] = 0;
}

static __always_inline bool recalls_lock(const struct bb_thread_sum *t, u64 addr)
{
	for (int i = 0; i < BB_RECENT_LOCKS; i++)
		if (t->recent[i] == addr)
			return true;
	return false;
}

/*
 * A thread blocks on a futex word. @since: when; @own_memory: it is current, so
 * its memory can be read. Fills the thread's open wait; t->bucket is set.
 */
static __always_inline void futex_begin(struct task_struct *p, struct bb_thread_sum *t,
					struct bb_regs *r, u64 uaddr, u32 op, u32 val, u64 since,
					bool own_memory, const bool cas)
{
	u32 cmd = op & BB_FUTEX_CMD_MASK;
	u64 gil = gil_at(p, t, uaddr, own_memory);
	bool on_stack = uaddr - r->sp < 65536;
	struct bb_python_info *py = NULL;
	bool coded = false;

	bb_want_wakers = 1;
	t->flags &= ~(BB_TF_GIL | BB_TF_PROTO | BB_TF_COUNTED);
	if (gil) {
		struct bb_gil_sum *g;

		if ((t->flags & BB_TF_IN_ACQ) && !gil_joined(t, gil, own_memory))
			gil_close(t);
		t->flags |= BB_TF_GIL | BB_TF_IN_ACQ;
		t->gil = gil;
		t->bucket = BB_GIL;
		t->wake_how = 0;
		g = gil_sum(gil, t->tgid);
		if (g) {
			if (since < g->contention.last_end)
				since = g->contention.last_end;
			if (contend_begin(&g->contention, since, cas))
				t->flags |= BB_TF_COUNTED;
		}
		return;
	}
	t->wake_how = 0;
	t->bucket = BB_FUTEX_OTHER;
	/* glibc's mutex waits for the value 2 (nptl/lowlevellock.h); PI words name their owner */
	if ((cmd == BB_FUTEX_WAIT && val == 2) || cmd == BB_FUTEX_LOCK_PI ||
	    cmd == BB_FUTEX_LOCK_PI2)
		t->flags |= BB_TF_PROTO;
	t->futex = uaddr;
	if (own_memory) {
		u32 tgid = t->tgid;

		py = bpf_map_lookup_elem(&pythons, &tgid);
	}
	if (py && py->runtime) {
		bb_py_top_code(t->tgid, bb_pthread_self(p));
		coded = true;
	}
	if (on_stack && py && (py->flags & BB_PY_PARKING)) {
		/* CPython's parking lot: the object's address is in the word before */
		u64 parked = py_read(uaddr - 8);

		if (parked)
			t->futex = parked;
	} else if (cmd == BB_FUTEX_WAIT_BITSET) {
		/* a glibc condition alternates between two words of 8 aligned bytes */
		t->futex = uaddr & ~7ULL;
	}
	remember_lock(t, t->futex);
	lock_begin(t, since, op, val, on_stack, coded, cas);
}

/* Stop counting the thread as a waiter, at the wake-up or, where that was missed, later. */
static __always_inline void futex_uncount(struct bb_thread_sum *t, u64 now, const bool cas)
{
	struct bb_contention *c;

	if (!(t->flags & BB_TF_COUNTED))
		return;
	t->flags &= ~BB_TF_COUNTED;
	c = contention_of(t);
	if (c)
		contend_end(c, now, cas);
}

/* The wait is over and lasted @ns: sum it under its object. Returns its bucket. */
static __always_inline u32 futex_end(struct bb_thread_sum *t, u64 ns, u64 now, const bool cas)
{
	struct bb_lock_key key;
	struct bb_lock_sum *l;
	u32 how;

	futex_uncount(t, now, cas);
	if (t->flags & BB_TF_GIL) {
		struct bb_gil_sum *g = gil_sum(t->gil, t->tgid);

		t->acq_ns += ns;
		if (g)
			__sync_fetch_and_add(&g->ns, ns);
		return BB_GIL;
	}
	how = t->flags & BB_TF_PROTO ? BB_FUTEX_PROTO : t->wake_how ? t->wake_how : BB_FUTEX_OTHER;
	for (int i = 0; i < BB_RECENT_LOCKS; i++)
		if (t->recent[i] == t->futex)
			t->recent_ns[i] += ns;
	lock_key_of(t, &key);
	l = bpf_map_lookup_elem(&locks, &key);
	if (l) {
		__sync_fetch_and_add(&l->ns[(how - BB_FUTEX_PROTO) & 3], ns);
		__sync_fetch_and_add(&l->waits, 1);
		if (ns > l->max_ns)
			l->max_ns = ns;
	}
	return how;
}

#endif
