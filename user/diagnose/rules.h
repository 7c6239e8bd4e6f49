/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thresholds of the verdict: one table. docs/method.md gives the evidence
 * for each, and a test compares the two.
 */
#ifndef BB_DIAGNOSE_RULES_H
#define BB_DIAGNOSE_RULES_H

#define BB_RULES(X)                                                                                \
	X(IDLE_BELOW, "idle-below", 0.05,                                                          \
	  "threads wanting to run or waiting for I/O, below which a process is idle")              \
	X(IDLE_RAMP, "idle-ramp", 1.0,                                                             \
	  "threads at work, on average, from which it is not idle at all")                         \
	X(LONG_WAIT_NS, "long-wait", 0.95e9,                                                       \
	  "mean length of a timer or local wait from which it is nothing that anybody waits for")  \
	X(HOUSEKEEPING, "housekeeping", 0.0005,                                                    \
	  "share of its time that a thread runs, below which its poll timeouts are housekeeping")  \
	X(LOW_DUTY, "low-duty", 0.01,                                                              \
	  "share of its time that a thread runs, below which its timers do not count beside work") \
	X(TIMER_PART, "timer-part", 0.05,                                                          \
	  "what threads with such timers run, over what goes on beside, up to which these are "    \
	  "housekeeping")                                                                          \
	X(GO_NAP_NS, "go-nap", 11e6,                                                               \
	  "mean length of a sleep up to which it is Go's scheduler's own")                         \
	X(SPINS, "spins", 0.05, "share of CPU time in sched_yield() from which it is told")        \
	X(VAIN_CALLS, "vain-calls", 5000,                                                          \
	  "futex calls that neither sleep nor wake, per second of CPU time")                       \
	X(SHORT_WAIT_NS, "short-wait", 50e3,                                                       \
	  "mean length of the waits for a word below which sleeping costs more than it saves")     \
	X(SHORT_WAITS, "short-waits", 2000, "such waits, per second of CPU time")                  \
	X(KERNEL_LOCK, "kernel-lock", 0.1,                                                         \
	  "threads that spin or wait for locks of the kernel, on average, from which it is told")  \
	X(STARVED_FROM, "starved-from", 0.1,                                                       \
	  "share of CPU demand that queues, from which others, or the quota, take the CPUs")       \
	X(STARVED_AT, "starved-at", 0.4,                                                           \
	  "share of CPU demand that queues, at which they have taken them")                        \
	X(FULL_FROM, "cpus-full-from", 0.75,                                                       \
	  "use of the usable CPUs from which they count as filling")                               \
	X(FULL_AT, "cpus-full-at", 0.92, "use of the usable CPUs at which they are full")          \
	X(DOMINATES, "dominates", 0.6, "component that makes the verdict by itself")               \
	X(MATTERS, "matters", 0.25, "component that matters: two of them make a mixed verdict")    \
	X(LEAD_DOUBT, "lead-doubt", 0.15,                                                          \
	  "confidence that a verdict lacks whose bound has no lead")                               \
	X(CONTENDED, "contended", 0.05, "share of wall time below which contention is noise")      \
	X(SHORT_WINDOW_NS, "short-window", 0.1e9, "window below which nothing is said")            \
	X(SURE_WINDOW_NS, "sure-window", 1e9, "window from which its length costs no confidence")  \
	X(UNKNOWN_MAX, "unknown-max", 0.5, "share of unknown time above which nothing is said")    \
	X(FEEDS, "feeds", 0.5,                                                                     \
	  "threads that wait for the other processes of a pool, on average, from which a process " \
	  "that does hardly anything else only feeds them")                                        \
	X(PHASE_SLICES, "phase-slices", 5, "slices of a phase, at least")                          \
	X(PHASE_CHANGE, "phase-change", 1.5,                                                       \
	  "squared distance that a change between phases must save, in slices")                    \
	X(PHASE_DIFFERS, "phase-differs", 0.3,                                                     \
	  "share of the time by which two neighbouring phases are bound by something else")        \
	X(PERIOD_DIFFERS, "period-differs", 0.25,                                                  \
	  "difference of the longest cycle and the shortest, of the mean, up to which phases "     \
	  "repeat")                                                                                \
	X(HELD_BLOCKED, "held-blocked", 0.01,                                                      \
	  "share of the window that others wait for a GIL that one line of code blocks with")      \
	X(LOOP_BLOCKED, "loop-blocked", 0.02,                                                      \
	  "share of the window that an event loop is blocked in one line, outside its poll")       \
	X(LOOP_COMPUTES, "loop-computes", 0.02,                                                    \
	  "share of the window that an event loop computes in turns of 10 ms of CPU and more")     \
	X(LOOP_STALL_NS, "loop-stall", 0.1e9,                                                      \
	  "one blocking call, or one turn's CPU time, that stalls an event loop by itself")        \
	X(SEMAPHORE_WAITERS, "semaphore-waiters", 0.5,                                             \
	  "threads that wait for a semaphore, on average, from which it is a limit")               \
	X(POOL_BUSY, "pool-busy", 0.95,                                                            \
	  "share of their time that a pool's workers do not wait for work, from which it is full") \
	X(POOL_ASKED, "pool-asked", 0.5,                                                           \
	  "threads that wait for a pool's answers, on average, from which it keeps others "        \
	  "waiting")                                                                               \
	X(POOL_WAITS, "pool-waits", 0.5,                                                           \
	  "share of their time that a full pool's workers wait, from which more of them would "    \
	  "help")                                                                                  \
	X(SURE_ENOUGH, "sure-enough", 0.7,                                                         \
	  "confidence of the verdict below which no change is predicted")                          \
	X(UNLIKE, "unlike", 0.25,                                                                  \
	  "difference between the workers, and work of others, above which no change is "          \
	  "predicted")                                                                             \
	X(OPEN_FROM, "open-from", 0.1,                                                             \
	  "share of the workers' time that they wait for clients or work, from which they are "    \
	  "not what limits it")                                                                    \
	X(RUN_TO_RUN, "run-to-run", 0.1,                                                           \
	  "share by which the cost of the same work differs, from run to run and form to form")    \
	X(FREE_THREADED, "free-threaded", 0.4,                                                     \
	  "by how much longer Python code takes on a free-threaded 3.13")                          \
	X(FLAT, "flat", 0.05, "share of the most throughput that more workers must bring")         \
	X(UNITS_UNSEEN, "units-unseen", 0.05,                                                      \
	  "share of the units that may have been missed, above which none are told")               \
	X(UNITS_LEAST, "units-least", 20, "units in the window, below which none are told")        \
	X(GIL_WANTERS, "gil-wanters", 1.5,                                                         \
	  "threads that compute or wait for the GIL to do so, from which it keeps them apart")     \
	X(GIL_SERIAL, "gil-serial", 1.25,                                                          \
	  "CPUs that such threads get together, up to which they run one at a time")               \
	X(RUNNABLE_PER_CPU, "runnable-per-cpu", 4,                                                 \
	  "threads that run or queue for a CPU, for each usable one, from which they are too "     \
	  "many")                                                                                  \
	X(IDLE_WORKERS, "idle-workers", 50,                                                        \
	  "threads of a pool at work that wait for work, on average, from which it is too large")  \
	X(IDLE_WORKERS_SHARE, "idle-workers-share", 0.95,                                          \
	  "share of their time that they must wait for that")                                      \
	X(CONVOY_CONTENDED, "convoy-contended", 0.5,                                               \
	  "share of wall time in which somebody waits for one lock, from which it is a convoy")    \
	X(CONVOY_WAITERS, "convoy-waiters", 1.0, "threads that wait for it, on average")           \
	X(CONVOY_RATE, "convoy-rate", 50, "waits for it, per second")                              \
	X(SERIAL_BUSY, "serial-busy", 0.8,                                                         \
	  "share of its time that one thread runs or queues for a CPU, while others sleep")        \
	X(SERIAL_SHARE, "serial-share", 0.9,                                                       \
	  "share of the process's CPU time that is that thread's")                                 \
	X(QUICK_IO, "quick-io", 0.8,                                                               \
	  "share of the time in the tasks of a pool of processes that is waiting")                 \
	X(ADVICE_FROM, "advice-from", 0.7,                                                         \
	  "confidence below which a verdict carries no advice but to measure again")               \
	X(HANDING_OVER, "handing-over", 0.5,                                                       \
	  "share of the time of a pool of processes that goes into handing tasks over")

enum bb_rule {
#define X(id, name, value, text) BB_R_##id,
	BB_RULES(X)
#undef X
		BB_R_MAX,
};

struct bb_rule_row {
	const char *name;
	double value;
	const char *text;
};

/** bb_rules - the table, BB_R_MAX rows. */
extern const struct bb_rule_row bb_rules[BB_R_MAX];

/** bb_rule - the value of a threshold. */
static inline double bb_rule(enum bb_rule r)
{
	return bb_rules[r].value;
}

#endif
