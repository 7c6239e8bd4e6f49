/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The Prometheus text exposition format.
 *
 * Every metric is a gauge, also where it counts: a figure is of one window and
 * starts from zero in the next, so rate() over it would be wrong, and a name
 * in _total a lie. A figure that is unknown has no sample.
 *
 * Labels follow the format's rules: backslash, quote and newline are escaped,
 * and invalid UTF-8 and other control characters become U+FFFD, so that a page
 * read on a terminal is harmless too.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../model/code.h"
#include "../util/fmt.h"
#include "emit.h"
#include "escape.h"
#include "names.h"
#include "out.h"
#include "tree.h"

#define VALUE_LEN 40

struct prom {
	struct bb_out out;
	const struct bb_record *rec;
	const struct bb_diagnosis *diag;
	const struct bb_emit_opts *opts;
	unsigned int *reused; /* by process: earlier ones in the record with the same pid */
	bool header;          /* of the family at hand is written */
};

struct family {
	const char *name;
	const char *help;
	void (*samples)(struct prom *p, const struct family *f, size_t i);
};

static void prom__escape(struct prom *p, const char *s)
{
	size_t len, n, i;
	char *safe = bb_escape__utf8(s, strlen(s), &len);
	int32_t cp;

	if (!safe) {
		bb_out__fail(&p->out, -ENOMEM);
		return;
	}
	for (i = 0; i < len; i += n) {
		n = bb_utf8__decode(safe + i, len - i, &cp);
		if (cp == '\n')
			bb_out__write(&p->out, "\\n", 2);
		else if (cp == '\\' || cp == '"')
			bb_out__printf(&p->out, "\\%c", cp);
		else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			bb_out__write(&p->out, "\xef\xbf\xbd", 3);
		else
			bb_out__write(&p->out, safe + i, n);
	}
	free(safe);
}

static void prom__label(struct prom *p, const char *name, const char *value)
{
	bb_out__printf(&p->out, "%s=\"", name);
	prom__escape(p, value ? value : "");
	bb_out__write(&p->out, "\"", 1);
}

static void prom__name(struct prom *p, const struct family *f)
{
	if (!p->header)
		bb_out__printf(&p->out, "# HELP %s %s\n# TYPE %s gauge\n", f->name, f->help,
			       f->name);
	p->header = true;
	bb_out__printf(&p->out, "%s", f->name);
}

/* Opens a sample of process @i: its pid and comm, and what tells reused pids apart. */
static void prom__process(struct prom *p, const struct family *f, size_t i)
{
	prom__name(p, f);
	bb_out__printf(&p->out, "{pid=\"%d\",", p->rec->processes[i].pid);
	prom__label(p, "comm", p->rec->processes[i].comm);
	if (p->reused[i])
		bb_out__printf(&p->out, ",pid_reuse=\"%u\"", p->reused[i]);
}

/* A sample of process @i, with one more label where @label is set. */
static void prom__sample(struct prom *p, const struct family *f, size_t i, const char *label,
			 const char *label_value, const char *value)
{
	prom__process(p, f, i);
	if (label) {
		bb_out__write(&p->out, ",", 1);
		prom__label(p, label, label_value);
	}
	bb_out__printf(&p->out, "} %s\n", value);
}

/* Nanoseconds as seconds, to the last digit and without trailing zeros. */
static const char *seconds(char *buf, int64_t ns)
{
	uint64_t abs = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	size_t len;

	snprintf(buf, VALUE_LEN, "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "", abs / 1000000000,
		 abs % 1000000000);
	for (len = strlen(buf); buf[len - 1] == '0'; len--)
		;
	if (buf[len - 1] == '.')
		len--;
	buf[len] = '\0';
	return buf;
}

static const char *number(char *buf, uint64_t value)
{
	snprintf(buf, VALUE_LEN, "%" PRIu64, value);
	return buf;
}

static const char *ratio(char *buf, uint64_t part, uint64_t whole)
{
	double share = whole ? (double)part / (double)whole : 0;

	return bb_fmt__real(buf, VALUE_LEN, share > 1 ? 1 : share, 6);
}

