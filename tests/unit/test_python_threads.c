/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of threads, of an interpreter made by hand in our own memory: sound, changing, broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../user/capture/python_attr.h"
#include "../../user/capture/python_code.h"
#include "../../user/capture/python_threads.h"

#define THREADS 6
#define SELF    0x7f0000001000ULL

static const struct version {
	uint32_t hex;
	bool ft;
} versions[] = {
	{ 0x030700f0, false }, { 0x030800f0, false }, { 0x030900f0, false }, { 0x030a00f0, false },
	{ 0x030b00f0, false }, { 0x030c00f0, false }, { 0x030d00f0, false }, { 0x030e00f0, false },
	{ 0x030f00f0, false }, { 0x030d00f0, true },  { 0x030e00f0, true },  { 0x030f00f0, true },
};

enum type { DICT, STR, MODULE, THREAD, DUMMY, TYPES };

/*
 * Objects have room in front, for the word of their dict. All of it is 8-aligned.
 */
struct fake {
	struct bb_py_attrs a;
	struct bb_py_offsets off;
	struct bb_py_thread_layout l;
	struct version v;
	_Alignas(8) char runtime[2048];
	char interp[16384];
	char tstates[THREADS][512];
	char types[TYPES][1024];
	char type_names[TYPES][16];
	char texts[4][512]; /* threading, _active, _name, other */
	char modules[96], globals[96], active[96], module[96];
	char keys[3][2048]; /* modules, globals, active */
	char split[2048];   /* the keys that Thread's objects share */
	char objects[THREADS][256];
	char values[THREADS][128], dicts[THREADS][96];
	char names[THREADS][2048];
};

static uint64_t clock_now;

static uint64_t now(void)
{
	return clock_now;
}

