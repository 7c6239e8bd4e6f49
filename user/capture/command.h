/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `-- COMMAND`: a child that waits for our word before it runs the command. */
#ifndef BB_CAPTURE_COMMAND_H
#define BB_CAPTURE_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct bb_command {
	pid_t pid;
	int go_fd;  /* write end: lets it run */
	int err_fd; /* read end: errno of a failed exec, or closed by a good one */
	int status; /* wait status, valid once reaped */
	bool reaped;
};

/** bb_command__fork - start the child, which waits. Return 0 or -errno. */
int bb_command__fork(struct bb_command *c, char *const argv[]);

/** bb_command__go - let it exec. Return 0 or the -errno with which exec failed. */
int bb_command__go(struct bb_command *c);

/** bb_command__reap - collect its status if it has ended. True once it has. */
bool bb_command__reap(struct bb_command *c);

/** bb_command__end - kill a child that never got to run; close what is open. */
void bb_command__end(struct bb_command *c);

#endif
