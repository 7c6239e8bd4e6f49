/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The made-up records, with their diagnoses by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/util/grow.h"
#include "records.h"

/* Numbers of x86-64; a test must not depend on the machine that it runs on. */
static const char *sample__syscall_name(int nr)
{
	static const char *const names[] = {
		[0] = "read",
		[1] = "write",
		[3] = "close",
		[7] = "poll",
		[17] = "pread64",
		[18] = "pwrite64",
		[35] = "nanosleep",
		[44] = "sendto",
		[45] = "recvfrom",
		[61] = "wait4",
		[74] = "fsync",
		[202] = "futex",
		[230] = "clock_nanosleep",
		[232] = "epoll_wait",
		[257] = "openat",
	};

	return nr >= 0 && (size_t)nr < sizeof(names) / sizeof(names[0]) ? names[nr] : NULL;
}

struct bb_emit_opts sample__opts(void)
{
	struct bb_emit_opts opts = {
		.width = 80,
		.syscall_name = sample__syscall_name,
		.version = "0.1.0",
	};

	return opts;
}

static struct bb_verdict *sample__verdicts(struct sample *s)
{
	size_t i, n = s->rec->nr_processes;

	s->diag.processes = calloc(n ? n : 1, sizeof(*s->diag.processes));
	if (!s->diag.processes)
		abort();
	s->diag.nr_processes = n;
	for (i = 0; i < n; i++)
		s->diag.processes[i].runner_up = BB_BOUND_MAX;
	s->diag.tree.runner_up = BB_BOUND_MAX;
	return s->diag.processes;
}

static void verdict__set(struct bb_verdict *v, enum bb_bound bound, double confidence,
			 const char *summary)
{
	v->bound = bound;
	v->confidence = confidence;
	v->components[bound] = confidence;
	snprintf(v->summary, sizeof(v->summary), "%s", summary);
}

static void evidence__add(struct bb_evidence *e, size_t *n, const char *fact, double value,
			  double threshold, const char *unit, const char *rule)
{
	snprintf(e[*n].fact, sizeof(e[*n].fact), "%s", fact);
	e[*n].value = value;
	e[*n].threshold = threshold;
	e[*n].unit = unit;
	e[*n].rule = rule;
	(*n)++;
}

#define FOR(v, ...)     evidence__add((v)->evidence, &(v)->nr_evidence, __VA_ARGS__)
#define AGAINST(v, ...) evidence__add((v)->against, &(v)->nr_against, __VA_ARGS__)

static void gil__verdict(struct bb_verdict *v)
{
	verdict__set(v, BB_BOUND_GIL_BOUND, 0.97,
		     "4 threads want to run Python code at the same time, and the interpreter "
		     "lock lets one of them run: 2.97 threads wait for it on average.");
	v->components[BB_BOUND_CPU_BOUND] = 0.21;
	v->runner_up = BB_BOUND_CPU_BOUND;
	FOR(v, "of the window, at least one thread waited for the GIL", 0.99871, 0.5, "share",
	    "gil-contended");
	FOR(v, "threads would run at once without the GIL", 3.97, 1.5, "threads", "gil-parallel");
	FOR(v, "CPUs are usable by the process", 4, NAN, "cpus", "");
	AGAINST(v, "of the active time was spent waiting for a CPU", 0.004, 0.1, "share",
		"cpu-runq");
}

/* In the order of locks and times. */
static void make__holder(struct bb_process *p, uint64_t lock, pid_t tid, const char *comm,
			 uint64_t ns)
{
	struct bb_lock_holder *h;

	p->lock_holders = realloc(p->lock_holders, (p->nr_lock_holders + 1) * sizeof(*h));
	if (!p->lock_holders)
		abort();
	h = &p->lock_holders[p->nr_lock_holders++];
	*h = (struct bb_lock_holder){
		.lock = lock, .tid = tid, .pid = p->pid, .ns = ns, .count = ns / MS
	};
	snprintf(h->comm, sizeof(h->comm), "%s", comm);
	h->wait.fd = -1;
}

static void gil__lock(struct bb_process *p)
{
	p->gils = calloc(1, sizeof(*p->gils));
	if (!p->gils)
		abort();
	p->nr_gils = 1;
	p->gils[0].addr = 0x7f1234567890;
	p->gils[0].interval_us = 5000;
	p->gils[0].contended_ns = 9987 * MS;
	p->gils[0].wait_ns = 29700 * MS;
	p->gils[0].acquisitions = 1970;
	p->gils[0].max_ns = 25 * MS;
	p->gils[0].waiters_max = 3;
	p->gils[0].hist[22] = 70;
	p->gils[0].hist[23] = 1900 - 70;
	p->gils[0].hist[24] = 70;
}

static void gil__row(struct bb_process *p, enum bb_py_kind kind, pid_t tid, uint64_t ns,
		     const char *function, int line)
{
	struct bb_code *c = &p->code[p->nr_code++];

	c->kind = kind;
	c->stack = p->nr_code;
	c->who = (uint64_t)tid;
	c->tid = tid;
	c->ns = ns;
	c->count = ns ? ns / MS : 7;
	c->max_ns = ns / 2;
	c->syscall = -1;
	if (!function)
		return;
	c->nr_frames = 2;
	c->frames = calloc(2, sizeof(*c->frames));
	if (!c->frames)
		abort();
	for (int i = 0; i < 2; i++) {
		c->frames[i].file = bb_strings__add(p->strings, "/srv/app/work/primes.py");
		c->frames[i].function = bb_strings__add(p->strings, i ? "Worker.run" : function);
		c->frames[i].line = i ? 40 : line;
	}
}

static void gil__native(struct bb_process *p, struct bb_code *c, uint64_t count, size_t nr,
			const struct bb_native *frames)
{
	struct bb_native_stack *s = &c->natives[c->nr_natives++];

	s->frames = calloc(nr, sizeof(*frames));
	if (!s->frames)
		abort();
	s->count = count;
	for (; s->nr < nr; s->nr++) {
		struct bb_native *f = &s->frames[s->nr];

		*f = frames[s->nr];
		if (f->symbol)
			f->symbol = bb_strings__add(p->strings, f->symbol);
		if (f->object)
			f->object = bb_strings__add(p->strings, f->object);
	}
}

