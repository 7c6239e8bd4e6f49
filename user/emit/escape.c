/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes that the target chose, made safe to print. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

/* Length of a sequence and the range of its second byte (Unicode 15, table 3-7); 0: no lead byte.
 */
static size_t utf8__lead(unsigned char c, unsigned char *lo, unsigned char *hi)
{
	*lo = 0x80;
	*hi = 0xbf;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef) {
		if (c == 0xe0)
			*lo = 0xa0; /* overlong below */
		if (c == 0xed)
			*hi = 0x9f; /* surrogates above */
		return 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (c == 0xf0)
			*lo = 0x90;
		if (c == 0xf4)
			*hi = 0x8f; /* beyond U+10FFFF above */
		return 4;
	}
	return 0;
}

size_t bb_utf8__decode(const char *s, size_t len, int32_t *cp)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char lo, hi;
	size_t i, need = utf8__lead(u[0], &lo, &hi);
	int32_t value;

	*cp = -1;
	if (need <= 1) {
		if (need)
			*cp = u[0];
		return 1;
	}
	value = u[0] & (0x7f >> need);
	for (i = 1; i < need; i++) {
		if (i >= len || u[i] < lo || u[i] > hi)
			return i;
		value = value << 6 | (u[i] & 0x3f);
		lo = 0x80;
		hi = 0xbf;
	}
	*cp = value;
	return need;
}

struct range {
	int32_t first, last;
};

static bool range__has(const struct range *r, size_t n, int32_t cp)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cp >= r[i].first && cp <= r[i].last)
			return true;
	return false;
}

/*
 * What takes no column of its own, moves or hides its neighbours, or draws
 * differently from terminal to terminal. Coarse on purpose: to escape one
 * character too many costs a little beauty, one too few a broken table.
 */
static const struct range hidden[] = {
	{ 0x0000, 0x001f },   { 0x007f, 0x009f },   { 0x00ad, 0x00ad },    { 0x0300, 0x036f },
	{ 0x0483, 0x0489 },   { 0x0591, 0x08ff },   { 0x0900, 0x109f },    { 0x1160, 0x11ff },
	{ 0x135d, 0x135f },   { 0x1712, 0x1734 },   { 0x1752, 0x1773 },    { 0x17b4, 0x17d3 },
	{ 0x180b, 0x180f },   { 0x18a9, 0x18a9 },   { 0x1920, 0x193b },    { 0x1a17, 0x1a1b },
	{ 0x1a55, 0x1aff },   { 0x1b00, 0x1bff },   { 0x1c24, 0x1c37 },    { 0x1cd0, 0x1cff },
	{ 0x1dc0, 0x1dff },   { 0x200b, 0x200f },   { 0x2028, 0x202f },    { 0x2060, 0x206f },
	{ 0x20d0, 0x20ff },   { 0x2cef, 0x2cf1 },   { 0x2d7f, 0x2d7f },    { 0x2de0, 0x2dff },
	{ 0x302a, 0x302f },   { 0x3099, 0x309a },   { 0x3164, 0x3164 },    { 0xa66f, 0xa67d },
	{ 0xa69e, 0xa69f },   { 0xa6f0, 0xa6f1 },   { 0xa802, 0xa82c },    { 0xa880, 0xaaff },
	{ 0xabe3, 0xabed },   { 0xd7b0, 0xf8ff },   { 0xfb1d, 0xfdff },    { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },   { 0xfe70, 0xfeff },   { 0xffa0, 0xffa0 },    { 0xfff0, 0xfffc },
	{ 0xfffe, 0xffff },   { 0x10000, 0x1afff }, { 0x1b130, 0x1f1ff },  { 0x1f3fb, 0x1f3ff },
	{ 0x1fb00, 0x1ffff }, { 0x2fffe, 0x2ffff }, { 0x3fffe, 0x10ffff },
};

