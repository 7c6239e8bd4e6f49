/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Bounds on what is read of one file. libpython's .dynsym is 50 KB and the largest
 * known (browsers' .symtab) tens of MB; a sparse file could claim any size.
 */
#define DYN_MAX    ((uint64_t)32 << 20)
#define SYMTAB_MAX ((uint64_t)128 << 20)

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#else
#error "unknown architecture"
#endif

struct bb_elf {
	Elf *elf;
	int fd;
	uint16_t type; /* ET_EXEC or ET_DYN */
};

int bb_elf__read_at(int fd, uint64_t off, void *buf, size_t len)
{
	ssize_t n;

	if (off > INT64_MAX)
		return -EINVAL;
	do {
		n = pread(fd, buf, len, (off_t)off);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EINVAL;
}

/*
 * Before libelf sees the file: most mapped files that are no ELF cost one read,
 * and section counts beyond e_shnum, for which libelf would allocate whatever the
 * file claims, are refused (no linked program has 65,280 sections).
 */
static int check_header(int fd, const Elf64_Ehdr *h)
{
	struct stat st;

	if (memcmp(h->e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != HOST_MACHINE)
		return -ENOTSUP;
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return -ENOEXEC;
	if (!h->e_shoff)
		return 0;
	if (!h->e_shnum || h->e_shentsize != sizeof(Elf64_Shdr) || h->e_phnum == PN_XNUM)
		return -ENOEXEC;
	if (fstat(fd, &st))
		return -errno;
	if (h->e_shoff > (uint64_t)st.st_size ||
	    (uint64_t)h->e_shnum * sizeof(Elf64_Shdr) > (uint64_t)st.st_size - h->e_shoff)
		return -ENOEXEC;
	return 0;
}

int bb_elf__open(int fd, struct bb_elf **out)
{
	Elf64_Ehdr h;
	struct bb_elf *e;
	int err;

	*out = NULL;
	err = bb_elf__read_at(fd, 0, &h, sizeof(h));
	if (err)
		return err == -EINVAL ? -ENOEXEC : err;
	err = check_header(fd, &h);
	if (err)
		return err;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOTSUP;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->fd = fd;
	e->type = h.e_type;
	/* Not mmap: a file that is truncated meanwhile would kill us with SIGBUS. */
	e->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!e->elf || elf_kind(e->elf) != ELF_K_ELF) {
		bb_elf__free(e);
		return -ENOEXEC;
	}
	*out = e;
	return 0;
}

void bb_elf__free(struct bb_elf *e)
{
	if (!e)
		return;
	if (e->elf)
		elf_end(e->elf);
	free(e);
}

/* First section of a type (0: any) and name (NULL: any), its header in @sh. */
static Elf_Scn *find_section(struct bb_elf *e, uint32_t type, const char *name, GElf_Shdr *sh)
{
	Elf_Scn *scn = NULL;
	size_t strndx;

	if (name && elf_getshdrstrndx(e->elf, &strndx))
		return NULL;
	while ((scn = elf_nextscn(e->elf, scn))) {
		const char *n;

		if (!gelf_getshdr(scn, sh))
			return NULL;
		if (type && sh->sh_type != type)
			continue;
		if (!name)
			return scn;
		n = elf_strptr(e->elf, strndx, sh->sh_name);
		if (n && !strcmp(n, name))
			return scn;
	}
	return NULL;
}

static Elf_Data *section_bytes(Elf_Scn *scn, const GElf_Shdr *sh, uint64_t max)
{
	Elf_Data *d;

	if (sh->sh_type == SHT_NOBITS || !sh->sh_size || sh->sh_size > max)
		return NULL;
	d = elf_getdata(scn, NULL);
	if (!d || !d->d_buf || !d->d_size)
		return NULL;
	return d;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

/*
 * Whether .dynsym can define any of these symbols, by the Bloom filter of
 * .gnu.hash: a few small reads instead of the whole table and its strings, which
 * makes looking through the hundreds of libraries of a large process cheap.
 * Answers yes where it cannot tell.
 */
static bool may_define(struct bb_elf *e, const struct bb_elf_sym *syms, size_t nr)
{
	struct {
		uint32_t nbuckets, symoffset, words, shift;
	} h;
	GElf_Shdr sh;
	size_t i;

	if (!find_section(e, SHT_GNU_HASH, NULL, &sh) || sh.sh_size > DYN_MAX)
		return true;
	if (bb_elf__read_at(e->fd, sh.sh_offset, &h, sizeof(h)))
		return true;
	if (!h.words || h.shift > 31 || sh.sh_size < sizeof(h) + (uint64_t)h.words * 8)
		return true;
	for (i = 0; i < nr; i++) {
		uint32_t hash = gnu_hash(syms[i].name);
		uint64_t mask = (1ull << (hash % 64)) | (1ull << ((hash >> h.shift) % 64));
		uint64_t word;

		if (bb_elf__read_at(e->fd,
				    sh.sh_offset + sizeof(h) + (uint64_t)(hash / 64 % h.words) * 8,
				    &word, sizeof(word)))
			return true;
		if ((word & mask) == mask)
			return true;
	}
	return false;
}

/* Take a table's symbol if it is defined and one of those asked for. */
static int match_symbol(const Elf64_Sym *s, const char *strs, size_t strs_len,
			struct bb_elf_sym *syms, size_t nr)
{
	size_t i, len;

	if (s->st_shndx == SHN_UNDEF || !s->st_value || s->st_name >= strs_len)
		return 0;
	if (ELF64_ST_TYPE(s->st_info) > STT_FUNC)
		return 0;
	for (i = 0; i < nr; i++) {
		if (syms[i].found)
			continue;
		len = strlen(syms[i].name) + 1;
		if (len > strs_len - s->st_name || memcmp(strs + s->st_name, syms[i].name, len))
			continue;
		syms[i].value = s->st_value;
		syms[i].size = s->st_size;
		syms[i].found = true;
		return 1;
	}
	return 0;
}

/* Return how many were found in the table, -EINVAL for a corrupt one; 0: there is none. */
static int scan_table(struct bb_elf *e, uint32_t type, uint64_t max, struct bb_elf_sym *syms,
		      size_t nr)
{
	Elf_Data *tab, *strs;
	GElf_Shdr sh, strsh;
	Elf_Scn *scn;
	int found = 0;
	size_t i;

	scn = find_section(e, type, NULL, &sh);
	if (!scn)
		return 0;
	tab = section_bytes(scn, &sh, max);
	scn = elf_getscn(e->elf, sh.sh_link);
	if (!tab || !scn || !gelf_getshdr(scn, &strsh) || strsh.sh_type != SHT_STRTAB)
		return -EINVAL;
	strs = section_bytes(scn, &strsh, max);
	if (!strs)
		return -EINVAL;
	for (i = 0; i < tab->d_size / sizeof(Elf64_Sym) && (size_t)found < nr; i++)
		found += match_symbol((const Elf64_Sym *)tab->d_buf + i, strs->d_buf, strs->d_size,
				      syms, nr);
	return found;
}

int bb_elf__symbols(struct bb_elf *e, struct bb_elf_sym *syms, size_t nr, bool symtab)
{
	int n = 0, more;
	size_t i;

	for (i = 0; i < nr; i++)
		syms[i].found = false;
	if (may_define(e, syms, nr))
		n = scan_table(e, SHT_DYNSYM, DYN_MAX, syms, nr);
	if (!symtab || (n > 0 && (size_t)n == nr))
		return n;
	more = scan_table(e, SHT_SYMTAB, SYMTAB_MAX, syms, nr);
	if (n < 0)
		return more > 0 ? more : n;
	return more > 0 ? n + more : n;
}

int bb_elf__table(struct bb_elf *e, bool all, struct bb_elf_table *table)
{
	uint64_t max = all ? SYMTAB_MAX : DYN_MAX;
	GElf_Shdr sh, strsh;
	Elf_Scn *scn;

	if (!find_section(e, all ? SHT_SYMTAB : SHT_DYNSYM, NULL, &sh))
		return -ENOENT;
	scn = elf_getscn(e->elf, sh.sh_link);
	if (!scn || !gelf_getshdr(scn, &strsh) || strsh.sh_type != SHT_STRTAB ||
	    (sh.sh_entsize && sh.sh_entsize != sizeof(Elf64_Sym)))
		return -EINVAL;
	if (sh.sh_size > max || strsh.sh_size > max)
		return -E2BIG;
	*table = (struct bb_elf_table){ sh.sh_offset, sh.sh_size, strsh.sh_offset, strsh.sh_size };
	return 0;
}

size_t bb_elf__build_id(struct bb_elf *e, unsigned char *id, size_t max)
{
	Elf64_Nhdr h;
	GElf_Shdr sh;
	uint64_t at;

	if (!find_section(e, SHT_NOTE, ".note.gnu.build-id", &sh) || sh.sh_offset > INT64_MAX ||
	    bb_elf__read_at(e->fd, sh.sh_offset, &h, sizeof(h)))
		return 0;
	if (h.n_type != NT_GNU_BUILD_ID || h.n_namesz != sizeof("GNU") || h.n_descsz > max)
		return 0;
	at = sh.sh_offset + sizeof(h) + sizeof("GNU");
	return bb_elf__read_at(e->fd, at, id, h.n_descsz) ? 0 : h.n_descsz;
}

int bb_elf__section(struct bb_elf *e, const char *name, uint64_t *addr, uint64_t *size)
{
	GElf_Shdr sh;

	if (!find_section(e, 0, name, &sh))
		return -ENOENT;
	*addr = sh.sh_addr;
	*size = sh.sh_size;
	return 0;
}

int bb_elf__section_data(struct bb_elf *e, const char *name, size_t max, const char **data,
			 size_t *len)
{
	GElf_Shdr sh;
	Elf_Scn *scn;
	Elf_Data *d;

	scn = find_section(e, SHT_PROGBITS, name, &sh);
	if (!scn)
		return -ENOENT;
	if (sh.sh_size > max)
		return -E2BIG;
	d = section_bytes(scn, &sh, max);
	if (!d)
		return -EINVAL;
	*data = d->d_buf;
	*len = d->d_size;
	return 0;
}

uint64_t bb_elf__end(struct bb_elf *e)
{
	uint64_t end = 0;
	size_t n;

	if (elf_getphdrnum(e->elf, &n))
		return 0;
	for (size_t i = 0; i < n && i < INT32_MAX; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(e->elf, (int)i, &ph))
			return 0;
		if (ph.p_type == PT_LOAD && ph.p_vaddr + ph.p_memsz > end &&
		    ph.p_vaddr + ph.p_memsz >= ph.p_vaddr)
			end = ph.p_vaddr + ph.p_memsz;
	}
	return end;
}

int bb_elf__bias(struct bb_elf *e, uint64_t start, uint64_t offset, bool exec, uint64_t *bias)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t i, n;

	if (elf_getphdrnum(e->elf, &n))
		return -ENOENT;
	for (i = 0; i < n && i < INT32_MAX; i++) {
		GElf_Phdr ph;
		uint64_t b;

		if (!gelf_getphdr(e->elf, (int)i, &ph))
			return -ENOENT;
		/*
		 * Two segments may share a page of the file, which is then mapped twice:
		 * only the one with the mapping's execute permission is meant.
		 */
		if (ph.p_type != PT_LOAD || (exec && !(ph.p_flags & PF_X)))
			continue;
		if (offset < (ph.p_offset & ~(page - 1)) || ph.p_filesz > INT64_MAX ||
		    ph.p_offset > INT64_MAX || offset >= ph.p_offset + ph.p_filesz)
			continue;
		b = start - offset + ph.p_offset - ph.p_vaddr;
		if (b % page || (e->type == ET_EXEC && b))
			continue;
		*bias = b;
		return 0;
	}
	return -ENOENT;
}
