/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What to do about it: advice that a verdict and its findings carry, and where they carry none,
 * what to measure next.
 */
#ifndef BB_DIAGNOSE_ADVICE_H
#define BB_DIAGNOSE_ADVICE_H

#include "explain.h"

/* X(identifier, name). docs/method.md says when each is given. */
#define BB_ADVICES(X)                                                                              \
	X(MEASURE_CHILDREN, "measure-children")                                                    \
	X(MEASURE_PHASES, "measure-phases")                                                        \
	X(MEASURE_LONGER, "measure-longer")                                                        \
	X(PIPELINE, "pipeline")                                                                    \
	X(MEASURE_STACKS, "measure-stacks")                                                        \
	X(NOTHING, "nothing")                                                                      \
	X(RELEASE_GIL, "release-gil")                                                              \
	X(OFF_THE_LOOP, "off-the-loop")                                                            \
	X(COMPUTE_OFF_THE_LOOP, "compute-off-the-loop")                                            \
	X(MORE_PERMITS, "more-permits")                                                            \
	X(MORE_WORKERS, "more-workers")                                                            \
	X(FEWER_WORKERS, "fewer-workers")                                                          \
	X(LARGER_TASKS, "larger-tasks")                                                            \
	X(THREADS_FOR_IO, "threads-for-io")                                                        \
	X(PROCESSES, "processes")                                                                  \
	X(FREE_THREADED, "free-threaded")                                                          \
	X(SPLIT_WORK, "split-work")                                                                \
	X(HOLD_LESS, "hold-less")                                                                  \
	X(WAIT_OUTSIDE, "wait-outside-the-lock")                                                   \
	X(STOP_LESS, "stop-the-world-less")                                                        \
	X(LIFT_QUOTA, "lift-quota")                                                                \
	X(UNPIN, "unpin")                                                                          \
	X(FEWER_OR_CPUS, "fewer-threads-or-more-cpus")                                             \
	X(FASTER_CODE, "faster-code")                                                              \
	X(AT_ONCE, "wait-at-once")                                                                 \
	X(ASYNCIO, "asyncio")                                                                      \
	X(FASTER_IO, "faster-io")

enum bb_advice_id {
#define X(id, name) BB_ADVICE_##id,
	BB_ADVICES(X)
#undef X
		BB_ADVICE_MAX,
};

/* In whose terms. */
enum bb_language {
	BB_LANGUAGE_OTHER,
	BB_LANGUAGE_PYTHON,
	BB_LANGUAGE_GO,
	BB_LANGUAGE_JAVA,
	BB_LANGUAGE_NODE,
	BB_LANGUAGE_MAX,
};

struct bb_advice {
	enum bb_advice_id id;
	char text[448];    /* what to do */
	char because[384]; /* the figures that say so; may have text of the target's */
	char gain[224];    /* in words, "" where it is not known */
	double gain_most;  /* times as fast at most; NaN: not known */
	char cost[224];    /* "": none worth a word */
	char check[96];    /* the command that shows whether it helped, or shows more */
	char expect[160];  /* what it should say then, "": nothing in particular */
};

#define BB_ADVICE_SHOWN 8

struct bb_advices {
	struct bb_advice items[BB_ADVICE_SHOWN]; /* most to the point first */
	size_t nr;
};

/* Who is advised. */
struct bb_advised {
	const struct bb_record *rec;
	const struct bb_process *p; /* NULL: all processes of the record together */
	const struct bb_verdict *v;
	const struct bb_reason *reason;
	const struct bb_findings *findings; /* NULL: none */
	const struct bb_phases *phases;     /* NULL: not looked for */
	const struct bb_what_ifs *what_ifs; /* NULL: not worked out */
	/* of all together: what is true of each process of the record; NULL: not looked at */
	const struct bb_findings *each;
	const struct bb_reason *reasons;
};

/** bb_advice__of - what to do, or what to measure next. A pure function; @a needs no release. */
void bb_advice__of(struct bb_advices *a, const struct bb_advised *in);

/**
 * bb_advice__for - the same to process @i of a diagnosed record, or to all together, where @i is
 * their number. Nothing where @diag does not keep what its verdicts were reached from.
 */
void bb_advice__for(struct bb_advices *a, const struct bb_record *rec,
		    const struct bb_diagnosis *diag, size_t i);

/** bb_advice__name - e.g. "processes"; static string, never NULL. */
const char *bb_advice__name(enum bb_advice_id id);

/** bb_advice__text - what to do, in that language's terms; static string, never NULL. */
const char *bb_advice__text(enum bb_advice_id id, enum bb_language lang);

/** bb_advice__cost - what it costs besides memory; static string, "": nothing worth a word. */
const char *bb_advice__cost(enum bb_advice_id id, enum bb_language lang);

/** bb_advice__expect - what a report should say afterwards; static string, may be "". */
const char *bb_advice__expect(enum bb_advice_id id);

#endif
