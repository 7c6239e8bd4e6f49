/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section on units of work: a line for each kind that can be told, or a bound and why not. */
#include <math.h>
#include <stdio.h>

#include "../util/fmt.h"
#include "text.h"

#define SHOWN 0.01 /* a state's part of a unit that is worth its words */

static const char *rate(char *buf, size_t len, const struct bb_unit *u, double count)
{
	double x = bb_unit__per_s(u, count);

	return x >= 1000 && x < 1e18 ? bb_fmt__count(buf, len, (uint64_t)(x + 0.5))
				     : bb_fmt__real(buf, len, x, 3);
}

static const char *time_of(char *buf, size_t len, double ns)
{
	return isfinite(ns) && ns >= 0 && ns < 9e18 ? bb_fmt__ns(buf, len, (uint64_t)llround(ns))
						    : "?";
}

/* "412/s; each takes 2.1 ms: 0.8 ms oncpu (0.6 ms with the GIL), 1.3 ms net" */
static size_t told__words(char *text, size_t len, const struct bb_unit *u)
{
	double work = bb_unit__work_ns(u), held = bb_unit__held_ns(u), ns;
	char a[BB_FMT_LEN], b[BB_FMT_LEN];
	size_t n;

	n = (size_t)snprintf(text, len, "%s/s; each takes %s", rate(a, sizeof(a), u, u->count),
			     time_of(b, sizeof(b), work));
	for (int s = 0, shown = 0; s < BB_STATE_MAX && n < len; s++) {
		ns = bb_unit__ns(u, s);
		if (!(ns > SHOWN * (isnan(work) ? 0 : work)))
			continue;
		n += (size_t)snprintf(text + n, len - n, "%s%s %s", shown++ ? ", " : ": ",
				      time_of(a, sizeof(a), ns),
				      s == BB_STATE_ONCPU ? "CPU" : bb_state__name(s));
		if (s == BB_STATE_ONCPU && !isnan(held) && n < len)
			n += (size_t)snprintf(text + n, len - n, " (%s with the GIL)",
					      time_of(b, sizeof(b), held));
	}
	return n;
}

static void unit__row(struct bb_text *t, const struct bb_unit *u)
{
	char text[480], a[BB_FMT_LEN], b[BB_FMT_LEN];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "%s: ", bb_unit__plural(u->kind));
	if (!isnan(u->count)) {
		told__words(text + n, sizeof(text) - n, u);
	} else if (u->low > 0 && isfinite(u->high)) {
		snprintf(text + n, sizeof(text) - n, "%s to %s a second; %s",
			 rate(a, sizeof(a), u, u->low), rate(b, sizeof(b), u, u->high), u->why_not);
	} else {
		snprintf(text + n, sizeof(text) - n, "at least %s/s; %s",
			 rate(a, sizeof(a), u, u->low), u->why_not);
	}
	bb_line__wrap(&t->line, 2, text);
}

void bb_text__units(struct bb_text *t, const struct bb_units *u)
{
	bool titled = false;

	for (size_t i = 0; u && i < u->nr; i++) {
		/* that there are some is no news; JSON has the reason */
		if (!(u->items[i].low > 0))
			continue;
		if (!titled)
			bb_line__title(&t->line, "Units of work");
		titled = true;
		unit__row(t, &u->items[i]);
	}
}
