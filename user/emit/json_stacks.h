/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows of stacks as JSON. Internal to user/emit. */
#ifndef BB_EMIT_JSON_STACKS_H
#define BB_EMIT_JSON_STACKS_H

#include <jansson.h>

#include "emit.h"

/** bb_json__stack_row - what threads did in one stack; NULL: out of memory. */
json_t *bb_json__stack_row(const struct bb_stack_row *r, const struct bb_emit_opts *opts);

#endif
