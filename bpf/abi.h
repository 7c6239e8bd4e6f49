/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one header that both the BPF programs and user space include.
 *
 * Fixed-width types only. Enum numbers are explicit and append-only: a retired
 * number stays a hole. Every struct that crosses the boundary has its size and
 * the offsets that matter asserted below.
 */
#ifndef BB_ABI_H
#define BB_ABI_H

#ifndef __VMLINUX_H__
#ifdef __bpf__
#error "include vmlinux.h before abi.h"
#endif
#include <stdint.h>
typedef uint8_t bb_u8;
typedef uint16_t bb_u16;
typedef uint32_t bb_u32;
typedef uint64_t bb_u64;
typedef int16_t bb_s16;
typedef int32_t bb_s32;
typedef int64_t bb_s64;
#else
typedef __u8 bb_u8;
typedef __u16 bb_u16;
typedef __u32 bb_u32;
typedef __u64 bb_u64;
typedef __s16 bb_s16;
typedef __s32 bb_s32;
typedef __s64 bb_s64;
#endif

/*
 * What a thread's time is summed under in the kernel. User space folds these
 * into the states of the report (user/model/state.h): the kernel only records
 * what it saw, e.g. how a futex wait ended, and never judges.
 */
enum bb_bucket {
	BB_ONCPU = 0,
	BB_RUNQ_PREEMPTED = 1, /* lost the CPU while runnable */
	BB_RUNQ_WOKEN = 2,     /* woken (or new), not yet on a CPU */
	BB_RUNQ_THROTTLED = 3, /* lost the CPU to the cgroup's quota */
	BB_GIL = 4,
	BB_FUTEX_PROTO = 5,  /* the word's protocol says lock (glibc mutex, PI) */
	BB_FUTEX_HANDED = 6, /* woken by a thread that waits on this word too */
	BB_FUTEX_FED = 7,    /* woken by a thread that never waited on it */
	BB_FUTEX_OTHER = 8,  /* timed out, interrupted, waker not seen */
	BB_DISK = 9,
	BB_NET = 10,
	BB_POLL = 11,
	BB_IPC = 12,
	BB_SLEEP = 13,
	BB_CHILD = 14,
	BB_FAULT = 15,
	BB_STOPPED = 16,
	BB_OTHER = 17,
	BB_UNKNOWN = 18,
	BB_BUCKET_MAX = 19,
};

/* What the descriptor of a blocked call was; detail for bb_wait_slot.fdkind. */
enum bb_fdkind {
	BB_FD_NONE = 0,    /* the call has no descriptor */
	BB_FD_UNKNOWN = 1, /* it has one, and it could not be read */
	BB_FD_FILE = 2,
	BB_FD_BLOCKDEV = 3,
	BB_FD_PIPE = 4,
	BB_FD_TTY = 5,
	BB_FD_CHARDEV = 6,
	BB_FD_UNIX = 7,
	BB_FD_INET = 8,        /* TCP, UDP and the like, v4 and v6, connected or not */
	BB_FD_INET_LISTEN = 9, /* a listening TCP socket */
	BB_FD_UNIX_LISTEN = 10,
	BB_FD_SOCKET = 11, /* any other address family */
	BB_FD_EVENTFD = 12,
	BB_FD_TIMERFD = 13,
	BB_FD_EPOLL = 14,
	BB_FD_ANON = 15, /* any other anonymous inode */
	BB_FD_MAX = 16,
};

/*
 * Losses. One list makes the enum, the names in the JSON and the lines of
 * docs/method.md; each names what detail went missing, never time.
 */
#define BB_DROPS(X)                                                                                \
	X(THREADS_FULL, 0, "threads_map_full",                                                     \
	  "threads without detail: all of their time is unknown")                                  \
	X(EXITED_FULL, 1, "exited_map_full", "ended threads that were summed, not kept")           \
	X(PROCS_FULL, 2, "processes_map_full", "descendants that could not be followed")           \
	X(LOCKS_FULL, 3, "locks_map_full", "futex waits without a row in the lock table")          \
	X(WAITS_FULL, 4, "wait_slots_full",                                                        \
	  "waits summed under their state without a syscall name")                                 \
	X(SYSCALLS_FULL, 5, "syscalls_map_full", "syscalls that were not counted")                 \
	X(FD_READ, 6, "fd_read_failed", "blocked calls whose descriptor could not be read")        \
	X(REGS_READ, 7, "regs_read_failed", "waits whose saved registers could not be read")       \
	X(USER_READ, 8, "user_read_failed", "reads of the target's memory that failed")            \
	X(COMPAT_SYSCALL, 9, "compat_syscall", "waits in a 32-bit syscall")                        \
	X(CLOCK_BACK, 10, "clock_backwards",                                                       \
	  "intervals that came out negative by more than 10 ms")                                   \
	X(CONTENTION_RACE, 11, "contention_race",                                                  \
	  "updates of a contended time that were given up")                                        \
	X(WINDOW_SKEW, 12, "thread_window_skew", "threads whose window is not that of the report") \
	X(FOLLOW_MISSED, 13, "threads_unseen",                                                     \
	  "threads found by the scan that no event ever named")                                    \
	X(LOOPS_FULL, 14, "loops_full", "turns of event loops for which there was no room")        \
	X(LOOKS_CUT, 15, "looks_cut",                                                              \
	  "looks for names of Python threads and code that were cut short: they cost too much")    \
	X(WAKERS_FULL, 16, "wakers_map_full",                                                      \
	  "wake-ups from waits for a lock by a thread for which there was no room")                \
	X(TAKERS_FULL, 17, "takers_map_full",                                                      \
	  "waits for a CPU that was had by a process for which there was no room")                 \
	X(ENDS_FULL, 18, "ends_map_full",                                                          \
	  "waits on a socket or a file for whose name there was no room")                          \
	X(STACKS_FULL, 19, "stacks_map_full",                                                      \
	  "waits and samples for whose stack there was no room")                                   \
	X(KLOCKS_FULL, 20, "kernel_locks_map_full",                                                \
	  "waits for the kernel's own locks for which there was no room")

