/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes that the target chose (names, paths, arguments) on their way to a
 * terminal, a JSON document or a Prometheus page.
 *
 * In text, everything that is not plainly printable shows as an escape: \n, \t,
 * \r, \e, \\ and \xNN for each other byte. That holds for control characters
 * (C0, DEL, C1), for invalid UTF-8, and for what moves or hides text: bidi
 * controls, zero-width and combining characters, line separators. So no name
 * can move the cursor, colour, reorder or forge a line of the report, and two
 * names that differ never look the same because of it.
 *
 * In JSON and Prometheus, invalid UTF-8 becomes U+FFFD, one for each maximal
 * part of a broken sequence (as browsers and Python's errors="replace" do);
 * everything else is kept, and escaped by the format's own rules.
 */
#ifndef BB_EMIT_ESCAPE_H
#define BB_EMIT_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * bb_utf8__decode - read one character.
 * @s, @len: bytes, @len at least 1
 * @cp:      the code point, or -1 where the bytes are no valid UTF-8
 * Return the number of bytes it took, at least 1.
 */
size_t bb_utf8__decode(const char *s, size_t len, int32_t *cp);

/** bb_utf8__width - columns of a printable character (1 or 2); 0 where it is to be escaped. */
unsigned int bb_utf8__width(int32_t cp);

/** bb_utf8__columns - display columns of text that needs no escaping; ANSI colours count 0. */
size_t bb_utf8__columns(const char *s, size_t len);

/**
 * bb_escape__text - escape bytes for a terminal, within a number of columns.
 * @dst, @size: buffer, always NUL-terminated; BB_ESCAPE_LEN(columns) always fits
 * @s, @len:    the bytes
 * @columns:    most columns to use; what does not fit is cut, and ends in ".."
 * @utf8:       the reader shows UTF-8; otherwise what is not ASCII is escaped too
 * Return the number of columns used.
 */
size_t bb_escape__text(char *dst, size_t size, const char *s, size_t len, size_t columns,
		       bool utf8);

/* A column takes up to 4 bytes. */
#define BB_ESCAPE_LEN(columns) ((columns)*4 + 1)

/**
 * bb_escape__utf8 - a copy that is valid UTF-8 for sure.
 * Return a NUL-terminated string to free(), its length in @out_len; NULL: out of memory.
 */
char *bb_escape__utf8(const char *s, size_t len, size_t *out_len);

#endif
