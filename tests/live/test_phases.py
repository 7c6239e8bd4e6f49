# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Phases of a program whose own clock says when they begin; and one phase where there is one."""
import contextlib
import os
import shutil
import signal
import statistics
import sys
import time

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/phases.py")
BOUND = {"fetch": "io-bound", "compute": "gil-bound", "quiet": "idle"}


@contextlib.contextmanager
def phased(python, *plan):
    """(process, log): phases.py on this Python."""
    with python.folder() as (ours, its):
        shutil.copy(PROGRAM, ours)
        argv = python.argv + [os.path.join(its, "phases.py"), os.path.join(its, "log"), *plan]
        with lib.Workload(argv) as workload:
            yield workload, os.path.join(ours, "log")


def truth(log, report):
    """[(kind, offset in the window)]: what the program says, from what ran as the window opened."""
    start, end = lib.window_realtime_ns(report)
    with open(log, encoding="ascii") as f:
        rows = [(kind, int(at) - start) for kind, at in map(str.split, f)]
    before = [row for row in rows if row[1] <= 0]
    return before[-1:] + [row for row in rows if 0 < row[1] < end - start]


def assert_closed(process, report):
    """The phases follow each other without gaps, and sum to what the process did."""
    phases = process["phases"]
    assert sum(p["ns"] for p in phases) == report["window"]["ns"]
    for before, after in zip(phases, phases[1:]):
        assert before["start_ns"] + before["ns"] == after["start_ns"]
        assert (before["bound"], before["stopped"]) != (after["bound"], after["stopped"])
    for name, ns in process["states"].items():
        told = sum(p["states"][name] for p in phases)
        assert abs(told - ns) <= 0.01 * process["window_ns"], (name, told, ns)


def assert_phases(process, report, told):
    """Those that the program tells of, to a slice. What the window leaves of one may be missing."""
    slice_ns = report["window"]["slices"]["mean_ns"]
    inner = [(kind, at) for kind, at in told
             if 3 * slice_ns < at < report["window"]["ns"] - 3 * slice_ns]
    found = [(p["bound"], p["start_ns"]) for p in process["phases"]]
    for kind, at in inner:
        near = min(found, key=lambda row: abs(row[1] - at))
        assert near[0] == BOUND[kind] and abs(near[1] - at) <= 1.2 * slice_ns, \
            "%s at %.2f s: %s" % (kind, at / 1e9, found)
    assert len(inner) + 1 <= len(found) <= len(told), (told, found)


@pytest.mark.parametrize("python", lib.some_pythons()[-1:] if not lib.FULL else lib.some_pythons(),
                         ids=repr)
def test_fetch_and_compute(python):
    """W11: it fetches, then computes, over and over: each phase by its name, and the period."""
    def measure():
        with phased(python, "fetch=1.0", "compute=0.7") as (workload, log):
            report = lib.diagnose(workload.pid, 6)
            return report, truth(log, report)

    report, told = lib.while_alone(measure)
    process = report["processes"][0]
    assert_closed(process, report)
    assert_phases(process, report, told)
    by_clock = statistics.mean((b[1] - a[1]) for a, b in zip(told[1:], told[3:]))
    assert process["repeats"] is not None, process["phases"]
    assert lib.close(process["repeats"]["period_ns"], by_clock, 0.1)
    assert sorted(p["bound"] for p in process["repeats"]["phases"]) == ["gil-bound", "io-bound"]
    assert process["verdict"]["bound"] == "mixed"
    assert "repeating each" in process["verdict"]["summary"]


def test_work_that_begins():
    """Half of the window there is nothing to do. Once is no period."""
    python = lib.some_pythons()[0]

    def measure():
        with phased(python, "quiet=2", "compute=60") as (workload, log):
            report = lib.diagnose(workload.pid, 3)
            return report, truth(log, report)

    report, told = lib.while_alone(measure)
    process = report["processes"][0]
    assert_closed(process, report)
    assert [p["bound"] for p in process["phases"]] == ["idle", "gil-bound"], process["phases"]
    assert_phases(process, report, told)
    assert process["repeats"] is None


def test_a_whole_life(tmp_path):
    """Nobody knows how long a command takes: slices are joined, and nothing gets lost."""
    def measure():
        log = tmp_path / "log"
        report, _ = lib.whole_life(tmp_path, sys.executable, PROGRAM, log, "fetch=1.6",
                                   "compute=1.6", "once")
        return report, truth(log, report)

    report, told = lib.while_alone(measure)
    process = report["processes"][0]
    assert 50 <= report["window"]["slices"]["count"] <= 100
    told_ns = {name: sum(p["states"][name] for p in process["phases"])
               for name in process["states"]}
    for name, ns in process["states"].items():
        assert abs(told_ns[name] - ns) <= 0.01 * process["window_ns"], (name, told_ns[name], ns)
    bounds = [p["bound"] for p in process["phases"]]
    assert bounds.index("io-bound") < bounds.index("gil-bound"), bounds
    at = next(p["start_ns"] for p in process["phases"] if p["bound"] == "gil-bound")
    truly = next(at for kind, at in told if kind == "compute")
    assert abs(at - truly) <= 2.2 * report["window"]["slices"]["mean_ns"]


