// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sliced.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int bb_sliced__each(struct bb_sliced *p, int (*fn)(struct bb_column *c, void *ctx), void *ctx)
{
	int err = fn(&p->busiest, ctx);

	for (int i = 0; i < BB_BUCKET_MAX && !err; i++)
		err = fn(&p->buckets[i], ctx);
	for (size_t i = 0; i < p->nr_waits && !err; i++)
		err = fn(&p->waits[i], ctx);
	for (size_t i = 0; i < p->nr_words && !err; i++) {
		err = fn(&p->words[i].waited, ctx);
		if (!err)
			err = fn(&p->words[i].contended, ctx);
	}
	return err;
}

static int free_column(struct bb_column *c, void *ctx)
{
	(void)ctx;
	free(c->v);
	return 0;
}

void bb_sliced__free(struct bb_sliced *p)
{
	if (p)
		bb_sliced__each(p, free_column, NULL);
	free(p);
}

static int resize_column(struct bb_column *c, void *ctx)
{
	size_t *rooms = ctx; /* before and after */
	uint64_t *more;

	if (!c->v)
		return 0;
	more = realloc(c->v, rooms[1] * sizeof(*more));
	if (!more)
		return -ENOMEM;
	memset(more + rooms[0], 0, (rooms[1] - rooms[0]) * sizeof(*more));
	c->v = more;
	return 0;
}

int bb_sliced__resize(struct bb_sliced *p, size_t from, size_t to)
{
	size_t rooms[2] = { from, to };

	return bb_sliced__each(p, resize_column, rooms);
}

static int pair_column(struct bb_column *c, void *ctx)
{
	size_t nr = *(size_t *)ctx, to = 0;

	if (!c->v)
		return 0;
	for (size_t i = 0; i < nr; i += 2)
		c->v[to++] = c->v[i] + (i + 1 < nr ? c->v[i + 1] : 0);
	memset(c->v + to, 0, (nr - to) * sizeof(*c->v));
	return 0;
}

void bb_sliced__pair(struct bb_sliced *p, size_t nr)
{
	bb_sliced__each(p, pair_column, &nr);
}

/* ---- what a thread adds */

/* @ns more at the instant of the look; @ended: of a thread that has ended. */
static void add(struct bb_column *c, uint64_t ns, bool ended)
{
	if (ended)
		c->kept += ns;
	else
		c->now += ns;
}

static bool is_futex(uint32_t bucket)
{
	return bucket >= BB_FUTEX_PROTO && bucket <= BB_FUTEX_OTHER;
}

static void add_bucket(struct bb_sliced *p, uint32_t bucket, uint64_t ns, bool ended)
{
	if (is_futex(bucket))
		bucket = BB_FUTEX_OTHER;
	if (bucket < BB_BUCKET_MAX && ns)
		add(&p->buckets[bucket], ns, ended);
}

/* Waits of states that are judged by their rows: for I/O or idle. */
static void add_wait(struct bb_sliced *p, const struct bb_wait_slot *id, uint64_t ns, bool ended)
{
	size_t i;

	if (id->bucket < BB_DISK || id->bucket > BB_OTHER || id->bucket == BB_STOPPED || !ns)
		return;
	for (i = 0; i < p->nr_waits; i++)
		if (p->ids[i].bucket == id->bucket && p->ids[i].nr == id->nr &&
		    p->ids[i].fdkind == id->fdkind && p->ids[i].end == id->end)
			break;
	if (i == BB_SLICED_WAITS)
		return;
	if (i == p->nr_waits)
		p->ids[p->nr_waits++] = *id;
	add(&p->waits[i], ns, ended);
}

static struct bb_sliced_word *word_at(struct bb_sliced *p, uint64_t addr, bool gil, bool make)
{
	uint64_t hash = (addr >> 2) * 0x9e3779b97f4a7c15ULL;
	size_t at = (hash >> 32) & (BB_SLICED_SLOTS - 1);

	while (p->slots[at] && p->words[p->slots[at] - 1].addr != addr)
		at = (at + 1) & (BB_SLICED_SLOTS - 1);
	if (p->slots[at])
		return &p->words[p->slots[at] - 1];
	if (!make || p->nr_words >= BB_SLICED_WORDS - (gil ? 0 : BB_SLICED_GILS))
		return NULL;
	p->words[p->nr_words].addr = addr;
	p->words[p->nr_words].gil = gil;
	p->slots[at] = (uint8_t)++p->nr_words;
	return &p->words[p->nr_words - 1];
}

