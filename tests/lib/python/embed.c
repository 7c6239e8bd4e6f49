/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program with a Python inside. Says "before", and after each line on stdin goes on:
 * starts the interpreter ("running"), ends it ("after"), exits.
 * Link with libpython, no Python.h needed: the two functions are the same in every version.
 */
#include <stdio.h>

void Py_Initialize(void);
int Py_FinalizeEx(void);

static void say_and_wait(const char *what)
{
	char line[16];

	puts(what);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return;
}

int main(void)
{
	say_and_wait("before");
	Py_Initialize();
	say_and_wait("running");
	Py_FinalizeEx();
	say_and_wait("after");
	return 0;
}
