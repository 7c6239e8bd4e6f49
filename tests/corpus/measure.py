# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One program of the corpus, under one condition: start it, attach to it, and say what came out."""
import contextlib
import functools
import json
import math
import os
import shutil
import subprocess
import sys
import time

import corpus
import lib

HERE = os.path.dirname(os.path.abspath(__file__))
RUNTIMES = os.path.join(os.path.dirname(lib.TESTS), "runtimes")
OTHERS = {
    "go": [os.path.join(RUNTIMES, "go")],
    "java": ["/usr/bin/java", "-cp", RUNTIMES, "Java"],
    "tokio": [os.path.join(RUNTIMES, "tokio-forms")],
    "openmp": [os.path.join(RUNTIMES, "openmp")],
    "node": ["/usr/bin/node", os.path.join(lib.ROOT, "tests/runtimes/node.js")],
}
BUILT = {"go": os.path.join(RUNTIMES, "go"), "java": os.path.join(RUNTIMES, "Java.class"),
         "tokio": os.path.join(RUNTIMES, "tokio-forms"), "openmp": os.path.join(RUNTIMES, "openmp"),
         "node": "/usr/bin/node"}


def start(program, python, ports, folder):
    """The program in its steady state: a lib.Workload."""
    where = {"http": ports["http"], "echo": ports["echo"], "folder": folder and folder[1]}
    args = [str(arg).format(**where) for arg in program.args]
    if python:
        for name in os.path.join(lib.WORKLOADS, "workloads.py"), os.path.join(HERE, "programs.py"):
            shutil.copy(name, folder[0])
        return lib.Workload(python.argv + [os.path.join(folder[1], "programs.py"), program.name] + args)
    if program.kind == "compiled":
        return lib.program(*args)
    return lib.Workload(OTHERS[program.kind] + args)


def neighbour(kind, folder):
    if kind == "burn":
        return lib.program("spin", 1)
    if kind == "switches":
        return lib.program("pingpong", "processes", lib.CPUS[-1])
    return lib.Workload([sys.executable, os.path.join(HERE, "neighbour.py"), folder])


def attach(pid, program, window):
    """(report, CPUs that others than the program and the tool used meanwhile, on average)"""
    args = ["-p", pid, "-d", window, "-f", "json"] + (["-C"] if program.tree else [])
    began = time.monotonic()
    busy = lib.busy_seconds() - lib.child_seconds() - lib.tree_seconds(pid)
    result = lib.run(*args)
    busy = lib.busy_seconds() - lib.child_seconds() - lib.tree_seconds(pid) - busy
    if result.status not in (0, 4):
        raise RuntimeError("the tool failed: %r" % result)
    return result.report, max(0, busy) / (time.monotonic() - began)


def one(program, python, condition, window, ports, disk, keep=None):
    """Run one program under one condition: its row of the results.
    ports: of server(); disk: folder for the neighbour; keep: folder for the report."""
    taken, kinds = corpus.CONDITIONS[condition]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(python.folder()) if python else None
        for kind in kinds:
            stack.enter_context(neighbour(kind, disk))
        began = time.monotonic()
        workload = stack.enter_context(start(program, python, ports, folder))
        ready = time.monotonic()
        for tries in range(2):
            report, others = attach(workload.pid, program, window)
            # not alone with its neighbour: once more. What others took then is part of the machine.
            if others < taken + 0.25:
                break
        took = time.monotonic() - began
    if keep:
        name = "-".join([program.name, python.name if python else "own", condition, "%d" % (began * 1000)])
        with open(os.path.join(keep, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(report, f)
    taken = max(taken, math.ceil(others - 0.25))
    machine = corpus.Machine(len(lib.CPUS), taken, window, bool(python and python.free_threaded))
    verdict = lib.verdict_of(report)
    told = report["processes"] + [tree for tree in [report["tree"]] if tree]
    found = sorted({f["id"] for whom in told for f in whom["findings"]})
    missing = [f for f in program.findings if f not in found and window >= program.period]
    return {
        "program": program.name, "python": python.name if python else None,
        "condition": condition, "window": window, "right": sorted(program.right(machine)),
        "never": sorted(program.never), "verdict": verdict, "found": found, "missing": missing,
        "started": ready - began, "took": took, "others": others, "taken": taken, "tries": tries + 1,
        "cpus": machine.cpus, "losses": {k: v for k, v in report["losses"].items() if v},
    }


@functools.lru_cache(maxsize=None)
def has_numpy(python):
    return not subprocess.run(python.argv + ["-c", "import numpy"], stderr=subprocess.DEVNULL,
                              check=False).returncode


def interpreters(program, pythons):
    """Those of the Pythons that can run it; [None] if it is none of Python's."""
    if program.kind == "numpy":
        return [python for python in pythons if has_numpy(python)]
    return pythons if program.kind == "python" else [None]


def known(program):
    """Is it built, or is there nothing to build?"""
    return program.kind not in BUILT or os.path.exists(BUILT[program.kind])


@contextlib.contextmanager
def server():
    """The server that programs ask, as {"http": port, "echo": port}."""
    with lib.Workload([sys.executable, os.path.join(HERE, "server.py")]) as host:
        yield dict(line.split() for line in host.heard[:2])
