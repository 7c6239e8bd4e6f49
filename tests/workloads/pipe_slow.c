// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The reader of a slow pipe: a child process writes a block every PERIOD_MS, and
 * this process works on it for a millisecond. Truth: io-bound, state ipc.
 *
 *	pipe_slow [PERIOD_MS]
 */
#define _GNU_SOURCE 1
#include "workload.h"

static void __attribute__((noreturn)) writer(int fd, uint64_t period)
{
	static const char block[4096];

	for (;;) {
		wl_sleep_ns(period);
		if (write(fd, block, sizeof(block)) < 0)
			_exit(1);
	}
}

int main(int argc, char **argv)
{
	uint64_t period = wl_arg(argc, argv, 1, 20, 1, 60000) * 1000000;
	pid_t self = getpid(), child;
	char buf[4096];
	int fds[2];

	if (pipe(fds))
		wl_die("pipe", errno);
	child = fork();
	if (child < 0)
		wl_die("fork", errno);
	if (!child) {
		wl_die_with_parent(self);
		close(fds[0]);
		writer(fds[1], period);
	}
	close(fds[1]);
	wl_ready();
	while (read(fds[0], buf, sizeof(buf)) > 0)
		wl_burn_ns(1000000);
	wl_die("read", errno);
}
