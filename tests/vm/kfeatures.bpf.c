// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One kernel feature a build, chosen with -DKF_<FEATURE>: an object that a kernel may refuse as a
 * whole without hiding its answer to the others. The program counts what worked in out[0], so
 * "it loads" is never taken for "it works". The rest of out[] is detail, printed as it is.
 *
 * kfeatures.c loads it, keeps the thread cfg_tid blocked in read(cfg_fd, cfg_buf, 4242) again and
 * again, with *cfg_buf == KF_MAGIC, and reads out[].
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define NULL         ((void *)0)
#define KF_MAGIC     0x6b66656174757265ULL
#define KF_READ_SIZE 4242

/* numbers of uapi/linux/bpf.h, which cannot be included beside our own kernel types */
enum {
	KF_MAP_HASH = 1,
	KF_MAP_ARRAY = 2,
	KF_MAP_PERCPU_HASH = 5,
	KF_MAP_RINGBUF = 27,
	KF_MAP_TASK_STORAGE = 29,
	KF_F_CREATE = 1, /* BPF_LOCAL_STORAGE_GET_F_CREATE */
	KF_F_MMAPABLE = 1 << 10,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs {
	unsigned long di, si, dx, orig_ax;
	unsigned long ss; /* the last one: its end is the end of the struct */
};
struct task_struct {
	int pid;
	int tgid;
	void *stack;
};
struct rq {
	__u64 clock;
};
struct bpf_iter_meta {
	void *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
#pragma clang attribute pop

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile int cfg_tid = 0;
const volatile __u64 cfg_buf = 0;

__u64 out[8];

#define SWITCH SEC("tp_btf/sched_switch")
#define PREV   ((struct task_struct *)ctx[1])
#define NEXT   ((struct task_struct *)ctx[2])

static __attribute__((unused)) void hit(void)
{
	__sync_fetch_and_add(&out[0], 1);
}

#ifdef KF_TP_BTF
SWITCH int prog(__u64 *ctx)
{
	if (PREV->pid == cfg_tid)
		hit();
	return 0;
}
#endif

#ifdef KF_TP_BTF_WAKING
SEC("tp_btf/sched_waking") int prog(__u64 *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];

	if (p->pid == cfg_tid)
		hit();
	return 0;
}
#endif

#ifdef KF_TP_BTF_SYS_ENTER
SEC("tp_btf/sys_enter") int prog(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];

	if ((__u32)bpf_get_current_pid_tgid() == (__u32)cfg_tid && regs->dx == KF_READ_SIZE &&
	    ctx[1] == 0)
		hit();
	return 0;
}
#endif

#ifdef KF_PREV_STATE
/* the 4th argument: fa2c3254d7cf (5.18), behind the others since 9c2136be0878 */
SWITCH int prog(__u64 *ctx)
{
	if (PREV->pid == cfg_tid && ctx[3] == 1 /* TASK_INTERRUPTIBLE */)
		hit();
	return 0;
}
#endif

#if defined(KF_RUNQUEUES) || defined(KF_RUNQUEUES_WEAK)
#ifdef KF_RUNQUEUES
extern const struct rq runqueues __ksym;
#else
/* loads where BTF lacks it, and says "never"; where only kallsyms lacks it, it does not load */
extern const struct rq runqueues __ksym __weak;
#endif

SWITCH int prog(__u64 *ctx)
{
	const struct rq *rq;
	__u64 now = bpf_ktime_get_ns();

#ifdef KF_RUNQUEUES_WEAK
	out[3] = 1; /* it ran */
	if (!&runqueues)
		return 0;
#endif
	rq = bpf_this_cpu_ptr(&runqueues);

	/* rq->clock is sched_clock at this switch; the two clocks may differ by a constant */
	if (rq->clock)
		hit();
	out[1] = rq->clock;
	out[2] = now;
	return 0;
}
#endif

#ifdef KF_TASK_PT_REGS
SWITCH int prog(__u64 *ctx)
{
	struct pt_regs *regs;

	if (PREV->pid != cfg_tid)
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(PREV);
	if (BPF_CORE_READ(regs, orig_ax) == 0 && BPF_CORE_READ(regs, dx) == KF_READ_SIZE)
		hit();
	return 0;
}
#endif

