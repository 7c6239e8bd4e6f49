// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "delta.h"

#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "code.h"
#include "native.h"
#include "stacks.h"

/* Readings are made one after the other: a figure never goes down, a race may make it seem so. */
static void take(uint64_t *from, uint64_t less)
{
	if (*from == BB_UNKNOWN_U64 || less == BB_UNKNOWN_U64)
		return;
	*from = *from > less ? *from - less : 0;
}

static void take_budget(struct bb_budget *b, const struct bb_budget *less)
{
	for (int s = 0; s < BB_STATE_MAX; s++)
		take(&b->ns[s], less->ns[s]);
	take(&b->runq_preempted_ns, less->runq_preempted_ns);
	take(&b->runq_woken_ns, less->runq_woken_ns);
	take(&b->runq_throttled_ns, less->runq_throttled_ns);
	take(&b->futex_proto_ns, less->futex_proto_ns);
	take(&b->futex_handed_ns, less->futex_handed_ns);
	take(&b->futex_fed_ns, less->futex_fed_ns);
	take(&b->futex_other_ns, less->futex_other_ns);
}

/* The same wait, by its label if there are several. */
static const struct bb_wait *same_wait(const struct bb_wait *w, const struct bb_wait *of, size_t nr)
{
	const struct bb_wait *any = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (!bb_wait__same_call(&of[i], w) || of[i].end != w->end)
			continue;
		if (!strcmp(of[i].label, w->label))
			return &of[i];
		if (!any)
			any = &of[i];
	}
	return any;
}

static void take_wait(struct bb_wait *w, const struct bb_wait *less)
{
	take(&w->ns, less->ns);
	/* a wait that was open then goes on: it counts again */
	take(&w->count, less->count - (less->open && less->count));
}

/* Rows of ends of their own that were joined since, as there was no room. */
static void take_joined(struct bb_wait *w, const struct bb_wait *rows, size_t nr,
			const struct bb_wait *less, size_t nr_less)
{
	for (size_t j = 0; j < nr_less; j++) {
		bool there = !bb_wait__same_call(&less[j], w);

		for (size_t i = 0; i < nr && !there; i++)
			there = bb_wait__same_call(&rows[i], &less[j]) &&
				rows[i].end == less[j].end;
		if (!there)
			take_wait(w, &less[j]);
	}
}

static void take_waits(struct bb_wait *rows, size_t *nr, const struct bb_wait *less, size_t nr_less)
{
	size_t kept = 0;

	for (size_t i = 0; i < *nr; i++)
		if (rows[i].end == BB_END_SEVERAL)
			take_joined(&rows[i], rows, *nr, less, nr_less);
	for (size_t i = 0; i < *nr; i++) {
		struct bb_wait *w = &rows[i];
		const struct bb_wait *l = same_wait(w, less, nr_less);

		if (l)
			take_wait(w, l);
		if (w->ns || w->open)
			rows[kept++] = *w;
	}
	*nr = kept;
}

static void release_thread(struct bb_thread *t)
{
	free(t->name);
	free(t->gil_hist);
	free(t->waits);
}

static const struct bb_thread *same_thread(const struct bb_process *p, const struct bb_thread *t)
{
	/* a number may have been used twice in the window */
	for (size_t i = bb_process__first_thread(p, t->tid);
	     i < p->nr_threads && p->threads[i].tid == t->tid; i++)
		if (p->threads[i].start_ns == t->start_ns)
			return &p->threads[i];
	return NULL;
}

static void take_thread(struct bb_thread *t, const struct bb_thread *less)
{
	take_budget(&t->budget, &less->budget);
	t->start_ns += less->window_ns;
	take(&t->window_ns, less->window_ns);
	take(&t->voluntary, less->voluntary);
	take(&t->involuntary, less->involuntary);
	take(&t->migrations, less->migrations);
	take(&t->kernel_ns, less->kernel_ns);
	take(&t->gil_acquisitions, less->gil_acquisitions);
	take(&t->gil_forced, less->gil_forced);
	take(&t->gil_held_off_ns, less->gil_held_off_ns);
	take(&t->gil_samples, less->gil_samples);
	take(&t->gil_free_samples, less->gil_free_samples);
	for (int h = 0; t->gil_hist && less->gil_hist && h < BB_HIST_SLOTS; h++)
		take(&t->gil_hist[h], less->gil_hist[h]);
	take_waits(t->waits, &t->nr_waits, less->waits, less->nr_waits);
	t->active = t->budget.ns[BB_STATE_ONCPU] > 0;
	t->born = false;
}

static void take_natives(struct bb_code *c, const struct bb_code *less)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->nr_natives; i++) {
		struct bb_native_stack *s = &c->natives[i];

		for (size_t j = 0; j < less->nr_natives; j++)
			if (bb_native__same_stack(s, &less->natives[j])) {
				take(&s->count, less->natives[j].count);
				break;
			}
		if (s->count)
			c->natives[kept++] = *s;
		else
			free(s->frames);
	}
	c->nr_natives = kept;
	bb_native__sort(c);
}

