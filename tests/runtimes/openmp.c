// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Loops by OpenMP. How its threads wait at the end of a loop is for OMP_WAIT_POLICY to say.
 *
 *	openmp idle       a pool that had something to do once
 *	openmp compute    all threads compute, equally much
 *	openmp uneven     one thread has all of the work, the others wait at the barrier
 *	openmp yield      as uneven, with a barrier of its own that calls sched_yield()
 *	openmp fine       a barrier every few microseconds
 *	openmp lock       a critical section of known length; prints how long it was waited for
 */
#include <omp.h>
#include <sched.h>

#include "../workloads/workload.h"

#define MS     1000000ULL
#define ROUNDS 30

static uint64_t now(void)
{
	return wl_clock_ns(CLOCK_MONOTONIC);
}

/* Compute for so long, without a system call. */
static void burn(uint64_t ns)
{
	for (uint64_t end = now() + ns; now() < end;)
		;
}

static void fine(void)
{
	wl_ready();
#pragma omp parallel
	for (uint64_t i = 0;; i++) {
		if ((int)(i % omp_get_num_threads()) == omp_get_thread_num())
			burn(MS / 100);
#pragma omp barrier
	}
}

static void uneven(void)
{
	wl_ready();
	for (;;) {
#pragma omp parallel
		if (omp_get_thread_num() == 0)
			burn(20 * MS);
	}
}

static void compute(void)
{
	wl_ready();
#pragma omp parallel
	for (;;)
		burn(20 * MS);
}

static void yielding(void)
{
	volatile uint64_t round = 0;

	wl_ready();
#pragma omp parallel
	for (uint64_t next = 1;; next++) {
		if (omp_get_thread_num() == 0) {
			burn(20 * MS);
			round = next;
		}
		while (round < next)
			sched_yield();
	}
}

static void critical(void)
{
	uint64_t waited = 0, waits = 0;

#pragma omp parallel num_threads(2)
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t from = now();

#pragma omp critical
		{
			uint64_t ns = now() - from;

			if (ns > MS / 20) {
				waited += ns;
				waits++;
			}
			wl_sleep_ns(8 * MS);
		}
		wl_sleep_ns(2 * MS);
	}
	printf("{\"lock\": 0, \"wait_ns\": %llu, \"waits\": %llu}\n", (unsigned long long)waited,
	       (unsigned long long)waits);
}

int main(int argc, char **argv)
{
	const char *form = argc > 1 ? argv[1] : "";

	if (!strcmp(form, "idle")) {
#pragma omp parallel
		burn(MS);
		wl_ready();
		pause();
	} else if (!strcmp(form, "compute")) {
		compute();
	} else if (!strcmp(form, "uneven")) {
		uneven();
	} else if (!strcmp(form, "yield")) {
		yielding();
	} else if (!strcmp(form, "fine")) {
		fine();
	} else if (!strcmp(form, "lock")) {
		critical();
	} else {
		return 2;
	}
	return 0;
}
