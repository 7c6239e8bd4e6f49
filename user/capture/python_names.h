/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The code objects of one Python process: which file, function and line a frame is in.
 * Each is read once, and remembered by its address. What a target has in its memory is
 * not trusted: all that is read, kept and searched is bounded.
 */
#ifndef BB_CAPTURE_PYTHON_NAMES_H
#define BB_CAPTURE_PYTHON_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

/* Beyond these it is no code object, or there is no room for it. */
#define BB_PY_CODES_MAX    16384
#define BB_PY_FILE_MAX     4096         /* code points of co_filename */
#define BB_PY_FUNCTION_MAX 1024         /* of co_qualname, co_name */
#define BB_PY_TABLE_MAX    (1 << 20)    /* bytes of the line table */
#define BB_PY_BYTECODE_MAX (16 << 20)   /* bytes: what the longest line table can tell of */
#define BB_PY_COPIES_MAX   4096         /* copies of the bytecode, one for each thread */
#define BB_PY_KEPT_MAX     (8ULL << 20) /* bytes of names, tables and what leads to them */

struct bb_py_names;

/*
 * The strings are UTF-8, the target's own characters (surrogates are U+FFFD), not escaped.
 * They live as long as the bb_py_names; of one, equal strings are the same pointer.
 */
struct bb_py_place {
	const char *file;     /* co_filename, whole */
	const char *function; /* qualified name since 3.11, co_name before */
	int line;             /* 0: not known */
	int first_line;       /* of the function, its first decorator included; 0: not known */
};

/**
 * bb_py_names__new - nothing is known yet.
 * @version_hex: PY_VERSION_HEX; @free_threaded: the build
 * @kept: bytes of all that count towards BB_PY_KEPT_MAX together, 0 at first; outlives it
 * Return NULL without memory.
 */
struct bb_py_names *bb_py_names__new(uint32_t version_hex, bool free_threaded, uint64_t *kept);

/** bb_py_names__free - with all strings of its places; accepts NULL. */
void bb_py_names__free(struct bb_py_names *n);

/**
 * bb_py_names__learn - read the code object at @code, unless it is known.
 * Of a known one it makes sure that it still is the one (a single read, the first time since
 * bb_py_names__forget()), and learns the one that has taken its place: call it for each code
 * object each time before places in it are asked for. An address that fails is tried four times in
 * a row, from then on only at each doubling of how often it was asked for. Return 0; -EFAULT: no
 * code object is there (any more; what was learnt of it stays); -ENOSPC: the process has more code
 * objects than are kept; -ENOTSUP: no layout is known for this Python; -ENOMEM; -ESRCH, -EPERM,
 * -EACCES, -EDQUOT as bb_mem__read(). What it costs to find a place in the code is charged here.
 */
int bb_py_names__learn(struct bb_py_names *n, struct bb_mem *m, uint64_t code);

/** bb_py_names__forget - time has gone by: the next look makes sure of each code object again. */
void bb_py_names__forget(struct bb_py_names *n);

/**
 * bb_py_names__place - where in the source a frame is.
 * @code: of a code object that was learnt
 * @pos:  as it is in the frame (bb_py_offsets.frame_pos): f_lasti until 3.10, of which the
 *        low 32 bits count, prev_instr or instr_ptr since 3.11
 * A line that is not known for sure is 0: bytecode of a thread's own that was made after
 * the last bb_py_names__learn(), code without a line, or what is no place in it at all.
 * Return 0, or -ENOENT where @code is not known; @out is zeroed then.
 */
int bb_py_names__place(const struct bb_py_names *n, uint64_t code, uint64_t pos,
		       struct bb_py_place *out);

#endif
