/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes have the pipes and socket pairs open that were waited on. */
#ifndef BB_CAPTURE_PEERS_H
#define BB_CAPTURE_PEERS_H

#include "ends.h"

struct bb_peers;

/**
 * bb_peers__read - look through the descriptors of all processes, for what is in @rows.
 * Return 0 or -ENOMEM; processes that may not be read are not seen.
 */
int bb_peers__read(const struct bb_end_row *rows, size_t nr, struct bb_peers **out);

/**
 * bb_peers__of - who is at the other end, other than @pid.
 * @writes: @pid waits to write: it is those who read; of sockets it does not matter
 */
void bb_peers__of(const struct bb_peers *p, const struct bb_end_row *row, pid_t pid, bool writes,
		  struct bb_end_peer *peer);

/** bb_peers__comm - the name of process @pid, "" if there is none. */
void bb_peers__comm(pid_t pid, char *comm);

/** bb_peers__free - accepts NULL. */
void bb_peers__free(struct bb_peers *p);

#endif
