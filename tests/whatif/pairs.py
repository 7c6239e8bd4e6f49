# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pairs of a program as it is and as it would be after one change, for the prediction and the truth."""
import collections

# quota: CPUs, of its cgroup. build: of Python: None, that which runs run.py; "gil" and "free", of one version with a GIL and without
Program = collections.namedtuple("Program", "form n pieces cpus build quota",
                                 defaults=(2, None, None))
# what the first is asked for; whole: of the tree of its processes
Pair = collections.namedtuple("Pair", "name first second change amount whole", defaults=(None, False))


def threads(n, *pieces, **how):
    return Program("threads", n, pieces, **how)


def processes(n, *pieces, **how):
    return Program("processes", n, pieces, **how)


def tasks(n, *pieces, **how):
    return Program("asyncio", n, pieces, **how)


def units(n, held, free, sleep, locks, held_sleep=0, **how):
    """tests/workloads/units.c"""
    return Program("units", n, (held, free, sleep, locks, held_sleep), **how)


def split(program, k):
    """The same with so many locks in place of one."""
    if program.form == "units":
        return program._replace(pieces=program.pieces[:3] + (k,) + program.pieces[4:])
    return program._replace(pieces=tuple("lock:%d" % k if p == "lock" else p for p in program.pieces))


def splitting(name, program, k):
    return Pair("%s, split in %d" % (name, k), program, split(program, k), "split-lock", k)


def freeing(name, n, *pieces, **how):
    return Pair("%s on a free-threaded Python" % name, threads(n, *pieces, build="gil", **how),
                threads(n, *pieces, build="free", **how), "no-gil")


def lifting(name, program, quota):
    return Pair("%s without a quota of %g CPUs" % (name, quota), program._replace(quota=quota),
                program, "no-quota")


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

# The lock split.
SPLIT = [
    splitting("a mutex held while computing", units(4, 1000, 20, 0, 1), 2),
    splitting("a mutex held while computing", units(4, 1000, 20, 0, 1), 4),
    splitting("a mutex held for three quarters", units(3, 1500, 500, 0, 1), 2),
    splitting("a mutex of 6 threads that sleep, too", units(6, 500, 300, 2000, 1), 2),
    splitting("a mutex of 8 threads held while sleeping", units(8, 0, 100, 1000, 1, 1000), 4),
    splitting("a lock held while sleeping", threads(4, *LOCKED_SLEEP), 2),
    splitting("a lock of 6 threads held while sleeping",
              threads(6, "lock", "sleep:4000", "unlock", "cpu:500"), 4),
    splitting("a lock held while computing in Python", threads(4, *LOCKED_CPU), 2),
    splitting("a lock held while hashing", threads(4, *LOCKED_NATIVE), 2),
    splitting("a lock of 8 clients", threads(8, "lock", "ask:5000", "unlock", "cpu:300"), 4),
]

# The same version of Python without a GIL: only where there are both.
FREE = [
    freeing("4 computing threads", 4, *COMPUTE),
    freeing("2 computing threads", 2, *COMPUTE),
    freeing("one computing thread", 1, *COMPUTE),
    freeing("4 computing threads on one CPU", 4, *COMPUTE, cpus=1),
    freeing("8 threads that compute and sleep", 8, *HALF),
    freeing("4 threads that compute, hash and sleep", 4, *MIXED),
    freeing("8 sleeping threads", 8, "sleep:10000", "cpu:500"),
    freeing("4 hashing threads", 4, *NATIVE),
    freeing("16 clients", 16, *REQUEST),
    freeing("4 threads behind a lock held while computing", 4, *LOCKED_CPU),
]

