# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each row of the tables in user/capture/python_code.c, derived again from real Pythons.

A program looks for known values in its own memory: the addresses, numbers and characters that its
code objects, strings and frames must have somewhere say where they have them. Nothing of our tables
goes into that. From 3.13 on, _Py_DebugOffsets of the live process says the same once more.

The Pythons are those of the live tests (see tests/live/lib.py; BB_FULL=1: all), and those of
BB_EXTRA_PYTHONS, colon-separated.
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

OWN_MEMORY = os.path.join(TESTS, "lib/python/own_memory.py")

# Runs in the Python under test, behind OWN_MEMORY. Prints {field: [offsets where it may be]}, then
# waits.
DERIVE = r'''
import json, sys, sysconfig, types

VERSION = sys.version_info[:2]
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
Code = types.CodeType
row = {}

# Two functions with nothing in common, so that only what must be there is at the same place.
def function(name, path, line):
    source = "def outer():\n def %s(a, b):\n  return a + b * 2\n return %s" % (name, name)
    code = compile("\n" * (line - 2) + source, path, "exec")
    for _ in range(2):
        code = [c for c in code.co_consts if isinstance(c, Code)][0]
    return code

codes = [function("first_name", "/first/path.py", 54321),
         function("second_name", "/second/path.py", 76543)]
def in_codes(value, form="Q"):
    a, b = [where(read_all(id(c), 300), value(c), form) for c in codes]
    return both(a, b)

row["ob_type"] = where(read(id(codes[0]), 32), id(Code))
row["co_filename"] = in_codes(lambda c: id(c.co_filename))
row["co_name"] = in_codes(lambda c: id(c.co_name))
row["co_qualname"] = in_codes(lambda c: id(c.co_qualname)) if VERSION >= (3, 11) else [0]
row["co_linetable"] = in_codes(lambda c: id(c.co_linetable if VERSION >= (3, 10) else c.co_lnotab))
row["co_firstlineno"] = in_codes(lambda c: c.co_firstlineno, "i")
row["co_code"] = in_codes(lambda c: id(c.co_code)) if VERSION < (3, 11) else [0]
# Objects/codeobject.c: tp_basicsize = offsetof(PyCodeObject, co_code_adaptive)
adaptive = Code.__basicsize__ if VERSION >= (3, 11) else 0
row["co_adaptive"] = [adaptive]
row["co_tlbc"] = [0]
if FREE and VERSION >= (3, 14):
    # the word that leads to an array that begins with our own bytecode's address
    row["co_tlbc"] = [8 * i for i, w in enumerate(words(read_all(id(codes[0]), adaptive)))
                      if where(read(w + 8, 8), id(codes[0]) + adaptive)]

# bytes
data = [bytes([b]) * n for b, n in ((7, 12345), (9, 23456))]
row["ob_size"] = both(*[where(read(id(d), 64), len(d)) for d in data])
row["bytes_val"] = [read(id(data[0]), 200).find(data[0][:32])]
if VERSION >= (3, 11):
    row["ob_size"] = both(row["ob_size"], in_codes(lambda c: len(c.co_code) // 2))

# str
texts = ["x" * 1237 + "y", "\xe9" * 1239, "\u51fd" * 1241, "\U00010400" * 1243]
row["str_length"] = both(*[where(read(id(t), 64), len(t)) for t in texts[1:3]])
row["str_ascii"] = [read(id(texts[0]), 200).find(b"x" * 32)]
row["str_compact"] = sorted({read(id(t), 200).find(t[:8].encode(e)) for t, e in
    zip(texts[1:], ("latin-1", "utf-16-le", "utf-32-le"))})
row["str_state"], row["str_kind_shift"] = [], []
for offset in range(0, row["str_ascii"][0], 4):
    states = [struct.unpack("I", read(id(t) + offset, 4))[0] for t in texts]
    for shift in range(28):
        # kind, compact, ascii
        if [s >> shift & 31 for s in states] == [1 | 8 | 16, 1 | 8, 2 | 8, 4 | 8]:
            row["str_state"].append(offset)
            row["str_kind_shift"].append(shift)

# type objects
names = ((Code, b"code"), (str, b"str"), (bytes, b"bytes"))
row["tp_name"] = [8 * i for i in range(12) if all(
    read(words(read(id(t) + 8 * i, 8))[0], len(n) + 1) == n + b"\0" for t, n in names)]

# frames: of callers, which stand still, and of generators
def generator(depth):
    x = depth * depth + depth - depth
    yield x
    yield x

def f_lasti(frame):
    return frame.f_lasti // 2 if VERSION == (3, 10) else frame.f_lasti

def old_frames():
    suspended = generator(3), generator(4)
    next(suspended[0]); next(suspended[1]); next(suspended[1])
    some = [g.gi_frame for g in suspended]
    running = sys._getframe(0)
    row["frame_code"] = both(*[where(read(id(f), 64), id(f.f_code)) for f in (some[0], running)])
    row["frame_previous"] = where(read(id(running), 64), id(running.f_back))
    row["frame_pos"] = both(*[where(read(id(f), 160), f_lasti(f), "i") for f in some])
    row["frame_owner"] = [0]

def real(frame):
    """The interpreter's frame: what a word leads to that has the code object and the position."""
    for w in words(read(id(frame), 64)):
        inside = words(read(w, 88))
        at = [i for i, v in enumerate(inside) if v & ~3 == id(frame.f_code)]
        position = id(frame.f_code) + adaptive + frame.f_lasti
        if at and position in inside:
            return w, 8 * at[0], 8 * inside.index(position)

def new_frames():
    suspended = generator(3)
    next(suspended)
    def inner():
        # both stand still: the innermost function is this one
        top, below = real(sys._getframe(1)), real(sys._getframe(2))
        gen = real(suspended.gi_frame)
        row["frame_code"] = sorted({top[1], below[1], gen[1]})
        row["frame_pos"] = sorted({top[2], below[2]})
        row["frame_previous"] = where(read(top[0], 88), below[0])
        # FRAME_OWNED_BY_THREAD, FRAME_OWNED_BY_GENERATOR
        mine, its = read(top[0], 88), read(gen[0], 88)
        row["frame_owner"] = [i for i in range(88) if mine[i] == 0 and its[i] == 1]
    def outer():
        inner()
    outer()

(old_frames if VERSION < (3, 11) else new_frames)()
print(json.dumps({"hex": sys.hexversion, "free_threaded": FREE, "row": row}))
sys.stdout.flush()
sys.stdin.readline()
'''

