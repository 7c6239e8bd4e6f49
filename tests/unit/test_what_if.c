// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What-if on made-up records: what is known by arithmetic, and what must not be offered. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../../user/diagnose/demands.h"
#include "../../user/diagnose/rules.h"
#include "../../user/diagnose/what_if.h"
#include "../lib/records.h"

#define WINDOW (10 * SEC)
#define PID    100

struct made {
	struct bb_record *rec;
	struct bb_process *p;
	struct bb_what_ifs w;
	struct bb_what_if_context c;
};

/* Like threads: what each did, in percent of the window. */
struct like {
	unsigned int threads, on, runq, gil, lock, queue, sleep, net;
};

static void begin(struct made *m, double cpus, const struct like *l)
{
	memset(m, 0, sizeof(*m));
	m->c = (struct bb_what_if_context){ .judged = true, .confidence = 0.9 };
	m->rec = make__record(WINDOW, 1);
	m->rec->host.cpus_online = 4;
	m->rec->host.busy_share = (double)l->threads * l->on / 100 / 4;
	m->p = m->rec->processes;
	make__process(m->p, PID, "python3", l->threads);
	m->p->cpus_usable = cpus;
	for (unsigned int i = 0; i < l->threads; i++) {
		struct bb_thread *t = &m->p->threads[i];
		uint64_t one = WINDOW / 100;

		make__thread(t, "python3", WINDOW);
		make__in(t, BB_STATE_ONCPU, l->on * one);
		make__in(t, BB_STATE_RUNQ, l->runq * one);
		make__in(t, BB_STATE_GIL, l->gil * one);
		make__in(t, BB_STATE_LOCK, l->lock * one);
		make__in(t, BB_STATE_QUEUE, l->queue * one);
		make__in(t, BB_STATE_SLEEP, l->sleep * one);
		make__in(t, BB_STATE_NET, l->net * one);
		if (l->sleep)
			make__wait(m->p, t,
				   &(struct bb_wait){ .state = BB_STATE_SLEEP,
						      .syscall = SYS_clock_nanosleep,
						      .count = 1000,
						      .ns = l->sleep * one });
		if (l->net)
			make__wait(m->p, t,
				   &(struct bb_wait){ .state = BB_STATE_NET,
						      .syscall = SYS_recvfrom,
						      .fdkind = BB_FD_INET,
						      .endpoint = BB_END_OUTBOUND,
						      .count = 1000,
						      .ns = l->net * one });
	}
	make__sum(m->p);
}

/* A GIL that is contended for @contended percent of the window, and had in @held of 100 samples. */
static void with_gil(struct made *m, unsigned int contended, unsigned int held)
{
	strcpy(m->p->runtime.name, "cpython");
	m->p->runtime.gil = BB_GIL_ENABLED;
	m->p->gils = calloc(1, sizeof(*m->p->gils));
	assert_non_null(m->p->gils);
	m->p->nr_gils = 1;
	m->p->gils->contended_ns = WINDOW / 100 * contended;
	for (size_t i = 0; i < m->p->nr_threads; i++) {
		m->p->threads[i].gil_samples = held * 10;
		m->p->threads[i].gil_free_samples = (100 - held) * 10;
		m->p->gils->samples += held * 10;
	}
}

/* One mutex that all threads wait for, held for @held percent by the account of who waits. */
static void with_lock(struct made *m, unsigned int contended, double blocked)
{
	m->p->locks = calloc(1, sizeof(*m->p->locks));
	m->p->lock_holders = calloc(1, sizeof(*m->p->lock_holders));
	assert_non_null(m->p->locks);
	assert_non_null(m->p->lock_holders);
	m->p->nr_locks = m->p->nr_lock_holders = 1;
	*m->p->locks = (struct bb_lock){ .addr = 4096,
					 .kind = BB_LOCK_MUTEX,
					 .state = BB_STATE_LOCK,
					 .contended_ns = WINDOW / 100 * contended,
					 .wait_ns = m->p->budget.ns[BB_STATE_LOCK],
					 .waits = 100 };
	*m->p->lock_holders =
		(struct bb_lock_holder){ .lock = 4096,
					 .tid = PID,
					 .pid = PID,
					 .ns = SEC,
					 .wait = { .state = BB_STATE_SLEEP,
						   .ns = (uint64_t)(blocked * SEC) } };
}

