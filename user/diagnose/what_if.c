// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "what_if.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../util/grow.h"
#include "predict.h"
#include "rules.h"
#include "workers.h"

/*
 * What workers cost, at most: the upper ends of what guides to the subject quote (docs/method.md).
 * They are no measurement.
 */
#define THREAD_BYTES (50ULL << 10)
#define TASK_BYTES   (4ULL << 10)
#define THREAD_NS    1000000ULL
#define PROCESS_NS   50000000ULL
#define TASK_NS      100000ULL
#define TASKS_TIMES  4 /* more tasks than there are threads: so many times, and its square */
#define LITTLE       0.05

const char *bb_change__name(enum bb_change c)
{
	switch (c) {
#define X(id, name, validated, text)                                                               \
	case BB_CHANGE_##id:                                                                       \
		return name;
		BB_CHANGES(X)
#undef X
	case BB_CHANGE_MAX:
		break;
	}
	return "none";
}

const char *bb_change__text(enum bb_change c)
{
	switch (c) {
#define X(id, name, validated, text)                                                               \
	case BB_CHANGE_##id:                                                                       \
		return text;
		BB_CHANGES(X)
#undef X
	case BB_CHANGE_MAX:
		break;
	}
	return "";
}

struct builder {
	struct bb_what_ifs *w;
	const struct bb_demands *d;
	const struct bb_process *p; /* NULL: a tree */
	struct bb_model model;
	struct bb_prediction *room; /* BB_MVA_MOST */
	double unit_ns;             /* time at work of the workers, for one unit */
};

__attribute__((format(printf, 2, 3))) static void no(struct bb_what_ifs *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why_not, sizeof(w->why_not), fmt, ap);
	va_end(ap);
}

/* Can the figures carry it at all? */
static bool may_tell(struct bb_what_ifs *w, const struct bb_demands *d,
		     const struct bb_what_if_context *c)
{
	if (c->feeds)
		no(w, "it only feeds its workers: see all processes together");
	else if (c->hands_over)
		no(w, "most of its work is handing tasks over, and who hands over limits the rest");
	else if (!c->judged)
		no(w, "the verdict is idle or unknown: what more work would need is not known");
	else if (c->incomplete)
		no(w, "figures are missing, see the losses");
	else if (c->confidence < bb_rule(BB_R_SURE_ENOUGH))
		no(w, "the verdict is not sure enough (%.2f)", c->confidence);
	else if (!d->n)
		no(w, "no thread is at work");
	else if (d->n > BB_MVA_MOST)
		no(w, "more than %d threads are at work", BB_MVA_MOST);
	else if (d->apart > bb_rule(BB_R_UNLIKE) || d->rest > bb_rule(BB_R_UNLIKE))
		no(w, "its threads do different things, and which of them limits the others is not "
		      "known");
	return !w->why_not[0];
}

/*
 * A Python process whose GIL is not known well, a runtime that hides what its threads wait for.
 * @d: NULL: it is one of several, whose GILs count as nothing.
 */
static bool may_tell_of(struct bb_what_ifs *w, const struct bb_process *p,
			const struct bb_demands *d)
{
	if (p->kernel_thread)
		no(w, "it is a thread of the kernel");
	else if ((d && p->ended) || p->execed)
		no(w, "it ended, or became another program, in the window");
	else if (bb_runtime__parks(&p->runtime) && (!d || d->n))
		no(w, "the runtime's threads park for work and for locks alike");
	else if (p->runtime.gil == BB_GIL_UNKNOWN)
		no(w, "the GIL could not be read");
	else if (d && p->runtime.gil == BB_GIL_ENABLED && p->nr_gils > 1)
		no(w, "it has several GILs");
	else if (d && p->runtime.gil == BB_GIL_ENABLED && !d->has_gil)
		no(w, "how long the GIL is held is not known: too few samples");
	return !w->why_not[0];
}

/* Of what a worker needs, its waits for others left out. */
static double of_work(const struct bb_demands *d, double need)
{
	return need / bb_need__sum(&d->need);
}

