/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of a CPython's objects a mutex belongs to. */
#ifndef BB_CAPTURE_PYTHON_OBJECT_H
#define BB_CAPTURE_PYTHON_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

/**
 * bb_py_object__of_mutex - the type of the object that has the PyMutex at @addr: in a
 * free-threaded build each object has one, and _thread.lock and _thread.RLock are one.
 * @buf: its tp_name, "list" or "_thread.lock", printable ASCII
 * The object may be gone, and its memory be used for something else: what is there must be
 * an object whose type is one.
 * Return 0, -EFAULT: there is none; -ENOTSUP, -ESRCH, -EPERM, -EACCES.
 */
int bb_py_object__of_mutex(struct bb_mem *m, uint32_t version_hex, bool free_threaded,
			   uint64_t addr, char *buf, size_t len);

#endif