/* Samples with the GIL: one thread in a library's function, one in the interpreter. */
static void gil__natives(struct bb_process *p, pid_t tid)
{
	const char *z = "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", *py = "/usr/bin/python3.12";
	const struct bb_native call[] = { { "crc32_z", z, false }, { NULL, py, true } };
	const struct bb_native loop[] = { { "_PyEval_EvalFrameDefault", py, true } };
	struct bb_code *c;

	for (int i = 0; i < 2; i++) {
		gil__row(p, BB_PY_ON_GIL, tid + i, 0, i ? "fib" : "Worker.sieve.<locals>.mark",
			 i ? 22 : 17);
		c = &p->code[p->nr_code - 1];
		c->count = 240;
		c->natives = calloc(2, sizeof(*c->natives));
		if (!c->natives)
			abort();
		if (!i)
			gil__native(p, c, 228, 2, call);
		gil__native(p, c, i ? 230 : 10, 1, loop);
	}
}

/* A loop that is kept from its poll by a read, below a coroutine. */
static void gil__loop(struct bb_process *p, pid_t tid)
{
	p->loops = calloc(1, sizeof(*p->loops));
	if (!p->loops)
		abort();
	p->nr_loops = 1;
	p->loops[0] = (struct bb_loop){ .tid = tid,
					.kind = BB_LOOP_ASYNCIO,
					.exact = true,
					.window_ns = 10 * SEC,
					.turns = 100,
					.busy_ns = 2 * SEC,
					.max_ns = 400 * MS,
					.long_turns = 3,
					.long_ns = 900 * MS,
					.long_max_ns = 310 * MS };
	p->loops[0].hist[320] = 97; /* 2^20 ns */
	p->loops[0].hist[576] = 3;  /* 2^28 ns */
	p->code[4].frames[1].file =
		bb_strings__add(p->strings, "/usr/lib/python3.12/asyncio/events.py");
	p->code[4].frames[1].function = bb_strings__add(p->strings, "Handle._run");
}

/* Who held it, who waited, and what was slept in with the GIL held. */
static void gil__code(struct bb_process *p, pid_t tid)
{
	p->strings = bb_strings__new();
	p->code = calloc(9, sizeof(*p->code));
	p->holders = calloc(1, sizeof(*p->holders));
	if (!p->strings || !p->code || !p->holders)
		abort();
	p->gils[0].given_ns = 9980 * MS;
	p->gils[0].hand_over_ns = 180 * MS;
	p->nr_holders = 1;
	p->holders[0].tid = tid;
	p->holders[0].ns = 6000 * MS;
	gil__row(p, BB_PY_HOLDER, tid, 6000 * MS, "Worker.sieve.<locals>.mark", 17);
	gil__row(p, BB_PY_HOLDER, tid + 1, 3000 * MS, "fib", 22);
	gil__row(p, BB_PY_HOLDER, 0, 800 * MS, NULL, 0);
	gil__row(p, BB_PY_WAITER, tid + 1, 20000 * MS, "fib", 23);
	gil__row(p, BB_PY_BLOCKED, tid + 2, 500 * MS, "fetch", 0);
	p->code[4].state = BB_STATE_NET;
	p->code[4].syscall = 0;
	gil__row(p, BB_PY_HELD, tid + 2, 400 * MS, "fetch", 31);
	p->code[5].state = BB_STATE_SLEEP;
	p->code[5].waited_ns = 390 * MS;
	gil__row(p, BB_PY_ON_GIL, tid, 0, "fib", 22);
	gil__natives(p, tid);
	gil__loop(p, tid + 2);
}

/* What caps its threads, as if it had a semaphore and a pool. */
static void gil__limits(struct sample *s)
{
	const struct bb_finding limits[] = {
		{ .id = BB_FINDING_SEMAPHORE_LIMIT,
		  .state = BB_STATE_QUEUE,
		  .syscall = 202,
		  .ns = 50 * SEC,
		  .count = 150,
		  .max_ns = SEC,
		  .waited_ns = BB_UNKNOWN_U64,
		  .at_once = 4.97,
		  .waiters = 25,
		  .rule = BB_R_SEMAPHORE_WAITERS,
		  .value = 25 },
		{ .id = BB_FINDING_POOL_STARVED,
		  .state = BB_STATE_NET,
		  .syscall = 45,
		  .ns = 8 * SEC,
		  .count = 400,
		  .max_ns = 20 * MS,
		  .waited_ns = BB_UNKNOWN_U64,
		  .at_once = 4,
		  .waiters = 19.5,
		  .rule = BB_R_POOL_BUSY,
		  .value = 0.99 },
	};

	for (size_t i = 0; i < 2; i++)
		if (bb_findings__add(s->diag.findings, s->rec, &limits[i]))
			abort();
}

static void phases__add(struct bb_phases *p, enum bb_bound bound, uint64_t ns)
{
	const struct bb_phase *last = p->nr ? &p->items[p->nr - 1] : NULL;
	uint64_t at = last ? last->start_ns + last->ns : 0;
	struct bb_phase *more = realloc(p->items, (p->nr + 1) * sizeof(*more));
	bool gil = bound == BB_BOUND_GIL_BOUND;

	if (!more)
		abort();
	p->items = more;
	more += p->nr++;
	memset(more, 0, sizeof(*more));
	more->start_ns = at;
	more->ns = ns;
	more->bound = bound;
	more->confidence = gil ? 0.97 : 0.91;
	more->components[bound] = gil ? 0.98 : 0.92;
	more->components[BB_BOUND_CPU_BOUND] = gil ? 0.02 : 0.08;
	strcpy(more->summary, gil ? "Python's GIL lets one thread run at a time."
				  : "It mostly waits for the network.");
	more->gil_share = gil ? 0.99 : 0.01;
	more->budget.ns[BB_STATE_ONCPU] = ns / (gil ? 1 : 20);
	more->budget.ns[gil ? BB_STATE_GIL : BB_STATE_NET] =
		4 * ns - more->budget.ns[BB_STATE_ONCPU];
}

/* Computing, and now and then waiting for the network, cut by the window on both sides. */
static void gil__phases(struct sample *s)
{
	struct bb_phases *p = calloc(1, sizeof(*p));

	s->diag.phases = p;
	s->rec->slice_ends = calloc(100, sizeof(*s->rec->slice_ends));
	if (!p || !s->rec->slice_ends)
		abort();
	s->rec->nr_slices = 100;
	s->rec->overhead.slicing_cpu_share = 0.0004;
	for (uint64_t i = 0; i < 100; i++)
		s->rec->slice_ends[i] = (i + 1) * 100 * MS;
	phases__add(p, BB_BOUND_GIL_BOUND, 600 * MS);
	for (int i = 0; i < 3; i++) {
		phases__add(p, BB_BOUND_IO_BOUND, 900 * MS);
		phases__add(p, BB_BOUND_GIL_BOUND, 2 * SEC);
	}
	phases__add(p, BB_BOUND_IO_BOUND, 700 * MS);
	bb_phases__repeat(p);
}

