// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "json_code.h"

#include <math.h>
#include <stdlib.h>

#include "../model/code.h"
#include "../model/loop.h"
#include "../model/native.h"
#include "json_rows.h"
#include "names.h"

static json_t *json__frame(json_t *o, const struct bb_frame *f)
{
	o = bb_json__set(o, "function", bb_json__string(f ? f->function : NULL));
	o = bb_json__set(o, "file", bb_json__string(f ? f->file : NULL));
	return bb_json__set(o, "line", f && f->line ? json_integer(f->line) : json_null());
}

static bool has_state(enum bb_py_kind kind)
{
	return kind == BB_PY_BLOCKED || kind == BB_PY_HELD;
}

static json_t *json__state(json_t *o, enum bb_py_kind kind, enum bb_state state, int32_t syscall,
			   const struct bb_emit_opts *opts)
{
	bool known = has_state(kind);

	o = bb_json__set(o, "state", bb_json__string(known ? bb_state__name(state) : NULL));
	return bb_json__set(o, "syscall",
			    known && syscall >= 0 ? bb_json__syscall_name(syscall, opts)
						  : json_null());
}

static json_t *json__native(const struct bb_native *n)
{
	json_t *o = bb_json__set(json_object(), "symbol", bb_json__string(n->symbol));

	return bb_json__set(o, "object", bb_json__string(n->object));
}

static json_t *json__native_stack(const struct bb_native_stack *s)
{
	json_t *o = json_object(), *frames = json_array();

	for (size_t i = 0; i < s->nr; i++)
		frames = bb_json__append(frames, json__native(&s->frames[i]));
	o = bb_json__set(o, "samples", bb_json__u64(s->count));
	o = bb_json__set(o, "truncated", json_boolean(s->truncated));
	return bb_json__set(o, "frames", frames);
}

/* What ran natively at the samples of a row: {"samples": N, "tops": [...], "stacks": [...]}. */
static json_t *json__natives(const struct bb_code *c)
{
	json_t *o = json_object(), *array = json_array();
	struct bb_native_top *tops;
	uint64_t all = 0;
	size_t nr;

	if (bb_native__tops(c, &tops, &nr)) {
		json_decref(o);
		json_decref(array);
		return NULL;
	}
	for (size_t i = 0; i < nr; i++)
		all += tops[i].count;
	for (size_t i = 0; i < nr && i < BB_JSON_NATIVES; i++)
		array = bb_json__append(array, bb_json__set(json__native(tops[i].what), "samples",
							    bb_json__u64(tops[i].count)));
	free(tops);
	o = bb_json__set(o, "samples", bb_json__u64(all));
	o = bb_json__set(o, "tops", array);
	array = json_array();
	for (size_t i = 0; i < c->nr_natives && i < BB_JSON_NATIVES; i++)
		array = bb_json__append(array, json__native_stack(&c->natives[i]));
	return bb_json__set(o, "stacks", array);
}

/* The C code that a line of Python is in, where it is in one most of the time. */
static json_t *json__call(const struct bb_process *p, const struct bb_code_line *l)
{
	struct bb_native_call call;
	int found = l->frame ? bb_native__call(p, l->tid, l->frame, &call) : 0;
	json_t *o;

	if (found <= 0)
		return found ? NULL : json_null();
	o = bb_json__set(json_object(), "symbol", bb_json__string(call.symbol));
	o = bb_json__set(o, "object", bb_json__string(call.object));
	o = bb_json__set(o, "samples", bb_json__u64(call.count));
	return bb_json__set(o, "share", bb_json__ratio(call.count, call.samples));
}

static json_t *json__line(const struct bb_process *p, const struct bb_code_line *l,
			  enum bb_py_kind kind, const struct bb_emit_opts *opts)
{
	json_t *o = json_object();
	bool sampled = bb_code__is_sampled(kind);

