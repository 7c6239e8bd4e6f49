/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the C workloads share: errors, numbers, time, threads. */
#ifndef BB_WORKLOAD_H
#define BB_WORKLOAD_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Exit status of a workload that this machine does not allow: the test is skipped. */
#define WL_SKIP 77

#define wl_unused __attribute__((unused))

/* Print "PROGRAM: what: why" and exit. */
static void __attribute__((noreturn)) wl_unused wl_die(const char *what, int err)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(err));
	exit(1);
}

/* The steady state is reached. */
static void wl_unused wl_ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* Argument @i as a number within bounds, or @def where it is not given. */
static long wl_unused wl_arg(int argc, char **argv, int i, long def, long min, long max)
{
	char *end;
	long n;

	if (i >= argc)
		return def;
	errno = 0;
	n = strtol(argv[i], &end, 10);
	if (errno || *end || end == argv[i] || n < min || n > max)
		wl_die(argv[i], EINVAL);
	return n;
}

static uint64_t wl_unused wl_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void wl_unused wl_sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Compute until the thread has used this much CPU time. */
static void wl_unused wl_burn_ns(uint64_t ns)
{
	uint64_t end = wl_clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (wl_clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		for (int i = 0; i < 200; i++)
			__asm__ volatile("");
}

/* Start a thread; @stack 0 is the default size. */
static pthread_t wl_unused wl_thread(void *(*fn)(void *), void *arg, size_t stack)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	if (stack)
		pthread_attr_setstacksize(&attr, stack);
	err = pthread_create(&thread, &attr, fn, arg);
	if (err)
		wl_die("pthread_create", err);
	pthread_attr_destroy(&attr);
	return thread;
}

/* A child process must not outlive the workload. */
static void wl_unused wl_die_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

#endif
