// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "workers.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../util/grow.h"
#include "rules.h"

#define LEAST 16 /* the curve goes so far in any case */
#define TIMES 4  /* and to so many times what there is */
#define EACH  8  /* up to here it has each number, then some of each doubling */

size_t bb_workers__most(size_t now)
{
	size_t most = now * TIMES > LEAST ? now * TIMES : LEAST;

	return most < BB_MVA_MOST ? most : BB_MVA_MOST;
}

/* 1 to 8, 10, 12, 14, 16, 20, 24, ...: four of each doubling. */
static bool is_shown(size_t n)
{
	size_t step = 1;

	while (n / step > EACH)
		step *= 2;
	return n % step == 0;
}

static void say(struct bb_workers *w, const struct bb_demands *d, bool flat)
{
	const char *what = w->processes ? "processes" : "threads";
	struct bb_variation v = { .no_gil = w->processes };

	if (!flat) {
		snprintf(w->why, sizeof(w->why), "up to %u %s nothing is full: more bring more",
			 w->curve[w->nr_curve - 1].n, what);
		return;
	}
	switch (bb_predict__limit(d, &v)) {
	case BB_STATION_GIL:
		snprintf(w->why, sizeof(w->why),
			 "then the GIL is full: a thread's work holds it for %.2f of it",
			 (d->need.gil + d->need.gil_off) / bb_need__sum(&d->need));
		break;
	case BB_STATION_LOCK:
		snprintf(w->why, sizeof(w->why), "then the lock is held all of the time");
		break;
	default:
		snprintf(w->why, sizeof(w->why),
			 "then the CPUs are full: %.3g are to be had, and %s need them for %.2f of "
			 "their work",
			 d->cpus_spare, what, (d->need.gil + d->need.cpu) / bb_need__sum(&d->need));
		break;
	}
}

int bb_workers__of(struct bb_workers *w, const struct bb_demands *d, const struct bb_prediction *of,
		   size_t most, bool processes)
{
	double top = 0;

	w->now = (unsigned int)d->n;
	w->processes = processes;
	for (size_t i = 0; i < most; i++)
		top = fmax(top, of[i].speedup);
	for (size_t i = 0; i < most; i++) {
		struct bb_workers_point *p;

		if (!w->best && of[i].speedup >= top * (1 - bb_rule(BB_R_FLAT)))
			w->best = (unsigned int)i + 1;
		if (!is_shown(i + 1) && i + 1 != d->n && i + 1 != w->best)
			continue;
		p = bb_grow((void **)&w->curve, &w->nr_curve, sizeof(*w->curve));
		if (!p)
			return -ENOMEM;
		*p = (struct bb_workers_point){ (unsigned int)i + 1, of[i].speedup, of[i].low,
						of[i].high };
	}
	/* the last doubling still brought half as much again: it goes on */
	say(w, d, of[most - 1].speedup < 1.5 * of[most / 2 - 1].speedup);
	return 0;
}

void bb_workers__free(struct bb_workers *w)
{
	free(w->curve);
	memset(w, 0, sizeof(*w));
}
