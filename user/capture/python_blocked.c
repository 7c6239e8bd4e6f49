// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "python_blocked.h"

#include <errno.h>
#include <stdlib.h>

#include "procfs.h"
#include "python_code.h"
#include "python_walk.h"

/* One process whose threads are looked at. */
struct look {
	const struct bb_target *target;
	struct bb_py_offsets off;
	struct bb_mem mem;
	int64_t used; /* ns */
	struct bb_py_tstate *tstates;
	size_t nr;
};

static int by_tgid(const void *a, const void *b)
{
	const struct bb_py_ident *x = a, *y = b;

	return x->tgid < y->tgid ? -1 : x->tgid > y->tgid;
}

static bool is_wanted(const struct bb_py_ident *id)
{
	return id->open.blocked_ns && !id->open.stack && id->self && !id->ended;
}

static void end_look(struct look *l)
{
	if (l->target)
		bb_mem__free(&l->mem);
	free(l->tstates);
	*l = (struct look){};
}

static int begin_look(struct look *l, const struct bb_target *t, struct bb_allowance *a)
{
	int64_t granted = bb_allowance__grant(a, 0);
	int err;

	end_look(l);
	if (!t || t->gone || !t->py.runtime_addr || t->py.no_code ||
	    bb_py_frames__get(t->py.version_hex, t->py.free_threaded, &l->off))
		return 0;
	l->target = t;
	bb_mem__init(&l->mem, t->pid);
	l->mem.left = granted;
	err = bb_py_walk__tstates(&l->mem, &l->off, t->py.runtime_addr, &l->tstates, &l->nr);
	l->used = granted - l->mem.left;
	bb_allowance__take(a, l->used);
	a->cut += l->mem.left <= 0;
	return err == -ENOMEM ? err : 0;
}

static int walk(struct look *l, struct bb_py_stacks *stacks, struct bb_targets *targets,
		struct bb_allowance *a, struct bb_py_ident *id)
{
	int64_t granted = bb_allowance__grant(a, l->used);
	uint64_t tstate = bb_py_walk__find(l->tstates, l->nr, id->self);
	struct bb_py_stack stack = { .tgid = id->tgid, .execs = (uint16_t)l->target->execs };
	uint64_t at = 0, gil = 0;
	int err;

	if (!tstate)
		return 0;
	l->mem.left = granted;
	err = bb_py_walk__stack(&l->mem, &l->off, tstate, &stack);
	l->used += granted - l->mem.left;
	bb_allowance__take(a, granted - l->mem.left);
	l->mem.left = INT64_MAX; /* what follows is a word for each GIL */
	if (err)
		return 0;
	err = bb_py_stacks__add(stacks, targets, &stack, &at);
	/* what it held when it was seen to leave a CPU is known */
	for (size_t i = 0; i < l->target->py.nr_gils && id->open.since == id->start; i++)
		if (bb_py_walk__holds(&l->mem, l->target->py.gils[i].addr, tstate))
			gil = l->target->py.gils[i].addr;
	/* asked last: whatever it ran meanwhile, it was switched to */
	if (!err && bb_procfs__switches(id->shown) == (int64_t)id->open.switches) {
		id->open.stack = at;
		if (gil)
			id->open.held_gil = gil;
	}
	return err == -ENOMEM ? err : 0;
}

int bb_py_blocked__walk(struct bb_py_stacks *stacks, struct bb_targets *targets,
			struct bb_allowance *a, struct bb_py_ident *idents, size_t nr_idents,
			uint64_t *left_out)
{
	struct look l = {};
	uint32_t tgid = 0;
	size_t walked = 0;
	int err = 0;

	*left_out = 0;
	if (nr_idents)
		qsort(idents, nr_idents, sizeof(*idents), by_tgid);
	for (size_t i = 0; i < nr_idents && !err; i++) {
		struct bb_py_ident *id = &idents[i];

		if (!is_wanted(id))
			continue;
		if (walked == BB_PY_BLOCKED_MAX) {
			*left_out += 1;
			continue;
		}
		if (id->tgid != tgid) {
			tgid = id->tgid;
			err = begin_look(&l, bb_targets__by_tgid(targets, tgid), a);
		}
		if (err || !l.nr)
			continue;
		err = walk(&l, stacks, targets, a, id);
		walked++;
	}
	end_look(&l);
	return err;
}
