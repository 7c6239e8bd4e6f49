/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The threads' own names, from what was learnt of them to a record. */
#ifndef BB_CAPTURE_BUILD_NAMES_H
#define BB_CAPTURE_BUILD_NAMES_H

#include "../model/record.h"
#include "build_python.h"
#include "target.h"
#include "thread_names.h"

/**
 * bb_build__names - name the threads of the processes, which are in the order of
 * @targets, their threads by tid.
 * @start_ns: of the window, ktime; @idents: of all threads, sorted here
 * Return 0 or -ENOMEM.
 */
int bb_build__names(struct bb_record *rec, const struct bb_targets *targets,
		    struct bb_thread_names *names, uint64_t start_ns, struct bb_py_ident *idents,
		    size_t nr_idents);

#endif
