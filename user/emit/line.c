/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One line of the text report. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "line.h"

void bb_line__init(struct bb_line *l, struct bb_out *out, const struct bb_emit_opts *opts)
{
	memset(l, 0, sizeof(*l));
	l->out = out;
	l->opts = opts;
	l->width = opts->width ? opts->width : 80;
	if (l->width < BB_WIDTH_MIN)
		l->width = BB_WIDTH_MIN;
	if (l->width > BB_WIDTH_MAX)
		l->width = BB_WIDTH_MAX;
}

/* Bytes that need no columns of their own, or whose columns were counted. */
static void line__raw(struct bb_line *l, const char *s, size_t len)
{
	if (len > sizeof(l->buf) - l->len)
		return;
	memcpy(l->buf + l->len, s, len);
	l->len += len;
}

/*
 * Our own words go through the escaper as well: were a byte of the target ever
 * to slip into them, it would still do no harm.
 */
void bb_line__put(struct bb_line *l, const char *s)
{
	bb_line__escaped(l, s, l->width);
}

void bb_line__printf(struct bb_line *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bb_line__put(l, text);
}

void bb_line__escaped(struct bb_line *l, const char *s, size_t columns)
{
	char text[BB_ESCAPE_LEN(BB_WIDTH_MAX)];
	size_t room = l->width - l->columns;

	if (columns > room)
		columns = room;
	l->columns += bb_escape__text(text, sizeof(text), s, strlen(s), columns, l->opts->utf8);
	line__raw(l, text, strlen(text));
}

void bb_line__right(struct bb_line *l, size_t end, const char *s)
{
	size_t columns = bb_utf8__columns(s, strlen(s));

	if (columns < end)
		bb_line__pad(l, end - columns);
	bb_line__put(l, s);
}

bool bb_line__fits(const struct bb_line *l, const char *s)
{
	char text[BB_ESCAPE_LEN(BB_WIDTH_MAX + 1)];

	return l->columns + 1 +
		       bb_escape__text(text, sizeof(text), s, strlen(s), BB_WIDTH_MAX + 1,
				       l->opts->utf8) <=
	       l->width;
}

void bb_line__pad(struct bb_line *l, size_t column)
{
	if (column > l->width)
		column = l->width;
	for (; l->columns < column; l->columns++)
		line__raw(l, " ", 1);
}

/* Eighths of a block where the terminal has them, else whole characters. */
static void line__bar_utf8(struct bb_line *l, size_t columns, double share)
{
	size_t eighths = (size_t)lround(share * 8 * (double)columns);
	size_t i;
	char block[4];

	if (!eighths && share > 0)
		eighths = 1;
	for (i = 0; i < eighths / 8; i++)
		line__raw(l, "\u2588", 3);
	if (eighths % 8) {
		/* U+2589 is seven eighths, U+258F one. */
		snprintf(block, sizeof(block), "\xe2\x96%c", (char)(0x90 - eighths % 8));
		line__raw(l, block, 3);
	}
	l->columns += (eighths + 7) / 8;
}

static void line__bar_ascii(struct bb_line *l, size_t columns, double share)
{
	size_t i, n = (size_t)lround(share * (double)columns);

	if (!n && share > 0) {
		line__raw(l, ".", 1);
		l->columns++;
	}
	for (i = 0; i < n; i++)
		line__raw(l, "#", 1);
	l->columns += n;
}

void bb_line__bar(struct bb_line *l, size_t columns, double share)
{
	size_t start = l->columns;

	if (!(share > 0)) /* NaN too */
		share = 0;
	if (share > 1)
		share = 1;
	if (columns > l->width - l->columns)
		columns = l->width - l->columns;
	bb_line__color(l, BB_COLOR_BAR);
	if (l->opts->utf8)
		line__bar_utf8(l, columns, share);
	else
		line__bar_ascii(l, columns, share);
	bb_line__color(l, BB_COLOR_NONE);
	bb_line__pad(l, start + columns);
}

void bb_line__color(struct bb_line *l, enum bb_color color)
{
	static const char *const codes[] = {
		[BB_COLOR_NONE] = "\033[0m",  [BB_COLOR_BOLD] = "\033[1m",
		[BB_COLOR_DIM] = "\033[2m",   [BB_COLOR_GOOD] = "\033[1;32m",
		[BB_COLOR_WARN] = "\033[33m", [BB_COLOR_BAD] = "\033[1;31m",
		[BB_COLOR_BAR] = "\033[36m",
	};

	if (!l->opts->color || color == l->color)
		return;
	l->color = color;
	line__raw(l, codes[color], strlen(codes[color]));
}

void bb_line__end(struct bb_line *l)
{
	bb_line__color(l, BB_COLOR_NONE);
	while (l->len && l->buf[l->len - 1] == ' ')
		l->len--;
	bb_out__write(l->out, l->buf, l->len);
	bb_out__write(l->out, "\n", 1);
	l->len = 0;
	l->columns = 0;
}

/* Bytes of @s, escaped text, that fit in @columns. */
static size_t line__fitting(const char *s, size_t len, size_t columns)
{
	size_t i = 0, n, used = 0;
	int32_t cp;

	while (i < len) {
		n = bb_utf8__decode(s + i, len - i, &cp);
		used += bb_utf8__width(cp);
		if (used > columns)
			break;
		i += n;
	}
	return i;
}

void bb_line__wrap(struct bb_line *l, size_t indent, const char *s)
{
	char text[BB_ESCAPE_LEN(512)];
	enum bb_color color = l->color;
	const char *at = text;
	size_t n, fit, len;

	bb_escape__text(text, sizeof(text), s, strlen(s), 512, l->opts->utf8);
	for (len = strlen(at); len; len = strlen(at)) {
		bb_line__color(l, color);
		bb_line__pad(l, indent);
		fit = n = line__fitting(at, len, l->width - l->columns);
		while (n < len && n && at[n] != ' ')
			n--;
		if (!n)
			n = fit ? fit : len; /* one long word */
		line__raw(l, at, n);
		l->columns += bb_utf8__columns(at, n);
		bb_line__end(l);
		for (at += n; *at == ' '; at++)
			;
	}
}

void bb_line__title(struct bb_line *l, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bb_line__end(l);
	bb_line__color(l, BB_COLOR_BOLD);
	bb_line__put(l, text);
	bb_line__end(l);
}
