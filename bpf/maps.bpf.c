// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where the maps and the configuration live; boundby.bpf.h declares them. */
#include "boundby.bpf.h"

struct bb_map_threads threads SEC(".maps");
struct bb_map_rows rows SEC(".maps");
struct bb_map_free_rows free_rows SEC(".maps");
struct bb_map_exited exited SEC(".maps");
struct bb_map_procs procs SEC(".maps");
struct bb_map_pythons pythons SEC(".maps");
struct bb_map_tids tids SEC(".maps");
struct bb_map_locks locks SEC(".maps");
struct bb_map_free_ends free_ends SEC(".maps");
struct bb_map_ends ends SEC(".maps");
struct bb_map_free_hists free_hists SEC(".maps");
struct bb_map_lock_hists lock_hists SEC(".maps");
struct bb_map_takers takers SEC(".maps");
struct bb_map_wakers wakers SEC(".maps");
struct bb_map_gils gils SEC(".maps");
struct bb_map_syscalls syscalls SEC(".maps");
struct bb_map_selves selves SEC(".maps");
struct bb_map_java_threads java_threads SEC(".maps");
struct bb_map_holders holders SEC(".maps");
struct bb_map_loops loops SEC(".maps");
struct bb_map_py_threads py_threads SEC(".maps");
struct bb_map_stacks stacks SEC(".maps");
struct bb_map_py_sums py_sums SEC(".maps");
struct bb_map_natives natives SEC(".maps");
struct bb_map_py_scratch py_scratch SEC(".maps");
struct bb_map_regs_scratch regs_scratch SEC(".maps");
struct bb_map_native_stacks native_stacks SEC(".maps");
struct bb_map_stack_sums stack_sums SEC(".maps");
struct bb_map_stack_scratch stack_scratch SEC(".maps");
struct bb_map_klocks klocks SEC(".maps");
struct bb_map_klock_scratch klock_scratch SEC(".maps");
struct bb_map_cpus cpus SEC(".maps");
struct bb_map_scratch scratch SEC(".maps");

const volatile __u8 cfg_sysclass[BB_SYSCALL_MAX] = {};
const volatile __u8 cfg_callkind[BB_SYSCALL_MAX] = {};
const volatile bool cfg_tids = false;
const volatile bool cfg_stacks = false;
const volatile bool cfg_cas = true;
const volatile __u32 cfg_holders = 256;
const volatile __u32 cfg_py_sums = 256;
const volatile __s32 cfg_nr_futex = 202;
const volatile __s32 cfg_nr_futex_wake = 454;
const volatile __s32 cfg_nr_exit = 60;
const volatile __s32 cfg_nr_exit_group = 231;

__u64 bb_gate = 0;
__u32 bb_javas = 0;
__u32 bb_pythons = 0;
__u64 bb_window_start = 0;
__u32 bb_iter_mode = 0;
__u32 bb_follow = 0;
__u32 bb_level = 0;
__u32 bb_want_wakers = 0;
__u64 bb_regs_at = 0;
__u32 bb_runq_exact = 0;
__u64 bb_proc_events = 0;
__u64 bb_ends = 0;
__u32 bb_holders_used = 0;
__u32 bb_py_sums_used = 0;
__u8 bb_targets[BB_TARGET_SLOTS] = {};
__u64 bb_listens[BB_PORTS / 64] = {};
struct bb_row_hint bb_row_hints[BB_ROW_HINTS] = {};
__u64 bb_end_hints[BB_END_HINTS] = {};

const struct bb_thread_sum bb_zero_thread = {};
const struct bb_lock_sum bb_zero_lock = {};
const struct bb_waker_sum bb_zero_waker = {};
const struct bb_taker_sum bb_zero_taker = {};
const struct bb_gil_sum bb_zero_gil = {};
const struct bb_py_thread bb_zero_py_thread = {};
const struct bb_loop_sum bb_zero_loop = {};
const struct bb_py_sum bb_zero_py_sum = {};
const struct bb_stack_sum bb_zero_stack_sum = {};
const struct bb_holder_sum bb_zero_holder = {};

char LICENSE[] SEC("license") = "Dual BSD/GPL";
