// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tree_findings.h"

#include <string.h>

#include "pool_part.h"

/* CPUs that handing over takes, from which it is worth a finding. */
#define CPUS_LEAST 0.1
/* Threads that wait within tasks, on average, from which these are work that waits. */
#define WAITERS_LEAST 0.5

/* The parts of all processes of pools, added up. */
struct pools {
	struct bb_pool_part sum;
	size_t workers;
};

static void add_up(struct pools *all, const struct bb_record *rec)
{
	memset(all, 0, sizeof(*all));
	for (size_t i = 0; i < rec->nr_processes; i++) {
		struct bb_pool_part part;

		bb_pool_part__of(&part, &rec->processes[i]);
		if (!part.worker && !part.feeder)
			continue;
		all->workers += part.worker && part.tasks;
		all->sum.pool_ns += part.pool_ns;
		all->sum.samples += part.samples;
		if (part.busiest_pool && (!all->sum.busiest_pool ||
					  part.busiest_pool->count > all->sum.busiest_pool->count))
			all->sum.busiest_pool = part.busiest_pool;
		/* what the parent does with the results is neither, nor what a server does */
		if (!part.worker || !part.tasks)
			continue;
		all->sum.task_ns += part.task_ns;
		all->sum.wait_ns += part.wait_ns;
		all->sum.waits += part.waits;
		if (part.wait_max_ns > all->sum.wait_max_ns)
			all->sum.wait_max_ns = part.wait_max_ns;
		if (part.longest_wait &&
		    (!all->sum.longest_wait || part.longest_wait->ns > all->sum.longest_wait->ns))
			all->sum.longest_wait = part.longest_wait;
	}
}

static int tiny_tasks(struct bb_findings *found, const struct bb_record *rec,
		      const struct pools *all)
{
	const struct bb_pool_part *s = &all->sum;
	struct bb_finding f = {
		.id = BB_FINDING_TINY_TASKS,
		.state = BB_STATE_ONCPU,
		.syscall = -1,
		.ns = (uint64_t)s->pool_ns,
		.count = s->samples,
		.max_ns = BB_UNKNOWN_U64,
		.waited_ns = BB_UNKNOWN_U64,
		.at_once = (double)all->workers,
		.rule = BB_R_HANDING_OVER,
	};

	if (!all->workers || s->samples < BB_POOL_SAMPLES_LEAST || !s->busiest_pool ||
	    s->pool_ns < CPUS_LEAST * (double)rec->window.ns)
		return 0;
	f.frame = &s->busiest_pool->frames[0];
	f.value = s->pool_ns / (s->pool_ns + s->task_ns + (double)s->wait_ns);
	return f.value < bb_rule(f.rule) ? 0 : bb_findings__add(found, rec, &f);
}

static int quick_io(struct bb_findings *found, const struct bb_record *rec, const struct pools *all)
{
	const struct bb_pool_part *s = &all->sum;
	struct bb_finding f = {
		.id = BB_FINDING_PROCESSES_FOR_QUICK_IO,
		.ns = s->wait_ns,
		.count = s->waits,
		.max_ns = s->wait_max_ns,
		.waited_ns = BB_UNKNOWN_U64,
		.at_once = (double)all->workers,
		.rule = BB_R_QUICK_IO,
	};
	double window = (double)rec->window.ns;

	if (all->workers < 2 || !s->longest_wait || !s->waits)
		return 0;
	f.frame = &s->longest_wait->frames[0];
	f.state = s->longest_wait->state;
	f.syscall = s->longest_wait->syscall;
	f.waiters = (double)s->wait_ns / window;
	f.value = (double)s->wait_ns / ((double)s->wait_ns + s->task_ns);
	if (f.waiters < WAITERS_LEAST || f.value < bb_rule(f.rule) ||
	    (double)s->wait_ns / (double)s->waits >= bb_rule(BB_R_LONG_WAIT_NS))
		return 0;
	return bb_findings__add(found, rec, &f);
}

int bb_tree_findings__of(struct bb_findings *f, const struct bb_record *rec)
{
	struct pools all;
	int err;

	memset(f, 0, sizeof(*f));
	if (rec->nr_processes < 2)
		return 0;
	add_up(&all, rec);
	err = quick_io(f, rec, &all);
	if (!err)
		err = tiny_tasks(f, rec, &all);
	if (err)
		bb_findings__free(f);
	return err;
}