enum bb_drop {
#define X(id, n, name, text) BB_DROP_##id = n,
	BB_DROPS(X)
#undef X
		BB_DROP_MAX = 21,
};

/*
 * How the walks over Python's frames went: X(identifier, number, JSON name, what it
 * means to the reader). Numbers are fixed.
 */
#define BB_WALKS(X)                                                                                \
	X(DONE, 0, "done", "stacks that were walked")                                              \
	X(TRUNCATED, 1, "truncated", "of these, cut: at 64 frames, or where one was unreadable")   \
	X(NO_BUDGET, 2, "no_budget", "left out to stay within the cost allowed")                   \
	X(NO_TSTATE, 3, "no_thread_state", "threads that are not Python's")                        \
	X(NO_FRAME, 4, "no_frame", "threads that ran no Python code")                              \
	X(UNREADABLE, 5, "unreadable", "frames whose memory could not be read")                    \
	X(TORN, 6, "torn", "frames that changed while they were read")                             \
	X(FULL, 7, "full", "stacks for which there was no room")                                   \
	X(NO_CODE, 8, "no_code", "stacks that turned out to be none: no code was where it ran")    \
	X(NATIVE, 9, "native", "samples with the functions of C that ran")                         \
	X(NATIVE_LOST, 10, "native_lost", "samples without, for lack of room")                     \
	X(NATIVE_UNKNOWN, 11, "native_unknown", "samples whose program was not there to be read")

enum bb_walk {
#define X(id, n, name, text) BB_WALK_##id = n,
	BB_WALKS(X)
#undef X
		BB_WALK_MAX = 12,
};

/* What a stack of Python code was seen doing: bb_py_key.kind. */
enum bb_py_kind {
	BB_PY_HOLDER = 0,  /* held the GIL while others waited: contended time */
	BB_PY_WAITER = 1,  /* waited for the GIL */
	BB_PY_BLOCKED = 2, /* blocked, in the state of the bucket */
	BB_PY_HELD = 3,    /* was off the CPU with the GIL held */
	BB_PY_ON_GIL = 4,  /* sampled on a CPU, with the GIL */
	BB_PY_ON_FREE = 5, /* sampled on a CPU, without it */
	BB_PY_KIND_MAX = 6,
};

/* How user space classifies a system call, by number: rodata cfg_sysclass[]. */
enum bb_sysclass {
	BB_SC_OTHER = 0,
	BB_SC_FUTEX = 1,
	BB_SC_FUTEX_WAIT = 2,  /* futex2's wait: address in argument 0 */
	BB_SC_FUTEX_WAITV = 3, /* vector of words: the first counts */
	BB_SC_FD = 4,          /* argument 0 is a descriptor, whose type decides */
	BB_SC_POLL_FD = 5,     /* argument 0 is the epoll or ring descriptor */
	BB_SC_POLL = 6,        /* poll, ppoll: argument 1 counts descriptors */
	BB_SC_SELECT = 7,      /* select, pselect6: argument 0 counts descriptors */
	BB_SC_SLEEP = 8,
	BB_SC_CHILD = 9,
	BB_SC_IPC = 10,
	BB_SC_DISK = 11,
	BB_SC_OPEN = 12,       /* a path: disk, or a FIFO whose other end is missing */
	BB_SC_CLONE = 13,      /* blocks in vfork until the child execs */
	BB_SC_RESTART = 14,    /* goes on with the call that a signal or a freeze broke off */
	BB_SC_NEW_POLLER = 15, /* makes what BB_SC_POLL_FD polls by; blocks as OTHER does */
	BB_SC_DISK_FD = 16,    /* as DISK: argument 0 is the file's descriptor */
};

/* What a system call returns, by number: rodata cfg_callkind[]. */
enum bb_call_kind {
	BB_CALL_OTHER = 0, /* nothing that adds up */
	BB_CALL_FUTEX = 1, /* by its command one of the next two, or neither */
	BB_CALL_FUTEX_WAIT = 2,
	BB_CALL_FUTEX_WAKE = 3, /* threads that it woke, or moved to another word */
	BB_CALL_POLL = 4,       /* descriptors that are ready */
	BB_CALL_READ = 5,       /* bytes */
	BB_CALL_WRITE = 6,      /* bytes */
	BB_CALL_MESSAGES = 7,
	BB_CALL_KIND_MAX = 8,
};

/* How a system call came out. */
enum bb_outcome {
	BB_OUT_NONE = 0, /* 0; any success, where what it returns does not add up */
	BB_OUT_SOME = 1, /* an amount */
	BB_OUT_AGAIN = 2,
	BB_OUT_TIMEOUT = 3,
	BB_OUT_INTR = 4, /* broken off by a signal, to be begun again or not */
	BB_OUT_ERROR = 5,
	BB_OUT_MAX = 6,
	BB_OUT_EDGE = 7, /* it began before the window: nothing but its time off the CPU is known */
};

