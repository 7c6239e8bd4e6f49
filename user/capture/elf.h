/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few things we ask of an ELF file: where a symbol or a section is, and how
 * far a mapping of the file is from its link address. The file is the target's,
 * so hostile: every size and offset is checked, corrupt files give -errno.
 * 64-bit little-endian files of this machine's architecture only.
 */
#ifndef BB_CAPTURE_ELF_H
#define BB_CAPTURE_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bb_elf;

struct bb_elf_sym {
	const char *name; /* asked for */
	uint64_t value;   /* link address; add the bias of the mapping */
	uint64_t size;    /* bytes, as the symbol table claims */
	bool found;
};

/**
 * bb_elf__open - look at an ELF file.
 * @fd: regular file, readable; stays the caller's and open until bb_elf__free()
 * Return 0; -ENOEXEC: not an ELF executable or library; -ENOTSUP: one for another
 * architecture; -EIO, -ENOMEM.
 */
int bb_elf__open(int fd, struct bb_elf **out);

/** bb_elf__free - accepts NULL. */
void bb_elf__free(struct bb_elf *e);

/**
 * bb_elf__symbols - find defined symbols by name, in .dynsym.
 * @syms:   names in; value, size and found out
 * @symtab: look in .symtab too for those not found (static symbols; slow on large files)
 * Return the number found, or -errno for a corrupt file.
 */
int bb_elf__symbols(struct bb_elf *e, struct bb_elf_sym *syms, size_t nr, bool symtab);

/**
 * bb_elf__read_at - all bytes of [@off, @off + @len) of a file into @buf.
 * Return 0, -EINVAL: the file ends before; or -errno.
 */
int bb_elf__read_at(int fd, uint64_t off, void *buf, size_t len);

/* Where a table of symbols and its names are in the file; within the bounds that we read. */
struct bb_elf_table {
	uint64_t offset, size; /* bytes; entries are Elf64_Sym */
	uint64_t names, names_size;
};

/**
 * bb_elf__table - the table of all symbols (@all: .symtab), or of the exported ones (.dynsym).
 * Return 0, -ENOENT: there is none, -E2BIG, -EINVAL for a corrupt file.
 */
int bb_elf__table(struct bb_elf *e, bool all, struct bb_elf_table *table);

/**
 * bb_elf__build_id - what the linker signed the file with.
 * Return its length in bytes, 0: it has none, or more than @max bytes.
 */
size_t bb_elf__build_id(struct bb_elf *e, unsigned char *id, size_t max);

/**
 * bb_elf__section - where a section is.
 * Return 0 and its link address (0: not loaded) and size, -ENOENT: there is none, -EINVAL.
 */
int bb_elf__section(struct bb_elf *e, const char *name, uint64_t *addr, uint64_t *size);

/**
 * bb_elf__section_data - the bytes of a section, from the file.
 * Valid until bb_elf__free(). Return 0, -ENOENT, -E2BIG above @max bytes, -EINVAL.
 */
int bb_elf__section_data(struct bb_elf *e, const char *name, size_t max, const char **data,
			 size_t *len);

/** bb_elf__end - the link address behind all that is loaded, .bss included; 0: nothing is. */
uint64_t bb_elf__end(struct bb_elf *e);

/**
 * bb_elf__bias - what to add to the file's link addresses in a process.
 * @start, @offset: of one mapping of the file, as /proc/PID/maps shows them
 * @exec:           the mapping is executable
 * Return 0, -ENOENT when no loadable segment of the file fits this mapping.
 */
int bb_elf__bias(struct bb_elf *e, uint64_t start, uint64_t offset, bool exec, uint64_t *bias);

#endif
