// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Locks of which the program itself knows how long each was waited for, and whose that was.
 *
 *	locks FORM [N]
 *
 *	many N     N mutexes, each for two threads: one holds it three times as long as the other
 *	forever N  a mutex that one thread has taken, and N wait for; ends by a signal
 *	pi N       the same of one that hands on its owner's priority
 *	chain      a thread waits for a mutex, whose owner waits for another one, whose owner
 *	           reads from a pipe; ends by a signal
 *	shared     a mutex in shared memory, for two processes
 *	robust     N times a thread ends with a mutex that another one waits for
 *	herd N     N threads wait for a condition that is broadcast every 20 ms
 *	reused N   mutexes at one address, one after the other
 *	words N    N words, each waited for once
 *
 * Those that end by themselves print a line of JSON for each lock then.
 */
#define _GNU_SOURCE 1
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "workload.h"

#define MS           1000000ULL
#define ROUNDS       30
#define THREADS_MOST 64

struct holder {
	pid_t tid;
	uint64_t ns; /* that others waited meanwhile */
};

struct lock {
	pthread_mutex_t mutex;
	pthread_spinlock_t stats; /* guards what follows */
	int waiters;
	uint64_t since, contended, wait, waits, max;
	struct holder holders[2];
} __attribute__((aligned(64)));

struct job {
	struct lock *lock;
	int who;
	uint64_t hold;
};

static struct lock *locks;
static int ends[2];
static pthread_barrier_t started;

static uint64_t now(void)
{
	return wl_clock_ns(CLOCK_MONOTONIC);
}

static pid_t own_tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static struct lock *new_locks(long n, int shared, int protocol, int robust)
{
	struct lock *l = mmap(NULL, n * sizeof(*l), PROT_READ | PROT_WRITE,
			      MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	pthread_mutexattr_t attr;

	if (l == MAP_FAILED)
		wl_die("mmap", errno);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, shared);
	pthread_mutexattr_setprotocol(&attr, protocol);
	pthread_mutexattr_setrobust(&attr, robust);
	for (long i = 0; i < n; i++) {
		pthread_mutex_init(&l[i].mutex, &attr);
		pthread_spin_init(&l[i].stats, shared);
	}
	return l;
}

/* Take it, and count a wait. Returns what pthread_mutex_lock() does. */
static int take(struct lock *l)
{
	uint64_t from, to;
	int err = pthread_mutex_trylock(&l->mutex);

	if (err != EBUSY)
		return err;
	from = now();
	pthread_spin_lock(&l->stats);
	if (!l->waiters++)
		l->since = from;
	pthread_spin_unlock(&l->stats);
	err = pthread_mutex_lock(&l->mutex);
	to = now();
	pthread_spin_lock(&l->stats);
	if (!--l->waiters)
		l->contended += to - l->since;
	l->wait += to - from;
	l->waits++;
	if (to - from > l->max)
		l->max = to - from;
	pthread_spin_unlock(&l->stats);
	return err;
}

/* Let go of what was taken at @got. */
static void let_go(struct lock *l, struct holder *h, uint64_t got)
{
	uint64_t at = now();

	pthread_spin_lock(&l->stats);
	if (l->waiters)
		h->ns += at - (l->since > got ? l->since : got);
	pthread_spin_unlock(&l->stats);
	pthread_mutex_unlock(&l->mutex);
}

static void print(const struct lock *l)
{
	printf("{\"addr\": \"%p\", \"wait_ns\": %ju, \"contended_ns\": %ju, \"waits\": %ju, "
	       "\"max_ns\": %ju, \"holders\": {\"%d\": %ju, \"%d\": %ju}}\n",
	       (void *)&l->mutex, (uintmax_t)l->wait, (uintmax_t)l->contended, (uintmax_t)l->waits,
	       (uintmax_t)l->max, l->holders[0].tid, (uintmax_t)l->holders[0].ns, l->holders[1].tid,
	       (uintmax_t)l->holders[1].ns);
	fflush(stdout);
}

