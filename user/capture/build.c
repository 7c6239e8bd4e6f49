// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../util/grow.h"
#include "build_calls.h"
#include "build_locks.h"
#include "build_names.h"
#include "build_python.h"
#include "build_stacks.h"
#include "build_wakers.h"
#include "fold.h"
#include "place.h"

struct bb_process *bb_build__process(struct build *b, uint32_t tgid, size_t *index)
{
	size_t lo = 0, hi = b->targets->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		uint32_t at = b->targets->items[b->by_tgid[mid]].tgid;

		if (at == tgid) {
			if (index)
				*index = b->by_tgid[mid];
			return &b->rec->processes[b->by_tgid[mid]];
		}
		if (at < tgid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static int compare_tgid(const void *a, const void *b, void *ctx)
{
	const struct bb_targets *t = ctx;
	uint32_t x = t->items[*(const uint32_t *)a].tgid, y = t->items[*(const uint32_t *)b].tgid;

	return x < y ? -1 : x > y;
}

static bool same_call(const struct bb_wait_slot *s, const struct bb_thread_sum *sum,
		      uint32_t bucket)
{
	return s->bucket == bucket && s->nr == sum->nr && s->fdkind == sum->fdkind;
}

/* Add the open wait to its slot, as one wait more. */
static void open_slot(struct bb_thread_sum *sum, uint32_t bucket, uint64_t ns)
{
	struct bb_wait_slot *s = NULL;

	if (bucket == BB_FUTEX_PROTO)
		bucket = BB_FUTEX_HANDED;
	else if (bucket == BB_FUTEX_FED)
		bucket = BB_FUTEX_OTHER;
	if (!ns)
		return;
	for (int i = 0; i < BB_WAIT_SLOTS; i++) {
		s = &sum->slots[i];
		if (!s->used || (same_call(s, sum, bucket) && s->end == sum->end))
			break;
		s = NULL;
	}
	/* full: with another end, as the kernel's side does */
	for (int i = 0; i < BB_WAIT_SLOTS && !s; i++)
		if (same_call(&sum->slots[i], sum, bucket)) {
			s = &sum->slots[i];
			sum->end = BB_END_SEVERAL;
		}
	if (!s)
		return;
	s->used = 2; /* open */
	s->bucket = (uint8_t)bucket;
	s->nr = sum->nr;
	s->fdkind = sum->fdkind;
	s->end = sum->end;
	s->fd = sum->fd;
	s->count++;
	s->ns += ns;
	if (ns > s->max_ns)
		s->max_ns = ns;
}

/* What the kernel's sums said at @now, a little later than the end, of which @most may be. */
static uint64_t before_end(uint64_t ns, uint64_t late, uint64_t most)
{
	ns = ns > late ? ns - late : 0;
	return ns < most ? ns : most;
}

/* Close the open state at @end; @row was read at @now. */
static void close_open(struct build *b, size_t process, struct bb_thread_sum *sum, uint64_t end,
		       uint64_t now, const struct bb_thread_row *row, struct bb_py_open *open)
{
	uint64_t ns = end - sum->since, ran, runq;
	uint32_t bucket = sum->bucket;

	open->since = sum->since;
	open->switches = row->nvcsw + row->nivcsw;
	open->waits = sum->flags & BB_TF_IN_ACQ;
	open->inner = sum->flags & BB_TF_INNER;
	open->acq_stack = sum->acq_stack;
	open->acq_ns = sum->acq_ns;
	open->acq_gil = sum->gil;
	if (sum->on == BB_STATE_OFF) {
		ran = before_end(row->ran_ns, now - end, ns);
		sum->ns[BB_ONCPU] += ran;
		ns -= ran;
		open->off_ns = ns;
		open->held_gil = sum->flags & BB_TF_HOLDS ? sum->held_gil : 0;
		open->owed_ns = sum->held_owed;
	}

	if (sum->on == BB_STATE_RAN) {
		sum->ns[BB_ONCPU] += ns;
	} else if (bucket >= BB_RUNQ_PREEMPTED && bucket <= BB_RUNQ_THROTTLED) {
		sum->ns[bucket] += ns;
	} else {
		runq = before_end(row->runq_ns, row->ran_ns ? 0 : now - end, ns);
		sum->ns[BB_RUNQ_WOKEN] += runq;
		if (bucket >= BB_FUTEX_PROTO && bucket <= BB_FUTEX_OTHER)
			bucket = bb_build__open_futex(b, process, sum, ns - runq);
		if (bucket < BB_BUCKET_MAX)
			sum->ns[bucket] += ns - runq;
		if (bucket == BB_GIL)
			open->acq_ns += ns - runq;
		open->stack = sum->stack;
		open->blocked_ns = ns - runq;
		open_slot(sum, bucket, ns - runq);
	}
	open->bucket = bucket;
	open->nr = sum->nr;
	sum->since = end;
}

static int add_open_stack(struct build *b, const struct bb_thread_sum *sum,
			  const struct bb_py_open *open)
{
	struct bb_stack_read *o;

	if (!b->opts->native_stacks || !open->blocked_ns)
		return 0;
	o = bb_grow((void **)&b->stacks, &b->nr_stacks, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->sum.ns = open->blocked_ns;
	o->sum.count = 1;
	o->sum.max_ns = open->blocked_ns;
	o->key.native = sum->native;
	o->key.python = sum->stack;
	if (open->bucket == BB_GIL && !o->key.python)
		o->key.python = sum->acq_stack;
	o->key.tgid = sum->tgid;
	o->key.kind = BB_STACK_BLOCKED;
	o->key.bucket = (uint8_t)open->bucket;
	o->key.nr = open->nr;
	if (open->bucket >= BB_FUTEX_PROTO && open->bucket <= BB_FUTEX_OTHER)
		o->key.who = sum->futex;
	return 0;
}

static int add_stack_sum(const struct bb_stack_key *key, const struct bb_stack_sum *sum, void *ctx)
{
	struct build *b = ctx;
	struct bb_stack_read *r = bb_grow((void **)&b->stacks, &b->nr_stacks, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->key = *key;
	r->sum = *sum;
	return 0;
}

static int add_ident(struct build *b, const struct bb_thread_sum *sum, uint32_t shown,
		     uint64_t self, uint64_t end, const struct bb_py_open *open)
{
	struct bb_py_ident *id;

	if (!b->opts->stacks && !b->opts->names)
		return 0;
	id = bb_grow((void **)&b->idents, &b->nr_idents, sizeof(*id));
	if (!id)
		return -ENOMEM;
	id->tgid = sum->tgid;
	id->tid = sum->tid;
	id->shown = (pid_t)shown;
	id->tstate = sum->tstate;
	id->self = self;
	id->start = sum->start;
	id->end = end;
	id->ended = sum->flags & BB_TF_ENDED;
	id->open = *open;
	return 0;
}

static int add_sum(struct build *b, const struct bb_thread_sum *sum, const char *comm, uint32_t tid,
		   const struct bb_py_open *open)
{
	size_t index;
	struct bb_process *p = bb_build__process(b, sum->tgid, &index);
	uint64_t known[2];
	struct bb_thread *t;

	if (sum->flags & BB_TF_IGNORE)
		return 0;
	if (!p) {
		b->rec->drops[BB_DROP_FOLLOW_MISSED]++;
		return 0;
	}
	t = bb_grow((void **)&p->threads, &p->nr_threads, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->tid = (pid_t)tid;
	memcpy(t->comm, comm, BB_COMM_LEN);
	t->comm[BB_COMM_LEN - 1] = '\0';
	t->born = sum->flags & BB_TF_BORN;
	t->ended = sum->flags & BB_TF_ENDED;
	t->start_ns = sum->start - b->opts->start_ns;
	t->window_ns = sum->since - sum->start;
	t->voluntary = sum->voluntary;
	t->involuntary = sum->involuntary;
	t->migrations = sum->migrations;
	t->kernel_ns = b->opts->traced ? sum->kernel_ns : BB_UNKNOWN_U64;
	t->gil_acquisitions = sum->acq_count;
	t->gil_wait_max_ns = sum->acq_max > sum->acq_ns ? sum->acq_max : sum->acq_ns;
	bb_build__known_futexes(b, index, sum, known);
	bb_fold__budget(&t->budget, sum->ns, &b->shares[index], known[0], known[1]);
	t->active = t->budget.ns[BB_STATE_ONCPU] > 0;
	t->open_ns = open->blocked_ns;
	if (open->bucket >= BB_FUTEX_PROTO && open->bucket <= BB_FUTEX_OTHER)
		t->open_futex = sum->futex;
	return bb_fold__waits(t, sum);
}

/* A thread without a row: the map was full. All of its time is there, as unknown. */
static int add_unseen(struct build *b, const struct bb_thread_row *row)
{
	const struct bb_py_open none = {};
	struct bb_thread_sum sum = {};
	struct bb_process *p;
	uint64_t start = b->opts->start_ns;
	int err;

	if (row->start_time > start)
		start = row->start_time;
	if (start >= b->end_ns)
		return 0; /* born after the window */
	b->rec->drops[BB_DROP_FOLLOW_MISSED]++;
	sum.tid = row->sum.tid;
	sum.tgid = row->sum.tgid;
	sum.start = start;
	sum.since = b->end_ns;
	sum.flags = start > b->opts->start_ns ? BB_TF_BORN : 0;
	sum.ns[BB_UNKNOWN] = b->end_ns - start;
	err = add_sum(b, &sum, row->comm, row->ns_tid, &none);
	p = bb_build__process(b, sum.tgid, NULL);
	if (!err && p && p->nr_threads) {
		p->threads[p->nr_threads - 1].unseen = true;
		p->threads[p->nr_threads - 1].migrations = BB_UNKNOWN_U64;
	}
	return err;
}

static int add_thread(const struct bb_thread_row *row, void *ctx)
{
	struct build *b = ctx;
	struct bb_py_open open = {};
	struct bb_thread_sum sum;
	uint64_t end = b->opts->end_ns ? b->opts->end_ns : row->now;
	size_t process;
	int err;

	if (!row->found)
		return add_unseen(b, row);
	sum = row->sum;
	/* as of a thread that has ended */
	sum.migrations = (uint32_t)row->migrations - sum.migrations;
	if (!bb_build__process(b, sum.tgid, &process))
		return 0;
	/* an event that was under way as the gate closed ends a little later */
	if (end < sum.since) {
		/* by more than the report may be off */
		if (sum.since - end > (end - b->opts->start_ns) / 1000)
			b->rec->drops[BB_DROP_WINDOW_SKEW]++;
		end = sum.since;
	}
	err = b->opts->traced ? bb_build__open_call(&b->rec->processes[process], &sum, end) : 0;
	if (err)
		return err;
	close_open(b, process, &sum, end, row->now > end ? row->now : end, row, &open);
	err = add_open_stack(b, &sum, &open);
	if (!err)
		err = add_ident(b, &sum, row->ns_tid ? row->ns_tid : sum.tid, row->self, row->now,
				&open);
	return err ? err : add_sum(b, &sum, row->comm, row->ns_tid ? row->ns_tid : sum.tid, &open);
}

static int add_exited(const struct bb_thread_sum *sum, void *ctx)
{
	const struct bb_py_open none = {};
	int err = add_ident(ctx, sum, sum->tid, sum->self, sum->since, &none);

	return err ? err : add_sum(ctx, sum, sum->comm, sum->tid, &none);
}

static int add_gil(const struct bb_lock_key *key, const struct bb_gil_sum *sum, void *ctx)
{
	struct build *b = ctx;
	size_t index;
	struct bb_process *p = bb_build__process(b, key->tgid, &index);
	const struct bb_contention *c = &sum->contention;

	if (!p)
		return 0;
	for (size_t i = 0; i < p->nr_gils; i++) {
		struct bb_gil *g = &p->gils[i];

		if (g->addr != key->addr)
			continue;
		g->contended_ns = bb_build__contended_ns(b, c);
		g->acquisitions = sum->acquisitions;
		g->wait_ns = sum->ns;
		g->samples = sum->samples;
		g->held_off_ns = sum->off_ns;
		g->given_ns = sum->given;
		g->hand_over_ns = sum->hand_over;
		g->max_ns = sum->max_ns;
		g->waiters_max = (uint32_t)c->max;
		for (int h = 0; h < BB_HIST_SLOTS && h < BB_HIST_BITS; h++)
			g->hist[h] = sum->hist[h];
	}
	return 0;
}

static int add_end(const struct bb_end_key *key, const struct bb_end *end, void *ctx)
{
	struct bb_end_table *t = &((struct build *)ctx)->ends;

	while (t->nr <= end->number)
		if (!bb_grow((void **)&t->rows, &t->nr, sizeof(*t->rows)))
			return -ENOMEM;
	t->rows[end->number].key = *key;
	t->rows[end->number].end = *end;
	return 0;
}

static int add_syscall(const struct bb_syscall_key *key, const struct bb_syscall_sum *sum,
		       void *ctx)
{
	struct build *b = ctx;
	struct bb_process *p = bb_build__process(b, key->tgid, NULL);

	return p ? bb_build__call(p, key, sum) : 0;
}

static int add_taker(const struct bb_taker_key *key, const struct bb_taker_sum *sum, void *ctx)
{
	struct build *b = ctx;
	struct bb_process *p = bb_build__process(b, key->tgid, NULL);
	struct bb_taker *t;

	/* a row may be there for one that took a CPU for too short to count */
	if (!p || !sum->count)
		return 0;
	t = bb_grow((void **)&p->takers, &p->nr_takers, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->by = key->by;
	t->idle = !key->by;
	t->own = key->by == key->tgid;
	t->pid = (pid_t)sum->ns_tgid;
	memcpy(t->comm, sum->comm, BB_COMM_LEN);
	t->comm[BB_COMM_LEN - 1] = '\0';
	t->ns = sum->ns;
	t->count = sum->count;
	t->max_ns = sum->max_ns;
	return 0;
}

static int add_gils(struct bb_process *p, const struct bb_py_gil *gils, size_t nr)
{
	for (size_t g = 0; g < nr; g++) {
		struct bb_gil *gil;
		bool known = false;

		/* one that has ended may have begun again */
		for (size_t i = 0; i < p->nr_gils; i++)
			known |= p->gils[i].addr == gils[g].addr;
		if (known)
			continue;
		gil = bb_grow((void **)&p->gils, &p->nr_gils, sizeof(*gil));
		if (!gil)
			return -ENOMEM;
		gil->addr = gils[g].addr;
		gil->interpreter = gils[g].interpreter;
		gil->interval_us = gils[g].interval_us;
	}
	return 0;
}

/* There was a GIL as long as there was an interpreter. */
static int shut_down(struct bb_runtime *runtime)
{
	free(runtime->note);
	runtime->note = strdup("the interpreter was shut down within the window");
	runtime->gil = BB_GIL_ENABLED;
	return runtime->note ? 0 : -ENOMEM;
}

static int add_process(struct build *b, struct bb_kernel *k, size_t i)
{
	struct bb_target *t = &b->targets->items[i];
	struct bb_process *p = &b->rec->processes[i];
	struct bb_proc_sum sum = {};
	int err;

	err = bb_process__copy_identity(p, &t->info);
	if (err)
		return err;
	p->pid = t->pid ? t->pid : (pid_t)t->tgid;
	p->runtime = t->py.runtime;
	p->runtime.note = t->py.runtime.note ? strdup(t->py.runtime.note) : NULL;
	if (!p->runtime.note && bb_runtime__parks(&p->runtime)) {
		p->runtime.note = strdup(
			t->java.list ? "java.util.concurrent parks each thread on a word of its "
				       "own: waiting for its locks is counted as queue"
				     : "its own locks park each thread on a word of its own: "
				       "waiting for them is counted as queue");
		if (!p->runtime.note)
			return -ENOMEM;
	}
	p->ended = t->gone;
	err = add_gils(p, t->py.gils, t->py.nr_gils);
	if (!err)
		err = add_gils(p, t->past, t->nr_past);
	if (!err && !t->py.nr_gils && t->nr_past)
		err = shut_down(&p->runtime);
	if (err)
		return err;
	if (bb_kernel__get_process(k, t->tgid, &sum))
		return 0;
	/* it exec'd and was gone before we could look again: only its new name is known */
	if (!p->comm[0] || (t->gone && t->execs != sum.exec_count && sum.comm[0]))
		memcpy(p->comm, sum.comm, BB_COMM_LEN - 1);
	p->born = sum.flags & BB_PF_FOLLOWED;
	if (!p->ppid)
		p->ppid = (pid_t)sum.ptgid;
	p->execed = sum.flags & BB_PF_EXECED;
	p->exit_signal = t->gone ? (int)sum.exit_signal : 0;
	p->threads_born = sum.born;
	p->threads_ended = sum.ended;
	p->folded_threads = sum.folded;
	p->folded_window_ns = sum.folded_window;
	p->voluntary = sum.folded_voluntary;
	p->involuntary = sum.folded_involuntary;
	p->migrations = sum.folded_migrations;
	p->kernel_ns = b->opts->traced ? sum.folded_kernel : BB_UNKNOWN_U64;
	return 0;
}

static int by_tid(const void *a, const void *b)
{
	const struct bb_thread *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

/*
 * After an exec by another thread the leader's number goes on with that one:
 * join what are rows of several tasks. (What lies between the leader's end and
 * the exec is in the row of the thread that exec'd, under its old number.)
 */
static int join_leader(struct bb_process *p, size_t at)
{
	struct bb_thread *t = &p->threads[at], *next = t + 1;
	int err;

	bb_budget__add(&t->budget, &next->budget);
	t->window_ns += next->window_ns;
	t->voluntary += next->voluntary;
	t->involuntary += next->involuntary;
	t->migrations = bb_known__add(t->migrations, next->migrations);
	if (t->kernel_ns != BB_UNKNOWN_U64)
		t->kernel_ns += next->kernel_ns;
	t->gil_acquisitions += next->gil_acquisitions;
	if (next->gil_wait_max_ns > t->gil_wait_max_ns)
		t->gil_wait_max_ns = next->gil_wait_max_ns;
	t->active |= next->active;
	t->ended = next->ended;
	memcpy(t->comm, next->comm, sizeof(t->comm));
	err = bb_fold__merge_waits(&t->waits, &t->nr_waits, next->waits, next->nr_waits);
	bb_fold__sort_waits(t->waits, t->nr_waits);
	free(next->waits);
	memmove(next, next + 1, (p->nr_threads - at - 2) * sizeof(*next));
	p->nr_threads--;
	return err;
}

static int join_leaders(struct bb_process *p)
{
	int err = 0;

	for (size_t i = 0; i + 1 < p->nr_threads && !err;)
		if (p->threads[i].tid == p->pid && p->threads[i + 1].tid == p->pid)
			err = join_leader(p, i);
		else
			i++;
	return err;
}

/* The sums over a process's threads, those folded included. */
static int finish_process(struct build *b, struct bb_kernel *k, size_t i)
{
	struct bb_process *p = &b->rec->processes[i];
	struct bb_proc_sum sum = {};
	int err;

	if (!bb_kernel__get_process(k, b->targets->items[i].tgid, &sum))
		bb_fold__budget(&p->folded, sum.folded_ns, &b->shares[i], 0, 0);
	p->budget = p->folded;
	p->window_ns = p->folded_window_ns;
	for (size_t j = 0; j < p->nr_threads; j++) {
		struct bb_thread *t = &p->threads[j];

		bb_budget__add(&p->budget, &t->budget);
		p->window_ns += t->window_ns;
		p->voluntary += t->voluntary;
		p->involuntary += t->involuntary;
		p->migrations = bb_known__add(p->migrations, t->migrations);
		if (p->kernel_ns != BB_UNKNOWN_U64)
			p->kernel_ns += t->kernel_ns;
	}
	bb_takers__sort(p->takers, p->nr_takers);
	if (p->nr_threads)
		qsort(p->threads, p->nr_threads, sizeof(*p->threads), by_tid);
	err = bb_place__waits(p, &b->ends);
	if (!err && p->execed)
		err = join_leaders(p);
	if (err)
		return err;
	for (size_t j = 0; j < p->nr_threads; j++) {
		err = bb_fold__merge_waits(&p->waits, &p->nr_waits, p->threads[j].waits,
					   p->threads[j].nr_waits);
		if (err)
			return err;
	}
	bb_fold__sort_waits(p->waits, p->nr_waits);
	return 0;
}

static int build_all(struct build *b, struct bb_kernel *k)
{
	size_t nr = b->targets->nr;
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		err = add_process(b, k, i);
	if (!err)
		err = bb_build__locks(b);
	if (!err)
		err = bb_kernel__each_thread(k, add_thread, b);
	/* at once: while the gate is open they go on, and names take their time */
	if (!err && b->opts->native_stacks)
		err = bb_kernel__each_stack_sum(k, add_stack_sum, b);
	if (!err)
		err = bb_kernel__each_exited(k, add_exited, b);
	if (!err)
		err = bb_kernel__each_gil(k, add_gil, b);
	if (!err)
		err = bb_kernel__each_syscall(k, add_syscall, b);
	if (!err)
		err = bb_kernel__each_taker(k, add_taker, b);
	if (!err)
		err = bb_build__read_klocks(b, k);
	if (!err)
		err = bb_kernel__each_end(k, add_end, b);
	for (size_t i = 0; i < nr && !err; i++)
		err = finish_process(b, k, i);
	if (!err)
		err = bb_build__wakers(b->rec, k, b->targets);
	if (!err && b->opts->names)
		err = bb_build__names(b->rec, b->targets, b->opts->names, b->opts->start_ns,
				      b->idents, b->nr_idents);
	if (!err && b->opts->stacks)
		err = bb_build__python(b->rec, k, b->targets, b->opts, b->idents, b->nr_idents);
	if (!err && b->opts->native_stacks)
		err = bb_build__stacks(b->rec, b->targets, b->opts, b->stacks, b->nr_stacks,
				       b->idents, b->nr_idents);
	return err ? err : bb_build__klocks(b);
}

int bb_build__processes(struct bb_record *rec, struct bb_kernel *k, struct bb_targets *targets,
			const struct bb_build_opts *opts)
{
	struct build b = { .rec = rec,
			   .kernel = k,
			   .targets = targets,
			   .opts = opts,
			   .cas = bb_kernel__has_cas(k) };
	int err = -ENOMEM;

	b.end_ns = opts->end_ns ? opts->end_ns : opts->start_ns + rec->window.ns;
	rec->processes = calloc(targets->nr ? targets->nr : 1, sizeof(*rec->processes));
	b.shares = calloc(targets->nr ? targets->nr : 1, sizeof(*b.shares));
	b.by_tgid = calloc(targets->nr ? targets->nr : 1, sizeof(*b.by_tgid));
	if (!rec->processes || !b.shares || !b.by_tgid)
		goto out;
	rec->nr_processes = targets->nr;
	for (size_t i = 0; i < targets->nr; i++)
		b.by_tgid[i] = (uint32_t)i;
	qsort_r(b.by_tgid, targets->nr, sizeof(*b.by_tgid), compare_tgid, targets);
	err = build_all(&b, k);
out:
	free(b.shares);
	free(b.by_tgid);
	free(b.index);
	free(b.idents);
	free(b.stacks);
	free(b.klocks);
	bb_place__free_table(&b.ends);
	return err;
}