	o = bb_json__set(o, "tid", l->tid ? json_integer(l->tid) : json_null());
	o = json__frame(o, l->frame);
	o = json__state(o, kind, l->state, l->syscall, opts);
	o = bb_json__set(o, "share", bb_json__real(l->share));
	o = bb_json__set(o, "ns", sampled ? json_null() : bb_json__u64(l->ns));
	o = bb_json__set(o, "count", bb_json__u64(l->count));
	o = bb_json__set(o, "max_ns", sampled ? json_null() : bb_json__u64(l->max_ns));
	o = bb_json__set(o, "c_call", kind == BB_PY_HOLDER ? json__call(p, l) : json_null());
	return bb_json__set(o, "waited_ns",
			    kind == BB_PY_HELD ? bb_json__u64(l->waited_ns) : json_null());
}

json_t *bb_json__lines(const struct bb_process *p, enum bb_py_kind kind,
		       const struct bb_emit_opts *opts)
{
	struct bb_code_line *lines;
	json_t *array = json_array();
	size_t nr;

	if (bb_code__lines(p, kind, true, &lines, &nr)) {
		json_decref(array);
		return NULL;
	}
	for (size_t i = 0; i < nr && i < BB_JSON_LINES; i++)
		array = bb_json__append(array, json__line(p, &lines[i], kind, opts));
	free(lines);
	return array;
}

json_t *bb_json__stack(const struct bb_code *c, const struct bb_emit_opts *opts)
{
	static const char *const kinds[] = {
		[BB_PY_HOLDER] = "gil-holder",     [BB_PY_WAITER] = "gil-waiter",
		[BB_PY_BLOCKED] = "blocked",       [BB_PY_HELD] = "off-cpu-with-gil",
		[BB_PY_ON_GIL] = "oncpu-with-gil", [BB_PY_ON_FREE] = "oncpu-without-gil",
	};
	json_t *o = json_object(), *frames = json_array();
	bool sampled = bb_code__is_sampled(c->kind);

	for (size_t i = 0; i < c->nr_frames; i++)
		frames = bb_json__append(frames, json__frame(json_object(), &c->frames[i]));
	o = bb_json__set(o, "kind", bb_json__string(kinds[c->kind]));
	o = bb_json__set(o, "tid", c->tid ? json_integer(c->tid) : json_null());
	o = json__state(o, c->kind, c->state, c->syscall, opts);
	o = bb_json__set(o, "ns", sampled ? json_null() : bb_json__u64(c->ns));
	o = bb_json__set(o, "count", bb_json__u64(c->count));
	o = bb_json__set(o, "truncated", json_boolean(c->truncated));
	o = bb_json__set(o, "native", sampled ? json__natives(c) : json_null());
	return bb_json__set(o, "frames", frames);
}

static json_t *json__blocker(const struct bb_blocker *b, const struct bb_emit_opts *opts)
{
	json_t *o = json__frame(json_object(), b->frame);

	o = bb_json__set(o, "task", b->task ? json__frame(json_object(), b->task) : json_null());
	o = bb_json__set(o, "state", bb_json__string(bb_state__name(b->state)));
	o = bb_json__set(o, "syscall",
			 b->syscall >= 0 ? bb_json__syscall_name(b->syscall, opts) : json_null());
	o = bb_json__set(o, "ns", bb_json__u64(b->ns));
	o = bb_json__set(o, "count",
			 b->state == BB_STATE_RUNQ ? json_null() : bb_json__u64(b->count));
	return bb_json__set(o, "max_ns",
			    b->state == BB_STATE_ONCPU || b->state == BB_STATE_RUNQ
				    ? json_null()
				    : bb_json__u64(b->max_ns));
}