static void *hold_in_turn(void *arg)
{
	struct job *job = arg;
	struct holder *h = &job->lock->holders[job->who];

	h->tid = own_tid();
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t got;

		take(job->lock);
		got = now();
		wl_sleep_ns(job->hold);
		let_go(job->lock, h, got);
		wl_sleep_ns(job->hold / 4);
	}
	return NULL;
}

static void many(long n)
{
	struct job jobs[2 * THREADS_MOST];
	pthread_t threads[2 * THREADS_MOST];

	locks = new_locks(n, 0, PTHREAD_PRIO_NONE, 0);
	for (long i = 0; i < 2 * n; i++) {
		jobs[i] = (struct job){ &locks[i / 2], i & 1, (4 + i / 2) * MS * (i & 1 ? 3 : 1) };
		threads[i] = wl_thread(hold_in_turn, &jobs[i], 0);
	}
	for (long i = 0; i < 2 * n; i++)
		pthread_join(threads[i], NULL);
	for (long i = 0; i < n; i++)
		print(&locks[i]);
}

static void *wait_for(void *arg)
{
	take(arg);
	return NULL;
}

static void forever(long n, int protocol)
{
	locks = new_locks(1, 0, protocol, 0);
	take(locks);
	for (long i = 0; i < n; i++)
		wl_thread(wait_for, locks, 65536);
	wl_sleep_ns(200 * MS);
	printf("{\"addr\": \"%p\", \"owner\": %d}\n", (void *)&locks->mutex, own_tid());
	wl_ready();
	for (;;)
		pause();
}

static void *chain_first(void *arg)
{
	(void)arg;
	for (;;) {
		take(&locks[0]);
		pthread_mutex_unlock(&locks[0].mutex);
		wl_sleep_ns(MS);
	}
	return NULL;
}

static void *chain_second(void *arg)
{
	(void)arg;
	locks[0].holders[0].tid = own_tid();
	pthread_barrier_wait(&started);
	for (;;) {
		take(&locks[0]);
		take(&locks[1]);
		pthread_mutex_unlock(&locks[1].mutex);
		pthread_mutex_unlock(&locks[0].mutex);
		wl_sleep_ns(3 * MS);
	}
	return NULL;
}

static void *chain_third(void *arg)
{
	char c;

	(void)arg;
	locks[1].holders[0].tid = own_tid();
	pthread_barrier_wait(&started);
	for (;;) {
		take(&locks[1]);
		if (read(ends[0], &c, 1) != 1)
			return NULL;
		pthread_mutex_unlock(&locks[1].mutex);
		wl_sleep_ns(MS);
	}
	return NULL;
}

static void chain(void)
{
	locks = new_locks(2, 0, PTHREAD_PRIO_NONE, 0);
	if (pipe(ends))
		wl_die("pipe", errno);
	pthread_barrier_init(&started, NULL, 3);
	wl_thread(chain_third, NULL, 0);
	wl_thread(chain_second, NULL, 0);
	pthread_barrier_wait(&started);
	wl_thread(chain_first, NULL, 0);
	wl_sleep_ns(100 * MS);
	for (int i = 0; i < 2; i++)
		printf("{\"addr\": \"%p\", \"owner\": %d}\n", (void *)&locks[i].mutex,
		       locks[i].holders[0].tid);
	wl_ready();
	for (;;) {
		wl_sleep_ns(40 * MS);
		if (write(ends[1], "x", 1) != 1)
			wl_die("write", errno);
	}
}

static void shared(void)
{
	struct job first = { NULL, 0, 6 * MS }, second = { NULL, 1, 18 * MS };
	pid_t child;

	locks = new_locks(1, 1, PTHREAD_PRIO_NONE, 0);
	first.lock = second.lock = locks;
	child = fork();
	if (!child) {
		hold_in_turn(&second);
		_exit(0);
	}
	hold_in_turn(&first);
	waitpid(child, NULL, 0);
	print(locks);
}

static void *die_with(void *arg)
{
	struct lock *l = arg;

	if (pthread_mutex_lock(&l->mutex) == EOWNERDEAD)
		pthread_mutex_consistent(&l->mutex);
	pthread_barrier_wait(&started);
	wl_sleep_ns(20 * MS);
	return NULL; /* and keeps it */
}

