/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a descriptor leads to: the other end of a socket, a file by its inode; numbered in `ends`.
 */
#ifndef BB_END_BPF_H
#define BB_END_BPF_H

#include "boundby.bpf.h"
#include "thread.bpf.h"

#define BB_AF_UNIX     1
#define BB_AF_INET     2
#define BB_AF_INET6    10
#define BB_IPPROTO_TCP 6
#define BB_TCP_LISTEN  10 /* unix sockets use the same number */

/* The peer's IPv6 address. */
static __always_inline int read_six(void *addr, struct sock *sk)
{
	if (!bpf_core_field_exists(struct sock_common, skc_v6_daddr))
		return -1;
	return bpf_probe_read_kernel(addr, 16,
				     (char *)sk + bpf_core_field_offset(struct sock,
									__sk_common.skc_v6_daddr));
}

/* Does somebody listen on that local TCP port, as far as user space knows? */
static __always_inline bool is_listened(u32 port)
{
	return bb_listens[(port & (BB_PORTS - 1)) / 64] >> (port % 64) & 1;
}

/* What tells a connection from others: its ports, the peer's address, its state, and who had
 * opened it. */
static __always_inline u64 inet_mark(struct sock *sk, u16 family, u8 state, const bool typed)
{
	u64 mark, six[2];
	u32 portpair;

	if (typed) {
		portpair = sk->__sk_common.skc_portpair;
		mark = (u64)sk->__sk_common.skc_daddr << 32 | portpair;
	} else {
		portpair = BPF_CORE_READ(sk, __sk_common.skc_portpair);
		mark = (u64)BPF_CORE_READ(sk, __sk_common.skc_daddr) << 32 | portpair;
	}
	if (family == BB_AF_INET6 && !read_six(six, sk))
		mark ^= six[0] * 31 ^ six[1] * 17;
	/* a TCP socket that listens, and one of UDP without a peer, may have the same port */
	mark ^= (u64)state << 56;
	/* its own port comes second in memory */
	return is_listened(portpair >> 16) ? ~mark : mark;
}

/*
 * What tells any other file from others: its inode. @more: of a socket, whose inode stays while
 * that changes. Where each load is a probe read, the inode's address stands for its device.
 */
static __always_inline u64 inode_mark(struct inode *inode, u8 more, const bool typed)
{
	u64 ino = typed ? inode->i_ino : BPF_CORE_READ(inode, i_ino);
	u64 where = typed ? (u64)inode->i_sb->s_dev << 32 : (u64)inode;

	return (ino ^ where ^ (u64)more << 24) * BB_HASH_PRIME;
}

static __always_inline void inet_key(struct bb_end_key *key, struct sock *sk)
{
	u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);

	key->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	key->listens = BPF_CORE_READ(sk, __sk_common.skc_state) == BB_TCP_LISTEN;
	key->proto = BPF_CORE_READ(sk, sk_protocol);
	key->peer = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (key->listens || !key->peer || (key->proto == BB_IPPROTO_TCP && is_listened(port))) {
		key->family = 0;
		key->local = port;
		key->peer = 0;
	} else if (key->family == BB_AF_INET6) {
		read_six(key->addr, sk);
	} else {
		u32 addr = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(key->addr, &addr, sizeof(addr));
	}
}

/* The end of a unix socket's name, and a hash of it. */
static __always_inline u64 read_unix_name(struct bb_end *end, struct unix_address *addr)
{
	const u32 path = bpf_core_field_offset(struct unix_address, name) +
			 bpf_core_field_offset(struct sockaddr_un, sun_path);
	u32 len = BPF_CORE_READ(addr, len) - sizeof(u16), skip = 0;
	u64 hash = 0, *word = (u64 *)end->name;

	end->len = len;
	if (len > BB_END_NAME) {
		skip = len - BB_END_NAME;
		len = BB_END_NAME;
	}
	bpf_probe_read_kernel(end->name, len, (char *)addr + path + skip);
	for (u32 i = 0; i < BB_END_NAME / 8; i++)
		hash = (hash ^ word[i]) * BB_HASH_PRIME;
	return hash;
}

