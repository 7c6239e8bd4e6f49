/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The record: what was measured in one window, as plain structs.
 *
 * Filled by user/capture from the kernel's sums, or by a test. user/diagnose
 * reads it and adds a verdict; user/emit renders both. Times are nanoseconds
 * (field names end in _ns), shares are 0 to 1 (names end in _share). A figure
 * that could not be had is BB_UNKNOWN_U64 or NaN, never 0. Strings are bytes as
 * the target gave them (any encoding); whoever prints them escapes them.
 * A record owns everything that it points to; bb_record__free() releases it.
 */
#ifndef BB_MODEL_RECORD_H
#define BB_MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../bpf/abi.h"
#include "budget.h"
#include "slices.h"
#include "state.h"
#include "strings.h"

#define BB_UNKNOWN_U64 UINT64_MAX
#define BB_COMM_LEN    16
#define BB_HIST_SLOTS  40 /* slot i counts waits of [2^i, 2^(i+1)) ns; the last is open */

/* What a thread (or a process) waited in: one row per state, syscall and kind of descriptor. */
struct bb_wait {
	enum bb_state state;
	int32_t syscall; /* number, -1: none in flight (page fault), -2: several, summed */
	enum bb_fdkind fdkind;
	int32_t fd;     /* the last descriptor seen, -1 where there is none */
	uint16_t end;   /* number of the other end, 0: not known by itself */
	uint64_t count; /* waits that ended in the window or were open at its end */
	uint64_t ns;
	uint64_t max_ns;
	bool open; /* a wait of this row was still going on at the end */
	/*
	 * For waits on descriptors, what is at the other end, where user space
	 * could tell; see enum bb_endpoint. Empty label: not known.
	 */
	int endpoint;    /* enum bb_endpoint */
	bool polls;      /* in a call by which event loops poll */
	bool local;      /* the other end is that of a unix socket */
	bool one_client; /* a set that is polled has one connection of a client, no listener */
	char label[64];  /* e.g. "tcp out 10.0.0.5:5432", printable ASCII */
	uint32_t peers;  /* clients on that port at the end, 0: not known */
};

/* Whom a wait is for, as far as /proc tells. */
enum bb_endpoint {
	BB_END_UNKNOWN = 0,
	BB_END_NONE = 1,     /* no descriptors, or only the loop's own wake-up fd: a timer */
	BB_END_LISTEN = 2,   /* waits for new clients */
	BB_END_INBOUND = 3,  /* connections that clients opened to us */
	BB_END_OUTBOUND = 4, /* connections that we opened, datagram sockets with a peer */
	BB_END_LOCAL = 5,    /* pipes, unix sockets, ttys */
	BB_END_FILE = 6,
	BB_END_MIXED = 7, /* a poll set with outbound and other members */
};

struct bb_thread {
	pid_t tid;              /* as this process's PID namespace numbers it */
	char comm[BB_COMM_LEN]; /* NUL-terminated raw bytes */
	char *name;             /* the language's own name for it, or NULL */
	bool active;            /* ran on a CPU in the window */
	bool born;              /* started inside the window */
	bool ended;             /* ended inside the window */
	bool unseen;            /* no detail: the thread map was full, its time is unknown */
	uint64_t start_ns;      /* offset of its part of the window from the window's start */
	uint64_t window_ns;     /* its part of the window */
	struct bb_budget budget;
	uint64_t voluntary; /* switches, as /proc/PID/status counts them */
	uint64_t involuntary;
	uint64_t migrations;       /* moves to another CPU; BB_UNKNOWN_U64: not known */
	uint64_t kernel_ns;        /* part of oncpu in system calls; BB_UNKNOWN_U64: not traced */
	uint64_t gil_acquisitions; /* acquisitions that had to wait */
	uint64_t gil_wait_max_ns;
	uint64_t gil_forced;       /* times that it was made to let go of the GIL */
	uint64_t gil_held_off_ns;  /* off the CPU with the GIL held */
	uint64_t gil_samples;      /* samples on a CPU with the GIL */
	uint64_t gil_free_samples; /* and without */
	uint64_t *gil_hist;        /* BB_HIST_SLOTS: waits for the GIL, or NULL: none */
	struct bb_wait *waits;     /* longest first */
	size_t nr_waits;
	uint64_t open_ns;    /* blocked for so long at the end, 0: it was not */
	uint64_t open_futex; /* for that word, 0: for something else */
};

