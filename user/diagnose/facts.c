// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "facts.h"

#include <math.h>
#include <string.h>
#include <sys/syscall.h>

#include "../model/code.h"
#include "rules.h"

bool bb_facts__waits(enum bb_state s)
{
	switch (s) {
	case BB_STATE_DISK:
	case BB_STATE_NET:
	case BB_STATE_POLL:
	case BB_STATE_IPC:
	case BB_STATE_SLEEP:
	case BB_STATE_CHILD:
	case BB_STATE_FAULT:
	case BB_STATE_OTHER:
		return true;
	default:
		return false;
	}
}

/*
 * A server that waits for clients is idle, however often they come; one that
 * waits for its own database is not. Timers and pipes say nothing about who is
 * waiting: there the length decides.
 */
bool bb_facts__is_idle(const struct bb_wait *w)
{
	/*
	 * The window cuts the first wait and the last: of a few, one less is whole.
	 * (A timer of 1 s, seen for 3 s, is four waits of 0.75 s otherwise.)
	 */
	double count = w->count > 1 && w->count < 20 ? (double)w->count - 1 : (double)w->count;
	double mean = w->count ? (double)w->ns / count : (double)w->ns;

	switch (w->state) {
	case BB_STATE_DISK:
	case BB_STATE_FAULT:
	case BB_STATE_CHILD:
		return false;
	case BB_STATE_NET:
	case BB_STATE_POLL:
		if (w->endpoint == BB_END_LISTEN || w->endpoint == BB_END_INBOUND)
			return true;
		if (w->fdkind == BB_FD_INET_LISTEN || w->fdkind == BB_FD_UNIX_LISTEN)
			return true;
		/* a bus or a display is connected to by a unix socket, and asked nothing for hours
		 */
		if (!w->local && (w->endpoint == BB_END_OUTBOUND || w->endpoint == BB_END_MIXED))
			return false;
		break;
	case BB_STATE_IPC:
		if (w->fdkind == BB_FD_TTY || w->fdkind == BB_FD_UNIX_LISTEN)
			return true;
		if (w->endpoint == BB_END_LISTEN || w->endpoint == BB_END_INBOUND)
			return true;
		break;
	default:
		break;
	}
	return mean >= bb_rule(BB_R_LONG_WAIT_NS);
}

/* Ends by its own timeout, as far as can be told: nobody in particular is waited for. */
static bool is_timer(const struct bb_wait *w)
{
	return w->state == BB_STATE_SLEEP ||
	       (w->state == BB_STATE_POLL &&
		(w->local || (w->endpoint != BB_END_OUTBOUND && w->endpoint != BB_END_MIXED)));
}

/*
 * Go's scheduler naps by a system call: its monitor for 20 us to 10 ms, threads that look
 * for work for 3 us and more. Sleeping goroutines have none.
 */
static bool is_nap(const struct bb_wait *w)
{
	return w->state == BB_STATE_SLEEP &&
	       (double)w->ns <= (double)w->count * bb_rule(BB_R_GO_NAP_NS);
}

/*
 * Who waits for another process of the same program, in the code of a pool, waits for work or for
 * that one's work: no I/O of its own.
 */
double bb_facts__in_pool(const struct bb_facts *f, const struct bb_process *p, pid_t tid,
			 enum bb_state state)
{
	if (!tid || !(f->pool.worker || f->pool.feeder) ||
	    !(state == BB_STATE_POLL || state == BB_STATE_IPC || state == BB_STATE_SLEEP))
		return 0;
	return bb_pool_part__waiting(p, tid, state);
}

enum bb_use bb_facts__use(const struct bb_facts *f, const struct bb_wait *w, double duty)
{
	if ((f->is_go && is_nap(w)) || bb_facts__is_idle(w) ||
	    (w->state == BB_STATE_POLL && is_timer(w) && duty < bb_rule(BB_R_HOUSEKEEPING)))
		return BB_USE_IDLE;
	/*
	 * In Go any thread polls for all: its own duty says nothing about what that is for.
	 * What a task of a pool sleeps for, somebody waits for.
	 */
	if (is_timer(w) && !f->pool.tasks &&
	    (duty < bb_rule(BB_R_LOW_DUTY) || (f->is_go && w->state == BB_STATE_POLL)))
		return BB_USE_TIMER;
	return BB_USE_IO;
}

