// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h; field 9 of /proc/PID/stat */
#define FILE_MAX   (4 << 20)

char *bb_procfs__read(const char *path, size_t *len)
{
	size_t have = 0, room = 4096;
	char *buf = malloc(room + 1), *more;
	int fd, err = 0;

	if (!buf)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = errno;
		goto out;
	}
	for (;;) {
		ssize_t n = read(fd, buf + have, room - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = errno;
		if (n <= 0)
			break;
		have += (size_t)n;
		if (have < room)
			continue;
		if (room >= FILE_MAX)
			break;
		more = realloc(buf, room * 2 + 1);
		if (!more) {
			err = ENOMEM;
			break;
		}
		buf = more;
		room *= 2;
	}
	close(fd);
out:
	if (err) {
		free(buf);
		errno = err;
		return NULL;
	}
	buf[have] = '\0';
	if (len)
		*len = have;
	return buf;
}

static char *read_of(pid_t pid, const char *name, size_t *len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return bb_procfs__read(path, len);
}

/*
 * ppid and flags. The comm in parentheses may hold anything, so fields are
 * counted from the last ')'.
 */
static int read_stat(pid_t pid, struct bb_process *p)
{
	char *s = read_of(pid, "stat", NULL), *at;
	unsigned int flags = 0;
	int ppid = 0;

	if (!s)
		return errno == ENOMEM ? -ENOMEM : -ESRCH;
	at = strrchr(s, ')');
	if (at && sscanf(at + 1, " %*c %d %*d %*d %*d %*d %u", &ppid, &flags) == 2) {
		p->ppid = ppid;
		p->kernel_thread = flags & PF_KTHREAD;
	}
	free(s);
	return 0;
}

static int read_cmdline(pid_t pid, struct bb_process *p)
{
	size_t len, nr = 0, i = 0;
	char *s = read_of(pid, "cmdline", &len);

	if (!s)
		return errno == ENOMEM ? -ENOMEM : 0;
	/* setproctitle() pads with NULs */
	while (len > 1 && !s[len - 1] && !s[len - 2])
		len--;
	for (size_t at = 0; at < len; at += strlen(s + at) + 1)
		nr++;
	if (nr) {
		p->cmdline = calloc(nr + 1, sizeof(char *));
		for (size_t at = 0; p->cmdline && at < len && i < nr; at += strlen(s + at) + 1) {
			p->cmdline[i] = strdup(s + at);
			if (!p->cmdline[i++])
				break;
		}
	}
	free(s);
	return nr && (!p->cmdline || !p->cmdline[i - 1]) ? -ENOMEM : 0;
}

static void read_comm(pid_t pid, struct bb_process *p)
{
	size_t len;
	char *s = read_of(pid, "comm", &len);

	if (!s)
		return;
	if (len && s[len - 1] == '\n')
		len--;
	if (len > BB_COMM_LEN - 1)
		len = BB_COMM_LEN - 1;
	memcpy(p->comm, s, len);
	p->comm[len] = '\0';
	free(s);
}

static void read_exe(pid_t pid, struct bb_process *p)
{
	char path[64], target[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	p->exe = strdup(target);
}

static void read_rss(pid_t pid, struct bb_process *p)
{
	char *s = read_of(pid, "statm", NULL);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long pages, shared;

	p->rss_bytes = p->private_bytes = BB_UNKNOWN_U64;
	if (s && sscanf(s, "%*u %lu %lu", &pages, &shared) == 2) {
		p->rss_bytes = pages * page;
		/* the two are not read at one moment */
		p->private_bytes = pages > shared ? (pages - shared) * page : 0;
	}
	free(s);
}

/* A container's id: 64 hex digits in the cgroup's path (docker, podman, containerd, CRI-O). */
static void find_container(struct bb_process *p)
{
	const char *s = p->cgroup;
	size_t run = 0;

	if (!s)
		return;
	for (; *s; s++) {
		run = isxdigit((unsigned char)*s) ? run + 1 : 0;
		if (run == 64 && !isxdigit((unsigned char)s[1])) {
			p->container = strndup(s - 63, 64);
			return;
		}
	}
}

/* Does the comma-separated list @list hold @word? */
static bool has_word(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word);

	while (len) {
		const char *comma = memchr(list, ',', len);
		size_t part = comma ? (size_t)(comma - list) : len;

		if (part == n && !memcmp(list, word, n))
			return true;
		if (!comma)
			break;
		list += part + 1;
		len -= part + 1;
	}
	return false;
}

struct cgroup_paths {
	char *v2;  /* path in the unified hierarchy */
	char *cpu; /* path in version 1's cpu hierarchy */
};

static void read_cgroups(pid_t pid, struct cgroup_paths *c)
{
	char *s = read_of(pid, "cgroup", NULL), *line, *save = NULL;

	memset(c, 0, sizeof(*c));
	if (!s)
		return;
	for (line = strtok_r(s, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':'), *path;

		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		controllers++;
		if (path == controllers && !c->v2)
			c->v2 = strdup(path + 1);
		else if (has_word(controllers, (size_t)(path - controllers), "cpu") && !c->cpu)
			c->cpu = strdup(path + 1);
	}
	free(s);
}

/* Where a cgroup hierarchy is mounted: "cgroup2", or "cgroup" with the cpu controller. */
static bool find_mount(const char *type, const char *option, char *dir, size_t len)
{
	char *s = bb_procfs__read("/proc/self/mounts", NULL), *line, *save = NULL;
	bool found = false;

	if (!s)
		return false;
	for (line = strtok_r(s, "\n", &save); line && !found; line = strtok_r(NULL, "\n", &save)) {
		char at[1024], fs[64], opts[1024];

		if (sscanf(line, "%*s %1023s %63s %1023s", at, fs, opts) != 3 || strcmp(fs, type))
			continue;
		if (option && !has_word(opts, strlen(opts), option))
			continue;
		found = (size_t)snprintf(dir, len, "%s", at) < len;
	}
	free(s);
	return found;
}

