/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a loaded set of programs is. Internal to kernel.c and kernel_read.c. */
#ifndef BB_CAPTURE_KERNEL_STATE_H
#define BB_CAPTURE_KERNEL_STATE_H

#include "kernel.h"

/* after the structs that it needs */
#include "boundby.skel.h"

enum link_id {
	LINK_SWITCH,
	LINK_FORK,
	LINK_EXEC,
	LINK_WAKING,
	LINK_ENTER,
	LINK_EXIT,
	LINK_KLOCK_BEGIN,
	LINK_KLOCK_END,
	LINK_MAX
};

struct bb_kernel {
	struct boundby_bpf *skel;
	bool cas; /* BPF has compare-and-swap here */
	bool follow;
	bool klocks; /* the kernel tells of contention of its own locks */
	struct bpf_program *iter;
	struct bpf_link *iter_link;
	struct bpf_link *links[LINK_MAX];
	struct bpf_link **ticks; /* of each possible CPU; NULL: no clock there */
	int nr_ticks;
	struct ring_buffer *natives; /* NULL: nothing is sampled */
	int (*native_fn)(const struct bb_native_sample *sample, void *ctx);
	void *native_ctx;
	int native_err;
	const struct bb_row *rows; /* the first, mapped as long as we are; NULL: not yet */
	size_t rows_bytes;
	uint32_t rows_used; /* so many were given out, as far as was seen */
};

#endif
