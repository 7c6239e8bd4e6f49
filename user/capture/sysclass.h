/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* This architecture's system calls: their names, and what blocking in one means. */
#ifndef BB_CAPTURE_SYSCLASS_H
#define BB_CAPTURE_SYSCLASS_H

#include <stdbool.h>
#include <stdint.h>

/** bb_syscall__name - name by number; NULL when there is none. Static string. */
const char *bb_syscall__name(int nr);

/** bb_sysclass__fill - enum bb_sysclass by system call number, BB_SYSCALL_MAX entries. */
void bb_sysclass__fill(uint8_t *table);

/** bb_sysclass__polls - is it a call in which an event loop waits (epoll_wait and its like)? */
bool bb_sysclass__polls(int32_t nr);

#endif
