# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--stacks and -f folded: in which code threads block and run, and who wakes them from where."""
import os

import pytest

import lib

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def names(row, kind=None):
    """Functions from the top."""
    return [f["name"] for f in row["frames"] if kind in (None, f["kind"])]


def rows(process, kind, state):
    return [r for r in process["stacks"] if r["kind"] == kind and r["state"] == state]


def in_order(found, *wanted):
    """Each is there, one after the other; others may come between."""
    rest = iter(found)
    return all(any(name == w for name in rest) for w in wanted)


def folded(*args):
    """Frames, from the root, and microseconds of each line."""
    result = lib.run(*args)
    assert result.status == 0, result
    lines = result.stdout.decode().splitlines()
    return [(line.rpartition(" ")[0].split(";"), int(line.rpartition(" ")[2])) for line in lines]


@pytest.fixture(scope="module")
def chain():
    """One look at a thread that feeds another."""
    # not every 10 ms: that is the sampling clock's own beat
    with lib.program("chain", 7, 2000) as workload:
        report = lib.diagnose(workload.pid, 2, "--stacks")
        process = lib.process_of(report, workload.pid)
        lib.assert_no_losses(report)
        yield workload, process


def test_where_threads_block(chain):
    """All the time that they are blocked, and in which code: the reader, and the feeder."""
    _, process = chain
    for state, code in (("ipc", ("consume", "reader", "main")), ("sleep", ("produce", "feeder"))):
        found = rows(process, "blocked", state)
        total = sum(r["ns"] for r in found)
        # the wait that was under way when the window opened has no stack
        assert abs(total - lib.state(process, state)) <= 10**6, found
        known = [r for r in found if in_order(names(r, "native"), *code)]
        assert sum(r["ns"] for r in known) > 0.98 * total, found
        # about a hundred a second of each
        assert sum(r["count"] for r in known) > 100, found
        assert all(r["max_ns"] <= r["ns"] and not r["waker"] for r in found)


def test_kernels_part(chain):
    _, process = chain
    ipc = rows(process, "blocked", "ipc")[0]
    kernel = names(ipc, "kernel")
    assert any("pipe_read" in name for name in kernel) and "schedule" not in kernel, kernel
    # from the top: the kernel's frames are all above the program's
    kinds = [f["kind"] for f in ipc["frames"]]
    assert kinds == sorted(kinds), kinds


def test_who_wakes_them(chain):
    """The feeder wakes the reader; a timer the feeder."""
    workload, process = chain
    feeder, = [t["tid"] for t in process["threads"] if t["comm"] == "feeder"]
    wakes = rows(process, "wakeup", "ipc")
    by_feeder = [r for r in wakes if r["waker"]["tid"] == feeder]
    total = sum(r["ns"] for r in wakes)
    assert sum(r["ns"] for r in by_feeder) > 0.98 * total, wakes
    assert abs(total - lib.state(process, "ipc")) < 0.02 * lib.state(process, "ipc")
    row = by_feeder[0]
    assert row["waker"]["pid"] == workload.pid and row["waker"]["comm"] == "feeder", row
    assert row["tid"] == workload.pid
    assert in_order(names(row), "produce", "feeder"), row
    assert any("pipe_write" in name for name in names(row, "kernel")), row
    # the feeder slept nearly all of that time
    assert row["waker"]["blocked_state"] == "sleep", row
    assert row["waker"]["blocked_ns"] > 0.9 * row["ns"], row
    timers = rows(process, "wakeup", "sleep")
    assert sum(r["ns"] for r in timers if r["waker"]["interrupt"]) > 0.95 * sum(
        r["ns"] for r in timers), timers
    # whoever it hit is no part of it
    assert all(not names(r, "native") for r in timers if r["waker"]["interrupt"]), timers


def test_what_runs(chain):
    """By samples: the reader's work, under the functions that called it."""
    _, process = chain
    ran = rows(process, "oncpu", "oncpu")
    assert all(r["ns"] is None for r in ran)
    crunches = sum(r["count"] for r in ran if in_order(names(r), "consume", "reader"))
    assert crunches > 0.5 * sum(r["count"] for r in ran) > 5, ran


def test_text(chain):
    workload, _ = chain
    text = lib.run("-p", workload.pid, "-d", 1, "--stacks").stdout.decode()
    blocked = text[text.index("Blocked in"):text.index("Woken by")]
    assert " < reader" in blocked or "consume < " in blocked, text
    woken = text[text.index("Woken by"):]
    assert "its own feeder" in woken and "an interrupt" in woken, text


