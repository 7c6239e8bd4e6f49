/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The GIL: which one a futex belongs to, waits joined into acquisitions, and who holds it. */
#ifndef BB_GIL_BPF_H
#define BB_GIL_BPF_H

#include "contend.bpf.h"
#include "python.bpf.h"

/* struct _gil_runtime_state of CPython 3.7 to 3.15, from its start (GIL builds). */
#define BB_GIL_HOLDER        8
#define BB_GIL_SWITCH_NUMBER 24
#define BB_GIL_COND          32
#define BB_GIL_MUTEX         80
#define BB_GIL_SWITCH_COND   120
#define BB_GIL_SWITCH_MUTEX  168
#define BB_GIL_END           208
#define BB_COND_REFS         16 /* glibc's pthread_cond_t.__g_refs, of two words */

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

/*
 * musl's condition variables wait on a node of the waiter's stack; its list head is the
 * condition's second word. The GIL whose condition has @uaddr in such a node, 0: none.
 */
__noinline u64 bb_gil_of_node(u32 tgid, u64 uaddr)
{
	struct bb_python_info *py = bpf_map_lookup_elem(&pythons, &tgid);
	u64 node;

	if (!py)
		return 0;
	for (int i = 0; i < BB_GILS_MAX && py->gils[i]; i++) {
		node = 0;
		if (!bpf_probe_read_user(&node, sizeof(node),
					 (void *)(py->gils[i] + BB_GIL_COND + 8)) &&
		    node && node == uaddr - 20)
			return py->gils[i];
	}
	return 0;
}

/* The process's GIL that @uaddr lies in, 0: none. @last: the one that the thread waited for last.
 */
__noinline u64 bb_gil_at(u32 tgid, u64 last, u64 uaddr, u32 own_memory)
{
	struct bb_python_info *py;

	if (last && uaddr - last < BB_GIL_END)
		return last;
	py = bpf_map_lookup_elem(&pythons, &tgid);
	if (!py || !py->nr_gils)
		return 0;
	for (int i = 0; i < BB_GILS_MAX; i++) {
		u64 gil = py->gils[i];

		if (!gil)
			break;
		if (uaddr - gil < BB_GIL_END)
			return gil;
	}
	return (py->flags & BB_PY_MUSL) && own_memory ? bb_gil_of_node(tgid, uaddr) : 0;
}

/* gil.switch_number, which goes up whenever the GIL changes hands. */
static __always_inline u64 gil_switch_number(u64 gil)
{
	u64 n = 0;

	if (bpf_probe_read_user(&n, sizeof(n), (void *)(gil + BB_GIL_SWITCH_NUMBER)))
		bb_drop(BB_DROP_USER_READ);
	return n;
}

/* Sum the wait under the thread, and under the code in which it waited. */
static __always_inline void gil_waited(struct bb_thread_sum *t, u64 ns)
{
	struct bb_py_key key = { .stack = t->acq_stack,
				 .who = t->tid,
				 .tgid = t->tgid,
				 .kind = BB_PY_WAITER,
				 .bucket = BB_GIL,
				 .nr = -1 };
	struct bb_py_thread *p = py_thread(t);

	if (p)
		p->hist[log2_ns(ns)]++;
	t->acq_stack = 0;
	py_sum_add(&key, ns, 1, 0);
}

/*
 * The thread has the GIL that it waited for: one acquisition more. This and other
 * functions here are global, with plain numbers as arguments: the verifier goes
 * through each once, and not once for each state of each caller.
 */
__noinline int bb_gil_close(u64 task, u32 pid)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_gil_sum *g;
	u64 ns;

	if (!t)
		return 0;
	ns = t->acq_ns;
	t->flags &= ~BB_TF_IN_ACQ;
	t->acq_ns = 0;
	gil_waited(t, ns);
	t->acq_count++;
	if (ns > t->acq_max)
		t->acq_max = ns;
	g = gil_sum(t->gil, t->tgid);
	if (!g)
		return 0;
	__sync_fetch_and_add(&g->acquisitions, 1);
	__sync_fetch_and_add(&g->hist[log2_ns(ns)], 1);
	if (ns > g->max_ns)
		g->max_ns = ns;
	return 0;
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

