// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Short threads, RATE a second, each computing for 20 us of CPU time. FILE, where
 * given, holds three native 64-bit counters that a test can read at any time:
 * threads started, threads ended, and CPU time of ended threads in ns.
 *
 *	thread_churn [RATE [FILE]]
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "workload.h"

struct counters {
	_Atomic uint64_t started, ended, cpu_ns;
};

static struct counters *counters;

static void *worker(void *arg)
{
	(void)arg;
	wl_burn_ns(20000);
	counters->cpu_ns += wl_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	counters->ended++;
	return NULL;
}

static struct counters *map_counters(const char *path)
{
	int fd, flags = MAP_SHARED | (path ? 0 : MAP_ANONYMOUS);
	void *map;

	fd = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;
	if (path && (fd < 0 || ftruncate(fd, sizeof(struct counters))))
		wl_die(path, errno);
	map = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, flags, fd, 0);
	if (map == MAP_FAILED)
		wl_die("mmap", errno);
	return map;
}

int main(int argc, char **argv)
{
	uint64_t period = 1000000000 / wl_arg(argc, argv, 1, 2000, 1, 100000);
	uint64_t next = wl_clock_ns(CLOCK_MONOTONIC), now;

	counters = map_counters(argc > 2 ? argv[2] : NULL);
	wl_ready();
	for (;;) {
		counters->started++;
		pthread_detach(wl_thread(worker, NULL, 65536));
		next += period;
		now = wl_clock_ns(CLOCK_MONOTONIC);
		if (next > now)
			wl_sleep_ns(next - now);
	}
}
