/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The leaves of the JSON document: each function makes one small jansson value
 * of one struct of the record. NULL is out of memory. Internal to user/emit.
 */
#ifndef BB_EMIT_JSON_ROWS_H
#define BB_EMIT_JSON_ROWS_H

#include <jansson.h>

#include "../diagnose/advice.h"
#include "../model/calls.h"
#include "emit.h"

/** bb_json__string - a string made valid UTF-8; JSON null for NULL. */
json_t *bb_json__string(const char *s);

/** bb_json__u64 - an integer; JSON null for BB_UNKNOWN_U64. */
json_t *bb_json__u64(uint64_t value);

/** bb_json__real - a number rounded to 6 significant digits; JSON null for NaN and infinities. */
json_t *bb_json__real(double value);

/** bb_json__ratio - @part / @whole as bb_json__real(); JSON null where there is no whole. */
json_t *bb_json__ratio(uint64_t part, uint64_t whole);

/**
 * bb_json__set - put @value under @key, taking it over.
 * Return @obj, or NULL with both released when out of memory or when either is NULL,
 * so that calls can be chained and checked once.
 */
json_t *bb_json__set(json_t *obj, const char *key, json_t *value);

/** bb_json__append - the same for an array. */
json_t *bb_json__append(json_t *array, json_t *value);

/* The parts of a budget: {"oncpu_ns": N, ...}, {"preempted_ns": N, ...}, {"proto_ns": N, ...} */
json_t *bb_json__states(const struct bb_budget *b);
json_t *bb_json__runq(const struct bb_budget *b);
json_t *bb_json__futex(const struct bb_budget *b);

json_t *bb_json__switches(uint64_t voluntary, uint64_t involuntary);
json_t *bb_json__advice(const struct bb_advice *a);

/** bb_json__hex - an address, as text. */
json_t *bb_json__hex(uint64_t addr);
json_t *bb_json__runtime(const struct bb_runtime *rt);
/** @r: what it was reached from, told step by step; NULL: nobody asked. */
json_t *bb_json__verdict(const struct bb_verdict *v, const struct bb_reason *r);
json_t *bb_json__wait(const struct bb_wait *w, const struct bb_emit_opts *opts);
json_t *bb_json__pauses(const struct bb_process *p, uint64_t window_ns);
json_t *bb_json__klock(const struct bb_klock *k);
json_t *bb_json__taker(const struct bb_taker *t);
json_t *bb_json__lock(const struct bb_lock *l, const struct bb_process *p, uint64_t window_ns,
		      const struct bb_emit_opts *opts);
json_t *bb_json__gil(const struct bb_process *p, uint64_t window_ns,
		     const struct bb_emit_opts *opts);
json_t *bb_json__hist(const uint64_t *hist);
json_t *bb_json__syscall_name(int32_t nr, const struct bb_emit_opts *opts);
json_t *bb_json__call(const struct bb_call *c, const struct bb_record *rec,
		      const struct bb_emit_opts *opts);
json_t *bb_json__thread(const struct bb_thread *t, const struct bb_process *p,
			const struct bb_emit_opts *opts);

#endif
