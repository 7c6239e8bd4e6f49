// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, tdestroy */
#endif
#include "native.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../model/strings.h"
#include "../util/grow.h"
#include "maps.h"
#include "mem.h"
#include "perf_map.h"
#include "python_image.h"
#include "symbols.h"

#define FILES_MAX     256        /* each keeps a descriptor or two */
#define FUNCTIONS_MAX (1U << 19) /* of all of them: 8 MiB */
#define MAPPINGS_MAX  32768
#define KNOWN         1024 /* addresses of a process that are remembered; a power of two */
#define DOUBTS        2
#define VDSO          "[vdso]"
#define VDSO_MAX      65536
#define JIT           "[jit]"

struct file {
	uint64_t dev, inode;
	struct bb_symbols *symbols;
};

struct bb_native_files {
	struct file *v;
	size_t nr;
	size_t functions;
	struct bb_symbols *vdso;
	bool vdso_tried;
	struct bb_strings *strings;
	void *tree; /* of struct bb_native_fn */
};

struct code {
	uint64_t start, end, offset, dev, inode, bias;
	const char *path; /* of the files' strings */
	bool tried;
	bool interpreter;
	uint8_t doubt; /* times to be read again, since other code was here */
	struct bb_symbols *symbols;
};

struct known {
	uint64_t key;                  /* address << 1 | called; 0: free */
	const struct bb_native_fn *fn; /* NULL: nothing is there */
};

struct bb_native_proc {
	struct bb_native_files *files;
	struct bb_mem mem;
	struct code *code; /* executable mappings, by address */
	size_t nr;
	struct known *known;
	size_t nr_known;
	struct bb_perf_map *jit;
	bool jit_wanted; /* it runs code of no file */
};

/* ---- files */

static int compare(const void *a, const void *b)
{
	const struct bb_native_fn *x = a, *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	if (x->symbol != y->symbol)
		return x->symbol < y->symbol ? -1 : 1;
	return x->interpreter - y->interpreter;
}

struct bb_native_files *bb_native_files__new(void)
{
	struct bb_native_files *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->strings = bb_strings__new();
	if (!f->strings) {
		free(f);
		return NULL;
	}
	return f;
}

void bb_native_files__free(struct bb_native_files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nr; i++)
		bb_symbols__free(f->v[i].symbols);
	bb_symbols__free(f->vdso);
	free(f->v);
	tdestroy(f->tree, free);
	bb_strings__release(f->strings);
	free(f);
}

/* The one of these names; NULL: out of memory. */
static const struct bb_native_fn *fn_of(struct bb_native_files *f, const char *symbol,
					const char *object, bool interpreter)
{
	struct bb_native_fn key = { symbol ? bb_strings__add(f->strings, symbol) : NULL,
				    object ? bb_strings__add(f->strings, object) : NULL,
				    interpreter },
			    *own, **node;

	if ((symbol && !key.symbol) || (object && !key.object))
		return NULL;
	node = tfind(&key, &f->tree, compare);
	if (node)
		return *node;
	own = malloc(sizeof(*own));
	if (!own)
		return NULL;
	*own = key;
	node = tsearch(own, &f->tree, compare);
	if (!node)
		free(own);
	return node ? own : NULL;
}

/* Take over a descriptor. Only being out of memory is an error: what is no ELF has no names. */
static int read_symbols(struct bb_native_files *f, int fd, pid_t pid, struct bb_symbols **out)
{
	int err = bb_symbols__open(fd, pid, BB_SYMBOLS_CODE, out);

	if (!*out)
		return err == -ENOMEM ? err : 0;
	if (bb_symbols__count(*out) > FUNCTIONS_MAX - f->functions) {
		bb_symbols__free(*out);
		*out = NULL;
		return 0;
	}
	f->functions += bb_symbols__count(*out);
	return 0;
}

static int find_vdso(const struct bb_mapping *m, void *ctx)
{
	if (strcmp(m->path, VDSO))
		return 0;
	*(struct bb_mapping *)ctx = *m;
	return 1;
}

/* The kernel gives every process the same code: ours is as good, and nobody has changed it. */
static int read_vdso(struct bb_native_files *f)
{
	struct bb_mapping m = {};
	size_t len;
	int fd;

	f->vdso_tried = true;
	if (bb_maps__each(getpid(), find_vdso, &m) != 1 || m.end - m.start > VDSO_MAX)
		return 0;
	fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	len = (size_t)(m.end - m.start);
	if (write(fd, (void *)(uintptr_t)m.start, len) != (ssize_t)len) {
		close(fd);
		return 0;
	}
	return read_symbols(f, fd, 0, &f->vdso);
}

