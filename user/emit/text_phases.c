/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text report: how the window went, as a strip of letters over time and a table. */
#include <stdlib.h>
#include <string.h>

#include "../util/fmt.h"
#include "text.h"

#define MARGIN 2

/* A letter and a colour for each verdict, told beside the strip. */
static char letter_of(const struct bb_phase *p)
{
	static const char letters[BB_BOUND_MAX] = {
		[BB_BOUND_GIL_BOUND] = 'G',     [BB_BOUND_LOCK_BOUND] = 'L',
		[BB_BOUND_CPU_SATURATED] = 'S', [BB_BOUND_CPU_BOUND] = 'C',
		[BB_BOUND_IO_BOUND] = 'I',      [BB_BOUND_IDLE] = '.',
		[BB_BOUND_MIXED] = 'm',         [BB_BOUND_UNKNOWN] = '?',
	};

	return p->stopped ? 'T' : letters[p->bound];
}

static const struct bb_phase *phase_at(const struct bb_phases *p, uint64_t ns)
{
	for (size_t i = 0; i < p->nr; i++)
		if (ns < p->items[i].start_ns + p->items[i].ns)
			return ns < p->items[i].start_ns ? NULL : &p->items[i];
	return NULL;
}

/* A column is an equal part of the window, and has what held in its middle; blank: nobody was
 * there. */
static void phases__strip(struct bb_text *t, const struct bb_phases *p)
{
	struct bb_line *l = &t->line;
	uint64_t window = t->rec->window.ns;
	size_t columns = l->width - 2 * MARGIN;

	bb_line__pad(l, MARGIN);
	for (size_t i = 0; i < columns; i++) {
		double at = ((double)i + 0.5) / (double)columns * (double)window;
		const struct bb_phase *phase = phase_at(p, (uint64_t)at);

		if (phase)
			bb_line__color(l, bb_text__verdict_color(phase->bound));
		bb_line__printf(l, "%c", phase ? letter_of(phase) : ' ');
	}
	bb_line__color(l, BB_COLOR_NONE);
	bb_line__end(l);
}

static void phases__legend(struct bb_text *t, const struct bb_phases *p)
{
	struct bb_line *l = &t->line;
	char told[BB_BOUND_MAX + 2] = "", end[BB_FMT_LEN];

	bb_line__color(l, BB_COLOR_DIM);
	bb_line__pad(l, MARGIN);
	bb_line__put(l, "0");
	for (size_t i = 0; i < p->nr; i++) {
		char letter[2] = { letter_of(&p->items[i]), '\0' };

		if (strchr(told, letter[0]))
			continue;
		strcat(told, letter);
		bb_line__printf(l, "   %s %s", letter,
				bb_phase__name(p->items[i].bound, p->items[i].stopped));
	}
	bb_line__right(l, l->width - MARGIN, bb_fmt__ns(end, sizeof(end), t->rec->window.ns));
	bb_line__end(l);
}

static void phases__row(struct bb_text *t, const struct bb_phase *p)
{
	struct bb_line *l = &t->line;
	uint64_t all = bb_budget__sum(&p->budget);
	char text[BB_FMT_LEN];

	bb_line__right(l, 10, bb_fmt__ns(text, sizeof(text), p->start_ns));
	bb_line__right(l, 20, bb_fmt__ns(text, sizeof(text), p->ns));
	bb_line__pad(l, 22);
	bb_line__color(l, bb_text__verdict_color(p->bound));
	bb_line__put(l, bb_phase__name(p->bound, p->stopped));
	bb_line__color(l, BB_COLOR_NONE);
	snprintf(text, sizeof(text), "%.2f", p->confidence);
	bb_line__right(l, 41, text);
	bb_text__row_share(l, 49, p->budget.ns[BB_STATE_ONCPU], all);
	bb_text__row_share(l, 55, p->budget.ns[BB_STATE_RUNQ], all);
	bb_text__row_share(l, 61, p->budget.ns[BB_STATE_GIL], all);
	bb_text__row_share(l, 67, p->budget.ns[BB_STATE_LOCK], all);
	bb_text__row_share(l, 73, bb_budget__io(&p->budget), all);
	bb_text__row_share(l, 79, bb_budget__idle(&p->budget), all);
	bb_line__end(l);
}

void bb_text__phases(struct bb_text *t, const struct bb_phases *p)
{
	struct bb_line *l = &t->line;
	size_t shown;
	char words[320];

	/* one phase is the window, and all is said */
	if (!p || p->nr < 2)
		return;
	bb_line__title(l, "Phases, in shares of the threads' time");
	phases__strip(t, p);
	phases__legend(t, p);
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__put(
		l,
		"      from    length  verdict       conf.  on-CPU  runq   gil  lock   I/O  wait");
	bb_line__end(l);
	shown = p->nr > BB_TEXT_TOP && !t->opts->all_threads ? BB_TEXT_TOP : p->nr;
	for (size_t i = 0; i < shown; i++)
		phases__row(t, &p->items[i]);
	if (shown < p->nr) {
		bb_line__printf(l, "  %zu more", p->nr - shown);
		bb_line__end(l);
	}
	if (!p->period_ns)
		return;
	bb_phases__words(p, words, sizeof(words));
	bb_line__pad(l, MARGIN);
	bb_line__wrap(l, MARGIN, words);
}
