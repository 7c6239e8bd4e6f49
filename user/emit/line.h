/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One line of the text report, built up by display columns.
 *
 * Nothing can make it wider than its width: whatever does not fit is cut, and
 * trailing blanks are dropped. Colours take no column. Internal to user/emit.
 */
#ifndef BB_EMIT_LINE_H
#define BB_EMIT_LINE_H

#include "emit.h"
#include "out.h"

#define BB_WIDTH_MIN 40
#define BB_WIDTH_MAX 200

enum bb_color {
	BB_COLOR_NONE = 0,
	BB_COLOR_BOLD,
	BB_COLOR_DIM,
	BB_COLOR_GOOD,
	BB_COLOR_WARN,
	BB_COLOR_BAD,
	BB_COLOR_BAR,
};

struct bb_line {
	struct bb_out *out;
	const struct bb_emit_opts *opts;
	size_t width;
	size_t columns; /* used so far */
	size_t len;     /* bytes in buf */
	enum bb_color color;
	char buf[BB_WIDTH_MAX * 16];
};

/** bb_line__init - an empty line for @out; the width is opts->width within bounds, 80 if 0. */
void bb_line__init(struct bb_line *l, struct bb_out *out, const struct bb_emit_opts *opts);

/** bb_line__put - append our own words; plain ASCII, or UTF-8 where the reader shows it. */
void bb_line__put(struct bb_line *l, const char *s);

/** bb_line__printf - the same, formatted; our own words only. */
void bb_line__printf(struct bb_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** bb_line__escaped - append bytes of the target, escaped, in at most @columns. */
void bb_line__escaped(struct bb_line *l, const char *s, size_t columns);

/** bb_line__right - append our own words, right-aligned so that they end at column @end. */
void bb_line__right(struct bb_line *l, size_t end, const char *s);

/** bb_line__fits - whether a blank and bytes of the target, escaped, still fit in full. */
bool bb_line__fits(const struct bb_line *l, const char *s);

/** bb_line__pad - blanks up to @column; none where the line is there already. */
void bb_line__pad(struct bb_line *l, size_t column);

/** bb_line__bar - a bar of @columns that is filled to @share. */
void bb_line__bar(struct bb_line *l, size_t columns, double share);

/** bb_line__color - colour what follows, BB_COLOR_NONE to end. Nothing without opts->color. */
void bb_line__color(struct bb_line *l, enum bb_color color);

/** bb_line__end - write the line, and start over. */
void bb_line__end(struct bb_line *l);

/**
 * bb_line__wrap - write words as a paragraph, in the colour that is on.
 * The first line starts where the line is, the others are indented. The words
 * may be the target's: they are escaped.
 */
void bb_line__wrap(struct bb_line *l, size_t indent, const char *s);

/** bb_line__title - an empty line, then a heading in bold. */
void bb_line__title(struct bb_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
