/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every difference between kernels, with the commit or version that made it. */
#ifndef BB_COMPAT_BPF_H
#define BB_COMPAT_BPF_H

extern int LINUX_KERNEL_VERSION __kconfig;
#define BB_KERNEL(a, b) (((a) << 16) + ((b) << 8))

/* include/linux/sched.h; not in BTF, since they are macros */
#define BB_TASK_UNINTERRUPTIBLE 0x2
#define BB_TASK_STOPPED         0x4
#define BB_TASK_TRACED          0x8
#define BB_TASK_DEAD            0x80
#define BB_TASK_WAKING          0x200
/* 6.1, f5d39b020809 ("freezer,sched: Rewrite core freezer logic"); PF_FROZEN until then */
#define BB_TASK_FROZEN        0x8000
#define BB_PF_FROZEN          0x10000 /* until then */
#define BB_PF_KTHREAD         0x200000
#define BB_JOBCTL_TRAP_FREEZE (1UL << 23) /* include/linux/sched/jobctl.h, 5.2 */

/*
 * task_struct.state became __state in 5.14 (2f064a59a11f). It is read from the
 * task and not from the tracepoint's fourth argument: that one came with 5.18,
 * and until 6.14 it still says "blocked" where a pending signal kept the task
 * runnable. At the tracepoint the run queue's lock is held, so nobody can have
 * changed a blocked task's state to running meanwhile.
 */
static __always_inline u32 bb_task_state(struct task_struct *p)
{
	struct task_struct___pre514 *old = (void *)p;

	if (bpf_core_field_exists(p->__state))
		return p->__state;
	return old->state;
}

/* Is the task frozen by the cgroup (either version) or by suspend? */
static __always_inline bool bb_task_frozen(struct task_struct *task, u32 state)
{
	if (state & BB_TASK_FROZEN)
		return true;
	if (LINUX_KERNEL_VERSION < BB_KERNEL(6, 1) && (task->flags & BB_PF_FROZEN))
		return true;
	/* the bit alone is also set in vfork(), around the wait for the child (kernel/fork.c) */
	return BPF_CORE_READ_BITFIELD(task, frozen) && (task->jobctl & BB_JOBCTL_TRAP_FREEZE);
}

static __always_inline bool bb_task_in_iowait(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD(task, in_iowait);
}

/*
 * Has the cgroup's CPU quota taken this runnable task off the CPU? Since 6.18
 * each task is throttled by itself (task_struct.throttled, e1fad12dcb66), before
 * that its whole run queue. Kernels without CFS bandwidth have neither.
 */
static __always_inline bool bb_task_throttled(struct task_struct *p)
{
	struct task_struct___throttled *new = (void *)p;

	if (bpf_core_field_exists(new->throttled) && new->throttled)
		return true;
	if (bpf_core_field_exists(((struct cfs_rq *)0)->throttle_count))
		return p->se.cfs_rq->throttle_count > 0;
	return false;
}

/* Does the kernel keep the time that a CPU quota took from a run queue (677ea015f231, 6.6)? */
static __always_inline bool bb_has_throttled_ns(void)
{
	return bpf_core_field_exists(((struct cfs_rq___self *)0)->throttled_clock_self_time);
}

/*
 * For how long the CPU quotas of the cgroup of @p, and of those above it, have kept its run
 * queue from running up to @clock of that CPU.
 */
static __always_inline u64 bb_throttled_ns(struct task_struct *p, u64 clock)
{
	struct cfs_rq___self *rq = (void *)p->se.cfs_rq;
	u64 since;

	if (!bb_has_throttled_ns())
		return 0;
	since = rq->throttled_clock_self;
	return rq->throttled_clock_self_time + (since ? clock - since : 0);
}

/*
 * Since 6.12 (152e11f6df29, "sched/fair: Implement delayed dequeue") a task that blocks may
 * stay on its run queue for a while. If it is moved to another CPU meanwhile, the kernel takes
 * it for queued from then on: last_queued is set and stays so until it runs again
 * (kernel/sched/core.c, enqueue_task), and sleep is added to run_delay. Does @p, which
 * blocks, stay there?
 */
static __always_inline bool bb_task_delayed(struct task_struct *p)
{
	struct sched_entity___delayed *se = (void *)&p->se;

	return bpf_core_field_exists(se->sched_delayed) && se->sched_delayed;
}

/*
 * The clock of the run queue of @p: the time base of sched_info. The kernel itself gets
 * run_delay as this clock minus last_queued (kernel/sched/stats.h,
 * sched_info_arrive), but only after the tracepoint. The run queue is reached
 * through the task's cfs_rq, which every task has, of whatever class, where
 * there is CONFIG_FAIR_GROUP_SCHED; the per-CPU variable needs
 * CONFIG_KALLSYMS_ALL and, before 6.0, is not in BTF. 0: no clock to be had.
 */
