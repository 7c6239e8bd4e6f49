# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Locks: how long each was waited for and by whom it was held, against the program's own clock."""
import json
import os

import pytest

import lib

LOCKS = os.path.join(lib.TESTS, "locks")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def told(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def whole_life(folder, *argv):
    report, said = lib.whole_life(folder, LOCKS, *argv)
    lib.assert_no_losses(report)
    return report, told(said)


def lock_at(process, addr):
    found = [lock for lock in process["locks"] if lock["addr"] == addr]
    assert len(found) == 1, process["locks"]
    return found[0]


def holder_of(lock):
    return lock["holders"][0]


def test_each_lock_by_its_own_clock(tmp_path):
    """Of six mutexes: waits, contended time, maximum, and whose that was, all to 3 %."""
    report, said = lib.while_not_stolen(lambda: whole_life(tmp_path, "many", 6))
    assert len(said) == 6
    process, = report["processes"]
    longest = max(lib.state(t, "runq") for t in process["threads"])
    for truth in said:
        lock = lock_at(process, truth["addr"])
        assert lock["state"] == "lock" and lock["kind"] == "mutex" and lock["rule"] == "protocol"
        assert lib.close(lock["wait_ns"], truth["wait_ns"]), (lock, truth)
        assert lib.close(lock["contended_ns"], truth["contended_ns"]), (lock, truth)
        # its clock also has what it waited for a CPU after the wake-up
        late = truth["max_ns"] - lock["max_ns"]
        assert lib.close(lock["max_ns"], truth["max_ns"]) or 0 < late < longest, (lock, truth, longest)
        # one that was woken up may find it taken, and wait again
        assert truth["waits"] <= lock["waits"] <= 1.2 * truth["waits"], (lock, truth)
        assert lock["waiters_max"] == 1
        assert lock["p50_ns"] <= lock["p99_ns"] <= lock["max_ns"]
        held = {str(h["tid"]): h["ns"] for h in lock["holders"]}
        for tid, ns in truth["holders"].items():
            assert abs(held.get(tid, 0) - ns) <= 0.03 * truth["contended_ns"], (lock, truth)
        # they sleep with it
        assert all(h["state"] == "sleep" and h["blocked_ns"] > 0.9 * h["ns"]
                   for h in lock["holders"] if h["ns"] > 0.1 * lock["contended_ns"]), lock


@pytest.mark.parametrize("form, kind", [("forever", "mutex"), ("pi", "pi-mutex")])
def test_owner_that_never_lets_go(form, kind):
    """Nobody is woken up, so only the lock's own memory tells who has it."""
    with lib.program("locks", form, 3) as workload:
        truth, = told("\n".join(workload.heard))
        report = lib.diagnose(workload.pid, 1)
        text = lib.run("-p", workload.pid, "-d", 1).stdout.decode()
    process = lib.process_of(report, workload.pid)
    lock = lock_at(process, truth["addr"])
    assert lock["state"] == "lock" and lock["kind"] == kind, lock
    assert lock["contended_share"] > 0.99 and lock["waiters_max"] == 3
    owner, = lock["holders"]
    assert owner["tid"] == truth["owner"] and owner["owns"], owner
    assert lib.close(owner["ns"], lock["contended_ns"])
    # it waits for a signal
    assert owner["syscall"] == "pause" and owner["blocked_ns"] > 0.99 * owner["ns"], owner
    assert "held by %d" % truth["owner"] in text, text


def test_chain_of_locks():
    """A waits for a lock, which B has, who waits for another, which C has, who reads from a pipe."""
    with lib.program("locks", "chain") as workload:
        first, second = told("\n".join(workload.heard))
        report = lib.diagnose(workload.pid, 2)
        text = lib.run("-p", workload.pid, "-d", 2).stdout.decode()
    process = lib.process_of(report, workload.pid)
    lock = lock_at(process, first["addr"])
    holder = holder_of(lock)
    assert holder["tid"] == first["owner"] and holder["ns"] > 0.9 * lock["contended_ns"], lock
    assert holder["state"] == "lock" and holder["lock"] == second["addr"], holder
    lock = lock_at(process, second["addr"])
    holder = holder_of(lock)
    assert holder["tid"] == second["owner"] and holder["ns"] > 0.9 * lock["contended_ns"], lock
    assert holder["state"] == "ipc" and holder["syscall"] == "read", holder
    assert holder["blocked_ns"] > 0.9 * holder["ns"] and holder["label"] == "pipe of its own", holder
    # the second one stands under the first, with what it waits for
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if "held by %d" % first["owner"] in line)
    assert "in lock %s" % second["addr"] in lines[at + 1], text
    assert "held by %d" % second["owner"] in lines[at + 2] and "read, pipe" in lines[at + 3], text