#define BB_WORD_UNIT_SHIFT 2 /* 4 ns: 48 bits of it are 13 days */
#define BB_SYSCALL_MAX     512
#define BB_WAIT_SLOTS      6
#define BB_RECENT_LOCKS    4
#define BB_GILS_MAX        8
#define BB_HIST_BITS       40
#define BB_SAMPLE_HZ       99 /* of the sampling clock; not 100: the kernel's own tick is at that */
/*
 * A histogram of turns: slot i counts those from 2^(10 + i / 32) x (1 + (i % 32) / 32) ns,
 * the first all shorter ones too and the last all longer ones: 1 us to 4 minutes, to 3 %.
 */
#define BB_TURN_FIRST    10
#define BB_TURN_SUB_BITS 5
#define BB_TURN_SLOTS    896
/*
 * CPU time in one turn from which the turn is long. 10 ms are what a display or a
 * game shows as a stutter, and a tenth of the 100 ms from which asyncio's own debug
 * mode warns of a slow callback.
 */
#define BB_TURN_LONG_NS 10000000ULL
#define BB_PY_DEPTH     64 /* frames of a stack that are kept */
#define BB_WHO_TID      (1ULL << 63)
#define BB_NATIVE_DEPTH 32   /* native ones */
#define BB_ROW_HINTS    4096 /* where a task's row was last found, by its PID modulo this */
#define BB_END_HINTS    1024 /* numbers of ends, by a hash of their marks */
#define BB_PORTS        65536
#define BB_TARGET_SLOTS 65536 /* prefilter: one byte per tgid modulo this */
#define BB_DEAD_KEPT    1024  /* ended threads kept with all detail, by default */

struct bb_row_hint {
	bb_u64 task;
	bb_u64 number;
};

#define BB_END_SEVERAL 0xffffu

/*
 * What a descriptor led to when a thread blocked on it: key of map `ends`.
 *
 * Of a socket it is the other end. Ports and addresses are as on the wire, but for the local
 * port. Of connections that clients have opened to us, and of sockets without a peer, there is
 * the local port alone, or the path of a unix socket: each client is another one. All else is
 * told by its inode.
 */
struct bb_end_key {
	bb_u16 family; /* AF_*, 0 with a local port: of either, BB_END_INODE: no socket */
	bb_u8 proto;   /* IPPROTO_* */
	bb_u8 listens; /* it is a listening socket */
	bb_u16 local;  /* port, 0: it is not what tells it */
	bb_u16 peer; /* port, big endian, 0: none, or not what tells it; AF_UNIX: 1, it tells it */
	union {
		bb_u8 addr[16];
		struct {
			bb_u64 inode; /* AF_UNIX: of a peer without a name, else a hash of the name
				       */
			bb_u32 dev;   /* as the kernel has it: major << 20 | minor */
			bb_u32 named; /* AF_UNIX: there is a name */
		};
	};
};
_Static_assert(sizeof(struct bb_end_key) == 24, "bb_end_key");

/* bb_end_key.family of files, pipes and devices; fdkind is in proto */
#define BB_END_INODE  0xfffeu
#define BB_END_NAME   56 /* bytes of a name that are kept */
#define BB_END_PARENT 32 /* where in it that of a file's folder is */

/* Value of map `ends`. */
struct bb_end {
	bb_u16 number; /* from 1 */
	bb_u16 len;    /* AF_UNIX: of the whole name, of which this is the end */
	bb_u32 pid;    /* AF_UNIX: process that listens or that made the pair, 0: not known */
	char name[BB_END_NAME];
};
_Static_assert(sizeof(struct bb_end) == 64, "bb_end");

/* One kind of wait of one thread. 32 bytes. */
struct bb_wait_slot {
	bb_u8 bucket;
	bb_u8 fdkind;
	bb_s16 nr; /* syscall, -1: none in flight */
	bb_s32 fd;
	bb_u32 count;
	bb_u16 used;
	bb_u16 end; /* number in map `ends`, 0: none, BB_END_SEVERAL: of several */
	bb_u64 ns;
	bb_u64 max_ns;
};
_Static_assert(sizeof(struct bb_wait_slot) == 32, "bb_wait_slot");

#define BB_STATE_RAN 0u /* bb_thread.on: on a CPU */
#define BB_STATE_OFF 1u /* off it: bb_thread.bucket says why */

#define BB_TF_IGNORE    (1u << 0) /* of the target, not selected by -t */
#define BB_TF_BORN      (1u << 1) /* started inside the window */
#define BB_TF_ENDED     (1u << 2)
#define BB_TF_COUNTED   (1u << 3)  /* counts as a waiter in its lock's contention */
#define BB_TF_GIL       (1u << 4)  /* the open futex wait is for a GIL */
#define BB_TF_RAN       (1u << 5)  /* was on a CPU in the window */
#define BB_TF_IN_ACQ    (1u << 6)  /* a GIL acquisition is not closed yet */
#define BB_TF_PROTO     (1u << 7)  /* the open futex wait is a lock's by its protocol */
#define BB_TF_PYTHON    (1u << 8)  /* its process has Python code that can be read */
#define BB_TF_NO_TSTATE (1u << 9)  /* not among the interpreter's threads: do not look again */
#define BB_TF_HOLDS     (1u << 10) /* off the CPU with t->held_gil held */
#define BB_TF_FORCED    (1u << 11) /* the open GIL wait is that of a thread made to let go */
#define BB_TF_INNER     (1u << 12) /* the poll it is in is not its loop's: one within a turn */
#define BB_TF_COND      (1u << 13) /* the open GIL wait is one that drop_gil() ends */
#define BB_TF_DELAYED   (1u << 14) /* may have been moved while it blocked: bb_task_delayed() */
#define BB_TF_WRITER    (1u << 15) /* if the open futex wait is for an rwlock, it is to write */

