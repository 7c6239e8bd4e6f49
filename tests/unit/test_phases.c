// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Phases of made-up slices: where they begin, what they are called, and where there is one only. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../../user/diagnose/changes.h"
#include "../../user/diagnose/facts.h"
#include "../../user/diagnose/phases.h"
#include "../../user/diagnose/rules.h"
#include "../lib/records.h"

#define THREADS 4
#define SLICE   (100 * MS)
#define GIL     0x7000
#define LOCK    0x8000

/* Some like slices: what four threads do, in percent of one thread. */
struct piece {
	unsigned int slices;
	unsigned int on, gil, lock, queue, sleep, stopped;
};

static const struct piece computing = { .on = 100, .gil = 300 };
static const struct piece fetching = { .on = 4, .sleep = 396 };
static const struct piece alone = { .on = 100, .queue = 300 };
static const struct piece locked = { .on = 100, .lock = 300 };
static const struct piece idle = { .queue = 400 };
static const struct piece suspended = { .stopped = 400 };

static struct piece for_slices(struct piece p, unsigned int slices)
{
	p.slices = slices;
	return p;
}

struct made {
	struct bb_record *rec;
	struct bb_diagnosis diag;
	size_t nr;
	uint32_t seed;
	unsigned int noise; /* percent of a slice that may be done otherwise than the piece says */
};

static uint32_t chance(struct made *m)
{
	m->seed = m->seed * 1664525 + 1013904223;
	return m->seed >> 8;
}

static void add(struct bb_slice *s, enum bb_state state, unsigned int percent, uint64_t slice_ns)
{
	uint64_t ns = percent * slice_ns / 100;

	s->budget.ns[state] += ns;
	if (state == BB_STATE_LOCK)
		s->budget.futex_proto_ns += ns;
	if (state == BB_STATE_QUEUE)
		s->budget.futex_other_ns += ns;
}

/* The same budget for each thread: a quarter of what the slices have. */
static void make_threads(struct bb_process *p, size_t nr, uint64_t window)
{
	struct bb_wait sleep = { .state = BB_STATE_SLEEP,
				 .syscall = SYS_clock_nanosleep,
				 .fd = -1 };

	for (size_t t = 0; t < THREADS; t++) {
		struct bb_thread *thread = &p->threads[t];

		make__thread(thread, "worker", window);
		for (int s = 0; s < BB_STATE_MAX; s++) {
			uint64_t ns = 0;

			for (size_t i = 0; i < nr; i++)
				ns += p->slices.items[i].budget.ns[s] / THREADS;
			if (s != BB_STATE_UNKNOWN)
				make__in(thread, (enum bb_state)s, ns);
		}
		sleep.ns = thread->budget.ns[BB_STATE_SLEEP];
		sleep.count = sleep.ns / (50 * MS) + 1;
		sleep.max_ns = 50 * MS;
		if (sleep.ns)
			make__wait(p, thread, &sleep);
	}
	make__sum(p);
}

static void make_objects(struct bb_process *p, size_t nr)
{
	p->gils = calloc(1, sizeof(*p->gils));
	p->locks = calloc(1, sizeof(*p->locks));
	p->nr_gils = p->nr_locks = 1;
	p->gils[0].addr = GIL;
	p->locks[0].addr = LOCK;
	p->locks[0].state = BB_STATE_LOCK;
	strcpy(p->runtime.name, "cpython");
	p->runtime.gil = BB_GIL_ENABLED;
	p->cpus_usable = 2;
	for (size_t i = 0; i < nr; i++) {
		p->gils[0].contended_ns += p->slices.contended_ns[2 * i];
		p->locks[0].contended_ns += p->slices.contended_ns[2 * i + 1];
	}
}

