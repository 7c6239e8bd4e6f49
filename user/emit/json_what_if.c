/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json_what_if.h"

#include <inttypes.h>
#include <stdio.h>

static json_t *what_if__lock(const struct bb_lock *l)
{
	char addr[24];

	if (!l)
		return json_null();
	snprintf(addr, sizeof(addr), "0x%" PRIx64, l->addr);
	return json_string(addr);
}

static json_t *what_if__units(const struct bb_what_if *w, const struct bb_what_ifs *all)
{
	json_t *o;

	if (!all->unit)
		return json_null();
	o = json_object();
	o = bb_json__set(o, "kind", json_string(bb_unit__name(all->unit->kind)));
	o = bb_json__set(o, "now_per_s", bb_json__real(all->now.per_s));
	o = bb_json__set(o, "per_s", bb_json__real(w->rate.per_s));
	o = bb_json__set(o, "low_per_s", bb_json__real(w->rate.low));
	return bb_json__set(o, "high_per_s", bb_json__real(w->rate.high));
}

json_t *bb_json__what_if(const struct bb_what_if *w, const struct bb_what_ifs *all)
{
	json_t *o = json_object();

	o = bb_json__set(o, "change", json_string(bb_change__name(w->change)));
	o = bb_json__set(o, "amount", w->amount > 0 ? bb_json__real(w->amount) : json_null());
	o = bb_json__set(o, "of", json_string(all->capacity ? "capacity" : "throughput"));
	o = bb_json__set(o, "speedup", bb_json__real(w->speedup));
	o = bb_json__set(o, "low", bb_json__real(w->low));
	o = bb_json__set(o, "high", bb_json__real(w->high));
	o = bb_json__set(o, "units", what_if__units(w, all));
	o = bb_json__set(o, "lock", what_if__lock(w->lock));
	o = bb_json__set(o, "memory_bytes", bb_json__u64(w->memory_bytes));
	o = bb_json__set(o, "startup_ns", bb_json__u64(w->startup_ns));
	return bb_json__set(o, "because", bb_json__string(w->because));
}

json_t *bb_json__workers(const struct bb_what_ifs *w)
{
	json_t *o, *curve;

	if (!w || !w->workers.nr_curve)
		return json_null();
	o = json_object();
	o = bb_json__set(o, "kind", json_string(w->workers.processes ? "processes" : "threads"));
	o = bb_json__set(o, "now", json_integer(w->workers.now));
	o = bb_json__set(o, "best", json_integer(w->workers.best));
	o = bb_json__set(o, "because", bb_json__string(w->workers.why));
	curve = json_array();
	for (size_t i = 0; i < w->workers.nr_curve; i++) {
		const struct bb_workers_point *p = &w->workers.curve[i];
		json_t *point = json_object();

		point = bb_json__set(point, "n", json_integer(p->n));
		point = bb_json__set(point, "speedup", bb_json__real(p->speedup));
		point = bb_json__set(point, "low", bb_json__real(p->low));
		point = bb_json__set(point, "high", bb_json__real(p->high));
		curve = bb_json__append(curve, point);
	}
	return bb_json__set(o, "curve", curve);
}
