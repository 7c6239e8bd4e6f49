/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "python.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"
#include "mem.h"
#include "python_code.h"
#include "python_image.h"
#include "python_gil.h"
#include "python_offsets.h"

#define RODATA_MAX ((size_t)32 << 20) /* CPython's is 1 to 2 MB; larger ones are not searched */

/*
 * What tells a Python and its version. The functions joined the API, so the export
 * list, in that minor version (checked in the .dynsym of pyenv builds 3.7 to 3.13).
 */
enum {
	SYM_RUNTIME,               /* 3.7+ */
	SYM_CURRENT,               /* up to 3.6, which have no _PyRuntime */
	SYM_RPYTHON,               /* PyPy */
	SYM_ANCHORS,               /* a file with none of the above is no runtime */
	SYM_VERSION = SYM_ANCHORS, /* 3.11+: PY_VERSION_HEX as data */
	SYM_310,
	SYM_39,
	SYM_38,
	SYM_DEBUG, /* only in builds with Py_REF_DEBUG */
	SYM_TRACE, /* only in builds with Py_TRACE_REFS */
	SYM_MAX,
};

static const char *const sym_names[SYM_MAX] = {
	[SYM_RUNTIME] = "_PyRuntime",           [SYM_VERSION] = "Py_Version",
	[SYM_310] = "PyModule_AddObjectRef",    [SYM_39] = "PyObject_CallNoArgs",
	[SYM_38] = "PyConfig_InitPythonConfig", [SYM_CURRENT] = "_PyThreadState_Current",
	[SYM_RPYTHON] = "rpython_startup_code", [SYM_DEBUG] = "_Py_NegativeRefcount",
	[SYM_TRACE] = "_Py_PrintReferences",
};

struct finder {
	pid_t pid;
	struct bb_mem mem;
	struct bb_images images;
	struct bb_python *best; /* the caller's */
	int best_state;         /* enum bb_py_state, -1: none yet */
	bool several;           /* more than one that runs */
};

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* 0: looked at first. -1: never holds a runtime. */
static int rank(const struct bb_image *im)
{
	static const char *const never[] = {
		"ld-linux", "ld-musl",    "libc.so", "libc-",     "libc.musl", "libm.so",
		"libm-",    "libpthread", "libdl",   "libutil",   "librt",     "libstdc++",
		"libgcc_s", "libz.so",    "libssl",  "libcrypto",
	};
	size_t i;

	if (starts_with(im->base, "libpython") || starts_with(im->base, "libpypy"))
		return 0;
	if (im->is_exe || starts_with(im->base, "python") || starts_with(im->base, "pypy"))
		return 1;
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (starts_with(im->base, never[i]))
			return -1;
	/* Extension modules: use a runtime, never bring one. */
	if (strstr(im->base, ".cpython-") || strstr(im->base, ".abi3."))
		return -1;
	return 2;
}

static void set_name(struct bb_python *py, const char *name, enum bb_gil_mode gil)
{
	snprintf(py->runtime.name, sizeof(py->runtime.name), "%s", name);
	py->runtime.gil = gil;
}

static int set_note(struct bb_python *py, const char *note)
{
	free(py->runtime.note);
	py->runtime.note = strdup(note);
	return py->runtime.note ? 0 : -ENOMEM;
}

/* "3.14.0rc2" from 0x030e00c2. */
static void format_version(struct bb_python *py)
{
	uint32_t v = py->version_hex;
	const char *level = "";

	switch (v >> 4 & 0xf) {
	case 0xa:
		level = "a";
		break;
	case 0xb:
		level = "b";
		break;
	case 0xc:
		level = "rc";
		break;
	}
	if (*level)
		snprintf(py->runtime.version, sizeof(py->runtime.version), "%u.%u.%u%s%u", v >> 24,
			 v >> 16 & 0xff, v >> 8 & 0xff, level, v & 0xf);
	else
		snprintf(py->runtime.version, sizeof(py->runtime.version), "%u.%u.%u", v >> 24,
			 v >> 16 & 0xff, v >> 8 & 0xff);
}

/* Digits at *p of a number below 256; moves *p behind them. */
static bool small_number(const char **p, const char *end, unsigned int *out)
{
	const char *s = *p;

	for (*out = 0; s < end && isdigit((unsigned char)*s) && *out < 256; s++)
		*out = *out * 10 + (unsigned int)(*s - '0');
	if (s == *p || *out > 255)
		return false;
	*p = s;
	return true;
}

/*
 * Up to 3.10 nothing exported holds the version. PY_VERSION, "3.8.18" and a NUL, is
 * among the constants, though; what stands before it must not be part of a number.
 * Return the patch level, -1: not found.
 */
