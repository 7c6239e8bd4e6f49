/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Dicts and attributes of CPython's objects, read from a target that runs on. Whatever
 * is read may be torn, freed or made up: all of it is bounded and checked, and what
 * changed while it was read is read again.
 */
#ifndef BB_CAPTURE_PYTHON_ATTR_H
#define BB_CAPTURE_PYTHON_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"
#include "python_code.h"

#define BB_PY_DICT_MAX 65536 /* entries of a dict that is looked at, deleted ones included */

/* How an object keeps its attributes, where its type has Py_TPFLAGS_MANAGED_DICT. */
enum bb_py_managed {
	BB_PY_UNMANAGED = 0, /* until 3.10: a dict, at the type's tp_dictoffset */
	BB_PY_TWO_WORDS = 1, /* 3.11: one word leads to values, the next to a dict */
	BB_PY_TAGGED = 2,    /* 3.12: one word, odd where it leads to values */
	BB_PY_INLINE = 3,    /* since 3.13: values follow the object, unless there is a dict */
};

/* Bytes; the same on all 64-bit machines. */
struct bb_py_attr_layout {
	struct bb_py_code_layout str; /* types and strings */
	uint16_t ma_keys;             /* in PyDictObject */
	uint16_t ma_values;
	uint16_t md_dict;      /* in PyModuleObject */
	uint16_t tp_basicsize; /* in PyTypeObject */
	uint16_t tp_flags;
	uint16_t tp_dictoffset;
	uint16_t ht_cached_keys; /* in PyHeapTypeObject */
	uint16_t values;         /* in PyDictValues: the first */
	bool log2_keys; /* since 3.11: PyDictKeysObject tells sizes by their log2, and its kind */
	enum bb_py_managed managed;
	int16_t managed_dict; /* from the object to the word of its dict; below 0 */
};

/* How to read one process. */
struct bb_py_attrs {
	struct bb_py_attr_layout l;
	uint64_t dict_type, str_type; /* type objects whose name was read, 0: none yet */
	/* until bb_py_attrs__forget(): the last type of an instance, and the last name's str */
	struct {
		uint64_t addr, flags, basicsize, dictoffset, keys;
	} type;
	uint64_t key;
	char key_name[64];
};

/* An entry of a dict. */
struct bb_py_item {
	uint64_t hash; /* of the key; of an int below 2^61 - 1 that is not negative: itself */
	uint64_t value;
};

/**
 * bb_py_attrs__init - nothing is read yet.
 * Return 0, or -ENOTSUP where no layout is known (3.6 and older, 3.16 and newer, 32-bit).
 */
int bb_py_attrs__init(struct bb_py_attrs *a, uint32_t version_hex, bool free_threaded);

/**
 * bb_py_attrs__item - the value of a key of the exact dict at @dict.
 * @name: printable ASCII, shorter than 64 bytes
 * Return 0; -ENOENT: it has no such key; -EFAULT: no dict, or none that can be read;
 * -ENOMEM, -ESRCH, -EPERM, -EACCES.
 */
int bb_py_attrs__item(struct bb_py_attrs *a, struct bb_mem *m, uint64_t dict, const char *name,
		      uint64_t *value);

/**
 * bb_py_attrs__items - all entries of a dict that has other keys than strings too.
 * @items: new memory, the caller's; NULL where there are none, or on failure
 * Return as bb_py_attrs__item(), -ENOENT: it has strings only, or nothing.
 */
int bb_py_attrs__items(struct bb_py_attrs *a, struct bb_mem *m, uint64_t dict,
		       struct bb_py_item **items, size_t *nr);

/**
 * bb_py_attrs__get - an attribute that an instance itself has.
 * @slot: address of the word that says so: it tells whether the value is still that.
 * Return as bb_py_attrs__item().
 */
int bb_py_attrs__get(struct bb_py_attrs *a, struct bb_mem *m, uint64_t object, const char *name,
		     uint64_t *value, uint64_t *slot);

/** bb_py_attrs__forget - what was remembered for speed may have changed: time has gone by. */
void bb_py_attrs__forget(struct bb_py_attrs *a);

/**
 * bb_py_attrs__str - an exact str as UTF-8, new memory, the caller's.
 * @max: code points; a longer one counts as none
 * Return as bb_py_str__read().
 */
int bb_py_attrs__str(struct bb_py_attrs *a, struct bb_mem *m, uint64_t addr, size_t max, char **s);

/** bb_py_attrs__is_a - has the type of the object at @addr this name? Return 0, -EFAULT, ... */
int bb_py_attrs__is_a(const struct bb_py_attrs *a, struct bb_mem *m, uint64_t object,
		      const char *type);

#endif
