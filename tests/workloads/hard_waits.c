// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Waits that are hard to tell, and how long each was by the program's own clock.
 *
 *	hard_waits FORM [FILE]
 *
 *	forked         a child has inherited a mutex that was taken, and waits for it for ever
 *	uring          a thread waits for reads of a pipe, through an io_uring
 *	unlinked FILE  a thread writes out a file that it has removed
 *	vfork          the parent waits for children until they end
 *	signals        a read, a sleep and a wait for a semaphore that signals interrupt every 3 ms
 *	plain          two threads take a mutex in turns
 *	seccomp        the same where most system calls are forbidden
 *	processes      the same of two processes, with a mutex in shared memory
 *	robust         the same with a robust mutex
 *
 * All but the first run for a second after a line on their standard input, print a line of JSON
 * for each thread, and wait for a signal.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "workload.h"

#define MS 1000000ULL

static uint64_t end;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static uint64_t now(void)
{
	return wl_clock_ns(CLOCK_MONOTONIC);
}

static bool more(void)
{
	return now() < end;
}

static void wait_for_line(void)
{
	char line[16];

	wl_ready();
	if (!fgets(line, sizeof(line), stdin))
		wl_die("no line", EINVAL);
	end = now() + 1000 * MS;
}

/* One write, so that lines of threads do not mix; stdio's lock would be a lock of the program's. */
static void say(uint64_t ns, uint64_t n)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "{\"tid\": %ld, \"ns\": %ju, \"n\": %ju}\n",
			   syscall(SYS_gettid), (uintmax_t)ns, (uintmax_t)n);

	if (write(STDOUT_FILENO, line, len) != len)
		_exit(1);
}

static void forked(void)
{
	pid_t parent = getpid(), child;

	pthread_mutex_lock(&mutex);
	child = fork();
	if (!child) {
		wl_die_with_parent(parent);
		pthread_mutex_lock(&mutex);
	}
	printf("{\"child\": %d, \"addr\": \"%p\"}\n", child, (void *)&mutex);
	pthread_mutex_unlock(&mutex);
	wl_ready();
}

struct ring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static void *ring_map(struct ring *r, size_t len, off_t at)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, at);

	if (p == MAP_FAILED)
		wl_die("mmap of the ring", errno);
	return p;
}

static void ring_open(struct ring *r)
{
	r->fd = (int)syscall(SYS_io_uring_setup, 4, &r->params);
	if (r->fd < 0) {
		perror("io_uring_setup");
		exit(WL_SKIP);
	}
	r->sq = ring_map(r, r->params.sq_off.array + 4 * r->params.sq_entries, IORING_OFF_SQ_RING);
	r->cq = ring_map(r, r->params.cq_off.cqes + 16 * r->params.cq_entries, IORING_OFF_CQ_RING);
	r->sqes = ring_map(r, sizeof(*r->sqes) * r->params.sq_entries, IORING_OFF_SQES);
}

/* Ask for one byte of @fd, and wait until it is there. */
static int ring_read(struct ring *r, int fd, char *c)
{
	_Atomic uint32_t *tail = (void *)(r->sq + r->params.sq_off.tail);
	_Atomic uint32_t *head = (void *)(r->cq + r->params.cq_off.head);
	uint32_t slot = *tail & (r->params.sq_entries - 1);
	struct io_uring_cqe *cqes = (void *)(r->cq + r->params.cq_off.cqes);
	int res;

	r->sqes[slot] = (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)c, .len = 1, .off = -1ULL
	};
	((uint32_t *)(r->sq + r->params.sq_off.array))[slot] = slot;
	atomic_fetch_add(tail, 1);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		wl_die("io_uring_enter", errno);
	res = cqes[*head & (r->params.cq_entries - 1)].res;
	atomic_fetch_add(head, 1);
	return res;
}

static int ends[2];

