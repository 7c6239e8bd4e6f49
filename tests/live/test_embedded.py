# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs in C that have a Python inside, start it, end it, and call in from threads of their own.

Built against Debian's libpython by python3-config --embed, and against pyenv's where there are any.
"""
import glob
import os
import shutil
import signal
import subprocess

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

SOURCE = os.path.join(lib.ROOT, "tests/lib/python/embed_threads.c")
CONFIG = "/usr/bin/python3-config"


def flags(python):
    """What it is linked with, and the path of the library; None: there is none."""
    if python.name == "system":
        if not os.path.exists(CONFIG):
            pytest.fail("%s is missing: install python3-dev" % CONFIG)
        out = subprocess.run([CONFIG, "--embed", "--ldflags"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()
        name = next(flag[2:] for flag in out if flag.startswith("-lpython"))
        found = subprocess.run(["cc", "-print-file-name=lib%s.so.1.0" % name], text=True,
                               stdout=subprocess.PIPE, check=True).stdout.strip()
        return out, found
    prefix = os.path.dirname(os.path.dirname(python.argv[0]))
    found = glob.glob(os.path.join(prefix, "lib/libpython3.*.so.1.0"))
    return ([found[0], "-Wl,-rpath," + os.path.dirname(found[0])], found[0]) if found else None


@pytest.fixture(scope="module", params=[p for p in lib.some_pythons() if not p.chroot], ids=repr)
def host(request, tmp_path_factory):
    """How to start the program with this Python inside, by form."""
    python, found = request.param, flags(request.param)
    if not found:
        pytest.skip("optional: this Python has no shared library")
    exe = tmp_path_factory.mktemp("embed") / "host"
    subprocess.run(["cc", "-O1", "-o", exe, SOURCE, "-Wl,--no-as-needed", *found[0], "-ldl",
                    "-pthread"], check=True)
    env = dict(os.environ)
    if python.name != "system":
        env["PYTHONHOME"] = os.path.dirname(os.path.dirname(python.argv[0]))
    start = lambda form: lib.Workload([str(exe), form], env=env)
    start.version = python.version
    return start


def by_function(rows, name):
    return sum(r["share"] for r in rows if (r["function"] or "").rpartition(".")[2] == name)


def names(process):
    return {t["name"] for t in process["threads"]} - {None}


def wait_for_contention(workload):
    """Until its threads have been seen to want the GIL."""
    lib.wait_until(lambda: (lib.process_of(lib.diagnose(workload.pid, 1), workload.pid)["gil"] or
                            {"contended_ns": 0})["contended_ns"] > 10 ** 8, "threads to wait for it")


def interrupt(workload, *steps):
    """Make it take its next step, and wait for what it says."""
    workload.signal(signal.SIGUSR1)
    for step in steps:
        assert workload.lines.next() == step


def test_python_threads_in_a_c_program(host):
    with host("threads") as workload:
        report = lib.diagnose(workload.pid, 2)
    lib.assert_no_losses(report)
    process = lib.process_of(report, workload.pid)
    assert process["runtime"]["name"] == "cpython" and process["runtime"]["gil"] == "enabled"
    assert process["runtime"]["version"].startswith("%d.%d." % host.version[:2])
    assert by_function(process["gil"]["holders"], "compute") > 0.9, process["gil"]["holders"]
    assert by_function(process["gil"]["waiters"], "napper") > 0.8, process["gil"]["waiters"]
    assert {"my compute", "my napper"} <= names(process)


def test_native_threads_that_call_in(host):
    """Each call makes a thread state and ends it; what they hold and sleep in is known all the same."""
    with host("calls") as workload:
        report = lib.diagnose(workload.pid, 2)
    lib.assert_no_losses(report)
    process = lib.process_of(report, workload.pid)
    gil = process["gil"]
    assert by_function(gil["holders"], "called_in") > 0.9, gil["holders"]
    callers = {r["tid"] for r in gil["holders"] if r["function"] == "called_in"}
    assert len(callers) == 2 and callers <= {t["tid"] for t in process["threads"]}, gil["holders"]
    held = [lib.thread_of(process, tid)["gil"]["held_share"] for tid in callers]
    assert all(share and share > 0.5 for share in held), held
    blocked = [c for c in process["code"] if c["kind"] == "blocked" and c["state"] == "sleep"
               and c["frames"]]
    assert blocked and {c["frames"][0]["function"] for c in blocked} == {"sleeps_there"}, blocked
    sleeper, = {c["tid"] for c in blocked}
    assert sleeper not in callers
    # the naps between its calls are not in Python code, and this thread's other sleep is
    known = sum(c["ns"] for c in blocked)
    assert 0.7 < known / lib.state(lib.thread_of(process, sleeper), "sleep") < 1.01, blocked
    # one that never calls: nothing is said of it
    assert report["overhead"]["code_walks"]["no_thread_state"] > 100


def test_interpreter_that_ends_in_the_window(host):
    """The program lives on; what was seen before counts, and nobody is said to run Python after."""
    with host("ends") as workload, \
            lib.Tool("-p", workload.pid, "-d", 60, "-f", "json") as tool:
        tool.wait_open()
        wait_for_contention(workload)
        interrupt(workload, "ended")
        after = lib.diagnose(workload.pid, 1)
        tool.signal(signal.SIGINT)
        result = tool.wait()
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    lib.assert_no_losses(result.report)
    process = lib.process_of(result.report, workload.pid)
    assert process["runtime"]["gil"] == "enabled"
    assert "shut down" in process["runtime"]["note"]
    assert by_function(process["gil"]["holders"], "compute") > 0.8, process["gil"]["holders"]
    # and a window that opens afterwards has nothing of it
    process = lib.process_of(after, workload.pid)
    assert process["gil"] is None and process["code"] == [], process
    assert process["runtime"]["gil"] == "unknown" and "not running" in process["runtime"]["note"]
    assert not names(process)


def test_program_that_ends_in_the_window(host):
    with host("exits") as workload, \
            lib.Tool("-p", workload.pid, "-d", 60, "-f", "json") as tool:
        tool.wait_open()
        wait_for_contention(workload)
        interrupt(workload)
        result = tool.wait()
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    process = lib.process_of(result.report, workload.pid)
    assert process["ended"]
    rows = process["gil"]["holders"]
    assert by_function(rows, "compute") > 0.8, rows


def test_interpreter_that_begins_in_the_window(host):
    with host("begins") as workload, \
            lib.Tool("-p", workload.pid, "-d", 60, "-f", "json") as tool:
        tool.wait_open()
        interrupt(workload, "begun")
        wait_for_contention(workload)
        tool.signal(signal.SIGINT)
        result = tool.wait()
    process = lib.process_of(result.report, workload.pid)
    assert process["runtime"]["note"] is None and process["runtime"]["gil"] == "enabled"
    assert by_function(process["gil"]["holders"], "compute") > 0.7, process["gil"]["holders"]
    assert {"my compute", "my napper"} <= names(process)


def test_interpreter_that_begins_again(host):
    with host("again") as workload, \
            lib.Tool("-p", workload.pid, "-d", 60, "-f", "json") as tool:
        tool.wait_open()
        wait_for_contention(workload)
        interrupt(workload, "ended", "again")
        wait_for_contention(workload)
        tool.signal(signal.SIGINT)
        result = tool.wait()
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    process = lib.process_of(result.report, workload.pid)
    assert process["runtime"]["note"] is None and process["runtime"]["gil"] == "enabled"
    rows = process["gil"]["holders"]
    assert by_function(rows, "compute") > 0.8, rows
    # one in each life of it
    assert len({r["tid"] for r in rows if r["function"] == "compute"}) == 2, rows
    assert {"my compute", "my napper"} <= names(process)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The program that loads libraries, and two copies of Debian's libpython."""
    folder = tmp_path_factory.mktemp("two")
    exe = str(folder / "host")
    subprocess.run(["cc", "-O1", "-o", exe, SOURCE, "-ldl", "-pthread"], check=True)
    system, = [p for p in lib.some_pythons() if p.name == "system"]
    library = flags(system)[1]
    copies = [str(folder / name) for name in ("libpython3-one.so.1.0", "libpython3-two.so.1.0")]
    for copy in copies:
        shutil.copy(library, copy)
    return exe, copies


