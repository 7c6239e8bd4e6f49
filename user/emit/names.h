/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The words of the enums in a record, as JSON values and Prometheus labels
 * have them. Static strings, never NULL; a number that is no member reads "unknown".
 */
#ifndef BB_EMIT_NAMES_H
#define BB_EMIT_NAMES_H

#include "../model/record.h"

/** bb_name__fdkind - e.g. "pipe", "inet". */
const char *bb_name__fdkind(enum bb_fdkind kind);

/** bb_name__endpoint - e.g. "outbound". */
const char *bb_name__endpoint(int endpoint);

/** bb_name__lock_kind - e.g. "mutex". */
const char *bb_name__lock_kind(enum bb_lock_kind kind);

/** bb_name__klock - e.g. "rwsem". */
const char *bb_name__klock(enum bb_klock_kind kind);

/** bb_name__lock_rule - e.g. "protocol". */
const char *bb_name__lock_rule(enum bb_lock_rule rule);

/** bb_name__loop - e.g. "asyncio". */
const char *bb_name__loop(enum bb_loop_kind kind);

/** bb_name__gil_mode - "enabled", "disabled", "none" or "unknown". */
const char *bb_name__gil_mode(enum bb_gil_mode mode);

/** bb_name__tracing - "on", "off" or "governed". */
const char *bb_name__tracing(enum bb_tracing tracing);

/** bb_name__outcome - how a call of that kind came out, e.g. "timeout". */
const char *bb_name__outcome(enum bb_call_kind kind, enum bb_outcome outcome);

/** bb_name__unit - what calls of that kind return, e.g. "bytes"; NULL: nothing that adds up. */
const char *bb_name__unit(enum bb_call_kind kind);

/** bb_name__futex_op - "wait", "wake" or "other"; NULL: it is no futex. */
const char *bb_name__futex_op(enum bb_call_kind kind);

/** bb_name__signal - "SIGKILL"; NULL where the number is none of the usual. */
const char *bb_name__signal(int sig);

#endif
