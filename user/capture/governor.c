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
	g->own_left = calls_in(BB_GOVERNOR_BURST_NS, BB_GOVERNOR_OWN_RATE);
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

/*
 * There were @calls in @ns, where @per_s would not be too many. True: more than that, and than
 * was left. What is left over is kept up to a burst, after the calls: a look may come late.
 */
static bool spend(double *left, uint64_t calls, uint64_t ns, double per_s)
{
	double most = calls_in(BB_GOVERNOR_BURST_NS, per_s);

	*left += calls_in(ns, per_s) - (double)calls;
	if (*left > most)
		*left = most;
	return *left < 0;
}

bool bb_governor__too_much(struct bb_governor *g, uint64_t now_ns, const struct bb_cpu *cpus)
{
	uint64_t ns = now_ns - g->last_ns, all = 0, own = 0, own_ns = 0;
	bool much = false;

	if (now_ns <= g->last_ns || ns < MIN_LOOK_NS)
		return false;
	for (int i = 0; i < g->nr_cpus; i++) {
		struct bb_governor_cpu *c = &g->cpus[i];
		uint64_t calls = cpus[i].syscalls - c->last.syscalls;
		uint64_t own_calls = cpus[i].own_calls - c->last.own_calls;
		uint64_t oncpu = cpus[i].oncpu_ns - c->last.oncpu_ns;

		if (spend(&c->left, calls, ns, BB_GOVERNOR_CPU_RATE))
			much = true;
		all += calls;
		own += own_calls;
		/* who made calls and has not left the CPU since: its time is not counted yet */
		own_ns += own_calls && !oncpu ? ns : oncpu;
		c->last = cpus[i];
	}
	/* less than one CPU's time is no matter */
	if (spend(&g->own_left, own, own_ns > ns ? own_ns : ns, BB_GOVERNOR_OWN_RATE))
		much = true;
	g->rate = (uint64_t)((double)all * 1e9 / (double)ns);
	g->last_ns = now_ns;
	return much;
}
