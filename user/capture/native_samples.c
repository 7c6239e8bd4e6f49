// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* tdestroy */
#endif
#include "native_samples.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../util/grow.h"

#define STACKS_ROW 64    /* of one row; beyond, only what is on top is told apart */
#define STACKS_MAX 16384 /* of all rows, likewise; and as many again of one frame */

/* Mappings are read again at most this fraction of the time. */
#define READ_SHARE 64

/* A program; a process that execs gets another one. */
struct program {
	uint32_t tgid;
	uint32_t execs; /* the count at which the mappings were read */
	bool known;
	bool fresh; /* they were read in this call */
	uint64_t next_ns;
	struct bb_native_proc *proc;
};

struct row {
	struct bb_py_key key;
	struct bb_native_sum **stacks;
	size_t nr;
};

struct bb_native_samples {
	struct bb_native_files *files;
	struct program *programs;
	size_t nr_programs;
	void *rows; /* by key */
	size_t stacks;
	uint64_t seen, lost, unknown;
	/* of the call that is under way */
	struct bb_kernel *kernel;
	struct bb_targets *targets;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

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
	struct bb_native_samples *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->files = bb_native_files__new();
	if (!s->files) {
		free(s);
		return NULL;
	}
	return s;
}

void bb_native_samples__free(struct bb_native_samples *s)
{
	if (!s)
		return;
	tdestroy(s->rows, free_row);
	for (size_t i = 0; i < s->nr_programs; i++)
		bb_native_proc__free(s->programs[i].proc);
	free(s->programs);
	bb_native_files__free(s->files);
	free(s);
}

/* ---- programs */

static struct program *program_of(struct bb_native_samples *s, uint32_t tgid)
{
	struct bb_native_proc *proc;
	struct program *p;

	for (size_t i = 0; i < s->nr_programs; i++)
		if (s->programs[i].tgid == tgid)
			return &s->programs[i];
	proc = bb_native_proc__new(s->files);
	p = proc ? bb_grow((void **)&s->programs, &s->nr_programs, sizeof(*p)) : NULL;
	if (!p) {
		bb_native_proc__free(proc);
		return NULL;
	}
	p->tgid = tgid;
	p->proc = proc;
	return p;
}

static uint32_t execs_of(struct bb_native_samples *s, uint32_t tgid)
{
	struct bb_proc_sum sum;

	return bb_kernel__get_process(s->kernel, tgid, &sum) ? 0 : sum.exec_count;
}

/* Read what it has mapped now, unless that was just done or would cost too much. */
static int refresh(struct bb_native_samples *s, struct program *p)
{
	const struct bb_target *t = bb_targets__by_tgid(s->targets, p->tgid);
	uint64_t start = now_ns();
	uint32_t execs;
	int err;

	/* of one that has gone, what was read before is all there is */
	if (p->fresh || start < p->next_ns || !t || !t->pid || !bb_target__alive(t))
		return 0;
	p->fresh = true;
	execs = execs_of(s, p->tgid);
	if (execs != p->execs) {
		bb_native_proc__forget(p->proc);
		p->known = false;
	}
	p->execs = execs;
	err = bb_native_proc__read(p->proc, t->pid, t->py.dev, t->py.inode);
	p->next_ns = now_ns() + (now_ns() - start) * READ_SHARE;
	if (err)
		return err == -ENOMEM ? err : 0;
	p->known = true;
	/* what was read may be of the program before, or of the one after */
	if (execs_of(s, p->tgid) != execs) {
		bb_native_proc__forget(p->proc);
		p->known = false;
		p->next_ns = 0;
	}
	return 0;
}

/* ---- sums */

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
	struct program *p = program_of(s, n->key.tgid);
	size_t depth = n->depth < BB_NATIVE_DEPTH ? n->depth : BB_NATIVE_DEPTH, nr = 0;
	int err;

	if (!p)
		return -ENOMEM;
	err = refresh(s, p);
	if (err)
		return err;
	if (!p->known || p->execs != n->execs) {
		s->unknown++;
		return 0;
	}
	/*
	 * Below the first that is no place to which a call returns, there is none: code without
	 * frame pointers uses the register for what it likes.
	 */
	for (; nr < depth && !err; nr++) {
		err = bb_native_proc__name(p->proc, n->ip[nr], nr > 0, &frames[nr]);
		if (err)
			break;
	}
	if (err == -ENOMEM)
		return err;
	if (!nr) {
		s->unknown++;
		return 0;
	}
	return sum_up(s, &n->key, frames, nr, nr == BB_NATIVE_DEPTH);
}

int bb_native_samples__learn(struct bb_native_samples *s, struct bb_kernel *k,
			     struct bb_targets *targets)
{
	int err;

	s->kernel = k;
	s->targets = targets;
	for (size_t i = 0; i < s->nr_programs; i++)
		s->programs[i].fresh = false;
	err = bb_kernel__each_native(k, sample, s);
	for (size_t i = 0; i < s->nr_programs; i++) {
		struct program *p = &s->programs[i];
		const struct bb_target *t = bb_targets__by_tgid(targets, p->tgid);

		if (t && !t->gone)
			continue;
		/* that was its last sample */
		bb_native_proc__forget(p->proc);
		p->known = false;
	}
	return err;
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
