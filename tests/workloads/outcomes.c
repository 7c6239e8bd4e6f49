// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes known numbers of system calls that come out in known ways, from SIGUSR1 on, prints
 * what it made as one JSON object, and stays in pause() until it is killed; without `wait` it
 * begins at once, and ends. Of each call {outcome: count}, and `amount`: what they returned.
 *
 *	outcomes [wait]
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "workload.h"

#define SHORT_MS 1

static int word, taken;
static char buf[100];
static long nobody, woke;

static long futex(void *at, int op, int val, const struct timespec *timeout)
{
	return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, val, timeout, NULL, -1);
}

static void expect(const char *what, long got, long want)
{
	if (got == want)
		return;
	fprintf(stderr, "outcomes: %s: %ld and not %ld: %s\n", what, got, want, strerror(errno));
	exit(1);
}

static void failed(const char *what, long got, int err)
{
	expect(what, got, -1);
	if (errno != err)
		wl_die(what, errno);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* From soon on, over and over: the first one may come before the call that it is to break off. */
static void alarms(long us)
{
	struct itimerval every = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &every, NULL);
}

/* Wakes the main thread once it sleeps: whether it does is known only by waking it. */
static void *waking(void *arg)
{
	int times = *(int *)arg;

	while (times) {
		long n = futex(&word, FUTEX_WAKE, 1, NULL);

		if (n == 1) {
			times--;
			woke++;
		} else {
			nobody++;
		}
		wl_sleep_ns(200000);
	}
	return NULL;
}

static void futexes(int times)
{
	struct timespec ts = { .tv_nsec = SHORT_MS * 1000000 };
	pthread_t waker;
	int i;

	for (i = 0; i < 23; i++)
		failed("futex", futex(&word, FUTEX_WAIT, 0, &ts), ETIMEDOUT);
	for (i = 0; i < 29; i++)
		failed("futex", futex(&word, FUTEX_WAIT, 1, NULL), EAGAIN);
	for (i = 0; i < 3; i++)
		failed("futex", futex((char *)&word + 1, FUTEX_WAIT, 0, NULL), EINVAL);
	for (i = 0; i < 5; i++) {
		alarms(2000);
		failed("futex", futex(&word, FUTEX_WAIT, 0, NULL), EINTR);
		alarms(0);
	}
	for (i = 0; i < 31; i++)
		expect("futex", futex(&taken, FUTEX_WAKE, 1, NULL), 0);
	waker = wl_thread(waking, &times, 0);
	for (i = 0; i < times; i++)
		expect("futex", futex(&word, FUTEX_WAIT, 0, NULL), 0);
	/* not by pthread_join(), which waits on a futex of its own */
	while (pthread_tryjoin_np(waker, NULL))
		wl_sleep_ns(1000000);
}

static void epolls(void)
{
	int ep = epoll_create1(0), i;
	struct epoll_event events[4], add = { .events = EPOLLIN };

	for (i = 0; i < 11; i++)
		expect("epoll_pwait", epoll_pwait(ep, events, 4, SHORT_MS, NULL), 0);
	for (i = 0; i < 3; i++) {
		alarms(2000);
		failed("epoll_pwait", epoll_pwait(ep, events, 4, -1, NULL), EINTR);
		alarms(0);
	}
	for (i = 0; i < 2; i++)
		expect("epoll_ctl", epoll_ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), &add), 0);
	for (i = 0; i < 13; i++)
		expect("epoll_pwait", epoll_pwait(ep, events, 4, -1, NULL), 2);
}

static void polls(void)
{
	struct pollfd fds[3] = { { .fd = eventfd(1, 0), .events = POLLIN },
				 { .fd = eventfd(0, 0), .events = POLLIN },
				 { .fd = eventfd(1, 0), .events = POLLIN } };
	int i;

	for (i = 0; i < 6; i++)
		expect("poll", syscall(SYS_ppoll, fds + 1, 1, &(struct timespec){}, NULL, 8), 0);
	for (i = 0; i < 8; i++)
		expect("poll", syscall(SYS_ppoll, fds, 3, NULL, NULL, 8), 2);
}

static void files(void)
{
	int fds[2], null = open("/dev/null", O_RDWR), i;

	if (pipe(fds))
		wl_die("pipe", errno);
	for (i = 0; i < 17; i++) {
		expect("write", write(fds[1], buf, 100), 100);
		expect("read", read(fds[0], buf, 100), 100);
	}
	for (i = 0; i < 4; i++)
		expect("read", read(null, buf, 100), 0);
	for (i = 0; i < 2; i++) {
		alarms(2000);
		failed("read", read(fds[0], buf, 100), EINTR);
		alarms(0);
	}
	for (i = 0; i < 2; i++)
		expect("write", write(null, buf, 0), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	for (i = 0; i < 19; i++)
		failed("read", read(fds[0], buf, 100), EAGAIN);
	failed("read", read(-1, buf, 1), EBADF);
	for (i = 0; i < 7; i++)
		failed("write", write(-1, buf, 1), EBADF);
}

static void sockets(void)
{
	int fds[2], i;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds))
		wl_die("socketpair", errno);
	for (i = 0; i < 9; i++) {
		expect("sendto", sendto(fds[0], buf, 10, 0, NULL, 0), 10);
		expect("recvfrom", recvfrom(fds[1], buf, 100, 0, NULL, NULL), 10);
	}
	for (i = 0; i < 12; i++)
		failed("recvfrom", recvfrom(fds[1], buf, 100, 0, NULL, NULL), EAGAIN);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int stay = argc > 1 && !strcmp(argv[1], "wait"), sig;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGALRM, &sa, NULL);
	wl_ready();
	if (stay)
		sigwait(&set, &sig);
	futexes(7);
	epolls();
	polls();
	files();
	sockets();
	printf("{\"futex wait\": {\"timeout\": 23, \"changed\": 29, \"error\": 3, \"interrupted\": "
	       "5, "
	       "\"woken\": 7}, \"futex wake\": {\"nobody\": %ld, \"woken\": %ld, \"amount\": %ld}, "
	       "\"epoll_pwait\": {\"timeout\": 11, \"interrupted\": 3, \"ready\": 13, \"amount\": "
	       "26}, "
	       "\"ppoll\": {\"timeout\": 6, \"ready\": 8, \"amount\": 16}, "
	       "\"read\": {\"data\": 17, \"end\": 4, \"interrupted\": 2, \"again\": 19, \"error\": "
	       "1, "
	       "\"amount\": 1700}, "
	       "\"sendto\": {\"data\": 9, \"amount\": 90}, "
	       "\"recvfrom\": {\"data\": 9, \"again\": 12, \"amount\": 90}, "
	       "\"write\": {\"data\": 17, \"empty\": 2, \"error\": 7, \"amount\": 1700}}\n",
	       nobody + 31, woke, woke);
	fflush(stdout);
	while (stay)
		pause();
	return 0;
}