static void process_info(struct prom *p, const struct family *f, size_t i)
{
	const struct bb_process *proc = &p->rec->processes[i];
	const struct bb_runtime *rt = &proc->runtime;

	prom__process(p, f, i);
	bb_out__write(&p->out, ",", 1);
	prom__label(p, "exe", proc->exe);
	bb_out__write(&p->out, ",", 1);
	prom__label(p, "cgroup", proc->cgroup);
	bb_out__write(&p->out, ",", 1);
	prom__label(p, "container", proc->container);
	bb_out__write(&p->out, ",", 1);
	prom__label(p, "runtime", rt->name);
	bb_out__write(&p->out, ",", 1);
	prom__label(p, "runtime_version", rt->version);
	bb_out__write(&p->out, ",", 1);
	prom__label(p, "gil", rt->name[0] ? bb_name__gil_mode(rt->gil) : "");
	bb_out__write(&p->out, "} 1\n", 4);
}

static void verdict(struct prom *p, const struct family *f, size_t i)
{
	int b;

	for (b = 0; b < BB_BOUND_MAX; b++)
		prom__sample(p, f, i, "bound", bb_bound__name((enum bb_bound)b),
			     p->diag->processes[i].bound == (enum bb_bound)b ? "1" : "0");
}

static void confidence(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];

	if (!isnan(p->diag->processes[i].confidence))
		prom__sample(p, f, i, NULL, NULL,
			     bb_fmt__real(value, sizeof(value), p->diag->processes[i].confidence,
					  6));
}

static void components(struct prom *p, const struct family *f, size_t i)
{
	const double *strength = p->diag->processes[i].components;
	char value[VALUE_LEN];
	int b;

	for (b = 0; b < BB_BOUND_MAX; b++)
		if (!isnan(strength[b]))
			prom__sample(p, f, i, "bound", bb_bound__name((enum bb_bound)b),
				     bb_fmt__real(value, sizeof(value), strength[b], 6));
}

static void states(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];
	int s;

	for (s = 0; s < BB_STATE_MAX; s++)
		prom__sample(p, f, i, "state", bb_state__name((enum bb_state)s),
			     seconds(value, (int64_t)p->rec->processes[i].budget.ns[s]));
}

static void runq(struct prom *p, const struct family *f, size_t i)
{
	const struct bb_budget *b = &p->rec->processes[i].budget;
	char value[VALUE_LEN];

	prom__sample(p, f, i, "cause", "preempted", seconds(value, (int64_t)b->runq_preempted_ns));
	prom__sample(p, f, i, "cause", "woken", seconds(value, (int64_t)b->runq_woken_ns));
	prom__sample(p, f, i, "cause", "throttled", seconds(value, (int64_t)b->runq_throttled_ns));
}

static void thread_time(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];

	prom__sample(p, f, i, NULL, NULL, seconds(value, (int64_t)p->rec->processes[i].window_ns));
}

static void residual(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];

	prom__sample(p, f, i, NULL, NULL,
		     seconds(value, bb_process__residual(&p->rec->processes[i])));
}

static void threads(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];

	prom__sample(p, f, i, NULL, NULL,
		     number(value, bb_process__threads(&p->rec->processes[i])));
}

static void switches(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];

	prom__sample(p, f, i, "kind", "voluntary", number(value, p->rec->processes[i].voluntary));
	prom__sample(p, f, i, "kind", "involuntary",
		     number(value, p->rec->processes[i].involuntary));
}

static void migrations(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];

	if (p->rec->processes[i].migrations != BB_UNKNOWN_U64)
		prom__sample(p, f, i, NULL, NULL, number(value, p->rec->processes[i].migrations));
}

static void cpus_usable(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];

	if (!isnan(p->rec->processes[i].cpus_usable))
		prom__sample(p, f, i, NULL, NULL,
			     bb_fmt__real(value, sizeof(value), p->rec->processes[i].cpus_usable,
					  6));
}

static void resident(struct prom *p, const struct family *f, size_t i)
{
	char value[VALUE_LEN];

	if (p->rec->processes[i].rss_bytes != BB_UNKNOWN_U64)
		prom__sample(p, f, i, NULL, NULL, number(value, p->rec->processes[i].rss_bytes));
}

