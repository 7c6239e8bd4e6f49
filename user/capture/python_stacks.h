/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stacks of Python code that the kernel side has kept, by name and line. Each is
 * looked up once, soon after it was seen: code objects go away, and what takes
 * their place would be named instead.
 */
#ifndef BB_CAPTURE_PYTHON_STACKS_H
#define BB_CAPTURE_PYTHON_STACKS_H

#include "allowance.h"
#include "kernel.h"
#include "python_names.h"
#include "target.h"

#define BB_PY_STACKS_MAX 8192 /* that are kept; the kernel side keeps 4096 */

struct bb_py_known {
	struct bb_py_place *places; /* from the top; their strings belong to the stacks */
	size_t nr;                  /* 0: what was walked was no stack */
	bool truncated;
};

struct bb_py_stacks;

/** bb_py_stacks__new - none is known yet; NULL when out of memory. */
struct bb_py_stacks *bb_py_stacks__new(void);

/** bb_py_stacks__free - accepts NULL. */
void bb_py_stacks__free(struct bb_py_stacks *s);

/** bb_py_stacks__look - a look at the targets begins: what follows may read as @a has it. */
void bb_py_stacks__look(struct bb_py_stacks *s, struct bb_allowance *a);

/**
 * bb_py_stacks__learn - name the stacks that came since the last call. Reads the
 * targets' memory, within the look that is under way: what is left over is for the next.
 * Return 0 or -ENOMEM; what could not be read is left out.
 */
int bb_py_stacks__learn(struct bb_py_stacks *s, struct bb_kernel *k, struct bb_targets *targets);

/**
 * bb_py_stacks__add - name a stack that was read from outside, once; s->tgid is set.
 * @id: gets the stack's, never 0. Return 0, -ENOENT: that is no stack, -EDQUOT: not in this
 * look, or -ENOMEM.
 */
int bb_py_stacks__add(struct bb_py_stacks *s, struct bb_targets *targets,
		      const struct bb_py_stack *stack, uint64_t *id);

/** bb_py_stacks__get - the stack of that id, NULL: not learnt. */
const struct bb_py_known *bb_py_stacks__get(const struct bb_py_stacks *s, uint64_t id);

/** bb_py_stacks__broken - how many turned out to be none: their frames had changed. */
uint64_t bb_py_stacks__broken(const struct bb_py_stacks *s);

#endif
