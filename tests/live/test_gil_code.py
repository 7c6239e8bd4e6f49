# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who holds the GIL, in which code, and what that costs: against programs that know it."""
import collections
import os
import re
import shutil
import time

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

PROGRAMS = os.path.join(os.path.dirname(lib.WORKLOADS), "lib", "python")


@pytest.fixture(params=lib.some_pythons(), ids=repr)
def python(request):
    return request.param


@pytest.fixture(params=lib.pythons() if lib.FULL else
                [p for p in lib.pythons() if p.name == "system"], ids=repr)
def any_python(request):
    """For what the Python's version does not bear on."""
    return request.param


class Program:
    """A program of tests/lib/python that runs, and what it wrote into its folder."""

    def __init__(self, python, form, script="gilcode.py"):
        self.python, self.form, self.script = python, form, script

    def __enter__(self):
        self.folder = self.python.folder()
        self.ours, its = self.folder.__enter__()
        shutil.copy(os.path.join(PROGRAMS, self.script), self.ours)
        argv = [os.path.join(its, self.script)] + ([self.form] if self.form else [])
        self.workload = lib.Workload(self.python.argv + argv)
        self.pid = self.workload.__enter__().pid
        return self

    def __exit__(self, *exc):
        self.workload.__exit__(*exc)
        self.folder.__exit__(*exc)

    def read(self, name):
        with open(os.path.join(self.ours, name), encoding="utf-8") as f:
            return f.read()

    def diagnose(self, secs=3):
        report = self.report = lib.diagnose(self.pid, secs)
        lib.assert_no_losses(report)
        return report, lib.process_of(report, self.pid)


def window_of(process):
    return max(t["window_ns"] for t in process["threads"])


def function_name(row):
    return (row["function"] or "").rpartition(".")[2]


def by_function(rows, *names):
    """Shares by function."""
    return [sum(r["share"] for r in rows if function_name(r) == name) for name in names]


def known(gil):
    """Contended time must be known whose it was, but for the last slice."""
    assert gil["known_ns"] >= 0.98 * gil["contended_ns"] - 10 ** 7, gil
    assert gil["hand_over_ns"] <= gil["known_ns"] <= gil["contended_ns"] * 1.001 + 10 ** 6, gil


def test_holders_share(python):
    """One function holds three times as long as the other: within 5 points."""
    with Program(python, "ratio") as program:
        _, process = program.diagnose(4)
    gil = process["gil"]
    known(gil)
    long, short = by_function(gil["holders"], "hold_long", "hold_short")
    assert long + short > 0.95, gil["holders"]
    # What the threads did is call into C, with the GIL: on a CPU, or preempted there. How long a call
    # takes depends on the CPU that it is on, so that is the truth, and 3 to 1 what it is about.
    truth = sorted((lib.state(t, "oncpu") + t["gil"]["held_off_cpu_ns"] for t in process["threads"]),
                   reverse=True)
    assert abs(truth[0] / sum(truth) - 0.75) < 0.12, truth
    assert abs(long / (long + short) - truth[0] / sum(truth)) < 0.05, (truth, gil["holders"])
    # what was sampled and what was summed agree: it was held while others waited, but for hand-overs
    least = (gil["known_ns"] - gil["hand_over_ns"]) / window_of(process)
    assert least - 0.03 <= gil["held_share"] + 3 * gil["held_error"], gil
    assert gil["hand_over_ns"] < 0.1 * gil["known_ns"], gil
    # the threads' exact figures say the same
    held = sorted((t["gil"]["held_contended_ns"] for t in process["threads"]), reverse=True)
    assert abs(held[0] / sum(held) - truth[0] / sum(truth)) < 0.05, (truth, held)
    # one of the two waits at any time, for the GIL or, between two slices of that, for a CPU
    assert gil["contended_ns"] + lib.state(process, "runq") > 0.95 * window_of(process), gil
    assert gil["held_share"] + 3 * gil["held_error"] > 0.9, gil
    assert process["verdict"]["bound"] == "gil-bound"


