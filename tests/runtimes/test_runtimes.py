# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs in Go, Java, JavaScript, Rust on tokio, and C with OpenMP are judged right.

`make test-runtimes` installs the compilers and builds the programs of this folder.
"""
import contextlib
import json
import os
import signal
import socket
import threading
import time

import pytest

import lib

BUILT = os.path.join(os.path.dirname(lib.TESTS), "runtimes")
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = {
    "go": [os.path.join(BUILT, "go")],
    "java": ["/usr/bin/java", "-cp", BUILT, "Java"],
    "node": ["/usr/bin/node", os.path.join(HERE, "node.js")],
    "tokio": [os.path.join(BUILT, "tokio-forms")],
    "openmp": [os.path.join(BUILT, "openmp")],
}
RULES_OF_SPINNING = {"spins", "vain-calls", "short-waits"}


@pytest.fixture(scope="module")
def port():
    """A server that answers each byte after 20 ms, on a port of its own."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(client):
        with client, contextlib.suppress(OSError):
            while client.recv(1):
                time.sleep(0.02)
                client.send(b"0")

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


def start(name, *form, **options):
    return lib.Workload(PROGRAMS[name] + [str(part) for part in form], **options)


def diagnose(name, *form, **options):
    with start(name, *form, **options) as workload:
        report = lib.diagnose_alone(workload.pid)
    return lib.process_of(report, workload.pid)


def evidence(process):
    return {row["rule"]: row["value"] for row in process["verdict"]["evidence"] if row["rule"]}


# (program, form): what it is bound by
VERDICTS = {
    ("go", "idle"): {"idle"},
    ("go", "serial"): {"cpu-bound"},
    ("go", "compute"): {"cpu-saturated"},
    ("go", "net"): {"io-bound"},
    ("go", "calls"): {"io-bound"},
    # one goroutine at a time
    ("go", "contended"): {"cpu-bound"},
    ("java", "idle"): {"idle"},
    ("java", "serial"): {"cpu-bound"},
    ("java", "compute"): {"cpu-saturated"},
    # the collector works beside the program, as much as there are CPUs
    ("java", "garbage"): {"cpu-bound", "cpu-saturated"},
    ("java", "net"): {"io-bound"},
    ("java", "contended"): {"lock-bound"},
    # one thread at a time, by handing on: no lock
    ("java", "pingpong"): {"cpu-bound"},
    ("node", "idle"): {"idle"},
    ("node", "serial"): {"cpu-bound"},
    ("node", "compute"): {"cpu-saturated"},
    ("node", "net"): {"io-bound"},
    ("tokio", "idle"): {"idle"},
    ("tokio", "serial"): {"cpu-bound"},
    ("tokio", "compute"): {"cpu-saturated"},
    ("tokio", "net"): {"io-bound"},
    ("openmp", "idle"): {"idle"},
    ("openmp", "compute"): {"cpu-saturated"},
}


@pytest.mark.parametrize("name, form", VERDICTS, ids=["-".join(key) for key in VERDICTS])
def test_verdict(name, form, port):
    process = diagnose(name, form, *([port] if form == "net" else []))
    allowed = VERDICTS[name, form]
    # one thread at a time, and the CPUs are somebody else's in spite of all tries
    if allowed == {"cpu-bound"} and lib.state(process, "runq") > 0.1 * lib.state(process, "oncpu"):
        allowed = allowed | {"cpu-saturated"}
    assert process["verdict"]["bound"] in allowed, process["verdict"]
    # parked threads wait for work: none waits for a lock for long that has none, whoever woke it
    if (name, form) != ("java", "contended"):
        assert lib.state(process, "lock") < 0.02 * lib.state(process, "queue") + 10**7, \
            process["locks"]
    if name in ("go", "java", "node"):
        assert process["runtime"]["name"] == name
    assert not RULES_OF_SPINNING & set(evidence(process)), process["verdict"]["evidence"]


def test_parked_threads_argue_against():
    """What Java's threads are parked for is not to be seen, and the verdict says so."""
    process = diagnose("java", "pingpong")
    assert any("parked by the runtime" in row["fact"] for row in process["verdict"]["against"])
    assert process["verdict"]["confidence"] < 0.9


# Spinning

def test_yielding_is_spinning():
    """One of two threads does nothing but sched_yield(): at least a part of that is told."""
    value = evidence(diagnose("openmp", "yield"))["spins"]
    assert 0.05 <= value <= 0.55, value


def test_barriers_that_spin_wake_nobody():
    """Threads that meet every few microseconds, and spin for each other: nobody ever sleeps."""
    process = diagnose("openmp", "fine", env=dict(os.environ, OMP_WAIT_POLICY="active"))
    assert lib.state(process, "queue") < 0.05 * lib.state(process, "oncpu"), process["states"]
    assert "vain-calls" in evidence(process), process["verdict"]["evidence"]