/* All of the crunchers' time goes into 4,000 pieces of work that they are given. */
static void gil__units(struct sample *s)
{
	struct bb_unit *u;

	s->diag.units = calloc(2, sizeof(*s->diag.units));
	if (!s->diag.units)
		abort();
	s->diag.units->nr = 1;
	u = s->diag.units->items;
	*u = (struct bb_unit){ .kind = BB_UNIT_HAND_OVER,
			       .count = 4000,
			       .low = 4000,
			       .high = 4010,
			       .span_ns = 10e9,
			       .threads = 4,
			       .has_gil = true };
	for (size_t i = 1; i < 5; i++) {
		const struct bb_thread *t = &s->rec->processes->threads[i];

		for (int b = 0; b < BB_STATE_MAX; b++)
			u->spent[b] += (double)t->budget.ns[b];
		u->held_samples += (double)t->gil_samples;
		u->free_samples += (double)t->gil_free_samples;
	}
}

static void sample__gil(struct sample *s)
{
	struct bb_what_if_context sure = { .judged = true, .confidence = 0.97 };
	struct bb_wait join = { .state = BB_STATE_QUEUE,
				.syscall = 202,
				.fd = -1,
				.count = 1,
				.ns = 10 * SEC,
				.max_ns = 10 * SEC,
				.open = true };
	struct bb_process *p;
	char name[24];
	size_t i;

	s->name = "gil";
	s->rec = make__record(10 * SEC, 1);
	p = s->rec->processes;
	make__process(p, 4242, "python3.12", 5);
	make__cmdline(p, "/usr/bin/python3.12", "-u", "crunch.py", "--threads", "4", NULL);
	p->exe = make__string("/usr/bin/python3.12");
	p->cgroup = make__string("/user.slice/user-1000.slice/session-3.scope");
	p->cpus_usable = 4;
	p->rss_bytes = 35651584;
	strcpy(p->runtime.name, "cpython");
	strcpy(p->runtime.version, "3.12.1");
	p->runtime.gil = BB_GIL_ENABLED;
	gil__lock(p);
	gil__code(p, p->threads[1].tid);
	make__thread(&p->threads[0], "python3.12", 10 * SEC);
	make__in(&p->threads[0], BB_STATE_QUEUE, 10 * SEC);
	make__wait(p, &p->threads[0], &join);
	for (i = 1; i < 5; i++) {
		struct bb_thread *t = &p->threads[i];

		make__thread(t, "python3.12", 10 * SEC);
		snprintf(name, sizeof(name), "cruncher-%zu", i);
		t->name = make__string(name);
		make__in(t, BB_STATE_GIL, 7400 * MS + i * 10 * MS);
		make__in(t, BB_STATE_RUNQ, 40 * MS);
		make__in(t, BB_STATE_ONCPU, 2560 * MS - i * 10 * MS);
		t->gil_acquisitions = 490 + i;
		t->gil_wait_max_ns = 25 * MS;
		t->gil_forced = 10 * (uint64_t)i;
		t->gil_samples = 240;
		t->gil_free_samples = (uint64_t)i;
		t->gil_held_off_ns = 30 * MS;
		t->voluntary = 1530 + i;
		t->involuntary = 12;
		t->migrations = 7 + (uint64_t)i;
	}
	make__sum(p);
	gil__verdict(sample__verdicts(s));
	gil__phases(s);
	s->diag.findings = calloc(1, sizeof(*s->diag.findings));
	if (!s->diag.findings || bb_findings__of(s->diag.findings, s->rec, p))
		abort();
	gil__limits(s);
	gil__units(s);
	sure.units = s->diag.units;
	s->diag.what_ifs = calloc(1, sizeof(*s->diag.what_ifs));
	if (!s->diag.what_ifs || bb_what_ifs__of(s->diag.what_ifs, s->rec, p, &sure))
		abort();
}

static void idle__locks(struct bb_process *p)
{
	size_t i;

	p->nr_locks = 2;
	p->locks = calloc(p->nr_locks, sizeof(*p->locks));
	if (!p->locks)
		abort();
	for (i = 0; i < p->nr_locks; i++) {
		p->locks[i].addr = 0x55d0c0de0000 + i * 64;
		p->locks[i].kind = BB_LOCK_CONDITION;
		p->locks[i].rule = i ? BB_RULE_NONE : BB_RULE_FED;
		p->locks[i].state = BB_STATE_QUEUE;
		p->locks[i].place = make__string("[heap]");
		p->locks[i].contended_ns = 5 * SEC;
		p->locks[i].wait_ns = 30 * SEC;
		p->locks[i].max_ns = 5 * SEC;
		p->locks[i].waits = 6;
		p->locks[i].waiters_max = 6;
		p->locks[i].other_ns = 30 * SEC;
	}
}

/* One kind that is told, one with a bound, one without. */
static void idle__units(struct sample *s)
{
	struct bb_unit *u;

	s->diag.units = calloc(2, sizeof(*s->diag.units));
	if (!s->diag.units)
		abort();
	s->diag.units->nr = 3;
	u = s->diag.units->items;
	u[0] = (struct bb_unit){ .kind = BB_UNIT_REQUEST,
				 .count = 2060,
				 .low = 2060,
				 .high = 2064,
				 .span_ns = 5e9,
				 .threads = 12,
				 .has_gil = true,
				 .held_samples = 60,
				 .free_samples = 20 };
	u[0].spent[BB_STATE_ONCPU] = 2060 * 0.8e6;
	u[0].spent[BB_STATE_RUNQ] = 2060 * 0.001e6;
	u[0].spent[BB_STATE_NET] = 2060 * 1.3e6;
	u[1] = (struct bb_unit){ .kind = BB_UNIT_HAND_OVER,
				 .count = NAN,
				 .low = 500,
				 .high = INFINITY,
				 .span_ns = 5e9,
				 .threads = 2,
				 .why_not = "each worker waits by a lock of its own: whether one "
					    "waited at all times is not known" };
	u[2] = (struct bb_unit){ .kind = BB_UNIT_LOOP_TURN,
				 .count = NAN,
				 .low = 1000,
				 .high = 1500,
				 .span_ns = 5e9,
				 .threads = 1,
				 .why_not = "too few in the window" };
}