static uint64_t times(double n, uint64_t each)
{
	return each == BB_UNKNOWN_U64 ? each : n > 0 ? (uint64_t)n * each : 0;
}

/* Were predictions of it held against the change made? What is not told need not be worked out. */
static bool is_validated(enum bb_change change)
{
	static const bool validated[] = {
#define X(id, name, validated, text) validated,
		BB_CHANGES(X)
#undef X
	};

	return validated[change];
}

static const struct bb_rate no_rate = { NAN, NAN, NAN };

/*
 * Units per second. What was measured is scaled; of capacity the model alone tells: so many rounds
 * in the time of one, of which a unit is made.
 */
static struct bb_rate rate_of(const struct builder *b, const struct bb_prediction *p)
{
	const struct bb_unit *u = b->w->unit;
	double x;

	if (!u)
		return no_rate;
	if (b->w->capacity) {
		x = 1e9 / b->unit_ns;
		return (struct bb_rate){ x * p->rate, x * p->rate_low, x * p->rate_high };
	}
	x = bb_unit__per_s(u, u->count);
	return (struct bb_rate){ x * p->speedup, x * p->low, x * p->high };
}

static int add(struct builder *b, enum bb_change change, double amount,
	       const struct bb_prediction *p, uint64_t memory, uint64_t startup,
	       const char *because)
{
	struct bb_what_if *w = bb_grow((void **)&b->w->items, &b->w->nr, sizeof(*b->w->items));

	if (!w)
		return -ENOMEM;
	*w = (struct bb_what_if){
		.change = change,
		.amount = amount,
		.speedup = p->speedup,
		.low = p->low,
		.high = p->high,
		.rate = rate_of(b, p),
		.lock = change == BB_CHANGE_NO_LOCK || change == BB_CHANGE_SPLIT_LOCK ? b->d->lock
										      : NULL,
		.memory_bytes = memory,
		.startup_ns = startup,
	};
	snprintf(w->because, sizeof(w->because), "%s", because);
	return 0;
}

/* With @n workers alone: b->room[n - 1]. */
static int predict(struct builder *b, const struct bb_variation *v, size_t n)
{
	return bb_model__predict(&b->model, v, n, n, b->room);
}

/* With 1 to @n. */
static int predict_all(struct builder *b, const struct bb_variation *v, size_t n)
{
	return bb_model__predict(&b->model, v, 1, n, b->room);
}

static const char *limit_words(enum bb_station s)
{
	switch (s) {
	case BB_STATION_GIL:
		return "the GIL";
	case BB_STATION_LOCK:
		return "the lock";
	case BB_STATION_CPUS:
		return "the CPUs";
	case BB_STATION_THREAD:
		return "the one thread";
	case BB_STATION_NONE:
		break;
	}
	return "nothing but what each of them waits for";
}

/* What a process of this program has for itself, at most. */
static uint64_t own_bytes(const struct bb_process *p)
{
	return p->private_bytes != BB_UNKNOWN_U64 ? p->private_bytes : p->rss_bytes;
}

static int processes(struct builder *b)
{
	struct bb_variation v = { .no_gil = true };
	double n = (double)b->d->n, more = fmax(2, floor(b->d->cpus + 0.01));
	double amounts[] = { n, more };
	char why[160];
	int err = 0;

	more = fmin(more, BB_MVA_MOST);
	amounts[1] = more;
	for (int i = n > 1 ? 0 : 1; i < 2 && !err; i++) {
		double a = amounts[i];

		if (i && a == n && n > 1)
			break;
		err = predict(b, &v, (size_t)a);
		if (err)
			break;
		snprintf(why, sizeof(why),
			 "each process has its own GIL, held for %.2f of a thread's work; "
			 "%.3g CPUs are to be had",
			 of_work(b->d, b->d->need.gil + b->d->need.gil_off), b->d->cpus_spare);
		err = add(b, BB_CHANGE_PROCESSES, a, &b->room[(size_t)a - 1],
			  times(a - 1, own_bytes(b->p)), times(a, PROCESS_NS), why);
	}
	return err;
}

