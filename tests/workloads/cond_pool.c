// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A pool of workers that wait on one condition variable, and a producer that now
 * and then has a small job for them. Truth: idle; the waits are for work, not a lock.
 *
 *	cond_pool [WORKERS [PERIOD_MS]]
 */
#define _GNU_SOURCE 1
#include "workload.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static long jobs;

static void *worker(void *arg)
{
	(void)arg;
	for (;;) {
		pthread_mutex_lock(&mutex);
		while (!jobs)
			pthread_cond_wait(&work, &mutex);
		jobs--;
		pthread_mutex_unlock(&mutex);
		wl_burn_ns(100000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long workers = wl_arg(argc, argv, 1, 8, 1, 10000);
	uint64_t period = wl_arg(argc, argv, 2, 100, 1, 1000000) * 1000000;

	for (long i = 0; i < workers; i++)
		wl_thread(worker, NULL, 65536);
	wl_ready();
	for (;;) {
		wl_sleep_ns(period);
		pthread_mutex_lock(&mutex);
		jobs++;
		pthread_cond_signal(&work);
		pthread_mutex_unlock(&mutex);
	}
}
