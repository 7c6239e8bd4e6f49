/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The targets' programs, for the names of native code: what they have mapped is read again as
 * libraries come and go, while somebody asks.
 */
#ifndef BB_CAPTURE_NATIVE_PROGRAMS_H
#define BB_CAPTURE_NATIVE_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#include "kernel.h"
#include "native.h"
#include "target.h"

struct bb_native_programs;

/** bb_native_programs__new - none is known yet; NULL when out of memory. */
struct bb_native_programs *bb_native_programs__new(void);

/** bb_native_programs__free - with all names that it gave. Accepts NULL. */
void bb_native_programs__free(struct bb_native_programs *p);

/** bb_native_programs__look - a look begins, in which each program's mappings are read once at
 * most. */
void bb_native_programs__look(struct bb_native_programs *p, struct bb_kernel *k,
			      struct bb_targets *targets);

/**
 * bb_native_programs__name - name the addresses of a stack, from the top, up to the first that is
 * none: below it there is none either, since code without frame pointers uses the register for
 * what it likes.
 * @execs:  bb_proc_sum.exec_count when the stack was taken
 * @frames: room for @nr; what it points to belongs to @p
 * Return how many have a name, 0: the program is not there to be read, -EAGAIN: not yet, it lives,
 * or -ENOMEM.
 */
int bb_native_programs__name(struct bb_native_programs *p, uint32_t tgid, uint32_t execs,
			     const uint64_t *ip, size_t nr, const struct bb_native_fn **frames);

/** bb_native_programs__end - the look is over: programs that have gone are forgotten. */
void bb_native_programs__end(struct bb_native_programs *p);

#endif
