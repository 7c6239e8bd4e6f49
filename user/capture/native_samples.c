// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* tdestroy */
#endif
#include "native_samples.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "../util/grow.h"

#define STACKS_ROW 64    /* of one row; beyond, only what is on top is told apart */
#define STACKS_MAX 16384 /* of all rows, likewise; and as many again of one frame */

struct row {
	struct bb_py_key key;
	struct bb_native_sum **stacks;
	size_t nr;
};

struct bb_native_samples {
	void *rows; /* by key */
	size_t stacks;
	uint64_t seen, lost, unknown;
	struct bb_native_programs *programs; /* of the call that is under way */
};

static int compare(const void *a, const void *b)
{
	return memcmp(&((const struct row *)a)->key, &((const struct row *)b)->key,
		      sizeof(struct bb_py_key));
}

static void free_row(void *entry)
{
	struct row *r = entry;

	for (size_t i = 0; i < r->nr; i++)
		free(r->stacks[i]);
	free(r->stacks);
	free(r);
}

struct bb_native_samples *bb_native_samples__new(void)
{
	return calloc(1, sizeof(struct bb_native_samples));
}

void bb_native_samples__free(struct bb_native_samples *s)
{
	if (!s)
		return;
	tdestroy(s->rows, free_row);
	free(s);
}

static struct row *row_of(struct bb_native_samples *s, const struct bb_py_key *key)
{
	struct row k = { .key = *key }, *own, **node;

	node = tfind(&k, &s->rows, compare);
	if (node)
		return *node;
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	own->key = *key;
	node = tsearch(own, &s->rows, compare);
	if (!node)
		free(own);
	return node ? own : NULL;
}

static struct bb_native_sum *find(struct row *r, const struct bb_native_fn *const *frames,
				  size_t nr, bool truncated)
{
	for (size_t i = 0; i < r->nr; i++)
		if (r->stacks[i]->nr == nr && r->stacks[i]->truncated == truncated &&
		    !memcmp(r->stacks[i]->frames, frames, nr * sizeof(*frames)))
			return r->stacks[i];
	return NULL;
}

static int sum_up(struct bb_native_samples *s, const struct bb_py_key *key,
		  const struct bb_native_fn *const *frames, size_t nr, bool truncated)
{
	struct row *r = row_of(s, key);
	struct bb_native_sum *sum, **slot;

	if (!r)
		return -ENOMEM;
	sum = find(r, frames, nr, truncated);
	if (!sum && (r->nr >= STACKS_ROW || s->stacks >= STACKS_MAX)) {
		truncated |= nr > 1;
		nr = 1;
		sum = find(r, frames, nr, truncated);
	}
	if (!sum) {
		if (r->nr >= 2 * STACKS_ROW || s->stacks >= 2 * STACKS_MAX) {
			s->lost++;
			return 0;
		}
		sum = calloc(1, sizeof(*sum) + nr * sizeof(*frames));
		if (!sum)
			return -ENOMEM;
		slot = bb_grow((void **)&r->stacks, &r->nr, sizeof(*slot));
		if (!slot) {
			free(sum);
			return -ENOMEM;
		}
		*slot = sum;
		s->stacks++;
		sum->nr = nr;
		sum->truncated = truncated;
		memcpy(sum->frames, frames, nr * sizeof(*frames));
	}
	sum->count++;
	s->seen++;
	return 0;
}

static int sample(const struct bb_native_sample *n, void *ctx)
{
	const struct bb_native_fn *frames[BB_NATIVE_DEPTH];
	struct bb_native_samples *s = ctx;
	int nr = bb_native_programs__name(s->programs, n->key.tgid, n->execs, n->ip, n->depth,
					  frames);

	if (nr < 0 && nr != -EAGAIN)
		return nr;
	if (nr <= 0) {
		s->unknown++;
		return 0;
	}
	return sum_up(s, &n->key, frames, (size_t)nr, nr == BB_NATIVE_DEPTH);
}

int bb_native_samples__learn(struct bb_native_samples *s, struct bb_kernel *k,
			     struct bb_native_programs *programs)
{
	s->programs = programs;
	return bb_kernel__each_native(k, sample, s);
}

struct bb_native_sum *const *bb_native_samples__get(const struct bb_native_samples *s,
						    const struct bb_py_key *key, size_t *nr)
{
	struct row k = { .key = *key }, *const *node = tfind(&k, &s->rows, compare);

	*nr = node ? (*node)->nr : 0;
	return node ? (*node)->stacks : NULL;
}

void bb_native_samples__count(const struct bb_native_samples *s, uint64_t *walks)
{
	walks[BB_WALK_NATIVE] += s->seen;
	walks[BB_WALK_NATIVE_LOST] += s->lost;
	walks[BB_WALK_NATIVE_UNKNOWN] += s->unknown;
}
