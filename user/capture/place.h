/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the things that threads wait for are: mappings of locks, ends of descriptors. */
#ifndef BB_CAPTURE_PLACE_H
#define BB_CAPTURE_PLACE_H

#include "../model/record.h"

/**
 * bb_place__locks - name the mapping that each lock lies in. What cannot be
 * read, as of a process that has ended, stays NULL. Return 0 or -ENOMEM.
 */
int bb_place__locks(pid_t pid, struct bb_lock *locks, size_t nr);

/**
 * bb_place__waits - say what is at the other end of the descriptors that the threads of @p
 * waited on: of sockets as it was when they did, else from /proc as it is now.
 * @ends: of the sockets, by number, @nr of them
 * Return 0 or -ENOMEM.
 */
int bb_place__waits(struct bb_process *p, const struct bb_end_key *ends, size_t nr);

#endif