/* A thread, while it lives: in map `rows`; map `threads` has the number of a task's row. */
struct bb_thread_sum {
	bb_u32 seq; /* odd while it is being changed */
	bb_u32 flags;
	bb_u32 tid;
	bb_u32 tgid;
	bb_u64 start; /* ktime from which it is accounted */
	bb_u64 since; /* ktime at which the open state began */
	bb_u64 ns[BB_BUCKET_MAX];
	bb_u64 run_delay;  /* the kernel's figure when it left the CPU */
	bb_u32 nvcsw;      /* the kernel's count at its last switch, the low half */
	bb_u32 migrations; /* the kernel's count when it was entered; once it ended, since then */
	bb_u64 blocked;    /* ns of the last time off the CPU in which it was blocked */
	bb_u64 voluntary;
	bb_u64 involuntary;
	/* the open state */
	bb_u8 on;     /* BB_STATE_* */
	bb_u8 bucket; /* enum bb_bucket of an open wait */
	bb_u8 fdkind;
	bb_u8 wake_how; /* bucket that the wake-up told for a futex wait, 0: none seen */
	bb_s16 nr;
	bb_u16 early; /* woken while it was still leaving its CPU */
	bb_s32 fd;
	bb_s16 restart_nr; /* the last call that a restart would go on with */
	bb_u8 restart_bucket;
	bb_u8 restart_fdkind;
	bb_u64 end_of; /* what tells the file of `last_end` from others */
	bb_u16 last_end;
	bb_u16 end; /* of the open wait: see bb_wait_slot */
	bb_u16 restart_end;
	bb_u16 searches;                   /* for its thread state, that went BB_PY_STEPS far */
	bb_u64 futex;                      /* address of the open futex wait, as keyed */
	bb_u64 recent[BB_RECENT_LOCKS];    /* words that it waited on longest */
	bb_u64 recent_ns[BB_RECENT_LOCKS]; /* and how long */
	/* the GIL */
	bb_u64 gil;    /* GIL of the open or last wait, 0: none */
	bb_u64 acq_ns; /* so far, of the acquisition that is not closed */
	bb_u64 acq_count;
	bb_u64 acq_max;
	bb_u64 gil_switches; /* gil.switch_number when it last blocked there */
	/* system calls */
	bb_u64 sys_enter; /* ktime, 0: not inside one that was seen to start */
	bb_u64 sys_off;   /* off-CPU total then */
	bb_u64 off_ns;    /* all time off the CPU so far */
	bb_u64 kernel_ns;
	bb_s32 sys_nr;  /* -1: none was seen to start or end */
	bb_u32 loop_fd; /* descriptor by which its event loop polls, and 1; 0: none yet */
	bb_u64 tstate;  /* its PyThreadState, once found */
	bb_u64 search;  /* thread state at which the search for it goes on, 0: from the first */
	bb_u64 search_interp;
	bb_u64 self;      /* pthread_self() when it was first seen, 0: not known (any more) */
	bb_u64 stack;     /* Python stack of the open wait, 0: not walked */
	bb_u64 acq_stack; /* of the acquisition that is not closed */
	bb_u64 held_gil;  /* that it held when it left the CPU */
	bb_u64 held_owed; /* contended time of it, then */
	bb_u64 held_told; /* of its own contended time with it, what was in rows of code */
	/*
	 * Part of the last time off the CPU in which it was runnable. While it waits for a CPU
	 * that it lost: throttled_mark().
	 */
	bb_u64 queued;
	bb_u64 turn;        /* ktime at which it got a CPU after a poll that blocked, 0: none */
	bb_u64 turn_traced; /* ktime at which a poll that was traced returned, 0: none */
	bb_u64 turn_off;    /* off-CPU total then */
	bb_u64 only_gil;    /* of its process, 0: there are several, or none is known */
	bb_u64 native;      /* native stack of the open wait, 0: none was taken */
	bb_u64 woken;       /* ktime of the wake-up from the open or last wait, 0: not told */
	bb_u32 taker;       /* process that it last lost a CPU to */
	bb_u32 pythons;     /* bb_pythons when that and BB_TF_PYTHON were looked up, 0: not yet */
	bb_u64 klock;       /* the kernel's own lock that it waits for, 0: none */
	bb_u64 klock_at;    /* ktime at which it began to */
	bb_u32 klock_kind;  /* as in bb_klock_key */
	bb_u32 pad;
	struct bb_wait_slot slots[BB_WAIT_SLOTS];
	char comm[16]; /* set when it ends */
};
_Static_assert(sizeof(struct bb_thread_sum) == 776, "bb_thread_sum");
_Static_assert(__builtin_offsetof(struct bb_thread_sum, slots) == 568, "bb_thread_sum.slots");

/*
 * A thread's row: value of map `rows`. Whose it is stands in it, so that whoever comes by a
 * number that is no longer good sees it. Numbers are given out first to last, and one that came
 * back comes up again after all others: behind the first row without a tid there is none yet.
 */