static void *feed(void *arg)
{
	uint64_t period = (uintptr_t)arg;

	/* also what is waited for at the end */
	do {
		wl_sleep_ns(period);
		if (write(ends[1], "x", 1) != 1)
			wl_die("write", errno);
	} while (more());
	wl_sleep_ns(period);
	if (write(ends[1], "x", 1) != 1)
		wl_die("write", errno);
	return NULL;
}

static void make_pipe(void)
{
	if (pipe(ends))
		wl_die("pipe", errno);
}

static void uring(void)
{
	struct ring r = {};
	uint64_t ns = 0, n = 0;
	char c;

	make_pipe();
	ring_open(&r);
	wait_for_line();
	wl_thread(feed, (void *)(uintptr_t)(20 * MS), 65536);
	for (; more(); n++) {
		uint64_t since = now();
		int res = ring_read(&r, ends[0], &c);

		if (res != 1)
			wl_die("read through the ring", -res);
		ns += now() - since;
	}
	say(ns, n);
}

static void unlinked(const char *path)
{
	static char buf[1 << 18];
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	uint64_t ns = 0, n = 0;

	if (fd < 0 || unlink(path))
		wl_die(path, errno);
	wait_for_line();
	for (; more(); n++) {
		uint64_t since;

		memset(buf, (int)n, sizeof(buf));
		if (pwrite(fd, buf, sizeof(buf), 0) != sizeof(buf))
			wl_die(path, errno);
		since = now();
		if (fdatasync(fd))
			wl_die(path, errno);
		ns += now() - since;
	}
	say(ns, n);
}

static pid_t __attribute__((noinline)) child_that_sleeps(void)
{
	pid_t child = vfork();

	if (!child) {
		struct timespec ts = { .tv_nsec = 15 * MS };

		nanosleep(&ts, NULL);
		_exit(0);
	}
	return child;
}

static void wait_for_children(void)
{
	uint64_t ns = 0, n = 0;

	wait_for_line();
	for (; more(); n++) {
		uint64_t since = now();
		pid_t child = child_that_sleeps();

		ns += now() - since;
		if (child < 0 || waitpid(child, NULL, 0) != child)
			wl_die("vfork", errno);
	}
	say(ns, n);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void *reads(void *arg)
{
	uint64_t ns = 0, n = 0;
	char c;

	(void)arg;
	for (; more(); n++) {
		uint64_t since = now();

		if (read(ends[0], &c, 1) != 1)
			wl_die("read", errno);
		ns += now() - since;
	}
	say(ns, n);
	return NULL;
}

static void *sleeps(void *arg)
{
	uint64_t ns = 0, n = 0;

	(void)arg;
	for (; more(); n++) {
		uint64_t since = now();

		wl_sleep_ns(40 * MS);
		ns += now() - since;
	}
	say(ns, n);
	return NULL;
}

static sem_t sem;

static void *awaits(void *arg)
{
	uint64_t ns = 0, n = 0;

	(void)arg;
	for (; more(); n++) {
		uint64_t since = now();

		while (sem_wait(&sem))
			if (errno != EINTR)
				wl_die("sem_wait", errno);
		ns += now() - since;
	}
	say(ns, n);
	return NULL;
}

static void *post(void *arg)
{
	(void)arg;
	for (bool last = false; !last;) {
		last = !more();
		wl_sleep_ns(40 * MS);
		sem_post(&sem);
	}
	return NULL;
}

static void signals(void)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	void *(*const functions[])(void *arg) = { reads, sleeps, awaits };
	pthread_t threads[3];

	make_pipe();
	sem_init(&sem, 0, 0);
	sigaction(SIGUSR1, &act, NULL);
	wait_for_line();
	for (int i = 0; i < 3; i++)
		threads[i] = wl_thread(functions[i], NULL, 65536);
	wl_thread(feed, (void *)(uintptr_t)(40 * MS), 65536);
	wl_thread(post, NULL, 65536);
	/* they live on until they are joined */
	for (int i = 0; more(); i = (i + 1) % 3) {
		wl_sleep_ns(MS);
		pthread_kill(threads[i], SIGUSR1);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/* All but what threads need to take a mutex, to sleep, to come and to go is forbidden. */
static void forbid(void)
{
	static const int allowed[] = { SYS_futex,
				       SYS_nanosleep,
				       SYS_clock_nanosleep,
				       SYS_read,
				       SYS_write,
				       SYS_exit,
				       SYS_exit_group,
				       SYS_clone3,
				       SYS_rt_sigprocmask,
				       SYS_set_robust_list,
				       SYS_rseq,
				       SYS_mmap,
				       SYS_munmap,
				       SYS_mprotect,
				       SYS_madvise,
				       SYS_gettid,
				       SYS_pause,
				       SYS_clone,
				       SYS_newfstatat,
				       SYS_brk,
				       SYS_rt_sigaction };
	const size_t nr = sizeof(allowed) / sizeof(allowed[0]);
	struct sock_filter code[sizeof(allowed) / sizeof(allowed[0]) + 3] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog prog = { .len = nr + 3, .filter = code };

	for (size_t i = 0; i < nr; i++)
		code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							   nr - i, 0);
	code[1 + nr] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[2 + nr] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("seccomp");
		exit(WL_SKIP);
	}
}

