// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * System calls that never block, as fast as one thread can, counted in the first
 * 8 bytes of FILE, which others can read meanwhile.
 *
 *	calls FILE
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	volatile uint64_t *count;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: calls FILE\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR);
	if (fd < 0 || ftruncate(fd, 4096)) {
		perror(argv[1]);
		return 1;
	}
	count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (count == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		syscall(SYS_getppid);
		(*count)++;
	}
}