static void predict(struct made *m)
{
	assert_int_equal(bb_what_ifs__of(&m->w, m->rec, m->p, &m->c), 0);
}

static void end(struct made *m)
{
	bb_what_ifs__free(&m->w);
	bb_record__free(m->rec);
}

static const struct bb_what_if *find(const struct made *m, enum bb_change c, double amount)
{
	for (size_t i = 0; i < m->w.nr; i++)
		if (m->w.items[i].change == c && (amount == 0 || m->w.items[i].amount == amount))
			return &m->w.items[i];
	return NULL;
}

static void assert_gain(const struct made *m, enum bb_change c, double amount, double low,
			double high)
{
	const struct bb_what_if *w = find(m, c, amount);

	if (!w)
		fail_msg("%s %g is not offered: %s", bb_change__name(c), amount, m->w.why_not);
	if (!(w->speedup >= low && w->speedup <= high))
		fail_msg("%s %g: %.3f, not in %.3f to %.3f", bb_change__name(c), amount, w->speedup,
			 low, high);
	assert_true(w->low <= w->speedup && w->speedup <= w->high);
	assert_true(w->because[0]);
}

static void test_gil_bound(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 2, &(struct like){ .threads = 4, .on = 25, .gil = 75 });
	with_gil(&m, 99, 100);
	m.p->private_bytes = 10 << 20;
	predict(&m);
	assert_gain(&m, BB_CHANGE_PROCESSES, 4, 1.95, 2.05);
	/* of that version there is no such build */
	assert_null(find(&m, BB_CHANGE_NO_GIL, 0));
	assert_gain(&m, BB_CHANGE_ASYNCIO, 4, 0.97, 1.03);
	assert_gain(&m, BB_CHANGE_THREADS, 8, 0.97, 1.03);
	assert_gain(&m, BB_CHANGE_THREADS, 1, 0.97, 1.03);
	assert_gain(&m, BB_CHANGE_CPUS, 4, 0.97, 1.03);
	assert_null(find(&m, BB_CHANGE_NO_LOCK, 0));
	assert_null(find(&m, BB_CHANGE_FASTER_IO, 0));
	assert_null(find(&m, BB_CHANGE_NO_QUOTA, 0));
	/* three processes more of what it has for itself */
	assert_int_equal(find(&m, BB_CHANGE_PROCESSES, 4)->memory_bytes, 30 << 20);
	assert_true(m.w.workers.processes);
	assert_int_equal(m.w.workers.now, 4);
	assert_int_equal(m.w.workers.best, 2);
	assert_false(m.w.capacity);
	end(&m);
}

/* Pinned to one CPU processes bring nothing, nor where others fill the machine; quotas likewise. */
static void test_gil_bound_without_a_cpu(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 1, &(struct like){ .threads = 4, .on = 25, .gil = 75 });
	with_gil(&m, 99, 100);
	m.p->cpus_unlimited = 4;
	predict(&m);
	assert_gain(&m, BB_CHANGE_PROCESSES, 4, 0.97, 1.03);
	assert_true(find(&m, BB_CHANGE_PROCESSES, 4)->high < 1.15);
	/* the one thread that has the GIL has a CPU already */
	assert_gain(&m, BB_CHANGE_NO_QUOTA, 0, 0.97, 1.03);
	end(&m);

	begin(&m, 4, &(struct like){ .threads = 4, .on = 25, .gil = 75 });
	with_gil(&m, 99, 100);
	m.rec->host.busy_share = 1;
	predict(&m);
	assert_gain(&m, BB_CHANGE_PROCESSES, 4, 0.97, 1.03);
	/* more threads may take more from the neighbours */
	assert_true(find(&m, BB_CHANGE_PROCESSES, 4)->high > 2);
	end(&m);
}

/* C code that lets go of the GIL fills two CPUs: processes do no more, an event loop half. */
static void test_full_cpus(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 2, &(struct like){ .threads = 4, .on = 50, .runq = 50 });
	with_gil(&m, 1, 0);
	m.p->cpus_unlimited = 4;
	predict(&m);
	assert_gain(&m, BB_CHANGE_PROCESSES, 4, 0.97, 1.03);
	assert_gain(&m, BB_CHANGE_ASYNCIO, 4, 0.48, 0.52);
	assert_gain(&m, BB_CHANGE_CPUS, 4, 1.95, 2.05);
	assert_gain(&m, BB_CHANGE_CPUS, 1, 0.48, 0.52);
	assert_gain(&m, BB_CHANGE_THREADS, 8, 0.97, 1.03);
	assert_gain(&m, BB_CHANGE_THREADS, 1, 0.48, 0.52);
	assert_false(m.w.workers.processes);
	assert_int_equal(m.w.workers.best, 2);
	end(&m);
}

