// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two threads on one CPU that hand a token to each other by semaphores: every
 * switch is a wait on a futex, every wake-up is of such a waiter.
 *
 *	handoff CPU
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

static sem_t there, back;

static void *answer(void *arg)
{
	(void)arg;
	for (;;) {
		sem_wait(&there);
		sem_post(&back);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(argc > 1 ? atoi(argv[1]) : 0, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("handoff: sched_setaffinity");
		return 1;
	}
	sem_init(&there, 0, 0);
	sem_init(&back, 0, 0);
	if (pthread_create(&thread, NULL, answer, NULL)) {
		fprintf(stderr, "handoff: no thread\n");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		sem_post(&there);
		sem_wait(&back);
	}
}
