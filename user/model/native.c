// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "native.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../util/grow.h"
#include "code.h"

static int compare_names(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return a == b ? 0 : strcmp(a, b);
}

static int compare(const struct bb_native *a, const struct bb_native *b)
{
	int d = compare_names(a->object, b->object);

	if (!d)
		d = compare_names(a->symbol, b->symbol);
	return d ? d : a->interpreter - b->interpreter;
}

static int compare_stacks(const struct bb_native_stack *a, const struct bb_native_stack *b)
{
	int d = 0;

	for (size_t i = 0; !d && i < a->nr && i < b->nr; i++)
		d = compare(&a->frames[i], &b->frames[i]);
	if (!d)
		d = (a->nr > b->nr) - (a->nr < b->nr);
	return d ? d : a->truncated - b->truncated;
}

bool bb_native__same_stack(const struct bb_native_stack *a, const struct bb_native_stack *b)
{
	return !compare_stacks(a, b);
}

static int by_count(const void *a, const void *b)
{
	const struct bb_native_stack *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return compare_stacks(x, y);
}

void bb_native__sort(struct bb_code *c)
{
	if (c->nr_natives)
		qsort(c->natives, c->nr_natives, sizeof(*c->natives), by_count);
}

static int by_top_count(const void *a, const void *b)
{
	const struct bb_native_top *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return compare(x->what, y->what);
}

static int add_top(struct bb_native_top **tops, size_t *nr, const struct bb_native *what,
		   uint64_t count)
{
	struct bb_native_top *t = NULL;

	for (size_t i = 0; i < *nr && !t; i++)
		if (!compare((*tops)[i].what, what))
			t = &(*tops)[i];
	if (!t)
		t = bb_grow((void **)tops, nr, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->what = what;
	t->count += count;
	return 0;
}

static int add_tops(const struct bb_code *c, struct bb_native_top **tops, size_t *nr)
{
	int err = 0;

	for (size_t i = 0; i < c->nr_natives && !err; i++)
		err = add_top(tops, nr, &c->natives[i].frames[0], c->natives[i].count);
	return err;
}

int bb_native__tops(const struct bb_code *c, struct bb_native_top **out, size_t *nr)
{
	int err;

	*out = NULL;
	*nr = 0;
	err = add_tops(c, out, nr);
	if (err) {
		free(*out);
		*out = NULL;
		*nr = 0;
	} else if (*nr) {
		qsort(*out, *nr, sizeof(**out), by_top_count);
	}
	return err;
}

/* ---- what keeps the GIL */

static bool starts_with(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

/*
 * Python's loop over its instructions: Python/ceval.c, _PyEval_EvalFrameDefault() in all
 * versions; since 3.14 each instruction may be a function of its own (_TAIL_CALL_*).
 */
static bool is_interpreter(const struct bb_native *n)
{
	if (!n->interpreter)
		return false;
	return !n->symbol || starts_with(n->symbol, "_PyEval_EvalFrameDefault") ||
	       starts_with(n->symbol, "_TAIL_CALL_");
}

static bool is_most(uint64_t part, uint64_t all)
{
	double n = (double)all, p = n > 0 ? (double)part / n : 0;
	double error = p < 1 ? sqrt(p * (1 - p) / n) : 1 / (n + 1);

	return p - 2 * error > 0.5;
}

/* No function has most of it: one file may. */
static bool most_of_a_file(const struct bb_native_top *tops, size_t nr, struct bb_native_call *call)
{
	for (size_t i = 0; i < nr; i++) {
		const char *object = tops[i].what->object;
		uint64_t count = 0;

		if (!object || tops[i].what->interpreter)
			continue;
		for (size_t j = 0; j < nr; j++)
			if (!compare_names(tops[j].what->object, object))
				count += tops[j].count;
		if (!is_most(count, call->samples))
			continue;
		call->symbol = NULL;
		call->object = object;
		call->count = count;
		return true;
	}
	return false;
}

int bb_native__call(const struct bb_process *p, pid_t tid, const struct bb_frame *line,
		    struct bb_native_call *call)
{
	struct bb_native_top *tops = NULL, *best = NULL;
	size_t nr = 0;
	int err = 0;

	*call = (struct bb_native_call){};
	for (size_t i = 0; i < p->nr_code && !err; i++) {
		const struct bb_code *c = &p->code[i];

		if (c->kind != BB_PY_ON_GIL || (tid && c->tid != tid) || !c->nr_frames ||
		    bb_frame__compare(&c->frames[0], line))
			continue;
		call->samples += c->count;
		err = add_tops(c, &tops, &nr);
	}
	for (size_t i = 0; i < nr; i++)
		if (!best || tops[i].count > best->count)
			best = &tops[i];
	if (err || !best)
		goto out;
	if (is_most(best->count, call->samples)) {
		call->symbol = best->what->symbol;
		call->object = best->what->object;
		call->count = best->count;
		err = !is_interpreter(best->what) && (call->symbol || call->object);
	} else {
		err = most_of_a_file(tops, nr, call);
	}
out:
	free(tops);
	return err;
}
