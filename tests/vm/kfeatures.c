// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Asks the running kernel what it can do, by doing it: loads each object of kfeatures.bpf.c,
 * attaches it, and looks whether the program's own check came true.
 *
 * usage: kfeatures FOLDER     (of NAME.bpf.o)
 *        kfeatures -l         print how many BPF programs, maps and links the kernel holds
 *
 * prints   feature NAME yes|load|attach|never DETAIL     (how far it came)
 *          field STRUCT.MEMBER OFFSET SIZE|-              (from the kernel's BTF; bits as SIZE
 * "1b") var NAME yes|no
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KF_MAGIC     0x6b66656174757265ULL
#define KF_READ_SIZE 4242

/* The reader blocks in read(fd, buf, 4242): a number that the BPF side finds in its registers. */
static uint64_t buf[(KF_READ_SIZE + 7) / 8];
static int pipe_fds[2];
static pid_t reader;

/* what the verifier or libbpf said last; quiet until a load fails */
static char last_words[512];

static int keep_words(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char line[512];

	if (level > LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	if (!last_words[0])
		strcpy(last_words, line);
	return 0;
}

static void die(const char *what)
{
	fprintf(stderr, "kfeatures: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void start_reader(void)
{
	if (pipe(pipe_fds))
		die("pipe");
	buf[0] = KF_MAGIC;
	reader = fork();
	if (reader < 0)
		die("fork");
	if (reader)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(pipe_fds[1]);
	/* one byte a read, and it lands past the magic */
	while (syscall(SYS_read, pipe_fds[0], buf, KF_READ_SIZE) > 0)
		buf[0] = KF_MAGIC;
	_exit(0);
}

/* n rounds of: the reader wakes, reads, blocks again */
static void poke(int n)
{
	struct timespec gap = { .tv_nsec = 10 * 1000 * 1000 };
	char byte = 'k';

	while (n--) {
		if (write(pipe_fds[1], &byte, 1) != 1)
			die("write");
		nanosleep(&gap, NULL);
	}
}

static void fork_once(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void run_iter(struct bpf_link *link)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	char byte;

	if (fd < 0)
		return;
	while (read(fd, &byte, 1) > 0 || errno == EAGAIN)
		;
	close(fd);
}

static struct bpf_link *attach_cpu_clock(struct bpf_program *prog)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = 99,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);

	if (fd < 0)
		return NULL;
	return bpf_program__attach_perf_event(prog, fd);
}

static void burn(int ms)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	do {
		clock_gettime(CLOCK_MONOTONIC, &b);
	} while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < ms);
}

