/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The three formats of line tables, str data, and code objects made by hand in our own memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../user/capture/python_code.h"
#include "../../user/capture/python_lines.h"
#include "../../user/capture/python_names.h"
#include "../../user/capture/python_str.h"

#define V37  0x030700f0
#define V310 0x030a00f0
#define V311 0x030b00f0
#define V314 0x030e00f0

/* The table in memory of exactly its length, so that the sanitizer sees what is read beyond. */
static int line_at(enum bb_py_table kind, const char *table, size_t len, int first, uint32_t offset)
{
	uint8_t *copy = malloc(len + !len);
	int line;

	assert_non_null(copy);
	memcpy(copy, table, len);
	line = bb_py_lines__at(kind, copy, len, first, offset);
	free(copy);
	return line;
}

#define AT(kind, table, first, offset) line_at(kind, table, sizeof(table) - 1, first, offset)

static void lnotab(void **state)
{
	(void)state;
	/* the example of Objects/lnotab_notes.txt: code 0, 6, 50, 350, 361; lines 1, 2, 7, 207, 307
	 */
	static const char t[] = "\x06\x01\x2c\x05\xff\x00\x2d\x7f\x00\x49\x0b\x64";

	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, 0), 1);
	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, 5), 1);
	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, 6), 2);
	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, 49), 2);
	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, 50), 7);
	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, 349), 7);
	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, 350), 207);
	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, 361), 307);
	assert_int_equal(AT(BB_PY_LNOTAB, t, 1, UINT32_MAX), 307);
	/* backwards: 20, 18, 19 */
	assert_int_equal(AT(BB_PY_LNOTAB, "\x08\xfe\x02\x01", 20, 8), 18);
	assert_int_equal(AT(BB_PY_LNOTAB, "\x08\xfe\x02\x01", 20, 10), 19);
	/* no table, half an entry, no line left */
	assert_int_equal(AT(BB_PY_LNOTAB, "", 7, 100), 7);
	assert_int_equal(AT(BB_PY_LNOTAB, "\x02\x01\x02", 7, 100), 8);
	assert_int_equal(AT(BB_PY_LNOTAB, "\x02\x80", 7, 100), 0);
	assert_int_equal(AT(BB_PY_LNOTAB, "", 0, 0), 0);
	assert_int_equal(AT(BB_PY_LNOTAB, "", INT32_MAX, 0), INT32_MAX);
	assert_int_equal(AT(BB_PY_LNOTAB, "\x00\x01", INT32_MAX, 0), 0);
}

static void ranges(void **state)
{
	(void)state;
	/* the example of Objects/lnotab_notes.txt of 3.10: lines 1, 2, 3, none, 4 of five ranges */
	static const char t[] = "\x06\x00\x2c\x01\x08\x01\x04\x80\x0a\x01";
	/* a step of 200 in two */
	static const char wide[] = "\x02\x00\x00\x7f\x04\x49\xfe\x00\x04\x00";

	assert_int_equal(AT(BB_PY_RANGES, t, 1, 0), 1);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 5), 1);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 6), 2);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 49), 2);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 50), 3);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 58), 0);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 61), 0);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 62), 4);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 71), 4);
	assert_int_equal(AT(BB_PY_RANGES, t, 1, 72), 0);
	assert_int_equal(AT(BB_PY_RANGES, wide, 1, 0), 1);
	assert_int_equal(AT(BB_PY_RANGES, wide, 1, 2), 201);
	assert_int_equal(AT(BB_PY_RANGES, wide, 1, 263), 201);
	assert_int_equal(AT(BB_PY_RANGES, wide, 1, 264), 0);
	assert_int_equal(AT(BB_PY_RANGES, "", 1, 0), 0);
	assert_int_equal(AT(BB_PY_RANGES, "\x06", 1, 0), 0);
	assert_int_equal(AT(BB_PY_RANGES, "\x06\xf0", 1, 0), 0);
}

