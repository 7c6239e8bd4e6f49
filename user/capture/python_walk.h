/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The frames of a thread that does not run, from outside: for waits that began before the
 * kernel side could look. It reads what bpf/python.bpf.h reads, by the same offsets.
 */
#ifndef BB_CAPTURE_PYTHON_WALK_H
#define BB_CAPTURE_PYTHON_WALK_H

#include "../../bpf/abi.h"
#include "mem.h"

#define BB_PY_TSTATES_MAX 4096 /* thread states of a process that are looked at */

struct bb_py_tstate {
	uint64_t self; /* pthread_self() of its thread */
	uint64_t tstate;
};

/**
 * bb_py_walk__tstates - the thread states of all interpreters, by self, at most
 * BB_PY_TSTATES_MAX.
 * @runtime: address of _PyRuntime; @out: an array that the caller frees, NULL on failure
 * Return 0, -ENOMEM, or as bb_mem__read(). A list that changes meanwhile may come cut.
 */
int bb_py_walk__tstates(struct bb_mem *m, const struct bb_py_offsets *o, uint64_t runtime,
			struct bb_py_tstate **out, size_t *nr);

/** bb_py_walk__find - the thread state of the thread @self, 0: it has none there. */
uint64_t bb_py_walk__find(const struct bb_py_tstate *tstates, size_t nr, uint64_t self);

/**
 * bb_py_walk__stack - the frames of a thread state, from the top; tgid is left as it is.
 * Return 0, or -ENOENT where it has none that can be read.
 */
int bb_py_walk__stack(struct bb_mem *m, const struct bb_py_offsets *o, uint64_t tstate,
		      struct bb_py_stack *s);

/** bb_py_walk__holds - is the GIL at @gil locked, and held by that thread state? */
bool bb_py_walk__holds(struct bb_mem *m, uint64_t gil, uint64_t tstate);

#endif
