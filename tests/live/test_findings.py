# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Findings about the GIL, on each Python: a program that shows one, and one alike that must not.
Those about event loops are in test_loops.py and test_event_loops.py."""
import os

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

# A thread naps 20 ms at a time, in C: with the GIL kept, or without; another one wants the GIL, or not.
PROGRAM = """
import ctypes, sys, threading, time

library = (ctypes.PyDLL if "keeps" in sys.argv else ctypes.CDLL)(None)

def naps():
    while True:
        library.usleep(20000)
        time.sleep(0.005)

def computes():
    while True:
        sum(range(1000))

threads = [naps] + ([computes] if "wanted" in sys.argv else [])
for function in threads:
    threading.Thread(target=function, daemon=True).start()
print("ready", flush=True)
while True:
    time.sleep(1000)
"""


@pytest.fixture(params=lib.some_pythons(), ids=repr)
def python(request):
    return request.param


def diagnose(python, *args):
    with python.folder() as (ours, its):
        with open(os.path.join(ours, "naps.py"), "w", encoding="utf-8") as f:
            f.write(PROGRAM)
        with lib.Workload(python.argv + [os.path.join(its, "naps.py"), *args]) as workload:
            report = lib.diagnose(workload.pid, 2)
    return report["window"]["ns"], lib.process_of(report, workload.pid)


def test_gil_held_while_blocking(python):
    window, process = diagnose(python, "keeps", "wanted")
    found = process["findings"]
    assert [f["id"] for f in found] == ["gil-held-while-blocking"], found
    finding = found[0]
    assert finding["function"].endswith("naps") and finding["line"] == 8, finding
    assert finding["state"] == "sleep" and finding["syscall"].endswith("nanosleep"), finding
    assert finding["ns"] > 19 * 10 ** 6 * (finding["count"] - 2) and finding["max_ns"] > 19 * 10 ** 6
    # of each round 20 ms are slept with the GIL, 5 ms without, and then it has to wait for 5 ms
    assert 0.3 < finding["share"] < 0.85 and finding["ns"] < window, finding
    # while the other one waits for a CPU, between two slices, it does not wait for the GIL
    assert finding["waited_ns"] + lib.state(process, "runq") > 0.9 * finding["ns"], finding
    assert finding["waited_ns"] <= finding["ns"], finding
    assert finding["loop"] is None and finding["lag_max_ns"] is None, finding
    assert finding["rule"] == "held-blocked" and finding["value"] >= finding["threshold"], finding


@pytest.mark.parametrize("args", [("keeps",), ("wanted",), ()], ids=lambda a: "-".join(a) or "neither")
def test_no_finding(python, args):
    """Nobody else wants it; or it is let go of."""
    assert diagnose(python, *args)[1]["findings"] == []
