// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "changes.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Sums over the points before each: of weights, of x in each dimension, of x squared. */
struct sums {
	double *w, *x, *xx;
	size_t dims;
};

static void free_sums(struct sums *p)
{
	free(p->w);
	free(p->x);
	free(p->xx);
}

static int make_sums(struct sums *p, const struct bb_series *s)
{
	p->dims = s->dims;
	p->w = calloc(s->nr + 1, sizeof(double));
	p->x = calloc((s->nr + 1) * s->dims, sizeof(double));
	p->xx = calloc(s->nr + 1, sizeof(double));
	if (!p->w || !p->x || !p->xx) {
		free_sums(p);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->nr; i++) {
		double w = s->weights[i];

		p->w[i + 1] = p->w[i] + w;
		p->xx[i + 1] = p->xx[i];
		for (size_t d = 0; d < s->dims; d++) {
			double x = s->x[i * s->dims + d];

			p->x[(i + 1) * s->dims + d] = p->x[i * s->dims + d] + w * x;
			p->xx[i + 1] += w * x * x;
		}
	}
	return 0;
}

/* Squared distance of the points from @from up to @to, from their mean. */
static double cost(const struct sums *p, size_t from, size_t to)
{
	double w = p->w[to] - p->w[from], square = 0;

	if (w <= 0)
		return 0;
	for (size_t d = 0; d < p->dims; d++) {
		double x = p->x[to * p->dims + d] - p->x[from * p->dims + d];

		square += x * x;
	}
	return fmax(0, p->xx[to] - p->xx[from] - square / w);
}

static double variance(const struct bb_series *s)
{
	double sum = 0;

	for (size_t i = 1; i < s->nr; i++)
		for (size_t d = 0; d < s->dims; d++) {
			double step = s->x[i * s->dims + d] - s->x[(i - 1) * s->dims + d];

			sum += step * step / 2;
		}
	return s->nr > 1 ? sum / (double)(s->nr - 1) : 0;
}

static size_t least_of(const struct bb_series *s, const struct bb_change_opts *o, size_t from,
		       size_t to)
{
	if (!from && to == s->nr)
		return 1;
	return !from || to == s->nr ? o->edge : o->least;
}

/* Squared distance of a point from the mean of those from @from up to @to. */
static double off(const struct bb_series *s, const struct sums *p, size_t i, size_t from, size_t to)
{
	double w = p->w[to] - p->w[from], square = 0;

	for (size_t d = 0; d < s->dims; d++) {
		double mean = (p->x[to * s->dims + d] - p->x[from * s->dims + d]) / w;
		double x = s->x[i * s->dims + d] - mean;

		square += x * x;
	}
	return square;
}

/* Is the part from @a up to @b, between others that reach to @from and @to, long enough? */
static bool stands(const struct bb_series *s, const struct sums *p, size_t least, size_t from,
		   size_t a, size_t b, size_t to)
{
	size_t own = 0;

	for (size_t i = a; i < b; i++) {
		double here = off(s, p, i, a, b);

		own += here <= off(s, p, i, from, a) && here <= off(s, p, i, b, to);
	}
	return own >= least;
}

/*
 * The least length makes a part of what is shorter, with some of its neighbours. So points count
 * for a part only if they are nearer to its mean than to those beside it.
 */
static size_t absorb(const struct bb_series *s, const struct sums *p, size_t least, size_t *ends,
		     size_t nr)
{
	for (size_t i = 1; i + 1 < nr;) {
		size_t from = i > 1 ? ends[i - 2] : 0, a = ends[i - 1], b = ends[i],
		       to = ends[i + 1];
		bool left = cost(p, from, b) - cost(p, from, a) < cost(p, a, to) - cost(p, b, to);

		if (stands(s, p, least, from, a, b, to)) {
			i++;
			continue;
		}
		memmove(&ends[left ? i - 1 : i], &ends[left ? i : i + 1],
			(nr - (left ? i : i + 1)) * sizeof(*ends));
		nr--;
		i = i > 1 ? i - 1 : 1;
	}
	return nr;
}

long bb_changes__find(const struct bb_series *s, const struct bb_change_opts *opts, size_t *ends)
{
	double penalty = opts->penalty, *best;
	struct sums sums;
	size_t *before, nr = 0;
	int err;

	if (!s->nr)
		return 0;
	penalty = fmax(penalty, 2 * variance(s) * log((double)s->nr));
	err = make_sums(&sums, s);
	if (err)
		return err;
	best = calloc(s->nr + 1, sizeof(*best));
	before = calloc(s->nr + 1, sizeof(*before));
	if (!best || !before) {
		err = -ENOMEM;
		goto out;
	}
	for (size_t to = 1; to <= s->nr; to++) {
		best[to] = INFINITY;
		for (size_t from = 0; from < to; from++) {
			double c = best[from] + cost(&sums, from, to) + (from ? penalty : 0);

			if (to - from < least_of(s, opts, from, to) || c >= best[to])
				continue;
			best[to] = c;
			before[to] = from;
		}
	}
	for (size_t to = s->nr; to; to = before[to])
		ends[nr++] = to;
	for (size_t i = 0; i < nr / 2; i++) {
		size_t end = ends[i];

		ends[i] = ends[nr - 1 - i];
		ends[nr - 1 - i] = end;
	}
	nr = absorb(s, &sums, opts->least, ends, nr);
out:
	free(best);
	free(before);
	free_sums(&sums);
	return err ? err : (long)nr;
}