struct bb_row {
	bb_u64 task; /* struct task_struct *; 0: nobody's */
	struct bb_thread_sum sum;
};
_Static_assert(sizeof(struct bb_row) == 784, "bb_row");

/* What the task iterator is to do: bb_iter_mode. */
enum bb_iter_mode {
	BB_ITER_SURVEY = 0, /* a bb_leader_row for each process of the machine */
	BB_ITER_BEGIN = 1,  /* enter the targets' threads as they are now */
	BB_ITER_READ = 2,   /* a bb_thread_row for each thread of the targets */
};

/* A process of the machine, by its group leader. */
struct bb_leader_row {
	bb_u32 tgid;           /* in the initial PID namespace */
	bb_u32 ns_tgid;        /* in the reader's, 0: not visible there */
	bb_u32 ptgid;          /* parent's, initial namespace */
	bb_u32 flags;          /* of the task: PF_* */
	bb_u64 start_boottime; /* ns */
};
_Static_assert(sizeof(struct bb_leader_row) == 24, "bb_leader_row");

/* What the task iterator writes per thread: a consistent copy and the task's own figures. */
struct bb_thread_row {
	bb_u64 now;        /* ktime of the copy */
	bb_u64 runq_ns;    /* part of the open wait that it has been runnable */
	bb_u64 ran_ns;     /* part of it that it has been on a CPU, which no event showed */
	bb_u64 start_time; /* ktime of its birth */
	bb_u64 nvcsw;
	bb_u64 nivcsw;
	bb_u64 migrations;
	bb_u64 self;   /* pthread_self(), 0: not known */
	bb_u32 ns_tid; /* in the reader's PID namespace, 0: not visible there */
	bb_u32 found;  /* 1: sum is valid; 0: there is no entry for it */
	char comm[16];
	struct bb_thread_sum sum; /* tid and tgid always set */
};
_Static_assert(sizeof(struct bb_thread_row) == 864, "bb_thread_row");

#define BB_PF_FOLLOWED (1u << 0) /* forked from a target inside the window */
#define BB_PF_EXECED   (1u << 1)
#define BB_PF_ENDED    (1u << 2)
#define BB_PF_TARGET   (1u << 3) /* named on the command line */

#define BB_PY_MUSL    (1u << 0) /* its libc waits on the waiter's stack */
#define BB_PY_PARKING (1u << 1) /* CPython 3.13 or later: waits park on the stack */

/*
 * Where a CPython keeps the code that a thread runs, by version; all zero: not
 * known. Offsets in bytes.
 */
struct bb_py_offsets {
	bb_u16 interp_head; /* in _PyRuntime */
	bb_u16 interp_next; /* in PyInterpreterState */
	bb_u16 interp_threads;
	bb_u16 tstate_next; /* in PyThreadState */
	bb_u16 tstate_thread_id;
	bb_u16 tstate_frame; /* the frame, or what leads to it */
	bb_u16 cframe_frame; /* in _PyCFrame, one more step */
	bb_u16 has_cframe;
	bb_u16 frame_code; /* in the frame */
	bb_u16 frame_previous;
	bb_u16 frame_owner;
	bb_u16 has_owner;
	bb_u16 tss_key;    /* in _PyRuntime: Py_tss_t of the thread state, 0: none */
	bb_u16 frame_pos;  /* f_lasti, prev_instr or instr_ptr */
	bb_u16 frame_size; /* bytes to read: up to the last of these */
	bb_u16 pos_is_ptr; /* 0: an int */
};

/* How a free-threaded CPython stops its threads, by version; all zero: it is none. Offsets in
 * bytes. */
struct bb_py_stops {
	bb_u16 tstate_state; /* in PyThreadState */
	bb_u16 tstate_interp;
	bb_u16 interp_event;  /* in PyInterpreterState: stop_event */
	bb_u16 runtime_event; /* in _PyRuntime */
};

/* A process: value of map `procs`, keyed by tgid. */
struct bb_proc_sum {
	bb_u32 tgid;
	bb_u32 ptgid;
	bb_u32 flags;
	bb_u32 exec_count;
	bb_u64 start_boottime; /* 0: taken from the first look at it */
	bb_u64 seen;           /* ktime at which we began to follow it */
	bb_u32 exit_signal;    /* that ended it, 0: none */
	bb_u32 ns_tgid;        /* in user space's PID namespace, 0: not visible there */
	bb_u64 born;
	bb_u64 ended;
	/* ended threads of which no detail was kept */
	bb_u32 folded;
	bb_u32 folded_migrations;
	bb_u64 folded_window;
	bb_u64 folded_voluntary;
	bb_u64 folded_involuntary;
	bb_u64 folded_kernel;
	bb_u64 folded_ns[BB_BUCKET_MAX];
	char comm[16];
};
_Static_assert(sizeof(struct bb_proc_sum) == 264, "bb_proc_sum");

/* The Python in a process: value of map `pythons`, keyed by tgid; written by user space. */
struct bb_python_info {
	bb_u32 nr_gils;
	bb_u32 flags; /* BB_PY_* */
	bb_u64 gils[BB_GILS_MAX];
	bb_u64 runtime; /* address of _PyRuntime, 0: its code is not to be read */
	struct bb_py_offsets off;
	bb_u32 execs; /* bb_proc_sum.exec_count of the program that this is about */
	/* from pthread_self() to where glibc keeps the thread's own thread state, 0: not known */
	bb_u32 tss_slot;
	struct bb_py_stops stops;
};
_Static_assert(sizeof(struct bb_python_info) == 128, "bb_python_info");

