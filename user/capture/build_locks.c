// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/lock_rule.h"
#include "../util/grow.h"
#include "place.h"
#include "python_code.h"
#include "python_object.h"

uint64_t bb_build__contended_ns(const struct build *b, const struct bb_contention *c)
{
	uint64_t since =
		b->cas ? (c->word >> 16 << BB_WORD_UNIT_SHIFT) + b->opts->start_ns : c->since;

	return (c->word & 0xffff) && b->end_ns > since ? c->ns + (b->end_ns - since) : c->ns;
}

/* The histogram of a lock's waits, if it has one. */
static int add_lock_hist(struct build *b, uint32_t number, struct bb_lock *l)
{
	struct bb_lock_hist hist;
	int err;

	if (!number)
		return 0;
	err = bb_kernel__get_lock_hist(b->kernel, number - 1, &hist);
	if (err)
		return err;
	l->hist = calloc(BB_HIST_SLOTS, sizeof(*l->hist));
	if (!l->hist)
		return -ENOMEM;
	for (int h = 0; h < BB_LOCK_HIST_SLOTS; h++)
		l->hist[BB_LOCK_HIST_FIRST + h] = hist.slots[h];
	return 0;
}

static int add_lock(const struct bb_lock_key *key, const struct bb_lock_sum *sum, void *ctx)
{
	struct build *b = ctx;
	struct bb_process *p = bb_build__process(b, key->tgid, NULL);
	const struct bb_contention *c = &sum->contention;
	struct bb_lock *l;

	if (!p)
		return 0;
	l = bb_grow((void **)&p->locks, &p->nr_locks, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->addr = key->addr;
	l->shared = !(sum->op & 128);
	l->contended_ns = bb_build__contended_ns(b, c);
	l->times = c->times;
	l->waiters_max = (uint32_t)c->max;
	l->proto_ns = sum->ns[0];
	l->handed_ns = sum->ns[1];
	l->fed_ns = sum->ns[2];
	l->other_ns = sum->ns[3];
	l->wait_ns = sum->ns[0] + sum->ns[1] + sum->ns[2] + sum->ns[3];
	l->waits = sum->waits;
	l->rises = sum->rises;
	l->falls = sum->falls;
	l->write_ns = sum->write_ns;
	l->write_waits = sum->write_waits;
	l->max_ns = sum->max_ns;
	l->code_addr = sum->code;
	l->caller_addr = sum->caller;
	/* kept until the places are known: see judge_locks() */
	l->kind = (enum bb_lock_kind)sum->where;
	l->rule = (enum bb_lock_rule)sum->val;
	l->state = (enum bb_state)sum->op;
	l->open = c->word & 0xffff;
	l->given_ns = sum->given;
	return add_lock_hist(b, sum->hist, l);
}

static int compare_locks(const void *a, const void *b)
{
	const struct bb_lock *x = a, *y = b;

	if (x->state != y->state)
		return x->state == BB_STATE_LOCK ? -1 : 1;
	return x->contended_ns < y->contended_ns ? 1 : x->contended_ns > y->contended_ns ? -1 : 0;
}

static int name_code(struct bb_mem *m, const struct bb_python *py, uint64_t addr, char **name)
{
	char buf[256];

	/* a code object may be gone, and its memory be something else: then it has no name */
	if (!addr ||
	    bb_py_code__name(m, py->version_hex, py->free_threaded, addr, buf, sizeof(buf)))
		return 0;
	*name = strdup(buf);
	return *name ? 0 : -ENOMEM;
}

/* What has the mutex: a Python object, by its type. */
static int name_object(struct bb_mem *m, const struct bb_python *py, struct bb_lock *l)
{
	char buf[64];

	if ((uint32_t)l->kind != BB_AT_PYMUTEX ||
	    bb_py_object__of_mutex(m, py->version_hex, py->free_threaded, l->addr, buf,
				   sizeof(buf)))
		return 0;
	l->object = strdup(buf);
	return l->object ? 0 : -ENOMEM;
}

/* Name the Python code of those who wait, and what they wait for. */
static int name_locks(struct build *b, size_t i)
{
	struct bb_process *p = &b->rec->processes[i];
	const struct bb_target *t = &b->targets->items[i];
	int64_t granted = bb_allowance__grant(b->opts->allowance, 0);
	struct bb_mem m;
	int err = 0;

	if (!t->py.version_hex || t->gone || t->py.no_code)
		return 0;
	bb_mem__init(&m, t->pid);
	m.left = granted;
	for (size_t j = 0; j < p->nr_locks && !err; j++) {
		struct bb_lock *l = &p->locks[j];

		err = name_code(&m, &t->py, l->code_addr, &l->code);
		if (!err)
			err = name_code(&m, &t->py, l->caller_addr, &l->caller);
		if (!err)
			err = name_object(&m, &t->py, l);
	}
	bb_allowance__take(b->opts->allowance, granted - m.left);
	b->opts->allowance->cut += m.left <= 0;
	bb_mem__free(&m);
	return err;
}

/* The memory around a word; at the edge of what is mapped, that of its page. */
static void look_around(struct bb_mem *m, uint64_t addr, struct bb_lock_look *look)
{
	uint64_t page = addr & ~4095ULL, from = addr - BB_LOOK_BEFORE, to = addr + BB_LOOK_AFTER;
	unsigned char *at = look->mem;

	if (bb_mem__read(m, from, at, sizeof(look->mem))) {
		from = from < page ? page : from;
		to = to > page + 4096 ? page + 4096 : to;
		at += BB_LOOK_BEFORE - (addr - from);
		if (bb_mem__read(m, from, at, to - from))
			return;
	}
	look->before = addr - from;
	look->after = to - addr;
}

/* Say for each futex of a process whether it is a lock, and how its waits divide by that. */
static int judge_locks(struct build *b, size_t i)
{
	struct bb_process *p = &b->rec->processes[i];
	struct bb_lock_shares *s = &b->shares[i];
	double lock[4] = {}, all[4] = {};
	struct bb_mem m;
	int64_t granted;
	int err;

	err = bb_place__locks(p->pid, p->locks, p->nr_locks);
	if (!err)
		err = name_locks(b, i);
	if (err)
		return err;
	granted = bb_allowance__grant(b->opts->allowance, 0);
	bb_mem__init(&m, p->pid);
	m.left = granted;
	for (size_t j = 0; j < p->nr_locks; j++) {
		struct bb_lock *l = &p->locks[j];
		struct bb_lock_look look = { .op = (uint32_t)l->state,
					     .val = (uint32_t)l->rule,
					     .where = (uint32_t)l->kind,
					     .parks = bb_runtime__parks(&p->runtime) };
		uint64_t ns[4] = { l->proto_ns, l->handed_ns, l->fed_ns, l->other_ns };

		if (!b->targets->items[i].gone)
			look_around(&m, l->addr, &look);
		bb_lock__judge(l, &look);
		for (int h = 0; h < 4; h++) {
			all[h] += (double)ns[h];
			if (l->state == BB_STATE_LOCK)
				lock[h] += (double)ns[h];
		}
	}
	bb_allowance__take(b->opts->allowance, granted - m.left);
	b->opts->allowance->cut += p->nr_locks && m.left <= 0;
	bb_mem__free(&m);
	/* waits that have no row: what the way they ended says */
	for (int h = 0; h < 4; h++)
		s->lock[h] = all[h] > 0 ? lock[h] / all[h] : h < 2 ? 1 : 0;
	if (p->nr_locks)
		qsort(p->locks, p->nr_locks, sizeof(*p->locks), compare_locks);
	return 0;
}

static int compare_index(const void *a, const void *b)
{
	const struct lock_index *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int index_locks(struct build *b)
{
	size_t nr = 0;

	for (size_t i = 0; i < b->rec->nr_processes; i++)
		nr += b->rec->processes[i].nr_locks;
	b->index = calloc(nr ? nr : 1, sizeof(*b->index));
	if (!b->index)
		return -ENOMEM;
	for (size_t i = 0; i < b->rec->nr_processes; i++) {
		struct bb_process *p = &b->rec->processes[i];

		for (size_t j = 0; j < p->nr_locks; j++)
			b->index[b->nr_index++] =
				(struct lock_index){ i, p->locks[j].addr, &p->locks[j] };
	}
	qsort(b->index, nr, sizeof(*b->index), compare_index);
	return 0;
}

static struct bb_lock *lock_at(struct build *b, size_t process, uint64_t addr)
{
	struct lock_index key = { process, addr, NULL }, *found;

	found = b->nr_index ? bsearch(&key, b->index, b->nr_index, sizeof(key), compare_index)
			    : NULL;
	return found ? found->lock : NULL;
}

void bb_build__known_futexes(struct build *b, size_t process, const struct bb_thread_sum *sum,
			     uint64_t *ns)
{
	ns[0] = ns[1] = 0;
	for (int i = 0; i < BB_RECENT_LOCKS; i++) {
		struct bb_lock *l = NULL;

		if (sum->recent_ns[i])
			l = lock_at(b, process, sum->recent[i]);
		if (l)
			ns[l->state == BB_STATE_LOCK ? 0 : 1] += sum->recent_ns[i];
	}
}

enum bb_bucket bb_build__open_futex(struct build *b, size_t process, struct bb_thread_sum *sum,
				    uint64_t ns)
{
	struct bb_lock *l = lock_at(b, process, sum->futex);

	for (int i = 0; i < BB_RECENT_LOCKS; i++)
		if (sum->recent[i] == sum->futex)
			sum->recent_ns[i] += ns;
	if (l) {
		l->wait_ns += ns;
		l->waits++;
		if (sum->flags & BB_TF_WRITER) {
			l->write_ns += ns;
			l->write_waits++;
		}
		if (ns > l->max_ns)
			l->max_ns = ns;
	}
	if (sum->flags & BB_TF_PROTO) {
		if (l)
			l->proto_ns += ns;
		return BB_FUTEX_PROTO;
	}
	if (l && l->state == BB_STATE_LOCK) {
		l->handed_ns += ns;
		return BB_FUTEX_HANDED;
	}
	if (l)
		l->other_ns += ns;
	return BB_FUTEX_OTHER;
}

int bb_build__locks(struct build *b)
{
	int err = bb_kernel__each_lock(b->kernel, add_lock, b);

	for (size_t i = 0; i < b->targets->nr && !err; i++)
		err = judge_locks(b, i);
	return err ? err : index_locks(b);
}
