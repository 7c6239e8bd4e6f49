// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "code.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../util/fmt.h"

static int compare_text(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a, b);
}

void bb_frame__print(char *buf, size_t len, const struct bb_frame *f)
{
	if (f->line)
		snprintf(buf, len, "%s %s:%d", f->function, bb_fmt__short_path(f->file), f->line);
	else
		snprintf(buf, len, "%s %s", f->function, bb_fmt__short_path(f->file));
}

int bb_frame__compare(const struct bb_frame *a, const struct bb_frame *b)
{
	int d;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	d = compare_text(a->file, b->file);
	if (!d)
		d = compare_text(a->function, b->function);
	return d ? d : a->line < b->line ? -1 : a->line > b->line;
}

static int by_place(const void *a, const void *b)
{
	const struct bb_code_line *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->syscall != y->syscall)
		return x->syscall < y->syscall ? -1 : 1;
	return bb_frame__compare(x->frame, y->frame);
}

static int by_weight(const void *a, const void *b)
{
	const struct bb_code_line *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return by_place(a, b);
}

static void join(struct bb_code_line *lines, size_t *nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < *nr; i++) {
		struct bb_code_line *to = kept ? &lines[kept - 1] : NULL;

		if (!to || by_place(to, &lines[i])) {
			lines[kept++] = lines[i];
			continue;
		}
		to->ns += lines[i].ns;
		to->count += lines[i].count;
		to->waited_ns += lines[i].waited_ns;
		if (lines[i].max_ns > to->max_ns)
			to->max_ns = lines[i].max_ns;
	}
	*nr = kept;
}

/* Of several threads that had a number, the last counts; 0: one that is in no row. */
static bool has_ended(const struct bb_process *p, pid_t tid)
{
	const struct bb_thread *last = NULL;

	for (size_t i = bb_process__first_thread(p, tid);
	     i < p->nr_threads && p->threads[i].tid == tid; i++)
		last = &p->threads[i];
	return !last || last->ended;
}

/* What a holder has, time in code and in none, and ticks of the clock; and what becomes of it. */
struct seen {
	uint64_t who;
	double ns, ticks, nameless;
	bool ended;
	double per_tick, per_ns; /* what its rows get of the time that is in none */
	bool left;               /* that time stays in none */
};

static int by_who(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->who < y->who ? -1 : x->who > y->who;
}

static size_t gather(const struct bb_process *p, struct seen *seen)
{
	size_t nr = 0, kept = 0;

	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];

		if (c->kind != BB_PY_HOLDER)
			continue;
		seen[nr++] = (struct seen){ .who = c->who,
					    .ns = c->stack ? (double)c->ns : 0,
					    .ticks = (double)c->ticks,
					    .nameless = c->stack ? 0 : (double)c->ns,
					    .ended = has_ended(p, c->tid) };
	}
	qsort(seen, nr, sizeof(*seen), by_who);
	for (size_t i = 0; i < nr; i++) {
		if (!kept || seen[kept - 1].who != seen[i].who) {
			seen[kept++] = seen[i];
			continue;
		}
		seen[kept - 1].ns += seen[i].ns;
		seen[kept - 1].ticks += seen[i].ticks;
		seen[kept - 1].nameless += seen[i].nameless;
	}
	return kept;
}

/* Where the time of each goes that is in no code. */
static void share_out(struct seen *seen, size_t nr)
{
	/* where there was no room, rows of all threads are among the ended ones': who is 0 */
	bool merged = nr && !seen[0].who && seen[0].ticks > 0;
	double all = 0, ended = 0, pool = 0;

	for (size_t i = 0; i < nr; i++) {
		all += seen[i].ticks;
		ended += seen[i].ended ? seen[i].ticks : 0;
	}
	for (size_t i = 0; i < nr; i++) {
		struct seen *s = &seen[i];

		if (s->ticks > 0)
			s->per_tick = s->nameless / s->ticks;
		else if (ended > 0 && (s->ended || merged))
			pool += s->nameless;
		else if (s->ns > 0 && (all <= 0 || s->ns >= s->nameless))
			s->per_ns = s->nameless / s->ns;
		else
			s->left = true;
	}
	for (size_t i = 0; i < nr && ended > 0; i++)
		seen[i].per_tick += seen[i].ended ? pool / ended : 0;
}