static void make_process(struct made *m, struct bb_process *p, const struct piece *pieces,
			 size_t nr_pieces, uint64_t slice_ns)
{
	struct bb_slices *s = &p->slices;
	size_t at = 0;

	make__process(p, 4242, "phased", THREADS);
	s->items = calloc(m->nr, sizeof(*s->items));
	s->waits = calloc(1, sizeof(*s->waits));
	s->wait_ns = calloc(m->nr, sizeof(*s->wait_ns));
	s->objects = calloc(2, sizeof(*s->objects));
	s->contended_ns = calloc(2 * m->nr, sizeof(*s->contended_ns));
	s->nr_waits = 1;
	s->waits[0] = (struct bb_slice_wait){ BB_STATE_SLEEP, SYS_clock_nanosleep, 0, 0 };
	s->nr_objects = 2;
	s->objects[0] = GIL;
	s->objects[1] = LOCK;
	for (size_t i = 0; i < nr_pieces; i++)
		for (unsigned int j = 0; j < pieces[i].slices; j++, at++) {
			struct piece x = pieces[i];
			struct bb_slice *slice = &s->items[at];
			unsigned int other = m->noise ? chance(m) % (m->noise + 1) : 0;

			if (chance(m) & 1)
				x.on = x.on * (100 - other) / 100;
			x.gil = x.gil * (100 - other) / 100;
			x.lock = x.lock * (100 - other) / 100;
			add(slice, BB_STATE_ONCPU, x.on, slice_ns);
			add(slice, BB_STATE_GIL, x.gil, slice_ns);
			add(slice, BB_STATE_LOCK, x.lock, slice_ns);
			add(slice, BB_STATE_QUEUE, x.queue, slice_ns);
			add(slice, BB_STATE_STOPPED, x.stopped, slice_ns);
			/* what is left of the four threads' time */
			add(slice, BB_STATE_SLEEP,
			    400 - x.on - x.gil - x.lock - x.queue - x.stopped, slice_ns);
			slice->busiest_ns = slice_ns * (x.gil || x.lock ? x.on / 4 : x.on) / 100;
			s->wait_ns[at] = slice->budget.ns[BB_STATE_SLEEP];
			s->contended_ns[2 * at] = x.gil ? slice_ns * 99 / 100 : 0;
			s->contended_ns[2 * at + 1] = x.lock ? slice_ns * 98 / 100 : 0;
		}
	make_objects(p, m->nr);
	make_threads(p, m->nr, m->nr * slice_ns);
}

static size_t slices_of(const struct piece *pieces, size_t nr)
{
	size_t slices = 0;

	for (size_t i = 0; i < nr; i++)
		slices += pieces[i].slices;
	return slices;
}

/* A record of @nr processes, of which each does these pieces of work. */
static void make(struct made *m, const struct piece *pieces, size_t nr_pieces, uint64_t slice_ns,
		 size_t nr)
{
	m->nr = slices_of(pieces, nr_pieces);
	m->rec = make__record(m->nr * slice_ns, nr);
	m->rec->host.busy_share = 0.3;
	m->rec->nr_slices = m->nr;
	m->rec->slice_ends = calloc(m->nr + 1, sizeof(*m->rec->slice_ends));
	for (size_t i = 0; i < m->nr; i++)
		m->rec->slice_ends[i] = (i + 1) * slice_ns;
	for (size_t i = 0; i < nr; i++)
		make_process(m, &m->rec->processes[i], pieces, nr_pieces, slice_ns);
	assert_int_equal(bb_diagnose(m->rec, &m->diag), 0);
}

static void end(struct made *m)
{
	bb_diagnosis__free(&m->diag);
	bb_record__free(m->rec);
}

static const struct bb_phases *phases_of(const struct made *m)
{
	const struct bb_phases *p = &m->diag.phases[0];
	uint64_t at = 0;

	/* in order, without gaps, and all of the window */
	for (size_t i = 0; i < p->nr; i++) {
		assert_int_equal(p->items[i].start_ns, at);
		at += p->items[i].ns;
	}
	assert_int_equal(at, p->nr ? m->rec->window.ns : 0);
	return p;
}

static void expect(const struct bb_phases *p, size_t i, enum bb_bound bound, uint64_t start_ns)
{
	if (p->items[i].bound != bound || p->items[i].start_ns != start_ns)
		print_message("phase %zu: %s from %llu, not %s from %llu\n", i,
			      bb_bound__name(p->items[i].bound),
			      (unsigned long long)p->items[i].start_ns, bb_bound__name(bound),
			      (unsigned long long)start_ns);
	assert_int_equal(p->items[i].bound, bound);
	assert_int_equal(p->items[i].start_ns, start_ns);
}

/* A steady program has one phase, with the window's verdict, however its slices scatter. */
static void steady(void **state)
{
	const struct piece kinds[] = { computing, fetching, alone, locked, idle, suspended };

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (uint32_t seed = 0; seed < 30; seed++) {
			struct piece piece = for_slices(kinds[k], 20 + 5 * seed);
			struct made m = { .seed = seed, .noise = seed % 3 * 30 };

			make(&m, &piece, 1, SLICE, 1);
			assert_int_equal(phases_of(&m)->nr, 1);
			expect(phases_of(&m), 0, m.diag.processes[0].bound, 0);
			assert_int_equal(phases_of(&m)->period_ns, 0);
			assert_null(strstr(m.diag.processes[0].summary, "hase"));
			end(&m);
		}
}