static void locations(void **state)
{
	(void)state;
	/* none (1 unit), long +2 lines (2), short (1), one line +1 (1), no columns -3 (8), none */
	static const char t[] = "\xf8"
				"\xf1\x04\x00\x01\x05"
				"\x80\x22"
				"\xd8\x01\x02"
				"\xef\x07"
				"\xf8";
	/* no columns, line + 100000: 200000 in pieces of six bits */
	static const char far[] = "\xe8\x40\x75\x30";

	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 0), 0);
	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 2), 12);
	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 5), 12);
	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 6), 12);
	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 8), 13);
	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 10), 10);
	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 25), 10);
	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 26), 0);
	assert_int_equal(AT(BB_PY_LOCATIONS, t, 10, 28), 0);
	assert_int_equal(AT(BB_PY_LOCATIONS, far, 1, 0), 100001);
	assert_int_equal(AT(BB_PY_LOCATIONS, "", 1, 0), 0);
	/* does not begin with an entry; a number without an end, into the next entry, of 36 bits */
	assert_int_equal(AT(BB_PY_LOCATIONS, "\x00\x80\x22", 1, 0), 0);
	assert_int_equal(AT(BB_PY_LOCATIONS, "\xe8", 1, 0), 0);
	assert_int_equal(AT(BB_PY_LOCATIONS, "\xe8\x40", 1, 0), 0);
	assert_int_equal(AT(BB_PY_LOCATIONS, "\xe8\x40\x80\x22", 1, 2), 0);
	assert_int_equal(AT(BB_PY_LOCATIONS, "\xe8\x40\x40\x40\x40\x40\x02", 1, 0), 0x40000001);
	assert_int_equal(AT(BB_PY_LOCATIONS, "\xe8\x40\x40\x40\x40\x40\x04", 1, 0), 0);
	assert_int_equal(AT(BB_PY_LOCATIONS, "\xe8\x40\x40\x40\x40\x40\x40\x01", 1, 0), 0);
	/* what is wrong behind the place that is asked for does not matter */
	assert_int_equal(AT(BB_PY_LOCATIONS, "\x80\x22\xe8", 5, 0), 5);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Any bytes: in bounds, an end, a line or none; a table that is cut short never changes a line. */
static void holds_for_random_bytes(void **state)
{
	uint64_t seed = 88172645463325252ULL;
	char table[64];

	(void)state;
	for (int round = 0; round < 100000; round++) {
		size_t len = next_random(&seed) % (sizeof(table) + 1);
		enum bb_py_table kind = (enum bb_py_table)(round % 3);
		uint32_t offset = (uint32_t)(next_random(&seed) % 300);
		int first = (int)next_random(&seed), line, cut;

		for (size_t i = 0; i < len; i++)
			table[i] = (char)(next_random(&seed) >> 24);
		if (round % 8)
			first = 1 + (first & 0xffff);
		line = line_at(kind, table, len, first, offset);
		assert_true(line >= 0);
		cut = line_at(kind, table, len / 2, first, offset);
		/* the last one of lnotab has no end */
		assert_true(kind == BB_PY_LNOTAB || !cut || cut == line);
		line_at(kind, table, len, first, UINT32_MAX);
	}
}

static void makes_utf8(void **state)
{
	const uint16_t two[] = { 'a', 0xe9, 0x51fd, 0xd800, 0xdfff, 0xffff };
	const uint32_t four[] = { 0x10400, 0x10ffff, 0x110000, UINT32_MAX, 0xdc80, 0 };
	char buf[32];

	(void)state;
	assert_int_equal(bb_py_str__utf8(1, "a\xe9\xff\0z", 5, buf), 9);
	assert_string_equal(buf, "a\xc3\xa9\xc3\xbf\xef\xbf\xbdz");
	bb_py_str__utf8(2, two, 6, buf);
	assert_string_equal(buf, "a\xc3\xa9\xe5\x87\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbf");
	assert_int_equal(bb_py_str__utf8(4, four, 6, buf), 20);
	assert_string_equal(buf,
			    "\xf0\x90\x90\x80\xf4\x8f\xbf\xbf\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
			    "\xef\xbf\xbd");
	assert_int_equal(bb_py_str__utf8(4, four, 0, buf), 0);
	assert_string_equal(buf, "");
}

/* ---- code objects as a target has them, in our own memory */

