// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Requests: what threads wait for on connections that clients opened.
 *
 * A wait that ended with data is one; but who finds the next request there already does not wait.
 * So the waits are held against all calls that read: those that returned data bound the requests
 * from above. Where each read had to wait the two are the same, and the count is right. It is that
 * of the reads, too, where a request cannot have taken two of them: see regular().
 */
#include <math.h>
#include <string.h>
#include <sys/syscall.h>

#include "../model/code.h"
#include "../model/loop.h"
#include "facts.h"
#include "rules.h"
#include "unit_parts.h"

/* Calls that read from a socket: first those that do nothing else. */
static const int reads[] = { SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_read, SYS_readv };
#define READS         (sizeof(reads) / sizeof(reads[0]))
#define SOCKETS_ALONE 3

static int read_index(int nr)
{
	for (size_t i = 0; i < READS; i++)
		if (reads[i] == nr)
			return (int)i;
	return -1;
}

static bool writes(int nr)
{
	switch (nr) {
	case SYS_write:
	case SYS_writev:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_sendfile:
	case SYS_splice:
		return true;
	default:
		return false;
	}
}

static bool accepts(int nr)
{
#ifdef SYS_accept
	if (nr == SYS_accept)
		return true;
#endif
	return nr == SYS_accept4;
}

static bool is_call(const struct bb_wait *w)
{
	return w->state == BB_STATE_NET || w->state == BB_STATE_IPC || w->state == BB_STATE_POLL;
}

/* For a client that has connected. What it does not take fast enough is a wait of the request. */
static bool for_client(const struct bb_wait *w)
{
	return is_call(w) && w->endpoint == BB_END_INBOUND && !writes(w->syscall) &&
	       !accepts(w->syscall);
}

/* For one who connects. */
static bool for_caller(const struct bb_wait *w)
{
	return is_call(w) && (w->endpoint == BB_END_LISTEN || w->fdkind == BB_FD_INET_LISTEN ||
			      w->fdkind == BB_FD_UNIX_LISTEN || accepts(w->syscall));
}

/*
 * A poll of an event loop is for many things: clients, its own wake-ups, timers. But a process for
 * each connection may well poll by epoll, for the one client that it has.
 */
static bool of_loop(const struct bb_loop *l, const struct bb_wait *w)
{
	return l && w->polls && !(l->kind == BB_LOOP_EPOLL && w->one_client);
}

/* What was counted of waits and calls. */
struct counts {
	double read[READS];   /* waits for clients that ended, by call */
	double polled;        /* the same in calls that poll */
	double other[READS];  /* waits for anybody else in calls that read */
	double began_earlier; /* of those that ended, expected: their call was not traced */
	double accepted;
	double data, fails, again; /* calls that read, of those by which clients are read */
	double timeouts;           /* calls that poll, without anything */
	double answers;            /* calls that wrote something */
	bool callers;              /* somebody waits for those who connect */
};

static void count_waits(struct counts *c, const struct bb_process *p)
{
	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct bb_thread *t = &p->threads[i];
		const struct bb_loop *loop = bb_process__loop_of(p, t->tid);

		for (size_t j = 0; j < t->nr_waits; j++) {
			const struct bb_wait *w = &t->waits[j];
			double ended = (double)w->count - w->open;
			int r = read_index(w->syscall);

			c->callers |= for_caller(w);
			if (!for_client(w) || of_loop(loop, w)) {
				if (r >= 0 && is_call(w))
					c->other[r] += ended;
				continue;
			}
			if (r >= 0)
				c->read[r] += ended;
			else
				c->polled += ended;
			if (!t->born && t->window_ns && ended > 0)
				c->began_earlier += (double)w->ns / (double)t->window_ns;
		}
	}
}

/* Are clients read by this call? Where none of their waits says, by those that sockets have. */
static bool is_asked(const struct counts *c, const struct bb_process *p, int r)
{
	bool waits = false, alone = false;

	for (size_t i = 0; i < READS; i++)
		waits |= c->read[i] > 0;
	if (waits && c->polled <= 0)
		return c->read[r] > 0;
	if (c->polled > 0)
		return true;
	for (size_t i = 0; i < p->nr_syscalls; i++) {
		int at = read_index(p->syscalls[i].nr);

		alone |= at >= 0 && at < SOCKETS_ALONE && p->syscalls[i].count;
	}
	return r < SOCKETS_ALONE || !alone;
}

static void count_calls(struct counts *c, const struct bb_process *p)
{
	for (size_t i = 0; i < p->nr_syscalls; i++) {
		const struct bb_syscall *s = &p->syscalls[i];
		double some = (double)s->outcomes[BB_OUT_SOME].count;
		double again = (double)s->outcomes[BB_OUT_AGAIN].count;
		int r = read_index(s->nr);

		if (accepts(s->nr))
			c->accepted += (double)s->outcomes[BB_OUT_NONE].count;
		else if (writes(s->nr))
			c->answers += some;
		else if (s->kind == BB_CALL_POLL)
			c->timeouts += (double)s->count - some;
		if (r < 0 || !is_asked(c, p, r))
			continue;
		c->data += some;
		c->again += again;
		c->fails += (double)s->count - some - again;
	}
}

/* A connection for each request: as many as there were reads with data. */
static bool one_each(const struct counts *c)
{
	return c->accepted > 0 &&
	       fabs(c->accepted - c->data) <= bb_rule(BB_R_UNITS_UNSEEN) * c->data;
}

/*
 * A request that takes two reads or more has two for each wait at least. Fewer than that, or one
 * for each connection, and a whole number of answers for each read, as where every request is read
 * and answered alike: then each read is one, also those that did not have to wait.
 */
