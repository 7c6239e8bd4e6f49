/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Not a Python: pretends to be CPython 3.12 with threads that run code and wait for the GIL,
 * and holds there what a hostile program would.
 *
 * One thread holds the "GIL", others wait for it in slices as take_gil() does, and others
 * sleep; all of them in frames. Prints "ready", ends when killed.
 * Build with -rdynamic -pthread. usage: fake_python CASE
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 64
#define FRAMES  64
#define ENTRIES 65536

/* As 8-byte words: index is the offset by 8. */
uint64_t _PyRuntime[16384];
uint32_t Py_Version = 0x030c01f0;

enum { TYPE, CODE, STR, BYTES, DICT, MODULE, THREAD, NR_TYPES };

static uint64_t interp[256], gil[64];
static uint64_t types[NR_TYPES][128];
static uint64_t tstates[THREADS][64];
static uint64_t cframes[THREADS];
static uint64_t frames[THREADS][FRAMES + 1][16];
static uint64_t codes[FRAMES][32];
static uint64_t file_name[64], function_name[64], other_name[64], threading_name[64];
static uint64_t thread_objects[THREADS][8];
static uint64_t module[8], *table;
static pthread_key_t key;
static int moving; /* each pass of a thread is in a stack that was never seen */

static uint64_t addr(const void *p)
{
	return (uintptr_t)p;
}

static void make_type(int which, const char *name)
{
	types[which][1] = addr(types[TYPE]);
	types[which][3] = addr(name); /* tp_name */
}

static void make_str(uint64_t *s, const char *text)
{
	s[1] = addr(types[STR]);
	s[2] = strlen(text);
	s[4] = 1 << 2 | 0x20 | 0x40; /* one byte a character, compact, ASCII */
	strcpy((char *)&s[5], text);
}

/* All code objects are alike; @len bytes of a line table that are all an entry of one instruction.
 */
static void make_codes(size_t len)
{
	table = malloc(64 + len);
	table[1] = addr(types[BYTES]);
	table[2] = len;
	memset(&table[4], 0x80 | 10 << 3, len);
	for (int i = 0; i < FRAMES; i++) {
		codes[i][1] = addr(types[CODE]);
		codes[i][2] = len; /* instructions */
		codes[i][68 / 8] = (uint64_t)(i + 1) << 32;
		codes[i][112 / 8] = addr(file_name);
		codes[i][120 / 8] = addr(function_name);
		codes[i][128 / 8] = addr(function_name);
		codes[i][136 / 8] = addr(table);
	}
}

static void put_owner(uint64_t *frame, uint8_t owner)
{
	((uint8_t *)frame)[70] = owner;
}

static void make_threads(void)
{
	for (int t = 0; t < THREADS; t++) {
		tstates[t][1] = t + 1 < THREADS ? addr(tstates[t + 1]) : 0;
		tstates[t][2] = addr(interp);
		tstates[t][56 / 8] = addr(&cframes[t]);
		tstates[t][224 / 8] = t + 1;
		cframes[t] = addr(frames[t][0]);
		for (int f = 0; f < FRAMES; f++) {
			frames[t][f][0] = addr(codes[f]);
			frames[t][f][1] = f + 1 < 8 ? addr(frames[t][f + 1]) : 0;
			frames[t][f][7] = addr(codes[f]) + 192;
		}
	}
}

static void make_runtime(void)
{
	static const char *const names[] = { "type", "code",   "str",   "bytes",
					     "dict", "module", "Thread" };

	for (int i = 0; i < NR_TYPES; i++)
		make_type(i, names[i]);
	make_str(file_name, "/fake/file.py");
	make_str(function_name, "Fake.function");
	make_str(other_name, "threadinG");
	make_str(threading_name, "threading");
	_PyRuntime[40 / 8] = addr(interp);
	_PyRuntime[48 / 8] = addr(interp);
	pthread_key_create(&key, NULL);
	_PyRuntime[1544 / 8] = 1 | (uint64_t)key << 32;
	interp[72 / 8] = addr(tstates[0]);
	interp[384 / 8] = addr(gil);
	gil[0] = 5000;
	gil[1] = addr(tstates[0]); /* last_holder */
	gil[2] = 1;                /* locked */
	make_codes(64);
	make_threads();
}

/* A dict of @nr entries: the last one has @last_key. */
static uint64_t *make_dict(size_t nr, int general, uint64_t last_key, uint64_t last_value)
{
	size_t width = general ? 3 : 2, log2 = 17;
	uint64_t *dict = calloc(8, 8), *keys = calloc(1, 32 + (4u << log2) + nr * width * 8), *at;

	((uint8_t *)keys)[8] = (uint8_t)log2;
	((uint8_t *)keys)[9] = (uint8_t)(log2 + 2);
	((uint8_t *)keys)[10] = general ? 0 : 1;
	keys[3] = nr;
	dict[1] = addr(types[DICT]);
	dict[4] = addr(keys);
	at = keys + (32 + (4u << log2)) / 8;
	for (size_t i = 0; i < nr; i++, at += width) {
		at[0] = general ? i : addr(other_name);
		at[width - 2] = addr(other_name);
		at[width - 1] = addr(module);
	}
	at -= width;
	at[0] = last_key; /* the hash, where there is one: of an int itself */
	at[width - 2] = general ? addr(other_name) : last_key;
	at[width - 1] = last_value;
	return dict;
}

