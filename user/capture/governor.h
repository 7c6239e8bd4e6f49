/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The governor of the system call tracepoints: they slow every call of every
 * process on the machine, so they come off where calls are frequent.
 */
#ifndef BB_CAPTURE_GOVERNOR_H
#define BB_CAPTURE_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Calls per second above which tracing them costs more than the 2 % of
 * DESIGN 10: a call of the target gets about 0.2 us longer (docs/overhead.md).
 */
#define BB_GOVERNOR_RATE 100000

struct bb_governor {
	uint64_t last_ns; /* ktime of the last look */
	uint64_t last_calls;
	uint64_t rate; /* calls per second of the machine, as last seen */
};

/** bb_governor__start - begin at ktime @now_ns with @calls counted so far. */
void bb_governor__start(struct bb_governor *g, uint64_t now_ns, uint64_t calls);

/**
 * bb_governor__too_much - is the machine's rate since the last look above
 * what we may cost? Looks shorter than 10 ms apart answer false.
 */
bool bb_governor__too_much(struct bb_governor *g, uint64_t now_ns, uint64_t calls);

#endif
