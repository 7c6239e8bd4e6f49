/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Made-up records for the unit tests, each complete and with a diagnosis by
 * hand, and the small builders that they are made with. Out of memory aborts.
 */
#ifndef BB_TESTS_LIB_RECORDS_H
#define BB_TESTS_LIB_RECORDS_H

#include "../../user/diagnose/diagnosis.h"
#include "../../user/emit/emit.h"

struct sample {
	const char *name; /* of its golden files */
	struct bb_record *rec;
	struct bb_diagnosis diag;
};

enum sample_id {
	SAMPLE_GIL,     /* four computing Python threads */
	SAMPLE_IDLE,    /* a pool with nothing to do */
	SAMPLE_TREE,    /* a server with more children than a table has rows */
	SAMPLE_HOSTILE, /* names with escapes, broken UTF-8, wide characters */
	SAMPLE_LOSSES,  /* a lock convoy, measured with losses and a residual */
	SAMPLE_ENDED,   /* a command that was killed in the window */
	SAMPLE_EMPTY,   /* nobody was there */
	SAMPLE_FREE,    /* a free-threaded Python that stops the world */
	SAMPLE_STACKS,  /* one thread feeds another, with stacks */
	SAMPLE_MAX,
};

/** sample__make - build one; release with sample__free(). */
void sample__make(enum sample_id id, struct sample *s);

/** sample__free - release its record and diagnosis. */
void sample__free(struct sample *s);

/** sample__opts - what the golden files are written with: 80 columns, plain ASCII. */
struct bb_emit_opts sample__opts(void);

/* The builders. */

#define MS  1000000ULL
#define SEC 1000000000ULL

/** make__record - @ns of window, @n processes that are zero but for what is unknown. */
struct bb_record *make__record(uint64_t ns, size_t n);

/** make__process - name process @p and give it @n threads, numbered from its pid. */
void make__process(struct bb_process *p, pid_t pid, const char *comm, size_t n);

/** make__cmdline - its arguments; ends with NULL. */
void make__cmdline(struct bb_process *p, ...);

/** make__thread - name a thread that is there all of @ns, all of it in BB_STATE_UNKNOWN. */
void make__thread(struct bb_thread *t, const char *comm, uint64_t ns);

/** make__in - move @ns of a thread's time from BB_STATE_UNKNOWN to @state. */
void make__in(struct bb_thread *t, enum bb_state state, uint64_t ns);

/** make__wait - add a row to a thread's waits and to those of its process. */
void make__wait(struct bb_process *p, struct bb_thread *t, const struct bb_wait *w);

/** make__sum - fill in a process's sums over its threads and what is folded. */
void make__sum(struct bb_process *p);

/** make__string - a copy. */
char *make__string(const char *s);

#endif
