# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Free-threaded CPython: with its GIL off and on, its mutexes, its stops of the world.

BB_FREETHREADED names the builds, colon-separated; `make test-freethreaded` makes one from Debian's
source package. Stops of the world are held against uprobes on the interpreter's own functions.
"""
import os
import shutil
import signal
import subprocess
import time

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

LIB = os.path.join(lib.ROOT, "tests/lib/python")


@pytest.fixture(params=lib.freethreaded() or [None], ids=repr)
def python(request):
    if not request.param:
        pytest.skip("optional: no free-threaded Python: BB_FREETHREADED is not set "
                    "(see make test-freethreaded)")
    return request.param


def workload(python, folder, form, *options, **kwargs):
    ours, its = folder
    shutil.copy(os.path.join(LIB, "freethread.py"), ours)
    argv = python.argv + list(options) + [os.path.join(its, "freethread.py"), form, its]
    return lib.Workload(argv, **kwargs)


def diagnose(python, form, secs, *options):
    with python.folder() as folder, workload(python, folder, form, *options) as target:
        report = lib.diagnose_alone(target.pid, secs)
        text = lib.run("-q", "-p", target.pid, "-d", 1)
    lib.assert_no_losses(report)
    assert text.status == 0, text
    return lib.process_of(report, target.pid), text.stdout.decode(), target.heard


def test_gil_off(python):
    """Said in text and JSON; threads that compute are never bound by it."""
    process, text, _ = diagnose(python, "threads", 2)
    runtime = process["runtime"]
    assert (runtime["name"], runtime["gil"]) == ("cpython", "disabled"), runtime
    assert runtime["free_threaded"] and not runtime["gil_changed"], runtime
    assert runtime["version"] == ".".join(str(part) for part in python.version)
    assert "free-threaded, GIL off" in text and "The GIL is off" in text, text
    assert "held" not in text, text
    assert process["verdict"]["bound"] == "cpu-saturated", process["verdict"]
    assert process["verdict"]["components"]["gil-bound"] == 0
    assert lib.state(process, "gil") == 0 and process["gil"]["acquisitions"] == 0
    assert process["pauses"]["count"] == 0, process["pauses"]


def test_gil_on(python):
    """With its GIL on it is as any other CPython."""
    process, text, _ = diagnose(python, "threads", 3, "-X", "gil=1")
    runtime = process["runtime"]
    assert (runtime["gil"], runtime["free_threaded"], runtime["gil_changed"]) == \
        ("enabled", True, False), runtime
    assert "free-threaded, GIL on" in text, text
    # where others use the CPUs, threads wait for one instead
    bound = process["verdict"]["bound"]
    gil = process["gil"]
    assert bound in ("gil-bound", "cpu-saturated", "mixed") and \
        process["verdict"]["components"]["gil-bound"] > 0.3, process["verdict"]
    window = process["threads"][0]["window_ns"]
    assert gil["contended_ns"] + lib.state(process, "runq") > 0.9 * window, gil
    assert sum(r["share"] for r in gil["holders"] if r["function"] == "compute") > 0.9, gil
    assert lib.state(process, "oncpu") < 1.1 * window, process["states"]


def extension(folder, python, name, *options):
    """An extension module in the folder."""
    paths = subprocess.run(
        python.argv + ["-c", "import os, sysconfig as s; p = s.get_paths(); print(p['include']);"
                       "print(p['platinclude']); print(os.path.dirname(s.get_config_h_filename()))"],
        stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-DNAME=\"%s\"" % name, "-DINIT=PyInit_" + name,
                    os.path.join(LIB, "needsgil.c"), "-o", os.path.join(folder, name + ".so")]
                   + list(options) + ["-I" + path for path in paths if path], check=True)


def runs_for(pid, seconds):
    """Until the process has used that much CPU time more."""
    def used():
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    goal = used() + seconds
    lib.wait_until(lambda: used() > goal, "%g s of CPU time" % seconds)


@pytest.mark.parametrize("name, options, on", [("needsgil", (), True),
                                               ("needsnone", ("-DNEEDS_NONE",), False)])
def test_gil_switched_on_in_the_window(python, name, options, on):
    """By an extension module that needs it; and not by one that does not."""
    with python.folder() as folder:
        extension(folder[0], python, name, *options)
        target = workload(python, folder, "threads", "-W", "ignore", stdin=subprocess.PIPE)
        with target, lib.Tool("-p", target.pid, "-d", 3600, "-f", "json") as tool:
            tool.wait_open()
            runs_for(target.pid, 0.5)
            target.process.stdin.write(name.encode() + b"\n")
            target.process.stdin.flush()
            assert target.lines.next() == "%s %s" % (name, on)
            before = time.monotonic()
            runs_for(target.pid, 1)
            after = time.monotonic() - before
            tool.signal(signal.SIGINT)
            report = tool.wait().report
    process = lib.process_of(report, target.pid)
    runtime = process["runtime"]
    assert runtime["free_threaded"] and runtime["gil"] == ("enabled" if on else "disabled"), runtime
    assert runtime["gil_changed"] == on, runtime
    waited = process["gil"]["contended_ns"] / 10 ** 9
    if on:
        # three threads compute, then, and one at a time: others wait for it or for a CPU
        assert waited + lib.state(process, "runq") / 10 ** 9 > 0.9 * after, (process["gil"], after)
        assert process["gil"]["acquisitions"] > 5, process["gil"]
    else:
        # while a module is imported the GIL is on, and it is off afterwards
        assert waited < report["window"]["ns"] / 10 ** 9 - after + 0.1, (process["gil"], after)


def test_mutex_of_an_object(python):
    """Threads that sort one list wait for its own mutex: a lock, with its type and address."""
    process, text, heard = diagnose(python, "critical", 2)
    rows = [r for r in process["locks"] if r["kind"] == "PyMutex"]
    row = rows[0]
    # struct PyObject: ob_mutex is its eleventh byte
    assert int(row["addr"], 16) == int(heard[0].split()[1]) + 10, row
    assert (row["state"], row["rule"], row["object"]) == ("lock", "protocol", "list"), row
    assert row["code"].endswith("freethread.py:sort") and row["waits"] > 5, row
    assert "PyMutex of list" in text, text
    for thread in process["threads"]:
        if thread["tid"] != process["pid"]:
            assert lib.state(thread, "lock") > 20 * lib.state(thread, "queue"), thread["states"]
    assert sum(r["wait_ns"] for r in rows) > 0.95 * lib.state(process, "lock")


# What the interpreter itself does: each wait of tstate_wait_attach(), the one caller of
# _PyParkingLot_Park() with a word of four bytes; each stop of the world, from the call that asks
# for it to the return of the one that ends it.
SCRIPT = r"""
uprobe:%(path)s:_PyParkingLot_Park /pid == %(pid)d && arg2 == 4/ { @park[tid] = nsecs; }
uretprobe:%(path)s:_PyParkingLot_Park /@park[tid]/ {
    printf("W %%d %%llu %%llu\n", tid, @park[tid], nsecs); delete(@park[tid]); }
