// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "python_code.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../util/fmt.h"

#define NAME_MAX_BYTES 1024

#if defined(__x86_64__)
/*
 * Where frames are. From the DWARF of pyenv builds 3.7.16 to 3.12.1 and the internal
 * headers of 3.13.0, 3.13.18, 3.14.10 and 3.15.2, with and without Py_GIL_DISABLED,
 * checked against live processes (free-threaded: 3.13.5 only). PyFrameObject until
 * 3.10, _PyInterpreterFrame since 3.11. Free-threaded builds since 3.14 have
 * tlbc_index in front of the frame's owner; all else is where builds with GIL have it.
 */
static const struct {
	uint32_t minor;
	uint16_t ft_owner; /* frame_owner of the free-threaded build, 0: there is none */
	struct bb_py_offsets o;
} frames[] = {
	{ 0x0307, 0, { 24, 0, 8, 8, 176, 24, 0, 0, 32, 24, 0, 0, 1504, 104, 0, 0 } },
	{ 0x0308, 0, { 32, 0, 8, 8, 176, 24, 0, 0, 32, 24, 0, 0, 1392, 104, 0, 0 } },
	{ 0x0309, 0, { 32, 0, 8, 8, 176, 24, 0, 0, 32, 24, 0, 0, 584, 104, 0, 0 } },
	{ 0x030a, 0, { 32, 0, 8, 8, 176, 24, 0, 0, 32, 24, 0, 0, 584, 96, 0, 0 } },
	{ 0x030b, 0, { 40, 0, 16, 8, 152, 56, 8, 1, 32, 48, 0, 0, 592, 56, 0, 0 } },
	{ 0x030c, 0, { 40, 0, 72, 8, 136, 56, 0, 1, 0, 8, 70, 1, 1544, 56, 0, 0 } },
	{ 0x030d, 70, { 632, 7264, 7344, 8, 152, 72, 0, 0, 0, 8, 70, 1, 2160, 56, 0, 0 } },
	{ 0x030e, 78, { 808, 7272, 7344, 8, 152, 72, 0, 0, 0, 8, 74, 1, 2336, 56, 0, 0 } },
	{ 0x030f, 78, { 936, 7264, 7336, 8, 176, 72, 0, 0, 0, 8, 74, 1, 0, 56, 0, 0 } },
};

/*
 * How a free-threaded build stops its threads (Python/pystate.c): PyThreadState.state,
 * .interp, and stop_event of the struct _stoptheworld_state of PyInterpreterState and of
 * _PyRuntime. By offsetof() with the internal headers of 3.13.0, 3.13.5, 3.14.10 and 3.15.2
 * and Py_GIL_DISABLED, on x86-64; checked against live processes for 3.13.5.
 */
static const struct {
	uint32_t minor;
	struct bb_py_stops stops;
} stops[] = {
	{ 0x030d, { 40, 16, 10748, 10340 } },
	{ 0x030e, { 44, 16, 10852, 10556 } },
	{ 0x030f, { 48, 16, 10804, 10676 } },
};
#endif

#if defined(__LP64__)
/*
 * In PyCodeObject, from the same sources. co_name follows co_filename, and co_qualname
 * that. Free-threaded builds: PyObject is 16 bytes longer.
 */
static const struct {
	uint32_t minor;
	bool free_threaded;
	uint16_t filename, linetable, firstlineno, code, adaptive, tlbc;
} codes[] = {
	{ 0x0307, false, 96, 112, 36, 40, 0, 0 },    { 0x0308, false, 104, 120, 40, 48, 0, 0 },
	{ 0x0309, false, 104, 120, 40, 48, 0, 0 },   { 0x030a, false, 104, 120, 40, 48, 0, 0 },
	{ 0x030b, false, 112, 136, 72, 0, 184, 0 },  { 0x030c, false, 112, 136, 68, 0, 192, 0 },
	{ 0x030d, false, 112, 136, 68, 0, 200, 0 },  { 0x030e, false, 112, 136, 68, 0, 208, 0 },
	{ 0x030f, false, 112, 136, 68, 0, 208, 0 },  { 0x030d, true, 128, 152, 84, 0, 216, 0 },
	{ 0x030e, true, 128, 152, 84, 0, 232, 224 }, { 0x030f, true, 128, 152, 84, 0, 232, 224 },
};
#endif

