// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that do nothing: what the kernel's statistics read for having one at all. */
#include "../../vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>

SEC("?tp_btf/sched_switch")
int bench_switch(void *ctx)
{
	return 0;
}

SEC("?tp_btf/sched_waking")
int bench_waking(void *ctx)
{
	return 0;
}

SEC("?tp_btf/sys_enter")
int bench_sys_enter(void *ctx)
{
	return 0;
}

SEC("?tp_btf/sys_exit")
int bench_sys_exit(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
