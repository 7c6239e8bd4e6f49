// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel's side has to know of the targets' runtimes and sockets, as these change. */
#include "capture_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"
#include "procfs.h"
#include "python_code.h"
#include "sockets.h"

/*
 * glibc's struct pthread on x86-64 holds the first 32 thread-specific values at
 * 0x310, 16 bytes each, the value in the second half (nptl/descr.h); CPython
 * keeps the thread state in one, until 3.14: Py_tss_t, int initialised, then the key.
 */
#define PTHREAD_SPECIFIC 0x310
#define PTHREAD_KEYS     32

static uint32_t find_slot(const struct bb_target *t, const struct bb_py_offsets *off)
{
	uint32_t tss[2];
	struct bb_mem m;
	int err;

	if (!off->tss_key || t->musl)
		return 0;
	bb_mem__init(&m, t->pid);
	err = bb_mem__read(&m, t->py.runtime_addr + off->tss_key, tss, sizeof(tss));
	bb_mem__free(&m);
	return err || tss[0] != 1 || tss[1] >= PTHREAD_KEYS ? 0
							    : PTHREAD_SPECIFIC + tss[1] * 16 + 8;
}

void bb_capture__attach_samples(struct bb_capture *c)
{
	if (c->no_samples || !bb_kernel__attach_samples(c->kernel))
		return;
	bb_note("no clock for samples: nothing is told of what runs on the CPUs");
	c->no_samples = true;
}

void bb_capture__tell_python(struct bb_capture *c, struct bb_target *t)
{
	struct bb_python_info py = {};

	/* where the GIL is off there is nothing to wait for, until it is switched on */
	py.execs = t->execs;
	for (; py.nr_gils < t->py.nr_gils && py.nr_gils < BB_GILS_MAX; py.nr_gils++)
		py.gils[py.nr_gils] = t->py.gils[py.nr_gils].addr;
	if (t->py.version_hex >> 16 >= 0x030d)
		py.flags |= BB_PY_PARKING;
	if (t->musl)
		py.flags |= BB_PY_MUSL;
	if (!c->opts.test_no_code && !t->py.no_code &&
	    !bb_py_frames__get(t->py.version_hex, t->py.free_threaded, &py.off))
		py.runtime = t->py.runtime_addr;
	if (py.runtime)
		py.tss_slot = find_slot(t, &py.off);
	bb_py_stops__get(t->py.version_hex, t->py.free_threaded, &py.stops);
	if (!py.nr_gils && !py.flags && !py.runtime)
		return;
	if (py.runtime)
		bb_capture__attach_samples(c);
	if (bb_kernel__set_python(c->kernel, t->tgid, &py))
		bb_note("process %d: no room for its Python; GIL waits count as queue", t->pid);
}

/*
 * The threads of JVMs, as they come and go: a sixteenth of a CPU at most. Their numbers are
 * those of the target's own PID namespace: of one that is not ours nothing is told.
 */
void bb_capture__tell_java(struct bb_capture *c, struct bb_target *t, uint64_t now)
{
	static struct bb_java_thread threads[BB_JAVA_THREADS];
	uint64_t began = bb_capture__ktime();
	bool full;
	int nr = 0;

	if (strcmp(t->py.runtime.name, "java") || t->gone || now < t->java_next_ns)
		return;
	if (!t->java.list && (!bb_procfs__same_pid_ns(t->pid) || t->pid != (pid_t)t->tgid ||
			      bb_java__find(t->pid, &t->java) == -ENOENT)) {
		/* one that has just started may not have mapped it yet */
		t->java_next_ns = now < t->fresh_until_ns ? now + FRESH_NS / 8 : UINT64_MAX;
		return;
	}
	if (t->java.list)
		nr = bb_java__threads(t->pid, &t->java, threads, BB_JAVA_THREADS);
	full = nr == -E2BIG;
	if (full)
		nr = BB_JAVA_THREADS;
	if (nr > 0)
		full |= bb_kernel__set_java(c->kernel, t->tgid, threads, (size_t)nr) != 0;
	t->java_next_ns = now + 16 * (bb_capture__ktime() - began);
	if (!full)
		return;
	bb_note("process %d: more Java threads than there is room for: monitors that the others "
		"wait for count as queue",
		t->pid);
	t->java_next_ns = UINT64_MAX;
}

