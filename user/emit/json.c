/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The JSON document, schema boundby/1 (docs/schema.json).
 *
 * Written as it goes: only one row is a jansson value at a time, so that ten
 * thousand threads do not cost a hundred megabytes. Objects and arrays of the
 * upper levels are opened and closed here, a member or a row a line; in the
 * compact form the whole document is one line.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../diagnose/advice.h"
#include "../util/fmt.h"
#include "json_code.h"
#include "json_phases.h"
#include "json_rows.h"
#include "json_stacks.h"
#include "json_units.h"
#include "json_what_if.h"
#include "names.h"
#include "out.h"
#include "tree.h"

struct writer {
	struct bb_out out;
	const struct bb_record *rec;
	const struct bb_emit_opts *opts;
	uint64_t window_ns;
	unsigned int depth;
	bool first; /* nothing yet in the object or array that is open */
};

static void writer__next(struct writer *w, const char *key)
{
	if (!w->first)
		bb_out__write(&w->out, ",", 1);
	w->first = false;
	if (!w->opts->compact && w->depth)
		bb_out__printf(&w->out, "\n%*s", 2 * (int)w->depth, "");
	/* Keys are ours: plain ASCII. */
	if (key)
		bb_out__printf(&w->out, w->opts->compact ? "\"%s\":" : "\"%s\": ", key);
}

static void writer__open(struct writer *w, const char *key, const char *bracket)
{
	writer__next(w, key);
	bb_out__write(&w->out, bracket, 1);
	w->depth++;
	w->first = true;
}

static void writer__close(struct writer *w, const char *bracket)
{
	w->depth--;
	if (!w->opts->compact && !w->first)
		bb_out__printf(&w->out, "\n%*s", 2 * (int)w->depth, "");
	bb_out__write(&w->out, bracket, 1);
	w->first = false;
}

static int writer__chunk(const char *s, size_t len, void *data)
{
	struct bb_out *out = data;

	bb_out__write(out, s, len);
	return out->err ? -1 : 0;
}

/* Takes over @value; NULL, from a failed allocation, ends the document. */
static void writer__value(struct writer *w, const char *key, json_t *value)
{
	size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);

	if (w->opts->compact)
		flags |= JSON_COMPACT;
	if (!value) {
		bb_out__fail(&w->out, -ENOMEM);
		return;
	}
	writer__next(w, key);
	if (json_dump_callback(value, writer__chunk, &w->out, flags))
		bb_out__fail(&w->out, -ENOMEM);
	json_decref(value);
}

static void writer__string(struct writer *w, const char *key, const char *s)
{
	writer__value(w, key, bb_json__string(s));
}

static void json__window(struct writer *w, const struct bb_record *rec)
{
	json_t *o = json_object();
	char time[BB_FMT_LEN];

	bb_fmt__time(time, sizeof(time), rec->window.start_realtime_ns);
	o = bb_json__set(o, "start", json_string(time));
	o = bb_json__set(o, "ns", bb_json__u64(rec->window.ns));
	o = bb_json__set(o, "asked_ns",
			 rec->window.asked_ns ? bb_json__u64(rec->window.asked_ns) : json_null());
	o = bb_json__set(o, "cut_short", json_boolean(rec->window.cut_short));
	o = bb_json__set(o, "slices", bb_json__slices(rec));
	writer__value(w, "window", o);
}

static void json__host(struct writer *w, const struct bb_record *rec)
{
	json_t *o = json_object();

	o = bb_json__set(o, "kernel", bb_json__string(rec->host.kernel));
	o = bb_json__set(o, "cpus_online", json_integer(rec->host.cpus_online));
	o = bb_json__set(o, "busy_share", bb_json__real(rec->host.busy_share));
	o = bb_json__set(o, "runq_exact", json_boolean(rec->host.runq_exact));
	o = bb_json__set(o, "kernel_locks", json_boolean(rec->host.klocks));
	writer__value(w, "host", o);
}

