/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A window on live processes: from command line options to a record. */
#ifndef BB_CAPTURE_CAPTURE_H
#define BB_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../model/record.h"

enum bb_syscall_mode { BB_SYSCALLS_AUTO, BB_SYSCALLS_ON, BB_SYSCALLS_OFF };

struct bb_capture_opts {
	const pid_t *pids;
	size_t nr_pids;
	const pid_t *tids; /* only these threads; empty: all */
	size_t nr_tids;
	bool children;        /* with descendants */
	char *const *command; /* NULL, or the argv of a command to run */
	enum bb_syscall_mode syscalls;
	bool stacks;           /* of what threads block in, run in and are woken from */
	bool slices;           /* cut the window into slices */
	uint64_t window_ns;    /* that was asked for, 0: nobody knows */
	bool keep_files;       /* output to a file yet to be renamed */
	uint32_t test_threads; /* tests: entries of the maps, 0: as the target needs */
	uint32_t test_exited;
	uint32_t test_locks;
	uint32_t test_procs;
	uint32_t test_syscalls;
	uint32_t test_holders;
	uint32_t test_wakers;
	uint32_t test_takers;
	uint32_t test_klocks;
	uint32_t test_ends;
	uint32_t test_py_sums;
	uint32_t test_stacks;
	bool test_no_code; /* bench: as for a Python whose frames are not known */
	const char
		*test_hold; /* tests: wait between look-up and attaching while this file exists */
};

struct bb_capture;

/**
 * bb_capture__start - look the targets up, attach, open the window. Says itself
 * what is wrong. Return 0; -ESRCH when a target is not there (any more), -EINVAL
 * for a bad target, or another -errno. Free with bb_capture__free().
 */
int bb_capture__start(struct bb_capture **c, const struct bb_capture_opts *opts);

enum bb_capture_event {
	BB_CAPTURE_TIME,   /* the time is up */
	BB_CAPTURE_SIGNAL, /* SIGINT, SIGTERM or SIGHUP */
	BB_CAPTURE_ENDED,  /* all named targets have ended */
};

/**
 * bb_capture__wait - watch until @until_ns (ktime; UINT64_MAX: for ever), a
 * signal, or the end of all targets. Return enum bb_capture_event or -errno.
 */
int bb_capture__wait(struct bb_capture *c, uint64_t until_ns);

/** bb_capture__start_ns - ktime at which the window opened. */
uint64_t bb_capture__start_ns(const struct bb_capture *c);

/**
 * bb_capture__read - what was measured so far. @last: close the window first;
 * then it is exact, and nothing is measured any more. @rec is the caller's, also
 * when this fails. Return 0 or -errno.
 */
int bb_capture__read(struct bb_capture *c, bool last, struct bb_record **rec);

/** bb_capture__free - detach; kills nothing but a command that never ran. Accepts NULL. */
void bb_capture__free(struct bb_capture *c);

#endif
