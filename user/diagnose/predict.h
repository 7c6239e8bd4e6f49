/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A model of what was measured, and what it says of a changed one. */
#ifndef BB_DIAGNOSE_PREDICT_H
#define BB_DIAGNOSE_PREDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "demands.h"

/* What a change does to the model. */
struct bb_variation {
	bool no_gil;     /* each worker has its own, or there is none */
	bool one_thread; /* all workers share one thread: it waits for none of them */
	bool no_lock;
	double slower;      /* CPU time that needed the GIL, times; 0: as it is */
	unsigned int split; /* the lock is so many, each round takes one at random; 0: as it is */
	double faster_io;   /* times, 0: as it is */
	double cpus;        /* usable, 0: as they are */
};

struct bb_prediction {
	double speedup, low, high;
	/* rounds of a worker, in the time that one round took when it was measured */
	double rate, rate_low, rate_high;
};

/* One way to read the measurement. */
struct bb_fit {
	struct bb_demands d;
	struct bb_network net;
	double round, bound;                    /* of the model, with the workers that there are */
	double weight, weight_low, weight_high; /* of the model's queueing */
	double rest;                            /* of a round that the model does not explain */
};

#define BB_FITS_MOST 6

/* What was measured, read in each way that its errors allow; the first is the best. */
struct bb_model {
	struct bb_fit fits[BB_FITS_MOST];
	size_t nr;
};

/**
 * bb_model__fit - @d: what was measured, with 1 to BB_MVA_MOST workers.
 * @capacity: of what it could do at most, rather than of what was seen. Return 0 or -ENOMEM.
 */
int bb_model__fit(struct bb_model *m, const struct bb_demands *d, bool capacity);

/**
 * bb_model__predict - throughput after a change over throughput before.
 * @v: the change
 * @first, @n: numbers of workers of interest, 1 to BB_MVA_MOST
 * @out: room for @n predictions; [i] with i + 1 workers, from @first workers on
 * Return 0 or -ENOMEM.
 */
int bb_model__predict(const struct bb_model *m, const struct bb_variation *v, size_t first,
		      size_t n, struct bb_prediction *out);

/** What holds back the rate of @n workers: enum of the stations by their bound. */
enum bb_station {
	BB_STATION_NONE = 0, /* nothing but their own needs */
	BB_STATION_GIL,
	BB_STATION_LOCK,
	BB_STATION_CPUS,
	BB_STATION_THREAD, /* the one thread that they share */
};

/** bb_predict__limit - the station that is the first to fill as workers are added. */
enum bb_station bb_predict__limit(const struct bb_demands *d, const struct bb_variation *v);

#endif
