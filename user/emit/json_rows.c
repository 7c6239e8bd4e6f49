/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The leaves of the JSON document. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "../model/code.h"
#include "escape.h"
#include "json_code.h"
#include "json_rows.h"
#include "names.h"

json_t *bb_json__string(const char *s)
{
	json_t *value;
	size_t len;
	char *safe;

	if (!s)
		return json_null();
	safe = bb_escape__utf8(s, strlen(s), &len);
	if (!safe)
		return NULL;
	value = json_stringn(safe, len);
	free(safe);
	return value;
}

json_t *bb_json__u64(uint64_t value)
{
	if (value == BB_UNKNOWN_U64)
		return json_null();
	/* JSON's integers end where jansson's do; 292 years in nanoseconds. */
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *bb_json__real(double value)
{
	char digits[32];

	if (!isfinite(value))
		return json_null();
	/* Written and read by one locale, so its decimal point does not matter. */
	snprintf(digits, sizeof(digits), "%.6g", value);
	value = strtod(digits, NULL);
	return json_real(value == 0 ? 0.0 : value); /* no "-0.0" */
}

json_t *bb_json__ratio(uint64_t part, uint64_t whole)
{
	if (part == BB_UNKNOWN_U64 || whole == BB_UNKNOWN_U64 || !whole)
		return json_null();
	return bb_json__real((double)part / (double)whole);
}

/* A share of the window; two clocks read one after the other may make it a hair over 1. */
static json_t *json__share(uint64_t part, uint64_t whole)
{
	return bb_json__ratio(part != BB_UNKNOWN_U64 && part > whole ? whole : part, whole);
}

json_t *bb_json__set(json_t *obj, const char *key, json_t *value)
{
	if (json_object_set_new(obj, key, value)) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

json_t *bb_json__append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value)) {
		json_decref(array);
		return NULL;
	}
	return array;
}

json_t *bb_json__hex(uint64_t addr)
{
	char hex[24];

	/* A string: readers that keep numbers as doubles would round an address. */
	snprintf(hex, sizeof(hex), "0x%" PRIx64, addr);
	return json_string(hex);
}

json_t *bb_json__states(const struct bb_budget *b)
{
	json_t *o = json_object();
	enum bb_state i;
	char key[24];

	for (i = 0; i < BB_STATE_MAX; i++) {
		snprintf(key, sizeof(key), "%s_ns", bb_state__name(i));
		o = bb_json__set(o, key, bb_json__u64(b->ns[i]));
	}
	return o;
}

json_t *bb_json__runq(const struct bb_budget *b)
{
	json_t *o = json_object();

	o = bb_json__set(o, "preempted_ns", bb_json__u64(b->runq_preempted_ns));
	o = bb_json__set(o, "woken_ns", bb_json__u64(b->runq_woken_ns));
	return bb_json__set(o, "throttled_ns", bb_json__u64(b->runq_throttled_ns));
}

json_t *bb_json__futex(const struct bb_budget *b)
{
	json_t *o = json_object();

	o = bb_json__set(o, "proto_ns", bb_json__u64(b->futex_proto_ns));
	o = bb_json__set(o, "handed_ns", bb_json__u64(b->futex_handed_ns));
	o = bb_json__set(o, "fed_ns", bb_json__u64(b->futex_fed_ns));
	return bb_json__set(o, "other_ns", bb_json__u64(b->futex_other_ns));
}

json_t *bb_json__switches(uint64_t voluntary, uint64_t involuntary)
{
	json_t *o = json_object();

	o = bb_json__set(o, "voluntary", bb_json__u64(voluntary));
	return bb_json__set(o, "involuntary", bb_json__u64(involuntary));
}

json_t *bb_json__runtime(const struct bb_runtime *rt)
{
	json_t *o;

	if (!rt->name[0])
		return json_null();
	o = json_object();
	o = bb_json__set(o, "name", bb_json__string(rt->name));
	o = bb_json__set(o, "version", bb_json__string(rt->version[0] ? rt->version : NULL));
	o = bb_json__set(o, "gil", bb_json__string(bb_name__gil_mode(rt->gil)));
	o = bb_json__set(o, "free_threaded", json_boolean(rt->free_threaded));
	o = bb_json__set(o, "gil_changed", json_boolean(rt->gil_changed));
	return bb_json__set(o, "note", bb_json__string(rt->note));
}

