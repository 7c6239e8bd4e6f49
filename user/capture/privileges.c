// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "privileges.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

#include "../util/err.h"

/* numbers of newer capabilities, where libcap's headers are older (linux/capability.h) */
#ifndef CAP_PERFMON
#define CAP_PERFMON            38
#define CAP_BPF                39
#define CAP_CHECKPOINT_RESTORE 40
#endif

static struct bb_capability table[] = {
	{ "CAP_BPF", CAP_BPF, "load BPF programs and make their maps", true, false },
	{ "CAP_PERFMON", CAP_PERFMON,
	  "attach to the scheduler's tracepoints and read kernel memory", true, false },
	{ "CAP_SYS_PTRACE", CAP_SYS_PTRACE,
	  "read the memory and descriptors of other users' processes, and of one's own where "
	  "kernel.yama.ptrace_scope is not 0",
	  false, false },
	{ "CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE,
	  "open programs in other mount namespaces through /proc/PID/map_files", false, false },
	{ "CAP_SYS_RESOURCE", CAP_SYS_RESOURCE,
	  "raise the memlock limit, to which kernels before 5.11 charge maps", false, false },
	{ "CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH,
	  "read programs and /proc files that are not readable for all", false, false },
};

static bool have(cap_t caps, int cap)
{
	cap_flag_value_t v = CAP_CLEAR;

	return !cap_get_flag(caps, cap, CAP_EFFECTIVE, &v) && v == CAP_SET;
}

const struct bb_capability *bb_privileges__list(size_t *nr)
{
	cap_t caps = cap_get_proc();

	*nr = sizeof(table) / sizeof(table[0]);
	for (size_t i = 0; i < *nr; i++) {
		/* CAP_SYS_ADMIN includes the capabilities that were split from it */
		bool admin = table[i].value == CAP_BPF || table[i].value == CAP_PERFMON ||
			     table[i].value == CAP_CHECKPOINT_RESTORE;

		table[i].have = caps && (have(caps, table[i].value) ||
					 (admin && have(caps, CAP_SYS_ADMIN)));
	}
	if (caps)
		cap_free(caps);
	return table;
}

int bb_privileges__check(void)
{
	const struct bb_capability *c;
	char missing[128] = "";
	size_t nr;

	c = bb_privileges__list(&nr);
	for (size_t i = 0; i < nr; i++) {
		if (!c[i].required || c[i].have)
			continue;
		if (missing[0])
			strcat(missing, " and ");
		strcat(missing, c[i].name);
	}
	if (!missing[0])
		return 0;
	bb_error("not permitted to trace: %s missing; run it with sudo, or see 'boundby doctor' "
		 "for the capabilities to give",
		 missing);
	return -EPERM;
}

int bb_privileges__drop(bool keep_files)
{
	/* to attach wake-ups later, read maps on kernels before 5.19, and look at targets */
	static const cap_value_t keep[] = { CAP_BPF,
					    CAP_PERFMON,
					    CAP_SYS_PTRACE,
					    CAP_CHECKPOINT_RESTORE,
					    CAP_DAC_READ_SEARCH,
					    CAP_DAC_OVERRIDE,
					    CAP_SYS_ADMIN };
	int nr = keep_files ? 6 : 5, err = 0;
	cap_t old = cap_get_proc(), new = cap_init();

	if (!old || !new) {
		err = -ENOMEM;
		goto out;
	}
	/* given only CAP_SYS_ADMIN, it has to stand for the others */
	if (!have(old, CAP_BPF) || !have(old, CAP_PERFMON))
		goto out;
	for (int i = 0; i < nr; i++) {
		cap_flag_value_t v = CAP_CLEAR;

		if (cap_get_flag(old, keep[i], CAP_PERMITTED, &v) || v != CAP_SET)
			continue;
		if (cap_set_flag(new, CAP_PERMITTED, 1, &keep[i], CAP_SET) ||
		    cap_set_flag(new, CAP_EFFECTIVE, 1, &keep[i], CAP_SET)) {
			err = -errno;
			goto out;
		}
	}
	if (cap_set_proc(new))
		err = -errno;
out:
	if (old)
		cap_free(old);
	if (new)
		cap_free(new);
	return err;
}
