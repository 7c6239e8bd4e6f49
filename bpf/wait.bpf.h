/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a thread waits for, read at the moment of blocking: from the registers
 * that it saved when it entered the kernel, and from its file table.
 */
#ifndef BB_WAIT_BPF_H
#define BB_WAIT_BPF_H

#include "boundby.bpf.h"
#include "end.bpf.h"
#include "lock.bpf.h"
#include "regs.bpf.h"

/* include/uapi/linux/stat.h */
#define BB_S_IFMT   0170000
#define BB_S_IFSOCK 0140000
#define BB_S_IFREG  0100000
#define BB_S_IFLNK  0120000
#define BB_S_IFBLK  0060000
#define BB_S_IFDIR  0040000
#define BB_S_IFCHR  0020000
#define BB_S_IFIFO  0010000

#define BB_ANON_INODE_FS 0x09041934 /* include/uapi/linux/magic.h */

/* An anonymous inode is told by its name, "[eventfd]" and so on (fs/anon_inodes.c's callers). */
static __always_inline u32 anon_kind(struct file *file)
{
	const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	char n[8] = {};

	if (bpf_probe_read_kernel(n, sizeof(n), name))
		return BB_FD_ANON;
	if (n[1] == 'e' && n[2] == 'v' && n[6] == 'f')
		return BB_FD_EVENTFD;
	if (n[1] == 'e' && n[2] == 'v' && n[6] == 'p')
		return BB_FD_EPOLL;
	if (n[1] == 't' && n[2] == 'i')
		return BB_FD_TIMERFD;
	return BB_FD_ANON;
}

/* The thread blocks on the file at @at: who is at its other end? @mark: tells it from others */
static __always_inline void wait_on_end(struct task_struct *p, struct bb_thread_sum *t,
					struct file **at, u32 kind, u64 mark)
{
	u64 file = 0, hash, known, *hint;

	if (!t->last_end || t->end_of != mark) {
		hash = mark * BB_HASH_PRIME;
		hint = &bb_end_hints[hash >> 32 & (BB_END_HINTS - 1)];
		t->end_of = mark;
		/* read once: others write it */
		known = *(volatile u64 *)hint;
		t->last_end = known;
		if (!t->last_end || (known ^ hash) >> 16) {
			/* read again, as a number: a pointer cannot be passed to a global function
			 */
			bpf_probe_read_kernel(&file, sizeof(file), at);
			t->last_end = file ? bb_end_number(task_of(t), p->pid, file, kind) : 0;
			/* several are so for this thread alone */
			if (t->last_end != BB_END_SEVERAL)
				*hint = (hash & ~0xffffULL) | t->last_end;
		}
	}
	t->end = t->last_end;
}

static __always_inline u32 kind_of_socket(struct file *file, struct inode *inode, u64 *mark,
					  const bool typed)
{
	struct socket *sock;
	struct sock *sk;
	u16 family;
	u8 state;

	if (typed) {
		sock = bb_typed(file->private_data, struct socket);
		sk = sock->sk;
		family = sk->__sk_common.skc_family;
		state = sk->__sk_common.skc_state;
	} else {
		sock = BPF_CORE_READ(file, private_data);
		sk = BPF_CORE_READ(sock, sk);
		family = BPF_CORE_READ(sk, __sk_common.skc_family);
		state = BPF_CORE_READ(sk, __sk_common.skc_state);
	}
	if (family == BB_AF_UNIX) {
		*mark = inode_mark(inode, state, typed);
		return state == BB_TCP_LISTEN ? BB_FD_UNIX_LISTEN : BB_FD_UNIX;
	}
	if (family == BB_AF_INET || family == BB_AF_INET6) {
		*mark = inet_mark(sk, family, state, typed);
		return state == BB_TCP_LISTEN ? BB_FD_INET_LISTEN : BB_FD_INET;
	}
	return family ? BB_FD_SOCKET : BB_FD_UNKNOWN;
}

static __always_inline bool is_tty(u32 rdev)
{
	u32 major = rdev >> 20; /* include/linux/kdev_t.h, MAJOR */

	return major == 4 || major == 5 || (major >= 136 && major <= 143);
}

/*
 * @typed: the pointers are typed, plain loads do. Fields are loaded only where they matter.
 * @mark: set where it is told what the file leads to
 */
