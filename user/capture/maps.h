/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process has mapped, as /proc/PID/maps says it. */
#ifndef BB_CAPTURE_MAPS_H
#define BB_CAPTURE_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bb_mapping {
	uint64_t start, end;
	uint64_t offset; /* in the file */
	uint64_t dev;
	uint64_t inode; /* 0: of no file */
	bool exec;
	bool shared; /* between processes, if others have it mapped */
	char *path;  /* "" for anonymous memory; a name may end in " (deleted)"; "[vdso]" */
};

/**
 * bb_maps__each - call @fn for each mapping, by address; a non-zero return stops it and is
 * returned. The mapping is @fn's for the call, its path too. Return 0, -ESRCH, -EACCES, -EPERM
 * or another -errno.
 */
int bb_maps__each(pid_t pid, int (*fn)(const struct bb_mapping *m, void *ctx), void *ctx);

/** bb_maps__has - has it mapped a file with @part in its path? False where that cannot be read. */
bool bb_maps__has(pid_t pid, const char *part);

/** bb_maps__strip_deleted - cut " (deleted)" off the end. */
void bb_maps__strip_deleted(char *path);

/**
 * bb_maps__open - open a regular file, and never anything else, for reading.
 * @inode: that it must have, 0: any
 * Return a descriptor, or -errno (-ESTALE: it is another file, or not a regular one).
 */
int bb_maps__open(const char *path, uint64_t inode);

/**
 * bb_maps__open_of - the same for a file that process @pid has mapped, @path as maps shows it: in
 * its root directory, or, since maps shows a chroot in our own mount namespace so, in ours.
 * @inode: that it must have
 * Return a descriptor, -ENOMEM or another -errno.
 */
int bb_maps__open_of(pid_t pid, const char *path, uint64_t inode);

#endif
