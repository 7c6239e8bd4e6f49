# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Time for one event, by the kernel's own statistics of BPF programs."""
import time

import loads
import machine
import observers
import pythons
import speed
from table import Row, Table

# DESIGN's budgets are in nanoseconds where an empty program reads 50
EMPTY_NS = 50
TARGET_NS = 250
OTHERS_NS = 20
OF_CPUDIST = 0.6
OF_OFFCPUTIME = 0.1
OF_OFFCPUTIME_STACKS = 0.5

# of one CPU's time: the work of a GIL-bound program uses one
GIL_PERCENT = 1.0

RATE = 50000  # a load makes many more events a second of its kind


class Times:
    """Nanoseconds per run of each program, one figure a round."""

    def __init__(self):
        self.ns = {}  # (load, observer, program): [ns, ...]
        self.shown = {}
        self.missing = []

    def add(self, key, value, shown):
        self.ns.setdefault(key, []).append(value)
        self.shown[key] = shown


def measure(observer, load, seconds):
    """{program: nanoseconds per run} while the load works."""
    observer.start(load.pid)
    try:
        programs = machine.Programs(observer.process.pid)
        names = programs.names()
        sums = speed.steady(lambda: programs.sample() + (time.monotonic_ns(),), load.cpus,
                            load.window, seconds)
    finally:
        observer.stop()
    times = {}
    for i, name in enumerate(names):
        runs, ns = sums[2 * i], sums[2 * i + 1]
        # what runs rarely is not what the load is about: another event, or an iterator
        if runs > RATE * sums[-1] / 1e9:
            times[name] = ns / runs
    return times


def share_of_cpu(rounds, seconds):
    """Percent of one CPU's time that our programs take while four threads compute for the GIL."""
    watcher = observers.Boundby("boundby")
    python = pythons.with_symbols()
    shares = []
    with loads.Gil(python, "compute", machine.CPUS[-2:]) as load:
        time.sleep(0.3)
        for _ in range(rounds):
            watcher.start(load.pid)
            try:
                programs = machine.Programs(watcher.process.pid)
                before, started = programs.sample(), time.monotonic_ns()
                time.sleep(seconds)
                after, ended = programs.sample(), time.monotonic_ns()
            finally:
                watcher.stop()
            spent = sum(after[1::2]) - sum(before[1::2])
            shares.append(100 * spent / (ended - started))
    return Table("The programs' share of a GIL-bound program's time, by the same statistics", [
        Row("four Python threads that compute", shares, GIL_PERCENT, "%", watcher.shown())])


def plan(sleeper):
    """What is measured on which load."""
    def other():
        return sleeper.pid

    return [
        ("pipes", loads.Pingpong, [
            observers.Empty("bench_switch"),
            observers.Boundby("boundby"),
            observers.Boundby("boundby on another process", about=other),
            observers.Boundby("boundby --stacks", "--stacks"),
            observers.cpudist(),
            observers.offcputime(),
            observers.runqlat(),
        ]),
        ("futexes", loads.Handoff, [
            observers.Empty("bench_switch", "bench_waking"),
            observers.Boundby("boundby"),
            observers.runqlat(),
        ]),
        ("calls", loads.Calls, [
            observers.Empty("bench_sys_enter", "bench_sys_exit"),
            observers.Boundby("boundby", "--syscalls=on"),
            observers.Boundby("boundby on another process", "--syscalls=on", about=other),
            observers.syscount(),
        ]),
    ]


def run(rounds, seconds):
    times = Times()
    every = []
    with machine.bpf_stats(), loads.Sleeper() as sleeper:
        works = plan(sleeper)
        for load_name, make, watchers in works:
            every += watchers
            for watcher in list(watchers):
                try:
                    watcher.check()
                except observers.Unavailable as e:
                    times.missing.append(str(e))
                    watchers.remove(watcher)
            for _ in range(rounds):
                with make() as load:
                    time.sleep(0.2)
                    for watcher in list(watchers):
                        try:
                            found = measure(watcher, load, seconds)
                        except observers.Unavailable as e:
                            times.missing.append("%s: %s" % (watcher.name, e))
                            watchers.remove(watcher)
                            continue
                        for program, ns in found.items():
                            times.add((load_name, watcher.name, program), ns, watcher.shown())
        gil = share_of_cpu(rounds, seconds)
    notes = sorted(set(times.missing))
    for watcher in every:
        if isinstance(watcher, observers.Boundby):
            notes += sorted(set(watcher.complaints()))
    return [budgets(times), gil, nanoseconds(times, notes)]


def series(times, load, watcher, *programs):
    """The first of the programs that ran."""
    for (at, by, program), values in times.ns.items():
        if at == load and by == watcher and (not programs or program in programs):
            return values
    return []


def budgets(times):
    """Each round's figure by the same round's figure of the peer."""
    switch = ("bb_sched_switch", "bb_sched_switch_nocas")
    ours = series(times, "pipes", "boundby", *switch)
    others = series(times, "pipes", "boundby on another process", *switch)
    empty = series(times, "pipes", "an empty program")
    of_cpudist = series(times, "pipes", "cpudist")
    of_offcputime = series(times, "pipes", "offcputime")

    stacks = [a + b for a, b in zip(
        series(times, "pipes", "boundby --stacks", *switch),
        series(times, "pipes", "boundby --stacks", "bb_sched_waking", "bb_sched_waking_nocas"))]

    def by(a, b):
        return [x / y for x, y in zip(a, b)]

    rows = [
        Row("a switch of the target : empty program", by(ours, empty), TARGET_NS / EMPTY_NS),
        Row("a switch of the target : cpudist's", by(ours, of_cpudist), OF_CPUDIST),
        Row("a switch of the target : offcputime's", by(ours, of_offcputime), OF_OFFCPUTIME),
        Row("--stacks, a switch and a wake-up : offcputime's switch", by(stacks, of_offcputime),
            OF_OFFCPUTIME_STACKS),
        Row("a switch between others : empty program", by(others, empty),
            (EMPTY_NS + OTHERS_NS) / EMPTY_NS),
        Row("a switch between others, more than empty",
            [a - b for a, b in zip(others, empty)], OTHERS_NS, "ns"),
        Row("a switch of the target by futex : by pipe",
            by(series(times, "futexes", "boundby", *switch), ours)),
    ]
    return Table("One event, by the kernel's statistics of BPF programs: ratios", rows)


def nanoseconds(times, notes):
    rows = []
    for key in times.ns:
        load, watcher, program = key
        rows.append(Row("%s: %s, %s" % (load, watcher, program), times.ns[key], None, "ns",
                        times.shown[key]))
    return Table("The same in nanoseconds for each run of a program", rows, notes)
