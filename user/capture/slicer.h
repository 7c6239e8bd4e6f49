/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cuts the window into slices: reads the kernel's sums many times while it is open, and keeps
 * what each process did between two readings.
 */
#ifndef BB_CAPTURE_SLICER_H
#define BB_CAPTURE_SLICER_H

#include "../model/record.h"
#include "fold.h"
#include "kernel.h"
#include "target.h"

#define BB_SLICE_NS       100000000ULL /* as long as the window is neither short nor very long */
#define BB_SLICE_LEAST_NS 20000000ULL
#define BB_SLICES_LEAST   50    /* that a window is to have, down to BB_SLICE_LEAST_NS */
#define BB_SLICES_MOST    512   /* then neighbours are joined in pairs */
#define BB_SLICED_MOST    256   /* processes */
#define BB_SLICES_IN_ALL  16384 /* slices times processes */
/* Of a CPU's time that slicing may take: a 500th. Where a look costs more, slices get longer. */
#define BB_SLICING_SHARE 500

struct bb_slicer;

/**
 * bb_slicer__new - for a window that opened at ktime @start_ns and was asked to last @asked_ns;
 * 0: nobody knows. NULL when out of memory; release with bb_slicer__free().
 */
struct bb_slicer *bb_slicer__new(uint64_t start_ns, uint64_t asked_ns);

/** bb_slicer__free - accepts NULL. */
void bb_slicer__free(struct bb_slicer *s);

/** bb_slicer__due_ns - ktime at which the next slice is to end. */
uint64_t bb_slicer__due_ns(const struct bb_slicer *s);

/**
 * bb_slicer__look - end a slice at ktime @now. @last: of the window, whose gate is closed. More
 * targets than BB_SLICED_MOST end the slicing. Return 0 or -ENOMEM.
 */
int bb_slicer__look(struct bb_slicer *s, struct bb_kernel *k, const struct bb_targets *targets,
		    uint64_t now, bool last);

/** bb_slicer__cost_ns - CPU time that all looks took. */
uint64_t bb_slicer__cost_ns(const struct bb_slicer *s);

/**
 * bb_slicer__give - put the slices into @rec, whose processes are those of the targets in the same
 * order, with their locks judged and their budgets known. Return 0 or -ENOMEM.
 */
int bb_slicer__give(const struct bb_slicer *s, struct bb_record *rec);

#endif
