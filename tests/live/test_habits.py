# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How threads share the work: for each finding a program that shows it, and one alike that must not;
and the advice that follows."""
import os

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/habits.py")
HABITS = ("threads-for-cpu", "too-many-workers", "lock-convoy", "serial-loop")


def diagnose(*args, secs=1):
    with lib.Workload(["/usr/bin/python3", PROGRAM, *args]) as workload:
        report = lib.diagnose_alone(workload.pid, secs, tries=2)
        process = lib.process_of(report, workload.pid)
    return process


def habits(process):
    return [f for f in process["findings"] if f["id"] in HABITS]


def ids(process):
    return [a["id"] for a in process["advice"]]


def test_threads_for_cpu():
    process = diagnose("computes")
    found, = habits(process)
    assert found["id"] == "threads-for-cpu" and found["at_once"] == 4, found
    assert found["function"].startswith("compute") and found["state"] == "gil", found
    assert 2 < found["waiters_mean"] <= 3.1 and found["value"] >= found["threshold"], found
    assert process["verdict"]["bound"] == "gil-bound"
    assert ids(process)[:2] == ["processes", "free-threaded"], process["advice"]
    advice = process["advice"][0]
    predicted = next(w for w in process["what_if"] if w["change"] == "processes")
    assert 1.5 < predicted["speedup"] < 2.3 and advice["gain_most"] == predicted["high"], (advice, predicted)
    assert "times as fast" in advice["gain"], advice
    assert advice["check"] == "boundby -d 10 -C -p %d" % process["pid"], advice
    assert "ProcessPoolExecutor" in advice["text"] and "memory" in advice["cost"], advice


@pytest.mark.parametrize("form", ["releases", "alone"])
def test_no_threads_for_cpu(form):
    """C code that lets go of the GIL; or one thread that computes, and others that do not."""
    process = diagnose(form)
    assert habits(process) == [], process["findings"]
    # to compute elsewhere shortens the others' waits, and makes nothing faster
    if form == "alone":
        assert all(a["gain_most"] is None for a in process["advice"]), process["advice"]


@pytest.mark.parametrize("threads, too_many", [(16, True), (4, False)])
def test_too_many_to_run(threads, too_many):
    process = diagnose("many", str(threads))
    found = habits(process)
    assert [f["id"] for f in found] == ["too-many-workers"] * too_many, found
    if too_many:
        assert found[0]["state"] == "runq" and found[0]["value"] > 6, found
        assert ids(process)[0] == "fewer-workers", process["advice"]


@pytest.mark.parametrize("form, too_many", [("large", True), ("fitting", False)])
def test_too_many_for_the_work(form, too_many):
    process = diagnose(form)
    found = habits(process)
    assert [f["id"] for f in found] == ["too-many-workers"] * too_many, found
    if too_many:
        assert 195 < found[0]["waiters_mean"] <= 203 and found[0]["at_once"] < 2, found
        assert found[0]["function"] == "_worker", found


def test_serial_loop():
    process = diagnose("serial")
    found, = habits(process)
    assert found["id"] == "serial-loop" and found["waiters_mean"] >= 4, found
    assert found["function"].startswith("compute") and found["value"] > 0.9, found
    assert ids(process) == ["split-work"], process["advice"]


def test_no_serial_loop():
    """Two threads compute; or one, beside no pool."""
    assert habits(diagnose("shared")) == []
    assert habits(diagnose("alone")) == []


@pytest.mark.parametrize("argv, convoy", [(("mutex_convoy", 4), True), (("cond_pool", 8, 100), False)],
                         ids=["convoy", "queue"])
def test_lock_convoy(argv, convoy):
    with lib.program(*argv) as workload:
        report = lib.diagnose_alone(workload.pid, 1, tries=2)
    process = lib.process_of(report, workload.pid)
    found = [f for f in process["findings"] if f["id"] == "lock-convoy"]
    assert len(found) == convoy, process["findings"]
    if convoy:
        assert found[0]["lock"] == process["locks"][0]["addr"] and found[0]["at_once"] == 4, found
        assert "hold-less" in ids(process), process["advice"]


def test_pinned_to_one_cpu():
    """Processes will not help, and the advice knows."""
    with lib.Workload(["/usr/bin/python3", PROGRAM, "computes"]) as workload:
        for tid in lib.tids(workload.pid):
            os.sched_setaffinity(tid, lib.CPUS[:1])
        report = lib.diagnose(workload.pid, 1)
    process = lib.process_of(report, workload.pid)
    assert process["cpus_usable"] == 1
    advice = ids(process)
    assert not {"processes", "free-threaded", "split-work"} & set(advice), process["advice"]
    assert advice[0] in ("unpin", "faster-code"), process["advice"]
    assert "faster-code" in advice, process["advice"]


def test_little_confidence_is_measured_again():
    """A window of 50 ms carries no change, whatever the verdict."""
    with lib.Workload(["/usr/bin/python3", PROGRAM, "computes"]) as workload:
        report = lib.diagnose(workload.pid, 0.05)
        process = lib.process_of(report, workload.pid)
    assert process["verdict"]["bound"] == "unknown", process["verdict"]
    assert ids(process)[0] == "measure-longer", process["advice"]
    assert process["advice"][0]["check"] == "boundby -d 10 -p %d" % process["pid"]
    assert process["advice"][0]["gain"] is None


def test_explain():
    """The steps end at the confidence, and the amounts add up to the components; text and JSON."""
    with lib.Workload(["/usr/bin/python3", PROGRAM, "computes"]) as workload:
        report = lib.diagnose(workload.pid, 0.5, "--explain")
        told = lib.run("-p", workload.pid, "-d", 0.2, "--explain")
        plain = lib.diagnose(workload.pid, 0.2)
    verdict = lib.process_of(report, workload.pid)["verdict"]
    steps = verdict["steps"]
    stages = list(dict.fromkeys(step["stage"] for step in steps))
    assert stages == ["facts", "shares", "amounts", "components", "choice", "confidence"], stages
    assert abs(steps[-1]["value"] - verdict["confidence"]) < 1e-5
    amounts = {s["text"].split(":")[0]: s["value"] for s in steps if s["stage"] == "amounts"}
    parts = {s["text"].split(":")[0]: s["value"] for s in steps if s["stage"] == "components"}
    for bound, amount in amounts.items():
        share = amount / sum(amounts.values()) * parts["at work"]
        assert abs(share - verdict["components"][bound]) < 1e-4, (bound, steps)
    text = told.stdout.decode()
    assert told.status == 0 and "How the verdict was reached" in text and "gil-bound:" in text
    assert lib.process_of(plain, workload.pid)["verdict"]["steps"] is None


def test_explain_needs_room():
    result = lib.run("-p", os.getpid(), "-f", "prometheus", "--explain")
    assert result.status == 2 and "--explain goes with" in result.stderr, result
    result = lib.run("-p", os.getpid(), "-i", "1", "--explain")
    assert result.status == 2 and "-f json" in result.stderr, result
