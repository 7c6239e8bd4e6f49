/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "python_str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_CHARACTER 0xfffd
#define HEAD_MAX     64 /* bytes of PyASCIIObject up to its state, at most */

static size_t put(char *buf, uint32_t c)
{
	if (!c || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = NO_CHARACTER;
	if (c < 0x80) {
		buf[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		buf[0] = (char)(0xc0 | c >> 6);
		buf[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		buf[0] = (char)(0xe0 | c >> 12);
		buf[1] = (char)(0x80 | (c >> 6 & 0x3f));
		buf[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	buf[0] = (char)(0xf0 | c >> 18);
	buf[1] = (char)(0x80 | (c >> 12 & 0x3f));
	buf[2] = (char)(0x80 | (c >> 6 & 0x3f));
	buf[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t bb_py_str__utf8(int kind, const void *data, size_t nr, char *buf)
{
	const uint8_t *p = data;
	size_t len = 0;

	for (size_t i = 0; i < nr; i++) {
		uint16_t two;
		uint32_t c;

		if (kind == 1) {
			c = p[i];
		} else if (kind == 2) {
			memcpy(&two, p + 2 * i, sizeof(two));
			c = two;
		} else {
			memcpy(&c, p + 4 * i, sizeof(c));
		}
		len += put(buf + len, c);
	}
	buf[len] = '\0';
	return len;
}

int bb_py_str__read(struct bb_mem *m, const struct bb_py_code_layout *l, uint64_t addr, size_t max,
		    char **s, uint64_t *type)
{
	uint32_t state, kind, compact, ascii;
	char head[HEAD_MAX];
	uint64_t nr;
	void *data;
	int err;

	*s = NULL;
	err = bb_mem__read(m, addr, head, l->str_state + sizeof(state));
	if (err)
		return err;
	memcpy(type, head + l->ob_type, sizeof(*type));
	memcpy(&nr, head + l->str_length, sizeof(nr));
	memcpy(&state, head + l->str_state, sizeof(state));
	kind = state >> l->str_kind_shift & 7;
	compact = state >> (l->str_kind_shift + 3) & 1;
	ascii = state >> (l->str_kind_shift + 4) & 1;
	if (!compact || nr > max || (kind != 1 && kind != 2 && kind != 4) || (ascii && kind != 1))
		return -EFAULT;
	data = malloc(nr * kind + 1);
	*s = malloc(4 * nr + 1);
	err = data && *s ? 0 : -ENOMEM;
	if (!err)
		err = bb_mem__read(m, addr + (ascii ? l->str_ascii : l->str_compact), data,
				   nr * kind);
	if (!err)
		bb_py_str__utf8((int)kind, data, nr, *s);
	free(data);
	if (err) {
		free(*s);
		*s = NULL;
	}
	return err;
}