void bb_facts__wait(struct bb_facts *f, enum bb_state state, enum bb_use use, double threads)
{
	if (use == BB_USE_POOL)
		f->feeding += threads;
	if (use == BB_USE_IDLE || (use == BB_USE_POOL && f->pool.worker))
		f->idle += threads;
	if (use == BB_USE_IDLE || use == BB_USE_POOL)
		return;
	f->io += threads;
	f->io_by[state] += threads;
	if (use == BB_USE_TIMER) {
		f->timers += threads;
		f->timers_by[state] += threads;
	}
}

static void add_waits(struct bb_facts *f, const struct bb_wait *waits, size_t nr,
		      const struct bb_budget *b, double duty, const struct bb_process *p, pid_t tid)
{
	double left[BB_STATE_MAX], of_window, pool;
	enum bb_use use;

	for (int s = 0; s < BB_STATE_MAX; s++)
		left[s] = bb_facts__waits(s) ? (double)b->ns[s] : 0;
	for (size_t i = 0; i < nr; i++) {
		const struct bb_wait *w = &waits[i];

		if (!bb_facts__waits(w->state))
			continue;
		left[w->state] -= (double)w->ns;
		of_window = (double)w->ns / f->window_ns;
		pool = bb_facts__in_pool(f, p, tid, w->state) * of_window;
		bb_facts__wait(f, w->state, BB_USE_POOL, pool);
		of_window -= pool;
		use = bb_facts__use(f, w, duty);
		bb_facts__wait(f, w->state, use, of_window);
		if (use == BB_USE_IO && is_timer(w))
			f->timed += of_window;
		if (use == BB_USE_IDLE || pool >= of_window)
			continue;
		/* timers of threads that hardly run are told where nothing else is waited for */
		if (use == BB_USE_TIMER && f->top_io && !f->top_io_is_timer)
			continue;
		if (!f->top_io || w->ns > f->top_io->ns ||
		    (f->top_io_is_timer && use != BB_USE_TIMER)) {
			f->top_io_is_timer = use == BB_USE_TIMER;
			f->top_io = w;
		}
	}
	/* time without a row: of a state that had no room left, or of a folded thread */
	for (int s = 0; s < BB_STATE_MAX; s++)
		if (left[s] > 0)
			bb_facts__wait(f, s, BB_USE_IO, left[s] / f->window_ns);
}

double bb_facts__at_work(const struct bb_facts *f)
{
	return f->on + f->runq + f->gil + f->lock + f->io;
}

double bb_facts__beside_timers(const struct bb_facts *f)
{
	return bb_facts__at_work(f) - f->timers - f->timer_work;
}

bool bb_facts__keeps_house(const struct bb_facts *f)
{
	double beside = bb_facts__beside_timers(f);

	/* what others do that time, too, is no work that these could be beside */
	return beside >= bb_rule(BB_R_IDLE_BELOW) &&
	       f->timer_on <= bb_rule(BB_R_TIMER_PART) * fmax(f->on, beside - f->timed);
}

void bb_facts__drop_timers(struct bb_facts *f)
{
	f->io -= f->timers;
	f->idle += f->timers;
	f->timers = 0;
	f->timer_work = 0;
	f->timer_on = 0;
	for (int s = 0; s < BB_STATE_MAX; s++) {
		f->io_by[s] -= f->timers_by[s];
		f->timers_by[s] = 0;
	}
}

double bb_facts__fill(const struct bb_facts *f)
{
	return f->cpus > 0 ? f->on / f->cpus : 1;
}

double bb_facts__part(const struct bb_facts *f, double window_ns)
{
	return window_ns > 0 ? fmin(1, f->window_ns / window_ns) : 1;
}

void bb_facts__settle(struct bb_facts *f)
{
	if (bb_facts__keeps_house(f))
		bb_facts__drop_timers(f);
}

