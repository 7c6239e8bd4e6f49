// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading the kernel's sums, row by row, and the programs' own figures. */
#include "kernel_state.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROWS_AT_ONCE 512 /* that are mapped: what is mapped counts as our own memory */

/* @base, @bytes: what is to be unmapped again. NULL: errno says why not. */
static const struct bb_row *map_rows(const struct bb_kernel *k, uint32_t first, void **base,
				     size_t *bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t all = bpf_map__max_entries(k->skel->maps.rows), end = first + ROWS_AT_ONCE;
	size_t from = first * sizeof(struct bb_row), skip = from % page;

	end = (end < all ? end : all) * sizeof(struct bb_row);
	*bytes = (end - from + skip + page - 1) / page * page;
	*base = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, bpf_map__fd(k->skel->maps.rows),
		     (off_t)(from - skip));
	return *base == MAP_FAILED ? NULL : (const void *)((char *)*base + skip);
}

#define COPY_TRIES 8

/* A copy of a row that nothing changed meanwhile, as a sequence lock is read. */
static bool copy_row(const struct bb_row *row, struct bb_thread_sum *sum)
{
	for (int i = 0; i < COPY_TRIES; i++) {
		uint32_t seq = __atomic_load_n(&row->sum.seq, __ATOMIC_ACQUIRE);
		uint64_t task = __atomic_load_n(&row->task, __ATOMIC_RELAXED);

		if (!task || (__atomic_load_n(&row->sum.flags, __ATOMIC_RELAXED) & BB_TF_ENDED))
			return false;
		if (seq & 1)
			continue;
		memcpy(sum, &row->sum, sizeof(*sum));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&row->sum.seq, __ATOMIC_RELAXED) == seq &&
		    __atomic_load_n(&row->task, __ATOMIC_RELAXED) == task)
			return !(sum->flags & BB_TF_ENDED);
	}
	/* it is the busiest of all: a torn copy is off by one event */
	memcpy(sum, &row->sum, sizeof(*sum));
	return !(sum->flags & BB_TF_ENDED);
}

/* Rows from @first up to @end. -ENOENT: from one of them on, none was ever given out (see bb_row).
 */
static int each_mapped(struct bb_kernel *k, const struct bb_row *rows, uint32_t first, uint32_t end,
		       int (*fn)(uint32_t number, const struct bb_thread_sum *sum, void *ctx),
		       void *ctx)
{
	struct bb_thread_sum sum;
	int err = 0;

	for (uint32_t i = first; i < end && !err; i++, rows++) {
		if (i >= k->rows_used && !__atomic_load_n(&rows->sum.tid, __ATOMIC_RELAXED))
			return -ENOENT;
		if (i >= k->rows_used)
			k->rows_used = i + 1;
		if (copy_row(rows, &sum))
			err = fn(i, &sum, ctx);
	}
	return err;
}

int bb_kernel__each_row(struct bb_kernel *k,
			int (*fn)(uint32_t number, const struct bb_thread_sum *sum, void *ctx),
			void *ctx)
{
	uint32_t nr = bpf_map__max_entries(k->skel->maps.rows);
	void *base;
	int err = 0;

	if (!k->rows)
		k->rows = map_rows(k, 0, &base, &k->rows_bytes);
	if (!k->rows)
		return -errno;
	for (uint32_t first = 0; first < nr && !err; first += ROWS_AT_ONCE) {
		uint32_t end = nr - first < ROWS_AT_ONCE ? nr : first + ROWS_AT_ONCE;
		const struct bb_row *rows = k->rows;
		size_t bytes = 0;

		if (first)
			rows = map_rows(k, first, &base, &bytes);
		if (!rows)
			return -errno;
		err = each_mapped(k, rows, first, end, fn, ctx);
		if (first)
			munmap(base, bytes);
	}
	return err == -ENOENT ? 0 : err;
}

uint64_t bb_kernel__ends(const struct bb_kernel *k)
{
	return __atomic_load_n(&k->skel->bss->bb_ends, __ATOMIC_ACQUIRE);
}