static __always_inline u32 kind_of_file(struct file *file, struct inode *inode, u64 *mark,
					const bool typed)
{
	u16 mode = typed ? inode->i_mode : BPF_CORE_READ(inode, i_mode);
	u32 kind = BB_FD_FILE, rdev;
	u64 magic;

	switch (mode & BB_S_IFMT) {
	case BB_S_IFIFO:
		kind = BB_FD_PIPE;
		break;
	case BB_S_IFSOCK:
		return kind_of_socket(file, inode, mark, typed);
	case BB_S_IFCHR:
		rdev = typed ? inode->i_rdev : BPF_CORE_READ(inode, i_rdev);
		kind = is_tty(rdev) ? BB_FD_TTY : BB_FD_CHARDEV;
		break;
	case BB_S_IFBLK:
		kind = BB_FD_BLOCKDEV;
		break;
	case BB_S_IFDIR:
	case BB_S_IFLNK:
		break;
	default:
		/* anonymous inodes have no type until 6.16, and are regular files since */
		magic = typed ? inode->i_sb->s_magic : BPF_CORE_READ(inode, i_sb, s_magic);
		if (magic == BB_ANON_INODE_FS)
			return anon_kind(file);
		if ((mode & BB_S_IFMT) != BB_S_IFREG)
			return BB_FD_ANON;
	}
	*mark = inode_mark(inode, 0, typed);
	return kind;
}

/* What descriptor @fd of @p is; sets t->end where it leads to something. */
static __always_inline u32 fd_kind(struct task_struct *p, struct bb_thread_sum *t, s32 fd)
{
	struct file *file = NULL;
	struct fdtable *fdt;
	u64 mark = 0;
	u32 kind;

	if (!p)
		return BB_FD_UNKNOWN;
	fdt = p->files->fdt;
	if (fd < 0 || (u32)fd >= fdt->max_fds)
		return BB_FD_UNKNOWN;
	if (bb_can_type()) {
		/* any struct that starts with a pointer types the table's entry */
		file = (void *)bb_typed(&fdt->fd[fd], struct list_head)->next;
		if (!file) {
			bb_drop(BB_DROP_FD_READ);
			return BB_FD_UNKNOWN;
		}
		file = bb_typed(file, struct file);
		kind = kind_of_file(file, file->f_inode, &mark, true);
	} else {
		if (bpf_probe_read_kernel(&file, sizeof(file), &fdt->fd[fd]) || !file) {
			bb_drop(BB_DROP_FD_READ);
			return BB_FD_UNKNOWN;
		}
		kind = kind_of_file(file, BPF_CORE_READ(file, f_inode), &mark, false);
	}
	/* by way of memory: or the verifier follows what comes next for each kind by itself */
	t->fdkind = kind;
	kind = *(volatile u8 *)&t->fdkind;
	if (mark)
		wait_on_end(p, t, &fdt->fd[fd], kind, mark);
	return kind;
}

static __always_inline u32 bucket_of_fd(u32 kind)
{
	switch (kind) {
	case BB_FD_FILE:
	case BB_FD_BLOCKDEV:
		return BB_DISK;
	case BB_FD_PIPE:
	case BB_FD_TTY:
	case BB_FD_UNIX:
	case BB_FD_UNIX_LISTEN:
	case BB_FD_EVENTFD:
	case BB_FD_ANON:
		return BB_IPC;
	case BB_FD_INET:
	case BB_FD_INET_LISTEN:
	case BB_FD_SOCKET:
		return BB_NET;
	case BB_FD_TIMERFD:
		return BB_SLEEP;
	case BB_FD_EPOLL:
		return BB_POLL;
	case BB_FD_CHARDEV:
		return BB_OTHER;
	default:
		return BB_UNKNOWN;
	}
}

/* @polled: by a poll() of it alone, as a socket with a timeout is before each read. */
static __always_inline void wait_on_fd(struct task_struct *p, struct bb_thread_sum *t, s32 fd,
				       bool polled)
{
	u32 kind = fd_kind(p, t, fd);

	t->fd = fd;
	t->fdkind = polled ? BB_FD_NONE : kind;
	if (polled)
		return;
	t->bucket = bucket_of_fd(kind);
	/* the call is known, even where its descriptor has been closed under it */
	if (t->bucket == BB_UNKNOWN)
		t->bucket = bb_task_in_iowait(p) ? BB_DISK : BB_OTHER;
}

/* The descriptor of a poll() of one alone, -1: it has several, or that cannot be read. */
static __always_inline s32 polled_fd(u64 fds, u64 nfds, bool own_memory)
{
	s32 fd;

	if (!own_memory || nfds != 1 || bpf_probe_read_user(&fd, sizeof(fd), (void *)fds))
		return -1;
	return fd;
}

