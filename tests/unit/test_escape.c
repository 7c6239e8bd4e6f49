/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes of the target made safe, and figures for people. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/emit/escape.h"
#include "../../user/util/fmt.h"

static void text_is(const char *in, size_t columns, bool utf8, const char *expected)
{
	char out[BB_ESCAPE_LEN(200)];
	size_t used;

	used = bb_escape__text(out, sizeof(out), in, strlen(in), columns, utf8);
	assert_string_equal(out, expected);
	assert_int_equal(used, bb_utf8__columns(out, strlen(out)));
	assert_true(used <= columns);
}

static void escapes_what_is_not_printable(void **state)
{
	(void)state;
	text_is("plain name", 80, true, "plain name");
	text_is("", 80, true, "");
	text_is("a\nb\tc\rd\033e", 80, true, "a\\nb\\tc\\rd\\ee");
	text_is("\x01\x7f", 80, true, "\\x01\\x7f");
	text_is("back\\slash", 80, true, "back\\\\slash");
	text_is("\xff\xfe", 80, true, "\\xff\\xfe");
	text_is("\xc2\x9b"
		"31m",
		80, true, "\\xc2\\x9b31m");                            /* C1: CSI */
	text_is("\xe2\x80\xae", 80, true, "\\xe2\\x80\\xae");          /* right-to-left override */
	text_is("\xe2\x80\x8b", 80, true, "\\xe2\\x80\\x8b");          /* zero-width space */
	text_is("\xe2\x80\xa8", 80, true, "\\xe2\\x80\\xa8");          /* line separator */
	text_is("e\xcc\x81", 80, true, "e\\xcc\\x81");                 /* combining accent */
	text_is("\xf3\xa0\x81\x81", 80, true, "\\xf3\\xa0\\x81\\x81"); /* tag character */
	text_is("caf\xc3\xa9", 80, true, "caf\xc3\xa9");
	text_is("caf\xc3\xa9", 80, false, "caf\\xc3\\xa9");
}

static void cuts_by_columns(void **state)
{
	(void)state;
	text_is("0123456789", 10, true, "0123456789");
	text_is("0123456789", 9, true, "0123456..");
	text_is("0123456789", 2, true, "..");
	text_is("0123456789", 1, true, ".");
	text_is("0123456789", 0, true, "");
	/* An escape is whole or not there. */
	text_is("abc\xff", 7, true, "abc\\xff");
	text_is("abc\xff", 6, true, "abc..");
	text_is("abc\xff"
		"d",
		7, true, "abc..");
	/* Two columns each: Japanese. */
	text_is("\xe6\x97\xa5\xe6\x9c\xac", 4, true, "\xe6\x97\xa5\xe6\x9c\xac");
	text_is("\xe6\x97\xa5\xe6\x9c\xac", 3, true, "..");
	text_is("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5, true, "\xe6\x97\xa5..");
}

/* Any bytes, any width, any buffer: in bounds, printable, never wider than asked. */
static void holds_for_random_bytes(void **state)
{
	uint64_t seed = 88172645463325252ULL;
	char in[64], out[BB_ESCAPE_LEN(40)];
	size_t len, columns, size, i;
	int round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		for (i = 0; i < sizeof(in); i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			in[i] = (char)(seed >> 24);
		}
		len = seed % sizeof(in);
		columns = (seed >> 8) % 41;
		size = round % 2 ? sizeof(out) : 1 + (seed >> 16) % sizeof(out);
		i = bb_escape__text(out, size, in, len, columns, round % 3);
		assert_true(i <= columns);
		assert_true(strlen(out) < size);
		assert_int_equal(bb_utf8__columns(out, strlen(out)), i);
		for (i = 0; out[i]; i++)
			assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
	}
}

static void sanitised_is(const char *in, size_t len, const char *expected)
{
	size_t out_len;
	char *out = bb_escape__utf8(in, len, &out_len);

	assert_non_null(out);
	assert_string_equal(out, expected);
	assert_int_equal(out_len, strlen(expected));
	free(out);
}

#define FFFD "\xef\xbf\xbd"

