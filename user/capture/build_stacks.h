/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the kernel's sums by stack to rows of a record. */
#ifndef BB_CAPTURE_BUILD_STACKS_H
#define BB_CAPTURE_BUILD_STACKS_H

#include "build.h"
#include "build_python.h"

/* A sum of the kernel's side, or a wait that was open at the end, which is in none yet. */
struct bb_stack_read {
	struct bb_stack_key key;
	struct bb_stack_sum sum;
};

/**
 * bb_build__stacks - fill in the processes' rows of stacks. They are complete but for these, in
 * the order of @targets, and what is native has been learnt.
 * @idents: sorted, as bb_build__python() leaves them. Return 0, -ENOMEM or -errno.
 */
int bb_build__stacks(struct bb_record *rec, struct bb_targets *targets,
		     const struct bb_build_opts *opts, const struct bb_stack_read *read,
		     size_t nr_read, const struct bb_py_ident *idents, size_t nr_idents);

#endif