def test_lock_between_processes(tmp_path):
    """Each process sees its own waits, and the other one's thread as the holder."""
    report, (truth,) = lib.while_not_stolen(lambda: whole_life(tmp_path, "shared"))
    mine = [(p, lock) for p in report["processes"] for lock in p["locks"]
            if lock["addr"] == truth["addr"]]
    assert len(mine) == 2, report["processes"]
    assert all(lock["shared"] and lock["kind"] == "mutex" for _, lock in mine)
    assert lib.close(sum(lock["wait_ns"] for _, lock in mine), truth["wait_ns"])
    for process, lock in mine:
        holder = holder_of(lock)
        assert holder["pid"] != process["pid"] and holder["ns"] > 0.9 * lock["contended_ns"], lock
        assert abs(holder["ns"] - truth["holders"][str(holder["tid"])]) \
            <= 0.03 * truth["contended_ns"], (lock, truth)


def test_robust_mutex_whose_owner_dies(tmp_path):
    """The kernel hands it on when its owner ends: a wait for a lock like any other."""
    report, (truth,) = lib.while_not_stolen(lambda: whole_life(tmp_path, "robust", 20))
    process, = report["processes"]
    lock = lock_at(process, truth["addr"])
    assert lock["state"] == "lock", lock
    assert lib.close(lock["wait_ns"], truth["wait_ns"]), (lock, truth)
    assert lib.close(lock["contended_ns"], truth["contended_ns"]), (lock, truth)
    assert sum(h["count"] for h in lock["holders"]) == truth["waits"] == 20
    # each of them had it once
    assert len({h["tid"] for h in lock["holders"]}) == 20


def test_thundering_herd():
    """All are woken by one broadcast: they wait for work, and then for the mutex."""
    with lib.program("locks", "herd", 16) as workload:
        truth, = told("\n".join(workload.heard))
        report = lib.diagnose(workload.pid, 2)
    process = lib.process_of(report, workload.pid)
    cond = [lock for lock in process["locks"] if int(lock["addr"], 16) in
            range(int(truth["cond"], 16), int(truth["cond"], 16) + 48)]
    assert cond and all(lock["state"] == "queue" for lock in cond), process["locks"]
    assert sum(lock["waits"] for lock in cond) >= 16 * 50
    # the main thread feeds it
    assert all(holder_of(lock)["tid"] == workload.pid for lock in cond), cond
    mutex = lock_at(process, truth["mutex"])
    assert mutex["state"] == "lock" and mutex["waiters_max"] > 4, mutex


def test_address_used_again(tmp_path):
    """Locks that are freed and made again at one address are one row: no wait is lost."""
    report, (truth,) = lib.while_not_stolen(lambda: whole_life(tmp_path, "reused", 40))
    process, = report["processes"]
    lock = lock_at(process, truth["addr"])
    assert lib.close(lock["wait_ns"], truth["wait_ns"]) and lock["waits"] == truth["waits"] == 40
    assert sum(h["count"] for h in lock["holders"]) == 40


def test_a_hundred_thousand_words(tmp_path):
    """Rows are bounded; what has none is named, and its time is in the states all the same."""
    out = tmp_path / "report.json"
    result = lib.run("-f", "json", "-o", out, "--", LOCKS, "words", "100000")
    assert result.status == 4, result
    report = json.loads(out.read_text())
    lib.assert_budget_closes(report)
    process, = report["processes"]
    rows = sum(lock["waits"] for lock in process["locks"])
    lost = report["losses"]["locks_map_full"]
    assert lost > 0 and len(process["locks"]) > 4000
    assert abs(rows + lost - 100000) < 1000, (rows, lost)
    assert lib.state(process, "queue") > 50000 * 50000


def test_wakers_without_room():
    """Of whom there is no row is a loss by name."""
    with lib.program("mutex_convoy", 8) as workload:
        report = lib.diagnose(workload.pid, 1, "--test-map-entries", "wakers=4")
    assert report["losses"]["wakers_map_full"] > 0
    lock = lib.process_of(report, workload.pid)["locks"][0]
    # what those have is theirs, and not that of others; and, it may be, there is the owner at the end
    assert sum(h["ns"] for h in lock["holders"] if h["count"]) < 0.8 * lock["contended_ns"], lock
    assert len([h for h in lock["holders"] if h["count"]]) == 4 and lock["state"] == "lock"


def test_intervals_tell_holders_of_their_own():
    """A report by -i has what happened in its interval alone."""
    with lib.program("mutex_convoy", 3) as workload:
        with lib.Tool("-p", workload.pid, "-d", 3, "-i", 1, "-f", "json") as run:
            reports = run.wait().reports
    assert len(reports) == 3
    for report in reports:
        lock = lib.process_of(report, workload.pid)["locks"][0]
        held = sum(h["ns"] for h in lock["holders"])
        assert 0.9 * lock["contended_ns"] < held < 1.05 * lock["contended_ns"], lock
        assert len([h for h in lock["holders"] if h["ns"] > 0.02 * held]) == 3, lock