static void json__command(struct writer *w, int status)
{
	json_t *o;

	if (status == -1) {
		writer__value(w, "command", json_null());
		return;
	}
	o = json_object();
	o = bb_json__set(o, "exit_status",
			 WIFEXITED(status) ? json_integer(WEXITSTATUS(status)) : json_null());
	o = bb_json__set(o, "signal",
			 WIFSIGNALED(status) ? json_integer(WTERMSIG(status)) : json_null());
	writer__value(w, "command", o);
}

static json_t *json__cmdline(char *const *argv)
{
	json_t *array;

	if (!argv)
		return json_null();
	for (array = json_array(); *argv; argv++)
		array = bb_json__append(array, bb_json__string(*argv));
	return array;
}

/* Who it is. A tree is nobody in particular: all of it is null. */
static void json__identity(struct writer *w, const struct bb_process *p, bool tree)
{
	writer__value(w, "pid", tree ? json_null() : json_integer(p->pid));
	writer__value(w, "ppid", tree || p->ppid < 0 ? json_null() : json_integer(p->ppid));
	writer__string(w, "comm", tree ? NULL : p->comm);
	writer__string(w, "exe", p->exe);
	writer__value(w, "cmdline", json__cmdline(p->cmdline));
	writer__string(w, "cgroup", p->cgroup);
	writer__string(w, "container", p->container);
	writer__value(w, "kernel_thread", tree ? json_null() : json_boolean(p->kernel_thread));
	writer__value(w, "born", tree ? json_null() : json_boolean(p->born));
	writer__value(w, "ended", tree ? json_null() : json_boolean(p->ended));
	writer__value(w, "execed", tree ? json_null() : json_boolean(p->execed));
	writer__value(w, "exit_signal",
		      p->exit_signal ? json_integer(p->exit_signal) : json_null());
	writer__value(w, "cpus_usable", bb_json__real(p->cpus_usable));
	writer__value(w, "rss_bytes", bb_json__u64(p->rss_bytes));
	writer__value(w, "runtime", bb_json__runtime(&p->runtime));
}

static json_t *json__folded(const struct bb_process *p)
{
	json_t *o = json_object();

	o = bb_json__set(o, "threads", bb_json__u64(p->folded_threads));
	o = bb_json__set(o, "window_ns", bb_json__u64(p->folded_window_ns));
	return bb_json__set(o, "states", bb_json__states(&p->folded));
}

static void json__budget(struct writer *w, const struct bb_process *p, uint64_t active)
{
	json_t *o = json_object();

	writer__value(w, "states", bb_json__states(&p->budget));
	writer__value(w, "runq", bb_json__runq(&p->budget));
	writer__value(w, "futex", bb_json__futex(&p->budget));
	writer__value(w, "window_ns", bb_json__u64(p->window_ns));
	writer__value(w, "residual_ns", json_integer(bb_process__residual(p)));
	writer__value(w, "kernel_ns", bb_json__u64(p->kernel_ns));
	writer__value(w, "switches", bb_json__switches(p->voluntary, p->involuntary));
	writer__value(w, "migrations", bb_json__u64(p->migrations));
	o = bb_json__set(o, "listed", bb_json__u64(p->nr_threads));
	o = bb_json__set(o, "folded", bb_json__u64(p->folded_threads));
	o = bb_json__set(o, "active", bb_json__u64(active));
	o = bb_json__set(o, "born", bb_json__u64(p->threads_born));
	o = bb_json__set(o, "ended", bb_json__u64(p->threads_ended));
	writer__value(w, "thread_counts", o);
	writer__value(w, "folded", json__folded(p));
}

static void json__calls(struct writer *w, const struct bb_process *p)
{
	struct bb_call *calls;
	size_t nr;
	int err = bb_process__calls(w->rec, p, &calls, &nr);

	if (err) {
		bb_out__fail(&w->out, err);
		return;
	}
	writer__open(w, "syscalls", "[");
	for (size_t i = 0; i < nr && !w->out.err; i++)
		writer__value(w, NULL, bb_json__call(&calls[i], w->rec, w->opts));
	writer__close(w, "]");
	free(calls);
}

