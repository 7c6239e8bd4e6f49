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
BB_MAP(threads, BPF_MAP_TYPE_HASH, u64, u32, 4096); /* the number of a task's row */
/* User space reads them in place, many times in a window. */
struct bb_map_rows {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct bb_row);
};
/* Numbers of rows that nobody has; user space fills them. */
#define BB_FREE_MAP(name, entries)                                                                 \
	struct bb_map_##name {                                                                     \
		__uint(type, BPF_MAP_TYPE_QUEUE);                                                  \
		__uint(max_entries, entries);                                                      \
		__uint(key_size, 0);                                                               \
		__uint(value_size, sizeof(u32));                                                   \
	}
BB_FREE_MAP(free_rows, 4096);
BB_FREE_MAP(free_hists, 256);
BB_FREE_MAP(free_ends, 256);
BB_MAP(ends, BPF_MAP_TYPE_HASH, struct bb_end_key, struct bb_end, 256);
BB_MAP(exited, BPF_MAP_TYPE_HASH, u64, struct bb_thread_sum, BB_DEAD_KEPT);
BB_MAP(procs, BPF_MAP_TYPE_HASH, u32, struct bb_proc_sum, 256);
BB_MAP(pythons, BPF_MAP_TYPE_HASH, u32, struct bb_python_info, 256);
BB_MAP(tids, BPF_MAP_TYPE_HASH, u32, u8, 64);
BB_MAP(locks, BPF_MAP_TYPE_HASH, struct bb_lock_key, struct bb_lock_sum, 4096);
BB_MAP(lock_hists, BPF_MAP_TYPE_ARRAY, u32, struct bb_lock_hist, 256);
BB_MAP(takers, BPF_MAP_TYPE_HASH, struct bb_taker_key, struct bb_taker_sum, 256);
BB_MAP(wakers, BPF_MAP_TYPE_HASH, struct bb_waker_key, struct bb_waker_sum, 256);
BB_MAP(gils, BPF_MAP_TYPE_HASH, struct bb_lock_key, struct bb_gil_sum, 64);
BB_MAP(syscalls, BPF_MAP_TYPE_HASH, struct bb_syscall_key, struct bb_syscall_sum, 1024);
BB_MAP(selves, BPF_MAP_TYPE_HASH, struct bb_self_key, u32, 256);
/* of many programs none is a JVM: room is taken as it is needed */
struct bb_map_java_threads {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BB_JAVA_THREADS);
	__type(key, struct bb_java_key);
	__type(value, u64);
};
BB_MAP(holders, BPF_MAP_TYPE_HASH, struct bb_holder_key, struct bb_holder_sum, 256);
BB_MAP(loops, BPF_MAP_TYPE_HASH, u64, struct bb_loop_sum, 256);
BB_MAP(py_threads, BPF_MAP_TYPE_HASH, u64, struct bb_py_thread, 256);
BB_MAP(stacks, BPF_MAP_TYPE_HASH, u64, struct bb_py_stack, 256);
BB_MAP(py_sums, BPF_MAP_TYPE_HASH, struct bb_py_key, struct bb_py_sum, 256);
struct bb_map_natives { /* struct bb_native_sample */
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
};
/* Built here, since it does not fit the BPF stack. */
struct bb_py_scratch {
	struct bb_py_stack stack;
	u64 frame[16];
	u64 hash;
	u32 failed; /* enum bb_walk: why the walk ended early, BB_WALK_DONE: it did not */
	u32 steps;  /* frames that were read */
};
BB_MAP(py_scratch, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct bb_py_scratch, 1);
/* The same: one for programs that run with interrupts off, one for the task iterator. */
struct bb_regs_scratch {
	struct pt_regs regs;
	u64 at;
};
BB_MAP(regs_scratch, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct bb_regs_scratch, 2);
BB_MAP(native_stacks, BPF_MAP_TYPE_HASH, u64, struct bb_stack, 256);
BB_MAP(stack_sums, BPF_MAP_TYPE_HASH, struct bb_stack_key, struct bb_stack_sum, 256);
BB_MAP(stack_scratch, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct bb_stack, 1);
BB_MAP(klocks, BPF_MAP_TYPE_HASH, struct bb_klock_key, struct bb_klock_sum, 256);
BB_MAP(klock_scratch, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct bb_klock_sum, 1);
BB_MAP(cpus, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct bb_cpu, 1);
BB_MAP(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct bb_thread_row, 1);

