/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section on Python's interpreter lock: how contended, who held it, in which code. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/code.h"
#include "../model/native.h"
#include "../util/fmt.h"
#include "text.h"

#define HOLDERS 6 /* at most ten lines of code in all */
#define WAITERS 2
#define BLOCKED 2

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : NAN;
}

static void gil__row(struct bb_text *t, const struct bb_gil *g, bool several, struct bb_held held)
{
	char share[BB_FMT_LEN], mean[BB_FMT_LEN], count[BB_FMT_LEN], each[BB_FMT_LEN];
	char most[BB_FMT_LEN], interval[BB_FMT_LEN], half[BB_FMT_LEN], p99[BB_FMT_LEN];
	char text[480];
	uint64_t us = g->interval_us;
	size_t n = 0;

	if (several)
		n = (size_t)snprintf(text, sizeof(text), "Interpreter %" PRId64 ": ",
				     g->interpreter);
	if (!isnan(held.share))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "held %s of the window (+-%s); ",
				      bb_fmt__share(share, sizeof(share), held.share),
				      bb_fmt__share(mean, sizeof(mean), held.error));
	if (!g->acquisitions && !g->wait_ns) {
		snprintf(text + n, sizeof(text) - n, "no thread had to wait for it.");
	} else {
		uint64_t mean_ns = g->acquisitions ? g->wait_ns / g->acquisitions : BB_UNKNOWN_U64;

		snprintf(text + n, sizeof(text) - n,
			 "waited for during %s of the window, by %s threads on average and %u at "
			 "most; %s waits: %s each on average, half below %s, 99%% "
			 "below %s; the longest %s; switch interval %s.",
			 bb_fmt__share(share, sizeof(share),
				       ratio(g->contended_ns, t->rec->window.ns)),
			 bb_fmt__real(mean, sizeof(mean),
				      t->rec->window.ns
					      ? (double)g->wait_ns / (double)t->rec->window.ns
					      : 0,
				      3),
			 g->waiters_max, bb_fmt__count(count, sizeof(count), g->acquisitions),
			 bb_fmt__ns(each, sizeof(each), mean_ns),
			 bb_fmt__ns(half, sizeof(half), bb_hist__quantile(g->hist, 0.5, g->max_ns)),
			 bb_fmt__ns(p99, sizeof(p99), bb_hist__quantile(g->hist, 0.99, g->max_ns)),
			 bb_fmt__ns(most, sizeof(most), g->max_ns),
			 us == BB_UNKNOWN_U64 ? "not known"
					      : bb_fmt__ns(interval, sizeof(interval), us * 1000));
	}
	bb_line__wrap(&t->line, 2, text);
}

static const char *comm_of(const struct bb_process *p, pid_t tid)
{
	for (size_t i = 0; i < p->nr_threads; i++)
		if (p->threads[i].tid == tid)
			return p->threads[i].name ? p->threads[i].name : p->threads[i].comm;
	return "";
}

/* So many threads that no one of them would be worth a line. */
#define THREADS_TOLD 16

static bool tells_threads(const struct bb_process *p)
{
	return p->nr_holders <= THREADS_TOLD;
}

/* "  42.1%  1234 python3   A  ab.py:6" */
static void code__row(struct bb_text *t, const struct bb_process *p, const struct bb_code_line *c)
{
	char text[BB_FMT_LEN];
	struct bb_line *l = &t->line;

	bb_line__right(l, 7, bb_fmt__share(text, sizeof(text), c->share));
	if (c->tid)
		snprintf(text, sizeof(text), "%d", c->tid);
	bb_line__right(l, 16, c->tid ? text : tells_threads(p) ? "?" : "several");
	bb_line__pad(l, 17);
	bb_line__escaped(l, comm_of(p, c->tid), 15);
	bb_line__pad(l, 33);
	if (!c->frame) {
		bb_line__put(l, "(in which code is not known)");
		bb_line__end(l);
		return;
	}
	bb_line__escaped(l, c->frame->function, 24);
	bb_line__put(l, " ");
	bb_line__escaped(l, bb_fmt__short_path(c->frame->file), 30);
	if (c->frame->line)
		bb_line__printf(l, ":%d", c->frame->line);
	bb_line__end(l);
}

