// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"
#include "maps.h"

#define SYMBOLS_MAX  (1U << 18) /* 4 MiB; a browser has more, Python's libraries do not */
#define CHUNK        1024       /* entries read at once */
#define NESTED_MAX   16         /* functions that begin before the nearest one, and still cover */
#define BUILD_ID_MAX 64

struct symbol {
	uint64_t start; /* link address */
	uint32_t size;
	uint32_t name; /* offset among the names */
};

struct bb_symbols {
	enum bb_symbol_kind kind;
	struct bb_elf *elf;
	int fd;
	int names_fd; /* of the file that has the names; may be fd */
	uint64_t names, names_size;
	struct symbol *symbols; /* by start */
	size_t nr, room;
};

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

/* Without a size it is not known where it ends, so what it covers is not known. */
static bool is_wanted(enum bb_symbol_kind kind, const Elf64_Sym *sym, uint64_t names_size)
{
	return ELF64_ST_TYPE(sym->st_info) == (kind == BB_SYMBOLS_DATA ? STT_OBJECT : STT_FUNC) &&
	       sym->st_shndx != SHN_UNDEF && sym->st_shndx != SHN_ABS && sym->st_value &&
	       sym->st_size && sym->st_size <= UINT32_MAX &&
	       sym->st_value <= UINT64_MAX - sym->st_size && sym->st_name &&
	       sym->st_name < names_size;
}

