// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The network of queues against closed forms, and against mean value analysis where that holds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../user/diagnose/mva.h"

#define MOST 64

static void assert_near(double is, double ought, double share)
{
	if (fabs(is - ought) > share * fabs(ought))
		fail_msg("is %.9g, ought to be %.9g", is, ought);
}

static void cycles(const struct bb_network *net, size_t n, double *out)
{
	assert_int_equal(bb_mva__cycles(net, 1, n, out), 0);
}

/* Reiser & Lavenberg's recursion for stations of one server, and a delay. */
static double by_recursion(const double *demand, size_t stations, double delay, size_t n)
{
	double queue[4] = {}, cycle = 0;

	for (size_t i = 1; i <= n; i++) {
		cycle = delay;
		for (size_t k = 0; k < stations; k++)
			cycle += demand[k] * (1 + queue[k]);
		for (size_t k = 0; k < stations; k++)
			queue[k] = (double)i / cycle * demand[k] * (1 + queue[k]);
	}
	return cycle;
}

static void test_one_server_and_a_delay(void **state)
{
	struct bb_network net = { .free = { .gil = 0.2, .delay = 0.8 }, .cpus = 8 };
	double c[MOST], demand[] = { 0.2 };

	(void)state;
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++)
		assert_near(c[n - 1], by_recursion(demand, 1, 0.8, n), 1e-9);
}

static void test_lock_and_gil_and_a_delay(void **state)
{
	struct bb_network net = { .free = { .gil = 0.3, .delay = 0.5 },
				  .held = { .delay = 0.2 },
				  .cpus = 8 };
	double c[MOST], demand[] = { 0.3, 0.2 };

	(void)state;
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++)
		assert_near(c[n - 1], by_recursion(demand, 2, 0.5, n), 1e-9);
}

/* With a CPU for each, who needs no GIL waits for nobody. */
static void test_enough_cpus_are_a_delay(void **state)
{
	struct bb_network net = { .free = { .gil = 0.25, .cpu = 0.35, .delay = 0.4 },
				  .cpus = MOST + 1 };
	double c[MOST], demand[] = { 0.25 };

	(void)state;
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++)
		assert_near(c[n - 1], by_recursion(demand, 1, 0.75, n), 1e-9);
}

/* M/M/m//N: balance of births and deaths. */
static void test_several_cpus(void **state)
{
	struct bb_network net = { .free = { .cpu = 0.4, .delay = 0.6 }, .cpus = 3 };
	double c[MOST];

	(void)state;
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++) {
		double p = 1, sum = 0, rate = 0;

		for (size_t i = 0; i <= n; i++) {
			double serves = fmin((double)i, 3);

			sum += p;
			rate += p * serves / 0.4;
			p *= ((double)(n - i) / 0.6) / (fmin((double)i + 1, 3) / 0.4);
		}
		assert_near((double)n / c[n - 1], rate / sum, 1e-9);
	}
}

/* One CPU is full whoever has the GIL: all that computes adds up. */
static void test_gil_on_one_cpu(void **state)
{
	struct bb_network net = { .free = { .gil = 0.3, .cpu = 0.7 }, .cpus = 1 };
	double c[MOST];

	(void)state;
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++)
		assert_near(c[n - 1], (double)n, 1e-9);
}

static void test_gil_alone(void **state)
{
	struct bb_network net = { .free = { .gil = 1 }, .cpus = 4 };
	double c[MOST];

	(void)state;
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++)
		assert_near(c[n - 1], (double)n, 1e-9);
}

/* Who blocks with the GIL stops all others, though the CPU is free. */
static void test_blocked_with_the_gil(void **state)
{
	struct bb_network net = { .free = { .gil = 0.1, .gil_off = 0.4, .delay = 0.5 }, .cpus = 2 };
	double c[MOST], demand[] = { 0.5 };

	(void)state;
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++)
		assert_near(c[n - 1], by_recursion(demand, 1, 0.5, n), 1e-9);
}

/* The holder of a lock computes beside those outside of it: two CPUs for three, or one for all. */
static void test_holder_needs_a_cpu(void **state)
{
	struct bb_network net = { .free = { .cpu = 0.5 }, .held = { .cpu = 0.5 }, .cpus = 1 };
	double c[8];

	(void)state;
	cycles(&net, 8, c);
	assert_near(c[0], 1, 1e-9);
	/* all in all there is one CPU: work is neither lost nor made, to what the iteration misses
	 */
	assert_near(c[7], 8, 0.1);
	net.cpus = 8;
	cycles(&net, 8, c);
	assert_near(c[7], 4, 0.05);
}

/* A lock that is split into k is k servers of a k-th each: M/M/1 queues that are alike, in closed
 * form. */
static void test_split_lock(void **state)
{
	struct bb_network net = { .held = { .delay = 1 }, .locks = 4, .cpus = 2 };
	double c[MOST], wait, cycle, demand[] = { 0.1, 0.1, 0.1, 0.2 };

	(void)state;
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++)
		assert_near(c[n - 1], ((double)n + 3) / 4, 1e-9);
	/* and beside another station */
	net = (struct bb_network){ .free = { .gil = 0.2, .delay = 0.5 },
				   .held = { .delay = 0.3 },
				   .locks = 3,
				   .cpus = 8 };
	cycles(&net, MOST, c);
	for (size_t n = 1; n <= MOST; n++)
		assert_near(c[n - 1], by_recursion(demand, 4, 0.5, n), 1e-9);
	/* one lock is what no number of locks is */
	net.locks = 1;
	cycles(&net, 8, c);
	net.locks = 0;
	assert_int_equal(bb_mva__lock(&net, 8, &cycle, &wait), 0);
	assert_near(cycle, c[7], 1e-12);
	/* all but its own time with the lock, which 8 of them fill by 0.3 of a round each */
	assert_true(wait > 0 && wait < cycle - 1);
}

