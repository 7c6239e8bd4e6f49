// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "python_attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "python_str.h"

#define TRIES        3 /* while it changes */
#define NAME_MAX_LEN 64
#define HEAD_MAX     64   /* bytes of PyDictObject, PyASCIIObject up to what we look at */
#define KEYS_HEAD    40   /* of PyDictKeysObject up to its indices */
#define TYPE_MAX     1024 /* of PyHeapTypeObject up to ht_cached_keys */

#define TPFLAGS_INLINE_VALUES (1u << 2) /* Include/object.h */
#define TPFLAGS_MANAGED_DICT  (1u << 4)
#define TPFLAGS_HEAPTYPE      (1u << 9)

/* DictKeysKind, Include/internal/pycore_dict.h */
#define KEYS_GENERAL 0
#define KEYS_SPLIT   2

/*
 * ht_cached_keys lies behind the whole PyTypeObject, and so moves with each version. From
 * the headers of 3.7.16 to 3.13.0 and found in live processes of these, and of 3.11.2,
 * 3.13.18, 3.14.10 and 3.15.2; free-threaded: 3.13.5 only. All else has moved only with
 * the size of PyObject.
 */
static const struct {
	uint32_t minor;
	uint16_t cached_keys;
	enum bb_py_managed managed;
} types[] = {
	{ 0x0307, 856, BB_PY_UNMANAGED }, { 0x0308, 872, BB_PY_UNMANAGED },
	{ 0x0309, 864, BB_PY_UNMANAGED }, { 0x030a, 872, BB_PY_UNMANAGED },
	{ 0x030b, 872, BB_PY_TWO_WORDS }, { 0x030c, 880, BB_PY_TAGGED },
	{ 0x030d, 880, BB_PY_INLINE },    { 0x030e, 880, BB_PY_INLINE },
	{ 0x030f, 888, BB_PY_INLINE },
};

int bb_py_attrs__init(struct bb_py_attrs *a, uint32_t version_hex, bool free_threaded)
{
	struct bb_py_attr_layout *l = &a->l;
	uint32_t minor = version_hex >> 16;
	uint16_t more = free_threaded ? 16 : 0; /* of PyObject */
	size_t i = 0;
	int err;

	memset(a, 0, sizeof(*a));
	err = bb_py_code__layout(version_hex, free_threaded, &l->str);
	if (err)
		return err;
	while (i < sizeof(types) / sizeof(types[0]) && types[i].minor != minor)
		i++;
	if (i == sizeof(types) / sizeof(types[0]))
		return -ENOTSUP;
	l->ma_keys = 32 + more;
	l->ma_values = 40 + more;
	l->md_dict = 16 + more;
	l->tp_basicsize = 32 + more;
	l->tp_flags = 168 + more;
	l->tp_dictoffset = 288 + more;
	l->ht_cached_keys = types[i].cached_keys + more;
	l->log2_keys = minor >= 0x030b;
	l->managed = types[i].managed;
	/* 3.13 put capacity, size, embedded and valid in front of the values */
	l->values = minor >= 0x030d ? 8 : 0;
	/* objects of a free-threaded build have no header of the garbage collector's */
	l->managed_dict = free_threaded ? -8 : -24;
	return 0;
}

/* Is the type object at @addr the one of this name? *known: one that was, 0 for none. */
static int check_type(const struct bb_py_attrs *a, struct bb_mem *m, uint64_t addr,
		      const char *name, uint64_t *known)
{
	size_t len = strlen(name) + 1;
	char buf[NAME_MAX_LEN];
	uint64_t text;
	int err;

	if (known && *known && *known == addr)
		return 0;
	if (!bb_mem__plausible(addr) || len > sizeof(buf))
		return -EFAULT;
	err = bb_mem__u64(m, addr + a->l.str.tp_name, &text);
	if (!err)
		err = bb_mem__read(m, text, buf, len);
	if (!err && memcmp(buf, name, len))
		err = -EFAULT;
	if (!err && known)
		*known = addr;
	return err;
}

int bb_py_attrs__is_a(const struct bb_py_attrs *a, struct bb_mem *m, uint64_t object,
		      const char *type)
{
	uint64_t addr;
	int err = bb_mem__plausible(object) ? bb_mem__u64(m, object + a->l.str.ob_type, &addr)
					    : -EFAULT;

	return err ? err : check_type(a, m, addr, type, NULL);
}