static void sample__idle(struct sample *s)
{
	struct bb_wait work = { .state = BB_STATE_QUEUE,
				.syscall = 202,
				.fd = -1,
				.count = 1,
				.ns = 5 * SEC,
				.max_ns = 5 * SEC,
				.open = true };
	struct bb_wait accept = { .state = BB_STATE_POLL,
				  .syscall = 232,
				  .fdkind = BB_FD_EPOLL,
				  .fd = 4,
				  .count = 5,
				  .ns = 4999900000,
				  .max_ns = 1000 * MS,
				  .open = true,
				  .endpoint = BB_END_LISTEN,
				  .label = "listens on tcp 0.0.0.0:8080" };
	struct bb_verdict *v;
	struct bb_process *p;
	size_t i;

	s->name = "idle";
	s->rec = make__record(5 * SEC, 1);
	s->rec->host.busy_share = 0.0004;
	p = s->rec->processes;
	make__process(p, 977, "poold", 13);
	make__cmdline(p, "poold", NULL);
	p->cpus_usable = 1.5;
	make__thread(&p->threads[0], "poold", 5 * SEC);
	make__in(&p->threads[0], BB_STATE_POLL, accept.ns);
	make__in(&p->threads[0], BB_STATE_ONCPU, 100000);
	make__wait(p, &p->threads[0], &accept);
	p->threads[0].voluntary = 5;
	for (i = 1; i < 13; i++) {
		make__thread(&p->threads[i], "pool-worker", 5 * SEC);
		make__in(&p->threads[i], BB_STATE_QUEUE, 5 * SEC);
		make__wait(p, &p->threads[i], &work);
	}
	idle__locks(p);
	make__sum(p);
	v = sample__verdicts(s);
	verdict__set(v, BB_BOUND_IDLE, 0.99,
		     "Nothing to do: it waits for clients, and its workers wait for work.");
	FOR(v, "of one CPU was used", 0.00002, 0.02, "share", "idle-cpu");
	idle__units(s);
}

static const struct {
	const char *comm;
	uint64_t oncpu_ms, disk_ms;
	bool born, ended;
} backends[] = {
	{ "postgres", 1, 0, false, false },        { "checkpointer", 20, 400, false, false },
	{ "walwriter", 90, 1200, false, false },   { "backend-01", 700, 3100, false, false },
	{ "backend-02", 690, 3000, false, false }, { "backend-03", 680, 2900, false, false },
	{ "backend-04", 670, 2800, false, false }, { "backend-05", 660, 2700, false, true },
	{ "backend-06", 300, 500, true, true },    { "backend-07", 200, 300, true, false },
	{ "backend-08", 10, 30, false, false },    { "backend-09", 5, 12, false, false },
	{ "backend-10", 0, 0, false, false },
};

#define NR_BACKENDS (sizeof(backends) / sizeof(backends[0]))

static void tree__syscalls(struct bb_process *p, size_t i, uint64_t client_ns, uint64_t disk_ns)
{
	struct bb_syscall *s;

	p->nr_syscalls = 2;
	p->syscalls = calloc(p->nr_syscalls, sizeof(*p->syscalls));
	if (!p->syscalls)
		abort();
	s = &p->syscalls[0];
	s->nr = 232;
	s->kind = BB_CALL_POLL;
	s->count = 41;
	s->ns = client_ns - 60 * MS;
	s->max_ns = 80 * MS;
	s->inside_ns = client_ns + MS;
	s->amount = 44;
	s->outcomes[BB_OUT_NONE].count = 1;
	s->outcomes[BB_OUT_NONE].ns = 80 * MS;
	s->outcomes[BB_OUT_SOME].count = 40;
	s->outcomes[BB_OUT_SOME].ns = s->ns - 80 * MS;
	s = &p->syscalls[1];
	s->nr = 74;
	s->count = 301 + i;
	s->errors = 1;
	s->ns = s->inside_ns = disk_ns + 2 * MS;
	s->max_ns = 31 * MS;
	s->outcomes[BB_OUT_NONE].count = 300 + i;
	s->outcomes[BB_OUT_NONE].ns = disk_ns + MS;
	s->outcomes[BB_OUT_ERROR].count = 1;
	s->outcomes[BB_OUT_ERROR].ns = MS;
}

static void tree__backend(struct bb_process *p, size_t i)
{
	struct bb_thread *t;
	struct bb_wait disk = { .state = BB_STATE_DISK,
				.syscall = 74,
				.fdkind = BB_FD_FILE,
				.fd = 7,
				.count = 300 + i,
				.ns = backends[i].disk_ms * MS,
				.max_ns = 31 * MS,
				.endpoint = BB_END_FILE,
				.label = "/var/lib/postgresql/15/main/base/16384/2619" };
	struct bb_wait client = { .state = BB_STATE_POLL,
				  .syscall = 232,
				  .fdkind = BB_FD_EPOLL,
				  .fd = 9,
				  .count = 41,
				  .max_ns = 80 * MS,
				  .endpoint = BB_END_INBOUND,
				  .label = "tcp in 10.0.0.17:51000" };

	make__process(p, 1000 + (pid_t)i, backends[i].comm, 1);
	p->ppid = i ? 1000 : 1;
	p->exe = make__string("/usr/lib/postgresql/15/bin/postgres");
	p->cpus_usable = 2;
	p->rss_bytes = (20 + i) << 20;
	p->kernel_ns = backends[i].oncpu_ms * MS / 4;
	p->born = backends[i].born;
	p->ended = backends[i].ended;
	t = p->threads;
	make__thread(t, backends[i].comm, p->ended ? 4 * SEC : p->born ? 2 * SEC : 5 * SEC);
	t->born = p->born;
	t->ended = p->ended;
	t->start_ns = p->born ? SEC : 0;
	make__in(t, BB_STATE_ONCPU, backends[i].oncpu_ms * MS);
	make__in(t, BB_STATE_DISK, backends[i].disk_ms * MS);
	client.ns = t->budget.ns[BB_STATE_UNKNOWN];
	make__in(t, BB_STATE_POLL, client.ns);
	t->active = backends[i].oncpu_ms > 0;
	t->voluntary = 341 + i;
	if (disk.ns)
		make__wait(p, t, &disk);
	make__wait(p, t, &client);
	tree__syscalls(p, i, client.ns, disk.ns);
	make__sum(p);
}