static int patch_from_constants(struct bb_elf *e, unsigned int major, unsigned int minor)
{
	char want[16];
	const char *data, *p, *end;
	unsigned int patch;
	size_t len;

	if (bb_elf__section_data(e, ".rodata", RODATA_MAX, &data, &len))
		return -1;
	end = data + len;
	snprintf(want, sizeof(want), "%u.%u.", major, minor);
	for (p = data; (p = memmem(p, (size_t)(end - p), want, strlen(want))); p++) {
		const char *s = p + strlen(want);

		if (p > data && (isdigit((unsigned char)p[-1]) || p[-1] == '.'))
			continue;
		if (!small_number(&s, end, &patch))
			continue;
		if (s < end && *s == '+') /* built from a repository */
			s++;
		if (s < end && !*s)
			return (int)patch;
	}
	return -1;
}

/* Fill in a version whose patch level only the constants tell. */
static void set_old_version(struct bb_python *py, struct bb_elf *e, unsigned int major,
			    unsigned int minor)
{
	int patch = patch_from_constants(e, major, minor);

	py->version_hex = major << 24 | minor << 16;
	if (patch >= 0) {
		py->version_hex |= (uint32_t)patch << 8 | 0xf0;
		format_version(py);
		return;
	}
	/* Not 0, which would claim the first release: see bb_py_layout__get(). */
	py->version_hex |= 0xff00;
	snprintf(py->runtime.version, sizeof(py->runtime.version), "%u.%u", major, minor);
}

/* "libpython3.6m.so.1.0", "python2.7", "pypy3.9": the version in a file name. */
static bool version_from_name(const char *base, unsigned int *major, unsigned int *minor)
{
	const char *end = base + strlen(base);
	const char *s = base + strcspn(base, "0123456789");

	if (!small_number(&s, end, major) || *s != '.')
		return false;
	s++;
	return small_number(&s, end, minor) && *major >= 2 && *major <= 9;
}

/* The version of the Python whose _PyRuntime is at py->runtime_addr; 0: not known. */
static int read_version(struct finder *f, struct bb_python *py, struct bb_elf *e,
			const struct bb_elf_sym *syms, uint64_t bias)
{
	struct {
		char cookie[8];
		uint64_t version;
	} debug;
	uint32_t version = 0;
	int err;

	err = bb_mem__read(&f->mem, py->runtime_addr, &debug, sizeof(debug));
	if (err && err != -EFAULT)
		return err;
	if (!err && !memcmp(debug.cookie, BB_PY_DEBUG_COOKIE, sizeof(debug.cookie))) {
		if (debug.version <= UINT32_MAX)
			version = (uint32_t)debug.version;
	} else if (syms[SYM_VERSION].found) {
		err = bb_mem__read(&f->mem, bias + syms[SYM_VERSION].value, &version,
				   sizeof(version));
		if (err && err != -EFAULT)
			return err;
	} else {
		set_old_version(py, e, 3,
				syms[SYM_310].found  ? 10
				: syms[SYM_39].found ? 9
				: syms[SYM_38].found ? 8
						     : 7);
		return 0;
	}
	/* 3.7 is the first with a _PyRuntime. */
	if (version < 0x03070000 || version >> 24 > 9)
		return 0;
	py->version_hex = version;
	format_version(py);
	return 0;
}

/* Py_DEBUG builds have other structs; from 3.13 on the build itself tells its offsets. */
static bool unsupported_debug_build(const struct bb_python *py, const struct bb_elf_sym *syms)
{
	return syms[SYM_DEBUG].found && py->version_hex < 0x030d0000;
}

/*
 * A build may keep objects, code and threads otherwise than a release build: it says so
 * itself (3.13 and later), or exports what only such a build has.
 */
static int check_code(struct finder *f, struct bb_python *py, const struct bb_elf_sym *syms)
{
	char debug_offsets[BB_PY_CODE_READ];
	int err = bb_mem__read(&f->mem, py->runtime_addr, debug_offsets, sizeof(debug_offsets));

	if (!err)
		err = bb_py_code__check(py->version_hex, py->free_threaded, debug_offsets);
	py->no_code = err == -EFAULT || err == -EINVAL ||
		      (syms[SYM_TRACE].found && py->version_hex < 0x030d0000);
	return err == -EFAULT || err == -EINVAL || err == -ENOTSUP ? 0 : err;
}

