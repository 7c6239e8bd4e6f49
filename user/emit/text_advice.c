// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The section on what to do. */
#include <string.h>

#include "../diagnose/advice.h"
#include "text.h"

#define SHOWN 3

/* "    gain: words", the words in a column of their own. */
static void advice__line(struct bb_line *l, const char *what, const char *words)
{
	if (!*words)
		return;
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__printf(l, "    %s", what);
	bb_line__color(l, BB_COLOR_NONE);
	bb_line__pad(l, 13);
	bb_line__wrap(l, 13, words);
}

static void advice__one(struct bb_line *l, const struct bb_advice *a)
{
	bb_line__color(l, BB_COLOR_BOLD);
	bb_line__printf(l, "  %s", bb_advice__name(a->id));
	bb_line__color(l, BB_COLOR_NONE);
	bb_line__put(l, ": ");
	bb_line__wrap(l, 4, a->text);
	advice__line(l, "because", a->because);
	advice__line(l, "gain", a->gain);
	advice__line(l, "cost", a->cost);
	/* an idle program needs no look afterwards */
	if (a->id == BB_ADVICE_NOTHING)
		return;
	advice__line(l, "check", a->check);
	advice__line(l, "expect", a->expect);
}

void bb_text__advice(struct bb_text *t, size_t i)
{
	struct bb_advices advices;

	bb_advice__for(&advices, t->rec, t->diag, i);
	if (!advices.nr)
		return;
	bb_line__title(&t->line, "Advice");
	for (size_t n = 0; n < advices.nr && n < SHOWN; n++)
		advice__one(&t->line, &advices.items[n]);
}
