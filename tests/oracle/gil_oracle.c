// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes what a process does at its GIL, event by event, until it gets SIGTERM.
 *
 *	gil_oracle PID OBJECT OUTPUT SYMBOL...
 *
 * OBJECT has the code of the interpreter, SYMBOLs are its take_gil, drop_gil and the copies that
 * compilers make of them. Says "ready" when all is attached. OUTPUT gets struct oracle_event one
 * after the other. Fails if an event was lost.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gil_oracle.h"
#include "gil_oracle.skel.h"

static volatile sig_atomic_t stopping;

static void on_signal(int signo)
{
	(void)signo;
	stopping = 1;
}

static int on_event(void *file, void *data, size_t size)
{
	return fwrite(data, size, 1, file) == 1 ? 0 : -EIO;
}

/* Attach @program to @symbol of @object; 0 or -errno, with one message. */
static int attach(struct bpf_program *program, pid_t pid, const char *object, const char *symbol,
		  bool retprobe)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = retprobe, .func_name = symbol);
	int err;

	if (bpf_program__attach_uprobe_opts(program, pid, object, 0, &opts))
		return 0;
	err = -errno;
	fprintf(stderr, "gil_oracle: cannot probe %s of %s: %s\n", symbol, object, strerror(-err));
	return err;
}

static int attach_all(struct gil_oracle_bpf *skel, pid_t pid, const char *object, char **symbols)
{
	int err = gil_oracle_bpf__attach(skel); /* all but the uprobes, which name no function */

	for (; !err && *symbols; symbols++) {
		bool take = !strncmp(*symbols, "take_gil", strlen("take_gil"));

		err = attach(take ? skel->progs.oracle_take : skel->progs.oracle_drop, pid, object,
			     *symbols, false);
		if (!err)
			err = attach(take ? skel->progs.oracle_taken : skel->progs.oracle_dropped,
				     pid, object, *symbols, true);
	}
	return err;
}

int main(int argc, char **argv)
{
	struct gil_oracle_bpf *skel = NULL;
	struct ring_buffer *ring = NULL;
	FILE *file = NULL;
	int err = -EINVAL;
	pid_t pid;

	if (argc < 5) {
		fprintf(stderr, "usage: gil_oracle PID OBJECT OUTPUT SYMBOL...\n");
		return 2;
	}
	pid = atoi(argv[1]);
	signal(SIGTERM, on_signal);
	skel = gil_oracle_bpf__open();
	if (!skel) {
		err = -errno;
		goto out;
	}
	skel->rodata->cfg_tgid = (unsigned int)pid;
	err = gil_oracle_bpf__load(skel);
	if (err)
		goto out;
	file = fopen(argv[3], "wb");
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_event, file, NULL);
	if (!file || !ring) {
		err = -errno;
		goto out;
	}
	err = attach_all(skel, pid, argv[2], argv + 4);
	if (err)
		goto out;
	printf("ready\n");
	fflush(stdout);
	while (!stopping && err >= 0) {
		struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };

		nanosleep(&nap, NULL);
		err = ring_buffer__consume(ring);
	}
	if (err >= 0)
		err = ring_buffer__consume(ring);
	if (err >= 0)
		err = fflush(file) ? -errno : 0;
	if (!err && skel->bss->lost) {
		fprintf(stderr, "gil_oracle: lost %u events\n", skel->bss->lost);
		err = -ENOBUFS;
	}
out:
	if (err)
		fprintf(stderr, "gil_oracle: %s\n", strerror(-err));
	if (file)
		fclose(file);
	ring_buffer__free(ring);
	gil_oracle_bpf__destroy(skel);
	return err ? 1 : 0;
}