def test_samples_of_many_stacks(any_python):
    """Code that is in many stacks gets its share of samples, as code does that is in one."""
    with Program(any_python, "paths") as program:
        # the clock stands still where the host takes the CPU
        report, process = lib.while_not_stolen(lambda: program.diagnose(5), tries=2)
    rows = [r for r in process["code"] if r["kind"] == "oncpu-with-gil"]
    seen = sum(r["count"] for r in rows)
    # by a clock of 99 Hz, all that were taken are there
    assert abs(seen - lib.state(process, "oncpu") / 1e9 * 99) < 0.1 * seen, (seen, process["states"])
    assert len(rows) > 150, len(rows)
    one = sum(r["count"] for r in rows if r["frames"] and function_name(r["frames"][0]) == "one_place")
    assert abs(one / seen - 0.5) < 3 * (0.25 / seen) ** 0.5 + 0.01, (one, seen)
    # and so do holders: their time is exact, and is spread by these samples
    held = [(r["ns"], bool(r["frames"]) and function_name(r["frames"][0]) == "one_place")
            for r in process["code"] if r["kind"] == "gil-holder"]
    share = sum(ns for ns, there in held if there) / sum(ns for ns, _ in held)
    assert abs(share - 0.5) < 0.1, share
    assert report["overhead"]["code_walks"]["full"] == 0, report["overhead"]


def test_code_that_holds_not_that_lets_go(any_python):
    """A thread that holds it for a short time is blamed for what it does, not for where it lets go."""
    with Program(any_python, "lets_go") as program:
        _, process = program.diagnose(4)
    assert process["gil"]["contended_share"] > 0.5, process["gil"]
    work, let_go = by_function(process["gil"]["holders"], "work", "let_go")
    assert work > 0.85 and let_go < 0.15, process["gil"]["holders"][:8]
    # nor is it made to let go, but where the host takes its CPU
    forced = sum(t["gil"]["forced"] for t in process["threads"])
    assert forced < 0.2 * process["gil"]["acquisitions"], (forced, process["gil"])


def test_threads_without_a_sample(any_python):
    """Of many short threads few are hit by the clock: their code is that of all, by its time. So it
    is where there is no room for a row of each."""
    with Program(any_python, "brief") as program:
        for rows in "py_sums=8192", "py_sums=128":
            report = lib.diagnose(program.pid, 4, "--test-map-entries", rows,
                                  "--test-map-entries", rows.replace("py_sums", "holders"))
            process = lib.process_of(report, program.pid)
            gil = process["gil"]
            known(gil)
            assert process["thread_counts"]["born"] > 300, process["thread_counts"]
            shares = collections.Counter()
            for row in process["code"]:
                if row["kind"] == "gil-holder":
                    shares[function_name(row["frames"][0]) if row["frames"] else ""] += row["ns"]
            held = sum(shares.values())
            assert shares["work"] > 0.6 * held and shares["let_go"] < 0.15 * held, shares
            assert shares[""] < 0.1 * held, shares
            assert abs(held - (gil["known_ns"] - gil["hand_over_ns"])) < 0.02 * held, (held, gil)


