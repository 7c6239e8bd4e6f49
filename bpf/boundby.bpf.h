/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF side only: configuration, maps, counters, and look-up of a task's sums. */
#ifndef BB_BOUNDBY_BPF_H
#define BB_BOUNDBY_BPF_H

#include "../vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"
#include "compat.bpf.h"

#define BB_MAP(name, map_type, key_type, value_type, entries)                                      \
	struct bb_map_##name {                                                                     \
		__uint(type, map_type);                                                            \
		__uint(max_entries, entries);                                                      \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	}

/* User space sizes them between open and load; these sizes load standalone. */
BB_MAP(threads, BPF_MAP_TYPE_HASH, u64, struct bb_thread_sum, 4096);
BB_MAP(exited, BPF_MAP_TYPE_HASH, u64, struct bb_thread_sum, BB_DEAD_KEPT);
BB_MAP(procs, BPF_MAP_TYPE_HASH, u32, struct bb_proc_sum, 256);
BB_MAP(pythons, BPF_MAP_TYPE_HASH, u32, struct bb_python_info, 256);
BB_MAP(tids, BPF_MAP_TYPE_HASH, u32, u8, 64);
BB_MAP(locks, BPF_MAP_TYPE_HASH, struct bb_lock_key, struct bb_lock_sum, 4096);
BB_MAP(gils, BPF_MAP_TYPE_HASH, struct bb_lock_key, struct bb_gil_sum, 64);
BB_MAP(syscalls, BPF_MAP_TYPE_HASH, struct bb_syscall_key, struct bb_syscall_sum, 1024);
BB_MAP(cpus, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct bb_cpu, 1);
BB_MAP(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct bb_thread_row, 1);

extern struct bb_map_threads threads SEC(".maps");
extern struct bb_map_exited exited SEC(".maps");
extern struct bb_map_procs procs SEC(".maps");
extern struct bb_map_pythons pythons SEC(".maps");
extern struct bb_map_tids tids SEC(".maps");
extern struct bb_map_locks locks SEC(".maps");
extern struct bb_map_gils gils SEC(".maps");
extern struct bb_map_syscalls syscalls SEC(".maps");
extern struct bb_map_cpus cpus SEC(".maps");
extern struct bb_map_scratch scratch SEC(".maps");

/* Set between open and load. */
extern const volatile __u8 cfg_sysclass[BB_SYSCALL_MAX];
extern const volatile bool cfg_tids;      /* only the threads in `tids` */
extern const volatile __s32 cfg_nr_futex; /* numbers of futex, futex_wake, exit, exit_group */
extern const volatile __s32 cfg_nr_futex_wake;
extern const volatile __s32 cfg_nr_exit;
extern const volatile __s32 cfg_nr_exit_group;

/* Written by user space while we run. */
extern __u64 bb_gate;                    /* 0: count nothing */
extern __u64 bb_window_start;            /* ktime, set before the gate opens */
extern __u32 bb_iter_mode;               /* enum bb_iter_mode */
extern __u32 bb_follow;                  /* mark the children of targets as targets */
extern __u8 bb_targets[BB_TARGET_SLOTS]; /* by tgid modulo: may be a target */

/* Written by us, read by user space. */
extern __u32 bb_level;       /* of the PID namespace of user space */
extern __u32 bb_want_wakers; /* somebody waits on a futex: who wakes it matters */
extern __u32 bb_runq_exact;  /* run-queue time can be told from blocked time here */
extern __u64 bb_proc_events; /* counts forks and execs of targets */

/* 568 bytes do not fit the BPF stack: new entries are copied from here. */
extern const struct bb_thread_sum bb_zero_thread;
extern const struct bb_gil_sum bb_zero_gil;

#define barrier() asm volatile("" ::: "memory")

static __always_inline struct bb_cpu *bb_cpu(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

static __always_inline void bb_drop(enum bb_drop d)
{
	struct bb_cpu *c = bb_cpu();

	if (c)
		c->drops[d]++;
}

static __always_inline bool bb_may_be_target(u32 tgid)
{
	return bb_targets[tgid & (BB_TARGET_SLOTS - 1)];
}

/*
 * The process's row, if @p really belongs to it: a PID that was reused has
 * another start time, and its data are none of ours.
 */
static __always_inline struct bb_proc_sum *bb_proc_of(struct task_struct *p)
{
	u32 tgid = p->tgid;
	struct bb_proc_sum *proc = bpf_map_lookup_elem(&procs, &tgid);

	if (!proc)
		return NULL;
	if (proc->start_boottime != p->group_leader->start_boottime)
		return NULL;
	return proc;
}

#endif
