/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What changes would bring, and worker counts, in the JSON document. Internal to user/emit. */
#ifndef BB_EMIT_JSON_WHAT_IF_H
#define BB_EMIT_JSON_WHAT_IF_H

#include "json_rows.h"

/** bb_json__what_if - one change of @all. */
json_t *bb_json__what_if(const struct bb_what_if *w, const struct bb_what_ifs *all);

/** bb_json__workers - the curve; JSON null where there is none, or @w is NULL. */
json_t *bb_json__workers(const struct bb_what_ifs *w);

#endif
