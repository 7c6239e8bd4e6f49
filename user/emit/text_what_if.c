/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section on changes: what each would bring, within what bounds, and at what cost. */
#include <stdio.h>

#include "../util/fmt.h"
#include "text.h"

#define SHOWN 4 /* changes; two lines more are on workers */

/* So many times: no more digits than it deserves, and no fewer than tell 1.0 from 1.04. */
static const char *times(char *buf, size_t len, double x)
{
	snprintf(buf, len, x < 9.95 ? "%.2f" : "%.0f", x);
	return buf;
}

static const char *change__words(char *buf, size_t len, const struct bb_what_if *w)
{
	char n[BB_FMT_LEN];

	bb_fmt__real(n, sizeof(n), w->amount, 3);
	switch (w->change) {
	case BB_CHANGE_PROCESSES:
		snprintf(buf, len, "%s processes", n);
		break;
	case BB_CHANGE_NO_GIL:
		snprintf(buf, len, "no GIL");
		break;
	case BB_CHANGE_THREADS:
		snprintf(buf, len, "%s workers", n);
		break;
	case BB_CHANGE_ASYNCIO:
		snprintf(buf, len, "asyncio, %s tasks", n);
		break;
	case BB_CHANGE_CPUS:
		snprintf(buf, len, "%s CPU%s", n, w->amount == 1 ? "" : "s");
		break;
	case BB_CHANGE_NO_QUOTA:
		snprintf(buf, len, "no CPU quota");
		break;
	case BB_CHANGE_NO_LOCK:
		snprintf(buf, len, "without the lock");
		break;
	case BB_CHANGE_SPLIT_LOCK:
		snprintf(buf, len, "the lock split in %s", n);
		break;
	case BB_CHANGE_FASTER_IO:
		snprintf(buf, len, "I/O %s times faster", n);
		break;
	case BB_CHANGE_MAX:
		buf[0] = '\0';
		break;
	}
	return buf;
}

/* Three digits, and all of what is more. */
static const char *per_s(char *buf, size_t len, double x)
{
	return x >= 1000 && x < 1e18 ? bb_fmt__count(buf, len, (uint64_t)(x + 0.5))
				     : bb_fmt__real(buf, len, x, 3);
}

/* ": 412 -> 790 requests/s (700 to 850)" */
static void change__rate(char *buf, size_t len, const struct bb_what_if *w,
			 const struct bb_what_ifs *all)
{
	char now[BB_FMT_LEN], then[BB_FMT_LEN], low[BB_FMT_LEN], high[BB_FMT_LEN];

	buf[0] = '\0';
	if (!all->unit)
		return;
	snprintf(buf, len, ": %s -> %s %s/s (%s to %s)", per_s(now, sizeof(now), all->now.per_s),
		 per_s(then, sizeof(then), w->rate.per_s), bb_unit__plural(all->unit->kind),
		 per_s(low, sizeof(low), w->rate.low), per_s(high, sizeof(high), w->rate.high));
}

static void change__row(struct bb_text *t, const struct bb_what_if *w,
			const struct bb_what_ifs *all)
{
	char words[64], speedup[BB_FMT_LEN], low[BB_FMT_LEN], high[BB_FMT_LEN], text[480];
	char bytes[BB_FMT_LEN], rate[160];
	size_t n;

	times(speedup, sizeof(speedup), w->speedup);
	change__rate(rate, sizeof(rate), w, all);
	n = (size_t)snprintf(text, sizeof(text), "(%s to %s) %s%s", times(low, sizeof(low), w->low),
			     times(high, sizeof(high), w->high),
			     change__words(words, sizeof(words), w), rate);
	/* of less nobody wants to know */
	if (w->memory_bytes != BB_UNKNOWN_U64 && w->memory_bytes >= 1 << 20 && n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, ", up to %s more memory",
			 bb_fmt__bytes(bytes, sizeof(bytes), w->memory_bytes));
	bb_line__right(&t->line, 8, speedup);
	bb_line__put(&t->line, "x ");
	bb_line__wrap(&t->line, 10, text);
}

/* Of each change the first amount, but of workers that which the curve supports. */
static bool is_shown(const struct bb_what_ifs *w, size_t i)
{
	const struct bb_what_if *it = &w->items[i];

	if (it->change == BB_CHANGE_THREADS)
		return false;
	if (it->change == BB_CHANGE_CPUS)
		return i + 1 == w->nr || w->items[i + 1].change != BB_CHANGE_CPUS;
	return !i || w->items[i - 1].change != it->change;
}

static void workers__row(struct bb_text *t, const struct bb_workers *w)
{
	const struct bb_workers_point *at = NULL;
	char text[320], speedup[BB_FMT_LEN];

	/* the last point up to there */
	for (size_t i = 0; i < w->nr_curve; i++)
		if (w->curve[i].n <= w->best)
			at = &w->curve[i];
	if (!at)
		return;
	snprintf(text, sizeof(text), "%u %s are enough (now %u, %sx): %s.", w->best,
		 w->processes ? "processes" : "threads", w->now,
		 times(speedup, sizeof(speedup), at->speedup), w->why);
	bb_line__pad(&t->line, 2);
	bb_line__wrap(&t->line, 2, text);
}

void bb_text__what_if(struct bb_text *t, const struct bb_what_ifs *w)
{
	const struct bb_what_if *rows[BB_CHANGE_MAX];
	size_t nr = 0, at;

	if (!w || !w->nr)
		return;
	/* one of each change, the largest gain first */
	for (size_t i = 0; i < w->nr && nr < BB_CHANGE_MAX; i++) {
		if (!is_shown(w, i))
			continue;
		for (at = nr++; at && rows[at - 1]->speedup < w->items[i].speedup; at--)
			rows[at] = rows[at - 1];
		rows[at] = &w->items[i];
	}
	bb_line__title(&t->line, w->capacity ? "What if (it waits for work: of what it could do)"
					     : "What if (times its throughput)");
	for (size_t i = 0; i < nr && i < SHOWN; i++)
		change__row(t, rows[i], w);
	if (w->workers.nr_curve)
		workers__row(t, &w->workers);
}
