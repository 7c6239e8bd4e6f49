/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The builders of made-up records. The records themselves are in samples.c. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "records.h"

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static void *must_calloc(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size));
}

char *make__string(const char *s)
{
	return must(strdup(s));
}

struct bb_record *make__record(uint64_t ns, size_t n)
{
	struct bb_record *rec = must(bb_record__new());
	size_t i;

	rec->window.start_realtime_ns = 1767225600123456789; /* 2026-01-01T00:00:00 UTC */
	rec->window.ns = ns;
	rec->window.asked_ns = ns;
	strcpy(rec->host.kernel, "6.12.9-test");
	rec->host.cpus_online = 8;
	rec->host.busy_share = 0.3375;
	rec->host.runq_exact = true;
	rec->host.klocks = true;
	rec->processes = must_calloc(n, sizeof(*rec->processes));
	rec->nr_processes = n;
	for (i = 0; i < n; i++) {
		rec->processes[i].cpus_usable = NAN;
		rec->processes[i].cpus_unlimited = NAN;
		rec->processes[i].rss_bytes = BB_UNKNOWN_U64;
		rec->processes[i].private_bytes = BB_UNKNOWN_U64;
		rec->processes[i].kernel_ns = BB_UNKNOWN_U64;
	}
	rec->overhead.events = 48211;
	rec->overhead.cpu_share = 0.00214;
	rec->overhead.rss_bytes = 9 << 20;
	rec->overhead.map_bytes = 1703936;
	return rec;
}

void make__process(struct bb_process *p, pid_t pid, const char *comm, size_t n)
{
	size_t i;

	p->pid = pid;
	p->ppid = 1;
	strncpy(p->comm, comm, sizeof(p->comm) - 1);
	p->threads = must_calloc(n, sizeof(*p->threads));
	p->nr_threads = n;
	for (i = 0; i < n; i++) {
		p->threads[i].tid = pid + (pid_t)i;
		p->threads[i].kernel_ns = BB_UNKNOWN_U64;
	}
}

void make__cmdline(struct bb_process *p, ...)
{
	const char *arg;
	va_list ap;
	size_t n = 0;

	p->cmdline = must_calloc(16, sizeof(*p->cmdline));
	va_start(ap, p);
	while (n < 15) {
		arg = va_arg(ap, const char *);
		if (!arg)
			break;
		p->cmdline[n++] = make__string(arg);
	}
	va_end(ap);
}

void make__thread(struct bb_thread *t, const char *comm, uint64_t ns)
{
	strncpy(t->comm, comm, sizeof(t->comm) - 1);
	t->window_ns = ns;
	t->budget.ns[BB_STATE_UNKNOWN] = ns;
}

void make__in(struct bb_thread *t, enum bb_state state, uint64_t ns)
{
	struct bb_budget *b = &t->budget;

	if (b->ns[BB_STATE_UNKNOWN] < ns)
		abort();
	b->ns[BB_STATE_UNKNOWN] -= ns;
	b->ns[state] += ns;
	if (state == BB_STATE_ONCPU)
		t->active = true;
	if (state == BB_STATE_RUNQ)
		b->runq_woken_ns += ns;
	if (state == BB_STATE_LOCK)
		b->futex_proto_ns += ns;
	if (state == BB_STATE_QUEUE)
		b->futex_fed_ns += ns;
}

static void waits__add(struct bb_wait **waits, size_t *n, const struct bb_wait *w)
{
	struct bb_wait row = *w;
	size_t i;

	for (i = 0; i < *n; i++) {
		struct bb_wait *has = &(*waits)[i];

		if (has->state != w->state || has->syscall != w->syscall ||
		    has->fdkind != w->fdkind || has->end != w->end || strcmp(has->label, w->label))
			continue;
		row.ns += has->ns;
		row.count += has->count;
		if (has->max_ns > row.max_ns)
			row.max_ns = has->max_ns;
		memmove(has, has + 1, (*n - i - 1) * sizeof(*has));
		(*n)--;
		break;
	}
	*waits = must(realloc(*waits, (*n + 1) * sizeof(**waits)));
	for (i = *n; i > 0 && (*waits)[i - 1].ns < row.ns; i--)
		(*waits)[i] = (*waits)[i - 1];
	(*waits)[i] = row;
	(*n)++;
}

void make__wait(struct bb_process *p, struct bb_thread *t, const struct bb_wait *w)
{
	waits__add(&t->waits, &t->nr_waits, w);
	waits__add(&p->waits, &p->nr_waits, w);
}

void make__sum(struct bb_process *p)
{
	size_t i;

	p->budget = p->folded;
	p->window_ns = p->folded_window_ns;
	for (i = 0; i < p->nr_threads; i++) {
		bb_budget__add(&p->budget, &p->threads[i].budget);
		p->window_ns += p->threads[i].window_ns;
		p->voluntary += p->threads[i].voluntary;
		p->involuntary += p->threads[i].involuntary;
		p->migrations = bb_known__add(p->migrations, p->threads[i].migrations);
		p->threads_born += p->threads[i].born;
		p->threads_ended += p->threads[i].ended;
	}
	p->threads_ended += p->folded_threads;
}
