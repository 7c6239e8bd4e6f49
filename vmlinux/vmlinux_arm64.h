/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* arm64: the registers that a task saved when it entered the kernel. */
#ifndef __VMLINUX_ARM64_H__
#define __VMLINUX_ARM64_H__

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct user_pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
};

struct pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
	u64 orig_x0;
	s32 syscallno;
};

struct thread_struct {
	unsigned long fault_address;
};

#pragma clang attribute pop
#endif
