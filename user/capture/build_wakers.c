// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_wakers.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../util/grow.h"
#include "fold.h"
#include "mem.h"
#include "procfs.h"
#include "sysclass.h"

#define PID_MOST (1u << 22) /* of Linux on 64 bits (include/linux/threads.h) */

struct build {
	struct bb_record *rec;
	struct bb_targets *targets;
};

static int add_waker(const struct bb_waker_key *key, const struct bb_waker_sum *sum, void *ctx)
{
	struct build *b = ctx;
	struct bb_target *t = bb_targets__by_tgid(b->targets, key->tgid);
	struct bb_process *p;
	struct bb_lock_holder *h;

	if (!t)
		return 0;
	p = &b->rec->processes[t - b->targets->items];
	h = bb_grow((void **)&p->lock_holders, &p->nr_lock_holders, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->lock = key->addr;
	h->tid = (pid_t)sum->ns_tid;
	h->pid = (pid_t)sum->ns_tgid;
	memcpy(h->comm, sum->comm, BB_COMM_LEN);
	h->comm[BB_COMM_LEN - 1] = '\0';
	h->ns = sum->ns;
	h->count = sum->count;
	h->stack = sum->stack;
	h->wait.fd = -1;
	h->wait.syscall = -1;
	if (!sum->blocked_ns)
		return 0;
	h->wait.fd = sum->fd;
	h->wait.end = sum->end;
	h->wait.count = sum->count;
	h->futex = sum->futex;
	h->wait.state = bb_fold__state(sum->bucket);
	h->wait.syscall = sum->nr;
	h->wait.fdkind = sum->fdkind;
	h->wait.ns = sum->blocked_ns;
	h->wait.max_ns = sum->blocked_max;
	h->wait.polls = sum->bucket == BB_POLL && bb_sysclass__polls(sum->nr);
	return 0;
}

static bool has_thread(pid_t pid, uint32_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%u", (int)pid, tid);
	return !access(path, F_OK);
}

/*
 * Who has the lock, as its memory says, NULL: it does not. The word of a PI mutex is the
 * owner's number (futex(2)); glibc's pthread_mutex_t has it 8 bytes after the word, for each
 * type of mutex (__owner in sysdeps/nptl/bits/struct_mutex.h). Other locks that wait for
 * the same value have something else there, which is no number of a thread. A mutex whose owner
 * has ended, or was the parent when the process was forked, has an owner that is gone.
 */
static const struct bb_thread *owner_of(struct bb_mem *m, const struct bb_process *p,
					struct bb_lock *l)
{
	const struct bb_thread *t;
	uint32_t words[5], owner; /* the lock's, __count, __owner, __nusers and __kind */

	if (bb_mem__read(m, l->addr, words, sizeof(words)))
		return NULL;
	owner = (l->kind == BB_LOCK_PI_MUTEX ? words[0] : words[2]) & FUTEX_TID_MASK;
	t = bb_process__thread(p, (pid_t)owner);
	if (t && !t->ended)
		return t;
	/* all of it must look like a mutex, for there to be no number of a thread where it says so
	 */
	if (!l->shared && owner && owner <= PID_MOST && words[3] && words[3] < 65536 &&
	    words[4] < 1024 && !has_thread(p->pid, owner))
		l->gone_owner = (pid_t)owner;
	return NULL;
}

static struct bb_lock_holder *holder_row(struct bb_process *p, uint64_t lock,
					 const struct bb_thread *t)
{
	struct bb_lock_holder *h;

	for (size_t i = 0; i < p->nr_lock_holders; i++)
		if (p->lock_holders[i].lock == lock && p->lock_holders[i].tid == t->tid)
			return &p->lock_holders[i];
	h = bb_grow((void **)&p->lock_holders, &p->nr_lock_holders, sizeof(*h));
	if (!h)
		return NULL;
	h->lock = lock;
	h->tid = t->tid;
	h->pid = p->pid;
	h->wait.fd = -1;
	h->wait.syscall = -1;
	memcpy(h->comm, t->comm, sizeof(h->comm));
	return h;
}

/* What its owner has been waiting for at the end. */
static void owner_waits(const struct bb_thread *t, struct bb_lock_holder *h, uint64_t owed)
{
	const struct bb_wait *w = NULL;

	for (size_t i = 0; i < t->nr_waits; i++)
		if (t->waits[i].open)
			w = &t->waits[i];
	if (!w || !t->open_ns)
		return;
	owed = owed < t->open_ns ? owed : t->open_ns;
	if (owed > h->wait.max_ns) {
		uint64_t ns = h->wait.ns;

		h->futex = t->open_futex;
		h->wait = *w;
		h->wait.ns = ns;
		h->wait.max_ns = owed;
	}
	h->wait.ns += owed;
}

/* Those who have a lock at the end, for which others wait: the time since it was last handed on. */
static int add_owners(struct bb_process *p)
{
	struct bb_lock_holder *h;
	struct bb_mem m;
	int err = 0;

	if (p->ended || p->kernel_thread || !bb_procfs__same_pid_ns(p->pid))
		return 0;
	bb_mem__init(&m, p->pid);
	for (size_t i = 0; i < p->nr_locks && !err; i++) {
		struct bb_lock *l = &p->locks[i];
		uint64_t owed = l->contended_ns > l->given_ns ? l->contended_ns - l->given_ns : 0;
		const struct bb_thread *owner;

		if (!l->open || (l->kind != BB_LOCK_MUTEX && l->kind != BB_LOCK_PI_MUTEX))
			continue;
		owner = owner_of(&m, p, l);
		if (!owner)
			continue;
		h = holder_row(p, l->addr, owner);
		if (!h) {
			err = -ENOMEM;
			break;
		}
		h->owns = true;
		h->ns += owed;
		owner_waits(owner, h, owed);
	}
	bb_mem__free(&m);
	return err;
}

/* The other end of what it waited on is told where its thread waited for the same. */
static void name_end(const struct bb_record *rec, struct bb_lock_holder *h)
{
	const struct bb_thread *t = NULL;

	if (h->wait.fd < 0 || h->wait.label[0])
		return;
	for (size_t i = 0; i < rec->nr_processes && !t; i++)
		if (rec->processes[i].pid == h->pid)
			t = bb_process__thread(&rec->processes[i], h->tid);
	for (size_t i = 0; t && i < t->nr_waits; i++) {
		const struct bb_wait *w = &t->waits[i];

		if (w->syscall != h->wait.syscall || w->end != h->wait.end ||
		    (!w->end && w->fd != h->wait.fd))
			continue;
		h->wait.endpoint = w->endpoint;
		memcpy(h->wait.label, w->label, sizeof(h->wait.label));
		break;
	}
}

/* What was waited for by a word is a lock or a queue, as its row says. */
static void name_futexes(struct bb_process *p)
{
	for (size_t i = 0; i < p->nr_lock_holders; i++) {
		struct bb_lock_holder *h = &p->lock_holders[i];
		const struct bb_lock *l = bb_process__lock_at(p, h->futex);

		if (l)
			h->wait.state = l->state;
	}
}

int bb_build__wakers(struct bb_record *rec, struct bb_kernel *k, struct bb_targets *targets)
{
	struct build b = { rec, targets };
	int err = bb_kernel__each_waker(k, add_waker, &b);

	for (size_t i = 0; i < rec->nr_processes && !err; i++) {
		struct bb_process *p = &rec->processes[i];

		err = add_owners(p);
		name_futexes(p);
		for (size_t j = 0; j < p->nr_lock_holders; j++)
			name_end(rec, &p->lock_holders[j]);
		bb_lock_holders__sort(p->lock_holders, p->nr_lock_holders);
	}
	return err;
}
