# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each workload of known truth reaches its verdict, attached live by PID.

The acceptable verdicts were written down before the tool first ran. More than one is acceptable
only where the workload itself leaves it open, and the comment says why.
"""
import os
import sys

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

RUNS = range(3 if lib.FULL else 1)
TREE = ("-C",)

# form of workloads.py: (acceptable verdicts, options of the tool)
PYTHON = {
    "w1-sequential": ({"cpu-bound"}, ()),
    "w2-threads": ({"gil-bound"}, ()),
    "w3-processes": ({"cpu-saturated"}, TREE),
    "w4-threads": ({"gil-bound"}, ()),
    "w4-processes": ({"cpu-saturated"}, TREE),
    "w5-threads": ({"gil-bound"}, ()),
    "w5-processes": ({"cpu-saturated"}, TREE),
    "w6-threads": ({"gil-bound"}, ()),
    "w6-asyncio": ({"cpu-bound"}, ()),
    "w6-processes": ({"cpu-saturated"}, TREE),
    "w7-sequential": ({"io-bound"}, ()),
    "w7-threads": ({"io-bound"}, ()),
    "w7-asyncio": ({"io-bound"}, ()),
    "w8-sequential": ({"io-bound"}, ()),
    "w8-threads": ({"io-bound"}, ()),
    "w8-asyncio": ({"io-bound"}, ()),
    "w9-threads": ({"io-bound"}, ()),
    # A small job every 5 ms: whether that is little or is waiting for timers is open.
    "w16-queue": ({"idle", "io-bound"}, ()),
    "w16-multiprocessing": ({"idle", "io-bound"}, TREE),
    "w16-asyncio": ({"idle", "io-bound"}, ()),
    # Pure Python under the lock: who gets the lock may then have to wait for the GIL.
    "w17-python": ({"lock-bound", "gil-bound"}, ()),
    "w17-hash": ({"lock-bound"}, ()),
    # A tiny job every 20 ms, paced by a timer.
    "w18-threads": ({"idle", "io-bound"}, ()),
    "w22-hash": ({"cpu-saturated"}, ()),
    "w22-zlib": ({"cpu-saturated"}, ()),
}

# What they wait for is the interpreter's own, and so another thing in each Python.
OF_THE_INTERPRETER = ("w1-", "w2-", "w4-threads", "w5-threads", "w6-threads", "w6-asyncio",
                      "w16-queue", "w17-", "w22-")


def pairs():
    """(python, form): all of them, or by default the kernel's waits on one Python each, in turn."""
    pythons = lib.some_pythons()
    for number, form in enumerate(PYTHON):
        for_all = lib.FULL or form.startswith(OF_THE_INTERPRETER)
        for python in pythons if for_all else pythons[number % len(pythons):][:1]:
            yield python, form


PAIRS = list(pairs())

# The state that the computing or waiting threads of a form are mostly in, besides running.
STATE = {
    "w2-threads": {"gil"}, "w4-threads": {"gil"}, "w5-threads": {"gil"}, "w6-threads": {"gil"},
    "w7-sequential": {"sleep"}, "w7-asyncio": {"poll"},
    "w8-sequential": {"net"}, "w8-asyncio": {"poll"},
    "w16-asyncio": {"poll"}, "w18-threads": {"queue"},
}

# workload program and arguments: (acceptable verdicts, main state of the process, options)
COMPILED = {
    ("mutex_convoy",): ({"lock-bound"}, {"lock"}, ()),
    ("mutex_convoy", 8, 50): ({"lock-bound"}, {"lock"}, ()),
    ("cond_pool", 8, 30000): ({"idle"}, {"queue"}, ()),
    # As w16: a small job every 100 ms.
    ("cond_pool", 8, 100): ({"idle", "io-bound"}, {"queue"}, ()),
    ("pipe_slow",): ({"io-bound"}, {"ipc"}, ()),
    ("uffd",): ({"io-bound"}, {"fault"}, ()),
    # Four threads on two CPUs: half of the time each waits for one.
    ("spin", 4): ({"cpu-saturated"}, {"oncpu", "runq"}, ()),
    ("spin", 1): ({"cpu-bound"}, {"oncpu"}, ()),
    ("sleeper",): ({"idle"}, {"sleep"}, ()),
    # 10 of 10,000 threads wake up a hundred times a second.
    ("many_threads", 10000, 10): ({"idle", "io-bound"}, {"sleep"}, ()),
    ("syscall_loop",): ({"cpu-bound"}, {"oncpu"}, ()),
    # Both are pinned to one CPU, and it never rests.
    ("pingpong", "threads"): ({"cpu-saturated"}, {"oncpu", "runq", "ipc"}, ()),
    ("pingpong", "processes"): ({"cpu-saturated"}, {"oncpu", "runq", "ipc"}, TREE),
}


