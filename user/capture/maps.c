/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH */
#endif
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DELETED       " (deleted)"
#define PROC_PATH_LEN 32

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
static bool parse_line(char *line, struct bb_mapping *m)
{
	uint64_t major, minor;
	char *p = line;

	if (!number(&p, 16, '-', &m->start) || !number(&p, 16, ' ', &m->end))
		return false;
	if (strnlen(p, 5) < 5 || p[4] != ' ' || m->end <= m->start)
		return false;
	m->exec = p[2] == 'x';
	m->shared = p[3] == 's';
	p += 5;
	if (!number(&p, 16, ' ', &m->offset) || !number(&p, 16, ':', &major) ||
	    !number(&p, 16, ' ', &minor))
		return false;
	/* of an anonymous one, nothing need follow the inode */
	errno = 0;
	m->inode = strtoull(p, &p, 10);
	if (errno || (*p != ' ' && *p != '\n' && *p))
		return false;
	m->dev = makedev((unsigned int)major, (unsigned int)minor);
	p += strspn(p, " ");
	p[strcspn(p, "\n")] = '\0';
	m->path = p;
	return true;
}

void bb_maps__strip_deleted(char *path)
{
	size_t len = strlen(path), cut = sizeof(DELETED) - 1;

	if (len > cut && !strcmp(path + len - cut, DELETED))
		path[len - cut] = '\0';
}

int bb_maps__each(pid_t pid, int (*fn)(const struct bb_mapping *m, void *ctx), void *ctx)
{
	char path[PROC_PATH_LEN], *line = NULL;
	size_t cap = 0;
	FILE *f;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	errno = 0;
	while (!err && getline(&line, &cap, f) > 0) {
		struct bb_mapping m;

		if (parse_line(line, &m))
			err = fn(&m, ctx);
		errno = 0;
	}
	if (!err && errno)
		err = -errno;
	free(line);
	fclose(f);
	return err;
}

static int has_part(const struct bb_mapping *m, void *ctx)
{
	return strstr(m->path, ctx) != NULL;
}

bool bb_maps__has(pid_t pid, const char *part)
{
	return bb_maps__each(pid, has_part, (void *)part) == 1;
}

/*
 * Open by O_PATH first: opening a device or a FIFO for reading can block or act on
 * it, and only a descriptor tells for sure what it is.
 */
int bb_maps__open(const char *path, uint64_t inode)
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
	else if (!S_ISREG(st.st_mode) || (inode && st.st_ino != inode))
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

int bb_maps__open_of(pid_t pid, const char *path, uint64_t inode)
{
	char *seen;
	int fd;

	if (asprintf(&seen, "/proc/%d/root%s", (int)pid, path) < 0)
		return -ENOMEM;
	fd = bb_maps__open(seen, inode);
	free(seen);
	return fd >= 0 ? fd : bb_maps__open(path, inode);
}