/* A free-threaded build does as much more as there are CPUs, less what its Python code costs. */
static void test_no_gil(void **state)
{
	double cost = bb_rule(BB_R_FREE_THREADED);
	struct made m;

	(void)state;
	begin(&m, 2, &(struct like){ .threads = 4, .on = 25, .gil = 75 });
	with_gil(&m, 99, 100);
	strcpy(m.p->runtime.version, "3.13.5");
	predict(&m);
	assert_gain(&m, BB_CHANGE_NO_GIL, 0, 1.95 / (1 + cost), 2.05 / (1 + cost));
	/* it may cost nothing, and twice as much */
	assert_true(find(&m, BB_CHANGE_NO_GIL, 0)->high > 2);
	assert_true(find(&m, BB_CHANGE_NO_GIL, 0)->low < 2 / (1 + 2 * cost));
	end(&m);

	/* C code that lets go of the GIL costs no more */
	begin(&m, 2, &(struct like){ .threads = 4, .on = 50, .runq = 50 });
	with_gil(&m, 1, 0);
	strcpy(m.p->runtime.version, "3.13.0");
	predict(&m);
	assert_gain(&m, BB_CHANGE_NO_GIL, 0, 0.97, 1.03);
	end(&m);

	/* what a build of another version costs nobody has measured */
	for (size_t i = 0; i < 3; i++) {
		static const char *const versions[] = { "3.12.9", "3.14.1", "" };

		begin(&m, 2, &(struct like){ .threads = 4, .on = 25, .gil = 75 });
		with_gil(&m, 99, 100);
		strcpy(m.p->runtime.version, versions[i]);
		predict(&m);
		assert_true(m.w.nr > 0);
		assert_null(find(&m, BB_CHANGE_NO_GIL, 0));
		end(&m);
	}
}

/* Half a CPU by quota, on a machine whose other CPUs are idle, or taken by others. */
static void test_no_quota(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 0.5, &(struct like){ .threads = 2, .on = 25, .runq = 75 });
	m.p->cpus_unlimited = 4;
	predict(&m);
	/* two threads, each with a CPU of its own */
	assert_gain(&m, BB_CHANGE_NO_QUOTA, 0, 3.9, 4.1);
	end(&m);

	begin(&m, 0.5, &(struct like){ .threads = 2, .on = 25, .runq = 75 });
	m.p->cpus_unlimited = 4;
	m.rec->host.busy_share = 1;
	predict(&m);
	assert_gain(&m, BB_CHANGE_NO_QUOTA, 0, 0.97, 1.03);
	/* it may take some of that */
	assert_true(find(&m, BB_CHANGE_NO_QUOTA, 0)->high > 3.9);
	end(&m);

	/* no quota, none to lift */
	begin(&m, 2, &(struct like){ .threads = 2, .on = 50, .sleep = 50 });
	m.p->cpus_unlimited = 2;
	predict(&m);
	assert_null(find(&m, BB_CHANGE_NO_QUOTA, 0));
	end(&m);
}

/* One thread that computes for a fifth of its time: Amdahl's law by measured parts. */
static void test_one_that_waits(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 4, &(struct like){ .threads = 1, .on = 20, .net = 80 });
	with_gil(&m, 0, 100);
	predict(&m);
	assert_gain(&m, BB_CHANGE_FASTER_IO, 2, 1 / 0.6 - 0.01, 1 / 0.6 + 0.01);
	assert_gain(&m, BB_CHANGE_FASTER_IO, 10, 1 / 0.28 - 0.01, 1 / 0.28 + 0.01);
	assert_gain(&m, BB_CHANGE_CPUS, 8, 0.99, 1.01);
	/* up to 5, where the GIL is full */
	assert_gain(&m, BB_CHANGE_THREADS, 2, 1.8, 2);
	assert_gain(&m, BB_CHANGE_THREADS, 16, 4.7, 5);
	assert_gain(&m, BB_CHANGE_ASYNCIO, 16, 4.7, 5);
	/* processes go on */
	assert_true(m.w.workers.processes);
	assert_true(strstr(m.w.workers.why, "nothing is full"));
	end(&m);
}