static bool btf_has_func(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* the object's .rodata comes first, but not all of it is ours: place values by its BTF */
static void set_rodata(struct bpf_object *obj, const char *name, const void *value, size_t size)
{
	const struct btf *btf = bpf_object__btf(obj);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *sec = id > 0 ? btf__type_by_id(btf, id) : NULL;
	struct bpf_map *map;
	size_t len;
	char *data;
	int i;

	bpf_object__for_each_map (map, obj) {
		if (!strstr(bpf_map__name(map), ".rodata") || !sec)
			continue;
		data = (char *)bpf_map__initial_value(map, &len);
		for (i = 0; i < btf_vlen(sec); i++) {
			const struct btf_var_secinfo *v = btf_var_secinfos(sec) + i;
			const struct btf_type *var = btf__type_by_id(btf, v->type);

			if (!strcmp(btf__name_by_offset(btf, var->name_off), name) &&
			    v->offset + size <= len)
				memcpy(data + v->offset, value, size);
		}
	}
}

/* The verifier's verdict is the line before its statistics. */
static const char *verdict_line(char *log)
{
	char *line = NULL, *next;

	for (; log && *log; log = next) {
		next = strchr(log, '\n');
		if (next)
			*next++ = '\0';
		if (!strncmp(log, "processed ", 10))
			break;
		if (*log)
			line = log;
	}
	return line ? line : last_words;
}

static void try_feature(const char *folder, const char *file, const struct btf *kernel)
{
	static char log[4 << 20];
	char path[512], name[64];
	struct bpf_object *obj;
	struct bpf_program *prog;
	struct bpf_link *link = NULL;
	struct bpf_map *map;
	uint64_t out[8] = { 0 }, addr = (uint64_t)(uintptr_t)buf;
	bool have_cast = btf_has_func(kernel, "bpf_rdonly_cast");
	const char *sec;
	uint32_t zero = 0;
	int err;

	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(".bpf.o")), file);
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	last_words[0] = '\0';
	log[0] = '\0';
	obj = bpf_object__open_file(path, NULL);
	if (!obj) {
		fprintf(stderr, "kfeatures: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	set_rodata(obj, "cfg_tid", &reader, sizeof(int));
	set_rodata(obj, "cfg_buf", &addr, sizeof(addr));
	set_rodata(obj, "cfg_have_rdonly_cast", &have_cast, sizeof(have_cast));

	prog = bpf_object__next_program(obj, NULL);
	/* level 0: libbpf asks for a log only when a load has failed, and a full one is a failure
	 * too */
	bpf_program__set_log_buf(prog, log, sizeof(log));
	err = bpf_object__load(obj);
	if (err) {
		printf("feature %s load %s: %s\n", name, strerror(-err), verdict_line(log));
		goto out;
	}
	sec = bpf_program__section_name(prog);
	link = !strcmp(sec, "perf_event") ? attach_cpu_clock(prog) : bpf_program__attach(prog);
	if (!link) {
		printf("feature %s attach %s\n", name, strerror(errno));
		goto out;
	}
	if (!strncmp(sec, "iter", 4)) {
		run_iter(link);
	} else if (!strcmp(sec, "perf_event")) {
		/* the event is on CPU 0, where the kernel may not run us: the interrupt comes
		 * anyway */
		burn(200);
	} else {
		poke(10);
		fork_once();
	}
	bpf_object__for_each_map (map, obj)
		if (strstr(bpf_map__name(map), ".bss"))
			bpf_map_lookup_elem(bpf_map__fd(map), &zero, out);
	printf("feature %s %s %llu %llu %llu %llu\n", name, out[0] ? "yes" : "never",
	       (unsigned long long)out[0], (unsigned long long)out[1], (unsigned long long)out[2],
	       (unsigned long long)out[3]);
out:
	bpf_link__destroy(link);
	bpf_object__close(obj);
	fflush(stdout);
}

/* Before 5.11 a map is charged to RLIMIT_MEMLOCK, after that to the memory cgroup. */
static void try_memlock(void)
{
	struct rlimit none = { 0 }, all = { RLIM_INFINITY, RLIM_INFINITY };
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1024,
	};
	int fd;

	setrlimit(RLIMIT_MEMLOCK, &none);
	/* not by bpf_map_create: libbpf raises the limit where it must */
	fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	printf("feature memlock_free %s %s\n", fd < 0 ? "load" : "yes",
	       fd < 0 ? strerror(errno) : "1");
	if (fd >= 0)
		close(fd);
	setrlimit(RLIMIT_MEMLOCK, &all);
}

static void try_batch(void)
{
	uint32_t keys[8], key = 1, n = 8, next;
	uint64_t values[8], value = 2;
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "kf", 4, 8, 8, NULL);
	int err;

	if (fd < 0 || bpf_map_update_elem(fd, &key, &value, 0))
		die("a plain hash");
	err = bpf_map_lookup_batch(fd, NULL, &next, keys, values, &n, NULL);
	if (err && errno != ENOENT)
		printf("feature hash_lookup_batch load %s\n", strerror(errno));
	else
		printf("feature hash_lookup_batch %s %u\n",
		       n == 1 && values[0] == 2 ? "yes" : "never", n);
	close(fd);
}

static void try_stats(void)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	printf("feature enable_stats %s %s\n", fd < 0 ? "load" : "yes",
	       fd < 0 ? strerror(errno) : "1");
	if (fd >= 0)
		close(fd);
}

/* Finds a member, through anonymous structs and unions too. Offset in bits, or -1. */
static long find_member(const struct btf *btf, uint32_t id, const char *member, long base,
			long *size, bool *bits)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	int i;

	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *name = btf__name_by_offset(btf, m->name_off);
		long at = base + btf_member_bit_offset(t, i);

		if (!strcmp(name, member)) {
			*bits = btf_member_bitfield_size(t, i) != 0;
			*size = *bits ? (long)btf_member_bitfield_size(t, i)
				      : (long)btf__resolve_size(btf, m->type);
			return at;
		}
		if (!name[0]) {
			int inner = btf__resolve_type(btf, m->type);

			if (inner > 0 && btf_is_composite(btf__type_by_id(btf, inner))) {
				at = find_member(btf, inner, member, at, size, bits);
				if (at >= 0)
					return at;
			}
		}
	}
	return -1;
}