extern struct bb_map_threads threads SEC(".maps");
extern struct bb_map_rows rows SEC(".maps");
extern struct bb_map_free_rows free_rows SEC(".maps");
extern struct bb_map_exited exited SEC(".maps");
extern struct bb_map_procs procs SEC(".maps");
extern struct bb_map_pythons pythons SEC(".maps");
extern struct bb_map_tids tids SEC(".maps");
extern struct bb_map_locks locks SEC(".maps");
extern struct bb_map_free_ends free_ends SEC(".maps");
extern struct bb_map_ends ends SEC(".maps");
extern struct bb_map_free_hists free_hists SEC(".maps");
extern struct bb_map_lock_hists lock_hists SEC(".maps");
extern struct bb_map_takers takers SEC(".maps");
extern struct bb_map_wakers wakers SEC(".maps");
extern struct bb_map_gils gils SEC(".maps");
extern struct bb_map_syscalls syscalls SEC(".maps");
extern struct bb_map_selves selves SEC(".maps");
extern struct bb_map_java_threads java_threads SEC(".maps");
extern struct bb_map_holders holders SEC(".maps");
extern struct bb_map_loops loops SEC(".maps");
extern struct bb_map_py_threads py_threads SEC(".maps");
extern struct bb_map_stacks stacks SEC(".maps");
extern struct bb_map_py_sums py_sums SEC(".maps");
extern struct bb_map_natives natives SEC(".maps");
extern struct bb_map_py_scratch py_scratch SEC(".maps");
extern struct bb_map_regs_scratch regs_scratch SEC(".maps");
extern struct bb_map_native_stacks native_stacks SEC(".maps");
extern struct bb_map_stack_sums stack_sums SEC(".maps");
extern struct bb_map_stack_scratch stack_scratch SEC(".maps");
extern struct bb_map_klocks klocks SEC(".maps");
extern struct bb_map_klock_scratch klock_scratch SEC(".maps");
extern struct bb_map_cpus cpus SEC(".maps");
extern struct bb_map_scratch scratch SEC(".maps");

/* Set between open and load. */
extern const volatile __u8 cfg_sysclass[BB_SYSCALL_MAX];
extern const volatile __u8 cfg_callkind[BB_SYSCALL_MAX];
extern const volatile bool cfg_tids;     /* only the threads in `tids` */
extern const volatile bool cfg_stacks;   /* --stacks */
extern const volatile bool cfg_cas;      /* programs with compare-and-swap run */
extern const volatile __u32 cfg_holders; /* entries of these maps */
extern const volatile __u32 cfg_py_sums;
extern const volatile __s32 cfg_nr_futex; /* numbers of futex, futex_wake, exit, exit_group */
extern const volatile __s32 cfg_nr_futex_wake;
extern const volatile __s32 cfg_nr_exit;
extern const volatile __s32 cfg_nr_exit_group;

/* Written by user space while we run. */
extern __u64 bb_gate;    /* 0: count nothing */
extern __u32 bb_javas;   /* is there a row in `java_threads`? */
extern __u32 bb_pythons; /* times that a Python with code to read was told or changed, 0: none */
extern __u64 bb_window_start;            /* ktime, set before the gate opens */
extern __u32 bb_iter_mode;               /* enum bb_iter_mode */
extern __u32 bb_follow;                  /* mark the children of targets as targets */
extern __u8 bb_targets[BB_TARGET_SLOTS]; /* by tgid modulo: may be a target */
extern __u64 bb_listens[BB_PORTS / 64];  /* bits: local TCP ports that somebody listens on */

