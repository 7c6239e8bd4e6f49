# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Threads with names of all kinds. Says what each is called, then does as it is told.

Each line of output is JSON: {"ident": threading.get_ident(), "native": its OS number (0: this
Python cannot tell), "name": its name, or null where it is not one of threading's, "kind": which of
those below}; "ready" follows once all wait. Commands on stdin, each answered with the lines of the
threads that it is about and "ready":
    rename          each thread gets another name
    start NAME      one more thread, of that kind too
    crowd NR        so many more threads
    end KIND        that thread ends
    churn NR        so many threads, one after the other
"""
import _thread
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

LONG = "n" * 100 + "\u00e9" * 99 + "!"
threads = {}  # kind: Worker or what stands for one


class Worker:
    """A thread that waits until it may end."""

    def __init__(self, kind, make):
        self.kind, self.gate, self.up = kind, threading.Event(), threading.Event()
        self.ident, self.native = 0, 0
        self.thread = make(self.run)
        threads[kind] = self
        if self.thread:
            self.thread.daemon = True
            self.thread.start()
        self.up.wait()

    def run(self):
        self.ident = threading.get_ident()
        self.native = getattr(threading, "get_native_id", int)()
        self.up.set()
        self.gate.wait()

    def end(self):
        self.gate.set()
        self.thread.join()
        del threads[self.kind]

    def say(self):
        say(self.kind, self.ident, self.native, self.thread.name if self.thread else None)


def say(kind, ident, native, name):
    print(json.dumps({"kind": kind, "ident": ident, "native": native, "name": name}))
    sys.stdout.flush()


class Attributes(threading.Thread):
    """A subclass with attributes of its own in front of and behind those of Thread."""

    def __init__(self, target, name="with attributes"):
        self.first, self.second = "first", 2
        super().__init__(target=target, name=name)
        for i in range(5):
            setattr(self, "more_%d" % i, i)


class Slots(threading.Thread):
    __slots__ = ("one", "two", "_name_of_no_thread")

    def __init__(self, target):
        self.one, self.two = "one", "two"
        super().__init__(target=target, name="with slots")


class Lists(threading.Thread):
    """More attributes than a type has shared keys for."""

    def __init__(self, target):
        for i in range(60):
            setattr(self, "early_%d" % i, i)
        super().__init__(target=target, name="with 60 attributes")


class Mixed(Slots, Attributes):
    pass


def with_dict(target):
    """Its dict was asked for, which makes one where there was none."""
    thread = threading.Thread(target=target, name="with a dict")
    thread.__dict__["extra"] = 1
    return thread


def with_other_dict(target):
    thread = threading.Thread(target=target, name="with another dict")
    thread.__dict__ = dict(thread.__dict__, extra=1)
    return thread


def without_threading(run):
    _thread.start_new_thread(run, ())


def named(name):
    return lambda run: threading.Thread(target=run, name=name)


Worker("default", lambda run: threading.Thread(target=run))
Worker("named", named("the worker"))
Worker("latin-1", named("caf\u00e9"))
Worker("two bytes", named("\u51fd\u6570"))
Worker("four bytes", named("\U00010400 x"))
Worker("long", named(LONG))
Worker("control", named("a\tb\x1b[31m\"\\"))
Worker("attributes", Attributes)
Worker("slots", Slots)
Worker("many attributes", Lists)
Worker("mixed", Mixed)
Worker("dict", with_dict)
Worker("other dict", with_other_dict)
Worker("twin 1", named("twin"))
Worker("twin 2", named("twin"))
Worker("timer", lambda run: threading.Timer(0, run))
Worker("no Thread", without_threading)
pool = ThreadPoolExecutor(2, thread_name_prefix="pool")
for number in range(2):
    # what it makes is run by one of the pool's threads, whose name it then has
    Worker("pool %d" % number, lambda run: pool.submit(run) and None)
    for thread in threading.enumerate():
        if thread.ident == threads["pool %d" % number].ident:
            threads["pool %d" % number].thread = thread


def main_thread():
    say("main", threading.get_ident(), getattr(threading, "get_native_id", int)(),
        threading.current_thread().name)


def answer(command, *args):
    if command == "rename":
        threading.current_thread().name = "main, renamed"
        main_thread()
        for worker in threads.values():
            if worker.thread:
                worker.thread.name = "now " + worker.kind
            worker.say()
    elif command == "start":
        Worker(args[0], named(args[0]))
        threads[args[0]].say()
    elif command == "crowd":
        for i in range(int(args[0])):
            Worker("crowd %d" % i, named("crowd %d" % i))
            threads["crowd %d" % i].say()
    elif command == "end":
        threads[args[0]].say()
        threads[args[0]].end()
    elif command == "churn":
        for i in range(int(args[0])):
            Worker("churn", named("churn %d" % i)).say()
            threads["churn"].end()
    print("ready")
    sys.stdout.flush()


def native_thread():
    """One that has never heard of Python, where we can make one."""
    try:
        import ctypes
    except ImportError:
        return
    libc, thread = ctypes.CDLL(None), ctypes.c_void_p()
    pause = ctypes.cast(libc.pause, ctypes.c_void_p)
    if libc.pthread_create(ctypes.byref(thread), None, pause, None):
        raise OSError("pthread_create")
    say("native", thread.value, 0, None)


main_thread()
native_thread()
for one in list(threads.values()):
    one.say()
print("ready")
sys.stdout.flush()
for line in sys.stdin:
    answer(*line.rstrip("\n").split(" ", 1))
