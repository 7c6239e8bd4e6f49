// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each kind of object that threads of a C program wait for, and what each was waited for.
 *
 *	lock_kinds FORM
 *
 * *	rwlock-first  the same, where writers go first
 *	semaphore     six threads take one of two permits for 20 ms
 *	condition     threads wait for an event each 20 ms, one by each pthread_cond_wait() and
 *	              pthread_cond_timedwait()
 *	barrier       three threads that wait for one another
 *	look-alike    waits as a semaphore's and an rwlock's, for words that are neither
 *
 * After a line on its standard input it runs for a second, prints a line of JSON, and waits for a
 * signal; at the end of that input it runs until a signal comes.
 */
#include <linux/futex.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "workload.h"

#define MS 1000000ULL

/* How long threads took to get it, where they had to wait. */
struct told {
	uint64_t ns, n;
};

static pthread_spinlock_t stats;
static struct told reads, writes;
static volatile int done;
static void *object;
static pthread_t threads[6];
static int nr_threads;
static void *(*run)(void *arg);

static void tell(struct told *t, uint64_t since)
{
	uint64_t ns = wl_clock_ns(CLOCK_MONOTONIC) - since;

	pthread_spin_lock(&stats);
	t->ns += ns;
	t->n++;
	pthread_spin_unlock(&stats);
}

static pthread_rwlock_t rwlock;

static void *read_it(void *arg)
{
	(void)arg;
	while (!done) {
		uint64_t since = wl_clock_ns(CLOCK_MONOTONIC);

		if (pthread_rwlock_tryrdlock(&rwlock)) {
			pthread_rwlock_rdlock(&rwlock);
			tell(&reads, since);
		}
		wl_sleep_ns(7 * MS);
		pthread_rwlock_unlock(&rwlock);
		wl_sleep_ns(5 * MS);
	}
	return NULL;
}

static void *write_it(void *arg)
{
	(void)arg;
	while (!done) {
		uint64_t since = wl_clock_ns(CLOCK_MONOTONIC);

		if (pthread_rwlock_trywrlock(&rwlock)) {
			pthread_rwlock_wrlock(&rwlock);
			tell(&writes, since);
		}
		wl_sleep_ns(11 * MS);
		pthread_rwlock_unlock(&rwlock);
		wl_sleep_ns(9 * MS);
	}
	return NULL;
}

static void *read_or_write(void *arg)
{
	return (intptr_t)arg & 1 ? read_it(arg) : write_it(arg);
}

static void make_rwlock(int kind)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, kind);
	pthread_rwlock_init(&rwlock, &attr);
	object = &rwlock;
	run = read_or_write;
	nr_threads = 4;
}

static sem_t sem;

static void *take_permit(void *arg)
{
	(void)arg;
	while (!done) {
		uint64_t since = wl_clock_ns(CLOCK_MONOTONIC);

		if (sem_trywait(&sem)) {
			while (sem_wait(&sem))
				;
			tell(&reads, since);
		}
		wl_sleep_ns(20 * MS);
		sem_post(&sem);
	}
	return NULL;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long turn;

static void *wait_for_event(void *arg)
{
	long seen = 0;
	struct timespec never = { .tv_sec = wl_clock_ns(CLOCK_REALTIME) / 1000000000 + 10000 };

	(void)arg;
	pthread_mutex_lock(&mutex);
	while (!done) {
		uint64_t since = wl_clock_ns(CLOCK_MONOTONIC);

		while (turn == seen && !done)
			if (seen & 1)
				pthread_cond_timedwait(&cond, &mutex, &never);
			else
				pthread_cond_wait(&cond, &mutex);
		seen = turn;
		tell(&reads, since);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *make_events(void *arg)
{
	bool more = true;

	(void)arg;
	while (more) {
		wl_sleep_ns(20 * MS);
		pthread_mutex_lock(&mutex);
		turn++;
		more = !done;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *make_or_await(void *arg)
{
	return arg ? wait_for_event(arg) : make_events(arg);
}

static pthread_barrier_t barrier;
static volatile bool last_round;

static void *meet(void *arg)
{
	while (!last_round) {
		uint64_t since;

		wl_sleep_ns(arg ? MS : 20 * MS);
		since = wl_clock_ns(CLOCK_MONOTONIC);
		pthread_barrier_wait(&barrier);
		if (arg)
			tell(&reads, since);
		else
			last_round = done;
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static uint32_t alike[64] __attribute__((aligned(64)));

/* The same calls, for words beside which there is what no such object has. */
static void *wait_alike(void *arg)
{
	int i = 0;

	(void)arg;
	for (int w = 0; w < 64; w++)
		alike[w] = 0xdeadbeef;
	while (!done) {
		uint32_t *word = &alike[i++ & 1 ? 16 : 32], val = word == &alike[16] ? 0 : 3;

		uint64_t end = wl_clock_ns(CLOCK_MONOTONIC) + 5 * MS;
		struct timespec at = { end / 1000000000, end % 1000000000 };

		*word = val;
		syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, val, &at, NULL,
			FUTEX_BITSET_MATCH_ANY);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *form = argc > 1 ? argv[1] : "rwlock";
	char line[16];
	bool told;

	pthread_spin_init(&stats, 0);
	if (!strcmp(form, "rwlock")) {
		make_rwlock(PTHREAD_RWLOCK_PREFER_READER_NP);
	} else if (!strcmp(form, "rwlock-first")) {
		make_rwlock(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	} else if (!strcmp(form, "semaphore")) {
		sem_init(&sem, 0, 2);
		object = &sem;
		run = take_permit;
		nr_threads = 6;
	} else if (!strcmp(form, "condition")) {
		object = &cond;
		run = make_or_await;
		nr_threads = 3;
	} else if (!strcmp(form, "barrier")) {
		pthread_barrier_init(&barrier, NULL, 3);
		object = &barrier;
		run = meet;
		nr_threads = 3;
	} else if (!strcmp(form, "look-alike")) {
		object = alike;
		run = wait_alike;
		nr_threads = 1;
	} else {
		wl_die(form, EINVAL);
	}
	printf("{\"addr\": \"%p\"}\n", object);
	wl_ready();
	told = fgets(line, sizeof(line), stdin);
	for (int i = 0; i < nr_threads; i++)
		threads[i] = wl_thread(run, (void *)(intptr_t)i, 65536);
	if (told)
		wl_sleep_ns(1000 * MS);
	done = told;
	for (int i = 0; i < nr_threads; i++)
		pthread_join(threads[i], NULL);
	printf("{\"read_ns\": %ju, \"reads\": %ju, \"write_ns\": %ju, \"writes\": %ju}\n",
	       (uintmax_t)reads.ns, (uintmax_t)reads.n, (uintmax_t)writes.ns, (uintmax_t)writes.n);
	fflush(stdout);
	for (;;)
		pause();
}
