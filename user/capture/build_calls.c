// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_calls.h"

#include <errno.h>

#include "../model/calls.h"
#include "sysclass.h"

int bb_build__call(struct bb_process *p, const struct bb_syscall_key *key,
		   const struct bb_syscall_sum *sum)
{
	struct bb_syscall *s = bb_process__syscall(p, key->nr, (enum bb_call_kind)key->kind);

	if (!s)
		return -ENOMEM;
	s->inside_ns += sum->ns;
	if (key->outcome >= BB_OUT_MAX)
		return 0;
	s->count += sum->count;
	if (key->outcome >= BB_OUT_AGAIN)
		s->errors += sum->count;
	s->ns += sum->ns;
	if (sum->max_ns > s->max_ns)
		s->max_ns = sum->max_ns;
	s->amount += sum->amount;
	s->outcomes[key->outcome].count = sum->count;
	s->outcomes[key->outcome].ns = sum->ns;
	return 0;
}

int bb_build__open_call(struct bb_process *p, const struct bb_thread_sum *sum, uint64_t end)
{
	enum bb_call_kind kind;
	struct bb_syscall *s;
	int32_t nr = sum->sys_nr;
	uint64_t ns;

	if (sum->flags & (BB_TF_IGNORE | BB_TF_ENDED))
		return 0;
	if (sum->sys_enter) {
		ns = end > sum->sys_enter ? end - sum->sys_enter : 0;
	} else if (nr == -1 && sum->on == BB_STATE_OFF && sum->nr >= 0 &&
		   !(sum->flags & BB_TF_BORN)) {
		nr = sum->nr;
		ns = sum->off_ns + (end - sum->since);
	} else {
		return 0;
	}
	if (bb_sysclass__restarts(nr) && sum->restart_bucket)
		nr = sum->restart_nr;
	/* of 32 bits it has another name, which is not known: as the kernel's side has it */
	if (nr < 0 || nr >= BB_SYSCALL_MAX)
		nr = BB_NR_OTHER;
	kind = bb_syscall__kind(nr);
	/* its command is not known; what takes its time is to wait */
	if (kind == BB_CALL_FUTEX)
		kind = BB_CALL_FUTEX_WAIT;
	s = bb_process__syscall(p, nr, kind);
	if (!s)
		return -ENOMEM;
	s->inside_ns += ns;
	return 0;
}
