// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "python_threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "python_attr.h"
#include "python_code.h"
#include "python_offsets.h"

#define INTERPRETERS_MAX 64
#define TRIES            4
#define WALKS            5
#define TSTATE_MAX       512 /* bytes of PyThreadState that are looked at, at most */
#define OFFSET_MAX       65536

#if defined(__x86_64__)
/*
 * From the headers of 3.7.16 to 3.13.0, found in live processes of these and of 3.11.2,
 * 3.13.18, 3.14.10 and 3.15.2, and of a free-threaded 3.13.5. PyThreadState is the same with
 * and without Py_GIL_DISABLED up to its id. Since 3.13 the target tells where
 * interp->imports.modules is: it moves with patch levels, and without the GIL.
 */
static const struct {
	uint32_t minor;
	struct bb_py_thread_layout l;
} layouts[] = {
	{ 0x0307, { 40, 0, 16, 272 } },  { 0x0308, { 56, 0, 16, 256 } },
	{ 0x0309, { 856, 0, 16, 256 } }, { 0x030a, { 856, 0, 16, 256 } },
	{ 0x030b, { 888, 0, 16, 240 } }, { 0x030c, { 944, 0, 16, 224 } },
	{ 0x030d, { 0, 88, 16, 224 } },  { 0x030e, { 0, 96, 16, 224 } },
	{ 0x030f, { 0, 96, 16, 248 } },
};
#endif

/* A thread, by its state. */
struct thread {
	uint64_t tstate, self;
	uint64_t id; /* of the state: counts up, so that another one at its address is told */
	uint64_t interp;
	uint64_t read_at; /* when the name was its */
	char *name;       /* NULL: none so far */
	char *fresh;      /* a name that was read, and not confirmed yet */
	uint32_t rank;    /* on its list, the newest first */
	uint8_t tries;    /* in vain */
	bool met;         /* by the last walk */
	bool asked;       /* for its name, by this look */
	bool given;       /* since the last look */
};

struct threads {
	struct thread *items;
	size_t nr;
};

struct bb_py_threads {
	struct bb_py_attrs attrs;
	struct bb_py_offsets off;
	struct bb_py_thread_layout l;
	uint64_t runtime;
	int err;               /* -ENOTSUP: no layout */
	struct threads live;   /* of the last look, by tstate */
	struct threads ended;  /* with a name */
	size_t kept;           /* bytes of names */
	struct thread **index; /* of those with a name, NULL: not made since the last look */
	size_t nr_index;
};

int bb_py_threads__layout(uint32_t version_hex, struct bb_py_thread_layout *l)
{
	memset(l, 0, sizeof(*l));
#if defined(__x86_64__)
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (layouts[i].minor != version_hex >> 16)
			continue;
		*l = layouts[i].l;
		return 0;
	}
#endif
	(void)version_hex;
	return -ENOTSUP;
}

struct bb_py_threads *bb_py_threads__new(uint32_t version_hex, bool free_threaded, uint64_t runtime)
{
	struct bb_py_threads *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->runtime = runtime;
	t->err = bb_py_attrs__init(&t->attrs, version_hex, free_threaded);
	if (!t->err)
		t->err = bb_py_frames__get(version_hex, free_threaded, &t->off);
	if (!t->err)
		t->err = bb_py_threads__layout(version_hex, &t->l);
	return t;
}

static void drop_name(struct bb_py_threads *t, struct thread *th)
{
	if (th->name)
		t->kept -= strlen(th->name) + 1;
	free(th->name);
	th->name = NULL;
}

/* Give it the name that was read, if there is room. */
static void take_name(struct bb_py_threads *t, struct thread *th, uint64_t now)
{
	size_t len = strlen(th->fresh) + 1;

	drop_name(t, th);
	if (t->kept + len > BB_PY_NAMES_KEPT) {
		free(th->fresh);
		return;
	}
	t->kept += len;
	th->name = th->fresh;
	th->read_at = now;
}

static void release(struct threads *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->items[i].name);
	free(l->items);
	memset(l, 0, sizeof(*l));
}

void bb_py_threads__free(struct bb_py_threads *t)
{
	if (!t)
		return;
	release(&t->live);
	release(&t->ended);
	free(t->index);
	free(t);
}

/* ---- which threads there are */

/* The target's own word on where sys.modules is. */
static int find_modules(struct bb_py_threads *t, struct bb_mem *m)
{
	char table[BB_PY_DEBUG_READ];
	uint64_t at;
	int err;

	if (t->l.modules)
		return 0;
	err = bb_mem__read(m, t->runtime, table, sizeof(table));
	if (err)
		return err;
	at = bb_mem__word(table, t->l.modules_at);
	if (memcmp(table, BB_PY_DEBUG_COOKIE, 8) || !at || at >= OFFSET_MAX || at % 8)
		return -EFAULT;
	t->l.modules = (uint32_t)at;
	return 0;
}

