# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The table of system calls: how often, how long, how they came out, and what part of it blocked."""
import json
import re
import shutil
import signal
import subprocess

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

BROKEN_OFF = ("EINTR", "ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND", "ERESTART_RESTARTBLOCK")
ERRORS = {"EAGAIN": "again", "ETIMEDOUT": "timeout", **dict.fromkeys(BROKEN_OFF, "interrupted")}
# What 0, and what more than 0, means.
SUCCESS = {"futex wait": ("woken", "woken"), "futex wake": ("nobody", "woken"),
           "epoll_pwait": ("timeout", "ready"), "ppoll": ("timeout", "ready"),
           "read": ("end", "data"), "recvfrom": ("end", "data"), "sendto": ("empty", "data"),
           "write": ("empty", "data")}


def calls_of(process):
    """The rows of the table by name, those of futex with their command."""
    rows = {}
    for row in process["syscalls"]:
        name = row["name"] + (" " + row["op"] if row["op"] else "")
        assert name not in rows, "two rows of %s" % name
        assert row["count"] or row["waits"] or row["inside_ns"], row
        rows[name] = row
    return rows


def outcomes_of(row):
    """{outcome: count} of a row that must add up, and `amount` where it has one."""
    found = {o["outcome"]: o["count"] for o in row["outcomes"]}
    assert len(found) == len(row["outcomes"]), row
    assert sum(found.values()) == row["count"], row
    assert sum(o["total_ns"] for o in row["outcomes"]) == row["total_ns"], row
    failed = ("again", "interrupted", "error", "changed")
    failed += () if row["unit"] == "descriptors" else ("timeout",)
    assert sum(found.get(o, 0) for o in failed) == row["errors"], row
    if row["amount"]:
        found["amount"] = row["amount"]
    return found


def wait_blocked(workload):
    lib.wait_until(lambda: {lib.status_field(workload.pid, "State", tid)[0]
                            for tid in lib.tids(workload.pid)} == {"S"}, "all threads to wait")


def all_of_it(workload, *options):
    """The tool's result on a workload that works from SIGUSR1 until its threads wait again, and
    the line that it prints."""
    wait_blocked(workload)
    with lib.Tool("-p", workload.pid, "-d", 60, "-f", "json", *options) as tool:
        tool.wait_open()
        workload.signal(signal.SIGUSR1)
        line = workload.lines.next()
        wait_blocked(workload)
        tool.signal(signal.SIGINT)
        result = tool.wait()
    assert result.status == 0, result
    return result, line


def strace_calls(text):
    """{call: {outcome: count}} by the lines of strace -f, from SIGUSR1 on."""
    found, begun, works = {}, {}, False
    for line in text.splitlines():
        tid, rest = line.split(None, 1)
        if "rt_sigtimedwait" in rest and "= " in rest:
            works = True
        if rest.endswith("<unfinished ...>"):
            begun[tid] = rest
            continue
        if rest.startswith("<... "):
            rest = begun.pop(tid) + rest
        call = re.match(r"(\w+)\((.*)\s= (-?\d+|\?)(?: (E\w+))?", rest)
        if not works or not call:
            continue
        name, arguments, result, error = call.groups()
        if name == "futex":
            name += " wait" if "FUTEX_WAIT" in arguments else " wake"
        if name not in SUCCESS:
            continue
        row = found.setdefault(name, {})
        if error:
            outcome = ERRORS.get(error, "error")
            outcome = "changed" if name == "futex wait" and outcome == "again" else outcome
        else:
            outcome = SUCCESS[name][int(result) > 0]
        row[outcome] = row.get(outcome, 0) + 1
        if int(result if result != "?" else 0) > 0:
            row["amount"] = row.get("amount", 0) + int(result)
    return found


