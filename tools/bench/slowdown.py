# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How much longer the same work takes while it is watched: paired runs, a ratio for each pair."""
import time

import loads
import machine
import observers
import pythons
from table import Row, Table

SWITCHES = 1.08
GIL = 1.01
SHORT_IO = 1.03
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
                    watched = measure_watched(observer, load, seconds)
                except observers.Unavailable as e:
                    missing[observer] = str(e)
                    continue
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
        if observer in missing and ratios[observer]:
            notes.append("%s: only %d of %d rounds: %s" % (
                observer.name, len(ratios[observer]), rounds, missing[observer]))
        if isinstance(observer, observers.Boundby):
            notes += sorted(set(observer.complaints()))
    return Table(title, rows, notes)


def measure_watched(observer, load, seconds):
    """Time for a piece of work beside the observer. Raises Unavailable."""
    try:
        observer.start(load.pid)
        watched = load.measure(seconds)
        observer.fail_if_ended()
    except BaseException:
        try:
            observer.stop()
        except observers.Unavailable:
            pass  # why it failed before is what is told
        raise
    observer.stop()
    return watched


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
    """
    On one CPU the time that is added to the work can be told to a percent or so; on two, which of
    them the threads are on changes their speed by more.
    """
    python, newest = pythons.with_symbols(), pythons.newest()
    one, two = [machine.WORK_CPU], machine.CPUS[-2:]
    loads_of = [
        ("compute", one, GIL, "Four Python threads that compute (GIL-bound), on one CPU"),
        ("requests", one, SHORT_IO, "Two Python clients and two servers, short requests, on one CPU"),
    ]
    for kind, cpus, budget, title in loads_of:
        yield run(title, lambda kind=kind, cpus=cpus: loads.Gil(python, kind, cpus), [
            (observers.Nothing(), None),
            (observers.Boundby("boundby"), budget),
            (observers.Boundby("boundby, without code", "--test-no-code"), None),
            (observers.TakeGil(python), None),
            (observers.py_spy(), None),
            (observers.py_spy("--nonblocking"), None),
        ], rounds, seconds)
    for kind, cpus, budget, title in loads_of if newest else []:
        yield run(title + ", Python " + newest.version,
                  lambda kind=kind, cpus=cpus: loads.Gil(newest, kind, cpus), [
                      (observers.Nothing(), None),
                      (observers.Boundby("boundby"), budget),
                      (observers.python_sampler(newest), None),
                      (observers.python_sampler(newest, "--blocking"), None),
                      (observers.py_spy(), None),
                  ], rounds, seconds)
    if not newest:
        yield Table("Four Python threads, Python 3.15", [
            Row("Python 3.15's sampler", [], note="no Python 3.15: name one, or the folder of a "
                "chroot with one, in BENCH_PYTHON315 (tools/make-chroot)")])
    for kind, cpus, title, number, length in (
            ("messages", one, "Two Python clients and two servers, messages of 30 bytes, on one CPU",
             max(2, rounds - 2), seconds),
            ("compute", two, "Four Python threads that compute (GIL-bound), on two CPUs", rounds,
             2 * seconds),
            ("release", two, "Four Python threads that pass the GIL on as fast as they can, "
             "on two CPUs", max(2, rounds - 2), seconds)):
        yield run(title, lambda kind=kind, cpus=cpus: loads.Gil(python, kind, cpus), [
            (observers.Nothing(), None),
            (observers.Boundby("boundby"), None),
            (observers.TakeGil(python), None),
            (observers.py_spy(), None),
        ], number, length)


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
