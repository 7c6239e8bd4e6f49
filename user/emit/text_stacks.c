// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where threads blocked, and who ended their waits: only where stacks were asked for. */
#include <stdlib.h>
#include <string.h>

#include "../model/stacks.h"
#include "../util/fmt.h"
#include "text.h"

#define INDENT       18
#define FRAMES       3 /* of a row, those that the program wrote first */
#define EDGE_SHARE   0.01
#define BEHIND_SHARE 0.1

/* The kernel's frames say what the state does; in a library it is whoever called it that matters.
 */
static const struct bb_stack_frame *next_frame(const struct bb_stack_row *r, size_t *at)
{
	while (*at < r->nr) {
		const struct bb_stack_frame *f = &r->frames[(*at)++];

		if (f->kind != BB_FRAME_KERNEL && f->name)
			return f;
	}
	return NULL;
}

static void put_frame(struct bb_line *l, const struct bb_stack_frame *f)
{
	const char *base = f->object ? bb_fmt__file_name(f->object) : "[unknown]";

	bb_line__escaped(l, f->name ? f->name : base, 40);
	if (f->kind != BB_FRAME_PYTHON)
		return;
	bb_line__put(l, " ");
	bb_line__escaped(l, base, 24);
	if (f->line)
		bb_line__printf(l, ":%d", (int)f->line);
}

static void blocked__row(struct bb_text *t, const struct bb_stack_row *r)
{
	struct bb_line *l = &t->line;
	char ns[BB_FMT_LEN];
	size_t at = 0;

	bb_line__printf(l, "  %s", bb_state__name(r->state));
	bb_line__right(l, INDENT, bb_fmt__ns(ns, sizeof(ns), r->ns));
	bb_line__put(l, "  ");
	for (int i = 0; i < FRAMES; i++) {
		const struct bb_stack_frame *f = next_frame(r, &at);

		if (!f && !i && r->nr)
			put_frame(l, &r->frames[0]);
		else if (!f && !i)
			bb_line__put(l, "stack not known");
		if (!f)
			break;
		if (i)
			bb_line__put(l, " < ");
		put_frame(l, f);
	}
	bb_line__end(l);
}

static void text__blocked(struct bb_text *t, const struct bb_process *p)
{
	struct bb_line *l = &t->line;
	char ns[BB_FMT_LEN];
	uint64_t rest = 0;
	size_t told = 0, left = 0;

	for (size_t i = 0; i < p->nr_stacks; i++) {
		const struct bb_stack_row *r = &p->stacks[i];

		if (r->kind != BB_STACK_BLOCKED)
			continue;
		if (told < BB_TEXT_TOP) {
			if (!told++)
				bb_line__title(l, "Blocked in");
			blocked__row(t, r);
		} else {
			left++;
			rest += r->ns;
		}
	}
	if (!left)
		return;
	bb_line__put(l, "  others");
	bb_line__right(l, INDENT, bb_fmt__ns(ns, sizeof(ns), rest));
	bb_line__printf(l, "  %zu more stacks", left);
	bb_line__end(l);
}

static void put_waker(struct bb_line *l, const struct bb_process *p, const struct bb_stack_row *r)
{
	if (r->interrupt) {
		bb_line__put(l, "an interrupt: of a device, or a timer");
		return;
	}
	if (!r->by_comm[0]) {
		bb_line__put(l, "a thread that is not known");
		return;
	}
	if (r->by_pid == p->pid)
		bb_line__put(l, "its own ");
	bb_line__escaped(l, r->by_comm, BB_COMM_LEN);
	if (r->by_tid)
		bb_line__printf(l, " %d", (int)r->by_tid);
	else if (r->by_pid)
		bb_line__printf(l, " (%d)", (int)r->by_pid);
	else
		bb_line__put(l, ", of the kernel or not visible here");
}

/* How all of its waiting is explained. */
static void woken__summary(struct bb_text *t, const struct bb_process *p,
			   const struct bb_wake_edge *edges, size_t nr, uint64_t sum)
{
	static const char *const words[] = { "interrupts", "its own threads", "other threads" };
	uint64_t by[3] = { 0 }, behind = 0;
	struct bb_line *l = &t->line;
	char share[BB_FMT_LEN];
	bool any = false;

	for (size_t i = 0; i < nr; i++) {
		const struct bb_stack_row *r = edges[i].row;

		by[r->interrupt ? 0 : r->by_pid == p->pid ? 1 : 2] += edges[i].ns;
		behind += edges[i].behind_ns;
	}
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__put(l, " ");
	for (int i = 0; i < 3; i++) {
		if (!by[i])
			continue;
		bb_line__printf(l, "%s %s by %s", any ? "," : "",
				bb_fmt__share(share, sizeof(share), (double)by[i] / (double)sum),
				words[i]);
		any = true;
	}
	if (behind)
		bb_line__printf(l, ", %s while these waited, too",
				bb_fmt__share(share, sizeof(share), (double)behind / (double)sum));
	bb_line__end(l);
}

static void text__woken(struct bb_text *t, const struct bb_process *p)
{
	struct bb_wake_edge *edges;
	struct bb_line *l = &t->line;
	char ns[BB_FMT_LEN], count[BB_FMT_LEN];
	uint64_t sum = 0, rest = 0;
	size_t nr, told = 0;
	int err = bb_stacks__edges(p, false, &edges, &nr);

	if (err) {
		bb_out__fail(&t->out, err);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		sum += edges[i].ns;
	if (sum) {
		bb_line__title(l, "Woken by");
		woken__summary(t, p, edges, nr, sum);
	}
	for (size_t i = 0; i < nr; i++) {
		const struct bb_wake_edge *e = &edges[i];

		if (told == BB_TEXT_TOP || (double)e->ns < EDGE_SHARE * (double)sum) {
			rest += e->ns;
			continue;
		}
		told++;
		bb_line__printf(l, "  %s", bb_state__name(e->row->state));
		bb_line__right(l, INDENT, bb_fmt__ns(ns, sizeof(ns), e->ns));
		bb_line__put(l, "  ");
		put_waker(l, p, e->row);
		bb_line__printf(l, ", %s times", bb_fmt__count(count, sizeof(count), e->count));
		bb_line__end(l);
		if ((double)e->behind_ns < BEHIND_SHARE * (double)e->ns)
			continue;
		bb_line__pad(l, INDENT + 2);
		bb_line__printf(l, "which was blocked for %s of that, longest in %s",
				bb_fmt__share(count, sizeof(count),
					      (double)e->behind_ns / (double)e->ns),
				bb_state__name(e->behind));
		bb_line__end(l);
	}
	if (rest) {
		bb_line__put(l, "  others");
		bb_line__right(l, INDENT, bb_fmt__ns(ns, sizeof(ns), rest));
		bb_line__end(l);
	}
	free(edges);
}

void bb_text__stacks(struct bb_text *t, const struct bb_process *p)
{
	text__blocked(t, p);
	text__woken(t, p);
}
