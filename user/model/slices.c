// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "slices.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void bb_slices__release(struct bb_slices *s)
{
	free(s->items);
	free(s->waits);
	free(s->wait_ns);
	free(s->objects);
	free(s->contended_ns);
	memset(s, 0, sizeof(*s));
}

static void *copy_of(const void *from, size_t nr, size_t size, bool *ok)
{
	void *c;

	if (!from || !nr)
		return NULL;
	c = malloc(nr * size);
	if (c)
		memcpy(c, from, nr * size);
	else
		*ok = false;
	return c;
}

int bb_slices__copy(struct bb_slices *to, const struct bb_slices *from, size_t nr)
{
	bool ok = true;

	*to = *from;
	to->items = copy_of(from->items, nr, sizeof(*to->items), &ok);
	to->waits = copy_of(from->waits, from->nr_waits, sizeof(*to->waits), &ok);
	to->wait_ns = copy_of(from->wait_ns, nr * from->nr_waits, sizeof(*to->wait_ns), &ok);
	to->objects = copy_of(from->objects, from->nr_objects, sizeof(*to->objects), &ok);
	to->contended_ns =
		copy_of(from->contended_ns, nr * from->nr_objects, sizeof(*to->contended_ns), &ok);
	if (ok)
		return 0;
	bb_slices__release(to);
	return -ENOMEM;
}
