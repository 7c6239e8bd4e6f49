// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "capture.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../util/err.h"
#include "../util/grow.h"
#include "allowance.h"
#include "build.h"
#include "command.h"
#include "governor.h"
#include "kernel.h"
#include "native_samples.h"
#include "privileges.h"
#include "procfs.h"
#include "python_code.h"
#include "slicer.h"
#include "sockets.h"
#include "target.h"
#include "thread_names.h"

#define MS              1000000ULL
#define LOOK_NS         (50 * MS)   /* between looks at targets that come and change */
#define FRESH_NS        (2000 * MS) /* a program is looked at again for a runtime this long */
#define LEARN_NS        (250 * MS)  /* between looks at new Python code and threads */
#define FUTEX_ROWS      8192
#define FUTEX_ROWS_LESS 3072 /* beside rows for many threads */
#define MANY_THREADS    4096
#define STACK_ROWS      8192

struct bb_capture {
	struct bb_capture_opts opts;
	struct bb_kernel *kernel;
	struct bb_targets targets;
	struct bb_command command;
	struct bb_governor governor;
	int signal_fd;
	uint64_t start_ns;
	int64_t start_realtime_ns;
	uint64_t end_ns; /* 0: the window is open */
	uint64_t process_events;
	uint64_t busy_ns;
	uint64_t own_ns; /* our CPU time when the window opened */
	uint64_t bpf_ns;
	struct bb_py_stacks *stacks;
	struct bb_native_programs *programs;
	struct bb_native_samples *natives;
	struct bb_native_stacks *native_stacks; /* NULL: not asked for */
	struct bb_kallsyms kallsyms;
	struct bb_thread_names *names;
	struct bb_slicer *slicer; /* NULL: no slices */
	struct bb_allowance allowance;
	uint64_t listeners_ns; /* when the ports that are listened on are to be read next */
	uint64_t learn_ns;     /* when stacks and threads are to be named next */
	enum bb_tracing tracing;
	uint64_t traced_until_ns;
	bool no_samples; /* perf_event_open() was refused */
	bool signalled;
	bool ended;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static uint64_t ktime(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bb_capture__start_ns(const struct bb_capture *c)
{
	return c->start_ns;
}

/* ---- start */

static int open_signals(struct bb_capture *c)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return c->signal_fd < 0 ? -errno : 0;
}

/* It is still a copy of us: show what it will be, in case it is over before we look again. */
static int name_command(struct bb_process *p, char *const argv[])
{
	size_t nr = 0;

	while (argv[nr])
		nr++;
	for (size_t i = 0; p->cmdline && p->cmdline[i]; i++)
		free(p->cmdline[i]);
	free(p->cmdline);
	free(p->exe);
	p->exe = NULL;
	p->cmdline = calloc(nr + 1, sizeof(char *));
	for (size_t i = 0; p->cmdline && i < nr; i++) {
		p->cmdline[i] = strdup(argv[i]);
		if (!p->cmdline[i])
			return -ENOMEM;
	}
	return p->cmdline ? 0 : -ENOMEM;
}

static int look_up(struct bb_capture *c)
{
	int err;

	for (size_t i = 0; i < c->opts.nr_pids; i++) {
		err = bb_targets__add(&c->targets, c->opts.pids[i]);
		if (err && err != -EEXIST)
			return err;
	}
	for (size_t i = 0; i < c->opts.nr_tids; i++) {
		pid_t tgid = bb_procfs__tgid(c->opts.tids[i]);
		bool ours = false;

		if (tgid < 0) {
			bb_error("no thread %d; /proc/PID/task lists a process's threads",
				 c->opts.tids[i]);
			return -ESRCH;
		}
		for (size_t j = 0; j < c->opts.nr_pids; j++)
			ours |= c->opts.pids[j] == tgid;
		if (c->opts.nr_pids && !ours) {
			bb_error("thread %d belongs to process %d, which -p does not name",
				 c->opts.tids[i], tgid);
			return -EINVAL;
		}
		err = bb_targets__add(&c->targets, tgid);
		if (err && err != -EEXIST)
			return err;
	}
	if (!c->opts.command)
		return 0;
	err = bb_command__fork(&c->command, c->opts.command);
	if (!err)
		err = bb_targets__add(&c->targets, c->command.pid);
	return err ? err : name_command(&c->targets.items[0].info, c->opts.command);
}

static uint32_t or_else(uint32_t test, size_t val)
{
	return test ? test : (uint32_t)val;
}

static int load(struct bb_capture *c)
{
	struct bb_kernel_opts o = {};
	size_t threads = 0, more;

	for (size_t i = 0; i < c->targets.nr; i++) {
		long n = bb_procfs__threads(c->targets.items[i].pid);

		threads += n > 0 ? (size_t)n : 0;
	}
	o.follow = c->opts.children;
	/* half as many again may be born, and a pool starts small */
	more = o.follow ? 4096 : 2048;
	if (threads / 2 > more)
		more = threads / 2;
	o.threads = or_else(c->opts.test_threads, threads + more);
	o.exited = or_else(c->opts.test_exited, o.follow ? 2 * BB_DEAD_KEPT : BB_DEAD_KEPT);
	o.procs = or_else(c->opts.test_procs, c->targets.nr + (o.follow ? 8192 : 16));
	o.locks = or_else(c->opts.test_locks,
			  threads + (threads < MANY_THREADS ? FUTEX_ROWS : FUTEX_ROWS_LESS));
	o.wakers = or_else(c->opts.test_wakers, 1024);
	o.takers = or_else(c->opts.test_takers, o.follow ? 1024 : 512);
	o.klocks = or_else(c->opts.test_klocks, 512);
	o.ends = or_else(c->opts.test_ends, 1024);
	o.syscalls = or_else(c->opts.test_syscalls, o.follow ? 8192 : 1024);
	o.holders = or_else(c->opts.test_holders, 4096);
	if (c->opts.stacks)
		o.stacks = or_else(c->opts.test_stacks, STACK_ROWS);
	o.py_sums = or_else(c->opts.test_py_sums, 8192);
	for (size_t i = 0; i < c->targets.nr; i++)
		o.python |= c->targets.items[i].py.runtime_addr != 0;
	o.python |= o.follow || c->opts.command;
	o.select_threads = c->opts.nr_tids > 0;
	o.trace_syscalls = c->opts.syscalls != BB_SYSCALLS_OFF;
	return bb_kernel__load(&c->kernel, &o);
}

/* tests: a target must be able to end between look-up and attaching */
static void test_hold(const char *file)
{
	struct timespec ms = { .tv_nsec = (long)MS };

	while (file && !access(file, F_OK))
		nanosleep(&ms, NULL);
}

struct survey {
	struct bb_capture *c;
	struct bb_leader_row *rows;
	size_t nr;
};

static int keep_leader(const struct bb_leader_row *row, void *ctx)
{
	struct survey *s = ctx;
	struct bb_leader_row *more = bb_grow((void **)&s->rows, &s->nr, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*more = *row;
	return 0;
}

static int watch(struct bb_capture *c, struct bb_target *t, const struct bb_leader_row *row,
		 uint32_t flags)
{
	struct bb_proc_sum proc = {};

	t->tgid = row->tgid;
	t->start_boottime = row->start_boottime;
	proc.tgid = row->tgid;
	proc.ptgid = row->ptgid;
	proc.flags = flags;
	proc.start_boottime = row->start_boottime;
	return bb_kernel__add_process(c->kernel, &proc);
}

/* Hold and describe a process that we came upon, if it is still there. */
static int adopt(struct bb_capture *c, struct bb_target *t, const struct bb_leader_row *row)
{
	int err;

	t->tgid = row->tgid;
	t->start_boottime = row->start_boottime;
	t->pid = (pid_t)row->ns_tgid;
	t->info.pid = t->pid;
	t->fresh_until_ns = ktime() + FRESH_NS;
	if (!t->pid)
		return 0;
	t->pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	if (t->pidfd < 0) {
		t->gone = true;
		return 0;
	}
	err = bb_target__describe(t);
	(void)c;
	return err == -ENOMEM ? err : 0;
}

/* Existing children of targets become targets, theirs too. True if there were any. */
static int add_children(struct bb_capture *c, const struct survey *s, bool *any)
{
	*any = false;
	for (size_t i = 0; i < s->nr; i++) {
		const struct bb_leader_row *row = &s->rows[i];
		struct bb_target *t;
		int err;

		if (bb_targets__by_tgid(&c->targets, row->tgid) ||
		    !bb_targets__by_tgid(&c->targets, row->ptgid) || !row->ptgid)
			continue;
		t = bb_targets__new(&c->targets);
		if (!t)
			return -ENOMEM;
		err = adopt(c, t, row);
		if (!err)
			err = watch(c, t, row, 0);
		if (err)
			return err;
		*any = true;
	}
	return 0;
}

static int survey_children(struct bb_capture *c)
{
	bool any = true;
	int err = 0;

	/* a child forked while we look is found by the next look, or by its parent's fork */
	while (any && !err) {
		struct survey s = { .c = c };

		err = bb_kernel__survey(c->kernel, keep_leader, &s);
		if (!err)
			err = add_children(c, &s, &any);
		free(s.rows);
	}
	return err;
}

static int no_longer(const struct bb_target *t)
{
	bb_error("process %d ended before anything could be measured", t->pid);
	return -ESRCH;
}

static int hidden(const struct bb_target *t)
{
	bb_error(
		"process %d cannot be watched: this kernel does not show it to BPF's task iterator",
		t->pid);
	return -EACCES;
}

/* Find the numbers of the initial namespace, and mark the targets. */
static int survey_targets(struct bb_capture *c)
{
	struct survey s = { .c = c };
	int err = bb_kernel__survey(c->kernel, keep_leader, &s);

	for (size_t i = 0; i < c->targets.nr && !err; i++) {
		struct bb_target *t = &c->targets.items[i];
		const struct bb_leader_row *row = NULL;

		for (size_t j = 0; j < s.nr && !row; j++)
			if (s.rows[j].ns_tgid == (uint32_t)t->pid)
				row = &s.rows[j];
		/*
		 * The row was read while the process that we hold lived, if it lives
		 * now: then it is its own, and not of one that reuses the number.
		 */
		if (!bb_target__alive(t))
			err = no_longer(t);
		else if (!row)
			err = hidden(t);
		else
			err = watch(c, t, row, BB_PF_TARGET);
	}
	free(s.rows);
	if (!err && c->opts.children)
		err = survey_children(c);
	return err;
}

/*
 * glibc's struct pthread on x86-64 holds the first 32 thread-specific values at
 * 0x310, 16 bytes each, the value in the second half (nptl/descr.h); CPython
 * keeps the thread state in one, until 3.14: Py_tss_t, int initialised, then the key.
 */
#define PTHREAD_SPECIFIC 0x310
#define PTHREAD_KEYS     32

static uint32_t find_slot(const struct bb_target *t, const struct bb_py_offsets *off)
{
	uint32_t tss[2];
	struct bb_mem m;
	int err;

	if (!off->tss_key || t->musl)
		return 0;
	bb_mem__init(&m, t->pid);
	err = bb_mem__read(&m, t->py.runtime_addr + off->tss_key, tss, sizeof(tss));
	bb_mem__free(&m);
	return err || tss[0] != 1 || tss[1] >= PTHREAD_KEYS ? 0
							    : PTHREAD_SPECIFIC + tss[1] * 16 + 8;
}

static void attach_samples(struct bb_capture *c)
{
	if (c->no_samples || !bb_kernel__attach_samples(c->kernel))
		return;
	bb_note("no clock for samples: nothing is told of what runs on the CPUs");
	c->no_samples = true;
}

static void tell_python(struct bb_capture *c, struct bb_target *t)
{
	struct bb_python_info py = {};

	/* where the GIL is off there is nothing to wait for, until it is switched on */
	py.execs = t->execs;
	for (; py.nr_gils < t->py.nr_gils && py.nr_gils < BB_GILS_MAX; py.nr_gils++)
		py.gils[py.nr_gils] = t->py.gils[py.nr_gils].addr;
	if (t->py.version_hex >> 16 >= 0x030d)
		py.flags |= BB_PY_PARKING;
	if (t->musl)
		py.flags |= BB_PY_MUSL;
	if (!c->opts.test_no_code && !t->py.no_code &&
	    !bb_py_frames__get(t->py.version_hex, t->py.free_threaded, &py.off))
		py.runtime = t->py.runtime_addr;
	if (py.runtime)
		py.tss_slot = find_slot(t, &py.off);
	bb_py_stops__get(t->py.version_hex, t->py.free_threaded, &py.stops);
	if (!py.nr_gils && !py.flags && !py.runtime)
		return;
	if (py.runtime)
		attach_samples(c);
	if (bb_kernel__set_python(c->kernel, t->tgid, &py))
		bb_note("process %d: no room for its Python; GIL waits count as queue", t->pid);
}

/*
 * The threads of JVMs, as they come and go: a sixteenth of a CPU at most. Their numbers are
 * those of the target's own PID namespace: of one that is not ours nothing is told.
 */
static void tell_java(struct bb_capture *c, struct bb_target *t, uint64_t now)
{
	static struct bb_java_thread threads[BB_JAVA_THREADS];
	uint64_t began = ktime();
	bool full;
	int nr = 0;

	if (strcmp(t->py.runtime.name, "java") || t->gone || now < t->java_next_ns)
		return;
	if (!t->java.list && (!bb_procfs__same_pid_ns(t->pid) || t->pid != (pid_t)t->tgid ||
			      bb_java__find(t->pid, &t->java) == -ENOENT)) {
		/* one that has just started may not have mapped it yet */
		t->java_next_ns = now < t->fresh_until_ns ? now + FRESH_NS / 8 : UINT64_MAX;
		return;
	}
	if (t->java.list)
		nr = bb_java__threads(t->pid, &t->java, threads, BB_JAVA_THREADS);
	full = nr == -E2BIG;
	if (full)
		nr = BB_JAVA_THREADS;
	if (nr > 0)
		full |= bb_kernel__set_java(c->kernel, t->tgid, threads, (size_t)nr) != 0;
	t->java_next_ns = now + 16 * (ktime() - began);
	if (!full)
		return;
	bb_note("process %d: more Java threads than there is room for: monitors that the others "
		"wait for count as queue",
		t->pid);
	t->java_next_ns = UINT64_MAX;
}

/* It has ended, or is another program now: its threads' places are no more. */
static void forget_java(struct bb_capture *c, struct bb_target *t)
{
	if (t->java.list)
		bb_kernel__set_java(c->kernel, t->tgid, NULL, 0);
	memset(&t->java, 0, sizeof(t->java));
	t->java_next_ns = 0;
}

static int select_threads(struct bb_capture *c)
{
	int err = 0;

	for (size_t i = 0; i < c->opts.nr_tids && !err; i++)
		err = bb_kernel__select_thread(c->kernel, (uint32_t)c->opts.tids[i]);
	return err;
}

#define NAMESPACES_MOST 8

/* Which ports are listened on, for who blocks on a socket: an hundredth of a CPU at most. */
static void tell_listeners(struct bb_capture *c, uint64_t now)
{
	static uint64_t ports[BB_PORTS / 64];
	ino_t seen[NAMESPACES_MOST];
	size_t nr = 0;

	if (now < c->listeners_ns)
		return;
	memset(ports, 0, sizeof(ports));
	for (size_t i = 0; i < c->targets.nr && nr < NAMESPACES_MOST; i++) {
		struct bb_target *t = &c->targets.items[i];
		char path[32];
		struct stat st;
		size_t j = 0;

		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)t->pid);
		if (t->gone || stat(path, &st))
			continue;
		while (j < nr && seen[j] != st.st_ino)
			j++;
		if (j < nr)
			continue;
		seen[nr++] = st.st_ino;
		bb_sockets__listeners(t->pid, ports);
	}
	bb_kernel__set_listeners(c->kernel, ports);
	c->listeners_ns = now + 100 * (ktime() - now);
}

