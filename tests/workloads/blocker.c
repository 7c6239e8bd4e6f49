// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The main thread blocks for ever in one chosen call; MODE is the first word of a
 * line of the table at the end. Truth: that thread is in one state all the time.
 * `blocker list` prints the modes. Helper threads, where a mode needs one, sleep.
 * Exits WL_SKIP where this machine does not allow the call.
 *
 *	blocker MODE
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "workload.h"

static int must(int result, const char *what)
{
	if (result < 0)
		wl_die(what, errno);
	return result;
}

static void __attribute__((noreturn)) not_allowed(const char *what)
{
	fprintf(stderr, "blocker: %s: %s\n", what, strerror(errno));
	exit(WL_SKIP);
}

/* Reads a descriptor that never has anything. */
static void read_for_ever(int fd)
{
	char buf[4096];

	wl_ready();
	must(read(fd, buf, sizeof(buf)), "read");
}

static void futex(void)
{
	static uint32_t word;

	wl_ready();
	syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL);
}

static void futex_timed(void)
{
	struct timespec ts = { .tv_nsec = 50000000 };
	static uint32_t word;

	wl_ready();
	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &ts);
}

/* As linux/futex.h has it since 5.16; older headers do not. */
struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static void futex_waitv(void)
{
	static uint32_t word;
	struct waitv wait = { .uaddr = (uintptr_t)&word, .flags = 2 | 128 };

	wl_ready();
	syscall(449, &wait, 1, 0, NULL, 0); /* futex_waitv */
	not_allowed("futex_waitv");
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t taken;

static void *holder(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&mutex);
	pthread_barrier_wait(&taken);
	for (;;)
		pause();
	return NULL;
}

static void take_held_mutex(void)
{
	pthread_barrier_init(&taken, NULL, 2);
	wl_thread(holder, NULL, 0);
	pthread_barrier_wait(&taken);
	wl_ready();
	pthread_mutex_lock(&mutex);
}

static void pi_mutex(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&mutex, &attr);
	take_held_mutex();
}

static void condition(void)
{
	pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

	pthread_mutex_lock(&mutex);
	wl_ready();
	for (;;)
		pthread_cond_wait(&cond, &mutex);
}

static void semaphore(void)
{
	sem_t sem;

	sem_init(&sem, 0, 0);
	wl_ready();
	sem_wait(&sem);
}

static void *sleep_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void join(void)
{
	pthread_t thread = wl_thread(sleep_for_ever, NULL, 0);

	wl_ready();
	pthread_join(thread, NULL);
}

static void pipe_read(void)
{
	int fds[2];

	must(pipe(fds), "pipe");
	read_for_ever(fds[0]);
}

static void pipe_write(void)
{
	static const char block[65536];
	int fds[2];

	must(pipe(fds), "pipe");
	must(write(fds[1], block, sizeof(block)), "write");
	wl_ready();
	must(write(fds[1], block, sizeof(block)), "write");
}

static void event_poll(void)
{
	struct epoll_event event;
	int fd = must(epoll_create1(0), "epoll_create1");

	wl_ready();
	epoll_wait(fd, &event, 1, -1);
}

static void plain_poll(void)
{
	struct pollfd pfd = { .events = POLLIN };
	int fds[2];

	must(pipe(fds), "pipe");
	pfd.fd = fds[0];
	wl_ready();
	poll(&pfd, 1, -1);
}

static void plain_select(void)
{
	fd_set set;
	int fds[2];

	must(pipe(fds), "pipe");
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	wl_ready();
	select(fds[0] + 1, &set, NULL, NULL, NULL);
}

static void io_uring(void)
{
	struct io_uring_params params = { 0 };
	int fd = syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0)
		not_allowed("io_uring_setup");
	wl_ready();
	syscall(SYS_io_uring_enter, fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
}

static void plain_nanosleep(void)
{
	struct timespec ts = { .tv_sec = 1000000 };

	wl_ready();
	syscall(SYS_nanosleep, &ts, NULL);
}

