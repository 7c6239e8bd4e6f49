// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads that keep each other waiting in the kernel, until a signal ends them.
 *
 *	kernel_locks position N  read by one descriptor, whose position has a mutex: one reads at a
 *	                         time, and all others wait
 *	kernel_locks memory N    change the protection of memory: one at a time, by the lock of the
 *	                         process's memory map
 *	kernel_locks none N      the same reads, each by a descriptor of its own: nothing is shared
 */
#define _GNU_SOURCE 1
#include <sys/mman.h>

#include "workload.h"

#define BYTES (8UL << 20)

static int shared = -1;

static void *buffer(void)
{
	void *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (at == MAP_FAILED)
		wl_die("mmap", errno);
	return at;
}

static int file(void)
{
	/* one that was opened: those that have no name have no lock of their position */
	FILE *f = tmpfile();

	if (!f || ftruncate(fileno(f), BYTES))
		wl_die("tmpfile", errno);
	return fileno(f);
}

static void *reader(void *arg)
{
	int fd = shared >= 0 ? shared : file();
	void *to = buffer();

	(void)arg;
	for (;;)
		if (read(fd, to, BYTES) < 0 || lseek(fd, 0, SEEK_SET) < 0)
			wl_die("read", errno);
	return NULL;
}

static void *protector(void *arg)
{
	char *at = buffer();

	(void)arg;
	/* of every second page: the kernel splits the map, and joins it again */
	for (;;)
		for (int flags = PROT_READ; flags <= (PROT_READ | PROT_WRITE); flags += PROT_WRITE)
			for (size_t i = 0; i < BYTES; i += 8192)
				if (mprotect(at + i, 4096, flags))
					wl_die("mprotect", errno);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *form = argc > 1 ? argv[1] : "";
	long nr = wl_arg(argc, argv, 2, 2, 1, 64);
	void *(*body)(void *) = reader;

	if (!strcmp(form, "memory"))
		body = protector;
	else if (!strcmp(form, "position"))
		shared = file();
	else if (strcmp(form, "none"))
		wl_die("usage: kernel_locks position|memory|none [N]", EINVAL);
	for (long i = 0; i < nr; i++)
		wl_thread(body, NULL, 0);
	wl_ready();
	pause();
	return 0;
}
