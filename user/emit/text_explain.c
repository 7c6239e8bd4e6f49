// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The section on how the verdict was reached, step by step. */
#include <math.h>
#include <string.h>

#include "../diagnose/explain.h"
#include "../util/fmt.h"
#include "text.h"

static void explain__figure(char *buf, size_t len, double value, const char *unit)
{
	if (isnan(value))
		snprintf(buf, len, "?");
	else if (!strcmp(unit, "ns"))
		bb_fmt__ns(buf, len, (uint64_t)value);
	else
		snprintf(buf, len, "%.2f", value);
}

static void explain__step(struct bb_line *l, const struct bb_step *step)
{
	char value[BB_FMT_LEN], text[sizeof(step->text) + 64];

	explain__figure(value, sizeof(value), step->value, step->unit);
	bb_line__right(l, 10, value);
	bb_line__pad(l, 12);
	snprintf(text, sizeof(text), "%s%s%s%s", step->text, step->rule < BB_R_MAX ? " [" : "",
		 step->rule < BB_R_MAX ? bb_rules[step->rule].name : "",
		 step->rule < BB_R_MAX ? "]" : "");
	bb_line__wrap(l, 14, text);
}

void bb_text__explain(struct bb_text *t, const struct bb_verdict *v, size_t i)
{
	struct bb_steps steps;

	if (!t->opts->explain || !t->diag->reasons)
		return;
	bb_explain__of(&steps, &t->diag->reasons[i], v);
	bb_line__title(&t->line,
		       "How the verdict was reached (docs/method.md 8; rules in brackets)");
	for (size_t n = 0; n < steps.nr; n++) {
		const struct bb_step *step = &steps.items[n];

		if (!n || step->stage != step[-1].stage) {
			bb_line__color(&t->line, BB_COLOR_DIM);
			bb_line__printf(&t->line, "  %s", bb_stage__title(step->stage));
			bb_line__end(&t->line);
		}
		explain__step(&t->line, step);
	}
}
