/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of system calls: what tracing counted, and what threads were blocked in. */
#ifndef BB_MODEL_CALLS_H
#define BB_MODEL_CALLS_H

#include "record.h"

struct bb_call {
	/* BB_UNKNOWN_U64 all that was not traced; of futex there is a row for each kind */
	struct bb_syscall traced;
	/* of the rows of waits, which need no tracing: of the whole window */
	uint64_t waits;
	uint64_t blocked_ns;
	uint64_t blocked_max_ns;
};

/**
 * bb_process__calls - the system calls of @p, of process or tree of @rec, longest first, by wall
 * or blocked time. @out: an array of @nr, to be freed. Return 0 or -ENOMEM.
 */
int bb_process__calls(const struct bb_record *rec, const struct bb_process *p, struct bb_call **out,
		      size_t *nr);

/**
 * bb_call__blocked_share - of the wall time in that call the part in which it was blocked. NaN
 * unless all of the window was traced.
 */
double bb_call__blocked_share(const struct bb_record *rec, const struct bb_call *c);

/** bb_process__syscall - the row of that call, a new one if need be. NULL: out of memory. */
struct bb_syscall *bb_process__syscall(struct bb_process *p, int32_t nr, enum bb_call_kind kind);

/** bb_call_kind__adds_up - whether what calls of that kind return is an amount. */
bool bb_call_kind__adds_up(enum bb_call_kind kind);

/** bb_syscall__same - whether both are rows of the same call. */
bool bb_syscall__same(const struct bb_syscall *a, const struct bb_syscall *b);

/** bb_syscall__add - add the figures of @b to @to. */
void bb_syscall__add(struct bb_syscall *to, const struct bb_syscall *b);

#endif