int bb_py_attrs__str(struct bb_py_attrs *a, struct bb_mem *m, uint64_t addr, size_t max, char **s)
{
	uint64_t type;
	int err;

	*s = NULL;
	if (!bb_mem__plausible(addr))
		return -EFAULT;
	err = bb_py_str__read(m, &a->l.str, addr, max, s, &type);
	if (!err)
		err = check_type(a, m, type, "str", &a->str_type);
	if (err) {
		free(*s);
		*s = NULL;
	}
	return err;
}

/* Is there a compact ASCII str of this text? */
static int compare_str(const struct bb_py_attrs *a, struct bb_mem *m, uint64_t addr,
		       const char *text, bool *equal)
{
	const struct bb_py_code_layout *l = &a->l.str;
	uint32_t state, want = 1 | 3 << 3; /* kind, compact, ascii */
	size_t len = strlen(text);
	char buf[HEAD_MAX];
	int err;

	*equal = false;
	if (!bb_mem__plausible(addr) || len >= sizeof(buf))
		return 0;
	err = bb_mem__read(m, addr, buf, l->str_state + sizeof(state));
	if (err)
		return err;
	memcpy(&state, buf + l->str_state, sizeof(state));
	if (bb_mem__word(buf, l->str_length) != len || (state >> l->str_kind_shift & 31) != want)
		return 0;
	err = bb_mem__read(m, addr + l->str_ascii, buf, len);
	*equal = !err && !memcmp(buf, text, len);
	return err;
}

/* ---- the keys of a dict */

struct keys {
	uint64_t *cells; /* of an entry: its hash where the keys are of any kind, key, value */
	size_t nr;
	size_t width; /* cells of an entry */
	bool split;   /* values are elsewhere */
	uint64_t addr;
};

static uint64_t key_of(const struct keys *k, size_t i)
{
	return k->cells[i * k->width + k->width - 2];
}

static uint64_t value_of(const struct keys *k, size_t i)
{
	return k->cells[i * k->width + k->width - 1];
}

/* Where the entries begin, by the table's head. Return 0 or -EFAULT. */
static int measure(const struct bb_py_attrs *a, const char *head, struct keys *k, uint64_t *entries)
{
	uint8_t log2_size = (uint8_t)head[8], log2_indices = (uint8_t)head[9],
		kind = (uint8_t)head[10];
	uint64_t size, nr;

	if (a->l.log2_keys) {
		if (log2_size > 20 || log2_indices > 24 || kind > KEYS_SPLIT)
			return -EFAULT;
		size = 1ULL << log2_size;
		nr = bb_mem__word(head, 24);
		*entries = 32 + (1ULL << log2_indices);
		k->width = kind == KEYS_GENERAL ? 3 : 2;
		k->split = kind == KEYS_SPLIT;
	} else {
		size = bb_mem__word(head, 8);
		nr = bb_mem__word(head, 32);
		if (!size || size & (size - 1) || size > 1 << 20)
			return -EFAULT;
		*entries = 40 + size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : 4);
		k->width = 3;
	}
	k->nr = nr;
	return nr <= size && nr <= BB_PY_DICT_MAX ? 0 : -EFAULT;
}

static int read_keys(const struct bb_py_attrs *a, struct bb_mem *m, uint64_t addr, struct keys *k)
{
	char head[KEYS_HEAD];
	uint64_t entries;
	size_t size;
	int err;

	memset(k, 0, sizeof(*k));
	if (!bb_mem__plausible(addr))
		return -EFAULT;
	err = bb_mem__read(m, addr, head, sizeof(head));
	if (!err)
		err = measure(a, head, k, &entries);
	if (err)
		return err;
	k->addr = addr + entries;
	size = k->nr * k->width * sizeof(*k->cells);
	k->cells = malloc(size ? size : 1);
	if (!k->cells)
		return -ENOMEM;
	err = size ? bb_mem__read(m, k->addr, k->cells, size) : 0;
	if (err) {
		free(k->cells);
		k->cells = NULL;
	}
	return err;
}

/*
 * The entry of this name. A key that cannot be read is none: it was deleted meanwhile.
 * Names of attributes are interned: where there is one, it mostly is the last one's str.
 */
static int find_key(struct bb_py_attrs *a, struct bb_mem *m, const struct keys *k, const char *name,
		    size_t *at)
{
	bool equal, again = a->key && !strcmp(a->key_name, name);
	int err;

	for (*at = 0; again && *at < k->nr; (*at)++)
		if (key_of(k, *at) == a->key)
			return 0;
	for (*at = 0; *at < k->nr; (*at)++) {
		err = compare_str(a, m, key_of(k, *at), name, &equal);
		if (err && err != -EFAULT)
			return err;
		if (!equal)
			continue;
		a->key = key_of(k, *at);
		strcpy(a->key_name, name); /* it is no longer than what was compared */
		return 0;
	}
	return -ENOENT;
}

