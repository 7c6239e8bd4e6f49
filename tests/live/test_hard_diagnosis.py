# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Verdicts on programs that look like others: each beside the one that it must not be taken for."""
import contextlib
import os

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

SYSTEM = "/usr/bin/python3"


def diagnose(pid, *args):
    """(verdict, the process's row) of a window of a second, without others on the machine."""
    process = lib.process_of(lib.diagnose_alone(pid, 1, *args), pid)
    return process["verdict"], process


def python(text, *args):
    return lib.Workload([SYSTEM, "-c", text] + [str(arg) for arg in args])


def on_one_cpu(pid):
    for tid in lib.tids(pid):
        os.sched_setaffinity(tid, lib.CPUS[:1])


# One of a thousand

THOUSAND = """
import sys, threading
event = threading.Event()
for _ in range(999):
    threading.Thread(target=event.wait, daemon=True).start()
print("ready", flush=True)
if "works" in sys.argv:
    while True: sum(range(1000))
event.wait()
"""


def test_one_of_a_thousand_computes():
    """The threads that wait do not outvote it, and are no lock."""
    with python(THOUSAND, "works") as workload:
        verdict, process = diagnose(workload.pid)
    assert len(process["threads"]) == 1000
    assert [t["tid"] for t in process["threads"] if t["active"]] == [workload.pid]
    assert verdict["bound"] == "cpu-bound" and verdict["confidence"] > 0.9, verdict


def test_none_of_a_thousand_works():
    with python(THOUSAND) as workload:
        verdict, process = diagnose(workload.pid)
    assert not any(t["active"] for t in process["threads"])
    assert verdict["bound"] == "idle" and verdict["confidence"] > 0.9, verdict
    assert "no thread ran" in verdict["summary"], verdict


# Many threads that do little but sleep, and one

NAPS = """
import sys, threading, time
def nap(secs, rounds):
    while True:
        time.sleep(secs)
        sum(range(rounds))
def work():
    while True:
        end = time.thread_time() + 0.003
        while time.thread_time() < end: pass
        time.sleep(0.006)
if sys.argv[1] == "pool":
    for _ in range(40):
        threading.Thread(target=nap, args=(0.05, 2000), daemon=True).start()
else:
    threading.Thread(target=nap, args=(0.1, 1), daemon=True).start()
print("ready", flush=True)
work()
"""


def test_a_pool_that_naps_is_at_work():
    """No thread of it runs for a hundredth of its time, and together they are what the program does."""
    with python(NAPS, "pool") as workload:
        verdict, process = diagnose(workload.pid)
    naps = [t for t in process["threads"] if t["tid"] != workload.pid]
    assert len(naps) == 40 and sum(lib.share(t, "oncpu") < 0.01 for t in naps) > 20
    assert verdict["bound"] == "io-bound", verdict
    waiting, = [e["value"] for e in verdict["evidence"] if "threads waiting for I/O" in e["fact"]]
    assert waiting > 35, verdict


def test_a_beat_is_no_work():
    """It takes next to nothing of the CPU time: what counts is the thread that works."""
    with python(NAPS, "beat") as workload:
        verdict, process = diagnose(workload.pid)
    beat, = [t for t in process["threads"] if t["tid"] != workload.pid]
    assert beat["active"]
    used = lib.state(process, "oncpu") / process["window_ns"] * 2
    assert lib.share(beat, "oncpu") < 0.05 * used
    waiting = [e["value"] for e in verdict["evidence"] if "threads waiting for I/O" in e["fact"]]
    assert waiting and waiting[0] < 1, verdict


# The GIL, and no CPU for whoever has it

PYTHON_THREADS = """
import threading
def work():
    while True: sum(range(1000))
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
work()
"""


@pytest.mark.parametrize("neighbours", [2, 8])
def test_gil_on_a_full_machine(neighbours):
    """Both are true. The GIL comes first: without it, threads get a share of the CPUs each, with it
    they get one share together, however many neighbours there are. The CPUs are told of, too."""
    with python(PYTHON_THREADS) as workload, lib.program("spin", neighbours):
        process = lib.process_of(lib.diagnose(workload.pid, 2), workload.pid)
    verdict = process["verdict"]
    assert lib.state(process, "runq") > 0.2 * lib.state(process, "oncpu"), process["states"]
    assert verdict["bound"] == "gil-bound", verdict
    assert verdict["components"]["cpu-saturated"] > 0, verdict


# One CPU

@pytest.mark.parametrize("kind", ["gil", "spin"])
def test_pinned_to_one_cpu(kind):
    """More processes would queue for the same CPU: neither the GIL nor its own code is the limit."""
    with contextlib.ExitStack() as stack:
        workload = stack.enter_context(
            python(PYTHON_THREADS) if kind == "gil" else lib.program("spin", 1))
        free, _ = diagnose(workload.pid)
        on_one_cpu(workload.pid)
        pinned, process = diagnose(workload.pid)
    assert free["bound"] == {"gil": "gil-bound", "spin": "cpu-bound"}[kind], free
    assert process["cpus_usable"] == 1
    assert pinned["bound"] == "cpu-saturated", pinned


# Locks that nobody sleeps on

@pytest.mark.parametrize("form", ["plain", "yield"])
def test_spinning_on_trylock(form):
    """CPU time is what it takes: no thread waits for a lock. That it is for nothing shows where they
    yield; without a call between two tries nothing tells."""
    with lib.program("trylock", form, 2) as workload:
        verdict, process = diagnose(workload.pid)
    assert verdict["bound"] == "cpu-saturated", verdict
    assert lib.share(process, "lock", "queue") < 0.01, process["states"]
    spins = [e for e in verdict["evidence"] if e["rule"] == "spins"]
    assert bool(spins) == (form == "yield"), verdict["evidence"]


# Collecting garbage

COLLECTS = """
import gc, sys, threading, time
garbage = [[] for _ in range(1000000)]
def request():
    while True: time.sleep(0.005)
if "requests" in sys.argv:
    for _ in range(4):
        threading.Thread(target=request, daemon=True).start()
def collects():
    while True: gc.collect()
print("ready", flush=True)
collects()
"""


def test_a_collector_that_nobody_waits_for():
    with python(COLLECTS) as workload:
        verdict, process = diagnose(workload.pid)
    assert verdict["bound"] == "cpu-bound", verdict
    assert process["gil"]["contended_share"] < 0.05, process["gil"]


def test_a_collector_that_requests_wait_for():
    """One thread computes, with the GIL in one piece for as long as a collection takes: those that have
    little to do wait for it nearly all the time. It is blamed on the line that collects."""
    with python(COLLECTS, "requests") as workload:
        verdict, process = diagnose(workload.pid)
    assert verdict["bound"] == "gil-bound", verdict
    blamed = max(process["gil"]["holders"], key=lambda h: h["share"])
    assert blamed["function"].endswith("collects") and blamed["share"] > 0.8, process["gil"]["holders"]


# Nothing at all

def test_no_activity():
    """One long wait, before the window and through it: nobody knows for what, and nobody works."""
    with lib.program("sleeper") as workload:
        verdict, process = diagnose(workload.pid)
    assert process["switches"] == {"voluntary": 0, "involuntary": 0} or lib.state(process, "oncpu") < 10**6
    assert verdict["bound"] == "idle" and verdict["confidence"] > 0.9, verdict
