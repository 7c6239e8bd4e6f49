/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Python code by what it did: rows of stacks summed by their top frame. */
#ifndef BB_MODEL_CODE_H
#define BB_MODEL_CODE_H

#include "record.h"

/* A line of code, and what one thread (or, with tid 0, any) did there. */
struct bb_code_line {
	const struct bb_frame *frame; /* NULL: the code is not known */
	pid_t tid;
	enum bb_state state; /* of BB_PY_BLOCKED and BB_PY_HELD */
	int32_t syscall;
	uint64_t ns;
	uint64_t count;
	uint64_t max_ns;
	uint64_t waited_ns;
	double share; /* of all rows of this kind, by ns, or by count for samples; NaN: none */
};

/** bb_frame__compare - by file, function and line, as strcmp(); NULL, not known, comes first. */
int bb_frame__compare(const struct bb_frame *a, const struct bb_frame *b);

/** bb_frame__print - "function dir/file.py:12" into @buf, without the line where it is not known.
 */
void bb_frame__print(char *buf, size_t len, const struct bb_frame *f);

/**
 * bb_code__settle - hand out holders' contended time that is in no code yet (the rows of no
 * stack), in proportion to the ticks of the sampling clock that found the thread in its rows;
 * that of threads which have ended and were never found, to the rows of others that have.
 * Without ticks, by the time of its rows where these have most of it. What cannot be handed
 * out keeps its row. Once, and after any subtraction: the sum of the rows' time stays, to
 * 1 ns a row. Return 0 or -ENOMEM.
 */
int bb_code__settle(struct bb_process *p);

/**
 * bb_code__lines - the rows of @kind of a process, summed by thread, state, system call and
 * top frame's function and line; largest first.
 * @by_thread: false: threads are not told apart, tid is 0.
 * @out: an array of @nr, to be freed; NULL where there are none. Return 0 or -ENOMEM.
 */
int bb_code__lines(const struct bb_process *p, enum bb_py_kind kind, bool by_thread,
		   struct bb_code_line **out, size_t *nr);

/** bb_code__is_sampled - are rows of this kind counted by samples, without a time? */
bool bb_code__is_sampled(enum bb_py_kind kind);

/**
 * bb_code__compare - order rows by what they are sums of: stack, thread, kind, bucket, state
 * and system call; for qsort() and bsearch().
 */
int bb_code__compare(const void *a, const void *b);

/** What a sample stands for in that order: the time between two, at 99 a second. */
#define BB_SAMPLE_NS (1000000000 / BB_SAMPLE_HZ)

/** bb_code__sort - rows by time, samples by what they stand for, largest first; then by count. */
void bb_code__sort(struct bb_code *code, size_t nr);

/**
 * bb_hist__quantile - a quantile of a histogram of BB_HIST_SLOTS powers of two, in ns.
 * @q: 0 to 1. Within its slot the waits are taken to be spread evenly, so it is right
 * within a factor of 2. @max: the longest wait, which it does not exceed.
 * BB_UNKNOWN_U64 where the histogram is empty.
 */
uint64_t bb_hist__quantile(const uint64_t *hist, double q, uint64_t max);

/** bb_loop__quantile - the same of a loop's turns: right to 3 %. */
uint64_t bb_loop__quantile(const struct bb_loop *l, double q);

/** bb_loop__powers - its histogram by powers of two: BB_HIST_SLOTS counts into @hist. */
void bb_loop__powers(const struct bb_loop *l, uint64_t *hist);

/* How much of the window a GIL was held. */
struct bb_held {
	double share; /* 0 to 1; NaN: nothing was seen of it, or several GILs and none named */
	double error; /* standard error of it */
};

/**
 * bb_gil__held - time on a CPU with the GIL, which is sampled, and off a CPU with it, which
 * is exact, over the window. The error is that of a share of n samples, sqrt(p(1-p)/n), of
 * each thread's time on a CPU or, with several GILs, of the process's. Ended threads
 * without a row of their own count by ticks of the sampling clock.
 * @g: one of the process's; NULL: its only one
 */
struct bb_held bb_gil__held(const struct bb_process *p, const struct bb_gil *g, uint64_t window_ns);

/** bb_gil__held_oncpu - the same for one thread's time on a CPU alone, as a share of that. */
struct bb_held bb_gil__held_oncpu(const struct bb_thread *t);

/** bb_gil__held_ns - contended time in which the thread held a GIL. */
uint64_t bb_gil__held_ns(const struct bb_process *p, pid_t tid);

#endif