int bb_code__settle(struct bb_process *p)
{
	struct seen *seen = calloc(p->nr_code ? p->nr_code : 1, sizeof(*seen));
	size_t nr, kept = 0;

	if (!seen)
		return -ENOMEM;
	nr = gather(p, seen);
	share_out(seen, nr);
	for (size_t i = 0; i < p->nr_code; i++) {
		struct bb_code *c = &p->code[i];
		const struct seen *s;
		double ns;

		if (c->kind == BB_PY_HOLDER) {
			s = bsearch(&(struct seen){ .who = c->who }, seen, nr, sizeof(*seen),
				    by_who);
			ns = (double)c->ns * (c->stack ? 1 + s->per_ns : s->left);
			c->ns = (uint64_t)(ns + (double)c->ticks * s->per_tick);
			if (!c->stack && !c->ns) {
				bb_code__release(c);
				continue;
			}
		}
		p->code[kept++] = *c;
	}
	p->nr_code = kept;
	bb_code__sort(p->code, kept);
	free(seen);
	return 0;
}

int bb_code__lines(const struct bb_process *p, enum bb_py_kind kind, bool by_thread,
		   struct bb_code_line **out, size_t *nr)
{
	double all_ns = 0, all = 0;
	struct bb_code_line *lines;

	*out = NULL;
	*nr = 0;
	if (!p->nr_code)
		return 0;
	lines = calloc(p->nr_code, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];
		struct bb_code_line *l = &lines[*nr];

		if (c->kind != kind)
			continue;
		l->frame = c->nr_frames ? &c->frames[0] : NULL;
		l->tid = by_thread ? c->tid : 0;
		l->state = c->state;
		l->syscall = c->syscall;
		l->ns = c->ns;
		l->count = c->count;
		l->max_ns = c->max_ns;
		l->waited_ns = c->waited_ns;
		all_ns += (double)c->ns;
		all += (double)c->count;
		(*nr)++;
	}
	if (!*nr) {
		free(lines);
		return 0;
	}
	qsort(lines, *nr, sizeof(*lines), by_place);
	join(lines, nr);
	for (size_t i = 0; i < *nr; i++)
		lines[i].share = all_ns > 0 ? (double)lines[i].ns / all_ns
				 : all > 0  ? (double)lines[i].count / all
					    : NAN;
	qsort(lines, *nr, sizeof(*lines), by_weight);
	*out = lines;
	return 0;
}

int bb_code__compare(const void *a, const void *b)
{
	const struct bb_code *x = a, *y = b;

	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	if (x->who != y->who)
		return x->who < y->who ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->polls != y->polls)
		return x->polls ? 1 : -1;
	if (x->long_turn != y->long_turn)
		return x->long_turn ? 1 : -1;
	return x->syscall < y->syscall ? -1 : x->syscall > y->syscall;
}

bool bb_code__is_sampled(enum bb_py_kind kind)
{
	return kind == BB_PY_ON_GIL || kind == BB_PY_ON_FREE;
}

static uint64_t stands_for(const struct bb_code *c)
{
	return bb_code__is_sampled(c->kind) ? c->count * BB_SAMPLE_NS : c->ns;
}

