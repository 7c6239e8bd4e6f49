// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures itself: one thread makes exactly COUNT nanosleep calls, one makes exactly
 * COUNT blocking reads of a pipe that a third feeds, and each times its own calls
 * by CLOCK_MONOTONIC. When both are through it prints what they measured as one JSON
 * object and ends. As `selftimer COUNT wait` the threads begin only on SIGUSR1, and
 * all stay, blocked, until they are killed: before and after, nothing of it runs.
 *
 *	selftimer [COUNT [wait]]
 */
#define _GNU_SOURCE 1
#include <sys/syscall.h>

#include "workload.h"

#define CALL_NS 3000000

struct timer {
	pid_t tid;
	uint64_t ns, max_ns;
};

static struct timer sleeps, reads;
static long count;
static int fds[2], stay;
static pthread_barrier_t begin, through;

static void add(struct timer *timer, uint64_t start)
{
	uint64_t ns = wl_clock_ns(CLOCK_MONOTONIC) - start;

	timer->ns += ns;
	if (ns > timer->max_ns)
		timer->max_ns = ns;
}

/* Between begin and through a thread makes no futex call and none of another's calls. */
static void work_begins(void)
{
	pthread_barrier_wait(&begin);
}

static void *work_ends(void)
{
	pthread_barrier_wait(&through);
	while (stay)
		pause();
	return NULL;
}

static void *sleeping(void *arg)
{
	struct timespec ts = { .tv_nsec = CALL_NS };
	uint64_t start;

	(void)arg;
	sleeps.tid = gettid();
	work_begins();
	for (long i = 0; i < count; i++) {
		start = wl_clock_ns(CLOCK_MONOTONIC);
		/* The plain call, not glibc's clock_nanosleep. */
		syscall(SYS_nanosleep, &ts, NULL);
		add(&sleeps, start);
	}
	return work_ends();
}

static void *reading(void *arg)
{
	uint64_t start;
	char c;

	(void)arg;
	reads.tid = gettid();
	work_begins();
	for (long i = 0; i < count; i++) {
		start = wl_clock_ns(CLOCK_MONOTONIC);
		if (read(fds[0], &c, 1) != 1)
			wl_die("read", errno);
		add(&reads, start);
	}
	return work_ends();
}

/* One byte at a time, so late that the reader has blocked. */
static void *feeding(void *arg)
{
	(void)arg;
	work_begins();
	for (long i = 0; i < count; i++) {
		wl_sleep_ns(CALL_NS);
		if (write(fds[1], "", 1) != 1)
			wl_die("write", errno);
	}
	return work_ends();
}

static void print(const char *name, const struct timer *timer, const char *end)
{
	printf("\"%s\": {\"tid\": %d, \"count\": %ld, \"ns\": %llu, \"max_ns\": %llu}%s", name,
	       (int)timer->tid, count, (unsigned long long)timer->ns,
	       (unsigned long long)timer->max_ns, end);
}

int main(int argc, char **argv)
{
	pthread_t threads[3];
	sigset_t set;
	int sig;

	count = wl_arg(argc, argv, 1, 300, 1, 1000000);
	stay = argc > 2 && !strcmp(argv[2], "wait");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(fds))
		wl_die("pipe", errno);
	pthread_barrier_init(&begin, NULL, 4);
	pthread_barrier_init(&through, NULL, 4);
	threads[0] = wl_thread(sleeping, NULL, 0);
	threads[1] = wl_thread(reading, NULL, 0);
	threads[2] = wl_thread(feeding, NULL, 0);
	wl_ready();
	if (stay)
		sigwait(&set, &sig);
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&through);
	printf("{");
	print("nanosleep", &sleeps, ", ");
	print("read", &reads, "}\n");
	fflush(stdout);
	while (stay)
		pause();
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}