def test_waits_of_threads_that_compute(any_python):
    """Four that compute, each for an interval: three wait, for three intervals on average though not in
    turns, and each time the holder is made to let go."""
    with Program(any_python, "four") as program:
        _, process = lib.while_not_stolen(lambda: program.diagnose(4))
    gil = process["gil"]
    interval = gil["interval_ns"]
    assert interval == 5 * 10 ** 6, gil
    waiting = (gil["wait_ns"] + lib.state(process, "runq")) / window_of(process)
    assert 2.6 < gil["waiters_mean"] <= waiting + 0.1 and waiting < 3.2, (waiting, gil)
    assert gil["waiters_max"] in (3, 4), gil
    assert 2.5 * interval < gil["wait_ns"] / gil["acquisitions"] < 3.6 * interval, gil
    assert interval / 2 < gil["p50_ns"] <= gil["p99_ns"] <= gil["max_ns"], gil
    assert interval < gil["p99_ns"], gil
    assert sum(slot["count"] for slot in gil["wait_hist"]) == gil["acquisitions"], gil
    assert abs(gil["held_share"] + gil["free_share"] - 1) < 1e-4, gil
    assert gil["held_share"] + 3 * gil["held_error"] > 0.95, gil
    forced = sum(t["gil"]["forced"] for t in process["threads"])
    assert 0.5 * gil["acquisitions"] < forced < 1.1 * gil["acquisitions"] + 4, (forced, gil)
    for t in process["threads"]:
        if t["gil"]["acquisitions"]:
            assert interval / 2 < t["gil"]["p50_ns"] <= t["gil"]["p99_ns"] <= t["gil"]["max_ns"], t


def test_time_is_told_once(any_python):
    """A sleep with the GIL has the contended time of that sleep, and the line that lets go does not have it again."""
    with Program(any_python, "held_long") as program:
        _, process = program.diagnose(4)
    gil = process["gil"]
    # of the sleep that is open at the end nobody has asked yet
    rows = [r for r in process["code"] if r["kind"] == "gil-holder"]
    held = sum(r["ns"] for r in rows)
    assert held > 0.8 * window_of(process), (held, gil)
    assert abs(held - (gil["known_ns"] - gil["hand_over_ns"])) < 0.02 * held + 5 * 10 ** 8, (held, gil)
    asleep = [r for r in rows if r["frames"] and function_name(r["frames"][0]) == "sleep_holding"]
    assert sum(r["ns"] for r in asleep) > 0.9 * held, rows


def test_one_thread_alone(python):
    """Held all the time, contended never, and not bound by the GIL."""
    with Program(python, "alone") as program:
        _, process = program.diagnose()
    gil = process["gil"]
    assert gil["contended_share"] < 0.01 and gil["holders"] == [], gil
    assert gil["held_share"] > 0.97, gil
    assert process["verdict"]["bound"] != "gil-bound", process["verdict"]
    running = [c for c in process["code"] if c["kind"] == "oncpu-with-gil"]
    top = max(running, key=lambda c: c["count"])
    assert top["frames"][0]["function"] == "compute", top
    # 99 a second, and the thread has a CPU
    thread = lib.thread_of(process, top["tid"])
    assert sum(c["count"] for c in running) > 60 * lib.state(thread, "oncpu") / 10 ** 9


def at(points, moment):
    """A row of figures that grow, at a moment between two of (moment, figures...)."""
    after = next(i for i, row in enumerate(points) if row[0] > moment)
    before, after = points[after - 1], points[after]
    share = (moment - before[0]) / (after[0] - before[0])
    return [a + share * (b - a) for a, b in zip(before[1:], after[1:])]


def test_known_mix(python):
    """On a CPU with the GIL and without, in a thread that knows its CPU time in both."""
    with Program(python, "mix") as program:
        report, process = program.diagnose(5)
        start, end = lib.window_realtime_ns(report)
        lib.wait_until(lambda: int(program.read("log").splitlines()[-1].split()[0]) > end,
                       "what it writes after the window")
        points = [[int(n) for n in line.split()] for line in program.read("log").splitlines()]
    held, free = (b - a for a, b in zip(at(points, start), at(points, end)))
    thread = max(process["threads"], key=lambda t: lib.state(t, "oncpu"))
    kinds = collections.Counter()
    for row in process["code"]:
        kinds[row["kind"]] += row["count"]
    n = kinds["oncpu-with-gil"] + kinds["oncpu-without-gil"]
    assert n > 40 * (held + free) / 10 ** 9, (n, held, free)
    truth, share = held / (held + free), kinds["oncpu-with-gil"] / n
    assert 0.1 < truth < 0.9, (held, free)
    assert abs(share - truth) < 3 * (truth * (1 - truth) / n) ** 0.5 + 0.01, (share, truth, n)
    # and as it is reported, of wall time, with its error: what is exact is left out
    off = thread["gil"]["held_off_cpu_ns"]
    ours = thread["gil"]["held_share"] - off / thread["window_ns"]
    assert 0 < thread["gil"]["held_error"] < 0.1, thread
    assert abs(ours - held / thread["window_ns"]) < 3 * thread["gil"]["held_error"] + 0.01, \
        (thread["gil"], held / thread["window_ns"])


