// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads that only compute. Truth: with more of them than CPUs, cpu-saturated.
 *
 *	spin [THREADS]
 */
#define _GNU_SOURCE 1
#include "workload.h"

static void *worker(void *arg)
{
	(void)arg;
	for (;;)
		__asm__ volatile("");
	return NULL;
}

int main(int argc, char **argv)
{
	long threads = wl_arg(argc, argv, 1, 2 * sysconf(_SC_NPROCESSORS_ONLN), 1, 10000);

	for (long i = 1; i < threads; i++)
		wl_thread(worker, NULL, 65536);
	wl_ready();
	worker(NULL);
}