/* How much of a frame is to be read: whole words. */
static uint16_t words_up_to(const struct bb_py_offsets *o)
{
	uint16_t last = o->frame_code;

	if (o->frame_previous > last)
		last = o->frame_previous;
	if (o->frame_pos > last)
		last = o->frame_pos;
	if (o->has_owner && o->frame_owner > last)
		last = o->frame_owner;
	return (uint16_t)((last / 8 + 1) * 8);
}

int bb_py_frames__get(uint32_t version_hex, bool free_threaded, struct bb_py_offsets *o)
{
	memset(o, 0, sizeof(*o));
#if defined(__x86_64__)
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		if (frames[i].minor != version_hex >> 16)
			continue;
		if (free_threaded && !frames[i].ft_owner)
			return -ENOTSUP;
		*o = frames[i].o;
		if (free_threaded)
			o->frame_owner = frames[i].ft_owner;
		o->frame_size = words_up_to(o);
		o->pos_is_ptr = frames[i].minor >= 0x030b;
		return 0;
	}
#endif
	(void)version_hex;
	(void)free_threaded;
	return -ENOTSUP;
}

int bb_py_stops__get(uint32_t version_hex, bool free_threaded, struct bb_py_stops *s)
{
	memset(s, 0, sizeof(*s));
#if defined(__x86_64__)
	for (size_t i = 0; free_threaded && i < sizeof(stops) / sizeof(stops[0]); i++) {
		if (stops[i].minor != version_hex >> 16)
			continue;
		*s = stops[i].stops;
		return 0;
	}
#endif
	(void)version_hex;
	(void)free_threaded;
	return -ENOTSUP;
}

int bb_py_code__layout(uint32_t version_hex, bool free_threaded, struct bb_py_code_layout *l)
{
	uint32_t minor = version_hex >> 16;
	uint16_t head = free_threaded ? 32 : 16; /* sizeof(PyObject) */
	size_t i = 0;

	memset(l, 0, sizeof(*l));
#if defined(__LP64__)
	while (i < sizeof(codes) / sizeof(codes[0]) &&
	       (codes[i].minor != minor || codes[i].free_threaded != free_threaded))
		i++;
	if (i == sizeof(codes) / sizeof(codes[0]))
		return -ENOTSUP;
	l->ob_type = head - 8;
	l->ob_size = head;
	l->tp_name = head + 8;
	l->bytes_val = head + 16;
	l->str_length = head;
	l->str_state = head + 16;
	/* 3.14 made `interned` a byte of its own where threads change it side by side */
	l->str_kind_shift = free_threaded && minor >= 0x030e ? 8 : 2;
	/* 3.12 dropped wchar_t *wstr, and its length from what is not ASCII (PEP 623) */
	l->str_ascii = minor >= 0x030c ? head + 24 : head + 32;
	l->str_compact = l->str_ascii + (minor >= 0x030c ? 16 : 24);
	l->co_filename = codes[i].filename;
	l->co_name = codes[i].filename + 8;
	l->co_qualname = minor >= 0x030b ? codes[i].filename + 16 : 0;
	l->co_linetable = codes[i].linetable;
	l->co_firstlineno = codes[i].firstlineno;
	l->co_code = codes[i].code;
	l->co_adaptive = codes[i].adaptive;
	l->co_tlbc = codes[i].tlbc;
	l->table = minor >= 0x030b   ? BB_PY_LOCATIONS
		   : minor == 0x030a ? BB_PY_RANGES
				     : BB_PY_LNOTAB;
	return 0;
#else
	(void)i;
	(void)minor;
	(void)head;
	return -ENOTSUP;
#endif
}

/*
 * Positions in _Py_DebugOffsets, from Include/internal/pycore_debug_offsets.h of 3.13.18,
 * 3.14.10 and 3.15.2 (3.13.0 has the same in pycore_runtime.h).
 */