static int read_thread(const struct bb_py_threads *t, struct bb_mem *m, uint64_t addr,
		       struct thread *th, uint64_t *next)
{
	char buf[TSTATE_MAX];
	size_t len = (t->l.tstate_id > t->off.tstate_thread_id ? t->l.tstate_id
							       : t->off.tstate_thread_id) +
		     sizeof(uint64_t);
	int err = bb_mem__plausible(addr) ? bb_mem__read(m, addr, buf, len) : -EFAULT;

	if (err)
		return err;
	memset(th, 0, sizeof(*th));
	th->tstate = addr;
	th->met = true;
	th->interp = bb_mem__word(buf, t->l.tstate_interp);
	th->self = bb_mem__word(buf, t->off.tstate_thread_id);
	th->id = bb_mem__word(buf, t->l.tstate_id);
	*next = bb_mem__word(buf, t->off.tstate_next);
	return 0;
}

static int walk_interpreter(const struct bb_py_threads *t, struct bb_mem *m, uint64_t interp,
			    size_t max, struct threads *out)
{
	struct thread th;
	uint64_t at;
	int err = bb_mem__u64(m, interp + t->off.interp_threads, &at);

	while (!err && at && out->nr < max) {
		err = read_thread(t, m, at, &th, &at);
		if (!err && th.interp != interp)
			err = -EFAULT;
		/* one that has not run yet has no pthread_self() of its own */
		if (err || !th.self)
			continue;
		th.rank = (uint32_t)out->nr;
		out->items[out->nr++] = th;
	}
	return err;
}

static int walk_once(const struct bb_py_threads *t, struct bb_mem *m, size_t max,
		     struct threads *out, bool *cut)
{
	uint64_t interp;
	int err = bb_mem__u64(m, t->runtime + t->off.interp_head, &interp);

	out->nr = 0;
	for (int i = 0; i < INTERPRETERS_MAX && !err && interp && out->nr < max; i++) {
		err = bb_mem__plausible(interp) ? walk_interpreter(t, m, interp, max, out)
						: -EFAULT;
		if (!err)
			err = bb_mem__u64(m, interp + t->off.interp_next, &interp);
	}
	*cut = err || interp || out->nr == max;
	return err;
}

/*
 * The thread states as they are now, @max at most. *cut: there may be more. A list that
 * changes under our hands ends where we lose it: then once more.
 */