/* "in C: crc32_z (libz.so.1), 97% of samples", under the line of Python that is there. */
static void call__row(struct bb_text *t, const struct bb_process *p, const struct bb_code_line *c)
{
	struct bb_line *l = &t->line;
	struct bb_native_call call;

	if (!c->frame || bb_native__call(p, c->tid, c->frame, &call) <= 0)
		return;
	bb_line__pad(l, 17);
	bb_line__put(l, "in C: ");
	if (call.symbol)
		bb_line__escaped(l, call.symbol, 20);
	if (call.symbol && call.object)
		bb_line__put(l, " (");
	if (call.object)
		bb_line__escaped(l, bb_fmt__file_name(call.object), 18);
	if (call.symbol && call.object)
		bb_line__put(l, ")");
	bb_line__printf(l, ", %.0f%% of samples", 100 * ratio(call.count, call.samples));
	bb_line__end(l);
}

/* The largest lines of one kind, under a heading. */
static void code__lines(struct bb_text *t, const struct bb_process *p, enum bb_py_kind kind,
			size_t most, const char *head)
{
	struct bb_code_line *lines;
	size_t nr;

	if (bb_code__lines(p, kind, tells_threads(p), &lines, &nr) || !nr)
		return;
	bb_line__color(&t->line, BB_COLOR_DIM);
	bb_line__put(&t->line, head);
	bb_line__end(&t->line);
	for (size_t i = 0; i < nr && i < most; i++) {
		if (i && lines[i].share < 0.01)
			break;
		code__row(t, p, &lines[i]);
		if (kind == BB_PY_HOLDER)
			call__row(t, p, &lines[i]);
	}
	free(lines);
}

/* Waits in which the thread kept the GIL: for a CPU, or for itself, are none of its doing. */
static bool is_own_doing(enum bb_state s)
{
	return s != BB_STATE_RUNQ && s != BB_STATE_GIL && s != BB_STATE_STOPPED;
}

static void held__rows(struct bb_text *t, const struct bb_process *p)
{
	char ns[BB_FMT_LEN], waited[BB_FMT_LEN], text[400];
	struct bb_code_line *lines;
	size_t nr, shown = 0;

	if (bb_code__lines(p, BB_PY_HELD, true, &lines, &nr))
		return;
	for (size_t i = 0; i < nr && shown < BLOCKED; i++) {
		const struct bb_code_line *c = &lines[i];

		if (!is_own_doing(c->state) || c->waited_ns < t->rec->window.ns / 1000)
			continue;
		if (!shown++) {
			bb_line__color(&t->line, BB_COLOR_DIM);
			bb_line__put(&t->line, "  blocked while holding it, so that others waited");
			bb_line__end(&t->line);
		}
		snprintf(text, sizeof(text), "%s in %s (%s), others waited %s: %s %s:%d",
			 bb_fmt__ns(ns, sizeof(ns), c->ns), bb_state__name(c->state),
			 comm_of(p, c->tid), bb_fmt__ns(waited, sizeof(waited), c->waited_ns),
			 c->frame ? c->frame->function : "?",
			 c->frame ? bb_fmt__short_path(c->frame->file) : "?",
			 c->frame ? c->frame->line : 0);
		bb_line__pad(&t->line, 2);
		bb_line__wrap(&t->line, 4, text);
	}
	free(lines);
}

