// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "python_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INTERPRETERS_MAX 256
#define STEPS_MAX        96 /* frames, shims between them included, as the kernel side */
#define OWNER_SHIM       3  /* FRAME_OWNED_BY_CSTACK, BY_INTERPRETER: 3.12 and later */

static int by_self(const void *a, const void *b)
{
	const struct bb_py_tstate *x = a, *y = b;

	return x->self < y->self ? -1 : x->self > y->self;
}

int bb_py_walk__tstates(struct bb_mem *m, const struct bb_py_offsets *o, uint64_t runtime,
			struct bb_py_tstate **out, size_t *nr)
{
	struct bb_py_tstate *found = calloc(BB_PY_TSTATES_MAX, sizeof(*found));
	uint64_t interp = 0, ts;
	int err;

	*out = NULL;
	*nr = 0;
	if (!found)
		return -ENOMEM;
	err = bb_mem__u64(m, runtime + o->interp_head, &interp);
	for (int i = 0; i < INTERPRETERS_MAX && interp && !err; i++) {
		err = bb_mem__u64(m, interp + o->interp_threads, &ts);
		/* what is read there of a thread that ends just now is the list's end */
		while (!err && bb_mem__plausible(ts) && *nr < BB_PY_TSTATES_MAX) {
			found[*nr].tstate = ts;
			if (bb_mem__u64(m, ts + o->tstate_thread_id, &found[*nr].self) ||
			    bb_mem__u64(m, ts + o->tstate_next, &ts))
				break;
			(*nr)++;
		}
		if (!err)
			err = bb_mem__u64(m, interp + o->interp_next, &interp);
	}
	if (err) {
		free(found);
		*nr = 0;
		return err;
	}
	qsort(found, *nr, sizeof(*found), by_self);
	*out = found;
	return 0;
}

uint64_t bb_py_walk__find(const struct bb_py_tstate *tstates, size_t nr, uint64_t self)
{
	struct bb_py_tstate key = { .self = self };
	const struct bb_py_tstate *found =
		nr ? bsearch(&key, tstates, nr, sizeof(key), by_self) : NULL;

	return found ? found->tstate : 0;
}

/* One frame to the end of the stack; @frame becomes the one below. */
static int add_frame(struct bb_mem *m, const struct bb_py_offsets *o, uint64_t *frame,
		     struct bb_py_stack *s)
{
	char buf[128];
	uint64_t at = *frame, pos;

	if (o->frame_size > sizeof(buf) || !bb_mem__plausible(at) ||
	    bb_mem__read(m, at, buf, o->frame_size))
		return -EFAULT;
	*frame = bb_mem__word(buf, o->frame_previous);
	if (o->has_owner && (uint8_t)buf[o->frame_owner] >= OWNER_SHIM)
		return 0;
	pos = bb_mem__word(buf, o->frame_pos);
	/* from 3.14 on a reference to code has tags in its low bits */
	s->code[s->depth] = bb_mem__word(buf, o->frame_code) & ~3ULL;
	s->pos[s->depth] = o->pos_is_ptr ? pos : (uint32_t)pos;
	s->depth++;
	return 0;
}

int bb_py_walk__stack(struct bb_mem *m, const struct bb_py_offsets *o, uint64_t tstate,
		      struct bb_py_stack *s)
{
	uint64_t frame = 0;
	int err;

	s->depth = 0;
	s->truncated = 0;
	err = o->frame_size ? bb_mem__u64(m, tstate + o->tstate_frame, &frame) : -ENOENT;
	if (!err && frame && o->has_cframe)
		err = bb_mem__u64(m, frame + o->cframe_frame, &frame);
	for (int i = 0; i < STEPS_MAX && frame && !err; i++) {
		if (s->depth == BB_PY_DEPTH) {
			s->truncated = 1;
			break;
		}
		err = add_frame(m, o, &frame, s);
	}
	return s->depth ? 0 : -ENOENT;
}

bool bb_py_walk__holds(struct bb_mem *m, uint64_t gil, uint64_t tstate)
{
	/* last_holder and locked of struct _gil_runtime_state, CPython 3.7 to 3.15 */
	struct {
		uint64_t holder;
		int32_t locked;
		int32_t pad;
	} now;

	return !bb_mem__read(m, gil + 8, &now, sizeof(now)) && now.locked == 1 &&
	       now.holder == tstate;
}
