# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The C code in which lines of Python are, against programs that know it."""
import json
import os
import shutil
import subprocess

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

FOLDER = os.path.join(os.path.dirname(lib.WORKLOADS), "lib", "python")


@pytest.fixture(params=lib.some_pythons(), ids=repr)
def python(request):
    return request.param


@pytest.fixture
def system_python():
    return next(p for p in lib.pythons() if p.name == "system")


def build(folder, name, *flags):
    """FOLDER/NAME.so, whose functions are called NAME_*; it needs no other library."""
    path = os.path.join(folder, name + ".so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-nostdlib", "-O1", "-fno-optimize-sibling-calls",
                    "-DNAME=" + name, *flags, "-o", path, os.path.join(FOLDER, "native_calls.c")],
                   check=True)
    return path


class Program:
    """A form of nativecode.py that runs, with libraries that it finds in its folder."""

    def __init__(self, python, form, libraries=lambda folder: None):
        self.python, self.form, self.libraries = python, form, libraries

    def __enter__(self):
        self.folder = self.python.folder()
        self.ours, its = self.folder.__enter__()
        shutil.copy(os.path.join(FOLDER, "nativecode.py"), self.ours)
        self.libraries(self.ours)
        self.workload = lib.Workload(self.python.argv + [os.path.join(its, "nativecode.py"), self.form])
        self.pid = self.workload.__enter__().pid
        return self

    def __exit__(self, *exc):
        self.workload.__exit__(*exc)
        self.folder.__exit__(*exc)

    def diagnose(self, secs=3):
        # where others use the CPUs too, enough samples take longer
        for longer in 1, 3, 6:
            report = lib.diagnose(self.pid, secs * longer)
            walks = report["overhead"]["code_walks"]
            if walks["native"] >= 60:
                break
        assert walks["native"] > 0 and walks["native_lost"] == 0, walks
        process = lib.process_of(report, self.pid)
        sampled = sum(c["count"] for c in process["code"] if c["native"])
        # but for those that came while the kernel's sums were read
        assert abs(walks["native"] + walks["native_unknown"] - sampled) <= 8, (walks, sampled)
        return process


def function_name(row):
    return (row["function"] or "").rpartition(".")[2]


def rows_of(process, function, kind="oncpu-with-gil"):
    return [c for c in process["code"] if c["kind"] == kind and c["frames"]
            and function_name(c["frames"][0]) == function]


def tops_of(rows):
    """{(symbol, base name of the file): samples}"""
    sums = {}
    for row in rows:
        for top in row["native"]["tops"]:
            key = top["symbol"], os.path.basename(top["object"] or "")
            sums[key] = sums.get(key, 0) + top["samples"]
    return sums


def call_of(process, function):
    """What the report says of the line that holds the GIL: (symbol, base name of the file)."""
    calls = {(h["c_call"]["symbol"], os.path.basename(h["c_call"]["object"])) if h["c_call"] else None
             for h in process["gil"]["holders"] if function_name(h) == function and h["share"] > 0.1}
    assert len(calls) == 1, process["gil"]["holders"]
    return calls.pop()


def test_c_calls_of_the_standard_library(system_python):
    """crc32() and sha256() on little data keep the GIL; a loop in Python calls no C code."""
    with Program(system_python, "standard") as program:
        process = program.diagnose(5)
        text = lib.run("-p", program.pid, "-d", 4).stdout.decode()
    symbol, name = call_of(process, "in_crc32")
    assert symbol == "crc32_z" and name.startswith("libz.so.1"), process["gil"]["holders"]
    # stripped, it names what it exports; its inner functions are its own
    symbol, name = call_of(process, "in_sha256")
    assert name == "libcrypto.so.3", process["gil"]["holders"]
    assert call_of(process, "in_python") is None
    tops = tops_of(rows_of(process, "in_python"))
    inside = sum(n for (_, name), n in tops.items() if name.startswith("python3"))
    assert inside > 0.9 * sum(tops.values()), tops
    assert ("_PyEval_EvalFrameDefault", os.path.basename(os.path.realpath("/usr/bin/python3"))) in tops
    said = [line.strip() for line in text.splitlines() if line.strip().startswith("in C: ")]
    assert any(line.startswith("in C: crc32_z (libz.so.1") for line in said), text
    assert any("libcrypto.so.3" in line for line in said), text
    assert not any("python3" in line for line in said), text


