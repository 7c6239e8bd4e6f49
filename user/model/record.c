/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The record: building, releasing and adding up. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

struct bb_record *bb_record__new(void)
{
	struct bb_record *rec = calloc(1, sizeof(*rec));

	if (!rec)
		return NULL;
	/* What nobody has measured yet is unknown, not zero. */
	rec->host.busy_share = NAN;
	rec->overhead.bpf_ns = BB_UNKNOWN_U64;
	rec->overhead.cpu_share = NAN;
	rec->overhead.slicing_cpu_share = NAN;
	rec->overhead.rss_bytes = BB_UNKNOWN_U64;
	rec->overhead.map_bytes = BB_UNKNOWN_U64;
	rec->overhead.machine_syscalls_per_s = BB_UNKNOWN_U64;
	rec->command_status = -1;
	return rec;
}

static void thread__release(struct bb_thread *t)
{
	free(t->name);
	free(t->gil_hist);
	free(t->waits);
}

static void lock__release(struct bb_lock *l)
{
	free(l->place);
	free(l->symbol);
	free(l->code);
	free(l->caller);
	free(l->object);
	free(l->hist);
}

void bb_code__release(struct bb_code *c)
{
	for (size_t i = 0; c->natives && i < c->nr_natives; i++)
		free(c->natives[i].frames);
	free(c->natives);
	free(c->frames);
}

/*
 * A half-built object may have a count before it has the array, so each loop
 * looks at the pointer too.
 */
void bb_process__release(struct bb_process *p)
{
	size_t i;

	for (i = 0; p->threads && i < p->nr_threads; i++)
		thread__release(&p->threads[i]);
	for (i = 0; p->locks && i < p->nr_locks; i++)
		lock__release(&p->locks[i]);
	for (i = 0; p->code && i < p->nr_code; i++)
		bb_code__release(&p->code[i]);
	for (i = 0; p->cmdline && p->cmdline[i]; i++)
		free(p->cmdline[i]);
	free(p->threads);
	free(p->locks);
	free(p->cmdline);
	free(p->exe);
	free(p->cgroup);
	free(p->container);
	free(p->runtime.note);
	free(p->gils);
	free(p->holders);
	free(p->code);
	free(p->loops);
	free(p->lock_holders);
	free(p->takers);
	free(p->klocks);
	bb_strings__release(p->strings);
	free(p->waits);
	free(p->syscalls);
	for (i = 0; p->stacks && i < p->nr_stacks; i++)
		free(p->stacks[i].frames);
	free(p->stacks);
	bb_slices__release(&p->slices);
}

void bb_record__forget_slices(struct bb_record *rec)
{
	for (size_t i = 0; rec->processes && i < rec->nr_processes; i++)
		bb_slices__release(&rec->processes[i].slices);
	free(rec->slice_ends);
	rec->slice_ends = NULL;
	rec->nr_slices = 0;
}

bool bb_klock__same(const struct bb_klock *a, const struct bb_klock *b)
{
	return a->kind == b->kind && a->reads == b->reads && a->writes == b->writes &&
	       a->mmap == b->mmap && !strcmp(a->function, b->function);
}

static int compare_klocks(const void *a, const void *b)
{
	const struct bb_klock *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return strcmp(x->function, y->function);
}

void bb_klocks__sort(struct bb_klock *k, size_t nr)
{
	if (nr)
		qsort(k, nr, sizeof(*k), compare_klocks);
}