static double quota_at(const char *dir, bool v2)
{
	char path[8192], *s, *t;
	double quota = INFINITY;
	long long q, period;

	snprintf(path, sizeof(path), "%s/%s", dir, v2 ? "cpu.max" : "cpu.cfs_quota_us");
	s = bb_procfs__read(path, NULL);
	if (v2 && s && sscanf(s, "%lld %lld", &q, &period) == 2 && period > 0)
		quota = (double)q / (double)period;
	if (!v2 && s && sscanf(s, "%lld", &q) == 1 && q > 0) {
		snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
		t = bb_procfs__read(path, NULL);
		if (t && sscanf(t, "%lld", &period) == 1 && period > 0)
			quota = (double)q / (double)period;
		free(t);
	}
	free(s);
	return quota;
}

/* The least CPU quota of a cgroup and all above it, in CPUs; INFINITY where there is none. */
static double cgroup_quota(const char *mount, const char *cgroup, bool v2)
{
	char dir[4096];
	double least = INFINITY;
	size_t root = strlen(mount);

	if ((size_t)snprintf(dir, sizeof(dir), "%s%s", mount, cgroup) >= sizeof(dir))
		return INFINITY;
	for (;;) {
		char *slash;

		least = fmin(least, quota_at(dir, v2));
		slash = strrchr(dir, '/');
		if (!slash || (size_t)(slash - dir) < root)
			break;
		*slash = '\0';
	}
	return least;
}

static double affinity_cpus(pid_t pid)
{
	size_t size = CPU_ALLOC_SIZE(8192);
	cpu_set_t *set = CPU_ALLOC(8192);
	double n = NAN;

	if (!set)
		return NAN;
	/* the kernel answers with the CPUs that are online and allowed, cpusets included */
	if (!sched_getaffinity(pid, size, set))
		n = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return n;
}

static void find_cpus(pid_t pid, struct bb_process *p)
{
	struct cgroup_paths c;
	char mount[1024];
	double cpus = affinity_cpus(pid);

	p->cpus_unlimited = cpus;
	read_cgroups(pid, &c);
	if (c.v2 && find_mount("cgroup2", NULL, mount, sizeof(mount)))
		cpus = fmin(cpus, cgroup_quota(mount, c.v2, true));
	if (c.cpu && find_mount("cgroup", "cpu", mount, sizeof(mount)))
		cpus = fmin(cpus, cgroup_quota(mount, c.cpu, false));
	p->cpus_usable = cpus;
	p->cgroup = c.cpu && (!c.v2 || !strcmp(c.v2, "/")) ? c.cpu : c.v2;
	if (p->cgroup != c.cpu)
		free(c.cpu);
	else
		free(c.v2);
	find_container(p);
}

int bb_procfs__describe(pid_t pid, struct bb_process *p)
{
	int err = read_stat(pid, p);

	if (err)
		return err;
	read_comm(pid, p);
	read_exe(pid, p);
	read_rss(pid, p);
	find_cpus(pid, p);
	return read_cmdline(pid, p);
}

bool bb_procfs__fd_target(pid_t pid, int fd, char *buf, size_t len)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	n = readlink(path, buf, len - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool bb_procfs__same_pid_ns(pid_t pid)
{
	char path[32], its[64], ours[64];
	ssize_t n, m;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	n = readlink(path, its, sizeof(its));
	m = readlink("/proc/self/ns/pid", ours, sizeof(ours));
	return n > 0 && n == m && !memcmp(its, ours, (size_t)n);
}

int bb_procfs__each_number(const char *path, int (*fn)(int number, void *ctx), void *ctx)
{
	struct dirent *e;
	int err = 0;
	DIR *d = opendir(path);

	if (!d)
		return -errno;
	while (!err && (e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			err = fn(atoi(e->d_name), ctx);
	closedir(d);
	return err;
}

static int count(int number, void *ctx)
{
	(void)number;
	++*(long *)ctx;
	return 0;
}

long bb_procfs__threads(pid_t pid)
{
	char path[64];
	long n = 0;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	err = bb_procfs__each_number(path, count, &n);
	return err ? err : n;
}

int64_t bb_procfs__switches(pid_t tid)
{
	char *s = read_of(tid, "status", NULL), *at;
	int64_t voluntary, involuntary, sum = -ESRCH;

	if (!s)
		return -ESRCH;
	at = strstr(s, "\nvoluntary_ctxt_switches:");
	if (at &&
	    sscanf(at,
		   "\nvoluntary_ctxt_switches: %" SCNd64 " nonvoluntary_ctxt_switches: %" SCNd64,
		   &voluntary, &involuntary) == 2)
		sum = voluntary + involuntary;
	free(s);
	return sum;
}

pid_t bb_procfs__tgid(pid_t tid)
{
	char *s = read_of(tid, "status", NULL), *at;
	int tgid = -ESRCH;

	if (!s)
		return -ESRCH;
	at = strstr(s, "\nTgid:");
	if (at)
		sscanf(at, "\nTgid: %d", &tgid);
	free(s);
	return tgid;
}

uint64_t bb_procfs__busy_ns(void)
{
	unsigned long long user, nice, sys, idle, iowait, irq, softirq;
	char *s = bb_procfs__read("/proc/stat", NULL);
	uint64_t ns = BB_UNKNOWN_U64;

	if (s && sscanf(s, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &sys, &idle,
			&iowait, &irq, &softirq) == 7)
		ns = (user + nice + sys + irq + softirq) *
		     (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
	free(s);
	return ns;
}