static void add_budget(struct bb_facts *f, const struct bb_budget *b, const struct bb_wait *waits,
		       size_t nr, uint64_t window_ns, const struct bb_process *p, pid_t tid)
{
	double w = f->window_ns, ran, duty, timers = f->timers;

	ran = (double)b->ns[BB_STATE_ONCPU];
	f->on += (double)b->ns[BB_STATE_ONCPU] / w;
	f->runq += (double)b->ns[BB_STATE_RUNQ] / w;
	f->gil += (double)b->ns[BB_STATE_GIL] / w;
	f->lock += (double)b->ns[BB_STATE_LOCK] / w;
	f->queue += (double)b->ns[BB_STATE_QUEUE] / w;
	f->stopped += (double)b->ns[BB_STATE_STOPPED] / w;
	f->unknown += (double)b->ns[BB_STATE_UNKNOWN] / w;
	f->preempted += (double)b->runq_preempted_ns / w;
	f->throttled += (double)b->runq_throttled_ns / w;
	if (window_ns)
		f->busiest =
			fmax(f->busiest, (ran + (double)b->ns[BB_STATE_RUNQ]) / (double)window_ns);
	duty = window_ns ? ran / (double)window_ns : 1;
	add_waits(f, waits, nr, b, duty, p, tid);
	/*
	 * What a timer's own thread needs is no work beside it: the more of them, or the busier
	 * the machine, the more it adds up to.
	 */
	if (f->timers > timers && duty < bb_rule(BB_R_LOW_DUTY)) {
		f->timer_work += (ran + (double)(b->ns[BB_STATE_RUNQ] + b->ns[BB_STATE_GIL] +
						 b->ns[BB_STATE_LOCK])) /
				 w;
		f->timer_on += ran / w;
	}
}

/* A thread that never ran waits for somebody else's work, if it waits for disk or a server. */
static bool blocked_outside(const struct bb_thread *t)
{
	for (size_t i = 0; i < t->nr_waits; i++) {
		const struct bb_wait *w = &t->waits[i];

		if (w->state == BB_STATE_DISK || w->state == BB_STATE_FAULT ||
		    ((w->state == BB_STATE_NET || w->state == BB_STATE_POLL) &&
		     w->endpoint == BB_END_OUTBOUND))
			return true;
	}
	return false;
}

/* Waits for a lock of any kind, file locks included, all the time. */
static bool is_stuck(const struct bb_thread *t)
{
	if (t->budget.ns[BB_STATE_LOCK] > t->window_ns / 2)
		return true;
	for (size_t i = 0; i < t->nr_waits; i++)
		if (t->waits[i].state == BB_STATE_OTHER && t->waits[i].ns > t->window_ns / 2 &&
		    (t->waits[i].syscall == SYS_flock || t->waits[i].syscall == SYS_fcntl))
			return true;
	return false;
}

void bb_facts__span(const struct bb_record *rec, const struct bb_process *p, uint64_t *start,
		    uint64_t *end)
{
	uint64_t from = UINT64_MAX, to = 0;

	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];

		if (t->start_ns < from)
			from = t->start_ns;
		if (t->start_ns + t->window_ns > to)
			to = t->start_ns + t->window_ns;
	}
	if (to <= from || p->folded_threads) {
		from = 0;
		to = rec->window.ns ? rec->window.ns : 1;
	}
	*start = from;
	*end = to;
}

/* What holders of a lock were blocked in with it, of that which counts as waiting for I/O. */
static double blocked_with(const struct bb_process *p, const struct bb_lock_holder *h, size_t nr)
{
	double ns = 0;

	for (size_t i = 0; i < nr; i++, h++) {
		const struct bb_thread *t = h->pid == p->pid ? bb_process__thread(p, h->tid) : NULL;

		if (t && t->active && bb_facts__waits(h->wait.state) &&
		    !bb_facts__is_idle(&h->wait))
			ns += (double)h->wait.ns;
	}
	return ns;
}

/*
 * Threads run with the GIL for a part of their CPU time, by samples, and want it for that part of
 * what they queue for, too. Only one can have it: the rest would wait for it, had they a CPU.
 */
static double behind_gil(const struct bb_process *p, double window_ns)
{
	double wanting = 0, queueing = 0;

	if (p->nr_gils != 1)
		return 0;
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];
		double share = t->active ? bb_gil__held_oncpu(t).share : 0;

		if (!(share > 0))
			continue;
		queueing += share * (double)t->budget.ns[BB_STATE_RUNQ] / window_ns;
		wanting += share * (double)t->budget.ns[BB_STATE_ONCPU] / window_ns;
	}
	return fmin(queueing, fmax(0, wanting + queueing - 1));
}