int bb_kernel__get_contention(struct bb_kernel *k, bool gil, uint32_t tgid, uint64_t addr,
			      struct bb_contention *c)
{
	struct bb_lock_key key = { .addr = addr, .tgid = tgid };
	struct bb_lock_sum lock;
	struct bb_gil_sum sum;

	if (gil) {
		if (bpf_map__lookup_elem(k->skel->maps.gils, &key, sizeof(key), &sum, sizeof(sum),
					 0))
			return -ENOENT;
		*c = sum.contention;
		return 0;
	}
	if (bpf_map__lookup_elem(k->skel->maps.locks, &key, sizeof(key), &lock, sizeof(lock), 0))
		return -ENOENT;
	*c = lock.contention;
	return 0;
}

/* Walk a hash map of ours; @val is room for one value. Rows that vanish meanwhile are skipped. */
#define EACH(map, key_type, val_type, call)                                                        \
	do {                                                                                       \
		key_type key, *prev = NULL;                                                        \
		val_type val;                                                                      \
		int err_ = 0;                                                                      \
		while (!err_ && !bpf_map__get_next_key(map, prev, &key, sizeof(key))) {            \
			if (!bpf_map__lookup_elem(map, &key, sizeof(key), &val, sizeof(val), 0))   \
				err_ = call;                                                       \
			prev = &key;                                                               \
		}                                                                                  \
		return err_;                                                                       \
	} while (0)

int bb_kernel__each_exited(struct bb_kernel *k,
			   int (*fn)(const struct bb_thread_sum *sum, void *ctx), void *ctx)
{
	struct bpf_map *map = k->skel->maps.exited;
	uint32_t nr = bpf_map__max_entries(map), out;
	uint64_t *keys = malloc(nr * sizeof(*keys));
	struct bb_thread_sum *sums = malloc(nr * sizeof(*sums));
	int err = 0;

	/* all at once (5.6): two calls a row would be most of what a slice costs */
	if (keys && sums &&
	    (!bpf_map_lookup_batch(bpf_map__fd(map), NULL, &out, keys, sums, &nr, NULL) ||
	     errno == ENOENT)) {
		for (uint32_t i = 0; i < nr && !err; i++)
			err = fn(&sums[i], ctx);
		free(keys);
		free(sums);
		return err;
	}
	free(keys);
	free(sums);
	EACH(map, uint64_t, struct bb_thread_sum, fn(&val, ctx));
}

int bb_kernel__each_process(struct bb_kernel *k,
			    int (*fn)(const struct bb_proc_sum *sum, void *ctx), void *ctx)
{
	EACH(k->skel->maps.procs, uint32_t, struct bb_proc_sum, fn(&val, ctx));
}

int bb_kernel__each_lock(struct bb_kernel *k,
			 int (*fn)(const struct bb_lock_key *key, const struct bb_lock_sum *sum,
				   void *ctx),
			 void *ctx)
{
	EACH(k->skel->maps.locks, struct bb_lock_key, struct bb_lock_sum, fn(&key, &val, ctx));
}

int bb_kernel__get_lock_hist(struct bb_kernel *k, uint32_t number, struct bb_lock_hist *hist)
{
	return bpf_map__lookup_elem(k->skel->maps.lock_hists, &number, sizeof(number), hist,
				    sizeof(*hist), 0)
		       ? -errno
		       : 0;
}

int bb_kernel__each_waker(struct bb_kernel *k,
			  int (*fn)(const struct bb_waker_key *key, const struct bb_waker_sum *sum,
				    void *ctx),
			  void *ctx)
{
	EACH(k->skel->maps.wakers, struct bb_waker_key, struct bb_waker_sum, fn(&key, &val, ctx));
}

int bb_kernel__each_taker(struct bb_kernel *k,
			  int (*fn)(const struct bb_taker_key *key, const struct bb_taker_sum *sum,
				    void *ctx),
			  void *ctx)
{
	EACH(k->skel->maps.takers, struct bb_taker_key, struct bb_taker_sum, fn(&key, &val, ctx));
}

