// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sysclass.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "../../bpf/abi.h"

static const char *const names[BB_SYSCALL_MAX] = {
#include "syscall_names.h"
};

/*
 * By name, since the numbers differ between architectures, which do not all have
 * each call. What is not named here is "other": blocked in a call without a
 * class of its own. flock and fcntl locks are among those.
 */
static const struct {
	enum bb_sysclass class;
	const char *names; /* separated by blanks */
} classes[] = {
	{ BB_SC_FUTEX, "futex" },
	{ BB_SC_FUTEX_WAIT, "futex_wait" },
	{ BB_SC_FUTEX_WAITV, "futex_waitv" },
	{ BB_SC_FD, "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 "
		    "recvfrom recvmsg recvmmsg sendto sendmsg sendmmsg accept accept4 connect "
		    "sendfile splice tee vmsplice copy_file_range ioctl shutdown" },
	{ BB_SC_POLL_FD, "epoll_wait epoll_pwait epoll_pwait2 epoll_wait_old io_uring_enter" },
	{ BB_SC_POLL, "poll ppoll" },
	{ BB_SC_SELECT, "select pselect6" },
	{ BB_SC_SLEEP, "nanosleep clock_nanosleep" },
	{ BB_SC_CHILD, "wait4 waitid waitpid" },
	{ BB_SC_CLONE, "vfork clone clone3 fork" },
	{ BB_SC_IPC, "msgrcv msgsnd semop semtimedop mq_timedreceive mq_timedsend" },
	/* close blocks in the last use of a file: it is out of the table by then */
	{ BB_SC_DISK, "close close_range dup2 dup3 fsync fdatasync sync syncfs sync_file_range "
		      "msync io_getevents io_pgetevents "
		      "stat lstat newfstatat fstat statx access faccessat faccessat2 truncate "
		      "ftruncate fallocate rename renameat renameat2 unlink unlinkat mkdir mkdirat "
		      "rmdir link linkat symlink symlinkat readlink readlinkat getdents getdents64 "
		      "chmod fchmod fchmodat chown fchown lchown fchownat statfs fstatfs fadvise64 "
		      "readahead lseek mount umount2 execve execveat utimensat" },
	{ BB_SC_OPEN, "open openat openat2 creat" },
	{ BB_SC_RESTART, "restart_syscall" },
	{ BB_SC_NEW_POLLER, "epoll_create epoll_create1 io_uring_setup" },
};

const char *bb_syscall__name(int nr)
{
	return nr >= 0 && nr < BB_SYSCALL_MAX ? names[nr] : NULL;
}

static int number_of(const char *name, size_t len)
{
	for (int nr = 0; nr < BB_SYSCALL_MAX; nr++)
		if (names[nr] && strlen(names[nr]) == len && !memcmp(names[nr], name, len))
			return nr;
	return -1;
}

void bb_sysclass__fill(uint8_t *table)
{
	memset(table, BB_SC_OTHER, BB_SYSCALL_MAX);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const char *s = classes[i].names;

		while (*s) {
			size_t len = strcspn(s, " ");
			int nr = number_of(s, len);

			if (nr >= 0)
				table[nr] = (uint8_t)classes[i].class;
			s += len;
			s += strspn(s, " ");
		}
	}
}

bool bb_sysclass__polls(int32_t nr)
{
	const char *name = bb_syscall__name(nr);

	return name && (!strncmp(name, "epoll_", 6) || !strcmp(name, "io_uring_enter"));
}