def expected(form, python):
    """The acceptable verdicts, given whether there is a GIL at all."""
    verdicts = PYTHON[form][0]
    if python.free_threaded and "gil-bound" in verdicts:
        return verdicts - {"gil-bound"} | {"cpu-saturated"}
    return verdicts


def assert_verdict(verdict, acceptable):
    """One of the acceptable verdicts, with all that a verdict comes with."""
    told = "%s (%.2f), %s; components %s" % (verdict["bound"], verdict["confidence"],
                                             verdict["summary"], verdict["components"])
    assert verdict["bound"] in acceptable, "%s, not %s" % (told, "/".join(sorted(acceptable)))
    assert 0.5 <= verdict["confidence"] <= 1, told
    assert verdict["evidence"], told
    assert any(e["rule"] for e in verdict["evidence"]), told
    assert verdict["summary"] and "\n" not in verdict["summary"]
    assert verdict["runner_up"] != verdict["bound"]


@pytest.fixture(scope="module")
def http_port():
    """The port of a local server that answers after half a second."""
    with lib.Workload([sys.executable, os.path.join(lib.WORKLOADS, "http_server.py")]) as server:
        yield int(server.heard[0].split()[1])


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("python, form", PAIRS, ids=["%r-%s" % pair for pair in PAIRS])
def test_python(python, form, run, request):
    with python.folder() as folder:
        args = []
        if form.startswith("w8-"):
            args = [request.getfixturevalue("http_port")]
        elif form == "w9-threads":
            args = [folder[1]]
        with python.workload(folder, form, *args) as workload:
            report = lib.diagnose_alone(workload.pid, 2, *PYTHON[form][1])
    assert_verdict(lib.verdict_of(report), expected(form, python))
    lib.assert_no_losses(report)

    process = lib.process_of(report, workload.pid)
    version = ".".join(str(part) for part in python.version)
    assert process["runtime"]["name"] == "cpython"
    assert process["runtime"]["version"] == version
    assert process["runtime"]["gil"] == ("disabled" if python.free_threaded else "enabled")
    assert lib.share(process, "unknown") < 0.01
    if form in STATE and not python.free_threaded:
        waits = {name for name in lib.STATES if name not in ("oncpu", "runq")}
        longest = max(waits, key=lambda name: sum(
            lib.state(t, name) for t in process["threads"]
            if t["tid"] != process["pid"] or len(process["threads"]) == 1))
        assert longest in STATE[form], process["states"]
    if form.startswith("w16-"):
        for row in report["processes"]:
            assert lib.share(row, "lock") < 0.02, "waiting for work was called a lock"
    if form == "w16-queue":
        consumers = [t for t in process["threads"] if lib.share(t, "queue") > 0.8]
        assert len(consumers) >= 5, "four consumers and the main thread wait on futexes"
    if form.startswith("w22-") or form == "w1-sequential":
        assert process["gil"]["contended_share"] < 0.2


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("argv", COMPILED, ids=lambda argv: "-".join(str(a) for a in argv))
def test_compiled(argv, run):
    acceptable, states, options = COMPILED[argv]
    with lib.program(*argv) as workload:
        report = lib.diagnose_alone(workload.pid, 2, *options)
    assert_verdict(lib.verdict_of(report), acceptable)
    lib.assert_no_losses(report)
    process = lib.process_of(report, workload.pid)
    assert lib.main_state(process) in states, process["states"]
    assert process["runtime"] is None
    assert process["gil"] is None


def test_idle_pool_has_no_lock():
    """An idle pool waits for work. No row of it may be called a contended lock."""
    with lib.program("cond_pool", 32, 20) as workload:
        report = lib.diagnose_alone(workload.pid, 2)
    process = lib.process_of(report, workload.pid)
    assert lib.share(process, "lock") < 0.01, process["states"]
    assert lib.share(process, "queue") > 0.9, process["states"]
    heavy = [lock for lock in process["locks"] if lock["contended_share"] > 0.5]
    assert heavy and all(lock["state"] == "queue" for lock in heavy), process["locks"]


def test_convoy_names_its_mutex():
    """The one mutex is one row, waited for by all but its holder; a woken one queues for a CPU."""
    with lib.program("mutex_convoy", 4) as workload:
        report = lib.diagnose_alone(workload.pid, 2)
    process = lib.process_of(report, workload.pid)
    lock = process["locks"][0]
    assert lock["state"] == "lock" and lock["kind"] == "mutex", lock
    assert lock["contended_share"] > 0.75, lock
    assert 1.5 < lock["waiters_mean"] <= 3.01, lock
    assert lock["waiters_max"] == 3, lock
