/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a thread blocked on, in words: from what the kernel side saw when it did. */
#ifndef BB_CAPTURE_ENDS_H
#define BB_CAPTURE_ENDS_H

#include "../../bpf/abi.h"
#include "../model/record.h"

struct bb_end_row {
	struct bb_end_key key;
	struct bb_end end;
};

/* A process at the other end. */
struct bb_end_peer {
	pid_t pid; /* 0: not known */
	char comm[BB_COMM_LEN];
	uint32_t others; /* processes that have that end open, too */
	bool own;        /* only the process itself has it */
};

/** bb_end__address - "10.0.0.2:53 (dns)". @peer is an address as on the wire, @port is not. */
void bb_end__address(bool v6, const void *peer, unsigned int port, char *buf, size_t len);

/** bb_end__inet - set endpoint and label of a wait on a socket of IPv4 or IPv6. */
void bb_end__inet(const struct bb_end_key *key, struct bb_wait *w);

/** bb_end__has_name - is that the name of the unix socket, as /proc/net/unix writes it? */
bool bb_end__has_name(const struct bb_end *end, const char *name);

/** bb_end__unix - the same of a unix socket. */
void bb_end__unix(const struct bb_end_row *row, const struct bb_end_peer *peer, struct bb_wait *w);

/** bb_end__pipe - the same of a pipe or FIFO. @path: of the FIFO, may be NULL. */
void bb_end__pipe(const struct bb_end_row *row, const char *path, bool writes,
		  const struct bb_end_peer *peer, struct bb_wait *w);

/**
 * bb_end__file - the same of a file or device.
 * @path: where it is, NULL: not known any more, then its name and inode are told
 */
void bb_end__file(const struct bb_end_row *row, const char *path, struct bb_wait *w);

/** bb_end__major - of the kernel's own number of a device, as in struct bb_end_key. */
unsigned int bb_end__major(uint32_t dev);
unsigned int bb_end__minor(uint32_t dev);

#endif
