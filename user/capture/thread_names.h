/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the targets' own languages call their threads. */
#ifndef BB_CAPTURE_THREAD_NAMES_H
#define BB_CAPTURE_THREAD_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "allowance.h"
#include "target.h"

struct bb_thread_names;

/** bb_thread_names__new - none is known yet; NULL when out of memory. */
struct bb_thread_names *bb_thread_names__new(void);

/** bb_thread_names__free - accepts NULL. */
void bb_thread_names__free(struct bb_thread_names *n);

/**
 * bb_thread_names__learn - name the threads that came since the last call, or all: names
 * change. Reads the targets' memory, within the look that is under way. Return 0 or -ENOMEM;
 * what could not be read is left out.
 */
int bb_thread_names__learn(struct bb_thread_names *n, const struct bb_targets *targets, bool all,
			   struct bb_allowance *a);

/** bb_thread_names__has - may threads of this process have names? */
bool bb_thread_names__has(const struct bb_thread_names *n, uint32_t tgid);

/**
 * bb_thread_names__get - the name of a thread, as bb_py_threads__name(), or NULL.
 * @start, @end: ktime, when it was there
 */
const char *bb_thread_names__get(struct bb_thread_names *n, uint32_t tgid, uint64_t self,
				 uint64_t tstate, uint64_t start, uint64_t end);

#endif