/* Slices that are wholly the one or wholly the other, by chance: one phase, too. */
static void scattered(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 50; seed++) {
		struct made dice = { .seed = seed };
		struct piece pieces[100];
		struct made m = {};

		for (size_t i = 0; i < 100; i++)
			pieces[i] = for_slices(chance(&dice) & 1 ? computing : fetching, 1);
		make(&m, pieces, 100, SLICE, 1);
		assert_int_equal(phases_of(&m)->nr, 1);
		end(&m);
	}
}

static void two_phases(void **state)
{
	const struct piece pieces[] = { for_slices(fetching, 40), for_slices(computing, 60) };
	struct made m = { .noise = 10 };
	const struct bb_phases *p;

	(void)state;
	make(&m, pieces, 2, SLICE, 1);
	p = phases_of(&m);
	assert_int_equal(p->nr, 2);
	expect(p, 0, BB_BOUND_IO_BOUND, 0);
	expect(p, 1, BB_BOUND_GIL_BOUND, 40 * SLICE);
	assert_int_equal(p->period_ns, 0);
	assert_true(p->items[1].gil_share > 0.95);
	assert_true(p->items[0].gil_share < 0.01);
	/* what a phase has is what its slices have */
	assert_int_equal(bb_budget__sum(&p->items[0].budget), 40 * THREADS * SLICE);
	assert_int_equal(p->items[1].budget.ns[BB_STATE_GIL] + p->items[0].budget.ns[BB_STATE_GIL],
			 m.rec->processes[0].budget.ns[BB_STATE_GIL]);
	assert_non_null(
		strstr(m.diag.processes[0].summary, "io-bound 4.0 s, then gil-bound 6.0 s."));
	end(&m);
}

/* A fifth of the window with another bound does not matter, as it does not without phases. */
static void little_of_another(void **state)
{
	const struct piece pieces[] = { for_slices(alone, 80), for_slices(idle, 20) };
	struct made m = {};

	(void)state;
	make(&m, pieces, 2, SLICE, 1);
	assert_int_equal(phases_of(&m)->nr, 2);
	assert_int_equal(m.diag.processes[0].bound, BB_BOUND_CPU_BOUND);
	assert_null(strstr(m.diag.processes[0].summary, "hases"));
	end(&m);
}

/* A second of each, over and over: neither dominates, so it is mixed, and says why. */
static void periodic(void **state)
{
	struct piece pieces[13];
	struct made m = { .noise = 5 };
	const struct bb_phases *p;

	(void)state;
	/* the window begins and ends in the middle of one */
	for (size_t i = 0; i < 13; i++)
		pieces[i] = for_slices(i & 1 ? computing : fetching, !i ? 3 : i == 12 ? 4 : 8);
	make(&m, pieces, 13, SLICE, 1);
	p = phases_of(&m);
	assert_int_equal(p->nr, 13);
	expect(p, 1, BB_BOUND_GIL_BOUND, 3 * SLICE);
	expect(p, 12, BB_BOUND_IO_BOUND, 91 * SLICE);
	assert_int_equal(p->nr_cycle, 2);
	assert_int_equal(p->period_ns, 16 * SLICE);
	assert_int_equal(p->cycle[0].bound, BB_BOUND_IO_BOUND);
	assert_int_equal(p->cycle[0].ns, 8 * SLICE);
	assert_int_equal(m.diag.processes[0].bound, BB_BOUND_MIXED);
	assert_non_null(strstr(m.diag.processes[0].summary,
			       "io-bound 0.80 s, then gil-bound 0.80 s, repeating each 1.6 s."));
	end(&m);
}

