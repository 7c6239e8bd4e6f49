/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a thread watches by poll() or select(), while it is blocked there. */
#ifndef BB_CAPTURE_POLLSET_H
#define BB_CAPTURE_POLLSET_H

#include "mem.h"

#define BB_POLLSET_MOST 1024 /* descriptors that are read */

/**
 * bb_pollset__watches - is call @nr one whose set can be read: poll, select and their kin, but
 * not epoll?
 */
bool bb_pollset__watches(int32_t nr);

/**
 * bb_pollset__read - the descriptors that thread @tid watches.
 * @nr: call that it must be blocked in
 * @fds: room for BB_POLLSET_MOST
 * Return how many, -EAGAIN: it is in another call or on a CPU; or another -errno.
 */
int bb_pollset__read(struct bb_mem *m, pid_t tid, int32_t nr, int *fds);

#endif
