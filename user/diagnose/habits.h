/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the threads of a process share the work: findings that need no place in the code. */
#ifndef BB_DIAGNOSE_HABITS_H
#define BB_DIAGNOSE_HABITS_H

#include "facts.h"

/*
 * Each appends what it finds in @p of @rec, whose facts @facts are, to @f, and returns 0 or
 * -ENOMEM.
 */

/** bb_habits__threads_for_cpu - threads that compute, one at a time, for the GIL. */
int bb_habits__threads_for_cpu(struct bb_findings *f, const struct bb_record *rec,
			       const struct bb_process *p, const struct bb_facts *facts);

/** bb_habits__too_many - far more threads than CPUs to run them, or than work for them. */
int bb_habits__too_many(struct bb_findings *f, const struct bb_record *rec,
			const struct bb_process *p, const struct bb_facts *facts);

/** bb_habits__convoy - one lock passes from thread to thread, and is hardly ever free. */
int bb_habits__convoy(struct bb_findings *f, const struct bb_record *rec,
		      const struct bb_process *p, const struct bb_facts *facts);

/** bb_habits__serial - one thread computes all, while others wait for work. */
int bb_habits__serial(struct bb_findings *f, const struct bb_record *rec,
		      const struct bb_process *p, const struct bb_facts *facts);

#endif