static int open_window(struct bb_capture *c)
{
	bool gil = false;
	int err;

	for (size_t i = 0; i < c->targets.nr; i++) {
		tell_python(c, &c->targets.items[i]);
		tell_java(c, &c->targets.items[i], ktime());
		gil |= c->targets.items[i].py.nr_gils > 0;
	}
	err = select_threads(c);
	/* a program that is yet to run shall have its first waits told, too */
	if (!err && (gil || c->opts.command || c->opts.stacks))
		err = bb_kernel__attach_wakers(c->kernel);
	if (!err && c->opts.syscalls != BB_SYSCALLS_OFF) {
		err = bb_kernel__attach_syscalls(c->kernel);
		c->tracing = BB_TRACING_ON;
	}
	if (err)
		return err;
	for (size_t i = 0; i < c->targets.nr; i++)
		if (c->targets.items[i].named && !bb_target__alive(&c->targets.items[i]))
			return no_longer(&c->targets.items[i]);
	c->busy_ns = bb_procfs__busy_ns();
	c->own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	c->bpf_ns = bb_kernel__bpf_ns(c->kernel);
	tell_listeners(c, ktime());
	if (c->opts.stacks)
		attach_samples(c);
	err = bb_kernel__open_gate(c->kernel, &c->start_ns);
	/* what the wall clock said when the gate opened */
	c->start_realtime_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - (ktime() - c->start_ns));
	if (!err && bb_kernel__wants_wakers(c->kernel))
		err = bb_kernel__attach_wakers(c->kernel);
	bb_allowance__start(&c->allowance, ktime());
	if (!err && c->opts.slices) {
		c->slicer = bb_slicer__new(c->start_ns, c->opts.window_ns);
		err = c->slicer ? 0 : -ENOMEM;
	}
	return err ? err : bb_governor__start(&c->governor, c->start_ns, bb_kernel__nr_cpus());
}

