// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "grow.h"

#include <stdlib.h>
#include <string.h>

void *bb_grow(void **arr, size_t *nr, size_t size)
{
	char *fresh = *arr;

	if (!(*nr & (*nr - 1))) {
		fresh = realloc(*arr, (*nr ? *nr * 2 : 1) * size);
		if (!fresh)
			return NULL;
		*arr = fresh;
	}
	memset(fresh + *nr * size, 0, size);
	return fresh + (*nr)++ * size;
}