struct fake {
	struct bb_py_code_layout l;
	char types[3][64] __attribute__((aligned(8)));
	char file[128] __attribute__((aligned(8)));
	char name[128] __attribute__((aligned(8)));
	char table[128] __attribute__((aligned(8)));
	char bytecode[64] __attribute__((aligned(8)));
	char code[512] __attribute__((aligned(8)));
	uint64_t tlbc[4];
	char copy[64];
};

static void put(char *object, uint16_t offset, uint64_t v)
{
	memcpy(object + offset, &v, sizeof(v));
}

static uint64_t addr_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void fake_str(struct fake *f, char *object, const char *s)
{
	put(object, f->l.ob_type, addr_of(f->types[1]));
	put(object, f->l.str_length, strlen(s));
	/* one byte a character, compact, ASCII */
	put(object, f->l.str_state, 0x19ULL << f->l.str_kind_shift);
	memcpy(object + f->l.str_ascii, s, strlen(s));
}

static void fake_bytes(struct fake *f, char *object, const char *data, size_t len)
{
	put(object, f->l.ob_type, addr_of(f->types[2]));
	put(object, f->l.ob_size, len);
	memcpy(object + f->l.bytes_val, data, len);
}

/* A function of eight instructions, 16 bytes; lines 10 and, from the fifth on, 12 */
static void fake_init(struct fake *f, uint32_t version, bool ft)
{
	static const char *const names[] = { "code", "str", "bytes" };
	static const char *const tables[] = { "\x08\x02", "\x08\x00\x08\x02", "\x83\x22\xe3\x04" };

	memset(f, 0, sizeof(*f));
	assert_int_equal(bb_py_code__layout(version, ft, &f->l), 0);
	for (int i = 0; i < 3; i++)
		put(f->types[i], f->l.tp_name, addr_of(names[i]));
	fake_str(f, f->file, "/srv/app.py");
	fake_str(f, f->name, "A.run");
	fake_bytes(f, f->table, tables[f->l.table], f->l.table == BB_PY_LNOTAB ? 2 : 4);
	fake_bytes(f, f->bytecode, "", 0);
	put(f->bytecode, f->l.ob_size, 16);
	put(f->code, f->l.ob_type, addr_of(f->types[0]));
	put(f->code, f->l.co_filename, addr_of(f->file));
	put(f->code, f->l.co_name, addr_of(f->name));
	if (f->l.co_qualname)
		put(f->code, f->l.co_qualname, addr_of(f->name));
	put(f->code, f->l.co_linetable, addr_of(f->table));
	memcpy(f->code + f->l.co_firstlineno, &(int32_t){ 10 }, 4);
	if (f->l.co_code)
		put(f->code, f->l.co_code, addr_of(f->bytecode));
	else
		put(f->code, f->l.ob_size, 8);
	f->tlbc[0] = 3;
	f->tlbc[1] = addr_of(f->code) + f->l.co_adaptive;
	f->tlbc[3] = addr_of(f->copy);
	if (f->l.co_tlbc)
		put(f->code, f->l.co_tlbc, addr_of(f->tlbc));
}

static uint64_t kept;

static int line_of(const struct bb_py_names *n, const struct fake *f, uint64_t pos)
{
	struct bb_py_place p;

	assert_int_equal(bb_py_names__place(n, addr_of(f->code), pos, &p), 0);
	assert_string_equal(p.file, "/srv/app.py");
	assert_string_equal(p.function, "A.run");
	assert_int_equal(p.first_line, 10);
	return p.line;
}

