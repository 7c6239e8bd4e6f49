// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Deep copies of a record. */
#include <stdlib.h>
#include <string.h>

#include "record.h"

static char *copy_string(const char *s, bool *ok)
{
	char *c = s ? strdup(s) : NULL;

	if (s && !c)
		*ok = false;
	return c;
}

static void *copy_array(const void *arr, size_t nr, size_t size, bool *ok)
{
	void *c;

	if (!nr || !arr)
		return NULL;
	c = malloc(nr * size);
	if (c)
		memcpy(c, arr, nr * size);
	else
		*ok = false;
	return c;
}

static char **copy_strings(char *const *list, bool *ok)
{
	size_t nr = 0;
	char **c;

	if (!list)
		return NULL;
	while (list[nr])
		nr++;
	c = calloc(nr + 1, sizeof(*c));
	if (!c)
		*ok = false;
	for (size_t i = 0; c && i < nr; i++)
		c[i] = copy_string(list[i], ok);
	return c;
}

/* @p starts as a bitwise copy of @from: replace each pointer by a copy of what it points to. */
static bool own_process(struct bb_process *p, const struct bb_process *from, size_t nr_slices)
{
	bool ok = true;

	if (bb_slices__copy(&p->slices, &from->slices, nr_slices))
		ok = false;

	p->exe = copy_string(from->exe, &ok);
	p->cmdline = copy_strings(from->cmdline, &ok);
	p->cgroup = copy_string(from->cgroup, &ok);
	p->container = copy_string(from->container, &ok);
	p->runtime.note = copy_string(from->runtime.note, &ok);
	p->threads = copy_array(from->threads, from->nr_threads, sizeof(*p->threads), &ok);
	p->gils = copy_array(from->gils, from->nr_gils, sizeof(*p->gils), &ok);
	p->locks = copy_array(from->locks, from->nr_locks, sizeof(*p->locks), &ok);
	p->holders = copy_array(from->holders, from->nr_holders, sizeof(*p->holders), &ok);
	p->lock_holders = copy_array(from->lock_holders, from->nr_lock_holders,
				     sizeof(*p->lock_holders), &ok);
	p->klocks = copy_array(from->klocks, from->nr_klocks, sizeof(*p->klocks), &ok);
	p->takers = copy_array(from->takers, from->nr_takers, sizeof(*p->takers), &ok);
	p->code = copy_array(from->code, from->nr_code, sizeof(*p->code), &ok);
	p->loops = copy_array(from->loops, from->nr_loops, sizeof(*p->loops), &ok);
	p->strings = bb_strings__hold(from->strings);
	p->waits = copy_array(from->waits, from->nr_waits, sizeof(*p->waits), &ok);
	p->syscalls = copy_array(from->syscalls, from->nr_syscalls, sizeof(*p->syscalls), &ok);
	p->stacks = copy_array(from->stacks, from->nr_stacks, sizeof(*p->stacks), &ok);
	for (size_t i = 0; p->stacks && i < p->nr_stacks; i++)
		p->stacks[i].frames = copy_array(from->stacks[i].frames, p->stacks[i].nr,
						 sizeof(*p->stacks[i].frames), &ok);
	for (size_t i = 0; p->threads && i < p->nr_threads; i++) {
		struct bb_thread *t = &p->threads[i];

		t->name = copy_string(from->threads[i].name, &ok);
		t->gil_hist = copy_array(t->gil_hist, t->gil_hist ? BB_HIST_SLOTS : 0,
					 sizeof(*t->gil_hist), &ok);
		t->waits = copy_array(from->threads[i].waits, t->nr_waits, sizeof(*t->waits), &ok);
	}
	for (size_t i = 0; p->code && i < p->nr_code; i++) {
		struct bb_code *c = &p->code[i];

		c->frames = copy_array(from->code[i].frames, c->nr_frames, sizeof(*c->frames), &ok);
		c->natives =
			copy_array(from->code[i].natives, c->nr_natives, sizeof(*c->natives), &ok);
		for (size_t j = 0; c->natives && j < c->nr_natives; j++)
			c->natives[j].frames =
				copy_array(from->code[i].natives[j].frames, c->natives[j].nr,
					   sizeof(*c->natives[j].frames), &ok);
	}
	for (size_t i = 0; p->locks && i < p->nr_locks; i++) {
		p->locks[i].place = copy_string(from->locks[i].place, &ok);
		p->locks[i].symbol = copy_string(from->locks[i].symbol, &ok);
		p->locks[i].code = copy_string(from->locks[i].code, &ok);
		p->locks[i].caller = copy_string(from->locks[i].caller, &ok);
		p->locks[i].object = copy_string(from->locks[i].object, &ok);
		p->locks[i].hist = copy_array(from->locks[i].hist, BB_HIST_SLOTS,
					      sizeof(*p->locks[i].hist), &ok);
	}
	return ok;
}

struct bb_record *bb_record__copy(const struct bb_record *rec)
{
	struct bb_record *c = bb_record__new();
	bool ok = true;

	if (!c)
		return NULL;
	*c = *rec;
	c->nr_processes = 0;
	c->processes = NULL;
	c->slice_ends = copy_array(rec->slice_ends, rec->nr_slices, sizeof(*c->slice_ends), &ok);
	if (!ok)
		goto out;
	c->processes = calloc(rec->nr_processes ? rec->nr_processes : 1, sizeof(*c->processes));
	if (!c->processes)
		goto out;
	for (size_t i = 0; i < rec->nr_processes; i++) {
		c->processes[i] = rec->processes[i];
		c->nr_processes++;
		if (!own_process(&c->processes[i], &rec->processes[i], rec->nr_slices))
			goto out;
	}
	return c;
out:
	bb_record__free(c);
	return NULL;
}
