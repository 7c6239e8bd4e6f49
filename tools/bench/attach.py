# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From exec to the open gate, and what boundby itself takes."""
import datetime
import json
import os
import subprocess
import time

import loads
import machine
from table import Row, Table

THREADS = 10000
SMALL_MS = 300
LARGE_MS = 1000
MIB = 1048576
RSS_MIB = 20
MAPS_MIB = 32


def epoch_ns(text):
    """RFC 3339 with nanoseconds."""
    whole, fraction = text.rstrip("Z").split(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return int(seconds.timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def one(pid, look):
    """One short run: (ms to the open gate, ms of all the rest, peak RSS, bytes of its maps, report)."""
    cmd = [os.path.join(machine.OUT, "boundby"), "-p", str(pid), "-d", "0.1", "-q", "-f", "json",
           "--syscalls=off"]
    start = time.time_ns()
    process = machine.Process(cmd, None, subprocess.PIPE)
    peak = charged = 0
    while look:
        # a long report fills the pipe, and holds the process at its largest
        last = machine.readable(process.popen.stdout)
        try:
            for line in machine.read("/proc/%d/status" % process.pid).splitlines():
                if line.startswith("VmHWM:"):
                    peak = max(peak, int(line.split()[1]) * 1024)
            charged = max(charged, machine.map_bytes(process.pid))
        except OSError:
            break
        if last:
            break
        time.sleep(0.005)
    report = json.loads(process.popen.stdout.read())
    process.stop()
    ended = time.time_ns()
    opened = epoch_ns(report["window"]["start"])
    rest = ended - opened - report["window"]["ns"]
    return (opened - start) / 1e6, rest / 1e6, peak, charged, report


def target(make, name, runs, budget_ms):
    to_gate, rest, peaks, rss, reckoned, charged = [], [], [], [], [], []
    losses = set()
    with make() as load:
        for _ in range(runs):
            gate, after, _, _, report = one(load.pid, False)
            to_gate.append(gate)
            rest.append(after)
            overhead = report["overhead"]
            rss.append(overhead["rss_bytes"] / MIB)
            reckoned.append(overhead["map_bytes"] / MIB)
            losses |= {"%s %s" % (k, v) for k, v in report["losses"].items() if v}
        for _ in range(3):
            _, _, peak, maps, _ = one(load.pid, True)
            peaks.append(peak / MIB)
            charged.append(maps / MIB)
    command = "boundby -p PID -d 0.1 -f json --syscalls=off"
    return [
        Row(name + ": exec to the open gate", to_gate, budget_ms, "ms", command),
        Row(name + ": close of the gate to exit", rest, None, "ms", command),
        Row(name + ": own memory (RSS), its report", rss, RSS_MIB, "MiB", command),
        Row(name + ": own memory (RSS), peak", peaks, RSS_MIB, "MiB", "/proc/PID/status VmHWM"),
        Row(name + ": kernel maps, its report", reckoned, MAPS_MIB, "MiB", command),
        Row(name + ": kernel maps, charged", charged, MAPS_MIB, "MiB", "/proc/PID/fdinfo memlock"),
    ], ["%s: losses: %s" % (name, loss) for loss in sorted(losses)]


def run(runs):
    rows, notes = target(loads.Sleeper, "1 thread", runs, SMALL_MS)
    more, more_notes = target(lambda: loads.ManyThreads(THREADS), "%d threads" % THREADS,
                              max(3, runs // 2), LARGE_MS)
    return [Table("To attach, and own memory", rows + more, notes + more_notes)]
