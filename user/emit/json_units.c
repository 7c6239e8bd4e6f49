/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json_units.h"

#include <math.h>
#include <stdio.h>

/* A count or a time that was worked out: whole, and null where it is not known. */
static json_t *whole(double x)
{
	return isfinite(x) && x >= 0 && x < 9e18 ? json_integer((json_int_t)llround(x))
						 : json_null();
}

static json_t *unit__states(const struct bb_unit *u)
{
	json_t *o = json_object();
	char key[24];

	if (isnan(u->count)) {
		json_decref(o);
		return json_null();
	}
	for (int s = 0; s < BB_STATE_MAX; s++) {
		snprintf(key, sizeof(key), "%s_ns", bb_state__name(s));
		o = bb_json__set(o, key, whole(bb_unit__ns(u, s)));
	}
	return o;
}

static json_t *unit__row(const struct bb_unit *u)
{
	double held = bb_unit__held_ns(u), cpu = bb_unit__ns(u, BB_STATE_ONCPU);
	json_t *o = json_object();

	o = bb_json__set(o, "kind", json_string(bb_unit__name(u->kind)));
	o = bb_json__set(o, "count", whole(u->count));
	o = bb_json__set(o, "count_low", whole(floor(u->low)));
	o = bb_json__set(o, "count_high", whole(ceil(u->high)));
	o = bb_json__set(o, "per_s", bb_json__real(bb_unit__per_s(u, u->count)));
	o = bb_json__set(o, "threads", bb_json__u64(u->threads));
	o = bb_json__set(o, "mean_ns", whole(bb_unit__work_ns(u)));
	o = bb_json__set(o, "cpu_gil_ns", whole(held));
	o = bb_json__set(o, "cpu_free_ns", whole(u->has_gil ? cpu - held : cpu));
	o = bb_json__set(o, "states", unit__states(u));
	return bb_json__set(o, "why_not", bb_json__string(u->why_not[0] ? u->why_not : NULL));
}

json_t *bb_json__units(const struct bb_units *u)
{
	json_t *array;

	if (!u)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < u->nr; i++)
		array = bb_json__append(array, unit__row(&u->items[i]));
	return array;
}
