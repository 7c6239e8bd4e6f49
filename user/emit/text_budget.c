/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text report: where the time of a process and of its threads went. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../util/fmt.h"
#include "text.h"
#include "tree.h"

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

uint64_t bb_budget__io(const struct bb_budget *b)
{
	return b->ns[BB_STATE_DISK] + b->ns[BB_STATE_NET] + b->ns[BB_STATE_IPC] +
	       b->ns[BB_STATE_FAULT];
}

uint64_t bb_budget__idle(const struct bb_budget *b)
{
	return bb_budget__sum(b) - bb_budget__io(b) - b->ns[BB_STATE_ONCPU] - b->ns[BB_STATE_RUNQ] -
	       b->ns[BB_STATE_GIL] - b->ns[BB_STATE_LOCK];
}

void bb_text__row_share(struct bb_line *l, size_t end, uint64_t part, uint64_t whole)
{
	double share = ratio(part, whole);
	char text[BB_FMT_LEN];

	if (!part) {
		bb_line__color(l, BB_COLOR_DIM);
		bb_line__right(l, end, "-");
		bb_line__color(l, BB_COLOR_NONE);
		return;
	}
	if (share < 0.005)
		strcpy(text, "<1%");
	else if (share < 1 && share >= 0.995)
		strcpy(text, ">99%");
	else
		snprintf(text, sizeof(text), "%.0f%%", floor(share * 100 + 0.5));
	bb_line__right(l, end, text);
}

/* The states by their time, longest first; the order of the enum breaks ties. */
static void states__sort(const struct bb_budget *b, enum bb_state order[BB_STATE_MAX])
{
	int i, j;

	for (i = 0; i < BB_STATE_MAX; i++) {
		for (j = i; j > 0 && b->ns[order[j - 1]] < b->ns[i]; j--)
			order[j] = order[j - 1];
		order[j] = (enum bb_state)i;
	}
}

#define TAKERS_TOLD 3    /* in the text */
#define TAKER_SHARE 0.05 /* of the time in the queue, from which one is told */

/* Who had the CPUs meanwhile. */
static void states__takers(struct bb_text *t, const struct bb_process *p)
{
	struct bb_line *l = &t->line;
	uint64_t runq = p->budget.ns[BB_STATE_RUNQ];
	char share[BB_FMT_LEN];
	size_t nr = 0;

	while (nr < p->nr_takers && nr < TAKERS_TOLD &&
	       ratio(p->takers[nr].ns, runq) >= TAKER_SHARE)
		nr++;
	for (size_t i = 0; i < nr; i++) {
		const struct bb_taker *k = &p->takers[i];

		if (!i) {
			bb_line__color(l, BB_COLOR_DIM);
			bb_line__pad(l, 11);
			bb_line__put(l, "behind ");
		} else {
			bb_line__put(l, ", ");
		}
		if (k->own) {
			bb_line__put(l, "its own threads");
		} else if (k->idle) {
			bb_line__put(l, "CPUs that woke up");
		} else {
			bb_line__escaped(l, k->comm, BB_COMM_LEN);
			if (k->pid)
				bb_line__printf(l, " (%d)", (int)k->pid);
		}
		bb_line__printf(l, " %s", bb_fmt__share(share, sizeof(share), ratio(k->ns, runq)));
	}
	if (nr)
		bb_line__end(l);
}

static void states__migrations(struct bb_line *l, uint64_t nr)
{
	char count[BB_FMT_LEN];

	if (!nr || nr == BB_UNKNOWN_U64)
		return;
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__pad(l, 11);
	bb_line__printf(l, "%s migration%s to another CPU", bb_fmt__count(count, sizeof(count), nr),
			nr == 1 ? "" : "s");
	bb_line__end(l);
}

/* How a thread came to wait for a CPU, where that is worth a line. */
static void states__runq(struct bb_text *t, const struct bb_process *p)
{
	const struct bb_budget *b = &p->budget;
	struct bb_line *l = &t->line;
	char preempted[BB_FMT_LEN], woken[BB_FMT_LEN], throttled[BB_FMT_LEN];

	if (ratio(b->ns[BB_STATE_RUNQ], p->window_ns) < 0.01)
		return;
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__pad(l, 11);
	bb_line__printf(l, "%s preempted, %s after waking up, %s throttled by quota",
			bb_fmt__ns(preempted, sizeof(preempted), b->runq_preempted_ns),
			bb_fmt__ns(woken, sizeof(woken), b->runq_woken_ns),
			bb_fmt__ns(throttled, sizeof(throttled), b->runq_throttled_ns));
	bb_line__end(l);
	states__takers(t, p);
	states__migrations(l, p->migrations);
}

