// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "mva.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rounds of the lock's service time and of who contends with its holder. */
#define ROUNDS 20

double bb_need__sum(const struct bb_need *d)
{
	return d->gil + d->gil_off + d->cpu + d->delay;
}

/* Into how many the lock is split. */
static size_t locks_of(const struct bb_network *net)
{
	return net->locks > 1 ? net->locks : 1;
}

double bb_mva__bound(const struct bb_network *net, double n)
{
	const struct bb_need *f = &net->free, *h = &net->held;
	double bound = bb_need__sum(f) + bb_need__sum(h);

	bound = fmax(bound, n * bb_need__sum(h) / (double)locks_of(net));
	bound = fmax(bound, n * (f->gil + f->gil_off + h->gil + h->gil_off));
	bound = fmax(bound, n * (f->gil + f->cpu + h->gil + h->cpu) / net->cpus);
	return bound;
}

/*
 * The rate at which @n customers, all of them wanting the GIL or a CPU, get their needs done.
 * The state is how many of them want the GIL, i. One of these has it; the others than those run
 * beside. All who run share the CPUs alike. Detailed balance: p(i) of going up is p(i + 1) of
 * going down.
 */
static double compute_rate(const struct bb_need *d, double cpus, size_t n)
{
	double gil = d->gil + d->gil_off, p = 1, sum = 0, done = 0;

	if (gil <= 0)
		return fmin((double)n, cpus) / d->cpu;
	if (d->cpu <= 0)
		return 1 / (d->gil * fmax(1, 1 / cpus) + d->gil_off);
	for (size_t i = 0; i <= n; i++) {
		double with = i ? d->gil / gil : 0; /* part of the holder's time on a CPU */
		double run = (double)(n - i) + with;
		double share = run > cpus ? cpus / run : 1;
		double up = (double)(n - i) * share / d->cpu;
		double down, next_run = (double)(n - i) - 1 + d->gil / gil, next_share;

		sum += p;
		if (i)
			done += p / (d->gil / share + d->gil_off);
		if (i == n)
			break;
		next_share = next_run > cpus ? cpus / next_run : 1;
		down = 1 / (d->gil / next_share + d->gil_off);
		p *= up / down;
		/* only ratios count */
		if (p > 1e200) {
			sum /= p;
			done /= p;
			p = 1;
		}
	}
	return done / sum;
}

/* The factor of each station with 0 to n customers there, and their convolution. */
struct work {
	double unit; /* of time: no factor gets out of range by it */
	double *rates;
	double *beside; /* rates of those that a lock's holder computes beside */
	struct bb_need with;
	long double *compute, *delay, *both, *all;
};

static void convolve(const long double *a, const long double *b, long double *out, size_t n)
{
	for (size_t i = 0; i <= n; i++) {
		out[i] = 0;
		for (size_t j = 0; j <= i; j++)
			out[i] += a[j] * b[i - j];
	}
}

/*
 * Whom the holder of a lock competes with: who is outside of all locks, and where the lock is
 * split, the holders of the others.
 */
static void prepare_beside(struct work *w, const struct bb_network *net, size_t n)
{
	const struct bb_need *f = &net->free, *h = &net->held;
	double others = 1 - 1 / (double)locks_of(net);

	w->with = (struct bb_need){ .gil = f->gil + h->gil * others,
				    .gil_off = f->gil_off + h->gil_off * others,
				    .cpu = f->cpu + h->cpu * others };
	if (bb_need__sum(&w->with) <= 0)
		return;
	for (size_t i = 1; i <= n; i++)
		w->beside[i] = compute_rate(&w->with, net->cpus, i);
}

/* Everything but the lock, with 0 to @n customers. */
static void prepare(struct work *w, const struct bb_network *net, size_t n)
{
	const struct bb_need *f = &net->free;
	bool computes = f->gil + f->gil_off + f->cpu > 0;

	w->unit = bb_mva__bound(net, 1);
	w->compute[0] = w->delay[0] = 1;
	for (size_t i = 1; i <= n; i++) {
		if (computes)
			w->rates[i] = compute_rate(f, net->cpus, i);
		w->compute[i] = computes ? w->compute[i - 1] / (w->rates[i] * w->unit) : 0;
		w->delay[i] = w->delay[i - 1] * f->delay / w->unit / (double)i;
	}
	convolve(w->compute, w->delay, w->both, n);
	prepare_beside(w, net, n);
}

