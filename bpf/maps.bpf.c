// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where the maps and the configuration live; boundby.bpf.h declares them. */
#include "boundby.bpf.h"

struct bb_map_threads threads SEC(".maps");
struct bb_map_exited exited SEC(".maps");
struct bb_map_procs procs SEC(".maps");
struct bb_map_tids tids SEC(".maps");
struct bb_map_locks locks SEC(".maps");
struct bb_map_gils gils SEC(".maps");
struct bb_map_syscalls syscalls SEC(".maps");
struct bb_map_cpus cpus SEC(".maps");
struct bb_map_scratch scratch SEC(".maps");

const volatile u8 cfg_sysclass[BB_SYSCALL_MAX] = {};
const volatile bool cfg_tids = false;
const volatile s32 cfg_nr_futex = 202;
const volatile s32 cfg_nr_futex_wake = 454;
const volatile s32 cfg_nr_exit = 60;
const volatile s32 cfg_nr_exit_group = 231;

u64 bb_gate = 0;
u64 bb_window_start = 0;
u32 bb_iter_mode = 0;
u32 bb_follow = 0;
u32 bb_want_wakers = 0;
u64 bb_proc_events = 0;
u8 bb_targets[BB_TARGET_SLOTS] = {};

const struct bb_thread_sum bb_zero_thread = {};
const struct bb_gil_sum bb_zero_gil = {};

char LICENSE[] SEC("license") = "Dual BSD/GPL";
