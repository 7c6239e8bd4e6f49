/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdicts. */
#ifndef BB_DIAGNOSE_BOUND_H
#define BB_DIAGNOSE_BOUND_H

#include "../model/record.h"

#define BB_VERDICTS(X)                                                                             \
	X(GIL_BOUND, "gil-bound")                                                                  \
	X(LOCK_BOUND, "lock-bound")                                                                \
	X(CPU_SATURATED, "cpu-saturated")                                                          \
	X(CPU_BOUND, "cpu-bound")                                                                  \
	X(IO_BOUND, "io-bound")                                                                    \
	X(IDLE, "idle")                                                                            \
	X(MIXED, "mixed")                                                                          \
	X(UNKNOWN, "unknown")

enum bb_bound {
#define X(id, name) BB_BOUND_##id,
	BB_VERDICTS(X)
#undef X
		BB_BOUND_MAX,
};

/** bb_bound__name - e.g. "gil-bound"; static string, never NULL. */
const char *bb_bound__name(enum bb_bound b);

#endif