/* Three kinds in turn; and lengths that differ too much to be a cycle. */
static void other_cycles(void **state)
{
	const struct piece three[] = { fetching, computing, idle };
	const unsigned int lengths[] = { 6, 30, 12, 7, 25, 6, 40 };
	struct piece pieces[12];
	struct made m = {}, n = {};

	(void)state;
	for (size_t i = 0; i < 12; i++)
		pieces[i] = for_slices(three[i % 3], 6);
	make(&m, pieces, 12, SLICE, 1);
	assert_int_equal(phases_of(&m)->nr, 12);
	assert_int_equal(phases_of(&m)->nr_cycle, 3);
	assert_int_equal(phases_of(&m)->period_ns, 18 * SLICE);
	end(&m);
	for (size_t i = 0; i < 7; i++)
		pieces[i] = for_slices(i & 1 ? computing : fetching, lengths[i]);
	make(&n, pieces, 7, SLICE, 1);
	assert_int_equal(phases_of(&n)->nr, 7);
	assert_int_equal(phases_of(&n)->period_ns, 0);
	assert_non_null(strstr(n.diag.processes[0].summary, "7 of them, "));
	end(&n);
}

/* Of a phase that the window cuts short nobody knows what it would have become; of a long one do.
 */
static void phases_that_the_window_cuts(void **state)
{
	enum { NR = 8 };
	struct bb_phase items[NR];
	struct bb_phases p = { .items = items, .nr = NR };
	uint64_t at = 0;

	(void)state;
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < NR; i++) {
		items[i].bound = i % 2 ? BB_BOUND_GIL_BOUND : BB_BOUND_IO_BOUND;
		items[i].start_ns = at;
		items[i].ns = i % 2 ? 800 * MS : 900 * MS;
		if (i == 0 || i == NR - 1) {
			items[i].bound = BB_BOUND_MIXED;
			items[i].ns = 200 * MS;
		}
		at += items[i].ns;
	}
	bb_phases__repeat(&p);
	assert_int_equal(p.nr_cycle, 2);
	assert_true(p.period_ns == 1700 * MS);
	assert_int_equal(p.cycle[0].bound, BB_BOUND_IO_BOUND);
	assert_int_equal(p.cycle[1].bound, BB_BOUND_GIL_BOUND);
	assert_true(p.cycle[0].ns == 900 * MS);
	items[NR - 1].ns = 600 * MS;
	bb_phases__repeat(&p);
	assert_int_equal(p.nr_cycle, 0);
	/* nor does one in the middle count as cut */
	items[NR - 1].ns = 200 * MS;
	items[2].bound = BB_BOUND_CPU_SATURATED;
	bb_phases__repeat(&p);
	assert_int_equal(p.nr_cycle, 0);
}

/* Once around is no cycle: it need not come again. */
static void too_short_for_a_period(void **state)
{
	const struct piece pieces[] = { for_slices(fetching, 20), for_slices(computing, 20),
					for_slices(fetching, 20), for_slices(computing, 10) };
	struct made m = {};

	(void)state;
	make(&m, pieces, 4, SLICE, 1);
	assert_int_equal(phases_of(&m)->nr, 4);
	assert_int_equal(phases_of(&m)->period_ns, 0);
	end(&m);
}

/* Three slices of something else are no phase, five are. */
static void blips(void **state)
{
	struct piece pieces[] = { for_slices(computing, 40), for_slices(fetching, 3),
				  for_slices(computing, 57) };
	struct made m = {}, n = {};

	(void)state;
	make(&m, pieces, 3, SLICE, 1);
	assert_int_equal(phases_of(&m)->nr, 1);
	end(&m);
	pieces[1].slices = 5;
	make(&n, pieces, 3, SLICE, 1);
	assert_int_equal(phases_of(&n)->nr, 3);
	expect(phases_of(&n), 1, BB_BOUND_IO_BOUND, 40 * SLICE);
	end(&n);
}

/* The same bound, twice as strong: no other phase. */
static void another_strength(void **state)
{
	const struct piece less = { .on = 70, .gil = 70, .queue = 260 };
	const struct piece pieces[] = { for_slices(computing, 50), for_slices(less, 50) };
	struct made m = {};

	(void)state;
	make(&m, pieces, 2, SLICE, 1);
	assert_int_equal(phases_of(&m)->nr, 1);
	expect(phases_of(&m), 0, BB_BOUND_GIL_BOUND, 0);
	end(&m);
}

