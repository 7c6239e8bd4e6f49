// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two threads or two processes, pinned to one CPU, that hand a byte to each other
 * through pipes: as many switches a second as the CPU can do.
 *
 *	pingpong [threads|processes [CPU]]
 */
#define _GNU_SOURCE 1
#include <sched.h>

#include "workload.h"

static int there[2], back[2];

static void *answer(void *arg)
{
	char c;

	(void)arg;
	while (read(there[0], &c, 1) == 1)
		if (write(back[1], &c, 1) != 1)
			break;
	return NULL;
}

int main(int argc, char **argv)
{
	int processes = argc > 1 && !strcmp(argv[1], "processes");
	long cpu = wl_arg(argc, argv, 2, 0, 0, CPU_SETSIZE - 1);
	pid_t self = getpid(), child;
	cpu_set_t set;
	char c = 0;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		wl_die("sched_setaffinity", errno);
	if (pipe(there) || pipe(back))
		wl_die("pipe", errno);
	if (processes) {
		child = fork();
		if (child < 0)
			wl_die("fork", errno);
		if (!child) {
			wl_die_with_parent(self);
			answer(NULL);
			_exit(0);
		}
	} else {
		wl_thread(answer, NULL, 0);
	}
	wl_ready();
	while (write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1)
		;
	wl_die("pipe", errno);
}
