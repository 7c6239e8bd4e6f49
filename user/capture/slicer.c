// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "slicer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../util/err.h"
#include "../util/grow.h"
#include "sliced.h"

#define LOOK_TRIES 3

/* How long a thread had run, or queued for a CPU, at the last look. */
struct shadow {
	uint32_t tid;
	uint64_t start;
	uint64_t busy;
};

struct bb_slicer {
	uint64_t start_ns;
	uint64_t length_ns; /* of a slice, as long as looks are cheap */
	uint64_t due_ns;
	uint64_t *ends; /* ktime, by slice */
	size_t nr, room;
	struct bb_sliced **processes; /* by index of the target */
	size_t nr_processes;
	size_t nr_late;  /* of them, from this one on only the last look saw them */
	uint32_t *index; /* table by hash of tgid: index of the target, and 1 */
	size_t nr_index; /* a power of two */
	struct shadow *shadows;
	size_t nr_shadows;
	uint64_t seen_ends; /* bb_kernel__ends() when ended threads were last summed, and 1 */
	uint64_t seen_kept; /* how many of these were there to be read, and 1 */
	uint64_t cost_ns;   /* CPU time of all looks */
	bool over;          /* too many processes, or the sums cannot be read */
	/* of the look that is under way */
	uint64_t now;
	bool seen;        /* rows are read for busiest, which is to be done once */
	uint64_t nr_kept; /* so many should be there; one may still be on its way */
	uint64_t nr_read;
};

struct bb_slicer *bb_slicer__new(uint64_t start_ns, uint64_t asked_ns)
{
	struct bb_slicer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->start_ns = start_ns;
	s->length_ns = asked_ns ? asked_ns / BB_SLICES_LEAST : BB_SLICE_NS / 4;
	if (s->length_ns < BB_SLICE_LEAST_NS)
		s->length_ns = BB_SLICE_LEAST_NS;
	if (s->length_ns > BB_SLICE_NS)
		s->length_ns = BB_SLICE_NS;
	s->due_ns = start_ns + s->length_ns;
	return s;
}

void bb_slicer__free(struct bb_slicer *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_processes; i++)
		bb_sliced__free(s->processes[i]);
	free(s->processes);
	free(s->ends);
	free(s->index);
	free(s->shadows);
	free(s);
}

uint64_t bb_slicer__due_ns(const struct bb_slicer *s)
{
	return s->over ? UINT64_MAX : s->due_ns;
}

/* ---- room */

/* Two slices become one. */
static void pair_up(struct bb_slicer *s)
{
	size_t to = 0;

	for (size_t i = 0; i < s->nr_processes; i++)
		bb_sliced__pair(s->processes[i], s->nr);
	for (size_t i = 0; i < s->nr; i += 2)
		s->ends[to++] = s->ends[i + 1 < s->nr ? i + 1 : i];
	s->nr = to;
	s->length_ns *= 2;
}

static size_t most_slices(const struct bb_slicer *s)
{
	size_t most = s->nr_processes ? BB_SLICES_IN_ALL / s->nr_processes : BB_SLICES_MOST;

	/* nobody knew how long the window would be */
	if (s->length_ns < BB_SLICE_NS)
		return 2 * BB_SLICES_LEAST;
	return most < BB_SLICES_MOST ? most : BB_SLICES_MOST;
}

