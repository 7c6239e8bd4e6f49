/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text report: the table of several processes, and the compact lines of -i. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../util/fmt.h"
#include "text.h"
#include "tree.h"

struct busy {
	size_t index;
	uint64_t ns;
};

/* Busy is who ran, or was kept from running. */
static uint64_t process__weight(const struct bb_process *p)
{
	return p->budget.ns[BB_STATE_ONCPU] + p->budget.ns[BB_STATE_RUNQ] +
	       p->budget.ns[BB_STATE_GIL] + p->budget.ns[BB_STATE_LOCK];
}

static int busy__most_first(const void *a, const void *b)
{
	const struct busy *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

size_t *bb_text__busiest(const struct bb_record *rec)
{
	size_t i, n = rec->nr_processes;
	struct busy *busy = calloc(n + 1, sizeof(*busy));
	size_t *order = calloc(n + 1, sizeof(*order));

	if (!busy || !order) {
		free(busy);
		free(order);
		return NULL;
	}
	for (i = 0; i < n; i++) {
		busy[i].index = i;
		busy[i].ns = process__weight(&rec->processes[i]);
	}
	qsort(busy, n, sizeof(*busy), busy__most_first);
	for (i = 0; i < n; i++)
		order[i] = busy[i].index;
	free(busy);
	return order;
}

static void processes__figures(struct bb_text *t, const struct bb_budget *b, uint64_t window_ns,
			       uint64_t threads)
{
	struct bb_line *l = &t->line;
	char text[BB_FMT_LEN];

	bb_line__right(l, 54, bb_fmt__count(text, sizeof(text), threads));
	bb_text__row_share(l, 60, b->ns[BB_STATE_ONCPU], window_ns);
	bb_text__row_share(l, 65, b->ns[BB_STATE_RUNQ], window_ns);
	bb_text__row_share(l, 70, b->ns[BB_STATE_GIL] + b->ns[BB_STATE_LOCK], window_ns);
	bb_text__row_share(l, 75, bb_budget__io(b), window_ns);
	bb_text__row_share(l, 80, bb_budget__idle(b), window_ns);
	bb_line__end(l);
}

static void processes__row(struct bb_text *t, size_t i)
{
	const struct bb_process *p = &t->rec->processes[i];
	const struct bb_verdict *v = &t->diag->processes[i];
	struct bb_line *l = &t->line;
	char text[BB_FMT_LEN];

	bb_line__put(l, p->born && p->ended ? "*" : p->born ? "+" : p->ended ? "-" : " ");
	snprintf(text, sizeof(text), "%d", p->pid);
	bb_line__right(l, 8, text);
	bb_line__pad(l, 9);
	bb_line__escaped(l, p->comm, 16);
	bb_line__pad(l, 26);
	bb_line__color(l, bb_text__verdict_color(v->bound));
	bb_line__put(l, bb_bound__name(v->bound));
	bb_line__color(l, BB_COLOR_NONE);
	snprintf(text, sizeof(text), "%.2f", v->confidence);
	bb_line__right(l, 45, text);
	processes__figures(t, &p->budget, p->window_ns, bb_process__threads(p));
}

static void processes__legend(struct bb_text *t, const size_t *order, size_t shown)
{
	bool changed = false;
	size_t i;

	for (i = 0; i < shown; i++)
		changed |= t->rec->processes[order[i]].born || t->rec->processes[order[i]].ended;
	if (!changed)
		return;
	bb_line__color(&t->line, BB_COLOR_DIM);
	bb_line__put(&t->line, "  + started, - ended, * both in the window");
	bb_line__end(&t->line);
}

void bb_text__processes(struct bb_text *t)
{
	size_t i, n = t->rec->nr_processes, shown = n > BB_TEXT_TOP ? BB_TEXT_TOP : n;
	size_t *order = bb_text__busiest(t->rec);
	struct bb_line *l = &t->line;
	struct bb_budget rest = {};
	uint64_t window_ns = 0, threads = 0;

	if (!order) {
		bb_out__fail(&t->out, -ENOMEM);
		return;
	}
	bb_line__title(l, "Processes, busiest first, in shares of their threads' time");
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__put(l, "     pid name             verdict       conf. threads on-CPU runq "
			"lock  I/O wait");
	bb_line__end(l);
	for (i = 0; i < shown; i++)
		processes__row(t, order[i]);
	for (; i < n; i++) {
		const struct bb_process *p = &t->rec->processes[order[i]];

		bb_budget__add(&rest, &p->budget);
		window_ns += p->window_ns;
		threads += bb_process__threads(p);
	}
	if (shown < n) {
		bb_line__printf(l, "  %zu more", n - shown);
		processes__figures(t, &rest, window_ns, threads);
	}
	processes__legend(t, order, shown);
	free(order);
}

/* The states that matter, longest first, as far as the line goes. */
static void compact__states(struct bb_text *t, const struct bb_budget *b, uint64_t window_ns)
{
	struct bb_line *l = &t->line;
	bool shown[BB_STATE_MAX] = {};
	char text[BB_FMT_LEN * 2];
	int i, most, n;

	for (n = 0; n < BB_STATE_MAX && window_ns; n++) {
		most = -1;
		for (i = 0; i < BB_STATE_MAX; i++)
			if (!shown[i] && (most < 0 || b->ns[i] > b->ns[most]))
				most = i;
		shown[most] = true;
		if (b->ns[most] < window_ns / 100)
			return;
		snprintf(text, sizeof(text), " %s %.0f%%", bb_state__name((enum bb_state)most),
			 100 * (double)b->ns[most] / (double)window_ns);
		/* A state is shown in full or not at all. */
		if (l->columns + strlen(text) > l->width)
			return;
		bb_line__put(l, text);
	}
}

/* When the window ended, in UTC. */
static void compact__time(struct bb_text *t)
{
	int64_t end_ns = t->rec->window.start_realtime_ns + (int64_t)t->rec->window.ns;
	char time[BB_FMT_LEN];

	bb_fmt__time(time, sizeof(time), end_ns);
	time[19] = '\0'; /* up to the second */
	bb_line__color(&t->line, BB_COLOR_DIM);
	bb_line__printf(&t->line, "%sZ ", time + 11);
	bb_line__color(&t->line, BB_COLOR_NONE);
}

static void compact__line(struct bb_text *t, const char *comm, pid_t pid, const struct bb_budget *b,
			  uint64_t window_ns, const struct bb_verdict *v)
{
	size_t losses = bb_record__losses(t->rec);
	struct bb_line *l = &t->line;

	compact__time(t);
	bb_line__escaped(l, comm, 16);
	if (pid)
		bb_line__printf(l, " (%d)", pid);
	bb_line__put(l, ": ");
	bb_line__color(l, bb_text__verdict_color(v->bound));
	bb_line__put(l, bb_bound__name(v->bound));
	bb_line__color(l, BB_COLOR_NONE);
	bb_line__printf(l, " %.2f", v->confidence);
	if (losses) {
		bb_line__color(l, BB_COLOR_WARN);
		bb_line__put(l, " with losses");
		bb_line__color(l, BB_COLOR_NONE);
	}
	bb_line__put(l, ",");
	compact__states(t, b, window_ns);
	bb_line__end(l);
}

void bb_text__compact(struct bb_text *t)
{
	const struct bb_record *rec = t->rec;
	struct bb_budget all = {};
	uint64_t window_ns = 0;
	char name[BB_FMT_LEN];
	size_t i;

	if (!rec->nr_processes) {
		compact__time(t);
		bb_line__put(&t->line, "nothing was measured");
		bb_line__end(&t->line);
	}
	if (t->diag->has_tree) {
		for (i = 0; i < rec->nr_processes; i++) {
			bb_budget__add(&all, &rec->processes[i].budget);
			window_ns += rec->processes[i].window_ns;
		}
		snprintf(name, sizeof(name), "%zu processes", rec->nr_processes);
		compact__line(t, name, 0, &all, window_ns, &t->diag->tree);
	}
	for (i = 0; i < rec->nr_processes; i++)
		compact__line(t, rec->processes[i].comm, rec->processes[i].pid,
			      &rec->processes[i].budget, rec->processes[i].window_ns,
			      &t->diag->processes[i]);
}
