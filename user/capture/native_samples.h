/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What ran natively when threads of Python were sampled: the kernel side's addresses, named soon
 * after, since libraries go away, and summed by what the sample was of and by the functions.
 */
#ifndef BB_CAPTURE_NATIVE_SAMPLES_H
#define BB_CAPTURE_NATIVE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"
#include "native_programs.h"

struct bb_native_sum {
	uint64_t count;
	bool truncated;
	size_t nr;                           /* of frames, at least 1 */
	const struct bb_native_fn *frames[]; /* from the top; they belong to the samples */
};

struct bb_native_samples;

/** bb_native_samples__new - none yet; NULL when out of memory. */
struct bb_native_samples *bb_native_samples__new(void);

/** bb_native_samples__free - accepts NULL. */
void bb_native_samples__free(struct bb_native_samples *s);

/**
 * bb_native_samples__learn - name and sum the samples that came since the last call, in a look of
 * @programs. Return 0, -ENOMEM or another -errno.
 */
int bb_native_samples__learn(struct bb_native_samples *s, struct bb_kernel *k,
			     struct bb_native_programs *programs);

/** bb_native_samples__get - the stacks of a row of `py_sums`, NULL: none; *nr of them. */
struct bb_native_sum *const *bb_native_samples__get(const struct bb_native_samples *s,
						    const struct bb_py_key *key, size_t *nr);

/** bb_native_samples__count - into @walks, how it went: BB_WALK_NATIVE and those that follow. */
void bb_native_samples__count(const struct bb_native_samples *s, uint64_t *walks);

#endif
