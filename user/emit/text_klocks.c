// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's own locks, where threads waited for them long enough to matter. */
#include "../util/fmt.h"
#include "names.h"
#include "text.h"

#define KLOCK_SHARE 0.001 /* of the window, from which one is told */

static void klock__row(struct bb_text *t, const struct bb_klock *k)
{
	struct bb_line *l = &t->line;
	char text[BB_FMT_LEN];

	bb_line__right(l, 11, bb_fmt__ns(text, sizeof(text), k->ns));
	bb_line__right(l, 19, bb_fmt__count(text, sizeof(text), k->count));
	bb_line__right(l, 28, bb_fmt__ns(text, sizeof(text), k->max_ns));
	bb_line__pad(l, 30);
	bb_line__put(l, k->mmap ? "mmap_lock" : bb_name__klock(k->kind));
	if (k->reads || k->writes)
		bb_line__put(l, k->writes ? " to write" : " to read");
	if (k->function[0]) {
		bb_line__put(l, " in ");
		bb_line__escaped(l, k->function, sizeof(k->function));
		bb_line__put(l, "()");
	}
	bb_line__end(l);
}

void bb_text__klocks(struct bb_text *t, const struct bb_process *p)
{
	struct bb_line *l = &t->line;
	uint64_t rest_ns = 0;
	size_t told = 0;
	char text[BB_FMT_LEN];

	if (!p->nr_klocks || (double)p->klocks[0].ns < KLOCK_SHARE * (double)t->rec->window.ns)
		return;
	bb_line__title(l, "Locks of the kernel");
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__put(l, "     waited   waits  longest  lock");
	bb_line__end(l);
	while (told < p->nr_klocks && told < BB_TEXT_TOP &&
	       (double)p->klocks[told].ns >= KLOCK_SHARE * (double)t->rec->window.ns)
		klock__row(t, &p->klocks[told++]);
	for (size_t i = told; i < p->nr_klocks; i++)
		rest_ns += p->klocks[i].ns;
	if (told == p->nr_klocks)
		return;
	bb_line__right(l, 11, bb_fmt__ns(text, sizeof(text), rest_ns));
	bb_line__pad(l, 30);
	bb_line__printf(l, "%zu more", p->nr_klocks - told);
	bb_line__end(l);
}