static int walk(const struct bb_py_threads *t, struct bb_mem *m, size_t max, struct threads *out,
		bool *cut)
{
	int err = -EFAULT;

	memset(out, 0, sizeof(*out));
	out->items = calloc(max, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (int i = 0; i < WALKS && err == -EFAULT; i++)
		err = walk_once(t, m, max, out, cut);
	return err == -EFAULT ? 0 : err;
}

static int by_self(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	if (x->interp != y->interp)
		return x->interp < y->interp ? -1 : 1;
	if (x->self != y->self)
		return x->self < y->self ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int by_tstate(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	return x->tstate < y->tstate ? -1 : x->tstate > y->tstate;
}

/*
 * Until 3.11 a new thread's state has its parent's pthread_self() until it runs: of two
 * that have the same the newer is left out. (By tstate from here on; each once, for a
 * made-up list may be a ring.)
 */
static void tidy(struct threads *l)
{
	size_t nr = 0;

	if (!l->nr)
		return;
	qsort(l->items, l->nr, sizeof(*l->items), by_self);
	for (size_t i = 0; i < l->nr; i++)
		if (i + 1 == l->nr || l->items[i].interp != l->items[i + 1].interp ||
		    l->items[i].self != l->items[i + 1].self)
			l->items[nr++] = l->items[i];
	l->nr = nr;
	qsort(l->items, l->nr, sizeof(*l->items), by_tstate);
}

static struct thread *find(const struct threads *l, const struct thread *key)
{
	struct thread *th = l->nr ? bsearch(key, l->items, l->nr, sizeof(*key), by_tstate) : NULL;

	return th && th->id == key->id && th->self == key->self && th->interp == key->interp ? th
											     : NULL;
}

/* ---- those that have ended */

static int by_time(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	return x->read_at > y->read_at ? -1 : x->read_at < y->read_at;
}

/* Keep the name of one that is not on the list any more; the older half goes when all is full. */
static int keep(struct bb_py_threads *t, const struct thread *th)
{
	struct threads *l = &t->ended;

	if (!l->items)
		l->items = calloc(BB_PY_THREADS_KEPT, sizeof(*l->items));
	if (!l->items)
		return -ENOMEM;
	if (l->nr == BB_PY_THREADS_KEPT) {
		qsort(l->items, l->nr, sizeof(*l->items), by_time);
		while (l->nr > BB_PY_THREADS_KEPT / 2)
			drop_name(t, &l->items[--l->nr]);
	}
	l->items[l->nr++] = *th;
	return 0;
}

/*
 * What is known of threads goes on with those of @now, which become the live ones.
 * Where the walk was @cut, those that it has not met may be alive.
 */
static int take_over(struct bb_py_threads *t, struct threads *now, bool cut)
{
	struct threads old = t->live;
	struct thread *shorter;
	size_t nr = now->nr;
	int err = 0;

	if (cut && old.nr) {
		struct thread *more = realloc(now->items, (nr + old.nr) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		now->items = more;
	}
	for (size_t i = 0; i < old.nr; i++) {
		struct thread *th = &old.items[i], *same = find(now, th);

		if (same) {
			same->name = th->name;
			same->read_at = th->read_at;
			same->tries = th->tries;
		} else if (cut && nr < BB_PY_THREADS_MAX) {
			th->met = false;
			now->items[nr++] = *th;
		} else if (th->name && keep(t, th)) {
			drop_name(t, th);
			err = -ENOMEM;
		}
	}
	free(old.items);
	shorter = realloc(now->items, (nr ? nr : 1) * sizeof(*shorter));
	t->live.items = shorter ? shorter : now->items;
	t->live.nr = nr;
	if (nr > now->nr)
		qsort(t->live.items, nr, sizeof(*t->live.items), by_tstate);
	memset(now, 0, sizeof(*now));
	return err;
}

/* ---- their names */

static bool is_pending(const struct thread *th, bool all)
{
	return th->met && (all || (!th->name && th->tries < TRIES));
}

/* threading's dict {pthread_self(): Thread}. -ENOENT: this interpreter has none. */
static int read_active(struct bb_py_threads *t, struct bb_mem *m, uint64_t interp,
		       struct bb_py_item **items, size_t *nr)
{
	uint64_t modules, threading, dict, active;
	int err;

	*items = NULL;
	*nr = 0;
	err = bb_mem__u64(m, interp + t->l.modules, &modules);
	if (!err)
		err = bb_py_attrs__item(&t->attrs, m, modules, "threading", &threading);
	if (!err)
		err = bb_py_attrs__is_a(&t->attrs, m, threading, "module");
	if (!err)
		err = bb_mem__u64(m, threading + t->attrs.l.md_dict, &dict);
	if (!err)
		err = bb_py_attrs__item(&t->attrs, m, dict, "_active", &active);
	return err ? err : bb_py_attrs__items(&t->attrs, m, active, items, nr);
}

/* Thread._name, if it is still that once it was read. */
static int read_name(struct bb_py_threads *t, struct bb_mem *m, uint64_t object, char **name)
{
	uint64_t str, slot, again;
	int err = -EAGAIN;

	*name = NULL;
	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		err = bb_py_attrs__get(&t->attrs, m, object, "_name", &str, &slot);
		if (err)
			return err;
		err = bb_py_attrs__str(&t->attrs, m, str, BB_PY_THREAD_NAME_MAX, name);
		if (!bb_mem__u64(m, slot, &again) && again != str)
			err = -EAGAIN;
		if (err) {
			free(*name);
			*name = NULL;
		}
	}
	if (err)
		return err;
	/* what threading calls a thread that it has not started tells nothing */
	if (!**name || (!strncmp(*name, "Dummy-", 6) &&
			!bb_py_attrs__is_a(&t->attrs, m, object, "_DummyThread"))) {
		free(*name);
		*name = NULL;
		return -ENOENT;
	}
	return 0;
}

/* A failure that is about one object: the others may be had. */
static bool is_fatal(int err)
{
	return err && err != -ENOENT && err != -EFAULT && err != -EAGAIN;
}

static int compare_items(const void *a, const void *b)
{
	const struct bb_py_item *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Read the names of one interpreter's pending threads. */
static int name_interpreter(struct bb_py_threads *t, struct bb_mem *m, uint64_t interp, bool all)
{
	struct bb_py_item *items, *found;
	size_t nr;
	int err = read_active(t, m, interp, &items, &nr);

	if (!err)
		qsort(items, nr, sizeof(*items), compare_items);
	for (size_t i = 0; i < t->live.nr && !is_fatal(err); i++) {
		struct thread *th = &t->live.items[i];
		struct bb_py_item key = { .hash = th->self };

		if (th->interp != interp || !is_pending(th, all))
			continue;
		th->asked = true;
		found = items ? bsearch(&key, items, nr, sizeof(key), compare_items) : NULL;
		if (found)
			err = read_name(t, m, found->value, &th->fresh);
		/* it was not asked to the end: once more by the next look */
		if (err == -EDQUOT)
			th->asked = false;
	}
	free(items);
	return is_fatal(err) ? err : 0;
}

/*
 * A name that was read belongs to a thread that was there before and after. What this
 * costs is bounded by the walk itself: it may overdraw, or what was read was read in vain.
 */
static int confirm(struct bb_py_threads *t, struct bb_mem *m, size_t max, uint64_t now)
{
	int64_t left = m->left;
	struct threads again;
	bool cut;
	int err;

	m->left = INT64_MAX - 1;
	err = walk(t, m, max, &again, &cut);
	m->left = left == INT64_MAX ? left : left - (INT64_MAX - 1 - m->left);
	if (!err)
		tidy(&again);
	for (size_t i = 0; i < t->live.nr; i++) {
		struct thread *th = &t->live.items[i];

		if (th->fresh && !err && find(&again, th))
			take_name(t, th, now);
		else
			free(th->fresh);
		th->fresh = NULL;
	}
	free(again.items);
	return err;
}

static int read_names(struct bb_py_threads *t, struct bb_mem *m, bool all, size_t max,
		      uint64_t (*now)(void))
{
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < t->live.nr && !err; i++) {
		struct thread *th = &t->live.items[i];

		if (!th->asked && is_pending(th, all))
			err = name_interpreter(t, m, th->interp, all);
	}
	for (size_t i = 0; i < t->live.nr; i++)
		any |= t->live.items[i].fresh != NULL;
	if (any) {
		int failed = confirm(t, m, max, now());

		err = err ? err : failed;
	}
	for (size_t i = 0; i < t->live.nr; i++) {
		struct thread *th = &t->live.items[i];

		th->tries += th->asked && th->tries < TRIES;
		th->asked = false;
	}
	return err;
}

int bb_py_threads__look(struct bb_py_threads *t, struct bb_mem *m, bool all, uint64_t (*now)(void))
{
	size_t max = all ? BB_PY_THREADS_MAX : BB_PY_THREADS_LOOK;
	struct threads met = {};
	bool cut;
	int err;

	err = t->err ? t->err : find_modules(t, m);
	if (err)
		return err;
	free(t->index);
	t->index = NULL;
	t->nr_index = 0;
	bb_py_attrs__forget(&t->attrs);
	err = walk(t, m, max, &met, &cut);
	if (!err) {
		tidy(&met);
		err = take_over(t, &met, cut);
	}
	free(met.items);
	for (size_t i = 0; i < t->live.nr; i++)
		t->live.items[i].given = false;
	for (size_t i = 0; i < t->ended.nr; i++)
		t->ended.items[i].given = false;
	/* those without a name first, as there may be too many for all */
	if (!err)
		err = read_names(t, m, false, max, now);
	return err || !all ? err : read_names(t, m, true, max, now);
}

/* ---- who has which name */

static int compare_index(const void *a, const void *b)
{
	const struct thread *x = *(struct thread *const *)a, *y = *(struct thread *const *)b;

	if (x->self != y->self)
		return x->self < y->self ? -1 : 1;
	return by_time(x, y);
}

/* Those with a name by pthread_self(), the latest first. */
static int index_names(struct bb_py_threads *t)
{
	size_t room = t->live.nr + t->ended.nr;

	if (t->index || !room)
		return 0;
	t->index = calloc(room, sizeof(*t->index));
	if (!t->index)
		return -ENOMEM;
	for (size_t i = 0; i < t->live.nr; i++)
		if (t->live.items[i].name)
			t->index[t->nr_index++] = &t->live.items[i];
	for (size_t i = 0; i < t->ended.nr; i++)
		t->index[t->nr_index++] = &t->ended.items[i];
	if (t->nr_index)
		qsort(t->index, t->nr_index, sizeof(*t->index), compare_index);
	return 0;
}

/* The first of the index that has this pthread_self(), or where it would be. */
static size_t first_of(const struct bb_py_threads *t, uint64_t self)
{
	size_t lo = 0, hi = t->nr_index;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->index[mid]->self < self)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const char *bb_py_threads__name(struct bb_py_threads *t, uint64_t self, uint64_t tstate,
				uint64_t start, uint64_t end)
{
	struct thread *best = NULL;
	size_t i;

	if ((!self && !tstate) || index_names(t))
		return NULL;
	/* pthread_self() is the thread's as long as it lives, a thread state need not be */
	for (i = self ? first_of(t, self) : 0; i < t->nr_index; i++) {
		struct thread *th = t->index[i];

		if (self && th->self != self)
			break;
		if ((!self && th->tstate != tstate) || th->given || th->read_at < start ||
		    th->read_at > end)
			continue;
		if (!best || best->read_at < th->read_at)
			best = th;
	}
	if (!best)
		return NULL;
	best->given = true;
	return best->name;
}
