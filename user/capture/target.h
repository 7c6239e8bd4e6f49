/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The processes that we watch: found, held by a pidfd, described. */
#ifndef BB_CAPTURE_TARGET_H
#define BB_CAPTURE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../model/record.h"
#include "java.h"
#include "python.h"

struct bb_target {
	pid_t pid;     /* as our PID namespace numbers it; 0: not visible there */
	uint32_t tgid; /* in the initial PID namespace */
	uint64_t start_boottime;
	int pidfd;  /* -1: followed child that was gone before we came */
	bool named; /* on the command line */
	bool gone;
	bool musl;               /* its C library is musl */
	uint32_t execs;          /* of the kernel's count, seen so far */
	uint64_t fresh_until_ns; /* ktime until which its runtime is looked for again */
	struct bb_process info;  /* who it is, as long as it could be read */
	struct bb_python py;
	struct bb_java java;   /* zeroed: no JVM, or not found */
	uint64_t java_next_ns; /* ktime from which that is looked at again */
	/* GILs of this program that are no more: of an interpreter that has ended */
	struct bb_py_gil past[BB_PY_GILS_MAX];
	size_t nr_past;
};

struct bb_targets {
	struct bb_target *items;
	size_t nr;
	size_t room;
};

/**
 * bb_targets__add - look a process up and hold it. Says itself what is wrong.
 * Return 0, -ESRCH (not there), -EINVAL (a thread, not a process), -EEXIST
 * (named twice; nothing is wrong), -ENOMEM or another -errno.
 */
int bb_targets__add(struct bb_targets *t, pid_t pid);

/** bb_targets__new - room for one more, zeroed with pidfd -1; NULL when out of memory. */
struct bb_target *bb_targets__new(struct bb_targets *t);

/** bb_targets__by_tgid - NULL where there is none. */
struct bb_target *bb_targets__by_tgid(struct bb_targets *t, uint32_t tgid);

/** bb_target__alive - does the very process that we looked up still live? */
bool bb_target__alive(const struct bb_target *t);

/** bb_target__describe - read who it is, and its runtime; keeps what it had when it is gone. */
int bb_target__describe(struct bb_target *t);

/** bb_targets__free - release the items; not @t itself. */
void bb_targets__free(struct bb_targets *t);

/** bb_process__copy_identity - deep copy of who it is, without figures. Return 0 or -ENOMEM. */
int bb_process__copy_identity(struct bb_process *to, const struct bb_process *from);

#endif
