/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What caps how many Python threads are at work at once: semaphores, and pools without a free
 * worker. */
#ifndef BB_DIAGNOSE_POOLS_H
#define BB_DIAGNOSE_POOLS_H

#include "findings.h"

/**
 * bb_pools__semaphores - append to @f a finding for each place in the code where threads wait for
 * one of the permits of a threading.Semaphore, with the number that gets through at a time.
 * Return 0 or -ENOMEM.
 */
int bb_pools__semaphores(struct bb_findings *f, const struct bb_record *rec,
			 const struct bb_process *p);

/**
 * bb_pools__starved - append a finding if all workers of the process's thread pools are at work,
 * which is waiting, while others wait for their answers. Return 0 or -ENOMEM.
 */
int bb_pools__starved(struct bb_findings *f, const struct bb_record *rec,
		      const struct bb_process *p);

#endif
