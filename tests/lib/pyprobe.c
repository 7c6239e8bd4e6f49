/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Prints what bb_python__find() says of a process, as one line of JSON.
 * With -r it then waits for each line on stdin, calls bb_python__refresh() and prints again.
 *
 * Build:
 *   gcc -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Wsign-compare -Wundef -Werror \
 *       -o build/tests/pyprobe tests/lib/pyprobe.c user/capture/elf.c user/capture/mem.c \
 *       user/capture/python_image.c user/capture/python.c user/capture/python_gil.c \
 *       user/capture/python_offsets.c -lelf
 * Exit status: 0, 1 failure (message on stderr), 2 usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/capture/python.h"

static const char *const modes[] = {
	[BB_GIL_NONE] = "none",
	[BB_GIL_ENABLED] = "enabled",
	[BB_GIL_DISABLED] = "disabled",
	[BB_GIL_UNKNOWN] = "unknown",
};

/* Names, versions and notes are our own words: nothing in them needs escaping. */
static void print(const struct bb_python *py)
{
	size_t i;

	printf("{\"name\": \"%s\", \"version\": \"%s\", \"version_hex\": %" PRIu32
	       ", \"gil\": \"%s\", \"runtime_addr\": %" PRIu64 ", \"gils\": [",
	       py->runtime.name, py->runtime.version, py->version_hex, modes[py->runtime.gil],
	       py->runtime_addr);
	for (i = 0; i < py->nr_gils; i++)
		printf("%s{\"addr\": %" PRIu64 ", \"interpreter\": %" PRId64
		       ", \"interval_us\": %" PRIu64 "}",
		       i ? ", " : "", py->gils[i].addr, py->gils[i].interpreter,
		       py->gils[i].interval_us);
	printf("], \"free_threaded\": %s, \"initialised\": %s, \"note\": ",
	       py->free_threaded ? "true" : "false", py->initialised ? "true" : "false");
	if (py->runtime.note)
		printf("\"%s\"}\n", py->runtime.note);
	else
		printf("null}\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool refresh = argc == 3 && !strcmp(argv[1], "-r");
	struct bb_python py;
	char line[16], *end;
	long pid;
	int err;

	if (argc != 2 && !refresh) {
		fprintf(stderr, "usage: pyprobe [-r] PID\n");
		return 2;
	}
	errno = 0;
	pid = strtol(argv[argc - 1], &end, 10);
	if (errno || *end || pid <= 0 || pid > INT_MAX) {
		fprintf(stderr, "pyprobe: %s: not a PID\n", argv[argc - 1]);
		return 2;
	}
	err = bb_python__find((pid_t)pid, &py);
	if (!err)
		print(&py);
	while (!err && refresh && fgets(line, sizeof(line), stdin)) {
		err = bb_python__refresh((pid_t)pid, &py);
		if (!err)
			print(&py);
	}
	bb_python__free(&py);
	if (err)
		fprintf(stderr, "pyprobe: process %ld: %s\n", pid, strerror(-err));
	return err ? 1 : 0;
}
