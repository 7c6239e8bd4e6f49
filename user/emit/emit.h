/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Renders a diagnosed record. Computes no judgement. */
#ifndef BB_EMIT_EMIT_H
#define BB_EMIT_EMIT_H

#include <stdio.h>

#include "../diagnose/diagnosis.h"

enum bb_folded_kind {
	BB_FOLDED_ALL = 0, /* all states */
	BB_FOLDED_OFFCPU = 1,
	BB_FOLDED_ONCPU = 2,
	BB_FOLDED_WAKEUP = 3, /* who ended the waits */
};

struct bb_emit_opts {
	bool color;         /* text: ANSI colours */
	bool utf8;          /* text: the reader shows UTF-8; otherwise only ASCII is written */
	bool all_threads;   /* text: every thread, not only those that matter */
	unsigned int width; /* text: columns, 80 by default */
	enum bb_folded_kind folded;
	bool explain; /* each step to the verdicts */
	bool compact; /* one line per call: text line or JSON object (-i) */
	/* names of system calls by number; NULL result: not known */
	const char *(*syscall_name)(int nr);
	const char *version; /* our own, e.g. "0.1.0" */
};

/*
 * Each writes one report to @out and returns 0 or -errno (-EPIPE where the
 * reader is gone, -ENOMEM). None of them closes @out.
 */
int bb_emit__text(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
		  const struct bb_emit_opts *opts);
int bb_emit__json(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
		  const struct bb_emit_opts *opts);

int bb_emit__folded(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
		    const struct bb_emit_opts *opts);
int bb_emit__prometheus(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
			const struct bb_emit_opts *opts);

#endif
