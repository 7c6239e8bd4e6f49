// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A program with three threads in which one that is not the leader replaces the
 * program by itself, every PERIOD_MS. The PID stays; all other threads end.
 *
 *	execer [PERIOD_MS [GENERATION]]
 */
#define _GNU_SOURCE 1
#include "workload.h"

static char **arguments;
static uint64_t period;

static void *replace(void *arg)
{
	long generation = *(long *)arg;
	char next[32], ms[32];

	wl_sleep_ns(period);
	snprintf(ms, sizeof(ms), "%llu", (unsigned long long)(period / 1000000));
	snprintf(next, sizeof(next), "%ld", generation + 1);
	execl("/proc/self/exe", arguments[0], ms, next, NULL);
	wl_die("execl", errno);
}

static void *working(void *arg)
{
	(void)arg;
	for (;;) {
		wl_burn_ns(1000000);
		wl_sleep_ns(4000000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long generation = wl_arg(argc, argv, 2, 0, 0, 1000000);

	arguments = argv;
	period = wl_arg(argc, argv, 1, 500, 1, 60000) * 1000000;
	wl_thread(working, NULL, 0);
	wl_thread(replace, &generation, 0);
	if (!generation)
		wl_ready();
	for (;;)
		pause();
}
