/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Event loops: how long a thread that polls is away from its poll.
 *
 * A loop polls by one descriptor. A poll by another one, such as that of a loop of
 * its own in which a library waits for a child, is part of the turn that runs.
 */
#ifndef BB_LOOP_BPF_H
#define BB_LOOP_BPF_H

#include "thread.bpf.h"

static __always_inline bool polls_events(s32 nr)
{
	return nr >= 0 && nr < BB_SYSCALL_MAX &&
	       cfg_sysclass[nr & (BB_SYSCALL_MAX - 1)] == BB_SC_POLL_FD;
}

static __always_inline bool makes_poller(s32 nr)
{
	return nr >= 0 && nr < BB_SYSCALL_MAX &&
	       cfg_sysclass[nr & (BB_SYSCALL_MAX - 1)] == BB_SC_NEW_POLLER;
}

static __always_inline struct bb_loop_sum *loop_of(struct bb_thread_sum *t)
{
	u64 key = thread_key(t);
	struct bb_loop_sum *l = bpf_map_lookup_elem(&loops, &key);

	if (l)
		return l;
	bpf_map_update_elem(&loops, &key, &bb_zero_loop, BPF_NOEXIST);
	l = bpf_map_lookup_elem(&loops, &key);
	if (!l)
		bb_drop(BB_DROP_LOOPS_FULL);
	return l;
}

/* Does @fd of the task at @task lead to an epoll set or an io_uring still? (names: fs/eventpoll.c,
 * io_uring/io_uring.c) */
static __always_inline bool is_poller(u64 task, u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ((struct task_struct *)task, files, fdt);
	struct file **at = BPF_CORE_READ(fdt, fd), *file = NULL;
	const unsigned char *name;
	char n[8] = {};

	if (fd >= BPF_CORE_READ(fdt, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), &at[fd]) || !file)
		return false;
	name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	if (bpf_probe_read_kernel(n, sizeof(n), name))
		return false;
	return (n[1] == 'e' && n[2] == 'v' && n[6] == 'p') ||
	       (n[1] == 'i' && n[2] == 'o' && n[3] == '_');
}

/*
 * Is a poll by @fd one of the thread's loop, and not one within a turn? The loop's is
 * the oldest descriptor, so the lowest: what polls within a turn was made in one. One
 * that was closed is given up.
 */
static __always_inline bool is_loops_fd(u64 task, struct bb_thread_sum *t, s32 fd)
{
	u32 number = (u32)fd + 1, loop = t->loop_fd;

	if (fd < 0 || number == loop)
		return true;
	if (loop && number > loop && is_poller(task, loop - 1))
		return false;
	t->loop_fd = number;
	t->turn = 0;
	t->turn_traced = 0;
	return true;
}

/* Only the thread itself writes its row. */
static __always_inline void turn_add(struct bb_turns *turns, u64 ns)
{
	u32 exp = log2_ns(ns), slot = 0;

	if (exp >= BB_TURN_FIRST)
		slot = (exp - BB_TURN_FIRST) << BB_TURN_SUB_BITS |
		       (ns >> (exp - BB_TURN_SUB_BITS) & ((1 << BB_TURN_SUB_BITS) - 1));
	if (slot >= BB_TURN_SLOTS)
		slot = BB_TURN_SLOTS - 1;
	turns->count++;
	turns->ns += ns;
	/* the verifier has to see the bound on the very register that indexes */
	asm volatile("" : "+r"(slot));
	if (slot < BB_TURN_SLOTS)
		turns->hist[slot]++;
	if (ns > turns->max_ns)
		turns->max_ns = ns;
}

/* CPU time so far of a turn that is traced. */
static __always_inline u64 turn_cpu_ns(struct bb_thread_sum *t, u64 now)
{
	u64 ns = now - t->turn_traced, off = t->off_ns - t->turn_off;

	return ns > off ? ns - off : 0;
}

/* A traced poll begins: a turn ends. */
static __always_inline void turn_end(struct bb_thread_sum *t, u64 now)
{
	struct bb_loop_sum *l = loop_of(t);
	u64 cpu = turn_cpu_ns(t, now);

	if (!l)
		return;
	turn_add(&l->traced, now - t->turn_traced);
	if (cpu < BB_TURN_LONG_NS)
		return;
	l->long_count++;
	l->long_ns += cpu;
	if (cpu > l->long_max_ns)
		l->long_max_ns = cpu;
}

#endif
