/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The text report: verdict first, then why, then the figures, at the end how
 * far to trust them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../util/fmt.h"
#include "names.h"
#include "text.h"
#include "tree.h"

enum bb_color bb_text__verdict_color(enum bb_bound bound)
{
	switch (bound) {
	case BB_BOUND_GIL_BOUND:
	case BB_BOUND_LOCK_BOUND:
	case BB_BOUND_CPU_SATURATED:
		return BB_COLOR_BAD;
	case BB_BOUND_CPU_BOUND:
	case BB_BOUND_IO_BOUND:
	case BB_BOUND_MIXED:
		return BB_COLOR_WARN;
	case BB_BOUND_IDLE:
		return BB_COLOR_GOOD;
	case BB_BOUND_UNKNOWN:
	case BB_BOUND_MAX:
		break;
	}
	return BB_COLOR_DIM;
}

static void text__verdict(struct bb_text *t, const struct bb_verdict *v)
{
	struct bb_line *l = &t->line;

	bb_line__put(l, ": ");
	bb_line__color(l, bb_text__verdict_color(v->bound));
	bb_line__put(l, bb_bound__name(v->bound));
	bb_line__color(l, BB_COLOR_NONE);
	bb_line__printf(l, " (confidence %.2f)", v->confidence);
	bb_line__end(l);
	bb_line__wrap(l, 0, v->summary);
}

/* One line of the command, as far as it fits; each byte of it is the target's. */
static void subject__command(struct bb_text *t, const struct bb_process *p)
{
	struct bb_line *l = &t->line;
	char **arg;

	if (!p->cmdline || !p->cmdline[0]) {
		if (!p->exe)
			return;
		bb_line__pad(l, 2);
		bb_line__escaped(l, p->exe, l->width);
		bb_line__end(l);
		return;
	}
	bb_line__pad(l, 2);
	for (arg = p->cmdline; *arg && l->columns < l->width; arg++) {
		if (arg != p->cmdline)
			bb_line__put(l, " ");
		bb_line__escaped(l, *arg, l->width);
	}
	bb_line__end(l);
}

static void subject__runtime(struct bb_line *l, const struct bb_runtime *rt)
{
	static const char *const gil[] = {
		[BB_GIL_NONE] = "",
		[BB_GIL_ENABLED] = " with GIL",
		[BB_GIL_DISABLED] = " without GIL",
		[BB_GIL_UNKNOWN] = " (GIL not found)",
	};

	if (!rt->name[0])
		return;
	bb_line__put(l, rt->name);
	if (rt->version[0]) {
		bb_line__put(l, " ");
		bb_line__put(l, rt->version);
	}
	if (rt->free_threaded)
		bb_line__put(l, rt->gil == BB_GIL_DISABLED  ? " free-threaded, GIL off"
				: rt->gil == BB_GIL_ENABLED ? " free-threaded, GIL on"
							    : " free-threaded");
	else if (rt->gil <= BB_GIL_UNKNOWN)
		bb_line__put(l, gil[rt->gil]);
	bb_line__put(l, ", ");
}

static void subject__figures(struct bb_text *t, const struct bb_process *p, uint64_t active)
{
	struct bb_line *l = &t->line;
	uint64_t n = bb_process__threads(p);
	char count[BB_FMT_LEN], text[BB_FMT_LEN];

	bb_line__pad(l, 2);
	subject__runtime(l, &p->runtime);
	bb_line__printf(l, "%s thread%s", bb_fmt__count(count, sizeof(count), n),
			n == 1 ? "" : "s");
	bb_line__printf(l, " (%s active)", bb_fmt__count(text, sizeof(text), active));
	if (!isnan(p->cpus_usable))
		bb_line__printf(l, ", %s CPU%s usable",
				bb_fmt__real(text, sizeof(text), p->cpus_usable, 3),
				p->cpus_usable == 1 ? "" : "s");
	if (p->rss_bytes != BB_UNKNOWN_U64)
		bb_line__printf(l, ", %s memory", bb_fmt__bytes(text, sizeof(text), p->rss_bytes));
	bb_line__end(l);
}

static void fate__say(struct bb_line *l, const char *text)
{
	bb_line__color(l, BB_COLOR_WARN);
	bb_line__wrap(l, 2, text);
}

