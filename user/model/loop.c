// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"

/*
 * Files of the loops themselves. A frame in one of these, called by the loop, is how it comes to
 * the task, and not the task.
 */
static const char *const machinery[] = {
	"/asyncio/",    "/uvloop/",           "/gevent/",
	"/trio/_core/", "/tornado/ioloop.py", "/anyio/_backends/",
};

static bool is_machinery(const struct bb_frame *f)
{
	for (size_t i = 0; i < sizeof(machinery) / sizeof(machinery[0]); i++)
		if (strstr(f->file, machinery[i]))
			return true;
	return false;
}

/*
 * Which frames of @c, from the end, are those below what the loop ran? Those that are below its
 * poll too. Returns the index of the first of them.
 */
static size_t below_poll(const struct bb_code *c, const struct bb_code *poll)
{
	size_t i = c->nr_frames, j = poll->nr_frames;

	while (i && j && !strcmp(c->frames[i - 1].function, poll->frames[j - 1].function) &&
	       !strcmp(c->frames[i - 1].file, poll->frames[j - 1].file)) {
		i--;
		j--;
	}
	return i;
}

/*
 * The same by names, where the poll's stack is not known: asyncio/events.py, Handle._run() calls
 * what is due, and trio/_core/_run.py, unrolled_run() goes on with a task.
 */
static size_t below_runner(const struct bb_code *c)
{
	for (size_t i = 0; i < c->nr_frames; i++) {
		const struct bb_frame *f = &c->frames[i];

		if ((bb_str__ends(f->file, "asyncio/events.py") &&
		     bb_str__ends(f->function, "_run")) ||
		    (bb_str__ends(f->file, "trio/_core/_run.py") &&
		     bb_str__ends(f->function, "unrolled_run")))
			return i;
	}
	return 0;
}

const struct bb_frame *bb_loop__task(const struct bb_code *c, const struct bb_code *poll,
				     enum bb_loop_kind kind)
{
	size_t at;

	if (c->truncated || (!poll && kind != BB_LOOP_GEVENT))
		at = below_runner(c);
	else if (poll)
		at = below_poll(c, poll);
	else
		at = c->nr_frames; /* a greenlet's stack is its own */
	while (at && is_machinery(&c->frames[at - 1]))
		at--;
	return at ? &c->frames[at - 1] : NULL;
}

static int by_blocker(const void *a, const void *b)
{
	const struct bb_blocker *x = a, *y = b;
	int d;

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->syscall != y->syscall)
		return x->syscall < y->syscall ? -1 : 1;
	d = bb_frame__compare(x->frame, y->frame);
	return d ? d : bb_frame__compare(x->task, y->task);
}

static int by_ns(const void *a, const void *b)
{
	const struct bb_blocker *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return by_blocker(a, b);
}

/* Samples count for their share of the thread's time on a CPU. */
static uint64_t sampled_ns(const struct bb_thread *t, uint64_t count)
{
	uint64_t all = t ? t->gil_samples + t->gil_free_samples : 0;

	if (!all)
		return 0;
	return (uint64_t)((double)t->budget.ns[BB_STATE_ONCPU] * (double)count / (double)all);
}

static bool is_blocker(const struct bb_code *c, pid_t tid)
{
	if (c->tid != tid)
		return false;
	if (bb_code__is_sampled(c->kind) || c->kind == BB_PY_WAITER)
		return true;
	return c->kind == BB_PY_BLOCKED && !c->polls;
}

/* The stack in which a thread waited longest for events. */
static const struct bb_code *poll_of(const struct bb_process *p, pid_t tid)
{
	const struct bb_code *poll = NULL;

	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];

		if (c->tid == tid && c->kind == BB_PY_BLOCKED && c->polls && c->nr_frames &&
		    !c->truncated && (!poll || c->ns > poll->ns))
			poll = c;
	}
	return poll;
}

static void add_code(struct bb_blocker *b, const struct bb_code *c, const struct bb_thread *t,
		     const struct bb_frame *task)
{
	bool sampled = bb_code__is_sampled(c->kind);

	b->frame = c->nr_frames ? &c->frames[0] : NULL;
	b->task = task;
	b->state = sampled ? BB_STATE_ONCPU : c->kind == BB_PY_WAITER ? BB_STATE_GIL : c->state;
	b->syscall = sampled || c->kind == BB_PY_WAITER ? -1 : c->syscall;
	b->ns = sampled ? sampled_ns(t, c->count) : c->ns;
	b->long_ns = sampled && c->long_turn ? b->ns : 0;
	b->count = c->count;
	b->max_ns = c->max_ns;
}

