# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python code, threads' names and the GIL where programs change, fork, live in namespaces and chroots
of their own, and call through C."""
import os
import shutil
import signal
import subprocess

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

LIB = os.path.join(lib.ROOT, "tests/lib/python")
SYSTEM = "/usr/bin/python3"


@pytest.fixture(params=lib.some_pythons(), ids=repr)
def python(request):
    return request.param


def function_name(row):
    return (row["function"] or "").rpartition(".")[2]


def share(gil, name):
    return sum(r["share"] for r in gil["holders"] if function_name(r) == name)


def names(process):
    return {t["name"] for t in process["threads"]} - {None}


def test_callbacks_generators_and_shims(python):
    """Through sorted(), reduce(), map(), re.sub(), special methods, class bodies, a parser, exec() and
    eval(), generators, coroutines and comprehensions: the frames are those of sys._current_frames()."""
    with python.folder() as (ours, its):
        shutil.copy(os.path.join(LIB, "callbacks.py"), ours)
        with lib.Workload(python.argv + [os.path.join(its, "callbacks.py")]) as workload:
            report = lib.diagnose(workload.pid, 2)
        with open(os.path.join(ours, "truth"), encoding="utf-8") as f:
            rows = [line.rstrip("\n").split("\t") for line in f]
    lib.assert_no_losses(report)
    process = lib.process_of(report, workload.pid)
    truth = {row[0]: [tuple(row[i:i + 3]) for i in range(1, len(row), 3)] for row in rows}
    assert len(truth) >= 11 and max(map(len, truth.values())) > 64
    found = {}
    for c in process["code"]:
        if c["kind"] == "blocked" and c["frames"] and function_name(c["frames"][0]) == "blocks":
            name = lib.thread_of(process, c["tid"])["name"]
            assert name not in found, c
            found[name] = c
    assert set(found) == set(truth)
    for name, c in found.items():
        frames = [(f["file"], f["function"], str(f["line"])) for f in c["frames"]]
        assert frames == truth[name][:64], name
        assert c["truncated"] == (len(truth[name]) > 64), name


PROGRAM = """
import os, signal, sys, threading, time
def compute_%(word)s():
    x = 0
    while True:
        for i in range(1000): x += i
def nap_%(word)s():
    while True: time.sleep(0.002)
def start():
    for f in compute_%(word)s, nap_%(word)s:
        threading.Thread(target=f, name=f.__name__, daemon=True).start()
def other(*_):
    os.execv(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGUSR1, other)
%(more)s
start()
print("ready", flush=True)
while True: time.sleep(1000)
"""


def code_of(word, more=""):
    return PROGRAM % {"word": word, "more": more}


@pytest.mark.parametrize("other", [p for p in lib.some_pythons() if not p.chroot], ids=repr)
def test_exec_into_another_python(other):
    """What the first one ran and was called keeps its names, and the second gets none of them."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYENV")}
    argv = [SYSTEM, "-c", code_of("before")] + other.argv + ["-c", code_of("after")]
    with lib.Workload(argv, env=env) as workload, \
            lib.Tool("-p", workload.pid, "-d", 60, "-f", "json") as tool:
        tool.wait_open()

        def runs(word):
            gil = lib.process_of(lib.diagnose(workload.pid, 1), workload.pid)["gil"]
            return gil and share(gil, "compute_" + word) > 0.5

        lib.wait_until(lambda: runs("before"), "the first program to compute")
        workload.signal(signal.SIGUSR1)
        assert workload.lines.next() == "ready"
        lib.wait_until(lambda: runs("after"), "the second program to compute")
        tool.signal(signal.SIGINT)
        result = tool.wait()
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    process = lib.process_of(result.report, workload.pid)
    assert process["execed"]
    assert process["runtime"]["version"].startswith("%d.%d.%d" % other.version)
    assert share(process["gil"], "compute_after") > 0.2, process["gil"]["holders"]
    ended, live = ({t["name"] for t in process["threads"] if t["ended"] == gone} for gone in (1, 0))
    assert {"compute_after", "nap_after"} <= live and "compute_before" not in live, (ended, live)
    assert {"compute_before", "nap_before"} <= ended, ended
    own = {t["tid"]: t["name"] for t in process["threads"]}
    for c in process["code"]:
        told = {f["function"] for f in c["frames"]}
        # no stack has functions of both, and none is another thread's
        for word, not_it in (("before", "after"), ("after", "before")):
            if "compute_" + word in told or "nap_" + word in told:
                assert not told & {"compute_" + not_it, "nap_" + not_it}, c
                assert own.get(c["tid"]) in ("compute_" + word, "nap_" + word, None), (c, own)


