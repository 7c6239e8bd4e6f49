/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the text report. Internal to user/emit. */
#ifndef BB_EMIT_TEXT_H
#define BB_EMIT_TEXT_H

#include "line.h"
#include "out.h"

#define BB_TEXT_TOP 10 /* rows of a table; the rest is summed */

struct bb_text {
	struct bb_out out;
	struct bb_line line;
	const struct bb_record *rec;
	const struct bb_diagnosis *diag;
	const struct bb_emit_opts *opts;
};

/* Sections of a process. Those that have nothing to say write nothing. */
void bb_text__states(struct bb_text *t, const struct bb_process *p);
void bb_text__threads(struct bb_text *t, const struct bb_process *p);
void bb_text__waits(struct bb_text *t, const struct bb_process *p);
void bb_text__locks(struct bb_text *t, const struct bb_process *p);
void bb_text__klocks(struct bb_text *t, const struct bb_process *p);
void bb_text__gil(struct bb_text *t, const struct bb_process *p);
void bb_text__loops(struct bb_text *t, const struct bb_process *p);
void bb_text__stacks(struct bb_text *t, const struct bb_process *p);
void bb_text__syscalls(struct bb_text *t, const struct bb_process *p);

/** bb_text__findings - the section on findings; nothing where there are none, or @f is NULL. */
void bb_text__findings(struct bb_text *t, const struct bb_findings *f);

/**
 * bb_text__advice - what to do about process @i, or, where that is their number, about all
 * together. Nothing where no reasons were kept.
 */
void bb_text__advice(struct bb_text *t, size_t i);

/** bb_text__explain - how verdict @v was reached, by reason @i; nothing where nobody asked. */
void bb_text__explain(struct bb_text *t, const struct bb_verdict *v, size_t i);
/** bb_text__phases - the section on phases; nothing where there are not several, or @p is NULL. */
void bb_text__phases(struct bb_text *t, const struct bb_phases *p);
/** bb_text__what_if - the section on changes and worker counts; nothing where none is offered. */
void bb_text__what_if(struct bb_text *t, const struct bb_what_ifs *w);
/** bb_text__units - the section on units of work; nothing where there are none, or @u is NULL. */
void bb_text__units(struct bb_text *t, const struct bb_units *u);

/** bb_text__frame - "function file.py:12" into @buf; NULL: says that it is not known. */
void bb_text__frame(char *buf, size_t len, const struct bb_frame *f);

/** bb_text__processes - the table of all processes, where there are several. */
void bb_text__processes(struct bb_text *t);

/** bb_text__compact - a line for each process. */
void bb_text__compact(struct bb_text *t);

/** bb_text__footer - window, residual, losses, own cost: at the end of every report. */
void bb_text__footer(struct bb_text *t);

/** bb_text__busiest - indices of the processes, busiest first; to free(), NULL: out of memory. */
size_t *bb_text__busiest(const struct bb_record *rec);

/** bb_text__verdict_color - the colour of a verdict. */
enum bb_color bb_text__verdict_color(enum bb_bound bound);

/** bb_text__row_share - a cell of a table: a whole percentage that ends at column @end. */
void bb_text__row_share(struct bb_line *l, size_t end, uint64_t part, uint64_t whole);

/** bb_text__syscall_name - the name of a wait's or call's syscall into @buf; also for -1, -2. */
const char *bb_text__syscall_name(const struct bb_emit_opts *opts, int nr, char *buf, size_t len);

/** bb_budget__io - disk, network, pipes and page faults. */
uint64_t bb_budget__io(const struct bb_budget *b);

/** bb_budget__idle - all that is neither running, queued for a CPU, lock, GIL nor I/O. */
uint64_t bb_budget__idle(const struct bb_budget *b);

#endif