static void stopped_for_a_while(void **state)
{
	const struct piece pieces[] = { for_slices(computing, 30), for_slices(suspended, 20),
					for_slices(idle, 20), for_slices(computing, 30) };
	struct made m = {};
	const struct bb_phases *p;

	(void)state;
	make(&m, pieces, 4, SLICE, 1);
	p = phases_of(&m);
	assert_int_equal(p->nr, 4);
	expect(p, 1, BB_BOUND_IDLE, 30 * SLICE);
	expect(p, 2, BB_BOUND_IDLE, 50 * SLICE);
	assert_true(p->items[1].stopped);
	assert_false(p->items[0].stopped || p->items[2].stopped || p->items[3].stopped);
	assert_string_equal(p->items[1].summary, "It is stopped: suspended, traced or frozen.");
	end(&m);
}

static void hardly_any_slices(void **state)
{
	struct piece piece = for_slices(computing, 1);
	struct made one = {}, none = {};
	struct bb_process *p;

	(void)state;
	make(&one, &piece, 1, SEC, 1);
	assert_int_equal(phases_of(&one)->nr, 1);
	expect(phases_of(&one), 0, BB_BOUND_GIL_BOUND, 0);
	end(&one);
	make(&none, &piece, 1, SEC, 1);
	bb_diagnosis__free(&none.diag);
	bb_record__forget_slices(none.rec);
	p = &none.rec->processes[0];
	assert_null(p->slices.items);
	assert_int_equal(bb_diagnose(none.rec, &none.diag), 0);
	assert_int_equal(phases_of(&none)->nr, 0);
	assert_int_equal(none.diag.processes[0].bound, BB_BOUND_GIL_BOUND);
	end(&none);
}

/* A second in slices of 20 ms: phases of a fifth of a second are found. */
static void short_window(void **state)
{
	const struct piece pieces[] = { for_slices(fetching, 10), for_slices(computing, 10),
					for_slices(fetching, 30) };
	struct made m = {};

	(void)state;
	make(&m, pieces, 3, 20 * MS, 1);
	assert_int_equal(phases_of(&m)->nr, 3);
	expect(phases_of(&m), 1, BB_BOUND_GIL_BOUND, 200 * MS);
	end(&m);
}

/* A process that was there for the second half only is judged over that. */
static void born_in_the_middle(void **state)
{
	const struct piece nothing = { .sleep = 0 };
	const struct piece pieces[] = { for_slices(nothing, 50), for_slices(computing, 50) };
	struct made m = {};
	struct bb_process *p;

	(void)state;
	make(&m, pieces, 2, SLICE, 1);
	bb_diagnosis__free(&m.diag);
	p = &m.rec->processes[0];
	for (size_t i = 0; i < 50; i++) {
		p->slices.wait_ns[i] = 0;
		memset(&p->slices.items[i], 0, sizeof(p->slices.items[i]));
	}
	for (size_t t = 0; t < THREADS; t++) {
		p->threads[t].start_ns = 50 * SLICE - SLICE / 2;
		p->threads[t].window_ns = 50 * SLICE + SLICE / 2;
	}
	assert_int_equal(bb_diagnose(m.rec, &m.diag), 0);
	assert_int_equal(m.diag.phases[0].nr, 1);
	assert_int_equal(m.diag.phases[0].items[0].start_ns, 50 * SLICE - SLICE / 2);
	assert_int_equal(m.diag.phases[0].items[0].ns, 50 * SLICE + SLICE / 2);
	assert_int_equal(m.diag.phases[0].items[0].bound, BB_BOUND_GIL_BOUND);
	end(&m);
}

/* A thread that never ran has no vote, in slices as in the window. */
static void inactive_threads(void **state)
{
	struct piece piece = for_slices(idle, 60);
	struct made m = {};
	struct bb_process *p;
	struct bb_wait disk = { .state = BB_STATE_SLEEP, .syscall = SYS_nanosleep, .fd = -1 };
	struct bb_facts f;

	(void)state;
	piece.on = 20;
	piece.queue = 380;
	make(&m, &piece, 1, SLICE, 1);
	bb_diagnosis__free(&m.diag);
	p = &m.rec->processes[0];
	/* one of the four sleeps all the time, in many short waits that would be I/O */
	p->threads[3].active = false;
	memset(&p->threads[3].budget, 0, sizeof(p->threads[3].budget));
	p->threads[3].budget.ns[BB_STATE_SLEEP] = p->threads[3].window_ns;
	disk.ns = p->threads[3].window_ns;
	disk.count = disk.ns / MS;
	make__wait(p, &p->threads[3], &disk);
	p->slices.waits[0].syscall = SYS_nanosleep;
	for (size_t i = 0; i < m.nr; i++) {
		p->slices.items[i].budget.ns[BB_STATE_QUEUE] -= SLICE;
		p->slices.items[i].budget.ns[BB_STATE_SLEEP] += SLICE;
		p->slices.wait_ns[i] = SLICE;
	}
	assert_int_equal(bb_diagnose(m.rec, &m.diag), 0);
	bb_facts__of(&f, m.rec, p);
	assert_true(f.io < 0.01);
	assert_int_equal(m.diag.phases[0].nr, 1);
	assert_int_equal(m.diag.phases[0].items[0].bound, m.diag.processes[0].bound);
	assert_true(m.diag.phases[0].items[0].components[BB_BOUND_IO_BOUND] < 0.01);
	end(&m);
}