static void robust(long n)
{
	locks = new_locks(1, 0, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
	pthread_barrier_init(&started, NULL, 2);
	for (long i = 0; i < n; i++) {
		pthread_t thread = wl_thread(die_with, locks, 0);
		int err;

		pthread_barrier_wait(&started);
		err = take(locks);
		if (err != EOWNERDEAD)
			wl_die("not EOWNERDEAD", err);
		pthread_mutex_consistent(&locks->mutex);
		pthread_mutex_unlock(&locks->mutex);
		pthread_join(thread, NULL);
	}
	print(locks);
}

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t cond_mutex = PTHREAD_MUTEX_INITIALIZER;
static long turn;

static void *herd_member(void *arg)
{
	long seen = 0;

	(void)arg;
	pthread_mutex_lock(&cond_mutex);
	for (;;) {
		while (turn == seen)
			pthread_cond_wait(&cond, &cond_mutex);
		seen = turn;
		wl_burn_ns(20000);
	}
	return NULL;
}

static void herd(long n)
{
	for (long i = 0; i < n; i++)
		wl_thread(herd_member, NULL, 65536);
	printf("{\"cond\": \"%p\", \"mutex\": \"%p\"}\n", (void *)&cond, (void *)&cond_mutex);
	wl_ready();
	for (;;) {
		wl_sleep_ns(20 * MS);
		pthread_mutex_lock(&cond_mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&cond_mutex);
	}
}

static void *hold_once(void *arg)
{
	pthread_mutex_lock(arg);
	pthread_barrier_wait(&started);
	wl_sleep_ns(10 * MS);
	pthread_mutex_unlock(arg);
	return NULL;
}

static void reused(long n)
{
	uint64_t wait = 0, from;
	uintptr_t addr = 0;

	pthread_barrier_init(&started, NULL, 2);
	for (long i = 0; i < n; i++) {
		pthread_mutex_t *m = malloc(sizeof(*m));
		pthread_t thread;

		if (addr && (uintptr_t)m != addr)
			wl_die("another address", 0);
		addr = (uintptr_t)m;
		pthread_mutex_init(m, NULL);
		thread = wl_thread(hold_once, m, 0);
		pthread_barrier_wait(&started);
		from = now();
		pthread_mutex_lock(m);
		wait += now() - from;
		pthread_mutex_unlock(m);
		pthread_join(thread, NULL);
		pthread_mutex_destroy(m);
		free(m);
	}
	printf("{\"addr\": \"0x%jx\", \"wait_ns\": %ju, \"waits\": %ld}\n", (uintmax_t)addr,
	       (uintmax_t)wait, n);
}

static uint32_t *words;
static long words_nr;

static void *wait_on_words(void *arg)
{
	struct timespec soon = { .tv_nsec = 50000 };

	for (long i = (long)arg; i < words_nr; i += 8)
		syscall(SYS_futex, &words[16 * i], FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0);
	return NULL;
}

static void many_words(long n)
{
	pthread_t threads[8];

	words_nr = n;
	words = calloc(n, 64);
	if (!words)
		wl_die("calloc", errno);
	for (long i = 0; i < 8; i++)
		threads[i] = wl_thread(wait_on_words, (void *)i, 0);
	for (long i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	const char *form = argc > 1 ? argv[1] : "many";
	long n = wl_arg(argc, argv, 2, 4, 1, 1000000);

	if (!strcmp(form, "words"))
		many_words(n);
	else if (n > THREADS_MOST)
		wl_die(argv[2], EINVAL);
	else if (!strcmp(form, "many"))
		many(n);
	else if (!strcmp(form, "forever"))
		forever(n, PTHREAD_PRIO_NONE);
	else if (!strcmp(form, "pi"))
		forever(n, PTHREAD_PRIO_INHERIT);
	else if (!strcmp(form, "chain"))
		chain();
	else if (!strcmp(form, "shared"))
		shared();
	else if (!strcmp(form, "robust"))
		robust(n);
	else if (!strcmp(form, "herd"))
		herd(n);
	else if (!strcmp(form, "reused"))
		reused(n);
	else
		wl_die(form, EINVAL);
	return 0;
}