static json_t *json__evidence(const struct bb_evidence *e, size_t n)
{
	json_t *o, *array = json_array();
	size_t i;

	for (i = 0; i < n; i++) {
		o = json_object();
		o = bb_json__set(o, "fact", bb_json__string(e[i].fact));
		o = bb_json__set(o, "value", bb_json__real(e[i].value));
		o = bb_json__set(o, "threshold", bb_json__real(e[i].threshold));
		o = bb_json__set(o, "unit", bb_json__string(e[i].unit));
		o = bb_json__set(o, "rule",
				 bb_json__string(e[i].rule && e[i].rule[0] ? e[i].rule : NULL));
		array = bb_json__append(array, o);
	}
	return array;
}

static json_t *json__steps(const struct bb_reason *r, const struct bb_verdict *v)
{
	json_t *array = json_array();
	struct bb_steps steps;

	bb_explain__of(&steps, r, v);
	for (size_t i = 0; i < steps.nr; i++) {
		const struct bb_step *step = &steps.items[i];
		bool ruled = step->rule < BB_R_MAX;
		json_t *o = json_object();

		o = bb_json__set(o, "stage", bb_json__string(bb_stage__name(step->stage)));
		o = bb_json__set(o, "text", bb_json__string(step->text));
		o = bb_json__set(o, "value", bb_json__real(step->value));
		o = bb_json__set(o, "unit", bb_json__string(step->unit));
		o = bb_json__set(o, "rule",
				 bb_json__string(ruled ? bb_rules[step->rule].name : NULL));
		o = bb_json__set(o, "threshold", bb_json__real(ruled ? bb_rule(step->rule) : NAN));
		array = bb_json__append(array, o);
	}
	return array;
}

json_t *bb_json__verdict(const struct bb_verdict *v, const struct bb_reason *r)
{
	json_t *components = json_object(), *o = json_object();
	enum bb_bound i;

	for (i = 0; i < BB_BOUND_MAX; i++)
		components = bb_json__set(components, bb_bound__name(i),
					  bb_json__real(v->components[i]));
	o = bb_json__set(o, "bound", bb_json__string(bb_bound__name(v->bound)));
	o = bb_json__set(o, "confidence", bb_json__real(v->confidence));
	o = bb_json__set(o, "summary", bb_json__string(v->summary));
	o = bb_json__set(o, "evidence", json__evidence(v->evidence, v->nr_evidence));
	o = bb_json__set(o, "against", json__evidence(v->against, v->nr_against));
	o = bb_json__set(o, "runner_up",
			 bb_json__string(v->runner_up < BB_BOUND_MAX ? bb_bound__name(v->runner_up)
								     : NULL));
	o = bb_json__set(o, "steps", r ? json__steps(r, v) : json_null());
	/* Last, as it is taken over even when o is gone. */
	return bb_json__set(o, "components", components);
}

/* "": not known, or none. */
static json_t *json__words(const char *s)
{
	return bb_json__string(*s ? s : NULL);
}

json_t *bb_json__advice(const struct bb_advice *a)
{
	json_t *o = json_object();

	o = bb_json__set(o, "id", bb_json__string(bb_advice__name(a->id)));
	o = bb_json__set(o, "text", bb_json__string(a->text));
	o = bb_json__set(o, "because", bb_json__string(a->because));
	o = bb_json__set(o, "gain", json__words(a->gain));
	o = bb_json__set(o, "gain_most", bb_json__real(a->gain_most));
	o = bb_json__set(o, "cost", json__words(a->cost));
	o = bb_json__set(o, "check", bb_json__string(a->check));
	return bb_json__set(o, "expect", json__words(a->expect));
}

json_t *bb_json__syscall_name(int nr, const struct bb_emit_opts *opts)
{
	return bb_json__string(nr >= 0 && opts->syscall_name ? opts->syscall_name(nr) : NULL);
}