/* What happened to the process in the window: a reader must not miss it. */
static void subject__fate(struct bb_text *t, const struct bb_process *p)
{
	const char *sig = bb_name__signal(p->exit_signal);
	char cause[48] = "", text[128];

	if (p->kernel_thread)
		fate__say(&t->line, "This is a kernel thread.");
	if (p->born)
		fate__say(&t->line, "It started inside the window.");
	if (p->execed)
		fate__say(&t->line, "It replaced its program (exec) inside the window.");
	if (p->ended) {
		if (sig)
			snprintf(cause, sizeof(cause), ", killed by %s", sig);
		else if (p->exit_signal)
			snprintf(cause, sizeof(cause), ", killed by signal %d", p->exit_signal);
		snprintf(text, sizeof(text),
			 "It ended inside the window%s; this is what was "
			 "seen until then.",
			 cause);
		fate__say(&t->line, text);
	}
	if (p->runtime.note) {
		bb_line__color(&t->line, BB_COLOR_WARN);
		bb_line__put(&t->line, "  Note: ");
		bb_line__wrap(&t->line, 2, p->runtime.note);
	}
}

static const char *evidence__figure(char *buf, size_t len, double value, const char *unit)
{
	char text[BB_FMT_LEN - 8];

	if (isnan(value))
		return "?";
	if (!unit)
		unit = "";
	if (!strcmp(unit, "share"))
		return bb_fmt__share(buf, len, value);
	if (!strcmp(unit, "ns") && value >= 0 && value < 1e19)
		return bb_fmt__ns(buf, len, (uint64_t)(value + 0.5));
	if (value >= 1000 && value < 1e18)
		bb_fmt__count(text, sizeof(text), (uint64_t)(value + 0.5));
	else
		bb_fmt__real(text, sizeof(text), value, 3);
	/* What is counted, the words of the fact say. */
	snprintf(buf, len, "%s%s", text, strcmp(unit, "per_s") ? "" : "/s");
	return buf;
}

/* A row: the figure, what the rule compares it with, and the words. */
static void evidence__row(struct bb_line *l, const char *value, const char *threshold,
			  const char *words)
{
	bb_line__right(l, 10, value);
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__right(l, 21, threshold);
	bb_line__color(l, BB_COLOR_NONE);
	bb_line__pad(l, 23);
	bb_line__wrap(l, 23, words);
}

static void text__evidence(struct bb_text *t, const struct bb_evidence *e, size_t n)
{
	char value[BB_FMT_LEN], threshold[BB_FMT_LEN];
	size_t i;

	for (i = 0; i < n; i++)
		evidence__row(&t->line,
			      evidence__figure(value, sizeof(value), e[i].value, e[i].unit),
			      isnan(e[i].threshold) ? "-"
						    : evidence__figure(threshold, sizeof(threshold),
								       e[i].threshold, e[i].unit),
			      e[i].fact);
}

static void evidence__title(struct bb_line *l, const char *title)
{
	bb_line__title(l, "%s", title);
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__put(l, "     value  threshold");
	bb_line__end(l);
}

static void text__why(struct bb_text *t, const struct bb_verdict *v)
{
	bool runner_up = v->runner_up < BB_BOUND_MAX && v->bound < BB_BOUND_MAX;
	char value[BB_FMT_LEN], words[128];

	if (v->nr_evidence)
		evidence__title(&t->line, "Why");
	text__evidence(t, v->evidence, v->nr_evidence);
	if (v->nr_against || runner_up)
		evidence__title(&t->line, "What argues against it");
	text__evidence(t, v->against, v->nr_against);
	if (!runner_up)
		return;
	snprintf(value, sizeof(value), "%.2f", v->components[v->runner_up]);
	snprintf(words, sizeof(words), "strength of %s, the runner-up (%s: %.2f)",
		 bb_bound__name(v->runner_up), bb_bound__name(v->bound), v->components[v->bound]);
	evidence__row(&t->line, value, "-", words);
}

