/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A library for tests: functions that compute, called through each other. It needs no C library,
 * so it loads in any chroot. NAME is the prefix of what it exports.
 */
#define JOIN2(a, b) a##b
#define JOIN(a, b)  JOIN2(a, b)
#define FN(name)    __attribute__((noinline)) JOIN(NAME, name)

static volatile unsigned long sink;

/* exported, and lies right before what is not */
void FN(_before)(void)
{
	sink++;
}

__attribute__((visibility("hidden"))) void FN(_hidden)(unsigned long n)
{
	/* what needs no stack keeps no frame either, whatever the compiler is told */
	volatile unsigned long sum[2] = {};

	for (unsigned long i = 0; i < n; i++)
		sum[i & 1] += i;
}

void FN(_inner)(unsigned long n)
{
	/* what needs no stack keeps no frame either, whatever the compiler is told */
	volatile unsigned long sum[2] = {};

	for (unsigned long i = 0; i < n; i++)
		sum[i & 1] += i;
}

void FN(_middle)(unsigned long n)
{
	JOIN(NAME, _inner)(n);
	sink++;
}

void FN(_outer)(unsigned long n)
{
	JOIN(NAME, _middle)(n);
	sink++;
}

void FN(_unnamed)(unsigned long n)
{
	JOIN(NAME, _hidden)(n);
	sink++;
}
