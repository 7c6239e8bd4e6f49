/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line, parsed and checked. */
#ifndef BB_OPTIONS_H
#define BB_OPTIONS_H

#include "capture/capture.h"

#define BB_EXIT_OK         0
#define BB_EXIT_FAILURE    1
#define BB_EXIT_USAGE      2
#define BB_EXIT_GONE       3 /* the target was not there, or ended before it could be measured */
#define BB_EXIT_INCOMPLETE 4 /* a verdict from incomplete data */

enum bb_action { BB_ACTION_DIAGNOSE, BB_ACTION_DOCTOR, BB_ACTION_SCHEMA };
enum bb_format {
	BB_FORMAT_TEXT,
	BB_FORMAT_JSON,
	BB_FORMAT_PROMETHEUS,
	BB_FORMAT_FOLDED, /* and those that follow: as enum bb_folded_kind */
	BB_FORMAT_FOLDED_OFFCPU,
	BB_FORMAT_FOLDED_ONCPU,
	BB_FORMAT_FOLDED_WAKEUP,
};
enum bb_color { BB_COLOR_AUTO, BB_COLOR_ALWAYS, BB_COLOR_NEVER };

struct bb_options {
	enum bb_action action;
	struct bb_capture_opts capture;
	pid_t *pids;
	pid_t *tids;
	uint64_t duration_ns; /* 0: until Ctrl-C or the target's end */
	bool duration_set;
	uint64_t interval_ns; /* 0: one report */
	enum bb_format format;
	enum bb_color color;
	bool all_threads;
	bool explain;
	bool exit_code;
	const char *output;
};

/**
 * bb_options__parse - parse argv; prints help and version itself and exits.
 * @o: to be released with bb_options__free(). Return 0, or an exit status for
 * bad usage, of which a message has been printed.
 */
int bb_options__parse(struct bb_options *o, int argc, char **argv);

/** bb_options__free - release what parsing allocated. */
void bb_options__free(struct bb_options *o);

#endif