@pytest.mark.parametrize("threads", [2, 4])
def test_barriers_that_sleep(threads):
    """The same where each goes to sleep: a queue, and not a lock, however they wake one another."""
    env = dict(os.environ, OMP_WAIT_POLICY="passive", OMP_NUM_THREADS=str(threads))
    process = diagnose("openmp", "fine", env=env)
    word = max(process["locks"], key=lambda lock: lock["waits"])
    assert (word["kind"], word["rule"], word["state"]) == ("counter", "protocol", "queue"), word
    assert lib.state(process, "lock") == 0, process["states"]
    assert "short-waits" in evidence(process), process["verdict"]["evidence"]


# Locks, by the program's own clock

def whole_life(folder, name):
    report, said = lib.whole_life(folder, *PROGRAMS[name], "lock")
    process, = report["processes"]
    return process, [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def test_rust_mutexes(tmp_path):
    """std::sync::Mutex: waits and contended time of each to 3 %."""
    process, said = lib.while_not_stolen(lambda: whole_life(tmp_path, "tokio"))
    assert len(said) == 3
    for truth in said:
        lock, = [row for row in process["locks"]
                 if 0 <= int(row["addr"], 16) - int(truth["addr"], 16) < 32]
        assert (lock["state"], lock["rule"]) == ("lock", "handed"), lock
        assert lib.close(lock["wait_ns"], truth["wait_ns"]), (lock, truth)
        # two threads: one waits at a time
        assert lib.close(lock["contended_ns"], truth["wait_ns"]), (lock, truth)
        # one that was woken up may find it taken, and wait again
        assert truth["waits"] <= lock["waits"] <= 1.2 * truth["waits"], (lock, truth)


def test_workers_that_poll_in_turn_are_no_loop(port):
    """Whoever has tokio's epoll polls, and the others are parked: none of them blocks a loop."""
    with start("tokio", "net", port) as workload:
        process = lib.process_of(lib.diagnose(workload.pid, 3), workload.pid)
    pollers = [t for t in process["threads"] if lib.share(t, "poll") > 0]
    assert len(pollers) > 1
    assert process["loops"] == []
    assert process["findings"] == []


def test_openmp_sections_are_waited_for_on_the_cpu(tmp_path):
    """libgomp spins for milliseconds before it sleeps: such waits are no lock's, but CPU time."""
    process, (truth,) = lib.while_not_stolen(lambda: whole_life(tmp_path, "openmp"))
    assert lib.state(process, "lock") < 0.1 * truth["wait_ns"], process["states"]
    assert lib.state(process, "oncpu") + lib.state(process, "runq") > 0.9 * truth["wait_ns"], \
        process["states"]


def test_go_mutexes_are_not_to_be_seen(tmp_path):
    """Goroutines wait for a second in all, and no thread for a lock: those wait for work."""
    process, said = lib.while_not_stolen(lambda: whole_life(tmp_path, "go"))
    assert sum(truth["wait_ns"] for truth in said) > 9 * 10**8
    assert lib.state(process, "lock") < 5 * 10**7, process["locks"]
    assert "queue" in process["runtime"]["note"]


def java_locks(form):
    """(the process's row, what it said), from the moment on when it counts."""
    with start("java", form, stdin=-1) as workload:
        with lib.Tool("-p", workload.pid, "-d", lib.DEADLINE, "-f", "json") as run:
            run.wait_open()
            workload.process.stdin.write(b"\n")
            workload.process.stdin.flush()
            said = [json.loads(workload.lines.next()) for _ in range(3)]
            run.signal(signal.SIGINT)
            report = run.wait().report
    return lib.process_of(report, workload.pid), said


def holder_name(process, row):
    """The name of the thread that had a lock longest, or that woke most of its waiters."""
    names = {thread["tid"]: thread["comm"] for thread in process["threads"]}
    return names.get(row["holders"][0]["tid"]) if row["holders"] else None


def test_java_monitors():
    """synchronized: each monitor is one row, to 3 %, held by the threads that use it."""
    process, said = lib.while_not_stolen(lambda: java_locks("synchronized"))
    for truth in said:
        lock, = [row for row in process["locks"] if row["kind"] == "monitor"
                 and row["waits"] >= 30
                 and holder_name(process, row) == "lock-%d" % truth["lock"]]
        assert (lock["state"], lock["rule"]) == ("lock", "protocol"), lock
        assert lib.close(lock["wait_ns"], truth["wait_ns"]), (lock, truth)
        # two threads: one waits at a time
        assert lib.close(lock["contended_ns"], truth["wait_ns"]), (lock, truth)
        held = sum(h["ns"] for h in lock["holders"])
        assert lib.close(held, lock["contended_ns"], 0.05), lock


def test_java_util_concurrent_waits_in_park_words():
    """ReentrantLock: each thread's word has its waits, ended by the thread that let go: together
    they are the lock's, to 3 %. That they are one lock's is not to be seen."""
    process, said = lib.while_not_stolen(lambda: java_locks("reentrant"))
    for truth in said:
        words = [row for row in process["locks"] if row["waits"] >= 30 and row["waiters_max"] == 1
                 and holder_name(process, row) == "lock-%d" % truth["lock"]]
        assert len(words) == 2 and all(row["state"] == "queue" for row in words), words
        assert lib.close(sum(row["wait_ns"] for row in words), truth["wait_ns"]), (words, truth)
        assert lib.close(sum(row["contended_ns"] for row in words), truth["wait_ns"]), \
            (words, truth)