/* The rows were read in an order of their own: sorted copies of the keys are joined. */
static void take_code(struct bb_process *p, const struct bb_process *less)
{
	struct bb_code *sorted = calloc(less->nr_code ? less->nr_code : 1, sizeof(*sorted));
	size_t kept = 0;

	if (!sorted)
		return;
	if (less->nr_code)
		memcpy(sorted, less->code, less->nr_code * sizeof(*sorted));
	qsort(sorted, less->nr_code, sizeof(*sorted), bb_code__compare);
	for (size_t i = 0; i < p->nr_code; i++) {
		struct bb_code *c = &p->code[i];
		const struct bb_code *l =
			bsearch(c, sorted, less->nr_code, sizeof(*sorted), bb_code__compare);

		if (l) {
			take_natives(c, l);
			take(&c->ns, l->ns);
			take(&c->count, l->count);
			take(&c->waited_ns, l->waited_ns);
			take(&c->ticks, l->ticks);
		}
		if (c->ns || c->count)
			p->code[kept++] = *c;
		else
			bb_code__release(c);
	}
	p->nr_code = kept;
	bb_code__sort(p->code, kept);
	free(sorted);
}

static void take_holders(struct bb_process *p, const struct bb_process *less)
{
	for (size_t i = 0; i < p->nr_holders; i++)
		for (size_t j = 0; j < less->nr_holders; j++) {
			struct bb_gil_holder *h = &p->holders[i];
			const struct bb_gil_holder *l = &less->holders[j];

			if (h->who != l->who || h->gil != l->gil)
				continue;
			take(&h->ns, l->ns);
			take(&h->count, l->count);
			break;
		}
}

static void take_lock_holders(struct bb_process *p, const struct bb_process *less)
{
	size_t kept = 0, nr;

	for (size_t i = 0; i < p->nr_lock_holders; i++) {
		struct bb_lock_holder *h = &p->lock_holders[i];
		const struct bb_lock_holder *l = bb_process__lock_holders(less, h->lock, &nr);

		for (; nr; nr--, l++)
			if (l->tid == h->tid && l->pid == h->pid) {
				take(&h->ns, l->ns);
				take(&h->count, l->count);
				take(&h->wait.ns, l->wait.ns);
				break;
			}
		if (h->ns || h->count)
			p->lock_holders[kept++] = *h;
	}
	p->nr_lock_holders = kept;
	bb_lock_holders__sort(p->lock_holders, kept);
}

static void take_takers(struct bb_process *p, const struct bb_process *less)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->nr_takers; i++) {
		struct bb_taker *t = &p->takers[i];

		for (size_t j = 0; j < less->nr_takers; j++) {
			const struct bb_taker *l = &less->takers[j];

			if (l->by != t->by)
				continue;
			take(&t->ns, l->ns);
			take(&t->count, l->count);
			break;
		}
		if (t->count)
			p->takers[kept++] = *t;
	}
	p->nr_takers = kept;
	bb_takers__sort(p->takers, kept);
}

static void take_klocks(struct bb_process *p, const struct bb_process *less)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->nr_klocks; i++) {
		struct bb_klock *k = &p->klocks[i];

		for (size_t j = 0; j < less->nr_klocks; j++)
			if (bb_klock__same(k, &less->klocks[j])) {
				take(&k->ns, less->klocks[j].ns);
				take(&k->count, less->klocks[j].count);
				break;
			}
		/* the longest so far; of what there is now none was longer than all */
		if (k->max_ns > k->ns)
			k->max_ns = k->ns;
		if (k->count)
			p->klocks[kept++] = *k;
	}
	p->nr_klocks = kept;
	bb_klocks__sort(p->klocks, kept);
}

static void take_loops(struct bb_process *p, const struct bb_process *less)
{
	for (size_t i = 0; i < p->nr_loops; i++)
		for (size_t j = 0; j < less->nr_loops; j++) {
			struct bb_loop *o = &p->loops[i];
			const struct bb_loop *l = &less->loops[j];

			if (o->tid != l->tid || o->exact != l->exact)
				continue;
			take(&o->window_ns, l->window_ns);
			take(&o->turns, l->turns);
			take(&o->busy_ns, l->busy_ns);
			take(&o->long_turns, l->long_turns);
			take(&o->long_ns, l->long_ns);
			take(&o->inner_count, l->inner_count);
			take(&o->inner_ns, l->inner_ns);
			for (int h = 0; h < BB_TURN_SLOTS; h++)
				o->hist[h] -= o->hist[h] < l->hist[h] ? o->hist[h] : l->hist[h];
			break;
		}
}

