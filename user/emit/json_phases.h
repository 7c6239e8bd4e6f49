/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Phases in the JSON document. Internal to user/emit. */
#ifndef BB_EMIT_JSON_PHASES_H
#define BB_EMIT_JSON_PHASES_H

#include <jansson.h>

#include "emit.h"

/** bb_json__phase - one of "phases". */
json_t *bb_json__phase(const struct bb_phase *p);

/** bb_json__repeats - how they repeat; JSON null: they do not, or @p is NULL. */
json_t *bb_json__repeats(const struct bb_phases *p);

/** bb_json__slices - into how many slices the window was cut; JSON null: it was not. */
json_t *bb_json__slices(const struct bb_record *rec);

#endif
