/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Locks between processes: rows of several processes that are one lock. */
#ifndef BB_MODEL_SHARED_LOCKS_H
#define BB_MODEL_SHARED_LOCKS_H

#include "record.h"

/**
 * bb_shared_locks__join - the locks and queues of a record that lie in memory which processes
 * share, each once: those of the same file and offset are one, whatever their addresses.
 * @tree: its locks, most contended first, and its lock_holders are set; the strings are the
 * record's. Release with bb_shared_locks__free().
 *
 * Waits, and who ended them, are summed. The wall time with a waiter is not known of several
 * processes together: contended_ns is the largest of theirs, which it is at least, and
 * contended_most_ns their sum, which it is at most. waiters_max is the largest, too.
 * Return 0 or -ENOMEM.
 */
int bb_shared_locks__join(const struct bb_record *rec, struct bb_process *tree);

/** bb_shared_locks__free - release what bb_shared_locks__join() set. */
void bb_shared_locks__free(struct bb_process *tree);

#endif
