/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process's descriptors lead to: sockets by peer and direction, poll sets by content. */
#ifndef BB_CAPTURE_SOCKETS_H
#define BB_CAPTURE_SOCKETS_H

#include "../model/record.h"

struct bb_sockets;

/** bb_sockets__read - the socket tables of the process's network namespace. 0 or -errno. */
int bb_sockets__read(pid_t pid, struct bb_sockets **s);

/** bb_sockets__describe - set endpoint and label of a wait from its descriptor. */
void bb_sockets__describe(struct bb_sockets *s, struct bb_wait *w);

/** bb_sockets__describe_set - the same of a wait for any of several descriptors. */
void bb_sockets__describe_set(const struct bb_sockets *s, const int *fds, size_t nr,
			      struct bb_wait *w);

/** bb_sockets__peers - connections that clients have open to a port of this network namespace. */
uint32_t bb_sockets__peers(const struct bb_sockets *s, unsigned int port);

/** bb_sockets__unix_peers - the same of a unix socket with that name. */
uint32_t bb_sockets__unix_peers(const struct bb_sockets *s, const struct bb_end *end);

/**
 * bb_sockets__listeners - set the bits of local TCP ports that are listened on in the
 * process's network namespace.
 * @ports: BB_PORTS bits; others are left as they are
 */
void bb_sockets__listeners(pid_t pid, uint64_t *ports);

/** bb_sockets__free - accepts NULL. */
void bb_sockets__free(struct bb_sockets *s);

#endif
