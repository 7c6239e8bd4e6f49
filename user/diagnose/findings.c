// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/code.h"
#include "../model/loop.h"
#include "../util/grow.h"
#include "habits.h"
#include "pools.h"

/* Few turns of a loop that nothing but its system calls names are no loop. */
#define TURNS_OF_A_LOOP 10

struct search {
	const struct bb_record *rec;
	const struct bb_process *p;
	struct bb_findings *found;
	struct bb_facts facts;
};

static double share_of(const struct search *s, uint64_t ns)
{
	return s->rec->window.ns ? (double)ns / (double)s->rec->window.ns : 0;
}

int bb_findings__add(struct bb_findings *found, const struct bb_record *rec,
		     const struct bb_finding *new)
{
	struct bb_finding *f = bb_grow((void **)&found->items, &found->nr, sizeof(*found->items));

	if (!f)
		return -ENOMEM;
	*f = *new;
	f->share = rec->window.ns ? (double)f->ns / (double)rec->window.ns : 0;
	return 0;
}

static int add(struct search *s, const struct bb_finding *new)
{
	return bb_findings__add(s->found, s->rec, new);
}

/* Did the thread block by what it called? Not where it wanted a CPU, or memory, or was stopped. */
static bool is_call(enum bb_state state)
{
	switch (state) {
	case BB_STATE_LOCK:
	case BB_STATE_QUEUE:
	case BB_STATE_DISK:
	case BB_STATE_NET:
	case BB_STATE_POLL:
	case BB_STATE_IPC:
	case BB_STATE_SLEEP:
	case BB_STATE_CHILD:
	case BB_STATE_OTHER:
		return true;
	case BB_STATE_ONCPU:
	case BB_STATE_RUNQ:
	case BB_STATE_GIL:
	case BB_STATE_FAULT:
	case BB_STATE_STOPPED:
	case BB_STATE_UNKNOWN:
	case BB_STATE_MAX:
		break;
	}
	return false;
}

static int held_while_blocking(struct search *s)
{
	struct bb_code_line *lines;
	size_t nr;
	int err = bb_code__lines(s->p, BB_PY_HELD, true, &lines, &nr);

	for (size_t i = 0; i < nr && !err; i++) {
		const struct bb_code_line *l = &lines[i];
		struct bb_finding f = {
			.id = BB_FINDING_GIL_HELD_WHILE_BLOCKING,
			.tid = l->tid,
			.frame = l->frame,
			.state = l->state,
			.syscall = l->syscall,
			.ns = l->ns,
			.count = l->count,
			.max_ns = l->max_ns,
			.waited_ns = l->waited_ns,
			.rule = BB_R_HELD_BLOCKED,
			.value = share_of(s, l->waited_ns),
		};

		if (is_call(l->state) && f.value >= bb_rule(f.rule))
			err = add(s, &f);
	}
	free(lines);
	return err;
}

static bool is_loop(const struct bb_loop *l)
{
	return l->kind != BB_LOOP_GO && (l->kind != BB_LOOP_EPOLL || l->turns >= TURNS_OF_A_LOOP);
}

/* @share and @max_ns against the two rules for loops: much in all, or one that stalls it. */
static bool stalls(struct bb_finding *f, enum bb_rule much, double share, uint64_t max_ns)
{
	f->rule = much;
	f->value = share;
	if (share >= bb_rule(much))
		return true;
	f->rule = BB_R_LOOP_STALL_NS;
	f->value = (double)max_ns;
	return f->value >= bb_rule(f->rule);
}

/*
 * A wait whose code is not known, beside longer ones in the same call whose code is: it was under
 * way at an end of the window, or left out to spare the program, and is most likely one of those.
 */
static bool is_known_otherwise(const struct bb_blocker *row, const struct bb_blocker *rows,
			       size_t nr)
{
	for (size_t i = 0; i < nr && !row->frame; i++)
		if (rows[i].frame && rows[i].state == row->state &&
		    rows[i].syscall == row->syscall && rows[i].ns > row->ns)
			return true;
	return false;
}