static void json__rows(struct writer *w, const struct bb_process *p)
{
	size_t i;

	writer__open(w, "threads", "[");
	for (i = 0; i < p->nr_threads && !w->out.err; i++)
		writer__value(w, NULL, bb_json__thread(&p->threads[i], p, w->opts));
	writer__close(w, "]");

	writer__open(w, "locks", "[");
	for (i = 0; i < p->nr_locks && !w->out.err; i++)
		writer__value(w, NULL, bb_json__lock(&p->locks[i], p, w->window_ns, w->opts));
	writer__close(w, "]");

	writer__open(w, "waits", "[");
	for (i = 0; i < p->nr_waits && !w->out.err; i++)
		writer__value(w, NULL, bb_json__wait(&p->waits[i], w->opts));
	writer__close(w, "]");

	json__calls(w, p);
	writer__open(w, "loops", "[");
	for (i = 0; i < p->nr_loops && i < BB_JSON_LINES && !w->out.err; i++)
		writer__value(w, NULL, bb_json__loop(p, &p->loops[i], w->opts));
	writer__close(w, "]");
	writer__open(w, "code", "[");
	for (i = 0; i < p->nr_code && !w->out.err; i++)
		writer__value(w, NULL, bb_json__stack(&p->code[i], w->opts));
	writer__close(w, "]");
	if (!p->stacks_asked) {
		writer__value(w, "stacks", json_null());
		return;
	}
	writer__open(w, "stacks", "[");
	for (i = 0; i < p->nr_stacks && !w->out.err; i++)
		writer__value(w, NULL, bb_json__stack_row(&p->stacks[i], w->opts));
	writer__close(w, "]");
}

/* @i: the process, or their number: all together. */
static void json__advice(struct writer *w, const struct bb_diagnosis *diag, size_t i)
{
	struct bb_advices advices;

	bb_advice__for(&advices, w->rec, diag, i);
	writer__open(w, "advice", "[");
	for (size_t n = 0; n < advices.nr && !w->out.err; n++)
		writer__value(w, NULL, bb_json__advice(&advices.items[n]));
	writer__close(w, "]");
}

/* @i: the process, or their number: all together, which @p is the sum of. */
static void json__process(struct writer *w, const struct bb_process *p,
			  const struct bb_diagnosis *diag, size_t i, uint64_t active)
{
	bool tree = i == w->rec->nr_processes;
	const struct bb_verdict *v = tree ? &diag->tree : &diag->processes[i];
	const struct bb_phases *phases = diag->phases ? &diag->phases[i] : NULL;
	const struct bb_what_ifs *what_ifs = bb_diagnosis__what_ifs(diag, i);
	const struct bb_findings *findings = bb_diagnosis__findings(diag, i);
	const struct bb_reason *reason = diag->reasons ? &diag->reasons[i] : NULL;

	writer__open(w, tree ? "tree" : NULL, "{");
	json__identity(w, p, tree);
	writer__value(w, "verdict", bb_json__verdict(v, w->opts->explain ? reason : NULL));
	writer__open(w, "phases", "[");
	for (size_t n = 0; phases && n < phases->nr && !w->out.err; n++)
		writer__value(w, NULL, bb_json__phase(&phases->items[n]));
	writer__close(w, "]");
	writer__value(w, "repeats", bb_json__repeats(phases));
	writer__value(w, "units", bb_json__units(diag->units ? &diag->units[i] : NULL));
	writer__open(w, "what_if", "[");
	for (size_t n = 0; what_ifs && n < what_ifs->nr && !w->out.err; n++)
		writer__value(w, NULL, bb_json__what_if(&what_ifs->items[n], what_ifs));
	writer__close(w, "]");
	writer__string(w, "what_if_why_not",
		       what_ifs && what_ifs->why_not[0] ? what_ifs->why_not : NULL);
	writer__value(w, "workers", bb_json__workers(what_ifs));
	json__advice(w, diag, i);
	writer__open(w, "findings", "[");
	for (size_t n = 0; findings && n < findings->nr && !w->out.err; n++)
		writer__value(w, NULL, bb_json__finding(&findings->items[n], w->opts));
	writer__close(w, "]");
	json__budget(w, p, active);
	if (tree || !w->rec->host.klocks) {
		writer__value(w, "kernel_locks", json_null());
	} else {
		writer__open(w, "kernel_locks", "[");
		for (size_t n = 0; n < p->nr_klocks && !w->out.err; n++)
			writer__value(w, NULL, bb_json__klock(&p->klocks[n]));
		writer__close(w, "]");
	}
	if (tree) {
		writer__value(w, "cpu_takers", json_null());
	} else {
		writer__open(w, "cpu_takers", "[");
		for (size_t n = 0; n < p->nr_takers && !w->out.err; n++)
			writer__value(w, NULL, bb_json__taker(&p->takers[n]));
		writer__close(w, "]");
	}
	writer__value(w, "gil", bb_json__gil(p, w->window_ns, w->opts));
	writer__value(w, "pauses", bb_json__pauses(p, w->window_ns));
	json__rows(w, p);
	writer__close(w, "}");
}