static int longer_code(const void *a, const void *b)
{
	const struct bb_code *x = a, *y = b;
	uint64_t left = stands_for(x), right = stands_for(y);

	if (left != right)
		return left < right ? 1 : -1;
	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

void bb_code__sort(struct bb_code *code, size_t nr)
{
	if (nr)
		qsort(code, nr, sizeof(*code), longer_code);
}

/*
 * The quantile of a histogram of @nr slots, of which the i-th begins at begin(i); what is in
 * a slot is taken to be spread evenly over it.
 */
static uint64_t quantile(const double *counts, int nr, double (*begin)(int), double q, uint64_t max)
{
	double all = 0, sum = 0, ns;

	for (int i = 0; i < nr; i++)
		all += counts[i];
	if (all <= 0)
		return BB_UNKNOWN_U64;
	for (int i = 0; i < nr; i++) {
		if (counts[i] <= 0 || sum + counts[i] < q * all) {
			sum += counts[i];
			continue;
		}
		ns = begin(i) + (begin(i + 1) - begin(i)) * (q * all - sum) / counts[i];
		return ns < (double)max ? (uint64_t)ns : max;
	}
	return max;
}

static double power_slot(int slot)
{
	return ldexp(1, slot);
}

uint64_t bb_hist__quantile(const uint64_t *hist, double q, uint64_t max)
{
	double counts[BB_HIST_SLOTS];

	for (int i = 0; i < BB_HIST_SLOTS; i++)
		counts[i] = (double)hist[i];
	return quantile(counts, BB_HIST_SLOTS, power_slot, q, max);
}

/* Where a slot begins, in ns: see abi.h. */
static double turn_slot(int slot)
{
	int sub = 1 << BB_TURN_SUB_BITS;

	return slot ? ldexp(1 + (slot % sub) / (double)sub, BB_TURN_FIRST + slot / sub) : 0;
}

uint64_t bb_loop__quantile(const struct bb_loop *l, double q)
{
	double counts[BB_TURN_SLOTS];

	for (int i = 0; i < BB_TURN_SLOTS; i++)
		counts[i] = l->hist[i];
	return quantile(counts, BB_TURN_SLOTS, turn_slot, q, l->max_ns);
}

void bb_loop__powers(const struct bb_loop *l, uint64_t *hist)
{
	memset(hist, 0, BB_HIST_SLOTS * sizeof(*hist));
	for (int i = 0; i < BB_TURN_SLOTS; i++)
		hist[BB_TURN_FIRST + (i >> BB_TURN_SUB_BITS)] += l->hist[i];
}

struct bb_held bb_gil__held_oncpu(const struct bb_thread *t)
{
	double n = (double)(t->gil_samples + t->gil_free_samples), p;
	struct bb_held h = { NAN, NAN };

	if (n <= 0)
		return h;
	p = (double)t->gil_samples / n;
	h.share = p;
	/* of none or all of n, the error of one more that was otherwise */
	h.error = p > 0 && p < 1 ? sqrt(p * (1 - p) / n) : 1 / (n + 1);
	return h;
}

/* One of several GILs: the samples do not say by thread which one each was for. */
static struct bb_held held_of(const struct bb_process *p, const struct bb_gil *g,
			      uint64_t window_ns)
{
	double oncpu = 0, n = 0, share, error;
	struct bb_held h = { NAN, NAN };

	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];

		if (!(t->gil_samples + t->gil_free_samples))
			continue;
		n += (double)(t->gil_samples + t->gil_free_samples);
		oncpu += (double)t->budget.ns[BB_STATE_ONCPU];
	}
	if (n <= 0)
		return h;
	share = fmin(1, (double)g->samples / n);
	error = share > 0 && share < 1 ? sqrt(share * (1 - share) / n) : 1 / (n + 1);
	h.share = fmin(1, ((double)g->held_off_ns + share * oncpu) / (double)window_ns);
	h.error = error * oncpu / (double)window_ns;
	return h;
}

/* A share of the window in which threads may run without a sample: all or nothing of it was held.
 */
#define NO_SAMPLES_SHARE 0.05

struct bb_held bb_gil__held(const struct bb_process *p, const struct bb_gil *g, uint64_t window_ns)
{
	double held, var = 0, known = 0, oncpu = 0, with_gil = 0, without = 0, all;
	struct bb_held h = { NAN, NAN };
	uint64_t rest;

	if (!p->nr_gils || !window_ns)
		return h;
	if (g && p->nr_gils > 1)
		return held_of(p, g, window_ns);
	if (p->nr_gils > 1)
		return h;
	g = &p->gils[0];
	rest = g->samples;
	held = (double)g->held_off_ns;
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];
		struct bb_held on = bb_gil__held_oncpu(t);
		double ns = (double)t->budget.ns[BB_STATE_ONCPU];

		rest -= rest < t->gil_samples ? rest : t->gil_samples;
		with_gil += (double)t->gil_samples;
		without += (double)t->gil_free_samples;
		oncpu += ns;
		if (isnan(on.share))
			continue;
		known += ns;
		held += on.share * ns;
		var += on.error * ns * on.error * ns;
	}
	/* threads that have no row any more: each sample stands for one tick */
	held += (double)rest * BB_SAMPLE_NS;
	var += (double)rest * BB_SAMPLE_NS * BB_SAMPLE_NS;
	all = with_gil + without;
	/* no sample: no figure, unless they ran for so little that it hardly matters */
	if (known <= 0 && held <= 0)
		return h;
	if (all <= 0 && !rest) {
		if (oncpu > NO_SAMPLES_SHARE * (double)window_ns)
			return h;
		held += oncpu / 2;
		var += oncpu * oncpu / 4;
	}
	/* threads that no sample hit ran little: they are taken to be as the others were */
	if (all > 0) {
		double ns = oncpu - known, p_all = with_gil / all;

		held += p_all * ns;
		var += ns * ns * (p_all * (1 - p_all) + 1 / (all + 1)) / all;
	}
	h.share = fmin(1, held / (double)window_ns);
	h.error = sqrt(var) / (double)window_ns;
	return h;
}

uint64_t bb_gil__held_ns(const struct bb_process *p, pid_t tid)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < p->nr_holders; i++)
		if (p->holders[i].tid == tid)
			ns += p->holders[i].ns;
	return ns;
}
