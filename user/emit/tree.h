/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All selected processes of a record, added up into one, for the emitters. */
#ifndef BB_EMIT_TREE_H
#define BB_EMIT_TREE_H

#include "../model/record.h"

/**
 * bb_tree__sum - add up the processes of a record.
 * @rec:  the record; only read
 * @tree: filled on success; release with bb_tree__free()
 *
 * Summed are times, switches, thread counts, memory (pages that processes share
 * count in each), and the rows of waits and syscalls, longest first. What has no
 * sum stays out: names, threads, GILs, locks but those between processes. cpus_usable is kept where
 * all agree. Return 0 or -ENOMEM.
 */
int bb_tree__sum(const struct bb_record *rec, struct bb_process *tree);

/** bb_tree__free - release what bb_tree__sum() allocated; not @tree itself. */
void bb_tree__free(struct bb_process *tree);

/** bb_process__threads - how many threads a process had in the window, listed or not. */
uint64_t bb_process__threads(const struct bb_process *p);

/** bb_process__active - how many of its listed threads ran in the window. */
uint64_t bb_process__active(const struct bb_process *p);

/** bb_process__residual - thread time minus the sum of the states, in ns. */
int64_t bb_process__residual(const struct bb_process *p);

#endif
