# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Waits that are hard to tell: each in its state and call, and as long as by the program's own clock."""
import os

import pytest

import lib
import one_second

pytestmark = pytest.mark.usefixtures("tool")


def measure(*args):
    """(process in the report, what it said before, {tid: what it said} in one second)"""
    process, before, truth = lib.while_not_stolen(
        lambda: one_second.measure(lambda row: not row["n"], "hard_waits", *args))
    return process, before, {row["tid"]: row for row in truth[:-1]}


def assert_waits(process, truth, state, syscalls):
    """The thread waited in this state, in these calls, and in nothing else for long."""
    thread = lib.thread_of(process, truth["tid"])
    # it queues for a CPU after each wait
    runq = lib.state(thread, "runq") + lib.state(thread, "oncpu")
    assert truth["ns"] - runq - 10**7 <= lib.state(thread, state) <= truth["ns"] + 10**7, (thread, truth)
    rows = [w for w in thread["waits"] if w["state"] == state and w["wait_ns"] > 10**7]
    assert rows and {w["syscall"] for w in rows} <= syscalls, thread["waits"]
    assert lib.share(thread, "unknown", "other") < 0.01, thread
    return thread


def test_mutex_that_was_taken_across_a_fork():
    """Its owner is in no process of its own: nobody holds it, and nobody is said to."""
    with lib.program("hard_waits", "forked") as workload:
        truth = one_second.told(workload.heard)[-1]
        report = lib.diagnose(workload.pid, 1, "-C")
        text = lib.run("-p", truth["child"], "-d", 1).stdout.decode()
    process = lib.process_of(report, truth["child"])
    lock, = [lock for lock in process["locks"] if lock["addr"] == truth["addr"]]
    assert lock["state"] == "lock" and lock["kind"] == "mutex", lock
    assert lock["contended_share"] > 0.99 and not lock["holders"], lock
    assert lock["gone_owner"] == workload.pid, lock
    assert "%d has it, which is no thread of this process" % workload.pid in text, text


def test_reads_through_an_io_uring():
    process, _, truth = measure("uring")
    truth, = truth.values()
    thread = assert_waits(process, truth, "poll", {"io_uring_enter"})
    waits = sum(w["count"] for w in thread["waits"] if w["syscall"] == "io_uring_enter")
    assert truth["n"] <= waits <= truth["n"] + 1, (thread, truth)


def test_file_that_was_removed():
    """The call is on a descriptor whose file has no name any more."""
    path = os.path.join(lib.TESTS, "unlinked-%d" % os.getpid())
    process, _, truth = measure("unlinked", path)
    truth, = truth.values()
    thread = lib.thread_of(process, truth["tid"])
    row, = [w for w in thread["waits"] if w["syscall"] == "fdatasync"]
    assert row["state"] == "disk" and row["fdkind"] == "file", row
    assert row["label"].endswith("(deleted)") and "unlinked-" in row["label"], row
    assert 0 < row["wait_ns"] <= truth["ns"] + 10**7, (row, truth)
    assert row["wait_ns"] > truth["ns"] - lib.state(thread, "runq") - lib.state(thread, "oncpu"), (row, truth)


def test_parent_in_vfork():
    process, _, truth = measure("vfork")
    truth, = truth.values()
    thread = assert_waits(process, truth, "child", {"vfork"})
    row, = [w for w in thread["waits"] if w["syscall"] == "vfork"]
    assert row["count"] == truth["n"], (row, truth)


def test_waits_that_signals_interrupt():
    """A read that the kernel restarts, a sleep and a wait for a semaphore that begin again."""
    process, _, truth = measure("signals")
    states = {}
    for tid, row in truth.items():
        thread = lib.thread_of(process, tid)
        states[lib.main_state(thread)] = (thread, row)
    assert set(states) == {"ipc", "sleep", "queue"}, states
    for state, syscalls in (("ipc", {"read"}), ("sleep", {"clock_nanosleep", "nanosleep"}),
                            ("queue", {"futex"})):
        thread, row = states[state]
        assert_waits(process, row, state, syscalls)
        # each signal ended a wait
        assert sum(w["count"] for w in thread["waits"]) > 4 * row["n"], (thread, row)


@pytest.mark.parametrize("form", ["plain", "seccomp"])
def test_process_under_seccomp(form):
    """All is as without: what is read, is read from outside."""
    process, before, truth = measure(form)
    lock, = [lock for lock in process["locks"] if lock["addr"] == before[0]["addr"]]
    assert lock["kind"] == "mutex" and lock["state"] == "lock" and lock["symbol"] == "mutex", lock
    assert lib.close(lock["wait_ns"], sum(row["ns"] for row in truth.values())), (lock, truth)
    assert {h["tid"] for h in lock["holders"]} == set(truth), lock
    for tid in truth:
        thread = lib.thread_of(process, tid)
        assert lib.state(thread, "sleep") > 0.3 * thread["window_ns"], thread
        assert lib.share(thread, "unknown", "other") < 0.01, thread


@pytest.mark.parametrize("form", ["processes", "robust"])
def test_one_lock_of_two_processes(form):
    """What each of them waited for is one lock of the tree, held by whoever let go of it."""
    report, pid, before, truth = lib.while_not_stolen(lambda: one_second.measure_all(
        lambda row: not row["n"], ("-C",), "hard_waits", form))
    truth = {row["tid"]: row for row in truth[:-1]}
    assert set(truth) == {pid, before[-1]["child"]}
    own = [lock for process in report["processes"] for lock in process["locks"]
           if lock["addr"] == before[-1]["addr"]]
    lock, = [lock for lock in report["tree"]["locks"] if lock["memory"] == own[0]["memory"]]
    assert len(own) == lock["processes"] == 2 and lock["shared"] and lock["state"] == "lock", lock
    assert lock["place"] == "/dev/zero (deleted)" and lock["kind"] == "mutex", lock
    assert lib.close(lock["wait_ns"], sum(row["ns"] for row in truth.values())), (lock, truth)
    # one of them waits at a time: the wall time is the sum, and the largest of both less than that
    assert lock["contended_ns"] == max(l["contended_ns"] for l in own) < lock["wait_ns"], (lock, own)
    assert lib.close(lock["contended_most_ns"], lock["wait_ns"]), lock
    assert {h["tid"] for h in lock["holders"]} == set(truth), lock


def test_locks_of_two_processes_that_are_two():
    """The same addresses, in memory of their own: nothing is joined."""
    with lib.program("lock_kinds", "semaphore") as one, lib.program("lock_kinds", "semaphore") as two:
        report = lib.diagnose("%d,%d" % (one.pid, two.pid), 1)
    assert all(process["locks"] for process in report["processes"])
    assert report["tree"]["locks"] == []
