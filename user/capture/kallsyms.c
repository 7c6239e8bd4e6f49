// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kallsyms.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../util/grow.h"

void bb_kallsyms__init(struct bb_kallsyms *k)
{
	memset(k, 0, sizeof(*k));
	k->file = fopen("/proc/kallsyms", "re");
}

void bb_kallsyms__clear(struct bb_kallsyms *k)
{
	for (size_t i = 0; i < k->nr; i++)
		free(k->v[i].name);
	free(k->v);
	k->v = NULL;
	k->nr = 0;
}

void bb_kallsyms__free(struct bb_kallsyms *k)
{
	bb_kallsyms__clear(k);
	if (k->file)
		fclose(k->file);
	k->file = NULL;
}

int bb_kallsyms__want(struct bb_kallsyms *k, uint64_t addr)
{
	struct bb_kallsym *s = bb_grow((void **)&k->v, &k->nr, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->addr = addr;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct bb_kallsym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Index of the first that is not below @addr. */
static size_t first_from(const struct bb_kallsyms *k, uint64_t addr)
{
	size_t lo = 0, hi = k->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->v[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A function begins: it is that of the first address from there on, unless one begins between. */
static int take(struct bb_kallsyms *k, uint64_t start, const char *name)
{
	size_t i = first_from(k, start);
	char *copy;

	if (i == k->nr || k->v[i].start > start || (k->v[i].start == start && k->v[i].name))
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	free(k->v[i].name);
	k->v[i].name = copy;
	k->v[i].start = start;
	return 0;
}

/* Those in which none begins between it and the one before are in the same function. */
static int spread(struct bb_kallsyms *k)
{
	for (size_t i = 1; i < k->nr; i++) {
		if (k->v[i].name || !k->v[i - 1].name)
			continue;
		k->v[i].name = strdup(k->v[i - 1].name);
		if (!k->v[i].name)
			return -ENOMEM;
		k->v[i].start = k->v[i - 1].start;
	}
	return 0;
}

static void drop_doubles(struct bb_kallsyms *k)
{
	size_t kept = 0;

	if (k->nr)
		qsort(k->v, k->nr, sizeof(*k->v), compare);
	for (size_t i = 0; i < k->nr; i++)
		if (!kept || k->v[kept - 1].addr != k->v[i].addr)
			k->v[kept++] = k->v[i];
	k->nr = kept;
}

int bb_kallsyms__read(struct bb_kallsyms *k)
{
	char line[1024], name[512], type;
	uint64_t start;
	int err = 0;

	drop_doubles(k);
	if (!k->nr || !k->file)
		return 0;
	rewind(k->file);
	while (!err && fgets(line, sizeof(line), k->file))
		if (sscanf(line, "%" SCNx64 " %c %511s", &start, &type, name) == 3 && start &&
		    strchr("tTwW", type))
			err = take(k, start, name);
	return err ? err : spread(k);
}

bool bb_kallsyms__asked(const struct bb_kallsyms *k, uint64_t addr)
{
	size_t i = first_from(k, addr);

	return i < k->nr && k->v[i].addr == addr;
}

const char *bb_kallsyms__get(const struct bb_kallsyms *k, uint64_t addr)
{
	size_t i = first_from(k, addr);

	return i < k->nr && k->v[i].addr == addr ? k->v[i].name : NULL;
}
