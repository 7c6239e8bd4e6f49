// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* tdestroy */
#endif
#include "python_stacks.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

#include "../util/grow.h"

/* The code objects of one program; a process that execs gets another one. */
struct program {
	uint32_t tgid;
	uint32_t execs;
	struct bb_py_names *names;
	int64_t used; /* ns, in the look that is under way */
	bool cut;     /* by it */
};

struct kept {
	uint64_t id;
	struct bb_py_known known;
};

struct bb_py_stacks {
	void *tree; /* of entries, by id */
	struct program *programs;
	size_t nr_programs;
	uint64_t broken;
	uint64_t kept; /* bytes of names of all programs */
	size_t nr;     /* stacks in the tree */
	/* of the call that is under way */
	struct bb_kernel *kernel;
	struct bb_targets *targets;
	struct bb_allowance *allowance;
};

static int compare(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void free_kept(void *entry)
{
	free(((struct kept *)entry)->known.places);
	free(entry);
}

struct bb_py_stacks *bb_py_stacks__new(void)
{
	return calloc(1, sizeof(struct bb_py_stacks));
}

void bb_py_stacks__free(struct bb_py_stacks *s)
{
	if (!s)
		return;
	tdestroy(s->tree, free_kept);
	for (size_t i = 0; i < s->nr_programs; i++)
		bb_py_names__free(s->programs[i].names);
	free(s->programs);
	free(s);
}

static struct program *program_of(struct bb_py_stacks *s, const struct bb_target *t)
{
	struct bb_py_names *names;
	struct program *p;

	for (size_t i = 0; i < s->nr_programs; i++)
		if (s->programs[i].tgid == t->tgid && s->programs[i].execs == t->execs)
			return &s->programs[i];
	names = bb_py_names__new(t->py.version_hex, t->py.free_threaded, &s->kept);
	p = names ? bb_grow((void **)&s->programs, &s->nr_programs, sizeof(*p)) : NULL;
	if (!p) {
		bb_py_names__free(names);
		return NULL;
	}
	*p = (struct program){ t->tgid, t->execs, names, 0, false };
	return p;
}

/*
 * Name the frames from the top, up to the first that turns out to be none: what lies
 * below it was read from there, so it is none either. -EDQUOT: not now.
 */
static int name_frames(struct bb_py_stacks *s, struct program *p, const struct bb_target *t,
		       const struct bb_py_stack *stack, struct bb_py_known *known)
{
	size_t depth = stack->depth < BB_PY_DEPTH ? stack->depth : BB_PY_DEPTH;
	int64_t granted = bb_allowance__grant(s->allowance, p->used);
	struct bb_mem mem;
	int err = 0;

	known->places = calloc(depth ? depth : 1, sizeof(*known->places));
	if (!known->places)
		return -ENOMEM;
	known->truncated = stack->truncated;
	bb_mem__init(&mem, t->pid);
	mem.left = granted;
	for (size_t i = 0; i < depth && !err; i++) {
		err = bb_py_names__learn(p->names, &mem, stack->code[i]);
		if (!err)
			err = bb_py_names__place(p->names, stack->code[i], stack->pos[i],
						 &known->places[i]);
		if (!err)
			known->nr++;
	}
	bb_mem__free(&mem);
	bb_allowance__take(s->allowance, granted - mem.left);
	p->used += granted - mem.left;
	if (err == -ENOMEM || err == -EDQUOT)
		return err;
	/* its number may have been another one's meanwhile */
	if (!bb_target__alive(t))
		known->nr = 0;
	else if (!known->nr)
		s->broken++;
	else if (err)
		known->truncated = true;
	return 0;
}

/*
 * Where the process has ended, or has become another program, its stacks stay without
 * names: what is there now was not what they were in. -EDQUOT: not now.
 */
static int keep(struct bb_py_stacks *s, const struct bb_target *t, uint64_t id,
		const struct bb_py_stack *stack)
{
	struct program *p;
	struct kept *e;
	int err;

	if (!t || t->gone || !t->py.version_hex || stack->execs != (uint16_t)t->execs ||
	    s->nr == BB_PY_STACKS_MAX)
		return 0;
	p = program_of(s, t);
	if (!p)
		return -ENOMEM;
	if (p->cut)
		return -EDQUOT;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->id = id;
	err = name_frames(s, p, t, stack, &e->known);
	p->cut = err == -EDQUOT;
	s->allowance->cut += p->cut;
	if (!err && !tsearch(e, &s->tree, compare))
		err = -ENOMEM;
	if (err)
		free_kept(e);
	else
		s->nr++;
	return err;
}

static int learn(uint64_t id, void *ctx)
{
	struct bb_py_stacks *s = ctx;
	struct kept key = { .id = id };
	struct bb_py_stack stack;
	int err;

	if (tfind(&key, &s->tree, compare) || bb_kernel__get_stack(s->kernel, id, &stack))
		return 0;
	err = keep(s, bb_targets__by_tgid(s->targets, stack.tgid), id, &stack);
	return err == -EDQUOT ? 0 : err;
}

/* FNV-1a, 64 bits: not the kernel side's hash, so that the two do not meet. */
static uint64_t hash_of(const struct bb_py_stack *stack)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ stack->tgid;

	for (int i = 0; i < stack->depth; i++) {
		hash = (hash ^ stack->code[i]) * 0x100000001b3ULL;
		hash = (hash ^ stack->pos[i]) * 0x100000001b3ULL;
	}
	return hash ? hash : 1;
}

int bb_py_stacks__add(struct bb_py_stacks *s, struct bb_targets *targets,
		      const struct bb_py_stack *stack, uint64_t *id)
{
	const struct bb_target *t = bb_targets__by_tgid(targets, stack->tgid);
	const struct bb_py_known *known;
	int err = 0;

	*id = hash_of(stack);
	if (!t || !t->py.version_hex)
		return -ENOENT;
	if (!bb_py_stacks__get(s, *id))
		err = keep(s, t, *id, stack);
	known = err ? NULL : bb_py_stacks__get(s, *id);
	if (err)
		return err;
	return known && known->nr ? 0 : -ENOENT;
}

void bb_py_stacks__look(struct bb_py_stacks *s, struct bb_allowance *a)
{
	s->allowance = a;
	for (size_t i = 0; i < s->nr_programs; i++) {
		s->programs[i].used = 0;
		s->programs[i].cut = false;
		bb_py_names__forget(s->programs[i].names);
	}
}

int bb_py_stacks__learn(struct bb_py_stacks *s, struct bb_kernel *k, struct bb_targets *targets)
{
	s->kernel = k;
	s->targets = targets;
	return bb_kernel__each_stack_id(k, learn, s);
}

const struct bb_py_known *bb_py_stacks__get(const struct bb_py_stacks *s, uint64_t id)
{
	struct kept key = { .id = id };
	struct kept *const *node = tfind(&key, &s->tree, compare);

	return node ? &(*node)->known : NULL;
}

uint64_t bb_py_stacks__broken(const struct bb_py_stacks *s)
{
	return s->broken;
}
