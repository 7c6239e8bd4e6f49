/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Units of work in the JSON document. Internal to user/emit. */
#ifndef BB_EMIT_JSON_UNITS_H
#define BB_EMIT_JSON_UNITS_H

#include "json_rows.h"

/** bb_json__units - an array of the kinds; JSON null where none were counted (@u is NULL). */
json_t *bb_json__units(const struct bb_units *u);

#endif
