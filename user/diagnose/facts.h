/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The figures that the rules compare, derived from a record. */
#ifndef BB_DIAGNOSE_FACTS_H
#define BB_DIAGNOSE_FACTS_H

#include "diagnosis.h"
#include "spin.h"
#include "pool_part.h"

/*
 * Mean numbers of threads over the window ("threads": 1.0 is one thread all the
 * time), of active threads only. Shares of wall time end in _share.
 */
struct bb_facts {
	double window_ns;
	double cpus;    /* usable; of the machine where unknown */
	double threads; /* that were there, by time */
	size_t active;  /* that ran in the window */
	double on, runq, gil, lock, queue;
	double preempted, throttled; /* parts of runq */
	double io;                   /* waits for disk, network, pipes, children and timers */
	double idle;                 /* waits for clients, work or a long timer */
	double io_by[BB_STATE_MAX];  /* io, by state */
	double timers, timers_by[BB_STATE_MAX]; /* part of io: timers of threads that hardly run */
	double timer_work; /* of those threads: running, or waiting for a CPU, a GIL or a lock */
	double timer_on;   /* part of it: running */
	double timed;      /* part of io: timers of the other threads */
	/* waits for other processes of the program, in the code of a pool of them: of a worker
	 * for tasks, which is in idle too; else for results, which is in nothing else */
	double feeding;
	double stopped, unknown;
	double gil_share;  /* wall time with a waiter for the most contended GIL */
	double lock_share; /* the same for the most contended lock */
	/* part of runq: threads that would only wait for the GIL, which one that runs can have */
	double behind_gil;
	const struct bb_lock *top_lock;
	const struct bb_lock_holder *top_holder; /* who had that one longest, NULL: not known */
	const struct bb_lock_holder *chain_end;  /* of that one's waits: bb_process__chain_end() */
	double held_io;               /* threads that were blocked with that lock, on average */
	const struct bb_wait *top_io; /* longest wait that counts as io, NULL: none */
	bool top_io_is_timer;         /* of a thread that hardly runs */
	double blocked_outside;       /* inactive threads that wait for disk or a server */
	double stuck;     /* inactive threads that wait for a lock, or in an unclassed call */
	double host_busy; /* share of all CPUs of the machine in use; NaN: unknown */
	bool has_gil, is_go;
	double busiest; /* share of its time that the busiest thread runs or queues for a CPU */
	bool parks;     /* a runtime whose locks park each waiter on a word of its own */
	double switches_per_s;
	struct bb_spin spin;
	double klock; /* threads that spin or wait for locks of the kernel */
	const struct bb_klock *top_klock;
	struct bb_pool_part pool; /* of one process; not summed */
};

/** bb_facts__of - the facts of one process of @rec. */
void bb_facts__of(struct bb_facts *f, const struct bb_record *rec, const struct bb_process *p);

/**
 * bb_facts__add - add the facts of one more process to those of a tree. @part:
 * the share of the tree's window in which the process was there, 0 to 1.
 */
void bb_facts__add(struct bb_facts *to, const struct bb_facts *f, double part);

/** bb_facts__at_work - mean number of threads that run, queue for something or wait for I/O. */
double bb_facts__at_work(const struct bb_facts *f);

/** bb_facts__beside_timers - the same, but for those that do little but time. */
double bb_facts__beside_timers(const struct bb_facts *f);

/**
 * bb_facts__keeps_house - are timers of threads that hardly run beside the work, and no part of it?
 * Something else is at work, and beside that, or all CPU time, what these threads run is next to
 * nothing.
 */
bool bb_facts__keeps_house(const struct bb_facts *f);

/**
 * bb_facts__drop_timers - count timers of threads that hardly run (a runtime's
 * monitor, a heartbeat) as idle. They count as I/O only where nothing else goes
 * on, in the process and in its tree: beside work they are housekeeping.
 */
void bb_facts__drop_timers(struct bb_facts *f);

/** bb_facts__fill - use of the usable CPUs: 0 to 1, and a little more by rounding. */
double bb_facts__fill(const struct bb_facts *f);

/** bb_facts__part - the part of @window_ns in which the process was there, 0 to 1. */
double bb_facts__part(const struct bb_facts *f, double window_ns);

/** bb_facts__settle - of a process whose waits are all in: drop its timers, if it works. */
void bb_facts__settle(struct bb_facts *f);

/** bb_facts__span - the part of the window in which the process was there, offsets in ns. */
void bb_facts__span(const struct bb_record *rec, const struct bb_process *p, uint64_t *start,
		    uint64_t *end);

/** bb_facts__waits - is time in this state waiting for I/O, or idle, by its rows of waits? */
bool bb_facts__waits(enum bb_state s);

/* What a wait counts as. */
enum bb_use {
	BB_USE_IO,
	BB_USE_TIMER, /* as I/O, until it is dropped */
	BB_USE_IDLE,
	BB_USE_POOL, /* for another process, in the code of a pool of them: see feeding */
	BB_USE_MAX,
};

/** bb_facts__use - judge a wait of a thread that runs for @duty of its time. */
enum bb_use bb_facts__use(const struct bb_facts *f, const struct bb_wait *w, double duty);

/**
 * bb_facts__in_pool - the part of a thread's waits in @state that are BB_USE_POOL, 0 to 1. @tid: 0:
 * of no thread in particular.
 */
double bb_facts__in_pool(const struct bb_facts *f, const struct bb_process *p, pid_t tid,
			 enum bb_state state);

/** bb_facts__wait - add @threads that wait, on average. */
void bb_facts__wait(struct bb_facts *f, enum bb_state state, enum bb_use use, double threads);

/** bb_facts__is_idle - is this a wait for clients, work or a long timer? */
bool bb_facts__is_idle(const struct bb_wait *w);

#endif