static pthread_mutex_t *turns = &mutex;

static void *hold_in_turn(void *arg)
{
	uint64_t ns = 0, n = 0, hold = (uintptr_t)arg;

	while (more()) {
		uint64_t since = now();

		if (pthread_mutex_trylock(turns)) {
			pthread_mutex_lock(turns);
			ns += now() - since;
			n++;
		}
		wl_sleep_ns(hold);
		pthread_mutex_unlock(turns);
		wl_sleep_ns(hold / 4);
	}
	say(ns, n);
	return NULL;
}

static void take_turns(bool strict)
{
	pthread_t threads[2];

	if (strict)
		forbid();
	wait_for_line();
	for (uintptr_t i = 0; i < 2; i++)
		threads[i] = wl_thread(hold_in_turn, (void *)((i ? 18 : 6) * MS), 65536);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

struct shared {
	pthread_mutex_t mutex;
	_Atomic uint64_t end;
};

/* Both say how long they waited; the other one first. */
static void processes(bool robust)
{
	struct shared *s =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), child;
	pthread_mutexattr_t attr;
	char c;

	if (s == MAP_FAILED)
		wl_die("mmap", errno);
	make_pipe();
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, robust);
	turns = &s->mutex;
	pthread_mutex_init(turns, &attr);
	child = fork();
	if (!child) {
		wl_die_with_parent(parent);
		while (!s->end)
			wl_sleep_ns(MS);
		end = s->end;
		hold_in_turn((void *)(uintptr_t)(18 * MS));
		close(ends[0]);
		close(ends[1]);
		for (;;)
			pause();
	}
	close(ends[1]);
	printf("{\"child\": %d, \"addr\": \"%p\"}\n", child, (void *)turns);
	wait_for_line();
	s->end = end;
	hold_in_turn((void *)(uintptr_t)(6 * MS));
	if (read(ends[0], &c, 1))
		wl_die("read", errno);
}

int main(int argc, char **argv)
{
	const char *form = argc > 1 ? argv[1] : "";

	printf("{\"addr\": \"%p\"}\n", (void *)&mutex);
	fflush(stdout);
	if (!strcmp(form, "forked"))
		forked();
	else if (!strcmp(form, "uring"))
		uring();
	else if (!strcmp(form, "unlinked") && argc > 2)
		unlinked(argv[2]);
	else if (!strcmp(form, "vfork"))
		wait_for_children();
	else if (!strcmp(form, "signals"))
		signals();
	else if (!strcmp(form, "plain") || !strcmp(form, "seccomp"))
		take_turns(form[0] == 's');
	else if (!strcmp(form, "processes") || !strcmp(form, "robust"))
		processes(form[0] == 'r');
	else
		wl_die(form, EINVAL);
	say(0, 0);
	for (;;)
		pause();
}