static void clock_sleep(void)
{
	struct timespec ts = { .tv_sec = 1000000 };

	wl_ready();
	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/* Python up to 3.10 sleeps this way. */
static void select_sleep(void)
{
	struct timeval tv = { .tv_sec = 1000000 };

	wl_ready();
	select(0, NULL, NULL, NULL, &tv);
}

static pid_t sleeping_child(void)
{
	pid_t self = getpid(), child = must(fork(), "fork");

	if (!child) {
		wl_die_with_parent(self);
		for (;;)
			pause();
	}
	return child;
}

static void wait_pid(void)
{
	pid_t child = sleeping_child();

	wl_ready();
	waitpid(child, NULL, 0);
}

static void wait_id(void)
{
	siginfo_t info;

	sleeping_child();
	wl_ready();
	waitid(P_ALL, 0, &info, WEXITED);
}

static void vfork_child(void)
{
	wl_ready();
	if (!vfork()) {
		/* The parent is blocked until this one ends. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static int inet_socket(int type)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = must(socket(AF_INET, type, 0), "socket");

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), "bind");
	if (type == SOCK_STREAM)
		must(listen(fd, 8), "listen");
	return fd;
}

static void tcp_accept(void)
{
	int fd = inet_socket(SOCK_STREAM);

	wl_ready();
	accept(fd, NULL, NULL);
}

/* Both ends of a TCP connection; @ends[1] is the one that connected. */
static void tcp_pair(int ends[2])
{
	int fd = inet_socket(SOCK_STREAM);
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	must(getsockname(fd, (struct sockaddr *)&addr, &len), "getsockname");
	ends[1] = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
	must(connect(ends[1], (struct sockaddr *)&addr, len), "connect");
	ends[0] = must(accept(fd, NULL, NULL), "accept");
}

static void tcp_recv(void)
{
	int ends[2];
	char c;

	tcp_pair(ends);
	wl_ready();
	recv(ends[1], &c, 1, 0);
}

static void tcp_read(void)
{
	int ends[2];

	tcp_pair(ends);
	read_for_ever(ends[1]);
}

static void tcp_send(void)
{
	static const char block[1 << 20];
	int ends[2];

	tcp_pair(ends);
	while (send(ends[1], block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	wl_ready();
	send(ends[1], block, sizeof(block), 0);
}

static void udp_recv(void)
{
	int fd = inet_socket(SOCK_DGRAM);
	char c;

	wl_ready();
	recv(fd, &c, 1, 0);
}

static void unix_recv(void)
{
	int ends[2];
	char c;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	wl_ready();
	recv(ends[0], &c, 1, 0);
}

static void unix_accept(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");

	/* Without a name the kernel gives an abstract one. */
	must(bind(fd, (struct sockaddr *)&addr, sizeof(addr.sun_family)), "bind");
	must(listen(fd, 8), "listen");
	wl_ready();
	accept(fd, NULL, NULL);
}

static void event_fd(void)
{
	read_for_ever(must(eventfd(0, 0), "eventfd"));
}

static void timer_fd(void)
{
	struct itimerspec spec = { .it_value.tv_sec = 1000000 };
	int fd = must(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd_create");

	must(timerfd_settime(fd, 0, &spec, NULL), "timerfd_settime");
	read_for_ever(fd);
}

static void signal_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	read_for_ever(must(signalfd(-1, &set, 0), "signalfd"));
}

static void inotify(void)
{
	read_for_ever(must(inotify_init(), "inotify_init"));
}

static void terminal(void)
{
	int master, slave;

	must(openpty(&master, &slave, NULL, NULL, NULL), "openpty");
	read_for_ever(slave);
}

/* A file that somebody else has locked: another process for POSIX locks to matter. */
static int locked_file(int posix)
{
	char path[] = "/tmp/blocker-XXXXXX";
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = must(mkstemp(path), "mkstemp"), mine, fds[2];
	pid_t self = getpid(), child;
	char c;

	mine = must(open(path, O_RDWR), path);
	unlink(path);
	must(pipe(fds), "pipe");
	child = must(fork(), "fork");
	if (!child) {
		wl_die_with_parent(self);
		must(posix ? fcntl(fd, F_SETLK, &lock) : flock(fd, LOCK_EX), "lock");
		must(write(fds[1], "", 1), "write");
		for (;;)
			pause();
	}
	must(read(fds[0], &c, 1), "read");
	/* The lock of flock() belongs to what fork() shares; only the child keeps it. */
	close(fd);
	return mine;
}

static void file_flock(void)
{
	int fd = locked_file(0);

	wl_ready();
	flock(fd, LOCK_EX);
}

static void file_fcntl(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = locked_file(1);

	wl_ready();
	fcntl(fd, F_SETLKW, &lock);
}

/*
 * Names that must be there while we wait and gone afterwards are removed by a
 * child that watches us: nothing else runs when we are killed. It leaves the
 * process group, for a kill of the group must not hit it.
 */
static int is_watcher(void)
{
	pid_t parent = getpid();

	if (must(fork(), "fork"))
		return 0;
	setsid();
	while (getppid() == parent)
		wl_sleep_ns(50000000);
	return 1;
}

static void fifo_open(void)
{
	char path[] = "/tmp/blocker-XXXXXX";

	close(must(mkstemp(path), "mkstemp"));
	unlink(path);
	must(mkfifo(path, 0600), path);
	if (is_watcher()) {
		unlink(path);
		_exit(0);
	}
	wl_ready();
	must(open(path, O_RDONLY), path);
}

static void message_queue(void)
{
	char name[64], buf[8192];
	mqd_t queue;

	snprintf(name, sizeof(name), "/blocker-%d", (int)getpid());
	queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
	if (queue < 0)
		not_allowed("mq_open");
	mq_unlink(name);
	wl_ready();
	mq_receive(queue, buf, sizeof(buf), NULL);
}

static void sysv_message(void)
{
	int id = must(msgget(IPC_PRIVATE, 0600), "msgget");
	char buf[64];

	if (is_watcher()) {
		msgctl(id, IPC_RMID, NULL);
		_exit(0);
	}
	wl_ready();
	msgrcv(id, buf, 8, 0, 0);
}

static void sysv_semaphore(void)
{
	int id = must(semget(IPC_PRIVATE, 1, 0600), "semget");
	struct sembuf take = { .sem_op = -1 };

	if (is_watcher()) {
		semctl(id, 0, IPC_RMID);
		_exit(0);
	}
	wl_ready();
	semop(id, &take, 1);
}

static void plain_pause(void)
{
	wl_ready();
	pause();
}

static void signal_wait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	wl_ready();
	sigwaitinfo(&set, NULL);
}

static const struct {
	const char *name;
	void (*block)(void);
} modes[] = {
	{ "futex", futex },
	{ "futex-timed", futex_timed },
	{ "futex-waitv", futex_waitv },
	{ "mutex", take_held_mutex },
	{ "pi-mutex", pi_mutex },
	{ "condition", condition },
	{ "semaphore", semaphore },
	{ "join", join },
	{ "pipe-read", pipe_read },
	{ "pipe-write", pipe_write },
	{ "epoll", event_poll },
	{ "poll", plain_poll },
	{ "select", plain_select },
	{ "io-uring", io_uring },
	{ "nanosleep", plain_nanosleep },
	{ "clock-nanosleep", clock_sleep },
	{ "select-sleep", select_sleep },
	{ "waitpid", wait_pid },
	{ "waitid", wait_id },
	{ "vfork", vfork_child },
	{ "tcp-accept", tcp_accept },
	{ "tcp-recv", tcp_recv },
	{ "tcp-read", tcp_read },
	{ "tcp-send", tcp_send },
	{ "udp-recv", udp_recv },
	{ "unix-recv", unix_recv },
	{ "unix-accept", unix_accept },
	{ "eventfd", event_fd },
	{ "timerfd", timer_fd },
	{ "signalfd", signal_fd },
	{ "inotify", inotify },
	{ "tty", terminal },
	{ "flock", file_flock },
	{ "fcntl-lock", file_fcntl },
	{ "fifo-open", fifo_open },
	{ "mqueue", message_queue },
	{ "sysv-msg", sysv_message },
	{ "sysv-sem", sysv_semaphore },
	{ "pause", plain_pause },
	{ "sigwait", signal_wait },
};

int main(int argc, char **argv)
{
	int list = argc == 2 && !strcmp(argv[1], "list");

	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (list) {
			puts(modes[i].name);
		} else if (!strcmp(argv[1], modes[i].name)) {
			modes[i].block();
			/* Only a signal may end the wait, and it kills: it did not block. */
			wl_die(modes[i].name, errno);
		}
	}
	if (list)
		return 0;
	fprintf(stderr, "usage: blocker MODE; `blocker list` prints the modes\n");
	return 2;
}
