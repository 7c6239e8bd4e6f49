/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A closed network of queues: N customers (threads, processes, tasks) go round, each needing
 * the GIL, a CPU, a lock, and time that needs none of them.
 */
#ifndef BB_DIAGNOSE_MVA_H
#define BB_DIAGNOSE_MVA_H

#include <stdbool.h>
#include <stddef.h>

#define BB_MVA_MOST 512 /* customers; the time it takes grows with the square */

/* What one piece of work, of any kind and somewhere, needs. Any unit of time. */
struct bb_need {
	double gil;     /* on a CPU with the GIL */
	double gil_off; /* off the CPU with the GIL */
	double cpu;     /* on a CPU without it */
	double delay;   /* neither: I/O, timers */
};

struct bb_network {
	struct bb_need free; /* outside of the lock */
	struct bb_need held; /* with the lock: one customer at a time; zero: there is none */
	size_t locks;        /* that it is split into: each round takes one at random; 0 is 1 */
	double cpus;         /* more than 0; need not be whole: of what is a share, that */
};

/**
 * bb_mva__cycles - how long a customer's round takes, with @first (at least 1) to @n customers.
 * @cycles: room for @n numbers (@n up to BB_MVA_MOST), of the network's unit: [i] with i + 1
 * customers. Their rate is (i + 1) / cycles[i]. A network without any need gives 0.
 *
 * The exact means of a product-form network (Buzen, "Computational algorithms for closed queueing
 * networks with exponential servers", CACM 16(9), 1973; the same figures as those of mean value
 * analysis, Reiser & Lavenberg, JACM 27(2), 1980, whose recursion loses its precision with
 * load-dependent stations). GIL and CPUs are held at once, which no product form has: so they are
 * one station, whose rate with j customers is that of the two alone with j, from the balance of
 * their rates of births and deaths (flow equivalence: Lazowska, Zahorjan, Graham & Sevcik,
 * "Quantitative System Performance", 1984, ch. 8 and 9). A lock that is split into k is k stations
 * of one server each, every one visited in one of k rounds.
 *
 * Return 0 or -ENOMEM.
 */
int bb_mva__cycles(const struct bb_network *net, size_t first, size_t n, double *cycles);

/**
 * bb_mva__lock - the round of @n customers as above, and how long of it one waits for a lock that
 * another one has, of the network's unit. Return 0 or -ENOMEM.
 */
int bb_mva__lock(const struct bb_network *net, size_t n, double *cycle, double *wait);

/**
 * bb_mva__bound - the least that the round of one of @n customers can take: without any
 * queueing, or as long as the busiest station needs for all of them, whichever is more; of a
 * split lock, each part is busy for its share (asymptotic bounds: Denning & Buzen, "The operational
 * analysis of queueing network models", ACM Computing Surveys 10(3), 1978).
 */
double bb_mva__bound(const struct bb_network *net, double n);

/** bb_need__sum - all of it, as if nobody else was there. */
double bb_need__sum(const struct bb_need *d);

#endif