/*
 * The label of an interpreter: its id, or its place in the list where that is
 * not known; two series must never be the same.
 */
static const char *interpreter(char *buf, const struct bb_process *proc, size_t g)
{
	if (proc->gils[g].interpreter >= 0)
		snprintf(buf, VALUE_LEN, "%" PRId64, proc->gils[g].interpreter);
	else
		snprintf(buf, VALUE_LEN, "unknown-%zu", g);
	return buf;
}

static void gil_contended(struct prom *p, const struct family *f, size_t i)
{
	const struct bb_process *proc = &p->rec->processes[i];
	char value[VALUE_LEN], name[VALUE_LEN];
	size_t g;

	for (g = 0; g < proc->nr_gils && p->rec->window.ns; g++)
		prom__sample(p, f, i, "interpreter", interpreter(name, proc, g),
			     ratio(value, proc->gils[g].contended_ns, p->rec->window.ns));
}

static void gil_wait(struct prom *p, const struct family *f, size_t i)
{
	const struct bb_process *proc = &p->rec->processes[i];
	char value[VALUE_LEN], name[VALUE_LEN];
	size_t g;

	for (g = 0; g < proc->nr_gils; g++)
		prom__sample(p, f, i, "interpreter", interpreter(name, proc, g),
			     seconds(value, (int64_t)proc->gils[g].wait_ns));
}

static void gil_acquisitions(struct prom *p, const struct family *f, size_t i)
{
	const struct bb_process *proc = &p->rec->processes[i];
	char value[VALUE_LEN], name[VALUE_LEN];
	size_t g;

	for (g = 0; g < proc->nr_gils; g++)
		prom__sample(p, f, i, "interpreter", interpreter(name, proc, g),
			     number(value, proc->gils[g].acquisitions));
}

/* On a CPU by samples: see bb_gil__held(). */
static void gil_held(struct prom *p, const struct family *f, size_t i)
{
	const struct bb_process *proc = &p->rec->processes[i];
	char value[VALUE_LEN], name[VALUE_LEN];

	for (size_t g = 0; g < proc->nr_gils; g++) {
		struct bb_held held = bb_gil__held(proc, &proc->gils[g], p->rec->window.ns);

		if (!isnan(held.share))
			prom__sample(p, f, i, "interpreter", interpreter(name, proc, g),
				     bb_fmt__real(value, VALUE_LEN, held.share, 6));
	}
}

static void prom__loop(struct prom *p, const struct family *f, size_t i, const struct bb_loop *l,
		       const char *value)
{
	prom__process(p, f, i);
	bb_out__printf(&p->out, ",tid=\"%d\",exact=\"%s\",", l->tid, l->exact ? "true" : "false");
	prom__label(p, "loop", bb_name__loop(l->kind));
	bb_out__printf(&p->out, "} %s\n", value);
}

static void loop_busy(struct prom *p, const struct family *f, size_t i)
{
	const struct bb_process *proc = &p->rec->processes[i];
	char value[VALUE_LEN];

	for (size_t n = 0; n < proc->nr_loops; n++)
		if (proc->loops[n].window_ns)
			prom__loop(p, f, i, &proc->loops[n],
				   ratio(value, proc->loops[n].busy_ns, proc->loops[n].window_ns));
}

static void loop_quantile(struct prom *p, const struct family *f, size_t i, double q)
{
	const struct bb_process *proc = &p->rec->processes[i];
	char value[VALUE_LEN];

	for (size_t n = 0; n < proc->nr_loops; n++) {
		uint64_t ns = bb_loop__quantile(&proc->loops[n], q);

		if (ns != BB_UNKNOWN_U64)
			prom__loop(p, f, i, &proc->loops[n], seconds(value, (int64_t)ns));
	}
}

static void loop_p50(struct prom *p, const struct family *f, size_t i)
{
	loop_quantile(p, f, i, 0.5);
}

static void loop_p99(struct prom *p, const struct family *f, size_t i)
{
	loop_quantile(p, f, i, 0.99);
}

