// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "spin.h"

#include <math.h>
#include <string.h>
#include <sys/syscall.h>

#include "rules.h"

/*
 * A sched_yield() that finds nobody to give the CPU to, traced. One that takes longer has given
 * it to somebody, which is no loss.
 */
#define YIELD_MOST_NS 2000

/* A wait and its wake-up are two calls, and one more each where the lock was just let go. */
#define CALLS_OF_A_WAIT 4
#define GIL_SLICE_NS    5e6 /* sys.getswitchinterval(), unless it was set */

/* Of a call of several kinds, all. */
static struct bb_syscall calls_of(const struct bb_process *p, int nr)
{
	struct bb_syscall all = { .nr = nr };

	for (size_t i = 0; i < p->nr_syscalls; i++) {
		if (p->syscalls[i].nr != nr)
			continue;
		all.count += p->syscalls[i].count;
		all.ns += p->syscalls[i].ns;
	}
	return all;
}

void bb_spin__of(struct bb_spin *s, const struct bb_record *rec, const struct bb_process *p,
		 double window_ns)
{
	double traced = (double)rec->overhead.syscall_window_ns, calls, slept = 0;
	struct bb_syscall yield = calls_of(p, SYS_sched_yield), futex = calls_of(p, SYS_futex);
	const struct bb_lock *most = NULL;

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < p->nr_locks; i++) {
		slept += (double)p->locks[i].waits;
		if (!most || p->locks[i].waits > most->waits)
			most = &p->locks[i];
	}
	/* waits for a GIL are made in slices, each a call */
	for (size_t i = 0; i < p->nr_gils; i++)
		slept +=
			(double)p->gils[i].acquisitions + (double)p->gils[i].wait_ns / GIL_SLICE_NS;
	if (most && most->waits) {
		s->waits_per_s = (double)most->waits / (window_ns / 1e9);
		s->wait_ns = (double)most->wait_ns / (double)most->waits;
	}
	if (traced <= 0)
		return;
	s->yields_per_s = (double)yield.count / (traced / 1e9);
	s->yielding = fmin((double)yield.ns, (double)yield.count * YIELD_MOST_NS) / traced;
	calls = (double)futex.count / (traced / 1e9);
	s->vain_per_s = fmax(0, calls - CALLS_OF_A_WAIT * slept / (window_ns / 1e9));
}

void bb_spin__add(struct bb_spin *to, const struct bb_spin *s, double part)
{
	to->yielding += s->yielding * part;
	to->yields_per_s += s->yields_per_s * part;
	to->vain_per_s += s->vain_per_s * part;
	if (s->waits_per_s * part > to->waits_per_s) {
		to->waits_per_s = s->waits_per_s * part;
		to->wait_ns = s->wait_ns;
	}
}

bool bb_spin__yields(const struct bb_spin *s, double on)
{
	return on > 0 && s->yielding / on >= bb_rule(BB_R_SPINS);
}

bool bb_spin__wakes_in_vain(const struct bb_spin *s, double on)
{
	return on > 0 && s->vain_per_s / on >= bb_rule(BB_R_VAIN_CALLS);
}

bool bb_spin__naps(const struct bb_spin *s, double on)
{
	return on > 0 && s->waits_per_s / on >= bb_rule(BB_R_SHORT_WAITS) &&
	       s->wait_ns < bb_rule(BB_R_SHORT_WAIT_NS);
}
