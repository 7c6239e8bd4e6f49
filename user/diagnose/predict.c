// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "predict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "rules.h"

/* The least queueing, of a round, that tells how much of the model's there is. */
#define TELLING 0.02
/*
 * The queueing of a service whose times have the squared coefficient of variation c is
 * (1 + c) / 2 of that of the model's exponential one (Pollaczek and Khinchine; Lazowska et al.,
 * ch. 11): half for equal times. What is not observed is taken for that, and for up to 3 in the
 * bounds. More than 5 is another thing than queueing.
 */
#define WEIGHT_EQUAL 0.5
#define WEIGHT_HIGH  2.0
#define WEIGHT_MOST  3.0
/*
 * Locks that are taken at random queue where times are equal, too: by 0.57 to 0.78 of what they do
 * by the model, for 2 to 8 threads and 2 to 4 locks (F. Baskett, A. J. Smith, "Interference in
 * multiprocessor computer systems with interleaved memory", CACM 19(6), 1976: n + k - 1/2 -
 * sqrt((n + k - 1/2)^2 - 2 n k) of k are busy, where the model has n k / (n + k - 1)).
 */
#define WEIGHT_RANDOM (2.0 / 3)
/* Steps by which the time with the lock is found. */
#define STEPS 16

/* Work that is outside of the lock, and with it, when it is held for @busy of a round. */
static void divide(struct bb_fit *f, double busy)
{
	const struct bb_need *need = &f->d.need;
	double compute = need->gil + need->gil_off + need->cpu, delay, mine, part;
	struct bb_need *held = &f->net.held, *rest = &f->net.free;

	/* of its holder's waits only the last is known: what it cannot have computed it waited */
	delay = fmin(busy * f->d.lock_delay, need->delay);
	mine = fmin(busy - delay, compute);
	delay = fmin(busy - mine, need->delay);
	part = compute > 0 ? mine / compute : 0;
	*held = (struct bb_need){ need->gil * part, need->gil_off * part, need->cpu * part, delay };
	*rest = (struct bb_need){ need->gil - held->gil, need->gil_off - held->gil_off,
				  need->cpu - held->cpu, need->delay - delay };
}

static int cycle_of(const struct bb_network *net, size_t n, double *room, double *cycle)
{
	int err = bb_mva__cycles(net, n, n, room);

	*cycle = err ? 0 : room[n - 1];
	return err;
}

/*
 * How long the lock is held shows only where somebody waits for it: at least for that long, but for
 * what its holder waits for a CPU or the GIL meanwhile, as all threads do. More than that is found
 * by how long a round takes, as long as nobody would wait longer for the lock than they did.
 * @by_round: by that alone. Who hardly ever meets at a lock waits less than the model does.
 */
static int fit_lock(struct bb_fit *f, bool by_round)
{
	const struct bb_demands *d = &f->d;
	double n = (double)d->n, compute = d->need.gil + d->need.gil_off + d->need.cpu;
	double low, high, cycle, wait;
	int err;

	if (!d->lock)
		return 0;
	high = fmin(1 / n, bb_need__sum(&d->need));
	low = d->lock_busy / n;
	if (compute > 0)
		low *= 1 - (1 - d->lock_delay) * (d->wait_cpu + d->wait_gil) /
				   (compute + d->wait_cpu + d->wait_gil);
	low = fmin(high, low);
	for (int i = 0; i < STEPS; i++) {
		double at = i ? (low + high) / 2 : low;

		divide(f, at);
		err = bb_mva__lock(&f->net, d->n, &cycle, &wait);
		if (err)
			return err;
		if (cycle > 1 || (!by_round && WEIGHT_EQUAL * wait > d->wait_lock)) {
			high = at;
			if (!i)
				break;
		} else {
			low = at;
		}
	}
	return 0;
}