/* Of which there is a free-threaded build of the same version whose cost is known. */
static bool may_lose_gil(const struct bb_runtime *r)
{
	unsigned int major, minor;

	return sscanf(r->version, "%u.%u", &major, &minor) == 2 && major == 3 && minor == 13;
}

/* What @by says is possible, too. */
static void widen(struct bb_prediction *p, const struct bb_prediction *by)
{
	p->low = fmin(p->low, by->low);
	p->high = fmax(p->high, by->high);
	p->rate_low = fmin(p->rate_low, by->rate_low);
	p->rate_high = fmax(p->rate_high, by->rate_high);
}

static int without_gil(struct builder *b)
{
	double cost = bb_rule(BB_R_FREE_THREADED), costs[] = { cost, 0, 2 * cost };
	struct bb_prediction all = {}, *one = &b->room[b->d->n - 1];
	char why[160];
	int err = 0;

	if (!may_lose_gil(&b->p->runtime))
		return 0;
	for (int i = 0; i < 3 && !err; i++) {
		struct bb_variation v = { .no_gil = true, .slower = 1 + costs[i] };

		err = predict(b, &v, b->d->n);
		if (!i)
			all = *one;
		widen(&all, one);
	}
	if (err)
		return err;
	snprintf(why, sizeof(why),
		 "the GIL is held for %.2f of a thread's work and waited for in %.2f of its "
		 "time; Python code takes %.3g times the CPU time in such a build",
		 of_work(b->d, b->d->need.gil + b->d->need.gil_off), b->d->wait_gil, 1 + cost);
	return add(b, BB_CHANGE_NO_GIL, 0, &all, BB_UNKNOWN_U64, 0, why);
}

static int asyncio(struct builder *b)
{
	struct bb_variation v = { .one_thread = true };
	double n = (double)b->d->n;
	char why[160];
	int err = 0;

	for (int i = 0; i < 3 && !err; i++, n *= TASKS_TIMES) {
		if (n > BB_MVA_MOST)
			break;
		/* alone, a task is a thread; who does not wait gets nothing by more tasks */
		if (i ? b->d->need.delay < LITTLE : n < 2)
			continue;
		err = predict(b, &v, (size_t)n);
		if (err)
			break;
		snprintf(why, sizeof(why),
			 "one thread then does all of the computing, %.2f of a thread's work; "
			 "waiting is %.2f",
			 of_work(b->d, b->d->need.gil + b->d->need.cpu),
			 of_work(b->d, b->d->need.delay));
		err = add(b, BB_CHANGE_ASYNCIO, n, &b->room[(size_t)n - 1], times(n, TASK_BYTES),
			  times(n, TASK_NS), why);
	}
	return err;
}

static int cpus(struct builder *b)
{
	double amounts[] = { b->d->cpus / 2, b->d->cpus * 2 };
	char why[160];
	int err = 0;

	if (b->d->cpus >= 1)
		amounts[0] = fmax(1, floor(amounts[0]));
	for (int i = 0; i < 2 && !err; i++) {
		struct bb_variation v = { .cpus = amounts[i] };

		if (amounts[i] == b->d->cpus)
			continue;
		err = predict(b, &v, b->d->n);
		if (err)
			break;
		snprintf(why, sizeof(why), "%.2f CPUs are used of %.3g; what fills first is %s",
			 (double)b->d->n * (b->d->need.gil + b->d->need.cpu), b->d->cpus,
			 limit_words(bb_predict__limit(b->d, &(struct bb_variation){})));
		err = add(b, BB_CHANGE_CPUS, amounts[i], &b->room[b->d->n - 1], 0, 0, why);
	}
	return err;
}

static int no_quota(struct builder *b)
{
	struct bb_variation v = { .cpus = b->d->cpus_unlimited };
	struct bb_prediction most;
	char why[160];
	int err;

	if (isnan(b->d->cpus_unlimited) || b->d->cpus_unlimited <= b->d->cpus)
		return 0;
	err = predict(b, &v, b->d->n);
	if (err)
		return err;
	most = b->room[b->d->n - 1];
	/* what others use is not free with the quota gone: that it takes some of it is possible */
	if (!isnan(b->d->cpus_left))
		v.cpus = fmin(v.cpus, fmax(b->d->cpus, b->d->cpus_left));
	err = predict(b, &v, b->d->n);
	if (err)
		return err;
	widen(&b->room[b->d->n - 1], &most);
	snprintf(why, sizeof(why), "its cgroup may use %.3g CPUs, without a quota it would be %.3g",
		 b->d->cpus, b->d->cpus_unlimited);
	return add(b, BB_CHANGE_NO_QUOTA, 0, &b->room[b->d->n - 1], 0, 0, why);
}

