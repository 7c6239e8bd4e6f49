// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "governor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIN_LOOK_NS 10000000ULL

static double calls_in(uint64_t ns, double per_s)
{
	return (double)ns * per_s / 1e9;
}

int bb_governor__start(struct bb_governor *g, uint64_t now_ns, int nr_cpus)
{
	memset(g, 0, sizeof(*g));
	g->last_ns = now_ns;
	g->own.left = calls_in(BB_GOVERNOR_BURST_NS, BB_GOVERNOR_OWN_RATE);
	g->cpus = calloc((size_t)nr_cpus, sizeof(*g->cpus));
	if (!g->cpus)
		return -ENOMEM;
	g->nr_cpus = nr_cpus;
	for (int i = 0; i < nr_cpus; i++)
		g->cpus[i].left = calls_in(BB_GOVERNOR_BURST_NS, BB_GOVERNOR_CPU_RATE);
	return 0;
}

void bb_governor__free(struct bb_governor *g)
{
	free(g->cpus);
	g->cpus = NULL;
	g->nr_cpus = 0;
}

/* @ns: how long they may have taken at @per_s. True: there were more. */
static bool spend(struct bb_calls_left *c, uint64_t calls, uint64_t ns, double per_s)
{
	double most = calls_in(BB_GOVERNOR_BURST_NS, per_s);

	c->left += calls_in(ns, per_s);
	if (c->left > most)
		c->left = most;
	c->left -= (double)(calls - c->last);
	c->last = calls;
	return c->left < 0;
}

bool bb_governor__too_much(struct bb_governor *g, uint64_t now_ns, const struct bb_cpu *cpus)
{
	uint64_t ns = now_ns - g->last_ns, before = 0, all = 0, own = 0, oncpu = 0, own_ns;
	bool much = false;

	if (now_ns <= g->last_ns || ns < MIN_LOOK_NS)
		return false;
	for (int i = 0; i < g->nr_cpus; i++) {
		before += g->cpus[i].last;
		all += cpus[i].syscalls;
		own += cpus[i].own_calls;
		oncpu += cpus[i].oncpu_ns;
		if (spend(&g->cpus[i], cpus[i].syscalls, ns, BB_GOVERNOR_CPU_RATE))
			much = true;
	}
	/* what they ran since their last switch is not counted yet, and less than a CPU no matter
	 */
	own_ns = oncpu - g->last_oncpu_ns > ns ? oncpu - g->last_oncpu_ns : ns;
	if (spend(&g->own, own, own_ns, BB_GOVERNOR_OWN_RATE))
		much = true;
	g->rate = (uint64_t)((double)(all - before) * 1e9 / (double)ns);
	g->last_ns = now_ns;
	g->last_oncpu_ns = oncpu;
	return much;
}