def test_several_pythons_in_a_process(two):
    """One of them is followed, and that is said; of the other there is nothing that could be wrong."""
    exe, copies = two
    with lib.Workload([exe, "both", *copies]) as workload:
        process = lib.process_of(lib.diagnose(workload.pid, 2), workload.pid)
    assert process["runtime"]["gil"] == "enabled" and "several" in process["runtime"]["note"]
    assert by_function(process["gil"]["holders"], "compute") > 0.9, process["gil"]["holders"]
    # each computes in one thread, and each has a napper: the other's are not among those named
    assert sorted(names(process)) in (["MainThread", "my compute", "my napper"],
                                      ["my compute", "my napper"])
    holders = {r["tid"] for r in process["gil"]["holders"] if r["function"] == "compute"}
    computing = {t["tid"] for t in process["threads"] if t["name"] == "my compute"}
    assert holders == computing, process["gil"]["holders"]


def test_several_pythons_of_which_one_runs(two):
    exe, copies = two
    for order in (copies, copies[::-1]):
        with lib.Workload([exe, "first", *order]) as workload:
            process = lib.process_of(lib.diagnose(workload.pid, 2), workload.pid)
        assert process["runtime"]["gil"] == "enabled" and process["runtime"]["note"] is None
        assert by_function(process["gil"]["holders"], "compute") > 0.9, process["gil"]["holders"]
        assert {"my compute", "my napper"} <= names(process)
