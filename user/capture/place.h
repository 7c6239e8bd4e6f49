/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the things that threads wait for are: mappings of locks, ends of descriptors. */
#ifndef BB_CAPTURE_PLACE_H
#define BB_CAPTURE_PLACE_H

#include "peers.h"

/* What threads blocked on, by number. */
struct bb_end_table {
	struct bb_end_row *rows;
	size_t nr;
	struct bb_peers *peers; /* of all of them, NULL: not looked for yet */
	int tries;              /* made to find threads in their poll() */
};

/**
 * bb_place__locks - name the mapping that each lock lies in. What cannot be
 * read, as of a process that has ended, stays NULL. Return 0 or -ENOMEM.
 */
int bb_place__locks(pid_t pid, struct bb_lock *locks, size_t nr);

/**
 * bb_place__waits - say what is at the other end of the descriptors that the threads of @p
 * waited on: as it was when they did, with the paths and processes that /proc has for it now.
 * Of sets of descriptors, it is as /proc tells them now. Return 0 or -ENOMEM.
 */
int bb_place__waits(struct bb_process *p, struct bb_end_table *table);

/** bb_place__free_table - what @table has; not itself. */
void bb_place__free_table(struct bb_end_table *table);

#endif
