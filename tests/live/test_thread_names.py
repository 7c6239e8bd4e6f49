# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python's own names for its threads, read from outside, against what the program says.

First without the kernel's help, by pythreads; then by the tool, in its report.

BB_EXTRA_PYTHONS: further interpreters, colon-separated, e.g. free-threaded ones.
"""
import itertools
import json
import os
import subprocess
import time

import pytest

import lib

PYNAMES = os.path.join(lib.TESTS, "pynames")
PYTHREADS = os.path.abspath(os.environ.get("BB_PYTHREADS", os.path.join(lib.TESTS, "pythreads")))
PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/named_threads.py")
EVER = 2**64 - 1

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="reads other processes: needs root")


class Target:
    """The program; threads by their kind, as it told of them last."""

    def __init__(self, python, prefix=()):
        with open(PROGRAM, encoding="utf-8") as f:
            argv = list(prefix) + python.argv + ["-X", "utf8", "-c", f.read()]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.lines, self.threads = lib.Lines(self.process.stdout), {}
        try:
            self.listen()
        except BaseException:
            lib.end(self.process)
            raise

    def listen(self):
        said = []
        for line in iter(self.lines.next, "ready"):
            assert line is not None, "it ended"
            said.append(json.loads(line))
        self.threads.update((thread["kind"], thread) for thread in said)
        return said

    def send(self, *command):
        self.process.stdin.write((" ".join(map(str, command)) + "\n").encode())
        self.process.stdin.flush()

    def tell(self, *command):
        """What it says of the threads that this is about."""
        self.send(*command)
        return self.listen()

    def states(self):
        """Thread states by pthread_self()."""
        out = subprocess.run([PYNAMES, str(self.pid)], stdout=subprocess.PIPE, check=True,
                             input=b"-\n").stdout
        return {thread["thread"]: thread["tstate"] for thread in json.loads(out)}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        lib.end(self.process)


class Reader:
    """pythreads on a target."""

    def __init__(self, pid):
        self.process = subprocess.Popen([PYTHREADS, str(pid)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.lines = lib.Lines(self.process.stdout)

    def ask(self, question):
        self.process.stdin.write((question + "\n").encode())
        self.process.stdin.flush()
        return json.loads(self.lines.next())

    def name(self, ident, tstate=0, start=0, end=EVER):
        return self.ask("%d %d %d %d" % (ident, tstate, start, end))

    def names(self, threads):
        return {t["kind"]: self.name(t["ident"]) for t in threads}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        lib.end(self.process)


def named(threads):
    return {t["kind"]: t["name"] for t in threads}


@pytest.fixture(scope="module", params=lib.interpreters(), ids=repr)
def python(request):
    return request.param


@pytest.fixture
def target(python):
    with Target(python) as t:
        yield t


def test_names_of_all_kinds(target):
    with Reader(target.pid) as reader:
        assert reader.ask("look") == 0
        assert reader.names(target.threads.values()) == named(target.threads.values())
        assert reader.name(4096) is None
    # the sample is what it is meant to be
    names = named(target.threads.values())
    assert len(names) >= 20 and names["no Thread"] is None and names["main"] == "MainThread"
    assert len(names["long"]) == 200 and names["default"].startswith("Thread-")
    assert names["pool 0"].startswith("pool") and names["two bytes"] == "\u51fd\u6570"


def test_names_given_later(target):
    """They are read again before a report only."""
    with Reader(target.pid) as reader:
        assert reader.ask("look") == 0
        before = named(target.threads.values())
        said = target.tell("rename")
        assert all(t["name"] != before[t["kind"]] for t in said if t["kind"] != "no Thread")
        assert reader.ask("look") == 0
        assert reader.names(said) == {kind: before[kind] for kind in named(said)}
        assert reader.ask("all") == 0
        assert reader.names(said) == named(said)


def test_a_thread_that_has_ended(target):
    """Its name is there for the time that it was there, by its state, whoever has that now."""
    state = target.states()[target.threads["named"]["ident"]]
    with Reader(target.pid) as reader:
        assert reader.ask("look") == 0
        target.tell("end", "named")
        # two more, the first of which may get all its addresses
        more = target.tell("start", "next") + target.tell("start", "one more")
        assert reader.ask("look") == 0
        assert reader.names(more) == named(more)
        now = reader.ask("now")
        assert reader.ask("look") == 0
        assert reader.name(0, state, now - 1, now - 1) == "the worker"
        # not known of a thread that came later, or had gone before
        assert reader.name(0, state, 0, now - 2) is None
        assert reader.name(0, state, now, EVER) in (None, "next", "one more")


def test_many_threads(target):
    """More than a dict has room for without wider indices, and more than one look is for."""
    crowd = target.tell("crowd", 1100)
    with Reader(target.pid) as reader:
        start = time.thread_time()
        assert reader.ask("all") == 0
        assert reader.names(crowd) == named(crowd)
        assert time.thread_time() - start < lib.DEADLINE
        target.tell("end", "crowd 1099")
        newest = target.tell("start", "newest")
        assert reader.ask("look") == 0
        assert reader.names(crowd[:-1] + newest) == named(crowd[:-1] + newest)


def said_next(target, said, most):
    """Add to said what the target says next, most lines: has it come to its end?"""
    for line in itertools.islice(iter(target.lines.next, "ready"), most):
        said.append(json.loads(line))
        most -= 1
    return most > 0


def test_threads_that_come_and_go(target):
    """While they do: each name that is found is one that a thread with this address had, and those
    that stay keep theirs."""
    stay = list(target.threads.values())
    said, found, rounds = [], {}, 0
    with Reader(target.pid) as reader:
        # one that lives so shortly is met by chance, and hardly where we get no CPU
        while not found and rounds < 20:
            target.send("churn", 3000)
            rounds += 1
            while not said_next(target, said, 20):
                assert reader.ask("all") == 0
                now = reader.ask("now")
                assert {t["kind"]: reader.name(t["ident"], 0, now, now) for t in stay} == named(stay)
                for ident in {t["ident"] for t in said}:
                    name = reader.name(ident, 0, now, now)
                    if name:
                        found.setdefault(ident, set()).add(name)
    names = {}
    for thread in said:
        names.setdefault(thread["ident"], set()).add(thread["name"])
    assert found and len(said) == 3000 * rounds
    for ident, seen in found.items():
        assert seen <= names[ident], (ident, seen)


# by the tool

def rows(process):
    return {thread["tid"]: thread["name"] for thread in process["threads"]}


def check_rows(process, threads, native=True):
    """Each row has the name that the program told, or none where it is none of threading's."""
    mine = {t["native"]: t["name"] for t in threads if t["native"]}
    if native and len(mine) > 1:
        assert rows(process) == {tid: mine.get(tid) for tid in rows(process)}
        assert set(mine) <= set(rows(process))
    told = sorted(t["name"] for t in threads if t["name"])
    assert sorted(name for name in rows(process).values() if name) == told


