/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * /tmp/perf-PID.map: the functions that a program has made at run time, as it says itself, a
 * line each: "START SIZE name", numbers in hexadecimal (the kernel's
 * tools/perf/Documentation/jit-interface.txt).
 */
#ifndef BB_CAPTURE_PERF_MAP_H
#define BB_CAPTURE_PERF_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bb_perf_map;

/**
 * bb_perf_map__read - read the map of a process, seen from its own file system and PID
 * namespace, if it belongs to the user that runs it and has grown since. The first 4 MiB of it.
 * @map: NULL, or what was read before
 * Return whether it has changed; what cannot be read has not.
 */
bool bb_perf_map__read(struct bb_perf_map **map, pid_t pid);

/** bb_perf_map__find - what is at @addr, valid until the next read; NULL: nothing. Accepts NULL. */
const char *bb_perf_map__find(const struct bb_perf_map *map, uint64_t addr);

/** bb_perf_map__free - accepts NULL. */
void bb_perf_map__free(struct bb_perf_map *map);

#endif
