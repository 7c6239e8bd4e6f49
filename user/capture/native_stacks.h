/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native stacks that the kernel's side has kept, with names: user's as they come, the kernel's at
 * the end. */
#ifndef BB_CAPTURE_NATIVE_STACKS_H
#define BB_CAPTURE_NATIVE_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "native_programs.h"
#include "native_samples.h"

struct bb_native_known {
	const struct bb_native_fn **user; /* from the top; they belong to the programs */
	size_t nr_user;
	bool truncated;      /* of user's, further ones were not kept */
	bool kernel_cut;     /* as many of the kernel as are kept */
	const char **kernel; /* from the top, what is the scheduler's or ours left out; not NULL */
	size_t nr_kernel;
	bool interrupted; /* an interrupt did it, whoever it hit */
	uint32_t tgid;
	pid_t pid;     /* of the process that was first seen there, 0: a kernel thread's, or
			* not visible here */
	char comm[16]; /* of the thread */
};

struct bb_native_stacks;

/** bb_native_stacks__new - none yet; NULL when out of memory. */
struct bb_native_stacks *bb_native_stacks__new(void);

/** bb_native_stacks__free - accepts NULL. */
void bb_native_stacks__free(struct bb_native_stacks *s);

/**
 * bb_native_stacks__learn - name what is new of user's, in a look of @programs. @last: what has no
 * name by then gets none; else it is tried again. Return 0, -ENOMEM or another -errno.
 */
int bb_native_stacks__learn(struct bb_native_stacks *s, struct bb_kernel *k,
			    struct bb_native_programs *programs, bool last);

/**
 * bb_native__look - one look at the programs, for what is new of samples and of stacks (NULL: not
 * asked for). @last: as above. Return 0, -ENOMEM or another -errno.
 */
int bb_native__look(struct bb_native_programs *programs, struct bb_native_samples *samples,
		    struct bb_native_stacks *stacks, struct bb_kernel *k,
		    struct bb_targets *targets, bool last);

/**
 * bb_native_stacks__name_kernel - name the kernel's part of all, by /proc/kallsyms. Where that
 * does not tell, frames have no name and are left out. Return 0 or -ENOMEM.
 */
int bb_native_stacks__name_kernel(struct bb_native_stacks *s);

/** bb_native_stacks__get - the stack of that key, NULL: it is not known. It is @s's. */
const struct bb_native_known *bb_native_stacks__get(const struct bb_native_stacks *s, uint64_t id);

#endif
