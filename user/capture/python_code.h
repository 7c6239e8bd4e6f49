/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Python code: where frames are for the BPF side, and the names of code objects. */
#ifndef BB_CAPTURE_PYTHON_CODE_H
#define BB_CAPTURE_PYTHON_CODE_H

#include "../../bpf/abi.h"
#include "mem.h"
#include "python_lines.h"

/* Where a CPython keeps what tells of a code object; bytes, the same on all 64-bit machines. */
struct bb_py_code_layout {
	uint16_t ob_type;   /* in PyObject */
	uint16_t ob_size;   /* in PyVarObject */
	uint16_t tp_name;   /* in PyTypeObject: const char * */
	uint16_t bytes_val; /* in PyBytesObject */

	uint16_t str_length; /* in PyASCIIObject: code points */
	uint16_t str_state;
	uint16_t str_kind_shift; /* the kind's 3 bits in state; then one of `compact`, of `ascii` */
	uint16_t str_ascii;      /* data of a compact ASCII str */
	uint16_t str_compact;    /* data of any other compact str */

	uint16_t co_filename; /* in PyCodeObject */
	uint16_t co_name;
	uint16_t co_qualname; /* 0: has none */
	uint16_t co_linetable;
	uint16_t co_firstlineno; /* int */
	uint16_t co_code;        /* until 3.10: the bytecode, a bytes object; 0: none */
	uint16_t co_adaptive;    /* since 3.11: the bytecode itself, ob_size units of two bytes */
	uint16_t co_tlbc;        /* free-threaded since 3.14: its copies for threads; 0: none */
	enum bb_py_table table;  /* what co_linetable holds */
};

/**
 * bb_py_frames__get - where a CPython keeps a thread's frames.
 * @version_hex: PY_VERSION_HEX. Return 0, or -ENOTSUP where no layout is known
 * (3.6 and older, 3.16 and newer, other architectures than x86-64); @o is zeroed then.
 */
int bb_py_frames__get(uint32_t version_hex, bool free_threaded, struct bb_py_offsets *o);

/**
 * bb_py_stops__get - how a free-threaded CPython stops its threads.
 * Return 0, or -ENOTSUP: not free-threaded, or as bb_py_frames__get(); @s is zeroed then.
 */
int bb_py_stops__get(uint32_t version_hex, bool free_threaded, struct bb_py_stops *s);

/**
 * bb_py_code__layout - where a CPython keeps what tells of a code object.
 * Return 0, or -ENOTSUP where no layout is known (3.6 and older, 3.16 and newer, 32-bit);
 * @l is zeroed then.
 */
int bb_py_code__layout(uint32_t version_hex, bool free_threaded, struct bb_py_code_layout *l);

#define BB_PY_CODE_READ 768 /* bytes of _Py_DebugOffsets that bb_py_code__check() looks at */

/**
 * bb_py_code__check - does the target say of itself what the two above say of its version?
 * @debug_offsets: the first BB_PY_CODE_READ bytes of _PyRuntime, from the target
 * Return 0, also of a version that says nothing (before 3.13); -EINVAL: another layout,
 * as that of a build with other options; -ENOTSUP as above.
 */
int bb_py_code__check(uint32_t version_hex, bool free_threaded, const void *debug_offsets);

/**
 * bb_py_code__name - "dir/file.py:function" of the code object at @addr.
 * The end of a long path is kept, as @len allows; other bytes than printable ASCII are '?'.
 * Return 0, -ENOTSUP, or -EFAULT where that is no code object (any more).
 */
int bb_py_code__name(struct bb_mem *m, uint32_t version_hex, bool free_threaded, uint64_t addr,
		     char *buf, size_t len);

#endif
