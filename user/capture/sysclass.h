/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* This architecture's system calls: their names, and what blocking in one means. */
#ifndef BB_CAPTURE_SYSCLASS_H
#define BB_CAPTURE_SYSCLASS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../bpf/abi.h"

/** bb_syscall__name - name by number; NULL when there is none. Static string. */
const char *bb_syscall__name(int nr);

/** bb_sysclass__fill - enum bb_sysclass by system call number, BB_SYSCALL_MAX entries. */
void bb_sysclass__fill(uint8_t *table);

/** bb_callkind__fill - enum bb_call_kind by system call number, BB_SYSCALL_MAX entries. */
void bb_callkind__fill(uint8_t *table);

/** bb_syscall__kind - what a call returns; BB_CALL_OTHER where there is none of that number. */
enum bb_call_kind bb_syscall__kind(int nr);

/** bb_sysclass__restarts - does it go on with a call that a signal broke off? */
bool bb_sysclass__restarts(int32_t nr);

/** bb_sysclass__polls - is it a call in which an event loop waits (epoll_wait and its like)? */
bool bb_sysclass__polls(int32_t nr);

#endif
