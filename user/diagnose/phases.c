// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "phases.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

#define LISTED 4 /* phases that do not repeat and are told one by one */

void bb_phases__free(struct bb_phases *p)
{
	free(p->items);
	memset(p, 0, sizeof(*p));
}

const char *bb_phase__name(enum bb_bound bound, bool stopped)
{
	return stopped ? "stopped" : bb_bound__name(bound);
}

static bool same_kind(const struct bb_phase *a, const struct bb_phase *b)
{
	return a->bound == b->bound && a->stopped == b->stopped;
}

/* The window cut it short, so that what it would have become is not known. */
static bool is_cut(const struct bb_phases *p, size_t i, size_t like)
{
	return (!i || i + 1 == p->nr) && p->items[i].ns < p->items[like].ns / 2;
}

/*
 * Do the phases repeat after @q of them? The window cuts the first: each further one is a measure
 * of the period, by when the next of its kind starts. Two must be there, and none may be far from
 * their mean.
 */
static bool repeats_by(const struct bb_phases *p, size_t q, double *period)
{
	double sum = 0, least = INFINITY, most = 0;
	size_t nr = 0;

	for (size_t i = 0; i + q < p->nr; i++)
		if (!same_kind(&p->items[i], &p->items[i + q]) && !is_cut(p, i, i + q) &&
		    !is_cut(p, i + q, i))
			return false;
	for (size_t i = 1; i + q < p->nr; i++) {
		double ns = (double)(p->items[i + q].start_ns - p->items[i].start_ns);

		sum += ns;
		least = fmin(least, ns);
		most = fmax(most, ns);
		nr++;
	}
	if (nr < 2)
		return false;
	*period = sum / (double)nr;
	return most - least <= bb_rule(BB_R_PERIOD_DIFFERS) * *period;
}

/* The mean length of those in the same place of the cycle, but for what the window cuts. */
static uint64_t mean_length(const struct bb_phases *p, size_t place)
{
	uint64_t sum = 0, nr = 0;

	for (size_t i = place; i + 1 < p->nr; i += p->nr_cycle) {
		if (!i)
			continue;
		sum += p->items[i].ns;
		nr++;
	}
	return nr ? sum / nr : p->items[place].ns;
}

void bb_phases__repeat(struct bb_phases *p)
{
	double period = 0, all = 0;

	p->period_ns = 0;
	p->cycles = 0;
	p->nr_cycle = 0;
	for (size_t q = 2; q <= BB_CYCLE_MOST && !p->nr_cycle; q++)
		if (repeats_by(p, q, &period))
			p->nr_cycle = q;
	if (!p->nr_cycle)
		return;
	p->period_ns = (uint64_t)(period + 0.5);
	for (size_t i = 0; i < p->nr; i++)
		all += (double)p->items[i].ns;
	p->cycles = all / period;
	for (size_t i = 0; i < p->nr_cycle; i++) {
		/* the first may be cut */
		p->cycle[i].bound = p->items[i ? i : p->nr_cycle].bound;
		p->cycle[i].stopped = p->items[i ? i : p->nr_cycle].stopped;
		p->cycle[i].ns = mean_length(p, i);
	}
}

static void put(char *buf, size_t len, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void put(char *buf, size_t len, const char *fmt, ...)
{
	size_t at = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + at, len - at, fmt, ap);
	va_end(ap);
}

static void put_seconds(char *buf, size_t len, double ns)
{
	put(buf, len, ns < 9.95e8 ? "%.2f s" : "%.1f s", ns / 1e9);
}

/* How long each bound held, longest first. */
static void put_totals(const struct bb_phases *p, char *buf, size_t len)
{
	double ns[BB_BOUND_MAX + 1] = {};

	put(buf, len, "%zu of them", p->nr);
	for (size_t i = 0; i < p->nr; i++)
		ns[p->items[i].stopped ? BB_BOUND_MAX : p->items[i].bound] +=
			(double)p->items[i].ns;
	for (;;) {
		int most = 0;

		for (int b = 1; b <= BB_BOUND_MAX; b++)
			if (ns[b] > ns[most])
				most = b;
		if (ns[most] <= 0)
			return;
		put(buf, len, ", %s ", bb_phase__name((enum bb_bound)most, most == BB_BOUND_MAX));
		put_seconds(buf, len, ns[most]);
		ns[most] = 0;
	}
}

void bb_phases__words(const struct bb_phases *p, char *buf, size_t len)
{
	buf[0] = '\0';
	for (size_t i = 0; i < p->nr_cycle; i++) {
		put(buf, len, "%s%s ", i ? ", then " : "",
		    bb_phase__name(p->cycle[i].bound, p->cycle[i].stopped));
		put_seconds(buf, len, (double)p->cycle[i].ns);
	}
	if (p->nr_cycle) {
		put(buf, len, ", repeating each ");
		put_seconds(buf, len, (double)p->period_ns);
		return;
	}
	if (p->nr > LISTED) {
		put_totals(p, buf, len);
		return;
	}
	for (size_t i = 0; i < p->nr; i++) {
		put(buf, len, "%s%s ", i ? ", then " : "",
		    bb_phase__name(p->items[i].bound, p->items[i].stopped));
		put_seconds(buf, len, (double)p->items[i].ns);
	}
}
