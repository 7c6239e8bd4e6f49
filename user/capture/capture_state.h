/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A capture under way. Internal to capture.c, capture_survey.c (which processes are targets) and
 * capture_runtimes.c (what the kernel's side has to know of them).
 */
#ifndef BB_CAPTURE_CAPTURE_STATE_H
#define BB_CAPTURE_CAPTURE_STATE_H

#include "../util/err.h"
#include "allowance.h"
#include "build.h"
#include "capture.h"
#include "command.h"
#include "governor.h"
#include "kernel.h"
#include "native_samples.h"
#include "slicer.h"
#include "target.h"
#include "thread_names.h"

#define MS       1000000ULL
#define LOOK_NS  (50 * MS)   /* between looks at targets that come and change */
#define FRESH_NS (2000 * MS) /* a program is looked at again for a runtime this long */
#define LEARN_NS (250 * MS)  /* between looks at new Python code and threads */

struct bb_capture {
	struct bb_capture_opts opts;
	struct bb_kernel *kernel;
	struct bb_targets targets;
	struct bb_command command;
	struct bb_governor governor;
	int signal_fd;
	uint64_t start_ns;
	int64_t start_realtime_ns;
	uint64_t end_ns; /* 0: the window is open */
	uint64_t process_events;
	uint64_t busy_ns;
	uint64_t own_ns; /* our CPU time when the window opened */
	uint64_t bpf_ns;
	struct bb_py_stacks *stacks;
	struct bb_native_programs *programs;
	struct bb_native_samples *natives;
	struct bb_native_stacks *native_stacks; /* NULL: not asked for */
	struct bb_kallsyms kallsyms;
	struct bb_thread_names *names;
	struct bb_slicer *slicer; /* NULL: no slices */
	struct bb_allowance allowance;
	uint64_t listeners_ns; /* when the ports that are listened on are to be read next */
	uint64_t learn_ns;     /* when stacks and threads are to be named next */
	enum bb_tracing tracing;
	uint64_t traced_until_ns;
	bool no_samples; /* perf_event_open() was refused */
	bool signalled;
	bool ended;
};

/** bb_capture__clock_ns - a clock, ns. */
uint64_t bb_capture__clock_ns(clockid_t clock);

/** bb_capture__ktime - the clock of bpf_ktime_get_ns(), ns. */
uint64_t bb_capture__ktime(void);

/**
 * bb_capture__survey - find the targets' numbers in the initial PID namespace, mark them, and add
 * their descendants if asked. Return 0, -ESRCH, -EACCES, -ENOMEM or -errno; what is about a target
 * has been told.
 */
int bb_capture__survey(struct bb_capture *c);

/** bb_capture__no_longer - say that a target has ended; returns -ESRCH. */
int bb_capture__no_longer(const struct bb_target *t);

/** bb_capture__follow - take in forks and execs since the last time. Return 0, -ENOMEM, -errno. */
int bb_capture__follow(struct bb_capture *c);

/**
 * bb_capture__adopt_gone - for bb_kernel__each_process(), @ctx a capture: a child that was born and
 * gone between two looks. Return 0 or -ENOMEM.
 */
int bb_capture__adopt_gone(const struct bb_proc_sum *proc, void *ctx);

/** bb_capture__attach_samples - once; says so where there is no clock. */
void bb_capture__attach_samples(struct bb_capture *c);

/** bb_capture__tell_python - the kernel's side what is known of a target's Python. */
void bb_capture__tell_python(struct bb_capture *c, struct bb_target *t);

/** bb_capture__tell_java - and of a JVM's threads; @now: ktime, ns. */
void bb_capture__tell_java(struct bb_capture *c, struct bb_target *t, uint64_t now);

/** bb_capture__forget_java - the target has ended, or is another program. */
void bb_capture__forget_java(struct bb_capture *c, struct bb_target *t);

/** bb_capture__tell_listeners - which ports are listened on; @now: ktime, ns. */
void bb_capture__tell_listeners(struct bb_capture *c, uint64_t now);

/** bb_capture__look_for_runtimes - those that came, went or changed; @now: ktime, ns. */
void bb_capture__look_for_runtimes(struct bb_capture *c, uint64_t now);

/** bb_capture__look_at_gils - whether free-threaded builds have theirs on. */
void bb_capture__look_at_gils(struct bb_capture *c);

#endif
