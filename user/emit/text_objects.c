/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text report: what a process waited in: calls, locks, the GIL. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../model/code.h"
#include "../util/fmt.h"
#include "names.h"
#include "text.h"

static double ratio(uint64_t part, uint64_t whole)
{
	double share = whole ? (double)part / (double)whole : 0;

	return share > 1 ? 1 : share;
}

const char *bb_text__syscall_name(const struct bb_emit_opts *opts, int nr, char *buf, size_t len)
{
	const char *name;

	if (nr == -1)
		return "(no call)";
	if (nr < 0)
		return "(several)";
	name = opts->syscall_name ? opts->syscall_name(nr) : NULL;
	if (name)
		return name;
	snprintf(buf, len, "syscall %d", nr);
	return buf;
}

/* Of a path that is too long the end says more than the start. */
static void wait__label(struct bb_line *l, const char *label, size_t columns)
{
	const char *path = strchr(label, '/');
	size_t len = strlen(label), before = path ? (size_t)(path - label) : 0;
	char text[sizeof(((struct bb_wait *)0)->label)];

	if (!path || len <= columns || before + 2 >= columns) {
		bb_line__escaped(l, label, columns);
		return;
	}
	columns -= before + 2;
	snprintf(text, sizeof(text), "%.*s..%s", (int)before, label, label + len - columns);
	bb_line__escaped(l, text, before + 2 + columns);
}

/* The other end where /proc told, else the kind of descriptor and its number. */
static void wait__endpoint(struct bb_line *l, const struct bb_wait *w, size_t columns)
{
	char text[BB_FMT_LEN];

	if (w->label[0]) {
		wait__label(l, w->label, columns);
		if (w->peers)
			bb_line__printf(l, " (%" PRIu32 " peer%s)", w->peers,
					w->peers == 1 ? "" : "s");
		return;
	}
	if (w->fdkind == BB_FD_NONE || w->fdkind == BB_FD_UNKNOWN)
		return;
	if (w->fd >= 0)
		snprintf(text, sizeof(text), "%s, fd %d", bb_name__fdkind(w->fdkind), w->fd);
	else
		snprintf(text, sizeof(text), "%s", bb_name__fdkind(w->fdkind));
	bb_line__escaped(l, text, columns);
}

/* Where the table ends; what does not fit a narrow terminal is cut by the line. */
static size_t waits__end(const struct bb_line *l)
{
	return l->width < 80 ? 80 : l->width > 110 ? 110 : l->width;
}

static void wait__row(struct bb_text *t, const struct bb_process *p, const struct bb_wait *w)
{
	struct bb_line *l = &t->line;
	size_t end = waits__end(l);
	char text[BB_FMT_LEN];

	bb_line__pad(l, 2);
	bb_line__put(l, bb_state__name(w->state));
	bb_line__pad(l, 10);
	bb_line__escaped(l, bb_text__syscall_name(t->opts, w->syscall, text, sizeof(text)), 15);
	bb_line__pad(l, 26);
	wait__endpoint(l, w, end - 50);
	bb_line__right(l, end - 17, bb_fmt__share(text, sizeof(text), ratio(w->ns, p->window_ns)));
	bb_line__right(l, end - 9, bb_fmt__count(text, sizeof(text), w->count));
	bb_line__right(l, end, bb_fmt__ns(text, sizeof(text), w->max_ns));
	bb_line__end(l);
}

void bb_text__waits(struct bb_text *t, const struct bb_process *p)
{
	struct bb_line *l = &t->line;
	size_t i, end = waits__end(l);
	uint64_t rest_ns = 0;
	char share[BB_FMT_LEN];

	if (!p->nr_waits)
		return;
	bb_line__title(l, "What it waited in, all threads together");
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__put(l, "  state   call            on");
	bb_line__right(l, end - 17, "share");
	bb_line__right(l, end - 9, "waits");
	bb_line__right(l, end, "longest");
	bb_line__end(l);
	for (i = 0; i < p->nr_waits && i < BB_TEXT_TOP; i++)
		wait__row(t, p, &p->waits[i]);
	if (i == p->nr_waits)
		return;
	for (; i < p->nr_waits; i++)
		rest_ns += p->waits[i].ns;
	bb_line__printf(l, "  %zu more rows", p->nr_waits - BB_TEXT_TOP);
	bb_line__right(l, end - 17,
		       bb_fmt__share(share, sizeof(share), ratio(rest_ns, p->window_ns)));
	bb_line__end(l);
}

