// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * All programs as one object, one concern a file. They are compiled as one unit
 * since the linker of libbpf 1.1 cannot link kernel functions (bpf_rdonly_cast).
 */
#include "maps.bpf.c"
#include "sched.bpf.c"
#include "wakeup.bpf.c"
#include "process.bpf.c"
#include "syscall.bpf.c"
#include "sample.bpf.c"
#include "klock.bpf.c"
#include "iter.bpf.c"
