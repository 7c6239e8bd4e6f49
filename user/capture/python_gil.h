/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a _PyRuntime of known version to its GILs, by reading a live process. */
#ifndef BB_CAPTURE_PYTHON_GIL_H
#define BB_CAPTURE_PYTHON_GIL_H

#include "mem.h"
#include "python.h"

/* What came of it; later is better, the best candidate of a process counts. */
enum bb_py_state {
	BB_PY_UNSUPPORTED = 0, /* no layout is known for this version */
	BB_PY_IMPLAUSIBLE = 1, /* what is there contradicts the layout */
	BB_PY_NOT_STARTED = 2, /* zeroed or half-built: before Py_Initialize, after Py_Finalize */
	BB_PY_FOUND = 3,
};

/**
 * bb_py_gils__read - find the GILs of @py->runtime_addr, a Python of @py->version_hex.
 * Fills gils, nr_gils, initialised, free_threaded and runtime.gil; leaves runtime.note.
 * The target runs on meanwhile and may be hostile: all reads are bounded, and an
 * answer counts only if the structures point at each other as they must.
 * Return an enum bb_py_state, or -ESRCH, -EPERM, -EACCES.
 */
int bb_py_gils__read(struct bb_mem *m, struct bb_python *py);

#endif
