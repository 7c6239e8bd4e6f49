// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel_state.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../util/err.h"
#include "sysclass.h"

#define RING_MOST  (4U << 20)
#define LOCK_HISTS 1024

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_DEBUG || !bb_talkative())
		return 0;
	return vfprintf(stderr, fmt, ap);
}

/*
 * Has BPF compare-and-swap here (5.12)? Asked of the verifier, since a vendor's
 * version number says little.
 */
static bool probe_cas(void)
{
	struct bpf_insn insns[] = {
		/* *(u64 *)(r10 - 8) = 0; r0 = 0; r1 = 1; lock cmpxchg; r0 = 0; exit */
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = BPF_REG_10,
		  .src_reg = BPF_REG_1,
		  .off = -8,
		  .imm = BPF_CMPXCHG },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "bb_probe_cas", "GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Room for the samples of a second: user space comes four times as often. */
static uint32_t ring_bytes(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t need = (uint64_t)(cpus > 0 ? cpus : 1) * BB_SAMPLE_HZ *
			(sizeof(struct bb_native_sample) + BPF_RINGBUF_HDR_SZ);
	uint32_t bytes = 65536; /* a power of two, and a multiple of any page size */

	while (bytes < need && bytes < RING_MOST)
		bytes *= 2;
	return bytes;
}

static void set_maps(struct boundby_bpf *skel, const struct bb_kernel_opts *o)
{
	bpf_map__set_max_entries(skel->maps.threads, o->threads);
	bpf_map__set_max_entries(skel->maps.rows, o->threads);
	bpf_map__set_max_entries(skel->maps.free_rows, o->threads);
	bpf_map__set_max_entries(skel->maps.exited, o->exited);
	bpf_map__set_max_entries(skel->maps.procs, o->procs);
	bpf_map__set_max_entries(skel->maps.pythons, o->procs < 4096 ? o->procs : 4096);
	bpf_map__set_max_entries(skel->maps.gils, o->procs < 512 ? o->procs * 2 : 1024);
	bpf_map__set_max_entries(skel->maps.locks, o->locks);
	bpf_map__set_max_entries(skel->maps.lock_hists, LOCK_HISTS);
	bpf_map__set_max_entries(skel->maps.free_hists, LOCK_HISTS);
	bpf_map__set_max_entries(skel->maps.wakers, o->wakers);
	bpf_map__set_max_entries(skel->maps.takers, o->takers);
	bpf_map__set_max_entries(skel->maps.klocks, o->klocks);
	bpf_map__set_max_entries(skel->maps.ends, o->ends);
	bpf_map__set_max_entries(skel->maps.free_ends, o->ends);
	bpf_map__set_max_entries(skel->maps.syscalls, o->syscalls);
	bpf_map__set_max_entries(skel->maps.native_stacks, o->stacks ? o->stacks : 1);
	bpf_map__set_max_entries(skel->maps.stack_sums, o->stacks ? o->stacks : 1);
	bpf_map__set_max_entries(skel->maps.loops, o->threads < 256 ? o->threads : 256);
	if (o->python) {
		bpf_map__set_max_entries(skel->maps.selves, o->threads < 8192 ? o->threads : 8192);
		bpf_map__set_max_entries(skel->maps.holders, o->holders);
		bpf_map__set_max_entries(skel->maps.py_threads,
					 o->threads < 8192 ? o->threads : 8192);
		bpf_map__set_max_entries(skel->maps.stacks, 4096);
		bpf_map__set_max_entries(skel->maps.py_sums, o->py_sums);
	}
	/* of the program that samples */
	if (o->python || o->stacks)
		bpf_map__set_max_entries(skel->maps.natives, ring_bytes());
	else
		bpf_map__set_autocreate(skel->maps.natives, false);
}

/* Put the numbers of all rows of a map into the queue of those that are free. */
static int free_all(struct bpf_map *map)
{
	for (uint32_t number = 0; number < bpf_map__max_entries(map); number++)
		if (bpf_map__update_elem(map, NULL, 0, &number, sizeof(number), BPF_ANY))
			return -errno;
	return 0;
}

static void select_programs(struct bb_kernel *k, const struct bb_kernel_opts *o)
{
	struct boundby_bpf *s = k->skel;

	bpf_program__set_autoload(s->progs.bb_sched_switch, k->cas);
	bpf_program__set_autoload(s->progs.bb_sched_switch_nocas, !k->cas);
	bpf_program__set_autoload(s->progs.bb_sched_waking, k->cas);
	bpf_program__set_autoload(s->progs.bb_sched_waking_nocas, !k->cas);
	bpf_program__set_autoload(s->progs.bb_iter_task, k->cas);
	bpf_program__set_autoload(s->progs.bb_iter_task_nocas, !k->cas);
	bpf_program__set_autoload(s->progs.bb_process_fork, o->follow);
	bpf_program__set_autoload(s->progs.bb_process_exec, true);
	bpf_program__set_autoload(s->progs.bb_sample, o->python || o->stacks);
	bpf_program__set_autoload(s->progs.bb_contention_begin, true);
	bpf_program__set_autoload(s->progs.bb_contention_end, true);
	bpf_program__set_autoload(s->progs.bb_sys_enter, o->trace_syscalls);
	bpf_program__set_autoload(s->progs.bb_sys_exit, o->trace_syscalls);
	k->iter = k->cas ? s->progs.bb_iter_task : s->progs.bb_iter_task_nocas;
}

static void explain_load_error(int err)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		bb_error("cannot load: this kernel has no BTF at /sys/kernel/btf/vmlinux; "
			 "boot one built with CONFIG_DEBUG_INFO_BTF=y (5.10 or later)");
	else if (err == -EPERM)
		bb_error("cannot load the BPF programs: not permitted; run as root, or give "
			 "CAP_BPF and CAP_PERFMON ('boundby doctor' says which are missing)");
	else
		bb_error("cannot load the BPF programs: %s; 'boundby doctor' says what this kernel "
			 "lacks, -v shows the kernel's own words",
			 strerror(-err));
}

