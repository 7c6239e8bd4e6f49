# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program that pretends to be CPython and holds what a hostile one would, while its threads wait
for what looks like a GIL: reports are made, in time, with what was left out counted."""
import os
import subprocess

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

SOURCE = os.path.join(lib.ROOT, "tests/lib/python/fake_python.c")
NAME = "Fake.function"
THREADS = 64


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    exe = str(tmp_path_factory.mktemp("fake") / "fake")
    subprocess.run(["cc", "-O1", "-o", exe, SOURCE, "-rdynamic", "-pthread"], check=True)
    return exe


def look(fake, case, secs=1):
    with lib.Workload([fake, case]) as workload:
        report = lib.diagnose(workload.pid, secs)
        process = lib.process_of(report, workload.pid)
    # whatever it pretends, its waits are what they are
    assert process["runtime"]["version"] == "3.12.1" and process["runtime"]["gil"] == "enabled"
    assert process["gil"]["contended_share"] > 0.1 and len(process["threads"]) == THREADS + 1
    assert report["overhead"]["rss_bytes"] < 40 << 20
    return report, process


def functions(process):
    rows = process["gil"]["holders"] + process["gil"]["waiters"]
    return {r["function"] for r in rows} | {f["function"] for c in process["code"] for f in c["frames"]}


def losses(report):
    return {name: n for name, n in report["losses"].items() if n}


def test_taken_for_a_python(fake):
    """What the other cases do is done to one that works: this one."""
    report, process = look(fake, "sane")
    walks = report["overhead"]["code_walks"]
    assert not losses(report) and walks["done"] > 100
    assert not any(walks[how] for how in ("unreadable", "torn", "full", "no_code", "truncated",
                                          "no_thread_state", "no_frame")), walks
    assert sum(r["share"] for r in process["gil"]["holders"] if r["function"] == NAME) > 0.9
    frames = max((c["frames"] for c in process["code"]), key=len)
    assert [(f["file"], f["function"]) for f in frames] == [("/fake/file.py", NAME)] * 8


def test_cyclic_frames(fake):
    report, process = look(fake, "cyclic-frames")
    walks = report["overhead"]["code_walks"]
    assert walks["truncated"] == walks["done"] > 100, walks
    frames = max((c["frames"] for c in process["code"]), key=len)
    assert len(frames) == 64 and not losses(report)


def test_cyclic_frames_of_c(fake):
    """96 of them are read, and no more."""
    report, process = look(fake, "cyclic-shims")
    walks = report["overhead"]["code_walks"]
    assert walks["unreadable"] > 100 and walks["done"] == 0 and walks["no_frame"] == 0, walks
    assert functions(process) <= {None} and not losses(report)


def test_cyclic_threads(fake):
    """No key leads to the thread states, and their list is a ring of three: others are not found."""
    report, _ = look(fake, "cyclic-threads")
    walks = report["overhead"]["code_walks"]
    assert walks["done"] > 100 and walks["no_thread_state"] > 100, walks
    assert not losses(report)


def test_wild_frames(fake):
    report, process = look(fake, "wild-frames")
    walks = report["overhead"]["code_walks"]
    assert walks["unreadable"] > 100 and walks["no_code"] >= 6, walks
    assert functions(process) <= {None} and not losses(report)


@pytest.mark.parametrize("case", ["other-objects", "long-strings", "long-table"])
def test_code_that_is_none(fake, case):
    """Code objects that are something else, and names and line tables of 2^60 bytes."""
    report, process = look(fake, case)
    walks = report["overhead"]["code_walks"]
    assert walks["done"] > 100 and walks["no_code"] > 0, walks
    assert functions(process) <= {None} and not losses(report)


def test_endless_line_tables(fake):
    """64 frames of 100,000 bytes of table each, all of which is searched, in thousands of stacks."""
    report, _ = look(fake, "endless-tables")
    assert set(losses(report)) == {"looks_cut"}, report["losses"]
    assert report["overhead"]["code_walks"]["done"] > 100


@pytest.mark.parametrize("case", ["modules", "attributes"])
def test_endless_dicts(fake, case):
    """65,536 keys, all to be compared: of sys.modules, and of each of 64 Thread objects."""
    report, process = look(fake, case)
    assert set(losses(report)) == {"looks_cut"}, report["losses"]
    # at each look, of which there are some, and not more than once in each
    assert 2 <= report["losses"]["looks_cut"] <= 12, report["losses"]
    assert not any(t["name"] for t in process["threads"])
    # what it costs to look for names leaves the code alone
    assert NAME in functions(process)


def test_other_processes_get_their_part(fake):
    """A hostile one beside a program that is none: that one has its names and code."""
    program = "import threading\n" \
              "def compute():\n    while True: sum(range(1000))\n" \
              "for i in range(2): threading.Thread(target=compute, name='mine %d' % i).start()\n" \
              "print('ready', flush=True)\n"
    with lib.Workload([fake, "attributes"]) as hostile, lib.Workload([fake, "modules"]) as more, \
            lib.Workload(["/usr/bin/python3", "-c", program]) as honest:
        pids = ",".join(str(w.pid) for w in (hostile, more, honest))
        report = lib.run("-p", pids, "-d", 2, "-f", "json").report
        process = lib.process_of(report, honest.pid)
    assert losses(report)["looks_cut"] >= 4
    assert {"mine 0", "mine 1", "MainThread"} == {t["name"] for t in process["threads"]}
    rows = process["gil"]["holders"]
    assert sum(r["share"] for r in rows if r["function"] == "compute") > 0.9, rows
