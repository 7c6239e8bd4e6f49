/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json_phases.h"

#include "json_rows.h"

json_t *bb_json__phase(const struct bb_phase *p)
{
	json_t *components = json_object(), *o = json_object();

	for (enum bb_bound i = 0; i < BB_BOUND_MAX; i++)
		components = bb_json__set(components, bb_bound__name(i),
					  bb_json__real(p->components[i]));
	o = bb_json__set(o, "start_ns", bb_json__u64(p->start_ns));
	o = bb_json__set(o, "ns", bb_json__u64(p->ns));
	o = bb_json__set(o, "bound", bb_json__string(bb_bound__name(p->bound)));
	o = bb_json__set(o, "stopped", json_boolean(p->stopped));
	o = bb_json__set(o, "confidence", bb_json__real(p->confidence));
	o = bb_json__set(o, "summary", bb_json__string(p->summary));
	o = bb_json__set(o, "states", bb_json__states(&p->budget));
	o = bb_json__set(o, "runq", bb_json__runq(&p->budget));
	o = bb_json__set(o, "gil_contended_share", bb_json__real(p->gil_share));
	o = bb_json__set(o, "lock_contended_share", bb_json__real(p->lock_share));
	/* Last, as it is taken over even when o is gone. */
	return bb_json__set(o, "components", components);
}

json_t *bb_json__repeats(const struct bb_phases *p)
{
	json_t *cycle, *o;

	if (!p || !p->period_ns)
		return json_null();
	cycle = json_array();
	for (size_t i = 0; i < p->nr_cycle; i++) {
		json_t *part = json_object();

		part = bb_json__set(part, "bound",
				    bb_json__string(bb_bound__name(p->cycle[i].bound)));
		part = bb_json__set(part, "stopped", json_boolean(p->cycle[i].stopped));
		part = bb_json__set(part, "ns", bb_json__u64(p->cycle[i].ns));
		cycle = bb_json__append(cycle, part);
	}
	o = json_object();
	o = bb_json__set(o, "period_ns", bb_json__u64(p->period_ns));
	o = bb_json__set(o, "cycles", bb_json__real(p->cycles));
	return bb_json__set(o, "phases", cycle);
}

json_t *bb_json__slices(const struct bb_record *rec)
{
	json_t *o;

	if (!rec->nr_slices)
		return json_null();
	o = json_object();
	o = bb_json__set(o, "count", bb_json__u64(rec->nr_slices));
	return bb_json__set(o, "mean_ns", bb_json__u64(rec->window.ns / rec->nr_slices));
}
