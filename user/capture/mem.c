/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* process_vm_readv */
#endif
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

void bb_mem__init(struct bb_mem *m, pid_t pid)
{
	m->pid = pid;
	m->fd = -1;
	m->by_file = false;
	m->left = INT64_MAX;
}

void bb_mem__charge(struct bb_mem *m, uint64_t ns)
{
	if (m->left != INT64_MAX)
		m->left -= (int64_t)ns;
}

static int read_by_vm(const struct bb_mem *m, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = len };
	ssize_t n;

	n = process_vm_readv(m->pid, &local, 1, &remote, 1, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

static int read_by_file(struct bb_mem *m, uint64_t addr, void *buf, size_t len)
{
	char path[64];
	size_t done = 0;
	ssize_t n;

	if (m->fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/mem", (int)m->pid);
		m->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (m->fd < 0)
			return errno == ENOENT ? -ESRCH : -errno;
	}
	while (done < len) {
		n = pread(m->fd, (char *)buf + done, len - done, (off_t)(addr + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EIO ? -EFAULT : -errno;
		/* The descriptor stays with the address space that it was opened on: it is gone. */
		if (n == 0)
			return -ESRCH;
		done += (size_t)n;
	}
	return 0;
}

int bb_mem__read(struct bb_mem *m, uint64_t addr, void *buf, size_t len)
{
	int err = -EFAULT;

	if (m->left <= 0) {
		err = -EDQUOT;
		goto out;
	}
	bb_mem__charge(m, BB_MEM_READ_NS + len / BB_MEM_BYTES_BY_NS);
	/* User addresses only; this also keeps off_t positive. */
	if (addr > INT64_MAX || len > INT64_MAX - addr)
		goto out;
	if (!m->by_file) {
		err = read_by_vm(m, addr, buf, len);
		/*
		 * Not built into the kernel, or a container's seccomp filter refuses it
		 * while it still lets /proc/PID/mem be opened.
		 */
		if (err != -ENOSYS && err != -EPERM)
			goto out;
		m->by_file = true;
	}
	err = read_by_file(m, addr, buf, len);
out:
	if (err)
		memset(buf, 0, len);
	return err;
}

void bb_mem__free(struct bb_mem *m)
{
	/* A zeroed one owns nothing: 0 is never our descriptor. */
	if (m->fd > 0)
		close(m->fd);
	m->fd = -1;
}

int bb_mem__u64(struct bb_mem *m, uint64_t addr, uint64_t *v)
{
	return bb_mem__read(m, addr, v, sizeof(*v));
}

uint64_t bb_mem__word(const char *buf, size_t offset)
{
	uint64_t v;

	memcpy(&v, buf + offset, sizeof(v));
	return v;
}

#define USER_MAX (1ULL << 56) /* above any user address, five-level page tables too */

bool bb_mem__plausible(uint64_t addr)
{
	return addr >= 4096 && addr < USER_MAX && addr % 8 == 0;
}
