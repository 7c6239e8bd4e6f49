// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_klocks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../util/grow.h"
#include "build_state.h"

static int read_one(const struct bb_klock_key *key, const struct bb_klock_sum *sum, void *ctx)
{
	struct build *b = ctx;
	struct bb_klock_read *r = bb_grow((void **)&b->klocks, &b->nr_klocks, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->key = *key;
	r->sum = *sum;
	if (r->sum.nr > BB_KLOCK_DEPTH)
		r->sum.nr = BB_KLOCK_DEPTH;
	return 0;
}

/* The scheduler's own locks are contended for a microsecond in any program: no names for these. */
#define WORTH_NAMES 0.001 /* of the window, in one row */

/*
 * The table of the kernel's functions has 200,000 lines, which takes 50 ms and more: it is read
 * where some of the waits are worth it, and for what is new alone.
 */
static int name_functions(struct build *b, struct bb_kallsyms *symbols)
{
	double worth = WORTH_NAMES * (double)b->rec->window.ns;
	struct bb_klock_read *r;
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < b->nr_klocks && !any; i++)
		any = (double)b->klocks[i].sum.ns >= worth;
	if (!any)
		return 0;
	any = false;
	for (size_t i = 0; i < b->nr_klocks; i++) {
		r = &b->klocks[i];
		for (uint32_t d = 0; d < r->sum.nr; d++)
			if (!bb_kallsyms__asked(symbols, r->sum.ip[d]))
				r->new |= 1u << d;
		any = any || r->new;
	}
	for (size_t i = 0; i < b->nr_klocks && !err; i++) {
		r = &b->klocks[i];
		for (uint32_t d = 0; d < r->sum.nr && !err; d++)
			if (r->new & 1u << d)
				err = bb_kallsyms__want(symbols, r->sum.ip[d]);
	}
	return err || !any ? err : bb_kallsyms__read(symbols);
}

/*
 * Is this a function of the locks themselves, or of the tracing? By what the names begin with,
 * less underscores: kernel/locking/, include/linux/mmap_lock.h.
 */
static bool is_locks_own(const char *name)
{
	static const char *const own[] = {
		"raw_spin_",  "raw_read_",  "raw_write_", "do_raw_",     "mutex_",  "ww_mutex",
		"down_",      "rwsem_",     "rt_mutex",   "rtmutex",     "rt_spin", "rt_read",
		"rt_write",   "percpu_",    "queued_",    "native_",     "pv_",     "mmap_read_",
		"mmap_write", "traceiter_", "trace_",     "contention_", "bpf_",    "bb_",
		"slowlock",   "mmap_lock_",
	};

	name += strspn(name, "_");
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strncmp(name, own[i], strlen(own[i])))
			return true;
	return !strcmp(name, "down");
}

/* Who took the lock: the first that is none of these. */
static const char *taker_of(const struct bb_klock_sum *sum, const struct bb_kallsyms *symbols)
{
	for (uint32_t d = 0; d < sum->nr; d++) {
		const char *name = bb_kallsyms__get(symbols, sum->ip[d]);

		if (name && !is_locks_own(name))
			return name;
	}
	return "";
}

/* By the flags of the tracepoint: kernel/locking/, where trace_contention_begin() is called. */
static enum bb_klock_kind kind_of(uint32_t kind)
{
	bool sides = kind & (BB_KLOCK_READ | BB_KLOCK_WRITE);

	if (kind & BB_KLOCK_MUTEX)
		return BB_KLOCK_KIND_MUTEX;
	if (kind & BB_KLOCK_PERCPU)
		return BB_KLOCK_KIND_PERCPU_RWSEM;
	if (kind & BB_KLOCK_SPIN)
		return sides ? BB_KLOCK_KIND_RWLOCK : BB_KLOCK_KIND_SPINLOCK;
	if (sides)
		return BB_KLOCK_KIND_RWSEM;
	return kind & BB_KLOCK_RT ? BB_KLOCK_KIND_RT_MUTEX : BB_KLOCK_KIND_SEMAPHORE;
}

static int add_row(struct build *b, const struct bb_klock_read *r)
{
	struct bb_process *p = bb_build__process(b, r->key.tgid, NULL);
	struct bb_klock new = { .kind = kind_of(r->key.kind),
				.reads = r->key.kind & BB_KLOCK_READ,
				.writes = r->key.kind & BB_KLOCK_WRITE,
				.mmap = r->key.kind & BB_KLOCK_MMAP };
	struct bb_klock *k = NULL;

	if (!p)
		return 0;
	snprintf(new.function, sizeof(new.function), "%s", taker_of(&r->sum, b->opts->kallsyms));
	for (size_t i = 0; i < p->nr_klocks && !k; i++)
		if (bb_klock__same(&p->klocks[i], &new))
			k = &p->klocks[i];
	if (!k) {
		k = bb_grow((void **)&p->klocks, &p->nr_klocks, sizeof(*k));
		if (!k)
			return -ENOMEM;
		*k = new;
	}
	k->ns += r->sum.ns;
	k->count += r->sum.count;
	if (r->sum.max_ns > k->max_ns)
		k->max_ns = r->sum.max_ns;
	return 0;
}

int bb_build__read_klocks(struct build *b, struct bb_kernel *k)
{
	return bb_kernel__each_klock(k, read_one, b);
}

int bb_build__klocks(struct build *b)
{
	int err = name_functions(b, b->opts->kallsyms);

	for (size_t i = 0; i < b->nr_klocks && !err; i++)
		err = add_row(b, &b->klocks[i]);
	for (size_t i = 0; i < b->rec->nr_processes; i++)
		bb_klocks__sort(b->rec->processes[i].klocks, b->rec->processes[i].nr_klocks);
	return err;
}
