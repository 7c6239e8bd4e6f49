// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "json_stacks.h"

#include "json_rows.h"

static json_t *json__frame(const struct bb_stack_frame *f)
{
	static const char *const kinds[] = {
		[BB_FRAME_NATIVE] = "native",
		[BB_FRAME_PYTHON] = "python",
		[BB_FRAME_KERNEL] = "kernel",
	};
	json_t *o = json_object();

	o = bb_json__set(o, "kind", bb_json__string(kinds[f->kind]));
	o = bb_json__set(o, "name", bb_json__string(f->name));
	o = bb_json__set(o, "file", bb_json__string(f->object));
	return bb_json__set(o, "line", f->line ? json_integer(f->line) : json_null());
}

static json_t *json__waker(const struct bb_stack_row *r)
{
	json_t *o = json_object();

	o = bb_json__set(o, "interrupt", json_boolean(r->interrupt));
	o = bb_json__set(o, "tid", r->by_tid ? json_integer(r->by_tid) : json_null());
	o = bb_json__set(o, "pid", r->by_pid ? json_integer(r->by_pid) : json_null());
	o = bb_json__set(o, "comm", bb_json__string(r->by_comm[0] ? r->by_comm : NULL));
	o = bb_json__set(o, "blocked_ns", bb_json__u64(r->behind_ns));
	return bb_json__set(o, "blocked_state",
			    r->behind_ns ? bb_json__string(bb_state__name(r->behind))
					 : json_null());
}

json_t *bb_json__stack_row(const struct bb_stack_row *r, const struct bb_emit_opts *opts)
{
	static const char *const kinds[] = {
		[BB_STACK_BLOCKED] = "blocked",
		[BB_STACK_ONCPU] = "oncpu",
		[BB_STACK_WAKER] = "wakeup",
	};
	bool sampled = r->kind == BB_STACK_ONCPU, wakes = r->kind == BB_STACK_WAKER;
	json_t *o = json_object(), *frames = json_array();

	for (size_t i = 0; i < r->nr; i++)
		frames = bb_json__append(frames, json__frame(&r->frames[i]));
	o = bb_json__set(o, "kind", bb_json__string(kinds[r->kind]));
	o = bb_json__set(o, "state", bb_json__string(bb_state__name(r->state)));
	o = bb_json__set(o, "syscall",
			 r->syscall >= 0 ? bb_json__syscall_name(r->syscall, opts) : json_null());
	o = bb_json__set(o, "ns", sampled ? json_null() : bb_json__u64(r->ns));
	o = bb_json__set(o, "count", bb_json__u64(r->count));
	o = bb_json__set(o, "max_ns", sampled ? json_null() : bb_json__u64(r->max_ns));
	o = bb_json__set(o, "tid", wakes && r->tid ? json_integer(r->tid) : json_null());
	o = bb_json__set(o, "waker", wakes ? json__waker(r) : json_null());
	o = bb_json__set(o, "truncated", json_boolean(r->truncated));
	return bb_json__set(o, "frames", frames);
}