/* Kernels before 5.11 charge maps to the memlock limit. Failure shows when loading. */
static void raise_memlock(void)
{
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &lim) && getrlimit(RLIMIT_MEMLOCK, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &lim);
	}
}

void bb_kernel__quiet(void)
{
	libbpf_set_print(print_libbpf);
}

static int native_record(void *ctx, void *data, size_t len)
{
	struct bb_kernel *k = ctx;

	if (k->native_err || len < sizeof(struct bb_native_sample))
		return 0;
	k->native_err = k->native_fn(data, k->native_ctx);
	return 0;
}

static int open_natives(struct bb_kernel *k)
{
	int err;

	k->natives = ring_buffer__new(bpf_map__fd(k->skel->maps.natives), native_record, k, NULL);
	if (k->natives)
		return 0;
	err = -errno;
	bb_error("cannot map the ring of samples: %s", strerror(-err));
	return err;
}

int bb_kernel__load(struct bb_kernel **out, const struct bb_kernel_opts *opts)
{
	struct bb_kernel *k;
	int err;

	bb_kernel__quiet();
	raise_memlock();
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->skel = boundby_bpf__open();
	if (!k->skel) {
		err = -errno;
		explain_load_error(err);
		goto out;
	}
	k->cas = probe_cas();
	k->follow = opts->follow;
	set_maps(k->skel, opts);
	select_programs(k, opts);
	bb_sysclass__fill((uint8_t *)k->skel->rodata->cfg_sysclass);
	bb_callkind__fill((uint8_t *)k->skel->rodata->cfg_callkind);
	k->skel->rodata->cfg_cas = k->cas;
	k->skel->rodata->cfg_tids = opts->select_threads;
	k->skel->rodata->cfg_stacks = opts->stacks > 0;
	k->skel->rodata->cfg_holders = opts->holders;
	k->skel->rodata->cfg_py_sums = opts->py_sums;
	k->skel->rodata->cfg_nr_futex = SYS_futex;
	k->skel->rodata->cfg_nr_exit = SYS_exit;
	k->skel->rodata->cfg_nr_exit_group = SYS_exit_group;
	err = boundby_bpf__load(k->skel);
	if (err) {
		explain_load_error(err);
		goto out;
	}
	err = free_all(k->skel->maps.free_rows);
	if (!err)
		err = free_all(k->skel->maps.free_hists);
	if (!err)
		err = free_all(k->skel->maps.free_ends);
	if (err) {
		bb_error("cannot fill the list of free rows: %s", strerror(-err));
		goto out;
	}
	err = opts->python || opts->stacks ? open_natives(k) : 0;
	if (err)
		goto out;
	*out = k;
	return 0;
out:
	bb_kernel__free(k);
	return err;
}

void bb_kernel__free(struct bb_kernel *k)
{
	if (!k)
		return;
	for (int i = 0; i < LINK_MAX; i++)
		bpf_link__destroy(k->links[i]);
	for (int i = 0; i < k->nr_ticks; i++)
		bpf_link__destroy(k->ticks[i]);
	free(k->ticks);
	if (k->rows)
		munmap((void *)k->rows, k->rows_bytes);
	bpf_link__destroy(k->iter_link);
	ring_buffer__free(k->natives);
	boundby_bpf__destroy(k->skel);
	free(k);
}

static int attach(struct bb_kernel *k, enum link_id id, struct bpf_program *prog)
{
	int err;

	if (k->links[id])
		return 0;
	k->links[id] = bpf_program__attach(prog);
	if (k->links[id])
		return 0;
	err = -errno;
	bb_error("cannot attach %s: %s; 'boundby doctor' says what this kernel allows",
		 bpf_program__section_name(prog), strerror(-err));
	return err;
}

