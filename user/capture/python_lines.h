/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a place in the bytecode to a line of the source, by the table that a code
 * object carries. No I/O; a table may be cut short or hostile.
 */
#ifndef BB_CAPTURE_PYTHON_LINES_H
#define BB_CAPTURE_PYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>

enum bb_py_table {
	BB_PY_LNOTAB = 0,    /* co_lnotab, until 3.9 */
	BB_PY_RANGES = 1,    /* co_linetable of 3.10 (PEP 626) */
	BB_PY_LOCATIONS = 2, /* co_linetable since 3.11 (PEP 657) */
};

/**
 * bb_py_lines__at - the line of the instruction at a byte offset into the bytecode.
 * @table, @len: the table, bytes; looked at once, from its start
 * @first_line:  co_firstlineno
 * Return the line, 1 or more; 0: the table gives none, ends before it or makes no sense.
 */
int bb_py_lines__at(enum bb_py_table kind, const uint8_t *table, size_t len, int first_line,
		    uint32_t offset);

#endif
