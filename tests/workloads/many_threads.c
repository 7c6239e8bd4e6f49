// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Many threads on small stacks: ACTIVE of them sleep and compute in turn, the rest
 * sleep for ever.
 *
 *	many_threads [THREADS [ACTIVE]]
 */
#define _GNU_SOURCE 1
#include <limits.h>

#include "workload.h"

static void *sleeping(void *arg)
{
	(void)arg;
	for (;;)
		wl_sleep_ns(100000000000000ULL);
	return NULL;
}

static void *active(void *arg)
{
	(void)arg;
	for (;;) {
		wl_sleep_ns(10000000);
		wl_burn_ns(50000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long threads = wl_arg(argc, argv, 1, 10000, 2, 100000);
	long actives = wl_arg(argc, argv, 2, 10, 0, threads);

	for (long i = 1; i < threads; i++)
		wl_thread(i <= actives ? active : sleeping, NULL, 32768);
	wl_ready();
	sleeping(NULL);
}