@pytest.mark.parametrize("form, function", [("hog_loop", "compute"), ("hog_call", "one_call"),
                                            ("hog_short", "short_holds"), ("hog_main", "compute")])
def test_hogs(python, form, function):
    """In another thread than the main one, or in that: it holds the GIL, and is named."""
    with Program(python, form) as program:
        _, process = program.diagnose(6 if form == "hog_call" else 3)
    gil = process["gil"]
    known(gil)
    assert by_function(gil["holders"], function)[0] > 0.9, gil["holders"]
    if form != "hog_short":
        assert gil["held_share"] > 0.8, gil
    if form in ("hog_loop", "hog_main"):
        # who naps for 1 ms and then waits for an interval waits for most of the time
        assert 0.6 < gil["contended_share"] < 0.95, gil
    if form == "hog_short":
        # three on two CPUs: each computes, lets go for a moment, and takes it again
        assert gil["held_share"] > 0.5 and gil["acquisitions"] > 50, gil
    if form == "hog_call":
        assert gil["contended_ns"] + lib.state(process, "runq") > 0.9 * window_of(process), gil
    if form != "hog_short":
        # of a wait that began before the window the code is not known, and the main
        # thread may still wait for the GIL to return from saying that it is ready
        rows = [r for r in gil["waiters"] if function_name(r) not in ("", "ready")]
        napper = sum(r["ns"] for r in rows if function_name(r) == "napper")
        assert napper >= 0.85 * sum(r["ns"] for r in rows), gil["waiters"]


def test_blocked_while_holding(python):
    """A sleep of 20 ms with the GIL held, over and over, while another thread wants to compute."""
    with Program(python, "held") as program:
        _, process = program.diagnose()
    rows = [r for r in process["gil"]["off_cpu"] if r["state"] == "sleep"]
    assert rows and function_name(rows[0]) == "sleep_holding", process["gil"]["off_cpu"]
    row = rows[0]
    assert row["syscall"] in ("nanosleep", "clock_nanosleep"), row
    window = process["threads"][0]["window_ns"]
    # of each round 20 ms are slept with the GIL, 5 ms without, and then it has to wait for 5 ms
    assert 0.4 < row["ns"] / window < 0.85, row
    assert row["max_ns"] > 19 * 10 ** 6 and row["ns"] / row["count"] > 19 * 10 ** 6, row
    assert row["waited_ns"] > 0.9 * row["ns"], row
    assert abs(lib.thread_of(process, row["tid"])["gil"]["held_off_cpu_ns"] / row["ns"] - 1) < 0.1


def test_what_does_not_end(python):
    """Waits and holds that last from before the window to its end are all there, with code."""
    with Program(python, "open_ended") as program:
        time.sleep(1)
        _, process = program.diagnose(2)
    window = window_of(process)
    gil = process["gil"]
    known(gil)
    assert by_function(gil["holders"], "hold_through")[0] > 0.95, gil["holders"]
    held = [r for r in gil["off_cpu"] if r["state"] == "sleep"]
    assert len(held) == 1 and held[0]["ns"] > 0.99 * window, gil["off_cpu"]
    assert function_name(held[0]) == "hold_through", held
    assert abs(held[0]["waited_ns"] - gil["contended_ns"]) < 0.01 * window, (held, gil)
    assert gil["contended_ns"] + lib.state(process, "runq") > 0.95 * window, gil
    wanted = sum(r["ns"] for r in gil["waiters"])
    assert abs(wanted - lib.state(process, "gil")) < 0.02 * window, gil["waiters"]
    assert gil["held_share"] > 0.98, gil
    waits = [c for c in process["code"] if c["kind"] == "blocked" and c["ns"] > 0.99 * window
             and [function_name(f) for f in c["frames"][:2]] == ["wait", "wait"]]
    assert len(waits) == 1 and waits[0]["state"] == "queue", process["code"]