/* The answer that a thread waits for may have come while it waited for the GIL: only in the bounds.
 */
static void test_hidden_answers(void **state)
{
	double speedup, low;
	struct made m;

	(void)state;
	/* a timer began as its wait did */
	begin(&m, 2, &(struct like){ .threads = 10, .on = 10, .gil = 50, .sleep = 40 });
	with_gil(&m, 99, 100);
	predict(&m);
	speedup = find(&m, BB_CHANGE_THREADS, 1)->speedup;
	low = find(&m, BB_CHANGE_THREADS, 1)->low;
	end(&m);

	begin(&m, 2, &(struct like){ .threads = 10, .on = 10, .gil = 50, .net = 40 });
	with_gil(&m, 99, 100);
	predict(&m);
	assert_float_equal(find(&m, BB_CHANGE_THREADS, 1)->speedup, speedup, 1e-6);
	/* half of the waits, 0.25: alone one does a tenth in 0.75 rather than in 0.5 */
	assert_true(find(&m, BB_CHANGE_THREADS, 1)->low < 0.75 * low);
	assert_true(find(&m, BB_CHANGE_THREADS, 1)->low > 0.6 * low);
	end(&m);
}

/* A timer does not get faster with the disk or the server. */
static void test_timers_are_no_io(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 4, &(struct like){ .threads = 1, .on = 20, .sleep = 80 });
	predict(&m);
	assert_null(find(&m, BB_CHANGE_FASTER_IO, 0));
	assert_gain(&m, BB_CHANGE_THREADS, 2, 1.95, 2.05);
	/* not Python: it has nothing of that */
	assert_null(find(&m, BB_CHANGE_PROCESSES, 0));
	assert_null(find(&m, BB_CHANGE_ASYNCIO, 0));
	end(&m);
}

static void test_lock(void **state)
{
	struct made m;

	(void)state;
	/* all of the work is in the lock: without it the two CPUs are what there is */
	begin(&m, 2, &(struct like){ .threads = 4, .on = 25, .lock = 75 });
	with_lock(&m, 99, 0);
	predict(&m);
	assert_gain(&m, BB_CHANGE_NO_LOCK, 0, 1.9, 2.05);
	assert_ptr_equal(find(&m, BB_CHANGE_NO_LOCK, 0)->lock, m.p->locks);
	assert_gain(&m, BB_CHANGE_THREADS, 8, 0.97, 1.03);
	assert_true(strstr(m.w.workers.why, "lock"));
	end(&m);

	/* two of four CPUs' worth by chance: less than two locks would bring if they took turns */
	begin(&m, 4, &(struct like){ .threads = 4, .on = 25, .lock = 75 });
	with_lock(&m, 99, 0);
	predict(&m);
	assert_gain(&m, BB_CHANGE_SPLIT_LOCK, 2, 1.4, 1.8);
	assert_gain(&m, BB_CHANGE_SPLIT_LOCK, 4, find(&m, BB_CHANGE_SPLIT_LOCK, 2)->speedup,
		    find(&m, BB_CHANGE_NO_LOCK, 0)->speedup);
	assert_ptr_equal(find(&m, BB_CHANGE_SPLIT_LOCK, 4)->lock, m.p->locks);
	end(&m);

	/* on one CPU, whose holder waits for it as the others do, the lock is nothing */
	begin(&m, 1, &(struct like){ .threads = 4, .on = 25, .runq = 50, .lock = 25 });
	with_lock(&m, 60, 0);
	predict(&m);
	assert_gain(&m, BB_CHANGE_NO_LOCK, 0, 0.97, 1.06);
	assert_gain(&m, BB_CHANGE_SPLIT_LOCK, 2, 0.95, 1.06);
	end(&m);

	/* it sleeps in the lock: without it all four do so at once */
	begin(&m, 2, &(struct like){ .threads = 4, .on = 1, .sleep = 24, .lock = 75 });
	with_lock(&m, 99, 0.95);
	predict(&m);
	assert_gain(&m, BB_CHANGE_NO_LOCK, 0, 3.8, 4.1);
	end(&m);

	/* it computes in the lock in Python: the GIL is next */
	begin(&m, 2, &(struct like){ .threads = 4, .on = 25, .lock = 75 });
	with_lock(&m, 99, 0);
	with_gil(&m, 0, 100);
	predict(&m);
	assert_gain(&m, BB_CHANGE_NO_LOCK, 0, 0.97, 1.06);
	assert_true(strstr(find(&m, BB_CHANGE_NO_LOCK, 0)->because, "the GIL"));
	end(&m);

	/* hardly ever waited for: nothing is offered about it */
	begin(&m, 2, &(struct like){ .threads = 2, .on = 97, .lock = 3 });
	with_lock(&m, 3, 0);
	predict(&m);
	assert_null(find(&m, BB_CHANGE_NO_LOCK, 0));
	end(&m);
}

