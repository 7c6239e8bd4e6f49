// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each figure is a column: its total since the window's start, read at the end of each slice, less
 * the total before. Totals of threads come from their rows, with the open state up to that
 * instant, and of those that have ended from where the kernel keeps them. A total that seems to
 * go down (a wait turns out to have been for a CPU in part, a thread is on its way between the two)
 * stands still until it is passed: so the slices add up to the last total.
 */
#include "slicer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../util/grow.h"

#define WAITS      24
#define WORDS      32
#define WORD_SLOTS 64      /* of a table by hash; a power of two, more than WORDS */
#define WORD_NS    5000000 /* a word that no thread has waited for longer is none to tell apart */
#define LOOK_TRIES 3

struct column {
	uint64_t *v;   /* by slice; NULL: there has been nothing */
	uint64_t last; /* total at the end of the slice before */
	/* part of the total that is of threads that have ended: that are kept, and that were summed
	 */
	uint64_t kept, folded;
	uint64_t now;
};

struct word {
	uint64_t addr;
	bool gil;
	struct column waited;    /* summed over threads */
	struct column contended; /* wall time */
};

struct sliced {
	uint32_t tgid;
	struct column buckets[BB_BUCKET_MAX]; /* all of a futex in BB_FUTEX_OTHER */
	struct column busiest;
	uint64_t busiest_now;
	struct bb_wait_slot ids[WAITS]; /* of it: bucket, fdkind, nr, end */
	struct column waits[WAITS];
	size_t nr_waits;
	struct word words[WORDS];
	size_t nr_words;
	uint8_t slots[WORD_SLOTS]; /* number of a word, and 1 */
};

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
	struct sliced **processes; /* by index of the target */
	size_t nr_processes;
	size_t nr_late;  /* of them, from this one on only the last look saw them */
	uint32_t *index; /* table by hash of tgid: index of the target, and 1 */
	size_t nr_index; /* a power of two */
	struct shadow *shadows;
	size_t nr_shadows;
	uint64_t seen_ends; /* bb_kernel__ends() when ended threads were last summed, and 1 */
	uint64_t seen_kept; /* how many of these were kept, and 1 */
	uint64_t cost_ns;   /* CPU time of all looks */
	bool over;          /* too many processes, or the sums cannot be read */
	/* of the look that is under way */
	uint64_t now;
	bool seen; /* rows are read for busiest, which is to be done once */
	uint64_t nr_kept;
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

/* Each column of a process, one after the other. */
static int each_column(struct sliced *p, int (*fn)(struct column *c, void *ctx), void *ctx)
{
	int err = fn(&p->busiest, ctx);

	for (int i = 0; i < BB_BUCKET_MAX && !err; i++)
		err = fn(&p->buckets[i], ctx);
	for (size_t i = 0; i < p->nr_waits && !err; i++)
		err = fn(&p->waits[i], ctx);
	for (size_t i = 0; i < p->nr_words && !err; i++) {
		err = fn(&p->words[i].waited, ctx);
		if (!err)
			err = fn(&p->words[i].contended, ctx);
	}
	return err;
}

static int free_column(struct column *c, void *ctx)
{
	(void)ctx;
	free(c->v);
	return 0;
}

void bb_slicer__free(struct bb_slicer *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_processes; i++) {
		if (s->processes[i])
			each_column(s->processes[i], free_column, NULL);
		free(s->processes[i]);
	}
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

static int resize_column(struct column *c, void *ctx)
{
	size_t *rooms = ctx; /* before and after */
	uint64_t *more;

	if (!c->v)
		return 0;
	more = realloc(c->v, rooms[1] * sizeof(*more));
	if (!more)
		return -ENOMEM;
	memset(more + rooms[0], 0, (rooms[1] - rooms[0]) * sizeof(*more));
	c->v = more;
	return 0;
}

static int pair_column(struct column *c, void *ctx)
{
	size_t nr = *(size_t *)ctx, to = 0;

	if (!c->v)
		return 0;
	for (size_t i = 0; i < nr; i += 2)
		c->v[to++] = c->v[i] + (i + 1 < nr ? c->v[i + 1] : 0);
	memset(c->v + to, 0, (nr - to) * sizeof(*c->v));
	return 0;
}