json_t *bb_json__wait(const struct bb_wait *w, const struct bb_emit_opts *opts)
{
	json_t *o = json_object();
	const char *origin = w->syscall >= 0 ? "syscall" : w->syscall == -1 ? "none" : "several";

	o = bb_json__set(o, "state", bb_json__string(bb_state__name(w->state)));
	o = bb_json__set(o, "origin", bb_json__string(origin));
	o = bb_json__set(o, "syscall", bb_json__syscall_name(w->syscall, opts));
	o = bb_json__set(o, "nr", w->syscall >= 0 ? json_integer(w->syscall) : json_null());
	o = bb_json__set(o, "fdkind", bb_json__string(bb_name__fdkind(w->fdkind)));
	o = bb_json__set(o, "fd", w->fd >= 0 ? json_integer(w->fd) : json_null());
	o = bb_json__set(o, "endpoint", bb_json__string(bb_name__endpoint(w->endpoint)));
	o = bb_json__set(o, "label", bb_json__string(w->label[0] ? w->label : NULL));
	o = bb_json__set(o, "peers", w->peers ? json_integer(w->peers) : json_null());
	o = bb_json__set(o, "count", bb_json__u64(w->count));
	o = bb_json__set(o, "wait_ns", bb_json__u64(w->ns));
	o = bb_json__set(o, "max_ns", bb_json__u64(w->max_ns));
	return bb_json__set(o, "open", json_boolean(w->open));
}

json_t *bb_json__pauses(const struct bb_process *p, uint64_t window_ns)
{
	json_t *o = json_object();
	struct bb_pauses s;

	if (!bb_process__pauses(p, &s)) {
		json_decref(o);
		return json_null();
	}
	o = bb_json__set(o, "count", bb_json__u64(s.count));
	o = bb_json__set(o, "wall_ns", bb_json__u64(s.wall_ns));
	o = bb_json__set(o, "wall_share", json__share(s.wall_ns, window_ns));
	o = bb_json__set(o, "wait_ns", bb_json__u64(s.wait_ns));
	o = bb_json__set(o, "max_ns", bb_json__u64(s.max_ns));
	o = bb_json__set(o, "request_ns", bb_json__u64(s.request_ns));
	return bb_json__set(o, "threads_max", json_integer(s.threads_max));
}

json_t *bb_json__klock(const struct bb_klock *k)
{
	json_t *o = json_object();

	o = bb_json__set(o, "kind", bb_json__string(bb_name__klock(k->kind)));
	o = bb_json__set(o, "access",
			 bb_json__string(k->writes  ? "write"
					 : k->reads ? "read"
						    : NULL));
	o = bb_json__set(o, "lock", bb_json__string(k->mmap ? "mmap_lock" : NULL));
	o = bb_json__set(o, "function", bb_json__string(k->function[0] ? k->function : NULL));
	o = bb_json__set(o, "ns", bb_json__u64(k->ns));
	o = bb_json__set(o, "count", bb_json__u64(k->count));
	return bb_json__set(o, "max_ns", bb_json__u64(k->max_ns));
}

json_t *bb_json__taker(const struct bb_taker *t)
{
	json_t *o = json_object();

	o = bb_json__set(o, "pid", t->pid ? json_integer(t->pid) : json_null());
	o = bb_json__set(o, "comm", bb_json__string(t->idle ? NULL : t->comm));
	o = bb_json__set(o, "own", json_boolean(t->own));
	o = bb_json__set(o, "idle", json_boolean(t->idle));
	o = bb_json__set(o, "ns", bb_json__u64(t->ns));
	o = bb_json__set(o, "count", bb_json__u64(t->count));
	return bb_json__set(o, "max_ns", bb_json__u64(t->max_ns));
}

static json_t *lock__quantile(const struct bb_lock *l, double q)
{
	return bb_json__u64(l->hist ? bb_hist__quantile(l->hist, q, l->max_ns) : BB_UNKNOWN_U64);
}

