// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "num.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S    1e9
#define MAX_SECONDS (7.0 * 24 * 3600)

int bb_num__int(const char *s, int64_t min, int64_t max, int64_t *val)
{
	char *end;
	long long v;

	if (!isdigit((unsigned char)s[0]) && !(s[0] == '-' && isdigit((unsigned char)s[1])))
		return -EINVAL;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno == ERANGE || v < min || v > max)
		return -ERANGE;
	*val = v;
	return 0;
}

int bb_num__seconds(const char *s, uint64_t *ns)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "m", 60 }, { "h", 3600 } };
	char *end;
	double v;

	/* no hex, no inf, no nan: a number starts with a digit or a point */
	if (!isdigit((unsigned char)s[0]) && s[0] != '.')
		return s[0] == '-' && isdigit((unsigned char)s[1]) ? -ERANGE : -EINVAL;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return -EINVAL;
	v = strtod(s, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit))
			continue;
		v *= units[i].seconds;
		if (!isfinite(v) || v <= 0 || v > MAX_SECONDS || v * NS_PER_S < 1)
			return -ERANGE;
		*ns = (uint64_t)llround(v * NS_PER_S);
		return 0;
	}
	return -EINVAL;
}
