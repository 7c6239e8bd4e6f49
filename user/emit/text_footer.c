/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text report: how it was measured, and how far to trust it. */
#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../util/fmt.h"
#include "names.h"
#include "text.h"

#define LABEL_END 13 /* the words of each line start here */

static void footer__label(struct bb_line *l, const char *label)
{
	bb_line__pad(l, 2);
	bb_line__put(l, label);
	bb_line__pad(l, LABEL_END);
}

static void footer__window(struct bb_text *t)
{
	const struct bb_record *rec = t->rec;
	struct bb_line *l = &t->line;
	char ns[BB_FMT_LEN], time[BB_FMT_LEN], asked[BB_FMT_LEN];

	bb_fmt__time(time, sizeof(time), rec->window.start_realtime_ns);
	time[10] = ' ';
	time[19] = '\0'; /* up to the second */
	footer__label(l, "window:");
	bb_line__put(l, bb_fmt__ns(ns, sizeof(ns), rec->window.ns));
	if (rec->window.cut_short && rec->window.asked_ns)
		bb_line__printf(l, " of the %s asked for",
				bb_fmt__ns(asked, sizeof(asked), rec->window.asked_ns));
	bb_line__printf(l, ", from %s UTC", time);
	bb_line__end(l);
}

static void footer__host(struct bb_text *t)
{
	const struct bb_record *rec = t->rec;
	struct bb_line *l = &t->line;
	char busy[BB_FMT_LEN];

	footer__label(l, "machine:");
	bb_line__printf(l, "%u CPU%s online", rec->host.cpus_online,
			rec->host.cpus_online == 1 ? "" : "s");
	if (!isnan(rec->host.busy_share))
		bb_line__printf(l, ", %s busy",
				bb_fmt__share(busy, sizeof(busy), rec->host.busy_share));
	bb_line__put(l, ", kernel ");
	bb_line__put(l, rec->host.kernel);
	bb_line__end(l);
}

static void footer__command(struct bb_text *t)
{
	int status = t->rec->command_status;
	struct bb_line *l = &t->line;
	const char *sig;

	if (status == -1)
		return;
	footer__label(l, "command:");
	if (WIFSIGNALED(status)) {
		sig = bb_name__signal(WTERMSIG(status));
		bb_line__color(l, BB_COLOR_WARN);
		bb_line__printf(l, "killed by signal %d", WTERMSIG(status));
		if (sig)
			bb_line__printf(l, " (%s)", sig);
	} else {
		if (WEXITSTATUS(status))
			bb_line__color(l, BB_COLOR_WARN);
		bb_line__printf(l, "ended with status %d", WEXITSTATUS(status));
	}
	bb_line__end(l);
}

/* The thread whose states miss its window by the most. */
static void footer__residual(struct bb_text *t)
{
	const struct bb_thread *worst = NULL;
	int64_t residual, worst_ns = 0;
	struct bb_line *l = &t->line;
	char ns[BB_FMT_LEN], of[BB_FMT_LEN], share[BB_FMT_LEN];
	size_t i, j;

	for (i = 0; i < t->rec->nr_processes; i++) {
		const struct bb_process *p = &t->rec->processes[i];

		for (j = 0; j < p->nr_threads; j++) {
			residual = llabs(bb_thread__residual(&p->threads[j]));
			if (residual <= worst_ns)
				continue;
			worst_ns = residual;
			worst = &p->threads[j];
		}
	}
	footer__label(l, "residual:");
	if (!worst) {
		bb_line__put(l, "none: the states of every thread sum to its window");
	} else {
		double part = worst->window_ns ? (double)worst_ns / (double)worst->window_ns : NAN;

		if (!(part <= 0.001))
			bb_line__color(l, BB_COLOR_WARN);
		bb_line__printf(l, "at worst %s of %s, %s (thread %d)",
				bb_fmt__ns(ns, sizeof(ns), (uint64_t)worst_ns),
				bb_fmt__ns(of, sizeof(of), worst->window_ns),
				bb_fmt__share(share, sizeof(share), part), worst->tid);
	}
	bb_line__end(l);
}

static void footer__losses(struct bb_text *t)
{
	struct bb_line *l = &t->line;
	char count[BB_FMT_LEN], text[256];
	int i, n = 0;

	if (!bb_record__losses(t->rec)) {
		footer__label(l, "losses:");
		bb_line__put(l, "none");
		bb_line__end(l);
	}
	for (i = 0; i < BB_DROP_MAX; i++) {
		if (!t->rec->drops[i])
			continue;
		if (!n++)
			footer__label(l, "losses:");
		bb_line__pad(l, LABEL_END);
		bb_line__color(l, BB_COLOR_WARN);
		snprintf(text, sizeof(text), "%s %s (%s)",
			 bb_fmt__count(count, sizeof(count), t->rec->drops[i]), bb_drop__text(i),
			 bb_drop__name(i));
		bb_line__wrap(l, LABEL_END, text);
	}
	if (t->diag->incomplete) {
		bb_line__color(l, BB_COLOR_WARN);
		bb_line__pad(l, LABEL_END);
		bb_line__wrap(l, LABEL_END, "The losses touch the verdict: take it with care.");
	}
}