static uint64_t at(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void put(char *object, size_t offset, uint64_t v)
{
	memcpy(object + offset, &v, sizeof(v));
}

static void fake_str(struct fake *f, char *object, const char *s)
{
	const struct bb_py_code_layout *l = &f->a.l.str;

	put(object, l->ob_type, at(f->types[STR]));
	put(object, l->str_length, strlen(s));
	/* 1 byte, compact, ascii */
	put(object, l->str_state, 0x19ULL << l->str_kind_shift);
	memcpy(object + l->str_ascii, s, strlen(s));
}

/* A table of @nr keys, of any kind with @hashes. Returns the length up to the entries. */
static size_t fake_keys(struct fake *f, char *keys, uint64_t nr, bool general, bool split)
{
	if (!f->a.l.log2_keys) {
		put(keys, 8, 8);
		put(keys, 32, nr);
		return 48;
	}
	keys[8] = keys[9] = 3;
	keys[10] = split ? 2 : general ? 0 : 1;
	put(keys, 24, nr);
	return 40;
}

static void fake_entry(struct fake *f, char *keys, size_t entries, size_t i, bool general,
		       uint64_t hash, uint64_t key, uint64_t value)
{
	if (general || !f->a.l.log2_keys) {
		put(keys, entries + 24 * i, hash);
		put(keys, entries + 24 * i + 8, key);
		put(keys, entries + 24 * i + 16, value);
	} else {
		put(keys, entries + 16 * i, key);
		put(keys, entries + 16 * i + 8, value);
	}
}

static void fake_dict(struct fake *f, char *dict, const char *keys, uint64_t values)
{
	put(dict, f->a.l.str.ob_type, at(f->types[DICT]));
	put(dict, f->a.l.ma_keys, at(keys));
	put(dict, f->a.l.ma_values, values);
}

/* Where an object is, behind its words in front. */
static char *object_of(struct fake *f, size_t i)
{
	return f->objects[i] + 64;
}

static void fake_type(struct fake *f, enum type t, const char *name)
{
	char *type = f->types[t];
	uint64_t flags = 1 << 9;

	strcpy(f->type_names[t], name);
	put(type, f->a.l.str.tp_name, at(f->type_names[t]));
	put(type, f->a.l.tp_basicsize, f->a.l.md_dict);
	if (f->a.l.managed)
		flags |= f->a.l.managed == BB_PY_INLINE ? 1 << 4 | 1 << 2 : 1 << 4;
	else
		put(type, f->a.l.tp_dictoffset, f->a.l.md_dict);
	put(type, f->a.l.tp_flags, flags);
	put(type, f->a.l.ht_cached_keys, at(f->split));
}

/* Thread @i's object: "other", "_name". */
static void fake_object(struct fake *f, size_t i, const char *name)
{
	const struct bb_py_attr_layout *l = &f->a.l;
	char *object = object_of(f, i), *values = f->values[i];

	fake_str(f, f->names[i], name);
	put(object, l->str.ob_type, at(f->types[THREAD]));
	if (l->managed == BB_PY_INLINE)
		values = object + l->md_dict;
	put(values, l->values, at(f->texts[3]));
	put(values, l->values + 8, at(f->names[i]));
	switch (l->managed) {
	case BB_PY_UNMANAGED:
		fake_dict(f, f->dicts[i], f->split, at(values));
		put(object, l->md_dict, at(f->dicts[i]));
		break;
	case BB_PY_TWO_WORDS:
		put(f->objects[i], 64 - 32, at(values));
		break;
	case BB_PY_TAGGED:
		put(f->objects[i], 64 - 24, at(values) - 1);
		break;
	case BB_PY_INLINE:
		values[3] = 1; /* valid */
		break;
	}
}

static void fake_thread(struct fake *f, size_t i, uint64_t id, const char *name)
{
	char *ts = f->tstates[i];

	put(ts, f->l.tstate_interp, at(f->interp));
	put(ts, f->off.tstate_thread_id, SELF + i * 4096);
	put(ts, f->l.tstate_id, id);
	put(ts, f->off.tstate_next, i ? at(f->tstates[i - 1]) : 0);
	fake_object(f, i, name);
}

/* Which threads are on the lists: those before @nr. */
static void fake_active(struct fake *f, size_t nr)
{
	size_t entries = fake_keys(f, f->keys[2], nr, true, false);

	for (size_t i = 0; i < nr; i++)
		fake_entry(f, f->keys[2], entries, i, true, SELF + i * 4096, at(f->texts[3]),
			   at(object_of(f, i)));
	put(f->interp, f->off.interp_threads, nr ? at(f->tstates[nr - 1]) : 0);
}

static void fake_init(struct fake *f, const struct version *v, size_t nr)
{
	static const char *const texts[] = { "threading", "_active", "_name", "other" };
	static const char *const types[] = { "dict", "str", "module", "Thread", "_DummyThread" };
	size_t entries;
	char name[32];

	memset(f, 0, sizeof(*f));
	f->v = *v;
	assert_int_equal(bb_py_attrs__init(&f->a, v->hex, v->ft), 0);
	assert_int_equal(bb_py_frames__get(v->hex, v->ft, &f->off), 0);
	assert_int_equal(bb_py_threads__layout(v->hex, &f->l), 0);
	for (int i = 0; i < TYPES; i++)
		fake_type(f, (enum type)i, types[i]);
	for (int i = 0; i < 4; i++)
		fake_str(f, f->texts[i], texts[i]);
	if (f->l.modules_at) {
		memcpy(f->runtime, "xdebugpy", 8);
		put(f->runtime, f->l.modules_at, 7656);
		f->l.modules = 7656;
	}
	put(f->runtime, f->off.interp_head, at(f->interp));
	put(f->interp, f->l.modules, at(f->modules));
	fake_dict(f, f->modules, f->keys[0], 0);
	entries = fake_keys(f, f->keys[0], 3, false, false);
	/* the second was deleted */
	fake_entry(f, f->keys[0], entries, 0, false, 1, at(f->texts[3]), at(f->types[STR]));
	fake_entry(f, f->keys[0], entries, 2, false, 2, at(f->texts[0]), at(f->module));
	put(f->module, f->a.l.str.ob_type, at(f->types[MODULE]));
	put(f->module, f->a.l.md_dict, at(f->globals));
	fake_dict(f, f->globals, f->keys[1], 0);
	entries = fake_keys(f, f->keys[1], 2, false, false);
	fake_entry(f, f->keys[1], entries, 0, false, 3, at(f->texts[2]), at(f->types[STR]));
	fake_entry(f, f->keys[1], entries, 1, false, 4, at(f->texts[1]), at(f->active));
	fake_dict(f, f->active, f->keys[2], 0);
	entries = fake_keys(f, f->split, 2, false, true);
	fake_entry(f, f->split, entries, 0, false, 5, at(f->texts[3]), 0);
	fake_entry(f, f->split, entries, 1, false, 6, at(f->texts[2]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		snprintf(name, sizeof(name), "thread %zu", i);
		fake_thread(f, i, 10 + i, name);
	}
	fake_active(f, nr);
}

static struct bb_py_threads *threads_of(const struct fake *f)
{
	struct bb_py_threads *t = bb_py_threads__new(f->v.hex, f->v.ft, at(f->runtime));

	assert_non_null(t);
	return t;
}

static int look(struct bb_py_threads *t, bool all)
{
	struct bb_mem m;
	int err;

	bb_mem__init(&m, getpid());
	clock_now++;
	err = bb_py_threads__look(t, &m, all, now);
	bb_mem__free(&m);
	return err;
}

static const char *name(struct bb_py_threads *t, size_t i)
{
	const char *s = bb_py_threads__name(t, SELF + i * 4096, 0, 0, UINT64_MAX);

	return s ? s : "-";
}

static void names_in_each_version(void **state)
{
	struct fake *f = malloc(sizeof(*f));

	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		struct bb_py_threads *t;

		fake_init(f, &versions[v], 4);
		t = threads_of(f);
		assert_int_equal(look(t, false), 0);
		assert_string_equal(name(t, 0), "thread 0");
		assert_string_equal(name(t, 3), "thread 3");
		assert_string_equal(name(t, 4), "-");
		/* by its state; each is given out once */
		assert_string_equal(bb_py_threads__name(t, 0, at(f->tstates[1]), 0, UINT64_MAX),
				    "thread 1");
		assert_null(bb_py_threads__name(t, 0, at(f->tstates[1]), 0, UINT64_MAX));
		assert_null(bb_py_threads__name(t, 0, 0, 0, UINT64_MAX));
		/* a new name is learnt at the end only */
		fake_object(f, 0, "renamed");
		assert_int_equal(look(t, false), 0);
		assert_string_equal(name(t, 0), "thread 0");
		assert_int_equal(look(t, true), 0);
		assert_string_equal(name(t, 0), "renamed");
		/* an instance with a dict of its own */
		if (f->a.l.managed) {
			char *word = object_of(f, 2) + f->a.l.managed_dict;
			size_t entries = fake_keys(f, f->values[5], 1, false, false);

			fake_entry(f, f->values[5], entries, 0, false, 6, at(f->texts[2]),
				   at(f->names[5]));
			fake_dict(f, f->dicts[5], f->values[5], 0);
			put(word, 0, at(f->dicts[5]));
			if (f->a.l.managed == BB_PY_TWO_WORDS)
				put(word - 8, 0, 0);
			assert_int_equal(look(t, true), 0);
			assert_string_equal(name(t, 2), "thread 5");
		}
		bb_py_threads__free(t);
	}
	assert_int_equal(bb_py_threads__layout(0x03060000, &f->l), -ENOTSUP);
	assert_int_equal(bb_py_threads__layout(0x03100000, &f->l), -ENOTSUP);
	f->v.hex = 0x03100000;
	f->v.ft = false;
	{
		struct bb_py_threads *t = threads_of(f);

		assert_int_equal(look(t, true), -ENOTSUP);
		bb_py_threads__free(t);
	}
	bb_py_threads__free(NULL);
	free(f);
}

/* A thread ends, and the next one has all of its addresses. */
static void addresses_are_used_again(void **state)
{
	struct fake *f = malloc(sizeof(*f));
	struct bb_py_threads *t;
	uint64_t first;

	(void)state;
	fake_init(f, &versions[5], 3);
	t = threads_of(f);
	assert_int_equal(look(t, false), 0);
	first = clock_now;
	fake_thread(f, 2, 99, "another");
	assert_int_equal(look(t, false), 0);
	/* whoever was there at the first look, whoever at the second */
	assert_string_equal(bb_py_threads__name(t, SELF + 2 * 4096, 0, first + 1, first + 9),
			    "another");
	assert_string_equal(bb_py_threads__name(t, 0, at(f->tstates[2]), first, first), "thread 2");
	assert_null(bb_py_threads__name(t, 0, at(f->tstates[2]), 0, first - 1));
	/* it ends too */
	fake_active(f, 2);
	assert_int_equal(look(t, true), 0);
	assert_string_equal(bb_py_threads__name(t, 0, at(f->tstates[2]), first + 1, first + 1),
			    "another");
	assert_string_equal(bb_py_threads__name(t, 0, at(f->tstates[2]), first, first + 1),
			    "thread 2");
	assert_null(bb_py_threads__name(t, 0, at(f->tstates[2]), first, UINT64_MAX));
	/* the newest of all that fit */
	assert_int_equal(look(t, true), 0);
	assert_string_equal(bb_py_threads__name(t, 0, at(f->tstates[2]), 0, UINT64_MAX), "another");
	bb_py_threads__free(t);
	free(f);
}

/* A new thread's state has its parent's pthread_self() at first. */
static void a_thread_that_has_not_begun(void **state)
{
	struct fake *f = malloc(sizeof(*f));
	struct bb_py_threads *t;

	(void)state;
	fake_init(f, &versions[1], 3);
	put(f->tstates[2], f->off.tstate_thread_id, SELF);
	t = threads_of(f);
	assert_int_equal(look(t, true), 0);
	assert_string_equal(bb_py_threads__name(t, 0, at(f->tstates[0]), 0, UINT64_MAX),
			    "thread 0");
	assert_null(bb_py_threads__name(t, 0, at(f->tstates[2]), 0, UINT64_MAX));
	put(f->tstates[2], f->off.tstate_thread_id, SELF + 2 * 4096);
	assert_int_equal(look(t, false), 0);
	assert_string_equal(name(t, 2), "thread 2");
	bb_py_threads__free(t);
	free(f);
}

static void what_has_no_name(void **state)
{
	struct fake *f = malloc(sizeof(*f));
	char longest[BB_PY_THREAD_NAME_MAX + 2];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[BB_PY_THREAD_NAME_MAX] = '\0';
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		struct bb_py_threads *t;

		fake_init(f, &versions[v], 6);
		fake_object(f, 0, "");
		fake_object(f, 1, longest);
		fake_object(f, 3, "Dummy-3");
		put(object_of(f, 3), f->a.l.str.ob_type, at(f->types[DUMMY]));
		fake_object(f, 4, "Dummy-4");
		put(f->names[5], f->a.l.str.ob_type, at(f->types[DICT]));
		longest[BB_PY_THREAD_NAME_MAX] = 'x';
		longest[BB_PY_THREAD_NAME_MAX + 1] = '\0';
		fake_object(f, 2, longest);
		longest[BB_PY_THREAD_NAME_MAX] = '\0';
		t = threads_of(f);
		assert_int_equal(look(t, false), 0);
		assert_string_equal(name(t, 0), "-");
		assert_string_equal(name(t, 1), longest);
		assert_string_equal(name(t, 2), "-");
		assert_string_equal(name(t, 3), "-");
		assert_string_equal(name(t, 4), "Dummy-4");
		assert_string_equal(name(t, 5), "-");
		/* after four looks in vain only with the last one */
		for (int i = 0; i < 3; i++)
			assert_int_equal(look(t, false), 0);
		fake_object(f, 0, "late");
		assert_int_equal(look(t, false), 0);
		assert_string_equal(name(t, 0), "-");
		assert_int_equal(look(t, true), 0);
		assert_string_equal(name(t, 0), "late");
		bb_py_threads__free(t);
	}
	free(f);
}