/* What of the waits of one kind has no row of code? */
static bool add_rest(struct bb_blocker *b, const struct bb_process *p, const struct bb_thread *t,
		     enum bb_state state, int32_t syscall, uint64_t ns, uint64_t count,
		     uint64_t max_ns)
{
	uint64_t known_ns = 0, known = 0;

	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];

		if (c->tid != t->tid || c->kind != BB_PY_BLOCKED || c->polls || c->state != state ||
		    c->syscall != syscall)
			continue;
		known_ns += c->ns;
		known += c->count;
	}
	/* a wait that is still going on has no row of code yet */
	if (ns <= known_ns + ns / 100)
		return false;
	b->state = state;
	b->syscall = syscall;
	b->ns = ns - known_ns;
	b->count = count > known ? count - known : 1;
	b->max_ns = max_ns < b->ns ? max_ns : b->ns;
	return true;
}

static size_t add_waits(struct bb_blocker *rows, const struct bb_process *p,
			const struct bb_loop *l, const struct bb_thread *t)
{
	size_t nr = 0;

	for (size_t i = 0; i < t->nr_waits; i++) {
		const struct bb_wait *w = &t->waits[i];

		/* waits for the GIL are kept by acquisition, with their code */
		if (!w->polls && w->state != BB_STATE_GIL)
			nr += add_rest(&rows[nr], p, t, w->state, w->syscall, w->ns, w->count,
				       w->max_ns);
	}
	if (l->inner_count)
		nr += add_rest(&rows[nr], p, t, BB_STATE_POLL, l->inner_syscall, l->inner_ns,
			       l->inner_count, l->inner_max_ns);
	if (!t->gil_samples && !t->gil_free_samples && t->budget.ns[BB_STATE_ONCPU]) {
		rows[nr].state = BB_STATE_ONCPU;
		rows[nr].syscall = -1;
		rows[nr].ns = t->budget.ns[BB_STATE_ONCPU];
		rows[nr].long_ns = l->long_ns == BB_UNKNOWN_U64 ? 0 : l->long_ns;
		nr++;
	}
	if (t->budget.ns[BB_STATE_RUNQ]) {
		rows[nr].state = BB_STATE_RUNQ;
		rows[nr].syscall = -1;
		rows[nr].ns = t->budget.ns[BB_STATE_RUNQ];
		nr++;
	}
	return nr;
}

static size_t join(struct bb_blocker *rows, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++) {
		struct bb_blocker *to = kept ? &rows[kept - 1] : NULL;

		if (!to || by_blocker(to, &rows[i])) {
			rows[kept++] = rows[i];
			continue;
		}
		to->ns += rows[i].ns;
		to->long_ns += rows[i].long_ns;
		to->count += rows[i].count;
		if (rows[i].max_ns > to->max_ns)
			to->max_ns = rows[i].max_ns;
	}
	return kept;
}

int bb_loop__blockers(const struct bb_process *p, const struct bb_loop *l, struct bb_blocker **out,
		      size_t *nr)
{
	const struct bb_thread *t = bb_process__thread(p, l->tid);
	const struct bb_code *poll = poll_of(p, l->tid);
	struct bb_blocker *rows;

	*out = NULL;
	*nr = 0;
	rows = calloc(p->nr_code + (t ? t->nr_waits : 0) + 3, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < p->nr_code; i++)
		if (is_blocker(&p->code[i], l->tid))
			add_code(&rows[(*nr)++], &p->code[i], t,
				 bb_loop__task(&p->code[i], poll, l->kind));
	if (t)
		*nr += add_waits(&rows[*nr], p, l, t);
	qsort(rows, *nr, sizeof(*rows), by_blocker);
	*nr = join(rows, *nr);
	qsort(rows, *nr, sizeof(*rows), by_ns);
	*out = rows;
	return 0;
}

const struct bb_loop *bb_process__loop_of(const struct bb_process *p, pid_t tid)
{
	for (size_t i = 0; i < p->nr_loops; i++)
		if (p->loops[i].tid == tid && p->loops[i].kind != BB_LOOP_GO)
			return &p->loops[i];
	return NULL;
}
