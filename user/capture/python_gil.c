/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "python_gil.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "python_offsets.h"

#define INTERPRETERS_MAX 64
/* The target is not stopped: an interpreter or thread may go while we look at it. */
#define TRIES           5
#define INTERVAL_MAX_US 100000000ull /* 100 s; the default is 5000 */

struct walk {
	struct bb_mem *m;
	const struct bb_py_layout *l;
	struct bb_python *py;
	uint64_t seen[INTERPRETERS_MAX]; /* interpreters */
	size_t nr_seen;
	bool complete;  /* seen[] are all there are */
	bool enabled;   /* a GIL of a free-threaded build is in use */
	bool uncreated; /* an interpreter has no GIL yet */
};

static bool known_interpreter(const struct walk *w, uint64_t interp)
{
	size_t i;

	for (i = 0; i < w->nr_seen; i++)
		if (w->seen[i] == interp)
			return true;
	return false;
}

/* The newest thread state of an interpreter must point back at it. */
static int check_interpreter(struct walk *w, uint64_t interp)
{
	uint64_t tstate, back;
	int err;

	err = bb_mem__u64(w->m, interp + w->l->interp_threads, &tstate);
	if (err || !tstate) /* a subinterpreter in its making has none */
		return err;
	if (!bb_mem__plausible(tstate))
		return -EFAULT;
	err = bb_mem__u64(w->m, tstate + w->l->tstate_interp, &back);
	if (err)
		return err;
	return back == interp ? 0 : -EFAULT;
}

/* Who holds the lock must be a thread state of one of the interpreters. */
static int check_holder(struct walk *w, uint64_t holder)
{
	uint64_t interp;
	int err;

	err = bb_mem__u64(w->m, holder + w->l->tstate_interp, &interp);
	if (err)
		return err;
	return known_interpreter(w, interp) || !w->complete ? 0 : -EFAULT;
}

/* Check the GIL at @addr (already shifted) and note it, unless noted before. */
static int add_gil(struct walk *w, uint64_t addr, int64_t interpreter)
{
	struct bb_python *py = w->py;
	char gil[BB_PY_GIL_READ];
	uint64_t interval, holder;
	int32_t locked;
	size_t i;
	int err;

	for (i = 0; i < py->nr_gils; i++)
		if (py->gils[i].addr == addr)
			return 0;
	err = bb_mem__read(w->m, addr, gil, sizeof(gil));
	if (err)
		return err;
	memcpy(&interval, gil + BB_PY_GIL_INTERVAL, sizeof(interval));
	memcpy(&holder, gil + BB_PY_GIL_HOLDER, sizeof(holder));
	memcpy(&locked, gil + BB_PY_GIL_LOCKED, sizeof(locked));
	if (locked < -1 || locked > 1 || interval < 1 || interval > INTERVAL_MAX_US ||
	    (holder && !bb_mem__plausible(holder)))
		return -EFAULT;
	if (locked == -1) {
		w->uncreated = true;
		return 0;
	}
	if (locked == 1 && holder) {
		err = check_holder(w, holder);
		if (err)
			return err;
	}
	if (py->nr_gils == BB_PY_GILS_MAX)
		return 0;
	py->gils[py->nr_gils].addr = addr;
	py->gils[py->nr_gils].interpreter = interpreter;
	py->gils[py->nr_gils].interval_us = interval;
	py->nr_gils++;
	return 0;
}

/*
 * 3.12+: the GIL that an interpreter uses, its own or the main one's. In a free-threaded
 * build it begins with `enabled`: 0, INT_MAX for good, or the number of imports of
 * extension modules under way, which take it for that long (Python/ceval_gil.c).
 */
static int add_interpreter_gil(struct walk *w, uint64_t interp)
{
	uint64_t gil, id;
	int32_t enabled;
	int err;

	err = bb_mem__u64(w->m, interp + w->l->interp_gil, &gil);
	if (!err)
		err = bb_mem__u64(w->m, interp + w->l->interp_id, &id);
	if (err)
		return err;
	if (!gil) {
		w->uncreated = true;
		return 0;
	}
	if (!bb_mem__plausible(gil) || id > INT64_MAX)
		return -EFAULT;
	if (w->l->free_threaded) {
		err = bb_mem__read(w->m, gil, &enabled, sizeof(enabled));
		if (err)
			return err;
		w->enabled |= enabled == INT_MAX;
		gil += BB_PY_GIL_FT_SHIFT;
	}
	return add_gil(w, gil, (int64_t)id);
}

