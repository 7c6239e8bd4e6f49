// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Those first whose pthread_self() is known. Of a leader whose number another thread took
 * over at exec only the thread state is, and what belongs to another is not its.
 */
static int by_process(const void *a, const void *b)
{
	const struct bb_py_ident *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	return !x->self - !y->self;
}

static size_t first_of(const struct bb_py_ident *idents, size_t nr, uint32_t tgid)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (idents[mid].tgid < tgid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A thread's row: numbers are used again, by a thread that starts later. */
static struct bb_thread *row_of(struct bb_process *p, const struct bb_py_ident *id,
				uint64_t start_ns)
{
	struct bb_thread *t = NULL;

	for (size_t i = bb_process__first_thread(p, id->shown);
	     i < p->nr_threads && p->threads[i].tid == id->shown; i++)
		if (!t || p->threads[i].start_ns == id->start - start_ns)
			t = &p->threads[i];
	return t;
}

static int name_thread(struct bb_thread *t, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	free(t->name);
	t->name = copy;
	return 0;
}

int bb_build__names(struct bb_record *rec, const struct bb_targets *targets,
		    struct bb_thread_names *names, uint64_t start_ns, struct bb_py_ident *idents,
		    size_t nr_idents)
{
	int err = 0;

	if (!nr_idents)
		return 0;
	qsort(idents, nr_idents, sizeof(*idents), by_process);
	for (size_t i = 0; i < targets->nr && !err; i++) {
		uint32_t tgid = targets->items[i].tgid;

		if (!bb_thread_names__has(names, tgid))
			continue;
		for (size_t j = first_of(idents, nr_idents, tgid);
		     j < nr_idents && idents[j].tgid == tgid && !err; j++) {
			const struct bb_py_ident *id = &idents[j];
			struct bb_thread *t = row_of(&rec->processes[i], id, start_ns);
			const char *name = NULL;

			if (t)
				name = bb_thread_names__get(names, tgid, id->self, id->tstate,
							    id->start, id->end);
			if (name)
				err = name_thread(t, name);
		}
	}
	return err;
}
