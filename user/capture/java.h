/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The threads of a HotSpot JVM, by the table of its own structures that it carries for
 * debuggers (gHotSpotVMStructs, src/hotspot/share/runtime/vmStructs.cpp).
 */
#ifndef BB_CAPTURE_JAVA_H
#define BB_CAPTURE_JAVA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel.h"

/* Where things are; zeroed: not known. */
struct bb_java {
	uint64_t list;    /* address of the pointer to the list of threads */
	uint64_t length;  /* offset of its length */
	uint64_t threads; /* of its array of pointers to JavaThread */
	uint64_t os;      /* in a JavaThread, of the pointer to its OSThread */
	uint64_t tid;     /* in that, of the thread's number */
	uint64_t monitor; /* in a JavaThread, of the monitor that it waits to enter */
	uint64_t seen;    /* the list that was read last: another one is made for each change */
};

/**
 * bb_java__find - read @pid's table.
 * Return 0, -ENOENT: there is none, or not all that is needed; or another -errno.
 */
int bb_java__find(pid_t pid, struct bb_java *j);

/**
 * bb_java__threads - its threads, if they are others than those of the last call.
 * @threads: room for @max
 * Return how many, 0: none, or the same; -errno (-E2BIG: more than @max, @threads is full).
 */
int bb_java__threads(pid_t pid, struct bb_java *j, struct bb_java_thread *threads, size_t max);

#endif