static int add(struct bb_symbols *s, const Elf64_Sym *sym)
{
	if (s->nr == s->room) {
		size_t room = s->room ? s->room * 2 : 256;
		struct symbol *more;

		if (s->nr >= SYMBOLS_MAX)
			return -E2BIG;
		more = realloc(s->symbols, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->symbols = more;
		s->room = room;
	}
	s->symbols[s->nr++] =
		(struct symbol){ sym->st_value, (uint32_t)sym->st_size, sym->st_name };
	return 0;
}

/* The symbols of one table. A file that ends within it has those up to there. */
static int read_table(struct bb_symbols *s, int fd, const struct bb_elf_table *table)
{
	Elf64_Sym *syms = malloc(CHUNK * sizeof(*syms));
	uint64_t all = table->size / sizeof(*syms);
	int err = syms ? 0 : -ENOMEM;

	s->nr = 0;
	for (uint64_t at = 0; at < all && !err; at += CHUNK) {
		size_t n = all - at < CHUNK ? (size_t)(all - at) : CHUNK;

		if (bb_elf__read_at(fd, table->offset + at * sizeof(*syms), syms,
				    n * sizeof(*syms)))
			break;
		for (size_t i = 0; i < n && !err; i++)
			if (is_wanted(s->kind, &syms[i], table->names_size))
				err = add(s, &syms[i]);
	}
	free(syms);
	if (err) {
		s->nr = 0;
		return err;
	}
	s->names_fd = fd;
	s->names = table->names;
	s->names_size = table->names_size;
	return 0;
}

/* Take the symbols of an ELF file's table. Return 0, also for none, -E2BIG or -ENOMEM. */
static int take(struct bb_symbols *s, struct bb_elf *e, int fd, bool all)
{
	struct bb_elf_table table;
	int err = bb_elf__table(e, all, &table);

	return err ? (err == -E2BIG ? err : 0) : read_table(s, fd, &table);
}

/* The debug file of that build id, and of no other. */
static int open_debug(const char *root, const unsigned char *id, size_t len, struct bb_elf **e)
{
	char path[64 + sizeof("/usr/lib/debug/.build-id//.debug") + 2 * BUILD_ID_MAX];
	unsigned char its[BUILD_ID_MAX];
	int n, fd;

	n = snprintf(path, sizeof(path), "%s/usr/lib/debug/.build-id/%02x/", root, id[0]);
	for (size_t i = 1; i < len; i++)
		n += snprintf(path + n, sizeof(path) - (size_t)n, "%02x", id[i]);
	snprintf(path + n, sizeof(path) - (size_t)n, ".debug");
	fd = bb_maps__open(path, 0);
	if (fd < 0)
		return fd;
	if (bb_elf__open(fd, e)) {
		close(fd);
		return -ENOENT;
	}
	if (bb_elf__build_id(*e, its, sizeof(its)) != len || memcmp(its, id, len)) {
		bb_elf__free(*e);
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static int take_debug(struct bb_symbols *s, pid_t pid)
{
	unsigned char id[BUILD_ID_MAX];
	size_t len = bb_elf__build_id(s->elf, id, sizeof(id));
	struct bb_elf *e;
	char root[32];
	int fd = -ENOENT, err;

	if (len < 2)
		return 0;
	snprintf(root, sizeof(root), "/proc/%d/root", (int)pid);
	if (pid)
		fd = open_debug(root, id, len, &e);
	if (fd < 0)
		fd = open_debug("", id, len, &e);
	if (fd < 0)
		return 0;
	err = take(s, e, fd, true);
	bb_elf__free(e);
	if (!s->nr) {
		close(fd);
		s->names_fd = -1;
	}
	return err;
}

int bb_symbols__open(int fd, pid_t pid, enum bb_symbol_kind kind, struct bb_symbols **out)
{
	struct bb_symbols *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	s->kind = kind;
	s->fd = fd;
	s->names_fd = -1;
	err = bb_elf__open(fd, &s->elf);
	if (!err)
		err = take(s, s->elf, fd, true);
	if (!err && !s->nr)
		err = take_debug(s, pid);
	if (!err && !s->nr)
		err = take(s, s->elf, fd, false);
	if (err) {
		bb_symbols__free(s);
		return err;
	}
	if (s->nr)
		qsort(s->symbols, s->nr, sizeof(*s->symbols), compare);
	*out = s;
	return 0;
}

void bb_symbols__free(struct bb_symbols *s)
{
	if (!s)
		return;
	bb_elf__free(s->elf);
	if (s->names_fd >= 0 && s->names_fd != s->fd)
		close(s->names_fd);
	close(s->fd);
	free(s->symbols);
	free(s);
}

int bb_symbols__bias(struct bb_symbols *s, uint64_t start, uint64_t offset, uint64_t *bias)
{
	return bb_elf__bias(s->elf, start, offset, true, bias);
}

uint64_t bb_symbols__end(struct bb_symbols *s)
{
	return bb_elf__end(s->elf);
}

size_t bb_symbols__count(const struct bb_symbols *s)
{
	return s->nr;
}

/* Its name, whole; false where it has none, or one that is too long. */
static bool name_of(const struct bb_symbols *s, const struct symbol *f, char *name)
{
	uint64_t left = s->names_size - f->name;
	size_t len = left < BB_SYMBOL_LEN ? (size_t)left : BB_SYMBOL_LEN;

	return !bb_elf__read_at(s->names_fd, s->names + f->name, name, len) &&
	       memchr(name, '\0', len) && name[0];
}

static bool is_better(const char *name, const char *than)
{
	size_t a = strspn(name, "_"), b = strspn(than, "_");

	if (!than[0] || a != b)
		return !than[0] || a < b;
	a = strlen(name);
	b = strlen(than);
	return a != b ? a < b : strcmp(name, than) < 0;
}

int bb_symbols__find(const struct bb_symbols *s, uint64_t addr, char *name, uint64_t *offset)
{
	size_t lo = 0, hi = s->nr;
	const struct symbol *in = NULL;
	char other[BB_SYMBOL_LEN];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->symbols[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	name[0] = '\0';
	/* the one that begins nearest covers it, or one around that; all names of that one */
	for (size_t i = 0; i < NESTED_MAX && lo-- > 0; i++) {
		const struct symbol *f = &s->symbols[lo];

		if (in && f->start != in->start)
			break;
		if (addr - f->start >= f->size)
			continue;
		in = f;
		if (name_of(s, f, other) && is_better(other, name))
			strcpy(name, other);
	}
	if (!name[0])
		return -ENOENT;
	if (offset)
		*offset = addr - in->start;
	return 0;
}