static int blocked_in_loop(struct search *s, const struct bb_loop *l, struct bb_blocker *rows,
			   size_t nr)
{
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++) {
		struct bb_finding f = {
			.id = BB_FINDING_BLOCKING_CALL_IN_LOOP,
			.tid = l->tid,
			.frame = rows[i].frame,
			.task = rows[i].task,
			.state = rows[i].state,
			.syscall = rows[i].syscall,
			.ns = rows[i].ns,
			.count = rows[i].count,
			.max_ns = rows[i].max_ns,
			.waited_ns = BB_UNKNOWN_U64,
			.loop = l,
		};

		if (is_call(f.state) && !is_known_otherwise(&rows[i], rows, nr) &&
		    stalls(&f, BB_R_LOOP_BLOCKED, share_of(s, f.ns), f.max_ns))
			err = add(s, &f);
	}
	return err;
}

static bool same_function(const struct bb_frame *a, const struct bb_frame *b)
{
	return a == b || (a && b && !strcmp(a->file, b->file) && !strcmp(a->function, b->function));
}

/*
 * Long turns are seen exactly, and their code by samples. A function is on many lines in
 * turn, so its samples are added up; its line is that of the most. Returns how many rows are left.
 */
static size_t by_function(struct bb_blocker *rows, size_t nr, uint64_t *all)
{
	size_t kept = 0;

	*all = 0;
	for (size_t i = 0; i < nr; i++) {
		size_t to = 0;

		if (rows[i].state != BB_STATE_ONCPU || !rows[i].long_ns)
			continue;
		*all += rows[i].long_ns;
		while (to < kept && !(same_function(rows[to].frame, rows[i].frame) &&
				      same_function(rows[to].task, rows[i].task)))
			to++;
		if (to == kept)
			rows[kept++] = rows[i];
		else
			rows[to].long_ns += rows[i].long_ns;
	}
	return kept;
}

static int longer(const void *a, const void *b)
{
	const struct bb_blocker *x = a, *y = b;

	if (x->long_ns != y->long_ns)
		return x->long_ns < y->long_ns ? 1 : -1;
	return bb_frame__compare(x->frame, y->frame);
}

/* Lines that less of the long turns' samples fell into may be there by chance. */
#define PART_OF_LONG 0.1

static int computes_in_loop(struct search *s, const struct bb_loop *l, struct bb_blocker *rows,
			    size_t nr)
{
	struct bb_finding f = {
		.id = BB_FINDING_CPU_IN_LOOP,
		.tid = l->tid,
		.state = BB_STATE_ONCPU,
		.syscall = -1,
		.ns = l->long_ns,
		.count = l->long_turns,
		.max_ns = l->long_max_ns,
		.waited_ns = BB_UNKNOWN_U64,
		.loop = l,
	};
	uint64_t all;
	int err = 0;

	/* polls that were not seen make one long turn of many short ones */
	if (!l->exact || l->long_ns == BB_UNKNOWN_U64 ||
	    !stalls(&f, BB_R_LOOP_COMPUTES, share_of(s, l->long_ns), l->long_max_ns))
		return 0;
	qsort(rows, nr, sizeof(*rows), longer);
	nr = by_function(rows, nr, &all);
	if (!nr)
		return add(s, &f);
	for (size_t i = 0; i < nr && !err; i++) {
		double part = (double)rows[i].long_ns / (double)all;

		if (part < PART_OF_LONG)
			continue;
		f.frame = rows[i].frame;
		f.task = rows[i].task;
		f.ns = (uint64_t)((double)l->long_ns * part);
		err = add(s, &f);
	}
	return err;
}

static int each_loop(struct search *s, int (*look)(struct search *s, const struct bb_loop *l,
						   struct bb_blocker *rows, size_t nr))
{
	int err = 0;

