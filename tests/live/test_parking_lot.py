# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What threads of CPython 3.13 and later wait for on their own stacks: a mutex, a queue, work.

They have a threading.Lock of that kind since 3.13.1, and a threading.RLock since 3.14. Such
Pythons come with BB_CHROOT, or are free-threaded ones that BB_FREETHREADED names.
"""
import os
import shutil

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/freethread.py")
PYTHONS = [p for p in lib.some_pythons() + lib.freethreaded() if p.version >= (3, 13, 1)]


@pytest.fixture(params=PYTHONS or [None], ids=repr)
def python(request):
    if not request.param:
        pytest.skip("optional: no CPython 3.13.1 or later at hand (see tools/make-chroot)")
    return request.param


def diagnose(python, form, secs=2):
    """The process's row, and the address that the program says."""
    with python.folder() as (ours, its):
        shutil.copy(PROGRAM, ours)
        argv = python.argv + [os.path.join(its, "freethread.py"), form]
        with lib.Workload(argv) as workload:
            report = lib.diagnose(workload.pid, secs)
            address = int(workload.heard[0].split()[1])
    lib.assert_no_losses(report)
    return lib.process_of(report, workload.pid), address


def head(python):
    """The size of a PyObject, behind which a lock object has its mutex."""
    return 32 if python.free_threaded else 16


@pytest.mark.parametrize("form", ["lock", "rlock"])
def test_contended_lock_is_one_row(python, form):
    """One row for all waiters, a PyMutex, with the object that the program says."""
    if form == "rlock" and python.version < (3, 14):
        pytest.skip("optional: before 3.14 an RLock is no PyMutex")
    process, address = diagnose(python, form)
    rows = [row for row in process["locks"] if row["state"] == "lock"
            and row["contended_share"] > 0.01]
    assert len(rows) == 1, rows
    row = rows[0]
    assert int(row["addr"], 16) == address + head(python), row
    assert row["kind"] == "PyMutex", row
    assert row["object"] == {"lock": "_thread.lock", "rlock": "_thread.RLock"}[form], row
    assert row["code"].endswith("freethread.py:under"), row
    assert 2 <= row["waiters_max"] <= 3 and row["waits"] > 5, row
    workers = [t for t in process["threads"] if t["tid"] != process["pid"]]
    assert len(workers) == 4
    for thread in workers:
        assert lib.state(thread, "lock") > 20 * lib.state(thread, "queue"), thread["states"]
    # all but the one that has it wait, for it or for a CPU
    waiting = lib.state(process, "lock") + lib.state(process, "runq") + lib.state(process, "gil")
    assert waiting > 0.6 * 3 * process["threads"][0]["window_ns"], process["states"]


def test_waiting_for_work_is_no_lock(python):
    process, address = diagnose(python, "queues")
    # consumers have the queue's own lock for moments; on full CPUs one may lose the CPU with it
    assert lib.state(process, "lock") < 0.02 * lib.state(process, "queue"), process["states"]
    assert lib.share(process, "queue", "runq") > 0.6, process["states"]
    locks = [row for row in process["locks"] if row["state"] == "lock"
             and row["contended_share"] > 0.05]
    assert not locks, locks
    rows = {row["code"].rpartition("/")[2]: row for row in process["locks"] if row["code"]
            and row["contended_share"] > 0.01}
    simple = rows["freethread.py:get"]
    assert simple["kind"] == "SimpleQueue" and simple["rule"] == "protocol", simple
    assert int(simple["addr"], 16) == address + head(python), simple
    assert rows["thread.py:_worker"]["kind"] == "SimpleQueue"
    signal = rows["freethread.py:signalled"]
    assert (signal["kind"], signal["object"], signal["rule"]) == \
        ("PyMutex", "_thread.lock", "fed"), signal
    assert rows["threading.py:wait"]["rule"] == "python", rows
