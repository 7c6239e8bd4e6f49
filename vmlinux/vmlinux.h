/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that our BPF programs read, by hand and nothing else: this
 * file is the list of what we depend on. Only the fields that are read are
 * declared; CO-RE relocates them to the running kernel's layout.
 *
 * tests/unit/test_vmlinux.py checks each field against the running kernel's
 * BTF, and tests/vm/ against each kernel of the matrix. A field that only some
 * kernels have is marked with the versions in a comment of the form
 * "since 5.14" or "until 5.14"; the test reads these marks.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef signed short __s16;
typedef unsigned int __u32;
typedef signed int __s32;
typedef unsigned long long __u64;
typedef signed long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;
typedef __u16 __le16;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

/* uapi numbers of map types and flags that we use (include/uapi/linux/bpf.h) */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_RINGBUF = 27, /* since 5.8 */
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_RB_NO_WAKEUP = 1,
	BPF_F_USER_STACK = 256,
	BPF_F_MMAPABLE = 1024, /* since 5.5 */
};

#ifdef __x86_64__
#include "vmlinux_x86.h"
#elif defined(__aarch64__)
#include "vmlinux_arm64.h"
#else
#error "no vmlinux header for this architecture"
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct list_head {
	struct list_head *next;
};

struct sched_info {
	unsigned long long run_delay;
	unsigned long long last_queued;
};

struct rq {
	u64 clock;
};

struct cfs_rq {
	struct rq *rq;
	int throttle_count;
};

struct sched_entity {
	u64 sum_exec_runtime;
	u64 prev_sum_exec_runtime;
	u64 nr_migrations;
	struct cfs_rq *cfs_rq;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	unsigned int i_rdev;
	struct super_block *i_sb;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct in6_addr {
}; /* 16 bytes */

struct sock_common {
	u32 skc_daddr;
	u32 skc_portpair; /* the peer's port and our own */
	u16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
	struct socket *sk_socket;
	struct pid *sk_peer_pid;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

typedef struct {
	atomic_t refs;
} refcount_t;

struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};

struct unix_address {
	refcount_t refcnt;
	int len;
	struct sockaddr_un name[1];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct signal_struct {
	atomic_t live;
};

struct rw_semaphore {
};

struct mm_struct {
	struct rw_semaphore mmap_lock;
};

struct task_struct {
	volatile unsigned int __state; /* since 5.14 */
	void *stack;
	unsigned int flags;
	int on_cpu;
	struct sched_entity se;
	struct sched_info sched_info;
	unsigned int in_iowait : 1;
	unsigned int frozen : 1;
	int exit_state;
	int exit_code;
	unsigned long jobctl;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	unsigned long nvcsw;
	unsigned long nivcsw;
	u64 start_time;
	u64 start_boottime;
	struct pid *thread_pid;
	char comm[16];
	struct files_struct *files;
	struct signal_struct *signal;
	struct thread_struct thread;
};

/* The kernel's own names for fields that changed: compat.bpf.h picks one. */
struct task_struct___pre514 {
	volatile long state; /* until 5.14 */
};

struct cfs_rq___self {
	u64 throttled_clock_self;      /* since 6.6 */
	u64 throttled_clock_self_time; /* since 6.6 */
};

struct sched_entity___delayed {
	unsigned char sched_delayed; /* since 6.12 */
};

struct task_struct___throttled {
	bool throttled; /* since 6.18 */
};

enum bpf_func_id___core {
	BPF_FUNC_get_current_task_btf___core = 158, /* since 5.11, 3ca1032ab7ab */
	BPF_FUNC_task_pt_regs___core = 175,         /* since 5.15, dd6e10fbd9fb */
};

struct seq_file {
	unsigned long count;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct linux_binprm {
	void *file;
};

#pragma clang attribute pop
#endif
