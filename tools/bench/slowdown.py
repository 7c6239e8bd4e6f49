# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How much longer the same work takes while it is watched: paired runs, a ratio for each pair."""
import time

import loads
import machine
import observers
from table import Row, Table

SWITCHES = 1.08
GIL = 1.01
CALLS = 1.02


def run(title, make, watchers, rounds, seconds):
    """
    @watchers: [(observer, budget)]. Each measurement with a tool lies between two without; the
    ratio is to their mean.
    """
    ratios = {observer: [] for observer, _ in watchers}
    missing = {}
    base_all = []
    for observer, _ in watchers:
        try:
            observer.check()
        except observers.Unavailable as e:
            missing[observer] = str(e)
    for number in range(rounds):
        with make() as load:
            time.sleep(0.3)
            before = load.measure(seconds)
            base_all.append(before)
            order = [o for o, _ in watchers]
            shift = number % len(order)
            for observer in order[shift:] + order[:shift]:
                if observer in missing:
                    continue
                try:
                    observer.start(load.pid)
                except observers.Unavailable as e:
                    missing[observer] = str(e)
                    observer.stop()
                    continue
                try:
                    watched = load.measure(seconds)
                    observer.fail_if_ended()
                except observers.Unavailable as e:
                    missing[observer] = str(e)
                    continue
                finally:
                    observer.stop()
                time.sleep(0.2)
                after = load.measure(seconds)
                ratios[observer].append(watched / ((before + after) / 2))
                before = after
                base_all.append(before)
    rows = [Row(o.name, ratios[o], budget, "x", o.shown(), missing.get(o, "")) for o, budget in watchers]
    base = Row("", base_all, None, "ns")
    notes = ["unwatched: %s for each piece of work, %s .. %s" % tuple(
        base.number(x) for x in (base.median(), min(base_all), max(base_all)))]
    for observer, _ in watchers:
        if isinstance(observer, observers.Boundby):
            notes += sorted(set(observer.complaints()))
    return Table(title, rows, notes)


def switches(rounds, seconds):
    with loads.Sleeper() as sleeper:
        return [run("Two threads of the target that switch on one CPU", loads.Pingpong, [
            (observers.Nothing(), None),
            (observers.Empty("bench_switch"), None),
            (observers.Boundby("boundby"), SWITCHES),
            (observers.Boundby("boundby without system calls", "--syscalls=off"), SWITCHES),
            (observers.Boundby("boundby on another process", about=lambda: sleeper.pid), None),
            (observers.cpudist(), None),
            (observers.offcputime(), None),
        ], rounds, seconds)]


def gil(rounds, seconds):
    python = observers.python_with_symbols()
    tables = []
    for kind, title, budget, length in (
            ("compute", "Four Python threads that compute (GIL-bound)", GIL, seconds),
            ("release", "Four Python threads that pass the GIL on as fast as they can", None,
             seconds / 2)):
        tables.append(run(title, lambda kind=kind: loads.Gil(python, kind, machine.CPUS[-2:]), [
            (observers.Nothing(), None),
            (observers.Boundby("boundby"), budget),
            (observers.TakeGil(python), None),
        ], rounds if budget else max(2, rounds - 2), length))
    return tables


def calls(rounds, seconds):
    with loads.Sleeper() as sleeper:
        return [run("A loop of system calls that do not block", loads.Calls, [
            (observers.Nothing(), None),
            (observers.Boundby("boundby, governed", tracing="governed"), CALLS),
            (observers.Boundby("boundby, all calls", "--syscalls=on", tracing="on"), None),
            (observers.Boundby("boundby, all calls of another process", "--syscalls=on",
                               about=lambda: sleeper.pid, tracing="on"), None),
            (observers.PerfTrace(), None),
            (observers.Strace(), None),
        ], rounds, seconds)]