/* sys.modules without end, or up to the Thread objects, each with as many attributes. */
static void make_modules(int all_the_way)
{
	static uint64_t active_name[64];
	uint64_t *attributes, *active, *namespace;

	make_str(active_name, "_active");
	module[1] = addr(types[MODULE]);
	if (!all_the_way) {
		interp[944 / 8] = addr(make_dict(ENTRIES, 0, addr(other_name), addr(module)));
		return;
	}
	/* an instance dict at offset 16, of a class that Python code made */
	types[THREAD][168 / 8] = 1u << 9;
	types[THREAD][32 / 8] = 64;
	types[THREAD][288 / 8] = 16;
	make_str(other_name, "_namE");
	attributes = make_dict(ENTRIES, 0, addr(other_name), addr(module));
	active = make_dict(THREADS, 1, 0, 0);
	for (int t = 0; t < THREADS; t++) {
		thread_objects[t][1] = addr(types[THREAD]);
		thread_objects[t][2] = addr(attributes);
	}
	namespace = make_dict(1, 0, addr(active_name), addr(active));
	module[2] = addr(namespace);
	interp[944 / 8] = addr(make_dict(1, 0, addr(threading_name), addr(module)));
}

/* threading._active: pthread_self() to Thread, known once the threads run. */
static void enter_threads(void)
{
	uint64_t *modules = (uint64_t *)interp[944 / 8], *namespace, *active, *keys;

	if (!modules || !module[2])
		return;
	namespace = (uint64_t *)module[2];
	keys = (uint64_t *)namespace[4] + (32 + (4u << 17)) / 8;
	active = (uint64_t *)keys[1];
	keys = (uint64_t *)active[4] + (32 + (4u << 17)) / 8;
	for (int t = 0; t < THREADS; t++) {
		keys[3 * t] = tstates[t][136 / 8];
		keys[3 * t + 2] = addr(thread_objects[t]);
	}
}

static void each_frame(void (*change)(uint64_t *frame, int t, int f))
{
	for (int t = 0; t < THREADS; t++)
		for (int f = 0; f < FRAMES; f++)
			change(frames[t][f], t, f);
}

static void in_a_ring(uint64_t *frame, int t, int f)
{
	frame[1] = addr(frames[t][(f + 1) % 3]);
}

static void shims_in_a_ring(uint64_t *frame, int t, int f)
{
	in_a_ring(frame, t, f);
	put_owner(frame, 3);
}

static void all_of_them(uint64_t *frame, int t, int f)
{
	frame[1] = f + 1 < FRAMES ? addr(frames[t][f + 1]) : 0;
}

static void wild(uint64_t *frame, int t, int f)
{
	static const uint64_t nowhere[] = { 8, 1 << 12, 1ull << 46, 1ull << 47, 1ull << 62, ~7ull };

	frame[1] = t % 7 < 6 ? nowhere[t % 7] : addr(frames[t][f + 1]);
	frame[0] = nowhere[(t + f) % 6];
}

/* Code objects that are something else. */
static void other_objects(uint64_t *frame, int t, int f)
{
	const uint64_t *const objects[] = {
		file_name, types[STR], interp, tstates[t], gil, module
	};

	frame[0] = addr(objects[(t + f) % 6]);
}

static int setup(const char *name)
{
	make_runtime();
	if (!strcmp(name, "sane")) {
		return 0;
	} else if (!strcmp(name, "cyclic-frames")) {
		each_frame(in_a_ring);
	} else if (!strcmp(name, "cyclic-shims")) {
		each_frame(shims_in_a_ring);
	} else if (!strcmp(name, "cyclic-threads")) {
		/* no key leads to them: the list is all there is */
		_PyRuntime[1544 / 8] = 0;
		tstates[2][1] = addr(tstates[0]);
	} else if (!strcmp(name, "wild-frames")) {
		each_frame(wild);
		cframes[0] = 1ull << 46;
	} else if (!strcmp(name, "other-objects")) {
		each_frame(other_objects);
	} else if (!strcmp(name, "long-strings")) {
		file_name[2] = 1ull << 60;
		function_name[2] = ~0ull;
	} else if (!strcmp(name, "long-table")) {
		table[2] = 1ull << 60;
	} else if (!strcmp(name, "endless-tables")) {
		make_codes(100000);
		each_frame(all_of_them);
		moving = 1;
	} else if (!strcmp(name, "modules")) {
		make_modules(0);
	} else if (!strcmp(name, "attributes")) {
		make_modules(1);
	} else {
		return -1;
	}
	return 0;
}

/* Into a stack that nobody has seen yet, where that is the case. */
static void move(int t, uint64_t pass)
{
	if (moving)
		for (int f = 0; f < FRAMES; f++)
			frames[t][f][7] = addr(codes[f]) + 192 + 2 * (90000 + pass % 9000);
}

static void wait_for_gil(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += 5000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	/* pthread_cond_timedwait() of &gil.cond */
	syscall(SYS_futex, (uint32_t *)&gil[9], FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, &at,
		NULL, FUTEX_BITSET_MATCH_ANY);
}

static void *run(void *arg)
{
	int t = (int)(intptr_t)arg;
	struct timespec nap = { .tv_nsec = t && !moving ? 20000000 : 2000000 };

	pthread_setspecific(key, tstates[t]);
	__atomic_store_n(&tstates[t][136 / 8], (uint64_t)pthread_self(), __ATOMIC_RELEASE);
	for (uint64_t pass = 1;; pass++) {
		move(t, pass);
		if (t == 0 || t > THREADS / 2)
			nanosleep(&nap, NULL);
		else
			wait_for_gil();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 2 || setup(argv[1])) {
		fprintf(stderr, "usage: fake_python CASE\n");
		return 2;
	}
	prctl(PR_SET_NAME, "fake");
	for (int t = 0; t < THREADS; t++) {
		if (pthread_create(&thread, NULL, run, (void *)(intptr_t)t))
			return 1;
		while (!__atomic_load_n(&tstates[t][136 / 8], __ATOMIC_ACQUIRE))
			usleep(100);
	}
	enter_threads();
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
