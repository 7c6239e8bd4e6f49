// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of native code: of this very process, of files made by hand, and of broken ones. */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../user/capture/native.h"
#include "../../user/capture/perf_map.h"
#include "../../user/capture/place.h"
#include "../../user/capture/symbols.h"

/* ---- an ELF file by hand: sections null, .dynsym or .symtab, .dynstr, .shstrtab */

struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	Elf64_Shdr sh[5];
	Elf64_Sym syms[8];
	char names[64];
	char section_names[48];
	struct {
		Elf64_Nhdr h;
		char name[4];
		unsigned char id[20];
	} note;
};

static const char names[] = "\0one\0two\0_two\0__two\0outer\0no_size\0data";

static Elf64_Sym function(unsigned int name, uint64_t value, uint64_t size)
{
	return (Elf64_Sym){ .st_name = name,
			    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			    .st_shndx = 1,
			    .st_value = value,
			    .st_size = size };
}

static struct image make_image(uint32_t type)
{
	struct image im = {
		.eh = { .e_type = ET_DYN,
#ifdef __x86_64__
			.e_machine = EM_X86_64,
#else
			.e_machine = EM_AARCH64,
#endif
			.e_version = EV_CURRENT,
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phoff = offsetof(struct image, ph),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
			.e_shoff = offsetof(struct image, sh),
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 5,
			.e_shstrndx = 3 },
		.ph = { .p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_filesz = 0x3000,
			.p_memsz = 0x3000,
			.p_align = 4096 },
	};

	memcpy(im.eh.e_ident, ELFMAG, SELFMAG);
	im.eh.e_ident[EI_CLASS] = ELFCLASS64;
	im.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	im.eh.e_ident[EI_VERSION] = EV_CURRENT;
	im.sh[1] = (Elf64_Shdr){ .sh_name = 1,
				 .sh_type = type,
				 .sh_offset = offsetof(struct image, syms),
				 .sh_size = sizeof(im.syms),
				 .sh_link = 2,
				 .sh_entsize = sizeof(Elf64_Sym) };
	im.sh[2] = (Elf64_Shdr){ .sh_name = 9,
				 .sh_type = SHT_STRTAB,
				 .sh_offset = offsetof(struct image, names),
				 .sh_size = sizeof(im.names) };
	im.sh[3] = (Elf64_Shdr){ .sh_name = 17,
				 .sh_type = SHT_STRTAB,
				 .sh_offset = offsetof(struct image, section_names),
				 .sh_size = sizeof(im.section_names) };
	memcpy(im.names, names, sizeof(names));
	im.sh[4] = (Elf64_Shdr){ .sh_name = 27,
				 .sh_type = SHT_NOTE,
				 .sh_offset = offsetof(struct image, note),
				 .sh_size = sizeof(im.note) };
	im.note.h = (Elf64_Nhdr){ 4, sizeof(im.note.id), NT_GNU_BUILD_ID };
	memcpy(im.note.name, "GNU", 4);
	memset(im.note.id, 0xab, sizeof(im.note.id));
	memcpy(im.section_names, "\0.dynsym\0.dynstr\0.shstrtab\0.note.gnu.build-id", 46);
	im.syms[1] = function(1, 0x1000, 0x20);   /* one */
	im.syms[2] = function(14, 0x1100, 0x10);  /* __two */
	im.syms[3] = function(5, 0x1100, 0x10);   /* two */
	im.syms[4] = function(9, 0x1100, 0x10);   /* _two */
	im.syms[5] = function(20, 0x10f0, 0x100); /* outer, around two */
	im.syms[6] = function(26, 0x1300, 0);     /* no_size */
	im.syms[7] = function(34, 0x1400, 0x10);  /* data */
	im.syms[7].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
	return im;
}

static struct bb_symbols *open_image(const void *im, size_t len, int *err)
{
	struct bb_symbols *s;
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, im, len), len);
	*err = bb_symbols__open(fd, 0, BB_SYMBOLS_CODE, &s);
	return s;
}

static void is_named(const struct bb_symbols *s, uint64_t addr, const char *name)
{
	char found[BB_SYMBOL_LEN];
	int err = bb_symbols__find(s, addr, found, NULL);

	assert_int_equal(err, name ? 0 : -2 /* -ENOENT */);
	if (name)
		assert_string_equal(found, name);
}