/*
 * The round of @n customers, where each of @locks is held for @service by who takes it: one
 * server each, so a recursion does. @at_lock: how many are at all of them, on average (arrival
 * theorem and Little's law).
 */
static double round_of(const struct work *w, size_t n, double service, size_t locks,
		       double *at_lock)
{
	double part = service / w->unit / (double)locks;

	memcpy(w->all, w->both, (n + 1) * sizeof(*w->all));
	for (size_t k = 0; k < locks; k++)
		for (size_t i = 1; i <= n; i++)
			w->all[i] += part * w->all[i - 1];
	*at_lock = 0;
	for (size_t i = 1; i <= n; i++)
		if (w->all[i] > 0)
			*at_lock = (double)(w->all[i - 1] / w->all[i]) * part * (1 + *at_lock);
	*at_lock *= (double)locks;
	return w->all[n - 1] > 0 ? (double)((long double)n * w->all[n] / w->all[n - 1]) * w->unit
				 : 0;
}

/*
 * What the holder of a lock needs takes longer where the others, outside of it or with another
 * lock, want the same CPUs or the GIL: as much as they lengthen each other's.
 */
static double held_service(const struct bb_network *net, const struct work *w, size_t n,
			   double cycle, double service, double at_lock)
{
	const struct bb_need *h = &net->held;
	double compute = bb_need__sum(&w->with), mine = h->gil + h->gil_off + h->cpu;
	double others, holders, slower, part;
	size_t beside;

	if (mine <= 0)
		return h->delay;
	if (compute <= 0)
		return h->delay + h->gil_off + (h->gil + h->cpu) * fmax(1, 1 / net->cpus);
	/* Little's law: all but those at the lock and those in a delay want to compute */
	others = (double)n - (double)n / cycle * net->free.delay - at_lock;
	/* and so do those that hold another lock, but for what they wait for with it */
	holders = (double)n / cycle * (service - h->delay);
	others += fmax(0, holders) * (1 - 1 / (double)locks_of(net));
	others = fmin(fmax(others, 0), (double)n - 1);
	beside = (size_t)others;
	part = others - (double)beside;
	slower = ((double)beside + 1) / w->beside[beside + 1] / compute;
	if (part > 0)
		slower += part * (((double)beside + 2) / w->beside[beside + 2] / compute - slower);
	return h->delay + mine * slower;
}

/* With @first to @n customers; @wait: NULL, or for a lock, of the last. */
static int solve(const struct bb_network *net, size_t first, size_t n, double *cycles, double *wait)
{
	long double *room = calloc(4 * (n + 1), sizeof(*room));
	double *rates = calloc(2 * (n + 1), sizeof(*rates)), service = bb_need__sum(&net->held);
	struct work w = { .rates = rates };
	size_t locks = locks_of(net);
	double at_lock = 0;
	bool held = service > 0, any = bb_mva__bound(net, 1) > 0;

	if (!room || !rates) {
		free(room);
		free(rates);
		return -ENOMEM;
	}
	w.beside = rates + (n + 1);
	w.compute = room;
	w.delay = room + (n + 1);
	w.both = room + 2 * (n + 1);
	w.all = room + 3 * (n + 1);
	if (any)
		prepare(&w, net, n);
	for (size_t i = first; i <= n; i++) {
		cycles[i - first] = any ? round_of(&w, i, service, locks, &at_lock) : 0;
		for (int r = 0; r < ROUNDS && held && any; r++) {
			double next = held_service(net, &w, i, cycles[i - first], service, at_lock);

			if (fabs(next - service) < 1e-6 * service)
				break;
			service = (service + next) / 2;
			cycles[i - first] = round_of(&w, i, service, locks, &at_lock);
		}
	}
	/* what a lock's holder takes of the CPUs is not seen to slow down those outside of it */
	for (size_t i = first; i <= n; i++)
		cycles[i - first] = fmax(cycles[i - first], bb_mva__bound(net, (double)i));
	/* Little's law */
	if (wait)
		*wait = fmax(0, at_lock * cycles[n - first] / (double)n - service);
	free(room);
	free(rates);
	return 0;
}

int bb_mva__cycles(const struct bb_network *net, size_t first, size_t n, double *cycles)
{
	return solve(net, first, n, cycles + first - 1, NULL);
}

int bb_mva__lock(const struct bb_network *net, size_t n, double *cycle, double *wait)
{
	*cycle = *wait = 0;
	return solve(net, n, n, cycle, wait);
}