static int no_lock(struct builder *b)
{
	struct bb_variation v = { .no_lock = true };
	char why[160];
	int err;

	/* what its holder does is not in the threads' work: without the lock it may take as long */
	if (!b->d->lock || b->model.fits[0].rest > bb_rule(BB_R_UNLIKE))
		return 0;
	err = predict(b, &v, b->d->n);
	if (err)
		return err;
	snprintf(why, sizeof(why),
		 "it is waited for in %.2f of the threads' time; without it what fills first "
		 "is %s",
		 b->d->wait_lock, limit_words(bb_predict__limit(b->d, &v)));
	return add(b, BB_CHANGE_NO_LOCK, 0, &b->room[b->d->n - 1], 0, 0, why);
}

static int split_lock(struct builder *b)
{
	static const unsigned int amounts[] = { 2, 4 };
	char why[160];
	int err = 0;

	if (!b->d->lock || b->model.fits[0].rest > bb_rule(BB_R_UNLIKE))
		return 0;
	for (int i = 0; i < 2 && !err; i++) {
		struct bb_variation v = { .split = amounts[i] };

		err = predict(b, &v, b->d->n);
		if (err)
			break;
		snprintf(why, sizeof(why),
			 "it is waited for in %.2f of the threads' time; with each of %u used as "
			 "often what fills first is %s",
			 b->d->wait_lock, amounts[i], limit_words(bb_predict__limit(b->d, &v)));
		err = add(b, BB_CHANGE_SPLIT_LOCK, amounts[i], &b->room[b->d->n - 1], 0, 0, why);
	}
	return err;
}

static int faster_io(struct builder *b)
{
	static const double amounts[] = { 2, 10 };
	char why[160];
	int err = 0;

	if (b->d->io < LITTLE)
		return 0;
	for (int i = 0; i < 2 && !err; i++) {
		struct bb_variation v = { .faster_io = amounts[i] };

		err = predict(b, &v, b->d->n);
		if (err)
			break;
		snprintf(why, sizeof(why), "%.2f of the threads' time is I/O, and %.2f computing",
			 b->d->io, b->d->need.gil + b->d->need.cpu);
		err = add(b, BB_CHANGE_FASTER_IO, amounts[i], &b->room[b->d->n - 1], 0, 0, why);
	}
	return err;
}

/* More and fewer of what there is, and the curve. */
static int threads(struct builder *b)
{
	struct bb_variation v = {};
	size_t n = b->d->n, most = bb_workers__most(n);
	char why[160];
	int err = predict_all(b, &v, most);

	if (err)
		return err;
	snprintf(why, sizeof(why),
		 "%.2f of a worker's work is computing, %.2f waiting; what fills first is %s",
		 of_work(b->d, b->d->need.gil + b->d->need.cpu), of_work(b->d, b->d->need.delay),
		 limit_words(bb_predict__limit(b->d, &v)));
	for (size_t i = 1; i <= most && !err; i *= 2) {
		double more = (double)i - (double)n;

		if (i == n)
			continue;
		err = add(b, BB_CHANGE_THREADS, (double)i, &b->room[i - 1],
			  b->p ? times(more, THREAD_BYTES) : BB_UNKNOWN_U64,
			  times(more, b->p ? THREAD_NS : PROCESS_NS), why);
	}
	if (err)
		return err;
	return bb_workers__of(&b->w->workers, b->d, b->room, most, !b->p);
}

