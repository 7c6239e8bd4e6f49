# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Waits for the kernel's own locks: which lock, in which function, how long."""
import json

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")


def rows(form, *options, seconds=1):
    """(the process, its rows, the report) of two threads"""
    with lib.program("kernel_locks", form, 2) as workload:
        report = lib.while_not_stolen(lambda: lib.diagnose_alone(workload.pid, seconds, *options))
    if not report["host"]["kernel_locks"]:
        pytest.skip("this kernel does not tell of its locks (5.19)")
    process = lib.process_of(report, workload.pid)
    return process, process["kernel_locks"], report


def test_position_of_a_file():
    """One of two threads reads at a time, and spins or sleeps while the other does: all the time, together."""
    process, found, report = rows("position")
    window = report["window"]["ns"]
    row = found[0]
    assert row["kind"] == "mutex" and row["function"].lstrip("_") == "fdget_pos" and not row["lock"], found
    # between two calls neither has it, and both may wait for a CPU
    queued = lib.state(process, "runq")
    assert 0.9 * window - queued <= row["ns"] <= 1.01 * window, (row, window, queued)
    assert row["count"] > 10 and row["max_ns"] <= window, row
    lib.assert_no_losses(report)
    # the CPUs are full, and half of that is spinning: the verdict says so
    said = [e for e in process["verdict"]["evidence"] if e["rule"] == "kernel-lock"]
    assert said and "fdget_pos" in said[0]["fact"] and said[0]["value"] > 0.5, process["verdict"]


def test_memory_map():
    _, found, _ = rows("memory")
    mapped = [row for row in found if row["lock"] == "mmap_lock"]
    assert mapped and mapped[0]["kind"] == "rwsem" and mapped[0]["access"] == "write", found
    assert "mprotect" in mapped[0]["function"], mapped


def test_no_lock_in_common():
    """What the scheduler's own spinlocks take is no wait of the program's."""
    _, found, report = rows("none")
    assert sum(row["ns"] for row in found) < 0.01 * report["window"]["ns"], found
    assert not [row for row in found if row["kind"] == "mutex"], found


def test_text_and_intervals():
    with lib.program("kernel_locks", "position", 2) as workload:
        text = lib.run("-p", workload.pid, "-d", 1).stdout.decode()
        out = lib.run("-p", workload.pid, "-d", 2, "-i", 1, "-f", "json").stdout.decode()
    reports = [json.loads(line) for line in out.splitlines()]
    assert len(reports) >= 2
    assert "Locks of the kernel" in text and "fdget_pos()" in text, text
    found = [lib.process_of(report, workload.pid)["kernel_locks"] for report in reports[:2]]
    assert all(rows[0]["function"].lstrip("_") == "fdget_pos" for rows in found), found
    # an interval has what was read in it, a little later than its end
    assert sum(rows[0]["ns"] for rows in found) <= 1.1 * sum(r["window"]["ns"] for r in reports[:2]), found


def test_no_room():
    """One row for both of its locks: the other's waits are a named loss."""
    with lib.program("kernel_locks", "memory", 2) as workload:
        report = lib.diagnose(workload.pid, 1, "--test-map-entries", "klocks=1")
    assert report["losses"]["kernel_locks_map_full"] > 0, report["losses"]
    assert len(lib.process_of(report, workload.pid)["kernel_locks"]) == 1