/* Kernels before 5.19 have no such tracepoints: then nothing is known of their locks. */
static int attach_klocks(struct bb_kernel *k)
{
	struct bpf_link *link = bpf_program__attach(k->skel->progs.bb_contention_end);

	if (!link && errno == ENOENT)
		return 0;
	if (link) {
		k->links[LINK_KLOCK_END] = link;
		k->klocks = true;
		return attach(k, LINK_KLOCK_BEGIN, k->skel->progs.bb_contention_begin);
	}
	return attach(k, LINK_KLOCK_END, k->skel->progs.bb_contention_end);
}

int bb_kernel__attach(struct bb_kernel *k)
{
	struct boundby_bpf *s = k->skel;
	int err;

	k->iter_link = bpf_program__attach_iter(k->iter, NULL);
	if (!k->iter_link) {
		err = -errno;
		bb_error("cannot attach the task iterator: %s", strerror(-err));
		return err;
	}
	if (k->follow) {
		s->bss->bb_follow = 1;
		err = attach(k, LINK_FORK, s->progs.bb_process_fork);
		if (err)
			return err;
	}
	err = attach(k, LINK_EXEC, s->progs.bb_process_exec);
	if (!err)
		err = attach_klocks(k);
	if (err)
		return err;
	return attach(k, LINK_SWITCH,
		      k->cas ? s->progs.bb_sched_switch : s->progs.bb_sched_switch_nocas);
}

/* A clock on one CPU; an offline one has none, and needs none. */
static int attach_tick(struct bb_kernel *k, int cpu)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_CPU_CLOCK,
					.size = sizeof(attr),
					.sample_freq = BB_SAMPLE_HZ,
					.freq = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC), err;

	if (fd < 0)
		return errno == ENODEV ? 0 : -errno;
	k->ticks[cpu] = bpf_program__attach_perf_event(k->skel->progs.bb_sample, fd);
	if (k->ticks[cpu])
		return 0;
	err = -errno;
	close(fd);
	return err;
}

int bb_kernel__attach_samples(struct bb_kernel *k)
{
	int err = 0, nr = libbpf_num_possible_cpus();

	if (k->ticks || nr <= 0)
		return 0;
	k->ticks = calloc((size_t)nr, sizeof(struct bpf_link *));
	if (!k->ticks)
		return -ENOMEM;
	k->nr_ticks = nr;
	for (int cpu = 0; cpu < nr && !err; cpu++)
		err = attach_tick(k, cpu);
	/* all or none: the time of some CPUs alone would mislead */
	for (int cpu = 0; cpu < nr && err; cpu++) {
		bpf_link__destroy(k->ticks[cpu]);
		k->ticks[cpu] = NULL;
	}
	return err;
}

bool bb_kernel__wants_wakers(const struct bb_kernel *k)
{
	return k->skel->bss->bb_want_wakers && !k->links[LINK_WAKING];
}

int bb_kernel__attach_wakers(struct bb_kernel *k)
{
	return attach(k, LINK_WAKING,
		      k->cas ? k->skel->progs.bb_sched_waking
			     : k->skel->progs.bb_sched_waking_nocas);
}

int bb_kernel__attach_syscalls(struct bb_kernel *k)
{
	int err = attach(k, LINK_EXIT, k->skel->progs.bb_sys_exit);

	return err ? err : attach(k, LINK_ENTER, k->skel->progs.bb_sys_enter);
}

void bb_kernel__detach_syscalls(struct bb_kernel *k)
{
	bpf_link__destroy(k->links[LINK_ENTER]);
	bpf_link__destroy(k->links[LINK_EXIT]);
	k->links[LINK_ENTER] = NULL;
	k->links[LINK_EXIT] = NULL;
}

uint64_t bb_kernel__process_events(const struct bb_kernel *k)
{
	return __atomic_load_n(&k->skel->bss->bb_proc_events, __ATOMIC_RELAXED);
}

int bb_kernel__add_process(struct bb_kernel *k, const struct bb_proc_sum *proc)
{
	if (bpf_map__update_elem(k->skel->maps.procs, &proc->tgid, sizeof(proc->tgid), proc,
				 sizeof(*proc), BPF_ANY))
		return -errno;
	k->skel->bss->bb_targets[proc->tgid & (BB_TARGET_SLOTS - 1)] = 1;
	return 0;
}

int bb_kernel__get_process(struct bb_kernel *k, uint32_t tgid, struct bb_proc_sum *proc)
{
	if (bpf_map__lookup_elem(k->skel->maps.procs, &tgid, sizeof(tgid), proc, sizeof(*proc), 0))
		return -errno;
	return 0;
}

