/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section on event loops: how long whatever is due has to wait, and for what. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../model/code.h"
#include "../model/loop.h"
#include "../util/fmt.h"
#include "names.h"
#include "text.h"

#define LOOPS    3
#define BLOCKERS 3
/* A turn that took less is no news, and neither is what took part in it. */
#define LAG_NS 10000000ULL

static void blocker__row(struct bb_text *t, const struct bb_blocker *b)
{
	char ns[BB_FMT_LEN], count[BB_FMT_LEN], max[BB_FMT_LEN], at[160], task[160], text[512];
	size_t n;

	bb_text__frame(at, sizeof(at), b->frame);
	bb_fmt__ns(ns, sizeof(ns), b->ns);
	if (b->state == BB_STATE_RUNQ)
		n = (size_t)snprintf(text, sizeof(text), "%s waiting for a CPU", ns);
	else if (b->state == BB_STATE_ONCPU)
		n = (size_t)snprintf(text, sizeof(text), "computed for about %s%s%s", ns,
				     b->frame ? " in " : "", b->frame ? at : "");
	else
		n = (size_t)snprintf(text, sizeof(text), "%s in %s, %s times, %s the longest: %s",
				     ns, bb_state__name(b->state),
				     bb_fmt__count(count, sizeof(count), b->count),
				     bb_fmt__ns(max, sizeof(max), b->max_ns), at);
	if (b->task && b->task != b->frame && n < sizeof(text)) {
		bb_text__frame(task, sizeof(task), b->task);
		snprintf(text + n, sizeof(text) - n, ", called by %s", task);
	}
	bb_line__pad(&t->line, 4);
	bb_line__wrap(&t->line, 6, text);
}

static void loop__rows(struct bb_text *t, const struct bb_process *p, const struct bb_loop *l)
{
	char rate[BB_FMT_LEN], busy[BB_FMT_LEN], p50[BB_FMT_LEN], p99[BB_FMT_LEN], max[BB_FMT_LEN];
	double secs = (double)l->window_ns / 1e9;
	struct bb_blocker *rows;
	char text[400];
	size_t nr;

	snprintf(text, sizeof(text),
		 "%s in thread %d: %s turns a second, busy %s; a turn takes %s%s (median), %s (99 "
		 "of 100), %s at most.",
		 bb_name__loop(l->kind), l->tid,
		 bb_fmt__real(rate, sizeof(rate), secs > 0 ? (double)l->turns / secs : 0, 3),
		 bb_fmt__share(busy, sizeof(busy), (double)l->busy_ns / (double)l->window_ns),
		 l->exact ? "" : "at most ",
		 bb_fmt__ns(p50, sizeof(p50), bb_loop__quantile(l, 0.5)),
		 bb_fmt__ns(p99, sizeof(p99), bb_loop__quantile(l, 0.99)),
		 bb_fmt__ns(max, sizeof(max), l->max_ns));
	bb_line__wrap(&t->line, 2, text);
	if (bb_loop__blockers(p, l, &rows, &nr))
		return;
	for (size_t i = 0; i < nr && i < BLOCKERS && l->max_ns >= LAG_NS; i++)
		if (rows[i].ns >= LAG_NS && rows[i].ns >= l->busy_ns / 100)
			blocker__row(t, &rows[i]);
	free(rows);
}

void bb_text__loops(struct bb_text *t, const struct bb_process *p)
{
	size_t shown = 0;

	for (size_t i = 0; i < p->nr_loops; i++) {
		const struct bb_loop *l = &p->loops[i];

		/* of Go's threads none is the loop; few turns say nothing */
		if (l->kind == BB_LOOP_GO || !l->window_ns || (l->turns < 10 && l->max_ns < LAG_NS))
			continue;
		if (!shown)
			bb_line__title(&t->line,
				       "Event loops: what is due waits for the turn that runs");
		if (shown < LOOPS)
			loop__rows(t, p, l);
		shown++;
	}
	if (shown > LOOPS) {
		bb_line__printf(&t->line, "  %zu more loops", shown - LOOPS);
		bb_line__end(&t->line);
	}
}