static int note_for(struct bb_python *py, int state, bool debug_build)
{
	char note[160];

	switch (state) {
	case BB_PY_FOUND:
		if (py->no_code)
			return set_note(py,
					"built with other options than a release build (such "
					"as Py_TRACE_REFS): no Python code, no names of threads");
		if (py->nr_gils < BB_PY_GILS_MAX)
			return 0;
		return set_note(py, "as many interpreter locks as are followed; there may be more");
	case BB_PY_NOT_STARTED:
		return set_note(py, "the interpreter is not running (yet, or any more)");
	case BB_PY_IMPLAUSIBLE:
		return set_note(py, "_PyRuntime does not look like that of a release build of "
				    "this version: no GIL detail");
	}
	if (debug_build)
		return set_note(py, "a debug build (--with-pydebug) before 3.13: no GIL detail");
	if (!py->version_hex)
		return set_note(py, "exports _PyRuntime, but its version could not be told: "
				    "no GIL detail");
	snprintf(note, sizeof(note), "no GIL detail for CPython %s: its memory layout is not known",
		 py->runtime.version);
	return set_note(py, note);
}

/* Keep the best of what several files gave; takes over @py. */
static void offer(struct finder *f, struct bb_python *py, int state)
{
	f->several |= state == BB_PY_FOUND && f->best_state == BB_PY_FOUND &&
		      py->runtime_addr != f->best->runtime_addr;
	if (state <= f->best_state) {
		bb_python__free(py);
		return;
	}
	bb_python__free(f->best);
	*f->best = *py;
	f->best_state = state;
}

/* CPython 3.7 or later: a defined _PyRuntime. */
static int look_at_runtime(struct finder *f, const struct bb_image *im, struct bb_elf *e,
			   const struct bb_elf_sym *syms, uint64_t bias)
{
	struct bb_python py = { .runtime_addr = bias + syms[SYM_RUNTIME].value,
				.dev = im->dev,
				.inode = im->inode };
	bool debug_build = false;
	int err, state = BB_PY_UNSUPPORTED;

	set_name(&py, "cpython", BB_GIL_UNKNOWN);
	err = read_version(f, &py, e, syms, bias);
	if (err)
		return err;
	debug_build = unsupported_debug_build(&py, syms);
	if (py.version_hex && !debug_build)
		state = bb_py_gils__read(&f->mem, &py);
	if (state < 0)
		return state;
	/* What is refused will not get better: only "not started" is worth asking again. */
	py.initialised = state != BB_PY_NOT_STARTED;
	if (state == BB_PY_IMPLAUSIBLE)
		py.no_code = true;
	else if (py.version_hex)
		err = check_code(f, &py, syms);
	if (err)
		return err;
	err = note_for(&py, state, debug_build);
	if (err) {
		bb_python__free(&py);
		return err;
	}
	offer(f, &py, state);
	return 0;
}

/* A Python whose GIL we do not follow: PyPy, CPython 2.7 and 3.6, another architecture. */
static int look_at_other(struct finder *f, const struct bb_image *im, struct bb_elf *e,
			 const char *name, const char *why)
{
	struct bb_python py = { .initialised = true };
	unsigned int major, minor;
	char note[160];
	int err;

	set_name(&py, name, BB_GIL_UNKNOWN);
	if (version_from_name(im->base, &major, &minor)) {
		if (e && !strcmp(name, "cpython"))
			set_old_version(&py, e, major, minor);
		else
			snprintf(py.runtime.version, sizeof(py.runtime.version), "%u.%u", major,
				 minor);
		/* The layout's mark for "patch level not known" is nobody else's business. */
		if ((py.version_hex & 0xffff) == 0xff00)
			py.version_hex = 0;
	}
	snprintf(note, sizeof(note), "no GIL detail for %s", why);
	err = set_note(&py, note);
	if (err)
		return err;
	offer(f, &py, BB_PY_UNSUPPORTED);
	return 0;
}

static bool runtime_section(struct bb_elf *e, struct bb_elf_sym *sym)
{
	/* 3.10+: also a section of its own, which survives where symbols do not. */
	sym->found = !bb_elf__section(e, ".PyRuntime", &sym->value, &sym->size) && sym->value;
	return sym->found;
}

static int look_at_elf(struct finder *f, const struct bb_image *im, struct bb_elf *e, bool likely)
{
	struct bb_elf_sym syms[SYM_MAX];
	uint64_t bias;
	size_t i;

	for (i = 0; i < SYM_MAX; i++)
		syms[i] = (struct bb_elf_sym){ .name = sym_names[i] };
	/* Programs may be linked without any dynamic symbol; libraries cannot. */
	if (bb_elf__symbols(e, syms, SYM_ANCHORS, false) > 0)
		bb_elf__symbols(e, syms, SYM_MAX, false);
	else if (likely)
		bb_elf__symbols(e, syms, SYM_MAX, true);
	if (syms[SYM_RUNTIME].found || (likely && runtime_section(e, &syms[SYM_RUNTIME]))) {
		if (bb_elf__bias(e, im->start, im->offset, im->exec, &bias))
			return 0;
		return look_at_runtime(f, im, e, syms, bias);
	}
	if (syms[SYM_RPYTHON].found || starts_with(im->base, "libpypy"))
		return look_at_other(f, im, e, "pypy",
				     "PyPy: its interpreter lock is one of the locks");
	if (syms[SYM_CURRENT].found)
		return look_at_other(
			f, im, e, "cpython",
			"CPython before 3.7: its interpreter lock is one of the locks");
	return 0;
}