static void text__process(struct bb_text *t, size_t i)
{
	const struct bb_process *p = &t->rec->processes[i];
	const struct bb_verdict *v = &t->diag->processes[i];
	struct bb_line *l = &t->line;

	bb_line__color(l, BB_COLOR_BOLD);
	bb_line__escaped(l, p->comm, 32);
	bb_line__printf(l, " (%d)", p->pid);
	bb_line__color(l, BB_COLOR_NONE);
	text__verdict(t, v);
	bb_line__end(l);
	subject__command(t, p);
	subject__figures(t, p, bb_process__active(p));
	subject__fate(t, p);
	text__why(t, v);
	bb_text__explain(t, v, i);
	bb_text__phases(t, t->diag->phases ? &t->diag->phases[i] : NULL);
	bb_text__units(t, t->diag->units ? &t->diag->units[i] : NULL);
	bb_text__what_if(t, bb_diagnosis__what_ifs(t->diag, i));
	bb_text__findings(t, bb_diagnosis__findings(t->diag, i));
	bb_text__advice(t, i);
	bb_text__states(t, p);
	bb_text__threads(t, p);
	bb_text__waits(t, p);
	bb_text__locks(t, p);
	bb_text__klocks(t, p);
	bb_text__gil(t, p);
	bb_text__loops(t, p);
	bb_text__stacks(t, p);
	/* Of many processes, the table of the tree must do. */
	if (t->rec->nr_processes <= 3)
		bb_text__syscalls(t, p);
}

static void text__rule(struct bb_text *t)
{
	struct bb_line *l = &t->line;

	bb_line__end(l);
	bb_line__color(l, BB_COLOR_DIM);
	while (l->columns < l->width)
		bb_line__put(l, t->opts->utf8 ? "\u2500" : "-");
	bb_line__end(l);
}

static void text__tree(struct bb_text *t)
{
	const struct bb_record *rec = t->rec;
	struct bb_line *l = &t->line;
	struct bb_process tree;
	uint64_t active = 0;
	size_t i;
	int err;

	err = bb_tree__sum(rec, &tree);
	if (err) {
		bb_out__fail(&t->out, err);
		return;
	}
	for (i = 0; i < rec->nr_processes; i++) {
		active += bb_process__active(&rec->processes[i]);
		/* Only to be counted; the sum lists no threads. */
		tree.folded_threads += rec->processes[i].nr_threads;
	}
	bb_line__color(l, BB_COLOR_BOLD);
	bb_line__printf(l, "%zu processes", rec->nr_processes);
	bb_line__color(l, BB_COLOR_NONE);
	text__verdict(t, &t->diag->tree);
	bb_line__end(l);
	subject__figures(t, &tree, active);
	text__why(t, &t->diag->tree);
	bb_text__explain(t, &t->diag->tree, rec->nr_processes);
	bb_text__phases(t, t->diag->phases ? &t->diag->phases[rec->nr_processes] : NULL);
	bb_text__units(t, t->diag->units ? &t->diag->units[rec->nr_processes] : NULL);
	bb_text__what_if(t, &t->diag->tree_what_ifs);
	bb_text__findings(t, &t->diag->tree_findings);
	bb_text__advice(t, rec->nr_processes);
	bb_text__processes(t);
	bb_text__states(t, &tree);
	bb_text__waits(t, &tree);
	bb_text__locks(t, &tree);
	bb_text__syscalls(t, &tree);
	bb_tree__free(&tree);
}

/* The tree first, then each process, busiest first; of many only those that matter. */
static void text__several(struct bb_text *t)
{
	size_t i, *order, n = t->rec->nr_processes;

	order = bb_text__busiest(t->rec);
	if (!order) {
		bb_out__fail(&t->out, -ENOMEM);
		return;
	}
	if (t->diag->has_tree)
		text__tree(t);
	for (i = 0; i < n && (i < BB_TEXT_TOP || t->opts->all_threads); i++) {
		if (i || t->diag->has_tree)
			text__rule(t);
		text__process(t, order[i]);
	}
	if (i < n) {
		text__rule(t);
		bb_line__printf(&t->line, "%zu more processes did less than these; ", n - i);
		bb_line__put(&t->line, "-f json has each of them.");
		bb_line__end(&t->line);
	}
	free(order);
}

int bb_emit__text(FILE *out, const struct bb_record *rec, const struct bb_diagnosis *diag,
		  const struct bb_emit_opts *opts)
{
	struct bb_text t = { .out = { .file = out }, .rec = rec, .diag = diag, .opts = opts };

	if (diag->nr_processes != rec->nr_processes)
		return -EINVAL;
	bb_line__init(&t.line, &t.out, opts);
	if (opts->compact) {
		bb_text__compact(&t);
		return bb_out__finish(&t.out);
	}
	if (!rec->nr_processes) {
		bb_line__put(&t.line, "Nothing was measured: no process was there to see.");
		bb_line__end(&t.line);
	} else if (rec->nr_processes == 1) {
		text__process(&t, 0);
	} else {
		text__several(&t);
	}
	bb_text__footer(&t);
	return bb_out__finish(&t.out);
}
