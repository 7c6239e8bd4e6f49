// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "thread_names.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "../util/grow.h"
#include "python_threads.h"

/* A process that execs gets another one. */
struct program {
	uint32_t tgid;
	uint32_t execs;
	uint64_t runtime;
	struct bb_py_threads *threads;
};

struct bb_thread_names {
	struct program *programs;
	size_t nr;
	size_t first; /* target of the next look: where all get less than they want, they take turns
		       */
};

static uint64_t ktime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

struct bb_thread_names *bb_thread_names__new(void)
{
	return calloc(1, sizeof(struct bb_thread_names));
}

void bb_thread_names__free(struct bb_thread_names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->nr; i++)
		bb_py_threads__free(n->programs[i].threads);
	free(n->programs);
	free(n);
}

static struct bb_py_threads *threads_of(struct bb_thread_names *n, const struct bb_target *t)
{
	struct bb_py_threads *threads;
	struct program *p;

	for (size_t i = 0; i < n->nr; i++)
		if (n->programs[i].tgid == t->tgid && n->programs[i].execs == t->execs &&
		    n->programs[i].runtime == t->py.runtime_addr)
			return n->programs[i].threads;
	threads = bb_py_threads__new(t->py.version_hex, t->py.free_threaded, t->py.runtime_addr);
	p = threads ? bb_grow((void **)&n->programs, &n->nr, sizeof(*p)) : NULL;
	if (!p) {
		bb_py_threads__free(threads);
		return NULL;
	}
	*p = (struct program){ t->tgid, t->execs, t->py.runtime_addr, threads };
	return threads;
}

int bb_thread_names__learn(struct bb_thread_names *n, const struct bb_targets *targets, bool all,
			   struct bb_allowance *a)
{
	size_t first = n->first++;
	int err = 0;

	for (size_t i = 0; i < targets->nr && err != -ENOMEM; i++) {
		const struct bb_target *t = &targets->items[(first + i) % targets->nr];
		int64_t granted = bb_allowance__grant(a, 0);
		struct bb_py_threads *threads;
		struct bb_mem mem;

		if (t->gone || t->pidfd < 0 || !t->py.initialised || !t->py.version_hex ||
		    !t->py.runtime_addr || t->py.no_code)
			continue;
		threads = threads_of(n, t);
		if (!threads)
			return -ENOMEM;
		bb_mem__init(&mem, t->pid);
		mem.left = granted;
		err = bb_py_threads__look(threads, &mem, all, ktime);
		bb_mem__free(&mem);
		bb_allowance__take(a, granted - mem.left);
		a->cut += err == -EDQUOT;
	}
	return err == -ENOMEM ? err : 0;
}

bool bb_thread_names__has(const struct bb_thread_names *n, uint32_t tgid)
{
	for (size_t i = 0; i < n->nr; i++)
		if (n->programs[i].tgid == tgid)
			return true;
	return false;
}

const char *bb_thread_names__get(struct bb_thread_names *n, uint32_t tgid, uint64_t self,
				 uint64_t tstate, uint64_t start, uint64_t end)
{
	const char *name = NULL;

	/* the last program first: only what ended before its exec is another one's */
	for (size_t i = n->nr; i > 0 && !name; i--)
		if (n->programs[i - 1].tgid == tgid)
			name = bb_py_threads__name(n->programs[i - 1].threads, self, tstate, start,
						   end);
	return name;
}
