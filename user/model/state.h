/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The states of the time budget: at every instant a thread is in exactly one. */
#ifndef BB_MODEL_STATE_H
#define BB_MODEL_STATE_H

#include <stdint.h>

/*
 * One list makes the enum, the JSON keys (NAME_ns), the Prometheus labels and
 * the words of the text report.
 */
#define BB_STATES(X)                                                                               \
	X(ONCPU, "oncpu", "running on a CPU")                                                      \
	X(RUNQ, "runq", "runnable, waiting for a CPU")                                             \
	X(GIL, "gil", "waiting for Python's interpreter lock")                                     \
	X(LOCK, "lock", "waiting for a contended lock")                                            \
	X(QUEUE, "queue", "waiting for work or an event (futex)")                                  \
	X(DISK, "disk", "blocked in file or block I/O")                                            \
	X(NET, "net", "blocked on a socket")                                                       \
	X(POLL, "poll", "waiting in epoll, poll or select")                                        \
	X(IPC, "ipc", "blocked on a pipe, unix socket or tty")                                     \
	X(SLEEP, "sleep", "sleeping on a timer")                                                   \
	X(CHILD, "child", "waiting for a child process")                                           \
	X(FAULT, "fault", "blocked in a page fault")                                               \
	X(STOPPED, "stopped", "stopped, traced or frozen")                                         \
	X(OTHER, "other", "blocked in another system call")                                        \
	X(UNKNOWN, "unknown", "blocked, cause not known")

enum bb_state {
#define X(id, name, text) BB_STATE_##id,
	BB_STATES(X)
#undef X
		BB_STATE_MAX,
};

/** bb_state__name - the state's key, e.g. "oncpu"; static string, never NULL. */
const char *bb_state__name(enum bb_state state);

/** bb_state__text - what the state means, in words; static string, never NULL. */
const char *bb_state__text(enum bb_state state);

#endif