static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b },   { 0x2329, 0x232a },   { 0x23e9, 0x23ec },
	{ 0x23f0, 0x23f0 }, { 0x23f3, 0x23f3 },   { 0x25fd, 0x25fe },   { 0x2614, 0x2615 },
	{ 0x2648, 0x2653 }, { 0x267f, 0x267f },   { 0x2693, 0x2693 },   { 0x26a1, 0x26a1 },
	{ 0x26aa, 0x26ab }, { 0x26bd, 0x26be },   { 0x26c4, 0x26c5 },   { 0x26ce, 0x26ce },
	{ 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea },   { 0x26f2, 0x26f3 },   { 0x26f5, 0x26f5 },
	{ 0x26fa, 0x26fa }, { 0x26fd, 0x26fd },   { 0x2705, 0x2705 },   { 0x270a, 0x270b },
	{ 0x2728, 0x2728 }, { 0x274c, 0x274c },   { 0x274e, 0x274e },   { 0x2753, 0x2755 },
	{ 0x2757, 0x2757 }, { 0x2795, 0x2797 },   { 0x27b0, 0x27b0 },   { 0x27bf, 0x27bf },
	{ 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 },   { 0x2b55, 0x2b55 },   { 0x2e80, 0x303e },
	{ 0x3041, 0x33ff }, { 0x3400, 0x4dbf },   { 0x4e00, 0xa4cf },   { 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x1b000, 0x1b12f }, { 0x1f200, 0x1faff }, { 0x20000, 0x3fffd },
};

unsigned int bb_utf8__width(int32_t cp)
{
	if (cp >= 0x20 && cp < 0x7f)
		return 1;
	if (cp < 0 || range__has(hidden, sizeof(hidden) / sizeof(hidden[0]), cp))
		return 0;
	return range__has(wide, sizeof(wide) / sizeof(wide[0]), cp) ? 2 : 1;
}

size_t bb_utf8__columns(const char *s, size_t len)
{
	size_t i = 0, columns = 0;
	int32_t cp;

	while (i < len) {
		if (s[i] == '\033' && i + 1 < len && s[i + 1] == '[') {
			while (i < len && s[i] != 'm')
				i++;
			i++;
			continue;
		}
		i += bb_utf8__decode(s + i, len - i, &cp);
		columns += bb_utf8__width(cp);
	}
	return columns;
}

/* One character of the input as it is to be shown: returns its bytes, sets its columns. */
static size_t escape__one(char out[20], const char *s, size_t n, int32_t cp, bool utf8,
			  size_t *columns)
{
	static const char names[][2] = {
		{ '\n', 'n' }, { '\t', 't' }, { '\r', 'r' }, { '\033', 'e' }, { '\\', '\\' }
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (n == 1 && *s == names[i][0]) {
			out[0] = '\\';
			out[1] = names[i][1];
			return *columns = 2;
		}
	}
	*columns = bb_utf8__width(cp);
	if (*columns && (cp < 0x80 || utf8)) {
		memcpy(out, s, n);
		return n;
	}
	for (i = 0; i < n; i++)
		snprintf(out + 4 * i, 5, "\\x%02x", (unsigned char)s[i]);
	return *columns = 4 * n;
}

size_t bb_escape__text(char *dst, size_t size, const char *s, size_t len, size_t columns, bool utf8)
{
	size_t i = 0, used = 0, at = 0, n, w, bytes;
	size_t cut_at = 0, cut_used = 0; /* the last place where ".." still fits */
	char one[20];
	int32_t cp;

	if (!size)
		return 0;
	while (i < len) {
		n = bb_utf8__decode(s + i, len - i, &cp);
		bytes = escape__one(one, s + i, n, cp, utf8, &w);
		if (used + w > columns || at + bytes >= size)
			break;
		if (used + 2 <= columns && at + 2 < size) {
			cut_at = at;
			cut_used = used;
		}
		memcpy(dst + at, one, bytes);
		at += bytes;
		used += w;
		i += n;
	}
	if (i < len) {
		/* ".." may also follow what was written last. */
		if (used + 2 <= columns && at + 2 < size) {
			cut_at = at;
			cut_used = used;
		}
		at = cut_at;
		used = cut_used;
		for (n = 0; n < 2 && used < columns && at + 1 < size; n++, used++)
			dst[at++] = '.';
	}
	dst[at] = '\0';
	return used;
}

char *bb_escape__utf8(const char *s, size_t len, size_t *out_len)
{
	char *dst = malloc(3 * len + 1); /* a broken byte becomes U+FFFD, three bytes */
	size_t i = 0, at = 0, n;
	int32_t cp;

	if (!dst)
		return NULL;
	while (i < len) {
		n = bb_utf8__decode(s + i, len - i, &cp);
		if (cp < 0) {
			memcpy(dst + at, "\xef\xbf\xbd", 3);
			at += 3;
		} else {
			memcpy(dst + at, s + i, n);
			at += n;
		}
		i += n;
	}
	dst[at] = '\0';
	*out_len = at;
	return dst;
}