static void an_address_has_the_name_of_what_covers_it(void **state)
{
	uint32_t types[] = { SHT_DYNSYM, SHT_SYMTAB };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct image im = make_image(types[i]);
		struct bb_symbols *s;
		uint64_t bias;
		int err;

		s = open_image(&im, sizeof(im), &err);
		assert_int_equal(err, 0);
		assert_int_equal(bb_symbols__count(s), 5);
		is_named(s, 0, NULL);
		is_named(s, 0xfff, NULL);
		is_named(s, 0x1000, "one");
		is_named(s, 0x101f, "one");
		is_named(s, 0x1020, NULL); /* past its end, and before the next */
		is_named(s, 0x10f0, "outer");
		is_named(s, 0x1100, "two"); /* not _two, nor __two, nor what is around it */
		is_named(s, 0x110f, "two");
		is_named(s, 0x1110, "outer"); /* inside that, after two */
		is_named(s, 0x11ef, "outer");
		is_named(s, 0x11f0, NULL);
		is_named(s, 0x1300, NULL); /* it does not say where it ends */
		is_named(s, 0x1404, NULL); /* no function */
		is_named(s, UINT64_MAX, NULL);
		assert_int_equal(bb_symbols__bias(s, 0x7f0000000000, 0, &bias), 0);
		assert_true(bias == 0x7f0000000000);
		assert_int_not_equal(bb_symbols__bias(s, 0x7f0000000000, 0x100000, &bias), 0);
		bb_symbols__free(s);
	}
}

