# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Event loops: their turns against the program's own clock, and what keeps them from the poll."""
import os
import shutil
import time

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/loops.py")


@pytest.fixture(params=lib.some_pythons(), ids=repr)
def python(request):
    return request.param


def watch(python, form, *options, secs=4):
    """(report's process, its one loop, the turns that the program timed in the window)."""
    with python.folder() as (ours, its):
        shutil.copy(PROGRAM, ours)
        argv = python.argv + [os.path.join(its, "loops.py"), form]
        with lib.Workload(argv) as workload:
            report = lib.diagnose(workload.pid, secs, *options)
            # the program writes its turns fifty at a time
            time.sleep(0.6)
        with open(os.path.join(ours, "turns"), encoding="utf-8") as f:
            turns = [tuple(map(int, line.split())) for line in f if line.endswith("\n")]
    lib.assert_no_losses(report)
    process = lib.process_of(report, workload.pid)
    start, stop = lib.window_realtime_ns(report)
    offset = time.time_ns() - time.monotonic_ns()
    inside = [ns for end, ns in turns if start <= end + offset <= stop]
    assert len(process["loops"]) == 1, process["loops"]
    return process, process["loops"][0], sorted(inside)


def quantile(turns, q):
    return turns[min(len(turns) - 1, int(q * len(turns)))]


def near_quantile(ours, turns, q, width):
    """Turns come in a few lengths: where one gives way to the next, a few more or less of them are
    all the difference, so neighbouring quantiles are right too."""
    least, most = quantile(turns, q - width), quantile(turns, q + width)
    assert 0.95 * least - 50000 <= ours <= 1.05 * most + 50000, \
        "p%g: %.3f ms, the program says %.3f to %.3f" % (100 * q, ours / 1e6, least / 1e6, most / 1e6)


def near(ours, theirs, what):
    # 50 us: what lies between the system call and the program's own clock
    assert abs(ours - theirs) <= 0.05 * theirs + 50000, "%s: %.3f ms, the program says %.3f" % (
        what, ours / 1e6, theirs / 1e6)


@pytest.mark.parametrize("form", ["ticks", "blocked"])
def test_turns_by_the_programs_own_clock(python, form):
    """p50 and p99 within 5 %, the number of turns and the busy share too."""
    process, loop, turns = watch(python, form, "--syscalls=on")
    assert loop["exact"] and loop["kind"] == "asyncio", loop
    assert abs(loop["turns"] - len(turns)) <= 0.02 * len(turns) + 2, (loop["turns"], len(turns))
    near_quantile(loop["p50_ns"], turns, 0.5, 0.03)
    near_quantile(loop["p99_ns"], turns, 0.99, 0.005)
    near(loop["max_ns"], turns[-1], "longest")
    # each turn is a little longer for us than for the program, which asks inside it; and one of the
    # longest may lie across either end of the window, where only one of us counts it
    busy = loop["busy_share"] * process["threads"][0]["window_ns"]
    assert 0.95 * sum(turns) - turns[-1] <= busy <= \
        1.05 * (sum(turns) + 20000 * len(turns)) + turns[-1], (busy, sum(turns))


def test_without_tracing_it_is_a_bound(python):
    """Only polls that block are seen: turns are no shorter than they are."""
    _, loop, turns = watch(python, "ticks", "--syscalls=off")
    assert not loop["exact"], loop
    assert loop["turns"] <= len(turns) + 2
    assert loop["p50_ns"] >= 0.95 * quantile(turns, 0.5) - 50000, loop
    assert loop["max_ns"] >= 0.95 * turns[-1] - 50000, loop


def test_blocking_call_in_a_coroutine(python):
    process, loop, _ = watch(python, "blocked")
    sleeps = [b for b in loop["blockers"] if b["state"] == "sleep"]
    if python.version < (3, 11):
        # time.sleep() is a select() without descriptors there
        sleeps = sleeps or [b for b in loop["blockers"] if b["state"] == "poll"]
    assert sleeps and sleeps[0]["function"] == "sleeps_in_the_loop", loop["blockers"]
    row = sleeps[0]
    assert row["task"] and row["task"]["function"] == "sleeps_in_the_loop", row
    assert row["max_ns"] > 0.09 * 10 ** 9 and row["ns"] > (row["count"] - 2) * 0.09 * 10 ** 9, row
    assert loop["max_ns"] > 0.09 * 10 ** 9
    found = [f for f in process["findings"] if f["id"] == "blocking-call-in-event-loop"]
    assert [f["function"] for f in found] == ["sleeps_in_the_loop"], process["findings"]
    assert found[0]["ns"] == row["ns"] and found[0]["lag_max_ns"] == loop["max_ns"], found
    assert found[0]["share"] > 0.2 and found[0]["waited_ns"] is None, found


def test_computing_in_a_coroutine(python):
    process, loop, _ = watch(python, "computes", "--syscalls=on")
    computing = [b for b in loop["blockers"] if b["state"] == "oncpu"
                 and b["task"] and b["task"]["function"] == "computes_in_the_loop"]
    # a third of the time where there is a CPU for it: 0.1 s after each 0.2 s
    total = sum(b["ns"] for b in computing)
    assert 5 < loop["long_turns"] < 16, loop
    assert 0.75 < total / (loop["long_turns"] * 0.1 * 10 ** 9) < 1.25, (total, loop)
    assert loop["long_max_ns"] > 0.099 * 10 ** 9, loop
    found = [f for f in process["findings"] if f["id"] == "cpu-in-event-loop"]
    assert found and found[0]["task"]["function"] == "computes_in_the_loop", process["findings"]
    # its turns, and none of the ticker's
    assert found[0]["count"] == loop["long_turns"], loop
    assert abs(sum(f["ns"] for f in found) - total) < 0.25 * total, (found, total)


def test_short_turns_are_no_finding(python):
    process, _, _ = lib.while_not_stolen(lambda: watch(python, "ticks", "--syscalls=on", secs=2))
    assert process["findings"] == []
