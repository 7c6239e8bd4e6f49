# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pythons of whose GIL nothing is told: PyPy, CPython 2.7 and 3.6. They are named, and judged as
any other program: their lock is a lock, and waiting for it is not I/O.
"""
import glob
import os
import shutil
import subprocess

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/computing.py")
BLOCKED = [name for name in lib.STATES if name not in ("oncpu", "runq")]


def pyenv(version):
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
    found = sorted(glob.glob(os.path.join(root, "versions/%s.*/bin/python" % version)))
    return found[-1] if found else None


@pytest.fixture(params=["pypy", "2.7", "3.6"])
def python(request):
    """Path of the interpreter, name and version as they must be told."""
    if request.param == "pypy":
        path = shutil.which("pypy3")
        if not path:
            pytest.skip("pypy3 is not installed (tools/packages.txt)")
        name = "pypy"
    else:
        path, name = pyenv(request.param), "cpython"
        if not path:
            pytest.skip("optional: pyenv has no CPython " + request.param)
    version = subprocess.run([path, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return path, name, version


def diagnose(python, count):
    path, name, version = python
    with lib.Workload([path, PROGRAM, str(count)]) as target:
        report = lib.diagnose_alone(target.pid, 2)
        process = lib.process_of(report, target.pid)
    lib.assert_no_losses(report)
    runtime = process["runtime"]
    assert runtime["name"] == name and version.startswith(runtime["version"]), runtime
    assert runtime["version"].count(".") >= 1 and runtime["gil"] == "unknown", runtime
    assert "no GIL detail" in runtime["note"], runtime
    assert process["gil"] is None and process["verdict"]["components"]["gil-bound"] == 0
    # of what computes: not the main thread, which sleeps
    workers = [t for t in process["threads"] if lib.state(t, "oncpu") > 0.02 * t["window_ns"]]
    return process, workers


def test_lock_wait_is_a_lock(python):
    """Three threads compute, and their interpreter lets one run at a time."""
    process, workers = diagnose(python, 3)
    assert len(workers) == 3, process["threads"]
    lock, queue = (sum(lib.state(t, name) for t in workers) for name in ("lock", "queue"))
    blocked = sum(lib.state(t, name) for t in workers for name in BLOCKED)
    assert lock + queue > 0.95 * blocked, [t["states"] for t in workers]
    # one runs, and the others wait: for it or, between two attempts to get it, for a CPU
    window = process["threads"][0]["window_ns"]
    # (2.7's lets go of it every 100 bytecodes, and on several CPUs its threads spend their time on that)
    old = python[2].startswith("2.")
    assert lib.state(process, "oncpu") < (1.9 if old else 1.25) * window, process["states"]
    assert lock + queue + lib.state(process, "runq") > (0.9 if old else 1.5) * window, process["states"]
    # A holder that others keep off the CPUs does not let go: most waits time out, few tell what for.
    if lib.state(process, "oncpu") > 0.8 * window:
        assert lock > 0.9 * blocked, [t["states"] for t in workers]
        heavy = [row for row in process["locks"] if row["state"] == "lock"]
        assert sum(row["wait_ns"] for row in heavy) > 0.9 * lock, process["locks"]
    # where others use the CPUs, threads wait for one instead
    verdict = process["verdict"]
    assert verdict["bound"] in ("lock-bound", "cpu-saturated", "mixed"), verdict
    assert verdict["components"]["io-bound"] < 0.05 and verdict["components"]["idle"] < 0.2, verdict


def test_one_thread_has_no_lock_to_wait_for(python):
    process, workers = diagnose(python, 1)
    assert len(workers) == 1, process["threads"]
    for row in process["locks"]:
        assert row["state"] == "queue" or row["contended_share"] < 0.05, row
    assert process["verdict"]["bound"] in ("cpu-bound", "cpu-saturated"), process["verdict"]
