/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A C program with Pythons inside. usage: embed_threads FORM [LIBPYTHON...]
 *   threads   Python threads, one that computes and one that wants the GIL now and then
 *   calls     native threads that call in by PyGILState_Ensure(), a thread state each time:
 *             two that compute there, one that sleeps there, one that never calls
 *   ends      as threads; at SIGUSR1 they end, then Py_FinalizeEx(), and the program stays
 *   exits     as threads; at SIGUSR1 the program ends, from within Python
 *   begins    no Python until SIGUSR1, then as threads
 *   again     as ends, and then a second Py_Initialize(), as threads
 *   both      as threads, in each of the libraries; first: in the first one only
 * Prints "ready", and each further step that it has taken. Link with a libpython, or name some.
 * No Python.h is needed: what is called is the same in all versions.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct python {
	void (*initialize)(int signals);
	int (*finalize)(void);
	int (*run)(const char *code);
	void *(*save)(void);
	void (*restore)(void *tstate);
	int (*ensure)(void);
	void (*release)(int state);
	void *main;
};

static const char code[] =
	"import threading, time\n"
	"stop = False\n"
	"def compute():\n"
	"    x = 0\n"
	"    while not stop:\n"
	"        for i in range(10000):\n"
	"            x += i\n"
	"def napper():\n"
	"    while not stop:\n"
	"        time.sleep(0.001)\n"
	"def called_in():\n"
	"    x = 0\n"
	"    for i in range(200000):\n"
	"        x += i\n"
	"def sleeps_there():\n"
	"    time.sleep(0.02)\n"
	"def begin():\n"
	"    global threads\n"
	"    threads = [threading.Thread(target=f, name='my ' + f.__name__, daemon=True)\n"
	"               for f in (compute, napper)]\n"
	"    for t in threads: t.start()\n"
	"def end():\n"
	"    global stop\n"
	"    stop = True\n"
	"    for t in threads: t.join()\n";

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

static void load(struct python *py, const char *path)
{
	void *lib = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : RTLD_DEFAULT;

	if (path && !lib) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&py->initialize = dlsym(lib, "Py_InitializeEx");
	*(void **)&py->finalize = dlsym(lib, "Py_FinalizeEx");
	*(void **)&py->run = dlsym(lib, "PyRun_SimpleString");
	*(void **)&py->save = dlsym(lib, "PyEval_SaveThread");
	*(void **)&py->restore = dlsym(lib, "PyEval_RestoreThread");
	*(void **)&py->ensure = dlsym(lib, "PyGILState_Ensure");
	*(void **)&py->release = dlsym(lib, "PyGILState_Release");
	if (!py->initialize || !py->release)
		exit(1);
}

static void begin(struct python *py, const char *how)
{
	py->initialize(0);
	if (py->run(code) || (how && py->run(how)))
		exit(1);
	py->main = py->save();
}

static void finalize(struct python *py)
{
	py->restore(py->main);
	if (py->run("end()") || py->finalize())
		exit(1);
}

struct caller {
	struct python *py;
	const char *code;
};

static void *call(void *arg)
{
	struct caller *c = arg;

	for (;;) {
		int state = c->py->ensure();

		c->py->run(c->code);
		c->py->release(state);
		usleep(1000);
	}
	return NULL;
}

static void *never_calls(void *arg)
{
	for (;;)
		usleep(1000);
	return arg;
}

static void start_callers(struct python *py)
{
	static struct caller callers[3];
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		callers[i] = (struct caller){ py, i < 2 ? "called_in()" : "sleeps_there()" };
		pthread_create(&thread, NULL, call, &callers[i]);
	}
	pthread_create(&thread, NULL, never_calls, NULL);
}

int main(int argc, char **argv)
{
	struct python py[2] = {};
	const char *form = argc > 1 ? argv[1] : "";
	sigset_t set;
	int sig;

	/* for all threads */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	load(&py[0], argc > 2 ? argv[2] : NULL);
	if (argc > 3)
		load(&py[1], argv[3]);
	if (!strcmp(form, "calls")) {
		begin(&py[0], NULL);
		start_callers(&py[0]);
	} else if (strcmp(form, "begins")) {
		begin(&py[0], "begin()");
	}
	if (!strcmp(form, "both"))
		begin(&py[1], "begin()");
	say("ready");
	sigwait(&set, &sig);
	if (!strcmp(form, "exits")) {
		py[0].restore(py[0].main);
		py[0].run("import sys; end(); sys.exit(0)");
	} else if (!strcmp(form, "begins")) {
		begin(&py[0], "begin()");
		say("begun");
	} else {
		finalize(&py[0]);
		say("ended");
		if (!strcmp(form, "again")) {
			begin(&py[0], "begin()");
			say("again");
		}
	}
	for (;;)
		pause();
}