int bb_kernel__each_klock(struct bb_kernel *k,
			  int (*fn)(const struct bb_klock_key *key, const struct bb_klock_sum *sum,
				    void *ctx),
			  void *ctx)
{
	EACH(k->skel->maps.klocks, struct bb_klock_key, struct bb_klock_sum, fn(&key, &val, ctx));
}

int bb_kernel__each_end(struct bb_kernel *k,
			int (*fn)(const struct bb_end_key *key, const struct bb_end *end,
				  void *ctx),
			void *ctx)
{
	EACH(k->skel->maps.ends, struct bb_end_key, struct bb_end, fn(&key, &val, ctx));
}

void bb_kernel__set_listeners(struct bb_kernel *k, const uint64_t *ports)
{
	memcpy(k->skel->bss->bb_listens, ports, sizeof(k->skel->bss->bb_listens));
}

int bb_kernel__each_gil(struct bb_kernel *k,
			int (*fn)(const struct bb_lock_key *key, const struct bb_gil_sum *sum,
				  void *ctx),
			void *ctx)
{
	EACH(k->skel->maps.gils, struct bb_lock_key, struct bb_gil_sum, fn(&key, &val, ctx));
}

int bb_kernel__each_syscall(struct bb_kernel *k,
			    int (*fn)(const struct bb_syscall_key *key,
				      const struct bb_syscall_sum *sum, void *ctx),
			    void *ctx)
{
	EACH(k->skel->maps.syscalls, struct bb_syscall_key, struct bb_syscall_sum,
	     fn(&key, &val, ctx));
}

int bb_kernel__each_holder(struct bb_kernel *k,
			   int (*fn)(const struct bb_holder_key *key,
				     const struct bb_holder_sum *sum, void *ctx),
			   void *ctx)
{
	EACH(k->skel->maps.holders, struct bb_holder_key, struct bb_holder_sum,
	     fn(&key, &val, ctx));
}

int bb_kernel__each_py_thread(struct bb_kernel *k,
			      int (*fn)(uint32_t tid, uint32_t tgid, const struct bb_py_thread *sum,
					void *ctx),
			      void *ctx)
{
	EACH(k->skel->maps.py_threads, uint64_t, struct bb_py_thread,
	     fn((uint32_t)(key >> 32), (uint32_t)key, &val, ctx));
}

int bb_kernel__each_loop(struct bb_kernel *k,
			 int (*fn)(uint32_t tid, uint32_t tgid, const struct bb_loop_sum *sum,
				   void *ctx),
			 void *ctx)
{
	EACH(k->skel->maps.loops, uint64_t, struct bb_loop_sum,
	     fn((uint32_t)(key >> 32), (uint32_t)key, &val, ctx));
}

int bb_kernel__each_py_sum(struct bb_kernel *k,
			   int (*fn)(const struct bb_py_key *key, const struct bb_py_sum *sum,
				     void *ctx),
			   void *ctx)
{
	EACH(k->skel->maps.py_sums, struct bb_py_key, struct bb_py_sum, fn(&key, &val, ctx));
}

static int each_id(struct bpf_map *map, int (*fn)(uint64_t id, void *ctx), void *ctx)
{
	uint64_t id, *prev = NULL;
	int err = 0;

	while (!err && !bpf_map__get_next_key(map, prev, &id, sizeof(id))) {
		err = fn(id, ctx);
		prev = &id;
	}
	return err;
}

int bb_kernel__each_stack_id(struct bb_kernel *k, int (*fn)(uint64_t id, void *ctx), void *ctx)
{
	return each_id(k->skel->maps.stacks, fn, ctx);
}

int bb_kernel__get_stack(struct bb_kernel *k, uint64_t id, struct bb_py_stack *stack)
{
	return bpf_map__lookup_elem(k->skel->maps.stacks, &id, sizeof(id), stack, sizeof(*stack), 0)
		       ? -ENOENT
		       : 0;
}

int bb_kernel__each_native_stack(struct bb_kernel *k, int (*fn)(uint64_t id, void *ctx), void *ctx)
{
	return each_id(k->skel->maps.native_stacks, fn, ctx);
}

