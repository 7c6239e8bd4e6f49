// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* tdestroy */
#endif
#include "strings.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct bb_strings {
	int holders;
	void *tree;
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct bb_strings *bb_strings__new(void)
{
	struct bb_strings *s = calloc(1, sizeof(*s));

	if (s)
		s->holders = 1;
	return s;
}

struct bb_strings *bb_strings__hold(struct bb_strings *s)
{
	if (s)
		s->holders++;
	return s;
}

void bb_strings__release(struct bb_strings *s)
{
	if (!s || --s->holders)
		return;
	tdestroy(s->tree, free);
	free(s);
}

const char *bb_strings__add(struct bb_strings *s, const char *str)
{
	char **node = tfind(str, &s->tree, compare), *own;

	if (node)
		return *node;
	own = strdup(str);
	if (!own)
		return NULL;
	node = tsearch(own, &s->tree, compare);
	if (!node)
		free(own);
	return node ? own : NULL;
}

bool bb_str__ends(const char *s, const char *with)
{
	size_t n = s ? strlen(s) : 0, m = strlen(with);

	return n >= m && !strcmp(s + n - m, with);
}