/* It waits for work for half of its time: what it could do, not what it will. */
static void test_capacity(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 2, &(struct like){ .threads = 2, .on = 50, .queue = 50 });
	predict(&m);
	assert_true(m.w.capacity);
	assert_gain(&m, BB_CHANGE_THREADS, 4, 0.97, 1.03);
	assert_gain(&m, BB_CHANGE_CPUS, 1, 0.48, 0.55);
	end(&m);
}

static void assert_none(struct made *m, const char *why)
{
	predict(m);
	assert_int_equal(m->w.nr, 0);
	assert_int_equal(m->w.workers.nr_curve, 0);
	if (!strstr(m->w.why_not, why))
		fail_msg("'%s' does not say '%s'", m->w.why_not, why);
	end(m);
}

static void test_not_offered(void **state)
{
	static const struct like some = { .threads = 2, .on = 50, .sleep = 50 };
	struct made m;

	(void)state;
	begin(&m, 2, &some);
	m.c.judged = false;
	assert_none(&m, "idle or unknown");
	begin(&m, 2, &some);
	m.c.incomplete = true;
	assert_none(&m, "losses");
	begin(&m, 2, &some);
	m.c.confidence = bb_rule(BB_R_SURE_ENOUGH) - 0.01;
	assert_none(&m, "not sure enough");
	begin(&m, 2, &some);
	strcpy(m.p->runtime.name, "go");
	assert_none(&m, "park");
	begin(&m, 2, &some);
	strcpy(m.p->runtime.name, "cpython");
	m.p->runtime.gil = BB_GIL_UNKNOWN;
	assert_none(&m, "GIL");
	begin(&m, 2, &some);
	m.p->ended = true;
	assert_none(&m, "ended");

	/* one computes, one waits: which of them is to get faster? */
	begin(&m, 2, &(struct like){ .threads = 2, .on = 50, .sleep = 50 });
	m.p->threads[0].budget.ns[BB_STATE_ONCPU] = WINDOW;
	m.p->threads[0].budget.ns[BB_STATE_SLEEP] = 0;
	m.p->threads[0].nr_waits = 0;
	m.p->threads[1].budget.ns[BB_STATE_ONCPU] = WINDOW / 50;
	m.p->threads[1].budget.ns[BB_STATE_SLEEP] = WINDOW - WINDOW / 50;
	m.p->threads[1].waits[0].ns = WINDOW - WINDOW / 50;
	assert_none(&m, "different things");
}

/* Who has the lock does something that is in nobody's work: what is gone with it is not known. */
static void test_lock_of_somebody_else(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 2, &(struct like){ .threads = 3, .on = 1, .lock = 99 });
	with_lock(&m, 99, 0);
	predict(&m);
	assert_null(find(&m, BB_CHANGE_NO_LOCK, 0));
	end(&m);
}

/* What is not told of one process is not told of it among others, nor of who only feeds them. */
static void test_not_offered_of_several(void **state)
{
	struct made m;

	(void)state;
	begin(&m, 2, &(struct like){ .threads = 4, .on = 25, .net = 75 });
	assert_int_equal(bb_what_ifs__tree(&m.w, m.rec, &m.c), 0);
	assert_true(m.w.nr > 0);
	bb_what_ifs__free(&m.w);
	strcpy(m.p->runtime.name, "go");
	assert_int_equal(bb_what_ifs__tree(&m.w, m.rec, &m.c), 0);
	assert_int_equal(m.w.nr, 0);
	assert_non_null(strstr(m.w.why_not, "park"));
	bb_what_ifs__free(&m.w);
	m.p->runtime.name[0] = '\0';
	m.c.feeds = true;
	predict(&m);
	assert_int_equal(m.w.nr, 0);
	assert_non_null(strstr(m.w.why_not, "feeds its workers"));
	end(&m);
}