static int open_file(struct bb_native_files *f, const struct code *c, pid_t pid,
		     struct bb_symbols **symbols)
{
	char *path = (char *)c->path;
	struct bb_image im = { .start = c->start,
			       .end = c->end,
			       .offset = c->offset,
			       .dev = c->dev,
			       .inode = c->inode,
			       .path = path,
			       .exec = true };
	struct file *file;
	int fd, err;

	*symbols = NULL;
	for (size_t i = 0; i < f->nr; i++)
		if (f->v[i].inode == c->inode && f->v[i].dev == c->dev) {
			*symbols = f->v[i].symbols;
			return 0;
		}
	if (f->nr == FILES_MAX)
		return 0;
	fd = bb_image__open(&im, pid);
	if (fd < 0)
		return 0;
	err = read_symbols(f, fd, pid, symbols);
	if (!*symbols)
		return err;
	file = bb_grow((void **)&f->v, &f->nr, sizeof(*file));
	if (!file) {
		bb_symbols__free(*symbols);
		*symbols = NULL;
		return -ENOMEM;
	}
	*file = (struct file){ c->dev, c->inode, *symbols };
	return 0;
}

/* ---- processes */

struct bb_native_proc *bb_native_proc__new(struct bb_native_files *files)
{
	struct bb_native_proc *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->files = files;
	bb_mem__init(&p->mem, 0);
	return p;
}

void bb_native_proc__forget(struct bb_native_proc *p)
{
	bb_mem__free(&p->mem);
	bb_perf_map__free(p->jit);
	free(p->code);
	free(p->known);
	p->code = NULL;
	p->known = NULL;
	p->jit = NULL;
	p->jit_wanted = false;
	p->nr = 0;
	p->nr_known = 0;
}

void bb_native_proc__free(struct bb_native_proc *p)
{
	if (!p)
		return;
	bb_native_proc__forget(p);
	free(p);
}

struct reading {
	struct bb_native_proc *p;
	uint64_t dev, inode;
	struct code *code;
	size_t nr;
};

static int take(const struct bb_mapping *m, void *ctx)
{
	struct reading *r = ctx;
	struct code *c;

	if (!m->exec || r->nr == MAPPINGS_MAX)
		return 0;
	c = bb_grow((void **)&r->code, &r->nr, sizeof(*c));
	if (!c)
		return -ENOMEM;
	if (m->inode)
		bb_maps__strip_deleted(m->path);
	c->start = m->start;
	c->end = m->end;
	c->offset = m->offset;
	c->dev = m->dev;
	c->inode = m->inode;
	c->interpreter = m->inode && m->inode == r->inode && m->dev == r->dev;
	c->path = bb_strings__add(r->p->files->strings, m->path);
	return c->path ? 0 : -ENOMEM;
}

static bool same(const struct code *a, const struct code *b)
{
	return a->start == b->start && a->end == b->end && a->offset == b->offset &&
	       a->dev == b->dev && a->inode == b->inode && a->path == b->path &&
	       a->interpreter == b->interpreter;
}

/*
 * Keep what is known of mappings that are still there. True: all are, and no other. Where other
 * code was when they were read before, it is not known of which a sample is that was taken since;
 * and what was replaced once may be again, and back, unseen.
 */
static bool carry_over(struct reading *r)
{
	struct bb_native_proc *p = r->p;
	bool all = r->nr == p->nr;

	for (size_t i = 0, j = 0; i < r->nr; i++) {
		struct code *c = &r->code[i];

		while (j < p->nr && p->code[j].end <= c->start)
			j++;
		if (j < p->nr && same(&p->code[j], c)) {
			*c = p->code[j];
			all &= !c->doubt;
			c->doubt -= c->doubt > 0;
		} else {
			all = false;
			if (j < p->nr && p->code[j].start < c->end)
				c->doubt = DOUBTS;
		}
	}
	return all;
}

static void forget_addresses(struct bb_native_proc *p)
{
	if (p->known)
		memset(p->known, 0, KNOWN * sizeof(*p->known));
	p->nr_known = 0;
}

int bb_native_proc__read(struct bb_native_proc *p, pid_t pid, uint64_t dev, uint64_t inode)
{
	struct reading r = { .p = p, .dev = dev, .inode = inode };
	int err = bb_maps__each(pid, take, &r);
	bool changed;

	/* a process that is just ending has none any more */
	if (!err && !r.nr)
		err = -ESRCH;
	if (err) {
		free(r.code);
		return err;
	}
	if (p->mem.pid != pid) {
		bb_mem__free(&p->mem);
		bb_mem__init(&p->mem, pid);
	}
	changed = !carry_over(&r);
	if (p->jit_wanted)
		changed |= bb_perf_map__read(&p->jit, pid);
	if (changed)
		forget_addresses(p);
	free(p->code);
	p->code = r.code;
	p->nr = r.nr;
	return 0;
}