/* Holders of two locks want the same CPU, or the same GIL: splitting brings nothing. */
static void test_split_lock_of_one_cpu(void **state)
{
	struct bb_network nets[] = {
		{ .held = { .cpu = 1 }, .locks = 2, .cpus = 1 },
		{ .held = { .gil = 1 }, .locks = 2, .cpus = 4 },
	};
	double c[8];

	(void)state;
	for (int i = 0; i < 2; i++) {
		cycles(&nets[i], 8, c);
		assert_near(c[0], 1, 1e-9);
		assert_near(c[7], 8, 0.12);
	}
	/* two CPUs are for two */
	nets[0].cpus = 2;
	cycles(&nets[0], 8, c);
	assert_near(c[7], 4, 0.15);
}

static void test_waits_for_the_lock(void **state)
{
	struct bb_network net = { .free = { .delay = 0.5 }, .held = { .delay = 0.5 }, .cpus = 2 };
	double cycle, wait;

	(void)state;
	assert_int_equal(bb_mva__lock(&net, 1, &cycle, &wait), 0);
	assert_near(cycle, 1, 1e-9);
	assert_float_equal(wait, 0, 1e-9);
	/* M/M/1//2: half of the time in each; the other one is there with one chance of two */
	assert_int_equal(bb_mva__lock(&net, 2, &cycle, &wait), 0);
	assert_near(cycle, 1.25, 1e-9);
	assert_near(wait, 0.25, 1e-9);
}

static void test_never_below_the_bound(void **state)
{
	static const struct bb_network nets[] = {
		{ .free = { .gil = 0.4, .cpu = 0.2, .delay = 0.4 }, .cpus = 2 },
		{ .free = { .gil = 0.05, .gil_off = 0.1, .cpu = 0.1, .delay = 0.75 }, .cpus = 1.5 },
		{ .free = { .cpu = 0.9, .delay = 0.1 }, .cpus = 0.5 },
		{ .free = { .delay = 1 }, .cpus = 2 },
		{ .free = { .gil = 0.2, .cpu = 0.1, .delay = 0.3 },
		  .held = { .gil = 0.1, .cpu = 0.1, .delay = 0.2 },
		  .cpus = 2 },
		{ .held = { .cpu = 1 }, .cpus = 2 },
		{ .free = { .cpu = 0.8 }, .held = { .cpu = 0.2 }, .cpus = 1 },
		{ .free = { .gil = 0.2, .cpu = 0.1, .delay = 0.3 },
		  .held = { .gil = 0.1, .cpu = 0.1, .delay = 0.2 },
		  .locks = 4,
		  .cpus = 2 },
		{ .held = { .cpu = 0.7, .delay = 0.3 }, .locks = 2, .cpus = 1.5 },
	};
	double c[BB_MVA_MOST];

	(void)state;
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		cycles(&nets[i], BB_MVA_MOST, c);
		for (size_t n = 1; n <= BB_MVA_MOST; n++) {
			double bound = bb_mva__bound(&nets[i], (double)n);

			assert_true(isfinite(c[n - 1]));
			if (c[n - 1] < bound * (1 - 1e-6))
				fail_msg("network %zu, %zu customers: %.9g below %.9g", i, n,
					 c[n - 1], bound);
			/* more customers never do less */
			if (n > 1 && (double)n / c[n - 1] < (double)(n - 1) / c[n - 2] * (1 - 1e-3))
				fail_msg("network %zu: %zu customers do less than %zu", i, n,
					 n - 1);
		}
		/* and with many nearly there: GIL and CPUs that are held at once cost some of both
		 */
		assert_near(c[BB_MVA_MOST - 1], bb_mva__bound(&nets[i], BB_MVA_MOST), 0.25);
	}
}

static void test_nothing_to_do(void **state)
{
	struct bb_network net = { .cpus = 2 };
	double c[4] = { 1, 1, 1, 1 };

	(void)state;
	cycles(&net, 4, c);
	for (int i = 0; i < 4; i++)
		assert_true(c[i] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_server_and_a_delay),
		cmocka_unit_test(test_lock_and_gil_and_a_delay),
		cmocka_unit_test(test_enough_cpus_are_a_delay),
		cmocka_unit_test(test_several_cpus),
		cmocka_unit_test(test_gil_on_one_cpu),
		cmocka_unit_test(test_gil_alone),
		cmocka_unit_test(test_blocked_with_the_gil),
		cmocka_unit_test(test_holder_needs_a_cpu),
		cmocka_unit_test(test_split_lock),
		cmocka_unit_test(test_split_lock_of_one_cpu),
		cmocka_unit_test(test_waits_for_the_lock),
		cmocka_unit_test(test_never_below_the_bound),
		cmocka_unit_test(test_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