/* How much of Python's code was looked at, and what was not. */
static void footer__python(struct bb_text *t)
{
	static const struct {
		enum bb_walk how;
		const char *text;
	} rest[] = {
		{ BB_WALK_NO_BUDGET, "left out to stay cheap" },
		{ BB_WALK_TORN, "changed while they were read" },
		{ BB_WALK_UNREADABLE, "unreadable" },
		{ BB_WALK_NO_CODE, "no code when looked up" },
		{ BB_WALK_FULL, "without room" },
		{ BB_WALK_NATIVE_LOST, "samples of C without room" },
	};
	const uint64_t *walks = t->rec->walks;
	char count[BB_FMT_LEN], text[400];
	size_t n;

	if (!walks[BB_WALK_DONE] && !walks[BB_WALK_NO_BUDGET])
		return;
	n = (size_t)snprintf(text, sizeof(text), "%s stacks of code looked at",
			     bb_fmt__count(count, sizeof(count), walks[BB_WALK_DONE]));
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		if (walks[rest[i].how])
			n += (size_t)snprintf(text + n, sizeof(text) - n, "; %s %s",
					      bb_fmt__count(count, sizeof(count),
							    walks[rest[i].how]),
					      rest[i].text);
	footer__label(&t->line, "python:");
	bb_line__wrap(&t->line, LABEL_END, text);
}

static void footer__tracing(struct bb_text *t)
{
	struct bb_line *l = &t->line;
	uint64_t rate = t->rec->overhead.machine_syscalls_per_s;
	char ns[BB_FMT_LEN], per_s[BB_FMT_LEN];

	footer__label(l, "syscalls:");
	switch (t->rec->overhead.syscall_tracing) {
	case BB_TRACING_OFF:
		bb_line__put(l, "not traced");
		break;
	case BB_TRACING_ON:
		bb_line__printf(l, "traced for %s",
				bb_fmt__ns(ns, sizeof(ns), t->rec->overhead.syscall_window_ns));
		break;
	case BB_TRACING_GOVERNED:
		bb_line__printf(l, "no longer traced after %s: too many",
				bb_fmt__ns(ns, sizeof(ns), t->rec->overhead.syscall_window_ns));
		if (rate != BB_UNKNOWN_U64)
			bb_line__printf(l, " (%s/s on the machine)",
					bb_fmt__count(per_s, sizeof(per_s), rate));
		break;
	}
	bb_line__end(l);
}

static void footer__cost(struct bb_text *t)
{
	const struct bb_record *rec = t->rec;
	struct bb_line *l = &t->line;
	char cpu[BB_FMT_LEN], rss[BB_FMT_LEN], maps[BB_FMT_LEN], events[BB_FMT_LEN];
	char bpf[BB_FMT_LEN], text[256];

	footer__label(l, "own cost:");
	snprintf(text, sizeof(text), "%s of one CPU, %s memory, %s maps, %s events",
		 bb_fmt__share(cpu, sizeof(cpu), rec->overhead.cpu_share),
		 bb_fmt__bytes(rss, sizeof(rss), rec->overhead.rss_bytes),
		 bb_fmt__bytes(maps, sizeof(maps), rec->overhead.map_bytes),
		 bb_fmt__count(events, sizeof(events), rec->overhead.events));
	bb_line__wrap(l, LABEL_END, text);
	if (rec->overhead.bpf_ns == BB_UNKNOWN_U64)
		return;
	bb_line__pad(l, LABEL_END);
	bb_line__printf(l, "%s inside our programs in the kernel",
			bb_fmt__ns(bpf, sizeof(bpf), rec->overhead.bpf_ns));
	if (rec->overhead.events)
		bb_line__printf(l, ", %s an event",
				bb_fmt__ns(cpu, sizeof(cpu),
					   rec->overhead.bpf_ns / rec->overhead.events));
	bb_line__end(l);
}

void bb_text__footer(struct bb_text *t)
{
	bb_line__title(&t->line, "How it was measured");
	footer__window(t);
	footer__host(t);
	footer__command(t);
	footer__tracing(t);
	footer__python(t);
	footer__residual(t);
	footer__losses(t);
	footer__cost(t);
}
