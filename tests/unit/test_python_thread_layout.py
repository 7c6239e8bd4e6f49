# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each row of the tables in user/capture/python_attr.c and python_threads.c, derived again.

As in test_python_layout.py: a program looks for known values in its own memory, and we look for some
in it from outside. Nothing of our tables goes into that.
"""
import json
import os
import struct
import subprocess
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "live"))
import lib  # noqa: E402

PYNAMES = os.path.join(lib.TESTS, "pynames")
PYPROBE = os.path.join(lib.TESTS, "pyprobe")
PYTHREADS = os.path.join(lib.TESTS, "pythreads")
OWN_MEMORY = os.path.join(TESTS, "lib/python/own_memory.py")

# Runs in the Python under test, behind OWN_MEMORY. Prints {field: [offsets where it may be]}, the
# threads in the order of their birth, and where sys.modules is; then waits.
DERIVE = r'''
import functools, json, sys, sysconfig, threading, types

VERSION = sys.version_info[:2]
row = {}

# module: its dict; static types with a dict in their instances
row["md_dict"] = both(*[where(read(id(m), 48), id(vars(m))) for m in (sys, threading)])
static = [types.FunctionType, types.ModuleType, type, BaseException]
row["tp_dictoffset"] = where(read(id(static[0]), 320), static[0].__dictoffset__, "q")
for t in static[1:]:
    row["tp_dictoffset"] = both(row["tp_dictoffset"], where(read(id(t), 320), t.__dictoffset__, "q"))

class Wide:
    __slots__ = tuple("slot_%d" % i for i in range(20))
class Wider:
    __slots__ = tuple("slot_%d" % i for i in range(30)) + ("__dict__",)
row["tp_basicsize"] = both(*[where(read(id(t), 320), t.__basicsize__) for t in (Wide, Wider)])
row["tp_flags"] = both(*[where(read(id(t), 320), t.__flags__) for t in (Wide, int, types.CodeType)])

# the word of a dict that leads to a table with key and value side by side
def tables(d):
    pairs = [struct.pack("QQ", id(k), id(v)) for k, v in d.items()]
    return [8 * i for i, w in enumerate(words(read(id(d), 80)))
            if all(p in read_all(w, 600)[:600] for p in pairs)]
dicts = [{"alpha": object(), "beta": object()}, {10**12 + i: object() for i in range(4)}]
row["ma_keys"] = both(*[tables(d) for d in dicts])

# objects of a class of ours: the type knows the keys, the object has the values
class Some:
    def __init__(self, n):
        self.attribute_one, self.attribute_two = 1000.5 + n, 2000.5 + n
class Other:
    def __init__(self, n):
        self.other_one, self.other_two = 3000.5 + n, 4000.5 + n
objects = [Some(1), Other(1), Some(2), Other(2)]
names = {Some: ("attribute_one", "attribute_two"), Other: ("other_one", "other_two")}

def cached(t):
    found = []
    for i, w in enumerate(words(read(id(t), 1200))):
        at = [where(read_all(w, 160)[:160], id(sys.intern(n))) for n in names[t]]
        # behind a head and at most 64 bytes of indices
        if at[0] and at[1] and 32 < at[0][0] < at[1][0] < 144:
            found.append(8 * i)
    return found
row["ht_cached_keys"] = both(cached(Some), cached(Other))

def values_in(addr, o):
    """Where the values of both attributes follow each other."""
    pair = struct.pack("QQ", *[id(getattr(o, n)) for n in names[type(o)]])
    data = read_all(addr, 64)[:64]
    return [i for i in range(0, len(data) - 15, 8) if data[i:i + 16] == pair]

UNMANAGED, TWO_WORDS, TAGGED, INLINE = range(4)
def shape(o):
    """(managed, values)"""
    if VERSION < (3, 11):
        return [(UNMANAGED, at) for w in words(read(id(vars(o)), 80)) if w % 8 == 0
                for at in values_in(w, o)]
    found = [(INLINE, at) for at in values_in(id(o) + type(o).__basicsize__, o)]
    before = words(read(id(o) - 32, 32))
    found += [(TWO_WORDS, at) for at in values_in(before[0], o) if before[0] % 8 == 0]
    found += [(TAGGED, at) for at in values_in(before[1] + 1, o) if before[1] % 8 == 7]
    return found
shapes = [set(shape(o)) for o in objects]
assert shapes[0] & shapes[1] & shapes[2] & shapes[3], shapes
row["managed"] = sorted({m for m, _ in set.intersection(*shapes)})
row["values"] = sorted({at for _, at in set.intersection(*shapes)})
# from here on they have dicts
row["ma_values"] = both(*[[8 * i for i, w in enumerate(words(read(id(vars(o)), 80)))
                           if w % 8 == 0 and row["values"][0] in values_in(w, o)]
                          for o in objects[:2]])
row["managed_dict"] = [8 * i - 32 for i, w in enumerate(words(read(id(objects[0]) - 32, 32)))
                       if w == id(vars(objects[0]))] if VERSION >= (3, 11) else [-24]

# threads, with others in between that end: their states count on
idents, up = [], threading.Semaphore(0)
def wait():
    idents.append(threading.get_ident())
    up.release()
    threading.Event().wait()
for ended in (0, 2, 0, 1, 3, 0):
    threading.Thread(target=wait, daemon=True).start()
    up.acquire()
    for _ in range(ended):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
print(json.dumps({"hex": sys.hexversion, "row": row, "modules": id(sys.modules),
                  "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
                  "idents": idents, "gaps": [1, 3, 1, 2, 4]}))
sys.stdout.flush()
sys.stdin.readline()
'''

# field: position in _Py_DebugOffsets, pycore_runtime.h of 3.13.0, pycore_debug_offsets.h since
DEBUG = {"tp_flags": 392, "ma_keys": 456, "ma_values": 464}


def interpreters():
    extra = [lib.Python("extra-" + path, [path])
             for path in os.environ.get("BB_EXTRA_PYTHONS", "").split(":") if path]
    return lib.some_pythons() + [p for p in extra if p.version >= (3, 7)]


def output(*argv, **options):
    out = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, check=True,
                         **options).stdout
    return json.loads(out)


class Target:
    def __init__(self, python):
        with open(OWN_MEMORY, encoding="utf-8") as f:
            program = f.read() + DERIVE
        self.python = python
        self.process = subprocess.Popen(python.argv + ["-c", program], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        line = lib.Lines(self.process.stdout).next()
        assert line is not None, "%s ended" % python
        self.said = json.loads(line)
        self.memory = open("/proc/%d/mem" % self.process.pid, "rb", 0)
        self.runtime = output(PYPROBE, self.process.pid)["runtime_addr"]
        self.ours = output(PYTHREADS, "-l", hex(self.said["hex"]), int(self.said["free_threaded"]))
        assert self.ours["err"] == self.ours["threads_err"] == 0

    def words(self, addr, nr):
        self.memory.seek(addr)
        return struct.unpack("%dQ" % nr, self.memory.read(8 * nr))

    def end(self):
        self.memory.close()
        lib.end(self.process)


@pytest.fixture(scope="module", params=interpreters(), ids=repr)
def target(request):
    t = Target(request.param)
    try:
        yield t
    finally:
        t.end()


def test_objects_are_as_they_are_found(target):
    row = target.said["row"]
    for field, places in row.items():
        # what a search can find at more than one place
        assert target.ours[field] in places, (field, target.ours[field], places)
        assert len(places) == 1, (field, places)
    assert len(row) == 10


def test_interpreters_and_thread_states(target):
    walk = output(PYNAMES, target.process.pid, input=b"-\n")
    states = {t["thread"]: t["tstate"] for t in walk}
    mine = [states[ident] for ident in target.said["idents"]]
    heads = [target.words(ts, 64) for ts in mine]
    counting = [8 * i for i in range(64)
                if [b[i] - a[i] for a, b in zip(heads, heads[1:])] == target.said["gaps"]]
    # native_thread_id counts alike where nothing else was started meanwhile, and is bigger
    counting = [at for at in counting if heads[0][at // 8] < 64]
    assert counting == [target.ours["tstate_id"]]
    interps = set.intersection(*[set(head[:8]) for head in heads])
    interp = heads[0][target.ours["tstate_interp"] // 8]
    assert interp in interps and interp % 8 == 0
    places = [8 * i for i, w in enumerate(target.words(interp, 1250))
              if w == target.said["modules"]]
    modules = target.ours["modules"]
    if target.python.version >= (3, 13):
        assert not modules
        modules = target.words(target.runtime, 64)[target.ours["modules_at"] // 8]
    assert places == [modules]


def test_objects_are_as_the_debug_table_says(target):
    if target.python.version[:2] != (3, 13):
        return  # there is none, or it has these elsewhere
    table = target.words(target.runtime, 64)
    assert {field: table[at // 8] for field, at in DEBUG.items()} == {
        field: target.ours[field] for field in DEBUG}