/* One call of a stack. */
struct bb_frame {
	const char *file;     /* of bb_process.strings; UTF-8, not escaped */
	const char *function; /* likewise */
	int32_t line;         /* 0: not known */
};

enum bb_lock_kind {
	BB_LOCK_UNKNOWN = 0,
	BB_LOCK_MUTEX = 1, /* glibc mutex: waits for the value 2 */
	BB_LOCK_PI_MUTEX = 2,
	BB_LOCK_CONDITION = 3, /* requeue-PI, or a condition's own word */
	BB_LOCK_SEMAPHORE = 4,
	BB_LOCK_PARKED = 5,       /* the word is on the waiter's stack */
	BB_LOCK_PYMUTEX = 6,      /* CPython's PyMutex: of an object, of a threading.Lock, ... */
	BB_LOCK_SIMPLE_QUEUE = 7, /* CPython's queue.SimpleQueue: never a lock */
	BB_LOCK_WORLD = 8,        /* free-threaded CPython has stopped its threads */
	BB_LOCK_STOPPER = 9,      /* a thread stops the others, and waits until they have */
	BB_LOCK_RAW = 10,         /* CPython's parking lot itself */
	BB_LOCK_COUNTER = 11,     /* each wait is for a larger value: a barrier, an event's count */
	BB_LOCK_MONITOR = 12,     /* the JVM's, of an object: synchronized */
	BB_LOCK_RWLOCK = 13,
	BB_LOCK_BARRIER = 14,
	BB_LOCK_PYTHON = 15, /* a threading.Lock up to CPython 3.13.0: a semaphore of its own */
};

/* Which rule made a row a lock or a queue. */
enum bb_lock_rule {
	BB_RULE_NONE = 0,     /* nothing told: counted as queue */
	BB_RULE_PROTOCOL = 1, /* the word's protocol */
	BB_RULE_HANDED = 2,   /* its wakers wait on it too: lock */
	BB_RULE_FED = 3,      /* its wakers never wait on it: queue */
	BB_RULE_PYTHON = 4,   /* the waiter's Python function told */
	BB_RULE_MAPPING = 5,  /* the mapping that the word is in told */
	BB_RULE_RUNTIME = 6,  /* of a runtime whose threads park, and wake one another: queue */
};

/* One futex object that threads of the process waited on. */
struct bb_lock {
	uint64_t addr;
	bool shared; /* between processes */
	enum bb_lock_kind kind;
	enum bb_lock_rule rule;
	enum bb_state state; /* BB_STATE_LOCK or BB_STATE_QUEUE */
	char *place;         /* mapping that it lies in, e.g. "[heap]", or NULL */
	char *symbol;        /* variable of that file, "name+0x28", or NULL */
	char *object;        /* type of the Python object that has it, or NULL; BB_LOCK_PYMUTEX */
	/* what it lies in, if that is shared between processes: the same for each; inode 0: no */
	uint64_t dev, inode, offset;
	uint32_t processes;         /* of the tree's: whose rows these are the sum of; else 0 */
	uint64_t contended_most_ns; /* likewise: contended_ns is between the two */
	uint64_t contended_ns;      /* wall time with at least one waiter */
	uint64_t times;             /* that there came to be a waiter where there was none */
	uint64_t wait_ns;           /* summed over waiters */
	uint64_t max_ns;
	uint64_t waits;
	uint64_t write_ns,
		write_waits; /* part of wait_ns and waits that was to write: of an rwlock */
	uint32_t waiters_max;
	pid_t gone_owner;  /* its memory named that owner at the end, no thread of the process; or 0
			    */
	bool open;         /* somebody waited for it at the end */
	uint64_t given_ns; /* contended time of which it is settled whose it was, or not known */
	uint64_t *hist;    /* BB_HIST_SLOTS: waits, or NULL: there were too few */
	uint64_t handed_ns, fed_ns, proto_ns, other_ns; /* wait_ns by how the waits ended */
	uint32_t rises, falls; /* waits for a larger and a smaller value than the one before */
	uint64_t code_addr, caller_addr; /* code objects of the last waiter's top frames, 0: none */
	char *code;   /* the waiter's Python function, "dir/file.py:function", or NULL */
	char *caller; /* the function that called it, or NULL */
};