/*
 * Collect the interpreters: the main one first, so that it is there however many
 * follow, then the list, which starts with the newest.
 * Return 0 or -errno; -EFAULT when it makes no sense.
 */
static int collect_interpreters(struct walk *w)
{
	uint64_t head_main[2], at;
	size_t n;
	int err;

	err = bb_mem__read(w->m, w->py->runtime_addr + w->l->interp_head, head_main,
			   sizeof(head_main));
	if (err)
		return err;
	if (bb_mem__plausible(head_main[1]))
		w->seen[w->nr_seen++] = head_main[1];
	else if (head_main[1])
		return -EFAULT;
	at = head_main[0];
	for (n = 0; at && n < INTERPRETERS_MAX && w->nr_seen < INTERPRETERS_MAX; n++) {
		if (!bb_mem__plausible(at))
			return -EFAULT;
		if (!known_interpreter(w, at))
			w->seen[w->nr_seen++] = at;
		err = bb_mem__u64(w->m, at + w->l->interp_next, &at);
		if (err)
			return err;
	}
	w->complete = !at;
	/* While the runtime starts or ends, main may be set and the list empty. */
	if (!head_main[0])
		w->nr_seen = 0;
	return 0;
}

/* One attempt. Return 0 or -errno; -EFAULT when it makes no sense. */
static int walk_gils(struct walk *w)
{
	size_t i;
	int err;

	w->nr_seen = 0;
	w->enabled = w->uncreated = w->complete = false;
	w->py->nr_gils = 0;
	err = collect_interpreters(w);
	if (err || !w->nr_seen)
		return err;
	for (i = 0; i < w->nr_seen; i++) {
		err = check_interpreter(w, w->seen[i]);
		if (!err && !w->l->rt_gil)
			err = add_interpreter_gil(w, w->seen[i]);
		if (err)
			return err;
	}
	if (w->l->rt_gil)
		return add_gil(w, w->py->runtime_addr + w->l->rt_gil, 0);
	return 0;
}

static int walk_with_retries(struct walk *w)
{
	struct bb_python *py = w->py;
	int i, err = -EFAULT;

	for (i = 0; i < TRIES && err == -EFAULT; i++)
		err = walk_gils(w);
	if (err == -EFAULT) {
		py->nr_gils = 0;
		return BB_PY_IMPLAUSIBLE;
	}
	if (err)
		return err;
	if (!py->nr_gils)
		return !w->nr_seen || w->uncreated ? BB_PY_NOT_STARTED : BB_PY_IMPLAUSIBLE;
	return BB_PY_FOUND;
}

int bb_py_gils__read(struct bb_mem *m, struct bb_python *py)
{
	char debug_offsets[BB_PY_DEBUG_READ];
	struct bb_py_layout l;
	struct walk w = { .m = m, .l = &l, .py = py };
	int err, state;

	py->nr_gils = 0;
	py->initialised = false;
	py->runtime.gil = BB_GIL_UNKNOWN;
	err = bb_mem__read(m, py->runtime_addr, debug_offsets, sizeof(debug_offsets));
	if (err)
		return err == -EFAULT ? BB_PY_IMPLAUSIBLE : err;
	err = bb_py_layout__get(py->version_hex, debug_offsets, &l);
	if (err)
		return err == -ENOTSUP ? BB_PY_UNSUPPORTED : BB_PY_IMPLAUSIBLE;
	py->free_threaded = py->runtime.free_threaded = l.free_threaded;
	state = walk_with_retries(&w);
	if (state != BB_PY_FOUND)
		return state;
	py->initialised = true;
	py->runtime.gil = l.free_threaded && !w.enabled ? BB_GIL_DISABLED : BB_GIL_ENABLED;
	return state;
}