/* It has ended, or is another program now: its threads' places are no more. */
void bb_capture__forget_java(struct bb_capture *c, struct bb_target *t)
{
	if (t->java.list)
		bb_kernel__set_java(c->kernel, t->tgid, NULL, 0);
	memset(&t->java, 0, sizeof(t->java));
	t->java_next_ns = 0;
}

#define NAMESPACES_MOST 8

/* Which ports are listened on, for who blocks on a socket: a 400th of a CPU at most. */
void bb_capture__tell_listeners(struct bb_capture *c, uint64_t now)
{
	static uint64_t ports[BB_PORTS / 64];
	ino_t seen[NAMESPACES_MOST];
	size_t nr = 0;

	if (now < c->listeners_ns)
		return;
	memset(ports, 0, sizeof(ports));
	for (size_t i = 0; i < c->targets.nr && nr < NAMESPACES_MOST; i++) {
		struct bb_target *t = &c->targets.items[i];
		char path[32];
		struct stat st;
		size_t j = 0;

		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)t->pid);
		if (t->gone || stat(path, &st))
			continue;
		while (j < nr && seen[j] != st.st_ino)
			j++;
		if (j < nr)
			continue;
		seen[nr++] = st.st_ino;
		bb_sockets__listeners(t->pid, ports);
	}
	bb_kernel__set_listeners(c->kernel, ports);
	c->listeners_ns = now + 400 * (bb_capture__ktime() - now);
}

static bool has_gil(const struct bb_py_gil *gils, size_t nr, uint64_t addr)
{
	while (nr > 0 && gils[nr - 1].addr != addr)
		nr--;
	return nr > 0;
}

/* Of the GILs that it had, keep those that are no more: what was measured of them counts. */
static void keep_past(struct bb_target *t, const struct bb_python *before)
{
	for (size_t i = 0; i < before->nr_gils && t->nr_past < BB_PY_GILS_MAX; i++)
		if (!has_gil(t->py.gils, t->py.nr_gils, before->gils[i].addr) &&
		    !has_gil(t->past, t->nr_past, before->gils[i].addr))
			t->past[t->nr_past++] = before->gils[i];
}

static bool same_gils(const struct bb_python *a, const struct bb_python *b)
{
	for (size_t i = 0; i < a->nr_gils; i++)
		if (!has_gil(b->gils, b->nr_gils, a->gils[i].addr))
			return false;
	return a->nr_gils == b->nr_gils;
}

/*
 * A program that has just started may not have mapped its runtime yet; one that embeds
 * Python may start and end it at any time; interpreters with a GIL of their own come and go.
 */
void bb_capture__look_for_runtimes(struct bb_capture *c, uint64_t now)
{
	for (size_t i = 0; i < c->targets.nr; i++) {
		struct bb_target *t = &c->targets.items[i];
		struct bb_python before = t->py; /* its note may be gone */

		if (t->gone || t->pidfd < 0 || t->info.kernel_thread)
			continue;
		if (now < t->fresh_until_ns && (!t->py.runtime.name[0] || !t->py.initialised))
			bb_target__describe(t);
		else if (!strcmp(t->py.runtime.name, "cpython") &&
			 (t->py.version_hex >= 0x030c0000 || now >= c->learn_ns))
			bb_python__refresh(t->pid, &t->py);
		bb_capture__tell_java(c, t, now);
		keep_past(t, &before);
		if (!same_gils(&t->py, &before) || t->py.initialised != before.initialised)
			bb_capture__tell_python(c, t);
	}
}

/* Is the GIL of a free-threaded build in use now? It may have been switched on since the last look.
 */
void bb_capture__look_at_gils(struct bb_capture *c)
{
	for (size_t i = 0; i < c->targets.nr; i++) {
		struct bb_target *t = &c->targets.items[i];

		if (!t->gone && t->pidfd >= 0 && t->py.free_threaded && t->py.initialised)
			bb_python__refresh(t->pid, &t->py);
	}
}
