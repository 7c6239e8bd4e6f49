// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One thread in nanosleep, over and over; by default it never returns from it.
 * Truth: state sleep.
 *
 *	sleeper [PERIOD_MS]
 */
#define _GNU_SOURCE 1
#include "workload.h"

int main(int argc, char **argv)
{
	uint64_t period = wl_arg(argc, argv, 1, 100000000, 1, 100000000) * 1000000;

	wl_ready();
	for (;;)
		wl_sleep_ns(period);
}