static void states__row(struct bb_text *t, const struct bb_process *p, enum bb_state state)
{
	struct bb_line *l = &t->line;
	uint64_t ns = p->budget.ns[state];
	size_t bar = l->width > 66 ? l->width - 66 : 0; /* what the words leave */
	char text[BB_FMT_LEN];

	bb_line__pad(l, 2);
	bb_line__put(l, bb_state__name(state));
	bb_line__right(l, 16, bb_fmt__share(text, sizeof(text), ratio(ns, p->window_ns)));
	bb_line__right(l, 25, bb_fmt__ns(text, sizeof(text), ns));
	bb_line__pad(l, 27);
	if (bar > 40)
		bar = 40;
	if (bar) {
		bb_line__bar(l, bar, ratio(ns, p->window_ns));
		bb_line__pad(l, 27 + bar + 2);
	}
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__put(l, bb_state__text(state));
	bb_line__end(l);
}

void bb_text__states(struct bb_text *t, const struct bb_process *p)
{
	uint64_t threads = bb_process__threads(p);
	enum bb_state order[BB_STATE_MAX];
	char text[BB_FMT_LEN], count[BB_FMT_LEN];
	int i;

	if (!p->window_ns)
		return;
	bb_fmt__ns(text, sizeof(text), p->window_ns);
	if (threads)
		bb_line__title(&t->line, "Where the time went: %s of %s thread%s", text,
			       bb_fmt__count(count, sizeof(count), threads),
			       threads == 1 ? "" : "s");
	else
		bb_line__title(&t->line, "Where the time went: %s", text);
	states__sort(&p->budget, order);
	for (i = 0; i < BB_STATE_MAX && p->budget.ns[order[i]]; i++) {
		states__row(t, p, order[i]);
		if (order[i] == BB_STATE_RUNQ)
			states__runq(t, p);
	}
}

/* What makes a thread matter: that it ran, or wanted to and was kept from it. */
static uint64_t thread__weight(const struct bb_thread *t)
{
	return t->budget.ns[BB_STATE_ONCPU] + t->budget.ns[BB_STATE_RUNQ] +
	       t->budget.ns[BB_STATE_GIL] + t->budget.ns[BB_STATE_LOCK];
}

static int thread__by_weight(const void *a, const void *b)
{
	const struct bb_thread *x = *(const struct bb_thread *const *)a;
	const struct bb_thread *y = *(const struct bb_thread *const *)b;
	uint64_t p = thread__weight(x), q = thread__weight(y);

	if (p == q) {
		p = bb_budget__io(&x->budget);
		q = bb_budget__io(&y->budget);
	}
	if (p != q)
		return p < q ? 1 : -1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

static enum bb_state state__mostly(const struct bb_budget *b)
{
	enum bb_state s, most = BB_STATE_GIL;

	for (s = BB_STATE_GIL; s < BB_STATE_MAX; s++)
		if (b->ns[s] > b->ns[most])
			most = s;
	return most;
}

/* The largest cause of blocking, and the call and the other end where they are known. */
static void thread__mostly(struct bb_text *t, const struct bb_thread *th)
{
	struct bb_line *l = &t->line;
	enum bb_state most = state__mostly(&th->budget);
	char name[BB_FMT_LEN];
	size_t i;

	if (th->unseen) {
		bb_line__put(l, "no detail");
		return;
	}
	if (ratio(th->budget.ns[most], th->window_ns) < 0.1)
		return;
	for (i = 0; i < th->nr_waits && th->waits[i].state != most; i++)
		;
	if (most == BB_STATE_GIL || i == th->nr_waits) {
		bb_line__put(l, most == BB_STATE_GIL ? "the GIL" : bb_state__name(most));
		return;
	}
	bb_line__put(l, bb_text__syscall_name(t->opts, th->waits[i].syscall, name, sizeof(name)));
	/* Half a label says nothing; the table of waits has all of it. */
	if (th->waits[i].label[0] && bb_line__fits(l, th->waits[i].label)) {
		bb_line__put(l, " ");
		bb_line__put(l, th->waits[i].label);
	}
}

static void threads__shares(struct bb_line *l, const struct bb_budget *b, uint64_t window_ns)
{
	bb_text__row_share(l, 31, b->ns[BB_STATE_ONCPU], window_ns);
	bb_text__row_share(l, 37, b->ns[BB_STATE_RUNQ], window_ns);
	bb_text__row_share(l, 43, b->ns[BB_STATE_GIL], window_ns);
	bb_text__row_share(l, 49, b->ns[BB_STATE_LOCK], window_ns);
	bb_text__row_share(l, 55, bb_budget__io(b), window_ns);
	bb_text__row_share(l, 61, bb_budget__idle(b), window_ns);
}

static void threads__row(struct bb_text *t, const struct bb_thread *th)
{
	struct bb_line *l = &t->line;
	char tid[BB_FMT_LEN];

	bb_line__put(l, th->born && th->ended ? "*" : th->born ? "+" : th->ended ? "-" : " ");
	snprintf(tid, sizeof(tid), "%d", th->tid);
	bb_line__right(l, 8, tid);
	bb_line__pad(l, 9);
	bb_line__escaped(l, th->name ? th->name : th->comm, 16);
	threads__shares(l, &th->budget, th->window_ns);
	bb_line__pad(l, 63);
	bb_line__color(l, BB_COLOR_DIM);
	thread__mostly(t, th);
	bb_line__end(l);
}

/* The same of a sum over threads: only the state. */
static void threads__mostly(struct bb_text *t, const struct bb_budget *b, uint64_t window_ns)
{
	enum bb_state most = state__mostly(b);

	if (ratio(b->ns[most], window_ns) >= 0.1)
		bb_line__put(&t->line, most == BB_STATE_GIL ? "the GIL" : bb_state__name(most));
}

/* Those that ran, wanted to, or were in I/O; a worker that waits for work all along is not. */
static size_t threads__that_matter(const struct bb_thread *const *sorted, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < BB_TEXT_TOP; i++)
		if (!thread__weight(sorted[i]) && !bb_budget__io(&sorted[i]->budget))
			break;
	return i;
}