static void gil__code(struct bb_text *t, const struct bb_process *p)
{
	char share[BB_FMT_LEN];
	uint64_t hand_over = 0, contended = 0;

	for (size_t i = 0; i < p->nr_gils; i++) {
		hand_over += p->gils[i].hand_over_ns;
		contended += p->gils[i].contended_ns;
	}
	code__lines(t, p, BB_PY_HOLDER, HOLDERS,
		    tells_threads(p) ? "  held, while others waited, by thread and code"
				     : "  held, while others waited, by code");
	if (contended && hand_over > contended / 100) {
		bb_line__printf(&t->line,
				"  handing it over took %s of the time in which threads waited",
				bb_fmt__share(share, sizeof(share), ratio(hand_over, contended)));
		bb_line__end(&t->line);
	}
	code__lines(t, p, BB_PY_WAITER, WAITERS, "  waited for most by");
	held__rows(t, p);
}

/* With the GIL off, and off all the time, there is nothing to tell of it. */
static bool is_unused(const struct bb_process *p)
{
	for (size_t i = 0; i < p->nr_gils; i++)
		if (p->gils[i].wait_ns || p->gils[i].acquisitions)
			return false;
	return p->runtime.gil == BB_GIL_DISABLED && !p->runtime.gil_changed;
}

static const char *gil_words(const struct bb_process *p)
{
	bool on = p->runtime.gil == BB_GIL_ENABLED;

	if (p->runtime.gil_changed)
		return on ? "The GIL was switched on in the window: the figures are of the time "
			    "before and after."
			  : "The GIL was switched off in the window: the figures are of the time "
			    "before and after.";
	if (on)
		return "A free-threaded build with its GIL on.";
	return is_unused(p) ? "The GIL is off: threads run Python side by side."
			    : "The GIL is off but for moments: importing an extension module "
			      "takes it.";
}

/* A free-threaded build: whether there is a GIL, and what its stops of the world cost. */
static void text__free_threaded(struct bb_text *t, const struct bb_process *p)
{
	char count[BB_FMT_LEN], wall[BB_FMT_LEN], share[BB_FMT_LEN], wait[BB_FMT_LEN];
	char most[BB_FMT_LEN], request[BB_FMT_LEN], text[400];
	struct bb_pauses s;

	if (!bb_process__pauses(p, &s))
		return;
	bb_line__title(&t->line, "Free threading");
	bb_line__wrap(&t->line, 2, gil_words(p));
	if (!s.count) {
		bb_line__wrap(&t->line, 2, "No thread was kept waiting by a stop of the world.");
		return;
	}
	snprintf(text, sizeof(text),
		 "The world was stopped %s time%s, for %s in all (%s of the window): threads "
		 "waited %s through it, %s the longest. Until all had stopped took %s.",
		 bb_fmt__count(count, sizeof(count), s.count), s.count == 1 ? "" : "s",
		 bb_fmt__ns(wall, sizeof(wall), s.wall_ns),
		 bb_fmt__share(share, sizeof(share), ratio(s.wall_ns, t->rec->window.ns)),
		 bb_fmt__ns(wait, sizeof(wait), s.wait_ns),
		 bb_fmt__ns(most, sizeof(most), s.max_ns),
		 bb_fmt__ns(request, sizeof(request), s.request_ns));
	bb_line__wrap(&t->line, 2, text);
}

void bb_text__gil(struct bb_text *t, const struct bb_process *p)
{
	size_t i;

	text__free_threaded(t, p);
	if (!p->nr_gils || is_unused(p))
		return;
	bb_line__title(&t->line, "The GIL, Python's interpreter lock");
	for (i = 0; i < p->nr_gils && i < BB_TEXT_TOP; i++)
		gil__row(t, &p->gils[i], p->nr_gils > 1,
			 bb_gil__held(p, &p->gils[i], t->rec->window.ns));
	if (p->nr_gils > BB_TEXT_TOP)
		bb_line__printf(&t->line, "  %zu more interpreters", p->nr_gils - BB_TEXT_TOP);
	if (p->nr_gils > BB_TEXT_TOP)
		bb_line__end(&t->line);
	gil__code(t, p);
}
