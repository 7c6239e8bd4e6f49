// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* tdestroy, twalk_r */
#endif
#include "native_stacks.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "../model/strings.h"
#include "../util/grow.h"
#include "kallsyms.h"

struct kept {
	uint64_t id;
	struct bb_native_known known;
	size_t nr_ip; /* addresses of the kernel that are to be named */
	uint64_t ip[BB_KERNEL_DEPTH];
};

struct bb_native_stacks {
	void *tree; /* of struct kept, by id */
	struct bb_strings *strings;
	struct bb_kallsyms symbols;
	/* of the call that is under way */
	struct bb_kernel *kernel;
	struct bb_native_programs *programs;
	bool last;
	int err;
};

static int compare(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void free_kept(void *entry)
{
	struct kept *e = entry;

	free(e->known.user);
	free(e->known.kernel);
	free(e);
}

struct bb_native_stacks *bb_native_stacks__new(void)
{
	struct bb_native_stacks *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->strings = bb_strings__new();
	if (!s->strings) {
		free(s);
		return NULL;
	}
	bb_kallsyms__init(&s->symbols);
	return s;
}

void bb_native_stacks__free(struct bb_native_stacks *s)
{
	if (!s)
		return;
	tdestroy(s->tree, free_kept);
	bb_strings__release(s->strings);
	bb_kallsyms__free(&s->symbols);
	free(s);
}

static int name_user(struct bb_native_stacks *s, struct kept *e, const struct bb_stack *stack)
{
	const struct bb_native_fn *frames[BB_NATIVE_DEPTH];
	int nr = bb_native_programs__name(s->programs, stack->tgid, stack->execs, stack->user,
					  stack->nr_user, frames);

	if (nr <= 0)
		return nr;
	e->known.user = malloc((size_t)nr * sizeof(*frames));
	if (!e->known.user)
		return -ENOMEM;
	memcpy(e->known.user, frames, (size_t)nr * sizeof(*frames));
	e->known.nr_user = (size_t)nr;
	e->known.truncated = nr == BB_NATIVE_DEPTH;
	return 0;
}

static int learn(uint64_t id, void *ctx)
{
	struct bb_native_stacks *s = ctx;
	struct kept key = { .id = id }, *e;
	struct bb_stack stack;
	int err;

	if (tfind(&key, &s->tree, compare) || bb_kernel__get_native_stack(s->kernel, id, &stack))
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->id = id;
	e->known.tgid = stack.tgid;
	e->known.pid = (pid_t)stack.ns_tgid;
	memcpy(e->known.comm, stack.comm, sizeof(e->known.comm) - 1);
	e->nr_ip = stack.nr_kernel < BB_KERNEL_DEPTH ? stack.nr_kernel : BB_KERNEL_DEPTH;
	memcpy(e->ip, stack.kernel, e->nr_ip * sizeof(*e->ip));
	e->known.kernel_cut = e->nr_ip == BB_KERNEL_DEPTH;
	err = name_user(s, e, &stack);
	/* once more in the next look, and without names in the last */
	if (err == -EAGAIN && s->last)
		err = 0;
	if (!err && !tsearch(e, &s->tree, compare))
		err = -ENOMEM;
	if (err)
		free_kept(e);
	return err == -EAGAIN ? 0 : err;
}

int bb_native_stacks__learn(struct bb_native_stacks *s, struct bb_kernel *k,
			    struct bb_native_programs *programs, bool last)
{
	s->kernel = k;
	s->programs = programs;
	s->last = last;
	return bb_kernel__each_native_stack(k, learn, s);
}

int bb_native__look(struct bb_native_programs *programs, struct bb_native_samples *samples,
		    struct bb_native_stacks *stacks, struct bb_kernel *k,
		    struct bb_targets *targets, bool last)
{
	int err;

	bb_native_programs__look(programs, k, targets);
	err = bb_native_samples__learn(samples, k, programs);
	if (!err && stacks)
		err = bb_native_stacks__learn(stacks, k, programs, last);
	bb_native_programs__end(programs);
	return err;
}

/* ---- the kernel's */

static void want(const void *node, VISIT which, void *ctx)
{
	struct bb_native_stacks *s = ctx;
	const struct kept *e = *(const struct kept *const *)node;

	if ((which != postorder && which != leaf) || e->known.kernel)
		return;
	for (size_t i = 0; i < e->nr_ip && !s->err; i++)
		s->err = bb_kallsyms__want(&s->symbols, e->ip[i]);
}

/* Where an interrupt enters the kernel (arch/x86/entry, arch/arm64/kernel/entry.S). */
static bool is_interrupt(const char *name)
{
	return !strncmp(name, "asm_sysvec_", 11) || !strcmp(name, "asm_common_interrupt") ||
	       !strcmp(name, "el1h_64_irq") || !strcmp(name, "el0t_64_irq") ||
	       !strcmp(name, "el1_irq") || !strcmp(name, "el0_irq");
}

/* On top are our own program and what it was called by, up to the function that it tells of. */
static bool is_on_top(const char *name)
{
	static const char *const names[] = {
		"schedule",       "__schedule",          "preempt_schedule_irq",
		"try_to_wake_up", "wake_up_process",     "default_wake_function",
		"wake_up_q",      "bpf_get_stack_raw_tp"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return !strncmp(name, "bpf_", 4) || !strncmp(name, "__traceiter_", 12) ||
	       !strncmp(name, "__bpf_", 6);
}

static int name_one(struct bb_native_stacks *s, struct kept *e)
{
	size_t top = 0;

	if (!e->nr_ip)
		return 0;
	e->known.kernel = calloc(e->nr_ip, sizeof(*e->known.kernel));
	if (!e->known.kernel)
		return -ENOMEM;
	for (size_t i = 0; i < e->nr_ip; i++) {
		const char *name = bb_kallsyms__get(&s->symbols, e->ip[i]);

		if (!name)
			continue;
		e->known.interrupted |= is_interrupt(name);
		e->known.kernel[e->known.nr_kernel] = bb_strings__add(s->strings, name);
		if (!e->known.kernel[e->known.nr_kernel++])
			return -ENOMEM;
		if (top + 1 == e->known.nr_kernel && is_on_top(name))
			top++;
		/* what follows is whoever it hit */
		if (e->known.interrupted)
			break;
	}
	e->known.nr_kernel -= top;
	memmove(e->known.kernel, e->known.kernel + top, e->known.nr_kernel * sizeof(char *));
	return 0;
}

static void name(const void *node, VISIT which, void *ctx)
{
	struct bb_native_stacks *s = ctx;
	struct kept *e = *(struct kept *const *)node;

	if ((which == postorder || which == leaf) && !e->known.kernel && !s->err)
		s->err = name_one(s, e);
}

int bb_native_stacks__name_kernel(struct bb_native_stacks *s)
{
	s->err = 0;
	twalk_r(s->tree, want, s);
	if (!s->err)
		s->err = bb_kallsyms__read(&s->symbols);
	if (!s->err)
		twalk_r(s->tree, name, s);
	bb_kallsyms__clear(&s->symbols);
	return s->err;
}

const struct bb_native_known *bb_native_stacks__get(const struct bb_native_stacks *s, uint64_t id)
{
	struct kept key = { .id = id };
	struct kept *const *node = tfind(&key, &s->tree, compare);

	return node ? &(*node)->known : NULL;
}
