// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "target.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../util/err.h"
#include "maps.h"
#include "procfs.h"

#define INIT_PID_NS_INO 0xEFFFFFFCU /* include/linux/proc_ns.h, PROC_PID_INIT_INO */

static bool in_pid_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino != INIT_PID_NS_INO;
}

struct bb_target *bb_targets__new(struct bb_targets *t)
{
	struct bb_target *item;

	if (t->nr == t->room) {
		size_t room = t->room ? t->room * 2 : 8;

		item = realloc(t->items, room * sizeof(*item));
		if (!item)
			return NULL;
		t->items = item;
		t->room = room;
	}
	item = &t->items[t->nr++];
	memset(item, 0, sizeof(*item));
	item->pidfd = -1;
	item->info.rss_bytes = BB_UNKNOWN_U64;
	item->info.private_bytes = BB_UNKNOWN_U64;
	item->info.cpus_usable = NAN;
	item->info.cpus_unlimited = NAN;
	return item;
}

static int open_error(pid_t pid, int err)
{
	pid_t tgid = bb_procfs__tgid(pid);

	if (tgid > 0 && tgid != pid) {
		bb_error(
			"%d is a thread of process %d; use -p %d, with -t %d for that thread alone",
			pid, tgid, tgid, pid);
		return -EINVAL;
	}
	if (err == -ESRCH || err == -EINVAL) {
		bb_error("no process %d; %s", pid,
			 in_pid_namespace() ? "we run in a PID namespace of our own, give its "
					      "number as seen in here"
					    : "'ps -e' lists those that run");
		return -ESRCH;
	}
	bb_error("cannot open process %d: %s", pid, strerror(-err));
	return err;
}

int bb_targets__add(struct bb_targets *t, pid_t pid)
{
	struct bb_target *item;
	int fd, err;

	for (size_t i = 0; i < t->nr; i++)
		if (t->items[i].pid == pid)
			return -EEXIST;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return open_error(pid, -errno);
	item = bb_targets__new(t);
	if (!item) {
		close(fd);
		return -ENOMEM;
	}
	item->pid = pid;
	item->pidfd = fd;
	item->named = true;
	err = bb_target__describe(item);
	if (err == -ESRCH)
		return open_error(pid, err);
	return err;
}

struct bb_target *bb_targets__by_tgid(struct bb_targets *t, uint32_t tgid)
{
	for (size_t i = 0; i < t->nr; i++)
		if (t->items[i].tgid == tgid)
			return &t->items[i];
	return NULL;
}

bool bb_target__alive(const struct bb_target *t)
{
	struct pollfd p = { .fd = t->pidfd, .events = POLLIN };

	/* a pidfd polls readable once its process has ended (pidfd_open(2)) */
	return t->pidfd >= 0 && poll(&p, 1, 0) == 0;
}

int bb_target__describe(struct bb_target *t)
{
	struct bb_process fresh = {};
	struct bb_python py = {};
	int err;

	err = bb_procfs__describe(t->pid, &fresh);
	if (err) {
		bb_process__release(&fresh);
		return err;
	}
	/* what was read may be another's if the process has ended meanwhile */
	if (!bb_target__alive(t)) {
		bb_process__release(&fresh);
		return -ESRCH;
	}
	bb_process__release(&t->info);
	t->info = fresh;
	if (fresh.kernel_thread)
		return 0;
	err = bb_python__find(t->pid, &py);
	if (!err && bb_target__alive(t)) {
		bb_python__free(&t->py);
		t->py = py;
		/* musl's condition variables wait elsewhere than glibc's (BB_PY_MUSL) */
		t->musl = py.nr_gils && bb_maps__has(t->pid, "/ld-musl-");
	} else {
		bb_python__free(&py);
		/* not to be read: the rest of the report does not need it */
		if (err == -ENOMEM)
			return err;
	}
	return 0;
}

void bb_targets__free(struct bb_targets *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		if (t->items[i].pidfd >= 0)
			close(t->items[i].pidfd);
		bb_process__release(&t->items[i].info);
		bb_python__free(&t->items[i].py);
	}
	free(t->items);
	memset(t, 0, sizeof(*t));
}

static char *copy(const char *s, int *err)
{
	char *c = s ? strdup(s) : NULL;

	if (s && !c)
		*err = -ENOMEM;
	return c;
}

int bb_process__copy_identity(struct bb_process *to, const struct bb_process *from)
{
	size_t nr = 0;
	int err = 0;

	to->pid = from->pid;
	to->ppid = from->ppid;
	memcpy(to->comm, from->comm, sizeof(to->comm));
	to->cpus_usable = from->cpus_usable;
	to->cpus_unlimited = from->cpus_unlimited;
	to->rss_bytes = from->rss_bytes;
	to->private_bytes = from->private_bytes;
	to->kernel_thread = from->kernel_thread;
	to->exe = copy(from->exe, &err);
	to->cgroup = copy(from->cgroup, &err);
	to->container = copy(from->container, &err);
	if (from->cmdline) {
		while (from->cmdline[nr])
			nr++;
		to->cmdline = calloc(nr + 1, sizeof(char *));
		if (!to->cmdline)
			return -ENOMEM;
		for (size_t i = 0; i < nr; i++)
			to->cmdline[i] = copy(from->cmdline[i], &err);
	}
	return err;
}
