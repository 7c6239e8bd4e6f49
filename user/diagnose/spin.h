/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What betrays that CPU time goes into waiting: threads that yield, that wake nobody, and that
 * sleep for moments. A thread that spins without any system call betrays nothing.
 */
#ifndef BB_DIAGNOSE_SPIN_H
#define BB_DIAGNOSE_SPIN_H

#include "../model/record.h"

struct bb_spin {
	double yielding;     /* CPUs that sched_yield() takes: spinning takes more */
	double yields_per_s; /* as long as system calls were traced, as the next one */
	double vain_per_s;   /* futex calls that neither slept nor woke a sleeper */
	double waits_per_s;  /* for the word that was waited for most often */
	double wait_ns;      /* mean length of these */
};

/** bb_spin__of - of one process that was there for @window_ns of the window. */
void bb_spin__of(struct bb_spin *s, const struct bb_record *rec, const struct bb_process *p,
		 double window_ns);

/** bb_spin__add - add the figures of one more process, there for @part of a tree's window. */
void bb_spin__add(struct bb_spin *to, const struct bb_spin *s, double part);

/** bb_spin__yields - sched_yield() takes so much of @on CPUs that it is to be told. */
bool bb_spin__yields(const struct bb_spin *s, double on);

/** bb_spin__wakes_in_vain - so many futex calls are for nobody. */
bool bb_spin__wakes_in_vain(const struct bb_spin *s, double on);

/** bb_spin__naps - so many waits are so short. */
bool bb_spin__naps(const struct bb_spin *s, double on);

#endif
