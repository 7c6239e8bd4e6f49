/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Strings that many rows share. Counted: copies of a record share them too. */
#ifndef BB_MODEL_STRINGS_H
#define BB_MODEL_STRINGS_H

#include <stdbool.h>

struct bb_strings;

/** bb_strings__new - empty, held once; NULL when out of memory. */
struct bb_strings *bb_strings__new(void);

/** bb_strings__hold - one holder more; accepts NULL. Returns @s. */
struct bb_strings *bb_strings__hold(struct bb_strings *s);

/** bb_strings__release - one holder fewer; the last one frees all. Accepts NULL. */
void bb_strings__release(struct bb_strings *s);

/** bb_strings__add - the copy of @str that @s owns, the same for equal strings; NULL: no memory. */
const char *bb_strings__add(struct bb_strings *s, const char *str);

/** bb_str__ends - is @with the end of @s? @s: NULL: no. */
bool bb_str__ends(const char *s, const char *with);

#endif