/*
 * A unix socket is told by the name that it was connected to. What accept() returns has the
 * name of the listener, and shares it (net/unix/af_unix.c, unix_stream_connect): it is told
 * by that. Where nobody has a name, as in a socketpair, it is the peer's inode.
 */
static __always_inline void unix_key(struct bb_end_key *key, struct bb_end *end, struct sock *sk)
{
	struct unix_sock *u = (void *)sk;
	struct unix_address *addr = BPF_CORE_READ(u, addr);
	struct sock *peer = BPF_CORE_READ(u, peer);

	key->family = BB_AF_UNIX;
	key->listens = BPF_CORE_READ(sk, __sk_common.skc_state) == BB_TCP_LISTEN;
	if (peer && (!addr || BPF_CORE_READ(addr, refcnt.refs.counter) < 2)) {
		u = (void *)peer;
		addr = BPF_CORE_READ(u, addr);
		key->peer = 1;
		end->pid = pid_number(BPF_CORE_READ(sk, sk_peer_pid), bb_level);
	}
	key->named = addr != NULL;
	if (addr)
		key->inode = read_unix_name(end, addr);
	else if (peer)
		key->inode = BPF_CORE_READ(peer, sk_socket, file, f_inode, i_ino);
}

static __always_inline void inode_key(struct bb_end_key *key, struct file *file, u32 kind)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	key->family = BB_END_INODE;
	key->proto = kind;
	key->inode = BPF_CORE_READ(inode, i_ino);
	key->dev = BPF_CORE_READ(inode, i_sb, s_dev);
}

/* Of a file that is closed or removed before anybody asks /proc, this is all that is known. */
static __always_inline void read_file_name(struct bb_end *end, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	bpf_probe_read_kernel_str(end->name, BB_END_PARENT, BPF_CORE_READ(dentry, d_name.name));
	dentry = BPF_CORE_READ(dentry, d_parent);
	bpf_probe_read_kernel_str(end->name + BB_END_PARENT, BB_END_NAME - BB_END_PARENT,
				  BPF_CORE_READ(dentry, d_name.name));
}

/* Has the thread a row already for all ends of its call that have none of their own? */
static __always_inline bool ends_are_several(u64 task, u32 pid, u32 kind)
{
	struct bb_thread_sum *t = thread_at(task, pid);

	if (!t)
		return false;
	for (int i = 0; i < BB_WAIT_SLOTS; i++) {
		struct bb_wait_slot *s = &t->slots[i];

		if (s->used && s->end == BB_END_SEVERAL && s->nr == t->nr && s->fdkind == kind)
			return true;
	}
	return false;
}

static __always_inline struct sock *sock_of(struct file *file)
{
	struct socket *sock = BPF_CORE_READ(file, private_data);

	return BPF_CORE_READ(sock, sk);
}

/* The number of what the file at @at leads to, 0: there is no room. @task, @pid: whose it is */
__noinline u32 bb_end_number(u64 task, u32 pid, u64 at, u32 kind)
{
	struct file *file = (void *)at;
	struct sock *sk = NULL;
	struct bb_end_key key = {};
	struct bb_end end = {}, *found;
	u32 unused;

	if (kind == BB_FD_INET || kind == BB_FD_INET_LISTEN) {
		sk = sock_of(file);
		inet_key(&key, sk);
	} else if (kind == BB_FD_UNIX || kind == BB_FD_UNIX_LISTEN) {
		sk = sock_of(file);
		unix_key(&key, &end, sk);
	} else {
		inode_key(&key, file, kind);
	}
	found = bpf_map_lookup_elem(&ends, &key);
	if (found)
		return found->number;
	/* it would be summed there, and its number be of no use */
	if (ends_are_several(task, pid, kind))
		return BB_END_SEVERAL;
	if (bpf_map_pop_elem(&free_ends, &unused)) {
		bb_drop(BB_DROP_ENDS_FULL);
		return 0;
	}
	if (!sk)
		read_file_name(&end, file);
	/* it is numbered from 1 */
	end.number = unused + 1;
	if (!bpf_map_update_elem(&ends, &key, &end, BPF_NOEXIST))
		return end.number;
	bpf_map_push_elem(&free_ends, &unused, 0);
	found = bpf_map_lookup_elem(&ends, &key);
	return found ? found->number : 0;
}

#endif
