/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What one process did in each slice of the window. Internal to slicer.c.
 *
 * Each figure is a column: its total since the window's start, read at the end of each slice, less
 * the total before. Totals of threads come from their rows, with the open state up to that
 * instant, and of those that have ended from where the kernel keeps them. A total that seems to
 * go down (a wait turns out to have been for a CPU in part, a thread is on its way between the two)
 * stands still until it is passed: so the slices add up to the last total.
 */
#ifndef BB_CAPTURE_SLICED_H
#define BB_CAPTURE_SLICED_H

#include "../model/record.h"
#include "fold.h"

#define BB_SLICED_WAITS 24
#define BB_SLICED_WORDS 40
#define BB_SLICED_GILS  8  /* of these places, for GILs alone */
#define BB_SLICED_SLOTS 64 /* of a table by hash; a power of two, more than BB_SLICED_WORDS */
/* a word that no thread has waited for longer is none to tell apart */
#define BB_SLICED_WORD_NS 5000000

struct bb_column {
	uint64_t *v;   /* by slice; NULL: there has been nothing */
	uint64_t last; /* total at the end of the slice before */
	/* part of the total that is of threads that have ended: that are kept, and that were summed
	 */
	uint64_t kept, folded;
	uint64_t now;
};

struct bb_sliced_word {
	uint64_t addr;
	bool gil;
	uint64_t seen;              /* the total of `waited` when contention was read last */
	struct bb_column waited;    /* summed over threads */
	struct bb_column contended; /* wall time */
};

struct bb_sliced {
	uint32_t tgid;
	struct bb_column buckets[BB_BUCKET_MAX]; /* all of a futex in BB_FUTEX_OTHER */
	struct bb_column busiest;
	uint64_t busiest_now;
	struct bb_wait_slot ids[BB_SLICED_WAITS]; /* of it: bucket, fdkind, nr, end */
	struct bb_column waits[BB_SLICED_WAITS];
	size_t nr_waits;
	struct bb_sliced_word words[BB_SLICED_WORDS];
	size_t nr_words;
	uint8_t slots[BB_SLICED_SLOTS]; /* number of a word, and 1 */
};

/** bb_sliced__free - release all; accepts NULL. */
void bb_sliced__free(struct bb_sliced *p);

/** bb_sliced__each - call @fn for each column, until it returns something else than 0. */
int bb_sliced__each(struct bb_sliced *p, int (*fn)(struct bb_column *c, void *ctx), void *ctx);

/** bb_sliced__resize - room for @to slices, where there was for @from. Return 0 or -ENOMEM. */
int bb_sliced__resize(struct bb_sliced *p, size_t from, size_t to);

/** bb_sliced__pair - of @nr slices join each two. */
void bb_sliced__pair(struct bb_sliced *p, size_t nr);

/** bb_sliced__forget - what ended threads did is to be added anew: those kept, or those summed. */
void bb_sliced__forget(struct bb_sliced *p, bool kept);

/** bb_sliced__begin - a reading begins: so far there are threads that have ended. */
void bb_sliced__begin(struct bb_sliced *p);

/**
 * bb_sliced__thread - add a thread's sums, and its open state up to ktime @now; @ended: it has
 * none.
 */
void bb_sliced__thread(struct bb_sliced *p, const struct bb_thread_sum *sum, uint64_t now,
		       bool ended);

/** bb_sliced__folded - add the sums of ended threads that have no rows, by enum bb_bucket. */
void bb_sliced__folded(struct bb_sliced *p, const uint64_t *ns);

/**
 * bb_sliced__step - the reading is complete: slice @at is what is new. Room is for @room.
 * Return 0 or -ENOMEM.
 */
int bb_sliced__step(struct bb_sliced *p, size_t at, size_t room);

/* The slices of a window, all in ktime. */
struct bb_slice_times {
	const uint64_t *ends;
	size_t nr;
	uint64_t start_ns;
};

/**
 * bb_sliced__give - put the slices into @to, whose locks are judged and whose budget is known.
 * @late: only the last reading saw the process, and so the last slice has all of it: it is spread
 * over those in which it was there. Return 0 or -ENOMEM.
 */
int bb_sliced__give(struct bb_sliced *p, const struct bb_slice_times *times, bool late,
		    struct bb_process *to);

#endif
