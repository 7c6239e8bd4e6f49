// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "python_code.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 1024

/*
 * x86-64, builds with GIL. From the DWARF of pyenv builds 3.7.16 to 3.12.1 and
 * the internal headers of 3.13.18, 3.14.10 and 3.15.2, checked against live
 * processes. PyFrameObject until 3.10, _PyInterpreterFrame since 3.11.
 */
static const struct {
	uint32_t minor;
	struct bb_py_offsets o;
	uint16_t co_filename, co_name; /* in PyCodeObject */
	uint16_t ascii_data;           /* of a compact ASCII str */
} layouts[] = {
	{ 0x0307, { 24, 0, 8, 8, 176, 24, 0, 0, 32, 24, 0, 0, 1504, 104, 112, 0 }, 96, 104, 48 },
	{ 0x0308, { 32, 0, 8, 8, 176, 24, 0, 0, 32, 24, 0, 0, 1392, 104, 112, 0 }, 104, 112, 48 },
	{ 0x0309, { 32, 0, 8, 8, 176, 24, 0, 0, 32, 24, 0, 0, 584, 104, 112, 0 }, 104, 112, 48 },
	{ 0x030a, { 32, 0, 8, 8, 176, 24, 0, 0, 32, 24, 0, 0, 584, 96, 104, 0 }, 104, 112, 48 },
	{ 0x030b, { 40, 0, 16, 8, 152, 56, 8, 1, 32, 48, 0, 0, 592, 56, 64, 1 }, 112, 120, 48 },
	{ 0x030c, { 40, 0, 72, 8, 136, 56, 0, 1, 0, 8, 70, 1, 1544, 56, 72, 1 }, 112, 120, 40 },
	{ 0x030d, { 632, 7264, 7344, 8, 152, 72, 0, 0, 0, 8, 70, 1, 2160, 56, 72, 1 }, 112, 120, 40 },
	{ 0x030e, { 808, 7272, 7344, 8, 152, 72, 0, 0, 0, 8, 74, 1, 2336, 56, 80, 1 }, 112, 120, 40 },
	{ 0x030f, { 936, 7264, 7336, 8, 176, 72, 0, 0, 0, 8, 74, 1, 0, 56, 80, 1 }, 112, 120, 40 },
};

static int layout_of(uint32_t version_hex)
{
#if defined(__x86_64__)
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].minor == version_hex >> 16)
			return (int)i;
#endif
	(void)version_hex;
	return -ENOTSUP;
}

int bb_py_frames__get(uint32_t version_hex, bool free_threaded, struct bb_py_offsets *o)
{
	int i = layout_of(version_hex);

	memset(o, 0, sizeof(*o));
	if (i < 0 || free_threaded)
		return -ENOTSUP;
	*o = layouts[i].o;
	return 0;
}

/*
 * The end of a str of the target, as ASCII; other characters are shown as '?'.
 * PyASCIIObject: length at 16, state at 32 (kind in bits 2 to 4, compact, ascii).
 */
static int read_str(struct bb_mem *m, uint64_t addr, uint16_t data, char *buf, size_t len)
{
	uint64_t size;
	uint32_t state;
	int err;

	err = bb_mem__read(m, addr + 16, &size, sizeof(size));
	if (!err)
		err = bb_mem__read(m, addr + 32, &state, sizeof(state));
	if (err)
		return err;
	if (!size || size > NAME_MAX_BYTES || (state & 0x60) != 0x60)
		return -EFAULT;
	if (size >= len) {
		addr += size - (len - 1);
		size = len - 1;
	}
	err = bb_mem__read(m, addr + data, buf, size);
	if (err)
		return err;
	buf[size] = '\0';
	for (char *c = buf; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return strlen(buf) == size ? 0 : -EFAULT;
}

/* The last two parts of a path: enough to tell threading.py from one's own. */
static const char *short_path(const char *path)
{
	const char *last = strrchr(path, '/'), *s = last;

	while (s && s > path && s[-1] != '/')
		s--;
	return s && s > path ? s : path;
}

int bb_py_code__name(struct bb_mem *m, uint32_t version_hex, uint64_t addr, char *buf, size_t len)
{
	char file[256], name[128];
	uint64_t ptrs[2];
	int i = layout_of(version_hex), err;

	if (i < 0)
		return i;
	/* co_filename and co_name are neighbours in every version */
	err = bb_mem__read(m, addr + layouts[i].co_filename, ptrs, sizeof(ptrs));
	if (!err)
		err = read_str(m, ptrs[0], layouts[i].ascii_data, file, sizeof(file));
	if (!err)
		err = read_str(m, ptrs[1], layouts[i].ascii_data, name, sizeof(name));
	if (err)
		return err;
	snprintf(buf, len, "%s:%s", short_path(file), name);
	return 0;
}