static json_t *json__lock_holder(const struct bb_lock_holder *h, const struct bb_emit_opts *opts)
{
	json_t *o = json_object();
	const struct bb_wait *w = &h->wait;

	o = bb_json__set(o, "tid", h->tid ? json_integer(h->tid) : json_null());
	o = bb_json__set(o, "pid", h->pid ? json_integer(h->pid) : json_null());
	o = bb_json__set(o, "comm", bb_json__string(h->comm));
	o = bb_json__set(o, "owns", json_boolean(h->owns));
	o = bb_json__set(o, "ns", bb_json__u64(h->ns));
	o = bb_json__set(o, "count", bb_json__u64(h->count));
	o = bb_json__set(o, "function", bb_json__string(h->code.function));
	o = bb_json__set(o, "file", bb_json__string(h->code.file));
	o = bb_json__set(o, "line", h->code.line ? json_integer(h->code.line) : json_null());
	o = bb_json__set(o, "blocked_ns", bb_json__u64(w->ns));
	o = bb_json__set(o, "blocked_max_ns", bb_json__u64(w->max_ns));
	o = bb_json__set(o, "state",
			 w->ns ? bb_json__string(bb_state__name(w->state)) : json_null());
	o = bb_json__set(o, "syscall",
			 w->ns ? bb_json__syscall_name(w->syscall, opts) : json_null());
	o = bb_json__set(o, "label", bb_json__string(w->label[0] ? w->label : NULL));
	return bb_json__set(o, "lock", h->futex ? bb_json__hex(h->futex) : json_null());
}

/* The same for each process that has it mapped. */
static json_t *lock__memory(const struct bb_lock *l)
{
	char text[64];

	if (!l->inode)
		return json_null();
	snprintf(text, sizeof(text), "%u:%u:%" PRIu64 "+0x%" PRIx64, major(l->dev), minor(l->dev),
		 l->inode, l->offset);
	return bb_json__string(text);
}

json_t *bb_json__lock(const struct bb_lock *l, const struct bb_process *p, uint64_t window_ns,
		      const struct bb_emit_opts *opts)
{
	json_t *o = json_object(), *ended = json_object(), *holders = json_array();
	const struct bb_lock_holder *h;
	bool rw = l->kind == BB_LOCK_RWLOCK;
	uint64_t known = 0;
	size_t nr;

	h = bb_process__lock_holders(p, l->addr, &nr);
	for (size_t i = 0; i < nr; i++) {
		holders = bb_json__append(holders, json__lock_holder(&h[i], opts));
		known += h[i].ns;
	}
	ended = bb_json__set(ended, "proto_ns", bb_json__u64(l->proto_ns));
	ended = bb_json__set(ended, "handed_ns", bb_json__u64(l->handed_ns));
	ended = bb_json__set(ended, "fed_ns", bb_json__u64(l->fed_ns));
	ended = bb_json__set(ended, "other_ns", bb_json__u64(l->other_ns));
	o = bb_json__set(o, "addr", bb_json__hex(l->addr));
	o = bb_json__set(o, "shared", json_boolean(l->shared));
	o = bb_json__set(o, "kind", bb_json__string(bb_name__lock_kind(l->kind)));
	o = bb_json__set(o, "rule", bb_json__string(bb_name__lock_rule(l->rule)));
	o = bb_json__set(o, "state", bb_json__string(bb_state__name(l->state)));
	o = bb_json__set(o, "place", bb_json__string(l->place));
	o = bb_json__set(o, "symbol", bb_json__string(l->symbol));
	o = bb_json__set(o, "object", bb_json__string(l->object));
	o = bb_json__set(o, "code", bb_json__string(l->code));
	o = bb_json__set(o, "contended_ns", bb_json__u64(l->contended_ns));
	o = bb_json__set(o, "contended_share", json__share(l->contended_ns, window_ns));
	o = bb_json__set(o, "contended_most_ns",
			 bb_json__u64(l->processes ? l->contended_most_ns : l->contended_ns));
	o = bb_json__set(o, "processes", json_integer(l->processes ? l->processes : 1));
	o = bb_json__set(o, "memory", lock__memory(l));
	o = bb_json__set(o, "wait_ns", bb_json__u64(l->wait_ns));
	o = bb_json__set(o, "max_ns", bb_json__u64(l->max_ns));
	o = bb_json__set(o, "p50_ns", lock__quantile(l, 0.5));
	o = bb_json__set(o, "p99_ns", lock__quantile(l, 0.99));
	o = bb_json__set(o, "waits", bb_json__u64(l->waits));
	o = bb_json__set(o, "write_waits", bb_json__u64(rw ? l->write_waits : BB_UNKNOWN_U64));
	o = bb_json__set(o, "write_wait_ns", bb_json__u64(rw ? l->write_ns : BB_UNKNOWN_U64));
	o = bb_json__set(o, "waiters_mean", bb_json__ratio(l->wait_ns, window_ns));
	o = bb_json__set(o, "waiters_max", json_integer(l->waiters_max));
	o = bb_json__set(o, "known_ns", bb_json__u64(known));
	o = bb_json__set(o, "gone_owner",
			 l->gone_owner ? json_integer(l->gone_owner) : json_null());
	o = bb_json__set(o, "holders", holders);
	return bb_json__set(o, "ended", ended);
}

