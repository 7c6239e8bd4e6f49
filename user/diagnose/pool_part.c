// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pool_part.h"

#include <string.h>

#include "rules.h"

/* What a process is, its longest rows tell; to walk down all of thousands takes too long. */
#define ROWS_FOR_ROLE 256

/* Whose code a thread is in. */
enum owner {
	OWNER_UNKNOWN, /* no frames */
	OWNER_PROGRAM,
	OWNER_POOL,
	OWNER_EITHER, /* the pool calls the task there: one in C has no frame of its own */
};

/* Python's library below others: whoever called it is meant. */
static bool is_helper(const struct bb_frame *f)
{
	static const char *const files[] = { "/threading.py",   "/selectors.py",  "/queue.py",
					     "/pickle.py",      "/copyreg.py",    "/weakref.py",
					     "/_weakrefset.py", "/cloudpickle.py" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (bb_str__ends(f->file, files[i]))
			return true;
	return false;
}

/* A package of Python's library lies right in its folder: lib/python3.11/, or Lib/ in a zip. */
static bool in_library(const char *file, const char *package)
{
	const char *at = strstr(file, package), *dir = at;

	while (dir && dir > file && dir[-1] != '/')
		dir--;
	return at &&
	       (!strncmp(dir, "python", 6) || !strncmp(dir, "pypy", 4) || !strncmp(dir, "Lib", 3));
}

/* joblib, by which scikit-learn and others work in parallel, brings a pool of its own: loky. */
static bool is_joblib(const struct bb_frame *f)
{
	return bb_str__ends(f->file, "/joblib/parallel.py") ||
	       bb_str__ends(f->file, "/joblib/_parallel_backends.py") ||
	       strstr(f->file, "/joblib/externals/loky/") || strstr(f->file, "-packages/loky/");
}

static bool is_pool(const struct bb_frame *f)
{
	return in_library(f->file, "/multiprocessing/") ||
	       bb_str__ends(f->file, "/concurrent/futures/process.py") ||
	       bb_str__ends(f->file, "/concurrent/futures/_base.py") || is_joblib(f);
}

/* The functions of a pool that call the task. */
static bool calls_task(const struct bb_frame *f)
{
	static const char *const functions[] = { "mapstar", "starmapstar", "worker",
						 "_process_chunk", "_process_worker" };

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (!strncmp(f->function, functions[i], strlen(functions[i])))
			return true;
	/* of whole names there are only the last parts up to CPython 3.10 */
	if (bb_str__ends(f->file, "/joblib/parallel.py"))
		return !strncmp(f->function, "BatchedCalls.", strlen("BatchedCalls.")) ||
		       !strcmp(f->function, "__call__") || !strcmp(f->function, "<listcomp>");
	return bb_str__ends(f->file, "/multiprocessing/process.py") &&
	       bb_str__ends(f->function, "run");
}

static enum owner owner_of(const struct bb_code *c)
{
	for (size_t i = 0; i < c->nr_frames; i++) {
		const struct bb_frame *f = &c->frames[i];

		if (is_helper(f))
			continue;
		if (!is_pool(f))
			return OWNER_PROGRAM;
		return !i && calls_task(f) ? OWNER_EITHER : OWNER_POOL;
	}
	return c->nr_frames ? OWNER_PROGRAM : OWNER_UNKNOWN;
}

/* The process that removes what others leave behind: multiprocessing's own, or loky's. */
static bool is_tidying(const struct bb_code *c)
{
	for (size_t i = 0; i < c->nr_frames; i++)
		if (bb_str__ends(c->frames[i].file, "/resource_tracker.py") &&
		    !strcmp(c->frames[i].function, "main"))
			return true;
	return false;
}

/* Below whatever a process of multiprocessing does. */
static bool is_child(const struct bb_code *c)
{
	for (size_t i = c->nr_frames; i-- > 0;) {
		const struct bb_frame *f = &c->frames[i];

		if (bb_str__ends(f->file, "/multiprocessing/process.py") &&
		    bb_str__ends(f->function, "_bootstrap"))
			return true;
	}
	return false;
}

/* In the loop of a pool's worker: somebody waits for what it does. */
static bool runs_tasks(const struct bb_code *c)
{
	for (size_t i = 0; i < c->nr_frames; i++) {
		const struct bb_frame *f = &c->frames[i];

		if ((bb_str__ends(f->file, "/multiprocessing/pool.py") &&
		     bb_str__ends(f->function, "worker")) ||
		    (bb_str__ends(f->file, "/concurrent/futures/process.py") &&
		     bb_str__ends(f->function, "_process_worker")) ||
		    (bb_str__ends(f->file, "/loky/process_executor.py") &&
		     bb_str__ends(f->function, "_process_worker")))
			return true;
	}
	return false;
}

/* Waiting that is for somebody, and for no lock. */
static bool is_wait(enum bb_state s)
{
	return s == BB_STATE_DISK || s == BB_STATE_NET || s == BB_STATE_POLL || s == BB_STATE_IPC ||
	       s == BB_STATE_SLEEP || s == BB_STATE_CHILD;
}

/* Waits for results; joblib looks for them every 10 ms. */
static bool asks(const struct bb_code *c)
{
	return c->state == BB_STATE_QUEUE ||
	       (c->state == BB_STATE_SLEEP &&
		bb_str__ends(c->frames[0].file, "/joblib/parallel.py"));
}

static void blocked(struct bb_pool_part *part, const struct bb_code *c, enum owner owner)
{
	if (owner == OWNER_POOL && asks(c))
		part->asked_ns += c->ns;
	if (owner == OWNER_POOL || owner == OWNER_UNKNOWN || !is_wait(c->state))
		return;
	part->wait_ns += c->ns;
	part->waits += c->count;
	if (c->max_ns > part->wait_max_ns)
		part->wait_max_ns = c->max_ns;
	if (!part->longest_wait || c->ns > part->longest_wait->ns)
		part->longest_wait = c;
}

void bb_pool_part__of(struct bb_pool_part *part, const struct bb_process *p)
{
	uint64_t pool = 0, task = 0;
	bool any = false;

	memset(part, 0, sizeof(*part));
	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];
		enum owner owner = owner_of(c);

		if (i < ROWS_FOR_ROLE) {
			part->tidies = part->tidies || is_tidying(c);
			part->worker = part->worker || part->tidies || is_child(c);
			part->tasks = part->tasks || runs_tasks(c);
		}
		any |= owner == OWNER_POOL;
		if (c->kind == BB_PY_BLOCKED)
			blocked(part, c, owner);
		if (c->kind != BB_PY_ON_GIL && c->kind != BB_PY_ON_FREE)
			continue;
		part->samples += owner == OWNER_UNKNOWN ? 0 : c->count;
		pool += owner == OWNER_POOL ? c->count : 0;
		task += owner == OWNER_PROGRAM || owner == OWNER_EITHER ? c->count : 0;
		if (owner == OWNER_POOL &&
		    (!part->busiest_pool || c->count > part->busiest_pool->count))
			part->busiest_pool = c;
	}
	part->feeder = any && !part->worker;
	if (!part->samples)
		return;
	part->pool_ns = (double)p->budget.ns[BB_STATE_ONCPU] * (double)pool / (double)part->samples;
	part->task_ns = (double)p->budget.ns[BB_STATE_ONCPU] * (double)task / (double)part->samples;
}

