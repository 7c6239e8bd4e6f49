// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which processes are targets: those that were named, their descendants, and who they become. */
#include "capture_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../util/grow.h"

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
	t->fresh_until_ns = bb_capture__ktime() + FRESH_NS;
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

int bb_capture__no_longer(const struct bb_target *t)
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
int bb_capture__survey(struct bb_capture *c)
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
			err = bb_capture__no_longer(t);
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

/* Forks and execs of targets: new ones to describe, old ones to describe again. */
int bb_capture__follow(struct bb_capture *c)
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
			bb_capture__forget_java(c, t);
			t->nr_past = 0;
			if (bb_target__describe(t) == -ENOMEM)
				err = -ENOMEM;
			t->fresh_until_ns = bb_capture__ktime() + FRESH_NS;
		}
		if (t && !err) {
			t->execs = proc.exec_count;
			bb_capture__tell_python(c, t);
		}
	}
	free(s.rows);
	return err;
}

/* A child that was born and gone between two looks: the kernel's sums are all there is. */
int bb_capture__adopt_gone(const struct bb_proc_sum *proc, void *ctx)
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