/*
 * A thread that ended waits for a lock or a queue, of any process. Of a lock it is who had it
 * and let go, or has it still; of a queue who fed it.
 */
struct bb_lock_holder {
	uint64_t lock; /* its address */
	pid_t tid;     /* 0: in a PID namespace that is not visible here */
	pid_t pid;     /* of its process */
	char comm[BB_COMM_LEN];
	uint64_t ns;    /* contended time up to its wake-ups that no other has, or up to the end */
	uint64_t count; /* wake-ups */
	bool owns;      /* it had the lock at the end */
	uint64_t stack; /* key of its Python stack at a wake-up, 0: none */
	struct bb_frame code; /* of that, where it let go; its function is NULL: not known */
	/*
	 * What it was itself blocked in meanwhile: ns of all that is known of, which is its last
	 * wait before each wake-up; all else of the longest one.
	 */
	struct bb_wait wait;
	uint64_t futex; /* that this was for, 0: it was for something else */
};

/* A process that had the CPU while threads of this one queued for it. */
struct bb_taker {
	pid_t pid;   /* 0: not visible here */
	uint32_t by; /* tells processes apart */
	bool own;    /* it was the process itself */
	bool idle;   /* none: the CPU was idle, and took its time to wake up */
	char comm[BB_COMM_LEN];
	uint64_t ns; /* queued, summed over threads */
	uint64_t count;
	uint64_t max_ns;
};

/* The kernel's own locks, by the way the contended ones work. */
enum bb_klock_kind {
	BB_KLOCK_KIND_UNKNOWN = 0,
	BB_KLOCK_KIND_SPINLOCK = 1,
	BB_KLOCK_KIND_RWLOCK = 2, /* that spins */
	BB_KLOCK_KIND_MUTEX = 3,
	BB_KLOCK_KIND_RWSEM = 4,
	BB_KLOCK_KIND_RT_MUTEX = 5,
	BB_KLOCK_KIND_PERCPU_RWSEM = 6,
	BB_KLOCK_KIND_SEMAPHORE = 7,
	BB_KLOCK_KIND_MAX = 8,
};

/*
 * Waits of the process's threads for locks of the kernel: of one kind, in one of its functions.
 * They are part of the states: what spins is on-CPU, what sleeps is in the call's or fault's.
 */
struct bb_klock {
	enum bb_klock_kind kind;
	bool reads, writes; /* of a lock that tells the two apart */
	bool mmap;          /* it is the lock of the process's memory map */
	char function[64];  /* of the kernel, that took it; "" not known */
	uint64_t ns;        /* summed over threads */
	uint64_t count;
	uint64_t max_ns;
};