int bb_capture__start(struct bb_capture **out, const struct bb_capture_opts *opts)
{
	struct bb_capture *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->opts = *opts;
	c->signal_fd = -1;
	bb_kallsyms__init(&c->kallsyms);
	c->stacks = bb_py_stacks__new();
	c->programs = bb_native_programs__new();
	c->natives = bb_native_samples__new();
	c->names = bb_thread_names__new();
	if (opts->stacks)
		c->native_stacks = bb_native_stacks__new();
	if (!c->stacks || !c->programs || !c->natives || !c->names ||
	    (opts->stacks && !c->native_stacks)) {
		err = -ENOMEM;
		goto out;
	}
	err = open_signals(c);
	if (err)
		goto out;
	err = look_up(c);
	if (err)
		goto out;
	test_hold(opts->test_hold);
	err = bb_privileges__check();
	if (err)
		goto out;
	err = load(c);
	if (!err)
		err = bb_kernel__attach(c->kernel);
	if (err) {
		/* the kernel's errno is not about the target */
		err = -EIO;
		goto out;
	}
	err = survey_targets(c);
	if (err)
		goto out;
	err = open_window(c);
	if (err)
		goto out;
	err = bb_privileges__drop(opts->keep_files);
	if (err) {
		bb_error("cannot give up privileges: %s", strerror(-err));
		goto out;
	}
	if (opts->command) {
		err = bb_command__go(&c->command);
		if (err) {
			bb_error("cannot run '%s': %s", opts->command[0], strerror(-err));
			goto out;
		}
	}
	*out = c;
	return 0;
out:
	bb_capture__free(c);
	return err;
}

