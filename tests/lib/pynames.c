/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Prints what is known of Python code, as lines of JSON:
 *   pynames -l VERSION_HEX FREE_THREADED   the layouts of this Python
 *   pynames PID                            for each line on stdin, "CODE POS": its place;
 *                                          "-": walk the frames of all threads
 * The walk is as the BPF side's, with the same offsets.
 * Exit status: 0, 1 failure (message on stderr), 2 usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/capture/python.h"
#include "../../user/capture/python_code.h"
#include "../../user/capture/python_names.h"
#include "print_string.h"

#define THREADS_MAX 64
#define FRAMES_MAX  256
#define OWNER_SHIM  3

struct probe {
	struct bb_mem m;
	struct bb_python py;
	struct bb_py_offsets o;
	struct bb_py_names *names;
	uint64_t kept;
};

static void print_place(struct probe *p, uint64_t code, uint64_t pos)
{
	struct bb_py_place place;
	int err;

	bb_py_names__forget(p->names);
	err = bb_py_names__learn(p->names, &p->m, code);
	bb_py_names__place(p->names, code, pos, &place);
	printf("{\"code\": %" PRIu64 ", \"pos\": %" PRIu64 ", \"err\": %d, \"file\": ", code, pos,
	       -err);
	print_string(place.file ? place.file : "");
	printf(", \"function\": ");
	print_string(place.function ? place.function : "");
	printf(", \"line\": %d, \"first_line\": %d}", place.line, place.first_line);
}

static uint64_t word(struct probe *p, uint64_t addr)
{
	uint64_t v = 0;

	bb_mem__read(&p->m, addr, &v, sizeof(v));
	return v;
}

static void print_frames(struct probe *p, uint64_t ts)
{
	uint64_t frame = word(p, ts + p->o.tstate_frame);
	bool first = true;

	if (p->o.has_cframe && frame)
		frame = word(p, frame + p->o.cframe_frame);
	for (int i = 0; i < FRAMES_MAX && frame; i++) {
		bool shim =
			p->o.has_owner && (word(p, frame + p->o.frame_owner) & 0xff) >= OWNER_SHIM;

		if (!shim) {
			printf(first ? "" : ", ");
			print_place(p, word(p, frame + p->o.frame_code) & ~3ULL,
				    word(p, frame + p->o.frame_pos));
			first = false;
		}
		frame = word(p, frame + p->o.frame_previous);
	}
}

/* "key" is the thread state that the pthread key leads to, as in bpf/python.bpf.h. */
static void print_thread(struct probe *p, uint64_t ts, bool first)
{
	uint64_t self = word(p, ts + p->o.tstate_thread_id), key = 0;

	if (p->o.tss_key)
		key = word(p, p->py.runtime_addr + p->o.tss_key) >> 32;
	printf("%s{\"thread\": %" PRIu64 ", \"tstate\": %" PRIu64 ", \"key\": ", first ? "" : ", ",
	       self, ts);
	if (p->o.tss_key && key < 32)
		printf("%" PRIu64, word(p, self + 0x310 + key * 16 + 8));
	else
		printf("null");
	printf(", \"frames\": [");
	print_frames(p, ts);
	printf("]}");
}

static void print_walk(struct probe *p)
{
	uint64_t interp = word(p, p->py.runtime_addr + p->o.interp_head);
	int nr = 0;

	printf("[");
	for (; interp; interp = word(p, interp + p->o.interp_next)) {
		uint64_t ts = word(p, interp + p->o.interp_threads);

		for (; ts && nr < THREADS_MAX; ts = word(p, ts + p->o.tstate_next))
			print_thread(p, ts, !nr++);
		if (nr == THREADS_MAX)
			break;
	}
	printf("]\n");
}

static int print_layouts(uint32_t version, bool ft)
{
	struct bb_py_code_layout l;
	struct bb_py_offsets o;
	int err, frames;

	err = bb_py_code__layout(version, ft, &l);
	frames = bb_py_frames__get(version, ft, &o);
	printf("{\"err\": %d, \"frames_err\": %d", -err, -frames);
#define PRINT(s, f) printf(", \"" #f "\": %u", (unsigned int)(s).f)
	PRINT(l, ob_type);
	PRINT(l, ob_size);
	PRINT(l, tp_name);
	PRINT(l, bytes_val);
	PRINT(l, str_length);
	PRINT(l, str_state);
	PRINT(l, str_kind_shift);
	PRINT(l, str_ascii);
	PRINT(l, str_compact);
	PRINT(l, co_filename);
	PRINT(l, co_name);
	PRINT(l, co_qualname);
	PRINT(l, co_linetable);
	PRINT(l, co_firstlineno);
	PRINT(l, co_code);
	PRINT(l, co_adaptive);
	PRINT(l, co_tlbc);
	PRINT(o, interp_head);
	PRINT(o, interp_next);
	PRINT(o, interp_threads);
	PRINT(o, tstate_next);
	PRINT(o, tstate_thread_id);
	PRINT(o, tstate_frame);
	PRINT(o, frame_code);
	PRINT(o, frame_previous);
	PRINT(o, frame_owner);
	PRINT(o, has_owner);
	PRINT(o, has_cframe);
	PRINT(o, frame_pos);
#undef PRINT
	printf("}\n");
	return 0;
}

static int answer(struct probe *p)
{
	uint64_t code, pos;
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		if (line[0] == '-') {
			print_walk(p);
		} else if (sscanf(line, "%" SCNu64 " %" SCNu64, &code, &pos) == 2) {
			print_place(p, code, pos);
			putchar('\n');
		} else {
			return -EINVAL;
		}
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct probe p = {};
	char *end;
	long pid;
	int err;

	if (argc == 4 && !strcmp(argv[1], "-l"))
		return print_layouts((uint32_t)strtoul(argv[2], NULL, 0), atoi(argv[3]));
	pid = argc == 2 ? strtol(argv[1], &end, 10) : 0;
	if (pid <= 0 || pid > INT_MAX || *end) {
		fprintf(stderr, "usage: pynames PID | -l VERSION_HEX FREE_THREADED\n");
		return 2;
	}
	bb_mem__init(&p.m, (pid_t)pid);
	err = bb_python__find((pid_t)pid, &p.py);
	if (!err)
		err = bb_py_frames__get(p.py.version_hex, p.py.free_threaded, &p.o);
	if (!err) {
		p.names = bb_py_names__new(p.py.version_hex, p.py.free_threaded, &p.kept);
		err = p.names ? answer(&p) : -ENOMEM;
	}
	bb_py_names__free(p.names);
	bb_python__free(&p.py);
	bb_mem__free(&p.m);
	if (err)
		fprintf(stderr, "pynames: process %ld: %s\n", pid, strerror(-err));
	return err ? 1 : 0;
}
