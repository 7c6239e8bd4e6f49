// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads that get a mutex by trying until they have it, and compute with it.
 * Truth: one at a time gets on; all others use a CPU for nothing, and no thread
 * ever sleeps.
 *
 *	trylock [plain|yield [THREADS]]		between two tries nothing, or sched_yield()
 */
#define _GNU_SOURCE 1
#include <sched.h>
#include <stdbool.h>

#include "workload.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool yields;

static void *worker(void *arg)
{
	(void)arg;
	for (;;) {
		while (pthread_mutex_trylock(&mutex))
			if (yields)
				sched_yield();
		for (int i = 0; i < 2000000; i++)
			__asm__ volatile("");
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long threads = wl_arg(argc, argv, 2, 2, 1, 1000);

	if (argc > 1 && strcmp(argv[1], "plain") && strcmp(argv[1], "yield"))
		wl_die(argv[1], EINVAL);
	yields = argc > 1 && !strcmp(argv[1], "yield");
	for (long i = 1; i < threads; i++)
		wl_thread(worker, NULL, 0);
	wl_ready();
	worker(NULL);
}
