// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "python_object.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "python_code.h"

/*
 * struct PyObject of free-threaded builds, 3.13 to 3.15 (Include/object.h): ob_tid, flags,
 * ob_mutex at 10, ..., ob_type. By offsetof(), as in python_code.c.
 */
#define OB_MUTEX        10
#define HEAD            16 /* sizeof(PyObject) of builds with a GIL */
#define HEAD_FT         32
#define TP_FLAGS        168        /* in PyTypeObject of builds with a GIL, 3.7 to 3.15 */
#define TYPE_SUBCLASS   (1u << 31) /* Py_TPFLAGS_TYPE_SUBCLASS: its instances are types */
#define TP_NAME_MAX_LEN 64

static int read_name(struct bb_mem *m, uint64_t addr, char *buf, size_t len)
{
	char name[TP_NAME_MAX_LEN];
	size_t n;
	int err;

	/* a string constant may end right before memory that is not there */
	for (n = 0; n < sizeof(name); n++) {
		err = bb_mem__read(m, addr + n, &name[n], 1);
		if (err)
			return err;
		if (!name[n])
			break;
		if (name[n] < ' ' || name[n] > '~')
			return -EFAULT;
	}
	if (!n || n == sizeof(name) || n >= len)
		return -EFAULT;
	memcpy(buf, name, n + 1);
	return 0;
}

/* The name of the type of the object at @object. */
static int type_of(struct bb_mem *m, const struct bb_py_code_layout *l, uint64_t object,
		   uint64_t flags_at, char *buf, size_t len)
{
	uint64_t type, meta, flags, name;
	int err;

	if (!bb_mem__plausible(object))
		return -EFAULT;
	err = bb_mem__u64(m, object + l->ob_type, &type);
	if (!err)
		err = bb_mem__plausible(type) ? bb_mem__u64(m, type + l->ob_type, &meta) : -EFAULT;
	if (!err)
		err = bb_mem__plausible(meta) ? bb_mem__u64(m, meta + flags_at, &flags) : -EFAULT;
	if (!err && !(flags & TYPE_SUBCLASS))
		err = -EFAULT;
	if (!err)
		err = bb_mem__u64(m, type + l->tp_name, &name);
	return err ? err : read_name(m, name, buf, len);
}

int bb_py_object__of_mutex(struct bb_mem *m, uint32_t version_hex, bool free_threaded,
			   uint64_t addr, char *buf, size_t len)
{
	uint64_t head = free_threaded ? HEAD_FT : HEAD;
	uint64_t flags_at = TP_FLAGS + head - HEAD;
	struct bb_py_code_layout l;
	int err;

	err = bb_py_code__layout(version_hex, free_threaded, &l);
	if (err)
		return err;
	/* lockobject and rlockobject of _threadmodule.c begin with their mutex */
	err = type_of(m, &l, addr - head, flags_at, buf, len);
	if (!err && (!strcmp(buf, "_thread.lock") || !strcmp(buf, "_thread.RLock")))
		return 0;
	if (err && err != -EFAULT)
		return err;
	return free_threaded ? type_of(m, &l, addr - OB_MUTEX, flags_at, buf, len) : -EFAULT;
}
