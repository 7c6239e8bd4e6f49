/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Output with the first error kept: stdio forgets the errno of a failed write
 * by the time that ferror() is asked.
 */
#ifndef BB_EMIT_OUT_H
#define BB_EMIT_OUT_H

#include <stddef.h>
#include <stdio.h>

struct bb_out {
	FILE *file;
	int err; /* 0 or -errno of the first failure; later writes do nothing */
};

/** bb_out__write - write bytes, unless an earlier write failed. */
void bb_out__write(struct bb_out *out, const char *s, size_t len);

/** bb_out__printf - formatted write, of any length. */
void bb_out__printf(struct bb_out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** bb_out__fail - note a failure that happened elsewhere; the first one stays. */
void bb_out__fail(struct bb_out *out, int err);

/** bb_out__finish - flush, so that a full disk shows now. Return 0 or -errno. */
int bb_out__finish(struct bb_out *out);

#endif