uprobe:%(path)s:stop_the_world /pid == %(pid)d/ { @stop[tid] = nsecs; }
uretprobe:%(path)s:stop_the_world /@stop[tid]/ { @stopped[tid] = nsecs; }
uprobe:%(path)s:start_the_world /@stop[tid]/ { @start[tid] = nsecs; }
uretprobe:%(path)s:start_the_world /@start[tid]/ {
    printf("S %%llu %%llu %%llu %%llu\n", @stop[tid], @stopped[tid], @start[tid], nsecs);
    delete(@stop[tid]); delete(@stopped[tid]); delete(@start[tid]); }
interval:ms:100 { printf("T %%llu\n", nsecs); }
"""


def has_symbols(path):
    names = subprocess.run(["nm", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True).stdout
    return all(" %s\n" % name in names for name in ("stop_the_world", "start_the_world"))


def clipped(start, end, window):
    return max(0, min(end, window[1]) - max(start, window[0]))


def test_stops_of_the_world_by_uprobes(python):
    path = os.path.realpath(python.argv[0])
    if not has_symbols(path):
        pytest.skip("optional: %s has no symbols of its own" % path)
    with python.folder() as folder, workload(python, folder, "world") as target:
        offset = time.time_ns() - time.monotonic_ns()
        probe = subprocess.Popen(["bpftrace", "-q", "-e", SCRIPT % {"path": path, "pid": target.pid}],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = []
        try:
            for line in probe.stdout:  # until it has seen stops, before the window
                lines.append(line)
                if sum(one[0] == "S" for one in lines) > 2:
                    break
            report = lib.diagnose(target.pid, 4)
            done = time.monotonic_ns()
            for line in probe.stdout:
                lines.append(line)
                if line.startswith("T ") and int(line[2:]) > done + 200_000_000:
                    break
        finally:
            probe.terminate()
            rest, _ = probe.communicate()
    events = [[int(word) for word in line.split()[1:]] for line in lines if line[0] == "W"]
    stops = [[int(word) for word in line.split()[1:]] for line in lines if line[0] == "S"]
    window = [at - offset for at in lib.window_realtime_ns(report)]
    process = lib.process_of(report, target.pid)
    pauses = process["pauses"]
    queued = lib.state(process, "runq")

    waits = [e for e in events if clipped(e[1], e[2], window)]
    assert len(waits) > 40 and rest is not None, "the workload did not stop the world"
    # in Park() a thread is on its way to sleep, asleep, and queues for a CPU
    truth = sum(clipped(start, end, window) for _, start, end in waits)
    assert pauses["wait_ns"] <= 1.03 * truth, (pauses, truth)
    assert truth <= 1.03 * pauses["wait_ns"] + queued, (pauses, truth, queued)
    longest = max(end - start for _, start, end in waits)
    assert pauses["max_ns"] <= 1.03 * longest, (pauses, longest)
    # the first thread waits before all have stopped, and the last one is woken before it is over
    asked = sum(clipped(stop, ended, window) for stop, _, _, ended in stops)
    still = sum(clipped(stopped, start, window) for _, stopped, start, _ in stops)
    assert pauses["wall_ns"] <= 1.03 * asked, (pauses, asked, still)
    assert still <= 1.03 * pauses["wall_ns"] + queued, (pauses, asked, still, queued)
    # a stop may be over before a thread has gone to sleep for it: then it kept none waiting
    def kept(stop, ended, least):
        return any(clipped(start, end, (stop, ended)) > least for _, start, end in waits)

    seen = [s for s in stops if clipped(s[0], s[3], window)]
    most = sum(kept(stop, ended, 0) for stop, _, _, ended in seen)
    sure = sum(kept(stopped, start, 10 ** 6) for _, stopped, start, _ in seen)
    assert sure > 20 and 0.95 * sure - 2 <= pauses["count"] <= most, (pauses, sure, most, len(seen))

    row = next(r for r in process["locks"] if r["kind"] == "stop-the-world")
    assert (row["state"], row["rule"]) == ("lock", "protocol"), row
    assert row["code"].endswith("freethread.py:compute"), row
    for thread in process["threads"]:
        if lib.state(thread, "lock") > 0.05 * thread["window_ns"]:
            assert lib.state(thread, "lock") > 10 * lib.state(thread, "queue"), thread["states"]
    assert "gil-bound" != process["verdict"]["bound"]


def test_frames(python):
    """Functions, files and lines of a blocked thread, as sys._current_frames() has them; samples
    of threads that compute, side by side, name what they compute in."""
    with python.folder() as (ours, its):
        shutil.copy(os.path.join(LIB, "gilcode.py"), ours)
        argv = python.argv + [os.path.join(its, "gilcode.py"), "stacks"]
        with lib.Workload(argv) as target:
            report = lib.diagnose(target.pid, 2)
            with open(os.path.join(ours, "truth"), encoding="utf-8") as f:
                truth = [line.rstrip("\n").split("\t") for line in f]
    blocked = [c for c in lib.process_of(report, target.pid)["code"] if c["kind"] == "blocked"
               and c["frames"] and c["frames"][0]["function"] == "deepest" and c["state"] == "sleep"]
    assert len(blocked) == 1, blocked
    assert [[f["file"], f["function"], str(f["line"])] for f in blocked[0]["frames"]] == truth

    process, _, _ = diagnose(python, "threads", 3)
    running = [c for c in process["code"] if c["kind"] == "oncpu-without-gil"]
    assert {c["kind"] for c in process["code"]} <= {"oncpu-without-gil", "blocked"}, process["code"]
    named = sum(c["count"] for c in running if c["frames"] and
                [f["function"].rpartition(".")[2] for f in c["frames"]]
                == ["compute", "run", "_bootstrap_inner", "_bootstrap"])
    count = sum(c["count"] for c in running)
    assert named > 0.95 * count, running
    # 99 a second on each CPU
    assert count > 60 * lib.state(process, "oncpu") / 10 ** 9, (count, process["states"])
    assert report["overhead"]["code_walks"]["torn"] == 0
