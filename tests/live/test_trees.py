# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pools of processes: one diagnosis for the whole and one for each; a parent that only feeds is bound
by what its workers are bound by; pools that do not pay, and some alike that do."""
import os
import shutil

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/procpools.py")
KINDS = ("futures", "pool")


@pytest.fixture(params=[p for p in lib.some_pythons() if lib.FULL or p.name == "system"], ids=repr)
def python(request):
    return request.param


def diagnose(python, kind, form, *options, secs=1):
    with python.folder() as (ours, its):
        shutil.copy(PROGRAM, ours)
        with lib.Workload(python.argv + [os.path.join(its, "procpools.py"), kind, form]) as workload:
            # only what computes depends on who else does
            measure = lib.diagnose_alone if form == "computes" else lib.diagnose
            report = measure(workload.pid, secs, *options)
    return report, lib.process_of(report, workload.pid)


def ids(row, key="findings"):
    return [f["id"] for f in row[key]]


@pytest.mark.parametrize("kind", KINDS)
def test_pool_that_computes(python, kind):
    report, parent = diagnose(python, kind, "computes", "-C")
    tree = report["tree"]
    assert tree["verdict"]["bound"] == "cpu-saturated", tree["verdict"]
    assert parent["verdict"]["bound"] == "cpu-saturated", parent["verdict"]
    assert parent["verdict"]["summary"].startswith("It feeds 2 workers, and waits for them. ")
    assert any(e["rule"] == "feeds" for e in parent["verdict"]["evidence"]), parent["verdict"]
    workers = [p for p in report["processes"] if p["ppid"] == parent["pid"]]
    assert len(workers) >= 2
    for worker in workers[-2:]:
        assert worker["verdict"]["bound"] in ("cpu-saturated", "cpu-bound"), worker["verdict"]
    assert tree["findings"] == [], tree["findings"]
    # one advice for the whole
    assert ids(tree, "advice") and not any(ids(p, "advice") for p in workers + [parent])


@pytest.mark.parametrize("kind", KINDS)
def test_pool_that_waits(python, kind):
    report, parent = diagnose(python, kind, "waits", "-C")
    tree = report["tree"]
    assert tree["verdict"]["bound"] == "io-bound", tree["verdict"]
    assert parent["verdict"]["summary"].startswith("It feeds 8 workers"), parent["verdict"]
    found, = tree["findings"]
    assert found["id"] == "processes-for-quick-io" and found["function"] == "nap", found
    assert found["at_once"] == 8 and 4 < found["waiters_mean"] <= 8.1, found
    assert ids(tree, "advice")[0] == "threads-for-io", tree["advice"]


@pytest.mark.parametrize("kind", KINDS)
def test_tiny_tasks(python, kind):
    report, parent = diagnose(python, kind, "tiny", "-C")
    found, = report["tree"]["findings"]
    assert found["id"] == "tiny-tasks" and found["at_once"] == 2, found
    assert found["value"] > 0.8, found
    assert "larger-tasks" in ids(report["tree"], "advice"), report["tree"]["advice"]
    # it computes: to feed is work, and no threads that could be processes do it
    assert parent["verdict"]["bound"] not in ("idle", "io-bound"), parent["verdict"]
    assert not {"processes", "threads-for-cpu"} & set(ids(parent) + ids(parent, "advice"))


def test_idle_pool(python):
    report, parent = diagnose(python, "futures", "idle", "-C")
    assert report["tree"]["verdict"]["bound"] == "idle"
    assert parent["verdict"]["bound"] == "idle"
    assert ids(report["tree"], "advice") == ["nothing"] and report["tree"]["findings"] == []


def test_parent_alone(python):
    """Without its workers nobody can tell what it waits for; an idle one is idle all the same."""
    _, parent = diagnose(python, "pool", "computes")
    assert parent["verdict"]["bound"] == "unknown", parent["verdict"]
    assert "feeds worker processes" in parent["verdict"]["summary"], parent["verdict"]
    advice, = parent["advice"]
    assert advice["id"] == "measure-children", advice
    assert advice["check"] == "boundby -d 10 -C -p %d" % parent["pid"], advice
    _, parent = diagnose(python, "pool", "idle")
    assert parent["verdict"]["bound"] == "idle", parent["verdict"]


def test_processes_by_number():
    """Several -p: the same as by -C."""
    with lib.Workload(["/usr/bin/python3", PROGRAM, "futures", "computes"]) as workload:
        pids = [workload.pid] + lib.descendants(workload.pid)
        report = lib.diagnose(",".join(map(str, pids)), 1)
    parent = lib.process_of(report, workload.pid)
    assert len(report["processes"]) == len(pids)
    assert report["tree"]["verdict"]["bound"] == "cpu-saturated", report["tree"]["verdict"]
    assert parent["verdict"]["summary"].startswith("It feeds 2 workers"), parent["verdict"]
