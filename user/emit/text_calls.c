/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text report: the system calls. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/calls.h"
#include "../util/fmt.h"
#include "names.h"
#include "text.h"

static void call__name(struct bb_text *t, const struct bb_syscall *s)
{
	const char *op = bb_name__futex_op(s->kind);
	char number[BB_FMT_LEN], text[2 * BB_FMT_LEN];
	const char *name = bb_text__syscall_name(t->opts, s->nr, number, sizeof(number));

	bb_line__pad(&t->line, 2);
	/* futex_wait is a call of its own, and says what it does */
	if (op && s->nr >= 0 && !strchr(name, '_')) {
		snprintf(text, sizeof(text), "%s %s", name, op);
		name = text;
	}
	bb_line__escaped(&t->line, name, 18);
}

/* How many came out that way, and with how much: as snprintf(). */
static int call__outcome(char *buf, size_t len, const struct bb_syscall *s, enum bb_outcome o)
{
	static const char *const words[BB_CALL_KIND_MAX][BB_OUT_MAX] = {
		[BB_CALL_FUTEX_WAIT] = { [BB_OUT_NONE] = "woken",
					 [BB_OUT_AGAIN] = "where the value had changed" },
		[BB_CALL_FUTEX_WAKE] = { "woke nobody", "woke" },
		[BB_CALL_POLL] = { "timed out", "ready with" },
		[BB_CALL_READ] = { "end of file", "got" },
		[BB_CALL_WRITE] = { "empty", "put" },
		[BB_CALL_MESSAGES] = { "empty", "passed" },
	};
	static const char *const errors[BB_OUT_MAX] = {
		[BB_OUT_NONE] = "ok",          [BB_OUT_SOME] = "ok",
		[BB_OUT_AGAIN] = "EAGAIN",     [BB_OUT_TIMEOUT] = "timed out",
		[BB_OUT_INTR] = "interrupted", [BB_OUT_ERROR] = "failed",
	};
	const char *word = words[s->kind][o] ? words[s->kind][o] : errors[o];
	const char *unit = bb_name__unit(s->kind);
	char count[BB_FMT_LEN], amount[BB_FMT_LEN];

	bb_fmt__count(count, sizeof(count), s->outcomes[o].count);
	if (o != BB_OUT_SOME || !unit)
		return snprintf(buf, len, "%s %s", count, word);
	if (s->kind == BB_CALL_READ || s->kind == BB_CALL_WRITE)
		return snprintf(buf, len, "%s %s %s", count, word,
				bb_fmt__bytes(amount, sizeof(amount), s->amount));
	/* the unit without its plural */
	return snprintf(buf, len, "%s %s %s %.*s", count, word,
			bb_fmt__count(amount, sizeof(amount), s->amount),
			(int)strlen(unit) - (s->amount == 1), unit);
}

/* Of calls whose outcome means something. */
static void call__outcomes(struct bb_text *t, const struct bb_syscall *s)
{
	char text[BB_OUT_MAX * 3 * BB_FMT_LEN];
	size_t used = 0;

	if (s->kind < BB_CALL_FUTEX_WAIT || s->kind >= BB_CALL_KIND_MAX || !s->count ||
	    s->count == BB_UNKNOWN_U64)
		return;
	for (int o = 0; o < BB_OUT_MAX; o++) {
		if (!s->outcomes[o].count)
			continue;
		if (used)
			used += (size_t)snprintf(text + used, sizeof(text) - used, ", ");
		used += (size_t)call__outcome(text + used, sizeof(text) - used, s, o);
	}
	bb_line__color(&t->line, BB_COLOR_DIM);
	bb_line__wrap(&t->line, 4, text);
}

/* In the window; of complete calls alone, where it was not traced through all of it. */
static uint64_t call__time(const struct bb_syscall *s)
{
	return s->inside_ns == BB_UNKNOWN_U64 ? s->ns : s->inside_ns;
}

static void call__traced(struct bb_text *t, const struct bb_call *c)
{
	const struct bb_syscall *s = &c->traced;
	double share = bb_call__blocked_share(t->rec, c);
	uint64_t mean = s->count == BB_UNKNOWN_U64 ? s->count : s->count ? s->ns / s->count : 0;
	struct bb_line *l = &t->line;
	char text[BB_FMT_LEN];

	call__name(t, s);
	bb_line__right(l, 28, bb_fmt__count(text, sizeof(text), s->count));
	bb_line__right(l, 36, bb_fmt__count(text, sizeof(text), s->errors));
	bb_line__right(l, 45, bb_fmt__ns(text, sizeof(text), call__time(s)));
	bb_line__right(l, 54, bb_fmt__ns(text, sizeof(text), c->blocked_ns));
	if (!isnan(share))
		bb_line__right(l, 61, bb_fmt__share(text, sizeof(text), share));
	bb_line__right(l, 70, bb_fmt__ns(text, sizeof(text), mean));
	bb_line__right(l, 79, bb_fmt__ns(text, sizeof(text), s->max_ns));
	bb_line__end(l);
	call__outcomes(t, s);
}

