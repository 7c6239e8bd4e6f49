/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What-if: how much faster a program would be if one thing about it were changed, by the
 * service demands that were measured. docs/method.md has the model, and how far off it was.
 */
#ifndef BB_DIAGNOSE_WHAT_IF_H
#define BB_DIAGNOSE_WHAT_IF_H

#include "../model/record.h"
#include "units.h"

/*
 * X(identifier, name, whether predictions were held against the change made, what is changed).
 * What was not is not told: docs/method.md 14.
 */
#define BB_CHANGES(X)                                                                              \
	X(PROCESSES, "processes", true, "as many processes in place of the threads")               \
	X(NO_GIL, "no-gil", true, "the same threads on a Python without a GIL")                    \
	X(THREADS, "threads", true, "another number of threads (or processes)")                    \
	X(ASYNCIO, "asyncio", true, "that many tasks in one event loop")                           \
	X(CPUS, "cpus", true, "another number of CPUs")                                            \
	X(NO_QUOTA, "no-quota", true, "the cgroup's CPU quota lifted")                             \
	X(NO_LOCK, "no-lock", true, "the most contended lock gone")                                \
	X(SPLIT_LOCK, "split-lock", true, "the most contended lock split into that many")          \
	X(FASTER_IO, "faster-io", true, "what it waits for in I/O is so many times faster")

enum bb_change {
#define X(id, name, validated, text) BB_CHANGE_##id,
	BB_CHANGES(X)
#undef X
		BB_CHANGE_MAX,
};

/* Units of work per second; NaN: no unit is told, or the workers do not do that kind. */
struct bb_rate {
	double per_s, low, high;
};

struct bb_what_if {
	enum bb_change change;
	double amount;  /* threads, processes, tasks, CPUs, locks, times faster; 0: the change has
			   none */
	double speedup; /* throughput after over before: 1 is no change. Of a program that waits
			   for clients or work: what it could do at most, likewise */
	double low, high;
	struct bb_rate rate;        /* after the change; of capacity: that it could do at most */
	const struct bb_lock *lock; /* of the record: of BB_CHANGE_NO_LOCK and SPLIT_LOCK */
	uint64_t memory_bytes;      /* that it costs, at most; less than 0 never; BB_UNKNOWN_U64 */
	uint64_t startup_ns;        /* CPU time to start it once, at most; BB_UNKNOWN_U64 */
	char because[160];          /* in words, printable ASCII */
};

/* One point of the curve of worker counts. */
struct bb_workers_point {
	unsigned int n;
	double speedup, low, high; /* of n workers over those that there are */
};

/* How many threads (or processes) the measurement supports. */
struct bb_workers {
	unsigned int now;               /* workers that there are; 0: no curve, see why_not */
	unsigned int best;              /* the fewest that reach all but a twentieth of the most */
	bool processes;                 /* the workers are processes */
	struct bb_workers_point *curve; /* by n; of long ones some points */
	size_t nr_curve;
	char why[160]; /* it flattens there */
};

struct bb_what_ifs {
	struct bb_what_if *items; /* by change, then amount */
	size_t nr;
	bool capacity; /* it waits for clients or work: speedup is of what it could do at most */
	const struct bb_unit *unit; /* of the context's: what rates are of; NULL: there are none */
	struct bb_rate now; /* before a change; of capacity: that it could do at most as it is */
	char why_not[160];  /* why nothing is offered, "": something is */
	struct bb_workers workers;
};

/* What is known of a process, or a tree, beside the record. */
struct bb_what_if_context {
	bool judged;                  /* its verdict is neither idle nor unknown */
	double confidence;            /* of that */
	bool incomplete;              /* losses touch the figures */
	const struct bb_units *units; /* NULL: not counted */
	bool feeds;                   /* it only feeds other processes, and is judged by them */
	bool hands_over; /* most of what it does is handing tasks to processes of a pool */
};

/**
 * bb_what_ifs__of - what changes would bring to a process of @rec.
 * @w: filled; release with bb_what_ifs__free(). It points into the record and the units.
 * Return 0 or -ENOMEM.
 */
int bb_what_ifs__of(struct bb_what_ifs *w, const struct bb_record *rec, const struct bb_process *p,
		    const struct bb_what_if_context *c);

/** bb_what_ifs__tree - the same for all processes of @rec together. */
int bb_what_ifs__tree(struct bb_what_ifs *w, const struct bb_record *rec,
		      const struct bb_what_if_context *c);

/** bb_what_ifs__free - release what it points to; not @w itself. Accepts a zeroed one. */
void bb_what_ifs__free(struct bb_what_ifs *w);

/** bb_change__name - e.g. "no-lock"; static string, never NULL. */
const char *bb_change__name(enum bb_change c);

/** bb_change__text - what is changed, in words; static string, never NULL. */
const char *bb_change__text(enum bb_change c);

#endif
