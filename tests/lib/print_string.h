/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the programs that tests read: a string of a target as JSON. */
#ifndef BB_TESTS_LIB_PRINT_STRING_H
#define BB_TESTS_LIB_PRINT_STRING_H

#include <stdio.h>

static inline void print_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c == '"' || c == '\\' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

#endif
