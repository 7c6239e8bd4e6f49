// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Objects of glibc by their waits and their memory: each kind that fires, and what must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/model/lock_rule.h"

/* futex operations as glibc passes them */
#define WAIT      0
#define BITSET    9
#define PRIVATE   128
#define REALTIME  256
#define OP        (BITSET | PRIVATE | REALTIME)
#define OP_SHARED (BITSET | REALTIME)

#define WORDS  ((BB_LOOK_BEFORE + BB_LOOK_AFTER) / 4)
#define BEFORE (BB_LOOK_BEFORE / 4)

struct image {
	const char *what;
	uint32_t op, val;
	bool open;
	uint64_t waits;
	int at; /* words from which w[] goes on, from the futex's on */
	uint32_t w[16];
	enum bb_lock_kind kind;
};

static struct bb_lock_look look_of(const struct image *t)
{
	struct bb_lock_look k = { .op = t->op,
				  .val = t->val,
				  .where = BB_AT_WORD,
				  .before = BB_LOOK_BEFORE,
				  .after = BB_LOOK_AFTER };
	uint32_t mem[WORDS];

	/* what is beside it looks like nothing */
	for (int i = 0; i < WORDS; i++)
		mem[i] = 0xdeadbeef;
	for (int i = 0; i < 16 && BEFORE + t->at + i < WORDS; i++)
		mem[BEFORE + t->at + i] = t->w[i];
	memcpy(k.mem, mem, sizeof(k.mem));
	return k;
}

static const struct image images[] = {
	/* an rwlock's first word is two words in front of the row's */
	{ "rwlock, a reader waits",
	  OP,
	  3,
	  true,
	  1,
	  -2,
	  { 11, 1, 3, 1, 0, 0, 4711 },
	  BB_LOCK_RWLOCK },
	{ "rwlock, a writer waits for readers",
	  OP,
	  2,
	  true,
	  1,
	  -2,
	  { 18, 1, 2, 1 },
	  BB_LOCK_RWLOCK },
	{ "rwlock, nobody waits any more", OP, 3, false, 9, -2, { 0, 0, 1 }, BB_LOCK_RWLOCK },
	{ "rwlock, shared",
	  OP_SHARED,
	  3,
	  true,
	  1,
	  -2,
	  { 11, 1, 3, 1, 0, 0, 4711, 1 },
	  BB_LOCK_RWLOCK },
	{ "rwlock where writers go first", OP, 14, true, 1, 0, { 14, 1, 2, 1 }, BB_LOCK_RWLOCK },
	{ "shared by its memory, not by its waits",
	  OP,
	  3,
	  true,
	  1,
	  -2,
	  { 11, 1, 3, 1, 0, 0, 4711, 1 },
	  BB_LOCK_UNKNOWN },
	{ "somebody waits, and no word says so",
	  OP,
	  3,
	  true,
	  1,
	  -2,
	  { 11, 1, 1, 1, 0, 0, 4711 },
	  BB_LOCK_UNKNOWN },
	{ "another value than an rwlock's",
	  OP,
	  5,
	  true,
	  1,
	  -2,
	  { 11, 1, 3, 1, 0, 0, 4711 },
	  BB_LOCK_UNKNOWN },
	{ "an rwlock's memory, a call that it never makes",
	  WAIT | PRIVATE,
	  3,
	  true,
	  1,
	  -2,
	  { 11, 1, 3, 1, 0, 0, 4711 },
	  BB_LOCK_UNKNOWN },
	{ "something where two words are unused",
	  OP,
	  3,
	  true,
	  1,
	  -2,
	  { 11, 1, 3, 1, 7, 0, 4711 },
	  BB_LOCK_UNKNOWN },
	{ "semaphore", OP, 0, true, 3, 0, { 0, 2, 0 }, BB_LOCK_SEMAPHORE },
	{ "semaphore, by the monotonic clock",
	  BITSET | PRIVATE,
	  0,
	  true,
	  3,
	  0,
	  { 0, 2, 0 },
	  BB_LOCK_SEMAPHORE },
	{ "semaphore that nobody waits for any more",
	  OP,
	  0,
	  false,
	  3,
	  0,
	  { 5, 0, 0 },
	  BB_LOCK_SEMAPHORE },
	{ "semaphore, shared", OP_SHARED, 0, true, 3, 0, { 0, 1, 128 }, BB_LOCK_SEMAPHORE },
	{ "somebody waits, and it counts nobody", OP, 0, true, 3, 0, { 0, 0, 0 }, BB_LOCK_UNKNOWN },
	{ "no number of waiters", OP, 0, false, 3, 0, { 0, 0x55d0c0de, 0 }, BB_LOCK_UNKNOWN },
	{ "neither shared nor not", OP, 0, true, 3, 0, { 0, 2, 7 }, BB_LOCK_UNKNOWN },
	/* waits, woken; references to 2.40; sizes, the group's, waiters; and the two words */
	{ "condition",
	  OP,
	  0,
	  true,
	  9,
	  -10,
	  { 21, 0, 16, 0, 2, 0, 1, 0, 0, 16, 0, 0 },
	  BB_LOCK_CONDITION },
	{ "condition that nobody waits for any more",
	  OP,
	  0,
	  false,
	  9,
	  -10,
	  { 20, 0, 18, 0, 0, 0, 0, 0, 8, 0, 0, 0 },
	  BB_LOCK_CONDITION },
	{ "condition of 2.41",
	  OP,
	  18,
	  true,
	  9,
	  -8,
	  { 21, 0, 18, 0, 0, 1, 4, 8, 0, 18, 0, 0 },
	  BB_LOCK_CONDITION },
	{ "condition, shared",
	  OP_SHARED,
	  0,
	  true,
	  9,
	  -10,
	  { 21, 0, 16, 0, 2, 0, 1, 0, 0, 17, 0, 0 },
	  BB_LOCK_CONDITION },
	{ "more were woken than waited",
	  OP,
	  5,
	  true,
	  9,
	  -10,
	  { 21, 0, 30, 0, 2, 7, 1, 0, 0, 16, 0, 0 },
	  BB_LOCK_UNKNOWN },
	{ "far fewer waits than were seen",
	  OP,
	  5,
	  true,
	  900,
	  -10,
	  { 21, 0, 16, 0, 2, 0, 1, 0, 0, 16, 0, 0 },
	  BB_LOCK_UNKNOWN },
	{ "zeros are no condition", OP, 0, false, 9, -10, { 0 }, BB_LOCK_SEMAPHORE },
	/* the number of those that came is in front of the word */
	{ "barrier", WAIT | PRIVATE, 6, true, 2, -1, { 8, 6, 3, 0, 6 }, BB_LOCK_BARRIER },
	{ "barrier in its second round, that waits for 2",
	  WAIT | PRIVATE,
	  2,
	  true,
	  2,
	  -1,
	  { 3, 2, 2, 0, 2 },
	  BB_LOCK_BARRIER },
	{ "barrier, shared", WAIT, 6, true, 2, -1, { 8, 6, 3, 128, 6 }, BB_LOCK_BARRIER },
	{ "no whole round", WAIT | PRIVATE, 5, true, 2, -1, { 8, 5, 3, 0, 5 }, BB_LOCK_UNKNOWN },
	{ "mutex whose owner is no count",
	  WAIT | PRIVATE,
	  2,
	  true,
	  2,
	  -1,
	  { 0, 2, 0, 4711, 1 },
	  BB_LOCK_UNKNOWN },
};

