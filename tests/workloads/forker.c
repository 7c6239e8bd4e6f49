// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Forks children with a known life: each computes for CPU_MS, sleeps for SLEEP_MS
 * and exits. Every PERIOD_MS one is started. On SIGTERM prints one JSON line per
 * child that ended: its times by CLOCK_REALTIME (just before the fork, just after
 * the wait) and the CPU time that the kernel accounted to it.
 *
 *	forker [PERIOD_MS [CPU_MS [SLEEP_MS]]]
 */
#define _GNU_SOURCE 1
#include <sys/resource.h>
#include <sys/wait.h>

#include "workload.h"

#define CHILDREN_MAX 10000

struct child {
	pid_t pid;
	uint64_t start_ns, end_ns, cpu_ns;
};

static struct child children[CHILDREN_MAX];
static long started;
static volatile sig_atomic_t ended;

static void on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static uint64_t timeval_ns(struct timeval tv)
{
	return tv.tv_sec * 1000000000ULL + tv.tv_usec * 1000ULL;
}

static void reap(void)
{
	struct rusage usage;
	pid_t pid;

	while ((pid = wait4(-1, NULL, WNOHANG, &usage)) > 0) {
		for (long i = started - 1; i >= 0; i--) {
			if (children[i].pid != pid)
				continue;
			children[i].end_ns = wl_clock_ns(CLOCK_REALTIME);
			children[i].cpu_ns =
				timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
			break;
		}
	}
}

static void start_child(pid_t self, uint64_t cpu, uint64_t sleep)
{
	struct child *child = &children[started];

	child->start_ns = wl_clock_ns(CLOCK_REALTIME);
	child->pid = fork();
	if (child->pid < 0)
		wl_die("fork", errno);
	if (!child->pid) {
		wl_die_with_parent(self);
		wl_burn_ns(cpu);
		wl_sleep_ns(sleep);
		_exit(0);
	}
	started++;
}

int main(int argc, char **argv)
{
	uint64_t period = wl_arg(argc, argv, 1, 100, 1, 60000) * 1000000;
	uint64_t cpu = wl_arg(argc, argv, 2, 20, 0, 60000) * 1000000;
	uint64_t sleep = wl_arg(argc, argv, 3, 30, 0, 60000) * 1000000;
	pid_t self = getpid();

	signal(SIGTERM, on_term);
	wl_ready();
	while (!ended && started < CHILDREN_MAX) {
		start_child(self, cpu, sleep);
		/* Not wl_sleep_ns(): a signal must end it. */
		nanosleep(&(struct timespec){ period / 1000000000, period % 1000000000 }, NULL);
		reap();
	}
	for (long i = 0; i < started; i++)
		if (children[i].end_ns)
			printf("{\"pid\": %d, \"start_ns\": %llu, \"end_ns\": %llu, \"cpu_ns\": "
			       "%llu}\n",
			       (int)children[i].pid, (unsigned long long)children[i].start_ns,
			       (unsigned long long)children[i].end_ns,
			       (unsigned long long)children[i].cpu_ns);
}
