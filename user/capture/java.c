// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "java.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"
#include "mem.h"
#include "python_image.h"

#define ENTRIES_MOST 4096 /* of the table: JDK 17 has 789 */
#define NAME_LEN     32   /* of what is looked for, all are shorter */

/* The table is of VMStructEntry (vmStructs.hpp), which has not changed since JDK 6. */
struct entry {
	uint64_t type, field, type_string;
	int32_t is_static;
	uint32_t pad;
	uint64_t offset, address;
};

static int read_name(struct bb_mem *m, uint64_t addr, char name[NAME_LEN])
{
	int err = bb_mem__read(m, addr, name, NAME_LEN);

	name[NAME_LEN - 1] = 0;
	return err;
}

/* The place in @j for what the entry tells; NULL: nothing that is needed. */
static uint64_t *place_of(struct bb_java *j, const char *type, const char *field)
{
	const struct {
		const char *type, *field;
		uint64_t *place;
	} wanted[] = {
		{ "ThreadsSMRSupport", "_java_thread_list", &j->list },
		{ "ThreadsList", "_length", &j->length },
		{ "ThreadsList", "_threads", &j->threads },
		{ "JavaThread", "_osthread", &j->os },
		{ "Thread", "_osthread", &j->os },
		{ "OSThread", "_thread_id", &j->tid },
		{ "JavaThread", "_current_pending_monitor", &j->monitor },
		{ "Thread", "_current_pending_monitor", &j->monitor },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strcmp(type, wanted[i].type) && !strcmp(field, wanted[i].field))
			return wanted[i].place;
	return NULL;
}

static int read_table(struct bb_mem *m, uint64_t at, struct bb_java *j)
{
	char type[NAME_LEN], field[NAME_LEN];
	struct entry e;
	uint64_t *place;
	int err = bb_mem__u64(m, at, &at);

	for (size_t i = 0; i < ENTRIES_MOST && !err; i++) {
		err = bb_mem__read(m, at + i * sizeof(e), &e, sizeof(e));
		if (err || !e.type)
			break;
		if (!e.field || read_name(m, e.type, type) || read_name(m, e.field, field))
			continue;
		place = place_of(j, type, field);
		if (place)
			*place = e.is_static ? e.address : e.offset;
	}
	if (!err && (!j->list || !j->length || !j->threads || !j->os || !j->tid || !j->monitor))
		err = -ENOENT;
	return err;
}

/* Where the pointer to the table is in the process, 0: it has none. */
static uint64_t table_of(const struct bb_image *im, pid_t pid)
{
	struct bb_elf_sym sym = { .name = "gHotSpotVMStructs" };
	int fd = bb_image__open(im, pid);
	struct bb_elf *e = NULL;
	uint64_t bias, at = 0;

	if (fd < 0)
		return 0;
	if (!bb_elf__open(fd, &e) && bb_elf__symbols(e, &sym, 1, false) == 1 &&
	    !bb_elf__bias(e, im->start, im->offset, im->exec, &bias))
		at = sym.value + bias;
	bb_elf__free(e);
	close(fd);
	return at;
}

int bb_java__find(pid_t pid, struct bb_java *j)
{
	struct bb_images images;
	struct bb_mem m;
	uint64_t at = 0;
	int err;

	memset(j, 0, sizeof(*j));
	err = bb_images__read(pid, &images);
	for (size_t i = 0; !err && i < images.nr && !at; i++)
		if (!strcmp(images.v[i].base, "libjvm.so"))
			at = table_of(&images.v[i], pid);
	bb_images__free(&images);
	if (err || !at)
		return err ? err : -ENOENT;
	bb_mem__init(&m, pid);
	err = read_table(&m, at, j);
	bb_mem__free(&m);
	if (err)
		memset(j, 0, sizeof(*j));
	return err;
}

static int read_thread(struct bb_mem *m, const struct bb_java *j, uint64_t thread,
		       struct bb_java_thread *to)
{
	uint64_t os;
	int err = bb_mem__u64(m, thread + j->os, &os);

	if (!err)
		err = bb_mem__read(m, os + j->tid, &to->tid, sizeof(to->tid));
	to->monitor_at = thread + j->monitor;
	return err;
}

static int read_list(struct bb_mem *m, struct bb_java *j, struct bb_java_thread *threads,
		     size_t max)
{
	uint64_t list, array, thread;
	uint32_t length;
	size_t nr = 0;
	int err = bb_mem__u64(m, j->list, &list);

	if (err || list == j->seen)
		return err;
	err = bb_mem__read(m, list + j->length, &length, sizeof(length));
	if (!err)
		err = bb_mem__u64(m, list + j->threads, &array);
	/* those that are just starting or ending are few */
	if (!err && length > 2 * max)
		return -E2BIG;
	for (uint32_t i = 0; i < length && !err; i++) {
		if (nr == max)
			return -E2BIG;
		err = bb_mem__u64(m, array + 8 * (uint64_t)i, &thread);
		/* one that has just started or ended has no number */
		if (!err && !read_thread(m, j, thread, &threads[nr]))
			nr++;
	}
	if (err)
		return err;
	j->seen = list;
	return (int)nr;
}

int bb_java__threads(pid_t pid, struct bb_java *j, struct bb_java_thread *threads, size_t max)
{
	struct bb_mem m;
	int nr;

	bb_mem__init(&m, pid);
	nr = read_list(&m, j, threads, max);
	bb_mem__free(&m);
	return nr;
}
