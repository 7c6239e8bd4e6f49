/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "python_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "python_code.h"
#include "python_str.h"

#define FAILURES 1024 /* addresses that were no code object, the last of each hash */
#define TRIES    4    /* in a row for each */
#define HEAD_MAX 256  /* bytes of PyCodeObject that are looked at */

/* What tells one code object from another that comes to lie at its address. */
struct identity {
	uint64_t type, filename, name, qualname, linetable;
	uint64_t bytecode; /* the bytes object, or its length in units */
	int64_t first_line;
};

struct code {
	uint64_t addr;
	struct identity id;
	const char *file, *function; /* of the table of strings */
	uint8_t *table;
	size_t table_len;
	uint32_t bytes;   /* of bytecode */
	uint64_t *copies; /* addresses of the bytecode's copies for threads; may be 0 */
	size_t nr_copies;
	uint32_t look; /* by which it was made sure of last */
};

/* Open addressing, a power of two of slots, at most three quarters of them taken. */
struct table {
	void **slots;
	size_t nr, cap;
};

struct failure {
	uint64_t addr;
	uint64_t asked; /* times since it was found to be no code object */
};

enum type { TYPE_CODE, TYPE_STR, TYPE_BYTES, TYPE_MAX };

struct bb_py_names {
	struct bb_py_code_layout l;
	uint32_t minor;
	int err; /* -ENOTSUP: no layout */
	struct table codes, strings;
	struct failure failures[FAILURES];
	uint64_t types[TYPE_MAX]; /* type objects whose name was read, 0: none yet */
	uint64_t *kept;           /* bytes of names, tables and what leads to them */
	uint32_t look;
};

struct bb_py_names *bb_py_names__new(uint32_t version_hex, bool free_threaded, uint64_t *kept)
{
	struct bb_py_names *n = calloc(1, sizeof(*n));

	if (n) {
		n->minor = version_hex >> 16;
		n->kept = kept;
		n->err = bb_py_code__layout(version_hex, free_threaded, &n->l);
	}
	return n;
}

static void free_code(struct code *c)
{
	if (!c)
		return;
	free(c->table);
	free(c->copies);
	free(c);
}

void bb_py_names__free(struct bb_py_names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->codes.cap; i++)
		free_code(n->codes.slots[i]);
	for (size_t i = 0; i < n->strings.cap; i++)
		free(n->strings.slots[i]);
	free(n->codes.slots);
	free(n->strings.slots);
	free(n);
}

/* ---- tables */

static uint64_t hash_addr(uint64_t addr)
{
	return (addr >> 4) * 0x9e3779b97f4a7c15ULL >> 32;
}