static void finds_places(void **state)
{
	static const struct {
		uint32_t version;
		bool ft;
	} all[] = { { V37, 0 },        { 0x030800f0, 0 }, { 0x030900f0, 0 }, { V310, 0 },
		    { V311, 0 },       { 0x030c00f0, 0 }, { 0x030d00f0, 0 }, { V314, 0 },
		    { 0x030f00f0, 0 }, { 0x030d00f0, 1 }, { V314, 1 },       { 0x030f00f0, 1 } };
	struct bb_mem m;
	struct fake f;

	(void)state;
	bb_mem__init(&m, getpid());
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct bb_py_names *n = bb_py_names__new(all[i].version, all[i].ft, &kept);
		bool old = all[i].version < V311, units = old && all[i].version >= V310;
		uint64_t start, not_started;
		struct bb_py_place p;

		assert_non_null(n);
		fake_init(&f, all[i].version, all[i].ft);
		assert_int_equal(bb_py_names__place(n, addr_of(f.code), 0, &p), -ENOENT);
		assert_null(p.file);
		assert_int_equal(bb_py_names__learn(n, &m, addr_of(f.code)), 0);
		start = old ? 0 : addr_of(f.code) + f.l.co_adaptive;
		assert_int_equal(line_of(n, &f, start), 10);
		assert_int_equal(line_of(n, &f, start + (units ? 3 : 6)), 10);
		assert_int_equal(line_of(n, &f, start + (units ? 4 : 8)), 12);
		assert_int_equal(line_of(n, &f, start + (units ? 7 : 14)), 12);
		assert_int_equal(line_of(n, &f, start + (units ? 8 : 16)), 0);
		assert_int_equal(line_of(n, &f, start - 4), 0);
		not_started = old ? UINT32_MAX : start - 2;
		assert_int_equal(line_of(n, &f, not_started), all[i].version < 0x030d0000 ? 10 : 0);
		/* a thread's own copy of the bytecode */
		assert_int_equal(line_of(n, &f, addr_of(f.copy) + 8), f.l.co_tlbc ? 12 : 0);
		assert_int_equal(line_of(n, &f, addr_of(f.copy) - 1), 0);
		assert_int_equal(line_of(n, &f, addr_of(f.copy) + 16), 0);
		bb_py_names__free(n);
	}
	bb_mem__free(&m);
}

static void follows_what_changes(void **state)
{
	struct bb_py_names *n = bb_py_names__new(V314, true, &kept);
	struct bb_py_place before, after;
	struct bb_mem m;
	struct fake f;
	uint64_t copy;

	(void)state;
	assert_non_null(n);
	bb_mem__init(&m, getpid());
	fake_init(&f, V314, true);
	f.tlbc[0] = 1;
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(f.code)), 0);
	copy = addr_of(f.copy);
	assert_int_equal(line_of(n, &f, copy + 8), 0);
	/* a thread comes, and goes */
	f.tlbc[0] = 3;
	bb_py_names__forget(n);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(f.code)), 0);
	assert_int_equal(line_of(n, &f, copy + 8), 12);
	f.tlbc[1]++; /* no such array any more */
	bb_py_names__forget(n);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(f.code)), 0);
	assert_int_equal(line_of(n, &f, copy + 8), 0);
	/* another code object takes the place; what was told of the first stays */
	bb_py_names__place(n, addr_of(f.code), 0, &before);
	memcpy(f.code + f.l.co_firstlineno, &(int32_t){ 20 }, 4);
	fake_str(&f, f.name, "B.run");
	/* within one look it is not read again */
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(f.code)), 0);
	bb_py_names__place(n, addr_of(f.code), 0, &after);
	assert_string_equal(after.function, "A.run");
	bb_py_names__forget(n);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(f.code)), 0);
	bb_py_names__place(n, addr_of(f.code), 0, &after);
	assert_string_equal(before.function, "A.run");
	assert_string_equal(after.function, "B.run");
	assert_int_equal(after.first_line, 20);
	assert_ptr_equal(before.file, after.file);
	/* it is gone: that is said, and what was learnt of it stays */
	put(f.code, f.l.ob_type, 0);
	bb_py_names__forget(n);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(f.code)), -EFAULT);
	assert_int_equal(bb_py_names__place(n, addr_of(f.code), 0, &after), 0);
	assert_string_equal(after.function, "B.run");
	bb_mem__free(&m);
	bb_py_names__free(n);
}

