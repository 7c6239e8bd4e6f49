/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include "python_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps.h"

#define PROC_PATH_LEN 64 /* "/proc/PID/map_files/" and two addresses */

static int push(struct bb_images *im, const struct bb_mapping *m, bool is_exe)
{
	struct bb_image *i;

	if (im->nr == BB_IMAGES_MAX) {
		im->truncated = true;
		return 0;
	}
	if (im->nr == im->cap) {
		size_t cap = im->cap ? im->cap * 2 : 64;
		struct bb_image *v = realloc(im->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		im->v = v;
		im->cap = cap;
	}
	i = &im->v[im->nr];
	memset(i, 0, sizeof(*i));
	i->path = strdup(m->path);
	if (!i->path)
		return -ENOMEM;
	im->nr++;
	bb_maps__strip_deleted(i->path);
	i->base = strrchr(i->path, '/') + 1;
	i->start = m->start;
	i->end = m->end;
	i->offset = m->offset;
	i->dev = m->dev;
	i->inode = m->inode;
	i->exec = m->exec;
	i->is_exe = is_exe;
	return 0;
}

/* Note a mapping of a file: a new image, or a better mapping of a known one. */
static int add(struct bb_images *im, const struct bb_mapping *m, const char *exe)
{
	bool is_exe = !strcmp(m->path, exe);
	size_t n;

	/*
	 * A program that has moved its code to huge pages has no executable mapping
	 * of its file any more; for libraries that is unheard of.
	 */
	if (!m->inode || (!m->exec && !is_exe))
		return 0;
	/* Backwards: the mappings of one file are neighbours. */
	for (n = im->nr; n-- > 0;) {
		struct bb_image *i = &im->v[n];

		if (i->inode != m->inode || i->dev != m->dev)
			continue;
		if (!i->exec && m->exec) {
			i->start = m->start;
			i->end = m->end;
			i->offset = m->offset;
			i->exec = true;
		}
		return 0;
	}
	return push(im, m, is_exe);
}

/* The kernel's name of the program, as maps shows it; "" where there is none. */
static void read_exe(pid_t pid, char *exe, size_t len)
{
	char path[PROC_PATH_LEN];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, len - 1);
	exe[n > 0 ? n : 0] = '\0';
}

struct reading {
	struct bb_images *im;
	char exe[4096];
};

static int take(const struct bb_mapping *m, void *ctx)
{
	struct reading *r = ctx;

	return m->path[0] == '/' ? add(r->im, m, r->exe) : 0;
}

int bb_images__read(pid_t pid, struct bb_images *im)
{
	struct reading r = { .im = im };

	memset(im, 0, sizeof(*im));
	read_exe(pid, r.exe, sizeof(r.exe));
	return bb_maps__each(pid, take, &r);
}

void bb_images__free(struct bb_images *im)
{
	size_t i;

	for (i = 0; i < im->nr; i++)
		free(im->v[i].path);
	free(im->v);
	memset(im, 0, sizeof(*im));
}

int bb_image__open(const struct bb_image *im, pid_t pid)
{
	char path[PROC_PATH_LEN];
	int fd;

	/* The mapping's own file, whatever happened to its path; wants CAP_SYS_ADMIN. */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, im->start,
		 im->end);
	fd = bb_maps__open(path, im->inode);
	if (fd >= 0)
		return fd;
	if (im->is_exe) {
		snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
		fd = bb_maps__open(path, im->inode);
		if (fd >= 0)
			return fd;
	}
	return bb_maps__open_of(pid, im->path, im->inode);
}
