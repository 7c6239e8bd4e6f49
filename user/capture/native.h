/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which function of which file is at an address of a process. Files are read once for all
 * processes, and kept open: so their inode stays theirs.
 */
#ifndef BB_CAPTURE_NATIVE_H
#define BB_CAPTURE_NATIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Equal ones are the same: they belong to the files, and live as long. */
struct bb_native_fn {
	const char *symbol; /* as in the file; NULL: it has no name */
	const char *object; /* path as the target sees it, "[vdso]", "[jit]"; NULL: of no file */
	bool interpreter;   /* the file has Python's interpreter */
};

struct bb_native_files;

/** bb_native_files__new - none is read yet; NULL when out of memory. */
struct bb_native_files *bb_native_files__new(void);

/** bb_native_files__free - accepts NULL; after the processes. */
void bb_native_files__free(struct bb_native_files *f);

struct bb_native_proc;

/** bb_native_proc__new - a process whose mappings are not known yet; NULL: out of memory. */
struct bb_native_proc *bb_native_proc__new(struct bb_native_files *files);

/** bb_native_proc__free - accepts NULL. */
void bb_native_proc__free(struct bb_native_proc *p);

/**
 * bb_native_proc__read - read its mappings, again.
 * @dev, @inode: of the file that has Python's interpreter, 0: there is none
 * Return 0, or -errno: what was known before is kept then, as it is when the process has gone.
 */
int bb_native_proc__read(struct bb_native_proc *p, pid_t pid, uint64_t dev, uint64_t inode);

/** bb_native_proc__forget - it runs another program now: nothing is known of that. */
void bb_native_proc__forget(struct bb_native_proc *p);

/**
 * bb_native_proc__name - what is at @addr.
 * @called: it must be where a call returns to, and the call is meant
 * Return 0, -ENOENT: no code is there, or no call before it, -ENOMEM.
 */
int bb_native_proc__name(struct bb_native_proc *p, uint64_t addr, bool called,
			 const struct bb_native_fn **fn);

/**
 * bb_native__is_call - does a call instruction of this architecture end where @code does?
 * @code: the BB_CALL_BYTES before the address
 */
bool bb_native__is_call(const unsigned char *code);
#define BB_CALL_BYTES 8

#endif
