/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Event loops: what their threads did but poll, and for which task. */
#ifndef BB_MODEL_LOOP_H
#define BB_MODEL_LOOP_H

#include "record.h"

/* What kept a thread from its poll, by the task (or callback) and the line in which it was. */
struct bb_blocker {
	const struct bb_frame *frame; /* top of the stack, NULL: not known */
	const struct bb_frame *task;  /* coroutine or callback that the loop ran; may be frame */
	enum bb_state state; /* BB_STATE_ONCPU: it computed; BB_STATE_RUNQ: it waited for a CPU,
			      * after polls too */
	int32_t syscall;
	uint64_t ns;      /* blocked; for BB_STATE_ONCPU an estimate from samples */
	uint64_t count;   /* waits, or samples; of BB_STATE_RUNQ 0: not known */
	uint64_t max_ns;  /* of BB_STATE_ONCPU and BB_STATE_RUNQ 0: not known */
	uint64_t long_ns; /* part of ns late in turns that took a CPU for BB_TURN_LONG_NS or more */
};

/**
 * bb_loop__blockers - what the thread of a loop did but poll, longest first: waits in any other
 * state, and where it was on a CPU. Of waits whose code was not read the frame is NULL, and so it
 * is of all in other languages than Python. @out: an array of @nr, to be freed. Return 0 or
 * -ENOMEM.
 */
int bb_loop__blockers(const struct bb_process *p, const struct bb_loop *l, struct bb_blocker **out,
		      size_t *nr);

/**
 * bb_loop__task - the frame that the loop of @kind called: the coroutine of the running task, a
 * greenlet's function, or a callback.
 * @poll: the stack in which the loop polls; NULL: not known
 * Return a frame of @c, NULL where the loop's own code ran.
 */
const struct bb_frame *bb_loop__task(const struct bb_code *c, const struct bb_code *poll,
				     enum bb_loop_kind kind);

/**
 * bb_process__loop_of - the event loop that is the thread's own, NULL: none. Go's is nobody's: any
 * thread may poll.
 */
const struct bb_loop *bb_process__loop_of(const struct bb_process *p, pid_t tid);

#endif