/* One interpreter lock. */
struct bb_gil {
	uint64_t addr;
	int64_t interpreter;   /* id, 0 is the main one; -1 not known */
	uint64_t interval_us;  /* switch interval in force, BB_UNKNOWN_U64 if unread */
	uint64_t contended_ns; /* wall time with at least one waiter */
	uint64_t wait_ns;      /* summed over waiters */
	uint64_t acquisitions; /* that had to wait */
	uint64_t max_ns;
	uint64_t given_ns; /* contended time that is known whose it was: holders', or hand-over */
	uint64_t hand_over_ns; /* part of it between a release and the CPU of who was woken */
	uint64_t samples;      /* threads seen on a CPU with it */
	uint64_t held_off_ns;  /* held by a thread that was off its CPU */
	uint32_t waiters_max;
	uint64_t hist[BB_HIST_SLOTS];
};

/* A thread that held a GIL while others waited for it. */
struct bb_gil_holder {
	uint64_t gil;   /* its address */
	uint64_t who;   /* tells threads apart */
	pid_t tid;      /* 0: not known */
	uint64_t ns;    /* contended time in which it held it */
	uint64_t count; /* events that told so */
};

/* A function that is not Python's. */
struct bb_native {
	const char *symbol; /* of bb_process.strings, bytes; NULL: it has no name */
	const char *object; /* likewise: path of its file, "[vdso]", "[jit]"; NULL: of none */
	bool interpreter;   /* the file has Python's interpreter */
};

/* What ran natively at samples. */
struct bb_native_stack {
	struct bb_native *frames; /* from the top, by frame pointers; at least 1 */
	size_t nr;
	bool truncated;
	uint64_t count; /* samples */
};

/* What the threads did in one stack of Python code. */
struct bb_code {
	uint64_t stack; /* identifies the stack; 0: not walked, no frames */
	uint64_t who;   /* identifies the thread within its kind */
	uint8_t bucket; /* enum bb_bucket: tells apart what is one state */
	bool polls;     /* blocked in the poll of its event loop */
	bool long_turn; /* samples: a turn of the loop had taken a CPU for BB_TURN_LONG_NS then */
	enum bb_py_kind kind;
	enum bb_state state; /* of BB_PY_BLOCKED and BB_PY_HELD */
	int32_t syscall;     /* number, -1: none */
	pid_t tid;           /* 0: not known */
	uint64_t ns;         /* 0 for samples */
	uint64_t count;
	uint64_t max_ns;
	uint64_t waited_ns;      /* BB_PY_HELD: part of it in which others waited for the GIL */
	uint64_t ticks;          /* BB_PY_HOLDER: times that the sampling clock found it there */
	struct bb_frame *frames; /* from the top */
	size_t nr_frames;
	bool truncated;
	struct bb_native_stack *natives; /* of samples, those that could be had: most first */
	size_t nr_natives;
};

enum bb_frame_kind {
	BB_FRAME_NATIVE = 0,
	BB_FRAME_PYTHON = 1,
	BB_FRAME_KERNEL = 2,
};

/* One call of a stack of several languages; strings of bb_process.strings. */
struct bb_stack_frame {
	enum bb_frame_kind kind;
	const char *name;   /* NULL: it has none */
	const char *object; /* path of its file; Python: the source's; NULL: of none */
	int32_t line;       /* Python's, 0: not known */
};

/* What threads did in one stack; only where stacks are asked for. */
struct bb_stack_row {
	enum bb_stack_kind kind;
	enum bb_state state; /* that they were in; BB_STACK_WAKER: that was ended */
	int32_t syscall;     /* number, -1: none */
	uint64_t ns;         /* 0 for samples */
	uint64_t count;
	uint64_t max_ns;
	/* BB_STACK_WAKER: the stack is that of who ended the wait */
	pid_t tid;      /* who waited, 0: not known */
	bool interrupt; /* an interrupt ended it: of a device, or a timer */
	pid_t by_tid;   /* else who did, 0: a thread of no process that is watched */
	pid_t by_pid;   /* of its process, 0: the kernel's own, or not visible here */
	char by_comm[BB_COMM_LEN];
	uint64_t behind_ns;  /* of ns, it was blocked itself, by its last wait before each */
	uint64_t behind_max; /* the longest, which was in: */
	enum bb_state behind;
	struct bb_stack_frame *frames; /* from the top; NULL: not known */
	size_t nr;
	bool truncated;
};

