// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "governor.h"

#define MIN_LOOK_NS 10000000ULL

void bb_governor__start(struct bb_governor *g, uint64_t now_ns, uint64_t calls)
{
	g->last_ns = now_ns;
	g->last_calls = calls;
	g->rate = 0;
}

bool bb_governor__too_much(struct bb_governor *g, uint64_t now_ns, uint64_t calls)
{
	uint64_t ns = now_ns - g->last_ns;

	if (now_ns <= g->last_ns || ns < MIN_LOOK_NS)
		return false;
	g->rate = (uint64_t)((double)(calls - g->last_calls) * 1e9 / (double)ns);
	g->last_ns = now_ns;
	g->last_calls = calls;
	/*
	 * Not per CPU: one busy program on a large machine pays on its own CPU as
	 * much as it would on a small one.
	 */
	return g->rate > BB_GOVERNOR_RATE;
}