/* A lock in memory that the first two share, at another address in each. */
static void tree__lock(struct bb_process *p, size_t i)
{
	p->nr_locks = 1;
	p->locks = calloc(1, sizeof(*p->locks));
	if (!p->locks)
		abort();
	p->locks[0] = (struct bb_lock){ .addr = 0x7f0000001000 + i * 0x10000,
					.shared = true,
					.kind = BB_LOCK_SEMAPHORE,
					.rule = BB_RULE_HANDED,
					.state = BB_STATE_LOCK,
					.dev = 1,
					.inode = 4711,
					.offset = 0x40,
					.contended_ns = (3 - i) * 100 * MS,
					.wait_ns = (3 - i) * 110 * MS,
					.handed_ns = (3 - i) * 110 * MS,
					.max_ns = 12 * MS,
					.waits = 40,
					.waiters_max = 2 };
	p->locks[0].place = make__string("/dev/shm/PostgreSQL.1");
	make__holder(p, p->locks[0].addr, 1001 - (pid_t)i, "postgres", 90 * MS);
	p->lock_holders[0].pid = p->lock_holders[0].tid;
}

static void sample__tree(struct sample *s)
{
	struct bb_verdict *v;
	size_t i;

	s->name = "tree";
	s->rec = make__record(5 * SEC, NR_BACKENDS);
	s->rec->overhead.syscall_tracing = BB_TRACING_ON;
	s->rec->overhead.syscall_window_ns = 5 * SEC;
	s->rec->overhead.machine_syscalls_per_s = 90210;
	s->rec->overhead.bpf_ns = 9100000;
	v = sample__verdicts(s);
	for (i = 0; i < NR_BACKENDS; i++) {
		tree__backend(&s->rec->processes[i], i);
		if (i < 2)
			tree__lock(&s->rec->processes[i], i);
		if (backends[i].oncpu_ms < 50)
			verdict__set(&v[i], BB_BOUND_IDLE, 0.9, "It waits for work.");
		else
			verdict__set(&v[i], BB_BOUND_IO_BOUND, 0.88,
				     "It mostly waits for the disk.");
	}
	s->diag.has_tree = true;
	verdict__set(&s->diag.tree, BB_BOUND_IO_BOUND, 0.91,
		     "The active processes mostly wait for the disk, in fsync.");
	s->diag.tree.runner_up = BB_BOUND_CPU_BOUND;
	s->diag.tree.components[BB_BOUND_CPU_BOUND] = 0.12;
	FOR(&s->diag.tree, "of the active threads' time was spent in file or block I/O", 0.5712,
	    0.5, "share", "io-share");
}

/* Each string tries to break the report in a way of its own. */
static void hostile__strings(struct bb_process *p)
{
	make__process(p, 666, "\033[2J\nroot# \xff", 4);
	make__cmdline(p,
		      "/tmp/\033]0;pwned\007/\xe2\x80\xae"
		      "gpj.exe",
		      "line\nbreak", "quote\"", "back\\slash", "tab\there", "\xc3\x28",
		      "\xed\xa0\x80", "\xf0\x9f\x90\x8d", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
		      NULL);
	p->exe = make__string("/tmp/\033]0;pwned\007/evil\xff\n# TYPE forged counter");
	p->cgroup = make__string("/a\"b\\c\nforged 1");
	strcpy(p->runtime.name, "cpython");
	strcpy(p->runtime.version, "3.1\033[31m");
	p->runtime.gil = BB_GIL_UNKNOWN;
	p->runtime.note = make__string("no symbol in \033[7m/usr/lib/\xfe\n.so");
}

/* More than the report shows, one with a hostile name, one with none. */
static void hostile__klocks(struct bb_process *p)
{
	p->nr_klocks = 12;
	p->klocks = calloc(p->nr_klocks, sizeof(*p->klocks));
	if (!p->klocks)
		abort();
	for (size_t i = 0; i < p->nr_klocks; i++) {
		struct bb_klock *k = &p->klocks[i];

		k->kind = i % BB_KLOCK_KIND_MAX;
		k->reads = k->kind == BB_KLOCK_KIND_RWLOCK;
		k->writes = k->kind == BB_KLOCK_KIND_RWSEM;
		k->mmap = i == 4;
		k->ns = (12 - i) * MS;
		k->count = 1 + i;
		k->max_ns = k->ns;
		snprintf(k->function, sizeof(k->function), "%s",
			 i == 0   ? "\033[31mred\n"
			 : i == 1 ? ""
				  : "do_vmi_munmap");
	}
}

static void sample__hostile(struct sample *s)
{
	static const char *const comms[] = { "\033[2J\nroot# \xff",
					     "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
					     "\x7f\x80\x9b\xc2\x9b|`$(id)`",
					     "e\xcc\x81\xe2\x80\x8b" };
	struct bb_wait wait = { .state = BB_STATE_OTHER,
				.syscall = 451,
				.fd = -1,
				.count = 7,
				.ns = 400 * MS,
				.max_ns = 90 * MS };
	struct bb_wait fault = { .state = BB_STATE_FAULT,
				 .syscall = -1,
				 .fd = -1,
				 .count = 3,
				 .ns = 100 * MS,
				 .max_ns = 60 * MS };
	struct bb_process *p;
	struct bb_verdict *v;
	size_t i;

	s->name = "hostile";
	s->rec = make__record(SEC, 1);
	strcpy(s->rec->host.kernel, "6.1\033[0m\xff");
	p = s->rec->processes;
	hostile__strings(p);
	for (i = 0; i < 4; i++) {
		make__thread(&p->threads[i], comms[i], SEC);
		make__in(&p->threads[i], BB_STATE_ONCPU, (4 - i) * 100 * MS);
		make__in(&p->threads[i], BB_STATE_FAULT, fault.ns);
		make__in(&p->threads[i], BB_STATE_OTHER, wait.ns);
		make__wait(p, &p->threads[i], &wait);
		make__wait(p, &p->threads[i], &fault);
	}
	p->threads[3].name = make__string("a name that is much longer than its column\n\033[31m");
	p->nr_locks = 1;
	p->locks = calloc(1, sizeof(*p->locks));
	if (!p->locks)
		abort();
	p->locks[0].addr = UINT64_MAX;
	p->locks[0].state = BB_STATE_LOCK;
	p->locks[0].place = make__string("/dev/shm/\033[5m\n(deleted)");
	p->locks[0].code = make__string("evil\033[1m.py:\xff\xfe");
	p->locks[0].contended_ns = MS;
	p->locks[0].wait_ns = MS;
	p->locks[0].waits = 1;
	hostile__klocks(p);
	make__holder(p, UINT64_MAX, 0, "", MS / 2);
	make__holder(p, UINT64_MAX, 99999, "\033[7m\xff\n", MS / 2);
	p->lock_holders[1].pid = 99999;
	p->lock_holders[1].wait = (struct bb_wait){ .state = BB_STATE_NET,
						    .syscall = 999,
						    .fd = 3,
						    .ns = MS / 2,
						    .max_ns = MS / 2,
						    .label = "unix in \033[7m" };
	make__sum(p);
	v = sample__verdicts(s);
	verdict__set(v, BB_BOUND_UNKNOWN, 0.2,
		     "The data cannot tell: most of the time was spent in a call without a name.");
	FOR(v, "of the time has no known cause", NAN, 0.2, "share", "unknown-share");
}