static void add_word(struct bb_sliced *p, uint64_t addr, bool gil, uint64_t ns, bool ended)
{
	struct bb_sliced_word *w =
		addr && ns ? word_at(p, addr, gil, ns >= BB_SLICED_WORD_NS) : NULL;

	if (w)
		add(&w->waited, ns, ended);
}

/* The open state, up to the look. */
static void add_open(struct bb_sliced *p, const struct bb_thread_sum *sum, uint64_t now,
		     uint64_t *futex_ns)
{
	uint64_t ns = now > sum->since ? now - sum->since : 0, runq = 0;
	struct bb_wait_slot id = {
		.bucket = sum->bucket, .fdkind = sum->fdkind, .nr = sum->nr, .end = sum->end
	};

	if (sum->on == BB_STATE_RAN) {
		add_bucket(p, BB_ONCPU, ns, false);
		return;
	}
	if (sum->woken > sum->since && sum->woken < now && sum->bucket > BB_RUNQ_THROTTLED)
		runq = now - sum->woken;
	add_bucket(p, BB_RUNQ_WOKEN, runq, false);
	add_bucket(p, sum->bucket, ns - runq, false);
	add_wait(p, &id, ns - runq, false);
	if (sum->bucket == BB_GIL)
		add_word(p, sum->gil, true, ns - runq, false);
	else if (is_futex(sum->bucket))
		*futex_ns = ns - runq;
}

void bb_sliced__thread(struct bb_sliced *p, const struct bb_thread_sum *sum, uint64_t now,
		       bool ended)
{
	uint64_t futex_ns = 0;
	bool recent = false;

	for (uint32_t i = 0; i < BB_BUCKET_MAX; i++)
		add_bucket(p, i, sum->ns[i], ended);
	for (int i = 0; i < BB_WAIT_SLOTS && sum->slots[i].used; i++)
		if (sum->slots[i].bucket < BB_BUCKET_MAX)
			add_wait(p, &sum->slots[i], sum->slots[i].ns, ended);
	if (!ended)
		add_open(p, sum, now, &futex_ns);
	if (sum->ns[BB_GIL])
		add_word(p, sum->gil, true, sum->ns[BB_GIL], ended);
	for (int i = 0; i < BB_RECENT_LOCKS; i++) {
		bool open = futex_ns && sum->recent[i] == sum->futex;

		recent |= open;
		add_word(p, sum->recent[i], false, sum->recent_ns[i] + (open ? futex_ns : 0),
			 ended);
	}
	if (!recent)
		add_word(p, sum->futex, false, futex_ns, ended);
}

void bb_sliced__folded(struct bb_sliced *p, const uint64_t *ns)
{
	for (uint32_t i = 0; i < BB_BUCKET_MAX; i++)
		p->buckets[is_futex(i) ? BB_FUTEX_OTHER : i].folded += ns[i];
}

/* ---- a reading */

static int forget_kept(struct bb_column *c, void *ctx)
{
	(void)ctx;
	c->kept = 0;
	return 0;
}

static int forget_folded(struct bb_column *c, void *ctx)
{
	(void)ctx;
	c->folded = 0;
	return 0;
}

void bb_sliced__forget(struct bb_sliced *p, bool kept)
{
	bb_sliced__each(p, kept ? forget_kept : forget_folded, NULL);
}

static int begin_column(struct bb_column *c, void *ctx)
{
	(void)ctx;
	c->now = c->kept + c->folded;
	return 0;
}

void bb_sliced__begin(struct bb_sliced *p)
{
	bb_sliced__each(p, begin_column, NULL);
}

struct step {
	size_t at, room;
};

static int step_column(struct bb_column *c, void *ctx)
{
	const struct step *step = ctx;

	if (c->now <= c->last)
		return 0;
	if (!c->v)
		c->v = calloc(step->room, sizeof(*c->v));
	if (!c->v)
		return -ENOMEM;
	c->v[step->at] += c->now - c->last;
	c->last = c->now;
	return 0;
}

int bb_sliced__step(struct bb_sliced *p, size_t at, size_t room)
{
	struct step step = { at, room };

	p->busiest.now = p->busiest.last + p->busiest_now;
	p->busiest_now = 0;
	return bb_sliced__each(p, step_column, &step);
}