/* A list that bites its tail, tables as long as can be, pointers to nowhere and to themselves. */
static void broken_memory(void **state)
{
	struct fake *f = malloc(sizeof(*f));

	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		struct bb_py_threads *t;

		fake_init(f, &versions[v], 4);
		t = threads_of(f);
		put(f->tstates[0], f->off.tstate_next, at(f->tstates[3]));
		assert_int_equal(look(t, true), 0);
		assert_string_equal(name(t, 3), "thread 3");
		put(f->interp, f->off.interp_next, at(f->interp));
		assert_int_equal(look(t, true), 0);
		assert_string_equal(name(t, 3), "thread 3");
		/* what was learnt stays */
		put(f->keys[2], f->a.l.log2_keys ? 24 : 32, UINT64_MAX);
		put(f->active, f->a.l.ma_values, at(f->active));
		assert_int_equal(look(t, true), 0);
		assert_string_equal(name(t, 3), "thread 3");
		put(f->modules, f->a.l.ma_keys, 8);
		assert_int_equal(look(t, true), 0);
		put(f->tstates[3], f->l.tstate_interp, at(f->active));
		assert_int_equal(look(t, true), 0);
		assert_string_equal(name(t, 3), "thread 3");
		put(f->runtime, f->off.interp_head, 4096);
		assert_int_equal(look(t, true), 0);
		assert_string_equal(name(t, 2), "thread 2");
		bb_py_threads__free(t);
	}
	free(f);
}