#define HOLDERS_TOLD 3    /* of a lock, in the text */
#define HOLDER_SHARE 0.05 /* of its contended time, from which one is told */
#define CHAIN_MOST   4    /* locks whose holders wait for one another */

static void holder__who(struct bb_line *l, const struct bb_process *p,
			const struct bb_lock_holder *h)
{
	const struct bb_thread *t = h->pid == p->pid ? bb_process__thread(p, h->tid) : NULL;

	if (!h->tid) {
		bb_line__put(l, "a process of another PID namespace");
		return;
	}
	bb_line__printf(l, "%d ", (int)h->tid);
	bb_line__escaped(l, t && t->name ? t->name : h->comm, 20);
	if (h->pid != p->pid)
		bb_line__printf(l, " of process %d", (int)h->pid);
}

/* Those who had it while others waited, and what they waited for themselves. */
static void lock__holders(struct bb_text *t, const struct bb_process *p, const struct bb_lock *k,
			  int level)
{
	struct bb_line *l = &t->line;
	const struct bb_lock_holder *h;
	char text[BB_FMT_LEN], code[160];
	size_t nr;

	h = bb_process__lock_holders(p, k->addr, &nr);
	for (size_t i = 0; i < nr && i < (level ? 1 : HOLDERS_TOLD); i++, h++) {
		const struct bb_wait *w = &h->wait;
		const struct bb_lock *behind = bb_process__lock_at(p, h->futex);

		if (ratio(h->ns, k->contended_ns) < HOLDER_SHARE)
			break;
		bb_line__pad(l, 4 + 2 * (size_t)level);
		bb_line__printf(l, "%s of it held by ",
				bb_fmt__share(text, sizeof(text), ratio(h->ns, k->contended_ns)));
		holder__who(l, p, h);
		if (h->owns)
			bb_line__put(l, ", which has it still");
		bb_line__end(l);
		if (h->code.function) {
			bb_text__frame(code, sizeof(code), &h->code);
			bb_line__pad(l, 6 + 2 * (size_t)level);
			bb_line__put(l, "which let go of it in ");
			bb_line__escaped(l, code, sizeof(code));
			bb_line__end(l);
		}
		if (ratio(w->ns, h->ns) >= HOLDER_SHARE) {
			bb_line__pad(l, 6 + 2 * (size_t)level);
			bb_line__printf(l, "which was blocked for %s of that, longest in %s",
					bb_fmt__share(text, sizeof(text), ratio(w->ns, h->ns)),
					bb_state__name(w->state));
			if (behind)
				bb_line__printf(l, " 0x%" PRIx64, behind->addr);
			else if (w->syscall >= 0)
				bb_line__printf(l, " %s",
						bb_text__syscall_name(t->opts, w->syscall, text,
								      sizeof(text)));
			if (w->label[0]) {
				bb_line__put(l, ", ");
				bb_line__escaped(l, w->label, 60);
			}
			bb_line__end(l);
			/* what stands behind that */
			if (behind && behind != k && behind->state == BB_STATE_LOCK &&
			    level < CHAIN_MOST)
				lock__holders(t, p, behind, level + 1);
		}
	}
}

static void lock__quantiles(struct bb_text *t, const struct bb_lock *k)
{
	char half[BB_FMT_LEN], most[BB_FMT_LEN], mean[BB_FMT_LEN];

	if (!k->hist)
		return;
	bb_line__pad(&t->line, 4);
	bb_line__printf(
		&t->line, "half of the waits below %s, 99%% below %s; %s waiting on average",
		bb_fmt__ns(half, sizeof(half), bb_hist__quantile(k->hist, 0.5, k->max_ns)),
		bb_fmt__ns(most, sizeof(most), bb_hist__quantile(k->hist, 0.99, k->max_ns)),
		bb_fmt__real(mean, sizeof(mean),
			     k->contended_ns ? (double)k->wait_ns / (double)k->contended_ns : 0,
			     3));
	bb_line__end(&t->line);
}

