// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "units.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../model/loop.h"
#include "facts.h"
#include "rules.h"
#include "unit_parts.h"

/* The standard error of a share of n samples is at most 1 / (2 sqrt(n)): a tenth. */
#define SAMPLES 25

const char *bb_unit__name(enum bb_unit_kind kind)
{
	static const char *const names[] = {
#define X(id, name, plural) name,
		BB_UNITS(X)
#undef X
	};

	return kind < BB_UNIT_MAX ? names[kind] : "none";
}

const char *bb_unit__plural(enum bb_unit_kind kind)
{
	static const char *const plurals[] = {
#define X(id, name, plural) plural,
		BB_UNITS(X)
#undef X
	};

	return kind < BB_UNIT_MAX ? plurals[kind] : "";
}

void bb_unit__no(struct bb_unit *u, const char *fmt, ...)
{
	va_list ap;

	if (u->why_not[0])
		return;
	va_start(ap, fmt);
	vsnprintf(u->why_not, sizeof(u->why_not), fmt, ap);
	va_end(ap);
}

void bb_unit__spend(struct bb_unit *u, const struct bb_thread *t, const double *between)
{
	u->threads++;
	for (int s = 0; s < BB_STATE_MAX; s++)
		u->spent[s] += fmax(0, (double)t->budget.ns[s] - between[s]);
	u->held_samples += (double)t->gil_samples;
	u->free_samples += (double)t->gil_free_samples;
}

/* A turn is from a poll's return to the next poll: all that the thread does but poll. */
static bool turns(struct bb_unit *u, const struct bb_record *rec, const struct bb_process *p)
{
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];
		const struct bb_loop *l = bb_process__loop_of(p, t->tid);
		double between[BB_STATE_MAX] = {};

		if (!l || !l->turns)
			continue;
		for (size_t j = 0; j < t->nr_waits; j++)
			if (t->waits[j].polls)
				between[t->waits[j].state] += (double)t->waits[j].ns;
		/* polls of something else lie within a turn */
		between[BB_STATE_POLL] -= (double)l->inner_ns;
		bb_unit__spend(u, t, between);
		u->low += (double)l->turns;
		if (!l->exact)
			bb_unit__no(u, "polls that did not block were not seen: system calls were "
				       "not traced all the time (--syscalls=on)");
	}
	if (rec->drops[BB_DROP_LOOPS_FULL])
		bb_unit__no(u, "there was no room for all loops: see the losses");
	u->high = u->why_not[0] ? INFINITY : u->low;
	return u->low > 0;
}

static const char too_few[] = "too few in the window";

static bool is_few(const struct bb_unit *u)
{
	return !strcmp(u->why_not, too_few);
}

/* Wide bounds, or few units, are no count. */
static void settle(struct bb_unit *u)
{
	double most = fmax(u->low, u->high), unseen = bb_rule(BB_R_UNITS_UNSEEN);

	if (u->low > u->high * (1 + unseen)) {
		bb_unit__no(u,
			    "%s are waited for more often than anything is answered: they come in "
			    "parts, or nobody awaits an answer",
			    bb_unit__plural(u->kind));
		u->low = 0;
		u->high = most;
	} else if (u->low < most * (1 - unseen)) {
		bb_unit__no(u, "how many were there already, and did not have to be waited for, is "
			       "not known");
	} else if (u->low < bb_rule(BB_R_UNITS_LEAST)) {
		bb_unit__no(u, "%s", too_few);
	}
	/* what the edges of the window cut off either way */
	u->low = fmin(u->low, u->high);
	u->count = u->why_not[0] ? NAN : round(u->low);
}

