// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attach the named empty programs until killed.
 *
 *	empty PROGRAM...
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "empty.skel.h"

int main(int argc, char **argv)
{
	struct empty_bpf *skel = empty_bpf__open();
	struct bpf_program *prog;
	int err;

	if (!skel) {
		perror("empty: open");
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		prog = bpf_object__find_program_by_name(skel->obj, argv[i]);
		if (!prog) {
			fprintf(stderr, "empty: no program '%s'\n", argv[i]);
			return 2;
		}
		bpf_program__set_autoload(prog, true);
	}
	err = empty_bpf__load(skel);
	if (!err)
		err = empty_bpf__attach(skel);
	if (err) {
		fprintf(stderr, "empty: cannot load or attach: %s\n", strerror(-err));
		return 1;
	}
	for (;;)
		pause();
}
