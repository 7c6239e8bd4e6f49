# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pairs of a program as it is and as it would be after one change, for the prediction and the truth."""
import collections

Program = collections.namedtuple("Program", "form n pieces cpus quota", defaults=(2, None))
# what the first is asked for; whole: of the tree of its processes
Pair = collections.namedtuple("Pair", "name first second change amount whole", defaults=(None, False))


def threads(n, *pieces, **how):
    return Program("threads", n, pieces, **how)


def processes(n, *pieces, **how):
    return Program("processes", n, pieces, **how)


def tasks(n, *pieces, **how):
    return Program("asyncio", n, pieces, **how)


def units(n, held, free, sleep, locks, **how):
    """tests/workloads/units.c"""
    return Program("units", n, (held, free, sleep, locks), **how)


COMPUTE = ("cpu:5000",)
NATIVE = ("native:5000",)
HALF = ("cpu:2000", "sleep:5000")
MIXED = ("cpu:1500", "native:1500", "sleep:3000")
REQUEST = ("ask:10000", "cpu:1000")
LOCKED_SLEEP = ("lock", "sleep:5000", "unlock", "sleep:5000", "cpu:300")
FREE_SLEEP = ("sleep:5000", "sleep:5000", "cpu:300")
LOCKED_CPU = ("lock", "cpu:4000", "unlock", "cpu:200")
LOCKED_NATIVE = ("lock", "native:4000", "unlock", "native:4000")

PAIRS = [
    # threads to processes
    Pair("4 computing threads to processes", threads(4, *COMPUTE), processes(4, *COMPUTE),
         "processes", 4),
    Pair("2 computing threads to processes", threads(2, *COMPUTE), processes(2, *COMPUTE),
         "processes", 2),
    Pair("the same on one CPU", threads(2, *COMPUTE, cpus=1), processes(2, *COMPUTE, cpus=1),
         "processes", 2),
    Pair("one computing thread to 2 processes", threads(1, *COMPUTE), processes(2, *COMPUTE),
         "processes", 2),
    Pair("hashing threads to processes", threads(4, *NATIVE), processes(4, *NATIVE),
         "processes", 4),
    Pair("sleeping threads to processes", threads(8, "sleep:10000", "cpu:500"),
         processes(8, "sleep:10000", "cpu:500"), "processes", 8),
    Pair("8 threads that compute and sleep to processes", threads(8, *HALF), processes(8, *HALF),
         "processes", 8),
    Pair("4 threads that compute, hash and sleep to processes", threads(4, *MIXED),
         processes(4, *MIXED), "processes", 4),
    # threads to asyncio
    Pair("8 sleeping threads to tasks", threads(8, "sleep:10000", "cpu:500"),
         tasks(8, "sleep:10000", "cpu:500"), "asyncio", 8),
    Pair("hashing threads to tasks", threads(4, *NATIVE), tasks(4, *NATIVE), "asyncio", 4),
    Pair("one client to 4 tasks", threads(1, *REQUEST), tasks(4, *REQUEST), "asyncio", 4),
    Pair("one client to 16 tasks", threads(1, *REQUEST), tasks(16, *REQUEST), "asyncio", 16),
    Pair("16 clients to tasks", threads(16, "ask:20000", "cpu:300"),
         tasks(16, "ask:20000", "cpu:300"), "asyncio", 16),
    # 1 to 4 to 16 threads
    Pair("1 to 4 threads that compute and sleep", threads(1, *HALF), threads(4, *HALF),
         "threads", 4),
    Pair("1 to 16 threads that compute and sleep", threads(1, *HALF), threads(16, *HALF),
         "threads", 16),
    Pair("1 to 4 computing threads", threads(1, *COMPUTE), threads(4, *COMPUTE), "threads", 4),
    Pair("1 to 4 hashing threads", threads(1, *NATIVE), threads(4, *NATIVE), "threads", 4),
    Pair("4 to 16 clients", threads(4, *REQUEST), threads(16, *REQUEST), "threads", 16),
    Pair("16 to 4 clients", threads(16, *REQUEST), threads(4, *REQUEST), "threads", 4),
    Pair("1 to 2 threads that compute, hash and sleep", threads(1, *MIXED), threads(2, *MIXED),
         "threads", 2),
    Pair("4 to 1 threads that compute, hash and sleep", threads(4, *MIXED), threads(1, *MIXED),
         "threads", 1),
    Pair("2 to 8 processes that compute and sleep", processes(2, *HALF), processes(8, *HALF),
         "threads", 8, True),
    # with and without the lock
    Pair("without a mutex held while computing", units(4, 1000, 20, 0, 1),
         units(4, 1000, 20, 0, 0), "no-lock"),
    Pair("without a mutex held for three quarters", units(3, 1500, 500, 0, 1),
         units(3, 1500, 500, 0, 0), "no-lock"),
    Pair("without a lock held while sleeping", threads(4, *LOCKED_SLEEP), threads(4, *FREE_SLEEP),
         "no-lock"),
    Pair("without a lock held while computing in Python", threads(4, *LOCKED_CPU),
         threads(4, "cpu:4000", "cpu:200"), "no-lock"),
    Pair("without a lock held while hashing", threads(4, *LOCKED_NATIVE),
         threads(4, "native:4000", "native:4000"), "no-lock"),
    Pair("4 to 8 threads behind a lock", threads(4, *LOCKED_SLEEP), threads(8, *LOCKED_SLEEP),
         "threads", 8),
    Pair("4 to 1 threads behind a lock", threads(4, *LOCKED_SLEEP), threads(1, *LOCKED_SLEEP),
         "threads", 1),
    # slow to fast server
    Pair("a server twice as fast, one client", threads(1, "ask:20000", "cpu:2000"),
         threads(1, "ask:10000", "cpu:2000"), "faster-io", 2),
    Pair("a server ten times as fast, one client", threads(1, "ask:20000", "cpu:2000"),
         threads(1, "ask:2000", "cpu:2000"), "faster-io", 10),
    Pair("a server twice as fast, 8 clients", threads(8, "ask:20000", "cpu:2000"),
         threads(8, "ask:10000", "cpu:2000"), "faster-io", 2),
    Pair("a server ten times as fast, 8 clients", threads(8, "ask:20000", "cpu:2000"),
         threads(8, "ask:2000", "cpu:2000"), "faster-io", 10),
    # CPUs
    Pair("1 to 2 CPUs for hashing", threads(4, *NATIVE, cpus=1), threads(4, *NATIVE), "cpus", 2),
    Pair("2 to 1 CPUs for hashing", threads(4, *NATIVE), threads(4, *NATIVE, cpus=1), "cpus", 1),
    Pair("1 to 2 CPUs for computing threads", threads(4, *COMPUTE, cpus=1), threads(4, *COMPUTE),
         "cpus", 2),
    Pair("1 to 2 CPUs for computing processes", processes(4, *COMPUTE, cpus=1),
         processes(4, *COMPUTE), "cpus", 2, True),
    Pair("1 to 2 CPUs for threads that hash and sleep",
         threads(8, "native:2000", "sleep:4000", cpus=1), threads(8, "native:2000", "sleep:4000"),
         "cpus", 2),
    Pair("2 to 1 CPUs for threads that compute and sleep", threads(8, *HALF),
         threads(8, *HALF, cpus=1), "cpus", 1),
]
