/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Findings: habits that are known to cost concurrency, where they were seen, with the
 * code that has them. A verdict says what a process is bound by; a finding is there
 * whatever the verdict is.
 */
#ifndef BB_DIAGNOSE_FINDINGS_H
#define BB_DIAGNOSE_FINDINGS_H

#include "../model/record.h"
#include "rules.h"

/* X(identifier, name, what it means to the program). docs/python.md says what to do about each. */
#define BB_FINDINGS(X)                                                                             \
	X(GIL_HELD_WHILE_BLOCKING, "gil-held-while-blocking",                                      \
	  "a thread blocks without letting go of the GIL: all other Python threads wait with it")  \
	X(BLOCKING_CALL_IN_LOOP, "blocking-call-in-event-loop",                                    \
	  "the loop's thread blocks outside its poll: whatever is due waits with it")              \
	X(CPU_IN_LOOP, "cpu-in-event-loop",                                                        \
	  "the loop's thread computes long between two polls: whatever is due waits")              \
	X(SEMAPHORE_LIMIT, "semaphore-limit",                                                      \
	  "threads wait for a permit of a semaphore: it caps how many of them are at work at "     \
	  "once")                                                                                  \
	X(POOL_STARVED, "pool-starved",                                                            \
	  "each worker of the pool waits for something, and others wait for its answers")          \
	X(THREADS_FOR_CPU, "threads-for-cpu",                                                      \
	  "threads compute in Python, and the GIL lets one of them do so at a time")               \
	X(TOO_MANY_WORKERS, "too-many-workers",                                                    \
	  "far more threads than there are CPUs to run them, or than there is work for them")      \
	X(LOCK_CONVOY, "lock-convoy",                                                              \
	  "one lock passes from thread to thread, and is hardly ever free")                        \
	X(SERIAL_LOOP, "serial-loop", "one thread computes all of it, while others wait for work") \
	X(PROCESSES_FOR_QUICK_IO, "processes-for-quick-io",                                        \
	  "the processes of a pool mostly wait: threads, or one event loop, wait as well for "     \
	  "less")                                                                                  \
	X(TINY_TASKS, "tiny-tasks",                                                                \
	  "to hand tasks to the processes of a pool takes more than the tasks themselves")

enum bb_finding_id {
#define X(id, name, text) BB_FINDING_##id,
	BB_FINDINGS(X)
#undef X
		BB_FINDING_MAX,
};

struct bb_finding {
	enum bb_finding_id id;
	pid_t tid; /* 0: not known */
	/* the code: frames of the record that was judged, NULL: not known */
	const struct bb_frame *frame;
	const struct bb_frame *task; /* what the loop ran then */
	enum bb_state state;
	int32_t syscall; /* number, -1: none */
	uint64_t ns;     /* how long it did that, in all */
	uint64_t count;  /* in how many times: waits, or turns */
	uint64_t max_ns; /* the longest; BB_UNKNOWN_U64: has no such figure */
	uint64_t lock;   /* address of the lock that it is about, 0: none */
	double share;    /* ns of the window, 0 to 1 */
	/* what it cost others: BB_UNKNOWN_U64 where the finding has no such figure */
	uint64_t waited_ns; /* others waited for the GIL meanwhile */
	/*
	 * How many are at it: that a semaphore lets through; workers of a pool; threads that
	 * compute by turns, that had a lock, that are on a CPU or at work on average; 0: has no
	 * such figure
	 */
	double at_once;
	double waiters;             /* threads that wait, on average; 0: has no such figure */
	const struct bb_loop *loop; /* of the record, whose turns are the lag; NULL: none */
	enum bb_rule rule;          /* that fired */
	double value;               /* that it compared with its threshold */
};

#define BB_FINDINGS_OF_ONE 5 /* of one id for one process, the worst */

struct bb_findings {
	struct bb_finding *items; /* by id, each id's worst first */
	size_t nr;
};

/**
 * bb_findings__of - what is to be found in @p of @rec. @f: filled; release with
 * bb_findings__free(). It points into the record. Return 0 or -ENOMEM.
 */
int bb_findings__of(struct bb_findings *f, const struct bb_record *rec, const struct bb_process *p);

/** bb_findings__add - append a copy of @new, its share filled in. Return 0 or -ENOMEM. */
int bb_findings__add(struct bb_findings *f, const struct bb_record *rec,
		     const struct bb_finding *new);

/** bb_findings__free - release the array; not @f itself. Accepts a zeroed one. */
void bb_findings__free(struct bb_findings *f);

/** bb_finding__name - e.g. "cpu-in-event-loop"; static string, never NULL. */
const char *bb_finding__name(enum bb_finding_id id);

/** bb_finding__text - what it means to the program, in words; static string, never NULL. */
const char *bb_finding__text(enum bb_finding_id id);

#endif