/* Return 0 or an error that ends the search; an unreadable file does not. */
static int look_at_image(struct finder *f, const struct bb_image *im, bool likely)
{
	struct bb_elf *e;
	int fd, err;

	fd = bb_image__open(im, f->pid);
	if (fd < 0)
		return fd == -ENOMEM ? fd : 0;
	err = bb_elf__open(fd, &e);
	if (!err)
		err = look_at_elf(f, im, e, likely);
	else if (err == -ENOTSUP && rank(im) < 2 &&
		 (starts_with(im->base, "python") || starts_with(im->base, "libpython")))
		err = look_at_other(f, im, NULL, "cpython", "a Python of another architecture");
	else if (err != -ENOMEM)
		err = 0;
	bb_elf__free(e);
	close(fd);
	return err;
}

/* Java, Node and Go: named, so that a report does not call them unknown. */
static int look_for_others(struct finder *f)
{
	size_t i;

	for (i = 0; i < f->images.nr; i++) {
		const struct bb_image *im = &f->images.v[i];
		uint64_t addr, size;
		struct bb_elf *e;
		int fd;

		if (!strcmp(im->base, "libjvm.so"))
			set_name(f->best, "java", BB_GIL_NONE);
		if (!im->is_exe || f->best->runtime.name[0])
			continue;
		if (!strcmp(im->base, "node") || !strcmp(im->base, "nodejs")) {
			set_name(f->best, "node", BB_GIL_NONE);
			continue;
		}
		fd = bb_image__open(im, f->pid);
		if (fd < 0)
			continue;
		if (!bb_elf__open(fd, &e) &&
		    (!bb_elf__section(e, ".go.buildinfo", &addr, &size) ||
		     !bb_elf__section(e, ".note.go.buildid", &addr, &size)))
			set_name(f->best, "go", BB_GIL_NONE);
		bb_elf__free(e);
		close(fd);
	}
	return 0;
}

static int search(struct finder *f)
{
	size_t i;
	int r, err;

	for (r = 0; r <= 2; r++) {
		for (i = 0; i < f->images.nr; i++) {
			/* where one runs, only files that are called after Python may hold another
			 */
			if (r == 2 && f->best_state == BB_PY_FOUND)
				break;
			if (rank(&f->images.v[i]) != r)
				continue;
			err = look_at_image(f, &f->images.v[i], r < 2);
			if (err)
				return err;
		}
	}
	if (f->several && !f->best->runtime.note)
		return set_note(f->best,
				"several Pythons run in this process: only one is followed, "
				"and waiting for another's GIL counts as queue");
	return f->best_state < 0 ? look_for_others(f) : 0;
}

int bb_python__find(pid_t pid, struct bb_python *py)
{
	struct finder f = { .pid = pid, .best = py, .best_state = -1 };
	int err;

	memset(py, 0, sizeof(*py));
	bb_mem__init(&f.mem, pid);
	err = bb_images__read(pid, &f.images);
	if (!err)
		err = search(&f);
	bb_images__free(&f.images);
	bb_mem__free(&f.mem);
	if (err)
		bb_python__free(py);
	return err;
}

int bb_python__refresh(pid_t pid, struct bb_python *py)
{
	struct bb_python now = *py;
	struct bb_mem m;
	int state;

	/* No Python, or one of which we know nothing that changes. */
	if (!py->runtime_addr || (py->initialised && py->runtime.gil == BB_GIL_UNKNOWN))
		return 0;
	bb_mem__init(&m, pid);
	state = bb_py_gils__read(&m, &now);
	bb_mem__free(&m);
	if (state < 0)
		return state;
	if (state == BB_PY_FOUND && py->initialised) {
		now.runtime.gil_changed |= now.runtime.gil != py->runtime.gil;
		*py = now;
		return py->runtime.note ? 0 : note_for(py, state, false);
	}
	/* as before */
	if (state == BB_PY_NOT_STARTED && !py->initialised)
		return 0;
	/* Started, ended, or another program by now: the whole search tells which. */
	state = bb_python__find(pid, &now);
	if (state)
		return state;
	bb_python__free(py);
	*py = now;
	return 0;
}

void bb_python__free(struct bb_python *py)
{
	free(py->runtime.note);
	memset(py, 0, sizeof(*py));
}
