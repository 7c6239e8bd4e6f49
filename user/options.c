// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/num.h"

#define DEFAULT_DURATION_NS (10 * 1000000000ULL)
#define IDS_MAX             1024

const char *argp_program_version = "boundby " BB_VERSION;

static const char doc[] =
	"Say what a live process is bound by: the GIL, a lock, I/O, the CPUs, or nothing."
	"\v"
	"Examples:\n"
	"  boundby -p 4242             watch process 4242 for 10 seconds, and say\n"
	"  boundby -p 4242 -C -d 30    with its descendants, for 30 seconds\n"
	"  boundby -p 4242 -i 1        a line every second, until Ctrl-C\n"
	"  boundby -p 4242 -f json     for programs; --json-schema describes it\n"
	"  boundby -- python3 work.py  run a command, and say when it ends\n"
	"  boundby doctor              what this kernel and these privileges allow\n"
	"\n"
	"Exit status: 0 a verdict; 1 failure; 2 usage; 3 the target was not there or ended before "
	"anything could be measured; 4 a verdict from incomplete data.";

static const char args_doc[] = "-p PID[,PID...]\n-- COMMAND [ARG...]\ndoctor";

enum {
	OPT_SYSCALLS = 1000,
	OPT_STACKS,
	OPT_EXIT_CODE,
	OPT_SCHEMA,
	OPT_COLOR,
	OPT_ALL_THREADS,
	OPT_EXPLAIN,
	OPT_TEST_ENTRIES,
	OPT_TEST_NO_CODE,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to watch:", 1 },
	{ "pid", 'p', "PID[,PID...]", 0, "These processes; may be given several times", 1 },
	{ "tid", 't', "TID[,TID...]", 0, "Only these threads", 1 },
	{ "children", 'C', NULL, 0, "With descendants, those forked in the window included", 1 },
	{ NULL, 0, NULL, 0, "How long:", 2 },
	{ "duration", 'd', "SECS", 0, "Length of the window (default: 10 s; units ms, s, m, h)",
	  2 },
	{ "interval", 'i', "SECS", 0,
	  "A line, or JSON object, per interval; without -d until Ctrl-C", 2 },
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "format", 'f', "FORMAT", 0,
	  "text (default), json or prometheus; for flame graphs folded, or of it folded-offcpu, "
	  "folded-oncpu or folded-wakeup alone",
	  3 },
	{ "output", 'o', "FILE", 0, "Write to a new file, whole or not at all", 3 },
	{ "color", OPT_COLOR, "WHEN", 0, "auto (default), always or never", 3 },
	{ "all-threads", OPT_ALL_THREADS, NULL, 0, "Text: show every thread", 3 },
	{ "explain", OPT_EXPLAIN, NULL, 0, "Say step by step how the verdict was reached", 3 },
	{ "json-schema", OPT_SCHEMA, NULL, 0, "Print the JSON Schema of -f json and exit", 3 },
	{ "verbose", 'v', NULL, 0, "Say more on standard error", 3 },
	{ "quiet", 'q', NULL, 0, "Say only errors on standard error", 3 },
	{ NULL, 0, NULL, 0, "Measuring:", 4 },
	{ "syscalls", OPT_SYSCALLS, "WHEN", 0,
	  "Trace system calls: auto (default: off again where it costs too much), on or off", 4 },
	{ "stacks", OPT_STACKS, NULL, 0,
	  "In which code threads block, run and are woken, with the kernel's part", 4 },
	{ "exit-code", OPT_EXIT_CODE, NULL, 0, "Exit with the status of COMMAND", 4 },
	{ "test-map-entries", OPT_TEST_ENTRIES, "MAP=N", OPTION_HIDDEN, NULL, 4 },
	{ "test-no-code", OPT_TEST_NO_CODE, NULL, OPTION_HIDDEN, NULL, 4 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

/* A list of ids, appended to @ids. Zero, negative numbers and text are usage errors. */
static void parse_ids(struct argp_state *state, const char *arg, const char *what, pid_t **ids,
		      size_t *nr)
{
	char *list = strdup(arg), *save = NULL, *s;
	pid_t *more;
	int64_t v;

	if (!list)
		argp_failure(state, BB_EXIT_FAILURE, ENOMEM, "%s", what);
	if (!*list || list[0] == ',' || strstr(list, ",,") || list[strlen(list) - 1] == ',')
		argp_error(state, "bad %s '%s': give numbers, with commas between", what, arg);
	for (s = strtok_r(list, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		int err = bb_num__int(s, 1, INT_MAX, &v);

		if (err)
			argp_error(state, "bad %s '%s': %s", what, s,
				   err == -ERANGE ? "give a number of 1 or more" : "not a number");
		if (*nr >= IDS_MAX)
			argp_error(state, "more than %d of %s", IDS_MAX, what);
		more = realloc(*ids, (*nr + 1) * sizeof(**ids));
		if (!more)
			argp_failure(state, BB_EXIT_FAILURE, ENOMEM, "%s", what);
		*ids = more;
		more[(*nr)++] = (pid_t)v;
	}
	free(list);
}

static uint64_t parse_seconds(struct argp_state *state, const char *arg, const char *what)
{
	uint64_t ns;
	int err = bb_num__seconds(arg, &ns);

	if (err)
		argp_error(state, "bad %s '%s': %s", what, arg,
			   err == -ERANGE ? "it must be above 0, and 7 days at most"
					  : "give seconds, such as 10, 0.5 or 500ms");
	return ns;
}

/* One of several words, "a|b|c"; returns which. */
static int parse_word(struct argp_state *state, const char *arg, const char *what,
		      const char *words)
{
	const char *w = words;

	for (int i = 0; *w; i++) {
		size_t len = strcspn(w, "|");

		if (strlen(arg) == len && !strncmp(arg, w, len))
			return i;
		w += len + (w[len] == '|');
	}
	argp_error(state, "bad %s '%s': it is one of %s", what, arg, words);
	return 0;
}

static void parse_entries(struct argp_state *state, const char *arg, struct bb_capture_opts *c)
{
	const struct {
		const char *name;
		uint32_t *val;
	} maps[] = { { "threads", &c->test_threads },   { "exited", &c->test_exited },
		     { "locks", &c->test_locks },       { "procs", &c->test_procs },
		     { "syscalls", &c->test_syscalls }, { "holders", &c->test_holders },
		     { "wakers", &c->test_wakers },     { "takers", &c->test_takers },
		     { "ends", &c->test_ends },         { "py_sums", &c->test_py_sums },
		     { "stacks", &c->test_stacks },     { "klocks", &c->test_klocks } };
	const char *eq = strchr(arg, '=');
	int64_t v;

	if (!eq || bb_num__int(eq + 1, 1, 1 << 20, &v))
		argp_error(state, "bad map size '%s': give MAP=N", arg);
	for (size_t i = 0; eq && i < sizeof(maps) / sizeof(maps[0]); i++)
		if (strlen(maps[i].name) == (size_t)(eq - arg) &&
		    !strncmp(arg, maps[i].name, (size_t)(eq - arg))) {
			*maps[i].val = (uint32_t)v;
			return;
		}
	argp_error(state, "no map '%s'", arg);
}

static void check(struct argp_state *state, struct bb_options *o)
{
	o->capture.pids = o->pids;
	o->capture.tids = o->tids;
	o->capture.keep_files = o->output && strcmp(o->output, "-");
	if (o->action != BB_ACTION_DIAGNOSE)
		return;
	if (!o->capture.nr_pids && !o->capture.nr_tids && !o->capture.command)
		argp_error(state, "nothing to watch: give -p PID, or -- COMMAND");
	if (o->capture.command && (o->capture.nr_pids || o->capture.nr_tids))
		argp_error(state, "-p and -t do not go with a command to run");
	if (o->exit_code && !o->capture.command)
		argp_error(state, "--exit-code goes with -- COMMAND");
	if (o->interval_ns && o->duration_set && o->interval_ns > o->duration_ns)
		argp_error(state, "the interval is longer than the window");
	if (o->explain && o->format >= BB_FORMAT_PROMETHEUS)
		argp_error(state, "--explain goes with -f text and -f json");
	if (o->explain && o->interval_ns && o->format == BB_FORMAT_TEXT)
		argp_error(state,
			   "--explain goes with -i in -f json only: a line has no room for it");
	if (o->interval_ns && o->format == BB_FORMAT_PROMETHEUS)
		argp_error(state, "-i does not go with -f prometheus: a scrape is one report");
	if (o->interval_ns && o->format >= BB_FORMAT_FOLDED)
		argp_error(state, "-i does not go with -f folded: a flame graph is of one window");
	o->capture.stacks |= o->format >= BB_FORMAT_FOLDED;
	/* a command is watched until it ends, intervals until somebody stops them */
	if (!o->duration_set && !o->capture.command && !o->interval_ns)
		o->duration_ns = DEFAULT_DURATION_NS;
	/* an interval is a slice itself */
	o->capture.slices = !o->interval_ns;
	o->capture.window_ns = o->duration_ns;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct bb_options *o = state->input;

	switch (key) {
	case 'p':
		parse_ids(state, arg, "pid", &o->pids, &o->capture.nr_pids);
		break;
	case 't':
		parse_ids(state, arg, "tid", &o->tids, &o->capture.nr_tids);
		break;
	case 'C':
		o->capture.children = true;
		break;
	case 'd':
		o->duration_ns = parse_seconds(state, arg, "duration");
		o->duration_set = true;
		break;
	case 'i':
		o->interval_ns = parse_seconds(state, arg, "interval");
		break;
	case 'f':
		o->format = parse_word(state, arg, "format",
				       "text|json|prometheus|folded|folded-offcpu|folded-oncpu|"
				       "folded-wakeup");
		break;
	case 'o':
		o->output = arg;
		break;
	case 'v':
		bb_talk_level(2);
		break;
	case 'q':
		bb_talk_level(0);
		break;
	case OPT_COLOR:
		o->color = parse_word(state, arg, "color", "auto|always|never");
		break;
	case OPT_ALL_THREADS:
		o->all_threads = true;
		break;
	case OPT_EXPLAIN:
		o->explain = true;
		break;
	case OPT_SCHEMA:
		o->action = BB_ACTION_SCHEMA;
		break;
	case OPT_SYSCALLS:
		o->capture.syscalls = parse_word(state, arg, "syscalls", "auto|on|off");
		break;
	case OPT_STACKS:
		o->capture.stacks = true;
		break;
	case OPT_EXIT_CODE:
		o->exit_code = true;
		break;
	case OPT_TEST_ENTRIES:
		parse_entries(state, arg, &o->capture);
		break;
	case OPT_TEST_NO_CODE:
		o->capture.test_no_code = true;
		break;
	case ARGP_KEY_ARGS:
		/* what follows "--" is a command; argp has taken the "--" itself away */
		if (!strcmp(state->argv[state->next - 1], "--"))
			o->capture.command = state->argv + state->next;
		else if (!strcmp(state->argv[state->next], "doctor") &&
			 state->next + 1 == state->argc)
			o->action = BB_ACTION_DOCTOR;
		else
			argp_error(state,
				   "what is '%s'? Processes are given with -p, commands after --",
				   state->argv[state->next]);
		break;
	case ARGP_KEY_END:
		check(state, o);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int bb_options__parse(struct bb_options *o, int argc, char **argv)
{
	static const struct argp argp = { options, parse_opt, args_doc, doc, NULL, NULL, NULL };

	argp_err_exit_status = BB_EXIT_USAGE;
	memset(o, 0, sizeof(*o));
	o->capture.test_hold = secure_getenv("BOUNDBY_TEST_HOLD");
	return argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o) ? BB_EXIT_USAGE : 0;
}

void bb_options__free(struct bb_options *o)
{
	free(o->pids);
	free(o->tids);
}
