/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the Python runtime inside a live process, from outside: by the symbol
 * _PyRuntime in the .dynsym of any mapped ELF file, and by reading the target's
 * memory. Never stops the target, never writes to it.
 */
#ifndef BB_CAPTURE_PYTHON_H
#define BB_CAPTURE_PYTHON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../model/record.h"

#define BB_PY_GILS_MAX 8

struct bb_py_gil {
	uint64_t addr;       /* of struct _gil_runtime_state, as if a build with GIL: +8 is
			      * already added for free-threaded builds, so that cond is
			      * at addr+32 and mutex at addr+80 in both */
	int64_t interpreter; /* id */
	uint64_t interval_us;
};

struct bb_python {
	struct bb_runtime runtime; /* name, version, gil, note; note is owned by this */
	uint32_t version_hex;      /* PY_VERSION_HEX, 0 where not known */
	uint64_t runtime_addr;     /* of _PyRuntime in the target, 0: none */
	uint64_t dev, inode;       /* of the file that has it, as /proc/PID/maps shows them */
	bool free_threaded;        /* the build */
	struct bb_py_gil gils[BB_PY_GILS_MAX];
	size_t nr_gils;
	bool initialised; /* false: the runtime is there, not started yet; ask again */
	bool no_code;     /* what leads to its code and threads' names is not where we know it */
};

/**
 * bb_python__find - look for a Python runtime in a process.
 * @pid: as this process's PID namespace numbers it
 * @py:  filled; release with bb_python__free()
 * Return 0 (also when there is none: runtime.name is then ""), -ESRCH when the
 * process is gone, -EACCES/-EPERM when it may not be read, -ENOMEM.
 */
int bb_python__find(pid_t pid, struct bb_python *py);

/**
 * bb_python__refresh - find interpreters (and so GILs) that came or went since,
 * read the switch intervals again, and whether the GIL of a free-threaded build
 * is in use now. Cheap: a few reads of the target's memory.
 * Return as bb_python__find().
 */
int bb_python__refresh(pid_t pid, struct bb_python *py);

/** bb_python__free - release what @py owns; accepts a zeroed one. */
void bb_python__free(struct bb_python *py);

#endif