bool bb_pool_part__hands_over(const struct bb_pool_part *part)
{
	return part->samples >= BB_POOL_SAMPLES_LEAST &&
	       part->pool_ns >= bb_rule(BB_R_HANDING_OVER) *
					(part->pool_ns + part->task_ns + (double)part->wait_ns);
}

double bb_pool_part__waiting(const struct bb_process *p, pid_t tid, enum bb_state state)
{
	uint64_t known = 0, pool = 0;

	for (size_t i = 0; i < p->nr_code; i++) {
		const struct bb_code *c = &p->code[i];
		enum owner owner;

		if (c->kind != BB_PY_BLOCKED || c->tid != tid || c->state != state || !c->nr_frames)
			continue;
		owner = owner_of(c);
		known += c->ns;
		pool += owner == OWNER_POOL ? c->ns : 0;
	}
	return known ? (double)pool / (double)known : 0;
}

bool bb_record__descends(const struct bb_record *rec, const struct bb_process *p, pid_t pid)
{
	/* no deeper than there are processes: numbers may have been used again */
	for (size_t depth = 0; depth < rec->nr_processes && p->ppid > 0; depth++) {
		const struct bb_process *up = NULL;

		if (p->ppid == pid)
			return true;
		for (size_t i = 0; i < rec->nr_processes && !up; i++)
			if (rec->processes[i].pid == p->ppid)
				up = &rec->processes[i];
		if (!up)
			return false;
		p = up;
	}
	return false;
}
