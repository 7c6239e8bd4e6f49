/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ran natively at the samples of Python code. */
#ifndef BB_MODEL_NATIVE_H
#define BB_MODEL_NATIVE_H

#include "record.h"

/** bb_native__same_stack - are they the same functions? */
bool bb_native__same_stack(const struct bb_native_stack *a, const struct bb_native_stack *b);

/** bb_native__sort - the stacks of a row by their samples, most first. */
void bb_native__sort(struct bb_code *c);

/* A function and how often it was on top. */
struct bb_native_top {
	const struct bb_native *what;
	uint64_t count;
};

/**
 * bb_native__tops - the functions on top of the stacks of a row, most samples first. Those
 * of a file that have no name count as one.
 * @out: an array of @nr, to be freed; NULL where there are none. Return 0 or -ENOMEM.
 */
int bb_native__tops(const struct bb_code *c, struct bb_native_top **out, size_t *nr);

/* Where a line of Python code is when it is in C. */
struct bb_native_call {
	const char *symbol; /* NULL: no function by itself, or one without a name */
	const char *object;
	uint64_t count;   /* samples there */
	uint64_t samples; /* of the line, with the GIL */
};

/**
 * bb_native__call - the function of C in which a thread is most of the time that it runs with
 * the GIL in a line of code, or else the file with most of its functions. Only where that is
 * more than half, by twice the standard error of the share; never the interpreter's own loop,
 * nor what has no name in the interpreter's file.
 * Return 1: there is one, 0: none, or -ENOMEM.
 */
int bb_native__call(const struct bb_process *p, pid_t tid, const struct bb_frame *line,
		    struct bb_native_call *call);

#endif
