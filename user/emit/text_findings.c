/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section on findings: what costs concurrency, in which code, and whom. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../model/code.h"
#include "../util/fmt.h"
#include "names.h"
#include "text.h"

#define SHOWN 3 /* of one id */

void bb_text__frame(char *buf, size_t len, const struct bb_frame *f)
{
	if (f)
		bb_frame__print(buf, len, f);
	else
		snprintf(buf, len, "code that is not known");
}

/* Appends; a text that is full stays as it is. */
__attribute__((format(printf, 3, 4))) static void say(char *buf, size_t len, const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf + n, len - n, fmt, args);
	va_end(args);
}

/* Where. */
static void finding__place(const struct bb_finding *f, char *buf, size_t len)
{
	char at[160];

	bb_text__frame(at, sizeof(at), f->frame);
	say(buf, len, "%s", at);
	if (f->task && bb_frame__compare(f->task, f->frame)) {
		bb_text__frame(at, sizeof(at), f->task);
		say(buf, len, ", called by %s", at);
	}
	if (f->tid)
		say(buf, len, ", in thread %d", f->tid);
}

/* What it did, how long and how often. */
static void finding__deed(struct bb_text *t, const struct bb_finding *f, char *buf, size_t len)
{
	char ns[BB_FMT_LEN], share[BB_FMT_LEN], count[BB_FMT_LEN], max[BB_FMT_LEN], call[48];

	say(buf, len, "%s ", bb_fmt__ns(ns, sizeof(ns), f->ns));
	/* of several threads it is no share */
	if (!f->at_once || f->tid)
		say(buf, len, "(%s of the window) ", bb_fmt__share(share, sizeof(share), f->share));
	if (f->id == BB_FINDING_CPU_IN_LOOP)
		say(buf, len, "in turns of 10 ms of CPU and more; %s of these",
		    bb_fmt__count(count, sizeof(count), f->count));
	else if (f->state == BB_STATE_ONCPU)
		say(buf, len, "on a CPU");
	else
		say(buf, len, "in %s", bb_state__name(f->state));
	if (f->syscall >= 0)
		say(buf, len, " (%s)",
		    bb_text__syscall_name(t->opts, f->syscall, call, sizeof(call)));
	if (f->max_ns == BB_UNKNOWN_U64)
		return;
	if (f->state != BB_STATE_ONCPU)
		say(buf, len, ", %s times", bb_fmt__count(count, sizeof(count), f->count));
	say(buf, len, ", %s the longest", bb_fmt__ns(max, sizeof(max), f->max_ns));
}

static void finding__numbers(const struct bb_finding *f, char *buf, size_t len)
{
	char share[BB_FMT_LEN];

	bb_fmt__share(share, sizeof(share), f->value);
	switch (f->id) {
	case BB_FINDING_SEMAPHORE_LIMIT:
		say(buf, len, "; about %.0f at a time get through, %.1f wait on average",
		    f->at_once, f->waiters);
		break;
	case BB_FINDING_POOL_STARVED:
		say(buf, len, "; all %.0f workers are at it, %.1f threads wait on average",
		    f->at_once, f->waiters);
		break;
	case BB_FINDING_THREADS_FOR_CPU:
		say(buf, len, "; %.0f threads by turns, %.1f wait on average", f->at_once,
		    f->waiters);
		break;
	case BB_FINDING_TOO_MANY_WORKERS:
		if (f->state == BB_STATE_RUNQ)
			say(buf, len, "; %.1f run on average, %.1f more queue for a CPU",
			    f->at_once, f->waiters);
		else
			say(buf, len, "; %.1f threads wait for work on average, %.2f are at work",
			    f->waiters, f->at_once);
		break;
	case BB_FINDING_LOCK_CONVOY:
		say(buf, len,
		    "; the lock at 0x%llx is waited for %s of the time, by %.1f threads on "
		    "average; "
		    "%.0f had it",
		    (unsigned long long)f->lock, share, f->waiters, f->at_once);
		break;
	case BB_FINDING_SERIAL_LOOP:
		say(buf, len, "; %s of all CPU time, and %.0f threads wait for work", share,
		    f->waiters);
		break;
	case BB_FINDING_PROCESSES_FOR_QUICK_IO:
		say(buf, len,
		    "; %s of the tasks' time, in %.0f processes, of which %.1f wait at a time",
		    share, f->at_once, f->waiters);
		break;
	case BB_FINDING_TINY_TASKS:
		say(buf, len,
		    "; %s of the time goes into handing tasks to %.0f processes, and back", share,
		    f->at_once);
		break;
	default:
		break;
	}
}

static void finding__cost(const struct bb_finding *f, char *buf, size_t len)
{
	char p99[BB_FMT_LEN], max[BB_FMT_LEN];

	finding__numbers(f, buf, len);
	if (f->waited_ns != BB_UNKNOWN_U64)
		say(buf, len, "; others waited %s for it",
		    bb_fmt__ns(max, sizeof(max), f->waited_ns));
	else if (f->loop)
		say(buf, len, "; the %s loop's lag is %s%s (99 of 100), %s at most",
		    bb_name__loop(f->loop->kind), f->loop->exact ? "" : "up to ",
		    bb_fmt__ns(p99, sizeof(p99), bb_loop__quantile(f->loop, 0.99)),
		    bb_fmt__ns(max, sizeof(max), f->loop->max_ns));
}

static void finding__row(struct bb_text *t, const struct bb_finding *f)
{
	/* how threads share the work needs no place */
	bool placed = f->frame || f->id < BB_FINDING_THREADS_FOR_CPU;
	char text[800] = "";

	if (placed) {
		finding__place(f, text, sizeof(text));
		say(text, sizeof(text), ": ");
	}
	finding__deed(t, f, text, sizeof(text));
	finding__cost(f, text, sizeof(text));
	bb_line__pad(&t->line, 4);
	bb_line__wrap(&t->line, 6, text);
}

void bb_text__findings(struct bb_text *t, const struct bb_findings *f)
{
	size_t shown = 0;

	if (!f || !f->nr)
		return;
	bb_line__title(&t->line, "Findings");
	for (size_t i = 0; i < f->nr; i++) {
		const struct bb_finding *row = &f->items[i];

		if (!i || row->id != row[-1].id) {
			shown = 0;
			bb_line__color(&t->line, BB_COLOR_WARN);
			bb_line__printf(&t->line, "  %s", bb_finding__name(row->id));
			bb_line__color(&t->line, BB_COLOR_NONE);
			bb_line__put(&t->line, ": ");
			bb_line__wrap(&t->line, 4, bb_finding__text(row->id));
		}
		if (shown++ < SHOWN)
			finding__row(t, row);
	}
}
