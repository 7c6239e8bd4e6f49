// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_python.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/code.h"
#include "../model/native.h"
#include "../util/fmt.h"
#include "../util/grow.h"
#include "fold.h"
#include "maps.h"
#include "python_blocked.h"
#include "python_code.h"
#include "sysclass.h"

struct build {
	const struct bb_build_opts *opts;
	struct bb_record *rec;
	struct bb_targets *targets;
	struct bb_py_stacks *stacks;
	const struct bb_py_ident *idents;
	size_t nr_idents;
};

/* Of those that had a number one after the other, the last first. */
static int by_tid(const void *a, const void *b)
{
	const struct bb_py_ident *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	if (x->ended != y->ended)
		return x->ended ? 1 : -1;
	return x->start > y->start ? -1 : x->start < y->start;
}

static struct bb_process *process_of(struct build *b, uint32_t tgid)
{
	struct bb_target *t = bb_targets__by_tgid(b->targets, tgid);

	return t ? &b->rec->processes[t - b->targets->items] : NULL;
}

/*
 * The thread of that number in that process, NULL: it is not there. The kernel's sums tell
 * no further: where the number was used again they are of all that had it.
 */
static const struct bb_py_ident *ident_of(struct build *b, uint32_t tid, uint32_t tgid)
{
	return bb_py_ident__find(b->idents, b->nr_idents, tid, tgid);
}

const struct bb_py_ident *bb_py_ident__find(const struct bb_py_ident *idents, size_t nr,
					    uint32_t tid, uint32_t tgid)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct bb_py_ident *id = &idents[mid];

		if (id->tid < tid || (id->tid == tid && id->tgid < tgid))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == nr || idents[lo].tid != tid || idents[lo].tgid != tgid)
		return NULL;
	return &idents[lo];
}

/* The number that the record has for a thread, 0: it is not there. */
static pid_t shown_tid(struct build *b, uint32_t tid, uint32_t tgid)
{
	const struct bb_py_ident *id = ident_of(b, tid, tgid);

	return id ? id->shown : 0;
}

/* Whose thread state is it? The threads say, or the state itself, which names its thread. */
static pid_t tid_of_tstate(struct build *b, uint32_t tgid, uint64_t tstate)
{
	struct bb_target *t = bb_targets__by_tgid(b->targets, tgid);
	const struct bb_py_ident *last = NULL;
	struct bb_py_offsets off;
	uint64_t self = 0;
	struct bb_mem mem;

	if (!tstate)
		return 0;
	/* its address may have been that of others, which have ended */
	for (size_t i = 0; i < b->nr_idents; i++) {
		const struct bb_py_ident *id = &b->idents[i];

		if (id->tgid == tgid && id->tstate == tstate &&
		    (!last || (last->ended && !id->ended) ||
		     (last->ended == id->ended && last->start < id->start)))
			last = id;
	}
	if (last)
		return last->shown;
	if (!t || t->gone || bb_py_frames__get(t->py.version_hex, t->py.free_threaded, &off))
		return 0;
	bb_mem__init(&mem, t->pid);
	if (bb_mem__read(&mem, tstate + off.tstate_thread_id, &self, sizeof(self)))
		self = 0;
	bb_mem__free(&mem);
	for (size_t i = 0; self && i < b->nr_idents; i++)
		if (!b->idents[i].ended && b->idents[i].tgid == tgid && b->idents[i].self == self)
			return b->idents[i].shown;
	return 0;
}

static pid_t tid_of_holder(struct build *b, uint32_t tgid, uint64_t who)
{
	return who & BB_WHO_TID ? shown_tid(b, (uint32_t)who, tgid) : tid_of_tstate(b, tgid, who);
}