json_t *bb_json__hist(const uint64_t *hist)
{
	json_t *o, *array = json_array();
	size_t i;

	for (i = 0; i < BB_HIST_SLOTS; i++) {
		if (!hist[i])
			continue;
		o = json_object();
		o = bb_json__set(o, "from_ns", json_integer(i ? 1LL << i : 0));
		o = bb_json__set(o, "to_ns",
				 i + 1 < BB_HIST_SLOTS ? json_integer(1LL << (i + 1))
						       : json_null());
		o = bb_json__set(o, "count", bb_json__u64(hist[i]));
		array = bb_json__append(array, o);
	}
	return array;
}

/* The figures that one interpreter lock and the sum of several have in common. */
static json_t *json__gil_figures(json_t *o, const struct bb_gil *g, uint64_t window_ns)
{
	o = bb_json__set(o, "contended_share", json__share(g->contended_ns, window_ns));
	o = bb_json__set(o, "contended_ns", bb_json__u64(g->contended_ns));
	o = bb_json__set(o, "waiters_mean", bb_json__ratio(g->wait_ns, window_ns));
	o = bb_json__set(o, "waiters_max", json_integer(g->waiters_max));
	o = bb_json__set(o, "wait_ns", bb_json__u64(g->wait_ns));
	o = bb_json__set(o, "max_ns", bb_json__u64(g->max_ns));
	o = bb_json__set(o, "acquisitions", bb_json__u64(g->acquisitions));
	o = bb_json__set(o, "p50_ns", bb_json__u64(bb_hist__quantile(g->hist, 0.5, g->max_ns)));
	o = bb_json__set(o, "p99_ns", bb_json__u64(bb_hist__quantile(g->hist, 0.99, g->max_ns)));
	o = bb_json__set(o, "known_ns", bb_json__u64(g->given_ns));
	o = bb_json__set(o, "hand_over_ns", bb_json__u64(g->hand_over_ns));
	return bb_json__set(o, "wait_hist", bb_json__hist(g->hist));
}

static json_t *json__interpreter(const struct bb_gil *g, uint64_t window_ns, struct bb_held held)
{
	json_t *o = json_object();

	o = bb_json__set(o, "interpreter",
			 g->interpreter >= 0 ? json_integer(g->interpreter) : json_null());
	o = bb_json__set(o, "addr", bb_json__hex(g->addr));
	o = bb_json__set(o, "held_share", bb_json__real(held.share));
	o = bb_json__set(o, "held_error", bb_json__real(held.error));
	o = bb_json__set(o, "free_share", bb_json__real(1 - held.share));
	o = bb_json__set(o, "interval_ns",
			 bb_json__u64(g->interval_us == BB_UNKNOWN_U64 ? g->interval_us
								       : g->interval_us * 1000));
	return json__gil_figures(o, g, window_ns);
}

