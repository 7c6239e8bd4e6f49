/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the kernel's sums to a record. */
#ifndef BB_CAPTURE_BUILD_H
#define BB_CAPTURE_BUILD_H

#include "../model/record.h"
#include "allowance.h"
#include "kallsyms.h"
#include "kernel.h"
#include "native_samples.h"
#include "native_stacks.h"
#include "python_stacks.h"
#include "target.h"
#include "thread_names.h"

struct bb_build_opts {
	uint64_t start_ns; /* of the window, ktime */
	uint64_t end_ns;   /* gate closed: its end. 0: the gate is open, each row's own instant */
	struct bb_py_stacks *stacks; /* NULL: no Python code */
	struct bb_native_samples *natives;
	struct bb_native_stacks *native_stacks; /* NULL: not asked for */
	struct bb_native_programs *programs;
	struct bb_kallsyms *kallsyms;   /* to name the kernel's functions with; NULL: unnamed */
	struct bb_thread_names *names;  /* NULL: none */
	struct bb_allowance *allowance; /* of the look that is under way */
	bool traced; /* system calls were traced all the time: kernel time is known */
};

/**
 * bb_build__processes - read all sums into @rec->processes, in the order of
 * @targets. Return 0, -ENOMEM or -errno; the record is to be freed either way.
 */
int bb_build__processes(struct bb_record *rec, struct bb_kernel *k, struct bb_targets *targets,
			const struct bb_build_opts *opts);

#endif
