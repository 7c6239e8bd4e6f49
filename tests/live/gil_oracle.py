# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What really happened at a GIL: build/tests/gil_oracle, and what follows from its events.

The oracle streams every passage through take_gil() and drop_gil() and every switch and wake-up of
the threads, so the truth about a window is added up here afterwards and shares nothing with the
tool's own sums.
"""
import collections
import os
import struct
import subprocess
import tempfile
import time

import pytest

import lib

TAKE, DROP, ELSEWHERE = "take", "drop", None
RUNS, QUEUES, BLOCKED = "runs", "queues", "blocked"


def object_of(python):
    """(file, symbols): where a Python has take_gil() and drop_gil(), or None for a stripped one."""
    if python.chroot:
        return None
    out = subprocess.run(python.argv + ["-c", "import sys, sysconfig as s; print(sys.executable);"
                         "print(s.get_config_var('LIBDIR'), s.get_config_var('INSTSONAME'), sep='/')"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")
    for path in out[1], out[0]:
        names = subprocess.run(["nm", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True, check=False).stdout.split()
        # with the copies that a compiler makes of them: 3.8 has one
        found = sorted({n for n in names if n.split(".")[0] in ("take_gil", "drop_gil")})
        if len({n.split(".")[0] for n in found}) == 2:
            return path, found
    return None


class Oracle:
    """Runs beside a target, from before the window until after it."""

    def __init__(self, python, pid):
        path, symbols = object_of(python)
        self.file = tempfile.NamedTemporaryFile()
        self.process = subprocess.Popen(
            [os.path.join(lib.TESTS, "gil_oracle"), str(pid), path, self.file.name] + symbols,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # its clock is the monotonic one
        self.offset = time.time_ns() - time.monotonic_ns()

    def __enter__(self):
        if lib.Lines(self.process.stdout).next() != "ready":
            pytest.fail("no oracle: %s" % self.process.stderr.read().decode())
        # passages that began before are unknown: the longest take as long as a call that keeps the GIL
        time.sleep(1)
        return self

    def __exit__(self, *exc):
        lib.end(self.process)
        self.file.close()

    def truth(self, report):
        """The Truth about the window of a report. Ends the oracle."""
        start, stop = (at - self.offset for at in lib.window_realtime_ns(report))
        # what was going on as the window ended has to be seen to end, or to go on
        lib.wait_until(lambda: time.monotonic_ns() > stop + 10 ** 9, "the end of the window")
        self.process.terminate()
        status, errors = self.process.wait(lib.DEADLINE), self.process.stderr.read().decode()
        assert status == 0, errors
        with open(self.file.name, "rb") as f:
            events = sorted(struct.iter_unpack("QIIII", f.read()))
        return Truth(events, start, stop)


class Thread:
    """Sums of one thread in the window, in ns, and what it is doing."""

    def __init__(self):
        self.ns = collections.Counter()  # by (where, how)
        self.acquisitions = 0  # passages through take_gil() that had to wait
        self.lets_go = 0  # waits in drop_gil()
        self.takes = 0
        self.cut = self.unsure = self.joined = 0  # where the tool's rule must err: Truth.again()
        self.held_contended_ns = 0
        self.at = None
        self.where, self.how = ELSEWHERE, RUNS
        self.woken = False  # its wake-up has begun: it waits for a CPU to hear of it
        self.number, self.waited = 0, False  # of the passage; has it had to wait, in the window?
        self.slice = None  # (passage, signalled, switches then) of a wait that may go on

    def gil(self, *hows):
        return sum(self.ns[TAKE, how] for how in hows)


class Truth:
    """What the events of a window come to."""

    def __init__(self, events, start, stop):
        self.start, self.stop = start, stop
        self.threads = collections.defaultdict(Thread)
        self.holder = self.last_holder = None
        self.switches = 0  # as the interpreter's switch_number
        self.waiting = 0  # threads that wait, by waits()
        self.contended_ns = self.hand_over_ns = 0
        self.at = start
        for ns, tid, by, kind, _ in events:
            self.event(ns, self.threads[tid], tid, by, chr(kind))
        for t in self.threads.values():
            self.pass_time(t, stop)

    def within(self, since, until):
        return max(0, min(until, self.stop) - max(since, self.start))

    def pass_time(self, t, now):
        """What the thread was at since its last event; and all of them since the last event."""
        if t.at is not None:
            ns = self.within(t.at, now)
            t.ns[t.where, t.how] += ns
            if ns and t.where == TAKE and t.how == BLOCKED and not t.waited:
                t.waited = True
                t.acquisitions += 1
        t.at = now
        ns = self.within(self.at, now)
        if self.waiting:
            self.contended_ns += ns
            if self.holder:
                self.holder.held_contended_ns += ns
            else:
                self.hand_over_ns += ns
        self.at = now

    def event(self, now, t, tid, by, kind):
        self.pass_time(t, now)
        waits = self.waits(t)
        self.what(now, t, tid, by, kind)
        self.waiting += self.waits(t) - waits

    @staticmethod
    def waits(t):
        """
        For the contended time a wait ends as its wake-up begins. Until the thread is on a run queue,
        some microseconds where another virtual CPU has to be interrupted, it is blocked all the same.
        """
        return bool(t.where) and t.how == BLOCKED and not t.woken

    def what(self, now, t, tid, by, kind):
        inside = self.start <= now < self.stop
        if kind in "TtDd" and t.how != RUNS:
            self.now(t, RUNS)
        if kind == "T":
            t.where, t.waited = TAKE, False
            t.number += 1
        elif kind == "t":
            t.where = ELSEWHERE
            t.takes += inside
            if self.last_holder != tid:
                self.switches += 1
            self.holder, self.last_holder = t, tid
        elif kind == "D":
            t.where = DROP
            if self.holder is t:
                self.holder = None
        elif kind == "d":
            t.where = ELSEWHERE
        elif kind == "b":
            if t.where == TAKE:
                self.again(t, inside)
            else:
                t.slice = None
                t.lets_go += inside and t.where == DROP
            self.now(t, BLOCKED)
        elif kind == "W" and t.how == BLOCKED:
            t.woken = True
            waker = self.threads[by] if by else None
            # by a thread that is at the GIL itself, and not by a clock
            if t.slice and waker and waker.where:
                t.slice = (t.slice[0], True, self.switches)
            if t.where == TAKE and waker and waker.where == DROP:
                waker.slice = None
        elif kind == "w" and t.how == BLOCKED:
            self.now(t, QUEUES)
        elif kind == "p":
            if self.holder is t:
                t.slice = None
            self.now(t, QUEUES)
        elif kind == "r":
            self.now(t, RUNS)

    @staticmethod
    def now(t, how):
        """
        The waker may be faster than the switch away, which is then seen after the wake-up; and
        some kernels hide a task's switches now and then: so no pair of events is relied on.
        """
        t.how, t.woken = how, False

    def again(self, t, inside):
        """
        It blocks in take_gil(). The tool sees no passages. That a thread had the GIL it sees when
        the thread wakes another as it lets go, or is off its CPU holding it. Else it takes a wait
        for the next slice of the one before if that was not signalled, or if the GIL has changed
        hands once since, at most. So a thread that is overtaken twice before it gets a CPU looks
        like one that had the GIL; and one that got it, and let go of it while nobody waited, may
        look like one that did not.
        """
        if t.slice:
            number, signalled, then = t.slice
            hands = self.switches - then
            if number != t.number:
                t.joined += inside and (not signalled or hands <= 1)
            elif signalled:
                t.cut += inside and hands > 1
                # who took it may not have returned from take_gil() yet: then it is not in our count
                t.unsure += inside and hands <= 1
        t.slice = (t.number, False, self.switches)