int bb_kernel__set_python(struct bb_kernel *k, uint32_t tgid, const struct bb_python_info *py)
{
	if (bpf_map__update_elem(k->skel->maps.pythons, &tgid, sizeof(tgid), py, sizeof(*py),
				 BPF_ANY))
		return -errno;
	if (py->runtime || k->skel->bss->bb_pythons)
		k->skel->bss->bb_pythons++;
	return 0;
}

static bool is_told(const struct bb_java_thread *threads, size_t nr, uint32_t tid)
{
	while (nr > 0 && threads[nr - 1].tid != tid)
		nr--;
	return nr > 0;
}

/* Take out those of the process that are no more. */
static void forget_java(struct bpf_map *map, uint32_t tgid, const struct bb_java_thread *threads,
			size_t nr)
{
	struct bb_java_key key, next;
	bool more = !bpf_map__get_next_key(map, NULL, &next, sizeof(next));

	while (more) {
		key = next;
		more = !bpf_map__get_next_key(map, &key, &next, sizeof(next));
		if (key.tgid == tgid && !is_told(threads, nr, key.tid))
			bpf_map__delete_elem(map, &key, sizeof(key), 0);
	}
}

int bb_kernel__set_java(struct bb_kernel *k, uint32_t tgid, const struct bb_java_thread *threads,
			size_t nr)
{
	struct bpf_map *map = k->skel->maps.java_threads;

	forget_java(map, tgid, threads, nr);
	for (size_t i = 0; i < nr; i++) {
		struct bb_java_key key = { threads[i].tid, tgid };

		if (bpf_map__update_elem(map, &key, sizeof(key), &threads[i].monitor_at,
					 sizeof(threads[i].monitor_at), BPF_ANY))
			return -errno;
		k->skel->bss->bb_javas = 1;
	}
	return 0;
}

int bb_kernel__select_thread(struct bb_kernel *k, uint32_t tid)
{
	uint8_t yes = 1;

	if (bpf_map__update_elem(k->skel->maps.tids, &tid, sizeof(tid), &yes, sizeof(yes), BPF_ANY))
		return -errno;
	return 0;
}

static uint64_t ktime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts); /* the clock of bpf_ktime_get_ns() */
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* One pass of the task iterator. Rows of @size bytes go to @fn; it may be NULL. */
static int iterate(struct bb_kernel *k, enum bb_iter_mode mode, size_t size,
		   int (*fn)(const void *row, void *ctx), void *ctx)
{
	char buf[16 * 1024] __attribute__((aligned(8)));
	size_t have = 0;
	int fd, err = 0;

	k->skel->bss->bb_iter_mode = mode;
	fd = bpf_iter_create(bpf_link__fd(k->iter_link));
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, buf + have, sizeof(buf) - have);
		size_t at = 0;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		have += (size_t)n;
		while (size && have - at >= size && !err) {
			err = fn(buf + at, ctx);
			at += size;
		}
		if (err)
			break;
		memmove(buf, buf + at, have - at);
		have -= at;
	}
	close(fd);
	return err;
}

struct survey_ctx {
	int (*fn)(const struct bb_leader_row *row, void *ctx);
	void *ctx;
};

static int survey_row(const void *row, void *ctx)
{
	struct survey_ctx *c = ctx;

	return c->fn(row, c->ctx);
}

int bb_kernel__survey(struct bb_kernel *k, int (*fn)(const struct bb_leader_row *row, void *ctx),
		      void *ctx)
{
	struct survey_ctx c = { fn, ctx };

	return iterate(k, BB_ITER_SURVEY, sizeof(struct bb_leader_row), survey_row, &c);
}

int bb_kernel__open_gate(struct bb_kernel *k, uint64_t *start)
{
	*start = ktime();
	k->skel->bss->bb_window_start = *start;
	__atomic_store_n(&k->skel->bss->bb_gate, 1, __ATOMIC_SEQ_CST);
	return iterate(k, BB_ITER_BEGIN, 0, NULL, NULL);
}

uint64_t bb_kernel__close_gate(struct bb_kernel *k)
{
	__atomic_store_n(&k->skel->bss->bb_gate, 0, __ATOMIC_SEQ_CST);
	return ktime();
}

struct thread_ctx {
	int (*fn)(const struct bb_thread_row *row, void *ctx);
	void *ctx;
};

static int thread_row(const void *row, void *ctx)
{
	struct thread_ctx *c = ctx;

	return c->fn(row, c->ctx);
}

int bb_kernel__each_thread(struct bb_kernel *k,
			   int (*fn)(const struct bb_thread_row *row, void *ctx), void *ctx)
{
	struct thread_ctx c = { fn, ctx };

	return iterate(k, BB_ITER_READ, sizeof(struct bb_thread_row), thread_row, &c);
}
