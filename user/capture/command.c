// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(char *const argv[], int go_fd, int err_fd)
{
	sigset_t none;
	int err;
	char c;

	/* we block the signals that end a window; the command must not inherit that */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (read(go_fd, &c, 1) != 1)
		_exit(127);
	execvp(argv[0], argv);
	err = errno;
	while (write(err_fd, &err, sizeof(err)) < 0 && errno == EINTR)
		;
	_exit(127);
}

int bb_command__fork(struct bb_command *c, char *const argv[])
{
	int go[2], fail[2], err;

	memset(c, 0, sizeof(*c));
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(fail, O_CLOEXEC)) {
		err = -errno;
		goto out_go;
	}
	c->pid = fork();
	if (c->pid < 0) {
		err = -errno;
		goto out_fail;
	}
	if (!c->pid) {
		close(go[1]);
		close(fail[0]);
		child(argv, go[0], fail[1]);
	}
	close(go[0]);
	close(fail[1]);
	c->go_fd = go[1];
	c->err_fd = fail[0];
	return 0;
out_fail:
	close(fail[0]);
	close(fail[1]);
out_go:
	close(go[0]);
	close(go[1]);
	c->pid = 0;
	return err;
}

int bb_command__go(struct bb_command *c)
{
	int err = 0;
	ssize_t n;

	if (write(c->go_fd, "g", 1) != 1)
		return -errno;
	close(c->go_fd);
	c->go_fd = -1;
	do
		n = read(c->err_fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(c->err_fd);
	c->err_fd = -1;
	return n == (ssize_t)sizeof(err) ? -err : 0;
}

bool bb_command__reap(struct bb_command *c)
{
	if (c->pid > 0 && !c->reaped && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
		c->reaped = true;
	return c->reaped;
}

void bb_command__end(struct bb_command *c)
{
	if (c->pid <= 0)
		return;
	if (c->go_fd > 0) {
		/* it never ran: end of file on its pipe makes it exit */
		close(c->go_fd);
		waitpid(c->pid, &c->status, 0);
	}
	if (c->err_fd > 0)
		close(c->err_fd);
	memset(c, 0, sizeof(*c));
}
