# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Says what this interpreter itself knows of many code objects, as lines of JSON; then waits.

First the code objects: address, file, function, first line, and the line of each range of bytecode;
positions are as a frame would have them. Then threads that block in known places, their frames from
the top. Then "ready". The argument says how many modules of the standard library to add.
Runs on 3.7 and later.
"""
import dis
import json
import sys
import threading
import time
import types

VERSION = sys.version_info[:2]
CODE = types.CodeType
keep = []  # nothing of it may be freed


def say(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def ranges(code):
    """(start, end, line), bytes; line 0: none."""
    if hasattr(code, "co_lines"):
        return [(start, end, max(line or 0, 0)) for start, end, line in code.co_lines()]
    starts = list(dis.findlinestarts(code))
    ends = [start for start, _ in starts[1:]] + [len(code.co_code)]
    return [(start, end, line) for (start, line), end in zip(starts, ends)]


def position(code, offset):
    """What a frame at this byte of the code has."""
    if VERSION >= (3, 11):
        # the bytecode follows the object's fixed part
        return id(code) + CODE.__basicsize__ + offset
    return offset // 2 if VERSION == (3, 10) else offset


def tell(code):
    keep.append(code)
    say({"code": id(code), "file": code.co_filename,
         "function": getattr(code, "co_qualname", code.co_name),
         "first_line": max(code.co_firstlineno, 0), "start": position(code, 0),
         "unit": 1 if VERSION == (3, 10) else 2, "size": len(code.co_code), "ranges": ranges(code)})


def tell_all(code):
    tell(code)
    for const in code.co_consts:
        if isinstance(const, CODE):
            tell_all(const)


NESTED = '''
import functools, contextlib

def deco(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        return f(*args, **kwargs)
    return inner

@deco
@deco
def decorated(a, b=1, *c, d, **e): return (a,
    b, c,

    d, e)

class Outer:
    "doc"
    x: int = 1

    class Inner:
        def method(self):
            return [
                i
                for i in range(3)
                if (lambda: i)()
            ]

        @property
        @contextlib.contextmanager
        def prop(self):
            try:
                yield {k: v for k, v in
                       zip("ab", (1,
                                  2))}
            except (ValueError,
                    TypeError) as e:
                raise RuntimeError from e
            finally:
                with open("x") as f, \\
                     open("y") as g:
                    del f, g

def generator():
    x = yield 1
    while x:
        x = (yield
             from
             generator())

async def coroutine():
    async with a as b, c:
        async for d in e:
            await f(
                d)
    return [g async for g in h]

lambdas = [lambda: 1, lambda x: (
    x), lambda *a: [b for b in a]]

def jumps(x):
    for i in x:
        if i: continue
        elif not i: break
        else:
            pass
    else:
        try: return x
        finally: print(x)
    assert (x and
            i), "no"
    return f"{x!r}" f"{i}" \\
        f"{x:>{i}}"

def nothing(): pass
'''

NAMES = '''
class %(n)s:
    def %(n)s(self):
        def inner():
            return lambda: None
        return inner
'''


def wide():
    """Large steps: of lines, of bytecode, and backwards."""
    lines = ["def far(x):"]
    for step in (1, 126, 127, 128, 129, 254, 255, 256, 257, 300, 511, 1000, 40000):
        lines += [""] * step + ["    x = (x +", "  1", "  * x", ")"]
    lines += ["    return x", "", "def long(x):"]
    lines += ["    x = " + "x + " * 600 + "1"]
    lines += ["    x = f(" + ",\n".join("x" for _ in range(200)) + ")"]
    lines += ["    x = [" + "\n" * 300 + "x, x" + "\n" * 300 + "]"] * 3
    lines += ["    if x:"] + ["        x()"] * 3000 + ["    else: x = " + "x + " * 100 + "1"]
    lines += ["    return x"]
    return "\n".join(lines) + "\n"


def without_lines():
    """Tables that give no line."""
    code = compile("def f():\n  x = 1\n  return x\n", "none.py", "exec").co_consts[0]
    if VERSION >= (3, 10):
        return [code.replace(co_linetable=b"")]
    return [code.replace(co_lnotab=b"")] if VERSION >= (3, 8) else []


def sample():
    tell_all(compile(NESTED, "/srv/app/nested.py", "exec"))
    tell_all(compile(wide(), "wide.py", "exec"))
    tell_all(compile("lambda: [x for x in y]", "<string>", "eval"))
    tell_all(compile("\n" * 2000000 + "def late():\n  return 1\n", "late.py", "exec"))
    for name in ("caf\xe9", "\u51fd\u6570", "\U00010400", "a" * 200, "\u0430" * 300):
        for path in ("/tmp/\xe9.py", "/tmp/\u65e5\u672c.py", "/tmp/\U0001f40d.py", "/tmp/\udcff.py",
                     "C:\\x\"y\t\n.py", "/" + "long/" * 400 + "f.py"):
            tell_all(compile(NAMES % {"n": name}, path, "exec"))
    for code in without_lines():
        tell(code)
    import abc
    import argparse
    import os
    import traceback
    import typing
    modules = [os, argparse, abc, traceback, typing]
    for module in modules[:int(sys.argv[1])]:
        with open(module.__file__, encoding="utf-8") as f:
            tell_all(compile(f.read(), module.__file__, "exec"))
    # code that has run, specialised by now, and what is frozen into the program
    for function in (say, ranges, position, tell, tell_all, compile_often, os.path.join):
        tell(function.__code__)
    import importlib
    tell_all(importlib._bootstrap._find_and_load.__code__)


def compile_often():
    total = 0
    for i in range(3000):
        total += i if i % 2 else len(str(i))
    return total


# Threads that wait in known places.

lock = threading.Lock()


class Waiter:
    def wait(self, how):
        return how(
            lambda:
            lock.acquire())

    @property
    def wait_in_property(self):
        return [self.wait(h) for h in
                [lambda f: f()]]


def by_call():
    Waiter().wait(lambda f: f())


def by_map():
    list(map(
        lambda w: w.wait_in_property,
        [Waiter()]))


def by_generator():
    def inner():
        yield 1
        yield lock.acquire()

    def outer():
        yield from inner()
    sorted(
        outer(),
        key=id)


def by_exec():
    source = "def f\u00e9():\n\n  lock.acquire()\n\nf\u00e9()"
    exec(compile("\n" * 70 + source, "/x/\u00e9.py", "exec"), globals())


def by_exception():
    class Context:
        def __enter__(self):
            raise KeyError

        def __exit__(self, *exc):
            pass

        def __del__(self):
            lock.acquire()
    try:
        with Context() as c:
            pass
    except KeyError:
        for c in (Context(),
                  1):
            pass


def frames(thread):
    frame = sys._current_frames().get(thread.ident)
    found = []
    while frame:
        found.append({"code": id(frame.f_code), "file": frame.f_code.co_filename,
                      "function": getattr(frame.f_code, "co_qualname", frame.f_code.co_name),
                      "line": frame.f_lineno, "pos": position(frame.f_code, frame.f_lasti)})
        frame = frame.f_back
    return found


def block():
    # As a thread waits without the GIL its frames stand still; twice the same: it waits.
    for target in (by_call, by_map, by_generator, by_exec, by_exception):
        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        keep.append(thread)
        last = None
        while True:
            now = frames(thread)
            if now and now == last and now[0]["function"].rsplit(".")[-1] in (
                    "<lambda>", "inner", "f\u00e9", "__del__"):
                break
            last = now
            time.sleep(0.05)
        say({"thread": thread.ident, "frames": now})


lock.acquire()
compile_often()
sample()
block()
sys.stdout.write("ready\n")
sys.stdout.flush()
sys.stdin.readline()