/* Wall time with at least one waiter, kept exact by one compare-and-swap. */
struct bb_contention {
	bb_u64 word;  /* time since the window's start in 4 ns << 16 | waiters */
	bb_u64 since; /* used where the kernel has no compare-and-swap for BPF */
	bb_u64 ns;
	bb_u64 last_end; /* ktime of the last time that nobody waited */
	bb_u32 max;      /* waiters at once */
	bb_u32 times;    /* that there came to be a waiter */
};

/* Where a futex word was found to be: bb_lock_sum.where. */
enum bb_lock_where {
	BB_AT_WORD = 0,   /* the word is the object */
	BB_AT_STACK = 1,  /* on the waiter's stack; nothing was read there */
	BB_AT_PARKED = 2, /* CPython's parking lot, for an object of any kind */
	BB_AT_PYMUTEX = 3,
	BB_AT_SIMPLE_QUEUE = 4,
	BB_AT_WORLD = 5,   /* the thread is kept from running: the world is stopped */
	BB_AT_STOPPER = 6, /* it is stopping the world, and waits for the others */
	BB_AT_RAW = 7,     /* _PyRawMutex, of the parking lot itself */
	BB_AT_MONITOR = 8, /* parked by the JVM, to enter a monitor */
};

/*
 * A thread of a JVM: key and value of map `java_threads`. The value is where it keeps the
 * ObjectMonitor that it waits to enter.
 */
#define BB_JAVA_THREADS 2048 /* of which monitors are told apart */
struct bb_java_key {
	bb_u32 tid;
	bb_u32 tgid;
};

struct bb_lock_key {
	bb_u64 addr;
	bb_u32 tgid; /* also of shared words: one row per process */
	bb_u32 pad;
};

/* A futex: value of map `locks`. */
struct bb_lock_sum {
	struct bb_contention contention;
	bb_u64 given; /* contended time of which it is settled whose it was, or that it is not known
		       */
	bb_u64 ns[4]; /* by BB_FUTEX_PROTO, HANDED, FED, OTHER */
	bb_u64 waits;
	bb_u64 max_ns;
	bb_u64 code;     /* code object of the last waiter's top Python frame, 0: none */
	bb_u64 caller;   /* of the frame below */
	bb_u64 write_ns; /* part of ns that was to write, if it is an rwlock */
	bb_u32 write_waits;
	bb_u32 val; /* of the last wait, as passed */
	bb_u16 op;
	bb_u16 hist;  /* number of its row in `lock_hists` and 1; 0: it has none */
	bb_u8 where;  /* enum bb_lock_where, of the last wait */
	bb_u8 falls;  /* waits for a smaller value than the one before, 255: or more */
	bb_u16 rises; /* for a larger one, 65535: or more */
};
_Static_assert(sizeof(struct bb_lock_sum) == 136, "bb_lock_sum");

/*
 * How long its waits were: value of map `lock_hists`. Slot i counts waits from
 * 2^(10 + i) ns, the first all shorter ones too and the last all longer ones. For
 * locks that were waited for often: of few waits quantiles would say nothing.
 */
#define BB_LOCK_HIST_FIRST 10
#define BB_LOCK_HIST_SLOTS 24
#define BB_LOCK_HIST_WAITS 8 /* from this one on */
struct bb_lock_hist {
	bb_u32 slots[BB_LOCK_HIST_SLOTS];
};

/*
 * A thread that ended waits for a futex: key and value of map `wakers`. Of a lock it
 * is who let go of it, of a queue who fed it. Of all processes: it need be no target.
 */
struct bb_waker_key {
	bb_u64 addr;
	bb_u32 tgid; /* of those that waited */
	bb_u32 tid;  /* its own */
};

struct bb_waker_sum {
	bb_u64 ns;          /* contended time up to its wake-ups, that no other had got */
	bb_u64 count;       /* wake-ups */
	bb_u64 blocked_ns;  /* part of ns in which it was blocked itself, as far as is known */
	bb_u64 blocked_max; /* the longest, which was in: */
	bb_u64 futex;       /* a wait for that word, 0: none */
	bb_u64 stack;       /* Python's at one of its wake-ups, 0: none was walked */
	bb_u32 ns_tid;      /* its numbers as the reader sees them, 0: not visible there */
	bb_u32 ns_tgid;
	bb_s32 fd;
	bb_s16 nr;
	bb_u8 bucket;
	bb_u8 fdkind;
	bb_u16 end; /* see bb_wait_slot */
	bb_u16 pad[3];
	char comm[16];
};
_Static_assert(sizeof(struct bb_waker_sum) == 88, "bb_waker_sum");

/* A GIL: value of map `gils`, same key. */
struct bb_gil_sum {
	struct bb_contention contention;
	bb_u64 ns;
	bb_u64 acquisitions;
	bb_u64 max_ns;
	bb_u64 given;     /* contended time that has been given out: to holders, and to hand_over */
	bb_u64 hand_over; /* from a release to the CPU of the thread that it woke */
	bb_u64 holder;  /* thread state that was last seen to hold it, 0: none since the release */
	bb_u64 samples; /* on a CPU, with it */
	bb_u64 off_ns;  /* off the CPU, with it */
	bb_u64 hist[BB_HIST_BITS];
};
_Static_assert(sizeof(struct bb_gil_sum) == 424, "bb_gil_sum");