# field: position in _Py_DebugOffsets, Include/internal/pycore_debug_offsets.h; 3.13.0 has
# it in pycore_runtime.h
DEBUG = {
    (3, 13): {"interp_head": 40, "interp_next": 64, "interp_threads": 72, "tstate_next": 168,
              "tstate_frame": 184, "tstate_thread_id": 192, "frame_previous": 232,
              "frame_code": 240, "frame_pos": 248, "frame_owner": 264, "co_filename": 280,
              "co_name": 288, "co_qualname": 296, "co_linetable": 304, "co_firstlineno": 312,
              "co_adaptive": 344,
              "ob_type": 360, "tp_name": 376, "ob_size": 520, "bytes_val": 528, "str_state": 544,
              "str_length": 552, "str_ascii": 560},
    (3, 14): {"interp_head": 40, "interp_next": 64, "interp_threads": 72, "tstate_next": 192,
              "tstate_frame": 208, "tstate_thread_id": 216, "frame_previous": 256,
              "frame_code": 264, "frame_pos": 272, "frame_owner": 288, "co_filename": 320,
              "co_name": 328, "co_qualname": 336, "co_linetable": 344, "co_firstlineno": 352,
              "co_adaptive": 384,
              "ob_size": 600, "bytes_val": 608, "str_state": 624, "str_length": 632,
              "str_ascii": 640},
    (3, 15): {"interp_head": 40, "interp_next": 64, "interp_threads": 72, "tstate_next": 192,
              "tstate_frame": 208, "tstate_thread_id": 240, "frame_previous": 320,
              "frame_code": 328, "frame_pos": 336, "frame_owner": 352, "co_filename": 384,
              "co_name": 392, "co_qualname": 400, "co_linetable": 408, "co_firstlineno": 416,
              "co_adaptive": 448,
              "str_state": 720, "str_length": 728, "str_ascii": 736},
}
TLBC = {(3, 14): 392, (3, 15): 456}


def interpreters():
    extra = [lib.Python("extra-" + path, [path])
             for path in os.environ.get("BB_EXTRA_PYTHONS", "").split(":") if path]
    return lib.some_pythons() + [p for p in extra if p.version >= (3, 7)]


def layout(version_hex, free_threaded):
    out = subprocess.run([PYNAMES, "-l", hex(version_hex), str(int(free_threaded))],
                         stdout=subprocess.PIPE, check=True).stdout
    found = json.loads(out)
    assert found["err"] == found["frames_err"] == 0, found
    return found


@pytest.fixture(scope="module", params=interpreters(), ids=repr)
def derived(request):
    python = request.param
    with open(OWN_MEMORY, encoding="utf-8") as f:
        program = f.read() + DERIVE
    process = subprocess.Popen(python.argv + ["-c", program], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    try:
        line = lib.Lines(process.stdout).next()
        assert line is not None, "%s ended" % python
        found = json.loads(line)
        found["python"], found["pid"] = python, process.pid
        yield found
    finally:
        lib.end(process)


def test_offsets_are_where_the_values_are(derived):
    ours = layout(derived["hex"], derived["free_threaded"])
    # what a search can find at more than one place
    ambiguous = {"frame_owner", "frame_pos"}
    for field, places in derived["row"].items():
        if field == "frame_owner" and not ours["has_owner"]:
            continue
        assert ours[field] in places, (field, ours[field], places)
        assert len(places) == 1 or field in ambiguous, (field, places)
    assert len(derived["row"]) == 21


def test_offsets_are_those_of_the_debug_table(derived):
    version = derived["python"].version[:2]
    if version < (3, 13):
        return  # there is no such table
    out = subprocess.run([PYPROBE, str(derived["pid"])], stdout=subprocess.PIPE, check=True).stdout
    runtime = json.loads(out)["runtime_addr"]
    with open("/proc/%d/mem" % derived["pid"], "rb", 0) as f:
        f.seek(runtime)
        table = f.read(1024)
    assert table[:8] == b"xdebugpy"

    def value(position):
        return struct.unpack_from("Q", table, position)[0]

    assert value(8) == derived["hex"] and value(16) == derived["free_threaded"]
    ours = layout(derived["hex"], derived["free_threaded"])
    positions = dict(DEBUG[version])
    if derived["free_threaded"] and version in TLBC:
        positions["co_tlbc"] = TLBC[version]
    wrong = {field: (ours[field], value(position)) for field, position in positions.items()
             if ours[field] != value(position)}
    assert not wrong, "ours, the table's: %s" % wrong
