/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Python code: where frames are for the BPF side, and the names of code objects. */
#ifndef BB_CAPTURE_PYTHON_CODE_H
#define BB_CAPTURE_PYTHON_CODE_H

#include "../../bpf/abi.h"
#include "mem.h"

/**
 * bb_py_frames__get - where a CPython keeps a thread's frames.
 * @version_hex: PY_VERSION_HEX. Return 0, or -ENOTSUP where no layout is known
 * (3.6 and older, free-threaded builds, other architectures); @o is zeroed then.
 */
int bb_py_frames__get(uint32_t version_hex, bool free_threaded, struct bb_py_offsets *o);

/**
 * bb_py_code__name - "dir/file.py:function" of the code object at @addr.
 * The end of a long path is kept, as @len allows; bytes are the target's own.
 * Return 0, -ENOTSUP, or -EFAULT where that is no code object (any more).
 */
int bb_py_code__name(struct bb_mem *m, uint32_t version_hex, uint64_t addr, char *buf, size_t len);

#endif