/* The examples of Unicode 15, section 3.9, and of Python's errors="replace". */
static void makes_valid_utf8(void **state)
{
	(void)state;
	sanitised_is("ok", 2, "ok");
	sanitised_is("", 0, "");
	sanitised_is("\x01\n\"\\", 4, "\x01\n\"\\"); /* the format's own rules apply */
	sanitised_is("\xff", 1, FFFD);
	sanitised_is("\xc3\x28", 2, FFFD "(");
	sanitised_is("\xc0\xaf", 2, FFFD FFFD);                   /* overlong */
	sanitised_is("\xe0\x80\xaf", 3, FFFD FFFD FFFD);          /* overlong */
	sanitised_is("\xed\xa0\x80", 3, FFFD FFFD FFFD);          /* surrogate */
	sanitised_is("\xf4\x91\x92\x93", 4, FFFD FFFD FFFD FFFD); /* beyond U+10FFFF */
	sanitised_is("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 9, FFFD FFFD FFFD FFFD "A");
	sanitised_is("\xf0\x9f\x90\x8d", 4, "\xf0\x9f\x90\x8d");
	sanitised_is("\xf0\x9f\x90", 3, FFFD); /* cut off at the end */
	sanitised_is("\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf");
}

static void ns_is(uint64_t ns, const char *expected)
{
	char buf[BB_FMT_LEN];

	assert_string_equal(bb_fmt__ns(buf, sizeof(buf), ns), expected);
	assert_true(strlen(expected) <= 7);
}

static void durations(void **state)
{
	(void)state;
	ns_is(0, "0 s");
	ns_is(1, "1 ns");
	ns_is(999, "999 ns");
	ns_is(1000, "1.00 us");
	ns_is(9994, "9.99 us");
	ns_is(9996, "10.0 us");
	ns_is(999499, "999 us");
	ns_is(999500, "1.00 ms");
	ns_is(12345678, "12.3 ms");
	ns_is(999499999, "999 ms");
	ns_is(999500000, "1.00 s");
	ns_is(99960000000, "100 s");
	ns_is(599999999999, "600 s");
	ns_is(600000000000, "10m00s");
	ns_is(3599999999999, "59m59s");
	ns_is(3600000000000, "1h00m");
	ns_is(90061000000000, "25h01m");
	ns_is(360000000000000, "4d04h");
	ns_is(UINT64_MAX, "?");
}

static void sizes_shares_counts(void **state)
{
	char b[BB_FMT_LEN];

	(void)state;
	assert_string_equal(bb_fmt__bytes(b, sizeof(b), 0), "0 B");
	assert_string_equal(bb_fmt__bytes(b, sizeof(b), 1023), "1023 B");
	assert_string_equal(bb_fmt__bytes(b, sizeof(b), 1024), "1.00 KiB");
	assert_string_equal(bb_fmt__bytes(b, sizeof(b), 1023 * 1024), "1.00 MiB");
	assert_string_equal(bb_fmt__bytes(b, sizeof(b), UINT64_MAX), "?");
	assert_string_equal(bb_fmt__bytes(b, sizeof(b), UINT64_MAX - 1), "16.0 EiB");
	assert_string_equal(bb_fmt__share(b, sizeof(b), 0), "0.0%");
	assert_string_equal(bb_fmt__share(b, sizeof(b), 0.0001), "<0.1%");
	assert_string_equal(bb_fmt__share(b, sizeof(b), 0.971), "97.1%");
	assert_string_equal(bb_fmt__share(b, sizeof(b), 0.99999), ">99.9%");
	assert_string_equal(bb_fmt__share(b, sizeof(b), 1), "100.0%");
	assert_string_equal(bb_fmt__share(b, sizeof(b), NAN), "?");
	assert_string_equal(bb_fmt__count(b, sizeof(b), 999), "999");
	assert_string_equal(bb_fmt__count(b, sizeof(b), 1000), "1,000");
	assert_string_equal(bb_fmt__count(b, sizeof(b), 999999), "999,999");
	assert_string_equal(bb_fmt__count(b, sizeof(b), 1000000), "1.00M");
	assert_string_equal(bb_fmt__count(b, sizeof(b), 999600000), "1.00G");
	assert_string_equal(bb_fmt__count(b, sizeof(b), UINT64_MAX), "?");
	assert_string_equal(bb_fmt__real(b, sizeof(b), 2.0, 3), "2");
	assert_string_equal(bb_fmt__real(b, sizeof(b), 0.12345, 3), "0.123");
	assert_string_equal(bb_fmt__real(b, sizeof(b), NAN, 3), "?");
}

static void points_in_time(void **state)
{
	char b[BB_FMT_LEN];

	(void)state;
	assert_string_equal(bb_fmt__time(b, sizeof(b), 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(bb_fmt__time(b, sizeof(b), 1767225600123456789),
			    "2026-01-01T00:00:00.123456789Z");
	assert_string_equal(bb_fmt__time(b, sizeof(b), -1), "1969-12-31T23:59:59.999999999Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_is_not_printable),
		cmocka_unit_test(cuts_by_columns),
		cmocka_unit_test(holds_for_random_bytes),
		cmocka_unit_test(makes_valid_utf8),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes_shares_counts),
		cmocka_unit_test(points_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