/* Of several processes all together have phases too. */
static void tree(void **state)
{
	const struct piece pieces[] = { for_slices(fetching, 40), for_slices(alone, 60) };
	struct made m = {};
	const struct bb_phases *p;

	(void)state;
	make(&m, pieces, 2, SLICE, 2);
	assert_true(m.diag.has_tree);
	p = &m.diag.phases[2];
	assert_int_equal(p->nr, 2);
	expect(p, 0, BB_BOUND_IO_BOUND, 0);
	/* one computes on two CPUs, two fill them */
	expect(p, 1, BB_BOUND_CPU_SATURATED, 40 * SLICE);
	expect(phases_of(&m), 1, BB_BOUND_CPU_SATURATED, 40 * SLICE);
	assert_int_equal(bb_budget__sum(&p->items[0].budget), 2 * 40 * THREADS * SLICE);
	assert_non_null(strstr(m.diag.tree.summary, "then cpu-saturated 6.0 s"));
	end(&m);
}

/* The slices' facts are those of the window, where they are all taken together. */
static void one_run_is_the_window(void **state)
{
	const struct piece pieces[] = { for_slices(computing, 50), for_slices(locked, 50) };
	struct made m = {};
	const struct bb_verdict *v;

	(void)state;
	make(&m, pieces, 2, SLICE, 1);
	v = &m.diag.processes[0];
	assert_int_equal(phases_of(&m)->nr, 2);
	assert_int_equal(v->bound, BB_BOUND_MIXED);
	for (int b = 0; b < BB_BOUND_MAX; b++) {
		double mean = (phases_of(&m)->items[0].components[b] +
			       phases_of(&m)->items[1].components[b]) /
			      2;

		assert_true(fabs(mean - v->components[b]) < 0.05);
	}
	end(&m);
}

static void changes_of_a_series(void **state)
{
	double x[60], w[60];
	struct bb_series s = { .x = x, .dims = 1, .weights = w, .nr = 60 };
	const struct bb_change_opts o = { .least = 5, .edge = 2, .penalty = 1 };
	size_t ends[60];

	(void)state;
	for (size_t i = 0; i < 60; i++) {
		x[i] = i >= 20 && i < 33 ? 1 : 0;
		w[i] = 1;
	}
	assert_int_equal(bb_changes__find(&s, &o, ends), 3);
	assert_int_equal(ends[0], 20);
	assert_int_equal(ends[1], 33);
	assert_int_equal(ends[2], 60);
	/* nothing but a level is no change, nor is a series of none, or one */
	for (size_t i = 0; i < 60; i++)
		x[i] = 0.5;
	assert_int_equal(bb_changes__find(&s, &o, ends), 1);
	s.nr = 1;
	assert_int_equal(bb_changes__find(&s, &o, ends), 1);
	assert_int_equal(ends[0], 1);
	s.nr = 0;
	assert_int_equal(bb_changes__find(&s, &o, ends), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steady),
		cmocka_unit_test(scattered),
		cmocka_unit_test(two_phases),
		cmocka_unit_test(little_of_another),
		cmocka_unit_test(periodic),
		cmocka_unit_test(other_cycles),
		cmocka_unit_test(phases_that_the_window_cuts),
		cmocka_unit_test(too_short_for_a_period),
		cmocka_unit_test(blips),
		cmocka_unit_test(another_strength),
		cmocka_unit_test(stopped_for_a_while),
		cmocka_unit_test(hardly_any_slices),
		cmocka_unit_test(short_window),
		cmocka_unit_test(born_in_the_middle),
		cmocka_unit_test(inactive_threads),
		cmocka_unit_test(tree),
		cmocka_unit_test(one_run_is_the_window),
		cmocka_unit_test(changes_of_a_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