/* Written by us, read by user space. */
extern __u32 bb_level;       /* of the PID namespace of user space */
extern __u32 bb_want_wakers; /* somebody waits on a futex: who wakes it matters */
extern __u64 bb_regs_at;    /* where on its kernel stack a task's registers are, 0: not asked yet */
extern __u32 bb_runq_exact; /* run-queue time can be told from blocked time here */
extern __u64 bb_proc_events; /* counts forks and execs of targets */
extern __u64 bb_ends;        /* threads that began to end, and those that have: each counts twice */
/* entries in these maps, of which none is ever taken out */
extern __u32 bb_holders_used;
extern __u32 bb_py_sums_used;

extern struct bb_row_hint bb_row_hints[BB_ROW_HINTS];
extern u64 bb_end_hints[BB_END_HINTS]; /* the hash, and in its last 16 bits the number */

/* They do not fit the BPF stack: new entries are copied from here. */
extern const struct bb_thread_sum bb_zero_thread;
extern const struct bb_gil_sum bb_zero_gil;
extern const struct bb_lock_sum bb_zero_lock;
extern const struct bb_waker_sum bb_zero_waker;
extern const struct bb_taker_sum bb_zero_taker;
extern const struct bb_py_thread bb_zero_py_thread;
extern const struct bb_loop_sum bb_zero_loop;
extern const struct bb_py_sum bb_zero_py_sum;
extern const struct bb_stack_sum bb_zero_stack_sum;
extern const struct bb_holder_sum bb_zero_holder;

#define BB_HASH_PRIME 0x9e3779b97f4a7c15ULL /* 2^64 / golden ratio */

static __always_inline u64 hash_add(u64 hash, u64 v)
{
	hash = (hash ^ v) * BB_HASH_PRIME;
	return hash ^ hash >> 29;
}

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

/* The slot of a histogram of powers of two. */
static __always_inline u32 log2_ns(u64 v)
{
	u32 r = 0;

	if (v >> 32) {
		v >>= 32;
		r += 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	if (v >> 1)
		r += 1;
	return r < BB_HIST_BITS ? r : BB_HIST_BITS - 1;
}

static __always_inline bool bb_may_be_target(u32 tgid)
{
	return bb_targets[tgid & (BB_TARGET_SLOTS - 1)];
}

static __always_inline struct bb_row *row_numbered(u32 number, u64 task)
{
	struct bb_row *row = bpf_map_lookup_elem(&rows, &number);

	return row && row->task == task ? row : NULL;
}

static __noinline struct bb_row *row_by_hash(u64 task, u32 pid)
{
	u32 *number = bpf_map_lookup_elem(&threads, &task);
	struct bb_row_hint *hint = &bb_row_hints[pid & (BB_ROW_HINTS - 1)];

	if (!number)
		return NULL;
	hint->number = *number;
	hint->task = task;
	return row_numbered(*number, task);
}

/*
 * The sums of the task at @task, NULL: it has no row. The hash says which row is
 * whose, but each look-up in it is an eighth of a switch's cost, so a hint is
 * tried first: the look-up in an array is inlined. Two CPUs may tear a hint, or
 * it may be of long ago: then the row says that it is another's.
 */
static __always_inline struct bb_thread_sum *thread_at(u64 task, u32 pid)
{
	struct bb_row_hint *hint = &bb_row_hints[pid & (BB_ROW_HINTS - 1)];
	struct bb_row *row = NULL;

	if (hint->task == task)
		row = row_numbered(hint->number, task);
	if (!row)
		row = row_by_hash(task, pid);
	return row ? &row->sum : NULL;
}

/* Key of what is kept by thread besides its row: outlives it, unlike the task. */
static __always_inline u64 thread_key(const struct bb_thread_sum *t)
{
	return (u64)t->tid << 32 | t->tgid;
}

/* The task of a row, as a number: a pointer to one cannot be passed to a global function. */
static __always_inline u64 task_of(const struct bb_thread_sum *t)
{
	return ((const struct bb_row *)((const char *)t - offsetof(struct bb_row, sum)))->task;
}

static __always_inline struct bb_thread_sum *thread_of(struct task_struct *p)
{
	return thread_at((u64)p, p->pid);
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