/*
 * Waits and acquisitions of several interpreters add up. Their contended times
 * overlap, so the sum would say too much: the most contended one speaks for all.
 */
static void gil__add(struct bb_gil *to, const struct bb_gil *g)
{
	size_t i;

	to->wait_ns += g->wait_ns;
	to->acquisitions += g->acquisitions;
	to->given_ns += g->given_ns;
	to->hand_over_ns += g->hand_over_ns;
	for (i = 0; i < BB_HIST_SLOTS; i++)
		to->hist[i] += g->hist[i];
	if (g->contended_ns > to->contended_ns)
		to->contended_ns = g->contended_ns;
	if (g->max_ns > to->max_ns)
		to->max_ns = g->max_ns;
	if (g->waiters_max > to->waiters_max)
		to->waiters_max = g->waiters_max;
}

json_t *bb_json__gil(const struct bb_process *p, uint64_t window_ns,
		     const struct bb_emit_opts *opts)
{
	struct bb_held held = bb_gil__held(p, NULL, window_ns), of;
	json_t *o, *interpreters;
	struct bb_gil sum = {};
	uint64_t interval_us;
	size_t i;

	if (!p->nr_gils)
		return json_null();
	interval_us = p->gils[0].interval_us;
	interpreters = json_array();
	for (i = 0; i < p->nr_gils; i++) {
		gil__add(&sum, &p->gils[i]);
		if (p->gils[i].interval_us != interval_us)
			interval_us = BB_UNKNOWN_U64;
		of = bb_gil__held(p, &p->gils[i], window_ns);
		interpreters = bb_json__append(interpreters,
					       json__interpreter(&p->gils[i], window_ns, of));
	}
	o = bb_json__set(json_object(), "held_share", bb_json__real(held.share));
	o = bb_json__set(o, "held_error", bb_json__real(held.error));
	o = bb_json__set(o, "free_share", bb_json__real(1 - held.share));
	o = json__gil_figures(o, &sum, window_ns);
	o = bb_json__set(o, "interval_ns",
			 bb_json__u64(interval_us == BB_UNKNOWN_U64 ? interval_us
								    : interval_us * 1000));
	o = bb_json__set(o, "holders", bb_json__lines(p, BB_PY_HOLDER, opts));
	o = bb_json__set(o, "waiters", bb_json__lines(p, BB_PY_WAITER, opts));
	o = bb_json__set(o, "off_cpu", bb_json__lines(p, BB_PY_HELD, opts));
	return bb_json__set(o, "interpreters", interpreters);
}

static json_t *json__outcomes(const struct bb_syscall *s)
{
	json_t *o, *array = json_array();

	for (int i = 0; i < BB_OUT_MAX; i++) {
		if (!s->outcomes[i].count)
			continue;
		o = json_object();
		o = bb_json__set(o, "outcome", bb_json__string(bb_name__outcome(s->kind, i)));
		o = bb_json__set(o, "count", bb_json__u64(s->outcomes[i].count));
		o = bb_json__set(o, "total_ns", bb_json__u64(s->outcomes[i].ns));
		array = bb_json__append(array, o);
	}
	return array;
}

json_t *bb_json__call(const struct bb_call *c, const struct bb_record *rec,
		      const struct bb_emit_opts *opts)
{
	const struct bb_syscall *s = &c->traced;
	bool adds_up = bb_call_kind__adds_up(s->kind);
	json_t *o = json_object();

	o = bb_json__set(o, "name", bb_json__syscall_name(s->nr, opts));
	o = bb_json__set(o, "nr", s->nr >= 0 ? json_integer(s->nr) : json_null());
	o = bb_json__set(o, "op", bb_json__string(bb_name__futex_op(s->kind)));
	o = bb_json__set(o, "count", bb_json__u64(s->count));
	o = bb_json__set(o, "errors", bb_json__u64(s->errors));
	o = bb_json__set(o, "total_ns", bb_json__u64(s->ns));
	o = bb_json__set(o, "max_ns", bb_json__u64(s->max_ns));
	o = bb_json__set(o, "inside_ns", bb_json__u64(s->inside_ns));
	o = bb_json__set(o, "waits", bb_json__u64(c->waits));
	o = bb_json__set(o, "blocked_ns", bb_json__u64(c->blocked_ns));
	o = bb_json__set(o, "blocked_max_ns", bb_json__u64(c->blocked_max_ns));
	o = bb_json__set(o, "blocked_share", bb_json__real(bb_call__blocked_share(rec, c)));
	o = bb_json__set(o, "amount", adds_up ? bb_json__u64(s->amount) : json_null());
	o = bb_json__set(o, "unit", bb_json__string(bb_name__unit(s->kind)));
	return bb_json__set(o, "outcomes",
			    s->count == BB_UNKNOWN_U64 ? json_null() : json__outcomes(s));
}

