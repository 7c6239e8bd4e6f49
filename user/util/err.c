// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "err.h"

#include <stdarg.h>
#include <stdio.h>

/* How much we say is a property of the process, as its stderr is. */
static int talk_level = 1;

static void say(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("boundby: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void bb_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void bb_note(const char *fmt, ...)
{
	va_list ap;

	if (talk_level < 1)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void bb_talk_level(int level)
{
	talk_level = level;
}

bool bb_talkative(void)
{
	return talk_level > 1;
}