static void kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		const struct image *t = &images[i];
		struct bb_lock l = { .open = t->open, .waits = t->waits };
		struct bb_lock_look k = look_of(t);
		enum bb_lock_kind kind = bb_glibc__kind(&l, &k);

		if (kind != t->kind)
			fail_msg("%s: kind %d, not %d", t->what, kind, t->kind);
		/* nothing is told where nothing could be read, or the word is on a stack */
		k.before = k.after = 0;
		assert_int_equal(bb_glibc__kind(&l, &k), BB_LOCK_UNKNOWN);
		k = look_of(t);
		k.where = BB_AT_STACK;
		assert_int_equal(bb_glibc__kind(&l, &k), BB_LOCK_UNKNOWN);
	}
}

static enum bb_state judge(struct bb_lock *l, const char *what)
{
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		if (!strcmp(images[i].what, what)) {
			struct bb_lock_look k = look_of(&images[i]);

			l->open = images[i].open;
			l->waits = images[i].waits;
			bb_lock__judge(l, &k);
			return l->state;
		}
	fail_msg("no image: %s", what);
	return BB_STATE_MAX;
}

/* What a kind says of lock or queue, whatever way its waits ended. */
static void states(void **state)
{
	struct bb_lock fed = { .fed_ns = 100 }, handed = { .handed_ns = 100 };
	struct bb_lock proto = { .proto_ns = 100 }, none = { .other_ns = 100 };
	struct bb_lock python = { .handed_ns = 100, .code = "app.py:use" };

	(void)state;
	assert_int_equal(judge(&fed, "rwlock, a reader waits"), BB_STATE_LOCK);
	assert_int_equal(fed.rule, BB_RULE_PROTOCOL);
	assert_int_equal(judge(&fed, "semaphore"), BB_STATE_QUEUE);
	assert_int_equal(judge(&fed, "condition"), BB_STATE_QUEUE);
	/* one of one permit is a lock */
	assert_int_equal(judge(&handed, "semaphore"), BB_STATE_LOCK);
	assert_int_equal(handed.rule, BB_RULE_HANDED);
	assert_int_equal(judge(&none, "semaphore"), BB_STATE_QUEUE);
	/* who waits for others to come holds nothing */
	assert_int_equal(judge(&handed, "barrier"), BB_STATE_QUEUE);
	assert_int_equal(judge(&proto, "barrier in its second round, that waits for 2"),
			 BB_STATE_QUEUE);
	assert_int_equal(proto.kind, BB_LOCK_BARRIER);
	assert_int_equal(judge(&proto, "mutex whose owner is no count"), BB_STATE_LOCK);
	assert_int_equal(proto.kind, BB_LOCK_MUTEX);
	/* a threading.Lock is a semaphore of its own; one between processes is not */
	assert_int_equal(judge(&python, "semaphore"), BB_STATE_LOCK);
	assert_int_equal(python.kind, BB_LOCK_PYTHON);
	python.shared = true;
	judge(&python, "semaphore, shared");
	assert_int_equal(python.kind, BB_LOCK_SEMAPHORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
