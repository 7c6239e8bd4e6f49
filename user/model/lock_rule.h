/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A futex that threads wait on: is it a lock, or a queue? */
#ifndef BB_MODEL_LOCK_RULE_H
#define BB_MODEL_LOCK_RULE_H

#include "lock_glibc.h"

/**
 * bb_lock__judge - decide kind, rule and state of a lock's row from how its
 * waits ended (proto_ns, handed_ns, fed_ns, other_ns), its place, and its last wait. What is
 * known of code, caller and object is set.
 */
void bb_lock__judge(struct bb_lock *l, const struct bb_lock_look *look);

#endif