# The CPU quota lifted: only where cgroups have one.
QUOTA = [
    lifting("4 hashing threads", threads(4, *NATIVE), 0.5),
    lifting("4 hashing threads", threads(4, *NATIVE), 1.5),
    lifting("4 computing threads", threads(4, *COMPUTE), 0.5),
    lifting("8 threads that compute and sleep", threads(8, *HALF), 0.4),
    lifting("8 threads that hash and sleep", threads(8, "native:2000", "sleep:8000"), 1),
    lifting("8 clients", threads(8, *REQUEST), 0.3),
    lifting("2 threads on one CPU", units(2, 0, 500, 0, 0, cpus=1), 0.25),
    lifting("4 threads that sleep", units(4, 0, 1000, 2000, 0), 0.8),
    lifting("3 threads behind a mutex", units(3, 500, 500, 0, 1), 0.6),
    lifting("one client", threads(1, *REQUEST), 0.05),
]

# Written down before any of them was run, and before bounds and model were looked at again: what
# they came to the first time is in docs/method.md.
FRESH = [
    Pair("3 threads of unequal pieces to processes",
         threads(3, "cpu:1000", "sleep:2000", "native:3000", "cpu:700"),
         processes(3, "cpu:1000", "sleep:2000", "native:3000", "cpu:700"), "processes", 3),
    Pair("5 threads that compute and sleep twice to processes",
         threads(5, "cpu:700", "sleep:1000", "cpu:2600", "sleep:4000"),
         processes(5, "cpu:700", "sleep:1000", "cpu:2600", "sleep:4000"), "processes", 5),
    Pair("without a lock held while computing and sleeping",
         threads(3, "lock", "cpu:1500", "sleep:1500", "unlock", "cpu:1500"),
         threads(3, "cpu:1500", "sleep:1500", "cpu:1500"), "no-lock"),
    Pair("without a lock held while asking, of 6 clients",
         threads(6, "lock", "ask:3000", "unlock", "ask:9000", "cpu:400"),
         threads(6, "ask:3000", "ask:9000", "cpu:400"), "no-lock"),
    Pair("without a mutex held while sleeping", units(4, 300, 300, 0, 1, 1500),
         units(4, 300, 300, 0, 0, 1500), "no-lock"),
    Pair("6 clients to tasks", threads(6, "ask:8000", "cpu:700"), tasks(6, "ask:8000", "cpu:700"),
         "asyncio", 6),
    Pair("2 clients to 8 tasks", threads(2, "ask:6000", "cpu:900"),
         tasks(8, "ask:6000", "cpu:900"), "asyncio", 8),
    Pair("1 to 3 processes that compute and sleep", processes(1, "cpu:3000", "sleep:3000"),
         processes(3, "cpu:3000", "sleep:3000"), "threads", 3, True),
    Pair("6 to 2 threads behind a mutex", units(6, 400, 1200, 2000, 1), units(2, 400, 1200, 2000, 1),
         "threads", 2),
    Pair("2 to 8 threads behind a mutex", units(2, 500, 500, 1000, 1), units(8, 500, 500, 1000, 1),
         "threads", 8),
    Pair("3 to 8 clients that hash", threads(3, "native:2500", "ask:5000", "cpu:500"),
         threads(8, "native:2500", "ask:5000", "cpu:500"), "threads", 8),
    Pair("8 to 2 threads that hash and sleep", threads(8, "native:3000", "sleep:6000"),
         threads(2, "native:3000", "sleep:6000"), "threads", 2),
    Pair("2 to 1 CPUs for 3 computing processes", processes(3, "cpu:4000", "sleep:500"),
         processes(3, "cpu:4000", "sleep:500", cpus=1), "cpus", 1, True),
    Pair("1 to 2 CPUs for 3 threads behind a mutex", units(3, 300, 900, 0, 1, cpus=1),
         units(3, 300, 900, 0, 1), "cpus", 2),
    Pair("a server twice as fast behind a lock",
         threads(4, "lock", "ask:6000", "unlock", "cpu:1500"),
         threads(4, "lock", "ask:3000", "unlock", "cpu:1500"), "faster-io", 2),
    Pair("a disk twice as fast, one thread", threads(1, "fsync:64", "fsync:64", "cpu:1000"),
         threads(1, "fsync:64", "cpu:1000"), "faster-io", 2),
]