static void loop_max(struct prom *p, const struct family *f, size_t i)
{
	const struct bb_process *proc = &p->rec->processes[i];
	char value[VALUE_LEN];

	for (size_t n = 0; n < proc->nr_loops; n++)
		if (proc->loops[n].turns)
			prom__loop(p, f, i, &proc->loops[n],
				   seconds(value, (int64_t)proc->loops[n].max_ns));
}

static const struct family families[] = {
	{ "boundby_process_info", "Who was measured; always 1.", process_info },
	{ "boundby_verdict", "What the process is bound by: 1 for the verdict, 0 for the others.",
	  verdict },
	{ "boundby_verdict_confidence_ratio", "Confidence in the verdict, 0 to 1.", confidence },
	{ "boundby_verdict_strength_ratio", "Strength of each possible verdict, 0 to 1.",
	  components },
	{ "boundby_state_seconds",
	  "Time of all threads of the process in each state, in the window.", states },
	{ "boundby_runq_seconds",
	  "Run-queue time of all threads in the window, by how they came to wait for a CPU.",
	  runq },
	{ "boundby_thread_time_seconds",
	  "Time of all threads of the process in the window; the states sum to it.", thread_time },
	{ "boundby_residual_seconds", "Thread time in the window that no state accounts for.",
	  residual },
	{ "boundby_threads", "Threads that the process had in the window, ended ones included.",
	  threads },
	{ "boundby_context_switches", "Context switches of the process in the window.", switches },
	{ "boundby_migrations", "Moves of threads to another CPU in the window.", migrations },
	{ "boundby_cpus_usable",
	  "CPUs that the process can use by affinity, quota and what is online.", cpus_usable },
	{ "boundby_process_resident_memory_bytes", "Resident memory of the process.", resident },
	{ "boundby_gil_contended_ratio",
	  "Share of the window in which at least one thread waited for the GIL.", gil_contended },
	{ "boundby_gil_held_ratio", "Share of the window in which a thread held the GIL.",
	  gil_held },
	{ "boundby_gil_wait_seconds", "Time in the window that threads waited for the GIL.",
	  gil_wait },
	{ "boundby_gil_acquisitions", "Acquisitions of the GIL in the window that had to wait.",
	  gil_acquisitions },
	{ "boundby_event_loop_busy_ratio",
	  "Share of the window in which the event loop was not in its poll.", loop_busy },
	{ "boundby_event_loop_turn_p50_seconds",
	  "Turns of the event loop, from one poll to the next: median; at most, where not exact.",
	  loop_p50 },
	{ "boundby_event_loop_turn_p99_seconds",
	  "Turns of the event loop: 99th percentile; at most, where not exact.", loop_p99 },
	{ "boundby_event_loop_turn_max_seconds",
	  "Turns of the event loop: the longest; at most, where not exact.", loop_max },
};

/* A metric of the run as a whole, of no process. */
static void prom__single(struct prom *p, const char *name, const char *help, const char *value)
{
	struct family f = { name, help, NULL };

	p->header = false;
	prom__name(p, &f);
	bb_out__printf(&p->out, " %s\n", value);
}

static void prom__single_u64(struct prom *p, const char *name, const char *help, uint64_t value)
{
	char text[VALUE_LEN];

	if (value != BB_UNKNOWN_U64)
		prom__single(p, name, help, number(text, value));
}

static void prom__window(struct prom *p)
{
	char value[VALUE_LEN];
	struct family info = { "boundby_info", "Version of boundby; always 1.", NULL };

	p->header = false;
	prom__name(p, &info);
	bb_out__write(&p->out, "{", 1);
	prom__label(p, "version", p->opts->version);
	bb_out__write(&p->out, ",", 1);
	prom__label(p, "kernel", p->rec->host.kernel);
	bb_out__write(&p->out, "} 1\n", 4);
	prom__single(p, "boundby_window_start_timestamp_seconds",
		     "Start of the window, seconds since 1970.",
		     seconds(value, p->rec->window.start_realtime_ns));
	prom__single(p, "boundby_window_seconds", "Length of the window.",
		     seconds(value, (int64_t)p->rec->window.ns));
	prom__single(p, "boundby_incomplete", "1 where losses touch a verdict, 0 where none does.",
		     p->diag->incomplete ? "1" : "0");
}

