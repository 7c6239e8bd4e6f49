/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where CPython keeps what leads to its GILs, by version.
 *
 * Three sources, by version (x86-64; the struct of the GIL itself is the same in all):
 *   3.7-3.11   one GIL, at a fixed place in _PyRuntime
 *   3.12       one per interpreter, behind interp->ceval.gil; fixed offsets
 *   3.13-3.15  the same, and _Py_DebugOffsets at the start of _PyRuntime tells the
 *              offsets; only the positions inside that table are fixed
 * Any other version has no layout: better no detail than a wrong one.
 */
#ifndef BB_CAPTURE_PYTHON_OFFSETS_H
#define BB_CAPTURE_PYTHON_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct _gil_runtime_state of builds with GIL, 3.7 to 3.15, bytes. */
#define BB_PY_GIL_INTERVAL 0  /* unsigned long, microseconds */
#define BB_PY_GIL_HOLDER   8  /* PyThreadState *, the last that had it */
#define BB_PY_GIL_LOCKED   16 /* int: -1 not created, 0 free, 1 held */
#define BB_PY_GIL_READ     24 /* bytes that hold the three */
/* Free-threaded builds put `int enabled` in front: all of it moves by this. */
#define BB_PY_GIL_FT_SHIFT 8

#define BB_PY_DEBUG_COOKIE  "xdebugpy"
#define BB_PY_DEBUG_VERSION 8   /* position of the version in _Py_DebugOffsets */
#define BB_PY_DEBUG_READ    288 /* bytes of it that bb_py_layout__get() looks at */

struct bb_py_layout {
	uint32_t interp_head; /* in _PyRuntime: newest interpreter; the main one is next to it */
	uint32_t rt_gil;      /* in _PyRuntime: the only GIL; 0: each interpreter points to one */
	uint32_t interp_next, interp_id, interp_threads, interp_gil;
	uint32_t tstate_interp;
	bool free_threaded;
};

/**
 * bb_py_layout__get - the layout of a CPython.
 * @version_hex:   PY_VERSION_HEX; the patch level may be unknown (0xff: 3.7's matters)
 * @debug_offsets: the first BB_PY_DEBUG_READ bytes of _PyRuntime, from the target
 * Return 0; -ENOTSUP: no layout is known for this version; -EINVAL: the target's own
 * table of offsets makes no sense.
 */
int bb_py_layout__get(uint32_t version_hex, const void *debug_offsets, struct bb_py_layout *l);

#endif
