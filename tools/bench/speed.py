# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""When do the CPUs run at full speed? In a virtual machine others come and go, and take a third of it.

A loop that is no part of what is measured is timed on each CPU every 2 ms (speed.c). A short
window counts where all its loops took what they take on the undisturbed CPU. So what is kept does
not depend on the figure that is measured.
"""
import mmap
import struct
import subprocess
import tempfile
import time

import machine

PROBES = 65536  # as in speed.c
SIZE = 8 + 16 * PROBES
SLACK = 1.05  # of the undisturbed time
LEAST = 3  # loops in a window


class Gauge:
    """The loop on one CPU."""

    def __init__(self, cpu):
        self.file = tempfile.NamedTemporaryFile()
        self.process = machine.Process([machine.OUT + "/bench/speed", self.file.name, cpu], None,
                                       subprocess.PIPE)
        self.process.wait_for_line()
        self.memory = mmap.mmap(self.file.fileno(), SIZE, prot=mmap.PROT_READ)
        self.full = 0
        self.full_at = 0

    def close(self):
        self.process.stop()
        self.memory.close()
        self.file.close()

    def count(self):
        return struct.unpack_from("Q", self.memory, 0)[0]

    def took(self, first, last):
        """Of the loops from number first to last."""
        return [struct.unpack_from("QQ", self.memory, 8 + 16 * (i % PROBES))[1]
                for i in range(max(first, last - PROBES + 1), last)]

    def at_full_speed(self, first, last):
        if time.monotonic() - self.full_at > 1:
            # in between some are lucky: not the least, but what one in twenty reaches
            every = sorted(self.took(0, last)[::7])
            self.full = every[len(every) // 20] if every else 0
            self.full_at = time.monotonic()
        loops = self.took(first, last)
        return len(loops) >= LEAST and max(loops) <= self.full * SLACK


GAUGES = {}
SEEN = [0, 0]  # windows, and those of them at full speed


def start():
    for cpu in machine.CPUS[-2:]:
        GAUGES[cpu] = Gauge(cpu)
    time.sleep(2)


def stop():
    for gauge in GAUGES.values():
        gauge.close()
    GAUGES.clear()


def steady(sample, cpus, window, enough, patience=4.0):
    """
    Sum of the differences of sample(), a tuple of numbers, over short windows at full speed:
    enough seconds of them, or what there was when patience was over. None: nothing went on.
    """
    gauges = [GAUGES[c] for c in cpus if c in GAUGES]
    kept, every = [], []
    end = time.monotonic() + patience
    before, marks = sample(), [g.count() for g in gauges]
    while len(kept) * window < enough and time.monotonic() < end:
        time.sleep(window)
        after, ends = sample(), [g.count() for g in gauges]
        delta = tuple(b - a for a, b in zip(before, after))
        every.append(delta)
        if all(g.at_full_speed(a, b) for g, a, b in zip(gauges, marks, ends)):
            kept.append(delta)
        before, marks = after, ends
    SEEN[0] += len(every)
    SEEN[1] += len(kept)
    chosen = kept if len(kept) >= 5 else every
    return tuple(sum(column) for column in zip(*chosen))