/* Threads that the GIL serialises: the curve of processes says more. */
static int by_processes(struct builder *b)
{
	struct bb_variation v = { .no_gil = true };
	size_t most = bb_workers__most(b->d->n);
	int err;

	if (bb_predict__limit(b->d, &(struct bb_variation){}) != BB_STATION_GIL)
		return 0;
	err = predict_all(b, &v, most);
	if (err)
		return err;
	bb_workers__free(&b->w->workers);
	return bb_workers__of(&b->w->workers, b->d, b->room, most, true);
}

/*
 * The kind of unit that rates are told of, if it is what the workers do: their time at work is that
 * of the units. Then the rate as it is.
 */
static int use_unit(struct builder *b, const struct bb_units *units)
{
	const struct bb_unit *u = units ? bb_units__told(units) : NULL;
	struct bb_variation v = {};
	double work;
	int err;

	if (!u)
		return 0;
	work = bb_unit__work_ns(u) * u->count;
	/* false where the time is not known, too */
	if (!(fabs(work - b->d->work_ns) <= bb_rule(BB_R_UNLIKE) * b->d->work_ns))
		return 0;
	b->unit_ns = b->d->work_ns / u->count;
	err = predict(b, &v, b->d->n);
	if (err)
		return err;
	b->w->unit = u;
	if (!b->w->capacity)
		b->room[b->d->n - 1] = (struct bb_prediction){ 1, 1, 1, 0, 0, 0 };
	b->w->now = rate_of(b, &b->room[b->d->n - 1]);
	return 0;
}

static int build(struct builder *b, const struct bb_units *units)
{
	int err = 0;

	b->room = calloc(BB_MVA_MOST, sizeof(*b->room));
	if (!b->room)
		return -ENOMEM;
	b->w->capacity = b->d->away >= bb_rule(BB_R_OPEN_FROM);
	err = bb_model__fit(&b->model, b->d, b->w->capacity);
	if (!err)
		err = use_unit(b, units);
	if (!err && b->p && b->d->has_gil && !b->d->loop) {
		err = processes(b);
		if (!err && is_validated(BB_CHANGE_NO_GIL))
			err = without_gil(b);
	}
	if (!err && !b->d->loop)
		err = threads(b);
	if (!err && b->p && b->d->has_gil && !b->d->loop) {
		err = by_processes(b);
		if (!err)
			err = asyncio(b);
	}
	if (!err)
		err = cpus(b);
	if (!err && is_validated(BB_CHANGE_NO_QUOTA))
		err = no_quota(b);
	if (!err)
		err = no_lock(b);
	if (!err && is_validated(BB_CHANGE_SPLIT_LOCK))
		err = split_lock(b);
	if (!err && !b->d->loop)
		err = faster_io(b);
	free(b->room);
	return err;
}

int bb_what_ifs__of(struct bb_what_ifs *w, const struct bb_record *rec, const struct bb_process *p,
		    const struct bb_what_if_context *c)
{
	struct bb_demands d;
	struct builder b = { .w = w, .d = &d, .p = p };

	memset(w, 0, sizeof(*w));
	w->now = no_rate;
	bb_demands__of(&d, rec, p);
	if (!may_tell(w, &d, c) || !may_tell_of(w, p, &d))
		return 0;
	return build(&b, c->units);
}

int bb_what_ifs__tree(struct bb_what_ifs *w, const struct bb_record *rec,
		      const struct bb_what_if_context *c)
{
	struct bb_demands d;
	struct builder b = { .w = w, .d = &d };
	int err;

	memset(w, 0, sizeof(*w));
	w->now = no_rate;
	err = bb_demands__tree(&d, rec);
	if (err)
		return err;
	if (!may_tell(w, &d, c))
		return 0;
	for (size_t i = 0; i < rec->nr_processes; i++)
		if (rec->processes[i].budget.ns[BB_STATE_ONCPU] &&
		    !may_tell_of(w, &rec->processes[i], NULL))
			return 0;
	if (d.wait_gil > bb_rule(BB_R_CONTENDED))
		no(w, "threads of one process wait for its GIL: see the processes");
	else
		return build(&b, c->units);
	return 0;
}

void bb_what_ifs__free(struct bb_what_ifs *w)
{
	free(w->items);
	bb_workers__free(&w->workers);
	memset(w, 0, sizeof(*w));
}
