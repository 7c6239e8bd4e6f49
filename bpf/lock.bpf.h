/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Futex waits: which object, how long somebody waits for it (wall time), and how
 * each wait ended.
 */
#ifndef BB_LOCK_BPF_H
#define BB_LOCK_BPF_H

#include "gil.bpf.h"
#include "thread.bpf.h"

#define BB_FUTEX_CMD_MASK 127u
#define BB_FUTEX_PRIVATE  128u
#define BB_FUTEX_WAITERS  0x80000000u /* in a word that has its owner's number */
#define BB_FUTEX_TID_MASK 0x3fffffffu
enum {
	BB_FUTEX_WAIT = 0,
	BB_FUTEX_WAKE = 1,
	BB_FUTEX_REQUEUE = 3,
	BB_FUTEX_CMP_REQUEUE = 4,
	BB_FUTEX_WAKE_OP = 5,
	BB_FUTEX_LOCK_PI = 6,
	BB_FUTEX_WAIT_BITSET = 9,
	BB_FUTEX_WAKE_BITSET = 10,
	BB_FUTEX_WAIT_REQUEUE_PI = 11,
	BB_FUTEX_CMP_REQUEUE_PI = 12,
	BB_FUTEX_LOCK_PI2 = 13,
};

static __always_inline bool futex_waits(u32 cmd)
{
	return cmd == BB_FUTEX_WAIT || cmd == BB_FUTEX_WAIT_BITSET || cmd == BB_FUTEX_LOCK_PI ||
	       cmd == BB_FUTEX_LOCK_PI2 || cmd == BB_FUTEX_WAIT_REQUEUE_PI;
}

static __always_inline bool futex_wakes(u32 cmd)
{
	return cmd == BB_FUTEX_WAKE || cmd == BB_FUTEX_WAKE_BITSET || cmd == BB_FUTEX_WAKE_OP ||
	       cmd == BB_FUTEX_REQUEUE || cmd == BB_FUTEX_CMP_REQUEUE ||
	       cmd == BB_FUTEX_CMP_REQUEUE_PI;
}

static __always_inline bool is_futex_bucket(u32 b)
{
	return b >= BB_GIL && b <= BB_FUTEX_OTHER;
}

static __always_inline void lock_key_of(const struct bb_thread_sum *t, struct bb_lock_key *key)
{
	key->addr = t->flags & BB_TF_GIL ? t->gil : t->futex;
	key->tgid = t->tgid;
	key->pad = 0;
}

/* The lock or queue of the thread's open or last wait, which is not for a GIL; NULL: it has none.
 */