static int compare_takers(const void *a, const void *b)
{
	const struct bb_taker *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

void bb_takers__sort(struct bb_taker *t, size_t nr)
{
	if (nr)
		qsort(t, nr, sizeof(*t), compare_takers);
}

static int compare_holders(const void *a, const void *b)
{
	const struct bb_lock_holder *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

void bb_lock_holders__sort(struct bb_lock_holder *h, size_t nr)
{
	if (nr)
		qsort(h, nr, sizeof(*h), compare_holders);
}

const struct bb_lock_holder *bb_process__lock_holders(const struct bb_process *p, uint64_t addr,
						      size_t *nr)
{
	size_t lo = 0, hi = p->nr_lock_holders;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->lock_holders[mid].lock < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*nr = 0; lo + *nr < p->nr_lock_holders && p->lock_holders[lo + *nr].lock == addr;)
		++*nr;
	return *nr ? &p->lock_holders[lo] : NULL;
}

bool bb_wait__same_call(const struct bb_wait *a, const struct bb_wait *b)
{
	return a->state == b->state && a->syscall == b->syscall && a->fdkind == b->fdkind;
}

const struct bb_lock *bb_process__lock_at(const struct bb_process *p, uint64_t addr)
{
	for (size_t i = 0; addr && i < p->nr_locks; i++)
		if (p->locks[i].addr == addr)
			return &p->locks[i];
	return NULL;
}

#define CHAIN_MOST 16 /* it may be a ring: figures of a window, not of an instant */

const struct bb_lock_holder *bb_process__chain_end(const struct bb_process *p,
						   const struct bb_lock_holder *h)
{
	for (int i = 0; i < CHAIN_MOST; i++) {
		const struct bb_lock *l = bb_process__lock_at(p, h->futex);
		const struct bb_lock_holder *next;
		size_t nr;

		/* not for a wait that hardly matters */
		if (!l || l->state != BB_STATE_LOCK || l->addr == h->lock || h->wait.ns < h->ns / 2)
			return h;
		next = bb_process__lock_holders(p, l->addr, &nr);
		if (!next)
			return h;
		h = next;
	}
	return h;
}

bool bb_process__pauses(const struct bb_process *p, struct bb_pauses *out)
{
	*out = (struct bb_pauses){};
	for (size_t i = 0; i < p->nr_locks; i++) {
		const struct bb_lock *l = &p->locks[i];

		if (l->kind == BB_LOCK_STOPPER)
			out->request_ns += l->wait_ns;
		if (l->kind != BB_LOCK_WORLD)
			continue;
		out->count += l->times;
		out->wait_ns += l->wait_ns;
		if (l->contended_ns > out->wall_ns)
			out->wall_ns = l->contended_ns;
		if (l->max_ns > out->max_ns)
			out->max_ns = l->max_ns;
		if (l->waiters_max > out->threads_max)
			out->threads_max = l->waiters_max;
	}
	return p->runtime.free_threaded;
}

size_t bb_process__first_thread(const struct bb_process *p, pid_t tid)
{
	size_t lo = 0, hi = p->nr_threads;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->threads[mid].tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct bb_thread *bb_process__thread(const struct bb_process *p, pid_t tid)
{
	size_t at = bb_process__first_thread(p, tid);

	return at < p->nr_threads && p->threads[at].tid == tid ? &p->threads[at] : NULL;
}

void bb_record__free(struct bb_record *rec)
{
	size_t i;

	if (!rec)
		return;
	for (i = 0; rec->processes && i < rec->nr_processes; i++)
		bb_process__release(&rec->processes[i]);
	free(rec->processes);
	free(rec->slice_ends);
	free(rec);
}

bool bb_runtime__parks(const struct bb_runtime *rt)
{
	return !strcmp(rt->name, "go") || !strcmp(rt->name, "java");
}

uint64_t bb_budget__sum(const struct bb_budget *b)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < BB_STATE_MAX; i++)
		sum += b->ns[i];
	return sum;
}

void bb_budget__add(struct bb_budget *to, const struct bb_budget *b)
{
	size_t i;

	for (i = 0; i < BB_STATE_MAX; i++)
		to->ns[i] += b->ns[i];
	to->runq_preempted_ns += b->runq_preempted_ns;
	to->runq_woken_ns += b->runq_woken_ns;
	to->runq_throttled_ns += b->runq_throttled_ns;
	to->futex_proto_ns += b->futex_proto_ns;
	to->futex_handed_ns += b->futex_handed_ns;
	to->futex_fed_ns += b->futex_fed_ns;
	to->futex_other_ns += b->futex_other_ns;
}

uint64_t bb_known__add(uint64_t a, uint64_t b)
{
	return a == BB_UNKNOWN_U64 || b == BB_UNKNOWN_U64 ? BB_UNKNOWN_U64 : a + b;
}

int64_t bb_thread__residual(const struct bb_thread *t)
{
	return (int64_t)(t->window_ns - bb_budget__sum(&t->budget));
}

size_t bb_record__losses(const struct bb_record *rec)
{
	size_t i, n = 0;

	for (i = 0; i < BB_DROP_MAX; i++)
		n += rec->drops[i] != 0;
	return n;
}

const char *bb_drop__name(enum bb_drop d)
{
	switch (d) {
#define X(id, n, name, text)                                                                       \
	case BB_DROP_##id:                                                                         \
		return name;
		BB_DROPS(X)
#undef X
	case BB_DROP_MAX:
		break;
	}
	return "invalid";
}

const char *bb_drop__text(enum bb_drop d)
{
	switch (d) {
#define X(id, n, name, text)                                                                       \
	case BB_DROP_##id:                                                                         \
		return text;
		BB_DROPS(X)
#undef X
	case BB_DROP_MAX:
		break;
	}
	return "not a loss";
}
