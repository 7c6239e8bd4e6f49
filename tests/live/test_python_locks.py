# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python's own locks and queues, against the program's clock."""
import json
import os

import pytest

import lib

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/pylocks.py")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module", params=[p for p in lib.interpreters() if p.version >= (3, 8)],
                ids=repr)
def python(request):
    return request.param


def whole_life(folder, python, form):
    """(the process in the report, what it said of itself)"""
    with open(PROGRAM, encoding="utf-8") as source:
        report, said = lib.whole_life(folder, *python.argv, "-c", source.read(), form)
    process, = report["processes"]
    return process, json.loads(said)


def measured(folder, python, form):
    return lib.while_not_stolen(lambda: whole_life(folder, python, form))


@pytest.mark.parametrize("form", ["lock", "rlock"])
def test_lock(tmp_path, python, form):
    process, truth = measured(tmp_path, python, form)
    lock = max(process["locks"], key=lambda l: l["contended_ns"] if l["state"] == "lock" else 0)
    assert lock["state"] == "lock", process["locks"]
    assert lib.close(lock["wait_ns"], truth["wait_ns"]), (lock, truth)
    assert lib.close(lock["contended_ns"], truth["contended_ns"]), (lock, truth)
    held = {str(h["tid"]): h["ns"] for h in lock["holders"]}
    for tid, ns in truth["holders"].items():
        assert abs(held.get(tid, 0) - ns) <= 0.03 * truth["contended_ns"], (lock, truth)
    # in whose code: not in threading's
    holder = lock["holders"][0]
    assert holder["function"].endswith("hold") and holder["line"], holder


@pytest.mark.parametrize("form", ["condition", "semaphore", "queue"])
def test_queue(tmp_path, python, form):
    """Waiting for an event, for one's turn or for work is in no lock: whatever ends it."""
    process, truth = measured(tmp_path, python, form)
    locks = sum(l["contended_ns"] for l in process["locks"] if l["state"] == "lock")
    assert locks < 0.05 * truth["wait_ns"], process["locks"]
    waited = lib.state(process, "queue") - main_waits(process)
    assert lib.close(waited, truth["wait_ns"], 0.05), (waited, truth)
    if form == "queue":
        feeder, = truth["holders"]
        fed = {}
        for row in process["locks"]:
            for h in row["holders"]:
                fed[str(h["tid"])] = fed.get(str(h["tid"]), 0) + h["count"]
        assert max(fed, key=fed.get) == feeder, process["locks"]


def main_waits(process):
    """The main thread's: it waits for the others to end."""
    main = lib.thread_of(process, process["pid"])
    return lib.state(main, "queue") + lib.state(main, "lock")