/* ---- dicts */

/* The dict's own words: ma_keys and ma_values. */
static int read_dict(struct bb_py_attrs *a, struct bb_mem *m, uint64_t dict, uint64_t words[2])
{
	char head[HEAD_MAX];
	int err;

	if (!bb_mem__plausible(dict))
		return -EFAULT;
	err = bb_mem__read(m, dict, head, a->l.ma_values + sizeof(uint64_t));
	if (!err)
		err = check_type(a, m, bb_mem__word(head, a->l.str.ob_type), "dict", &a->dict_type);
	if (err)
		return err;
	words[0] = bb_mem__word(head, a->l.ma_keys);
	words[1] = bb_mem__word(head, a->l.ma_values);
	return 0;
}

/* A value that is not among the keys. */
static int read_value(const struct bb_py_attrs *a, struct bb_mem *m, uint64_t values, size_t at,
		      uint64_t *value, uint64_t *slot)
{
	int err;

	if (!bb_mem__plausible(values))
		return -EFAULT;
	*slot = values + a->l.values + at * sizeof(*value);
	err = bb_mem__u64(m, *slot, value);
	return err ? err : *value ? 0 : -ENOENT;
}

/* One attempt. -EAGAIN: it has changed meanwhile. */
static int try_item(struct bb_py_attrs *a, struct bb_mem *m, uint64_t dict, const char *name,
		    uint64_t *value, uint64_t *slot)
{
	uint64_t words[2], again[2];
	struct keys k;
	size_t at;
	int err;

	err = read_dict(a, m, dict, words);
	if (err)
		return err;
	err = read_keys(a, m, words[0], &k);
	if (!err)
		err = find_key(a, m, &k, name, &at);
	if (!err && words[1]) {
		err = read_value(a, m, words[1], at, value, slot);
	} else if (!err) {
		*slot = k.addr + ((at + 1) * k.width - 1) * sizeof(*value);
		*value = value_of(&k, at);
		err = *value ? 0 : -ENOENT;
	}
	free(k.cells);
	if (err != -ENOMEM && !read_dict(a, m, dict, again) && memcmp(again, words, sizeof(words)))
		err = -EAGAIN;
	return err;
}

int bb_py_attrs__item(struct bb_py_attrs *a, struct bb_mem *m, uint64_t dict, const char *name,
		      uint64_t *value)
{
	int err = -EAGAIN;
	uint64_t slot;

	for (int i = 0; i < TRIES && err == -EAGAIN; i++)
		err = try_item(a, m, dict, name, value, &slot);
	return err == -EAGAIN ? -EFAULT : err;
}

static int try_items(struct bb_py_attrs *a, struct bb_mem *m, uint64_t dict, struct keys *k)
{
	uint64_t words[2], again[2];
	int err;

	memset(k, 0, sizeof(*k));
	err = read_dict(a, m, dict, words);
	if (err)
		return err;
	err = read_keys(a, m, words[0], k);
	if (err != -ENOMEM && !read_dict(a, m, dict, again) && memcmp(again, words, sizeof(words)))
		err = -EAGAIN;
	else if (!err && (k->width != 3 || words[1]))
		err = -ENOENT;
	if (err) {
		free(k->cells);
		k->cells = NULL;
	}
	return err;
}

int bb_py_attrs__items(struct bb_py_attrs *a, struct bb_mem *m, uint64_t dict,
		       struct bb_py_item **items, size_t *nr)
{
	int err = -EAGAIN;
	struct keys k;

	*items = NULL;
	*nr = 0;
	for (int i = 0; i < TRIES && err == -EAGAIN; i++)
		err = try_items(a, m, dict, &k);
	if (err)
		return err == -EAGAIN ? -EFAULT : err;
	*items = calloc(k.nr ? k.nr : 1, sizeof(**items));
	for (size_t i = 0; *items && i < k.nr; i++)
		if (value_of(&k, i))
			(*items)[(*nr)++] =
				(struct bb_py_item){ k.cells[i * k.width], value_of(&k, i) };
	free(k.cells);
	return *items ? 0 : -ENOMEM;
}

/* ---- attributes */

/* Where an instance has its attributes: in a dict, or as values for the type's keys. */
struct place {
	uint64_t dict;         /* 0: values */
	uint64_t keys, values; /* of PyDictKeysObject, PyDictValues */
};