static void json__tree(struct writer *w, const struct bb_record *rec,
		       const struct bb_diagnosis *diag)
{
	struct bb_process tree;
	uint64_t active = 0;
	size_t i;
	int err;

	if (!diag->has_tree) {
		writer__value(w, "tree", json_null());
		return;
	}
	err = bb_tree__sum(rec, &tree);
	if (err) {
		bb_out__fail(&w->out, err);
		return;
	}
	/* The tree lists no threads, but counts them. */
	for (i = 0; i < rec->nr_processes; i++)
		active += bb_process__active(&rec->processes[i]);
	json__process(w, &tree, diag, rec->nr_processes, active);
	bb_tree__free(&tree);
}

static void json__losses(struct writer *w, const struct bb_record *rec)
{
	json_t *o = json_object();
	int i;

	for (i = 0; i < BB_DROP_MAX; i++)
		o = bb_json__set(o, bb_drop__name(i), bb_json__u64(rec->drops[i]));
	writer__value(w, "losses", o);
}

static void json__overhead(struct writer *w, const struct bb_record *rec)
{
	json_t *o = json_object();

	o = bb_json__set(o, "events", bb_json__u64(rec->overhead.events));
	o = bb_json__set(o, "bpf_ns", bb_json__u64(rec->overhead.bpf_ns));
	o = bb_json__set(o, "cpu_share", bb_json__real(rec->overhead.cpu_share));
	o = bb_json__set(o, "slicing_cpu_share", bb_json__real(rec->overhead.slicing_cpu_share));
	o = bb_json__set(o, "rss_bytes", bb_json__u64(rec->overhead.rss_bytes));
	o = bb_json__set(o, "map_bytes", bb_json__u64(rec->overhead.map_bytes));
	o = bb_json__set(o, "syscall_tracing",
			 bb_json__string(bb_name__tracing(rec->overhead.syscall_tracing)));
	o = bb_json__set(o, "syscall_window_ns", bb_json__u64(rec->overhead.syscall_window_ns));
	o = bb_json__set(o, "machine_syscalls_per_s",
			 bb_json__u64(rec->overhead.machine_syscalls_per_s));
	o = bb_json__set(o, "code_walks", bb_json__walks(rec));
	writer__value(w, "overhead", o);
}

int bb_emit__json(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
		  const struct bb_emit_opts *opts)
{
	struct writer w = {
		.out = { .file = out },
		.rec = rec,
		.opts = opts,
		.window_ns = rec->window.ns,
		.first = true,
	};
	size_t i;

	if (diag->nr_processes != rec->nr_processes)
		return -EINVAL;
	writer__open(&w, NULL, "{");
	writer__string(&w, "schema", "boundby/1");
	writer__string(&w, "version", opts->version);
	json__window(&w, rec);
	json__host(&w, rec);
	json__command(&w, rec->command_status);
	writer__value(&w, "incomplete", json_boolean(diag->incomplete));
	writer__open(&w, "processes", "[");
	for (i = 0; i < rec->nr_processes && !w.out.err; i++)
		json__process(&w, &rec->processes[i], diag, i,
			      bb_process__active(&rec->processes[i]));
	writer__close(&w, "]");
	json__tree(&w, rec, diag);
	json__losses(&w, rec);
	json__overhead(&w, rec);
	writer__close(&w, "}");
	bb_out__write(&w.out, "\n", 1);
	return bb_out__finish(&w.out);
}
