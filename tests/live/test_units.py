# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Units of work against programs that count their own, and the CPU time of each; and programs alike
of which nothing may be told."""
import contextlib
import os
import subprocess
import sys

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

COUNTED = os.path.join(lib.WORKLOADS, "counted.py")
LIGHT = ["threads", "parts", "http", "asyncio", "pool", "queue"]


class Counted(lib.Workload):
    """A program that says what it did in a window."""

    def __init__(self, *args):
        super().__init__([sys.executable, COUNTED, *map(str, args)], stdin=subprocess.PIPE)

    def between(self, start, stop):
        """(units, CPU time of one in ns)"""
        self.process.stdin.write(b"%d %d\n" % (start, stop))
        self.process.stdin.flush()
        units, cpu = map(int, self.lines.next().split())
        return units, cpu / max(1, units)


class Seen:
    """The rows of a process, and the program's own figures for the same window."""

    def __init__(self, report, program):
        self.process = lib.process_of(report, program.pid)
        self.rows = {row["kind"]: row for row in self.process["units"]}
        self.units, self.cpu = program.between(*lib.window_realtime_ns(report))

    def assert_told(self, kind, threads=None):
        row = self.rows[kind]
        assert row["why_not"] is None, row
        assert abs(row["count"] - self.units) <= 0.03 * self.units + 2, (row, self.units)
        assert row["count_low"] <= row["count"] <= row["count_high"], row
        # the kernel's switches, and what the program does not see of itself, are in ours
        assert 0.97 * self.cpu <= row["states"]["oncpu_ns"] <= 1.15 * self.cpu + 20000, \
            (row, self.cpu)
        assert row["mean_ns"] >= row["states"]["oncpu_ns"], row
        assert threads in (None, row["threads"]), row

    def assert_not_told(self, kind, why):
        row = self.rows[kind]
        assert row["count"] is row["per_s"] is row["mean_ns"] is row["states"] is None, row
        assert why in row["why_not"], row
        # what is said of it is true
        assert row["count_low"] <= self.units + 2, (row, self.units)
        assert row["count_high"] is None or row["count_high"] >= self.units - 2, (row, self.units)


@pytest.fixture(scope="module")
def light():
    """Programs that are mostly waiting, all in one report."""
    with contextlib.ExitStack() as stack:
        programs = {form: stack.enter_context(Counted(form)) for form in LIGHT}
        pool = stack.enter_context(lib.program("cond_pool", 4, 10))
        report = lib.diagnose(",".join(str(p.pid) for p in [*programs.values(), pool]), 2,
                              "--syscalls=on")
        seen = {form: Seen(report, program) for form, program in programs.items()}
        seen["cond_pool"] = lib.process_of(report, pool.pid)
        seen["tree"] = report["tree"]
        return seen


def test_requests(light):
    """Three connections of many requests each; the thread that accepts waits all the time."""
    light["threads"].assert_told("request")
    assert list(light["threads"].rows) == ["request"]


def test_requests_by_connection(light):
    """http.server: a thread for each, of which most find the request there."""
    light["http"].assert_told("request")


def test_requests_in_parts(light):
    """Each is waited for twice, in two lines of code."""
    light["parts"].assert_not_told("request", "in parts")


def test_loop_turns(light):
    light["asyncio"].assert_told("loop-turn", threads=1)
    assert list(light["asyncio"].rows) == ["loop-turn"]


def test_hand_overs_of_a_pool(light):
    """Of three workers two wait at any time."""
    light["pool"].assert_told("hand-over", threads=3)


def test_hand_overs_in_c(light):
    """A condition variable; its jobs are as many as the producer's sleeps."""
    process = light["cond_pool"]
    row, = process["units"]
    jobs, = [w["count"] for w in process["waits"] if w["state"] == "sleep"]
    assert row["kind"] == "hand-over" and abs(row["count"] - jobs) <= 3, (row, jobs)
    # of 100 us by the program
    assert 95000 <= row["states"]["oncpu_ns"] <= 200000, row


def test_hand_overs_by_locks_of_their_own(light):
    """queue.Queue: what was there already is not to be known, so only a bound is given."""
    light["queue"].assert_not_told("hand-over", "lock of its own")
    assert light["queue"].rows["hand-over"]["count_low"] >= 0.9 * light["queue"].units - 2


def test_tree(light):
    """Of all together nothing that one of them does not tell."""
    rows = {row["kind"]: row for row in light["tree"]["units"]}
    assert rows["request"]["count"] is None and "in parts" in rows["request"]["why_not"]
    assert rows["loop-turn"]["count"] == light["asyncio"].rows["loop-turn"]["count"]


def test_saturated():
    """Who always finds the next one there does not wait for it: the waits are no count."""
    with Counted("threads", 0, 4) as server:
        seen = Seen(lib.diagnose(server.pid, 1, "--syscalls=on"), server)
        row = seen.rows["request"]
        if row["count"] is None:
            seen.assert_not_told("request", "were there already")
        else:
            seen.assert_told("request")


def test_saturated_queue_and_no_units():
    """Workers that never wait have handed nothing over; threads that compute have no units."""
    with Counted("queue", 0, 2) as workers, Counted("compute", 0, 2) as threads:
        report = lib.diagnose("%d,%d" % (workers.pid, threads.pid), 1)
        seen = Seen(report, workers)
        assert all(row["count"] is None for row in seen.rows.values()), seen.rows
        assert lib.process_of(report, threads.pid)["units"] == []


def test_untraced():
    """Without tracing requests that were there already are not seen."""
    with Counted("threads") as server:
        report = lib.diagnose(server.pid, 1, "--syscalls=off")
        Seen(report, server).assert_not_told("request", "not traced")
