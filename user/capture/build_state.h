/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of a record are built with. Internal to build.c and build_locks.c. */
#ifndef BB_CAPTURE_BUILD_STATE_H
#define BB_CAPTURE_BUILD_STATE_H

#include "build.h"
#include "build_klocks.h"
#include "build_python.h"
#include "build_stacks.h"
#include "fold.h"
#include "place.h"

/* Finds a lock's row again once the rows are in their order. */
struct lock_index {
	size_t process;
	uint64_t addr;
	struct bb_lock *lock;
};

struct build {
	struct bb_record *rec;
	struct bb_kernel *kernel;
	struct bb_targets *targets;
	const struct bb_build_opts *opts;
	struct bb_lock_shares *shares; /* per process */
	uint32_t *by_tgid;             /* indices of processes, sorted by tgid */
	struct lock_index *index;      /* of all locks, by process and address */
	size_t nr_index;
	struct bb_stack_read *stacks; /* sums by stack, and what was open at the end */
	size_t nr_stacks;
	struct bb_klock_read *klocks;
	size_t nr_klocks;
	struct bb_end_table ends;
	struct bb_py_ident *idents; /* of all threads, where there is a Python */
	size_t nr_idents;
	uint64_t end_ns;
	bool cas; /* contention is kept by compare-and-swap */
};

/**
 * bb_build__process - the process of the record with that number of the initial PID namespace, or
 * NULL. @index: of it, may be NULL.
 */
struct bb_process *bb_build__process(struct build *b, uint32_t tgid, size_t *index);

#endif