def test_forked_children_have_code_of_their_own(python):
    """The same text at the same addresses, three GILs: each process is said to run what it runs."""
    # each computes in another function, whose code objects all of them have
    more = "def compute_child_0():\n    while True: sum(range(500))\n" \
           "def compute_child_1():\n    while True: sum(range(500))\n" \
           "def nap():\n    while True: time.sleep(0.002)\n" \
           "for i, f in enumerate((compute_child_0, compute_child_1)):\n" \
           "    if not os.fork():\n" \
           "        for g in f, nap:\n" \
           "            threading.Thread(target=g, name='my ' + g.__name__, daemon=True).start()\n" \
           "        while True: time.sleep(1000)\n" \
           "    time.sleep(0.1)\n"
    with lib.Workload(python.argv + ["-c", code_of("parent", more)]) as workload:
        children = lib.wait_until(lambda: len(lib.children(workload.pid)) == 2 and
                                  lib.children(workload.pid), "two children")
        report = lib.diagnose(workload.pid, 2, "-C")
    lib.assert_no_losses(report)
    expected = dict(zip(sorted(children), ("compute_child_0", "compute_child_1")))
    expected[workload.pid] = "compute_parent"
    for pid, function in expected.items():
        process = lib.process_of(report, pid)
        assert share(process["gil"], function) > 0.8, (pid, process["gil"]["holders"])
        others = set(expected.values()) - {function}
        told = {f["function"] for c in process["code"] for f in c["frames"]}
        assert not told & others, (pid, told)
        name = function if pid == workload.pid else "my " + function
        assert name in names(process) and not names(process) & others, names(process)


def test_in_a_pid_namespace_with_its_own_proc():
    """Python knows the numbers of its namespace only; the report has ours, with code and names."""
    argv = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", SYSTEM, "-c",
            code_of("inside", "import _thread\nprint(os.getpid(), flush=True)\n")]
    with lib.Workload(argv) as workload:
        assert workload.heard[0] == "1"
        pid, = lib.children(workload.pid)
        report = lib.diagnose(pid, 2)
        threads = set(lib.tids(pid))
    lib.assert_no_losses(report)
    process = lib.process_of(report, pid)
    assert share(process["gil"], "compute_inside") > 0.9, process["gil"]["holders"]
    assert {t["tid"] for t in process["threads"]} == threads
    assert {"MainThread", "compute_inside", "nap_inside"} == names(process)
    holder = process["gil"]["holders"][0]
    assert lib.thread_of(process, holder["tid"])["name"] == "compute_inside"


def test_in_a_chroot_and_mount_namespace_of_its_own(tmp_path):
    """The program's path is there in its own root only, and another file is at that path in ours."""
    exe = os.path.realpath(SYSTEM)
    its = "/usr/bin/snake"
    script = "set -e; mount -t tmpfs none {0}; mkdir -p {0}/usr/bin {0}/lib64 {0}/lib {0}/proc; " \
             "cp {1} {0}{2}; for d in usr/lib lib lib64; do mkdir -p {0}/$d; " \
             "mount --rbind /$d {0}/$d; done; mount -t proc none {0}/proc; " \
             "exec chroot {0} {2} -c \"$1\"".format(tmp_path, exe, its)
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh",
            code_of("jailed")]
    assert not os.path.exists(its)
    with lib.Workload(argv) as workload:
        pid, = lib.children(workload.pid)
        process = lib.process_of(lib.diagnose(pid, 2), pid)
    assert process["exe"].endswith(its) and process["runtime"]["name"] == "cpython"
    assert share(process["gil"], "compute_jailed") > 0.9, process["gil"]["holders"]
    assert {"MainThread", "compute_jailed", "nap_jailed"} == names(process)


