// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* boundby: say what a live process is bound by. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/doctor.h"
#include "capture/sysclass.h"
#include "diagnose/diagnosis.h"
#include "emit/emit.h"
#include "model/code.h"
#include "model/delta.h"
#include "options.h"
#include "util/err.h"
#include "util/outfile.h"

static const char schema[] =
#include "schema.h"
	;

static bool use_color(const struct bb_options *o, FILE *out)
{
	const char *no = getenv("NO_COLOR");

	if (o->color != BB_COLOR_AUTO)
		return o->color == BB_COLOR_ALWAYS;
	return out == stdout && isatty(STDOUT_FILENO) && !(no && *no);
}

static int emit(const struct bb_options *o, FILE *out, const struct bb_record *rec,
		const struct bb_diagnosis *diag, bool compact)
{
	struct bb_emit_opts e = {
		.color = use_color(o, out),
		.all_threads = o->all_threads,
		.explain = o->explain,
		.width = 80,
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
		.compact = compact,
		.syscall_name = bb_syscall__name,
		.version = BB_VERSION,
	};

	if (o->format >= BB_FORMAT_FOLDED) {
		e.folded = (enum bb_folded_kind)(o->format - BB_FORMAT_FOLDED);
		return bb_emit__folded(out, rec, diag, &e);
	}
	switch (o->format) {
	case BB_FORMAT_JSON:
		return bb_emit__json(out, rec, diag, &e);
	case BB_FORMAT_PROMETHEUS:
		return bb_emit__prometheus(out, rec, diag, &e);
	default:
		return bb_emit__text(out, rec, diag, &e);
	}
}

/* Settle, judge and print @rec. @incomplete is set where losses touch the verdict. */
static int report(const struct bb_options *o, FILE *out, struct bb_record *rec, bool compact,
		  bool *incomplete)
{
	struct bb_diagnosis diag;
	int err = 0;

	for (size_t i = 0; i < rec->nr_processes && !err; i++)
		err = bb_code__settle(&rec->processes[i]);
	if (!err)
		err = bb_diagnose(rec, &diag);
	if (err)
		return err;
	*incomplete |= diag.incomplete;
	err = emit(o, out, rec, &diag, compact);
	if (!err && fflush(out))
		err = -errno;
	bb_diagnosis__free(&diag);
	return err;
}

/* Report what happened since @earlier (NULL: since the start), of all of it in @rec. */
static int report_since(const struct bb_options *o, FILE *out, const struct bb_record *rec,
			const struct bb_record *earlier, bool *incomplete)
{
	struct bb_record *part;
	int err = 0;

	/* a copy: the next interval is what is more than this, before it was settled */
	part = bb_record__copy(rec);
	if (!part)
		return -ENOMEM;
	if (earlier)
		bb_record__subtract(part, earlier);
	if (part->window.ns)
		err = report(o, out, part, true, incomplete);
	bb_record__free(part);
	return err;
}

/* A line per interval, until the time is up or the targets end. */
static int intervals(const struct bb_options *o, struct bb_capture *c, FILE *out, bool *incomplete,
		     int *status)
{
	uint64_t start = bb_capture__start_ns(c), next = start, end = UINT64_MAX;
	struct bb_record *earlier = NULL, *rec = NULL;
	int err = 0;
	bool last;

	if (o->duration_ns)
		end = start + o->duration_ns;
	do {
		next += o->interval_ns;
		err = bb_capture__wait(c, next < end ? next : end);
		if (err < 0)
			break;
		last = err != BB_CAPTURE_TIME || next >= end;
		err = bb_capture__read(c, last, &rec);
		if (!err)
			err = report_since(o, out, rec, earlier, incomplete);
		if (!err)
			*status = rec->command_status;
		bb_record__free(earlier);
		earlier = rec;
		rec = NULL;
	} while (!err && !last);
	bb_record__free(earlier);
	return err;
}

static int one_window(const struct bb_options *o, struct bb_capture *c, FILE *out, bool *incomplete,
		      int *status)
{
	uint64_t end = o->duration_ns ? bb_capture__start_ns(c) + o->duration_ns : UINT64_MAX;
	struct bb_record *rec = NULL;
	int err = bb_capture__wait(c, end);

	if (err < 0)
		return err;
	err = bb_capture__read(c, true, &rec);
	if (!err) {
		rec->window.asked_ns = o->duration_ns;
		*status = rec->command_status;
		err = report(o, out, rec, false, incomplete);
	}
	bb_record__free(rec);
	return err;
}

static int command_exit(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void tell_command(const struct bb_options *o, int status)
{
	if (status < 0 || !status)
		return;
	if (WIFSIGNALED(status))
		bb_note("'%s' was killed by signal %d (%s)", o->capture.command[0],
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		bb_note("'%s' ended with status %d", o->capture.command[0], WEXITSTATUS(status));
}

static int diagnose(const struct bb_options *o)
{
	struct bb_outfile out;
	struct bb_capture *c = NULL;
	bool incomplete = false;
	int err, status = -1;

	if (bb_outfile__open(&out, o->output))
		return BB_EXIT_FAILURE;
	err = bb_capture__start(&c, &o->capture);
	if (err) {
		bb_outfile__abort(&out);
		return err == -ESRCH    ? BB_EXIT_GONE
		       : err == -EINVAL ? BB_EXIT_USAGE
					: BB_EXIT_FAILURE;
	}
	if (o->interval_ns)
		err = intervals(o, c, out.f, &incomplete, &status);
	else
		err = one_window(o, c, out.f, &incomplete, &status);
	bb_capture__free(c);
	if (!out.temp && err == -EPIPE)
		err = 0; /* the reader has had enough */
	if (err) {
		if (out.path)
			bb_error("cannot write '%s': %s", out.path, strerror(-err));
		else
			bb_error("no report: %s", strerror(-err));
		bb_outfile__abort(&out);
		return BB_EXIT_FAILURE;
	}
	if (bb_outfile__commit(&out))
		return BB_EXIT_FAILURE;
	if (o->capture.command)
		tell_command(o, status);
	if (o->exit_code && status >= 0)
		return command_exit(status);
	return incomplete ? BB_EXIT_INCOMPLETE : BB_EXIT_OK;
}

int main(int argc, char **argv)
{
	struct bb_options o;
	int ret;

	/* only the character set: numbers are written with a point everywhere */
	setlocale(LC_CTYPE, "");
	/* a reader that goes away shows as EPIPE */
	signal(SIGPIPE, SIG_IGN);
	ret = bb_options__parse(&o, argc, argv);
	if (!ret) {
		if (o.action == BB_ACTION_SCHEMA)
			ret = fputs(schema, stdout) < 0 || fflush(stdout) ? BB_EXIT_FAILURE : 0;
		else if (o.action == BB_ACTION_DOCTOR)
			ret = bb_doctor() ? BB_EXIT_FAILURE : BB_EXIT_OK;
		else
			ret = diagnose(&o);
	}
	bb_options__free(&o);
	return ret;
}
