/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "python_offsets.h"

#include <errno.h>
#include <string.h>

/*
 * Offsets are sane below this: PyInterpreterState is about 450 KB in all, yet
 * whatever we ask for lies in its first 8 KB.
 */
#define OFFSET_MAX 65536

#if defined(__x86_64__)
/*
 * From the DWARF of pyenv builds 3.7.16, 3.8.18, 3.9.18, 3.10.13, 3.11.7 and 3.12.1
 * (struct pyruntimestate, _is, _ts), checked against live processes. Other
 * architectures have other sizes of pthread types inside _PyRuntime.
 */
static const struct {
	uint32_t minor;
	struct bb_py_layout l;
} fixed[] = {
	{ 0x0307,
	  { .interp_head = 24,
	    .rt_gil = 1264,
	    .interp_next = 0,
	    .interp_id = 16,
	    .interp_threads = 8,
	    .tstate_interp = 16 } },
	{ 0x0308,
	  { .interp_head = 32,
	    .rt_gil = 1152,
	    .interp_next = 0,
	    .interp_id = 16,
	    .interp_threads = 8,
	    .tstate_interp = 16 } },
	{ 0x0309,
	  { .interp_head = 32,
	    .rt_gil = 352,
	    .interp_next = 0,
	    .interp_id = 24,
	    .interp_threads = 8,
	    .tstate_interp = 16 } },
	{ 0x030a,
	  { .interp_head = 32,
	    .rt_gil = 352,
	    .interp_next = 0,
	    .interp_id = 24,
	    .interp_threads = 8,
	    .tstate_interp = 16 } },
	{ 0x030b,
	  { .interp_head = 40,
	    .rt_gil = 360,
	    .interp_next = 0,
	    .interp_id = 48,
	    .interp_threads = 16,
	    .tstate_interp = 16 } },
	{ 0x030c,
	  { .interp_head = 40,
	    .rt_gil = 0,
	    .interp_next = 0,
	    .interp_id = 8,
	    .interp_threads = 72,
	    .interp_gil = 384,
	    .tstate_interp = 16 } },
};
#endif

/*
 * Positions in _Py_DebugOffsets, from Include/internal/pycore_debug_offsets.h of
 * 3.13.18, 3.14.10 and 3.15.2 (3.13.0 has the same in pycore_runtime.h).
 */
static const struct {
	uint32_t minor;
	uint32_t interp_head, interp_id, interp_next, interp_threads, interp_gil;
	uint32_t gil, gil_enabled, gil_locked, gil_holder;
	uint32_t tstate_interp;
} positions[] = {
	{ 0x030d, 40, 56, 64, 72, 112, 120, 128, 136, 144, 176 },
	{ 0x030e, 40, 56, 64, 72, 120, 128, 136, 144, 152, 200 },
	{ 0x030f, 40, 56, 64, 72, 120, 128, 136, 144, 152, 200 },
};

static int layout_fixed(uint32_t version_hex, struct bb_py_layout *l)
{
#if defined(__x86_64__)
	size_t i;

	/* 3.7.4 moved things inside _PyRuntime; no older one was at hand to measure. */
	if (version_hex >> 16 == 0x0307 && (version_hex >> 8 & 0xff) < 4)
		return -ENOTSUP;
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (fixed[i].minor != version_hex >> 16)
			continue;
		*l = fixed[i].l;
		return 0;
	}
#else
	(void)version_hex;
	(void)l;
#endif
	return -ENOTSUP;
}

/* Value at a position of the table: an offset, aligned and small; sets *bad otherwise. */
static uint32_t offset_at(const void *table, uint32_t pos, bool *bad)
{
	uint64_t v;

	memcpy(&v, (const char *)table + pos, sizeof(v));
	if (v >= OFFSET_MAX || v % 8)
		*bad = true;
	return (uint32_t)v;
}

int bb_py_layout__get(uint32_t version_hex, const void *debug_offsets, struct bb_py_layout *l)
{
	uint32_t gil, shift, enabled;
	bool bad = false;
	uint64_t ft;
	size_t i;

	memset(l, 0, sizeof(*l));
	if (version_hex >> 16 < 0x030d)
		return layout_fixed(version_hex, l);
	for (i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
		if (positions[i].minor == version_hex >> 16)
			break;
	if (i == sizeof(positions) / sizeof(positions[0]))
		return -ENOTSUP;
	if (memcmp(debug_offsets, BB_PY_DEBUG_COOKIE, 8))
		return -EINVAL;
	memcpy(&ft, (const char *)debug_offsets + 16, sizeof(ft));
	l->free_threaded = ft;
	l->interp_head = offset_at(debug_offsets, positions[i].interp_head, &bad);
	l->interp_id = offset_at(debug_offsets, positions[i].interp_id, &bad);
	l->interp_next = offset_at(debug_offsets, positions[i].interp_next, &bad);
	l->interp_threads = offset_at(debug_offsets, positions[i].interp_threads, &bad);
	l->interp_gil = offset_at(debug_offsets, positions[i].interp_gil, &bad);
	l->tstate_interp = offset_at(debug_offsets, positions[i].tstate_interp, &bad);

	/* The struct of the GIL must be the one that we know. */
	gil = offset_at(debug_offsets, positions[i].gil, &bad);
	shift = ft ? BB_PY_GIL_FT_SHIFT : 0;
	if (offset_at(debug_offsets, positions[i].gil_locked, &bad) !=
		    gil + shift + BB_PY_GIL_LOCKED ||
	    offset_at(debug_offsets, positions[i].gil_holder, &bad) !=
		    gil + shift + BB_PY_GIL_HOLDER)
		bad = true;
	/* 3.13 gives this one from the start of the GIL, not of the interpreter. */
	enabled = offset_at(debug_offsets, positions[i].gil_enabled, &bad);
	if (ft && enabled && enabled != gil)
		bad = true;
	return bad || ft > 1 || !l->interp_head || !l->interp_gil ? -EINVAL : 0;
}
