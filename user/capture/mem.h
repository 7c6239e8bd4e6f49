/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads another process's memory without stopping it. */
#ifndef BB_CAPTURE_MEM_H
#define BB_CAPTURE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bb_mem {
	pid_t pid;
	int fd;       /* of /proc/PID/mem, -1: not opened */
	bool by_file; /* process_vm_readv is refused or missing here */
	int64_t left; /* ns that reads may still cost; INT64_MAX: any */
};

/* What a read is taken to cost: about what it was measured to. */
#define BB_MEM_READ_NS     1000
#define BB_MEM_BYTES_BY_NS 4

/** bb_mem__init - prepare to read @pid's memory, at any cost. Opens nothing yet, so cannot fail. */
void bb_mem__init(struct bb_mem *m, pid_t pid);

/**
 * bb_mem__read - copy @len bytes at @addr of the target to @buf.
 * The target runs on meanwhile: what is read in one call may be torn.
 * Return 0 when all of it was read, -EFAULT when any of it is not mapped, -ESRCH
 * when the process is gone, -EPERM or -EACCES when it may not be read, -EDQUOT when
 * @m->left is used up. @buf is zeroed on failure.
 */
int bb_mem__read(struct bb_mem *m, uint64_t addr, void *buf, size_t len);

/** bb_mem__charge - @ns of work on what was read. The next read is the first to be refused. */
void bb_mem__charge(struct bb_mem *m, uint64_t ns);

/** bb_mem__u64 - the same for one word. */
int bb_mem__u64(struct bb_mem *m, uint64_t addr, uint64_t *v);

/** bb_mem__word - the word at @offset of what was read into @buf. */
uint64_t bb_mem__word(const char *buf, size_t offset);

/** bb_mem__plausible - may this be a pointer to an aligned object of a process? */
bool bb_mem__plausible(uint64_t addr);

/** bb_mem__free - close what it opened; accepts a zeroed or failed one. */
void bb_mem__free(struct bb_mem *m);

#endif
