# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Event loops but plain asyncio's (test_loops.py): their turns against a clock inside the program,
and what is found in them; threads that wait for events and are no loop."""
import json
import os
import shutil
import time

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/eventloops.py")
NODE_PROGRAM = os.path.join(lib.ROOT, "tests/lib/eventloop.js")
PYTHON = next((p for p in lib.pythons() if p.name == "system"), None)

BLOCKING, COMPUTING = "blocking-call-in-event-loop", "cpu-in-event-loop"


class Seen:
    """A report on a program, its own turns by thread, and what it did, both in the window."""

    def __init__(self, report, pid, folder):
        lib.assert_no_losses(report)
        self.process = lib.process_of(report, pid)
        self.window = report["window"]["ns"]
        start, stop = lib.window_realtime_ns(report)
        offset = time.time_ns() - time.monotonic_ns()
        self.turns, self.deeds = {}, {}
        for tid, end, ns in self.rows(folder, "turns"):
            if start <= int(end) - int(ns) + offset and int(end) + offset <= stop:
                self.turns.setdefault(int(tid), []).append(int(ns))
        for what, end in self.rows(folder, "deeds"):
            if start <= int(end) + offset <= stop:
                self.deeds[what] = self.deeds.get(what, 0) + 1
        for turns in self.turns.values():
            turns.sort()

    @staticmethod
    def rows(folder, name):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                yield from (line.split() for line in f if line.endswith("\n"))

    def findings(self, name):
        return [f for f in self.process["findings"] if f["id"] == name]


def look(argv, folder, *options, secs=3):
    clock = os.path.join(lib.TESTS, "pollclock.so")
    env = dict(os.environ, LD_PRELOAD=clock, POLLCLOCK=os.path.join(folder, "turns"))
    with lib.Workload(argv, env=env) as workload:
        report = lib.diagnose(workload.pid, secs, *options)
        path, window_end = os.path.join(folder, "turns"), time.monotonic_ns()
        # it writes its turns five times a second
        lib.wait_until(lambda: not os.path.exists(path) or written_until(path) > window_end,
                       "the program's own turns")
    return Seen(report, workload.pid, folder)


def written_until(path):
    """Until when every thread has written its turns."""
    last = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.endswith("\n"):
                tid, end, _ = line.split()
                last[tid] = int(end)
    return min(last.values(), default=0)


def python_loop(kind, form, *options, secs=3):
    with PYTHON.folder() as (ours, its):
        shutil.copy(PROGRAM, ours)
        return look(PYTHON.argv + [os.path.join(its, "eventloops.py"), kind, form], ours, *options,
                    secs=secs)


def node_loop(form, *options, secs=3):
    node = shutil.which("node")
    assert node, "node is missing: make install-test"
    with PYTHON.folder() as (ours, its):
        shutil.copy(NODE_PROGRAM, ours)
        return look([node, os.path.join(its, "eventloop.js"), form], ours, *options, secs=secs)


def quantile(turns, q):
    return turns[min(len(turns) - 1, max(0, int(q * len(turns))))]


def assert_turns(loop, turns):
    """Their number within 2 %, p50 and p99 within 5 % of the program's own clock; where turns of
    one length give way to others, neighbouring quantiles are right too."""
    assert loop["exact"], loop
    assert abs(loop["turns"] - len(turns)) <= 0.02 * len(turns) + 2, (loop["turns"], len(turns))
    for name, q, width in ("p50_ns", 0.5, 0.03), ("p99_ns", 0.99, 0.006):
        width = max(width, 1.5 / len(turns))
        least, most = quantile(turns, q - width), quantile(turns, q + width)
        # 50 us: what lies between the system call and the program's own clock
        assert 0.95 * least - 50000 <= loop[name] <= 1.05 * most + 50000, \
            "%s: %d ns, the program says %d to %d" % (name, loop[name], least, most)


def name_of(frame):
    return frame["function"].rpartition(".")[2]


def assert_busy(seen, loop, function):
    """Sleeps and computing are found, by the function and by what the loop ran, and as many."""
    tid = loop["tid"]
    sleeps = [f for f in seen.findings(BLOCKING) if f["tid"] == tid and f["function"] == "blocking"]
    assert len(sleeps) == 1, json.dumps(seen.process["findings"], indent=1)
    sleep = sleeps[0]
    assert sleep["state"] == "sleep" and sleep["loop"] == loop["kind"], sleep
    assert name_of(sleep["task"]) == function["blocking"], sleep
    # those that lie across an end of the window are cut
    assert 49 * 10 ** 6 * (sleep["count"] - 2) < sleep["ns"] < 60 * 10 ** 6 * sleep["count"], sleep
    assert 49 * 10 ** 6 < sleep["max_ns"] < 70 * 10 ** 6, sleep
    assert abs(sleep["count"] - seen.deeds["blocking"] / len(seen.turns)) <= 2, (sleep, seen.deeds)
    assert abs(sleep["share"] - sleep["ns"] / seen.window) < 0.001, sleep
    assert sleep["lag_max_ns"] == loop["max_ns"] and sleep["lag_exact"], sleep

    computed = [f for f in seen.findings(COMPUTING) if f["tid"] == tid]
    assert computed and computed[0]["function"] in ("burn", "computing"), seen.process["findings"]
    assert name_of(computed[0]["task"]) == function["computing"], computed
    assert abs(computed[0]["count"] - seen.deeds["computing"] / len(seen.turns)) <= 2, \
        (computed[0], seen.deeds)
    # 30 ms each by the thread's own CPU clock
    total = sum(f["ns"] for f in computed)
    assert 0.8 < total / (30 * 10 ** 6 * computed[0]["count"]) < 1.3, computed
    assert 29 * 10 ** 6 < computed[0]["max_ns"] < 60 * 10 ** 6, computed


COROUTINES = {"blocking": "sleeper", "computing": "computer"}
CALLBACKS = {"blocking": "blocking", "computing": "computing"}
GREENLETS = {"blocking": "sleeping_greenlet", "computing": "computing_greenlet"}


@pytest.mark.parametrize("kind, module, name, function", [
    ("uvloop", "uvloop", "uvloop", COROUTINES), ("gevent", "gevent", "gevent", GREENLETS),
    ("tornado", "tornado", "asyncio", CALLBACKS), ("trio", "trio", "trio", COROUTINES)])
def test_loops_of_python(kind, module, name, function):
    seen = python_loop(kind, "busy", "--syscalls=on")
    assert [loop["kind"] for loop in seen.process["loops"]] == [name], seen.process["loops"]
    loop = seen.process["loops"][0]
    assert_turns(loop, seen.turns[loop["tid"]])
    assert_busy(seen, loop, function)


def test_two_loops_in_two_threads():
    seen = python_loop("two", "busy", "--syscalls=on")
    loops = seen.process["loops"]
    assert {loop["tid"] for loop in loops} == set(seen.turns) and len(loops) == 2, loops
    assert seen.process["pid"] not in seen.turns
    for loop in loops:
        assert loop["kind"] == "asyncio"
        assert_turns(loop, seen.turns[loop["tid"]])
        assert_busy(seen, loop, COROUTINES)


def test_node():
    """No code of JavaScript; what it did is right all the same."""
    seen = node_loop("busy", "--syscalls=on")
    loop = next(l for l in seen.process["loops"] if l["tid"] == seen.process["pid"])
    assert loop["kind"] == "node"
    assert_turns(loop, seen.turns[loop["tid"]])
    waits = [f for f in seen.findings(BLOCKING) if f["tid"] == loop["tid"]]
    assert [f["syscall"] for f in waits] == ["futex"] and waits[0]["function"] is None, waits
    assert abs(waits[0]["ns"] / (50 * 10 ** 6 * seen.deeds["blocking"]) - 1) < 0.2, (waits, seen.deeds)
    computed = seen.findings(COMPUTING)
    assert len(computed) == 1 and computed[0]["function"] is None, computed
    assert abs(computed[0]["count"] - seen.deeds["computing"]) <= 2, (computed, seen.deeds)


@pytest.mark.parametrize("tracing", ["on", "off"])
def test_a_loop_within_a_turn(tracing):
    """execSync() waits by a loop of its own: the outer one stands still."""
    seen = node_loop("child", "--syscalls=" + tracing, secs=2)
    loop = next(l for l in seen.process["loops"] if l["tid"] == seen.process["pid"])
    if tracing == "on":
        assert_turns(loop, seen.turns[loop["tid"]])
    assert loop["max_ns"] > 50 * 10 ** 6, loop
    waits = [f for f in seen.findings(BLOCKING) if f["state"] == "poll"]
    assert len(waits) == 1 and waits[0]["ns"] > 40 * 10 ** 6 * seen.deeds["blocking"], (waits, seen.deeds)


@pytest.mark.parametrize("kind", ["uvloop", "gevent", "tornado", "trio"])
def test_clean_loops(kind):
    """The same loops with short turns: nothing is found."""
    seen = python_loop(kind, "clean", "--syscalls=on", secs=1)
    assert len(seen.process["loops"]) == 1
    assert seen.process["findings"] == []


def test_interrupted_by_signals():
    seen = python_loop("signals", "clean", "--syscalls=on", secs=1)
    assert len(seen.process["loops"]) == 1
    assert_turns(seen.process["loops"][0], seen.turns[seen.process["pid"]])
    assert seen.process["findings"] == []


def test_a_loop_that_never_waits():
    """It polls with a timeout of 0: each poll counts, and its turns are short."""
    seen = python_loop("spinning", "clean", "--syscalls=on", secs=1)
    assert [loop["kind"] for loop in seen.process["loops"]] == ["epoll"], seen.process["loops"]
    assert_turns(seen.process["loops"][0], seen.turns[seen.process["pid"]])
    assert seen.process["loops"][0]["busy_share"] > 0.9
    assert seen.process["findings"] == []


@pytest.mark.parametrize("kind", ["asyncio", "uvloop", "trio"])
def test_without_tracing(kind):
    """Turns are an upper bound, and said to be one; long turns cannot be told; blocking calls are
    exact all the same."""
    seen = python_loop(kind, "busy", "--syscalls=off", secs=2)
    loop = seen.process["loops"][0]
    turns = seen.turns[loop["tid"]]
    assert not loop["exact"] and loop["kind"] == kind and loop["long_turns"] is None, loop
    assert loop["turns"] <= len(turns) + 2
    assert loop["p50_ns"] >= 0.95 * quantile(turns, 0.47) - 50000, loop
    assert loop["max_ns"] >= 0.95 * turns[-1] - 50000, loop
    assert seen.findings(COMPUTING) == []
    sleeps = seen.findings(BLOCKING)
    assert len(sleeps) == 1 and sleeps[0]["task"]["function"] == "sleeper", sleeps
    assert abs(sleeps[0]["count"] - seen.deeds["blocking"]) <= 2, (sleeps, seen.deeds)
    assert sleeps[0]["lag_exact"] is False


def test_no_loop():
    """Threads that receive, select, poll in turn or by a new set each time, and a pool."""
    seen = python_loop("none", "clean", "--syscalls=on", secs=1)
    assert seen.process["loops"] == []
    assert seen.process["findings"] == []