/* Calls that were traced; from beginning to end, but for inside_ns. */
struct bb_syscall {
	int32_t nr; /* -2: several, or not known */
	enum bb_call_kind kind;
	uint64_t count;
	uint64_t errors; /* those broken off by a signal included */
	uint64_t ns;     /* wall time inside, blocked time included */
	uint64_t max_ns;
	uint64_t inside_ns; /* in the window, in calls that were open at an edge of it too */
	uint64_t amount;    /* that they returned, by kind: bytes, descriptors, ... */
	struct {
		uint64_t count;
		uint64_t ns;
	} outcomes[BB_OUT_MAX];
};

enum bb_loop_kind {
	BB_LOOP_EPOLL = 0, /* waits by epoll or io_uring; whose loop it is, is not known */
	BB_LOOP_ASYNCIO = 1,
	BB_LOOP_UVLOOP = 2,
	BB_LOOP_GEVENT = 3,
	BB_LOOP_NODE = 4,
	BB_LOOP_GO = 5, /* the netpoller: any thread may poll, none is the loop */
	BB_LOOP_TRIO = 6,
};

/* A thread that runs an event loop: it polls, does what is due, and polls again. */
struct bb_loop {
	pid_t tid;
	enum bb_loop_kind kind;
	bool exact; /* each poll was traced; else only those that blocked, so turns are too long */
	uint64_t window_ns; /* in which the turns were counted */
	uint64_t turns;
	uint64_t busy_ns; /* in turns: away from the poll */
	uint64_t max_ns;
	uint32_t hist[BB_TURN_SLOTS]; /* of turns: the lag of whatever became due meanwhile */
	/* turns that took a CPU for BB_TURN_LONG_NS or more; BB_UNKNOWN_U64 where not exact */
	uint64_t long_turns;
	uint64_t long_ns; /* CPU time in them */
	uint64_t long_max_ns;
	/* blocked in polls by another descriptor, within turns */
	uint64_t inner_count;
	uint64_t inner_ns;
	uint64_t inner_max_ns;
	int32_t inner_syscall;
};

enum bb_gil_mode {
	BB_GIL_NONE = 0, /* the runtime has no such lock */
	BB_GIL_ENABLED = 1,
	BB_GIL_DISABLED = 2, /* free-threaded build, running without but for imports */
	BB_GIL_UNKNOWN = 3,  /* a Python whose lock could not be found */
};

struct bb_runtime {
	char name[16];        /* "cpython", "pypy", "go", "java", "node" or "" */
	char version[32];     /* "3.12.1", "" where not known */
	enum bb_gil_mode gil; /* at the end of the window */
	bool free_threaded;   /* a CPython that was built without a GIL, though it may have one */
	bool gil_changed;     /* switched on or off while it was watched */
	char *note;           /* why there is no detail, or NULL */
};

/* A free-threaded CPython's stops of the world, in which no thread runs Python but one. */
struct bb_pauses {
	uint64_t count;      /* pauses that kept at least one thread from running */
	uint64_t wall_ns;    /* of these, from the first thread that waits to the last */
	uint64_t wait_ns;    /* summed over threads */
	uint64_t max_ns;     /* a thread's longest wait */
	uint64_t request_ns; /* until all threads had stopped, waited by those that asked for it */
	uint32_t threads_max;
};

