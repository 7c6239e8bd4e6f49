# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Threads that block over and over, each in another kind of code: manystacks.py. Prints "ready".

Writes into its folder "frames", the stacks by sys._current_frames(), and "faults", by faulthandler.
"""
import asyncio
import contextlib
import faulthandler
import functools
import os
import queue
import select
import socket
import sys
import threading
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
NAP = 0.02


def in_sleep():
    while True:
        time.sleep(NAP)


def in_lock():
    lock = threading.Lock()
    lock.acquire()
    while True:
        lock.acquire(True,
                     NAP)


def in_queue():
    empty = queue.Queue()
    while True:
        try:
            empty.get(timeout=NAP)
        except queue.Empty:
            pass


def in_event():
    never = threading.Event()
    while True:
        never.wait(NAP)


def in_socket():
    here, _keep = socket.socketpair()
    here.settimeout(NAP)
    while True:
        with contextlib.suppress(OSError):
            here.recv(1)


def in_select():
    ends = os.pipe()
    while True:
        select.select(
            [ends[0]],
            [],
            [],
            NAP,
        )


def in_map():
    """A lambda that C calls."""
    while True:
        list(map(lambda nap: time.sleep(nap), [NAP] * 50))


def in_sorted():
    """A key function, in a method of a nested class."""
    class Outer:
        class Inner:
            def key(self, value):
                time.sleep(NAP)
                return value

    while True:
        sorted(range(50), key=Outer.Inner().key)


def naps():
    while True:
        yield time.sleep(NAP)


def in_generators():
    """Three generators deep, in a comprehension."""
    def middle():
        yield from naps()

    [nap for nap in (n for n in middle())]


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper


@decorated
@decorated
def in_decorated():
    while True:
        try:
            raise ValueError
        except ValueError:
            time.sleep(NAP)
        finally:
            time.sleep(NAP / 100)


def in_exec():
    """Code without a file."""
    exec(compile("import time\n\n\ndef made():\n    while True:\n        time.sleep(%g)\n"
                 "\nmade()\n" % NAP, "<made up>", "exec"), {})


def in_coroutine():
    """A blocking call in a coroutine that another one awaits."""
    async def inner():
        while True:
            time.sleep(NAP)

    async def outer():
        await inner()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(outer())


class Slow:
    def __getattr__(self, name):
        time.sleep(NAP)
        return name

    def __eq__(self, other):
        return self.missing == other

    __hash__ = None


def in_special():
    """Special methods, called by the interpreter and by C."""
    slow = Slow()
    while True:
        slow in [1, 2, 3]


def recursive(n):
    if n:
        return recursive(n - 1)
    while True:
        time.sleep(NAP)


def in_recursion():
    recursive(30)


def in_long_function():
    """More than 127 lines and 255 bytes into its code: tables of lines have escapes for that."""
    source = "def long(time):\n    x = 0\n" + "    x += 1\n\n" * 200 + \
        "\n" * 300 + "    while x:\n        time.sleep(%g)\n" % NAP
    made = {}
    exec(compile(source, "<long>", "exec"), made)
    made["long"](time)


FORMS = [in_sleep, in_lock, in_queue, in_event, in_socket, in_select, in_map, in_sorted,
         in_generators, in_decorated, in_exec, in_coroutine, in_special, in_recursion,
         in_long_function]


def stack_of(frame):
    while frame:
        code = frame.f_code
        yield "%s\t%s\t%d" % (code.co_filename, getattr(code, "co_qualname", code.co_name),
                              frame.f_lineno)
        frame = frame.f_back


def stacks():
    """As text, by thread; what a thread that runs is at changes."""
    return {ident: "\n".join(stack_of(frame))
            for ident, frame in sys._current_frames().items()}


def main():
    threads = [threading.Thread(target=form, name=form.__name__, daemon=True) for form in FORMS]
    for t in threads:
        t.start()
    time.sleep(0.5)
    # each as it is most of the time
    seen = {}
    for _ in range(40):
        for ident, text in stacks().items():
            rows = seen.setdefault(ident, {})
            rows[text] = rows.get(text, 0) + 1
        time.sleep(0.007)
    with open(os.path.join(FOLDER, "frames"), "w") as f:
        for t in threads:
            rows = seen[t.ident]
            f.write("%s\n%s\n\n" % (t.name, max(rows, key=rows.get)))
    with open(os.path.join(FOLDER, "faults"), "w") as f:
        faulthandler.dump_traceback(f, all_threads=True)
    with open(os.path.join(FOLDER, "idents"), "w") as f:
        for t in threads:
            f.write("%s\t%x\n" % (t.name, t.ident))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        time.sleep(1000)


main()