json_t *bb_json__loop(const struct bb_process *p, const struct bb_loop *l,
		      const struct bb_emit_opts *opts)
{
	json_t *o = json_object(), *array = json_array();
	double secs = (double)l->window_ns / 1e9;
	uint64_t hist[BB_HIST_SLOTS];
	struct bb_blocker *rows;
	size_t nr;

	if (bb_loop__blockers(p, l, &rows, &nr)) {
		json_decref(o);
		json_decref(array);
		return NULL;
	}
	for (size_t i = 0; i < nr && i < BB_JSON_LINES; i++)
		array = bb_json__append(array, json__blocker(&rows[i], opts));
	free(rows);
	o = bb_json__set(o, "tid", json_integer(l->tid));
	o = bb_json__set(o, "kind", bb_json__string(bb_name__loop(l->kind)));
	o = bb_json__set(o, "exact", json_boolean(l->exact));
	o = bb_json__set(o, "turns", bb_json__u64(l->turns));
	o = bb_json__set(o, "turns_per_s", bb_json__real((double)l->turns / secs));
	o = bb_json__set(o, "busy_share", bb_json__ratio(l->busy_ns, l->window_ns));
	o = bb_json__set(o, "p50_ns", bb_json__u64(bb_loop__quantile(l, 0.5)));
	o = bb_json__set(o, "p99_ns", bb_json__u64(bb_loop__quantile(l, 0.99)));
	o = bb_json__set(o, "max_ns", bb_json__u64(l->max_ns));
	bb_loop__powers(l, hist);
	o = bb_json__set(o, "lag_hist", bb_json__hist(hist));
	o = bb_json__set(o, "long_turns", bb_json__u64(l->long_turns));
	o = bb_json__set(o, "long_ns", bb_json__u64(l->long_ns));
	o = bb_json__set(o, "long_max_ns", bb_json__u64(l->long_max_ns));
	return bb_json__set(o, "blockers", array);
}

json_t *bb_json__finding(const struct bb_finding *f, const struct bb_emit_opts *opts)
{
	const struct bb_loop *l = f->loop;
	json_t *o = json_object();

	o = bb_json__set(o, "id", bb_json__string(bb_finding__name(f->id)));
	o = bb_json__set(o, "text", bb_json__string(bb_finding__text(f->id)));
	o = bb_json__set(o, "tid", f->tid ? json_integer(f->tid) : json_null());
	o = json__frame(o, f->frame);
	o = bb_json__set(o, "task", f->task ? json__frame(json_object(), f->task) : json_null());
	o = bb_json__set(o, "state", bb_json__string(bb_state__name(f->state)));
	o = bb_json__set(o, "syscall",
			 f->syscall >= 0 ? bb_json__syscall_name(f->syscall, opts) : json_null());
	o = bb_json__set(o, "ns", bb_json__u64(f->ns));
	o = bb_json__set(o, "count", bb_json__u64(f->count));
	o = bb_json__set(o, "max_ns", bb_json__u64(f->max_ns));
	o = bb_json__set(o, "share", bb_json__real(f->share));
	o = bb_json__set(o, "waited_ns", bb_json__u64(f->waited_ns));
	o = bb_json__set(o, "lock", f->lock ? bb_json__hex(f->lock) : json_null());
	o = bb_json__set(o, "at_once", bb_json__real(f->at_once ? f->at_once : NAN));
	o = bb_json__set(o, "waiters_mean", bb_json__real(f->waiters ? f->waiters : NAN));
	o = bb_json__set(o, "loop", l ? bb_json__string(bb_name__loop(l->kind)) : json_null());
	o = bb_json__set(o, "lag_p99_ns",
			 l ? bb_json__u64(bb_loop__quantile(l, 0.99)) : json_null());
	o = bb_json__set(o, "lag_max_ns", l ? bb_json__u64(l->max_ns) : json_null());
	o = bb_json__set(o, "lag_exact", l ? json_boolean(l->exact) : json_null());
	o = bb_json__set(o, "rule", bb_json__string(bb_rules[f->rule].name));
	o = bb_json__set(o, "value", bb_json__real(f->value));
	return bb_json__set(o, "threshold", bb_json__real(bb_rule(f->rule)));
}

json_t *bb_json__walks(const struct bb_record *rec)
{
	json_t *o = json_object();

#define X(id, n, name, text) o = bb_json__set(o, name, bb_json__u64(rec->walks[n]));
	BB_WALKS(X)
#undef X
	return o;
}
