/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH */
#endif
#include "python_image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DELETED       " (deleted)"
#define PROC_PATH_LEN 64 /* "/proc/PID/map_files/" and two addresses */

struct map_line {
	uint64_t start, end, offset, dev, inode;
	bool exec;
	char *path; /* inside the line */
};

/* A number in base @base that @end_char follows; moves *p behind that. */
static bool number(char **p, int base, char end_char, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(*p, &end, base);
	if (errno || end == *p || *end != end_char)
		return false;
	*p = end + 1;
	return true;
}

/* "start-end perms offset major:minor inode   path", see proc_pid_maps(5). */
static bool parse_line(char *line, struct map_line *m)
{
	uint64_t major, minor;
	char *p = line;

	if (!number(&p, 16, '-', &m->start) || !number(&p, 16, ' ', &m->end))
		return false;
	if (strnlen(p, 5) < 5 || p[4] != ' ' || m->end <= m->start)
		return false;
	m->exec = p[2] == 'x';
	p += 5;
	if (!number(&p, 16, ' ', &m->offset) || !number(&p, 16, ':', &major) ||
	    !number(&p, 16, ' ', &minor) || !number(&p, 10, ' ', &m->inode))
		return false;
	m->dev = makedev((unsigned int)major, (unsigned int)minor);
	m->path = p + strspn(p, " ");
	m->path[strcspn(m->path, "\n")] = '\0';
	return m->path[0] == '/';
}

static void strip_deleted(char *path)
{
	size_t len = strlen(path), cut = sizeof(DELETED) - 1;

	if (len > cut && !strcmp(path + len - cut, DELETED))
		path[len - cut] = '\0';
}

static int push(struct bb_images *im, const struct map_line *m, bool is_exe)
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
	strip_deleted(i->path);
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
static int add(struct bb_images *im, const struct map_line *m, const char *exe)
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

int bb_images__read(pid_t pid, struct bb_images *im)
{
	char path[PROC_PATH_LEN], exe[4096];
	char *line = NULL;
	size_t cap = 0;
	FILE *f;
	int err = 0;

	memset(im, 0, sizeof(*im));
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	read_exe(pid, exe, sizeof(exe));
	errno = 0;
	while (!err && getline(&line, &cap, f) > 0) {
		struct map_line m;

		if (parse_line(line, &m))
			err = add(im, &m, exe);
		errno = 0;
	}
	if (!err && errno)
		err = -errno;
	free(line);
	fclose(f);
	return err;
}

void bb_images__free(struct bb_images *im)
{
	size_t i;

	for (i = 0; i < im->nr; i++)
		free(im->v[i].path);
	free(im->v);
	memset(im, 0, sizeof(*im));
}

/*
 * Open by O_PATH first: opening a device or a FIFO for reading can block or act on
 * it, and only a descriptor tells for sure what it is.
 */
static int open_regular(const char *path, const struct bb_image *im)
{
	char self[PROC_PATH_LEN];
	struct stat st;
	int fd, at, err = 0;

	at = open(path, O_PATH | O_CLOEXEC);
	if (at < 0)
		return -errno;
	/* Not the device: on overlayfs and btrfs stat() and maps show different ones. */
	if (fstat(at, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_ino != im->inode)
		err = -ESTALE;
	if (err) {
		close(at);
		return err;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	err = -errno;
	close(at);
	return fd < 0 ? err : fd;
}

int bb_image__open(const struct bb_image *im, pid_t pid)
{
	char path[PROC_PATH_LEN], *seen;
	int fd;

	/* The mapping's own file, whatever happened to its path; wants CAP_SYS_ADMIN. */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, im->start,
		 im->end);
	fd = open_regular(path, im);
	if (fd >= 0)
		return fd;
	if (im->is_exe) {
		snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
		fd = open_regular(path, im);
		if (fd >= 0)
			return fd;
	}
	if (asprintf(&seen, "/proc/%d/root%s", (int)pid, im->path) < 0)
		return -ENOMEM;
	fd = open_regular(seen, im);
	free(seen);
	if (fd >= 0)
		return fd;
	/* A chroot in our own mount namespace: maps shows the path from our root. */
	return open_regular(im->path, im);
}
