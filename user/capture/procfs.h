/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What /proc and the cgroup file system say of a process. */
#ifndef BB_CAPTURE_PROCFS_H
#define BB_CAPTURE_PROCFS_H

#include <sys/types.h>

#include "../model/record.h"

/**
 * bb_procfs__read - read a whole file of /proc into a fresh buffer.
 * @len: its length, may be NULL; the buffer is NUL-terminated beyond it.
 * Return the buffer (free() it), or NULL with errno set.
 */
char *bb_procfs__read(const char *path, size_t *len);

/**
 * bb_procfs__describe - fill in who a process is: comm, exe, cmdline, cgroup,
 * container, usable CPUs, memory. What cannot be read stays unknown. @p owns
 * the strings. Return 0, -ESRCH when there is no such process, -ENOMEM.
 */
int bb_procfs__describe(pid_t pid, struct bb_process *p);

/**
 * bb_procfs__fd_target - what a descriptor leads to, as its link says: a path, "pipe:[4711]".
 * @buf: of @len, always terminated. False: it cannot be read.
 */
bool bb_procfs__fd_target(pid_t pid, int fd, char *buf, size_t len);

/** bb_procfs__same_pid_ns - are numbers of threads in its memory ours, too? */
bool bb_procfs__same_pid_ns(pid_t pid);

/**
 * bb_procfs__each_number - call @fn for each entry of the folder @path that has a number for a
 * name; non-zero stops it and is returned. Return 0, or -errno where it cannot be read.
 */
int bb_procfs__each_number(const char *path, int (*fn)(int number, void *ctx), void *ctx);

/** bb_procfs__threads - number of threads a process has now; -errno on failure. */
long bb_procfs__threads(pid_t pid);

/** bb_procfs__tgid - the process that thread @tid belongs to; -ESRCH where there is none. */
pid_t bb_procfs__tgid(pid_t tid);

/** bb_procfs__switches - context switches of thread @tid so far; -ESRCH: not known. */
int64_t bb_procfs__switches(pid_t tid);

/** bb_procfs__busy_ns - CPU time that all CPUs spent other than idle, since boot, in ns. */
uint64_t bb_procfs__busy_ns(void);

#endif