void bb_capture__free(struct bb_capture *c)
{
	if (!c)
		return;
	bb_command__end(&c->command);
	bb_kernel__free(c->kernel);
	bb_targets__free(&c->targets);
	bb_py_stacks__free(c->stacks);
	bb_native_samples__free(c->natives);
	bb_native_stacks__free(c->native_stacks);
	bb_kallsyms__free(&c->kallsyms);
	bb_native_programs__free(c->programs);
	bb_thread_names__free(c->names);
	bb_slicer__free(c->slicer);
	bb_governor__free(&c->governor);
	if (c->signal_fd >= 0)
		close(c->signal_fd);
	free(c);
}

/* ---- while the window is open */

/* A look at the targets' memory begins. */
static void begin_look(struct bb_capture *c, uint64_t now, bool last)
{
	size_t nr = 0;

	for (size_t i = 0; i < c->targets.nr; i++)
		nr += c->targets.items[i].py.runtime_addr && !c->targets.items[i].gone;
	bb_allowance__look(&c->allowance, now, nr, last);
}

/* Forks and execs of targets: new ones to describe, old ones to describe again. */
static int follow(struct bb_capture *c)
{
	uint64_t events = bb_kernel__process_events(c->kernel);
	struct survey s = { .c = c };
	struct bb_proc_sum proc;
	int err;

	if (events == c->process_events)
		return 0;
	c->process_events = events;
	err = bb_kernel__survey(c->kernel, keep_leader, &s);
	for (size_t i = 0; i < s.nr && !err; i++) {
		struct bb_target *t = bb_targets__by_tgid(&c->targets, s.rows[i].tgid);

		if (bb_kernel__get_process(c->kernel, s.rows[i].tgid, &proc) ||
		    proc.start_boottime != s.rows[i].start_boottime)
			continue;
		if (!t) {
			t = bb_targets__new(&c->targets);
			err = t ? adopt(c, t, &s.rows[i]) : -ENOMEM;
		} else if (t->execs != proc.exec_count && !t->gone) {
			bb_python__free(&t->py);
			memset(&t->py, 0, sizeof(t->py));
			forget_java(c, t);
			t->nr_past = 0;
			if (bb_target__describe(t) == -ENOMEM)
				err = -ENOMEM;
			t->fresh_until_ns = ktime() + FRESH_NS;
		}
		if (t && !err) {
			t->execs = proc.exec_count;
			tell_python(c, t);
		}
	}
	free(s.rows);
	return err;
}