static int fit_of(struct bb_fit *f, const struct bb_demands *d, bool capacity, bool by_round,
		  double *room)
{
	double queueing;
	int err;

	f->d = *d;
	f->net = (struct bb_network){ .free = d->need, .cpus = d->cpus_spare };
	f->weight = WEIGHT_EQUAL;
	f->weight_low = 0;
	f->weight_high = WEIGHT_HIGH;
	f->rest = 0;
	err = fit_lock(f, by_round);
	if (!err)
		err = cycle_of(&f->net, d->n, room, &f->round);
	if (err)
		return err;
	f->bound = bb_mva__bound(&f->net, (double)d->n);
	if (capacity)
		return 0;
	queueing = f->round - f->bound;
	if (queueing > TELLING) {
		f->weight = fmin(WEIGHT_MOST, fmax(0, (1 - f->bound) / queueing));
		f->weight_low = f->weight / 2;
		f->weight_high = fmax(1, 1.5 * f->weight);
	}
	f->rest = fmax(0, 1 - f->bound - f->weight * queueing);
	return 0;
}

static void change(struct bb_fit *f, const struct bb_variation *v)
{
	struct bb_need *parts[] = { &f->net.free, &f->net.held };
	double io = f->d.need.delay > 0 ? f->d.io / f->d.need.delay : 0, gone = 0;

	for (int i = 0; i < 2; i++) {
		struct bb_need *p = parts[i];

		if (v->slower > 0)
			p->gil *= v->slower;
		if (v->no_gil) {
			p->cpu += p->gil;
			p->delay += p->gil_off;
			p->gil = p->gil_off = 0;
		}
		if (v->one_thread) {
			p->gil += p->cpu;
			p->cpu = 0;
		}
		if (v->faster_io > 0)
			p->delay *= 1 - io + io / v->faster_io;
	}
	if (v->no_lock) {
		f->net.free.gil += f->net.held.gil;
		f->net.free.gil_off += f->net.held.gil_off;
		f->net.free.cpu += f->net.held.cpu;
		f->net.free.delay += f->net.held.delay;
		f->net.held = (struct bb_need){};
		gone = f->d.wait_lock;
	}
	if (v->split > 1) {
		f->net.locks = v->split;
		gone = f->d.wait_lock * (1 - 1.0 / v->split);
	}
	if (v->no_gil || v->one_thread)
		gone += f->d.wait_gil;
	f->rest -= fmin(f->rest, gone);
	if (v->cpus > f->d.cpus)
		f->net.cpus += v->cpus - f->d.cpus;
	else if (v->cpus > 0)
		f->net.cpus = fmin(f->net.cpus, v->cpus);
}

/* Cycles at some weight of the queueing. */
static double weighed(double bound, double cycle, double weight)
{
	return bound + weight * (cycle - bound);
}

static void widen(struct bb_prediction *p, double speedup, double rate)
{
	p->low = fmin(p->low, speedup);
	p->high = fmax(p->high, speedup);
	p->rate_low = fmin(p->rate_low, rate);
	p->rate_high = fmax(p->rate_high, rate);
}

/* The predictions by one reading; @first_fit: others only widen the bounds. */
static int predict_by(const struct bb_fit *f, const struct bb_variation *v, size_t first, size_t n,
		      struct bb_prediction *out, double *after, bool first_fit)
{
	const double w[] = { f->weight, f->weight_low, f->weight_high };
	const double least[] = { WEIGHT_RANDOM, WEIGHT_EQUAL, 1 };
	struct bb_fit g = *f;
	int err;

	change(&g, v);
	err = bb_mva__cycles(&g.net, first, n, after);
	for (size_t i = first - 1; i < n && !err; i++) {
		double more = (double)(i + 1) / (double)f->d.n, rest = g.rest;
		double bound = bb_mva__bound(&g.net, (double)(i + 1));

		/* fewer of them are less in each other's way */
		if (i + 1 < f->d.n)
			rest *= (double)i / ((double)f->d.n - 1);
		for (int k = 0; k < 3; k++) {
			double was = weighed(f->bound, f->round, w[k]);
			double is = weighed(bound, after[i],
					    v->split > 1 ? fmax(w[k], least[k]) : w[k]);
			double best = more * (was + f->rest) / (is + rest);
			double rate = (double)(i + 1) / (is + rest);

			if (first_fit && !k)
				out[i] = (struct bb_prediction){
					best, best, best, rate, rate, rate
				};
			widen(&out[i], best, rate);
			widen(&out[i], more * was / is, rate);
		}
	}
	return err;
}