static void prom__tree(struct prom *p)
{
	struct family f = { "boundby_tree_verdict",
			    "What all processes together are bound by: 1 for the verdict, 0 "
			    "for the others.",
			    NULL };
	char value[VALUE_LEN];
	int b;

	if (!p->diag->has_tree)
		return;
	p->header = false;
	for (b = 0; b < BB_BOUND_MAX; b++) {
		prom__name(p, &f);
		bb_out__printf(&p->out, "{bound=\"%s\"} %d\n", bb_bound__name((enum bb_bound)b),
			       p->diag->tree.bound == (enum bb_bound)b);
	}
	if (!isnan(p->diag->tree.confidence))
		prom__single(p, "boundby_tree_verdict_confidence_ratio",
			     "Confidence in the verdict on all processes together, 0 to 1.",
			     bb_fmt__real(value, sizeof(value), p->diag->tree.confidence, 6));
}

static void prom__overhead(struct prom *p)
{
	struct family losses = { "boundby_losses",
				 "Details that went missing in the window, by kind.", NULL };
	const struct bb_record *rec = p->rec;
	char value[VALUE_LEN];
	int d;

	p->header = false;
	for (d = 0; d < BB_DROP_MAX; d++) {
		prom__name(p, &losses);
		bb_out__printf(&p->out, "{kind=\"%s\"} %" PRIu64 "\n",
			       bb_drop__name((enum bb_drop)d), rec->drops[d]);
	}
	if (!isnan(rec->overhead.cpu_share))
		prom__single(p, "boundby_own_cpu_ratio",
			     "CPU time of boundby itself over the window, in CPUs.",
			     bb_fmt__real(value, sizeof(value), rec->overhead.cpu_share, 6));
	prom__single_u64(p, "boundby_own_resident_memory_bytes",
			 "Resident memory of boundby itself.", rec->overhead.rss_bytes);
	prom__single_u64(p, "boundby_own_map_bytes", "Memory of the kernel maps of boundby.",
			 rec->overhead.map_bytes);
	prom__single_u64(p, "boundby_own_events",
			 "Runs of BPF programs in the window that did work for the target.",
			 rec->overhead.events);
	if (rec->overhead.bpf_ns != BB_UNKNOWN_U64)
		prom__single(p, "boundby_own_bpf_seconds",
			     "Time in the window inside the BPF programs of boundby.",
			     seconds(value, (int64_t)rec->overhead.bpf_ns));
	prom__single(p, "boundby_syscall_tracing_seconds",
		     "How long system calls were traced in the window.",
		     seconds(value, (int64_t)rec->overhead.syscall_window_ns));
}

struct by_pid {
	pid_t pid;
	size_t index;
};

static int by_pid__compare(const void *a, const void *b)
{
	const struct by_pid *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* With -C, a pid can be used again inside the window: the later ones get a label. */
static int prom__find_reused(struct prom *p)
{
	size_t i, n = p->rec->nr_processes;
	struct by_pid *order = calloc(n + 1, sizeof(*order));

	p->reused = calloc(n + 1, sizeof(*p->reused));
	if (!order || !p->reused) {
		free(order);
		free(p->reused);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		order[i].pid = p->rec->processes[i].pid;
		order[i].index = i;
	}
	qsort(order, n, sizeof(*order), by_pid__compare);
	for (i = 1; i < n; i++)
		if (order[i].pid == order[i - 1].pid)
			p->reused[order[i].index] = p->reused[order[i - 1].index] + 1;
	free(order);
	return 0;
}

int bb_emit__prometheus(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
			const struct bb_emit_opts *opts)
{
	struct prom p = { .out = { .file = out }, .rec = rec, .diag = diag, .opts = opts };
	size_t f, i;
	int err;

	if (diag->nr_processes != rec->nr_processes)
		return -EINVAL;
	err = prom__find_reused(&p);
	if (err)
		return err;
	prom__window(&p);
	for (f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		p.header = false;
		for (i = 0; i < rec->nr_processes && !p.out.err; i++)
			families[f].samples(&p, &families[f], i);
	}
	prom__tree(&p);
	prom__overhead(&p);
	free(p.reused);
	return bb_out__finish(&p.out);
}
