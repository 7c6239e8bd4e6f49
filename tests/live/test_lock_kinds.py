# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What kind of object threads wait for: each of glibc's, by its waits and its memory."""
import json
import os

import pytest

import lib
import one_second

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

# form: kind, state, and where in the object its words are
KINDS = {
    "rwlock": ("rwlock", "lock", (8,)),
    "rwlock-first": ("rwlock", "lock", (8, 0)),
    "semaphore": ("semaphore", None, (0,)),
    "condition": ("condition", "queue", (40, 32)),
    "barrier": ("barrier", "queue", (4,)),
}


def rows_of(process, addr, offsets):
    """The rows of the object at that address, the most waited for first."""
    at = {hex(int(addr, 16) + offset) for offset in offsets}
    return sorted((lock for lock in process["locks"] if lock["addr"] in at),
                  key=lambda lock: -lock["wait_ns"])


def measured(form):
    return lib.while_not_stolen(lambda: one_second.measure(lambda _: True, "lock_kinds", form))


@pytest.mark.parametrize("form", KINDS)
def test_kind_and_waits(form):
    """Told when nobody waits any more, with all waits by the program's own clock."""
    process, before, (truth,) = measured(form)
    kind, state, offsets = KINDS[form]
    addr = before[0]["addr"]
    rows = rows_of(process, addr, offsets)
    assert rows and all(lock["kind"] == kind for lock in rows), process["locks"]
    assert state is None or all(lock["state"] == state for lock in rows), rows
    waited = sum(lock["wait_ns"] for lock in rows)
    assert lib.close(waited, truth["read_ns"] + truth["write_ns"], 0.05), (rows, truth)
    for lock in rows:
        assert (lock["write_wait_ns"] is None) == (kind != "rwlock"), lock
    if kind == "rwlock":
        assert min(truth["read_ns"], truth["write_ns"]) > 10 ** 8, truth
        to_write = sum(lock["write_wait_ns"] for lock in rows)
        assert lib.close(to_write, truth["write_ns"], 0.05), (rows, truth)
        assert sum(lock["write_waits"] for lock in rows) >= truth["writes"], (rows, truth)


@pytest.mark.parametrize("form", ["rwlock", "semaphore", "condition"])
def test_kind_while_somebody_waits(form):
    with lib.program("lock_kinds", form) as workload:
        process = lib.process_of(lib.diagnose(workload.pid, 1), workload.pid)
        text = lib.run("-p", workload.pid, "-d", 1).stdout.decode() if form == "rwlock" else None
    kind, _, offsets = KINDS[form]
    lock = rows_of(process, json.loads(workload.heard[0])["addr"], offsets)[0]
    assert lock["kind"] == kind, lock
    assert text is None or ("rwlock" in text and "waited to write in" in text), text


def test_words_that_are_neither():
    """The same calls and values, beside which there is something else."""
    with lib.program("lock_kinds", "look-alike") as workload:
        process = lib.process_of(lib.diagnose(workload.pid, 1), workload.pid)
    rows = rows_of(process, json.loads(workload.heard[0])["addr"], (64, 128))
    assert len(rows) == 2 and all(lock["kind"] == "unknown" for lock in rows), process["locks"]
    assert all(lock["write_waits"] is None for lock in rows), rows