/* Turns of an event loop: from one poll to the next. */
struct bb_turns {
	bb_u64 count;
	bb_u64 ns;
	bb_u64 max_ns;
	bb_u32 hist[BB_TURN_SLOTS];
};

/* A thread that polls by epoll: value of map `loops`, keyed as `py_threads`. */
struct bb_loop_sum {
	struct bb_turns seen;   /* between polls that blocked: at least as long as the true ones */
	struct bb_turns traced; /* between all polls, while system calls were traced */
	/* of traced turns, those that took a CPU for BB_TURN_LONG_NS and more */
	bb_u64 long_count;
	bb_u64 long_ns; /* CPU time in them */
	bb_u64 long_max_ns;
	/* blocked in polls within turns, by another descriptor than the loop's */
	bb_u64 inner_count;
	bb_u64 inner_ns;
	bb_u64 inner_max_ns;
	bb_s32 inner_nr; /* system call of the last */
	bb_u32 made;     /* descriptors to poll by that the thread made, while traced */
};
_Static_assert(sizeof(struct bb_loop_sum) == 7272, "bb_loop_sum");

/*
 * Who had the CPU that a thread of a target queued for: key and value of map `takers`. It is
 * whoever left it last before the thread got it; where the thread had lost it, that is half of
 * the time, and the other half is of who took it first. Waits shorter than BB_TAKEN_NS are
 * left out: nobody kept them from running.
 */
#define BB_TAKEN_NS 100000ULL
struct bb_taker_key {
	bb_u32 tgid; /* of the thread that queued */
	bb_u32 by;   /* process that ran, 0: none, the CPU was idle */
};

struct bb_taker_sum {
	bb_u64 ns;
	bb_u64 count;
	bb_u64 max_ns;
	bb_u32 ns_tgid; /* of `by`, as the reader sees it, 0: not visible there */
	char comm[16];
	bb_u32 pad;
};
_Static_assert(sizeof(struct bb_taker_sum) == 48, "bb_taker_sum");

/*
 * Waits for one of the kernel's own locks, spinning or blocked: key and value of map `klocks`.
 * One row for each kind of lock and way to it.
 */
#define BB_KLOCK_DEPTH 12
/* kinds: the flags of lock:contention_begin (include/trace/events/lock.h, LCB_F_*), and ours */
#define BB_KLOCK_SPIN   (1u << 0)
#define BB_KLOCK_READ   (1u << 1)
#define BB_KLOCK_WRITE  (1u << 2)
#define BB_KLOCK_RT     (1u << 3)
#define BB_KLOCK_PERCPU (1u << 4)
#define BB_KLOCK_MUTEX  (1u << 5)
#define BB_KLOCK_MMAP   (1u << 16) /* it is the mmap_lock of the thread's own memory */
struct bb_klock_key {
	bb_u32 tgid;
	bb_u32 kind;
	bb_u64 way; /* hash of who called */
};

struct bb_klock_sum {
	bb_u64 ns;
	bb_u64 count;
	bb_u64 max_ns;
	bb_u32 nr; /* of callers */
	bb_u32 pad;
	bb_u64 ip[BB_KLOCK_DEPTH]; /* in the kernel, from the lock's own functions on */
};
_Static_assert(sizeof(struct bb_klock_sum) == 128, "bb_klock_sum");

/* pthread_self(): key of map `selves`, which has the thread's tid while that lives. */
struct bb_self_key {
	bb_u64 self;
	bb_u64 tgid;
};

/* A thread of Python's that held a GIL while others waited: value of map `holders`. */
struct bb_holder_key {
	bb_u64 who; /* BB_WHO_TID and the tid or, not known, the thread state */
	bb_u64 gil;
	bb_u32 tgid;
	bb_u32 pad;
};

struct bb_holder_sum {
	bb_u64 ns;      /* contended time */
	bb_u64 pending; /* part of it that is in no row of `py_sums`: signed */
	bb_u64 looked;  /* ns when its code was last looked at */
	bb_u64 several; /* of all threads for which there was no room */
	bb_u64 count;
};

/* What a thread does with the GIL: value of map `py_threads`, keyed by tid << 32 | tgid. */
struct bb_py_thread {
	bb_u64 off_ns;       /* off the CPU with the GIL held */
	bb_u64 forced;       /* times that it was made to let go */
	bb_u64 samples_gil;  /* on a CPU, with the GIL */
	bb_u64 samples_free; /* and without */
	bb_u32 hist[BB_HIST_BITS];
};
_Static_assert(sizeof(struct bb_py_thread) == 192, "bb_py_thread");

/* Code objects and positions from the top: value of map `stacks`, keyed by a hash of them. */
struct bb_py_stack {
	bb_u32 tgid;
	bb_u8 depth;
	bb_u8 truncated;
	bb_u16 execs; /* of bb_python_info, the low half: which program of the process */
	bb_u64 code[BB_PY_DEPTH];
	bb_u64 pos[BB_PY_DEPTH]; /* as in the frame: f_lasti, or the address of the instruction */
};
_Static_assert(sizeof(struct bb_py_stack) == 1032, "bb_py_stack");

/* In bb_py_key.kind, beside the kind. */
#define BB_PY_INNER     0x40u /* BB_PY_BLOCKED in a poll within a turn of an event loop */
#define BB_PY_LONG      0x80u /* sampled when the turn had taken a CPU for BB_TURN_LONG_NS */
#define BB_PY_KIND_MASK 0x3fu