static const struct {
	uint32_t minor;
	uint16_t current_frame, thread_id;
	uint16_t previous, executable, instr_ptr, owner;
	uint16_t filename, name, qualname, linetable, firstlineno, adaptive;
	uint16_t str_state, str_length, str_size;
} told[] = {
	{ 0x030d, 184, 192, 232, 240, 248, 264, 280, 288, 296, 304, 312, 344, 544, 552, 560 },
	{ 0x030e, 208, 216, 256, 264, 272, 288, 320, 328, 336, 344, 352, 384, 624, 632, 640 },
	{ 0x030f, 208, 240, 320, 328, 336, 352, 384, 392, 400, 408, 416, 448, 720, 728, 736 },
};

int bb_py_code__check(uint32_t version_hex, bool free_threaded, const void *debug_offsets)
{
	struct bb_py_code_layout l;
	struct bb_py_offsets o;
	size_t i = 0;
	int err;

	err = bb_py_code__layout(version_hex, free_threaded, &l);
	if (!err)
		err = bb_py_frames__get(version_hex, free_threaded, &o);
	if (err)
		return err;
	while (i < sizeof(told) / sizeof(told[0]) && told[i].minor != version_hex >> 16)
		i++;
	if (i == sizeof(told) / sizeof(told[0]))
		return 0;
#define SAME(position, known) (bb_mem__word(debug_offsets, told[i].position) == (known))
	if (SAME(current_frame, o.tstate_frame) && SAME(thread_id, o.tstate_thread_id) &&
	    SAME(previous, o.frame_previous) && SAME(executable, o.frame_code) &&
	    SAME(instr_ptr, o.frame_pos) && SAME(owner, o.frame_owner) &&
	    SAME(filename, l.co_filename) && SAME(name, l.co_name) &&
	    SAME(qualname, l.co_qualname) && SAME(linetable, l.co_linetable) &&
	    SAME(firstlineno, l.co_firstlineno) && SAME(adaptive, l.co_adaptive) &&
	    SAME(str_state, l.str_state) && SAME(str_length, l.str_length) &&
	    SAME(str_size, l.str_ascii))
		return 0;
#undef SAME
	return -EINVAL;
}

/* The end of a compact ASCII str of the target; what is not printable is shown as '?'. */
static int read_str(struct bb_mem *m, const struct bb_py_code_layout *l, uint64_t addr, char *buf,
		    size_t len)
{
	uint32_t state, want = 3u << (l->str_kind_shift + 3); /* compact, ascii */
	uint64_t size;
	int err;

	err = bb_mem__read(m, addr + l->str_length, &size, sizeof(size));
	if (!err)
		err = bb_mem__read(m, addr + l->str_state, &state, sizeof(state));
	if (err)
		return err;
	if (!size || size > NAME_MAX_BYTES || (state & want) != want)
		return -EFAULT;
	if (size >= len) {
		addr += size - (len - 1);
		size = len - 1;
	}
	err = bb_mem__read(m, addr + l->str_ascii, buf, size);
	if (err)
		return err;
	buf[size] = '\0';
	for (char *c = buf; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return strlen(buf) == size ? 0 : -EFAULT;
}

int bb_py_code__name(struct bb_mem *m, uint32_t version_hex, bool free_threaded, uint64_t addr,
		     char *buf, size_t len)
{
	struct bb_py_code_layout l;
	char file[256], name[128];
	uint64_t ptrs[2];
	int err;

	err = bb_py_code__layout(version_hex, free_threaded, &l);
	/* co_filename and co_name are neighbours in every version */
	if (!err)
		err = bb_mem__read(m, addr + l.co_filename, ptrs, sizeof(ptrs));
	if (!err)
		err = read_str(m, &l, ptrs[0], file, sizeof(file));
	if (!err)
		err = read_str(m, &l, ptrs[1], name, sizeof(name));
	if (err)
		return err;
	snprintf(buf, len, "%s:%s", bb_fmt__short_path(file), name);
	return 0;
}