/* A chain: who has the first one waits for the second, whose owner waits for a disk. */
static void losses__holders(struct bb_process *p)
{
	pid_t tid = p->threads[0].tid;

	p->locks[0].hist = calloc(BB_HIST_SLOTS, sizeof(*p->locks[0].hist));
	if (!p->locks[0].hist)
		abort();
	p->locks[0].hist[14] = 100000;
	p->locks[0].hist[22] = 20034;
	p->locks[0].given_ns = 1950 * MS;
	p->locks[1].open = true;
	make__holder(p, p->locks[0].addr, tid, "worker", 1500 * MS);
	make__holder(p, p->locks[0].addr, tid + 1, "other", 450 * MS);
	make__holder(p, p->locks[1].addr, tid + 1, "other", 900 * MS);
	p->lock_holders[0].futex = p->locks[1].addr;
	p->lock_holders[0].wait.state = BB_STATE_LOCK;
	p->lock_holders[0].wait.syscall = 202;
	p->lock_holders[0].wait.ns = 1200 * MS;
	p->lock_holders[0].wait.max_ns = 10 * MS;
	p->lock_holders[2].owns = true;
	p->lock_holders[2].wait.state = BB_STATE_DISK;
	p->lock_holders[2].wait.syscall = 75;
	p->lock_holders[2].wait.fd = 7;
	p->lock_holders[2].wait.ns = 890 * MS;
	p->lock_holders[2].wait.max_ns = 890 * MS;
	snprintf(p->lock_holders[2].wait.label, sizeof(p->lock_holders[2].wait.label),
		 "/var/lib/db/journal");
}

static void losses__locks(struct bb_process *p)
{
	size_t i;

	p->nr_locks = 13;
	p->locks = calloc(p->nr_locks, sizeof(*p->locks));
	if (!p->locks)
		abort();
	for (i = 0; i < p->nr_locks; i++) {
		struct bb_lock *k = &p->locks[i];

		k->addr = 0x55d0c0de0040 + i * 40;
		k->kind = i ? BB_LOCK_MUTEX : BB_LOCK_PI_MUTEX;
		k->rule = i ? BB_RULE_PROTOCOL : BB_RULE_HANDED;
		k->state = i == 12 ? BB_STATE_QUEUE : BB_STATE_LOCK;
		k->place = make__string(i ? "[heap]" : "/usr/lib/libworker.so.1");
		k->contended_ns = (1990 >> i) * MS;
		k->wait_ns = (5200 >> i) * MS;
		k->max_ns = (12 - i) * MS;
		k->waits = 120034 >> i;
		k->waiters_max = i > 2 ? 1 : 3;
		k->proto_ns = k->wait_ns;
	}
	p->locks[0].code = make__string("queue.py:get");
	p->locks[1].gone_owner = 31000;
	p->locks[2].kind = BB_LOCK_RWLOCK;
	p->locks[2].write_ns = 900 * MS;
	p->locks[2].write_waits = 20;
	losses__holders(p);
}

static void losses__syscalls(struct bb_process *p)
{
	static const struct {
		int nr;
		enum bb_call_kind kind;
	} calls[] = {
		{ 202, BB_CALL_FUTEX_WAIT }, { 202, BB_CALL_FUTEX_WAKE }, { 202, BB_CALL_FUTEX },
		{ 0, BB_CALL_READ },         { 1, BB_CALL_WRITE },        { 7, BB_CALL_POLL },
		{ 307, BB_CALL_MESSAGES },   { 45, BB_CALL_READ },        { 3, BB_CALL_OTHER },
		{ 35, BB_CALL_OTHER },       { 257, BB_CALL_OTHER },      { 999, BB_CALL_OTHER },
		{ -2, BB_CALL_OTHER },
	};
	size_t i, n = sizeof(calls) / sizeof(calls[0]);

	p->nr_syscalls = n;
	p->syscalls = calloc(n, sizeof(*p->syscalls));
	if (!p->syscalls)
		abort();
	for (i = 0; i < n; i++) {
		struct bb_syscall *s = &p->syscalls[i];

		s->nr = calls[i].nr;
		s->kind = calls[i].kind;
		s->max_ns = (13 - i) * MS;
		s->amount = s->kind >= BB_CALL_FUTEX_WAKE ? 123456789 >> i : 0;
		for (int o = 0; o < BB_OUT_MAX; o++) {
			if (o == BB_OUT_SOME && !s->amount)
				continue;
			s->outcomes[o].count = 654321 >> (i + 2 * (size_t)o);
			s->outcomes[o].ns = (2600 >> (i + (size_t)o)) * MS;
			s->count += s->outcomes[o].count;
			s->errors += o >= BB_OUT_AGAIN ? s->outcomes[o].count : 0;
			s->ns += s->outcomes[o].ns;
		}
	}
	p->kernel_ns = 310 * MS;
}