static void take_objects(struct bb_process *p, const struct bb_process *less)
{
	for (size_t i = 0; i < p->nr_locks; i++) {
		struct bb_lock *l = &p->locks[i];

		for (size_t j = 0; j < less->nr_locks; j++) {
			const struct bb_lock *e = &less->locks[j];

			if (e->addr != l->addr)
				continue;
			take(&l->contended_ns, e->contended_ns);
			take(&l->wait_ns, e->wait_ns);
			take(&l->waits, e->waits);
			take(&l->write_ns, e->write_ns);
			take(&l->write_waits, e->write_waits);
			take(&l->times, e->times);
			take(&l->given_ns, e->given_ns);
			for (int h = 0; l->hist && e->hist && h < BB_HIST_SLOTS; h++)
				take(&l->hist[h], e->hist[h]);
			take(&l->handed_ns, e->handed_ns);
			take(&l->fed_ns, e->fed_ns);
			take(&l->proto_ns, e->proto_ns);
			take(&l->other_ns, e->other_ns);
			break;
		}
	}
	for (size_t i = 0; i < p->nr_gils; i++) {
		for (size_t j = 0; j < less->nr_gils; j++) {
			if (less->gils[j].addr != p->gils[i].addr)
				continue;
			take(&p->gils[i].contended_ns, less->gils[j].contended_ns);
			take(&p->gils[i].wait_ns, less->gils[j].wait_ns);
			take(&p->gils[i].samples, less->gils[j].samples);
			take(&p->gils[i].held_off_ns, less->gils[j].held_off_ns);
			take(&p->gils[i].given_ns, less->gils[j].given_ns);
			take(&p->gils[i].hand_over_ns, less->gils[j].hand_over_ns);
			take(&p->gils[i].acquisitions, less->gils[j].acquisitions);
			for (int h = 0; h < BB_HIST_SLOTS; h++)
				take(&p->gils[i].hist[h], less->gils[j].hist[h]);
		}
	}
}

static void take_syscalls(struct bb_process *p, const struct bb_process *less)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->nr_syscalls; i++) {
		struct bb_syscall *s = &p->syscalls[i];

		for (size_t j = 0; j < less->nr_syscalls; j++) {
			const struct bb_syscall *l = &less->syscalls[j];

			if (!bb_syscall__same(l, s))
				continue;
			take(&s->count, l->count);
			take(&s->errors, l->errors);
			take(&s->ns, l->ns);
			take(&s->inside_ns, l->inside_ns);
			take(&s->amount, l->amount);
			for (int o = 0; o < BB_OUT_MAX; o++) {
				take(&s->outcomes[o].count, l->outcomes[o].count);
				take(&s->outcomes[o].ns, l->outcomes[o].ns);
			}
			break;
		}
		if (s->count || s->inside_ns)
			p->syscalls[kept++] = *s;
	}
	p->nr_syscalls = kept;
}

static void take_process(struct bb_process *p, const struct bb_process *less)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->nr_threads; i++) {
		struct bb_thread *t = &p->threads[i];
		const struct bb_thread *l = same_thread(less, t);

		if (l && l->ended) {
			release_thread(t);
			continue;
		}
		if (l)
			take_thread(t, l);
		p->threads[kept++] = *t;
	}
	p->nr_threads = kept;
	take_budget(&p->budget, &less->budget);
	take_budget(&p->folded, &less->folded);
	take(&p->window_ns, less->window_ns);
	take(&p->folded_window_ns, less->folded_window_ns);
	take(&p->folded_threads, less->folded_threads);
	take(&p->voluntary, less->voluntary);
	take(&p->involuntary, less->involuntary);
	take(&p->migrations, less->migrations);
	take(&p->threads_born, less->threads_born);
	take(&p->threads_ended, less->threads_ended);
	take(&p->kernel_ns, less->kernel_ns);
	take_waits(p->waits, &p->nr_waits, less->waits, less->nr_waits);
	take_objects(p, less);
	take_syscalls(p, less);
	take_code(p, less);
	take_holders(p, less);
	take_lock_holders(p, less);
	take_takers(p, less);
	take_klocks(p, less);
	take_loops(p, less);
	bb_stacks__subtract(p, less);
}

void bb_record__subtract(struct bb_record *rec, const struct bb_record *earlier)
{
	uint64_t before = earlier->window.ns;

	/* an interval is a slice itself */
	bb_record__forget_slices(rec);
	for (size_t i = 0; i < rec->nr_processes; i++)
		for (size_t j = 0; j < earlier->nr_processes; j++)
			if (rec->processes[i].pid == earlier->processes[j].pid) {
				take_process(&rec->processes[i], &earlier->processes[j]);
				break;
			}
	/* processes and threads started their part of the window relative to its start */
	for (size_t i = 0; i < rec->nr_processes; i++)
		for (size_t j = 0; j < rec->processes[i].nr_threads; j++)
			take(&rec->processes[i].threads[j].start_ns, before);
	rec->window.start_realtime_ns += (int64_t)before;
	take(&rec->window.ns, before);
	for (int d = 0; d < BB_DROP_MAX; d++)
		take(&rec->drops[d], earlier->drops[d]);
	for (int h = 0; h < BB_WALK_MAX; h++)
		take(&rec->walks[h], earlier->walks[h]);
	take(&rec->overhead.events, earlier->overhead.events);
	take(&rec->overhead.bpf_ns, earlier->overhead.bpf_ns);
	take(&rec->overhead.syscall_window_ns, earlier->overhead.syscall_window_ns);
}