/* The thread state that holds the GIL at @gil, in the current process's memory; 0: none. */
static __always_inline u64 gil_holder(u64 gil)
{
	struct {
		u64 holder;
		s32 locked;
		s32 pad;
	} now;

	if (bpf_probe_read_user(&now, sizeof(now), (void *)(gil + BB_GIL_HOLDER)))
		return 0;
	return now.locked == 1 ? now.holder : 0;
}

/*
 * The GIL that the thread of pthread_self() @self holds, in the current process's
 * memory; 0: none. @tstate: its thread state.
 */
static __always_inline u64 gil_held_by(struct bb_python_info *py, u64 self, u64 *tstate)
{
	for (int i = 0; i < BB_GILS_MAX; i++) {
		u64 gil = py->gils[i], holder;

		if (!gil)
			break;
		holder = gil_holder(gil);
		if (holder && py_read(holder + py->off.tstate_thread_id) == self) {
			*tstate = holder;
			return gil;
		}
	}
	return 0;
}

/*
 * In which code a holder is, is counted by the sampling clock, which finds it in each line as
 * often as its time says: what it does when it lets go is not what it has done. User space
 * spreads its contended time by these counts. Off a CPU there is no clock: what it waits in
 * has that time itself (bb_gil_back()). Where there is none at all, or it does not come
 * while so much contended time goes by, the frames are walked at the next event.
 */
#define BB_BLAME_LATE 100000000LL

/* The row of @key; the last ones are for what all further threads held: one for each GIL. */
static __always_inline struct bb_holder_sum *holder_at(struct bb_holder_key *key)
{
	struct bb_holder_sum *h = bpf_map_lookup_elem(&holders, key);

	if (h || *(volatile u32 *)&bb_holders_used < cfg_holders - cfg_holders / 8)
		return h;
	key->who = 0;
	return bpf_map_lookup_elem(&holders, key);
}

/* The thread @who held the GIL for @ns of contended time; NULL: no room, which is counted. */
static __always_inline struct bb_holder_sum *gil_give(u32 tgid, u64 gil, u64 who, u64 ns)
{
	struct bb_holder_key key = { .who = who, .gil = gil, .tgid = tgid };
	struct bb_holder_sum *h = holder_at(&key);

	if (!h) {
		if (!bpf_map_update_elem(&holders, &key, &bb_zero_holder, BPF_NOEXIST))
			__sync_fetch_and_add(&bb_holders_used, 1);
		h = bpf_map_lookup_elem(&holders, &key);
		if (h)
			h->several = !key.who;
	}
	if (!h) {
		py_count(BB_WALK_FULL);
		return NULL;
	}
	/* clang makes an atomic "or" of adding a constant 0, which kernels before 5.12 have not */
	if (!ns)
		return h;
	__sync_fetch_and_add(&h->ns, ns);
	__sync_fetch_and_add(&h->count, 1);
	__sync_fetch_and_add(&h->pending, ns);
	return h;
}

/* @ns of a holder's contended time were spent in @key's code. */
static __always_inline void gil_explain(struct bb_holder_sum *h, struct bb_py_key *key, u64 ns)
{
	__sync_fetch_and_add(&h->pending, -ns);
	py_sum_add(key, ns, 1, 0);
}

static __always_inline struct bb_py_key holder_code(u32 tgid, u64 who, u64 stack)
{
	return (struct bb_py_key){ .stack = stack,
				   .who = who,
				   .tgid = tgid,
				   .kind = BB_PY_HOLDER,
				   .bucket = BB_GIL,
				   .nr = -1 };
}