static bool regular(const struct counts *c, double waited, double others)
{
	double unseen = bb_rule(BB_R_UNITS_UNSEEN), each = c->data > 0 ? c->answers / c->data : 0;

	return (c->data < 2 * (1 - unseen) * waited || one_each(c)) && others <= unseen * c->data &&
	       round(each) >= 1 && fabs(each - round(each)) <= unseen;
}

/* Waits by reading that got data, polls after which there was some; or connections, each asks. */
static void bound(struct bb_unit *u, const struct counts *c)
{
	double waited = 0, others = 0, fails = c->fails;

	if (c->polled <= 0)
		fails += c->again;
	for (size_t i = 0; i < READS; i++) {
		waited += c->read[i];
		others += c->other[i];
	}
	if (c->polled > 0)
		waited += fmax(0, c->polled - c->timeouts);
	u->low = fmax(0, fmax(waited, c->accepted) - fails);
	u->high = c->data - fmax(0, others - fails) + c->began_earlier;
	u->high = fmax(0, fmin(u->high, c->answers));
	if (regular(c, waited - fails, others))
		u->low = fmax(u->low, u->high);
}

static bool same_stack(const struct bb_code *a, const struct bb_code *b)
{
	if (a->nr_frames != b->nr_frames)
		return false;
	for (size_t i = 0; i < a->nr_frames; i++)
		if (bb_frame__compare(&a->frames[i], &b->frames[i]))
			return false;
	return true;
}

/* A wait of @t for a client, as far as its row of code tells. */
static bool waits_in(const struct bb_code *c, const struct bb_thread *t)
{
	if (c->kind != BB_PY_BLOCKED || !c->nr_frames || c->tid != t->tid)
		return false;
	for (size_t i = 0; i < t->nr_waits; i++)
		if (for_client(&t->waits[i]) && t->waits[i].state == c->state &&
		    t->waits[i].syscall == c->syscall)
			return true;
	return false;
}

/*
 * In Python the code tells requests that come in parts: who waits for a body has another stack
 * than who waits for the next request. The most frequent stack's share of all such waits.
 */
static double in_one_place(const struct bb_process *p)
{
	const struct bb_code *most = NULL;
	double in = 0, all = 0;

	/* the rows are longest first: the first one's stack is taken */
	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];
		const struct bb_thread *t = c->tid ? bb_process__thread(p, c->tid) : NULL;

		if (!t || !waits_in(c, t))
			continue;
		if (!most)
			most = c;
		all += (double)c->count;
		in += same_stack(c, most) ? (double)c->count : 0;
	}
	return all > 0 ? in / all : 1;
}

/* Waits between requests, those whose other end was not read included. */
static void spend_thread(struct bb_unit *u, const struct bb_process *p, const struct bb_thread *t,
			 bool all)
{
	bool loop = bb_process__loop_of(p, t->tid) != NULL, some = all;
	double between[BB_STATE_MAX] = {};

	for (size_t i = 0; i < t->nr_waits; i++) {
		const struct bb_wait *w = &t->waits[i];
		bool is = for_client(w) || for_caller(w) || (loop && w->polls);

		for (size_t j = 0; j < t->nr_waits && !is; j++)
			is = w->endpoint == BB_END_UNKNOWN && w->state == t->waits[j].state &&
			     w->syscall == t->waits[j].syscall &&
			     (for_client(&t->waits[j]) || for_caller(&t->waits[j]));
		if (!is)
			continue;
		some = true;
		between[w->state] += (double)w->ns;
	}
	if (some)
		bb_unit__spend(u, t, between);
}

/* @all: threads that do not wait for clients, too: those of one connection may never have to */
static void spend(struct bb_unit *u, const struct bb_process *p, bool all)
{
	for (size_t i = 0; i < p->nr_threads; i++)
		if (p->threads[i].active)
			spend_thread(u, p, &p->threads[i], all);
	/* ended threads without a row: what they waited for on sockets is not told apart */
	u->threads += p->folded_threads;
	for (int s = 0; s < BB_STATE_MAX; s++) {
		bool told = s != BB_STATE_NET && s != BB_STATE_IPC && s != BB_STATE_POLL;

		if (p->folded.ns[s])
			u->spent[s] += told ? (double)p->folded.ns[s] : NAN;
	}
}

bool bb_unit__requests(struct bb_unit *u, const struct bb_record *rec, const struct bb_process *p,
		       double *handed_on)
{
	struct counts c = {};
	double waits;

	count_waits(&c, p);
	waits = c.polled;
	for (size_t i = 0; i < READS; i++)
		waits += c.read[i];
	if (waits <= 0 && !c.callers)
		return false;
	if (rec->drops[BB_DROP_LOOPS_FULL])
		bb_unit__no(u, "there was no room for all event loops: see the losses");
	if (rec->overhead.syscall_tracing != BB_TRACING_ON || rec->drops[BB_DROP_SYSCALLS_FULL]) {
		spend(u, p, false);
		u->high = INFINITY;
		bb_unit__no(u, "those that did not have to be waited for were not seen: system "
			       "calls were not traced all the time (--syscalls=on)");
		return true;
	}
	count_calls(&c, p);
	bound(u, &c);
	spend(u, p, one_each(&c));
	/* it hands its connections on, or nobody came */
	if (waits <= 0 && c.data <= 0) {
		*handed_on = c.accepted;
		return false;
	}
	if (!one_each(&c) && in_one_place(p) < 1 - bb_rule(BB_R_UNITS_UNSEEN)) {
		u->low = 0;
		bb_unit__no(u, "clients are waited for in several places of the code: a request "
			       "may come in parts");
	}
	return true;
}
