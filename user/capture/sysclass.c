// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sysclass.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

static const char *const names[BB_SYSCALL_MAX] = {
#include "syscall_names.h"
};

/*
 * By name, since the numbers differ between architectures, which do not all have
 * each call. What is not named here is "other": blocked in a call without a
 * class of its own. flock and fcntl locks are among those.
 */
struct calls {
	uint8_t is;
	const char *names; /* separated by blanks */
};

static const struct calls classes[] = {
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
	{ BB_SC_DISK, "close close_range dup2 dup3 sync msync io_getevents io_pgetevents "
		      "stat lstat newfstatat statx access faccessat faccessat2 truncate rename "
		      "renameat renameat2 unlink unlinkat mkdir mkdirat rmdir link linkat symlink "
		      "symlinkat readlink readlinkat chmod fchmodat chown lchown fchownat statfs "
		      "mount umount2 execve execveat utimensat" },
	{ BB_SC_DISK_FD,
	  "fsync fdatasync syncfs sync_file_range fstat ftruncate fallocate getdents "
	  "getdents64 fchmod fchown fstatfs fadvise64 readahead lseek" },
	{ BB_SC_OPEN, "open openat openat2 creat" },
	{ BB_SC_RESTART, "restart_syscall" },
	{ BB_SC_NEW_POLLER, "epoll_create epoll_create1 io_uring_setup" },
};

/* accept and ioctl return what does not add up; of io_uring_enter it is what it took, not gave */
static const struct calls kinds[] = {
	{ BB_CALL_FUTEX, "futex" },
	{ BB_CALL_FUTEX_WAIT, "futex_wait futex_waitv" },
	{ BB_CALL_FUTEX_WAKE, "futex_wake futex_requeue" },
	{ BB_CALL_POLL, "epoll_wait epoll_pwait epoll_pwait2 epoll_wait_old poll ppoll select "
			"pselect6" },
	{ BB_CALL_READ, "read readv pread64 preadv preadv2 recvfrom recvmsg sendfile splice tee "
			"copy_file_range" },
	{ BB_CALL_WRITE, "write writev pwrite64 pwritev pwritev2 sendto sendmsg vmsplice" },
	{ BB_CALL_MESSAGES, "recvmmsg sendmmsg" },
};

const char *bb_syscall__name(int nr)
{
	return nr >= 0 && nr < BB_SYSCALL_MAX ? names[nr] : NULL;
}

/* Which of the lists the call is in; 0: in none. */
static uint8_t find(const struct calls *calls, size_t nr_calls, int nr)
{
	const char *name = bb_syscall__name(nr);
	size_t len = name ? strlen(name) : 0;

	for (size_t i = 0; i < nr_calls && name; i++) {
		const char *s = calls[i].names;

		while (*s) {
			size_t word = strcspn(s, " ");

			if (word == len && !memcmp(s, name, len))
				return calls[i].is;
			s += word;
			s += strspn(s, " ");
		}
	}
	return 0;
}

void bb_sysclass__fill(uint8_t *table)
{
	for (int nr = 0; nr < BB_SYSCALL_MAX; nr++)
		table[nr] = find(classes, sizeof(classes) / sizeof(classes[0]), nr);
}

enum bb_call_kind bb_syscall__kind(int nr)
{
	return (enum bb_call_kind)find(kinds, sizeof(kinds) / sizeof(kinds[0]), nr);
}

void bb_callkind__fill(uint8_t *table)
{
	for (int nr = 0; nr < BB_SYSCALL_MAX; nr++)
		table[nr] = (uint8_t)bb_syscall__kind(nr);
}

bool bb_sysclass__restarts(int32_t nr)
{
	const char *name = bb_syscall__name(nr);

	return name && !strcmp(name, "restart_syscall");
}

bool bb_sysclass__polls(int32_t nr)
{
	const char *name = bb_syscall__name(nr);

	return name && (!strncmp(name, "epoll_", 6) || !strcmp(name, "io_uring_enter"));
}
