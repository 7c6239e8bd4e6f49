/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Golden files: what a report must be, byte for byte. */
#ifndef BB_TESTS_LIB_GOLDEN_H
#define BB_TESTS_LIB_GOLDEN_H

#include <stdbool.h>

#include "records.h"

typedef int (*emit_fn)(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
		       const struct bb_emit_opts *opts);

/** render - a report as a string to free(); fails the test on an error. */
char *render(emit_fn emit, const struct sample *s, const struct bb_emit_opts *opts);

/**
 * golden__check - compare a report with tests/golden/NAME.
 * The folder is $BB_GOLDEN, else tests/golden below the working directory. With
 * UPDATE=1 in the environment the file is written instead. A difference is shown
 * by its first line, and fails the test.
 */
void golden__check(const char *name, const char *actual);

/** broken_output - an emitter must return -ENOSPC on /dev/full and -EPIPE where the reader is gone.
 */
void broken_output(emit_fn emit);

#endif
