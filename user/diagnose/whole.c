// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "whole.h"

#include <math.h>
#include <string.h>

#include "rules.h"

static double fill_of(const struct bb_facts *f)
{
	return f->cpus > 0 ? f->on / f->cpus : 1;
}

/* Each process counts for the part of the window in which it was there. */
static double part_of(const struct bb_facts *f, double window_ns)
{
	return window_ns > 0 ? fmin(1, f->window_ns / window_ns) : 1;
}

void bb_whole__of(struct bb_whole *w, const struct bb_facts *facts, size_t nr, double window_ns,
		  struct bb_amounts *each)
{
	struct bb_facts *tree = &w->facts;
	double fill;
	bool works;

	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < nr; i++)
		bb_facts__add(tree, &facts[i], part_of(&facts[i], window_ns));
	fill = fill_of(tree);
	works = bb_facts__beside_timers(tree) >= bb_rule(BB_R_IDLE_BELOW);
	if (works)
		bb_facts__drop_timers(tree);
	for (size_t i = 0; i < nr; i++) {
		struct bb_facts f = facts[i];
		struct bb_amounts a;

		/* the CPUs that a process's own relatives fill are full for it too */
		bb_amounts__of(&each[i], &f, fmax(fill_of(&f), fill));
		if (works)
			bb_facts__drop_timers(&f);
		/* who waits for a child of the same tree waits for its work, which is counted */
		f.io -= f.io_by[BB_STATE_CHILD];
		bb_amounts__of(&a, &f, fmax(fill_of(&f), fill));
		for (int b = 0; b < BB_BOUND_MAX; b++)
			w->amounts.of[b] += a.of[b] * part_of(&f, window_ns);
	}
	tree->io -= tree->io_by[BB_STATE_CHILD];
	tree->io_by[BB_STATE_CHILD] = 0;
}
