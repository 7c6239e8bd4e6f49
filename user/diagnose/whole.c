// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "whole.h"

#include <math.h>
#include <string.h>

#include "rules.h"

void bb_whole__of(struct bb_whole *w, const struct bb_facts *facts, size_t nr, double window_ns,
		  struct bb_amounts *each)
{
	struct bb_facts *tree = &w->facts;
	double fill;
	bool works;

	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < nr; i++)
		bb_facts__add(tree, &facts[i], bb_facts__part(&facts[i], window_ns));
	fill = bb_facts__fill(tree);
	works = bb_facts__keeps_house(tree);
	if (works)
		bb_facts__drop_timers(tree);
	for (size_t i = 0; i < nr; i++) {
		struct bb_facts f = facts[i];
		struct bb_amounts a;

		/* the CPUs that a process's own relatives fill are full for it too */
		bb_amounts__of(&each[i], &f, fmax(bb_facts__fill(&f), fill));
		if (works)
			bb_facts__drop_timers(&f);
		/* who waits for a child of the same tree waits for its work, which is counted */
		f.io -= f.io_by[BB_STATE_CHILD];
		bb_amounts__of(&a, &f, fmax(bb_facts__fill(&f), fill));
		for (int b = 0; b < BB_BOUND_MAX; b++)
			w->amounts.of[b] += a.of[b] * bb_facts__part(&f, window_ns);
	}
	tree->io -= tree->io_by[BB_STATE_CHILD];
	tree->io_by[BB_STATE_CHILD] = 0;
}
