// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The guest's program of known truth, one thread a state. Static, so that the guest needs no more
 * than the file. It runs until it is killed.
 *
 * prints "thread TID NAME" for each, then "ready" when all of them have done one round:
 *
 *   compute   computes, always
 *   sleeper   sleeps in nanosleep, 20 ms at a time
 *   reader    waits in read() of a pipe that gets a byte every 20 ms
 *   writer    writes that byte, and sleeps
 *   client    waits for the answers of a unix server
 *   server    is that, and answers after 20 ms
 *   lock1/2   hold one mutex 8 ms in turn, and want it again after 1 ms: 44 % of it waiting
 *   main      sleeps in pause()
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t warm; /* everybody has done a round */
static int pipe_fds[2];
static int client_fd, server_fd;
static atomic_ulong sink;

static void die(const char *what, int err)
{
	fprintf(stderr, "guest_workload: %s: %s\n", what, strerror(err));
	exit(1);
}

static void sleep_ms(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000 * 1000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static void compute(void)
{
	unsigned long x = sink;

	for (int i = 0; i < 1000000; i++)
		x = x * 6364136223846793005UL + 1442695040888963407UL;
	sink = x;
}

static void sleeper(void)
{
	sleep_ms(20);
}

static void reader(void)
{
	char byte;

	if (read(pipe_fds[0], &byte, 1) != 1)
		die("read", errno);
}

static void writer(void)
{
	if (write(pipe_fds[1], "w", 1) != 1)
		die("write", errno);
	sleep_ms(20);
}

static void client(void)
{
	char byte = '?';

	if (write(client_fd, &byte, 1) != 1 || read(client_fd, &byte, 1) != 1)
		die("client", errno);
}

static void server(void)
{
	char byte;

	if (read(server_fd, &byte, 1) != 1)
		die("server", errno);
	sleep_ms(20);
	if (write(server_fd, &byte, 1) != 1)
		die("server", errno);
}

/* A name that is of no file: there may be no place for one. */
static void connect_them(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "\0guest" };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 6;
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	client_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (void *)&addr, len) || listen(listener, 1) ||
	    connect(client_fd, (void *)&addr, len))
		die("connect", errno);
	server_fd = accept(listener, NULL, NULL);
	if (server_fd < 0)
		die("accept", errno);
}

static void lock(void)
{
	pthread_mutex_lock(&mutex);
	sleep_ms(8);
	pthread_mutex_unlock(&mutex);
	sleep_ms(1);
}

static const struct role {
	const char *name;
	void (*round)(void);
} roles[] = {
	{ "compute", compute }, { "sleeper", sleeper }, { "reader", reader }, { "writer", writer },
	{ "client", client },   { "server", server },   { "lock1", lock },    { "lock2", lock },
};

#define NR_ROLES (sizeof(roles) / sizeof(roles[0]))

static void *run(void *arg)
{
	const struct role *role = arg;

	prctl(PR_SET_NAME, role->name);
	printf("thread %ld %s\n", (long)syscall(SYS_gettid), role->name);
	role->round();
	pthread_barrier_wait(&warm);
	for (;;)
		role->round();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	size_t i;
	int err;

	if (pipe(pipe_fds))
		die("pipe", errno);
	connect_them();
	pthread_barrier_init(&warm, NULL, NR_ROLES + 1);
	printf("thread %ld main\n", (long)getpid());
	for (i = 0; i < NR_ROLES; i++) {
		err = pthread_create(&thread, NULL, run, (void *)&roles[i]);
		if (err)
			die("pthread_create", err);
	}
	pthread_barrier_wait(&warm);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