/* A child that was born and gone between two looks: the kernel's sums are all there is. */
static int adopt_gone(const struct bb_proc_sum *proc, void *ctx)
{
	struct bb_capture *c = ctx;
	struct bb_target *t;

	if (!(proc->flags & BB_PF_FOLLOWED) || bb_targets__by_tgid(&c->targets, proc->tgid))
		return 0;
	t = bb_targets__new(&c->targets);
	if (!t)
		return -ENOMEM;
	t->tgid = proc->tgid;
	t->start_boottime = proc->start_boottime;
	t->pid = (pid_t)proc->ns_tgid;
	t->info.pid = t->pid;
	t->gone = true;
	return 0;
}

static bool has_gil(const struct bb_py_gil *gils, size_t nr, uint64_t addr)
{
	while (nr > 0 && gils[nr - 1].addr != addr)
		nr--;
	return nr > 0;
}

/* Of the GILs that it had, keep those that are no more: what was measured of them counts. */
static void keep_past(struct bb_target *t, const struct bb_python *before)
{
	for (size_t i = 0; i < before->nr_gils && t->nr_past < BB_PY_GILS_MAX; i++)
		if (!has_gil(t->py.gils, t->py.nr_gils, before->gils[i].addr) &&
		    !has_gil(t->past, t->nr_past, before->gils[i].addr))
			t->past[t->nr_past++] = before->gils[i];
}