struct bb_process {
	pid_t pid;
	pid_t ppid;
	char comm[BB_COMM_LEN];
	char *exe;              /* NULL: kernel thread or unreadable */
	char **cmdline;         /* NULL-terminated; NULL if unreadable */
	char *cgroup;           /* path, or NULL */
	char *container;        /* id, or NULL */
	double cpus_usable;     /* affinity, quota and online together; NaN if unknown */
	uint64_t rss_bytes;     /* BB_UNKNOWN_U64 if unknown */
	uint64_t private_bytes; /* part of it in no file and no shared memory; likewise */
	double cpus_unlimited;  /* cpus_usable but for the quota; NaN if unknown */
	struct bb_runtime runtime;
	bool kernel_thread;
	bool born;               /* forked inside the window */
	bool ended;              /* ended inside the window */
	bool execed;             /* replaced its program inside the window */
	int exit_signal;         /* signal that killed it, 0: none or not known */
	struct bb_budget budget; /* sum over all its threads, ended ones included */
	uint64_t window_ns;      /* sum of its threads' windows */
	uint64_t voluntary, involuntary;
	uint64_t migrations; /* as bb_thread's, summed */
	uint64_t threads_born, threads_ended;
	struct bb_budget folded; /* ended threads that are in no row of threads[] */
	uint64_t folded_threads;
	uint64_t folded_window_ns;
	uint64_t kernel_ns;        /* as bb_thread's, summed */
	struct bb_thread *threads; /* by tid */
	size_t nr_threads;
	struct bb_gil *gils;
	size_t nr_gils;
	struct bb_gil_holder *holders; /* longest first */
	size_t nr_holders;
	struct bb_code *code; /* longest first */
	size_t nr_code;
	struct bb_loop *loops; /* busiest first */
	size_t nr_loops;
	struct bb_strings *strings; /* of the frames; shared by copies of the record */
	struct bb_lock *locks;      /* most contended first */
	size_t nr_locks;
	struct bb_taker *takers; /* longest first */
	size_t nr_takers;
	struct bb_klock *klocks; /* longest first */
	size_t nr_klocks;
	struct bb_lock_holder *lock_holders; /* by lock, longest first */
	size_t nr_lock_holders;
	struct bb_wait *waits; /* over all threads, longest first */
	size_t nr_waits;
	struct bb_syscall *syscalls; /* as calls.h has them in order */
	size_t nr_syscalls;
	bool stacks_asked;           /* stacks were taken */
	struct bb_stack_row *stacks; /* longest first */
	size_t nr_stacks;
	struct bb_slices slices;
};

enum bb_tracing {
	BB_TRACING_OFF = 0,
	BB_TRACING_ON = 1,
	BB_TRACING_GOVERNED = 2, /* was on, taken off because it cost too much */
};

struct bb_record {
	struct {
		int64_t start_realtime_ns; /* CLOCK_REALTIME */
		uint64_t ns;
		uint64_t asked_ns; /* the length asked for; 0: until the end of COMMAND */
		bool cut_short;    /* ended by a signal or by the target's end */
	} window;
	struct {
		char kernel[65];
		uint32_t cpus_online;
		double busy_share; /* of all online CPUs over the window; NaN if unknown */
		bool runq_exact;   /* run-queue time from the kernel's own run delay */
		bool klocks;       /* the kernel tells of waits for its own locks */
	} host;
	struct bb_process *processes;
	size_t nr_processes;
	uint64_t *slice_ends; /* offsets from the window's start; the last is the window's end */
	size_t nr_slices;     /* 0: it was not sliced */
	uint64_t drops[BB_DROP_MAX]; /* losses, by enum bb_drop */
	uint64_t walks[BB_WALK_MAX]; /* how the looks at Python code went, by enum bb_walk */
	struct {
		uint64_t events;  /* BPF program runs that did work for the target */
		uint64_t bpf_ns;  /* BB_UNKNOWN_U64 unless the kernel's BPF statistics are on */
		double cpu_share; /* our own CPU time over the window, in CPUs */
		double slicing_cpu_share; /* part of that for slices; NaN: there are none */
		uint64_t rss_bytes;
		uint64_t map_bytes; /* BB_UNKNOWN_U64 if unknown */
		enum bb_tracing syscall_tracing;
		uint64_t syscall_window_ns;      /* how long syscalls were traced */
		uint64_t machine_syscalls_per_s; /* that the governor saw, BB_UNKNOWN_U64 */
	} overhead;
	int command_status; /* wait status of `-- COMMAND`, -1: there was none */
};

