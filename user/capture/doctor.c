// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel.h"
#include "privileges.h"
#include "procfs.h"

enum finding { GOOD, PARTLY, BAD };

static void line(enum finding f, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void line(enum finding f, const char *what, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "partly", "MISSING" };
	va_list ap;

	printf("%-8s %-24s ", words[f], what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static bool btf_has_value(const struct btf *btf, const char *name)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const struct btf_enum *e;

		if (!btf_is_enum(t))
			continue;
		e = btf_enum(t);
		for (int i = 0; i < btf_vlen(t); i++)
			if (!strcmp(btf__name_by_offset(btf, e[i].name_off), name))
				return true;
	}
	return false;
}

static int check_kernel(void)
{
	struct utsname u;
	struct btf *btf;
	int major = 0, minor = 0;
	bool old;

	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	old = major < 5 || (major == 5 && minor < 10);
	line(old ? BAD : GOOD, "kernel", "%s%s", u.release, old ? ": 5.10 or later is needed" : "");
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		line(BAD, "BTF",
		     "none at /sys/kernel/btf/vmlinux: boot a kernel with "
		     "CONFIG_DEBUG_INFO_BTF=y");
		return -ENOTSUP;
	}
	line(GOOD, "BTF", "/sys/kernel/btf/vmlinux");
	if (btf_has_value(btf, "BPF_FUNC_task_pt_regs"))
		line(GOOD, "saved registers", "by bpf_task_pt_regs (5.15)");
	else
		line(GOOD, "saved registers", "from the top of the kernel stack (before 5.15)");
	btf__free(btf);
	return old ? -ENOTSUP : 0;
}

static int check_privileges(void)
{
	const struct bb_capability *c;
	int err = 0;
	size_t nr;

	c = bb_privileges__list(&nr);
	for (size_t i = 0; i < nr; i++) {
		line(c[i].have       ? GOOD
		     : c[i].required ? BAD
				     : PARTLY,
		     c[i].name, "%s%s", c[i].why,
		     c[i].have       ? ""
		     : c[i].required ? ": required"
				     : ": not without it");
		if (c[i].required && !c[i].have)
			err = -EPERM;
	}
	if (err)
		printf("         > run with sudo, or give them: "
		       "sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace+ep boundby\n");
	return err;
}

static int nothing(const struct bb_leader_row *row, void *ctx)
{
	(void)row;
	(void)ctx;
	return 0;
}

/* Load and attach for real: a feature that only looks available is not. */
static int check_programs(void)
{
	struct bb_kernel_opts o = { .threads = 64,
				    .exited = 64,
				    .procs = 64,
				    .locks = 64,
				    .wakers = 64,
				    .takers = 64,
				    .klocks = 64,
				    .ends = 64,
				    .syscalls = 64,
				    .follow = true,
				    .trace_syscalls = true };
	struct bb_kernel *k = NULL;
	int err = bb_kernel__load(&k, &o);

	if (err) {
		line(BAD, "load programs", "%s", strerror(-err));
		return err;
	}
	line(GOOD, "load programs", "all");
	err = bb_kernel__attach(k);
	line(err ? BAD : GOOD, "tp_btf/sched_switch", err ? "%s" : "attached", strerror(-err));
	if (!err) {
		err = bb_kernel__survey(k, nothing, NULL);
		line(err ? BAD : GOOD, "task iterator", err ? "%s" : "works", strerror(-err));
	}
	if (!err) {
		line(bb_kernel__has_cas(k) ? GOOD : PARTLY, "compare-and-swap",
		     bb_kernel__has_cas(k)
			     ? "contended time is exact"
			     : "none before 5.12: contended time may miss single waits");
		line(bb_kernel__runq_exact(k) ? GOOD : PARTLY, "run-queue time",
		     bb_kernel__runq_exact(k)
			     ? "from the kernel's own run delay"
			     : "no CONFIG_FAIR_GROUP_SCHED: counted as part of the wait");
	}
	if (!err)
		line(bb_kernel__has_klocks(k) ? GOOD : PARTLY, "raw_tp/contention_begin",
		     bb_kernel__has_klocks(k)
			     ? "attached"
			     : "none before 5.19: nothing is told of the kernel's own locks");
	if (!err && bb_kernel__attach_wakers(k))
		line(PARTLY, "tp_btf/sched_waking",
		     "no: locks and queues are told apart less well");
	else if (!err)
		line(GOOD, "tp_btf/sched_waking", "attached");
	if (!err && bb_kernel__attach_syscalls(k))
		line(PARTLY, "tp_btf/sys_enter", "no: use --syscalls=off");
	else if (!err)
		line(GOOD, "tp_btf/sys_enter", "attached");
	bb_kernel__free(k);
	return err;
}

/* First line of a small file, or "" where it cannot be read. */
static void first_line(const char *path, char *buf, size_t len)
{
	char *s = bb_procfs__read(path, NULL);

	snprintf(buf, len, "%.*s", s ? (int)strcspn(s, "\n") : 0, s ? s : "");
	free(s);
}

static void check_surroundings(void)
{
	struct rlimit lim;
	struct stat st;
	char s[128];

	first_line("/proc/sys/kernel/yama/ptrace_scope", s, sizeof(s));
	if (s[0] && strcmp(s, "0"))
		line(PARTLY, "yama.ptrace_scope", "%s: reading memory needs CAP_SYS_PTRACE", s);
	else
		line(GOOD, "yama.ptrace_scope", "%s", s[0] ? s : "no Yama");
	first_line("/sys/kernel/security/lockdown", s, sizeof(s));
	if (strstr(s, "[confidentiality]"))
		line(BAD, "lockdown", "confidentiality: BPF cannot read memory");
	else
		line(GOOD, "lockdown", "%s", s[0] ? s : "not shown (securityfs is not mounted)");
	if (!getrlimit(RLIMIT_MEMLOCK, &lim))
		line(GOOD, "memlock limit", "%s",
		     lim.rlim_cur == RLIM_INFINITY ? "unlimited" : "limited, matters before 5.11");
	first_line("/proc/sys/kernel/bpf_stats_enabled", s, sizeof(s));
	line(GOOD, "BPF statistics",
	     !strcmp(s, "1") ? "on: overhead is measured"
			     : "off: sysctl kernel.bpf_stats_enabled=1 "
			       "to have our run time in the report");
	/* include/linux/proc_ns.h, PROC_PID_INIT_INO */
	if (!stat("/proc/self/ns/pid", &st) && st.st_ino != 0xEFFFFFFCU)
		line(GOOD, "PID namespace", "our own: processes are numbered as seen in here");
	else
		line(GOOD, "PID namespace", "the initial one");
	line(GOOD, "tracefs, bpffs", "not needed");
}

int bb_doctor(void)
{
	int err, priv;

	bb_kernel__quiet();
	err = check_kernel();
	priv = check_privileges();

	check_surroundings();
	if (!err && !priv)
		err = check_programs();
	else if (!err)
		err = priv;
	printf("\n%s\n",
	       err ? "boundby does not work here: see what is MISSING." : "boundby works here.");
	return fflush(stdout) ? -errno : err;
}