static __always_inline u64 bb_rq_clock(struct task_struct *p)
{
	if (bpf_core_field_exists(((struct cfs_rq *)0)->rq))
		return p->se.cfs_rq->rq->clock;
	return 0;
}

/* The current task: where it is, and its numbers in the first PID namespace. */
struct bb_self {
	u64 task;
	u32 pid;
	u32 tgid;
};

static __always_inline void bb_self_of(struct bb_self *self, struct task_struct *task)
{
	self->task = (u64)task;
	self->pid = task->pid;
	self->tgid = task->tgid;
}

/* One helper where that is enough: each return from one costs several ns on some CPUs. */
static __always_inline void bb_self_get(struct bb_self *self)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___core,
				       BPF_FUNC_get_current_task_btf___core)) {
		bb_self_of(self, bpf_get_current_task_btf());
	} else {
		u64 both = bpf_get_current_pid_tgid();

		self->task = bpf_get_current_task();
		self->pid = both;
		self->tgid = both >> 32;
	}
}

/*
 * Has the current task memory? A thread of the kernel has none, nor has one that is past
 * the wake-ups of its exit (kernel/exit.c, exit_mm).
 */
static __always_inline bool bb_own_memory(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___core,
				       BPF_FUNC_get_current_task_btf___core)) {
		return bpf_get_current_task_btf()->mm;
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();

		return BPF_CORE_READ(task, mm);
	}
}

/*
 * The lock of the current task's memory map, 0: it has none. For programs that run where lock
 * contention is told (5.19): older kernels call it otherwise (5.8 renamed it).
 */
static __always_inline u64 bb_own_mmap_lock(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	return mm ? (u64)mm + bpf_core_field_offset(struct mm_struct, mmap_lock) : 0;
}

/* What a task was doing in the kernel. */
struct bb_regs {
	s64 nr; /* system call, negative: none (fault, interrupt) */
	u64 arg[4];
	u64 ip; /* where it was in its own code */
	u64 fp; /* the frame pointer, if that register is used for it */
	u64 sp;
	bool compat; /* a 32-bit call: other numbers */
};

#ifdef __x86_64__
#define BB_THREAD_SIZE 16384 /* arch/x86/include/asm/page_64_types.h, without KASAN */

/* pthread_self(): the thread pointer is struct pthread itself (glibc, musl) */
#define bb_pthread_self(task) ((task)->thread.fsbase)
#define bb_pthread_self_of(task)                                                                   \
	BPF_CORE_READ(task, thread.fsbase) /* not typed by the verifier                            \
					    */

#define bb_regs_fill(r, regs)                                                                      \
	do {                                                                                       \
		(r)->nr = (s64)(regs)->orig_ax;                                                    \
		(r)->arg[0] = (regs)->di;                                                          \
		(r)->arg[1] = (regs)->si;                                                          \
		(r)->arg[2] = (regs)->dx;                                                          \
		(r)->arg[3] = (regs)->r10;                                                         \
		(r)->ip = (regs)->ip;                                                              \
		(r)->fp = (regs)->bp;                                                              \
		(r)->sp = (regs)->sp;                                                              \
		(r)->compat = (regs)->cs == 0x23;                                                  \
	} while (0)
#else
#define BB_THREAD_SIZE 16384

#define bb_pthread_self_of(task) 0ULL
#define bb_pthread_self(task)    0ULL /* not the thread pointer there: no Python code */

#define bb_regs_fill(r, regs)                                                                      \
	do {                                                                                       \
		(r)->nr = (regs)->syscallno;                                                       \
		(r)->arg[0] = (regs)->orig_x0;                                                     \
		(r)->arg[1] = (regs)->regs[1];                                                     \
		(r)->arg[2] = (regs)->regs[2];                                                     \
		(r)->arg[3] = (regs)->regs[3];                                                     \
		(r)->ip = (regs)->pc;                                                              \
		(r)->fp = (regs)->regs[29];                                                        \
		(r)->sp = (regs)->sp;                                                              \
		(r)->compat = ((regs)->pstate & 0x10) != 0;                                        \
	} while (0)
#endif

/*
 * Walking from pointers that the verifier does not know, such as a file table's
 * entries: by plain loads where bpf_rdonly_cast() types them (6.2,
 * a35b9af4ec2c), which is several times faster than a probe read for each step.
 * It is a weak symbol: where it is missing, that branch is dead code.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define bb_typed(ptr, type) ((type *)bpf_rdonly_cast(ptr, bpf_core_type_id_kernel(type)))
#define bb_can_type()       (bpf_rdonly_cast != 0)

#endif
