// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "perf_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../util/grow.h"
#include "maps.h"
#include "procfs.h"

#define TEXT_MAX    ((size_t)4 << 20)
#define ENTRIES_MAX 65536

struct entry {
	uint64_t start, size;
	const char *name; /* in the text */
};

struct bb_perf_map {
	char *text;
	size_t len;
	struct entry *entries; /* by start; of equal ones the newest first */
	size_t nr;
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->name > y->name ? -1 : x->name < y->name;
}

void bb_perf_map__free(struct bb_perf_map *map)
{
	if (!map)
		return;
	free(map->text);
	free(map->entries);
	free(map);
}

/* The number of the process in its own PID namespace, and who runs it. */
static bool who_is(pid_t pid, long *own, unsigned long *uid)
{
	char path[32], *status, *at;
	bool ok = false;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = bb_procfs__read(path, NULL);
	at = status ? strstr(status, "\nNSpid:") : NULL;
	if (at) {
		at[1 + strcspn(at + 1, "\n")] = '\0';
		at = strrchr(at, '\t');
		*own = at ? strtol(at, NULL, 10) : 0;
		/* the real user's is the first number; Uid comes before NSpid */
		at = strstr(status, "\nUid:\t");
		ok = *own > 0 && at;
		*uid = ok ? strtoul(at + 6, NULL, 10) : 0;
	}
	free(status);
	return ok;
}

/* Add the line, which ends with NUL; what is none is left out. */
static int add_line(struct bb_perf_map *m, char *line)
{
	struct entry *e;
	char *end, *end2;
	uint64_t start, size;

	start = strtoull(line, &end, 16);
	if (end == line || *end != ' ')
		return 0;
	size = strtoull(end, &end2, 16);
	if (end2 == end || *end2 != ' ' || !end2[1] || !size)
		return 0;
	e = bb_grow((void **)&m->entries, &m->nr, sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct entry){ start, size, end2 + 1 };
	return 0;
}

static struct bb_perf_map *parse(int fd, size_t len)
{
	struct bb_perf_map *m = calloc(1, sizeof(*m));
	char *line, *save = NULL;
	ssize_t n;

	if (!m)
		return NULL;
	m->text = malloc(len + 1);
	n = m->text ? pread(fd, m->text, len, 0) : -1;
	if (n < 0)
		goto out;
	m->len = len;
	m->text[n] = '\0';
	for (line = strtok_r(m->text, "\n", &save); line && m->nr < ENTRIES_MAX;
	     line = strtok_r(NULL, "\n", &save))
		if (add_line(m, line))
			goto out;
	if (m->nr)
		qsort(m->entries, m->nr, sizeof(*m->entries), compare);
	return m;
out:
	bb_perf_map__free(m);
	return NULL;
}

bool bb_perf_map__read(struct bb_perf_map **map, pid_t pid)
{
	struct bb_perf_map *fresh = NULL;
	unsigned long uid;
	char path[80];
	struct stat st;
	size_t len;
	long own;
	int fd;

	if (!who_is(pid, &own, &uid))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/root/tmp/perf-%ld.map", (int)pid, own);
	fd = bb_maps__open(path, 0);
	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && (unsigned long)st.st_uid == uid && st.st_size > 0) {
		len = (size_t)st.st_size < TEXT_MAX ? (size_t)st.st_size : TEXT_MAX;
		fresh = *map && (*map)->len == len ? NULL : parse(fd, len);
		if (fresh) {
			bb_perf_map__free(*map);
			*map = fresh;
		}
	}
	close(fd);
	return fresh != NULL;
}

const char *bb_perf_map__find(const struct bb_perf_map *map, uint64_t addr)
{
	size_t lo = 0, hi = map ? map->nr : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (map->entries[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	/* the first of those that begin there */
	while (lo > 1 && map->entries[lo - 2].start == map->entries[lo - 1].start)
		lo--;
	return addr - map->entries[lo - 1].start < map->entries[lo - 1].size
		       ? map->entries[lo - 1].name
		       : NULL;
}