def test_holders_that_come_and_go(python):
    """A thread state's address is used again: each thread has held what it held, and no more."""
    with Program(python, "churn") as program:
        # an interval is a switch interval long at most, but where the host takes its CPU
        _, process = lib.while_not_stolen(lambda: program.diagnose(3))
    gil = process["gil"]
    known(gil)
    threads = [t for t in process["threads"] if t["gil"]["held_contended_ns"]]
    assert len(threads) > 30, len(threads)
    for t in threads:
        had = lib.state(t, "oncpu") + t["gil"]["held_off_cpu_ns"]
        assert t["gil"]["held_contended_ns"] < 1.1 * had + 6 * 10 ** 6, (t, had)
    held = sum(t["gil"]["held_contended_ns"] for t in threads)
    assert held > 0.95 * (gil["known_ns"] - gil["hand_over_ns"]), (held, gil)


def test_stacks_are_those_of_the_program(python):
    """Functions, files and lines of a blocked thread, as sys._current_frames() has them."""
    with Program(python, "stacks") as program:
        _, process = program.diagnose(2)
        truth = [line.split("\t") for line in program.read("truth").splitlines()]
    blocked = [c for c in process["code"] if c["kind"] == "blocked" and c["state"] != "queue"
               and c["frames"] and function_name(c["frames"][0]) == "deepest"]
    assert len(blocked) == 1, blocked
    frames = [[f["file"], f["function"], str(f["line"])] for f in blocked[0]["frames"]]
    assert frames == truth
    # weighted by time: it sleeps nearly all of it
    assert blocked[0]["ns"] > 0.8 * process["threads"][0]["window_ns"], blocked


def frames_by_name(text):
    """{thread: [(file, function, line)]} of what manystacks.py wrote."""
    found = {}
    for block in text.strip().split("\n\n"):
        name, *rows = block.split("\n")
        found[name] = [tuple(row.split("\t")) for row in rows]
    return found


def faults_by_name(text, idents):
    """The same by faulthandler, which has functions' names without their class."""
    names = {int(ident, 16): name for name, ident in
             (line.split("\t") for line in idents.splitlines())}
    found, name = {}, None
    for line in text.splitlines():
        thread = re.match(r"(?:Current t|T)hread 0x([0-9a-f]+)", line)
        frame = re.match(r'  File "(.*)", line (\d+) in (.*)$', line)
        if thread:
            name = names.get(int(thread.group(1), 16))
        elif frame and name:
            found.setdefault(name, []).append((frame.group(1), frame.group(3), frame.group(2)))
    return found


def test_stacks_of_many_kinds(python):
    """Fifteen threads, each blocked in another kind of code: all frames as the program itself has
    them, by sys._current_frames() and by faulthandler."""
    with Program(python, None, "manystacks.py") as program:
        _, process = program.diagnose(2)
        truth = frames_by_name(program.read("frames"))
        faults = faults_by_name(program.read("faults"), program.read("idents"))
    assert len(truth) == 15 and set(faults) == set(truth)
    names = {t["tid"]: t["name"] for t in process["threads"]}
    mine = {}
    for row in process["code"]:
        if row["kind"] == "blocked" and row["frames"] and names[row["tid"]] in truth:
            rows = mine.setdefault(names[row["tid"]], collections.Counter())
            rows[tuple((f["file"], f["function"], str(f["line"])) for f in row["frames"])] += row["ns"]
    assert set(mine) == set(truth)
    for name, rows in mine.items():
        frames, ns = rows.most_common(1)[0]
        assert list(frames) == truth[name], name
        assert ns > 0.8 * sum(rows.values()), (name, rows)
        # a moment's stack, of a thread that naps nearly all the time: its outer frames are the same
        plain = [(file, function.rpartition(".")[2], line) for file, function, line in frames]
        assert plain[1:] == faults[name][1:] or plain == faults[name], name