	for (size_t i = 0; i < s->p->nr_loops && !err; i++) {
		const struct bb_loop *l = &s->p->loops[i];
		struct bb_blocker *rows;
		size_t nr;

		if (!is_loop(l))
			continue;
		err = bb_loop__blockers(s->p, l, &rows, &nr);
		if (!err)
			err = look(s, l, rows, nr);
		free(rows);
	}
	return err;
}

static int blocked_in_loops(struct search *s)
{
	return each_loop(s, blocked_in_loop);
}

static int computes_in_loops(struct search *s)
{
	return each_loop(s, computes_in_loop);
}

static int semaphores(struct search *s)
{
	return bb_pools__semaphores(s->found, s->rec, s->p);
}

static int starved(struct search *s)
{
	return bb_pools__starved(s->found, s->rec, s->p);
}

static int threads_for_cpu(struct search *s)
{
	return bb_habits__threads_for_cpu(s->found, s->rec, s->p, &s->facts);
}

static int too_many(struct search *s)
{
	return bb_habits__too_many(s->found, s->rec, s->p, &s->facts);
}

static int convoy(struct search *s)
{
	return bb_habits__convoy(s->found, s->rec, s->p, &s->facts);
}

static int serial(struct search *s)
{
	return bb_habits__serial(s->found, s->rec, s->p, &s->facts);
}

/* How each of BB_FINDINGS is looked for; NULL: it is about several processes. */
static int (*const finders[BB_FINDING_MAX])(struct search *s) = {
	[BB_FINDING_GIL_HELD_WHILE_BLOCKING] = held_while_blocking,
	[BB_FINDING_BLOCKING_CALL_IN_LOOP] = blocked_in_loops,
	[BB_FINDING_CPU_IN_LOOP] = computes_in_loops,
	[BB_FINDING_SEMAPHORE_LIMIT] = semaphores,
	[BB_FINDING_POOL_STARVED] = starved,
	[BB_FINDING_THREADS_FOR_CPU] = threads_for_cpu,
	[BB_FINDING_TOO_MANY_WORKERS] = too_many,
	[BB_FINDING_LOCK_CONVOY] = convoy,
	[BB_FINDING_SERIAL_LOOP] = serial,
};

static int worse(const void *a, const void *b)
{
	const struct bb_finding *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return bb_frame__compare(x->frame, y->frame);
}

int bb_findings__of(struct bb_findings *f, const struct bb_record *rec, const struct bb_process *p)
{
	struct search s = { rec, p, f, {} };
	struct bb_findings of_one;
	int err = 0;

	memset(f, 0, sizeof(*f));
	bb_facts__of(&s.facts, rec, p);
	for (int id = 0; id < BB_FINDING_MAX && !err; id++) {
		if (!finders[id])
			continue;
		memset(&of_one, 0, sizeof(of_one));
		s.found = &of_one;
		err = finders[id](&s);
		if (of_one.nr)
			qsort(of_one.items, of_one.nr, sizeof(*of_one.items), worse);
		s.found = f;
		for (size_t i = 0; i < of_one.nr && i < BB_FINDINGS_OF_ONE && !err; i++)
			err = add(&s, &of_one.items[i]);
		bb_findings__free(&of_one);
	}
	if (err)
		bb_findings__free(f);
	return err;
}

void bb_findings__free(struct bb_findings *f)
{
	free(f->items);
	memset(f, 0, sizeof(*f));
}

const char *bb_finding__name(enum bb_finding_id id)
{
	static const char *const names[BB_FINDING_MAX] = {
#define X(id, name, text) [BB_FINDING_##id] = name,
		BB_FINDINGS(X)
#undef X
	};

	return (unsigned int)id < BB_FINDING_MAX ? names[id] : "unknown";
}

const char *bb_finding__text(enum bb_finding_id id)
{
	static const char *const texts[BB_FINDING_MAX] = {
#define X(id, name, text) [BB_FINDING_##id] = text,
		BB_FINDINGS(X)
#undef X
	};

	return (unsigned int)id < BB_FINDING_MAX ? texts[id] : "unknown";
}
