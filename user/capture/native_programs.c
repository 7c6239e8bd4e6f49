// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "native_programs.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "../util/grow.h"

/* Mappings are read again at most this fraction of the time. */
#define READ_SHARE 64

/* A program; a process that execs gets another one. */
struct program {
	uint32_t tgid;
	uint32_t execs; /* the count at which the mappings were read */
	bool known;
	bool fresh; /* they were read in this look */
	uint64_t next_ns;
	struct bb_native_proc *proc;
};

struct bb_native_programs {
	struct bb_native_files *files;
	struct program *v;
	size_t nr;
	/* of the look that is under way */
	struct bb_kernel *kernel;
	struct bb_targets *targets;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

struct bb_native_programs *bb_native_programs__new(void)
{
	struct bb_native_programs *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->files = bb_native_files__new();
	if (!p->files) {
		free(p);
		return NULL;
	}
	return p;
}

void bb_native_programs__free(struct bb_native_programs *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr; i++)
		bb_native_proc__free(p->v[i].proc);
	free(p->v);
	bb_native_files__free(p->files);
	free(p);
}

static struct program *program_of(struct bb_native_programs *s, uint32_t tgid)
{
	struct bb_native_proc *proc;
	struct program *p;

	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i].tgid == tgid)
			return &s->v[i];
	proc = bb_native_proc__new(s->files);
	p = proc ? bb_grow((void **)&s->v, &s->nr, sizeof(*p)) : NULL;
	if (!p) {
		bb_native_proc__free(proc);
		return NULL;
	}
	p->tgid = tgid;
	p->proc = proc;
	return p;
}

static uint32_t execs_of(struct bb_native_programs *s, uint32_t tgid)
{
	struct bb_proc_sum sum;

	return bb_kernel__get_process(s->kernel, tgid, &sum) ? 0 : sum.exec_count;
}

/* Read what it has mapped now, unless that was just done or would cost too much. */
static int refresh(struct bb_native_programs *s, struct program *p)
{
	const struct bb_target *t = bb_targets__by_tgid(s->targets, p->tgid);
	uint64_t start = now_ns();
	uint32_t execs;
	int err;

	/* of one that has gone, what was read before is all there is */
	if (p->fresh || start < p->next_ns || !t || !t->pid || !bb_target__alive(t))
		return 0;
	p->fresh = true;
	execs = execs_of(s, p->tgid);
	if (execs != p->execs) {
		bb_native_proc__forget(p->proc);
		p->known = false;
	}
	p->execs = execs;
	err = bb_native_proc__read(p->proc, t->pid, t->py.dev, t->py.inode);
	p->next_ns = now_ns() + (now_ns() - start) * READ_SHARE;
	if (err)
		return err == -ENOMEM ? err : 0;
	p->known = true;
	/* what was read may be of the program before, or of the one after */
	if (execs_of(s, p->tgid) != execs) {
		bb_native_proc__forget(p->proc);
		p->known = false;
		p->next_ns = 0;
	}
	return 0;
}

void bb_native_programs__look(struct bb_native_programs *p, struct bb_kernel *k,
			      struct bb_targets *targets)
{
	p->kernel = k;
	p->targets = targets;
	for (size_t i = 0; i < p->nr; i++)
		p->v[i].fresh = false;
}

int bb_native_programs__name(struct bb_native_programs *p, uint32_t tgid, uint32_t execs,
			     const uint64_t *ip, size_t nr, const struct bb_native_fn **frames)
{
	struct program *of = program_of(p, tgid);
	size_t depth = nr < BB_NATIVE_DEPTH ? nr : BB_NATIVE_DEPTH;
	int named = 0, err;

	if (!of)
		return -ENOMEM;
	err = refresh(p, of);
	if (err)
		return err;
	if (!of->known || of->execs != execs) {
		const struct bb_target *t = bb_targets__by_tgid(p->targets, tgid);

		return t && !t->gone ? -EAGAIN : 0;
	}
	while ((size_t)named < depth) {
		err = bb_native_proc__name(of->proc, ip[named], named > 0, &frames[named]);
		if (err)
			break;
		named++;
	}
	return err == -ENOMEM ? err : named;
}

void bb_native_programs__end(struct bb_native_programs *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		const struct bb_target *t = bb_targets__by_tgid(p->targets, p->v[i].tgid);

		if (t && !t->gone)
			continue;
		/* that was the last look at it */
		bb_native_proc__forget(p->v[i].proc);
		p->v[i].known = false;
	}
}