def test_deep_recursion(python):
    """A thousand calls: the top 64, said to be cut."""
    with Program(python, "deep") as program:
        report, process = program.diagnose(1)
    blocked = [c for c in process["code"] if c["kind"] == "blocked" and c["frames"]
               and function_name(c["frames"][0]) == "sink"]
    assert len(blocked) == 1 and blocked[0]["truncated"], blocked
    assert len(blocked[0]["frames"]) == 64
    assert report["overhead"]["code_walks"]["truncated"] > 0


def test_forked_child(python):
    """fork without exec: the child has the same code, and a GIL of its own."""
    with Program(python, "forked") as program:
        child = int(program.read("child"))
        try:
            report = lib.diagnose(program.pid, 3, "-C")
            for pid in program.pid, child:
                gil = lib.process_of(report, pid)["gil"]
                assert by_function(gil["holders"], "compute")[0] > 0.9, (pid, gil["holders"])
        finally:
            lib.kill(child)


def test_interpreters_with_a_gil_each(python):
    """Each has its holders and its share of time held; there is none of both together."""
    if python.version < (3, 12):
        return  # there is one GIL for all interpreters
    with Program(python, "own_gils") as program:
        _, process = program.diagnose(3)
    gil = process["gil"]
    assert len(gil["interpreters"]) == 2 and gil["held_share"] is None, gil["interpreters"]
    for interpreter in gil["interpreters"]:
        assert interpreter["contended_ns"] + lib.state(process, "runq") > \
            0.9 * window_of(process), interpreter
        known(interpreter)
        # its two threads compute all the time, or would
        assert interpreter["held_share"] + 3 * interpreter["held_error"] > 0.9, interpreter
    sub, main = by_function(gil["holders"], "in_sub", "compute")
    assert sub > 0.4 and main > 0.4, gil["holders"]


def test_native_threads_and_calls_from_c(python):
    """A callback has its frames and those below it; a native thread has none, and harms nobody."""
    with Program(python, "native") as program:
        _, process = program.diagnose(3)
    gil = process["gil"]
    known(gil)
    sort, other = by_function(gil["holders"], "called_from_c", "compute")
    sort += by_function(gil["holders"], "sort")[0]
    assert sort > 0.3 and other > 0.3 and sort + other > 0.95, gil["holders"]
    stacks = [c for c in process["code"] if c["kind"] in ("gil-holder", "gil-waiter")
              and c["frames"] and function_name(c["frames"][0]) == "called_from_c"]
    # the frame below it is that of its caller, but where a holder was read as it returned
    right = sum(c["ns"] for c in stacks if [function_name(f) for f in c["frames"][1:2]] == ["sort"])
    assert stacks and right > 0.9 * sum(c["ns"] for c in stacks), stacks


def test_in_another_pid_namespace(python):
    """Its numbers are those of its namespace; ours are told."""
    with python.folder() as (ours, its):
        shutil.copy(os.path.join(PROGRAMS, "gilcode.py"), ours)
        argv = ["unshare", "--pid", "--fork", "--kill-child"] + python.argv
        with lib.Workload(argv + [os.path.join(its, "gilcode.py"), "hog_loop"]) as workload:
            pid = lib.descendants(workload.pid)[-1]
            report = lib.diagnose(pid, 2)
    process = lib.process_of(report, pid)
    holder = process["gil"]["holders"][0]
    assert function_name(holder) == "compute"
    assert holder["tid"] in {t["tid"] for t in process["threads"]}
    lib.thread_of(process, holder["tid"])