static int place_in_words(const struct bb_py_attrs *a, struct bb_mem *m, uint64_t object,
			  struct place *p)
{
	uint64_t words[2];
	int err;

	/* 3.11: the values are one word in front of the dict */
	if (a->l.managed == BB_PY_TWO_WORDS) {
		err = bb_mem__read(m, object + a->l.managed_dict - 8, words, sizeof(words));
		if (err)
			return err;
		p->values = words[0];
		p->dict = words[0] ? 0 : words[1];
		return words[0] || words[1] ? 0 : -ENOENT;
	}
	err = bb_mem__u64(m, object + a->l.managed_dict, &p->dict);
	if (!err && a->l.managed == BB_PY_TAGGED && p->dict & 1) {
		p->values = p->dict + 1;
		p->dict = 0;
	}
	return err;
}

/* What a type tells of its instances. */
static int read_type(struct bb_py_attrs *a, struct bb_mem *m, uint64_t addr)
{
	const struct bb_py_attr_layout *l = &a->l;
	char type[TYPE_MAX];
	int err;

	if (a->type.addr && a->type.addr == addr)
		return 0;
	if (!bb_mem__plausible(addr))
		return -EFAULT;
	err = bb_mem__read(m, addr, type, l->ht_cached_keys + sizeof(uint64_t));
	if (err)
		return err;
	a->type.addr = addr;
	a->type.flags = bb_mem__word(type, l->tp_flags);
	a->type.basicsize = bb_mem__word(type, l->tp_basicsize);
	a->type.dictoffset = bb_mem__word(type, l->tp_dictoffset);
	a->type.keys = bb_mem__word(type, l->ht_cached_keys);
	return 0;
}

static int find_place(struct bb_py_attrs *a, struct bb_mem *m, uint64_t object, struct place *p)
{
	uint64_t addr, offset;
	char head[8];
	int err;

	memset(p, 0, sizeof(*p));
	if (!bb_mem__plausible(object))
		return -EFAULT;
	err = bb_mem__u64(m, object + a->l.str.ob_type, &addr);
	if (!err)
		err = read_type(a, m, addr);
	if (err)
		return err;
	if (!(a->type.flags & TPFLAGS_HEAPTYPE))
		return -ENOENT;
	p->keys = a->type.keys;
	if (!a->l.managed || !(a->type.flags & TPFLAGS_MANAGED_DICT)) {
		/* negative ones, from the end, are not for classes that Python code makes */
		offset = a->type.dictoffset;
		if (!offset || offset % 8 || offset > a->type.basicsize || offset > INT16_MAX)
			return -ENOENT;
		return bb_mem__u64(m, object + offset, &p->dict);
	}
	err = place_in_words(a, m, object, p);
	if (err || p->dict || p->values)
		return err;
	if (a->l.managed != BB_PY_INLINE || !(a->type.flags & TPFLAGS_INLINE_VALUES))
		return -ENOENT;
	p->values = object + a->type.basicsize;
	err = bb_mem__plausible(p->values) ? bb_mem__read(m, p->values, head, sizeof(head))
					   : -EFAULT;
	if (err)
		return err;
	/* no longer the values once there was a dict: for a moment there may be neither */
	return head[3] ? 0 : -EAGAIN;
}

static int try_get(struct bb_py_attrs *a, struct bb_mem *m, uint64_t object, const char *name,
		   uint64_t *value, uint64_t *slot)
{
	struct place p, again;
	struct keys k;
	size_t at;
	int err;

	err = find_place(a, m, object, &p);
	if (err)
		return err;
	if (p.dict)
		return try_item(a, m, p.dict, name, value, slot);
	err = read_keys(a, m, p.keys, &k);
	if (!err)
		err = find_key(a, m, &k, name, &at);
	if (!err)
		err = read_value(a, m, p.values, at, value, slot);
	free(k.cells);
	if (err != -ENOMEM && !find_place(a, m, object, &again) && memcmp(&again, &p, sizeof(p)))
		err = -EAGAIN;
	return err;
}

int bb_py_attrs__get(struct bb_py_attrs *a, struct bb_mem *m, uint64_t object, const char *name,
		     uint64_t *value, uint64_t *slot)
{
	int err = -EAGAIN;

	for (int i = 0; i < TRIES && err == -EAGAIN; i++)
		err = try_get(a, m, object, name, value, slot);
	return err == -EAGAIN ? -EFAULT : err;
}

void bb_py_attrs__forget(struct bb_py_attrs *a)
{
	memset(&a->type, 0, sizeof(a->type));
	a->key = 0;
}