void bb_units__of(struct bb_units *u, const struct bb_record *rec, const struct bb_process *p,
		  bool incomplete)
{
	uint64_t start, end;

	memset(u, 0, sizeof(*u));
	if (p->kernel_thread)
		return;
	bb_facts__span(rec, p, &start, &end);
	for (int k = 0; k < BB_UNIT_MAX; k++) {
		struct bb_unit *it = &u->items[u->nr];
		bool some;

		memset(it, 0, sizeof(*it));
		it->kind = k;
		it->span_ns = (double)(end - start);
		it->has_gil = p->runtime.gil == BB_GIL_ENABLED;
		some = k == BB_UNIT_REQUEST     ? bb_unit__requests(it, rec, p, &u->handed_on)
		       : k == BB_UNIT_HAND_OVER ? bb_unit__hand_overs(it, rec, p)
						: turns(it, rec, p);
		if (!some)
			continue;
		if (incomplete)
			bb_unit__no(it, "figures are missing, see the losses");
		settle(it);
		u->nr++;
	}
	if (u->nr < BB_UNIT_MAX)
		memset(&u->items[u->nr], 0, sizeof(u->items[0]));
}

static void add(struct bb_unit *to, const struct bb_unit *u)
{
	/* few of each may be many together */
	to->count += is_few(u) ? round(u->low) : u->count;
	to->low += u->low;
	to->high += u->high;
	to->threads += u->threads;
	for (int s = 0; s < BB_STATE_MAX; s++)
		to->spent[s] += u->spent[s];
	to->held_samples += u->held_samples;
	to->free_samples += u->free_samples;
	to->has_gil |= u->has_gil;
	if (u->why_not[0] && !is_few(u))
		bb_unit__no(to, "of one of the processes: %s", u->why_not);
}

/*
 * Who gets a connection that another process accepted may never have to wait, and then has no
 * requests that are seen: unless there is one for each connection they are not all of them.
 */
static void check_handed_on(struct bb_unit *u, double connections)
{
	if (fabs(u->count - connections) > bb_rule(BB_R_UNITS_UNSEEN) * connections)
		bb_unit__no(u, "connections are handed on to other processes, and not all of their "
			       "requests were seen");
}

void bb_units__tree(struct bb_units *u, const struct bb_units *each, size_t nr, double window_ns)
{
	memset(u, 0, sizeof(*u));
	for (size_t i = 0; i < nr; i++)
		u->handed_on += each[i].handed_on;
	for (int k = 0; k < BB_UNIT_MAX; k++) {
		struct bb_unit *it = &u->items[u->nr];
		bool some = false;

		for (size_t i = 0; i < nr; i++) {
			for (size_t j = 0; j < each[i].nr; j++) {
				if (each[i].items[j].kind != (enum bb_unit_kind)k)
					continue;
				it->kind = k;
				add(it, &each[i].items[j]);
				some = true;
			}
		}
		if (!some)
			continue;
		u->nr++;
		it->span_ns = window_ns;
		if (k == BB_UNIT_REQUEST && u->handed_on > 0)
			check_handed_on(it, u->handed_on);
		if (it->why_not[0])
			it->count = NAN;
		if (it->count >= bb_rule(BB_R_UNITS_LEAST) || isnan(it->count))
			continue;
		bb_unit__no(it, "%s", too_few);
		it->count = NAN;
	}
}

const struct bb_unit *bb_units__told(const struct bb_units *u)
{
	for (size_t i = 0; i < u->nr; i++)
		if (u->items[i].kind != BB_UNIT_LOOP_TURN && !isnan(u->items[i].count))
			return &u->items[i];
	return NULL;
}

double bb_unit__per_s(const struct bb_unit *u, double count)
{
	return u->span_ns > 0 ? count / (u->span_ns / 1e9) : NAN;
}

double bb_unit__ns(const struct bb_unit *u, enum bb_state s)
{
	return u->count > 0 ? u->spent[s] / u->count : NAN;
}

double bb_unit__work_ns(const struct bb_unit *u)
{
	double ns = 0;

	for (int s = 0; s < BB_STATE_MAX; s++)
		ns += bb_unit__ns(u, s);
	return ns;
}

double bb_unit__held_ns(const struct bb_unit *u)
{
	double n = u->held_samples + u->free_samples;

	if (!u->has_gil || n < SAMPLES)
		return NAN;
	return bb_unit__ns(u, BB_STATE_ONCPU) * u->held_samples / n;
}