PROCESSES = """
import os, time
def until(end, work):
    while time.monotonic() < end:
        work()
until(time.monotonic() + 1.2, lambda: time.sleep(0.05))
end = time.monotonic() + 1.2
if all([os.fork() for _ in range(len(os.sched_getaffinity(0)))]):
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
else:
    until(end, lambda: sum(range(3000)))
"""


def test_all_together(tmp_path):
    """W12: one process fetches, then others compute. All together have the phases, and each its own."""
    report = lib.while_alone(
        lambda: lib.whole_life(tmp_path, sys.executable, "-c", PROCESSES)[0])
    phases = report["tree"]["phases"]
    assert sum(p["ns"] for p in phases) == report["window"]["ns"]
    fetching = [p["bound"] for p in phases].index("io-bound")
    assert fetching + 1 < len(phases), phases
    computing = phases[fetching + 1]
    # a neighbour that takes a CPU for some of the time leaves it open whose the CPUs are
    assert computing["bound"] in ("cpu-saturated", "cpu-bound", "mixed"), phases
    assert computing["states"]["oncpu_ns"] + computing["states"]["runq_ns"] > 1.5 * computing["ns"]
    children = [process for process in report["processes"] if process["born"]]
    assert children
    for child in children:
        assert "io-bound" not in [p["bound"] for p in child["phases"]]
        assert abs(child["phases"][0]["start_ns"] - computing["start_ns"]) <= \
            2.2 * report["window"]["slices"]["mean_ns"]


STEADY = [("spin", 4), ("spin", 1), ("sleeper",), ("mutex_convoy",), ("pipe_slow",)]


@pytest.mark.parametrize("argv", STEADY, ids=lambda argv: "-".join(map(str, argv)))
def test_steady(argv):
    """A program that does the same all the time has one phase: that of the window."""
    with lib.program(*argv) as workload:
        report = alone(workload.pid, 1)
    assert_one(report)


@pytest.mark.parametrize("form", ["w2-threads", "w7-threads", "w17-hash"])
def test_steady_python(form):
    python = lib.some_pythons()[0]
    with python.folder() as folder, python.workload(folder, form) as workload:
        report = alone(workload.pid, 2)
    assert_one(report)


def alone(pid, secs):
    """A neighbour that takes a CPU for a tenth of the time makes a phase of that."""
    return lib.while_alone(lambda: lib.diagnose(pid, secs), tries=8, most=0.1)


def assert_one(report):
    process = report["processes"][0]
    assert len(process["phases"]) == 1, process["phases"]
    assert_closed(process, report)
    assert process["phases"][0]["bound"] == process["verdict"]["bound"]
    assert process["phases"][0]["start_ns"] == 0
    assert process["repeats"] is None


def test_stopped():
    """A program that is suspended for a while is so in a phase of its own."""
    def measure():
        with lib.program("spin", 1) as workload, \
                lib.Tool("-p", workload.pid, "-d", 4, "-f", "json") as tool:
            tool.wait_open()
            begin = time.monotonic()
            lib.wait_until(lambda: time.monotonic() > begin + 1, "a second of work")
            workload.signal(signal.SIGSTOP)
            stopped = time.time_ns()
            lib.wait_until(lambda: time.monotonic() > begin + 2, "a second of rest")
            workload.signal(signal.SIGCONT)
            went_on = time.time_ns()
            result = tool.wait()
        assert result.status == 0, result
        return result.report, stopped, went_on

    report, stopped, went_on = lib.while_alone(measure)
    process = report["processes"][0]
    assert_closed(process, report)
    assert [p["bound"] for p in process["phases"]] == ["cpu-bound", "idle", "cpu-bound"]
    assert [p["stopped"] for p in process["phases"]] == [False, True, False]
    start, _ = lib.window_realtime_ns(report)
    slice_ns = report["window"]["slices"]["mean_ns"]
    assert abs(process["phases"][1]["start_ns"] - (stopped - start)) <= 1.2 * slice_ns
    assert abs(process["phases"][2]["start_ns"] - (went_on - start)) <= 1.2 * slice_ns


def test_threads_that_come_and_go():
    """What ended threads did stays in the slices in which they did it."""
    with lib.program("thread_churn", 500) as workload:
        report = lib.run("-p", workload.pid, "-d", 2, "-f", "json").report
    process = report["processes"][0]
    assert process["thread_counts"]["ended"] > 100
    assert_closed(process, report)
    assert len(process["phases"]) == 1, process["phases"]


def test_ten_thousand_threads_cost_what_they_may():
    """Slices get as long as the reading of them takes: a 500th of a CPU, and the last look."""
    with lib.program("many_threads", 10000, 10) as workload:
        report = lib.run("-p", workload.pid, "-d", 3, "-f", "json").report
    assert report["window"]["slices"]["count"] >= 3
    assert report["overhead"]["slicing_cpu_share"] < 2 / 500
    assert len(report["processes"][0]["phases"]) == 1
    assert_closed(report["processes"][0], report)


def test_no_slices_with_intervals():
    with lib.program("spin", 1) as workload:
        result = lib.run("-p", workload.pid, "-d", 0.4, "-i", 0.2, "-f", "json")
    assert result.status == 0, result
    for report in result.reports:
        assert report["window"]["slices"] is None
        assert report["processes"][0]["phases"] == []
