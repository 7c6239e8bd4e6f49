/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the threads of one Python process are called in it: threading.Thread's own names,
 * from outside, while it runs on.
 *
 * threading._active maps pthread_self() to Thread objects; the interpreters' lists say
 * which thread state has which pthread_self(). Both addresses are used again once a
 * thread has ended, soon and often, so each name is kept with the moment at which it was
 * that thread's: it belongs to whoever had the address then.
 */
#ifndef BB_CAPTURE_PYTHON_THREADS_H
#define BB_CAPTURE_PYTHON_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

#define BB_PY_THREAD_NAME_MAX 256       /* code points; a longer one is none */
#define BB_PY_THREADS_LOOK    1024      /* thread states of a look, the newest */
#define BB_PY_THREADS_MAX     16384     /* of the last look, before a report */
#define BB_PY_THREADS_KEPT    4096      /* threads that have ended whose names are kept */
#define BB_PY_NAMES_KEPT      (4 << 20) /* bytes of names of one process */

struct bb_py_threads;

/**
 * bb_py_threads__new - nothing is known yet.
 * @version_hex: PY_VERSION_HEX; @free_threaded: the build; @runtime: address of _PyRuntime
 * Return NULL without memory.
 */
struct bb_py_threads *bb_py_threads__new(uint32_t version_hex, bool free_threaded,
					 uint64_t runtime);

/** bb_py_threads__free - with all names; accepts NULL. */
void bb_py_threads__free(struct bb_py_threads *t);

/**
 * bb_py_threads__look - learn the names of threads that came since the last call.
 * @all: of all threads, for names may change. A thread without a name is asked for four
 *       times, and from then on only with @all.
 * @now: called for the time, by the clock of bb_py_threads__name()
 * Return 0; -ENOTSUP: no layout is known for this Python; -EFAULT: what is there makes no
 * sense, what was learnt stays; -ENOMEM; -ESRCH, -EPERM, -EACCES, -EDQUOT as bb_mem__read():
 * the next look goes on.
 */
int bb_py_threads__look(struct bb_py_threads *t, struct bb_mem *m, bool all, uint64_t (*now)(void));

/**
 * bb_py_threads__name - what a thread was called last, as far as it is known.
 * @self:   pthread_self(), @tstate: its thread state; 0: not known
 * @start, @end: when that thread was there
 * A name is given out once for each call of bb_py_threads__look(): not to a second thread.
 * Return UTF-8, the target's own characters, not escaped; it lives until the next look.
 * NULL: not known, or the thread is not one of threading's.
 */
const char *bb_py_threads__name(struct bb_py_threads *t, uint64_t self, uint64_t tstate,
				uint64_t start, uint64_t end);

/** A layout, for the tests: bytes, 0 where the target tells it itself. */
struct bb_py_thread_layout {
	uint32_t modules;       /* in PyInterpreterState: of sys.modules */
	uint16_t modules_at;    /* where _Py_DebugOffsets tells that, 0: it does not */
	uint16_t tstate_interp; /* in PyThreadState */
	uint16_t tstate_id;
};

/** bb_py_threads__layout - return 0, or -ENOTSUP where none is known. */
int bb_py_threads__layout(uint32_t version_hex, struct bb_py_thread_layout *l);

#endif
