/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Python's pools of processes (multiprocessing, concurrent.futures, joblib's loky): who feeds, who
 * works, and what of their time is the pool's own. Told by the code in which their threads were
 * seen.
 */
#ifndef BB_DIAGNOSE_POOL_PART_H
#define BB_DIAGNOSE_POOL_PART_H

#include "../model/record.h"

/* What one process has to do with a pool. */
struct bb_pool_part {
	bool worker; /* multiprocessing started it to run what another process wants */
	bool tidies; /* likewise, but it runs nothing of the program's: it removes what others leave
		      */
	bool tasks;  /* it runs what somebody gave to a pool */
	bool feeder; /* it has threads in a pool's code, and is no worker */
	/* CPU time by samples: of handing tasks and results over, and of the tasks themselves */
	double pool_ns, task_ns;
	uint64_t samples; /* that these were divided by */
	/* blocked within tasks, but for locks and queues */
	uint64_t wait_ns, waits, wait_max_ns;
	const struct bb_code *longest_wait; /* a row of the process's, NULL: none */
	uint64_t asked_ns;                  /* threads waiting for results, summed */
	const struct bb_code *busiest_pool; /* samples of the pool's code, most; NULL: none */
};

/** bb_pool_part__of - the part of @p; all 0 for what is no CPython, or has no code that is known.
 */
void bb_pool_part__of(struct bb_pool_part *part, const struct bb_process *p);

/* Fewer samples say nothing about where CPU time goes. */
#define BB_POOL_SAMPLES_LEAST 20

/** bb_pool_part__hands_over - is most of what it does handing tasks over? */
bool bb_pool_part__hands_over(const struct bb_pool_part *part);

/**
 * bb_pool_part__waiting - the share of a thread's time in @state in which it waited, in a pool's
 * code, for what other processes of the program do: 0 to 1, by the rows of code that are known.
 */
double bb_pool_part__waiting(const struct bb_process *p, pid_t tid, enum bb_state state);

/** bb_record__descends - is @p a child of process @pid, or of one of its children in @rec? */
bool bb_record__descends(const struct bb_record *rec, const struct bb_process *p, pid_t pid);

#endif
