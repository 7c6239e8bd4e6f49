/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "python_lines.h"

#include <limits.h>
#include <stdbool.h>

/* What only a hostile table leads to is no line. Steps are below 2^36: the sums fit in 64 bits. */
static int as_line(int64_t line)
{
	return line > 0 && line <= INT_MAX ? (int)line : 0;
}

/*
 * Pairs (steps of code in bytes, signed steps of lines); what follows the last one
 * is on its line. As PyCode_Addr2Line() of CPython 3.7 to 3.9, Objects/codeobject.c.
 */
static int at_lnotab(const uint8_t *table, size_t len, int64_t line, uint64_t offset)
{
	uint64_t addr = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		addr += table[i];
		if (addr > offset)
			break;
		line += (int8_t)table[i + 1];
	}
	return as_line(line);
}

/*
 * Pairs (length in bytes, signed steps of lines), each a range of its own; a step of
 * -128 says that the range has no line. As advance() of CPython 3.10, Objects/codeobject.c.
 */
static int at_ranges(const uint8_t *table, size_t len, int64_t line, uint64_t offset)
{
	uint64_t end = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		int step = (int8_t)table[i + 1];

		end += table[i];
		if (step != -128)
			line += step;
		if (offset < end)
			return step == -128 ? 0 : as_line(line);
	}
	return 0;
}

/* Kinds of entries of 3.11's table, Include/internal/pycore_code.h. */
enum {
	ONE_LINE_0 = 10,
	ONE_LINE_2 = 12,
	NO_COLUMNS = 13,
	LONG = 14,
	NONE = 15,
};

/*
 * Six bits a byte, the lowest first, 0x40: more follow; the lowest bit of all is the
 * sign. Return false where it has no end within the entry, or more than 32 bits.
 */
static bool signed_varint(const uint8_t *table, size_t len, size_t i, int64_t *value)
{
	uint64_t v = 0;
	int shift = 0;

	for (;; i++, shift += 6) {
		if (i >= len || table[i] & 0x80 || shift > 30)
			return false;
		v |= (uint64_t)(table[i] & 0x3f) << shift;
		if (!(table[i] & 0x40))
			break;
	}
	if (v > UINT32_MAX)
		return false;
	*value = v & 1 ? -(int64_t)(v >> 1) : (int64_t)(v >> 1);
	return true;
}

/*
 * Entries that begin with a byte with bit 7 set: a kind, and a length in units of two
 * bytes. As advance() and get_line_delta() of CPython 3.11 and later, Objects/codeobject.c.
 */
static int at_locations(const uint8_t *table, size_t len, int64_t line, uint64_t offset)
{
	uint64_t end = 0;
	size_t i = 0;

	while (i < len) {
		int kind = table[i] >> 3 & 15;
		int64_t step = 0;

		if (!(table[i] & 0x80))
			return 0;
		end += 2 * ((table[i] & 7) + 1);
		if (kind >= ONE_LINE_0 && kind <= ONE_LINE_2)
			step = kind - ONE_LINE_0;
		else if ((kind == NO_COLUMNS || kind == LONG) &&
			 !signed_varint(table, len, i + 1, &step))
			return 0;
		line += step;
		if (offset < end)
			return kind == NONE ? 0 : as_line(line);
		do
			i++;
		while (i < len && !(table[i] & 0x80));
	}
	return 0;
}

int bb_py_lines__at(enum bb_py_table kind, const uint8_t *table, size_t len, int first_line,
		    uint32_t offset)
{
	switch (kind) {
	case BB_PY_LNOTAB:
		return at_lnotab(table, len, first_line, offset);
	case BB_PY_RANGES:
		return at_ranges(table, len, first_line, offset);
	case BB_PY_LOCATIONS:
		return at_locations(table, len, first_line, offset);
	}
	return 0;
}
