/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's functions by address. The table has 200,000 lines, so it is not kept: those that
 * are wanted are looked for in one pass.
 */
#ifndef BB_CAPTURE_KALLSYMS_H
#define BB_CAPTURE_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct bb_kallsyms {
	FILE *file; /* NULL: it could not be opened */
	struct bb_kallsym {
		uint64_t addr;
		uint64_t start; /* of the function that is nearest below, 0: none yet */
		char *name;
	} * v;
	size_t nr;
};

/**
 * bb_kallsyms__init - nothing is wanted yet. Opens the table: what it shows depends on the
 * privileges at that time.
 */
void bb_kallsyms__init(struct bb_kallsyms *k);

/** bb_kallsyms__clear - nothing is wanted any more. */
void bb_kallsyms__clear(struct bb_kallsyms *k);

/** bb_kallsyms__free - accepts a zeroed one. */
void bb_kallsyms__free(struct bb_kallsyms *k);

/** bb_kallsyms__want - an address whose function is to be known. Return 0 or -ENOMEM. */
int bb_kallsyms__want(struct bb_kallsyms *k, uint64_t addr);

/** bb_kallsyms__asked - was @addr looked for already, found or not? Between two reads only. */
bool bb_kallsyms__asked(const struct bb_kallsyms *k, uint64_t addr);

/**
 * bb_kallsyms__read - find the functions of all that was wanted, in /proc/kallsyms. Where that
 * hides its addresses (kernel.kptr_restrict) there are none. Return 0 or -ENOMEM.
 */
int bb_kallsyms__read(struct bb_kallsyms *k);

/** bb_kallsyms__get - the name of the function at @addr, NULL: not known. It is @k's. */
const char *bb_kallsyms__get(const struct bb_kallsyms *k, uint64_t addr);

#endif
