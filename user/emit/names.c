/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of the enums in a record. */
#include <signal.h>

#include "names.h"

#define NAME(table, i) name__at(table, sizeof(table) / sizeof((table)[0]), (size_t)(i))

/* A record may come from a newer version: a number beyond the table is no error. */
static const char *name__at(const char *const *table, size_t n, size_t i)
{
	return i < n && table[i] ? table[i] : "unknown";
}

const char *bb_name__fdkind(enum bb_fdkind kind)
{
	static const char *const names[BB_FD_MAX] = {
		[BB_FD_NONE] = "none",
		[BB_FD_UNKNOWN] = "unknown",
		[BB_FD_FILE] = "file",
		[BB_FD_BLOCKDEV] = "blockdev",
		[BB_FD_PIPE] = "pipe",
		[BB_FD_TTY] = "tty",
		[BB_FD_CHARDEV] = "chardev",
		[BB_FD_UNIX] = "unix",
		[BB_FD_INET] = "inet",
		[BB_FD_INET_LISTEN] = "inet-listen",
		[BB_FD_UNIX_LISTEN] = "unix-listen",
		[BB_FD_SOCKET] = "socket",
		[BB_FD_EVENTFD] = "eventfd",
		[BB_FD_TIMERFD] = "timerfd",
		[BB_FD_EPOLL] = "epoll",
		[BB_FD_ANON] = "anon",
	};

	return NAME(names, kind);
}

const char *bb_name__endpoint(int endpoint)
{
	static const char *const names[] = {
		[BB_END_UNKNOWN] = "unknown",   [BB_END_NONE] = "none",
		[BB_END_LISTEN] = "listen",     [BB_END_INBOUND] = "inbound",
		[BB_END_OUTBOUND] = "outbound", [BB_END_LOCAL] = "local",
		[BB_END_FILE] = "file",         [BB_END_MIXED] = "mixed",
	};

	return NAME(names, endpoint);
}

const char *bb_name__lock_kind(enum bb_lock_kind kind)
{
	static const char *const names[] = {
		[BB_LOCK_UNKNOWN] = "unknown",      [BB_LOCK_MUTEX] = "mutex",
		[BB_LOCK_PI_MUTEX] = "pi-mutex",    [BB_LOCK_CONDITION] = "condition",
		[BB_LOCK_SEMAPHORE] = "semaphore",  [BB_LOCK_PARKED] = "parked",
		[BB_LOCK_PYMUTEX] = "PyMutex",      [BB_LOCK_SIMPLE_QUEUE] = "SimpleQueue",
		[BB_LOCK_WORLD] = "stop-the-world", [BB_LOCK_STOPPER] = "stopping-the-world",
		[BB_LOCK_RAW] = "raw-mutex",        [BB_LOCK_COUNTER] = "counter",
		[BB_LOCK_MONITOR] = "monitor",      [BB_LOCK_RWLOCK] = "rwlock",
		[BB_LOCK_BARRIER] = "barrier",      [BB_LOCK_PYTHON] = "python-lock",
	};

	return NAME(names, kind);
}

const char *bb_name__klock(enum bb_klock_kind kind)
{
	static const char *const names[] = {
		[BB_KLOCK_KIND_UNKNOWN] = "unknown",
		[BB_KLOCK_KIND_SPINLOCK] = "spinlock",
		[BB_KLOCK_KIND_RWLOCK] = "rwlock",
		[BB_KLOCK_KIND_MUTEX] = "mutex",
		[BB_KLOCK_KIND_RWSEM] = "rwsem",
		[BB_KLOCK_KIND_RT_MUTEX] = "rt-mutex",
		[BB_KLOCK_KIND_PERCPU_RWSEM] = "percpu-rwsem",
		[BB_KLOCK_KIND_SEMAPHORE] = "semaphore",
	};

	return NAME(names, kind);
}

const char *bb_name__lock_rule(enum bb_lock_rule rule)
{
	static const char *const names[] = {
		[BB_RULE_NONE] = "none",       [BB_RULE_PROTOCOL] = "protocol",
		[BB_RULE_HANDED] = "handed",   [BB_RULE_FED] = "fed",
		[BB_RULE_PYTHON] = "python",   [BB_RULE_MAPPING] = "mapping",
		[BB_RULE_RUNTIME] = "runtime",
	};

	return NAME(names, rule);
}

