/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which capabilities we have, which we need, and giving up the rest. */
#ifndef BB_CAPTURE_PRIVILEGES_H
#define BB_CAPTURE_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

struct bb_capability {
	const char *name; /* "CAP_BPF" */
	int value;        /* of <linux/capability.h> */
	const char *why;
	bool required; /* nothing works without */
	bool have;     /* effective */
};

/**
 * bb_privileges__list - what we use, and whether we have it. @nr: how many.
 * Return a static table that the next call fills anew.
 */
const struct bb_capability *bb_privileges__list(size_t *nr);

/** bb_privileges__check - say what is missing to start at all. Return 0 or -EPERM. */
int bb_privileges__check(void);

/**
 * bb_privileges__drop - give up all capabilities that a running capture does not
 * need. @keep_files: output goes to a file yet to be renamed. Return 0 or -errno.
 */
int bb_privileges__drop(bool keep_files);

#endif
