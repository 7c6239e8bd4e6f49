// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How fast is the CPU itself, now? In a virtual machine the other thread of its
 * core may be at work for somebody else, and then everything takes up to 1.5
 * times as long. A short loop is timed every few milliseconds, and the results
 * are left in FILE.
 *
 *	speed FILE CPU
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PROBES    65536 /* as in speed.py */
#define PERIOD_NS 2000000
#define STEPS     10000

struct ring {
	volatile uint64_t count;
	struct {
		uint64_t at; /* CLOCK_MONOTONIC */
		uint64_t took;
	} probes[PROBES];
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Independent chains: as many instructions at once as the core can do, so that a rival shows. */
static uint64_t work(uint64_t x)
{
	uint64_t a = x, b = x + 1, c = x + 2, d = x + 3, e = x + 4, f = x + 5;

	for (int i = 0; i < STEPS; i++) {
		a = (a ^ (a >> 7)) + 0x9e37;
		b = (b ^ (b << 9)) + 0x79b9;
		c = (c ^ (c >> 8)) + 0x7f4a;
		d = (d ^ (d << 5)) + 0x7c15;
		e = (e ^ (e >> 3)) + 0xf39c;
		f = (f ^ (f << 4)) + 0xc060;
	}
	return a ^ b ^ c ^ d ^ e ^ f;
}

int main(int argc, char **argv)
{
	struct timespec period = { .tv_nsec = PERIOD_NS };
	struct ring *ring;
	volatile uint64_t x = 1;
	cpu_set_t set;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: speed FILE CPU\n");
		return 2;
	}
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[2]), &set);
	fd = open(argv[1], O_RDWR);
	if (fd < 0 || ftruncate(fd, sizeof(*ring)) || sched_setaffinity(0, sizeof(set), &set)) {
		perror("speed");
		return 1;
	}
	ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID), took;
		uint64_t i = ring->count % PROBES;

		x = work(x);
		took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
		ring->probes[i].at = clock_ns(CLOCK_MONOTONIC);
		ring->probes[i].took = took;
		ring->count = ring->count + 1;
		nanosleep(&period, NULL);
	}
}
