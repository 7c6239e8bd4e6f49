/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BPF side, held from user space: load, attach, open and close the gate,
 * and read the sums. Nothing here judges, and nothing outlives the process: no
 * pinned object, every link is an fd.
 */
#ifndef BB_CAPTURE_KERNEL_H
#define BB_CAPTURE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/abi.h"

struct bb_kernel;

struct bb_kernel_opts {
	/* entries of the maps, sized from the target */
	uint32_t threads;
	uint32_t exited;
	uint32_t procs;
	uint32_t locks;
	uint32_t wakers;
	uint32_t takers;
	uint32_t klocks;
	uint32_t ends;
	uint32_t syscalls;
	uint32_t holders; /* these two where there is Python */
	uint32_t py_sums;
	uint32_t stacks;     /* 0: none are taken */
	bool python;         /* room for Python code */
	bool select_threads; /* only the threads named by bb_kernel__select_thread() */
	bool follow;         /* children of targets become targets */
	bool trace_syscalls; /* load the system call tracepoints */
};

/**
 * bb_kernel__load - raise the memlock limit, open and load the programs. Says
 * itself what failed and the remedy. Return 0 or -errno; on success *@k is to be
 * released with bb_kernel__free().
 */
int bb_kernel__load(struct bb_kernel **k, const struct bb_kernel_opts *opts);

/** bb_kernel__quiet - keep libbpf's own messages back, unless -v asks for them. */
void bb_kernel__quiet(void);

/** bb_kernel__free - detach and unload; accepts NULL and a half-built one. */
void bb_kernel__free(struct bb_kernel *k);

/** bb_kernel__attach - attach what is always on. The gate stays closed. Return 0 or -errno. */
int bb_kernel__attach(struct bb_kernel *k);

/**
 * bb_kernel__attach_samples - a clock on each CPU that looks at the Python code that
 * runs, BB_SAMPLE_HZ times a second. Return 0, also when it ticks already, or -errno.
 */
int bb_kernel__attach_samples(struct bb_kernel *k);

/**
 * bb_kernel__survey - call @fn for every process of the machine; a non-zero
 * return of @fn stops it and is returned. Return 0 or -errno.
 */
int bb_kernel__survey(struct bb_kernel *k, int (*fn)(const struct bb_leader_row *row, void *ctx),
		      void *ctx);

/** bb_kernel__add_process - make a process a target. Return 0 or -errno (-E2BIG: map full). */
int bb_kernel__add_process(struct bb_kernel *k, const struct bb_proc_sum *proc);

/** bb_kernel__set_python - tell what was found of a target's Python. Return 0 or -errno. */
int bb_kernel__set_python(struct bb_kernel *k, uint32_t tgid, const struct bb_python_info *py);

/** A thread of a JVM, and where it keeps the monitor that it waits to enter. */
struct bb_java_thread {
	uint32_t tid;
	uint64_t monitor_at;
};

/**
 * bb_kernel__set_java - tell of all threads of a JVM; those that were told before are forgotten.
 * Return 0 or -errno (-E2BIG: no room for all of them).
 */
int bb_kernel__set_java(struct bb_kernel *k, uint32_t tgid, const struct bb_java_thread *threads,
			size_t nr);

/** bb_kernel__get_process - read a target's row. Return 0 or -ENOENT. */
int bb_kernel__get_process(struct bb_kernel *k, uint32_t tgid, struct bb_proc_sum *proc);

/**
 * bb_kernel__set_listeners - tell which local TCP ports are listened on.
 * @ports: BB_PORTS bits
 */
void bb_kernel__set_listeners(struct bb_kernel *k, const uint64_t *ports);

/** bb_kernel__get_lock_hist - read row @number of the histograms of locks. Return 0 or -errno. */
int bb_kernel__get_lock_hist(struct bb_kernel *k, uint32_t number, struct bb_lock_hist *hist);

/** bb_kernel__select_thread - count this thread (of the initial PID namespace). */
int bb_kernel__select_thread(struct bb_kernel *k, uint32_t tid);

/** bb_kernel__open_gate - start counting and enter all threads. @start: ktime, ns. */
int bb_kernel__open_gate(struct bb_kernel *k, uint64_t *start);

/** bb_kernel__close_gate - stop counting. Return the window's end: ktime, ns. */
uint64_t bb_kernel__close_gate(struct bb_kernel *k);

/** bb_kernel__wants_wakers - some target waits on a futex, and wake-ups are not traced yet. */
bool bb_kernel__wants_wakers(const struct bb_kernel *k);

/** bb_kernel__attach_wakers - trace wake-ups from now on. Return 0 or -errno. */
int bb_kernel__attach_wakers(struct bb_kernel *k);

/** bb_kernel__attach_syscalls - trace system calls from now on. Return 0 or -errno. */
int bb_kernel__attach_syscalls(struct bb_kernel *k);

/** bb_kernel__detach_syscalls - take the system call tracepoints off again. */
void bb_kernel__detach_syscalls(struct bb_kernel *k);

/** bb_kernel__process_events - goes up with each fork or exec of a target. */
uint64_t bb_kernel__process_events(const struct bb_kernel *k);

/**
 * bb_kernel__cpus - the counters of each possible CPU, bb_kernel__nr_cpus() of them. The caller
 * frees them. NULL: errno says why not.
 */
struct bb_cpu *bb_kernel__cpus(struct bb_kernel *k);

/** bb_kernel__nr_cpus - how many CPUs are possible. Return that or -errno. */
int bb_kernel__nr_cpus(void);

/** bb_kernel__counters - the per-CPU counters, added up. Return 0 or -errno. */
int bb_kernel__counters(struct bb_kernel *k, struct bb_cpu *sum);

