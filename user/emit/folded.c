// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Folded stacks, a line each: frames from the root, with semicolons between, a blank, a value. The
 * roots are the states. Values are microseconds of a thread's time: over all states they add up to
 * the threads' windows, so what has no stack has a line without one. Time on a CPU is divided by
 * samples.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../model/stacks.h"
#include "../util/fmt.h"
#include "emit.h"
#include "escape.h"
#include "out.h"

#define FRAME_COLUMNS 256
#define NO_STACK      "[no stack]"

struct folded {
	struct bb_out out;
	const struct bb_emit_opts *opts;
};

/* Nothing of the target may end a frame or a line. */
static void folded__name(struct folded *f, const char *s)
{
	char buf[BB_ESCAPE_LEN(FRAME_COLUMNS)];

	bb_escape__text(buf, sizeof(buf), s, strlen(s), FRAME_COLUMNS, f->opts->utf8);
	for (char *c = buf; *c; c++)
		if (*c == ';')
			*c = ':';
	bb_out__write(&f->out, buf, strlen(buf));
}

static void folded__frame(struct folded *f, const struct bb_stack_frame *frame)
{
	const char *base = frame->object ? bb_fmt__file_name(frame->object) : NULL;

	bb_out__write(&f->out, ";", 1);
	if (frame->kind == BB_FRAME_PYTHON) {
		folded__name(f, frame->name);
		bb_out__write(&f->out, " (", 2);
		folded__name(f, base);
		if (frame->line)
			bb_out__printf(&f->out, ":%d", (int)frame->line);
		bb_out__write(&f->out, ")", 1);
		return;
	}
	if (frame->name) {
		folded__name(f, frame->name);
	} else {
		bb_out__write(&f->out, "[", 1);
		folded__name(f, base ? base : "unknown");
		bb_out__write(&f->out, "]", 1);
	}
	/* as flame graphs colour them */
	if (frame->kind == BB_FRAME_KERNEL)
		bb_out__write(&f->out, "_[k]", 4);
}

static void folded__frames(struct folded *f, const struct bb_stack_row *r)
{
	if (r->truncated)
		bb_out__printf(&f->out, ";[truncated]");
	for (size_t i = r->nr; i > 0; i--)
		folded__frame(f, &r->frames[i - 1]);
	if (!r->nr)
		bb_out__printf(&f->out, ";" NO_STACK);
}

static void folded__head(struct folded *f, enum bb_state state, const char *comm)
{
	bb_out__printf(&f->out, "%s;", bb_state__name(state));
	folded__name(f, comm);
}

static void folded__value(struct folded *f, uint64_t ns)
{
	bb_out__printf(&f->out, " %" PRIu64 "\n", (ns + 500) / 1000);
}

/* The rows of a state, and what of its time is in none of them. */
static void folded__state(struct folded *f, const struct bb_process *p, enum bb_state state)
{
	uint64_t left = p->budget.ns[state], samples = bb_stacks__samples(p);

	for (size_t i = 0; i < p->nr_stacks; i++) {
		const struct bb_stack_row *r = &p->stacks[i];
		uint64_t ns = r->ns;

		if (r->state != state || r->kind == BB_STACK_WAKER)
			continue;
		if (r->kind == BB_STACK_ONCPU)
			ns = (uint64_t)((double)p->budget.ns[state] * (double)r->count /
					(double)samples);
		if (ns > left)
			ns = left;
		left -= ns;
		if (ns < 500)
			continue;
		folded__head(f, state, p->comm);
		folded__frames(f, r);
		folded__value(f, ns);
	}
	if (left < 500)
		return;
	folded__head(f, state, p->comm);
	bb_out__printf(&f->out, ";" NO_STACK);
	folded__value(f, left);
}

/* Who ended waits, where, and whose they were. */
static void folded__wakers(struct folded *f, const struct bb_process *p)
{
	for (size_t i = 0; i < p->nr_stacks; i++) {
		const struct bb_stack_row *r = &p->stacks[i];
		const struct bb_thread *t = bb_process__thread(p, r->tid);

		if (r->kind != BB_STACK_WAKER || r->ns < 500)
			continue;
		folded__head(f, r->state, r->interrupt ? "[interrupt]" : r->by_comm);
		folded__frames(f, r);
		bb_out__write(&f->out, ";", 1);
		folded__name(f, t ? t->comm : p->comm);
		folded__value(f, r->ns);
	}
}

int bb_emit__folded(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
		    const struct bb_emit_opts *opts)
{
	enum bb_folded_kind kind = opts->folded;
	struct folded f = { { out, 0 }, opts };

	(void)diag;

	for (size_t i = 0; i < rec->nr_processes; i++) {
		const struct bb_process *p = &rec->processes[i];

		if (kind == BB_FOLDED_WAKEUP) {
			folded__wakers(&f, p);
			continue;
		}
		for (int s = 0; s < BB_STATE_MAX; s++)
			if (kind == BB_FOLDED_ALL ||
			    (s == BB_STATE_ONCPU) == (kind == BB_FOLDED_ONCPU))
				folded__state(&f, p, (enum bb_state)s);
	}
	return bb_out__finish(&f.out);
}