/* One thing wrong with the object: it is refused, and read again only now and then. */
static void refused(struct fake *f, uint32_t version)
{
	struct bb_py_names *n = bb_py_names__new(version, false, &kept);
	struct fake good;
	struct bb_py_place p;
	struct bb_mem m;
	int i;

	assert_non_null(n);
	bb_mem__init(&m, getpid());
	for (i = 0; i < 6; i++) {
		assert_int_equal(bb_py_names__learn(n, &m, addr_of(f->code)), -EFAULT);
		assert_int_equal(bb_py_names__place(n, addr_of(f->code), 0, &p), -ENOENT);
	}
	/* put right, it is found at the eighth time; other objects at once */
	fake_init(&good, version, false);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(good.code)), 0);
	fake_init(f, version, false);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(f->code)), -EFAULT);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(f->code)), 0);
	bb_mem__free(&m);
	bb_py_names__free(n);
}

static void refuses_what_is_no_code_object(void **state)
{
	static const uint32_t versions[] = { V37, V310, V311, V314 };
	struct fake f;

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		uint32_t v = versions[i];

#define WRONG(change)                                                                              \
	do {                                                                                       \
		fake_init(&f, v, false);                                                           \
		change;                                                                            \
		refused(&f, v);                                                                    \
	} while (0)
		WRONG(put(f.code, f.l.ob_type, addr_of(f.types[1])));
		WRONG(put(f.code, f.l.ob_type, 8));
		WRONG(put(f.code, f.l.co_filename, UINT64_MAX));
		WRONG(put(f.code, f.l.co_filename, addr_of(f.table)));
		WRONG(put(f.file, f.l.ob_type, addr_of(f.types[0])));
		WRONG(put(f.file, f.l.str_length, BB_PY_FILE_MAX + 1));
		WRONG(put(f.file, f.l.str_length, UINT64_MAX));
		WRONG(put(f.name, f.l.str_length, BB_PY_FUNCTION_MAX + 1));
		WRONG(put(f.name, f.l.str_state, 0));
		WRONG(put(f.name, f.l.str_state, 0x1bULL << f.l.str_kind_shift)); /* kind 3 */
		WRONG(put(f.name, f.l.str_state, 0x1aULL << f.l.str_kind_shift)); /* ASCII of two */
		WRONG(put(f.code, f.l.co_linetable, 0));
		WRONG(put(f.code, f.l.co_linetable, addr_of(f.name)));
		WRONG(put(f.table, f.l.ob_size, BB_PY_TABLE_MAX + 1));
		WRONG(put(f.table, f.l.ob_size, UINT64_MAX));
		WRONG(put(f.l.co_code ? f.bytecode : f.code, f.l.ob_size, BB_PY_BYTECODE_MAX + 1));
		WRONG(put(f.l.co_code ? f.bytecode : f.code, f.l.ob_size, UINT64_MAX));
#undef WRONG
	}
}

/* A target with more than we keep: the rest is refused, what is known stays. */
static void keeps_a_bounded_number(void **state)
{
	struct bb_py_names *n = bb_py_names__new(V311, false, &kept);
	size_t size = 256, nr = BB_PY_CODES_MAX + 10, known = 0;
	struct bb_py_place p;
	struct bb_mem m;
	struct fake f;
	char *many;

	(void)state;
	assert_non_null(n);
	bb_mem__init(&m, getpid());
	fake_init(&f, V311, false);
	many = aligned_alloc(8, nr * size);
	assert_non_null(many);
	for (size_t i = 0; i < nr; i++) {
		memcpy(many + i * size, f.code, size);
		known += !bb_py_names__learn(n, &m, addr_of(many + i * size));
	}
	assert_int_equal(known, BB_PY_CODES_MAX);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(many)), 0);
	assert_int_equal(bb_py_names__learn(n, &m, addr_of(many + (nr - 1) * size)), -ENOSPC);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(bb_py_names__place(n, addr_of(many + i * size), 0, &p),
				 i < BB_PY_CODES_MAX ? 0 : -ENOENT);
	free(many);
	bb_mem__free(&m);
	bb_py_names__free(n);
}

