# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Waiting for a CPU: who had it."""
import os

import pytest

import lib

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def on_one_cpu(pid):
    cpu = min(lib.CPUS)
    for tid in lib.tids(pid):
        os.sched_setaffinity(tid, {cpu})


def takers(process):
    """(their rows, what part of the time in run queues they have)"""
    rows = process["cpu_takers"]
    assert rows == sorted(rows, key=lambda t: -t["ns"])
    return rows, sum(t["ns"] for t in rows) / max(1, lib.state(process, "runq"))


def test_another_process():
    """Two that compute on one CPU: each waits for the other one."""
    with lib.program("spin", 1) as one, lib.program("spin", 1) as other:
        on_one_cpu(one.pid)
        on_one_cpu(other.pid)
        report = lib.diagnose(one.pid, 3)
        text = lib.run("-p", one.pid, "-d", 1).stdout.decode()
    rows, part = takers(lib.process_of(report, one.pid))
    assert 0.9 < part <= 1.001, rows
    assert rows[0]["pid"] == other.pid and rows[0]["comm"] == "spin", rows
    assert not rows[0]["own"] and not rows[0]["idle"]
    assert rows[0]["ns"] > 0.8 * sum(t["ns"] for t in rows), rows
    assert "behind spin (%d)" % other.pid in text, text


def test_its_own_threads():
    with lib.program("spin", 8) as workload:
        report = lib.diagnose_alone(workload.pid, 3)
    rows, part = takers(lib.process_of(report, workload.pid))
    assert rows[0]["own"] and rows[0]["pid"] == workload.pid, rows
    assert rows[0]["ns"] > 0.8 * sum(t["ns"] for t in rows) and 0.9 < part <= 1.001, rows


def test_more_than_there_is_room_for():
    with lib.program("spin", 1) as one, lib.program("spin", 1) as other:
        on_one_cpu(one.pid)
        on_one_cpu(other.pid)
        with lib.program("spin", 1) as third:
            on_one_cpu(third.pid)
            report = lib.diagnose(one.pid, 2, "--test-map-entries", "takers=1")
    assert len(lib.process_of(report, one.pid)["cpu_takers"]) == 1
    assert report["losses"]["takers_map_full"] > 0


def test_two_others_have_the_same():
    """Each of three that compute on one CPU waits for both others."""
    with lib.program("spin", 1) as one, lib.program("spin", 1) as other:
        with lib.program("spin", 1) as third:
            for workload in (one, other, third):
                on_one_cpu(workload.pid)
            report = lib.diagnose(one.pid, 3)
            pids = {other.pid, third.pid}
    rows, _ = takers(lib.process_of(report, one.pid))
    both = [t for t in rows if t["pid"] in pids]
    assert len(both) == 2 and both[1]["ns"] > 0.5 * both[0]["ns"], rows
