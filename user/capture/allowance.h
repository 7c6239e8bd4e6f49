/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much of our own time may go into reading the targets' memory for names. What is there
 * is the target's word: long dicts and lists without end cost it nothing.
 */
#ifndef BB_CAPTURE_ALLOWANCE_H
#define BB_CAPTURE_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BB_ALLOWANCE_SHIFT 5           /* 1/32 of one CPU's time */
#define BB_ALLOWANCE_FIRST 50000000LL  /* ns, when the window opens */
#define BB_ALLOWANCE_MOST  250000000LL /* ns, that may be saved up */
#define BB_ALLOWANCE_LOOK  50000000LL  /* ns of it for one look in the window */
#define BB_ALLOWANCE_LAST  500000000LL /* ns more for the last report */
#define BB_ALLOWANCE_EACH  2000000LL   /* ns for one process, however many there are */

/* By what reads are taken to cost (BB_MEM_READ_NS): the same target, the same figures. */
struct bb_allowance {
	int64_t credit; /* ns; may be overdrawn by what cannot be broken off */
	uint64_t at;    /* to which it has grown */
	int64_t left;   /* ns, of the look that is under way */
	int64_t each;   /* ns of it for one purpose and process at most */
	uint64_t cut;   /* times that a process was not looked at to the end */
};

/** bb_allowance__start - the window opens at @now, ns of any steady clock. */
void bb_allowance__start(struct bb_allowance *a, uint64_t now);

/** bb_allowance__look - a look at the memory of @nr processes begins; @last: before the end. */
void bb_allowance__look(struct bb_allowance *a, uint64_t now, size_t nr, bool last);

/** bb_allowance__grant - ns for a process for which @used have been used in this look. */
int64_t bb_allowance__grant(const struct bb_allowance *a, int64_t used);

/** bb_allowance__take - of what was granted, @ns were used. */
void bb_allowance__take(struct bb_allowance *a, int64_t ns);

#endif
