// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads that count the units of work that they do: so many thousand rounds of a computation
 * with a mutex held, and a sleep with it, so many rounds without, and a sleep.
 *
 *	units THREADS HELD FREE SLEEP_US LOCKS [HELD_SLEEP_US]
 *
 * LOCKS is the number of mutexes, of which each unit takes one at random, or 0: each thread has
 * its own. Each line on stdin is answered by the number of units so far, and CLOCK_MONOTONIC, in
 * ns.
 */
#define _GNU_SOURCE 1
#include "workload.h"

#define THREADS_MOST 1000

static struct slot {
	pthread_mutex_t mutex;
	volatile uint64_t done;
	char pad[64];
} slots[THREADS_MOST];

static long held, outside, sleep_us, locks, held_sleep_us;

static void compute(long thousands)
{
	uint64_t x = 88172645463325252ULL;

	for (long i = 0; i < thousands * 1000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	__asm__ volatile("" : : "r"(x));
}

static void *worker(void *arg)
{
	struct slot *mine = arg;
	unsigned int seed = (unsigned int)(mine - slots) + 1;

	for (;;) {
		pthread_mutex_t *mutex = locks ? &slots[rand_r(&seed) % locks].mutex : &mine->mutex;

		pthread_mutex_lock(mutex);
		compute(held);
		if (held_sleep_us)
			wl_sleep_ns(held_sleep_us * 1000ULL);
		pthread_mutex_unlock(mutex);
		compute(outside);
		if (sleep_us)
			wl_sleep_ns(sleep_us * 1000ULL);
		mine->done++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long threads = wl_arg(argc, argv, 1, 4, 1, THREADS_MOST);
	char line[16];

	held = wl_arg(argc, argv, 2, 1000, 0, 1000000);
	outside = wl_arg(argc, argv, 3, 0, 0, 1000000);
	sleep_us = wl_arg(argc, argv, 4, 0, 0, 1000000);
	locks = wl_arg(argc, argv, 5, 1, 0, THREADS_MOST);
	held_sleep_us = wl_arg(argc, argv, 6, 0, 0, 1000000);
	for (long i = 0; i < THREADS_MOST; i++)
		pthread_mutex_init(&slots[i].mutex, NULL);
	for (long i = 0; i < threads; i++)
		wl_thread(worker, &slots[i], 0);
	wl_ready();
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t done = 0;

		for (long i = 0; i < threads; i++)
			done += slots[i].done;
		printf("%llu %llu\n", (unsigned long long)done,
		       (unsigned long long)wl_clock_ns(CLOCK_MONOTONIC));
		fflush(stdout);
	}
	return 0;
}