/* gil_give() for a thread of the current process. Returns who that is. */
__noinline u64 bb_gil_blame(u32 tgid, u64 gil, u64 tstate, u64 ns, u64 now)
{
	u64 who = bb_who(tgid, tstate), since;
	struct bb_holder_sum *h = gil_give(tgid, gil, who, ns);
	struct bb_py_key code;

	if (!h)
		return who;
	since = h->ns - h->looked;
	/* less what it waited for with the GIL, of which the code is known: bb_gil_waited() */
	if ((s64)h->pending < (s64)since)
		since = h->pending;
	if ((s64)since < BB_BLAME_LATE || h->several)
		return who;
	code = holder_code(tgid, who, bb_py_stack(tgid, tstate, now, BB_WALK_OTHERS));
	if (!code.stack)
		return who;
	h->looked = h->ns;
	gil_explain(h, &code, since);
	return who;
}

/* The clock finds the current thread @who with a GIL for which others wait, in the code @stack. */
__noinline int bb_gil_seen(u32 tgid, u64 gil, u64 who, u64 stack)
{
	struct bb_holder_sum *h = gil_give(tgid, gil, who, 0);
	struct bb_py_key code = holder_code(tgid, who, stack);
	struct bb_py_sum *sum;

	if (!h)
		return 0;
	h->looked = h->ns;
	/* its time is with that of others */
	if (h->several)
		code.who = 0;
	sum = py_sum_of(&code);
	if (!sum)
		return 0;
	__sync_fetch_and_add(&sum->count, 1);
	__sync_fetch_and_add(&sum->ticks, 1);
	return 0;
}

/* Contended time of a holder that is in rows of code. */
static __always_inline u64 gil_told(u32 tgid, u64 gil, u64 who)
{
	struct bb_holder_key key = { .who = who, .gil = gil, .tgid = tgid };
	struct bb_holder_sum *h = holder_at(&key);

	return h ? h->ns - h->pending : 0;
}

/*
 * The thread was off its CPU with the GIL, in the code that it blocked in, for @ns of
 * contended time. Events give it that time; some of it may be in rows already.
 */
__noinline int bb_gil_waited(u64 task, u32 pid, u64 ns)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_py_key code;
	struct bb_holder_sum *h;
	u64 told;

	if (!t)
		return 0;
	h = gil_give(t->tgid, t->held_gil, BB_WHO_TID | t->tid, 0);
	if (!h)
		return 0;
	told = h->ns - h->pending - t->held_told;
	h->looked = h->ns;
	if ((s64)told < 0)
		told = 0;
	code = holder_code(t->tgid, h->several ? 0 : BB_WHO_TID | t->tid, t->stack);
	if (ns > told)
		gil_explain(h, &code, ns - told);
	return 0;
}

/* A waiter blocks (again): who has held the GIL since the last event? */
static __always_inline void gil_ask(struct bb_gil_sum *g, u32 tgid, u64 gil, u64 now,
				    const bool cas)
{
	u64 holder = gil_holder(gil);

	if (!holder)
		return;
	g->holder = bb_gil_blame(tgid, gil, holder, take_owed(&g->contention, &g->given, now, cas),
				 now);
}

/*
 * The current thread wakes one that waits for the GIL or, where @forced, on the
 * condition of those that were made to let go. To wake a waiter it has just
 * released the GIL: last_holder is its own thread state. To wake the other it
 * has just taken it.
 */
static __always_inline void gil_release(u32 tgid, u64 gil, u64 now, bool forced, const bool cas)
{
	struct bb_gil_sum *g = gil_sum(gil, tgid);
	u64 ns, last;

	if (!g)
		return;
	ns = take_owed(&g->contention, &g->given, now, cas);
	last = py_read(gil + BB_GIL_HOLDER);
	g->holder = forced ? bb_who(tgid, last) : 0;
	if (!ns)
		return;
	if (forced || !last)
		__sync_fetch_and_add(&g->hand_over, ns);
	else
		bb_gil_blame(tgid, gil, last, ns, now);
}

/*
 * A thread that waited gets a CPU. Where it was woken for the GIL, nobody has
 * held it since. Where its slice ran out, nobody has let go of it, or there would
 * have been a wake-up: it is still with whom it was last seen. This is for now:
 * by the time that somebody asks again, it may have changed hands.
 */