static void print_field(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	bool bits = false;
	long at = -1, size = 0;

	if (id > 0 && !member[0]) {
		printf("field %s 0 %lld\n", type, (long long)btf__resolve_size(btf, id));
		return;
	}
	if (id > 0)
		at = find_member(btf, id, member, 0, &size, &bits);
	if (at < 0)
		printf("field %s.%s -\n", type, member);
	else if (bits)
		printf("field %s.%s %ld+%ld %ldb\n", type, member, at / 8, at % 8, size);
	else
		printf("field %s.%s %ld %ld\n", type, member, at / 8, size);
}

static const char *const fields[][2] = {
	{ "task_struct", "__state" },
	{ "task_struct", "state" },
	{ "task_struct", "stack" },
	{ "task_struct", "sched_info" },
	{ "task_struct", "in_iowait" },
	{ "task_struct", "frozen" },
	{ "task_struct", "jobctl" },
	{ "task_struct", "flags" },
	{ "task_struct", "ptrace" },
	{ "task_struct", "exit_state" },
	{ "task_struct", "start_time" },
	{ "task_struct", "start_boottime" },
	{ "task_struct", "nvcsw" },
	{ "task_struct", "nivcsw" },
	{ "task_struct", "files" },
	{ "task_struct", "signal" },
	{ "task_struct", "group_leader" },
	{ "task_struct", "thread_pid" },
	{ "task_struct", "on_cpu" },
	{ "task_struct", "on_rq" },
	{ "task_struct", "cpu" },
	{ "task_struct", "recent_used_cpu" },
	{ "task_struct", "thread_info" },
	{ "thread_info", "cpu" },
	{ "thread_info", "status" },
	{ "sched_info", "run_delay" },
	{ "sched_info", "last_queued" },
	{ "sched_info", "last_arrival" },
	{ "sched_info", "pcount" },
	{ "sched_entity", "sum_exec_runtime" },
	{ "sched_entity", "exec_start" },
	{ "cfs_rq", "throttled" },
	{ "cfs_rq", "throttle_count" },
	{ "cfs_rq", "throttled_clock" },
	{ "rq", "clock" },
	{ "rq", "clock_task" },
	{ "pt_regs", "" },
	{ "pt_regs", "orig_ax" },
	{ "files_struct", "fdt" },
	{ "fdtable", "fd" },
	{ "fdtable", "max_fds" },
	{ "file", "f_inode" },
	{ "file", "f_op" },
	{ "file", "private_data" },
	{ "inode", "i_mode" },
	{ "inode", "i_rdev" },
	{ "socket", "sk" },
	{ "sock_common", "skc_family" },
	{ "sock_common", "skc_state" },
	{ "task_struct", "" },
};

static void print_btf(const struct btf *btf)
{
	size_t i;

	printf("var runqueues %s\n",
	       btf__find_by_name_kind(btf, "runqueues", BTF_KIND_VAR) > 0 ? "yes" : "no");
	printf("var cpu_tss_rw %s\n",
	       btf__find_by_name_kind(btf, "cpu_tss_rw", BTF_KIND_VAR) > 0 ? "yes" : "no");
	printf("func bpf_rdonly_cast %s\n", btf_has_func(btf, "bpf_rdonly_cast") ? "yes" : "no");
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		print_field(btf, fields[i][0], fields[i][1]);
}

/* How many objects of a kind are there? Their ids are walked, as bpftool does. */
static int count_ids(int (*next)(__u32 id, __u32 *next_id))
{
	__u32 id = 0;
	int n = 0;

	while (next(id, &id) == 0)
		n++;
	return errno == ENOENT ? n : -errno;
}

static int by_name(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 6 && !strcmp(d->d_name + n - 6, ".bpf.o");
}

int main(int argc, char **argv)
{
	struct dirent **files;
	struct btf *btf;
	int i, n;

	if (argc != 2) {
		fprintf(stderr, "usage: kfeatures FOLDER | -l\n");
		return 2;
	}
	if (!strcmp(argv[1], "-l")) {
		printf("programs %d maps %d links %d\n", count_ids(bpf_prog_get_next_id),
		       count_ids(bpf_map_get_next_id), count_ids(bpf_link_get_next_id));
		return 0;
	}
	libbpf_set_print(keep_words);
	btf = btf__load_vmlinux_btf();
	if (!btf)
		die("the kernel's BTF");
	try_memlock();
	start_reader();
	n = scandir(argv[1], &files, by_name, alphasort);
	if (n <= 0)
		die(argv[1]);
	for (i = 0; i < n; i++) {
		try_feature(argv[1], files[i]->d_name, btf);
		free(files[i]);
	}
	free(files);
	try_batch();
	try_stats();
	print_btf(btf);
	btf__free(btf);
	close(pipe_fds[1]);
	waitpid(reader, NULL, 0);
	return 0;
}
