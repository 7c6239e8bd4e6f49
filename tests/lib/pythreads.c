/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Prints what the threads of a Python are called, as lines of JSON:
 *   pythreads -l VERSION_HEX FREE_THREADED   the layouts of this Python
 *   pythreads PID                            for each line on stdin: "look", "all": learn,
 *       the error; "SELF TSTATE START END": the name of that thread; "now": the time
 * Time counts the looks. Exit status: 0, 1 failure (message on stderr), 2 usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/capture/python.h"
#include "../../user/capture/python_attr.h"
#include "../../user/capture/python_threads.h"
#include "print_string.h"

static uint64_t looks;

static uint64_t now(void)
{
	return looks;
}

static void print_name(const char *s)
{
	if (!s) {
		puts("null");
		return;
	}
	print_string(s);
	putchar('\n');
}

static int print_layouts(uint32_t version, bool ft)
{
	struct bb_py_thread_layout t;
	struct bb_py_attrs a;
	int err, threads;

	err = bb_py_attrs__init(&a, version, ft);
	threads = bb_py_threads__layout(version, &t);
	printf("{\"err\": %d, \"threads_err\": %d", -err, -threads);
#define PRINT(s, f) printf(", \"" #f "\": %d", (int)(s).f)
	PRINT(a.l, ma_keys);
	PRINT(a.l, ma_values);
	PRINT(a.l, md_dict);
	PRINT(a.l, tp_basicsize);
	PRINT(a.l, tp_flags);
	PRINT(a.l, tp_dictoffset);
	PRINT(a.l, ht_cached_keys);
	PRINT(a.l, values);
	PRINT(a.l, log2_keys);
	PRINT(a.l, managed);
	PRINT(a.l, managed_dict);
	PRINT(t, modules);
	PRINT(t, modules_at);
	PRINT(t, tstate_interp);
	PRINT(t, tstate_id);
#undef PRINT
	printf("}\n");
	return 0;
}

static int answer(struct bb_py_threads *t, struct bb_mem *m)
{
	uint64_t self, tstate, start, end;
	char line[128];

	while (fgets(line, sizeof(line), stdin)) {
		bool all = !strcmp(line, "all\n");

		if (all || !strcmp(line, "look\n")) {
			looks++;
			printf("%d\n", -bb_py_threads__look(t, m, all, now));
		} else if (!strcmp(line, "now\n")) {
			printf("%" PRIu64 "\n", looks);
		} else if (sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &self,
				  &tstate, &start, &end) == 4) {
			print_name(bb_py_threads__name(t, self, tstate, start, end));
		} else {
			return -EINVAL;
		}
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct bb_py_threads *t = NULL;
	struct bb_python py = {};
	struct bb_mem m;
	char *end;
	long pid;
	int err;

	if (argc == 4 && !strcmp(argv[1], "-l"))
		return print_layouts((uint32_t)strtoul(argv[2], NULL, 0), atoi(argv[3]));
	pid = argc == 2 ? strtol(argv[1], &end, 10) : 0;
	if (pid <= 0 || pid > INT_MAX || *end) {
		fprintf(stderr, "usage: pythreads PID | -l VERSION_HEX FREE_THREADED\n");
		return 2;
	}
	bb_mem__init(&m, (pid_t)pid);
	err = bb_python__find((pid_t)pid, &py);
	if (!err)
		t = bb_py_threads__new(py.version_hex, py.free_threaded, py.runtime_addr);
	if (!err)
		err = t ? answer(t, &m) : -ENOMEM;
	bb_py_threads__free(t);
	bb_python__free(&py);
	bb_mem__free(&m);
	if (err)
		fprintf(stderr, "pythreads: process %ld: %s\n", pid, strerror(-err));
	return err ? 1 : 0;
}
