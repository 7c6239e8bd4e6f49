/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BB_UTIL_GROW_H
#define BB_UTIL_GROW_H

#include <stddef.h>

/**
 * bb_grow - one zeroed item more at the end of @arr, which has @nr items of @size and was
 * never grown otherwise: its capacity doubles at powers of two. Return the new
 * item, or NULL when out of memory; nothing has changed then.
 */
void *bb_grow(void **arr, size_t *nr, size_t size);

#endif