/* Key of map `py_sums`. */
struct bb_py_key {
	bb_u64 stack; /* 0: not walked */
	bb_u64 who;   /* the tid; BB_PY_HOLDER: BB_WHO_TID and it or, not known, the thread state */
	bb_u32 tgid;
	bb_u8 kind; /* enum bb_py_kind, and flags */
	bb_u8 bucket;
	bb_s16 nr;
};
_Static_assert(sizeof(struct bb_py_key) == 24, "bb_py_key");

struct bb_py_sum {
	bb_u64 ns; /* of samples: 0 */
	bb_u64 count;
	bb_u64 max_ns;
	bb_u64 waited_ns; /* BB_PY_HELD: contended time that fell into it */
	bb_u64 ticks;     /* BB_PY_HOLDER: times that the sampling clock found it there */
};

/*
 * What ran natively at a sample, for user space to name: record of the ring `natives`.
 * Nearly each one is another, so nothing would be gained by summing them here; there
 * are BB_SAMPLE_HZ a second at most for each CPU.
 */
struct bb_native_sample {
	struct bb_py_key key; /* as it was summed in `py_sums` */
	bb_u32 execs;         /* bb_proc_sum.exec_count then */
	bb_u32 depth;
	bb_u64 ip[BB_NATIVE_DEPTH]; /* from the top; the others by frame pointers */
};
_Static_assert(sizeof(struct bb_native_sample) == 32 + 8 * BB_NATIVE_DEPTH, "bb_native_sample");

/*
 * Where a thread blocked, what ran at a sample, or what somebody did who ended a wait: value
 * of map `native_stacks`, keyed by a hash of its addresses. From the top; of the kernel's the
 * first ones are the scheduler's and our own.
 */
#define BB_KERNEL_DEPTH 24
struct bb_stack {
	bb_u32 tgid;
	bb_u32 execs; /* bb_proc_sum.exec_count when it was first seen; 0: of no target */
	bb_u16 nr_user;
	bb_u16 nr_kernel;
	bb_u32 ns_tgid; /* as the reader sees it, 0: not visible there, or a kernel thread */
	char comm[16];  /* of the thread that was first seen there */
	bb_u64 user[BB_NATIVE_DEPTH];
	bb_u64 kernel[BB_KERNEL_DEPTH];
};
_Static_assert(sizeof(struct bb_stack) == 32 + 8 * (BB_NATIVE_DEPTH + BB_KERNEL_DEPTH), "bb_stack");

enum bb_stack_kind {
	BB_STACK_BLOCKED = 0,
	BB_STACK_ONCPU = 1, /* samples: no time */
	BB_STACK_WAKER = 2, /* of who ended waits, with their time */
};

/* Key of map `stack_sums`. */
struct bb_stack_key {
	bb_u64 native; /* key in `native_stacks`, 0: there was no room */
	bb_u64 python; /* key in `stacks`, 0: not walked */
	bb_u64 who;    /* BB_STACK_BLOCKED: futex that it waited for, 0: none;
			* BB_STACK_WAKER: tid of who waited << 32 | tid of who ended it */
	bb_u32 tgid;   /* of who waited, or ran */
	bb_u8 kind;    /* enum bb_stack_kind */
	bb_u8 bucket;
	bb_s16 nr;
};
_Static_assert(sizeof(struct bb_stack_key) == 32, "bb_stack_key");

struct bb_stack_sum {
	bb_u64 ns;
	bb_u64 count;
	bb_u64 max_ns;
	/* BB_STACK_WAKER: of ns, who ended the waits was blocked itself, as far as is known */
	bb_u64 behind_ns;
	bb_u64 behind_max; /* the longest, which was in: */
	bb_u32 behind;     /* enum bb_bucket */
	bb_u32 pad;
};
_Static_assert(sizeof(struct bb_stack_sum) == 48, "bb_stack_sum");

/*
 * Key of map `syscalls`. A row for each outcome and not a column: most calls have one
 * or two of them.
 */
struct bb_syscall_key {
	bb_u32 tgid;
	bb_s16 nr;     /* BB_NR_OTHER: of 32 bits, or none that is in our tables */
	bb_u8 kind;    /* enum bb_call_kind */
	bb_u8 outcome; /* enum bb_outcome */
};
_Static_assert(sizeof(struct bb_syscall_key) == 8, "bb_syscall_key");

#define BB_NR_OTHER (-2)

struct bb_syscall_sum {
	bb_u64 count;
	bb_u64 ns;
	bb_u64 max_ns;
	bb_u64 amount; /* of BB_OUT_SOME: what the calls returned */
};
_Static_assert(sizeof(struct bb_syscall_sum) == 32, "bb_syscall_sum");

/* Per-CPU counters. */
struct bb_cpu {
	bb_u64 events;    /* program runs that did work for the target */
	bb_u64 syscalls;  /* of the whole machine, while traced */
	bb_u64 own_calls; /* those of the targets among them */
	bb_u64 oncpu_ns;  /* of the targets, up to their last switch */
	bb_u64 clock_at;  /* run queue's clock when it was last compared with ktime */
	bb_u64 clock_off; /* ktime minus that clock */
	bb_u64 credit_at; /* ktime to which the credit for walks has grown */
	bb_s64 credit;    /* ns that walks may take */
	bb_u64 walks[BB_WALK_MAX];
	bb_u64 drops[BB_DROP_MAX];
};
#endif