const char *bb_name__loop(enum bb_loop_kind kind)
{
	static const char *const names[] = {
		[BB_LOOP_EPOLL] = "epoll",   [BB_LOOP_ASYNCIO] = "asyncio",
		[BB_LOOP_UVLOOP] = "uvloop", [BB_LOOP_GEVENT] = "gevent",
		[BB_LOOP_NODE] = "node",     [BB_LOOP_GO] = "go",
		[BB_LOOP_TRIO] = "trio",
	};

	return kind <= BB_LOOP_TRIO ? names[kind] : "epoll";
}

const char *bb_name__gil_mode(enum bb_gil_mode mode)
{
	static const char *const names[] = {
		[BB_GIL_NONE] = "none",
		[BB_GIL_ENABLED] = "enabled",
		[BB_GIL_DISABLED] = "disabled",
		[BB_GIL_UNKNOWN] = "unknown",
	};

	return NAME(names, mode);
}

const char *bb_name__tracing(enum bb_tracing tracing)
{
	static const char *const names[] = {
		[BB_TRACING_OFF] = "off",
		[BB_TRACING_ON] = "on",
		[BB_TRACING_GOVERNED] = "governed",
	};

	return NAME(names, tracing);
}

const char *bb_name__outcome(enum bb_call_kind kind, enum bb_outcome outcome)
{
	static const char *const names[BB_OUT_MAX] = {
		[BB_OUT_NONE] = "ok",          [BB_OUT_SOME] = "ok",
		[BB_OUT_AGAIN] = "again",      [BB_OUT_TIMEOUT] = "timeout",
		[BB_OUT_INTR] = "interrupted", [BB_OUT_ERROR] = "error",
	};
	/* where they have a meaning of their own */
	static const char *const of_kind[BB_CALL_KIND_MAX][BB_OUT_MAX] = {
		[BB_CALL_FUTEX_WAIT] = { [BB_OUT_NONE] = "woken", [BB_OUT_AGAIN] = "changed" },
		[BB_CALL_FUTEX_WAKE] = { "nobody", "woken" },
		[BB_CALL_POLL] = { "timeout", "ready" },
		[BB_CALL_READ] = { "end", "data" },
		[BB_CALL_WRITE] = { "empty", "data" },
		[BB_CALL_MESSAGES] = { "empty", "data" },
	};

	if (kind < BB_CALL_KIND_MAX && outcome < BB_OUT_MAX && of_kind[kind][outcome])
		return of_kind[kind][outcome];
	return NAME(names, outcome);
}

const char *bb_name__unit(enum bb_call_kind kind)
{
	static const char *const names[BB_CALL_KIND_MAX] = {
		[BB_CALL_FUTEX_WAKE] = "threads", [BB_CALL_POLL] = "descriptors",
		[BB_CALL_READ] = "bytes",         [BB_CALL_WRITE] = "bytes",
		[BB_CALL_MESSAGES] = "messages",
	};

	return kind < BB_CALL_KIND_MAX ? names[kind] : NULL;
}

const char *bb_name__futex_op(enum bb_call_kind kind)
{
	static const char *const names[BB_CALL_KIND_MAX] = {
		[BB_CALL_FUTEX] = "other",
		[BB_CALL_FUTEX_WAIT] = "wait",
		[BB_CALL_FUTEX_WAKE] = "wake",
	};

	return kind < BB_CALL_KIND_MAX ? names[kind] : NULL;
}

const char *bb_name__signal(int sig)
{
	switch (sig) {
#define X(name)                                                                                    \
	case name:                                                                                 \
		return #name;
		X(SIGHUP)
		X(SIGINT)
		X(SIGQUIT)
		X(SIGILL)
		X(SIGTRAP)
		X(SIGABRT)
		X(SIGBUS)
		X(SIGFPE)
		X(SIGKILL)
		X(SIGUSR1)
		X(SIGSEGV)
		X(SIGUSR2)
		X(SIGPIPE)
		X(SIGALRM)
		X(SIGTERM)
		X(SIGXCPU)
		X(SIGXFSZ)
		X(SIGSYS)
#undef X
	}
	return NULL;
}
