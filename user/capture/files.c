// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../util/grow.h"
#include "maps.h"
#include "procfs.h"

#define FILES_MOST 16384 /* of a process that are looked at */

struct file {
	uint64_t inode; /* 0: not told (5.14) */
	unsigned int major, minor;
	bool has_dev; /* not where a chroot hides its mount */
	char *path;
};

struct mount {
	int id;
	unsigned int major, minor;
};

struct bb_files {
	struct file *v;
	size_t nr;
	struct mount *mounts;
	size_t nr_mounts;
};

/* The number behind @name at the start of a line of @text. */
static bool field(const char *text, const char *name, uint64_t *v)
{
	const char *at = text;
	size_t len = strlen(name);

	while (at && strncmp(at, name, len)) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (at)
		*v = strtoull(at + len, NULL, 10);
	return at;
}

uint64_t bb_files__inode(pid_t pid, int fd, int *mnt_id)
{
	uint64_t inode = 0, mnt = 0;
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
	text = bb_procfs__read(path, NULL);
	if (!text)
		return 0;
	field(text, "mnt_id:", &mnt);
	if (!field(text, "ino:", &inode))
		inode = 0;
	free(text);
	*mnt_id = (int)mnt;
	return inode;
}

/* The device of each mount (proc_pid_mountinfo(5)): stat() would tell btrfs's and overlayfs's own.
 */
static int read_mounts(pid_t pid, struct bb_files *f)
{
	char path[32], *text, *line, *save = NULL;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	text = bb_procfs__read(path, NULL);
	if (!text)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (line = strtok_r(text, "\n", &save); line && !err; line = strtok_r(NULL, "\n", &save)) {
		struct mount m, *to;

		if (sscanf(line, "%d %*d %u:%u", &m.id, &m.major, &m.minor) != 3)
			continue;
		to = bb_grow((void **)&f->mounts, &f->nr_mounts, sizeof(*to));
		if (to)
			*to = m;
		else
			err = -ENOMEM;
	}
	free(text);
	return err;
}

static struct file *add(struct bb_files *f, const char *path)
{
	struct file *file = bb_grow((void **)&f->v, &f->nr, sizeof(*file));

	if (!file)
		return NULL;
	file->path = strdup(path);
	return file->path ? file : NULL;
}

struct looking {
	struct bb_files *files;
	pid_t pid;
};

static int add_fd(int fd, void *ctx)
{
	struct looking *l = ctx;
	struct bb_files *f = l->files;
	char path[4096];
	struct file *file;
	int mnt = 0;

	if (f->nr >= FILES_MOST)
		return 1;
	if (!bb_procfs__fd_target(l->pid, fd, path, sizeof(path)) || path[0] != '/')
		return 0;
	file = add(f, path);
	if (!file)
		return -ENOMEM;
	file->inode = bb_files__inode(l->pid, fd, &mnt);
	for (size_t i = 0; i < f->nr_mounts; i++)
		if (f->mounts[i].id == mnt) {
			file->major = f->mounts[i].major;
			file->minor = f->mounts[i].minor;
			file->has_dev = true;
		}
	return 0;
}

static int read_fds(pid_t pid, struct bb_files *f)
{
	struct looking l = { f, pid };
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	return bb_procfs__each_number(path, add_fd, &l) == -ENOMEM ? -ENOMEM : 0;
}

/* A file may be closed and still be mapped. */
static int add_mapping(const struct bb_mapping *m, void *ctx)
{
	struct bb_files *f = ctx;
	struct file *file;

	if (!m->inode || m->path[0] != '/' || f->nr >= FILES_MOST)
		return 0;
	if (f->nr && f->v[f->nr - 1].inode == m->inode && !strcmp(f->v[f->nr - 1].path, m->path))
		return 0;
	file = add(f, m->path);
	if (!file)
		return -ENOMEM;
	file->inode = m->inode;
	file->major = major(m->dev);
	file->minor = minor(m->dev);
	file->has_dev = true;
	return 0;
}

int bb_files__read(pid_t pid, struct bb_files **out)
{
	struct bb_files *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	err = read_mounts(pid, f);
	if (!err)
		err = read_fds(pid, f);
	if (!err && bb_maps__each(pid, add_mapping, f) == -ENOMEM)
		err = -ENOMEM;
	if (err) {
		bb_files__free(f);
		return err;
	}
	*out = f;
	return 0;
}

/* Ends the path in that folder and name? As far as these are kept. */
static bool named_so(const char *path, const struct bb_end *end)
{
	char buf[4096], *name, *parent;

	snprintf(buf, sizeof(buf), "%s", path);
	bb_maps__strip_deleted(buf);
	name = strrchr(buf, '/');
	if (!name || strncmp(name + 1, end->name, BB_END_PARENT - 1))
		return false;
	*name = '\0';
	parent = strrchr(buf, '/');
	parent = parent ? parent + 1 : buf;
	return end->name[BB_END_PARENT] == '/' ||
	       !strncmp(parent, end->name + BB_END_PARENT, BB_END_NAME - BB_END_PARENT - 1);
}

static bool is_it(const struct file *file, const struct bb_end_row *row)
{
	const struct bb_end_key *key = &row->key;

	if (file->inode && file->inode != key->inode)
		return false;
	if (!file->inode || !file->has_dev)
		return named_so(file->path, &row->end);
	return file->major == bb_end__major(key->dev) && file->minor == bb_end__minor(key->dev);
}

const char *bb_files__path(const struct bb_files *f, const struct bb_end_row *row)
{
	for (size_t i = 0; i < f->nr; i++)
		if (is_it(&f->v[i], row))
			return f->v[i].path;
	return NULL;
}

void bb_files__free(struct bb_files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nr; i++)
		free(f->v[i].path);
	free(f->v);
	free(f->mounts);
	free(f);
}