/* What it may cost is used up: nothing is taken for a failure, and the next look goes on. */
static void stops_where_it_costs_too_much(void **state)
{
	struct bb_py_names *n = bb_py_names__new(V311, false, &kept);
	struct bb_mem m;
	struct fake f;
	int looks = 0, err;

	(void)state;
	assert_non_null(n);
	bb_mem__init(&m, getpid());
	fake_init(&f, V311, false);
	do {
		bb_py_names__forget(n);
		m.left = 100 * looks++;
		err = bb_py_names__learn(n, &m, addr_of(f.code));
		assert_true(err == 0 || err == -EDQUOT);
		assert_true(m.left > -BB_MEM_READ_NS - 4096);
	} while (err && looks < 1000);
	assert_int_equal(err, 0);
	assert_in_range(looks, 20, 200);
	assert_int_equal(line_of(n, &f, addr_of(f.code) + f.l.co_adaptive), 10);
	bb_mem__free(&m);
	bb_py_names__free(n);
}

/* Whatever is kept counts: names, tables, and the copies for threads of all processes together. */
static void keeps_a_bounded_amount(void **state)
{
	static uint64_t all;
	struct bb_py_names *one = bb_py_names__new(V314, true, &all);
	struct bb_py_names *two = bb_py_names__new(V314, true, &all);
	size_t size = 512, known = 0, nr = 2 * BB_PY_KEPT_MAX / (BB_PY_COPIES_MAX * 8);
	uint64_t *copies = calloc(BB_PY_COPIES_MAX + 1, 8);
	struct bb_py_place p;
	struct bb_mem m;
	struct fake f;
	char *many;

	(void)state;
	bb_mem__init(&m, getpid());
	many = aligned_alloc(8, nr * size);
	assert_true(one && two && copies && many);
	fake_init(&f, V314, true);
	put(f.code, f.l.co_tlbc, addr_of(copies));
	for (size_t i = 0; i < nr; i++) {
		memcpy(many + i * size, f.code, size);
		copies[0] = BB_PY_COPIES_MAX;
		copies[1] = addr_of(many + i * size) + f.l.co_adaptive;
		copies[2] = 4096;
		known += !bb_py_names__learn(i % 2 ? one : two, &m, addr_of(many + i * size));
		assert_true(all <= BB_PY_KEPT_MAX);
	}
	/* without room for the copies there are no lines in them */
	assert_int_equal(known, nr);
	assert_int_equal(bb_py_names__place(two, addr_of(many), 4096 + 8, &p), 0);
	assert_int_equal(p.line, 12);
	assert_int_equal(bb_py_names__place(one, addr_of(many + (nr - 1) * size), 4096 + 8, &p), 0);
	assert_int_equal(p.line, 0);
	free(many);
	free(copies);
	bb_mem__free(&m);
	bb_py_names__free(one);
	bb_py_names__free(two);
}

static void knows_which_it_does_not_know(void **state)
{
	static const struct {
		uint32_t version;
		bool ft;
	} none[] = {
		{ 0, 0 }, { 0x03060ff0, 0 }, { 0x031000f0, 0 }, { 0x030c00f0, 1 }, { 0x02071200, 0 }
	};
	struct bb_py_code_layout l;
	struct bb_py_offsets o;
	struct bb_mem m;

	(void)state;
	bb_mem__init(&m, getpid());
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct bb_py_names *n = bb_py_names__new(none[i].version, none[i].ft, &kept);

		assert_non_null(n);
		assert_int_equal(bb_py_names__learn(n, &m, addr_of(&m)), -ENOTSUP);
		assert_int_equal(bb_py_code__layout(none[i].version, none[i].ft, &l), -ENOTSUP);
		assert_int_equal(bb_py_frames__get(none[i].version, none[i].ft, &o), -ENOTSUP);
		assert_int_equal(o.frame_pos, 0);
		bb_py_names__free(n);
	}
	bb_py_names__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lnotab),
		cmocka_unit_test(ranges),
		cmocka_unit_test(locations),
		cmocka_unit_test(holds_for_random_bytes),
		cmocka_unit_test(makes_utf8),
		cmocka_unit_test(finds_places),
		cmocka_unit_test(follows_what_changes),
		cmocka_unit_test(refuses_what_is_no_code_object),
		cmocka_unit_test(keeps_a_bounded_number),
		cmocka_unit_test(keeps_a_bounded_amount),
		cmocka_unit_test(stops_where_it_costs_too_much),
		cmocka_unit_test(knows_which_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