/* Of an rwlock, who waited to read and who to write. */
static void lock__sides(struct bb_text *t, const struct bb_lock *k)
{
	char ns[BB_FMT_LEN], n[BB_FMT_LEN], write_ns[BB_FMT_LEN], write_n[BB_FMT_LEN];

	if (k->kind != BB_LOCK_RWLOCK)
		return;
	bb_line__pad(&t->line, 4);
	bb_line__printf(&t->line, "%s waited to write in %s waits, %s to read in %s",
			bb_fmt__ns(write_ns, sizeof(write_ns), k->write_ns),
			bb_fmt__count(write_n, sizeof(write_n), k->write_waits),
			bb_fmt__ns(ns, sizeof(ns), k->wait_ns - k->write_ns),
			bb_fmt__count(n, sizeof(n), k->waits - k->write_waits));
	bb_line__end(&t->line);
}

/* The wall time of their waits together is not known. */
static void lock__processes(struct bb_text *t, const struct bb_lock *k)
{
	char most[BB_FMT_LEN];

	if (k->processes < 2)
		return;
	bb_line__pad(&t->line, 4);
	bb_line__printf(&t->line, "in %" PRIu32 " processes, contended for up to %s", k->processes,
			bb_fmt__share(most, sizeof(most),
				      ratio(k->contended_most_ns, t->rec->window.ns)));
	bb_line__end(&t->line);
}

/* Nobody will let go of it. */
static void lock__gone(struct bb_text *t, const struct bb_lock *k)
{
	if (!k->gone_owner)
		return;
	bb_line__pad(&t->line, 4);
	bb_line__printf(&t->line, "%d has it, which is no thread of this process (any more)",
			(int)k->gone_owner);
	bb_line__end(&t->line);
}

/* The object: what it is, whose code waits for it, and where it is. */
static void lock__what(struct bb_line *l, const struct bb_lock *k, const char *otherwise)
{
	char text[BB_FMT_LEN];

	bb_line__put(l, k->kind == BB_LOCK_UNKNOWN ? otherwise : bb_name__lock_kind(k->kind));
	if (k->object) {
		bb_line__put(l, " of ");
		bb_line__escaped(l, k->object, 24);
	}
	/* The code says more to a reader than the address does. */
	if (k->code) {
		bb_line__put(l, " in ");
		bb_line__put(l, k->code);
	}
	if (k->symbol) {
		bb_line__put(l, " ");
		bb_line__escaped(l, k->symbol, 40);
	}
	snprintf(text, sizeof(text), "0x%" PRIx64, k->addr);
	if (!k->code || bb_line__fits(l, text))
		bb_line__printf(l, " %s", text);
	if (k->place && (!k->code || bb_line__fits(l, k->place))) {
		bb_line__put(l, " ");
		bb_line__put(l, k->place);
	}
}

#define QUEUES_TOLD 3

/* Who feeds whom: of each queue the thread that ended most of its waits. */
static void queue__row(struct bb_text *t, const struct bb_process *p, const struct bb_lock *k)
{
	struct bb_line *l = &t->line;
	const struct bb_lock_holder *h, *most = NULL;
	uint64_t all = 0;
	char text[BB_FMT_LEN];
	size_t nr;

	h = bb_process__lock_holders(p, k->addr, &nr);
	for (size_t i = 0; i < nr; i++) {
		all += h[i].count;
		if (!most || h[i].count > most->count)
			most = &h[i];
	}
	bb_line__right(
		l, 11,
		bb_fmt__real(text, sizeof(text),
			     t->rec->window.ns ? (double)k->wait_ns / (double)t->rec->window.ns : 0,
			     3));
	bb_line__right(l, 19, bb_fmt__count(text, sizeof(text), k->waits));
	bb_line__right(l, 28, bb_fmt__ns(text, sizeof(text), k->wait_ns));
	bb_line__right(l, 37, bb_fmt__ns(text, sizeof(text), k->max_ns));
	bb_line__pad(l, 39);
	lock__what(l, k, "queue");
	bb_line__end(l);
	if (!all)
		return;
	bb_line__pad(l, 39);
	bb_line__put(l, "fed by ");
	holder__who(l, p, most);
	if (nr > 1)
		bb_line__printf(l, " (%s) and %zu more",
				bb_fmt__share(text, sizeof(text), ratio(most->count, all)), nr - 1);
	bb_line__end(l);
}

