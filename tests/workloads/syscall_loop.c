// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that never block, as fast as one thread can: millions a second.
 * Truth: on-CPU, cpu-bound.
 *
 *	syscall_loop
 */
#define _GNU_SOURCE 1
#include <sys/syscall.h>

#include "workload.h"

int main(void)
{
	wl_ready();
	for (;;)
		syscall(SYS_getppid);
}
