// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISFIFO(st->st_mode);
}

/* What @path leads to may change before it is opened: a file is neither made nor shortened. */
static int open_device(struct bb_outfile *o, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int err = fd < 0 ? -errno : 0;
	struct stat st;

	if (!err && fstat(fd, &st))
		err = -errno;
	if (!err && !is_device(&st))
		err = -EEXIST;
	if (!err) {
		o->path = strdup(path);
		o->f = o->path ? fdopen(fd, "w") : NULL;
		if (!o->f)
			err = -ENOMEM;
	}
	if (err) {
		bb_error("cannot write '%s': %s", path, strerror(-err));
		bb_outfile__abort(o);
		if (fd >= 0)
			close(fd);
	}
	return err;
}

int bb_outfile__open(struct bb_outfile *o, const char *path)
{
	struct stat st;
	mode_t mask;
	int fd, err;

	memset(o, 0, sizeof(*o));
	if (!path || !strcmp(path, "-")) {
		o->f = stdout;
		return 0;
	}
	/* /dev/null, a pipe: there is nothing to lose, and no name to give */
	if (!stat(path, &st) && is_device(&st))
		return open_device(o, path);
	if (!lstat(path, &st)) {
		bb_error("cannot write '%s': it exists; name a new file, or remove it first", path);
		return -EEXIST;
	}
	o->path = strdup(path);
	if (!o->path || asprintf(&o->temp, "%s.XXXXXX", path) < 0) {
		o->temp = NULL;
		err = -ENOMEM;
		goto out;
	}
	fd = mkstemp(o->temp);
	if (fd < 0) {
		err = -errno;
		bb_error("cannot write '%s': %s", path, strerror(-err));
		free(o->temp);
		o->temp = NULL;
		goto out;
	}
	mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	o->f = fdopen(fd, "w");
	if (!o->f) {
		err = -errno;
		close(fd);
		goto out;
	}
	return 0;
out:
	bb_outfile__abort(o);
	return err;
}

/* Name the finished file; one that has come meanwhile is not replaced. */
static int name_it(struct bb_outfile *o)
{
	if (!link(o->temp, o->path))
		return unlink(o->temp) ? -errno : 0;
	if (errno == EEXIST)
		return -EEXIST;
	/* file systems without hard links */
	return renameat2(AT_FDCWD, o->temp, AT_FDCWD, o->path, RENAME_NOREPLACE) ? -errno : 0;
}

int bb_outfile__commit(struct bb_outfile *o)
{
	int err = 0;

	if (!o->path) {
		if (fflush(o->f) || ferror(o->f))
			err = errno ? -errno : -EIO;
		if (err == -EPIPE)
			err = 0;
		if (err)
			bb_error("cannot write to standard output: %s", strerror(-err));
		return err;
	}
	if (fflush(o->f) || ferror(o->f) || (o->temp && fsync(fileno(o->f))))
		err = errno ? -errno : -EIO;
	if (fclose(o->f) && !err)
		err = -errno;
	o->f = NULL;
	if (err == -EPIPE && !o->temp)
		err = 0;
	if (!err && o->temp)
		err = name_it(o);
	if (err) {
		bb_error("cannot write '%s': %s", o->path, strerror(-err));
	} else {
		free(o->temp);
		o->temp = NULL;
	}
	bb_outfile__abort(o);
	return err;
}

void bb_outfile__abort(struct bb_outfile *o)
{
	if (o->path && o->f)
		fclose(o->f);
	if (o->temp)
		unlink(o->temp);
	free(o->temp);
	free(o->path);
	memset(o, 0, sizeof(*o));
}