static void call__untraced(struct bb_text *t, const struct bb_call *c)
{
	struct bb_line *l = &t->line;
	char text[BB_FMT_LEN];

	call__name(t, &c->traced);
	bb_line__right(l, 28, bb_fmt__count(text, sizeof(text), c->waits));
	bb_line__right(l, 37, bb_fmt__ns(text, sizeof(text), c->blocked_ns));
	bb_line__right(l, 46, bb_fmt__ns(text, sizeof(text), c->blocked_max_ns));
	bb_line__end(l);
}

/* The sum of those that have no row. */
static void calls__rest(struct bb_text *t, const struct bb_call *calls, size_t nr, bool traced)
{
	struct bb_line *l = &t->line;
	struct bb_call sum = {};
	uint64_t ns = 0;
	char text[BB_FMT_LEN];

	if (!nr)
		return;
	for (size_t i = 0; i < nr; i++) {
		if (calls[i].traced.count != BB_UNKNOWN_U64) {
			bb_syscall__add(&sum.traced, &calls[i].traced);
			ns += call__time(&calls[i].traced);
		}
		sum.waits += calls[i].waits;
		sum.blocked_ns += calls[i].blocked_ns;
	}
	bb_line__printf(l, "  %zu more", nr);
	if (traced) {
		bb_line__right(l, 28, bb_fmt__count(text, sizeof(text), sum.traced.count));
		bb_line__right(l, 36, bb_fmt__count(text, sizeof(text), sum.traced.errors));
		bb_line__right(l, 45, bb_fmt__ns(text, sizeof(text), ns));
		bb_line__right(l, 54, bb_fmt__ns(text, sizeof(text), sum.blocked_ns));
	} else {
		bb_line__right(l, 28, bb_fmt__count(text, sizeof(text), sum.waits));
		bb_line__right(l, 37, bb_fmt__ns(text, sizeof(text), sum.blocked_ns));
	}
	bb_line__end(l);
}

static void calls__heading(struct bb_text *t, bool traced)
{
	struct bb_line *l = &t->line;
	char ns[BB_FMT_LEN], all[BB_FMT_LEN];

	bb_fmt__ns(ns, sizeof(ns), t->rec->overhead.syscall_window_ns);
	bb_fmt__ns(all, sizeof(all), t->rec->window.ns);
	if (!traced)
		bb_line__title(l, "System calls that blocked; they were not traced");
	else if (t->rec->overhead.syscall_tracing == BB_TRACING_ON)
		bb_line__title(l, "System calls, traced for %s", ns);
	else
		bb_line__title(l, "System calls, traced for %s; blocked in them in all of the %s",
			       ns, all);
	bb_line__color(l, BB_COLOR_DIM);
	if (traced)
		bb_line__put(l, "  call                 count  errors     time  blocked   of it"
				"     mean  longest");
	else
		bb_line__put(l, "  call                 waits  blocked  longest");
	bb_line__end(l);
}

static void calls__kernel_time(struct bb_text *t, const struct bb_process *p)
{
	struct bb_line *l = &t->line;
	char ns[BB_FMT_LEN], of[BB_FMT_LEN];

	if (p->kernel_ns == BB_UNKNOWN_U64)
		return;
	bb_line__color(l, BB_COLOR_DIM);
	bb_fmt__ns(ns, sizeof(ns), p->kernel_ns);
	bb_fmt__ns(of, sizeof(of), p->budget.ns[BB_STATE_ONCPU]);
	if (t->rec->overhead.syscall_window_ns >= t->rec->window.ns / 100 * 99)
		bb_line__printf(l, "  %s of the %s on a CPU were spent in system calls", ns, of);
	else
		bb_line__printf(l, "  %s on a CPU were spent in system calls while traced", ns);
	bb_line__end(l);
}

void bb_text__syscalls(struct bb_text *t, const struct bb_process *p)
{
	bool traced = t->rec->overhead.syscall_window_ns > 0;
	struct bb_call *calls;
	size_t nr, top;
	int err = bb_process__calls(t->rec, p, &calls, &nr);

	if (err) {
		bb_out__fail(&t->out, err);
		return;
	}
	if (!nr)
		goto out;
	calls__heading(t, traced);
	top = nr < BB_TEXT_TOP ? nr : BB_TEXT_TOP;
	for (size_t i = 0; i < top; i++) {
		if (traced)
			call__traced(t, &calls[i]);
		else
			call__untraced(t, &calls[i]);
	}
	calls__rest(t, calls + top, nr - top, traced);
	if (traced)
		calls__kernel_time(t, p);
out:
	free(calls);
}
