/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Service demands: what the threads that do the work need, and what they wait for. */
#ifndef BB_DIAGNOSE_DEMANDS_H
#define BB_DIAGNOSE_DEMANDS_H

#include "../model/record.h"
#include "mva.h"

/*
 * A worker is a thread that is at work (runs, queues for a CPU, the GIL or a lock, or waits for
 * I/O or a timer) at least half as much as the one that is most. All figures are of the mean
 * worker, as shares of its time at work: they sum to 1. Its throughput is that of one round.
 */
struct bb_demands {
	size_t n;            /* workers that are there at a time; at least 1 if there are any */
	struct bb_need need; /* in a round */
	double io;           /* part of need.delay that is I/O, and no timer */
	double answers;      /* part of that in which it waits for what another end sends */
	double wait_gil;     /* the rest of a round */
	double wait_cpu;
	double wait_lock;           /* for the lock below; for others is in need.delay */
	const struct bb_lock *lock; /* most contended, NULL: none that matters */
	double lock_busy;  /* at least: share of the time with workers that it is held in */
	double lock_delay; /* share of the time that it is held that its holder is blocked */
	double gil_error;  /* standard error of need.gil */
	bool has_gil;      /* and the figures know how long it is held */
	bool loop;         /* the only worker is an event loop: tasks are its customers */
	double away;       /* share of the workers' windows that they wait for clients or work */
	double apart;      /* how unlike the workers are, 0 to 1: mean of what would have to move */
	double rest;       /* work of all other threads, over that of the workers */
	double work_ns;    /* time at work of all workers */
	double cpus;       /* usable */
	double cpus_spare; /* of these: its own, and those that nobody used; at least 0.01 */
	double cpus_left;  /* the same of all that are online, usable or not; NaN: not known */
	double cpus_unlimited; /* usable but for the quota; NaN: not known, or there is none */
};

/** bb_demands__of - of one process. */
void bb_demands__of(struct bb_demands *d, const struct bb_record *rec, const struct bb_process *p);

/**
 * bb_demands__tree - of all processes together; locks and GILs count as nothing. Return 0 or
 * -ENOMEM.
 */
int bb_demands__tree(struct bb_demands *d, const struct bb_record *rec);

#endif