/* FNV-1a */
static uint64_t hash_str(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

/* The slot of a code object, or the empty one where it belongs; the table is not empty. */
static void **code_slot(const struct table *t, uint64_t addr)
{
	size_t i = hash_addr(addr);

	for (;; i++) {
		void **slot = &t->slots[i & (t->cap - 1)];

		if (!*slot || ((struct code *)*slot)->addr == addr)
			return slot;
	}
}

static void **str_slot(const struct table *t, const char *s)
{
	size_t i = hash_str(s);

	for (;; i++) {
		void **slot = &t->slots[i & (t->cap - 1)];

		if (!*slot || !strcmp(*slot, s))
			return slot;
	}
}

/* Make room for one more. */
static int grow(struct table *t, bool strings)
{
	struct table wider = { .nr = t->nr, .cap = t->cap ? 2 * t->cap : 64 };

	if (4 * (t->nr + 1) <= 3 * t->cap)
		return 0;
	wider.slots = calloc(wider.cap, sizeof(*wider.slots));
	if (!wider.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++) {
		void *old = t->slots[i];

		if (old && strings)
			*str_slot(&wider, old) = old;
		else if (old)
			*code_slot(&wider, ((struct code *)old)->addr) = old;
	}
	free(t->slots);
	*t = wider;
	return 0;
}

/* Keep @s, which is given away, or free it where an equal one is kept; *out is the one. */
static int intern(struct bb_py_names *n, char *s, const char **out)
{
	size_t len = strlen(s) + 1;
	void **slot;
	char *exact;
	int err;

	err = grow(&n->strings, true);
	if (err)
		goto drop;
	slot = str_slot(&n->strings, s);
	if (*slot) {
		*out = *slot;
		goto drop;
	}
	err = *n->kept + len > BB_PY_KEPT_MAX ? -ENOSPC : 0;
	if (err)
		goto drop;
	exact = realloc(s, len);
	*slot = exact ? exact : s;
	*out = *slot;
	n->strings.nr++;
	*n->kept += len;
	return 0;
drop:
	free(s);
	return err;
}

static const struct code *find(const struct bb_py_names *n, uint64_t addr)
{
	return n->codes.cap ? *code_slot(&n->codes, addr) : NULL;
}

/* ---- the target's memory */

/* Is the type object at @addr the one of this name? Read once; the same serves all interpreters. */
static int check_type(struct bb_py_names *n, struct bb_mem *m, enum type which, uint64_t addr)
{
	static const char *const names[] = {
		[TYPE_CODE] = "code",
		[TYPE_STR] = "str",
		[TYPE_BYTES] = "bytes",
	};
	size_t len = strlen(names[which]) + 1;
	uint64_t name;
	char buf[8];
	int err;

	if (addr && n->types[which] == addr)
		return 0;
	err = bb_mem__read(m, addr + n->l.tp_name, &name, sizeof(name));
	if (!err)
		err = bb_mem__read(m, name, buf, len);
	if (!err && memcmp(buf, names[which], len))
		err = -EFAULT;
	if (!err)
		n->types[which] = addr;
	return err;
}

/* What is at @addr, as if it were a code object; *tlbc: its array of copies. */
static int read_head(const struct bb_py_names *n, struct bb_mem *m, uint64_t addr,
		     struct identity *id, uint64_t *tlbc)
{
	const struct bb_py_code_layout *l = &n->l;
	size_t len = (l->co_tlbc ? l->co_tlbc : l->co_linetable) + sizeof(uint64_t);
	char buf[HEAD_MAX];
	int32_t line;
	int err;

	/* an object is aligned; this also keeps its fields below the end of the addresses */
	if (addr % sizeof(uint64_t) || addr > INT64_MAX)
		return -EFAULT;
	err = bb_mem__read(m, addr, buf, len);
	if (err)
		return err;
	memcpy(&line, buf + l->co_firstlineno, sizeof(line));
	*id = (struct identity){
		.type = bb_mem__word(buf, l->ob_type),
		.filename = bb_mem__word(buf, l->co_filename),
		.name = bb_mem__word(buf, l->co_name),
		.qualname = l->co_qualname ? bb_mem__word(buf, l->co_qualname) : 0,
		.linetable = bb_mem__word(buf, l->co_linetable),
		.bytecode = bb_mem__word(buf, l->co_code ? l->co_code : l->ob_size),
		.first_line = line,
	};
	*tlbc = l->co_tlbc ? bb_mem__word(buf, l->co_tlbc) : 0;
	return 0;
}

static int read_name(struct bb_py_names *n, struct bb_mem *m, uint64_t addr, size_t max,
		     const char **out)
{
	uint64_t type;
	char *s;
	int err;

	err = bb_py_str__read(m, &n->l, addr, max, &s, &type);
	if (err)
		return err;
	err = check_type(n, m, TYPE_STR, type);
	if (err) {
		free(s);
		return err;
	}
	return intern(n, s, out);
}

/* The size of a bytes object, @max at most. */
static int read_size(struct bb_py_names *n, struct bb_mem *m, uint64_t addr, uint64_t max,
		     uint64_t *size)
{
	char head[40];
	int err;

	err = bb_mem__read(m, addr, head, n->l.ob_size + sizeof(*size));
	if (!err)
		err = check_type(n, m, TYPE_BYTES, bb_mem__word(head, n->l.ob_type));
	if (err)
		return err;
	*size = bb_mem__word(head, n->l.ob_size);
	return *size <= max ? 0 : -EFAULT;
}

static int read_table(struct bb_py_names *n, struct bb_mem *m, struct code *c)
{
	uint64_t size;
	int err;

	err = read_size(n, m, c->id.linetable, BB_PY_TABLE_MAX, &size);
	if (err)
		return err;
	if (*n->kept + size > BB_PY_KEPT_MAX)
		return -ENOSPC;
	c->table = malloc(size + 1);
	if (!c->table)
		return -ENOMEM;
	c->table_len = size;
	return bb_mem__read(m, c->id.linetable + n->l.bytes_val, c->table, size);
}

/* How long the bytecode is: what lies beyond is no place in it. */
static int read_bytecode(struct bb_py_names *n, struct bb_mem *m, struct code *c)
{
	uint64_t size = 0;
	int err = 0;

	if (n->l.co_code)
		err = read_size(n, m, c->id.bytecode, BB_PY_BYTECODE_MAX, &size);
	else if (c->id.bytecode <= BB_PY_BYTECODE_MAX / 2)
		size = 2 * c->id.bytecode;
	else
		err = -EFAULT;
	c->bytes = (uint32_t)size;
	return err;
}

/*
 * The copies of the bytecode that threads of a free-threaded build run, _PyCodeArray:
 * their number, then their addresses, the first that of the code object's own. It is
 * replaced by a longer one as threads come. Without it only lines are missing: no error
 * but -ENOMEM, and they get half of the room at most.
 */
static int read_copies(const struct bb_py_names *n, struct bb_mem *m, struct code *c, uint64_t tlbc)
{
	uint64_t nr, own;

	free(c->copies);
	*n->kept -= c->nr_copies * sizeof(*c->copies);
	c->copies = NULL;
	c->nr_copies = 0;
	if (!tlbc || bb_mem__read(m, tlbc, &nr, sizeof(nr)) ||
	    bb_mem__read(m, tlbc + 8, &own, sizeof(own)))
		return 0;
	if (!nr || nr > BB_PY_COPIES_MAX || own != c->addr + n->l.co_adaptive ||
	    *n->kept + nr * sizeof(*c->copies) > BB_PY_KEPT_MAX / 2)
		return 0;
	c->copies = calloc(nr, sizeof(*c->copies));
	if (!c->copies)
		return -ENOMEM;
	c->nr_copies = nr;
	*n->kept += nr * sizeof(*c->copies);
	if (bb_mem__read(m, tlbc + 8, c->copies, nr * sizeof(*c->copies)))
		memset(c->copies, 0, nr * sizeof(*c->copies));
	return 0;
}

/* Read what a head leads to, and make sure that it was of one code object all the while. */
static int read_code(struct bb_py_names *n, struct bb_mem *m, struct code *c)
{
	struct identity again;
	uint64_t tlbc;
	int err;

	err = check_type(n, m, TYPE_CODE, c->id.type);
	if (!err)
		err = read_bytecode(n, m, c);
	if (!err)
		err = read_name(n, m, c->id.filename, BB_PY_FILE_MAX, &c->file);
	if (!err)
		err = read_name(n, m, n->l.co_qualname ? c->id.qualname : c->id.name,
				BB_PY_FUNCTION_MAX, &c->function);
	if (!err)
		err = read_table(n, m, c);
	if (!err)
		err = read_head(n, m, c->addr, &again, &tlbc);
	if (!err && memcmp(&again, &c->id, sizeof(again)))
		err = -EFAULT;
	return err ? err : read_copies(n, m, c, tlbc);
}

/* ---- learning */

static int add(struct bb_py_names *n, struct bb_mem *m, uint64_t addr, const struct identity *id)
{
	struct code *c, *old;
	void **slot;
	int err;

	err = grow(&n->codes, false);
	if (err)
		return err;
	slot = code_slot(&n->codes, addr);
	old = *slot;
	if (!old && (n->codes.nr >= BB_PY_CODES_MAX || *n->kept + sizeof(*c) > BB_PY_KEPT_MAX))
		return -ENOSPC;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->addr = addr;
	c->id = *id;
	err = read_code(n, m, c);
	if (err) {
		free_code(c);
		return err;
	}
	c->look = n->look;
	*n->kept += sizeof(*c) + c->table_len;
	if (old)
		*n->kept -= sizeof(*c) + old->table_len + old->nr_copies * sizeof(*old->copies);
	else
		n->codes.nr++;
	free_code(old);
	*slot = c;
	return 0;
}

static int learn(struct bb_py_names *n, struct bb_mem *m, uint64_t addr)
{
	struct code *c = (struct code *)find(n, addr);
	struct identity id;
	uint64_t tlbc;
	int err;

	if (c && c->look == n->look)
		return 0;
	err = read_head(n, m, addr, &id, &tlbc);
	if (err)
		return err;
	if (!c || memcmp(&id, &c->id, sizeof(id)))
		return add(n, m, addr, &id);
	c->look = n->look;
	/* the same; threads may have come or gone */
	return read_copies(n, m, c, tlbc);
}

void bb_py_names__forget(struct bb_py_names *n)
{
	n->look++;
}

int bb_py_names__learn(struct bb_py_names *n, struct bb_mem *m, uint64_t code)
{
	struct failure *f = &n->failures[hash_addr(code) % FAILURES];
	int err;

	if (n->err)
		return n->err;
	if (m->left <= 0)
		return -EDQUOT;
	if (f->asked && f->addr == code) {
		f->asked++;
		if (f->asked > TRIES && f->asked & (f->asked - 1))
			return -EFAULT;
	}
	err = learn(n, m, code);
	if (!err)
		bb_mem__charge(m, find(n, code)->table_len);
	if (err != -EFAULT) {
		if (f->addr == code)
			f->asked = 0;
	} else if (!f->asked || f->addr != code) {
		*f = (struct failure){ .addr = code, .asked = 1 };
	}
	return err;
}

/* ---- places */

#define NOT_STARTED -1
#define NOT_KNOWN   -2

/* The byte offset into the bytecode, or one of the above. */
static int64_t offset_of(const struct bb_py_names *n, const struct code *c, uint64_t pos)
{
	uint64_t own = c->addr + n->l.co_adaptive, offset = pos - own;

	if (n->l.co_code) {
		int64_t lasti = (int32_t)pos;

		if (lasti == -1)
			return NOT_STARTED;
		/* since 3.10 it counts instructions; a negative one is beyond any length */
		offset = (uint64_t)lasti * (n->minor >= 0x030a ? 2 : 1);
	} else if (n->minor <= 0x030c && pos == own - 2) {
		/* prev_instr: one instruction before the first */
		return NOT_STARTED;
	}
	for (size_t i = 0; offset >= c->bytes && i < c->nr_copies; i++)
		if (c->copies[i])
			offset = pos - c->copies[i];
	return offset < c->bytes && offset % 2 == 0 ? (int64_t)offset : NOT_KNOWN;
}

int bb_py_names__place(const struct bb_py_names *n, uint64_t code, uint64_t pos,
		       struct bb_py_place *out)
{
	const struct code *c = find(n, code);
	int64_t offset;

	memset(out, 0, sizeof(*out));
	if (!c)
		return -ENOENT;
	offset = offset_of(n, c, pos);
	out->file = c->file;
	out->function = c->function;
	out->first_line = c->id.first_line > 0 ? (int)c->id.first_line : 0;
	if (offset >= 0)
		out->line = bb_py_lines__at(n->l.table, c->table, c->table_len,
					    (int)c->id.first_line, (uint32_t)offset);
	else if (offset == NOT_STARTED)
		out->line = out->first_line;
	return 0;
}
