# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The corpus: programs whose bound is known, and what must be said about each.

What is right was written down from what a program does, before the tool first saw it. It is a rule of
the machine where it depends on the CPUs: right(machine) returns the verdicts, any of which is right.
Where there is more than one, the program leaves it open, and the comment says why.
"""
import collections

# cpus: that the program may use; taken: of these, that a neighbour keeps busy; window: seconds;
# free_threaded: its Python has no GIL
Machine = collections.namedtuple("Machine", "cpus taken window free_threaded")

# name; kind: python, numpy (Pythons that have it), compiled, go, java, tokio,
# openmp or node; args: of the program, with {http}, {echo}
# and {folder} filled in; right: see above; tree: with its descendants; never: verdicts that must not
# be given under any condition; findings: that must be among those of its processes; period: seconds
# that a window must have for these to be seen
Program = collections.namedtuple("Program", "name kind args right tree never findings period")

PROGRAMS = []


def add(name, right, *args, kind="python", tree=False, gil=False, never=(), findings=(), period=0.0):
    """gil: several of its threads want the GIL. All others must never be called gil-bound."""
    never = frozenset(never) | (frozenset() if gil else {"gil-bound"})
    PROGRAMS.append(Program(name, kind, args, right, tree, never, findings, period))


# What is right

def computes(n, besides=0):
    """n threads or processes that compute, of which each could have a CPU of its own. besides: what
    a runtime's own threads (collector, compiler) may compute beside them."""
    def right(machine):
        fill = min(1, n / machine.cpus)
        said = {"cpu-saturated"} if fill > 0.9 else {"cpu-bound"} if fill < 0.76 else \
            {"cpu-saturated", "cpu-bound"}
        if n <= machine.cpus < n + besides + machine.taken:
            # It would use what the neighbour takes: held back by the CPUs, or just computing.
            said |= {"cpu-saturated", "mixed"}
        return said

    return right


def serialised(*verdicts):
    """Threads that compute one at a time, so that a CPU is what they can use. If not even that is
    left by a neighbour, what holds them back and the CPUs are both true."""
    def right(machine):
        return set(verdicts) | ({"mixed"} if 1 + machine.taken > machine.cpus else set())

    return right


def under_the_gil(n):
    """n threads that compute in Python. On one CPU they would wait for it instead."""
    def right(machine):
        if machine.free_threaded:
            return computes(n)(machine)
        if machine.cpus <= 1:
            return {"cpu-saturated"}
        return serialised("gil-bound")(machine)

    return right


def one_of(*verdicts):
    """The same on every machine."""
    return lambda machine: set(verdicts)


def phases(seconds, *verdicts):
    """Of phases of this length, in which it only waits: a window within one sees nobody run."""
    return lambda machine: set(verdicts) | ({"idle"} if machine.window < 1.5 * seconds else set())


IO = one_of("io-bound")
# A small job every few milliseconds: whether that is little, or is waiting for timers, is open.
LITTLE = one_of("idle", "io-bound")
WORKERS = 4

# ADVICE's workloads: computing
add("w1-sequential", computes(1))
add("w2-threads", under_the_gil(WORKERS), gil=True)
add("w3-processes", computes(WORKERS), tree=True)
for number in "w4", "w5", "w6":
    add(number + "-threads", under_the_gil(WORKERS), gil=True)
    add(number + "-processes", computes(WORKERS), tree=True)
add("w6-asyncio", computes(1))

# waiting
add("w7-sequential", IO)
add("w7-threads", IO)
add("w7-asyncio", IO)
add("w8-sequential", IO, "{http}")
add("w8-threads", IO, "{http}")
add("w8-asyncio", IO, "{http}")
add("w9-threads", IO, "{folder}")
# Each thread waits for a second, and from 3.13 on a wait that began before the window has no code.
add("w10-threads", IO, findings=("semaphore-limit",), period=3.0)

# phases: which of them a window meets is chance, where it is not longer than both
add("w11-sequential", phases(2, "io-bound", "cpu-bound", "mixed"), "{http}")
add("w11-threads", phases(2, "io-bound", "gil-bound", "mixed"), "{http}", gil=True)
add("w11-sleep", phases(2, "io-bound", "gil-bound", "mixed"), gil=True)
add("w11-short", one_of("io-bound", "gil-bound", "mixed"), "{http}", gil=True)
add("w12-hybrid", phases(2, "io-bound", "cpu-saturated", "mixed"), "{http}", tree=True)
add("w12-short", one_of("io-bound", "cpu-saturated", "mixed"), "{http}", tree=True)

# event loops
add("w13-asyncio", IO)
# All wake up together, once a second: as w14-asyncio, a timer that long is open.
add("w13-second", LITTLE)
# Nothing but sleeps of a second, one after the other: that they stand for something is its finding.
add("w14-asyncio", LITTLE, findings=("blocking-call-in-event-loop",), period=2.0)
add("w15-sleep", IO)
add("w15-http", IO, "{http}")

