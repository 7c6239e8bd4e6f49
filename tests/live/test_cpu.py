# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Waiting for a CPU: who had it."""
import contextlib
import os
import signal
import subprocess

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


def migrations(pid):
    """The kernel's own count, of the leader."""
    with open("/proc/%d/task/%d/sched" % (pid, pid)) as f:
        return next(int(line.split(":")[1]) for line in f if line.startswith("se.nr_migrations"))


def test_migrations():
    """Of a thread that moves itself, and of one that comes, moves itself and ends."""
    mover = os.path.join(lib.ROOT, "tests/lib/python/mover.py")
    one, other = lib.CPUS
    with lib.Workload(["/usr/bin/python3", mover, str(one), str(other)],
                      stdin=subprocess.PIPE) as workload:
        def tell(times, answer):
            workload.process.stdin.write(b"%d\n" % times)
            workload.process.stdin.flush()
            assert workload.lines.next() == answer

        with lib.Tool("-p", workload.pid, "-d", 600, "-f", "json") as tool:
            tool.wait_open()
            before = migrations(workload.pid)
            tell(300, "moved")
            after = migrations(workload.pid)
            tell(500, "ended")
            tool.signal(signal.SIGINT)
            result = tool.wait()
    assert result.status == 0, result
    process = lib.process_of(result.report, workload.pid)
    assert after - before == 300
    assert {t["ended"]: t["migrations"] for t in process["threads"]} == {False: 300, True: 500}
    assert process["migrations"] == 800
    lib.assert_no_losses(result.report)


@contextlib.contextmanager
def cgroup_with_quota():
    """A new cgroup with a tenth of a CPU."""
    if not lib.cpu_controller():
        pytest.skip("optional: no cgroup CPU controller here; the kernel matrix tests it")
    with lib.cgroup_with_quota(0.1) as folder:
        yield folder


def throttled_ns(folder):
    """Of cpu.stat: the times that it had to stand still, summed over the CPUs."""
    with open(folder + "/cpu.stat") as f:
        stat = dict(line.split() for line in f)
    if "throttled_usec" in stat:
        return int(stat["throttled_usec"]) * 1000
    return int(stat["throttled_time"])


def test_throttled_as_the_kernel_says(tmp_path):
    """One thread that computes on one CPU, alone in its cgroup, from its first instant to its last: what
    the quota took from it is what the kernel counted, whoever else uses that CPU."""
    program = os.path.join(lib.ROOT, "tests/lib/python/throttled.py")
    with cgroup_with_quota() as folder:
        report, _ = lib.whole_life(tmp_path, "/usr/bin/python3", program, folder, lib.CPUS[0], 3)
        kernel = throttled_ns(folder)
    process, = report["processes"]
    ours, on, runq = (process["runq"]["throttled_ns"], lib.state(process, "oncpu"),
                      lib.state(process, "runq"))
    assert kernel > 0.3 * process["window_ns"], "the quota was hardly felt"
    assert lib.close(ours, kernel, 0.02), (ours, kernel, process["runq"])
    assert process["verdict"]["bound"] == "cpu-saturated"
    lost, = [e for e in process["verdict"]["evidence"] if "quota" in e["fact"]]
    assert lib.close(lost["value"], ours / (on + runq), 0.001), lost
    assert lost["rule"] == "starved-from" and lost["value"] >= lost["threshold"], lost