static void sample__losses(struct sample *s)
{
	struct bb_wait lock = { .state = BB_STATE_LOCK,
				.syscall = 202,
				.fd = -1,
				.count = 40011,
				.ns = 1300 * MS,
				.max_ns = 12 * MS };
	struct bb_wait several = { .state = BB_STATE_IPC,
				   .syscall = -2,
				   .fdkind = BB_FD_PIPE,
				   .fd = 11,
				   .count = 5,
				   .ns = 80 * MS,
				   .max_ns = 40 * MS };
	struct bb_process *p;
	struct bb_verdict *v;
	size_t i;

	s->name = "losses";
	s->rec = make__record(2 * SEC, 1);
	s->rec->window.asked_ns = 10 * SEC;
	s->rec->window.cut_short = true;
	s->rec->host.busy_share = NAN;
	s->rec->drops[BB_DROP_THREADS_FULL] = 2;
	s->rec->drops[BB_DROP_WAITS_FULL] = 12345678;
	s->rec->overhead.syscall_tracing = BB_TRACING_GOVERNED;
	s->rec->overhead.syscall_window_ns = 600 * MS;
	s->rec->overhead.machine_syscalls_per_s = 3100000;
	p = s->rec->processes;
	make__process(p, 31337, "worker", 6);
	p->cpus_usable = 8;
	p->born = true;
	p->execed = true;
	for (i = 0; i < 4; i++) {
		make__thread(&p->threads[i], "worker", 2 * SEC);
		make__in(&p->threads[i], BB_STATE_LOCK, lock.ns);
		make__in(&p->threads[i], BB_STATE_IPC, several.ns);
		make__in(&p->threads[i], BB_STATE_RUNQ, 20 * MS);
		make__in(&p->threads[i], BB_STATE_ONCPU, 590 * MS);
		make__wait(p, &p->threads[i], &lock);
		make__wait(p, &p->threads[i], &several);
	}
	p->threads[2].budget.ns[BB_STATE_UNKNOWN] -= 5 * MS; /* a residual */
	for (; i < 6; i++) {
		make__thread(&p->threads[i], "", 2 * SEC);
		p->threads[i].unseen = true;
		p->threads[i].migrations = BB_UNKNOWN_U64;
	}
	losses__locks(p);
	losses__syscalls(p);
	make__sum(p);
	s->diag.incomplete = true;
	v = sample__verdicts(s);
	verdict__set(v, BB_BOUND_LOCK_BOUND, 0.55,
		     "4 threads queue for one lock, and hold it nearly all the time.");
	v->components[BB_BOUND_UNKNOWN] = 0.4;
	v->runner_up = BB_BOUND_UNKNOWN;
	FOR(v, "of the window, at least one thread waited for the lock", 0.995, 0.5, "share",
	    "lock-contended");
	FOR(v, "waits for the lock ended in each second", 60017, NAN, "per_s", "");
	FOR(v, "is the longest wait for the lock", 12e6, NAN, "ns", "");
	AGAINST(v, "threads could not be followed", 2, 0, "count", "losses");
}

static void free__locks(struct bb_process *p)
{
	p->nr_locks = 3;
	p->locks = calloc(p->nr_locks, sizeof(*p->locks));
	if (!p->locks)
		abort();
	p->locks[0] = (struct bb_lock){ .addr = 0x55d0c0de0bc0,
					.kind = BB_LOCK_WORLD,
					.place = make__string("/usr/bin/python3.14t"),
					.code = make__string("app/cache.py:get"),
					.contended_ns = 900 * MS,
					.times = 31,
					.waits = 60,
					.wait_ns = 1750 * MS,
					.max_ns = 52 * MS,
					.waiters_max = 2 };
	p->locks[1] = (struct bb_lock){ .addr = 0x2d5dc38788a,
					.kind = BB_LOCK_PYMUTEX,
					.place = make__string("[anonymous]"),
					.object = make__string("dict"),
					.code = make__string("app/cache.py:put"),
					.contended_ns = 80 * MS,
					.times = 900,
					.waits = 1203,
					.wait_ns = 90 * MS,
					.max_ns = 2 * MS,
					.waiters_max = 2 };
	p->locks[2] = (struct bb_lock){ .addr = 0x55d0c0de35bc,
					.kind = BB_LOCK_STOPPER,
					.contended_ns = 3 * MS,
					.times = 31,
					.waits = 33,
					.wait_ns = 3 * MS,
					.max_ns = MS,
					.waiters_max = 1 };
	for (size_t i = 0; i < p->nr_locks; i++) {
		p->locks[i].rule = BB_RULE_PROTOCOL;
		p->locks[i].state = BB_STATE_LOCK;
		p->locks[i].proto_ns = p->locks[i].wait_ns;
	}
}

static void sample__free_threaded(struct sample *s)
{
	struct bb_process *p;
	struct bb_verdict *v;

	s->name = "free";
	s->rec = make__record(2 * SEC, 1);
	p = s->rec->processes;
	make__process(p, 4040, "python3.14t", 3);
	make__cmdline(p, "python3.14t", "app.py", NULL);
	p->cpus_usable = 4;
	strcpy(p->runtime.name, "cpython");
	strcpy(p->runtime.version, "3.14.10");
	p->runtime.gil = BB_GIL_DISABLED;
	p->runtime.free_threaded = true;
	/* it is there, and nobody takes it */
	p->gils = calloc(1, sizeof(*p->gils));
	if (!p->gils)
		abort();
	p->nr_gils = 1;
	p->gils[0].addr = 0x55d0c0de4000;
	p->gils[0].interval_us = 5000;
	for (size_t i = 0; i < 3; i++) {
		struct bb_thread *t = &p->threads[i];

		make__thread(t, "python3.14t", 2 * SEC);
		make__in(t, BB_STATE_LOCK, i ? 920 * MS : 3 * MS);
		make__in(t, BB_STATE_ONCPU, i ? 1080 * MS : 1997 * MS);
		t->name = make__string(i ? "worker" : "MainThread");
	}
	free__locks(p);
	make__sum(p);
	v = sample__verdicts(s);
	verdict__set(v, BB_BOUND_LOCK_BOUND, 0.62,
		     "Python stops the world 45% of the time: 0.9 threads wait, 2.1 of 4 CPUs are "
		     "used.");
	FOR(v, "wall time with a thread waiting for a stop of the world to end", 0.45, 0.05,
	    "share", "contended");
}

static void sample__ended(struct sample *s)
{
	struct bb_wait sleep = { .state = BB_STATE_SLEEP,
				 .syscall = 230,
				 .fd = -1,
				 .count = 3,
				 .ns = 1200 * MS,
				 .max_ns = 500 * MS };
	struct bb_process *p;

	s->name = "ended";
	s->rec = make__record(1500 * MS, 1);
	s->rec->window.asked_ns = 0;
	s->rec->window.cut_short = true;
	s->rec->command_status = 9; /* as waitpid() gives it: killed by SIGKILL */
	s->rec->host.cpus_online = 1;
	p = s->rec->processes;
	make__process(p, 88, "sh", 1);
	make__cmdline(p, "sh", "-c", "while :; do sleep 0.5; done", NULL);
	p->born = true;
	p->ended = true;
	p->exit_signal = 9;
	p->cpus_usable = 1;
	make__thread(p->threads, "sh", 1400 * MS);
	p->threads->born = true;
	p->threads->ended = true;
	p->threads->start_ns = 100 * MS;
	make__in(p->threads, BB_STATE_ONCPU, 150 * MS);
	make__in(p->threads, BB_STATE_RUNQ, 50 * MS);
	p->threads->migrations = 23;
	make__in(p->threads, BB_STATE_SLEEP, sleep.ns);
	make__wait(p, p->threads, &sleep);
	p->folded_threads = 42;
	p->folded_window_ns = 84 * MS;
	p->folded.ns[BB_STATE_ONCPU] = 84 * MS;
	p->threads_born = 42;
	make__sum(p);
	verdict__set(sample__verdicts(s), BB_BOUND_IO_BOUND, 0.6, "It mostly sleeps on a timer.");
}