static bool same_gils(const struct bb_python *a, const struct bb_python *b)
{
	for (size_t i = 0; i < a->nr_gils; i++)
		if (!has_gil(b->gils, b->nr_gils, a->gils[i].addr))
			return false;
	return a->nr_gils == b->nr_gils;
}

/*
 * A program that has just started may not have mapped its runtime yet; one that embeds
 * Python may start and end it at any time; interpreters with a GIL of their own come and go.
 */
static void look_for_runtimes(struct bb_capture *c, uint64_t now)
{
	for (size_t i = 0; i < c->targets.nr; i++) {
		struct bb_target *t = &c->targets.items[i];
		struct bb_python before = t->py; /* its note may be gone */

		if (t->gone || t->pidfd < 0 || t->info.kernel_thread)
			continue;
		if (now < t->fresh_until_ns && (!t->py.runtime.name[0] || !t->py.initialised))
			bb_target__describe(t);
		else if (!strcmp(t->py.runtime.name, "cpython") &&
			 (t->py.version_hex >= 0x030c0000 || now >= c->learn_ns))
			bb_python__refresh(t->pid, &t->py);
		tell_java(c, t, now);
		keep_past(t, &before);
		if (!same_gils(&t->py, &before) || t->py.initialised != before.initialised)
			tell_python(c, t);
	}
}

/* Is the GIL of a free-threaded build in use now? It may have been switched on since the last look.
 */
static void look_at_gils(struct bb_capture *c)
{
	for (size_t i = 0; i < c->targets.nr; i++) {
		struct bb_target *t = &c->targets.items[i];

		if (!t->gone && t->pidfd >= 0 && t->py.free_threaded && t->py.initialised)
			bb_python__refresh(t->pid, &t->py);
	}
}

static void govern(struct bb_capture *c, uint64_t now)
{
	struct bb_cpu *cpus;
	bool much;

	if (c->tracing != BB_TRACING_ON || c->opts.syscalls != BB_SYSCALLS_AUTO)
		return;
	cpus = bb_kernel__cpus(c->kernel);
	much = cpus && bb_governor__too_much(&c->governor, now, cpus);
	free(cpus);
	if (!much)
		return;
	bb_kernel__detach_syscalls(c->kernel);
	c->tracing = BB_TRACING_GOVERNED;
	c->traced_until_ns = now;
}

