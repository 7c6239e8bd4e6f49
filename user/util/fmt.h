/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers for people: durations, sizes, shares, counts, points in time.
 *
 * Each writes into the caller's buffer, which BB_FMT_LEN always fits, and
 * returns it, so that calls can stand among the arguments of a printf. The
 * decimal point is a point in every locale. Unknown figures print as "?".
 */
#ifndef BB_UTIL_FMT_H
#define BB_UTIL_FMT_H

#include <stddef.h>
#include <stdint.h>

#define BB_FMT_LEN 32

/** bb_fmt__ns - a duration in three significant digits: "0 s", "950 ns", "4.97 ms", "1h02m". */
char *bb_fmt__ns(char *buf, size_t len, uint64_t ns);

/** bb_fmt__bytes - a size in binary units: "512 B", "12.3 MiB". */
char *bb_fmt__bytes(char *buf, size_t len, uint64_t bytes);

/** bb_fmt__share - a share of 1 as a percentage: "97.1%", "<0.1%" where it is not quite 0. */
char *bb_fmt__share(char *buf, size_t len, double share);

/** bb_fmt__count - a count with its thousands grouped, in millions and up "12.3M". */
char *bb_fmt__count(char *buf, size_t len, uint64_t count);

/** bb_fmt__real - @value with up to @digits significant digits: "2", "0.97", "1.5e+09". */
char *bb_fmt__real(char *buf, size_t len, double value, int digits);

/** bb_fmt__file_name - the last part of @path, in it. */
const char *bb_fmt__file_name(const char *path);

/** bb_fmt__short_path - the last two parts of @path, in it: enough to tell threading.py apart. */
const char *bb_fmt__short_path(const char *path);

/** bb_fmt__time - CLOCK_REALTIME nanoseconds as RFC 3339 in UTC, to the nanosecond. */
char *bb_fmt__time(char *buf, size_t len, int64_t realtime_ns);

#endif
