// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Page faults that are served slowly: a userfaultfd whose handler, in a child
 * process, waits DELAY_MS before it gives the page. Truth: the one thread is
 * blocked in page faults (state fault). Exits WL_SKIP where userfaultfd is not
 * allowed.
 *
 *	uffd [DELAY_MS]
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "workload.h"

#define PAGES 256

static void __attribute__((noreturn)) handler(int uffd, uint64_t delay, size_t page)
{
	struct uffdio_zeropage zero;
	struct uffd_msg msg;

	for (;;) {
		if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			_exit(1);
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		wl_sleep_ns(delay);
		memset(&zero, 0, sizeof(zero));
		zero.range.start = msg.arg.pagefault.address & ~(page - 1);
		zero.range.len = page;
		if (ioctl(uffd, UFFDIO_ZEROPAGE, &zero) && errno != EEXIST)
			_exit(1);
	}
}

int main(int argc, char **argv)
{
	uint64_t delay = wl_arg(argc, argv, 1, 20, 1, 10000) * 1000000;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	size_t page = sysconf(_SC_PAGESIZE);
	pid_t self = getpid(), child;
	volatile char *area;
	int uffd;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api)) {
		fprintf(stderr, "uffd: userfaultfd: %s\n", strerror(errno));
		return WL_SKIP;
	}
	area = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		wl_die("mmap", errno);
	reg.range.start = (uintptr_t)area;
	reg.range.len = PAGES * page;
	if (ioctl(uffd, UFFDIO_REGISTER, &reg))
		wl_die("UFFDIO_REGISTER", errno);
	child = fork();
	if (child < 0)
		wl_die("fork", errno);
	if (!child) {
		wl_die_with_parent(self);
		handler(uffd, delay, page);
	}
	(void)area[0];
	wl_ready();
	for (;;) {
		madvise((void *)area, PAGES * page, MADV_DONTNEED);
		for (int i = 0; i < PAGES; i++) {
			(void)area[i * page];
			wl_burn_ns(200000);
		}
	}
}
