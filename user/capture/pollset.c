// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pollset.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "procfs.h"

static bool is_select(int32_t nr)
{
#ifdef SYS_select
	if (nr == SYS_select)
		return true;
#endif
	return nr == SYS_pselect6;
}

static bool is_poll(int32_t nr)
{
#ifdef SYS_poll
	if (nr == SYS_poll)
		return true;
#endif
	return nr == SYS_ppoll;
}

bool bb_pollset__watches(int32_t nr)
{
	return is_poll(nr) || is_select(nr);
}

/* "NR 0xARG0 0xARG1 ..." while it is blocked in a call, see proc_pid_syscall(5). */
static int read_call(pid_t pid, pid_t tid, int32_t nr, uint64_t *args)
{
	char path[64], *text, *at;
	int err = -EAGAIN;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	text = bb_procfs__read(path, NULL);
	if (!text)
		return -errno;
	if (strtol(text, &at, 10) == nr && at != text) {
		for (int i = 0; i < 4; i++)
			args[i] = strtoull(at, &at, 16);
		err = 0;
	}
	free(text);
	return err;
}

static int read_poll(struct bb_mem *m, uint64_t at, uint64_t nr, int *fds)
{
	struct pollfd v[BB_POLLSET_MOST];
	int n = 0, err;

	if (nr > BB_POLLSET_MOST)
		nr = BB_POLLSET_MOST;
	err = bb_mem__read(m, at, v, nr * sizeof(*v));
	if (err)
		return err;
	for (uint64_t i = 0; i < nr; i++)
		if (v[i].fd >= 0)
			fds[n++] = v[i].fd;
	return n;
}

static int read_select(struct bb_mem *m, const uint64_t *args, int *fds)
{
	uint64_t nr = args[0] < BB_POLLSET_MOST ? args[0] : BB_POLLSET_MOST;
	uint64_t all[BB_POLLSET_MOST / 64] = {}, one[BB_POLLSET_MOST / 64];
	int n = 0;

	for (int set = 1; set < 4; set++) {
		int err = args[set] ? bb_mem__read(m, args[set], one, (nr + 63) / 64 * 8) : 0;

		if (err)
			return err;
		for (uint64_t i = 0; args[set] && i < (nr + 63) / 64; i++)
			all[i] |= one[i];
	}
	for (uint64_t fd = 0; fd < nr; fd++)
		if (all[fd / 64] >> fd % 64 & 1)
			fds[n++] = (int)fd;
	return n;
}

int bb_pollset__read(struct bb_mem *m, pid_t tid, int32_t nr, int *fds)
{
	uint64_t args[4];
	int err = read_call(m->pid, tid, nr, args);

	if (err)
		return err;
	return is_select(nr) ? read_select(m, args, fds) : read_poll(m, args[0], args[1], fds);
}