# queues, locks and pools
add("w16-queue", LITTLE, never=("lock-bound",))
add("w16-multiprocessing", LITTLE, never=("lock-bound",), tree=True)
add("w16-asyncio", LITTLE, never=("lock-bound",))
# Pure Python under the lock: who gets the lock may then have to wait for the GIL.
add("w17-python", serialised("lock-bound", "gil-bound"), gil=True)
add("w17-hash", serialised("lock-bound"))
add("w18-threads", LITTLE, never=("lock-bound",), findings=("too-many-workers",), period=3.0)
add("w19-array", computes(WORKERS), tree=True)
add("w19-numpy", computes(WORKERS), kind="numpy", tree=True)
# The parent deals out tasks one by one, and cannot keep its workers busy; its own threads, which
# feed and collect, want the same GIL. All together they may fill two CPUs or not.
add("w20-pool", one_of("cpu-saturated", "cpu-bound", "gil-bound", "mixed"), tree=True, gil=True,
    findings=("tiny-tasks",))
add("w21-asyncio", one_of("idle"))
add("w22-hash", computes(WORKERS))
add("w22-zlib", computes(WORKERS))
add("w22-lzma", computes(WORKERS))
add("w22-numpy", computes(WORKERS), kind="numpy")

# mixes: `mixed`, or one of the two that are mixed
add("mix-sleep-compute", one_of("mixed", "io-bound", "cpu-bound"))
add("mix-disk-compute", one_of("mixed", "io-bound", "cpu-bound"), "{folder}")
add("mix-gil-requests", one_of("mixed", "gil-bound"), "{http}", gil=True)
add("mix-python-hash", one_of("mixed", "gil-bound", "cpu-saturated"), gil=True)
add("mix-lock-sleep", one_of("mixed", "lock-bound", "io-bound"))
add("mix-loop-requests", one_of("mixed", "io-bound", "cpu-bound"), "{http}")
# Half of the time it waits for its client, which is idle: up, and not bound by anything.
add("mix-half-loaded", one_of("mixed", "idle", "cpu-bound"))
add("mix-processes", one_of("mixed", "io-bound", "cpu-saturated"), tree=True)
# Queues' own locks, and the GIL: which comes first depends on the Python.
add("mix-full-queue", one_of("mixed", "gil-bound", "lock-bound"), gil=True)

# C
add("c-mutex-convoy", serialised("lock-bound"), "mutex_convoy", kind="compiled")
add("c-mutex-convoy-8", serialised("lock-bound"), "mutex_convoy", 8, 50, kind="compiled")
add("c-idle-pool", one_of("idle"), "cond_pool", 8, 30000, kind="compiled")
add("c-pool", LITTLE, "cond_pool", 8, 100, kind="compiled")
add("c-pipe", IO, "pipe_slow", kind="compiled")
add("c-uffd", IO, "uffd", kind="compiled")
add("c-spin-4", computes(4), "spin", 4, kind="compiled")
add("c-spin-1", computes(1), "spin", 1, kind="compiled")
add("c-sleeper", one_of("idle"), "sleeper", kind="compiled")
add("c-syscalls", computes(1), "syscall_loop", kind="compiled")
# Both are pinned to one CPU, and it never rests.
add("c-pingpong", one_of("cpu-saturated"), "pingpong", "threads", kind="compiled")
add("c-pingpong-processes", one_of("cpu-saturated"), "pingpong", "processes", kind="compiled",
    tree=True)

# Go, Java, Rust on tokio, OpenMP, Node.js; see tests/runtimes
add("go-idle", one_of("idle"), "idle", kind="go")
add("go-serial", computes(1, besides=1), "serial", kind="go")
add("go-compute", computes(4), "compute", kind="go")
add("go-net", IO, "net", "{echo}", kind="go")
add("go-calls", IO, "calls", kind="go")
# One goroutine at a time; the others spin for a little before they wait.
add("go-contended", computes(1, besides=1), "contended", kind="go")
add("java-idle", one_of("idle"), "idle", kind="java")
add("java-serial", computes(1, besides=1), "serial", kind="java")
add("java-compute", computes(4), "compute", kind="java")
# The collector works beside the program, with as many threads as there are CPUs.
add("java-garbage", one_of("cpu-bound", "cpu-saturated"), "garbage", kind="java")
add("java-net", IO, "net", "{echo}", kind="java")
add("java-contended", serialised("lock-bound"), "contended", kind="java")
# Its threads are parked, each on a word of its own: that it is for a lock is not to be seen. Right is
# what it does, all the same.
add("java-parked", serialised("lock-bound"), "parked", kind="java")
# One thread at a time, but for the moment in which one has woken the other and still runs.
add("java-pingpong", computes(1, besides=1), "pingpong", kind="java")
add("tokio-idle", one_of("idle"), "idle", kind="tokio")
add("tokio-serial", computes(1), "serial", kind="tokio")
add("tokio-compute", computes(4), "compute", kind="tokio")
add("tokio-net", IO, "net", "{echo}", kind="tokio")
add("openmp-idle", one_of("idle"), "idle", kind="openmp")
add("openmp-compute", computes(4), "compute", kind="openmp")
add("node-idle", one_of("idle"), "idle", kind="node")
add("node-serial", computes(1, besides=1), "serial", kind="node")
add("node-compute", computes(4), "compute", kind="node")
add("node-net", IO, "net", "{echo}", kind="node")

# The name of a condition: (CPUs that the neighbour takes, rounded up; who it is). Whoever writes to the
# disk takes a third of a CPU and more, and the pair that switches takes one.
CONDITIONS = {
    "quiet": (0, ()),
    "burn": (1, ("burn",)),
    "disk": (2, ("disk", "switches")),
}
