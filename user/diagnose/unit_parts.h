/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How each kind of unit is counted. Internal to units.c. */
#ifndef BB_DIAGNOSE_UNIT_PARTS_H
#define BB_DIAGNOSE_UNIT_PARTS_H

#include "units.h"

/**
 * bb_unit__requests, bb_unit__hand_overs - fill in bounds and time of one kind; why_not only
 * where there is a reason beside wide bounds. Return false where the process has none of the kind.
 * @u: zeroed, but for its kind and span
 * @handed_on: connections that the process accepted, and has nothing more to do with
 */
bool bb_unit__requests(struct bb_unit *u, const struct bb_record *rec, const struct bb_process *p,
		       double *handed_on);
bool bb_unit__hand_overs(struct bb_unit *u, const struct bb_record *rec,
			 const struct bb_process *p);

/** bb_unit__spend - add a thread's time but for @between, ns by state (BB_STATE_MAX of them). */
void bb_unit__spend(struct bb_unit *u, const struct bb_thread *t, const double *between);

/** bb_unit__no - set the reason, printf-like, if there is none yet. */
__attribute__((format(printf, 2, 3))) void bb_unit__no(struct bb_unit *u, const char *fmt, ...);

#endif