static int make_room(struct bb_slicer *s)
{
	size_t room = s->room ? 2 * s->room : 64;
	uint64_t *ends;
	int err = 0;

	while (s->nr >= most_slices(s) && s->nr > 1)
		pair_up(s);
	if (s->nr < s->room)
		return 0;
	ends = realloc(s->ends, room * sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	s->ends = ends;
	for (size_t i = 0; i < s->nr_processes && !err; i++)
		err = bb_sliced__resize(s->processes[i], s->room, room);
	s->room = room;
	return err;
}

/* ---- processes */

static size_t slot_of(const struct bb_slicer *s, uint32_t tgid)
{
	size_t at = tgid * 2654435761U & (s->nr_index - 1);

	while (s->index[at] && s->processes[s->index[at] - 1]->tgid != tgid)
		at = (at + 1) & (s->nr_index - 1);
	return at;
}

static int add_processes(struct bb_slicer *s, const struct bb_targets *targets)
{
	struct bb_sliced **more;
	size_t room = 16;

	if (targets->nr == s->nr_processes)
		return 0;
	more = realloc(s->processes, targets->nr * sizeof(struct bb_sliced *));
	if (!more)
		return -ENOMEM;
	s->processes = more;
	while (s->nr_processes < targets->nr) {
		struct bb_sliced *p = calloc(1, sizeof(*p));

		if (!p)
			return -ENOMEM;
		p->tgid = targets->items[s->nr_processes].tgid;
		s->processes[s->nr_processes++] = p;
	}
	while (room < 2 * s->nr_processes)
		room *= 2;
	free(s->index);
	s->index = calloc(room, sizeof(*s->index));
	if (!s->index)
		return -ENOMEM;
	s->nr_index = room;
	for (size_t i = 0; i < s->nr_processes; i++)
		s->index[slot_of(s, s->processes[i]->tgid)] = (uint32_t)i + 1;
	/* what ended before it was known counts now */
	s->seen_ends = s->seen_kept = 0;
	return 0;
}

static struct bb_sliced *process_of(const struct bb_slicer *s, uint32_t tgid)
{
	uint32_t i = s->nr_index ? s->index[slot_of(s, tgid)] : 0;

	return i ? s->processes[i - 1] : NULL;
}

/* ---- a look */

/* How much more it ran or queued than at the look before. */
static int add_busy(struct bb_slicer *s, struct bb_sliced *p, uint32_t number,
		    const struct bb_thread_sum *sum)
{
	uint64_t busy = sum->ns[BB_ONCPU] + sum->ns[BB_RUNQ_PREEMPTED] + sum->ns[BB_RUNQ_WOKEN] +
			sum->ns[BB_RUNQ_THROTTLED];
	struct shadow *old;

	while (s->nr_shadows <= number)
		if (!bb_grow((void **)&s->shadows, &s->nr_shadows, sizeof(*s->shadows)))
			return -ENOMEM;
	if (s->now > sum->since && (sum->on == BB_STATE_RAN || sum->bucket <= BB_RUNQ_THROTTLED))
		busy += s->now - sum->since;
	old = &s->shadows[number];
	if (old->tid != sum->tid || old->start != sum->start)
		*old = (struct shadow){ .tid = sum->tid, .start = sum->start };
	if (busy > old->busy) {
		if (busy - old->busy > p->busiest_now)
			p->busiest_now = busy - old->busy;
		old->busy = busy;
	}
	return 0;
}

static int on_row(uint32_t number, const struct bb_thread_sum *sum, void *ctx)
{
	struct bb_slicer *s = ctx;
	struct bb_sliced *p = sum->flags & BB_TF_IGNORE ? NULL : process_of(s, sum->tgid);

	if (!p)
		return 0;
	bb_sliced__thread(p, sum, s->now, false);
	return s->seen ? 0 : add_busy(s, p, number, sum);
}

static int on_exited(const struct bb_thread_sum *sum, void *ctx)
{
	struct bb_slicer *s = ctx;
	struct bb_sliced *p = sum->flags & BB_TF_IGNORE ? NULL : process_of(s, sum->tgid);

	s->nr_read++;
	if (p)
		bb_sliced__thread(p, sum, s->now, true);
	return 0;
}

static int on_process(const struct bb_proc_sum *sum, void *ctx)
{
	struct bb_slicer *s = ctx;
	struct bb_sliced *p = process_of(s, sum->tgid);

	s->nr_kept += sum->ended - sum->folded;
	if (p)
		bb_sliced__folded(p, sum->folded_ns);
	return 0;
}

/* There is room for so many to be kept; of those beyond, the sums alone grow. */
static int read_ended(struct bb_slicer *s, struct bb_kernel *k, uint64_t ends)
{
	int err;

	if (s->seen_ends == ends + 1)
		return 0;
	s->nr_kept = 0;
	for (size_t i = 0; i < s->nr_processes; i++)
		bb_sliced__forget(s->processes[i], false);
	err = bb_kernel__each_process(k, on_process, s);
	if (!err && s->seen_kept != s->nr_kept + 1) {
		for (size_t i = 0; i < s->nr_processes; i++)
			bb_sliced__forget(s->processes[i], true);
		s->nr_read = 0;
		err = bb_kernel__each_exited(k, on_exited, s);
		s->seen_kept = s->nr_read + 1;
	}
	s->seen_ends = ends + 1;
	return err;
}

/* All totals, once more if a thread was on its way from the rows to those that have ended. */
static int read_totals(struct bb_slicer *s, struct bb_kernel *k)
{
	int err = 0;

	s->seen = false;
	for (int i = 0; i < LOOK_TRIES && !err; i++) {
		uint64_t ends = bb_kernel__ends(k);

		err = read_ended(s, k, ends);
		for (size_t j = 0; j < s->nr_processes; j++)
			bb_sliced__begin(s->processes[j]);
		if (!err)
			err = bb_kernel__each_row(k, on_row, s);
		s->seen = true;
		if (bb_kernel__ends(k) == ends)
			break;
	}
	return err;
}

/* Wall time with a waiter, of words that somebody has waited for since the last look. */
static void read_contended(struct bb_slicer *s, struct bb_kernel *k, struct bb_sliced *p)
{
	for (size_t i = 0; i < p->nr_words; i++) {
		struct bb_sliced_word *w = &p->words[i];
		struct bb_contention c;
		uint64_t since;

		w->contended.now = w->contended.last;
		/* totals may fall, where threads end or remember other words: any change tells */
		if (!w->gil && w->waited.now == w->seen)
			continue;
		w->seen = w->waited.now;
		if (bb_kernel__get_contention(k, w->gil, p->tgid, w->addr, &c))
			continue;
		since = bb_kernel__has_cas(k) ? (c.word >> 16 << BB_WORD_UNIT_SHIFT) + s->start_ns
					      : c.since;
		w->contended.now = c.ns;
		if ((c.word & 0xffff) && s->now > since)
			w->contended.now += s->now - since;
	}
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* The slice that ends now is number @at. */
static int keep(struct bb_slicer *s, struct bb_kernel *k, size_t at)
{
	int err = 0;

	for (size_t i = 0; i < s->nr_processes && !err; i++) {
		read_contended(s, k, s->processes[i]);
		err = bb_sliced__step(s->processes[i], at, s->room);
	}
	return err;
}

/* The next slice ends where it would if none had been late, unless looks of this cost are rarer. */
static void plan(struct bb_slicer *s, uint64_t cost)
{
	uint64_t least = cost * BB_SLICING_SHARE;

	s->cost_ns += cost;
	if (least < s->length_ns / 2)
		least = s->length_ns / 2;
	s->due_ns += s->length_ns;
	if (s->due_ns < s->now + least)
		s->due_ns = s->now + least;
}

int bb_slicer__look(struct bb_slicer *s, struct bb_kernel *k, const struct bb_targets *targets,
		    uint64_t now, bool last)
{
	uint64_t began = cpu_ns(), before;
	size_t at;
	int err;

	if (s->over)
		return 0;
	if (targets->nr > BB_SLICED_MOST) {
		bb_note("no phases of more than %d processes", BB_SLICED_MOST);
		s->over = true;
		return 0;
	}
	s->now = now;
	s->nr_late = last ? s->nr_processes : SIZE_MAX;
	err = add_processes(s, targets);
	if (!err)
		err = make_room(s);
	if (err)
		return err;
	err = read_totals(s, k);
	if (err == -ENOMEM)
		return err;
	/* a window without phases is worth more than none */
	if (err) {
		bb_note("no phases: the sums of threads cannot be read: %s", strerror(-err));
		s->over = true;
		return 0;
	}
	before = s->nr ? s->ends[s->nr - 1] : s->start_ns;
	/* a rest of a slice is part of the last one */
	at = last && s->nr && now - before < s->length_ns / 2 ? s->nr - 1 : s->nr;
	err = keep(s, k, at);
	s->ends[at] = now;
	s->nr = at + 1;
	plan(s, cpu_ns() - began);
	return err;
}

uint64_t bb_slicer__cost_ns(const struct bb_slicer *s)
{
	return s->cost_ns;
}

int bb_slicer__give(const struct bb_slicer *s, struct bb_record *rec)
{
	const struct bb_slice_times times = { s->ends, s->nr, s->start_ns };
	int err = 0;

	if (s->over || !s->nr)
		return 0;
	rec->slice_ends = calloc(s->nr, sizeof(*rec->slice_ends));
	if (!rec->slice_ends)
		return -ENOMEM;
	rec->nr_slices = s->nr;
	for (size_t i = 0; i < s->nr; i++)
		rec->slice_ends[i] = s->ends[i] - s->start_ns;
	for (size_t i = 0; i < s->nr_processes && i < rec->nr_processes && !err; i++)
		err = bb_sliced__give(s->processes[i], &times, i >= s->nr_late, &rec->processes[i]);
	return err;
}
