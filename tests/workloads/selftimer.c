// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures itself: one thread makes exactly COUNT nanosleep calls, one makes exactly
 * COUNT blocking reads of a pipe that a third feeds, and each times its own calls
 * by CLOCK_MONOTONIC. When both are through it prints what they measured as one JSON
 * object and ends; as `selftimer COUNT wait` it starts only on SIGUSR1, and stays
 * until killed.
 *
 *	selftimer [COUNT [wait]]
 */
#define _GNU_SOURCE
#include <sys/syscall.h>

#include "workload.h"

#define CALL_NS 3000000

struct timer {
	pid_t tid;
	uint64_t ns, max_ns;
};

static struct timer sleeps, reads;
static long count;
static int fds[2];

static void add(struct timer *timer, uint64_t start)
{
	uint64_t ns = wl_clock_ns(CLOCK_MONOTONIC) - start;

	timer->ns += ns;
	if (ns > timer->max_ns)
		timer->max_ns = ns;
}

static void *sleeping(void *arg)
{
	struct timespec ts = { .tv_nsec = CALL_NS };
	uint64_t start;

	(void)arg;
	sleeps.tid = gettid();
	for (long i = 0; i < count; i++) {
		start = wl_clock_ns(CLOCK_MONOTONIC);
		/* The plain call, not glibc's clock_nanosleep. */
		syscall(SYS_nanosleep, &ts, NULL);
		add(&sleeps, start);
	}
	return NULL;
}

static void *reading(void *arg)
{
	uint64_t start;
	char c;

	(void)arg;
	reads.tid = gettid();
	for (long i = 0; i < count; i++) {
		start = wl_clock_ns(CLOCK_MONOTONIC);
		if (read(fds[0], &c, 1) != 1)
			wl_die("read", errno);
		add(&reads, start);
	}
	return NULL;
}

/* One byte at a time, so late that the reader has blocked. */
static void *feeding(void *arg)
{
	(void)arg;
	for (long i = 0; i < count; i++) {
		wl_sleep_ns(CALL_NS);
		if (write(fds[1], "", 1) != 1)
			wl_die("write", errno);
	}
	return NULL;
}

static void print(const char *name, const struct timer *timer, const char *end)
{
	printf("\"%s\": {\"tid\": %d, \"count\": %ld, \"ns\": %llu, \"max_ns\": %llu}%s", name,
	       (int)timer->tid, count, (unsigned long long)timer->ns,
	       (unsigned long long)timer->max_ns, end);
}

int main(int argc, char **argv)
{
	int wait = argc > 2 && !strcmp(argv[2], "wait"), sig;
	pthread_t threads[3];
	sigset_t set;

	count = wl_arg(argc, argv, 1, 300, 1, 1000000);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(fds))
		wl_die("pipe", errno);
	wl_ready();
	if (wait)
		sigwait(&set, &sig);
	threads[0] = wl_thread(sleeping, NULL, 0);
	threads[1] = wl_thread(reading, NULL, 0);
	threads[2] = wl_thread(feeding, NULL, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("{");
	print("nanosleep", &sleeps, ", ");
	print("read", &reads, "}\n");
	fflush(stdout);
	while (wait)
		pause();
}
