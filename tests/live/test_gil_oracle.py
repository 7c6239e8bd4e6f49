# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""GIL waits against an oracle: uprobes on take_gil(), where a build has its symbol.

The probes sum the wall time inside take_gil(). That includes the time between the end of the
futex wait and the return, in which the thread waits for a CPU (docs/method.md, The GIL), so
run-queue time of the waiting threads is the most by which the two may differ, besides 3 %.
"""
import os
import subprocess
import time

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

SCRIPT = r"""
uprobe:%(lib)s:take_gil /pid == %(pid)d/ { @at[tid] = nsecs; @in = sum(1); @starts = sum(nsecs); }
uretprobe:%(lib)s:take_gil /@at[tid]/ {
    @done = sum(nsecs - @at[tid]); @in = sum(-1); @starts = sum(-@at[tid]); delete(@at[tid]); }
interval:ms:100 { printf("T %%llu\n", nsecs); print(@done); print(@in); print(@starts); }
BEGIN { printf("ready\n"); }
"""


def symbol_file(python):
    """The file with the one take_gil of that Python, or None."""
    if python.chroot:
        return None
    out = subprocess.run(python.argv + ["-c", "import sysconfig as s; "
                         "print(s.get_config_var('LIBDIR'), s.get_config_var('INSTSONAME'))"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    path = os.path.join(*out)
    if not os.path.exists(path):
        return None
    names = subprocess.run(["nm", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True).stdout
    found = [line for line in names.splitlines() if " take_gil" in line]
    # 3.8 has a second copy, made by the compiler, that would be missed
    return path if len(found) == 1 and found[0].endswith(" take_gil") else None


def candidates():
    found = [p for p in lib.pythons() if symbol_file(p)]
    return found if lib.FULL else found[:1] + found[-1:]


def samples(text):
    """(monotonic ns, total ns in take_gil until then) at each interval of the script."""
    result, at, got = [], None, {}
    for line in text.splitlines():
        if line.startswith("T "):
            at, got = int(line[2:]), {}
        elif line.startswith("@") and at is not None:
            name, value = line.split(":")
            got[name] = int(value)
            if len(got) == 3:
                result.append((at, got["@done"] + got["@in"] * at - got["@starts"]))
    return result


def total_at(points, at):
    """The total at an instant, between two samples."""
    before = [p for p in points if p[0] <= at][-1]
    after = [p for p in points if p[0] > at][0]
    share = (at - before[0]) / (after[0] - before[0])
    return before[1] + share * (after[1] - before[1])


# A machine without such a build has no oracle: then there is no test, and none that is skipped.
WITH_SYMBOL = candidates()


def pytest_generate_tests(metafunc):
    metafunc.parametrize("python", WITH_SYMBOL, ids=repr)


def check_wait_agrees_with_take_gil(python):
    with python.folder() as folder, python.workload(folder, "w2-threads") as target:
        script = SCRIPT % {"lib": symbol_file(python), "pid": target.pid}
        offset = time.time_ns() - time.monotonic_ns()
        probe = subprocess.Popen(["bpftrace", "-q", "-e", script], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        lines = []
        try:
            for line in probe.stdout:  # until a first sample, before the window
                lines.append(line)
                if line.startswith("@starts"):
                    break
            report = lib.diagnose(target.pid, 4)
            done = time.monotonic_ns()
            for line in probe.stdout:  # until a whole sample after it
                lines.append(line)
                if line.startswith("T ") and int(line[2:]) > done + 200_000_000:
                    break
        finally:
            probe.terminate()
            probe.communicate()
    start, end = (at - offset for at in lib.window_realtime_ns(report))
    points = samples("".join(lines))
    truth = total_at(points, end) - total_at(points, start)
    process = report["processes"][0]
    ours = process["states"]["gil_ns"]
    queued = sum(t["states"]["runq_ns"] for t in process["threads"])
    assert truth > 2e9, "the workload did not wait for the GIL"
    assert ours <= truth * 1.03, (ours, truth)
    assert truth <= ours * 1.03 + queued, (ours, queued, truth)
    # a thread that waits in slices acquires once: there are no more acquisitions than waits
    waits = sum(w["count"] for w in process["waits"] if w["state"] == "gil")
    assert 0 < process["gil"]["acquisitions"] <= waits


if WITH_SYMBOL:
    test_wait_agrees_with_take_gil = check_wait_agrees_with_take_gil