/* Two slices become one. */
static void pair_up(struct bb_slicer *s)
{
	size_t to = 0;

	for (size_t i = 0; i < s->nr_processes; i++)
		each_column(s->processes[i], pair_column, &s->nr);
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
	size_t rooms[2] = { s->room, s->room ? 2 * s->room : 64 };
	uint64_t *ends;
	int err = 0;

	while (s->nr >= most_slices(s) && s->nr > 1)
		pair_up(s);
	if (s->nr < s->room)
		return 0;
	ends = realloc(s->ends, rooms[1] * sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	s->ends = ends;
	for (size_t i = 0; i < s->nr_processes && !err; i++)
		err = each_column(s->processes[i], resize_column, rooms);
	s->room = rooms[1];
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
	struct sliced **more;
	size_t room = 16;

	if (targets->nr == s->nr_processes)
		return 0;
	more = realloc(s->processes, targets->nr * sizeof(struct sliced *));
	if (!more)
		return -ENOMEM;
	s->processes = more;
	while (s->nr_processes < targets->nr) {
		struct sliced *p = calloc(1, sizeof(*p));

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

static struct sliced *process_of(const struct bb_slicer *s, uint32_t tgid)
{
	uint32_t i = s->nr_index ? s->index[slot_of(s, tgid)] : 0;

	return i ? s->processes[i - 1] : NULL;
}

/* ---- what a thread adds */

/* @ns more at the instant of the look; @ended: of a thread that has ended. */
static void add(struct column *c, uint64_t ns, bool ended)
{
	if (ended)
		c->kept += ns;
	else
		c->now += ns;
}

static bool is_futex(uint32_t bucket)
{
	return bucket >= BB_FUTEX_PROTO && bucket <= BB_FUTEX_OTHER;
}

static void add_bucket(struct sliced *p, uint32_t bucket, uint64_t ns, bool ended)
{
	if (is_futex(bucket))
		bucket = BB_FUTEX_OTHER;
	if (bucket < BB_BUCKET_MAX && ns)
		add(&p->buckets[bucket], ns, ended);
}

/* Waits of states that are judged by their rows: for I/O or idle. */
static void add_wait(struct sliced *p, const struct bb_wait_slot *id, uint64_t ns, bool ended)
{
	size_t i;

	if (id->bucket < BB_DISK || id->bucket > BB_OTHER || id->bucket == BB_STOPPED || !ns)
		return;
	for (i = 0; i < p->nr_waits; i++)
		if (p->ids[i].bucket == id->bucket && p->ids[i].nr == id->nr &&
		    p->ids[i].fdkind == id->fdkind && p->ids[i].end == id->end)
			break;
	if (i == WAITS)
		return;
	if (i == p->nr_waits)
		p->ids[p->nr_waits++] = *id;
	add(&p->waits[i], ns, ended);
}

static struct word *word_at(struct sliced *p, uint64_t addr, bool gil, bool make)
{
	uint64_t hash = (addr >> 2) * 0x9e3779b97f4a7c15ULL;
	size_t at = (hash >> 32) & (WORD_SLOTS - 1);

	while (p->slots[at] && p->words[p->slots[at] - 1].addr != addr)
		at = (at + 1) & (WORD_SLOTS - 1);
	if (p->slots[at])
		return &p->words[p->slots[at] - 1];
	if (!make || p->nr_words == WORDS)
		return NULL;
	p->words[p->nr_words].addr = addr;
	p->words[p->nr_words].gil = gil;
	p->slots[at] = (uint8_t)++p->nr_words;
	return &p->words[p->nr_words - 1];
}

static void add_word(struct sliced *p, uint64_t addr, bool gil, uint64_t ns, bool ended)
{
	struct word *w = addr && ns ? word_at(p, addr, gil, ns >= WORD_NS) : NULL;

	if (w)
		add(&w->waited, ns, ended);
}

/* The open state, up to the look. */
static void add_open(struct sliced *p, const struct bb_thread_sum *sum, uint64_t now,
		     uint64_t *futex_ns)
{
	uint64_t ns = now > sum->since ? now - sum->since : 0, runq = 0;
	struct bb_wait_slot id = {
		.bucket = sum->bucket, .fdkind = sum->fdkind, .nr = sum->nr, .end = sum->end
	};

	if (sum->on == BB_STATE_RAN) {
		add_bucket(p, BB_ONCPU, ns, false);
		return;
	}
	if (sum->woken > sum->since && sum->woken < now && sum->bucket > BB_RUNQ_THROTTLED)
		runq = now - sum->woken;
	add_bucket(p, BB_RUNQ_WOKEN, runq, false);
	add_bucket(p, sum->bucket, ns - runq, false);
	add_wait(p, &id, ns - runq, false);
	if (sum->bucket == BB_GIL)
		add_word(p, sum->gil, true, ns - runq, false);
	else if (is_futex(sum->bucket))
		*futex_ns = ns - runq;
}

static void add_thread(struct bb_slicer *s, struct sliced *p, const struct bb_thread_sum *sum,
		       bool ended)
{
	uint64_t futex_ns = 0;
	bool recent = false;

	for (uint32_t i = 0; i < BB_BUCKET_MAX; i++)
		add_bucket(p, i, sum->ns[i], ended);
	for (int i = 0; i < BB_WAIT_SLOTS && sum->slots[i].used; i++)
		if (sum->slots[i].bucket < BB_BUCKET_MAX)
			add_wait(p, &sum->slots[i], sum->slots[i].ns, ended);
	if (!ended)
		add_open(p, sum, s->now, &futex_ns);
	if (sum->ns[BB_GIL])
		add_word(p, sum->gil, true, sum->ns[BB_GIL], ended);
	for (int i = 0; i < BB_RECENT_LOCKS; i++) {
		bool open = futex_ns && sum->recent[i] == sum->futex;

		recent |= open;
		add_word(p, sum->recent[i], false, sum->recent_ns[i] + (open ? futex_ns : 0),
			 ended);
	}
	if (!recent)
		add_word(p, sum->futex, false, futex_ns, ended);
}

/* How much more it ran or queued than at the look before. */
static int add_busy(struct bb_slicer *s, struct sliced *p, uint32_t number,
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
	struct sliced *p = sum->flags & BB_TF_IGNORE ? NULL : process_of(s, sum->tgid);

	if (!p)
		return 0;
	add_thread(s, p, sum, false);
	return s->seen ? 0 : add_busy(s, p, number, sum);
}

static int on_exited(const struct bb_thread_sum *sum, void *ctx)
{
	struct sliced *p = sum->flags & BB_TF_IGNORE ? NULL : process_of(ctx, sum->tgid);

	if (p)
		add_thread(ctx, p, sum, true);
	return 0;
}

static int on_process(const struct bb_proc_sum *sum, void *ctx)
{
	struct bb_slicer *s = ctx;
	struct sliced *p = process_of(s, sum->tgid);

	s->nr_kept += sum->ended - sum->folded;
	for (uint32_t i = 0; p && i < BB_BUCKET_MAX; i++)
		p->buckets[is_futex(i) ? BB_FUTEX_OTHER : i].folded += sum->folded_ns[i];
	return 0;
}

/* ---- a look */

static int forget_kept(struct column *c, void *ctx)
{
	(void)ctx;
	c->kept = 0;
	return 0;
}

static int forget_folded(struct column *c, void *ctx)
{
	(void)ctx;
	c->folded = 0;
	return 0;
}

static int begin_column(struct column *c, void *ctx)
{
	(void)ctx;
	c->now = c->kept + c->folded;
	return 0;
}

static void each_process_column(struct bb_slicer *s, int (*fn)(struct column *c, void *ctx))
{
	for (size_t i = 0; i < s->nr_processes; i++)
		each_column(s->processes[i], fn, NULL);
}

/* There is room for so many to be kept; of those beyond, the sums alone grow. */
static int read_ended(struct bb_slicer *s, struct bb_kernel *k, uint64_t ends)
{
	int err;

	if (s->seen_ends == ends + 1)
		return 0;
	s->nr_kept = 0;
	each_process_column(s, forget_folded);
	err = bb_kernel__each_process(k, on_process, s);
	if (!err && s->seen_kept != s->nr_kept + 1) {
		each_process_column(s, forget_kept);
		err = bb_kernel__each_exited(k, on_exited, s);
		s->seen_kept = s->nr_kept + 1;
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
		each_process_column(s, begin_column);
		if (!err)
			err = bb_kernel__each_row(k, on_row, s);
		s->seen = true;
		if (bb_kernel__ends(k) == ends)
			break;
	}
	return err;
}

/* Wall time with a waiter, of words that somebody has waited for since the last look. */
static void read_contended(struct bb_slicer *s, struct bb_kernel *k, struct sliced *p)
{
	for (size_t i = 0; i < p->nr_words; i++) {
		struct word *w = &p->words[i];
		struct bb_contention c;
		uint64_t since;

		w->contended.now = w->contended.last;
		if (w->waited.now <= w->waited.last ||
		    bb_kernel__get_contention(k, w->gil, p->tgid, w->addr, &c))
			continue;
		since = bb_kernel__has_cas(k) ? (c.word >> 16 << BB_WORD_UNIT_SHIFT) + s->start_ns
					      : c.since;
		w->contended.now = c.ns;
		if ((c.word & 0xffff) && s->now > since)
			w->contended.now += s->now - since;
	}
}

struct step {
	size_t at, room;
};

static int step_column(struct column *c, void *ctx)
{
	const struct step *step = ctx;

	if (c->now <= c->last)
		return 0;
	if (!c->v)
		c->v = calloc(step->room, sizeof(*c->v));
	if (!c->v)
		return -ENOMEM;
	c->v[step->at] += c->now - c->last;
	c->last = c->now;
	return 0;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* The slice that ends now is @step->at. */
static int keep(struct bb_slicer *s, struct bb_kernel *k, struct step *step)
{
	int err = 0;

	for (size_t i = 0; i < s->nr_processes && !err; i++) {
		struct sliced *p = s->processes[i];

		read_contended(s, k, p);
		p->busiest.now = p->busiest.last + p->busiest_now;
		p->busiest_now = 0;
		err = each_column(p, step_column, step);
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
	struct step step;
	int err;

	if (targets->nr > BB_SLICED_MOST)
		s->over = true;
	if (s->over)
		return 0;
	s->now = now;
	s->nr_late = last ? s->nr_processes : SIZE_MAX;
	err = add_processes(s, targets);
	if (!err)
		err = make_room(s);
	if (err)
		return err;
	/* a window without phases is worth more than none */
	s->over = read_totals(s, k) != 0;
	if (s->over)
		return 0;
	before = s->nr ? s->ends[s->nr - 1] : s->start_ns;
	/* a rest of a slice is part of the last one */
	step.at = last && s->nr && now - before < s->length_ns / 2 ? s->nr - 1 : s->nr;
	step.room = s->room;
	err = keep(s, k, &step);
	s->ends[step.at] = now;
	s->nr = step.at + 1;
	plan(s, cpu_ns() - began);
	return err;
}

uint64_t bb_slicer__cost_ns(const struct bb_slicer *s)
{
	return s->cost_ns;
}

/* ---- into a record */

static uint64_t at(const struct column *c, size_t i)
{
	return c->v ? c->v[i] : 0;
}

/*
 * A process that came and went between two looks is known since the last one, which has all of
 * it: that is spread over the slices in which it was there.
 */
struct spread {
	const struct bb_slicer *s;
	uint64_t start, end;
};

static int spread_column(struct column *c, void *ctx)
{
	const struct spread *sp = ctx;
	uint64_t all = at(c, sp->s->nr - 1), left = all;

	if (!all)
		return 0;
	c->v[sp->s->nr - 1] = 0;
	for (size_t i = 0; i < sp->s->nr; i++) {
		uint64_t from = i ? sp->s->ends[i - 1] : sp->s->start_ns, to = sp->s->ends[i];
		uint64_t ns;

		from = from > sp->start ? from : sp->start;
		if (to >= sp->end || i + 1 == sp->s->nr) {
			c->v[i] += left;
			return 0;
		}
		if (to <= from)
			continue;
		ns = (uint64_t)((double)all * (double)(to - from) / (double)(sp->end - sp->start));
		ns = ns < left ? ns : left;
		c->v[i] += ns;
		left -= ns;
	}
	return 0;
}

static void spread_process(const struct bb_slicer *s, struct sliced *from,
			   const struct bb_process *p)
{
	struct spread sp = { .s = s, .start = UINT64_MAX };

	for (size_t i = 0; i < p->nr_threads; i++) {
		uint64_t start = s->start_ns + p->threads[i].start_ns;
		uint64_t end = start + p->threads[i].window_ns;

		sp.start = start < sp.start ? start : sp.start;
		sp.end = end > sp.end ? end : sp.end;
	}
	if (sp.end > sp.start)
		each_column(from, spread_column, &sp);
}

/* Of the futex waits whose words are not told apart, the part that is for locks. */
static double lock_share(const struct bb_process *p)
{
	double lock = (double)p->budget.ns[BB_STATE_LOCK];
	double queue = (double)p->budget.ns[BB_STATE_QUEUE];

	return lock + queue > 0 ? lock / (lock + queue) : 0;
}

/* @states: of the words; BB_STATE_MAX: no futex with a row. */
static void fold_slice(struct bb_slice *to, const struct sliced *from, const enum bb_state *states,
		       double rest, size_t i)
{
	struct bb_lock_shares shares = { .lock = { 1, 1, 0, rest } };
	uint64_t ns[BB_BUCKET_MAX], lock = 0, queue = 0;

	for (int b = 0; b < BB_BUCKET_MAX; b++)
		ns[b] = at(&from->buckets[b], i);
	for (size_t w = 0; w < from->nr_words; w++) {
		if (states[w] == BB_STATE_LOCK)
			lock += at(&from->words[w].waited, i);
		else if (states[w] == BB_STATE_QUEUE)
			queue += at(&from->words[w].waited, i);
	}
	bb_fold__budget(&to->budget, ns, &shares, lock, queue);
	to->busiest_ns = at(&from->busiest, i);
}

static int give_process(const struct bb_slicer *s, const struct sliced *from, struct bb_process *p)
{
	struct bb_slices *to = &p->slices;
	enum bb_state states[WORDS];

	to->nr_waits = from->nr_waits;
	to->nr_objects = from->nr_words;
	to->items = calloc(s->nr, sizeof(*to->items));
	to->waits = calloc(to->nr_waits + 1, sizeof(*to->waits));
	to->wait_ns = calloc(s->nr * to->nr_waits + 1, sizeof(*to->wait_ns));
	to->objects = calloc(to->nr_objects + 1, sizeof(*to->objects));
	to->contended_ns = calloc(s->nr * to->nr_objects + 1, sizeof(*to->contended_ns));
	if (!to->items || !to->waits || !to->wait_ns || !to->objects || !to->contended_ns)
		return -ENOMEM;
	for (size_t w = 0; w < to->nr_waits; w++)
		to->waits[w] = (struct bb_slice_wait){ .state = bb_fold__state(from->ids[w].bucket),
						       .syscall = from->ids[w].nr,
						       .fdkind = from->ids[w].fdkind,
						       .end = from->ids[w].end };
	for (size_t o = 0; o < to->nr_objects; o++) {
		const struct bb_lock *l = bb_process__lock_at(p, from->words[o].addr);

		to->objects[o] = from->words[o].addr;
		states[o] = l && !from->words[o].gil ? l->state : BB_STATE_MAX;
	}
	for (size_t i = 0; i < s->nr; i++) {
		uint64_t length = s->ends[i] - (i ? s->ends[i - 1] : s->start_ns);

		fold_slice(&to->items[i], from, states, lock_share(p), i);
		for (size_t w = 0; w < to->nr_waits; w++)
			to->wait_ns[i * to->nr_waits + w] = at(&from->waits[w], i);
		for (size_t o = 0; o < to->nr_objects; o++) {
			uint64_t ns = at(&from->words[o].contended, i);

			/* a word that came to be told apart brings all of its past */
			to->contended_ns[i * to->nr_objects + o] = ns < length ? ns : length;
		}
	}
	return 0;
}

int bb_slicer__give(const struct bb_slicer *s, struct bb_record *rec)
{
	int err = 0;

	if (s->over || !s->nr)
		return 0;
	rec->slice_ends = calloc(s->nr, sizeof(*rec->slice_ends));
	if (!rec->slice_ends)
		return -ENOMEM;
	rec->nr_slices = s->nr;
	for (size_t i = 0; i < s->nr; i++)
		rec->slice_ends[i] = s->ends[i] - s->start_ns;
	for (size_t i = s->nr_late; i < s->nr_processes && i < rec->nr_processes; i++)
		spread_process(s, s->processes[i], &rec->processes[i]);
	for (size_t i = 0; i < s->nr_processes && i < rec->nr_processes && !err; i++)
		err = give_process(s, s->processes[i], &rec->processes[i]);
	return err;
}
