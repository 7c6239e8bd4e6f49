# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Semaphores that cap how many threads are at work, and pools without a free worker."""
import os
import shutil

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/pools.py")


@pytest.fixture(params=[p for p in lib.some_pythons() if lib.FULL or p.name == "system"], ids=repr)
def python(request):
    return request.param


def diagnose(python, *args):
    with python.folder() as (ours, its):
        shutil.copy(PROGRAM, ours)
        with lib.Workload(python.argv + [os.path.join(its, "pools.py"), *args]) as workload:
            report = lib.diagnose(workload.pid, 2)
            told = python.name == "system" and args[-1] == "5"
            text = lib.run("-p", workload.pid, "-d", 2).stdout.decode() if told else None
    lib.assert_no_losses(report)
    return lib.process_of(report, workload.pid), text


@pytest.mark.parametrize("permits", [5, 12])
def test_semaphore_is_the_limit(python, permits):
    """W10: io-bound, and so many connections at a time."""
    process, text = diagnose(python, "semaphore", str(permits))
    found, = process["findings"]
    assert found["id"] == "semaphore-limit" and found["function"].endswith("query"), found
    assert round(found["at_once"]) == permits, found
    # of 30, all but those that are let through, and who has just been
    assert 30 - 1.15 * permits < found["waiters_mean"] < 30 - 0.9 * permits, found
    if permits == 5:
        assert process["verdict"]["bound"] == "io-bound", process["verdict"]
        assert text is None or "about 5 at a time get through" in " ".join(text.split()), text


@pytest.mark.parametrize("args", [("semaphore", "30"), ("fed",)], ids="-".join)
def test_semaphore_that_is_no_limit(python, args):
    """There are permits for all; or others give them than those that take them."""
    assert diagnose(python, *args)[0]["findings"] == []


def test_starved_pool(python):
    """Each of four workers sleeps, and twenty threads wait for results."""
    process, _ = diagnose(python, "starved")
    found, = process["findings"]
    assert found["id"] == "pool-starved" and found["function"].endswith("request"), found
    assert found["at_once"] == 4 and found["state"] == "sleep", found
    assert 18 < found["waiters_mean"] <= 20.1, found
    assert found["rule"] == "pool-busy" and found["value"] >= found["threshold"], found


@pytest.mark.parametrize("form", ["computes", "enough", "idle"])
def test_pool_that_is_not_starved(python, form):
    """More workers would not help who computes; one of eight is enough for one task; none has a task."""
    process, _ = diagnose(python, form)
    # threads that compute in Python are a finding of another kind
    assert [f["id"] for f in process["findings"]] == ["threads-for-cpu"] * (form == "computes")
    assert form != "idle" or process["verdict"]["bound"] == "idle", process["verdict"]
