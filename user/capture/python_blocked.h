/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads that have blocked since before the kernel side could look: it reads a thread's
 * frames when that blocks, so of these it has none.
 */
#ifndef BB_CAPTURE_PYTHON_BLOCKED_H
#define BB_CAPTURE_PYTHON_BLOCKED_H

#include "build_python.h"

#define BB_PY_BLOCKED_MAX 512 /* stacks that are read in one call */

/**
 * bb_py_blocked__walk - read the stacks of those of @idents that block and have none, and
 * whether those that never ran hold a GIL. It counts only if the thread has not switched
 * since its row was read.
 * @idents: their open.stack is filled in, an id for bb_py_stacks__get(), and open.held_gil
 * @left_out: gets how many there was no room for. Return 0 or -ENOMEM.
 */
int bb_py_blocked__walk(struct bb_py_stacks *stacks, struct bb_targets *targets,
			struct bb_allowance *a, struct bb_py_ident *idents, size_t nr_idents,
			uint64_t *left_out);

#endif