/** bb_record__new - an empty record; NULL when out of memory. Free with bb_record__free(). */
struct bb_record *bb_record__new(void);

/** bb_record__free - release a record, half-built ones and NULL included. */
void bb_record__free(struct bb_record *rec);

/** bb_record__copy - deep copy; NULL when out of memory. Free with bb_record__free(). */
struct bb_record *bb_record__copy(const struct bb_record *rec);

/** bb_record__forget_slices - make it one that was not sliced. */
void bb_record__forget_slices(struct bb_record *rec);

/** bb_process__release - release what a process owns; not @p itself. Accepts a zeroed one. */
void bb_process__release(struct bb_process *p);

/** bb_code__release - release what a row of code owns; not @c itself. Accepts a zeroed one. */
void bb_code__release(struct bb_code *c);

/** bb_wait__same_call - in the same state and call, on the same kind of descriptor. */
bool bb_wait__same_call(const struct bb_wait *a, const struct bb_wait *b);

/** bb_klock__same - are the two rows of the same kind and function? */
bool bb_klock__same(const struct bb_klock *a, const struct bb_klock *b);

/** bb_klocks__sort - by time, longest first. */
void bb_klocks__sort(struct bb_klock *k, size_t nr);

/** bb_takers__sort - by time, longest first. */
void bb_takers__sort(struct bb_taker *t, size_t nr);

/** bb_lock_holders__sort - by lock, then by time, longest first. */
void bb_lock_holders__sort(struct bb_lock_holder *h, size_t nr);

/** bb_process__lock_holders - those of the lock at @addr, *nr of them; they are @p's. */
const struct bb_lock_holder *bb_process__lock_holders(const struct bb_process *p, uint64_t addr,
						      size_t *nr);

/** bb_process__lock_at - the lock or queue at @addr, NULL: it has no row, or @addr is 0. */
const struct bb_lock *bb_process__lock_at(const struct bb_process *p, uint64_t addr);

/**
 * bb_process__chain_end - where @h waited for a lock that another one had, who waited in turn,
 * the last of them; else @h itself. Each step follows whoever had that lock longest, if the wait
 * for it was at least half of the time.
 */
const struct bb_lock_holder *bb_process__chain_end(const struct bb_process *p,
						   const struct bb_lock_holder *h);

/** bb_process__first_thread - index of the first of its threads whose tid is not below @tid. */
size_t bb_process__first_thread(const struct bb_process *p, pid_t tid);

/** bb_process__thread - the first of its threads of that number, NULL: none. */
const struct bb_thread *bb_process__thread(const struct bb_process *p, pid_t tid);

/**
 * bb_process__pauses - what stops of the world cost, from the rows of its locks.
 * Of several interpreters, wall time is that of the one with most.
 * Return false where there is no such thing: not a free-threaded build.
 */
bool bb_process__pauses(const struct bb_process *p, struct bb_pauses *out);

/**
 * bb_runtime__parks - does it park each thread on a word of its own, whatever that waits for:
 * for work, or for a lock of the program's?
 */
bool bb_runtime__parks(const struct bb_runtime *rt);

/** bb_known__add - @a + @b; BB_UNKNOWN_U64 where one of them is. */
uint64_t bb_known__add(uint64_t a, uint64_t b);

/** bb_thread__residual - window minus the sum of the states, in ns; 0 when exact. */
int64_t bb_thread__residual(const struct bb_thread *t);

/** bb_record__losses - number of losses that are not zero. */
size_t bb_record__losses(const struct bb_record *rec);

/** bb_drop__name - JSON key of a loss; static string. */
const char *bb_drop__name(enum bb_drop d);

/** bb_drop__text - what is missing because of it, in words; static string. */
const char *bb_drop__text(enum bb_drop d);

#endif
