/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The functions, or the variables, of one ELF file by address, as its symbol table has them:
 * .symtab, or that of the separate debug file with the same build id, or the exported functions
 * alone. What no symbol's size covers has no name. The file is the target's, so hostile.
 */
#ifndef BB_CAPTURE_SYMBOLS_H
#define BB_CAPTURE_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BB_SYMBOL_LEN 512 /* longer names are none: C++ has such */

enum bb_symbol_kind {
	BB_SYMBOLS_CODE = 0, /* functions */
	BB_SYMBOLS_DATA = 1, /* variables */
};

struct bb_symbols;

/**
 * bb_symbols__open - read a file's table of symbols; names are read when asked for.
 * @fd:  regular file, which must be ELF; taken over, closed also on failure
 * @pid: in whose file system a debug file is looked for before ours, 0: in ours alone
 * Return 0, -ENOEXEC, -ENOTSUP as bb_elf__open(), -E2BIG: more symbols than we keep,
 * -ENOMEM. A file without symbols is no error: nothing of it has a name.
 */
int bb_symbols__open(int fd, pid_t pid, enum bb_symbol_kind kind, struct bb_symbols **out);

/** bb_symbols__free - accepts NULL. */
void bb_symbols__free(struct bb_symbols *s);

/** bb_symbols__bias - as bb_elf__bias(), of an executable mapping. */
int bb_symbols__bias(struct bb_symbols *s, uint64_t start, uint64_t offset, uint64_t *bias);

/** bb_symbols__end - as bb_elf__end(). */
uint64_t bb_symbols__end(struct bb_symbols *s);

/** bb_symbols__count - symbols that have an address and a size. */
size_t bb_symbols__count(const struct bb_symbols *s);

/**
 * bb_symbols__find - the symbol that covers link address @addr; of several names for one
 * the one with the fewest underscores before it, then the shortest.
 * @name:   BB_SYMBOL_LEN bytes, for the name as in the file
 * @offset: of @addr within it, in bytes; may be NULL
 * Return 0, or -ENOENT: nothing there has a name.
 */
int bb_symbols__find(const struct bb_symbols *s, uint64_t addr, char *name, uint64_t *offset);

#endif