static __always_inline void wait_in_syscall(struct task_struct *p, struct bb_thread_sum *t,
					    struct bb_regs *r, u32 state, u64 since,
					    bool own_memory, const bool cas)
{
	u32 class = cfg_sysclass[r->nr & (BB_SYSCALL_MAX - 1)];
	bool iowait = bb_task_in_iowait(p);
	u64 uaddr = r->arg[0];
	u32 op = BB_FUTEX_WAIT_BITSET | BB_FUTEX_PRIVATE, val = r->arg[1], cmd;
	s32 polled = -1;

	if (class == BB_SC_POLL) {
		t->bucket = r->arg[1] ? BB_POLL : BB_SLEEP;
		polled = polled_fd(r->arg[0], r->arg[1], own_memory);
		if (polled < 0)
			return;
		class = BB_SC_FD;
	}
	switch (class) {
	case BB_SC_FUTEX:
		cmd = r->arg[1] & BB_FUTEX_CMD_MASK;
		if (futex_waits(cmd)) {
			op = r->arg[1];
			val = r->arg[2];
			break;
		}
		t->bucket = BB_OTHER;
		return;
	case BB_SC_FUTEX_WAIT:
		break;
	case BB_SC_FUTEX_WAITV: {
		/* struct futex_waitv { u64 val; u64 uaddr; ... }: the first word stands for all */
		u64 first[2] = {};

		if (own_memory && bpf_probe_read_user(first, sizeof(first), (void *)r->arg[0]))
			bb_drop(BB_DROP_USER_READ);
		if (first[1])
			uaddr = first[1];
		val = 0;
		break;
	}
	case BB_SC_FD:
	case BB_SC_DISK_FD:
		wait_on_fd(p, t, polled < 0 ? (s32)r->arg[0] : polled, polled >= 0);
		if (class == BB_SC_DISK_FD)
			t->bucket = BB_DISK;
		return;
	case BB_SC_POLL_FD:
		t->fd = r->arg[0];
		t->bucket = BB_POLL;
		return;
	case BB_SC_SELECT:
		t->bucket = r->arg[0] ? BB_POLL : BB_SLEEP;
		return;
	case BB_SC_SLEEP:
		t->bucket = BB_SLEEP;
		return;
	case BB_SC_CHILD:
	case BB_SC_CLONE:
		t->bucket = BB_CHILD;
		return;
	case BB_SC_IPC:
		t->bucket = BB_IPC;
		return;
	case BB_SC_DISK:
		t->bucket = BB_DISK;
		return;
	case BB_SC_OPEN:
		/* the other end of a FIFO is waited for interruptibly, a disk is not */
		t->bucket = iowait || (state & BB_TASK_UNINTERRUPTIBLE) ? BB_DISK : BB_IPC;
		return;
	default:
		t->bucket = iowait ? BB_DISK : BB_OTHER;
		return;
	}
	futex_begin(p, t, r, uaddr, op, val, since, own_memory, cas);
}

/*
 * Why is @p off the CPU, blocked in @state since @since? Fills the open wait of
 * @t. @own_memory: @p is current, its memory can be read.
 */
static __always_inline void classify(struct task_struct *p, struct bb_thread_sum *t, u32 state,
				     u64 since, bool own_memory, const bool cas)
{
	struct bb_regs r;

	t->nr = -1;
	t->fd = -1;
	t->fdkind = BB_FD_NONE;
	t->end = 0;
	if ((state & (BB_TASK_STOPPED | BB_TASK_TRACED)) || bb_task_frozen(p, state)) {
		t->bucket = BB_STOPPED;
		return;
	}
	if (p->flags & BB_PF_KTHREAD) {
		t->bucket = bb_task_in_iowait(p) ? BB_DISK : BB_OTHER;
		return;
	}
	/* a row that is being built for the iterator has no task */
	if (bb_read_regs(p, &r, !task_of(t))) {
		bb_drop(BB_DROP_REGS_READ);
		t->bucket = BB_UNKNOWN;
		return;
	}
	if (r.nr < 0) {
		t->bucket = BB_FAULT;
		return;
	}
	if (r.compat || r.nr >= BB_SYSCALL_MAX) {
		if (r.compat)
			bb_drop(BB_DROP_COMPAT_SYSCALL);
		t->bucket = BB_UNKNOWN;
		return;
	}
	t->nr = r.nr;
	if (cfg_sysclass[r.nr & (BB_SYSCALL_MAX - 1)] == BB_SC_RESTART) {
		/* a signal or a freeze broke the call off: it still waits for the same */
		t->bucket = t->restart_bucket ? t->restart_bucket : BB_UNKNOWN;
		t->fdkind = t->restart_fdkind;
		t->end = t->restart_end;
		t->wake_how = 0;
		if (t->restart_bucket)
			t->nr = t->restart_nr;
		return;
	}
	wait_in_syscall(p, t, &r, state, since, own_memory, cas);
	t->restart_bucket = t->bucket;
	t->restart_nr = t->nr;
	t->restart_fdkind = t->fdkind;
	t->restart_end = t->end;
}

