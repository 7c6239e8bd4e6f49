/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that only feed workers: what these are bound by is what they are bound by. */
#ifndef BB_DIAGNOSE_FEEDER_H
#define BB_DIAGNOSE_FEEDER_H

#include "explain.h"

/**
 * bb_feeder__judge - judge process @i once more if it hardly does anything but to feed a pool of
 * processes, and to wait for them: by its own time and that of its workers together; as unknown,
 * where somebody waits for results and the workers are not in @rec. @reasons: of all processes of
 * @rec, as they were judged by themselves; that of @i is replaced, @v too.
 */
void bb_feeder__judge(const struct bb_record *rec, struct bb_reason *reasons, size_t i,
		      struct bb_verdict *v);

#endif
