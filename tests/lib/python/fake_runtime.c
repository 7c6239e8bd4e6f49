/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Not a Python: exports _PyRuntime and Py_Version and fills them with what a hostile or
 * broken process could hold. Prints "ready", ends when stdin does.
 * Build with -rdynamic. usage: fake_runtime CASE
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INTERPS     100000
#define INTERP_SIZE 512 /* bytes; 3.12's fields that matter lie below */

/* As 8-byte words: index is the offset by 8. */
uint64_t _PyRuntime[16384];
uint32_t Py_Version;

static uint64_t interps[INTERPS][INTERP_SIZE / 8];
static uint64_t gils[INTERPS][3];
static uint64_t tstates[INTERPS][3];

/* A 3.12 interpreter that points at its neighbours as a real one does. */
static void make_interp(size_t i, size_t next, int own_gil)
{
	size_t gil = own_gil ? i : 0;

	interps[i][0] = (uintptr_t)interps[next];
	interps[i][1] = i;
	interps[i][72 / 8] = (uintptr_t)tstates[i];
	interps[i][384 / 8] = (uintptr_t)gils[gil];
	tstates[i][2] = (uintptr_t)interps[i];
	gils[gil][0] = 5000;
}

static void make_runtime(size_t head)
{
	Py_Version = 0x030c01f0;
	_PyRuntime[40 / 8] = (uintptr_t)interps[head];
	_PyRuntime[48 / 8] = (uintptr_t)interps[0]; /* main */
}

static void make_list(size_t n, int own_gil)
{
	size_t i;

	for (i = 0; i < n; i++)
		make_interp(i, i ? i - 1 : 0, own_gil);
	interps[0][0] = 0;
	make_runtime(n - 1);
}

static void fill(uint64_t word)
{
	size_t i;

	for (i = 0; i < sizeof(_PyRuntime) / 8; i++)
		_PyRuntime[i] = word;
}

static void fill_random(void)
{
	uint64_t x = 88172645463325252ull;
	size_t i;

	for (i = 0; i < sizeof(_PyRuntime) / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		_PyRuntime[i] = x;
	}
}

static void debug_offsets(uint64_t version, uint64_t offset)
{
	fill(offset);
	memcpy(_PyRuntime, "xdebugpy", 8);
	_PyRuntime[1] = version;
	_PyRuntime[2] = 0;
}

#ifdef TRACE_REFS
/* exported by builds with Py_TRACE_REFS, which have longer objects */
void _Py_PrintReferences(void)
{
}
#endif

/* A 3.13 whose GIL is where its own table says, and whose code is @shift bytes further on. */
static void make_313(uint64_t shift)
{
	/* position and value, of 3.13's table: what leads to the GIL, then to the code */
	static const struct {
		uint16_t position, value;
	} told[] = {
		{ 40, 1000 }, { 56, 8 },    { 64, 0 },    { 72, 72 },   { 112, 384 },
		{ 120, 400 }, { 128, 0 },   { 136, 416 }, { 144, 408 }, { 176, 16 },
		{ 184, 72 },  { 192, 152 }, { 232, 8 },   { 240, 0 },   { 248, 56 },
		{ 264, 70 },  { 280, 112 }, { 288, 120 }, { 296, 128 }, { 304, 136 },
		{ 312, 68 },  { 344, 200 }, { 544, 32 },  { 552, 16 },  { 560, 40 },
	};

	make_list(1, 1);
	memcpy(_PyRuntime, "xdebugpy", 8);
	_PyRuntime[1] = 0x030d00f0;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		_PyRuntime[told[i].position / 8] =
			told[i].value + (told[i].position > 200 ? shift : 0);
	_PyRuntime[1000 / 8] = (uintptr_t)interps[0];
	_PyRuntime[1008 / 8] = (uintptr_t)interps[0];
}

static int setup(const char *name)
{
	Py_Version = 0x030b02f0;
	if (!strcmp(name, "zero"))
		return 0;
	if (!strcmp(name, "random"))
		fill_random();
	else if (!strcmp(name, "random-312"))
		fill_random(), Py_Version = 0x030c00f0;
	else if (!strcmp(name, "self"))
		fill((uintptr_t)_PyRuntime);
	else if (!strcmp(name, "kernel-pointers"))
		fill(0xffffffff81000000ull);
	else if (!strcmp(name, "low-pointers"))
		fill(0x10);
	else if (!strcmp(name, "stack-pointers"))
		fill((uintptr_t)__builtin_frame_address(0));
	else if (!strcmp(name, "no-version"))
		Py_Version = 0xffffffff;
	else if (!strcmp(name, "future"))
		debug_offsets(0x031000f0, 64);
	else if (!strcmp(name, "debug-offsets-huge"))
		debug_offsets(0x030d00f0, UINT64_MAX);
	else if (!strcmp(name, "debug-offsets-zero"))
		debug_offsets(0x030e00f0, 0);
	else if (!strcmp(name, "debug-offsets-odd"))
		debug_offsets(0x030f00f0, 17);
	else if (!strcmp(name, "debug-offsets-version"))
		debug_offsets(UINT64_MAX, 64);
	else if (!strcmp(name, "cycle"))
		make_interp(0, 1, 1), make_interp(1, 0, 1), make_runtime(1);
	else if (!strcmp(name, "shared-gil"))
		make_list(3, 0);
	else if (!strcmp(name, "many"))
		make_list(100, 1);
	else if (!strcmp(name, "endless"))
		make_list(INTERPS, 1);
	else if (!strcmp(name, "bad-interval"))
		make_list(1, 1), gils[0][0] = 1ull << 40;
	else if (!strcmp(name, "bad-locked"))
		make_list(1, 1), gils[0][2] = 7;
	else if (!strcmp(name, "bad-holder"))
		make_list(1, 1), gils[0][1] = (uintptr_t)gils, gils[0][2] = 1;
	else if (!strcmp(name, "bad-thread"))
		make_list(1, 1), tstates[0][2] = 0;
	else if (!strcmp(name, "release-313"))
		make_313(0);
	else if (!strcmp(name, "other-313"))
		make_313(16);
	else if (!strcmp(name, "no-gil-yet"))
		make_list(1, 1), interps[0][384 / 8] = 0;
	else
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	char c;

	if (argc != 2 || setup(argv[1])) {
		fprintf(stderr, "usage: fake_runtime CASE\n");
		return 2;
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