static int read_signals(struct bb_capture *c)
{
	struct signalfd_siginfo si;
	int event = -1;

	while (read(c->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			bb_command__reap(&c->command);
		else
			event = BB_CAPTURE_SIGNAL;
	}
	return event;
}

/* Note targets that have ended. True when all the named ones have. */
static bool all_ended(struct bb_capture *c)
{
	bool any = false;

	for (size_t i = 0; i < c->targets.nr; i++) {
		struct bb_target *t = &c->targets.items[i];

		if (!t->gone && t->pidfd >= 0 && !bb_target__alive(t)) {
			t->gone = true;
			forget_java(c, t);
		}
		/* with -C the window lasts as long as any of the tree */
		if ((t->named || c->opts.children) && !t->gone && t->pidfd >= 0)
			any = true;
	}
	return !any;
}

/* Sleep until @until, a signal, or the end of a named target. */
static int sleep_until(struct bb_capture *c, uint64_t now, uint64_t until)
{
	struct pollfd fds[64] = { { .fd = c->signal_fd, .events = POLLIN } };
	nfds_t nr = 1;
	struct timespec ts;
	uint64_t ns = until > now ? until - now : 0;

	for (size_t i = 0; i < c->targets.nr && nr < 64; i++)
		if (!c->targets.items[i].gone && c->targets.items[i].pidfd >= 0)
			fds[nr++] = (struct pollfd){ .fd = c->targets.items[i].pidfd,
						     .events = POLLIN };
	ts.tv_sec = (time_t)(ns / 1000000000ULL);
	ts.tv_nsec = (long)(ns % 1000000000ULL);
	return ppoll(fds, nr, &ts, NULL) < 0 && errno != EINTR ? -errno : 0;
}

/* End a slice, if one is due. */
static int slice(struct bb_capture *c, uint64_t now, bool last)
{
	if (!c->slicer || (!last && now < bb_slicer__due_ns(c->slicer)))
		return 0;
	return bb_slicer__look(c->slicer, c->kernel, &c->targets, now, last);
}

static uint64_t next_event(const struct bb_capture *c, uint64_t look, uint64_t until)
{
	uint64_t due = c->slicer ? bb_slicer__due_ns(c->slicer) : UINT64_MAX;

	if (look < until)
		until = look;
	return due < until ? due : until;
}

int bb_capture__wait(struct bb_capture *c, uint64_t until_ns)
{
	/* the first look is early: a machine full of system calls is to be spared */
	uint64_t look = ktime() + 10 * MS;

	for (;;) {
		uint64_t now = ktime();
		int err, event;

		if (now >= until_ns)
			return BB_CAPTURE_TIME;
		err = sleep_until(c, now, next_event(c, look, until_ns));
		if (!err)
			err = slice(c, ktime(), false);
		if (err)
			return err;
		event = read_signals(c);
		if (event >= 0) {
			c->signalled = true;
			return event;
		}
		if (all_ended(c)) {
			c->ended = true;
			return BB_CAPTURE_ENDED;
		}
		now = ktime();
		if (now < look)
			continue;
		look = now + LOOK_NS;
		if (bb_kernel__wants_wakers(c->kernel)) {
			err = bb_kernel__attach_wakers(c->kernel);
			if (err)
				return err;
		}
		govern(c, now);
		err = follow(c);
		if (err)
			return err;
		look_for_runtimes(c, now);
		tell_listeners(c, now);
		if (now >= c->learn_ns) {
			c->learn_ns = now + LEARN_NS;
			begin_look(c, now, false);
			bb_py_stacks__look(c->stacks, &c->allowance);
			err = bb_py_stacks__learn(c->stacks, c->kernel, &c->targets);
			if (!err)
				err = bb_native__look(c->programs, c->natives, c->native_stacks,
						      c->kernel, &c->targets, false);
			if (!err)
				err = bb_thread_names__learn(c->names, &c->targets, false,
							     &c->allowance);
			if (err)
				return err;
		}
	}
}

/* ---- read */

static void fill_overhead(struct bb_capture *c, struct bb_record *rec, uint64_t end)
{
	struct bb_cpu sum;
	uint64_t bpf_ns;

	if (!bb_kernel__counters(c->kernel, &sum)) {
		rec->overhead.events = sum.events;
		memcpy(rec->drops, sum.drops, sizeof(rec->drops));
		memcpy(rec->walks, sum.walks, sizeof(rec->walks));
	}
	rec->overhead.bpf_ns = BB_UNKNOWN_U64;
	bpf_ns = bb_kernel__bpf_ns(c->kernel);
	if (bpf_ns != UINT64_MAX)
		rec->overhead.bpf_ns = bpf_ns - (c->bpf_ns == UINT64_MAX ? 0 : c->bpf_ns);
	rec->overhead.cpu_share = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - c->own_ns) /
				  (double)(end - c->start_ns);
	if (c->slicer)
		rec->overhead.slicing_cpu_share =
			(double)bb_slicer__cost_ns(c->slicer) / (double)(end - c->start_ns);
	rec->overhead.map_bytes = bb_kernel__map_bytes(c->kernel);
	rec->overhead.syscall_tracing = c->tracing;
	rec->overhead.machine_syscalls_per_s = c->governor.rate ? c->governor.rate : BB_UNKNOWN_U64;
	if (c->tracing == BB_TRACING_ON)
		rec->overhead.syscall_window_ns = end - c->start_ns;
	else if (c->tracing == BB_TRACING_GOVERNED)
		rec->overhead.syscall_window_ns = c->traced_until_ns - c->start_ns;
}

