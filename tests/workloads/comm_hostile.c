// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names and arguments meant to break a report: terminal escapes, quotes, invalid
 * UTF-8, newlines. The leader and one thread for each such name sleep and compute in
 * turn; the program runs itself again with hostile arguments first.
 *
 *	comm_hostile
 */
#define _GNU_SOURCE 1
#include "workload.h"

static const char *const names[] = {
	"\033[31mred\033]0;x\a",
	"quo\"te'\\back",
	"bad\xff\xfe\xc3(utf",
	"new\nline\r\ttab",
	"\xe2\x80\xaertl\xed\xa0\x80",
	"{}[],:\x7f\x01",
	" ",
	"%s%n\x80",
};

static void *working(void *arg)
{
	prctl(PR_SET_NAME, arg);
	for (;;) {
		wl_sleep_ns(5000000);
		wl_burn_ns(100000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	size_t n = sizeof(names) / sizeof(names[0]);
	char *again[10] = { NULL };

	if (argc < 2) {
		for (size_t i = 0; i < n; i++)
			again[i] = (char *)names[i];
		again[n] = "";
		execv("/proc/self/exe", again);
		wl_die("execv", errno);
	}
	(void)argv;
	for (size_t i = 1; i < n; i++)
		wl_thread(working, (void *)names[i], 0);
	wl_ready();
	working((void *)names[0]);
}
