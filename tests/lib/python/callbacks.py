# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python that C calls, that Python calls, and so on; at the bottom it blocks. Prints "ready".

Each thread's frames, from the top, as sys._current_frames() has them, are in the file "truth" beside
this program: the thread's name, a tab and three columns for each frame.
"""
import functools
import os
import re
import sys
import threading
import time
import xml.parsers.expat

FOLDER = os.path.dirname(os.path.abspath(__file__))


def blocks(*_):
    while True:
        time.sleep(0.01)  # here it blocks


def by_key():
    sorted([1], key=lambda x:
           blocks())


def by_reduce():
    functools.reduce(
        lambda a, b: blocks(), [1, 2])


def by_both():
    functools.reduce(
        lambda a, b: sorted([1], key=lambda x: min([2], key=blocks)), [1, 2])


def by_map_of_generator():
    def inner():
        for i in range(3):
            yield from (blocks() for _ in range(1))
    list(map(str,
             inner()))


def by_comprehensions():
    [[[blocks() for a in range(1)] for b in range(1)] for c in range(1)]
    return {x: {blocks() for y in range(1)} for x in range(1)}


def by_coroutine():
    async def inner():
        return [blocks() for _ in range(2)]

    async def outer():
        return await inner()
    try:
        outer().send(None)
    except StopIteration:
        pass


def by_special_methods():
    class Special:
        def __eq__(self, other):
            return self[1]

        def __getitem__(self, i):
            return str(self)

        def __str__(self):
            return self.attribute

        @property
        def attribute(self):
            with self:
                pass

        def __enter__(self):
            return self()

        def __exit__(self, *exc):
            pass

        def __call__(self):
            re.sub("a", lambda m: blocks(), "a")
    [Special()].index(1)


def by_class_body():
    class Meta(type):
        def __prepare__(name, bases):
            return {}

        def __new__(cls, name, bases, namespace):
            return type.__new__(cls, name, bases, namespace)

        def __init__(cls, name, bases, namespace):
            namespace["run"](cls)

    class Made(metaclass=Meta):
        def run(self):
            blocks()


def by_parser():
    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: blocks()
    parser.Parse("<a></a>")


def by_exec():
    exec("def made():\n    eval('blocks()')\nmade()", globals())


def by_deep_recursion(n=40):
    if n:
        return max([n], key=lambda x: by_deep_recursion(x - 1))
    blocks()


def frames_of(thread):
    """Once it blocks."""
    while True:
        frame, rows = sys._current_frames().get(thread.ident), []
        while frame:
            code = frame.f_code
            rows.append((code.co_filename, getattr(code, "co_qualname", code.co_name), frame.f_lineno))
            frame = frame.f_back
        if rows and rows[0][1] == "blocks" and rows[0][2] == blocks.__code__.co_firstlineno + 2:
            return rows
        time.sleep(0.01)


threads = [threading.Thread(target=f, name=name, daemon=True)
           for name, f in sorted(globals().items()) if name.startswith("by_")]
for thread in threads:
    thread.start()
with open(os.path.join(FOLDER, "truth"), "w") as out:
    for thread in threads:
        out.write("\t".join([thread.name] + ["%s\t%s\t%d" % row for row in frames_of(thread)]) + "\n")
sys.stdout.write("ready\n")
sys.stdout.flush()
time.sleep(1000)