/*
 * The most memory that we ever had, loading the programs and building the record
 * included. (Not by getrusage(): its figure outlives exec, and may be our parent's.)
 */
static void fill_memory(struct bb_record *rec)
{
	char *status = bb_procfs__read("/proc/self/status", NULL), *at;
	unsigned long kib;

	rec->overhead.rss_bytes = BB_UNKNOWN_U64;
	at = status ? strstr(status, "\nVmHWM:") : NULL;
	if (at && sscanf(at, "\nVmHWM: %lu kB", &kib) == 1)
		rec->overhead.rss_bytes = (uint64_t)kib * 1024;
	free(status);
}

static void fill_host(struct bb_capture *c, struct bb_record *rec, uint64_t end)
{
	struct utsname u;
	uint64_t busy = bb_procfs__busy_ns();
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!uname(&u))
		snprintf(rec->host.kernel, sizeof(rec->host.kernel), "%s", u.release);
	rec->host.cpus_online = cpus > 0 ? (uint32_t)cpus : 0;
	rec->host.busy_share = NAN;
	if (busy != BB_UNKNOWN_U64 && c->busy_ns != BB_UNKNOWN_U64 && cpus > 0)
		rec->host.busy_share =
			fmin(1, (double)(busy - c->busy_ns) /
					((double)cpus * (double)(end - c->start_ns)));
	rec->host.runq_exact = bb_kernel__runq_exact(c->kernel);
	rec->host.klocks = bb_kernel__has_klocks(c->kernel);
}

int bb_capture__read(struct bb_capture *c, bool last, struct bb_record **out)
{
	struct bb_record *rec = bb_record__new();
	struct bb_build_opts o = {};
	uint64_t end;
	int err;

	*out = rec;
	if (!rec)
		return -ENOMEM;
	if (last && !c->end_ns)
		c->end_ns = bb_kernel__close_gate(c->kernel);
	end = c->end_ns ? c->end_ns : ktime();
	all_ended(c);
	err = follow(c);
	look_at_gils(c);
	if (!err && c->opts.children)
		err = bb_kernel__each_process(c->kernel, adopt_gone, c);
	/* the gate is closed: nothing changes any more */
	if (!err && last)
		err = slice(c, end, true);
	begin_look(c, ktime(), last);
	/* before the rows are read: a name is its who was there then */
	if (!err)
		err = bb_thread_names__learn(c->names, &c->targets, true, &c->allowance);
	if (err)
		return err;
	rec->window.start_realtime_ns = c->start_realtime_ns;
	rec->window.ns = end - c->start_ns;
	rec->window.cut_short = c->signalled || c->ended;
	rec->command_status =
		c->opts.command && bb_command__reap(&c->command) ? c->command.status : -1;
	fill_host(c, rec, end);
	o.start_ns = c->start_ns;
	o.end_ns = c->end_ns;
	o.stacks = c->stacks;
	o.programs = c->programs;
	o.natives = c->natives;
	o.native_stacks = c->native_stacks;
	o.kallsyms = &c->kallsyms;
	o.names = c->names;
	o.allowance = &c->allowance;
	o.traced = c->tracing == BB_TRACING_ON;
	/* its losses are added to those that the kernel counted */
	fill_overhead(c, rec, end);
	err = bb_build__processes(rec, c->kernel, &c->targets, &o);
	rec->drops[BB_DROP_LOOKS_CUT] += c->allowance.cut;
	if (!err && c->slicer)
		err = bb_slicer__give(c->slicer, rec);
	if (!err)
		fill_memory(rec);
	return err;
}
