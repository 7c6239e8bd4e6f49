/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Python code and who held the GIL, as JSON. */
#ifndef BB_EMIT_JSON_CODE_H
#define BB_EMIT_JSON_CODE_H

#include <jansson.h>

#include "../model/record.h"
#include "emit.h"

/**
 * bb_json__lines - an array of the lines of code of one kind, largest first, at most
 * BB_JSON_LINES of them; each as bb_code__lines() has it. NULL when out of memory.
 */
#define BB_JSON_LINES   100
#define BB_JSON_NATIVES 8 /* of a row: stacks, and functions on top */
json_t *bb_json__lines(const struct bb_process *p, enum bb_py_kind kind,
		       const struct bb_emit_opts *opts);

/** bb_json__loop - an event loop, and what kept it from its poll. */
json_t *bb_json__loop(const struct bb_process *p, const struct bb_loop *l,
		      const struct bb_emit_opts *opts);

/** bb_json__finding - a finding, with its code and what it cost. */
json_t *bb_json__finding(const struct bb_finding *f, const struct bb_emit_opts *opts);

/** bb_json__stack - a row of bb_process.code with all its frames. */
json_t *bb_json__stack(const struct bb_code *c, const struct bb_emit_opts *opts);

/** bb_json__walks - how the looks at Python code went: {"done": N, ...}. */
json_t *bb_json__walks(const struct bb_record *rec);

#endif
