/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one strict number parser: the whole string, in range, or an error. */
#ifndef BB_UTIL_NUM_H
#define BB_UTIL_NUM_H

#include <stddef.h>
#include <stdint.h>

/**
 * bb_num__int - parse a decimal integer.
 * Return 0, -EINVAL (not a number, or something follows it), -ERANGE.
 */
int bb_num__int(const char *s, int64_t min, int64_t max, int64_t *val);

/**
 * bb_num__seconds - parse a time: a decimal number of seconds, or with a unit:
 * ms, s, m, h. @ns is in nanoseconds. Return 0, -EINVAL, -ERANGE (0 < t <= 7 days).
 */
int bb_num__seconds(const char *s, uint64_t *ns);

#endif