static __always_inline void gil_arrive(struct bb_thread_sum *t, struct bb_gil_sum *g, u64 now,
				       const bool cas)
{
	/* who was made to let go is woken by the one that has taken it */
	bool handed = t->wake_how == BB_FUTEX_HANDED && !(t->flags & BB_TF_FORCED);
	u64 ns;

	/* not known yet: whoever asks next will see */
	if (!handed && !g->holder)
		return;
	ns = take_owed(&g->contention, &g->given, now, cas);
	if (ns && handed)
		__sync_fetch_and_add(&g->hand_over, ns);
	else if (ns)
		gil_give(t->tgid, t->gil, g->holder, ns);
	/* it takes the GIL now, or finds that another one was faster and waits again */
	if (handed)
		g->holder = BB_WHO_TID | t->tid;
}

/*
 * The current thread leaves the CPU: does it hold a GIL? Then nobody else runs
 * Python meanwhile. @self: pthread_self().
 */
__noinline int bb_gil_leave(u64 task, u32 pid, u64 self, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_python_info *py;
	struct bb_gil_sum *g;
	u64 gil, tstate = 0;
	u32 tgid;

	if (!t || !self)
		return 0;
	tgid = t->tgid;
	py = bpf_map_lookup_elem(&pythons, &tgid);
	if (!py || !py->runtime)
		return 0;
	gil = gil_held_by(py, self, &tstate);
	if (!gil)
		return 0;
	g = gil_sum(gil, tgid);
	/* a native thread may have entered Python since it was looked for */
	t->tstate = tstate;
	t->flags &= ~BB_TF_NO_TSTATE;
	t->flags |= BB_TF_HOLDS;
	t->held_gil = gil;
	if ((t->flags & BB_TF_IN_ACQ) && t->gil == gil)
		bb_gil_close(task, pid);
	t->held_owed = g ? contended_until(&g->contention, now) : 0;
	t->held_told = gil_told(tgid, gil, BB_WHO_TID | t->tid);
	return 0;
}

/*
 * It is back, after @off ns, which began in @bucket and ended on a run queue, or were
 * spent there. Who has begun to wait for it waits until it lets go, so that what others
 * waited is the end of that time.
 */
__noinline int bb_gil_back(u64 task, u32 pid, u32 bucket, u64 off, u64 now)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_py_key key = { .kind = BB_PY_HELD };
	struct bb_py_thread *p;
	struct bb_gil_sum *g;
	u64 waited = 0, queued;

	if (!t)
		return 0;
	t->flags &= ~BB_TF_HOLDS;
	queued = t->queued < off ? t->queued : off;
	key.stack = t->stack;
	key.who = t->tid;
	key.tgid = t->tgid;
	g = gil_sum(t->held_gil, t->tgid);
	p = py_thread(t);
	if (p)
		p->off_ns += off;
	if (g) {
		waited = contended_until(&g->contention, now);
		if (off)
			__sync_fetch_and_add(&g->off_ns, off);
	}
	waited = waited > t->held_owed ? waited - t->held_owed : 0;
	if (waited > off)
		waited = off;
	if (queued) {
		key.bucket = bucket >= BB_RUNQ_PREEMPTED && bucket <= BB_RUNQ_THROTTLED
				     ? bucket
				     : BB_RUNQ_WOKEN;
		key.nr = -1;
		py_sum_add(&key, queued, 1, waited < queued ? waited : queued);
	}
	if (off > queued) {
		key.stack = t->stack;
		key.who = t->tid;
		key.bucket = bucket;
		key.nr = t->nr;
		py_sum_add(&key, off - queued, 1, waited > queued ? waited - queued : 0);
	}
	if (t->stack && waited > queued)
		bb_gil_waited(task, pid, waited - queued);
	return 0;
}

