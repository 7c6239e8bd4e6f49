/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section on findings: what costs concurrency, in which code, and whom. */
#include <stdio.h>

#include "../model/code.h"
#include "../util/fmt.h"
#include "names.h"
#include "text.h"

#define SHOWN 3 /* of one id */

void bb_text__frame(char *buf, size_t len, const struct bb_frame *f)
{
	if (!f)
		snprintf(buf, len, "code that is not known");
	else if (f->line)
		snprintf(buf, len, "%s %s:%d", f->function, bb_fmt__short_path(f->file), f->line);
	else
		snprintf(buf, len, "%s %s", f->function, bb_fmt__short_path(f->file));
}

/* What it did, how long and how often. */
static size_t finding__deed(struct bb_text *t, const struct bb_finding *f, char *buf, size_t len)
{
	char ns[BB_FMT_LEN], share[BB_FMT_LEN], count[BB_FMT_LEN], max[BB_FMT_LEN], call[48], tid[16];
	int n;

	snprintf(tid, sizeof(tid), "%d", f->tid);
	bb_fmt__ns(ns, sizeof(ns), f->ns);
	bb_fmt__share(share, sizeof(share), f->share);
	bb_fmt__count(count, sizeof(count), f->count);
	bb_fmt__ns(max, sizeof(max), f->max_ns);
	if (f->state == BB_STATE_ONCPU)
		n = snprintf(buf, len,
			     "thread %s: %s (%s of the window) in turns of 10 ms of CPU and more; %s "
			     "of these, %s the longest",
			     tid, ns, share, count, max);
	else
		n = snprintf(buf, len,
			     "thread %s: %s (%s of the window) in %s, %s; %s times, %s the longest",
			     f->tid ? tid : "?", ns, share, bb_state__name(f->state),
			     bb_text__syscall_name(t->opts, f->syscall, call, sizeof(call)), count,
			     max);
	return n < 0 ? 0 : (size_t)n < len ? (size_t)n : len - 1;
}

static size_t finding__cost(const struct bb_finding *f, char *buf, size_t len)
{
	char p99[BB_FMT_LEN], max[BB_FMT_LEN], waited[BB_FMT_LEN];
	int n = 0;

	if (f->waited_ns != BB_UNKNOWN_U64)
		n = snprintf(buf, len, "; others waited %s for it",
			     bb_fmt__ns(waited, sizeof(waited), f->waited_ns));
	else if (f->loop)
		n = snprintf(buf, len, "; %s loop's lag: %s%s (99 of 100), %s at most",
			     bb_name__loop(f->loop->kind), f->loop->exact ? "" : "up to ",
			     bb_fmt__ns(p99, sizeof(p99), bb_loop__quantile(f->loop, 0.99)),
			     bb_fmt__ns(max, sizeof(max), f->loop->max_ns));
	return n < 0 ? 0 : (size_t)n < len ? (size_t)n : len - 1;
}

static void finding__row(struct bb_text *t, const struct bb_finding *f)
{
	char at[160], task[160], text[640];
	size_t n = finding__deed(t, f, text, sizeof(text));

	n += finding__cost(f, text + n, sizeof(text) - n);
	if (f->frame && n < sizeof(text)) {
		bb_text__frame(at, sizeof(at), f->frame);
		n += (size_t)snprintf(text + n, sizeof(text) - n, ": %s", at);
	}
	if (f->task && bb_frame__compare(f->task, f->frame) && n < sizeof(text)) {
		bb_text__frame(task, sizeof(task), f->task);
		snprintf(text + n, sizeof(text) - n, ", called by %s", task);
	}
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
