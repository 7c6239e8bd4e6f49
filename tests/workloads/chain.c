// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One thread feeds another through a pipe, each in functions of its own: the reader blocks in
 * take_one() < consume() < reader(), and works in crunch(); the feeder ends that wait in
 * give_one() < produce() < feeder(), and sleeps in between in pause_a_while() < produce().
 *
 *	chain [PERIOD_MS] [WORK_US]
 */
#define _GNU_SOURCE 1
#include "workload.h"

#define noinline __attribute__((noinline))

static int fds[2];
static uint64_t period, work;
static volatile int sink;

static noinline void crunch(void)
{
	wl_burn_ns(work);
	sink++;
}

/* Something after the call keeps each from being a jump. */
static noinline int take_one(char *c)
{
	int n = (int)read(fds[0], c, 1);

	sink++;
	return n;
}

static noinline void consume(void)
{
	char c;

	while (take_one(&c) == 1)
		crunch();
	sink++;
}

static noinline void reader(void)
{
	consume();
	sink++;
}

static noinline void give_one(void)
{
	if (write(fds[1], "x", 1) != 1)
		wl_die("write", errno);
	sink++;
}

static noinline void pause_a_while(void)
{
	wl_sleep_ns(period);
	sink++;
}

static noinline void produce(void)
{
	for (;;) {
		pause_a_while();
		give_one();
	}
}

static noinline void *feeder(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "feeder");
	produce();
	sink++;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	period = wl_arg(argc, argv, 1, 10, 1, 60000) * 1000000;
	work = wl_arg(argc, argv, 2, 2000, 0, 1000000) * 1000;
	if (pipe(fds))
		wl_die("pipe", errno);
	if (pthread_create(&thread, NULL, feeder, NULL))
		wl_die("pthread_create", errno);
	wl_ready();
	reader();
	return 0;
}