/* The most that is taken on, and one more. */
static void test_many(void **state)
{
	struct like l = { .threads = 512, .on = 10, .runq = 40, .lock = 30, .net = 20 };
	struct made m;

	(void)state;
	begin(&m, 64, &l);
	m.rec->host.cpus_online = 64;
	m.rec->host.busy_share = 0.8;
	with_lock(&m, 90, 0.1);
	predict(&m);
	assert_true(m.w.nr > 8 && m.w.workers.nr_curve > 16);
	for (size_t i = 0; i < m.w.nr; i++)
		assert_true(isfinite(m.w.items[i].speedup) && m.w.items[i].low > 0);
	end(&m);
	l.threads++;
	begin(&m, 64, &l);
	assert_none(&m, "512");
}

static void test_demands_sum_to_one(void **state)
{
	struct bb_demands d;
	struct made m;

	(void)state;
	begin(&m, 2,
	      &(struct like){ .threads = 4,
			      .on = 25,
			      .runq = 5,
			      .gil = 20,
			      .lock = 10,
			      .sleep = 30,
			      .net = 10 });
	with_gil(&m, 20, 60);
	with_lock(&m, 30, 0.5);
	bb_demands__of(&d, m.rec, m.p);
	assert_int_equal(d.n, 4);
	assert_float_equal(bb_need__sum(&d.need) + d.wait_gil + d.wait_cpu + d.wait_lock, 1, 1e-9);
	assert_float_equal(d.need.gil, 0.25 * 0.6, 1e-9);
	assert_float_equal(d.io, 0.1, 1e-9);
	end(&m);
}

/* Eight that come one after the other, two at a time, are two. */
static void as_many_as_are_there(void **state)
{
	const struct like l = { .threads = 8, .on = 25 };
	struct made m;

	(void)state;
	begin(&m, 4, &l);
	for (size_t i = 0; i < m.p->nr_threads; i++) {
		m.p->threads[i].start_ns = WINDOW / 4 * (i / 2);
		m.p->threads[i].window_ns = WINDOW / 4;
	}
	m.p->window_ns = 2 * WINDOW;
	predict(&m);
	assert_null(find(&m, BB_CHANGE_THREADS, 2));
	assert_gain(&m, BB_CHANGE_THREADS, 4, 1.99, 2.01);
	assert_gain(&m, BB_CHANGE_CPUS, 8, 0.99, 1.01);
	end(&m);
}

/* Eight under a GIL that come in the middle: nobody was there before, who could be made faster. */
static void who_comes_late_is_there_as_much(void **state)
{
	const struct like l = { .threads = 8, .on = 6, .gil = 44 };
	struct made m;

	(void)state;
	begin(&m, 4, &l);
	with_gil(&m, 50, 100);
	for (size_t i = 0; i < m.p->nr_threads; i++) {
		m.p->threads[i].start_ns = WINDOW / 2;
		m.p->threads[i].window_ns = WINDOW / 2;
	}
	m.p->window_ns = 4 * WINDOW;
	m.rec->host.busy_share = 0.48 / 4;
	predict(&m);
	assert_gain(&m, BB_CHANGE_PROCESSES, 8, 3.6, 4.2);
	end(&m);
}

/* How many tasks can be handed over says nothing about those who wait for them. */
static void handing_over_is_not_predicted(void **state)
{
	const struct like l = { .threads = 2, .on = 50, .queue = 50 };
	struct made m;

	(void)state;
	begin(&m, 4, &l);
	m.c.hands_over = true;
	predict(&m);
	assert_int_equal(m.w.nr, 0);
	assert_non_null(strstr(m.w.why_not, "handing tasks over"));
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_as_are_there),
		cmocka_unit_test(who_comes_late_is_there_as_much),
		cmocka_unit_test(handing_over_is_not_predicted),
		cmocka_unit_test(test_gil_bound),
		cmocka_unit_test(test_gil_bound_without_a_cpu),
		cmocka_unit_test(test_full_cpus),
		cmocka_unit_test(test_no_gil),
		cmocka_unit_test(test_no_quota),
		cmocka_unit_test(test_one_that_waits),
		cmocka_unit_test(test_hidden_answers),
		cmocka_unit_test(test_timers_are_no_io),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_not_offered),
		cmocka_unit_test(test_lock_of_somebody_else),
		cmocka_unit_test(test_not_offered_of_several),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_demands_sum_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
