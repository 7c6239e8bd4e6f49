/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of glibc's a futex word belongs to, by how it is waited for and what is around it. */
#ifndef BB_MODEL_LOCK_GLIBC_H
#define BB_MODEL_LOCK_GLIBC_H

#include <stddef.h>

#include "record.h"

#define BB_LOOK_BEFORE 40 /* bytes of memory in front of a word that may tell */
#define BB_LOOK_AFTER  56 /* from the word on */

/* The last wait for a word, and the memory around it. */
struct bb_lock_look {
	uint32_t op, val; /* as passed to the kernel (futex(2)) */
	uint32_t where;   /* enum bb_lock_where */
	bool parks;       /* bb_runtime__parks() of its process */
	/* of mem[], what could be read: bytes in front of the word, and from it on */
	size_t before, after;
	unsigned char mem[BB_LOOK_BEFORE + BB_LOOK_AFTER]; /* the word is at BB_LOOK_BEFORE */
};

/**
 * bb_glibc__kind - BB_LOCK_RWLOCK, BB_LOCK_SEMAPHORE, BB_LOCK_CONDITION or BB_LOCK_BARRIER
 * where both the wait and the memory are as glibc's are, else BB_LOCK_UNKNOWN. @l: its waits.
 */
enum bb_lock_kind bb_glibc__kind(const struct bb_lock *l, const struct bb_lock_look *look);

#endif