static void queues__rows(struct bb_text *t, const struct bb_process *p)
{
	size_t shown = 0;

	for (size_t i = 0; i < p->nr_locks && shown < QUEUES_TOLD; i++) {
		const struct bb_lock *k = &p->locks[i];
		size_t nr;

		/* what nobody feeds says nothing */
		if (k->state != BB_STATE_QUEUE || !bb_process__lock_holders(p, k->addr, &nr))
			continue;
		if (!shown++) {
			bb_line__color(&t->line, BB_COLOR_DIM);
			bb_line__put(&t->line, "    waiting   waits   waited  longest  queue");
			bb_line__end(&t->line);
		}
		queue__row(t, p, k);
	}
}

static void lock__row(struct bb_text *t, const struct bb_lock *k)
{
	struct bb_line *l = &t->line;
	char text[BB_FMT_LEN];

	bb_line__right(l, 11,
		       bb_fmt__share(text, sizeof(text),
				     ratio(k->contended_ns, t->rec->window.ns)));
	bb_line__right(l, 19, bb_fmt__count(text, sizeof(text), k->waits));
	bb_line__right(l, 28, bb_fmt__ns(text, sizeof(text), k->wait_ns));
	bb_line__right(l, 37, bb_fmt__ns(text, sizeof(text), k->max_ns));
	snprintf(text, sizeof(text), "%u", k->waiters_max);
	bb_line__right(l, 45, text);
	bb_line__pad(l, 47);
	lock__what(l, k, "lock");
	bb_line__end(l);
}

static void locks__rest(struct bb_text *t, size_t rest, uint64_t rest_ns)
{
	char text[BB_FMT_LEN];

	if (!rest)
		return;
	bb_line__pad(&t->line, 2);
	bb_line__printf(&t->line, "%zu more locks", rest);
	bb_line__right(&t->line, 28, bb_fmt__ns(text, sizeof(text), rest_ns));
	bb_line__end(&t->line);
}

static size_t locks__in_state(const struct bb_process *p, enum bb_state state)
{
	size_t i, n = 0;

	for (i = 0; i < p->nr_locks; i++)
		n += p->locks[i].state == state;
	return n;
}

void bb_text__locks(struct bb_text *t, const struct bb_process *p)
{
	size_t i, shown = 0, locks = locks__in_state(p, BB_STATE_LOCK);
	size_t queues = locks__in_state(p, BB_STATE_QUEUE);
	struct bb_line *l = &t->line;
	uint64_t rest_ns = 0;

	if (!locks && !queues)
		return;
	bb_line__title(l, p->locks[0].processes ? "Locks in shared memory, all processes together"
						: "Locks");
	if (locks) {
		bb_line__color(l, BB_COLOR_DIM);
		bb_line__put(l, "  contended   waits   waited  longest waiters  lock");
		bb_line__end(l);
	}
	for (i = 0; i < p->nr_locks; i++) {
		if (p->locks[i].state != BB_STATE_LOCK)
			continue;
		if (shown < BB_TEXT_TOP) {
			lock__row(t, &p->locks[i]);
			lock__quantiles(t, &p->locks[i]);
			lock__sides(t, &p->locks[i]);
			lock__gone(t, &p->locks[i]);
			lock__processes(t, &p->locks[i]);
			lock__holders(t, p, &p->locks[i], 0);
			shown++;
		} else {
			rest_ns += p->locks[i].wait_ns;
		}
	}
	locks__rest(t, locks - shown, rest_ns);
	if (!queues)
		return;
	bb_line__color(l, BB_COLOR_DIM);
	bb_line__printf(l, "  %s%zu queue%s, where threads wait for work: no contention",
			locks ? "and " : "none contended; ", queues, queues == 1 ? "" : "s");
	bb_line__end(l);
	queues__rows(t, p);
}