static struct code *code_at(struct bb_native_proc *p, uint64_t addr)
{
	size_t lo = 0, hi = p->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->code[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->nr && p->code[lo].start <= addr ? &p->code[lo] : NULL;
}

static int read_code(struct bb_native_proc *p, struct code *c)
{
	int err = 0;

	c->tried = true;
	if (!strcmp(c->path, VDSO)) {
		if (!p->files->vdso_tried)
			err = read_vdso(p->files);
		c->symbols = p->files->vdso;
	} else if (c->inode) {
		err = open_file(p->files, c, p->mem.pid, &c->symbols);
	}
	if (c->symbols && bb_symbols__bias(c->symbols, c->start, c->offset, &c->bias))
		c->symbols = NULL;
	return err;
}

/* Code that was made at run time, where the program says what it is. */
static const char *jit_name(struct bb_native_proc *p, uint64_t addr)
{
	if (!p->jit_wanted)
		bb_perf_map__read(&p->jit, p->mem.pid);
	p->jit_wanted = true;
	return bb_perf_map__find(p->jit, addr);
}

static int look_up(struct bb_native_proc *p, uint64_t addr, bool called,
		   const struct bb_native_fn **fn)
{
	unsigned char before[BB_CALL_BYTES];
	char name[BB_SYMBOL_LEN];
	const char *symbol = NULL, *object;
	uint64_t at = called ? addr - 1 : addr;
	struct code *c = code_at(p, at);

	*fn = NULL;
	if (!c || c->doubt)
		return 0;
	if (called && (addr - c->start < sizeof(before) ||
		       bb_mem__read(&p->mem, addr - sizeof(before), before, sizeof(before)) ||
		       !bb_native__is_call(before)))
		return 0;
	if (!c->tried && read_code(p, c))
		return -ENOMEM;
	object = c->path[0] ? c->path : NULL;
	if (c->symbols) {
		if (!bb_symbols__find(c->symbols, at - c->bias, name, NULL))
			symbol = name;
	} else {
		symbol = jit_name(p, at);
		if (symbol)
			object = JIT;
	}
	*fn = fn_of(p->files, symbol, object, c->interpreter);
	return *fn ? 0 : -ENOMEM;
}

int bb_native_proc__name(struct bb_native_proc *p, uint64_t addr, bool called,
			 const struct bb_native_fn **fn)
{
	uint64_t key = addr << 1 | called;
	struct known *k;
	int err;

	if (!addr || addr > INT64_MAX)
		return -ENOENT;
	if (!p->known)
		p->known = calloc(KNOWN, sizeof(*p->known));
	if (!p->known)
		return -ENOMEM;
	if (p->nr_known > KNOWN / 4 * 3)
		forget_addresses(p);
	k = &p->known[(key * 0x9e3779b97f4a7c15ULL >> 32) % KNOWN];
	while (k->key && k->key != key)
		k = k + 1 < p->known + KNOWN ? k + 1 : p->known;
	if (!k->key) {
		err = look_up(p, addr, called, &k->fn);
		if (err)
			return err;
		k->key = key;
		p->nr_known++;
	}
	*fn = k->fn;
	return *fn ? 0 : -ENOENT;
}

/* ---- instructions */

#if defined(__x86_64__)
/* The length of "call r/m64", FF /2, from its opcode on, without prefixes; 0: it is none. */
static int indirect_call(const unsigned char *code)
{
	int mod = code[1] >> 6, rm = code[1] & 7, len = 2;

	if (code[0] != 0xff || (code[1] >> 3 & 7) != 2)
		return 0;
	if (mod == 3)
		return len;
	if (rm == 4) {
		len++;
		if (mod == 0 && (code[2] & 7) == 5)
			len += 4;
	}
	if (mod == 1)
		len++;
	else if (mod == 2 || (mod == 0 && rm == 5))
		len += 4;
	return len;
}

bool bb_native__is_call(const unsigned char *code)
{
	if (code[BB_CALL_BYTES - 5] == 0xe8)
		return true;
	for (int len = 2; len <= 7; len++)
		if (indirect_call(code + BB_CALL_BYTES - len) == len)
			return true;
	return false;
}
#elif defined(__aarch64__)
bool bb_native__is_call(const unsigned char *code)
{
	uint32_t insn;

	memcpy(&insn, code + BB_CALL_BYTES - sizeof(insn), sizeof(insn));
	/* bl, blr */
	return (insn & 0xfc000000) == 0x94000000 || (insn & 0xfffffc1f) == 0xd63f0000;
}
#endif