/** bb_kernel__bpf_ns - run time of our programs by the kernel's statistics; UINT64_MAX if off. */
uint64_t bb_kernel__bpf_ns(const struct bb_kernel *k);

/** bb_kernel__map_bytes - memory that the maps may take; UINT64_MAX if unknown. */
uint64_t bb_kernel__map_bytes(const struct bb_kernel *k);

/** bb_kernel__has_cas - BPF has compare-and-swap here (5.12). */
bool bb_kernel__has_cas(const struct bb_kernel *k);

/** bb_kernel__has_klocks - waits for the kernel's own locks are told here (5.19). */
bool bb_kernel__has_klocks(const struct bb_kernel *k);

/** bb_kernel__runq_exact - the run queue's clock can be read here. */
bool bb_kernel__runq_exact(const struct bb_kernel *k);

/*
 * Walk the sums. Each calls @fn for every row; a non-zero return stops the walk
 * and is returned. Return 0 or -errno. Rows are copies.
 */
int bb_kernel__each_thread(struct bb_kernel *k,
			   int (*fn)(const struct bb_thread_row *row, void *ctx), void *ctx);
int bb_kernel__each_exited(struct bb_kernel *k,
			   int (*fn)(const struct bb_thread_sum *sum, void *ctx), void *ctx);
int bb_kernel__each_process(struct bb_kernel *k,
			    int (*fn)(const struct bb_proc_sum *sum, void *ctx), void *ctx);
int bb_kernel__each_lock(struct bb_kernel *k,
			 int (*fn)(const struct bb_lock_key *key, const struct bb_lock_sum *sum,
				   void *ctx),
			 void *ctx);
int bb_kernel__each_waker(struct bb_kernel *k,
			  int (*fn)(const struct bb_waker_key *key, const struct bb_waker_sum *sum,
				    void *ctx),
			  void *ctx);
int bb_kernel__each_taker(struct bb_kernel *k,
			  int (*fn)(const struct bb_taker_key *key, const struct bb_taker_sum *sum,
				    void *ctx),
			  void *ctx);
int bb_kernel__each_klock(struct bb_kernel *k,
			  int (*fn)(const struct bb_klock_key *key, const struct bb_klock_sum *sum,
				    void *ctx),
			  void *ctx);
int bb_kernel__each_end(struct bb_kernel *k,
			int (*fn)(const struct bb_end_key *key, const struct bb_end *end,
				  void *ctx),
			void *ctx);
int bb_kernel__each_gil(struct bb_kernel *k,
			int (*fn)(const struct bb_lock_key *key, const struct bb_gil_sum *sum,
				  void *ctx),
			void *ctx);
int bb_kernel__each_syscall(struct bb_kernel *k,
			    int (*fn)(const struct bb_syscall_key *key,
				      const struct bb_syscall_sum *sum, void *ctx),
			    void *ctx);
int bb_kernel__each_holder(struct bb_kernel *k,
			   int (*fn)(const struct bb_holder_key *key,
				     const struct bb_holder_sum *sum, void *ctx),
			   void *ctx);
int bb_kernel__each_py_thread(struct bb_kernel *k,
			      int (*fn)(uint32_t tid, uint32_t tgid, const struct bb_py_thread *sum,
					void *ctx),
			      void *ctx);
int bb_kernel__each_loop(struct bb_kernel *k,
			 int (*fn)(uint32_t tid, uint32_t tgid, const struct bb_loop_sum *sum,
				   void *ctx),
			 void *ctx);
int bb_kernel__each_py_sum(struct bb_kernel *k,
			   int (*fn)(const struct bb_py_key *key, const struct bb_py_sum *sum,
				     void *ctx),
			   void *ctx);
int bb_kernel__each_stack_id(struct bb_kernel *k, int (*fn)(uint64_t id, void *ctx), void *ctx);
int bb_kernel__each_native_stack(struct bb_kernel *k, int (*fn)(uint64_t id, void *ctx), void *ctx);
int bb_kernel__each_stack_sum(struct bb_kernel *k,
			      int (*fn)(const struct bb_stack_key *key,
					const struct bb_stack_sum *sum, void *ctx),
			      void *ctx);

/** bb_kernel__get_native_stack - the stack of that id. Return 0, or -ENOENT. */
int bb_kernel__get_native_stack(struct bb_kernel *k, uint64_t id, struct bb_stack *stack);

/**
 * bb_kernel__each_row - the rows of threads that have not ended, read in place: no pass over the
 * machine's tasks, and their open states are not closed. @number: of the row, that others have
 * had before and may have after. Return 0, what @fn returned, or -errno.
 */
int bb_kernel__each_row(struct bb_kernel *k,
			int (*fn)(uint32_t number, const struct bb_thread_sum *sum, void *ctx),
			void *ctx);

/**
 * bb_kernel__ends - goes up as threads begin to end, and once more as each has: while it stays
 * the same, none has gone from the rows to where ended ones are summed.
 */
uint64_t bb_kernel__ends(const struct bb_kernel *k);

/** bb_kernel__get_contention - of a GIL, or else of a lock. Return 0 or -ENOENT. */
int bb_kernel__get_contention(struct bb_kernel *k, bool gil, uint32_t tgid, uint64_t addr,
			      struct bb_contention *c);

/**
 * bb_kernel__each_native - the samples that came since the last call; they are gone then. After
 * an error of @fn the rest is lost. Return 0, what @fn returned, or -errno.
 */
int bb_kernel__each_native(struct bb_kernel *k,
			   int (*fn)(const struct bb_native_sample *sample, void *ctx), void *ctx);

/** bb_kernel__get_stack - the stack of that id. Return 0, or -ENOENT. */
int bb_kernel__get_stack(struct bb_kernel *k, uint64_t id, struct bb_py_stack *stack);

#endif