/* Memory right behind a file's .bss is one mapping with it, and none of the file's. */
static void what_follows_a_file_is_not_its_own(void **state)
{
	struct image im = make_image(SHT_SYMTAB);
	struct bb_lock locks[3] = {};
	char path[] = "/tmp/boundby-test-image-XXXXXX", *at;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, &im, sizeof(im)), sizeof(im));
	at = mmap(NULL, 0x8000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	assert_true(mmap(at, 0x1000, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) == at);
	assert_true(mmap(at + 0x1000, 0x5000, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == at + 0x1000);
	locks[0].addr = (uint64_t)(uintptr_t)(at + 0x800);
	locks[1].addr = (uint64_t)(uintptr_t)(at + 0x2ff8);
	locks[2].addr = (uint64_t)(uintptr_t)(at + 0x3000);
	assert_int_equal(bb_place__locks(getpid(), locks, 3), 0);
	assert_string_equal(locks[0].place, path);
	assert_string_equal(locks[1].place, path);
	assert_string_equal(locks[2].place, "[anonymous]");
	for (int i = 0; i < 3; i++) {
		free(locks[i].place);
		free(locks[i].symbol);
	}
	munmap(at, 0x8000);
	close(fd);
	unlink(path);
}

static void a_file_that_lies_has_no_names(void **state)
{
	struct image im = make_image(SHT_DYNSYM);
	struct bb_symbols *s;
	int err;

	(void)state;
	/* names that do not end, or lie outside */
	memset(im.names, 'x', sizeof(im.names));
	im.syms[1].st_name = 0x7fffffff;
	s = open_image(&im, sizeof(im), &err);
	assert_int_equal(err, 0);
	is_named(s, 0x1000, NULL);
	is_named(s, 0x1100, NULL);
	bb_symbols__free(s);

	/* a table longer than the file: what is there of it counts */
	im = make_image(SHT_DYNSYM);
	im.sh[1].sh_size = 24 * 1000;
	s = open_image(&im, sizeof(im), &err);
	assert_int_equal(err, 0);
	assert_int_equal(bb_symbols__count(s), 0);
	bb_symbols__free(s);

	/* and one larger than any */
	im.sh[1].sh_size = UINT64_MAX;
	assert_null(open_image(&im, sizeof(im), &err));
	assert_int_equal(err, -7 /* -E2BIG */);

	/* a function that ends beyond all addresses */
	im = make_image(SHT_DYNSYM);
	im.syms[1].st_value = UINT64_MAX - 8;
	s = open_image(&im, sizeof(im), &err);
	assert_int_equal(err, 0);
	assert_int_equal(bb_symbols__count(s), 4);
	is_named(s, UINT64_MAX - 4, NULL);
	bb_symbols__free(s);

	im.eh.e_ident[0] = 0;
	assert_null(open_image(&im, sizeof(im), &err));
	assert_int_equal(err, -8 /* -ENOEXEC */);
}

/* A process that sees @folder as /. */
static pid_t rooted(const char *folder)
{
	int fds[2];
	char ready = 0;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		ready = chroot(folder) ? 'n' : 'y';
		if (write(fds[1], &ready, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(fds[0], &ready, 1), 1);
	close(fds[0]);
	close(fds[1]);
	if (ready == 'y')
		return pid;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void names_from_a_separate_file(void **state)
{
	char folder[] = "/tmp/boundby-test-XXXXXX", path[256], *file;
	static const char *const parts[] = { "/usr", "/lib", "/debug", "/.build-id", "/ab" };
	struct image stripped = make_image(SHT_DYNSYM), debug = make_image(SHT_SYMTAB);
	struct bb_symbols *s;
	pid_t pid;
	int err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	pid = rooted(folder);
	strcpy(path, folder);
	for (int i = 0; i < 5; i++) {
		strcat(path, parts[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	file = path + strlen(path);
	strcpy(file, "/ababababababababababababababababababab.debug");
	/* exported is only __two */
	for (int i = 1; i < 8; i++)
		if (i != 2)
			stripped.syms[i] = (Elf64_Sym){};
	write_file(path, &debug, sizeof(debug));
	if (pid) {
		int fd = memfd_create("image", MFD_CLOEXEC);

		assert_int_equal(write(fd, &stripped, sizeof(stripped)), sizeof(stripped));
		assert_int_equal(bb_symbols__open(fd, pid, BB_SYMBOLS_CODE, &s), 0);
		assert_int_equal(bb_symbols__count(s), 5);
		is_named(s, 0x1010, "one");
		is_named(s, 0x1100, "two");
		bb_symbols__free(s);
		/* that of another build is not meant, whatever it is called */
		debug.note.id[19] = 0;
		write_file(path, &debug, sizeof(debug));
		fd = memfd_create("image", MFD_CLOEXEC);
		assert_int_equal(write(fd, &stripped, sizeof(stripped)), sizeof(stripped));
		assert_int_equal(bb_symbols__open(fd, pid, BB_SYMBOLS_CODE, &s), 0);
		is_named(s, 0x1010, NULL);
		is_named(s, 0x1100, "__two");
		bb_symbols__free(s);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	/* nowhere to be found: the exported ones */
	s = open_image(&stripped, sizeof(stripped), &err);
	assert_int_equal(err, 0);
	assert_int_equal(bb_symbols__count(s), 1);
	is_named(s, 0x1010, NULL);
	is_named(s, 0x1100, "__two");
	bb_symbols__free(s);
	unlink(path);
	for (*file = '\0'; strcmp(path, "/tmp"); *strrchr(path, '/') = '\0')
		assert_int_equal(rmdir(path), 0);
	if (!pid)
		skip();
}

/* Anything may come out, but no crash; the sanitizers watch. */
static void broken_files_do_no_harm(void **state)
{
	char name[BB_SYMBOL_LEN];
	size_t opened = 0, found = 0;

	(void)state;
	srandom(1);
	for (int n = 0; n < 20000; n++) {
		struct image im = make_image(n & 1 ? SHT_DYNSYM : SHT_SYMTAB);
		struct bb_symbols *s;
		uint64_t bias;
		int err;

		for (long i = random() % 6; i >= 0; i--) {
			unsigned char *at = (unsigned char *)&im + (size_t)random() % sizeof(im);

			*at = random() & 1 ? (unsigned char)random() : 0xff;
		}
		s = open_image(&im, sizeof(im) - (size_t)(random() % 8 ? 0 : random() % 400), &err);
		assert_true(!s == (err != 0));
		if (!s)
			continue;
		opened++;
		for (uint64_t addr = 0xff0; addr < 0x1500; addr += 0x30)
			found += !bb_symbols__find(s, addr, name, NULL);
		bb_symbols__bias(s, 0x555500000000, 0x1000, &bias);
		bb_symbols__free(s);
	}
	assert_true(opened > 10000 && found > 10000);
}

/* ---- this process */

static __attribute__((noinline)) int a_function_of_ours(int x)
{
	return x * 3 + (int)random();
}

/* Where it returns to. */
static __attribute__((noinline)) uint64_t return_address(void)
{
	return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

struct here {
	struct bb_native_files *files;
	struct bb_native_proc *proc;
};

static struct here look(void)
{
	struct here h = { bb_native_files__new(), NULL };
	struct stat st;

	assert_non_null(h.files);
	h.proc = bb_native_proc__new(h.files);
	assert_non_null(h.proc);
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	assert_int_equal(bb_native_proc__read(h.proc, getpid(), st.st_dev, st.st_ino), 0);
	return h;
}

static void leave(struct here *h)
{
	bb_native_proc__free(h->proc);
	bb_native_files__free(h->files);
}

static const struct bb_native_fn *fn_at(struct here *h, const void *at)
{
	const struct bb_native_fn *fn;

	assert_int_equal(bb_native_proc__name(h->proc, (uint64_t)(uintptr_t)at, false, &fn), 0);
	return fn;
}

static void functions_of_this_process(void **state)
{
	struct here h = look();
	const struct bb_native_fn *fn, *again;
	uint64_t back = return_address();
	char exe[4096] = "";

	(void)state;
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	fn = fn_at(&h, (const char *)(uintptr_t)a_function_of_ours + 1);
	assert_string_equal(fn->symbol, "a_function_of_ours");
	assert_string_equal(fn->object, exe);
	assert_true(fn_at(&h, (const char *)(uintptr_t)a_function_of_ours + 2) == fn);

	assert_int_equal(bb_native_proc__name(h.proc, back, true, &fn), 0);
	assert_string_equal(fn->symbol, "functions_of_this_process");
	/* no call ends there, so none returns there */
	assert_int_not_equal(bb_native_proc__name(h.proc, (uint64_t)(uintptr_t)a_function_of_ours,
						  true, &again),
			     0);
	/* data, and nothing at all */
	assert_int_not_equal(bb_native_proc__name(h.proc, (uint64_t)(uintptr_t)&h, false, &fn), 0);
	assert_int_not_equal(bb_native_proc__name(h.proc, 0, false, &fn), 0);
	assert_int_not_equal(bb_native_proc__name(h.proc, 16, false, &fn), 0);
	assert_int_not_equal(bb_native_proc__name(h.proc, UINT64_MAX, true, &fn), 0);
	leave(&h);
}

static void functions_of_a_library(void **state)
{
	static const char *const functions[] = { "deflate", "inflate", "crc32_z", "adler32_z",
						 "compressBound" };
	void *lib = dlopen("libz.so.1", RTLD_NOW);
	struct here h;

	(void)state;
	assert_non_null(lib);
	h = look();
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		const struct bb_native_fn *fn = fn_at(&h, dlsym(lib, functions[i]));

		assert_non_null(fn->symbol);
		assert_string_equal(fn->symbol, functions[i]);
		assert_non_null(strstr(fn->object, "/libz.so.1"));
		assert_false(fn->interpreter);
	}
	/* the addresses stay known, the library may go */
	dlclose(lib);
	assert_int_equal(bb_native_proc__read(h.proc, getpid(), 0, 0), 0);
	leave(&h);
}

static void the_kernels_code_has_names(void **state)
{
	struct here h = look();
	char line[256], name[64];
	unsigned long start = 0, end = 0;
	size_t named = 0;
	FILE *maps = fopen("/proc/self/maps", "r");

	(void)state;
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %63s", &start, &end, name) == 3 &&
		    !strcmp(name, "[vdso]"))
			break;
	fclose(maps);
	assert_string_equal(name, "[vdso]");
	for (unsigned long at = start; at < end; at += 16) {
		const struct bb_native_fn *fn = fn_at(&h, (void *)at);

		assert_string_equal(fn->object, "[vdso]");
		if (fn->symbol && strstr(fn->symbol, "clock_gettime"))
			named++;
	}
	assert_true(named > 0);
	leave(&h);
}

static void code_made_at_run_time(void **state)
{
	char path[64];
	char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct bb_native_fn *fn;
	struct here h;
	FILE *f;

	(void)state;
	assert_true(code != MAP_FAILED);
	h = look();
	fn = fn_at(&h, code + 16);
	assert_null(fn->symbol);
	assert_null(fn->object);

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "nonsense\n%lx 10 py::f:/a b.py\n%lx zz bad\n", (unsigned long)code + 16,
		(unsigned long)code + 64);
	fprintf(f, "%lx 8 g\n%lx 8 newer\n", (unsigned long)code + 128, (unsigned long)code + 128);
	fclose(f);
	assert_int_equal(bb_native_proc__read(h.proc, getpid(), 0, 0), 0);
	fn = fn_at(&h, code + 16);
	assert_string_equal(fn->symbol, "py::f:/a b.py");
	assert_string_equal(fn->object, "[jit]");
	assert_string_equal(fn_at(&h, code + 31)->symbol, "py::f:/a b.py");
	assert_null(fn_at(&h, code + 32)->symbol);
	assert_null(fn_at(&h, code + 64)->symbol);
	assert_string_equal(fn_at(&h, code + 130)->symbol, "newer");
	unlink(path);
	munmap(code, 4096);
	leave(&h);
}

/* Where other code lies than at the last look, a sample may be of either. */
static void code_that_was_replaced(void **state)
{
	int prot = PROT_READ | PROT_EXEC;
	char *code = mmap(NULL, 8192, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at = (uint64_t)(uintptr_t)code + 16;
	int fd = open("/proc/self/exe", O_RDONLY);
	const struct bb_native_fn *fn;
	struct here h;

	(void)state;
	assert_true(code != MAP_FAILED && fd >= 0);
	h = look();
	assert_int_equal(bb_native_proc__name(h.proc, at, false, &fn), 0);
	assert_null(fn->object);
	assert_true(mmap(code, 4096, prot, MAP_PRIVATE | MAP_FIXED, fd, 0) == code);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(bb_native_proc__read(h.proc, getpid(), 0, 0), 0);
		if (i < 2) {
			assert_int_not_equal(bb_native_proc__name(h.proc, at, false, &fn), 0);
			continue;
		}
		assert_int_equal(bb_native_proc__name(h.proc, at, false, &fn), 0);
		assert_non_null(fn->object);
	}
	close(fd);
	munmap(code, 8192);
	leave(&h);
}

/* More addresses than are remembered: each is still right. */
static void many_addresses(void **state)
{
	void *lib = dlopen("libz.so.1", RTLD_NOW);
	struct here h;
	char *at;

	(void)state;
	assert_non_null(lib);
	at = dlsym(lib, "deflate");
	h = look();
	for (int round = 0; round < 2; round++) {
		for (int i = -10000; i < 10000; i++)
			fn_at(&h, at + i);
		assert_string_equal(fn_at(&h, at)->symbol, "deflate");
	}
	dlclose(lib);
	leave(&h);
}

#ifdef __x86_64__
static void calls_are_told_from_other_instructions(void **state)
{
	static const struct {
		unsigned char code[BB_CALL_BYTES];
		bool call;
	} cases[] = {
		{ { 0x90, 0x90, 0x90, 0xe8, 1, 2, 3, 4 }, true },             /* call rel32 */
		{ { 0x90, 0x90, 0xff, 0x15, 1, 2, 3, 4 }, true },             /* call *x(%rip) */
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0 }, true }, /* call *%rax */
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x41, 0xff, 0xd4 }, true }, /* call *%r12 */
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x18 }, true }, /* call *24(%rax) */
		{ { 0x90, 0x90, 0x90, 0x90, 0xff, 0x54, 0x24, 8 }, true },    /* call *8(%rsp) */
		{ { 0x90, 0xff, 0x94, 0x24, 0, 1, 0, 0 }, true },             /* call *256(%rsp) */
		{ { 0x90, 0xff, 0x14, 0xc5, 0, 1, 0, 0 }, true }, /* call *256(,%rax,8) */
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0 }, false }, /* jmp *%rax */
		{ { 0x90, 0x90, 0x90, 0xe9, 1, 2, 3, 4 }, false },             /* jmp rel32 */
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 }, false }, /* ret */
		{ { 0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x18, 0x90 }, false }, /* it ended before */
		{ { 0 }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (bb_native__is_call(cases[i].code) != cases[i].call)
			fail_msg("case %zu", i);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_the_name_of_what_covers_it),
		cmocka_unit_test(what_follows_a_file_is_not_its_own),
		cmocka_unit_test(a_file_that_lies_has_no_names),
		cmocka_unit_test(names_from_a_separate_file),
		cmocka_unit_test(broken_files_do_no_harm),
		cmocka_unit_test(functions_of_this_process),
		cmocka_unit_test(functions_of_a_library),
		cmocka_unit_test(the_kernels_code_has_names),
		cmocka_unit_test(code_made_at_run_time),
		cmocka_unit_test(code_that_was_replaced),
		cmocka_unit_test(many_addresses),
#ifdef __x86_64__
		cmocka_unit_test(calls_are_told_from_other_instructions),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