static int add_holder(const struct bb_holder_key *key, const struct bb_holder_sum *sum, void *ctx)
{
	struct build *b = ctx;
	struct bb_process *p = process_of(b, key->tgid);
	struct bb_gil_holder *h;
	struct bb_code *c;

	if (!p)
		return 0;
	h = bb_grow((void **)&p->holders, &p->nr_holders, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->gil = key->gil;
	h->who = key->who;
	h->tid = tid_of_holder(b, key->tgid, h->who);
	h->ns = sum->ns;
	h->count = sum->count;
	if ((int64_t)sum->pending <= 0)
		return 0;
	/* what no look at its code was made for */
	c = bb_grow((void **)&p->code, &p->nr_code, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->who = h->who;
	c->kind = BB_PY_HOLDER;
	c->bucket = BB_GIL;
	c->state = BB_STATE_GIL;
	c->syscall = -1;
	c->tid = h->tid;
	c->ns = sum->pending;
	c->count = 1;
	return 0;
}

static bool has_strings(struct bb_process *p)
{
	if (!p->strings)
		p->strings = bb_strings__new();
	return p->strings;
}

static int add_frames(struct build *b, struct bb_process *p, struct bb_code *c)
{
	const struct bb_py_known *known = c->stack ? bb_py_stacks__get(b->stacks, c->stack) : NULL;

	if (!known || !known->nr)
		return 0;
	if (!has_strings(p))
		return -ENOMEM;
	c->frames = calloc(known->nr, sizeof(*c->frames));
	if (!c->frames)
		return -ENOMEM;
	for (; c->nr_frames < known->nr; c->nr_frames++) {
		struct bb_frame *f = &c->frames[c->nr_frames];
		const struct bb_py_place *place = &known->places[c->nr_frames];

		f->file = bb_strings__add(p->strings, place->file);
		f->function = bb_strings__add(p->strings, place->function);
		f->line = place->line;
		if (!f->file || !f->function)
			return -ENOMEM;
	}
	c->truncated = known->truncated;
	return 0;
}

static int copy_stack(struct bb_process *p, const struct bb_native_sum *sum,
		      struct bb_native_stack *to)
{
	to->frames = calloc(sum->nr, sizeof(*to->frames));
	if (!to->frames || !has_strings(p))
		return -ENOMEM;
	to->count = sum->count;
	to->truncated = sum->truncated;
	for (; to->nr < sum->nr; to->nr++) {
		const struct bb_native_fn *fn = sum->frames[to->nr];
		struct bb_native *f = &to->frames[to->nr];

		f->symbol = fn->symbol ? bb_strings__add(p->strings, fn->symbol) : NULL;
		f->object = fn->object ? bb_strings__add(p->strings, fn->object) : NULL;
		f->interpreter = fn->interpreter;
		if ((fn->symbol && !f->symbol) || (fn->object && !f->object))
			return -ENOMEM;
	}
	return 0;
}

static int add_natives(struct build *b, struct bb_process *p, const struct bb_py_key *key,
		       struct bb_code *c)
{
	struct bb_native_sum *const *sums;
	size_t nr;
	int err = 0;

	sums = bb_native_samples__get(b->opts->natives, key, &nr);
	if (!nr)
		return 0;
	c->natives = calloc(nr, sizeof(*c->natives));
	if (!c->natives)
		return -ENOMEM;
	for (; c->nr_natives < nr && !err; c->nr_natives++)
		err = copy_stack(p, sums[c->nr_natives], &c->natives[c->nr_natives]);
	bb_native__sort(c);
	return err;
}

static int add_code(const struct bb_py_key *key, const struct bb_py_sum *sum, void *ctx)
{
	struct build *b = ctx;
	struct bb_process *p = process_of(b, key->tgid);
	struct bb_code *c;
	int err;

	if (!p || (key->kind & BB_PY_KIND_MASK) >= BB_PY_KIND_MAX)
		return 0;
	c = bb_grow((void **)&p->code, &p->nr_code, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->stack = key->stack;
	c->who = key->who;
	c->kind = key->kind & BB_PY_KIND_MASK;
	c->bucket = key->bucket;
	c->state = bb_fold__state(key->bucket);
	c->polls =
		key->bucket == BB_POLL && bb_sysclass__polls(key->nr) && !(key->kind & BB_PY_INNER);
	c->long_turn = key->kind & BB_PY_LONG;
	c->syscall = key->nr;
	c->tid = c->kind == BB_PY_HOLDER ? tid_of_holder(b, key->tgid, key->who)
					 : shown_tid(b, (uint32_t)key->who, key->tgid);
	c->ns = sum->ns;
	c->count = sum->count;
	c->max_ns = sum->max_ns;
	c->waited_ns = sum->waited_ns;
	c->ticks = sum->ticks;
	err = add_frames(b, p, c);
	return err ? err : add_natives(b, p, key, c);
}

/* Its row: of several that had its number, the one that lives, or else the last. */
static struct bb_thread *row_of(struct build *b, const struct bb_py_ident *id)
{
	struct bb_process *p = process_of(b, id->tgid);
	struct bb_thread *t = NULL;

	for (size_t at = p ? bb_process__first_thread(p, id->shown) : 0;
	     p && at < p->nr_threads && p->threads[at].tid == id->shown; at++)
		if (!t || (t->ended && !p->threads[at].ended) ||
		    (t->ended == p->threads[at].ended && t->start_ns < p->threads[at].start_ns))
			t = &p->threads[at];
	return t;
}

static int add_thread(uint32_t tid, uint32_t tgid, const struct bb_py_thread *sum, void *ctx)
{
	struct build *b = ctx;
	const struct bb_py_ident *id = ident_of(b, tid, tgid);
	struct bb_thread *t = id ? row_of(b, id) : NULL;

	if (!t)
		return 0;
	t->gil_forced = sum->forced;
	t->gil_held_off_ns = sum->off_ns;
	t->gil_samples = sum->samples_gil;
	t->gil_free_samples = sum->samples_free;
	if (!t->gil_acquisitions)
		return 0;
	free(t->gil_hist);
	t->gil_hist = calloc(BB_HIST_SLOTS, sizeof(*t->gil_hist));
	if (!t->gil_hist)
		return -ENOMEM;
	for (int h = 0; h < BB_HIST_SLOTS && h < BB_HIST_BITS; h++)
		t->gil_hist[h] = sum->hist[h];
	return 0;
}

/* One row more; join_rows() adds it to that of its key. */
static int add_open_row(struct build *b, struct bb_process *p, const struct bb_code *key,
			uint64_t ns, uint64_t waited_ns)
{
	struct bb_code *c = bb_grow((void **)&p->code, &p->nr_code, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = *key;
	c->ns = ns;
	c->count = 1;
	c->waited_ns = waited_ns;
	c->max_ns = ns;
	return add_frames(b, p, c);
}

/* It is off the CPU with the GIL that it holds, and nobody else runs Python. */
static int add_open_hold(struct build *b, struct bb_process *p, struct bb_code *key,
			 const struct bb_py_ident *id)
{
	const struct bb_py_open *o = &id->open;
	struct bb_thread *t = row_of(b, id);
	uint64_t waited = 0, queued = o->off_ns - o->blocked_ns;
	struct bb_code runq;
	int err = 0;

	for (size_t i = 0; i < p->nr_gils; i++) {
		struct bb_gil *g = &p->gils[i];

		if (g->addr != o->held_gil)
			continue;
		g->held_off_ns += o->off_ns;
		if (g->contended_ns > o->owed_ns)
			waited = g->contended_ns - o->owed_ns;
	}
	if (t)
		t->gil_held_off_ns += o->off_ns;
	if (waited > o->off_ns)
		waited = o->off_ns;
	key->kind = BB_PY_HELD;
	if (o->blocked_ns)
		err = add_open_row(b, p, key, o->blocked_ns, waited > queued ? waited - queued : 0);
	if (err || !queued)
		return err;
	/* the end of it, on a run queue: see bb_gil_back() */
	runq = *key;
	runq.bucket =
		bb_fold__state(o->bucket) == BB_STATE_RUNQ ? (uint8_t)o->bucket : BB_RUNQ_WOKEN;
	runq.state = BB_STATE_RUNQ;
	runq.syscall = -1;
	runq.polls = false;
	return add_open_row(b, p, &runq, queued, waited < queued ? waited : queued);
}

static int add_open(struct build *b, struct bb_process *p, const struct bb_py_ident *id)
{
	const struct bb_py_open *o = &id->open;
	struct bb_code key = { .who = id->tid, .tid = id->shown, .syscall = -1 };
	int err = 0;

	if (o->waits) {
		key.kind = BB_PY_WAITER;
		key.stack = o->acq_stack;
		if (!key.stack && o->bucket == BB_GIL)
			key.stack = o->stack;
		key.bucket = BB_GIL;
		key.state = BB_STATE_GIL;
		for (size_t i = 0; i < p->nr_gils; i++)
			if (p->gils[i].addr == o->acq_gil && p->gils[i].max_ns < o->acq_ns)
				p->gils[i].max_ns = o->acq_ns;
		err = add_open_row(b, p, &key, o->acq_ns, 0);
	}
	key.stack = o->stack;
	key.bucket = (uint8_t)o->bucket;
	key.state = bb_fold__state(o->bucket);
	key.syscall = o->blocked_ns ? o->nr : -1;
	key.polls = o->bucket == BB_POLL && bb_sysclass__polls(o->nr) && !o->inner;
	if (!err && o->held_gil)
		err = add_open_hold(b, p, &key, id);
	if (!err && o->stack && o->blocked_ns && o->bucket != BB_GIL) {
		key.kind = BB_PY_BLOCKED;
		err = add_open_row(b, p, &key, o->blocked_ns, 0);
	}
	return err;
}

/* What is not over at the end is in no sum yet. */
static int add_all_open(struct build *b, struct bb_py_ident *idents, size_t nr_idents)
{
	int err = 0;

	for (size_t i = 0; i < nr_idents && !err; i++) {
		struct bb_process *p = process_of(b, idents[i].tgid);

		if (p && !idents[i].ended)
			err = add_open(b, p, &idents[i]);
	}
	return err;
}

static bool runs_in(const struct bb_process *p, pid_t tid, const char *part)
{
	for (size_t i = 0; i < p->nr_code; i++)
		for (size_t f = 0; p->code[i].tid == tid && f < p->code[i].nr_frames; f++)
			if (strstr(p->code[i].frames[f].file, part))
				return true;
	return false;
}

/* Whose loop is it? Python's code tells, but for uvloop's, which is C, called by whoever runs it.
 */
static enum bb_loop_kind kind_of(const struct bb_process *p, pid_t tid)
{
	if (!strcmp(p->runtime.name, "node"))
		return BB_LOOP_NODE;
	if (!strcmp(p->runtime.name, "go"))
		return BB_LOOP_GO;
	if (runs_in(p, tid, "/gevent/"))
		return BB_LOOP_GEVENT;
	if (runs_in(p, tid, "/trio/_core/"))
		return BB_LOOP_TRIO;
	if (runs_in(p, tid, "asyncio/base_events.py"))
		return BB_LOOP_ASYNCIO;
	if (runs_in(p, tid, "") && bb_maps__has(p->pid, "/uvloop/"))
		return BB_LOOP_UVLOOP;
	return runs_in(p, tid, "/asyncio/") ? BB_LOOP_ASYNCIO : BB_LOOP_EPOLL;
}

/* Is there another thread that blocked in a poll by that descriptor? */
static bool is_polled_beside(const struct bb_process *p, const struct bb_thread *t, int fd)
{
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *other = &p->threads[i];

		for (size_t j = 0; other != t && j < other->nr_waits; j++)
			if (other->waits[j].polls && other->waits[j].fd == fd)
				return true;
	}
	return false;
}

/*
 * Of threads whose code does not say that it is a loop: workers that wait for work on a futex,
 * and poll in turn, or by one set for all of them, are none; nor is one that makes an epoll set for
 * each thing it waits for, as clients of databases do: that is seen while system calls are traced.
 */
static bool is_no_loop(const struct bb_process *p, pid_t tid, const struct bb_loop_sum *sum)
{
	const struct bb_thread *t = bb_process__thread(p, tid);
	uint64_t parked = 0, polled = 0;
	int fd = -1;

	if (!t)
		return false;
	for (size_t i = 0; i < t->nr_waits; i++) {
		const struct bb_wait *w = &t->waits[i];

		if (w->state == BB_STATE_QUEUE || w->state == BB_STATE_LOCK) {
			parked += w->ns;
		} else if (w->polls) {
			polled += w->ns;
			fd = w->fd;
		}
	}
	return parked > polled || 2 * (uint64_t)sum->made > sum->traced.count ||
	       (fd >= 0 && is_polled_beside(p, t, fd));
}

static int add_loop(uint32_t tid, uint32_t tgid, const struct bb_loop_sum *sum, void *ctx)
{
	struct build *b = ctx;
	struct bb_process *p = process_of(b, tgid);
	const struct bb_turns *turns = b->opts->traced ? &sum->traced : &sum->seen;
	enum bb_loop_kind kind;
	struct bb_loop *l;

	if (!p || !turns->count)
		return 0;
	kind = kind_of(p, shown_tid(b, tid, tgid));
	if (kind == BB_LOOP_EPOLL && is_no_loop(p, shown_tid(b, tid, tgid), sum))
		return 0;
	l = bb_grow((void **)&p->loops, &p->nr_loops, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->tid = shown_tid(b, tid, tgid);
	l->kind = kind;
	l->exact = b->opts->traced;
	l->window_ns = b->rec->window.ns;
	l->turns = turns->count;
	l->busy_ns = turns->ns;
	l->max_ns = turns->max_ns;
	memcpy(l->hist, turns->hist, sizeof(l->hist));
	l->long_turns = l->exact ? sum->long_count : BB_UNKNOWN_U64;
	l->long_ns = l->exact ? sum->long_ns : BB_UNKNOWN_U64;
	l->long_max_ns = l->exact ? sum->long_max_ns : BB_UNKNOWN_U64;
	l->inner_count = sum->inner_count;
	l->inner_ns = sum->inner_ns;
	l->inner_max_ns = sum->inner_max_ns;
	l->inner_syscall = sum->inner_nr;
	return 0;
}

static int busier(const void *a, const void *b)
{
	const struct bb_loop *x = a, *y = b;

	if (x->busy_ns != y->busy_ns)
		return x->busy_ns < y->busy_ns ? 1 : -1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static int longer_holder(const void *a, const void *b)
{
	const struct bb_gil_holder *x = a, *y = b;

	return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : 0;
}

/* What ran natively in @from, a row of the same key, is moved to @to. */
static int move_natives(struct bb_code *to, struct bb_code *from)
{
	struct bb_native_stack *all;

	if (!from->nr_natives)
		return 0;
	all = realloc(to->natives, (to->nr_natives + from->nr_natives) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	memcpy(all + to->nr_natives, from->natives, from->nr_natives * sizeof(*all));
	to->natives = all;
	to->nr_natives += from->nr_natives;
	from->nr_natives = 0;
	bb_native__sort(to);
	return 0;
}

/* One row for each key: what was open has another one, and each GIL for threads without room. */
static int join_rows(struct bb_process *p)
{
	size_t kept = 0;
	int err = 0;

	if (p->nr_code)
		qsort(p->code, p->nr_code, sizeof(*p->code), bb_code__compare);
	for (size_t i = 0; i < p->nr_code; i++) {
		struct bb_code *to = kept ? &p->code[kept - 1] : NULL, *c = &p->code[i];

		if (!to || bb_code__compare(to, c)) {
			p->code[kept++] = *c;
			continue;
		}
		to->ns += c->ns;
		to->count += c->count;
		to->waited_ns += c->waited_ns;
		to->ticks += c->ticks;
		if (c->max_ns > to->max_ns)
			to->max_ns = c->max_ns;
		if (!err)
			err = move_natives(to, c);
		bb_code__release(c);
	}
	p->nr_code = kept;
	return err;
}

/* Python's own code for locks: who called it is meant. */
static bool is_lock_code(const char *file)
{
	const char *base = bb_fmt__file_name(file);

	return !strcmp(base, "threading.py") || !strcmp(base, "queue.py") ||
	       !strcmp(base, "contextlib.py");
}

/* Where those who had a lock let go of it. */
static int add_holder_code(struct build *b, struct bb_process *p)
{
	for (size_t i = 0; i < p->nr_lock_holders; i++) {
		struct bb_lock_holder *h = &p->lock_holders[i];
		const struct bb_py_known *known =
			h->stack ? bb_py_stacks__get(b->stacks, h->stack) : NULL;
		size_t at = 0;

		if (!known || !known->nr)
			continue;
		while (at + 1 < known->nr && is_lock_code(known->places[at].file))
			at++;
		if (!has_strings(p))
			return -ENOMEM;
		h->code.file = bb_strings__add(p->strings, known->places[at].file);
		h->code.function = bb_strings__add(p->strings, known->places[at].function);
		h->code.line = known->places[at].line;
		if (!h->code.file || !h->code.function)
			return -ENOMEM;
	}
	return 0;
}

int bb_build__python(struct bb_record *rec, struct bb_kernel *k, struct bb_targets *targets,
		     const struct bb_build_opts *opts, struct bb_py_ident *idents, size_t nr_idents)
{
	struct bb_py_stacks *stacks = opts->stacks;
	struct build b = { opts, rec, targets, stacks, idents, nr_idents };
	uint64_t left_out;
	int err;

	bb_py_stacks__look(stacks, opts->allowance);
	err = bb_py_blocked__walk(stacks, targets, opts->allowance, idents, nr_idents, &left_out);
	rec->walks[BB_WALK_NO_BUDGET] += left_out;
	if (nr_idents)
		qsort(idents, nr_idents, sizeof(*idents), by_tid);
	if (!err)
		err = bb_py_stacks__learn(stacks, k, targets);
	if (!err)
		err = bb_native__look(opts->programs, opts->natives, opts->native_stacks, k,
				      targets, true);
	if (!err)
		err = bb_kernel__each_holder(k, add_holder, &b);
	if (!err)
		err = bb_kernel__each_py_sum(k, add_code, &b);
	if (!err)
		err = bb_kernel__each_py_thread(k, add_thread, &b);
	if (!err)
		err = add_all_open(&b, idents, nr_idents);
	if (!err)
		err = bb_kernel__each_loop(k, add_loop, &b);
	rec->walks[BB_WALK_NO_CODE] += bb_py_stacks__broken(stacks);
	bb_native_samples__count(opts->natives, rec->walks);
	for (size_t i = 0; i < rec->nr_processes && !err; i++) {
		struct bb_process *p = &rec->processes[i];

		err = join_rows(p);
		if (!err)
			err = add_holder_code(&b, p);
		bb_code__sort(p->code, p->nr_code);
		if (p->nr_loops)
			qsort(p->loops, p->nr_loops, sizeof(*p->loops), busier);
		if (p->nr_holders)
			qsort(p->holders, p->nr_holders, sizeof(*p->holders), longer_holder);
	}
	return err;
}