static __always_inline struct bb_lock_sum *lock_of(const struct bb_thread_sum *t)
{
	struct bb_lock_key key;

	lock_key_of(t, &key);
	return bpf_map_lookup_elem(&locks, &key);
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

static __always_inline void lock_begin(struct bb_thread_sum *t, u64 since, u32 op, u32 val,
				       u32 where, u32 coded, const bool cas)
{
	struct bb_lock_key key;
	struct bb_lock_sum *l;

	lock_key_of(t, &key);
	l = bpf_map_lookup_elem(&locks, &key);
	if (!l) {
		bpf_map_update_elem(&locks, &key, &bb_zero_lock, BPF_NOEXIST);
		l = bpf_map_lookup_elem(&locks, &key);
	}
	if (!l) {
		bb_drop(BB_DROP_LOCKS_FULL);
		return;
	}
	l->op = op;
	l->rises += val > l->val && l->rises < 65535;
	l->falls += val < l->val && l->falls < 255;
	l->val = val;
	l->where = where;
	if (coded) {
		u32 zero = 0;
		struct bb_py_scratch *s = bpf_map_lookup_elem(&py_scratch, &zero);

		if (s) {
			l->code = s->stack.code[0];
			l->caller = coded > 1 ? s->stack.code[1] : 0;
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
 * CPython's parking lot (Python/parking_lot.c, 3.13 to 3.15): a thread waits on a
 * semaphore in a struct wait_entry on its own stack. In front of that are
 *   void *park_arg; uintptr_t addr;
 * addr is the object, and park_arg tells who has called _PyParkingLot_Park():
 *   lock.c, _PyMutex_LockTimed(): its struct mutex_entry, on the stack too, which begins
 *     with the time from which the mutex is to be handed over: never 0
 *   _queuemodule.c, SimpleQueue.get(): its PyObject *item, on the stack, NULL until it is woken
 *   all others: NULL; pystate.c, tstate_wait_attach(), with addr the state of its own
 *     thread state: the world is stopped; stop_the_world(), with addr its stop_event
 * A struct raw_mutex_entry (lock.c) has the next waiter in the place of addr, 0 for none.
 */
#define BB_PARK_STACK 65536 /* how far up the stack the callers' variables may be */

struct bb_wait_entry {
	u64 arg;
	u64 addr;
};

static __always_inline u32 parked_at(struct bb_python_info *py, struct bb_thread_sum *t, u64 uaddr,
				     u64 addr, u64 self)
{
	u64 tstate = addr - py->stops.tstate_state, interp;

	if (!py->stops.tstate_state || !py->runtime)
		return BB_AT_PARKED;
	if (py_read(tstate + py->off.tstate_thread_id) == self) {
		/* all threads of an interpreter wait for the same */
		interp = py_read(tstate + py->stops.tstate_interp);
		t->futex = interp ? interp : addr;
		return BB_AT_WORLD;
	}
	if (addr == py->runtime + py->stops.runtime_event)
		return BB_AT_STOPPER;
	interp = t->tstate ? py_read(t->tstate + py->stops.tstate_interp) : 0;
	return interp && addr == interp + py->stops.interp_event ? BB_AT_STOPPER : BB_AT_PARKED;
}

/*
 * The current thread waits on its stack at @uaddr: what for? Sets the object in
 * its row, and returns an enum bb_lock_where. @self: pthread_self().
 */
__noinline u32 bb_py_parked(u64 task, u32 pid, u64 uaddr, u64 self)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_python_info *py;
	struct bb_wait_entry e;
	u32 tgid, where;

	if (!t || bpf_probe_read_user(&e, sizeof(e), (void *)(uaddr - sizeof(e))))
		return BB_AT_STACK;
	tgid = t->tgid;
	py = bpf_map_lookup_elem(&pythons, &tgid);
	if (!py)
		return BB_AT_STACK;
	if (!e.addr) {
		/* whose, it does not say: one row for all */
		t->futex = py->runtime ? py->runtime : uaddr;
		t->flags |= BB_TF_PROTO;
		return BB_AT_RAW;
	}
	t->futex = e.addr;
	if (e.arg - uaddr < BB_PARK_STACK)
		return py_read(e.arg) ? BB_AT_PYMUTEX : BB_AT_SIMPLE_QUEUE;
	where = parked_at(py, t, uaddr, e.addr, self);
	if (where == BB_AT_WORLD || where == BB_AT_STOPPER)
		t->flags |= BB_TF_PROTO;
	return where;
}

/* The monitor that the current thread, of a JVM, waits to enter; 0: none, or not known. */
__noinline u64 bb_java_monitor(u32 tid, u32 tgid)
{
	struct bb_java_key key = { .tid = tid, .tgid = tgid };
	u64 *at = bpf_map_lookup_elem(&java_threads, &key);

	return at ? py_read(*at) : 0;
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
	u64 gil = bb_gil_at(t->tgid, t->gil, uaddr, own_memory);
	u32 where = uaddr - r->sp < 65536 ? BB_AT_STACK : BB_AT_WORD;
	struct bb_python_info *py = NULL;
	u32 coded = 0;

	bb_want_wakers = 1;
	t->flags &= ~(BB_TF_GIL | BB_TF_PROTO | BB_TF_COUNTED | BB_TF_FORCED | BB_TF_COND |
		      BB_TF_WRITER);
	if (gil) {
		u32 at = uaddr - gil < BB_GIL_END ? uaddr - gil : BB_GIL_END;
		u32 own = own_memory ? BB_GIL_OWN : 0;

		/* who waits for the GIL's condition does not hold it */
		if (own_memory && bb_pythons && !gil_is_cond(at))
			bb_gil_leave(task_of(t), t->tid, bb_pthread_self(p), since);
		/* not for a row that is being built: it can be in no acquisition */
		if (!task_of(t))
			gil_begin(t, gil, at, since, false, cas);
		else if (cas)
			bb_gil_begin(task_of(t), t->tid, gil, at | own, since);
		else
			bb_gil_begin_nocas(task_of(t), t->tid, gil, at | own, since);
		return;
	}
	t->wake_how = 0;
	t->bucket = BB_FUTEX_OTHER;
	/* glibc's mutex waits for the value 2 (nptl/lowlevellock.h); words of PI and of robust
	 * mutexes name their owner, and that somebody waits (futex(2)), as musl's do EBUSY */
	if ((cmd == BB_FUTEX_WAIT &&
	     (val == 2 || ((val & BB_FUTEX_WAITERS) && (val & BB_FUTEX_TID_MASK)))) ||
	    cmd == BB_FUTEX_LOCK_PI || cmd == BB_FUTEX_LOCK_PI2)
		t->flags |= BB_TF_PROTO;
	t->futex = uaddr;
	if (own_memory && bb_pythons) {
		u32 tgid = t->tgid;

		py = bpf_map_lookup_elem(&pythons, &tgid);
		/* the two frames on top tell a lock from a queue, whatever the budget for stacks */
		if (py && py->runtime)
			coded = bb_py_walk(tgid, bb_py_own_tstate(tgid, bb_pthread_self(p)), 2, 0);
	}
	if (where == BB_AT_STACK && py && (py->flags & BB_PY_PARKING)) {
		where = bb_py_parked(task_of(t), t->tid, uaddr, bb_pthread_self(p));
	} else if (cmd == BB_FUTEX_WAIT_BITSET) {
		/* a glibc condition alternates between two words of 8 aligned bytes */
		t->futex = uaddr & ~7ULL;
		/*
		 * So are the two of its rwlock, __wrphase_futex and __writers_futex: who is to
		 * write waits for the readers to leave (2), or for another writer (3)
		 */
		if (val == (uaddr & 4 ? 3 : 2))
			t->flags |= BB_TF_WRITER;
	}
	if (own_memory && bb_javas) {
		u64 monitor = bb_java_monitor(t->tid, t->tgid);

		/* whatever word it sleeps on: until it has the monitor, that is what it waits for
		 */
		if (monitor) {
			t->futex = monitor;
			t->flags |= BB_TF_PROTO;
			where = BB_AT_MONITOR;
		}
	}
	remember_lock(t, t->futex);
	lock_begin(t, since, op, val, where, coded, cas);
}

/*
 * The wait of the thread has ended, and by whom was not seen: while wake-ups were not traced
 * yet, or because it was still on its way off the CPU. Who ends the next one did not have the
 * lock all the time.
 */
static __always_inline void lock_nobodys(struct bb_thread_sum *t, u64 now, const bool cas)
{
	struct bb_lock_sum *l = t->flags & BB_TF_GIL ? NULL : lock_of(t);

	if (l)
		take_owed(&l->contention, &l->given, now, cas);
}

/* Stop counting the thread as a waiter, at the wake-up or, where that was missed, later. */
static __always_inline void futex_uncount(struct bb_thread_sum *t, u64 now, const bool cas)
{
	struct bb_contention *c;

	if (!(t->flags & BB_TF_COUNTED))
		return;
	t->flags &= ~BB_TF_COUNTED;
	if (!t->wake_how)
		lock_nobodys(t, now, cas);
	c = contention_of(t);
	if (c)
		contend_end(c, now, cas);
}

/*
 * Was the thread, which blocks, woken before that was told? on_waking() leaves a row alone
 * that is being changed; and where it came before that, the task is TASK_WAKING while it is
 * still on its CPU (kernel/sched/core.c, try_to_wake_up).
 */
static __always_inline bool woken_already(struct task_struct *p, struct bb_thread_sum *t)
{
	return *(volatile u16 *)&t->early || bb_task_state(p) == BB_TASK_WAKING;
}

__noinline u32 bb_futex_woken(u64 task, u32 pid, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (!t)
		return 0;
	futex_uncount(t, now, true);
	return 0;
}

__noinline u32 bb_futex_woken_nocas(u64 task, u32 pid, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (!t)
		return 0;
	futex_uncount(t, now, false);
	return 0;
}

/* Was its last wait for a word? Of a GIL there is none. */
static __always_inline bool waits_for_word(const struct bb_thread_sum *w)
{
	return is_futex_bucket(w->bucket) && w->bucket != BB_GIL;
}

/*
 * The part of the last @ns before @now in which the thread of row @w was blocked, if that
 * was its last time off the CPU: by @addr it waited for the lock itself.
 */
static __always_inline u64 blocked_within(const struct bb_thread_sum *w, u64 addr, u64 ns, u64 now)
{
	u64 after = w->queued + (now > w->since ? now - w->since : 0);
	u64 blocked = w->blocked;

	if (w->on != BB_STATE_RAN || after >= ns || (waits_for_word(w) && w->futex == addr))
		return 0;
	return blocked < ns - after ? blocked : ns - after;
}

/* The row of the current task, who wakes those that wait for @key->addr; NULL: no room. */
static __always_inline struct bb_waker_sum *waker_of(struct bb_waker_key *key)
{
	struct task_struct *me;
	struct bb_waker_sum *h = bpf_map_lookup_elem(&wakers, key);

	if (h)
		return h;
	bpf_map_update_elem(&wakers, key, &bb_zero_waker, BPF_NOEXIST);
	h = bpf_map_lookup_elem(&wakers, key);
	if (!h) {
		bb_drop(BB_DROP_WAKERS_FULL);
		return NULL;
	}
	me = (void *)bpf_get_current_task();
	h->ns_tid = number_at(me, bb_level);
	h->ns_tgid = number_at(BPF_CORE_READ(me, group_leader), bb_level);
	h->bucket = BB_BUCKET_MAX;
	bpf_get_current_comm(h->comm, sizeof(h->comm));
	return h;
}

/* In which Python code does the current thread, of row @w, let go of the lock? As credit allows. */
static __always_inline void waker_code(struct bb_waker_sum *h, struct bb_thread_sum *w,
				       struct bb_self *self, u64 now)
{
	struct task_struct *task = (void *)self->task;
	struct bb_cpu *cpu = bb_cpu();
	u64 stack;

	if (!bb_pythons || !cpu || !is_python(w) || !py_may_walk(cpu, now, BB_CREDIT_GIL))
		return;
	stack = bb_py_stack(self->tgid, bb_py_own_tstate(self->tgid, bb_pthread_self_of(task)), now,
			    0);
	if (stack)
		h->stack = stack;
}

/*
 * The current task wakes the thread of row @t from its wait for a lock. To hand it on it
 * must have had it: since another one handed it on, or there came to be a waiter.
 */
static __always_inline void lock_give(struct bb_thread_sum *t, u64 now, const bool cas)
{
	struct bb_waker_key at = {};
	struct bb_lock_key key;
	struct bb_waker_sum *h;
	struct bb_lock_sum *l;
	struct bb_thread_sum *w;
	struct bb_self self;
	u64 ns, blocked;

	lock_key_of(t, &key);
	l = bpf_map_lookup_elem(&locks, &key);
	if (!l)
		return;
	bb_self_get(&self);
	at.addr = key.addr;
	at.tgid = key.tgid;
	at.tid = self.pid;
	/* without room for a row it is nobody's, and not the next one's */
	ns = take_owed(&l->contention, &l->given, now, cas);
	h = waker_of(&at);
	if (!h)
		return;
	__sync_fetch_and_add(&h->ns, ns);
	__sync_fetch_and_add(&h->count, 1);
	w = thread_at(self.task, self.pid);
	if (w)
		waker_code(h, w, &self, now);
	blocked = w ? blocked_within(w, key.addr, ns, now) : 0;
	if (!blocked)
		return;
	h->blocked_ns += blocked;
	if (blocked < h->blocked_max)
		return;
	h->blocked_max = blocked;
	h->bucket = w->bucket;
	h->futex = waits_for_word(w) ? w->futex : 0;
	h->nr = w->nr;
	h->fd = w->fd;
	h->fdkind = w->fdkind;
	h->end = w->end;
}

__noinline int bb_lock_give(u64 task, u32 pid, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (t)
		lock_give(t, now, true);
	return 0;
}

__noinline int bb_lock_give_nocas(u64 task, u32 pid, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (t)
		lock_give(t, now, false);
	return 0;
}

/* Two CPUs that come to that wait at once take a row each, of which one is lost. */
static __always_inline void lock_hist(struct bb_lock_sum *l, u64 ns)
{
	u32 slot = log2_ns(ns), number = l->hist;
	struct bb_lock_hist *h;

	if (!number) {
		if (l->waits < BB_LOCK_HIST_WAITS || bpf_map_pop_elem(&free_hists, &number))
			return;
		l->hist = ++number;
	}
	number--;
	h = bpf_map_lookup_elem(&lock_hists, &number);
	slot = slot < BB_LOCK_HIST_FIRST ? 0 : slot - BB_LOCK_HIST_FIRST;
	/* the verifier has to see the bound on the very register that indexes */
	asm volatile("" : "+r"(slot));
	if (h)
		__sync_fetch_and_add(
			&h->slots[slot < BB_LOCK_HIST_SLOTS ? slot : BB_LOCK_HIST_SLOTS - 1], 1);
}

/* How a wait for a word ended, which is not a GIL's: a bucket. */
static __always_inline u32 futex_how(const struct bb_thread_sum *t)
{
	return t->flags & BB_TF_PROTO ? BB_FUTEX_PROTO : t->wake_how ? t->wake_how : BB_FUTEX_OTHER;
}

/* The wait is over and lasted @ns: sum it under its object. Returns its bucket. */
static __always_inline u32 futex_end(struct bb_thread_sum *t, u64 ns, u64 now, const bool cas)
{
	struct bb_lock_sum *l;
	u32 how;

	futex_uncount(t, now, cas);
	if (t->flags & BB_TF_GIL) {
		struct bb_gil_sum *g = gil_sum(t->gil, t->tgid);

		if (t->flags & BB_TF_IN_ACQ)
			t->acq_ns += ns;
		if (g)
			__sync_fetch_and_add(&g->ns, ns);
		if (g)
			gil_arrive(t, g, now, cas);
		return BB_GIL;
	}
	how = futex_how(t);
	for (int i = 0; i < BB_RECENT_LOCKS; i++)
		if (t->recent[i] == t->futex)
			t->recent_ns[i] += ns;
	l = lock_of(t);
	if (l) {
		__sync_fetch_and_add(&l->ns[(how - BB_FUTEX_PROTO) & 3], ns);
		__sync_fetch_and_add(&l->waits, 1);
		if (ns > l->max_ns)
			l->max_ns = ns;
		if (t->flags & BB_TF_WRITER) {
			__sync_fetch_and_add(&l->write_ns, ns);
			__sync_fetch_and_add(&l->write_waits, 1);
		}
		lock_hist(l, ns);
	}
	return how;
}

/* The same as global functions. */
__noinline u32 bb_futex_end(u64 task, u32 pid, u64 ns, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	return t ? futex_end(t, ns, now, true) : BB_FUTEX_OTHER;
}

__noinline u32 bb_futex_end_nocas(u64 task, u32 pid, u64 ns, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	return t ? futex_end(t, ns, now, false) : BB_FUTEX_OTHER;
}

#endif
