/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files that a process has open or mapped, by what the kernel tells them by. */
#ifndef BB_CAPTURE_FILES_H
#define BB_CAPTURE_FILES_H

#include "ends.h"

struct bb_files;

/**
 * bb_files__read - from /proc alone: a file is never touched, its file system may hang.
 * Return 0 or -ENOMEM; what cannot be read is not there.
 */
int bb_files__read(pid_t pid, struct bb_files **out);

/** bb_files__path - as /proc shows it now, deleted or not; NULL: it is not open any more. */
const char *bb_files__path(const struct bb_files *f, const struct bb_end_row *row);

/** bb_files__inode - of descriptor @fd of @pid, as its fdinfo tells; 0: it does not (5.14). */
uint64_t bb_files__inode(pid_t pid, int fd, int *mnt_id);

/** bb_files__free - accepts NULL. */
void bb_files__free(struct bb_files *f);

#endif