#ifdef KF_STACK_TOP
/* without the helper: pt_regs ends TOP_OF_KERNEL_STACK_PADDING below the top of task->stack */
SWITCH int prog(__u64 *ctx)
{
	unsigned long size = bpf_core_type_size(struct pt_regs), dx, ax;
	char *top;

	if (PREV->pid != cfg_tid)
		return 0;
	out[1] = size;
	top = (char *)PREV->stack + (4096 << 2);
	out[2] = 0xff; /* the padding, where none fits */
#pragma unroll
	for (int pad = 0; pad <= 16; pad += 8) {
		struct pt_regs *regs = (struct pt_regs *)(top - pad - size);

		if (bpf_core_read(&ax, sizeof(ax), &regs->orig_ax) ||
		    bpf_core_read(&dx, sizeof(dx), &regs->dx))
			continue;
		if (ax == 0 && dx == KF_READ_SIZE) {
			out[2] = pad;
			hit();
		}
	}
	return 0;
}
#endif

#ifdef KF_CURRENT_TASK_BTF
SWITCH int prog(__u64 *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();

	if (t->pid == PREV->pid && t->pid == cfg_tid)
		hit();
	return 0;
}
#endif

#ifdef KF_HASH_UPDATE_DELETE
struct {
	__uint(type, KF_MAP_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} h SEC(".maps");

SWITCH int prog(__u64 *ctx)
{
	__u32 key = PREV->pid;
	__u64 one = 1;

	if (key != (__u32)cfg_tid)
		return 0;
	if (bpf_map_update_elem(&h, &key, &one, 0) == 0 && bpf_map_lookup_elem(&h, &key) &&
	    bpf_map_delete_elem(&h, &key) == 0 && !bpf_map_lookup_elem(&h, &key))
		hit();
	return 0;
}
#endif

#ifdef KF_HASH_NO_PREALLOC
struct {
	__uint(type, KF_MAP_HASH);
	__uint(max_entries, 64);
	__uint(map_flags, 1); /* BPF_F_NO_PREALLOC */
	__type(key, __u32);
	__type(value, __u64);
} h SEC(".maps");

SWITCH int prog(__u64 *ctx)
{
	__u32 key = PREV->pid;
	__u64 one = 1;

	if (key == (__u32)cfg_tid && bpf_map_update_elem(&h, &key, &one, 0) == 0)
		hit();
	return 0;
}
#endif

#ifdef KF_ATOMIC_CMPXCHG
__u64 word;
SWITCH int prog(__u64 *ctx)
{
	__u64 old = word;

	if (__sync_val_compare_and_swap(&word, old, old + 1) == old)
		hit();
	return 0;
}
#endif

#ifdef KF_ATOMIC_FETCH_ADD
__u64 word;
SWITCH int prog(__u64 *ctx)
{
	out[1] = __sync_fetch_and_add(&word, 1);
	if (out[1])
		hit();
	return 0;
}
#endif

#ifdef KF_ATOMIC_ADD
/* no result wanted: the old BPF_XADD encoding */
__u64 word;
SWITCH int prog(__u64 *ctx)
{
	__sync_fetch_and_add(&word, 1);
	if (word)
		hit();
	return 0;
}
#endif

#if defined(KF_WEAK_KFUNC_ADDR) || defined(KF_WEAK_KFUNC_FLAG) || defined(KF_WEAK_KFUNC_CORE)
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

const volatile bool cfg_have_rdonly_cast = 0;

#ifdef KF_WEAK_KFUNC_ADDR
#define HAVE_RDONLY_CAST (bpf_rdonly_cast != NULL)
#elif defined(KF_WEAK_KFUNC_FLAG)
#define HAVE_RDONLY_CAST cfg_have_rdonly_cast
#else
/* a type that came in the same release as the function: a35b9af4ec2c (6.2) */
enum kf_kfunc_type { KF_bpf_rdonly_cast_dummy = 0 };
enum special_kfunc_type { KF_bpf_rdonly_cast = 0 };
#define HAVE_RDONLY_CAST bpf_core_enum_value_exists(enum special_kfunc_type, KF_bpf_rdonly_cast)
#endif

SWITCH int prog(__u64 *ctx)
{
	if (HAVE_RDONLY_CAST) {
		struct task_struct *t;

		t = bpf_rdonly_cast(PREV, bpf_core_type_id_kernel(struct task_struct));
		if (t->pid == PREV->pid)
			out[1]++;
	}
	hit();
	return 0;
}
#endif

#ifdef KF_RODATA_VALUE
struct big {
	__u64 words[160]; /* 1280 bytes: more than the stack holds */
};
static const volatile struct big zeroes;
struct {
	__uint(type, KF_MAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct big);
} h SEC(".maps");

SWITCH int prog(__u64 *ctx)
{
	__u32 key = 1;
	struct big *b;

	if (bpf_map_update_elem(&h, &key, (const void *)&zeroes, 0))
		return 0;
	b = bpf_map_lookup_elem(&h, &key);
	if (b && b->words[159] == 0) {
		b->words[159] = 1;
		hit();
	}
	return 0;
}
#endif

#ifdef KF_TASK_STORAGE
struct {
	__uint(type, KF_MAP_TASK_STORAGE);
	__uint(map_flags, 1); /* BPF_F_NO_PREALLOC */
	__type(key, int);
	__type(value, __u64);
} s SEC(".maps");

SWITCH int prog(__u64 *ctx)
{
	__u64 *v;

	if (PREV->pid != cfg_tid)
		return 0;
	v = bpf_task_storage_get(&s, PREV, 0, KF_F_CREATE);
	if (v && ++*v > 1)
		hit();
	return 0;
}
#endif

#ifdef KF_TASK_ITER
SEC("iter/task") int prog(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;

	if (t && t->pid == cfg_tid)
		hit();
	return 0;
}
#endif

#ifdef KF_ITER_MAP_UPDATE
struct {
	__uint(type, KF_MAP_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} h SEC(".maps");

SEC("iter/task") int prog(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	__u32 key = cfg_tid;
	__u64 one = 1;

	if (t && t->pid == cfg_tid && bpf_map_update_elem(&h, &key, &one, 0) == 0)
		hit();
	return 0;
}
#endif

#ifdef KF_RINGBUF
struct {
	__uint(type, KF_MAP_RINGBUF);
	__uint(max_entries, 4096);
} r SEC(".maps");

SWITCH int prog(__u64 *ctx)
{
	__u64 one = 1;

	if (bpf_ringbuf_output(&r, &one, sizeof(one), 0) == 0)
		hit();
	return 0;
}
#endif

#ifdef KF_LOOP
static long body(__u32 i, void *sum)
{
	*(__u64 *)sum += i;
	return 0;
}

SWITCH int prog(__u64 *ctx)
{
	__u64 sum = 0;

	bpf_loop(100, body, &sum, 0);
	if (sum == 4950)
		hit();
	return 0;
}
#endif

#ifdef KF_BOUNDED_LOOP
SWITCH int prog(__u64 *ctx)
{
	volatile __u64 sum = 0;

	for (int i = 0; i < 100; i++)
		sum += i;
	if (sum == 4950)
		hit();
	return 0;
}
#endif

#ifdef KF_MAP_CALLBACK
struct {
	__uint(type, KF_MAP_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} a SEC(".maps");

static long body(void *map, void *key, void *value, void *ctx)
{
	__sync_fetch_and_add(&out[1], 1);
	return 0;
}

SWITCH int prog(__u64 *ctx)
{
	if (bpf_for_each_map_elem(&a, body, NULL, 0) == 4 && out[1])
		hit();
	return 0;
}
#endif

#ifdef KF_READ_USER
SWITCH int prog(__u64 *ctx)
{
	__u64 v = 0;

	/* prev is still current, and its memory still mapped */
	if (PREV->pid == cfg_tid && bpf_probe_read_user(&v, sizeof(v), (void *)cfg_buf) == 0 &&
	    v == KF_MAGIC)
		hit();
	return 0;
}
#endif

#ifdef KF_COPY_FROM_USER_TASK
SEC("iter.s/task") int prog(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	__u64 v = 0;

	if (t && t->pid == cfg_tid &&
	    bpf_copy_from_user_task(&v, sizeof(v), (void *)cfg_buf, t, 0) == 0 && v == KF_MAGIC)
		hit();
	return 0;
}
#endif

#ifdef KF_MMAP_ARRAY
struct {
	__uint(type, KF_MAP_ARRAY);
	__uint(max_entries, 4);
	__uint(map_flags, KF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} a SEC(".maps");

SWITCH int prog(__u64 *ctx)
{
	__u32 key = 0;
	__u64 *v = bpf_map_lookup_elem(&a, &key);

	if (v && ++*v)
		hit();
	return 0;
}
#endif

#ifdef KF_PERF_CPU_CLOCK
SEC("perf_event") int prog(void *ctx)
{
	hit();
	return 0;
}
#endif

#ifdef KF_KPROBE
SEC("kprobe/wake_up_new_task") int prog(void *ctx)
{
	hit();
	return 0;
}
#endif

#ifdef KF_FENTRY
SEC("fentry/wake_up_new_task") int prog(void *ctx)
{
	hit();
	return 0;
}
#endif