void bb_facts__of(struct bb_facts *f, const struct bb_record *rec, const struct bb_process *p)
{
	uint64_t start, end;
	size_t nr;

	memset(f, 0, sizeof(*f));
	bb_facts__span(rec, p, &start, &end);
	f->window_ns = (double)(end - start);
	f->host_busy = rec->host.busy_share;
	f->is_go = !strcmp(p->runtime.name, "go");
	f->parks = bb_runtime__parks(&p->runtime);
	f->cpus = p->cpus_usable;
	if (!(f->cpus > 0))
		f->cpus = rec->host.cpus_online ? rec->host.cpus_online : 1;
	f->threads = (double)p->window_ns / f->window_ns;
	bb_pool_part__of(&f->pool, p);
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];

		if (t->active) {
			f->active++;
			add_budget(f, &t->budget, t->waits, t->nr_waits, t->window_ns, p, t->tid);
			continue;
		}
		f->unknown += (double)t->budget.ns[BB_STATE_UNKNOWN] / f->window_ns;
		f->stopped += (double)t->budget.ns[BB_STATE_STOPPED] / f->window_ns;
		if (is_stuck(t))
			f->stuck += (double)t->window_ns / f->window_ns;
		if (blocked_outside(t))
			f->blocked_outside += (double)t->window_ns / f->window_ns;
	}
	if (p->folded_threads) {
		f->active += p->folded_threads;
		add_budget(f, &p->folded, NULL, 0, p->folded_window_ns, p, 0);
	}
	bb_facts__settle(f);
	for (size_t i = 0; i < p->nr_gils; i++)
		f->gil_share = fmax(f->gil_share, (double)p->gils[i].contended_ns / f->window_ns);
	f->behind_gil = behind_gil(p, f->window_ns);
	for (size_t i = 0; i < p->nr_locks; i++) {
		const struct bb_lock *l = &p->locks[i];

		if (l->state != BB_STATE_LOCK ||
		    (double)l->contended_ns / f->window_ns <= f->lock_share)
			continue;
		f->lock_share = (double)l->contended_ns / f->window_ns;
		f->top_lock = l;
		f->top_holder = bb_process__lock_holders(p, l->addr, &nr);
		f->chain_end = f->top_holder ? bb_process__chain_end(p, f->top_holder) : NULL;
		f->held_io = blocked_with(p, f->top_holder, nr) / f->window_ns;
	}
	bb_spin__of(&f->spin, rec, p, f->window_ns);
	for (size_t i = 0; i < p->nr_klocks; i++)
		f->klock += (double)p->klocks[i].ns / f->window_ns;
	f->top_klock = p->nr_klocks ? p->klocks : NULL;
	f->gil_share = fmin(f->gil_share, 1);
	f->lock_share = fmin(f->lock_share, 1);
	f->has_gil = p->runtime.gil == BB_GIL_ENABLED;
	f->switches_per_s = (double)(p->voluntary + p->involuntary) / (f->window_ns / 1e9);
}

void bb_facts__add(struct bb_facts *to, const struct bb_facts *f, double part)
{
	to->cpus = fmax(to->cpus, f->cpus);
	if (isnan(f->host_busy) || f->host_busy > to->host_busy)
		to->host_busy = f->host_busy;
	to->stuck += f->stuck * part;
	to->window_ns = fmax(to->window_ns, f->window_ns);
	to->threads += f->threads * part;
	to->active += f->active;
	to->on += f->on * part;
	to->runq += f->runq * part;
	to->gil += f->gil * part;
	to->lock += f->lock * part;
	to->queue += f->queue * part;
	to->preempted += f->preempted * part;
	to->throttled += f->throttled * part;
	to->io += f->io * part;
	to->timers += f->timers * part;
	to->timer_work += f->timer_work * part;
	to->timer_on += f->timer_on * part;
	to->timed += f->timed * part;
	to->idle += f->idle * part;
	to->feeding += f->feeding * part;
	to->stopped += f->stopped * part;
	to->unknown += f->unknown * part;
	to->blocked_outside += f->blocked_outside * part;
	to->has_gil |= f->has_gil;
	to->busiest = fmax(to->busiest, f->busiest);
	to->parks |= f->parks;
	to->behind_gil += f->behind_gil * part;
	to->gil_share = fmax(to->gil_share, f->gil_share * part);
	to->switches_per_s += f->switches_per_s * part;
	bb_spin__add(&to->spin, &f->spin, part);
	to->klock += f->klock * part;
	if (f->top_klock && (!to->top_klock || f->top_klock->ns > to->top_klock->ns))
		to->top_klock = f->top_klock;
	for (int s = 0; s < BB_STATE_MAX; s++) {
		to->io_by[s] += f->io_by[s] * part;
		to->timers_by[s] += f->timers_by[s] * part;
	}
	if (f->lock_share * part > to->lock_share) {
		to->lock_share = f->lock_share * part;
		to->top_lock = f->top_lock;
		to->top_holder = f->top_holder;
		to->chain_end = f->chain_end;
		to->held_io = f->held_io * part;
	}
	if (f->top_io && (!to->top_io || f->top_io->ns > to->top_io->ns))
		to->top_io = f->top_io;
}