@pytest.fixture
def straced(tmp_path):
    """The workload with strace on it: (workload, strace's file)."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed (Debian package strace)")
    out = tmp_path / "strace"
    with lib.program("outcomes", "wait") as workload:
        wait_blocked(workload)
        strace = subprocess.Popen(["strace", "-f", "-o", str(out), "-p", str(workload.pid)],
                                  stderr=subprocess.DEVNULL)
        try:
            lib.wait_until(lambda: lib.status_field(workload.pid, "TracerPid") != "0", "strace")
            yield workload, out, strace
        finally:
            lib.end(strace)


def test_outcomes(straced):
    """23 that time out are 23: by the program's own count, and by strace's of the same calls."""
    workload, out, strace = straced
    result, line = all_of_it(workload, "--syscalls=on")
    strace.send_signal(signal.SIGINT)
    strace.wait(lib.DEADLINE)
    report = result.report
    lib.assert_no_losses(report)
    truth = json.loads(line)
    # that line is a call too
    truth["write"]["data"] += 1
    truth["write"]["amount"] += len(line) + 1
    rows = calls_of(report["processes"][0])
    ours = {name: outcomes_of(rows[name]) for name in truth}
    assert ours == truth
    assert strace_calls(out.read_text()) == truth
    assert rows["read"]["unit"] == "bytes" and rows["ppoll"]["unit"] == "descriptors"
    assert rows["futex wake"]["unit"] == "threads" and rows["futex wait"]["unit"] is None


def test_intervals_add_up():
    """What is in one interval is in no other, and all of it is in one."""
    with lib.program("outcomes", "wait") as workload:
        result, line = all_of_it(workload, "--syscalls=on", "-i", 0.1)
    truth, ours = json.loads(line), {}
    truth["write"]["data"] += 1
    truth["write"]["amount"] += len(line) + 1
    assert len(result.reports) > 1
    for report in result.reports:
        for name, row in calls_of(report["processes"][0]).items():
            if name not in truth:
                continue
            for outcome, count in outcomes_of(row).items():
                of = ours.setdefault(name, {})
                of[outcome] = of.get(outcome, 0) + count
    assert ours == truth


def assert_blocked_as_waited(process):
    """What calls blocked is what the table of waits has for them."""
    waits = {}
    for wait in process["waits"]:
        if wait["syscall"]:
            count, ns = waits.get(wait["syscall"], (0, 0))
            waits[wait["syscall"]] = count + wait["count"], ns + wait["wait_ns"]
    calls = {}
    for row in process["syscalls"]:
        count, ns = calls.get(row["name"], (0, 0))
        if row["waits"]:
            calls[row["name"]] = count + row["waits"], ns + row["blocked_ns"]
    assert calls == waits


@pytest.mark.parametrize("tracing", ["on", "off"])
def test_blocked_part(tracing):
    """It is there without tracing, and agrees with the program's own clock."""
    with lib.program("selftimer", 100, "wait") as workload:
        result, line = all_of_it(workload, "--syscalls=" + tracing)
    truth = json.loads(line)
    process = result.report["processes"][0]
    assert_blocked_as_waited(process)
    for name in ("nanosleep", "read"):
        row, own = calls_of(process)[name], truth[name]
        thread = lib.thread_of(process, own["tid"])
        outside = lib.state(thread, "oncpu") + lib.state(thread, "runq")
        assert own["ns"] - outside <= row["blocked_ns"] <= own["ns"], (row, own)
        if tracing == "off":
            assert row["count"] is row["errors"] is row["total_ns"] is row["outcomes"] is None
            assert row["inside_ns"] is row["blocked_share"] is row["amount"] is None
        else:
            assert row["count"] == 100 and row["inside_ns"] == row["total_ns"]
            assert row["blocked_ns"] <= row["total_ns"] <= own["ns"]
            assert row["blocked_share"] == pytest.approx(row["blocked_ns"] / row["total_ns"], 1e-4)


def test_call_that_is_open_all_the_time():
    """It began before the window and ends after it: no call is counted, all of its time is."""
    with lib.program("blocker", "pipe-read") as workload:
        wait_blocked(workload)
        report = lib.diagnose(workload.pid, 0.5, "--syscalls=on")
    row = calls_of(report["processes"][0])["read"]
    assert (row["count"], row["total_ns"], row["outcomes"]) == (0, 0, [])
    assert lib.close(row["inside_ns"], report["window"]["ns"], 0.001)
    assert row["blocked_ns"] == row["inside_ns"] and row["blocked_share"] == 1


def test_call_that_is_resumed():
    """What a stop breaks off goes on as the same call: nothing is in a row of restart_syscall."""
    with lib.program("blocker", "nanosleep") as workload:
        wait_blocked(workload)
        with lib.Tool("-p", workload.pid, "-d", 60, "-f", "json", "--syscalls=on") as tool:
            tool.wait_open()
            workload.signal(signal.SIGSTOP)
            lib.wait_until(lambda: lib.process_state(workload.pid) == "T", "the stop")
            workload.signal(signal.SIGCONT)
            lib.wait_until(lambda: lib.process_state(workload.pid) == "S", "the call to go on")
            tool.signal(signal.SIGINT)
            report = tool.wait().report
    process = report["processes"][0]
    rows = calls_of(process)
    assert set(rows) == {"nanosleep"}, rows
    row = rows["nanosleep"]
    assert_blocked_as_waited(process)
    outside = sum(lib.state(process, name) for name in ("stopped", "oncpu", "runq"))
    assert process["window_ns"] - outside <= row["inside_ns"] <= process["window_ns"], process
    assert row["blocked_ns"] == lib.state(process, "sleep")


def test_blocked_part_when_tracing_was_taken_off():
    with lib.program("pipe_slow", 20) as workload, lib.program("syscall_loop") as loop:
        report = lib.diagnose("%d,%d" % (workload.pid, loop.pid), 1)
    assert report["overhead"]["syscall_tracing"] == "governed"
    process = lib.process_of(report, workload.pid)
    assert_blocked_as_waited(process)
    for row in process["syscalls"] + report["tree"]["syscalls"]:
        assert row["inside_ns"] is None and row["blocked_share"] is None
    row = lib.process_of(report, loop.pid)["syscalls"][0]
    assert row["name"] == "getppid" and row["count"] > 0 and row["blocked_ns"] == 0


def test_table_in_the_text():
    """A call's outcomes are told below its row; without tracing, what it blocked."""
    with lib.program("pipe_slow", 20) as workload:
        on, off = (lib.run("-p", workload.pid, "-d", 0.5, "--syscalls=" + tracing).stdout.decode()
                   for tracing in ("on", "off"))
    assert re.search(r"^  read +[\d,]+ +0 +\S+ \w+ +\S+ \w+ +[<>]?[\d.]+% .*\n +[\d,]+ got [\d.]+ \w*B$",
                     on, re.M), on
    assert re.search(r"^System calls that blocked; they were not traced\n.*\n  \w+ +[\d,]+ +[\d.]+ \w+",
                     off, re.M), off
