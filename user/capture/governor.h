/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The governor of the system call tracepoints: they slow every call of every
 * process on the machine, so they come off where calls are frequent.
 */
#ifndef BB_CAPTURE_GOVERNOR_H
#define BB_CAPTURE_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "../../bpf/abi.h"

/*
 * Calls per second above which tracing them costs about 1 %: of a CPU, where a bystander's
 * call gets 0.17 us longer, and of the targets' CPU time, where theirs gets 0.31 us longer:
 * `tools/bench/run --only calls`, the ratios by the unwatched time. It is the busiest CPU that
 * counts, not the machine: one busy program on a large machine pays on its own CPU as much as it
 * would on a small one.
 */
#define BB_GOVERNOR_CPU_RATE 60000
#define BB_GOVERNOR_OWN_RATE 30000

/* What may come at once: a burst is no rate. */
#define BB_GOVERNOR_BURST_NS 200000000ULL

struct bb_governor_cpu {
	struct bb_cpu last; /* as at the last look */
	double left;        /* so many calls more are not too much */
};

struct bb_governor {
	uint64_t last_ns; /* ktime of the last look */
	uint64_t rate;    /* calls per second of the machine, as last seen */
	struct bb_governor_cpu *cpus;
	int nr_cpus;
	double own_left;
};

/**
 * bb_governor__start - begin at ktime @now_ns, when nothing has been counted yet, with @nr_cpus
 * CPUs. Return 0 or -ENOMEM; bb_governor__free() releases it, in any case.
 */
int bb_governor__start(struct bb_governor *g, uint64_t now_ns, int nr_cpus);

void bb_governor__free(struct bb_governor *g);

/**
 * bb_governor__too_much - do calls cost more than we may? @cpus: the counters of all CPUs, as
 * many as it was started with. Looks shorter than 10 ms apart answer false.
 */
bool bb_governor__too_much(struct bb_governor *g, uint64_t now_ns, const struct bb_cpu *cpus);

#endif