/* Waits in the same call, whatever was at its end. */
static __always_inline bool same_call(const struct bb_wait_slot *s, u32 bucket, s32 nr, u32 fdkind)
{
	return s->bucket == bucket && s->nr == nr && s->fdkind == fdkind;
}

static __always_inline bool slot_fits(const struct bb_wait_slot *s, const struct bb_thread_sum *t,
				      u32 bucket)
{
	return s->used && same_call(s, bucket, t->nr, t->fdkind) && s->end == t->end;
}

static __always_inline void slot_sum(struct bb_wait_slot *s, u64 ns)
{
	s->count++;
	s->ns += ns;
	if (ns > s->max_ns)
		s->max_ns = ns;
}

/*
 * The same as in its first wait, as most are: without a call. Buckets of futexes have
 * rows of their own making: see bb_slot_add().
 */
static __always_inline bool slot_is_first(struct bb_thread_sum *t, u32 bucket, u64 ns)
{
	struct bb_wait_slot *s = &t->slots[0];

	if (is_futex_bucket(bucket) || !slot_fits(s, t, bucket))
		return false;
	s->fd = t->fd;
	slot_sum(s, ns);
	return true;
}

/* Add one row to another one that differs in its end alone. The row that is free then, or NULL. */
static __always_inline struct bb_wait_slot *slots_join(struct bb_thread_sum *t)
{
	for (int i = 0; i < BB_WAIT_SLOTS; i++) {
		struct bb_wait_slot *to = &t->slots[i];

		for (int j = i + 1; j < BB_WAIT_SLOTS; j++) {
			struct bb_wait_slot *s = &t->slots[j];

			if (!same_call(s, to->bucket, to->nr, to->fdkind) ||
			    s->bucket >= BB_BUCKET_MAX)
				continue;
			to->end = BB_END_SEVERAL;
			to->fd = s->fd;
			to->count += s->count;
			to->ns += s->ns;
			if (s->max_ns > to->max_ns)
				to->max_ns = s->max_ns;
			s->count = 0;
			s->ns = 0;
			s->max_ns = 0;
			return s;
		}
	}
	return NULL;
}

/* Add a wait that ended to the thread's own table of what it waited in. */
__noinline int bb_slot_add(u64 task, u32 pid, u32 bucket, u64 ns)
{
	struct bb_thread_sum *t = thread_at(task, pid);
	struct bb_wait_slot *s = NULL;

	if (!t)
		return 0;

	/* how a futex wait ended is in the sums; two rows tell lock from queue */
	if (bucket == BB_FUTEX_PROTO)
		bucket = BB_FUTEX_HANDED;
	else if (bucket == BB_FUTEX_FED)
		bucket = BB_FUTEX_OTHER;
	for (int i = 0; i < BB_WAIT_SLOTS; i++) {
		s = &t->slots[i];
		if (slot_fits(s, t, bucket))
			goto found;
		if (s->used)
			continue;
		/* woken at once, it only waited for a CPU: that is worth no row of its own */
		if (!ns)
			return 0;
		goto found;
	}
	/* with another end, rather than with another state */
	for (int i = 0; i < BB_WAIT_SLOTS; i++) {
		s = &t->slots[i];
		if (!same_call(s, bucket, t->nr, t->fdkind))
			continue;
		s->end = BB_END_SEVERAL;
		s->fd = t->fd;
		slot_sum(s, ns);
		return 0;
	}
	/* two that differ in their ends alone make room for another state */
	s = slots_join(t);
	if (s)
		goto found;
	/* the last row takes what has no row of its own, of several states */
	s = &t->slots[BB_WAIT_SLOTS - 1];
	bb_drop(BB_DROP_WAITS_FULL);
	s->bucket = BB_BUCKET_MAX;
	s->nr = -2;
	s->count++;
	s->ns += ns;
	return 0;
found:
	s->used = 1;
	s->bucket = bucket;
	s->nr = t->nr;
	s->fdkind = t->fdkind;
	s->end = t->end;
	s->fd = t->fd;
	slot_sum(s, ns);
	return 0;
}

#endif
