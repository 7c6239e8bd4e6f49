/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the report goes: standard output, or a new file that appears whole or not at all. */
#ifndef BB_UTIL_OUTFILE_H
#define BB_UTIL_OUTFILE_H

#include <stdio.h>

struct bb_outfile {
	FILE *f;
	char *path; /* NULL: standard output */
	char *temp; /* NULL: a device or a pipe, written as it is */
};

/**
 * bb_outfile__open - @path NULL or "-": standard output. Otherwise a temporary
 * file beside it; an existing file is refused, a device or a pipe is written
 * to. Says itself what is wrong.
 * Return 0 or -errno.
 */
int bb_outfile__open(struct bb_outfile *o, const char *path);

/**
 * bb_outfile__commit - flush, and give the file its name. Says itself what is
 * wrong; no part of the file is left then. Return 0 (also where the reader of
 * a pipe is gone) or -errno.
 */
int bb_outfile__commit(struct bb_outfile *o);

/** bb_outfile__abort - leave nothing. May follow anything. */
void bb_outfile__abort(struct bb_outfile *o);

#endif
