/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CPython's str objects, read from a target and made UTF-8. */
#ifndef BB_CAPTURE_PYTHON_STR_H
#define BB_CAPTURE_PYTHON_STR_H

#include "mem.h"
#include "python_code.h"

/**
 * bb_py_str__utf8 - a str's data as UTF-8.
 * @kind: bytes of a code point: 1 (Latin-1), 2 or 4, host byte order; @nr of them at @data
 * @buf:  room for 4 * @nr + 1 bytes; ends with a NUL
 * Surrogates, NUL and what is no code point become U+FFFD. Return the length, in bytes.
 */
size_t bb_py_str__utf8(int kind, const void *data, size_t nr, char *buf);

/**
 * bb_py_str__read - the str object at @addr of a target.
 * @max: code points; a longer one counts as no str
 * @s:   new memory, the caller's; NULL on failure
 * Only exact and compact ones are read, as CPython makes them since 3.3; whether its type
 * is str is the caller's to check: @type is the address of its type object.
 * Return 0; -EFAULT: not readable, or no such str; -ENOMEM, -ESRCH, -EPERM, -EACCES.
 */
int bb_py_str__read(struct bb_mem *m, const struct bb_py_code_layout *l, uint64_t addr, size_t max,
		    char **s, uint64_t *type);

#endif