static void sample__empty(struct sample *s)
{
	s->name = "empty";
	s->rec = make__record(0, 0);
	s->rec->window.asked_ns = 10 * SEC;
	s->rec->window.cut_short = true;
	s->rec->overhead.cpu_share = NAN;
	s->rec->overhead.rss_bytes = BB_UNKNOWN_U64;
	s->rec->overhead.map_bytes = BB_UNKNOWN_U64;
	sample__verdicts(s);
}

static void make__stack(struct bb_process *p, const struct bb_stack_row *r,
			const struct bb_stack_frame *frames, size_t nr)
{
	struct bb_stack_row *row = bb_grow((void **)&p->stacks, &p->nr_stacks, sizeof(*row));

	if (!row)
		abort();
	*row = *r;
	row->frames = calloc(nr ? nr : 1, sizeof(*row->frames));
	if (!row->frames)
		abort();
	if (nr)
		memcpy(row->frames, frames, nr * sizeof(*frames));
	row->nr = nr;
}

static void sample__stacks(struct sample *s)
{
	static const struct bb_stack_frame blocked[] = {
		{ BB_FRAME_KERNEL, "futex_do_wait", NULL, 0 },
		{ BB_FRAME_NATIVE, "pthread_cond_wait", "/usr/lib/libc.so.6", 0 },
		{ BB_FRAME_NATIVE, NULL, "/opt/a b;c/pool", 0 },
		{ BB_FRAME_PYTHON, "get", "/usr/lib/python3/queue.py", 180 },
		{ BB_FRAME_PYTHON, "<module>", "/srv/work;er.py", 7 },
	};
	static const struct bb_stack_frame fed[] = {
		{ BB_FRAME_KERNEL, "futex_wake", NULL, 0 },
		{ BB_FRAME_NATIVE, "pthread_cond_signal", "/usr/lib/libc.so.6", 0 },
		{ BB_FRAME_NATIVE, "feed", "/srv/feeder", 0 },
	};
	static const struct bb_stack_frame tick[] = {
		{ BB_FRAME_KERNEL, "hrtimer_wakeup", NULL, 0 },
	};
	struct bb_wait queue = { .state = BB_STATE_QUEUE,
				 .syscall = 202,
				 .fd = -1,
				 .count = 20,
				 .ns = 1600 * MS,
				 .max_ns = 100 * MS };
	struct bb_wait sleep = { .state = BB_STATE_SLEEP,
				 .syscall = 35,
				 .fd = -1,
				 .count = 20,
				 .ns = 1500 * MS,
				 .max_ns = 80 * MS };
	struct bb_process *p;

	s->name = "stacks";
	s->rec = make__record(2 * SEC, 1);
	p = s->rec->processes;
	make__process(p, 50, "pool", 2);
	make__thread(&p->threads[0], "worker", 2 * SEC);
	make__in(&p->threads[0], BB_STATE_ONCPU, 400 * MS);
	make__in(&p->threads[0], BB_STATE_QUEUE, queue.ns);
	make__wait(p, &p->threads[0], &queue);
	make__thread(&p->threads[1], "feeder", 2 * SEC);
	make__in(&p->threads[1], BB_STATE_ONCPU, 500 * MS);
	make__in(&p->threads[1], BB_STATE_SLEEP, sleep.ns);
	make__wait(p, &p->threads[1], &sleep);
	make__sum(p);
	p->stacks_asked = true;
	make__stack(p,
		    &(struct bb_stack_row){ .kind = BB_STACK_BLOCKED,
					    .state = BB_STATE_QUEUE,
					    .syscall = 202,
					    .ns = 1500 * MS,
					    .count = 19,
					    .max_ns = 100 * MS },
		    blocked, 5);
	make__stack(p,
		    &(struct bb_stack_row){ .kind = BB_STACK_WAKER,
					    .state = BB_STATE_QUEUE,
					    .syscall = 202,
					    .ns = 1400 * MS,
					    .count = 18,
					    .max_ns = 100 * MS,
					    .tid = 50,
					    .by_tid = 51,
					    .by_pid = 50,
					    .by_comm = "feeder" },
		    fed, 3);
	make__stack(p,
		    &(struct bb_stack_row){ .kind = BB_STACK_WAKER,
					    .state = BB_STATE_SLEEP,
					    .syscall = 35,
					    .ns = 1300 * MS,
					    .count = 17,
					    .max_ns = 80 * MS,
					    .tid = 51,
					    .interrupt = true },
		    tick, 1);
	make__stack(p,
		    &(struct bb_stack_row){ .kind = BB_STACK_ONCPU,
					    .state = BB_STATE_ONCPU,
					    .syscall = -1,
					    .count = 60 },
		    fed + 2, 1);
	make__stack(p,
		    &(struct bb_stack_row){ .kind = BB_STACK_ONCPU,
					    .state = BB_STATE_ONCPU,
					    .syscall = -1,
					    .count = 30 },
		    NULL, 0);
	verdict__set(sample__verdicts(s), BB_BOUND_IDLE, 0.7, "It waits for work.");
}

void sample__make(enum sample_id id, struct sample *s)
{
	static void (*const makers[SAMPLE_MAX])(struct sample *) = {
		[SAMPLE_GIL] = sample__gil,       [SAMPLE_IDLE] = sample__idle,
		[SAMPLE_TREE] = sample__tree,     [SAMPLE_HOSTILE] = sample__hostile,
		[SAMPLE_LOSSES] = sample__losses, [SAMPLE_ENDED] = sample__ended,
		[SAMPLE_EMPTY] = sample__empty,   [SAMPLE_FREE] = sample__free_threaded,
		[SAMPLE_STACKS] = sample__stacks,
	};

	memset(s, 0, sizeof(*s));
	makers[id](s);
}

void sample__free(struct sample *s)
{
	bb_diagnosis__free(&s->diag);
	bb_record__free(s->rec);
	s->rec = NULL;
}