/* One row for the threads from @from on and those that were summed when they ended. */
static void threads__rest(struct bb_text *t, const struct bb_process *p,
			  const struct bb_thread *const *sorted, size_t from)
{
	struct bb_budget sum = p->folded;
	uint64_t window_ns = p->folded_window_ns;
	uint64_t n = p->folded_threads + p->nr_threads - from;
	char count[BB_FMT_LEN];
	size_t i;

	if (!n)
		return;
	for (i = from; i < p->nr_threads; i++) {
		bb_budget__add(&sum, &sorted[i]->budget);
		window_ns += sorted[i]->window_ns;
	}
	bb_line__pad(&t->line, 2);
	bb_line__printf(&t->line, "%s %s%s", bb_fmt__count(count, sizeof(count), n),
			from     ? "more"
			: n == 1 ? "thread"
				 : "threads",
			p->folded_threads == n ? ", ended" : "");
	threads__shares(&t->line, &sum, window_ns);
	bb_line__pad(&t->line, 63);
	bb_line__color(&t->line, BB_COLOR_DIM);
	threads__mostly(t, &sum, window_ns);
	bb_line__end(&t->line);
}

static void threads__legend(struct bb_text *t, const struct bb_process *p, size_t shown,
			    const struct bb_thread *const *sorted)
{
	bool changed = false;
	size_t i;

	for (i = 0; i < shown; i++)
		changed |= sorted[i]->born || sorted[i]->ended;
	if (!changed && !p->threads_born && !p->threads_ended)
		return;
	bb_line__color(&t->line, BB_COLOR_DIM);
	bb_line__pad(&t->line, 2);
	if (changed)
		bb_line__put(&t->line, "+ started, - ended, * both in the window; ");
	bb_line__printf(&t->line, "%llu started, %llu ended in all",
			(unsigned long long)p->threads_born, (unsigned long long)p->threads_ended);
	bb_line__end(&t->line);
}

void bb_text__threads(struct bb_text *t, const struct bb_process *p)
{
	const struct bb_thread **sorted;
	size_t i, shown = p->nr_threads;

	/* The budget of a single thread is that of its process. */
	if (bb_process__threads(p) < 2 && !t->opts->all_threads)
		return;
	sorted = calloc(p->nr_threads + 1, sizeof(*sorted));
	if (!sorted) {
		bb_out__fail(&t->out, -ENOMEM);
		return;
	}
	for (i = 0; i < p->nr_threads; i++)
		sorted[i] = &p->threads[i];
	qsort(sorted, p->nr_threads, sizeof(*sorted), thread__by_weight);
	if (!t->opts->all_threads)
		shown = threads__that_matter(sorted, p->nr_threads);
	bb_line__title(&t->line, "Threads that matter most, in shares of their own time");
	bb_line__color(&t->line, BB_COLOR_DIM);
	bb_line__put(&t->line, "     tid name            on-CPU  runq   gil  lock   I/O  "
			       "wait  blocked mostly in");
	bb_line__end(&t->line);
	for (i = 0; i < shown; i++)
		threads__row(t, sorted[i]);
	threads__rest(t, p, sorted, shown);
	threads__legend(t, p, shown, sorted);
	free(sorted);
}
