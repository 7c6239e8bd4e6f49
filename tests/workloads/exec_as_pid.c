// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs a program in a child process that has a given, free PID: what PID reuse
 * looks like. Waits for it, and takes it along when it is killed itself.
 *
 *	exec_as_pid PID PROGRAM [ARG...]
 */
#define _GNU_SOURCE 1
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "workload.h"

int main(int argc, char **argv)
{
	pid_t wanted = wl_arg(argc, argv, 1, 0, 2, 4194303), self = getpid(), child;
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&wanted,
		.set_tid_size = 1,
	};

	if (argc < 3)
		wl_die("usage: exec_as_pid PID PROGRAM [ARG...]", EINVAL);
	child = syscall(SYS_clone3, &args, sizeof(args));
	if (child < 0)
		wl_die("clone3", errno);
	if (!child) {
		wl_die_with_parent(self);
		execv(argv[2], argv + 2);
		wl_die(argv[2], errno);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}
