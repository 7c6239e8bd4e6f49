// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every passage through take_gil() and drop_gil(), and every switch and wake-up of the threads of
 * one process: streamed, not summed, so that nothing of boundby's own accounting is in it.
 */
#include "../../vmlinux/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../../bpf/compat.bpf.h"
#include "gil_oracle.h"

/* include/uapi/linux/bpf.h; vmlinux/ has what boundby itself needs, and no more */
#define ORACLE_MAP_TYPE_RINGBUF 27
#define ORACLE_RB_NO_WAKEUP     1

const volatile unsigned int cfg_tgid = 0;
unsigned int lost = 0;

struct {
	__uint(type, ORACLE_MAP_TYPE_RINGBUF);
	__uint(max_entries, 32 << 20);
} events SEC(".maps");

static __always_inline int tell(u32 tid, u32 kind, u32 by)
{
	struct oracle_event e = { .ns = bpf_ktime_get_ns(), .tid = tid, .by = by, .kind = kind };

	if (bpf_ringbuf_output(&events, &e, sizeof(e), ORACLE_RB_NO_WAKEUP))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

SEC("uprobe")
int oracle_take(void *ctx)
{
	return tell((u32)bpf_get_current_pid_tgid(), ORACLE_TAKE, 0);
}

SEC("uretprobe")
int oracle_taken(void *ctx)
{
	return tell((u32)bpf_get_current_pid_tgid(), ORACLE_TAKEN, 0);
}

SEC("uprobe")
int oracle_drop(void *ctx)
{
	return tell((u32)bpf_get_current_pid_tgid(), ORACLE_DROP, 0);
}

SEC("uretprobe")
int oracle_dropped(void *ctx)
{
	return tell((u32)bpf_get_current_pid_tgid(), ORACLE_DROPPED, 0);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(oracle_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	if ((unsigned int)prev->tgid == cfg_tgid)
		tell(prev->pid, !preempt && bb_task_state(prev) ? ORACLE_BLOCKED : ORACLE_PREEMPTED,
		     0);
	if ((u32)next->tgid == cfg_tgid)
		tell(next->pid, ORACLE_RUNS, 0);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(oracle_waking, struct task_struct *p)
{
	u64 self = bpf_get_current_pid_tgid();

	if ((u32)p->tgid == cfg_tgid)
		tell(p->pid, ORACLE_WAKING, self >> 32 == cfg_tgid ? (u32)self : 0);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(oracle_wakeup, struct task_struct *p)
{
	return (u32)p->tgid == cfg_tgid ? tell(p->pid, ORACLE_WOKEN, 0) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
