/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers for people. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fmt.h"

/* A report must read the same in every locale, also where the caller set LC_NUMERIC. */
static char *fmt__point(char *buf)
{
	char *comma = strchr(buf, ',');

	if (comma)
		*comma = '.';
	return buf;
}

/* Three significant digits: 4.97, 49.7, 497. Rounds 9.996 to 10.0, not to 10.00. */
static char *fmt__three(char *buf, size_t len, double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(buf, len, "%.*f %s", decimals, value, unit);
	return fmt__point(buf);
}

char *bb_fmt__ns(char *buf, size_t len, uint64_t ns)
{
	uint64_t sec = ns / 1000000000;

	if (ns == UINT64_MAX)
		snprintf(buf, len, "?");
	else if (!ns)
		snprintf(buf, len, "0 s");
	else if (ns < 1000)
		snprintf(buf, len, "%" PRIu64 " ns", ns);
	else if (ns < 999500)
		fmt__three(buf, len, (double)ns / 1e3, "us");
	else if (ns < 999500000)
		fmt__three(buf, len, (double)ns / 1e6, "ms");
	else if (sec < 600)
		fmt__three(buf, len, (double)ns / 1e9, "s");
	else if (sec < 3600)
		snprintf(buf, len, "%" PRIu64 "m%02" PRIu64 "s", sec / 60, sec % 60);
	else if (sec < 100 * 3600)
		snprintf(buf, len, "%" PRIu64 "h%02" PRIu64 "m", sec / 3600, sec / 60 % 60);
	else
		snprintf(buf, len, "%" PRIu64 "d%02" PRIu64 "h", sec / 86400, sec / 3600 % 24);
	return buf;
}

char *bb_fmt__bytes(char *buf, size_t len, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes == UINT64_MAX) {
		snprintf(buf, len, "?");
		return buf;
	}
	if (bytes < 1024) {
		snprintf(buf, len, "%" PRIu64 " B", bytes);
		return buf;
	}
	while (value >= 999.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		i++;
	}
	return fmt__three(buf, len, value, units[i]);
}

char *bb_fmt__share(char *buf, size_t len, double share)
{
	if (isnan(share))
		snprintf(buf, len, "?");
	else if (share > 0 && share < 0.0005)
		snprintf(buf, len, "<0.1%%");
	else if (share < 1 && share >= 0.9995)
		snprintf(buf, len, ">99.9%%"); /* 100.0% would claim what is not so */
	else
		snprintf(buf, len, "%.1f%%", share * 100);
	return fmt__point(buf);
}

char *bb_fmt__count(char *buf, size_t len, uint64_t count)
{
	static const char *const units[] = { "M", "G", "T", "P", "E" };
	double value = (double)count / 1e6;
	size_t i = 0;

	if (count == UINT64_MAX) {
		snprintf(buf, len, "?");
		return buf;
	}
	if (count < 1000) {
		snprintf(buf, len, "%" PRIu64, count);
		return buf;
	}
	if (count < 1000000) {
		snprintf(buf, len, "%" PRIu64 ",%03" PRIu64, count / 1000, count % 1000);
		return buf;
	}
	while (value >= 999.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		i++;
	}
	snprintf(buf, len, "%.*f%s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[i]);
	return fmt__point(buf);
}

char *bb_fmt__real(char *buf, size_t len, double value, int digits)
{
	if (isnan(value)) {
		snprintf(buf, len, "?");
		return buf;
	}
	snprintf(buf, len, "%.*g", digits, value);
	return fmt__point(buf);
}

char *bb_fmt__time(char *buf, size_t len, int64_t realtime_ns)
{
	int64_t ns = realtime_ns % 1000000000;
	time_t sec = (time_t)(realtime_ns / 1000000000);
	char day[24];
	struct tm tm;

	if (ns < 0) {
		ns += 1000000000;
		sec--;
	}
	if (!gmtime_r(&sec, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm)) {
		snprintf(buf, len, "1970-01-01T00:00:00Z");
		return buf;
	}
	snprintf(buf, len, "%s.%09" PRId64 "Z", day, ns);
	return buf;
}

const char *bb_fmt__file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

const char *bb_fmt__short_path(const char *path)
{
	const char *last = strrchr(path, '/'), *s = last;

	while (s && s > path && s[-1] != '/')
		s--;
	return s && s > path ? s : path;
}
