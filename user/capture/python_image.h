/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ELF files that a process has mapped: its program and libraries, each once,
 * found and opened in a way that holds for deleted files, chroots and containers.
 */
#ifndef BB_CAPTURE_PYTHON_IMAGE_H
#define BB_CAPTURE_PYTHON_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* More distinct programs and libraries than any real process has; bounds a hostile one. */
#define BB_IMAGES_MAX 4096

/* One file, by one of its mappings: the first executable one where there is any. */
struct bb_image {
	uint64_t start, end; /* of that mapping, in the target */
	uint64_t offset;     /* of that mapping, in the file */
	uint64_t dev;
	uint64_t inode;
	char *path;       /* as the target sees it, without " (deleted)" */
	const char *base; /* last component of path */
	bool exec;        /* that mapping is executable */
	bool is_exe;      /* the process's program */
};

struct bb_images {
	struct bb_image *v;
	size_t nr, cap;
	bool truncated; /* there were more than BB_IMAGES_MAX */
};

/**
 * bb_images__read - list what @pid has mapped with execute permission, and its
 * program also where its code is no longer file-backed.
 * Return 0 (also for a kernel thread or zombie: nr is 0), -ESRCH, -EACCES, -EPERM,
 * -ENOMEM. Free with bb_images__free() in each case.
 */
int bb_images__read(pid_t pid, struct bb_images *im);

/** bb_images__free - accepts a zeroed or half-filled one. */
void bb_images__free(struct bb_images *im);

/**
 * bb_image__open - open the mapped file itself, not one that has replaced it since.
 * Never opens anything but a regular file.
 * Return a descriptor, or -errno (-ESTALE: the path names another file now).
 */
int bb_image__open(const struct bb_image *im, pid_t pid);

#endif