SUB = """
import signal, sys, threading, time
try:
    import _interpreters as interpreters
    create = interpreters.create
except ImportError:
    import _xxsubinterpreters as interpreters
    create = lambda: interpreters.create(isolated=True)
code = "import threading, time\\n" \
       "end = time.monotonic() + 2\\n" \
       "def in_sub():\\n    x = 0\\n    while time.monotonic() < end: x += 1\\n" \
       "threads = [threading.Thread(target=in_sub) for _ in range(2)]\\n" \
       "[t.start() for t in threads]\\n[t.join() for t in threads]\\n"
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print("ready", flush=True)
signal.sigwait({signal.SIGUSR1})
interpreter = create()
interpreters.run_string(interpreter, code)
interpreters.destroy(interpreter)
print("destroyed", flush=True)
while True: time.sleep(1000)
"""


def test_interpreter_that_comes_and_goes(python):
    """One with a GIL of its own, born and ended in the window: what was measured of it is there."""
    if python.version < (3, 12):
        return  # there is one GIL for all interpreters
    with lib.Workload(python.argv + ["-c", SUB]) as workload, \
            lib.Tool("-p", workload.pid, "-d", 60, "-f", "json") as tool:
        tool.wait_open()
        workload.signal(signal.SIGUSR1)
        assert workload.lines.next() == "destroyed"
        tool.signal(signal.SIGINT)
        process = lib.process_of(tool.wait().report, workload.pid)
    gils = process["gil"]["interpreters"]
    assert len(gils) == 2, gils
    sub, = [g for g in gils if g["contended_ns"]]
    assert sub["contended_ns"] > 3 * 10 ** 8, gils
    assert share(process["gil"], "in_sub") > 0.8, process["gil"]["holders"]


REUSE = """
import os, subprocess, sys, threading, time
def compute_first():
    while True: sum(range(500))
def nap():
    while True: time.sleep(0.002)
print("ready", flush=True)
sys.stdin.readline()
if not os.fork():
    t = threading.Thread(target=compute_first, daemon=True)
    t.start()
    threading.Thread(target=nap, daemon=True).start()
    time.sleep(1.5)
    print("first", os.getpid(), t.native_id, flush=True)
    os._exit(0)
os.wait()
sys.stdin.readline()
"""
SECOND = """
import threading, time
def compute_second():
    while True: sum(range(500))
def nap():
    while True: time.sleep(0.002)
print("second", flush=True)
threading.Thread(target=nap, daemon=True).start()
compute_second()
"""


def test_a_number_used_again_by_another_process():
    """A thread of a child ends, and a process that comes later has its number: each has its own."""
    process = subprocess.Popen([SYSTEM, "-c", REUSE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lines = lib.Lines(process.stdout)
    try:
        assert lines.next() == "ready"
        with lib.Tool("-p", "%d,%d" % (process.pid, os.getpid()), "-C", "-d", 60, "-f", "json") as tool:
            tool.wait_open()
            process.stdin.write(b"\n")
            process.stdin.flush()
            word, first, number = lines.next().split()
            first, number = int(first), int(number)
            assert word == "first"
            second = reuse(number, SYSTEM, "-c", SECOND)
            try:
                lib.wait_until(lambda: (lib.process_of(lib.diagnose(number, 1), number)["gil"] or
                                        {"contended_ns": 0})["contended_ns"] > 10 ** 8, "it to compute")
                tool.signal(signal.SIGINT)
                result = tool.wait()
            finally:
                second.end()
    finally:
        lib.end(process)
    assert result.status == 0, result
    for pid, function in ((first, "compute_first"), (number, "compute_second")):
        process = lib.process_of(result.report, pid)
        assert share(process["gil"], function) > 0.8, process["gil"]["holders"]
        holder = process["gil"]["holders"][0]
        assert holder["tid"] == number, (pid, holder)
        gil = lib.thread_of(process, number)["gil"]
        assert gil["held_share"] and gil["held_share"] > 0.5, (pid, gil)
        assert sum(slot["count"] for slot in gil["wait_hist"]) == gil["acquisitions"], (pid, gil)
        told = {f["function"] for c in process["code"] for f in c["frames"] if c["tid"] == number}
        assert function in told and not told & {"compute_first", "compute_second"} - {function}, told


def reuse(number, *argv):
    """A program that has this number, once it is free."""
    def start():
        program = lib.program("exec_as_pid", number, *argv, ready=None)
        if program.lines.next() == "second":
            return program
        program.end()
        return None
    return lib.wait_until(start, "number %d to be free" % number)
