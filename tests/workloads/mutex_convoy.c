// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads that contend for one pthread mutex and compute while they hold it.
 * Truth: at nearly every instant all but one of them wait for the mutex.
 *
 *	mutex_convoy [THREADS [HOLD_US]]
 */
#define _GNU_SOURCE 1
#include "workload.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t started;
static uint64_t hold_ns;

static void *worker(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&started);
	for (;;) {
		pthread_mutex_lock(&mutex);
		wl_burn_ns(hold_ns);
		pthread_mutex_unlock(&mutex);
		wl_burn_ns(hold_ns / 50);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long threads = wl_arg(argc, argv, 1, 4, 2, 1000);

	hold_ns = wl_arg(argc, argv, 2, 500, 1, 1000000) * 1000;
	pthread_barrier_init(&started, NULL, threads);
	for (long i = 1; i < threads; i++)
		wl_thread(worker, NULL, 0);
	wl_ready();
	worker(NULL);
}
