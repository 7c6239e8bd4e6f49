/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Golden files. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden.h"

char *render(emit_fn emit, const struct sample *s, const struct bb_emit_opts *opts)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(emit(out, s->rec, &s->diag, opts), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), len);
	return text;
}

static void golden__path(char *path, size_t len, const char *name)
{
	const char *dir = getenv("BB_GOLDEN");

	snprintf(path, len, "%s/%s", dir ? dir : "tests/golden", name);
}

static char *golden__read(const char *path)
{
	char *text = NULL, chunk[4096];
	size_t len = 0, n;
	FILE *in = fopen(path, "r");
	FILE *out;

	if (!in)
		return NULL;
	out = open_memstream(&text, &len);
	assert_non_null(out);
	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		fwrite(chunk, 1, n, out);
	fclose(in);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void golden__show(const char *name, const char *expected, const char *actual)
{
	size_t line = 1, start = 0, i;

	for (i = 0; expected[i] && expected[i] == actual[i]; i++) {
		if (expected[i] != '\n')
			continue;
		line++;
		start = i + 1;
	}
	print_error("%s: line %zu differs\n  expected: %.*s\n  actual:   %.*s\n", name, line,
		    (int)strcspn(expected + start, "\n"), expected + start,
		    (int)strcspn(actual + start, "\n"), actual + start);
}

void golden__check(const char *name, const char *actual)
{
	const char *update = getenv("UPDATE");
	char path[512], *expected;
	FILE *out;

	golden__path(path, sizeof(path), name);
	if (update && !strcmp(update, "1")) {
		out = fopen(path, "w");
		assert_non_null(out);
		assert_true(fputs(actual, out) >= 0);
		assert_int_equal(fclose(out), 0);
		return;
	}
	expected = golden__read(path);
	if (!expected)
		fail_msg("%s is not there; UPDATE=1 writes it", path);
	if (strcmp(expected, actual)) {
		golden__show(name, expected, actual);
		free(expected);
		fail_msg("%s differs; UPDATE=1 accepts it, after a look at the diff", path);
	}
	free(expected);
}

static void fails_with(emit_fn emit, FILE *out, int err)
{
	struct bb_emit_opts opts = sample__opts();
	struct sample s;

	sample__make(SAMPLE_TREE, &s);
	assert_int_equal(emit(out, s.rec, &s.diag, &opts), -err);
	sample__free(&s);
}

void broken_output(emit_fn emit)
{
	FILE *out = fopen("/dev/full", "w");
	int fds[2];

	assert_non_null(out);
	fails_with(emit, out, ENOSPC);
	fclose(out);

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	out = fdopen(fds[1], "w");
	assert_non_null(out);
	fails_with(emit, out, EPIPE);
	fclose(out);
}