def test_report(tool, target):
    process = lib.process_of(lib.diagnose(target.pid, 1), target.pid)
    check_rows(process, target.threads.values())
    said = target.tell("rename")
    process = lib.process_of(lib.diagnose(target.pid, 1), target.pid)
    check_rows(process, said)


def wait_for(stream, condition):
    """Until a report says so; the reports up to then."""
    seen = []
    while not seen or not condition(seen[-1]):
        line = stream.next()
        assert line is not None, "the tool ended"
        seen += json.loads(line)["processes"]
    return seen[-1]


def test_threads_that_end_in_the_window(tool, target):
    """Named while they were there, those that were born in it too."""
    with lib.Tool("-p", target.pid, "-d", 60, "-i", 0.4, "-f", "json",
                  stdout=subprocess.PIPE) as run:
        stream = lib.Lines(run.process.stdout)
        wait_for(stream, lambda p: "the worker" in rows(p).values())
        target.tell("start", "newborn")
        wait_for(stream, lambda p: "newborn" in rows(p).values())
        target.tell("end", "named")
        target.tell("end", "newborn")
        ended = {}

        def both(process):
            ended.update((t["name"], t) for t in process["threads"] if t["ended"])
            return {"the worker", "newborn"} <= set(ended)

        wait_for(stream, both)
        assert not ended["the worker"]["born"] or ended["newborn"]["born"]
    for name, kind in (("the worker", "named"), ("newborn", "newborn")):
        if target.threads[kind]["native"]:
            assert ended[name]["tid"] == target.threads[kind]["native"]


def test_threads_that_come_and_go_in_a_report(tool, target):
    """None has the name of another one, however short its life."""
    if not target.threads["main"]["native"]:
        pytest.skip("optional: this Python does not tell the numbers of its threads")
    with lib.Tool("-p", target.pid, "-d", 60, "-f", "json") as run:
        run.wait_open()
        said = target.tell("churn", 1500)
        run.signal(2)
        process = lib.process_of(run.wait().report, target.pid)
    told = {t["native"]: t["name"] for t in said}
    told.update((t["native"], t["name"]) for t in target.threads.values() if t["kind"] != "churn")
    wrong = {tid: (name, told.get(tid)) for tid, name in rows(process).items()
             if name and name != told.get(tid)}
    assert not wrong
    stay = {t["native"]: t["name"] for t in target.threads.values()
            if t["native"] and t["kind"] != "churn"}
    assert stay.items() <= rows(process).items()
    # all of them there: the addresses were used again, and again
    assert len(set(t["ident"] for t in said)) < 1000


def test_report_on_another_pid_namespace(tool, python):
    """Where the program's own numbers are others."""
    if python.chroot:
        pytest.skip("optional: without /proc")
    with Target(python, ["unshare", "-pf", "--mount-proc", "--kill-child"]) as target:
        child, = lib.children(target.pid)
        process = lib.process_of(lib.diagnose(child, 1), child)
        check_rows(process, target.threads.values(), native=False)