/* The same figures with the GIL held for @by more of a round. */
static struct bb_demands with_gil(const struct bb_demands *d, double by)
{
	struct bb_demands o = *d;

	by = fmax(-o.need.gil, fmin(by, o.need.cpu));
	o.need.gil += by;
	o.need.cpu -= by;
	return o;
}

/*
 * A request that is under way while its thread waits for the GIL or a CPU: what is seen of the wait
 * for the answer is only the rest. Of the two waits of a round, after the request and after the
 * answer, the first is hidden so; no more than what is seen is taken to be.
 */
static struct bb_demands with_hidden(const struct bb_demands *d)
{
	double waits = d->wait_gil + d->wait_cpu, by = fmin(waits / 2, d->answers);
	struct bb_demands o = *d;

	o.need.delay += by;
	o.io += by;
	o.wait_gil -= by * d->wait_gil / waits;
	o.wait_cpu -= by * d->wait_cpu / waits;
	return o;
}

int bb_model__fit(struct bb_model *m, const struct bb_demands *d, bool capacity)
{
	double *room = calloc(d->n, sizeof(*room));
	struct bb_demands ways[BB_FITS_MOST];
	int err = room ? 0 : -ENOMEM;

	m->nr = 0;
	ways[m->nr++] = *d;
	if (d->gil_error > 0 && d->has_gil) {
		ways[m->nr++] = with_gil(d, 2 * d->gil_error);
		ways[m->nr++] = with_gil(d, -2 * d->gil_error);
	}
	/* others may leave it more of the CPUs, the more of its threads ask for them */
	if (d->cpus_spare < d->cpus) {
		ways[m->nr] = *d;
		ways[m->nr++].cpus_spare = d->cpus;
	}
	if (d->answers > 0 && d->wait_gil + d->wait_cpu > 0)
		ways[m->nr++] = with_hidden(d);
	for (size_t i = 0; i < m->nr && !err; i++)
		err = fit_of(&m->fits[i], &ways[i], capacity, false, room);
	if (d->lock && !err) {
		err = fit_of(&m->fits[m->nr], d, capacity, true, room);
		m->nr++;
	}
	free(room);
	return err;
}

int bb_model__predict(const struct bb_model *m, const struct bb_variation *v, size_t first,
		      size_t n, struct bb_prediction *out)
{
	double *room = calloc(n, sizeof(*room)), noise = bb_rule(BB_R_RUN_TO_RUN);
	int err = room ? 0 : -ENOMEM;

	for (size_t i = 0; i < m->nr && !err; i++)
		err = predict_by(&m->fits[i], v, first, n, out, room, i == 0);
	for (size_t i = first - 1; i < n && !err; i++) {
		out[i].low *= 1 - noise;
		out[i].high *= 1 + noise;
		out[i].rate_low *= 1 - noise;
		out[i].rate_high *= 1 + noise;
	}
	free(room);
	return err;
}

enum bb_station bb_predict__limit(const struct bb_demands *d, const struct bb_variation *v)
{
	double gil = d->need.gil + d->need.gil_off, cpus, most = 0;
	double compute = d->need.gil + d->need.cpu;
	enum bb_station found = BB_STATION_NONE;

	cpus = v->cpus > 0 ? v->cpus : d->cpus_spare;
	if (compute / cpus > most) {
		most = compute / cpus;
		found = BB_STATION_CPUS;
	}
	if (v->one_thread && compute >= most) {
		most = compute;
		found = BB_STATION_THREAD;
	} else if (!v->no_gil && gil > most) {
		most = gil;
		found = BB_STATION_GIL;
	}
	if (d->lock && !v->no_lock && d->lock_busy / (double)d->n / fmax(1, v->split) > most)
		found = BB_STATION_LOCK;
	return found;
}
