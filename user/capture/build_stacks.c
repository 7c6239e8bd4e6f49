// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/stacks.h"
#include "../util/grow.h"
#include "fold.h"

struct build {
	struct bb_record *rec;
	struct bb_targets *targets;
	const struct bb_build_opts *opts;
	const struct bb_py_ident *idents;
	size_t nr_idents;
};

static int add_frame(struct bb_process *p, struct bb_stack_row *r, enum bb_frame_kind kind,
		     const char *name, const char *object, int32_t line)
{
	struct bb_stack_frame *f = &r->frames[r->nr++];

	f->kind = kind;
	f->name = name ? bb_strings__add(p->strings, name) : NULL;
	f->object = object ? bb_strings__add(p->strings, object) : NULL;
	f->line = line;
	return (name && !f->name) || (object && !f->object) ? -ENOMEM : 0;
}

/*
 * From the top: the kernel's, the native ones and Python's. Where these are known, what is native
 * ends at the interpreter, whose own frames would tell nothing but that it is one.
 */
static int add_frames(struct bb_process *p, struct bb_stack_row *r,
		      const struct bb_native_known *native, const struct bb_py_known *python)
{
	size_t nr_user = native ? native->nr_user : 0, nr_python = python ? python->nr : 0, room;
	int err = 0;

	if (r->interrupt)
		nr_user = nr_python = 0;
	for (size_t i = 0; nr_python && i < nr_user; i++)
		if (native->user[i]->interpreter)
			nr_user = i;
	room = (native ? native->nr_kernel : 0) + nr_user + nr_python;
	if (!room)
		return 0;
	if (!p->strings)
		p->strings = bb_strings__new();
	r->frames = calloc(room, sizeof(*r->frames));
	if (!r->frames || !p->strings)
		return -ENOMEM;
	for (size_t i = 0; native && i < native->nr_kernel && !err; i++)
		err = add_frame(p, r, BB_FRAME_KERNEL, native->kernel[i], NULL, 0);
	for (size_t i = 0; i < nr_user && !err; i++)
		err = add_frame(p, r, BB_FRAME_NATIVE, native->user[i]->symbol,
				native->user[i]->object, 0);
	for (size_t i = 0; i < nr_python && !err; i++)
		err = add_frame(p, r, BB_FRAME_PYTHON, python->places[i].function,
				python->places[i].file, python->places[i].line);
	r->truncated = (nr_python ? python->truncated : native && native->truncated) ||
		       (native && native->kernel_cut);
	return err;
}

/* Of a futex, how the wait ended tells. */
static enum bb_state futex_state(uint32_t bucket)
{
	if (bucket < BB_FUTEX_PROTO || bucket > BB_FUTEX_OTHER)
		return bb_fold__state(bucket);
	return bucket == BB_FUTEX_PROTO || bucket == BB_FUTEX_HANDED ? BB_STATE_LOCK
								     : BB_STATE_QUEUE;
}

/* The row of the word tells better. */
static enum bb_state state_of(const struct bb_process *p, const struct bb_stack_key *key)
{
	const struct bb_lock *l =
		key->kind == BB_STACK_BLOCKED ? bb_process__lock_at(p, key->who) : NULL;

	return l && l->state != BB_STATE_UNKNOWN && key->bucket >= BB_FUTEX_PROTO &&
			       key->bucket <= BB_FUTEX_OTHER
		       ? l->state
		       : futex_state(key->bucket);
}

/* Who waited, and who ended that. */
static void add_waker(struct build *b, struct bb_stack_row *r, const struct bb_stack_key *key,
		      const struct bb_native_known *native)
{
	const struct bb_py_ident *id =
		bb_py_ident__find(b->idents, b->nr_idents, (uint32_t)(key->who >> 32), key->tgid);
	const struct bb_thread *t = NULL;

	r->tid = id ? id->shown : 0;
	r->interrupt = !(uint32_t)key->who || (native && native->interrupted);
	/* without its stack it has no name */
	if (r->interrupt || !native)
		return;
	r->by_pid = native->pid;
	memcpy(r->by_comm, native->comm, sizeof(r->by_comm));
	id = bb_py_ident__find(b->idents, b->nr_idents, (uint32_t)key->who, native->tgid);
	r->by_tid = id ? id->shown : 0;
	for (size_t i = 0; r->by_tid && i < b->rec->nr_processes && !t; i++)
		if (b->rec->processes[i].pid == r->by_pid)
			t = bb_process__thread(&b->rec->processes[i], r->by_tid);
	if (t)
		memcpy(r->by_comm, t->comm, sizeof(r->by_comm));
}

static int add_row(struct build *b, const struct bb_stack_key *key, const struct bb_stack_sum *sum)
{
	struct bb_target *t = bb_targets__by_tgid(b->targets, key->tgid);
	struct bb_process *p = t ? &b->rec->processes[t - b->targets->items] : NULL;
	const struct bb_native_known *native =
		key->native ? bb_native_stacks__get(b->opts->native_stacks, key->native) : NULL;
	struct bb_stack_row *r;

	if (!p)
		return 0;
	r = bb_grow((void **)&p->stacks, &p->nr_stacks, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->kind = key->kind;
	r->state = state_of(p, key);
	r->syscall = key->nr;
	r->ns = sum->ns;
	r->count = sum->count;
	r->max_ns = sum->max_ns;
	r->behind_ns = sum->behind_ns;
	r->behind_max = sum->behind_max;
	r->behind = futex_state(sum->behind);
	if (key->kind == BB_STACK_WAKER)
		add_waker(b, r, key, native);
	return add_frames(p, r, native,
			  key->python ? bb_py_stacks__get(b->opts->stacks, key->python) : NULL);
}

int bb_build__stacks(struct bb_record *rec, struct bb_targets *targets,
		     const struct bb_build_opts *opts, const struct bb_stack_read *read,
		     size_t nr_read, const struct bb_py_ident *idents, size_t nr_idents)
{
	struct build b = { rec, targets, opts, idents, nr_idents };
	int err = bb_native_stacks__name_kernel(opts->native_stacks);

	for (size_t i = 0; i < nr_read && !err; i++)
		err = add_row(&b, &read[i].key, &read[i].sum);
	for (size_t i = 0; i < rec->nr_processes && !err; i++) {
		rec->processes[i].stacks_asked = true;
		bb_stacks__join(&rec->processes[i]);
	}
	return err;
}
