/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the kernel's sums on Python code to a record. */
#ifndef BB_CAPTURE_BUILD_PYTHON_H
#define BB_CAPTURE_BUILD_PYTHON_H

#include <stdbool.h>

#include "../model/record.h"
#include "build.h"
#include "kernel.h"
#include "python_stacks.h"
#include "target.h"

/* What a thread was off its CPU for at the end, which no sum of the kernel side has yet. */
struct bb_py_open {
	uint64_t since;      /* ktime at which it began */
	uint64_t stack;      /* in which it blocks, 0: not walked */
	uint64_t blocked_ns; /* 0: it does not */
	bool inner;          /* in a poll within a turn of its event loop */
	uint32_t bucket;     /* enum bb_bucket of that */
	int16_t nr;          /* system call, -1: none */
	uint64_t switches;   /* of the thread then */
	uint64_t held_gil;   /* GIL that it holds meanwhile, 0: none */
	uint64_t off_ns;     /* for how long */
	uint64_t owed_ns;    /* contended time of that GIL when it began */
	bool waits;          /* an acquisition of a GIL is not over: */
	uint64_t acq_stack;  /* in which code, */
	uint64_t acq_ns;     /* and how long so far, */
	uint64_t acq_gil;    /* for which GIL */
};

/* By which numbers the kernel side knows a thread. */
struct bb_py_ident {
	uint32_t tgid, tid; /* in the initial PID namespace */
	pid_t shown;        /* tid as the record has it */
	uint64_t tstate;    /* 0: not known */
	uint64_t self;      /* pthread_self(), 0: not known */
	uint64_t start;     /* ktime from which its row is, */
	uint64_t end;       /* and until which it was there for sure */
	bool ended;         /* its addresses may be another one's since */
	struct bb_py_open open;
};

/**
 * bb_py_ident__find - the thread of that number in that process, NULL: it is not there. Where a
 * number was used again, the one that lives, or else the last. @idents: sorted.
 */
const struct bb_py_ident *bb_py_ident__find(const struct bb_py_ident *idents, size_t nr,
					    uint32_t tid, uint32_t tgid);

/**
 * bb_build__python - fill in holders, code, loops and the threads' GIL figures. The
 * processes are complete but for these, in the order of @targets, their threads by tid.
 * @idents: sorted here. Return 0, -ENOMEM or -errno.
 */
int bb_build__python(struct bb_record *rec, struct bb_kernel *k, struct bb_targets *targets,
		     const struct bb_build_opts *opts, struct bb_py_ident *idents,
		     size_t nr_idents);

#endif
