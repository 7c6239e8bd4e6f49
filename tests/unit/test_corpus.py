# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The corpus's own table and arithmetic: it must be able to fail."""
import ast
import contextlib
import io
import os
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", part) for part in ("corpus", "live", "workloads")]

import corpus  # noqa: E402
import lib  # noqa: E402
import tables  # noqa: E402

MACHINES = [corpus.Machine(cpus, taken, window, free) for cpus in (1, 2, 3, 4, 8, 64)
            for taken in (0, 1, 2) for window in (1.0, 5.0) for free in (False, True)]


def names_in(path):
    """Keys of the table FORMS of a file of programs, without running it."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        for node in ast.parse(f.read()).body:
            if isinstance(node, ast.Assign) and node.targets[0].id == "FORMS":
                return {key.value for key in node.value.keys}
    raise AssertionError("no FORMS in " + path)


def test_each_workload_is_there():
    names = [p.name for p in corpus.PROGRAMS]
    assert len(set(names)) == len(names)
    numbers = {name.partition("-")[0] for name in names}
    assert {"w%d" % n for n in range(1, 23)} <= numbers
    python = {p.name for p in corpus.PROGRAMS if p.kind in ("python", "numpy")}
    assert python == names_in("tests/corpus/programs.py") | names_in("tests/workloads/workloads.py")


@pytest.mark.parametrize("program", corpus.PROGRAMS, ids=lambda p: p.name)
def test_what_is_right(program):
    for machine in MACHINES:
        right = program.right(machine)
        assert right and right <= set(lib.VERDICTS), machine
        assert not right & program.never, machine


def right(name, **changes):
    program, = [p for p in corpus.PROGRAMS if p.name == name]
    return program.right(corpus.Machine(2, 0, 5.0, False)._replace(**changes))


def test_what_is_right_depends_on_the_machine():
    assert right("w3-processes") == {"cpu-saturated"}
    assert right("w3-processes", cpus=4) == {"cpu-saturated"}
    assert right("w3-processes", cpus=8) == {"cpu-bound"}
    assert right("w1-sequential") == {"cpu-bound"}
    assert right("w1-sequential", cpus=1) == {"cpu-saturated"}
    assert right("w1-sequential", taken=1) == {"cpu-bound"}
    assert "cpu-saturated" in right("w1-sequential", taken=2)
    assert right("w2-threads") == {"gil-bound"}
    assert right("w2-threads", cpus=1) == {"cpu-saturated"}
    assert right("w2-threads", free_threaded=True) == {"cpu-saturated"}


def row(bound, confidence, **changes):
    return dict({"program": "p", "python": None, "condition": "quiet", "window": 5.0,
                 "right": ["cpu-bound"], "never": ["gil-bound"], "missing": [], "found": [],
                 "took": 6.0, "tries": 1, "others": 0.0,
                 "verdict": {"bound": bound, "confidence": confidence, "components": {},
                             "evidence": [], "against": []}}, **changes)


def met(rows):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        result = tables.print_all(rows)
    return result, out.getvalue()


@pytest.mark.parametrize("wrong, condition, window, good", [
    (2, "quiet", 5.0, True), (3, "quiet", 5.0, False),
    (5, "burn", 5.0, True), (6, "burn", 5.0, False),
    (10, "quiet", 1.0, True), (11, "quiet", 1.0, False),
])
def test_targets(wrong, condition, window, good):
    rows = [row("idle" if i < wrong else "cpu-bound", 0.9, condition=condition, window=window)
            for i in range(100)]
    assert met(rows)[0] == good


def test_what_fails_whatever_the_share():
    good = [row("cpu-bound", 0.9)] * 1000
    assert met(good)[0]
    assert not met(good + [row("gil-bound", 0.9)])[0]
    assert not met(good + [row("cpu-bound", 0.9, missing=["semaphore-limit"])])[0]
    assert not met(good + [{"program": "p", "error": "it ended"}])[0]
    assert not met([])[0]


def test_reliability():
    rows = [row("cpu-bound" if i < 3 else "idle", 0.75) for i in range(4)] + [row("cpu-bound", 1.0)]
    text = met(rows)[1]
    assert ["0.70", "to", "0.80", "4", "0.750", "0.750"] in [line.split() for line in text.splitlines()]
    assert ["0.95", "to", "1.00", "1", "1.000", "1.000"] in [line.split() for line in text.splitlines()]
    assert "Brier score 0.1500" in text