/* A wait in known code is over. */
__noinline int bb_py_blocked(u64 task, u32 pid, u32 bucket, u64 ns)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_py_key key = { .kind = BB_PY_BLOCKED };

	if (!t)
		return 0;
	if (bucket == BB_POLL && (t->flags & BB_TF_INNER))
		key.kind |= BB_PY_INNER;
	key.stack = t->stack;
	key.who = t->tid;
	key.tgid = t->tgid;
	key.bucket = bucket;
	key.nr = t->nr;
	py_sum_add(&key, ns, 1, 0);
	return 0;
}

__noinline int bb_gil_forced(u64 task, u32 pid)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_py_thread *p = t ? py_thread(t) : NULL;

	if (p)
		p->forced++;
	return 0;
}

/* Does the futex word at @at of a GIL belong to the condition on which take_gil() waits? */
static __always_inline bool gil_is_cond(u64 at)
{
	return at - BB_GIL_COND < BB_GIL_MUTEX - BB_GIL_COND &&
	       at - BB_GIL_COND - BB_COND_REFS >= 8;
}

/* A thread blocks on the futex word at @at of the GIL. Fills its open wait. */
static __always_inline void gil_begin(struct bb_thread_sum *t, u64 gil, u64 at, u64 since,
				      bool own_memory, const bool cas)
{
	bool holds = (t->flags & BB_TF_HOLDS) && t->held_gil == gil;
	/* only who has just let go waits for somebody else to take it: it had the GIL */
	bool forced = at - BB_GIL_SWITCH_COND < BB_GIL_SWITCH_MUTEX - BB_GIL_SWITCH_COND && !holds;
	/*
	 * Who holds it waits for the mutex, to let go, or in pthread_cond_signal(), as
	 * does who has let go: until glibc 2.40 that waits on __g_refs for those whom it
	 * woke before (nptl/pthread_cond_common.c). Nor is the mutex of forced switches
	 * part of take_gil()'s wait, unless that has begun: who was made to let go wakes
	 * up while its successor still has it.
	 */
	bool lets_go = at - BB_GIL_SWITCH_MUTEX < BB_GIL_END - BB_GIL_SWITCH_MUTEX &&
		       !(t->flags & BB_TF_IN_ACQ);
	bool drops = forced || holds || lets_go || at - BB_GIL_COND - BB_COND_REFS < 8;
	struct bb_gil_sum *g;

	if ((t->flags & BB_TF_IN_ACQ) && (drops || !gil_joined(t, gil, own_memory)))
		bb_gil_close(task_of(t), t->tid);
	t->flags |= BB_TF_GIL;
	if (!drops)
		t->flags |= BB_TF_IN_ACQ;
	/* who wants the GIL has a thread state: a native thread calls in */
	t->flags &= ~BB_TF_NO_TSTATE;
	if (!drops && gil_is_cond(at))
		t->flags |= BB_TF_COND;
	t->gil = gil;
	t->bucket = BB_GIL;
	t->wake_how = 0;
	g = gil_sum(gil, t->tgid);
	if (!g)
		return;
	if (forced) {
		t->flags |= BB_TF_FORCED;
		bb_gil_forced(task_of(t), t->tid);
	} else if (own_memory && at - BB_GIL_MUTEX >= BB_GIL_SWITCH_COND - BB_GIL_MUTEX) {
		gil_ask(g, t->tgid, gil, since, cas);
	}
	if (since < g->contention.last_end)
		since = g->contention.last_end;
	if (contend_begin(&g->contention, since, cas))
		t->flags |= BB_TF_COUNTED;
}

/* The same as global functions; @at: with the top bit, the thread's own memory is at hand. */
#define BB_GIL_OWN (1u << 31)

__noinline int bb_gil_begin(u64 task, u32 pid, u64 gil, u32 at, u64 since)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (t)
		gil_begin(t, gil, at & ~BB_GIL_OWN, since, at & BB_GIL_OWN, true);
	return 0;
}

__noinline int bb_gil_begin_nocas(u64 task, u32 pid, u64 gil, u32 at, u64 since)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (t)
		gil_begin(t, gil, at & ~BB_GIL_OWN, since, at & BB_GIL_OWN, false);
	return 0;
}

#endif
