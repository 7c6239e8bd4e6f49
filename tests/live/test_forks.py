# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Children that are born and gone between two looks of the tool are accounted for all the same."""
import re
import signal
import subprocess

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

CHILDREN = 300
# it goes on at a signal, so that its children are all born inside the window
SCRIPT = """trap 'for i in {1..%d}; do /bin/true; done; times; trap - USR1' USR1
echo ready; while :; do read -t 0.05 _ <> <(:); done""" % CHILDREN


def cpu_seconds(lines):
    """User and system time of the children, from the second line of bash's `times`."""
    return sum(int(m) * 60 + float(s) for m, s in re.findall(r"(\d+)m([\d.]+)s", lines[1]))


def test_short_lived_children():
    shell = subprocess.Popen(["bash", "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    try:
        assert shell.stdout.readline() == "ready\n"
        with lib.Tool("-p", shell.pid, "-C", "-f", "json", "-d", 60) as tool:
            tool.wait_open()
            shell.send_signal(signal.SIGUSR1)
            times = [shell.stdout.readline() for _ in range(2)]
            tool.signal(signal.SIGTERM)
            result = tool.wait()
    finally:
        lib.end(shell)
    assert result.status == 0, result
    report = result.report
    lib.assert_budget_closes(report)
    children = [p for p in report["processes"] if p["pid"] != shell.pid and p["comm"] == "true"]
    assert len(children) == CHILDREN
    assert all(p["born"] and p["ended"] for p in children)
    # between fork and exec a child is bash, and `times` counts it so as well
    ours = sum(p["states"]["oncpu_ns"] for p in children) / 1e9
    assert ours == pytest.approx(cpu_seconds(times), rel=0.1, abs=0.03)
    assert not report["losses"]["processes_map_full"] and not report["losses"]["threads_unseen"]