int bb_kernel__get_native_stack(struct bb_kernel *k, uint64_t id, struct bb_stack *stack)
{
	return bpf_map__lookup_elem(k->skel->maps.native_stacks, &id, sizeof(id), stack,
				    sizeof(*stack), 0)
		       ? -ENOENT
		       : 0;
}

int bb_kernel__each_stack_sum(struct bb_kernel *k,
			      int (*fn)(const struct bb_stack_key *key,
					const struct bb_stack_sum *sum, void *ctx),
			      void *ctx)
{
	EACH(k->skel->maps.stack_sums, struct bb_stack_key, struct bb_stack_sum,
	     fn(&key, &val, ctx));
}

int bb_kernel__each_native(struct bb_kernel *k,
			   int (*fn)(const struct bb_native_sample *sample, void *ctx), void *ctx)
{
	int n;

	if (!k->natives)
		return 0;
	k->native_fn = fn;
	k->native_ctx = ctx;
	k->native_err = 0;
	n = ring_buffer__consume(k->natives);
	return n < 0 ? n : k->native_err;
}

int bb_kernel__nr_cpus(void)
{
	return libbpf_num_possible_cpus();
}

struct bb_cpu *bb_kernel__cpus(struct bb_kernel *k)
{
	int ncpus = bb_kernel__nr_cpus();
	struct bb_cpu *all;
	uint32_t zero = 0;

	if (ncpus < 0) {
		errno = -ncpus;
		return NULL;
	}
	all = calloc((size_t)ncpus, sizeof(*all));
	if (all && bpf_map__lookup_elem(k->skel->maps.cpus, &zero, sizeof(zero), all,
					(size_t)ncpus * sizeof(*all), 0)) {
		free(all);
		all = NULL;
	}
	return all;
}

int bb_kernel__counters(struct bb_kernel *k, struct bb_cpu *sum)
{
	struct bb_cpu *all = bb_kernel__cpus(k);
	int ncpus = bb_kernel__nr_cpus();

	memset(sum, 0, sizeof(*sum));
	if (!all)
		return -errno;
	for (int i = 0; i < ncpus; i++) {
		sum->events += all[i].events;
		for (int d = 0; d < BB_DROP_MAX; d++)
			sum->drops[d] += all[i].drops[d];
		for (int h = 0; h < BB_WALK_MAX; h++)
			sum->walks[h] += all[i].walks[h];
	}
	free(all);
	return 0;
}

uint64_t bb_kernel__bpf_ns(const struct bb_kernel *k)
{
	struct bpf_program *prog;
	uint64_t ns = 0, runs = 0;

	bpf_object__for_each_program (prog, k->skel->obj) {
		struct bpf_prog_info info = {};
		uint32_t len = sizeof(info);

		if (bpf_program__fd(prog) < 0)
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			return UINT64_MAX;
		ns += info.run_time_ns;
		runs += info.run_cnt;
	}
	return runs ? ns : UINT64_MAX;
}

uint64_t bb_kernel__map_bytes(const struct bb_kernel *k)
{
	uint64_t bytes = 0;
	struct bpf_map *map;
	int ncpus = libbpf_num_possible_cpus();

	bpf_object__for_each_map (map, k->skel->obj) {
		uint64_t value = bpf_map__value_size(map);

		if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF)
			value = bpf_map__fd(map) >= 0;
		if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY && ncpus > 0)
			value *= (uint64_t)ncpus;
		/* a hash element: struct htab_elem of 48 bytes, key and value, and its bucket */
		if (bpf_map__type(map) == BPF_MAP_TYPE_HASH)
			value += 48 + 16 + bpf_map__key_size(map);
		bytes += value * bpf_map__max_entries(map);
	}
	return bytes;
}

bool bb_kernel__has_cas(const struct bb_kernel *k)
{
	return k->cas;
}

bool bb_kernel__has_klocks(const struct bb_kernel *k)
{
	return k->klocks;
}

bool bb_kernel__runq_exact(const struct bb_kernel *k)
{
	return k->skel->bss->bb_runq_exact;
}