def test_callers_in_order(python):
    """Built with frame pointers, a library has its functions in the stack, from the top."""
    libraries = lambda folder: build(folder, "calls", "-fno-omit-frame-pointer")
    with Program(python, "chain", libraries) as program:
        process = program.diagnose()
    assert call_of(process, "call") == ("calls_inner", "calls.so")
    stacks = [s for row in rows_of(process, "call") for s in row["native"]["stacks"]
              if s["frames"][0]["symbol"] == "calls_inner"]
    right = sum(s["samples"] for s in stacks
                if [f["symbol"] for f in s["frames"][:3]] == ["calls_inner", "calls_middle", "calls_outer"])
    assert right > 0.9 * sum(s["samples"] for s in stacks) > 4, stacks
    # none of its functions is in the other thread's stacks
    others = [f["object"] for row in rows_of(process, "in_python")
              for s in row["native"]["stacks"] for f in s["frames"]]
    assert others and not any(o and "calls.so" in o for o in others)


def test_without_frame_pointers(system_python):
    """The function on top is right all the same; no other is made up."""
    libraries = lambda folder: build(folder, "calls", "-fomit-frame-pointer")
    with Program(system_python, "chain", libraries) as program:
        process = program.diagnose()
    assert call_of(process, "call") == ("calls_inner", "calls.so")
    for row in rows_of(process, "call"):
        for stack in row["native"]["stacks"]:
            below = [f["symbol"] for f in stack["frames"][1:] if "calls.so" in (f["object"] or "")]
            assert set(below) <= {"calls_middle", "calls_outer"}, stack


def test_a_stripped_function_is_not_its_neighbour(system_python):
    """Past the end of the exported function before it, it has the file's name alone."""
    libraries = lambda folder: build(folder, "calls", "-fno-omit-frame-pointer", "-s")
    with Program(system_python, "unnamed", libraries) as program:
        process = program.diagnose()
    tops = tops_of(rows_of(process, "call"))
    ours = {symbol: n for (symbol, name), n in tops.items() if name == "calls.so"}
    assert ours.get(None, 0) > 4 and set(ours) <= {None, "calls_unnamed"}, tops
    assert call_of(process, "call") == (None, "calls.so")
    # its caller is exported
    stacks = [s for row in rows_of(process, "call") for s in row["native"]["stacks"]
              if s["frames"][0] == {"symbol": None, "object": s["frames"][0]["object"]}
              and "calls.so" in s["frames"][0]["object"]]
    assert any([f["symbol"] for f in s["frames"][1:2]] == ["calls_unnamed"] for s in stacks), stacks


def test_deleted_file(system_python):
    """The code that is mapped counts, not the file that has its name now."""
    def libraries(folder):
        build(folder, "calls", "-fno-omit-frame-pointer")
        build(folder, "other", "-fno-omit-frame-pointer", "-O0")
    with Program(system_python, "deleted", libraries) as program:
        process = program.diagnose()
    assert call_of(process, "call") == ("calls_inner", "calls.so")
    assert not any("other" in (symbol or "") for symbol, _ in tops_of(rows_of(process, "call")))


def test_libraries_that_come_and_go(system_python):
    """Loaded where another was, none has the other's functions."""
    def libraries(folder):
        for name in "calls", "other":
            build(folder, name, "-fno-omit-frame-pointer")
    with Program(system_python, "swapping", libraries) as program:
        process = program.diagnose(6)
    first, second = (tops_of(rows_of(process, name)) for name in ("in_first", "in_second"))
    assert first.get(("calls_inner", "calls.so"), 0) > 4, first
    assert second.get(("other_inner", "other.so"), 0) > 4, second
    wrong = [key for key in first if key[1] == "other.so"] + [key for key in second if key[1] == "calls.so"]
    assert not wrong, (first, second)


def test_in_a_system_call(system_python):
    """On a CPU in the kernel: the function that called it."""
    with Program(system_python, "reading") as program:
        process = program.diagnose(2)
    rows = rows_of(process, "in_read", "oncpu-without-gil")
    tops = tops_of(rows)
    reads = sum(n for (symbol, name), n in tops.items() if name == "libc.so.6" and "read" in (symbol or ""))
    assert reads > 0.8 * sum(tops.values()) > 4, tops


def test_intervals(system_python):
    """Each interval has its own samples, and not those before it."""
    with Program(system_python, "standard") as program:
        result = lib.run("-p", program.pid, "-d", 4, "-i", 1, "-f", "json")
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(reports) >= 4, result
    seen = 0
    for report in reports[:4]:
        process = lib.process_of(report, program.pid)
        rows = rows_of(process, "in_crc32")
        tops = tops_of(rows)
        # 99 a second on the CPU that has the GIL, at most
        assert sum(tops.values()) <= sum(c["count"] for c in rows) + 8 < 120, (tops, rows)
        assert sum(n for (symbol, _), n in tops.items() if symbol == "crc32_z") >= 0.5 * sum(tops.values()), tops
        seen += sum(tops.values())
    assert seen > 4, seen
