// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "capture_state.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "privileges.h"
#include "procfs.h"

#define FUTEX_ROWS      8192
#define FUTEX_ROWS_LESS 3072 /* beside rows for many threads */
#define MANY_THREADS    4096
#define STACK_ROWS      8192

uint64_t bb_capture__clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

uint64_t bb_capture__ktime(void)
{
	return bb_capture__clock_ns(CLOCK_MONOTONIC);
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

static int select_threads(struct bb_capture *c)
{
	int err = 0;

	for (size_t i = 0; i < c->opts.nr_tids && !err; i++)
		err = bb_kernel__select_thread(c->kernel, (uint32_t)c->opts.tids[i]);
	return err;
}

static int open_window(struct bb_capture *c)
{
	bool gil = false;
	int err;

	for (size_t i = 0; i < c->targets.nr; i++) {
		bb_capture__tell_python(c, &c->targets.items[i]);
		bb_capture__tell_java(c, &c->targets.items[i], bb_capture__ktime());
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
			return bb_capture__no_longer(&c->targets.items[i]);
	c->busy_ns = bb_procfs__busy_ns();
	c->own_ns = bb_capture__clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	c->bpf_ns = bb_kernel__bpf_ns(c->kernel);
	bb_capture__tell_listeners(c, bb_capture__ktime());
	if (c->opts.stacks)
		bb_capture__attach_samples(c);
	err = bb_kernel__open_gate(c->kernel, &c->start_ns);
	/* what the wall clock said when the gate opened */
	c->start_realtime_ns = (int64_t)(bb_capture__clock_ns(CLOCK_REALTIME) -
					 (bb_capture__ktime() - c->start_ns));
	if (!err && bb_kernel__wants_wakers(c->kernel))
		err = bb_kernel__attach_wakers(c->kernel);
	bb_allowance__start(&c->allowance, bb_capture__ktime());
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
	err = bb_capture__survey(c);
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
			bb_capture__forget_java(c, t);
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
	uint64_t look = bb_capture__ktime() + 10 * MS;

	for (;;) {
		uint64_t now = bb_capture__ktime();
		int err, event;

		if (now >= until_ns)
			return BB_CAPTURE_TIME;
		err = sleep_until(c, now, next_event(c, look, until_ns));
		if (!err)
			err = slice(c, bb_capture__ktime(), false);
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
		now = bb_capture__ktime();
		if (now < look)
			continue;
		look = now + LOOK_NS;
		if (bb_kernel__wants_wakers(c->kernel)) {
			err = bb_kernel__attach_wakers(c->kernel);
			if (err)
				return err;
		}
		govern(c, now);
		err = bb_capture__follow(c);
		if (err)
			return err;
		bb_capture__look_for_runtimes(c, now);
		bb_capture__tell_listeners(c, now);
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
	rec->overhead.cpu_share =
		(double)(bb_capture__clock_ns(CLOCK_PROCESS_CPUTIME_ID) - c->own_ns) /
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
	end = c->end_ns ? c->end_ns : bb_capture__ktime();
	all_ended(c);
	err = bb_capture__follow(c);
	bb_capture__look_at_gils(c);
	if (!err && c->opts.children)
		err = bb_kernel__each_process(c->kernel, bb_capture__adopt_gone, c);
	/* the gate is closed: nothing changes any more */
	if (!err && last)
		err = slice(c, end, true);
	begin_look(c, bb_capture__ktime(), last);
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
