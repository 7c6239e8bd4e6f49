# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What boundby costs, side by side with other tools in one run. docs/overhead.md has results."""
import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import time

import attach
import events
import machine
import pythons
import slowdown
import speed

PARTS = ("events", "switches", "gil", "calls", "attach")


def options():
    p = argparse.ArgumentParser(prog="tools/bench/run", description=__doc__)
    p.add_argument("--markdown", action="store_true", help="tables for docs/overhead.md")
    p.add_argument("--quick", action="store_true", help="two short rounds of each: noisy")
    p.add_argument("--rounds", type=int, default=0, help="paired runs of each (default 5)")
    p.add_argument("--only", default=",".join(PARTS), help="some of: " + ",".join(PARTS))
    args = p.parse_args()
    unknown = set(args.only.split(",")) - set(PARTS)
    if unknown:
        p.error("no part '%s'" % sorted(unknown)[0])
    return args


def first_line(cmd):
    try:
        out = subprocess.run(cmd, check=False, capture_output=True, text=True)
        return ((out.stdout or out.stderr).splitlines() or ["?"])[0]
    except OSError:
        return None


def package(name):
    """Version of a Debian package, where there is one."""
    line = first_line(["dpkg-query", "-W", "-f=${Package} ${Version}", name])
    return line if line and not line.startswith("dpkg-query") else None


def about():
    """The machine and what was compared, in short."""
    model = [line.split(":", 1)[1].strip() for line in machine.read("/proc/cpuinfo").splitlines()
             if line.startswith("model name")]
    clock = machine.read("/sys/devices/system/clocksource/clocksource0/current_clocksource").strip()
    found = [package(p) for p in ("libbpf-tools", "linux-perf", "strace", "bpftrace")]
    spy = shutil.which(os.environ.get("BENCH_PYSPY") or "py-spy")
    peers = [first_line([spy, "--version"]) if spy else None]
    return [
        "%s, Linux %s, %d CPUs%s, clock %s" % (platform.machine(), platform.release(),
                                               len(machine.CPUS),
                                               " (%s)" % model[0] if model else "", clock),
        "compared with: " + ", ".join(p for p in found + peers if p),
        "Python programs on %s" % ", ".join(p.version for p in (pythons.with_symbols(),
                                                               pythons.newest()) if p),
        "load of the machine at the start: " + machine.read("/proc/loadavg").split()[0],
    ]


def tables(args):
    rounds = args.rounds or (2 if args.quick else 5)
    seconds = 0.15 if args.quick else 0.25  # at full speed
    for part in args.only.split(","):
        machine.say("bench: %s" % part)
        if part == "events":
            yield from events.run(rounds, seconds)
        elif part == "switches":
            yield from slowdown.switches(rounds, seconds)
        elif part == "gil":
            yield from slowdown.gil(rounds, 0.25 if args.quick else 0.5)
        elif part == "calls":
            yield from slowdown.calls(rounds, seconds)
        else:
            yield from attach.run(3 if args.quick else 11)


def main():
    args = options()
    if os.geteuid():
        machine.say("bench: BPF statistics and attaching need root; run: sudo make bench")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.sched_setaffinity(0, [machine.TOOL_CPU])
    start = time.monotonic()
    over = []
    try:
        with machine.tracefs():
            lines = about()
            print("\n".join(("* " if args.markdown else "") + line for line in lines))
            if args.markdown:
                print()
            speed.start()
            for table in tables(args):
                print(table.markdown() if args.markdown else table.text(), flush=True)
                over += table.over()
    finally:
        speed.stop()
        machine.Process.stop_all()
    machine.say("bench: %.0f s; %.0f %% of the windows were at full speed; over budget: %s" % (
        time.monotonic() - start, 100 * speed.SEEN[1] / max(1, speed.SEEN[0]),
        "; ".join(over) if over else "nothing"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