static json_t *json__thread_gil(const struct bb_thread *t, const struct bb_process *p)
{
	struct bb_held held = bb_gil__held_oncpu(t);
	const uint64_t *hist = t->gil_hist;
	json_t *o;

	if (!p->nr_gils)
		return json_null();
	o = json_object();
	o = bb_json__set(o, "held_share", bb_json__real(held.share));
	o = bb_json__set(o, "held_error", bb_json__real(held.error));
	o = bb_json__set(o, "held_off_cpu_ns", bb_json__u64(t->gil_held_off_ns));
	o = bb_json__set(o, "held_contended_ns", bb_json__u64(bb_gil__held_ns(p, t->tid)));
	o = bb_json__set(o, "forced", bb_json__u64(t->gil_forced));
	o = bb_json__set(o, "p50_ns",
			 bb_json__u64(hist ? bb_hist__quantile(hist, 0.5, t->gil_wait_max_ns)
					   : BB_UNKNOWN_U64));
	o = bb_json__set(o, "p99_ns",
			 bb_json__u64(hist ? bb_hist__quantile(hist, 0.99, t->gil_wait_max_ns)
					   : BB_UNKNOWN_U64));
	o = bb_json__set(o, "wait_hist", hist ? bb_json__hist(hist) : json_array());
	o = bb_json__set(o, "wait_ns", bb_json__u64(t->budget.ns[BB_STATE_GIL]));
	o = bb_json__set(o, "max_ns", bb_json__u64(t->gil_wait_max_ns));
	return bb_json__set(o, "acquisitions", bb_json__u64(t->gil_acquisitions));
}

json_t *bb_json__thread(const struct bb_thread *t, const struct bb_process *p,
			const struct bb_emit_opts *opts)
{
	json_t *o = json_object(), *waits = json_array();
	size_t i;

	for (i = 0; i < t->nr_waits; i++)
		waits = bb_json__append(waits, bb_json__wait(&t->waits[i], opts));
	o = bb_json__set(o, "tid", json_integer(t->tid));
	o = bb_json__set(o, "comm", bb_json__string(t->comm));
	o = bb_json__set(o, "name", bb_json__string(t->name));
	o = bb_json__set(o, "active", json_boolean(t->active));
	o = bb_json__set(o, "born", json_boolean(t->born));
	o = bb_json__set(o, "ended", json_boolean(t->ended));
	o = bb_json__set(o, "unseen", json_boolean(t->unseen));
	o = bb_json__set(o, "start_ns", bb_json__u64(t->start_ns));
	o = bb_json__set(o, "window_ns", bb_json__u64(t->window_ns));
	o = bb_json__set(o, "residual_ns", json_integer(bb_thread__residual(t)));
	o = bb_json__set(o, "states", bb_json__states(&t->budget));
	o = bb_json__set(o, "runq", bb_json__runq(&t->budget));
	o = bb_json__set(o, "futex", bb_json__futex(&t->budget));
	o = bb_json__set(o, "kernel_ns", bb_json__u64(t->kernel_ns));
	o = bb_json__set(o, "gil", json__thread_gil(t, p));
	o = bb_json__set(o, "switches", bb_json__switches(t->voluntary, t->involuntary));
	o = bb_json__set(o, "migrations", bb_json__u64(t->migrations));
	return bb_json__set(o, "waits", waits);
}