def test_folded_is_the_time_budget(chain):
    """Over all states the values add up to the threads' windows, of which there are two."""
    workload, _ = chain
    lines = folded("-p", workload.pid, "-d", 1, "-f", "folded")
    total = sum(us for _, us in lines)
    assert abs(total - 2 * 10**6) < 10**5, total
    assert {frames[0] for frames, _ in lines} <= set(lib.STATES)
    assert {frames[1] for frames, _ in lines} == {"chain"}
    ipc = max((line for line in lines if line[0][0] == "ipc"), key=lambda line: line[1])
    assert in_order(ipc[0], "main", "reader", "consume"), ipc
    assert ipc[0][-1].endswith("_[k]"), ipc


def test_folded_by_kind(chain):
    workload, _ = chain
    off = folded("-p", workload.pid, "-d", 1, "-f", "folded-offcpu")
    assert off and all(frames[0] != "oncpu" for frames, _ in off)
    on = folded("-p", workload.pid, "-d", 1, "-f", "folded-oncpu")
    assert on and all(frames[0] == "oncpu" for frames, _ in on)
    wakes = folded("-p", workload.pid, "-d", 1, "-f", "folded-wakeup")
    ipc = max((line for line in wakes if line[0][0] == "ipc"), key=lambda line: line[1])
    assert ipc[0][1] == "feeder" and ipc[0][-1] == "chain" and "produce" in ipc[0], ipc


def test_python_code(tmp_path):
    """Python's frames stand for those of its interpreter, whatever that was built with."""
    source = tmp_path / "code.py"
    source.write_text(
        "import queue, threading, time\n"
        "q = queue.Queue()\n"
        "def worker():\n"
        "    while True:\n"
        "        q.get()\n"
        "def feed():\n"
        "    while True:\n"
        "        time.sleep(0.01)\n"
        "        q.put(1)\n"
        "threading.Thread(target=worker, daemon=True).start()\n"
        "print('ready', flush=True)\n"
        "feed()\n")
    with lib.Workload(["/usr/bin/python3", str(source)]) as workload:
        report = lib.diagnose(workload.pid, 2, "--stacks")
        lines = folded("-p", workload.pid, "-d", 1, "-f", "folded-offcpu")
    process = lib.process_of(report, workload.pid)
    for state, code in (("queue", ("Queue.get", "worker")), ("sleep", ("feed", "<module>"))):
        found = rows(process, "blocked", state)
        known = [r for r in found if in_order(names(r, "python"), *code)]
        assert sum(r["ns"] for r in known) > 0.95 * sum(r["ns"] for r in found), found
        assert not any("PyEval" in (name or "") for r in known for name in names(r)), known
    fed = [r for r in rows(process, "wakeup", "queue") if in_order(names(r), "feed", "<module>")]
    assert sum(r["ns"] for r in fed) > 0.9 * sum(r["ns"] for r in rows(process, "wakeup", "queue"))
    assert any("worker (code.py:5)" in frames for frames, _ in lines), lines


def test_more_stacks_than_there_is_room_for(chain):
    workload, _ = chain
    report = lib.diagnose(workload.pid, 1, "--stacks", "--test-map-entries", "stacks=1")
    assert report["losses"]["stacks_map_full"] > 0
    lines = folded("-p", workload.pid, "-d", 1, "-f", "folded", "--test-map-entries", "stacks=1")
    assert abs(sum(us for _, us in lines) - 2 * 10**6) < 10**5, lines


def test_intervals_have_their_own_stacks(chain):
    workload, _ = chain
    result = lib.run("-p", workload.pid, "-i", 0.5, "-d", 1, "--stacks", "-f", "json")
    assert result.status == 0, result
    reports = result.reports
    assert len(reports) == 2
    for report in reports:
        process = lib.process_of(report, workload.pid)
        total = sum(r["ns"] for r in rows(process, "blocked", "ipc"))
        assert abs(total - lib.state(process, "ipc")) < 0.05 * lib.state(process, "ipc") + 10**7, total


def test_without_stacks_there_are_none(chain):
    workload, _ = chain
    report = lib.diagnose(workload.pid, 0.5)
    assert lib.process_of(report, workload.pid)["stacks"] is None


def test_intervals_and_folded_do_not_go_together():
    result = lib.run("-p", os.getpid(), "-i", 1, "-f", "folded")
    assert result.status == 2 and not result.stdout and "folded" in result.stderr, result