/* Words of it changed by chance, towards what does harm: it ends, and reads nothing wrongly. */
static void memory_changed_by_chance(void **state)
{
	struct fake *f = malloc(sizeof(*f));
	char *first = f->runtime;
	size_t words = (sizeof(*f) - offsetof(struct fake, runtime)) / 8;
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct bb_py_threads *t;

		fake_init(f, &versions[round % (int)(sizeof(versions) / sizeof(versions[0]))], 5);
		t = threads_of(f);
		look(t, false);
		for (int i = 0; i < 40; i++) {
			size_t w = (size_t)rand_r(&seed) % words, from;
			uint64_t v;

			/* mostly words that mean something */
			for (size_t j = 0; j < words && i % 8; j++, w = (w + 1) % words) {
				memcpy(&v, first + 8 * w, sizeof(v));
				if (v)
					break;
			}
			from = (size_t)rand_r(&seed) % words;
			switch (rand_r(&seed) % 6) {
			case 0:
				v = at(first + 8 * from);
				break;
			case 1:
				v = UINT64_MAX >> rand_r(&seed) % 64;
				break;
			case 2:
				v = (uint64_t)rand_r(&seed) % 70000;
				break;
			case 3:
				v = 1ULL << rand_r(&seed) % 64;
				break;
			default:
				memcpy(&v, first + 8 * from, sizeof(v));
			}
			put(first, 8 * w, v);
		}
		look(t, round % 2);
		look(t, true);
		for (size_t i = 0; i < THREADS; i++)
			assert_true(strlen(name(t, i)) <= 4 * BB_PY_THREAD_NAME_MAX);
		bb_py_threads__free(t);
	}
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_each_version),
		cmocka_unit_test(addresses_are_used_again),
		cmocka_unit_test(a_thread_that_has_not_begun),
		cmocka_unit_test(what_has_no_name),
		cmocka_unit_test(broken_memory),
		cmocka_unit_test(memory_changed_by_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
