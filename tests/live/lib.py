# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Harness of the live tests: start workloads, run the tool on them, read the kernel's own figures.

BB_BIN     the tool, build/boundby by default
BB_TESTS   folder of the compiled workloads, build/tests by default
BB_CHROOT  chroots with more Pythons, colon-separated (tools/make-chroot builds one)
BB_FREETHREADED  free-threaded Pythons, colon-separated (tools/make-freethreaded builds one)
BB_FULL=1  every Python, three runs each, and the slow tests

Nothing here sleeps for a fixed time: it waits for what is to happen, with one generous deadline
against hangs. Whatever is started is killed by its PID when the test ends.
"""
import bisect
import contextlib
import datetime
import functools
import glob
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BB_BIN", os.path.join(ROOT, "build/boundby")))
TESTS = os.path.abspath(os.environ.get("BB_TESTS", os.path.join(ROOT, "build/tests")))
WORKLOADS = os.path.join(ROOT, "tests/workloads")
SCHEMA = os.path.join(ROOT, "docs/schema.json")
FULL = os.environ.get("BB_FULL") == "1"
DEADLINE = 60  # seconds
SKIP = 77  # exit status of a workload that the machine does not allow

STATES = ("oncpu", "runq", "gil", "lock", "queue", "disk", "net", "poll", "ipc", "sleep", "child",
          "fault", "stopped", "other", "unknown")
VERDICTS = ("gil-bound", "lock-bound", "cpu-saturated", "cpu-bound", "io-bound", "idle", "mixed",
            "unknown")

# Workloads run on two CPUs, wherever there are more, so that four threads always saturate them.
CPUS = sorted(os.sched_getaffinity(0))[:2]


# Waiting

def wait_until(condition, what, deadline=DEADLINE):
    """Poll until the condition holds, and return its value; fail the test at the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail("waited %d s for: %s" % (deadline, what))
        time.sleep(0.01)


class Lines:
    """Lines of a pipe, read with a deadline."""

    def __init__(self, pipe):
        self.fd = pipe.fileno()
        self.rest = b""

    def next(self, deadline=DEADLINE):
        """The next line without its end, or None at the end of the file."""
        end = time.monotonic() + deadline
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                pytest.fail("no line within %d s; so far: %r" % (deadline, self.rest))
            data = os.read(self.fd, 65536)
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="surrogateescape")


# Processes

def children(pid):
    """The live children of all threads of a process."""
    found = []
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        with contextlib.suppress(OSError), open(path) as f:
            found += [int(child) for child in f.read().split()]
    return found


def descendants(pid):
    """All live descendants of a process."""
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def kill(pid):
    """Kill one process that the tests started, stopped or not."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_watcher(pid):
    """Does it lead a session? Then it is a workload's watcher, that cleans up and ends."""
    with contextlib.suppress(ProcessLookupError):
        return os.getsid(pid) == pid
    return False


def end(process):
    """Kill a process that we started, with what it started, and collect it."""
    if process.poll() is None:
        family = descendants(process.pid)
        watchers = [pid for pid in family if is_watcher(pid)]
        process.kill()
        for pid in set(family) - set(watchers):
            kill(pid)
        process.wait(DEADLINE)
        for pid in watchers:
            wait_until(lambda: not is_watcher(pid) or process_state(pid) == "Z", "a watcher's end")
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def status_field(pid, field, tid=None):
    """A field of /proc/PID/task/TID/status, as text."""
    with open("/proc/%d/task/%d/status" % (pid, tid or pid), errors="surrogateescape") as f:
        for line in f:
            if line.startswith(field + ":"):
                return line.split(":", 1)[1].strip()
    raise KeyError(field)


def tids(pid):
    """The threads of a process."""
    return sorted(int(tid) for tid in os.listdir("/proc/%d/task" % pid))


def process_state(pid):
    """The letter of its leader's state: S, R, T, ..."""
    return status_field(pid, "State")[0]


class Workload:
    """A program of known truth, running in its steady state."""

    def __init__(self, argv, ready="ready", **options):
        self.errors = tempfile.TemporaryFile()
        options.setdefault("stdin", subprocess.DEVNULL)
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=self.errors,
            preexec_fn=lambda: os.sched_setaffinity(0, CPUS), **options)
        self.pid = self.process.pid
        self.lines = Lines(self.process.stdout)
        self.heard = []
        try:
            while ready:
                line = self.lines.next()
                if line is None:
                    self.not_ready(argv)
                self.heard.append(line)
                if line == ready:
                    break
        except BaseException:
            self.end()
            raise

    def not_ready(self, argv):
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip()
        if self.process.wait(DEADLINE) == SKIP:
            pytest.skip("this machine does not allow it: " + said)
        pytest.fail("%s ended with %d: %s" % (argv, self.process.returncode, said))

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Kill it; may be called again."""
        end(self.process)
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.end()


def program(name, *args, **options):
    """A compiled workload."""
    path = os.path.join(TESTS, name)
    if not os.path.exists(path):
        pytest.fail("%s is not built: run make" % path)
    return Workload([path] + [str(arg) for arg in args], **options)


# Quotas

def cpu_controller():
    """(folder, version) of a mounted cgroup hierarchy that has the CPU controller."""
    with open("/proc/mounts") as f:
        for _, folder, kind, options, *_ in map(str.split, f):
            if kind == "cgroup" and "cpu" in options.split(","):
                return folder, 1
            if kind == "cgroup2":
                with open(folder + "/cgroup.subtree_control") as control:
                    if "cpu" in control.read().split():
                        return folder, 2
    return None


@contextlib.contextmanager
def cgroup_with_quota(cpus, period_us=50000):
    """A new cgroup that may use so many CPUs. Its processes must have ended before it does."""
    folder, version = cpu_controller()
    folder = "%s/boundby-test-%d" % (folder, os.getpid())
    quota_us = round(cpus * period_us)
    os.mkdir(folder)
    try:
        limits = {"cpu.max": "%d %d" % (quota_us, period_us)} if version == 2 else \
            {"cpu.cfs_period_us": str(period_us), "cpu.cfs_quota_us": str(quota_us)}
        for name, value in limits.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write(value)
        yield folder
    finally:
        os.rmdir(folder)


# Pythons

class Python:
    """An interpreter: how to start it, and where it sees our files."""

    def __init__(self, name, argv, chroot=None):
        self.name, self.argv, self.chroot = name, argv, chroot
        probe = ("import sys, sysconfig; print(*sys.version_info[:3],"
                 " sysconfig.get_config_var('Py_GIL_DISABLED') or 0)")
        out = subprocess.run(argv + ["-c", probe], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, check=True).stdout.split()
        self.version = tuple(int(part) for part in out[:3])
        self.free_threaded = out[3] == "1"

    def folder(self):
        """A new folder that this interpreter can see: a context manager, of (ours, its) paths."""
        return _folder(self.chroot or "")

    def workload(self, folder, form, *args):
        """A form of workloads.py, its files in a folder of folder()."""
        ours, its = folder
        shutil.copy(os.path.join(WORKLOADS, "workloads.py"), ours)
        argv = self.argv + [os.path.join(its, "workloads.py"), form] + [str(arg) for arg in args]
        return Workload(argv)

    def __repr__(self):
        return self.name


@contextlib.contextmanager
def _folder(root):
    os.makedirs(root + "/tmp", exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="boundby-test-", dir=root + "/tmp") as path:
        yield path, path[len(root):]


@functools.lru_cache(maxsize=None)
def pythons():
    """Every CPython from 3.7 on that this machine offers, oldest first."""
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
    wanted = [("system", ["/usr/bin/python3"], None)]
    for path in glob.glob(os.path.join(root, "versions/3.*/bin/python")):
        wanted.append(("pyenv-" + path.split("/")[-3], [path], None))
    for chroot in filter(None, os.environ.get("BB_CHROOT", "").split(":")):
        for path in glob.glob(chroot + "/usr/bin/python3.[0-9]*"):
            name = os.path.basename(path)
            if name.rpartition(".")[2].isdigit():
                wanted.append(("chroot-" + name, ["chroot", chroot, path[len(chroot):]], chroot))
    found = []
    for name, argv, chroot in wanted:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            found.append(Python(name, argv, chroot))
    return sorted((p for p in found if p.version >= (3, 7)), key=lambda p: (p.version, p.name))


def some_pythons():
    """All in a full run; else the system's, the oldest and the newest."""
    everyone = pythons()
    if FULL:
        return everyone
    return [p for p in everyone if p.name == "system" or p in (everyone[0], everyone[-1])]


@functools.lru_cache(maxsize=None)
def freethreaded():
    """The free-threaded interpreters that BB_FREETHREADED names."""
    found = [Python("freethreaded-" + path, [path])
             for path in os.environ.get("BB_FREETHREADED", "").split(":") if path]
    assert all(p.free_threaded for p in found), "BB_FREETHREADED names another Python"
    return found


def interpreters():
    """some_pythons(), and those that BB_EXTRA_PYTHONS names: for what must work on them too."""
    extra = [Python("extra-" + path, [path])
             for path in os.environ.get("BB_EXTRA_PYTHONS", "").split(":") if path]
    return some_pythons() + [p for p in extra + freethreaded() if p.version >= (3, 7)]


# The tool

class Result:
    """What a run of the tool gave."""

    def __init__(self, status, stdout, stderr):
        self.status, self.stdout = status, stdout
        self.stderr = stderr.decode(errors="replace")

    @property
    def report(self):
        """Its one JSON document."""
        assert self.stdout, "nothing on stdout (status %s): %s" % (self.status, self.stderr)
        return json.loads(self.stdout.decode("utf-8"))

    @property
    def reports(self):
        """Its JSON documents, one a line."""
        return [json.loads(line) for line in self.stdout.decode("utf-8").splitlines()]

    def __repr__(self):
        return "status %s\nstdout: %.2000s\nstderr: %s" % (self.status, self.stdout, self.stderr)


class Tool:
    """A run of the tool in the background."""

    def __init__(self, *args, prefix=(), binary=BIN, env=None, **options):
        self.stdout, self.stderr = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        options.setdefault("stdout", self.stdout)
        self.process = subprocess.Popen(
            list(prefix) + [binary] + [str(arg) for arg in args], stdin=subprocess.DEVNULL,
            stderr=self.stderr, env=dict(os.environ, LC_ALL="C", **(env or {})), **options)
        self.pid = self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def objects(self):
        """The BPF objects that it holds: a set of (kind, id)."""
        found = set()
        for path in glob.glob("/proc/%d/fdinfo/*" % self.pid):
            with contextlib.suppress(OSError), open(path) as f:
                for line in f:
                    key, _, value = line.partition(":")
                    if key in ("prog_id", "map_id", "link_id"):
                        found.add((key[:-3], int(value)))
        return found

    def wait_holding(self, pid):
        """Until it has looked up this process, and holds it by a pidfd."""
        def holds():
            assert self.process.poll() is None, "ended early: %r" % self.wait()
            for path in glob.glob("/proc/%d/fdinfo/*" % self.pid):
                with contextlib.suppress(OSError), open(path) as f:
                    if "Pid:\t%d\n" % pid in f.read():
                        return True
            return False

        wait_until(holds, "the tool to look up %d" % pid)

    def wait_open(self):
        """Until all is attached: it holds links, and no more of them come."""
        last = [None, 0.0]

        def settled():
            assert self.process.poll() is None, "ended early: %r" % self.wait()
            links = {o for o in self.objects() if o[0] == "link"}
            if links != last[0]:
                last[:] = links, time.monotonic()
            return links and time.monotonic() - last[1] > 0.3

        wait_until(settled, "the tool to attach")

    def wait(self, deadline=DEADLINE):
        """Until it ends by itself."""
        try:
            self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            pytest.fail("the tool did not end within %d s: %s"
                        % (deadline, " ".join(self.process.args)))
        self.stdout.seek(0)
        self.stderr.seek(0)
        return Result(self.process.returncode, self.stdout.read(), self.stderr.read())

    def end(self):
        end(self.process)
        self.stdout.close()
        self.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.end()


def run(*args, deadline=DEADLINE, **options):
    """Run the tool to its end."""
    with Tool(*args, **options) as tool:
        return tool.wait(deadline)


def diagnose(pid, secs=2, *args, **options):
    """The JSON report on a process, of a run that must succeed and close its budget."""
    result = run("-p", pid, "-d", secs, "-f", "json", *args, **options)
    assert result.status == 0, result
    report = result.report
    assert_budget_closes(report)
    return report


def busy_seconds():
    """CPU time that all of the machine has used, by /proc/stat."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def child_seconds():
    """CPU time of our children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def tree_seconds(pid):
    """CPU time of a process and its descendants, those that have ended and were waited for included."""
    total = 0
    for each in [pid] + descendants(pid):
        with contextlib.suppress(OSError):
            with open("/proc/%d/stat" % each) as f:
                total += sum(map(int, f.read().rpartition(")")[2].split()[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def diagnose_alone(pid, secs=2, *args, tries=4):
    """As diagnose(), once more if others used the CPUs meanwhile: a verdict on a program that has
    to share them is another one. The last try counts whatever happened."""
    for left in reversed(range(tries)):
        # the tool is our child, and has ended: most that it takes is to load its programs
        busy = busy_seconds() - child_seconds() - tree_seconds(pid)
        report = diagnose(pid, secs, *args)
        busy = busy_seconds() - child_seconds() - tree_seconds(pid) - busy
        # the rest of the machine, and we ourselves
        if busy < 0.3 + 0.1 * secs or not left:
            return report
    return None


def while_not_stolen(measure, tries=4, most=10**7):
    """What measure() returns, once more if the hypervisor took CPU time meanwhile: what a program
    has that stands still in its middle is not the program's. The last try counts whatever happened."""
    for left in reversed(range(tries)):
        stolen = stolen_ns()
        result = measure()
        if stolen_ns() - stolen < most or not left:
            return result
    return None


def others(report):
    """CPUs that others used in the window of a report, on average; 0 where that is not known."""
    used = sum(state(p, "oncpu") for p in report["processes"]) / report["window"]["ns"]
    busy = report["host"]["busy_share"]
    return 0 if busy is None else \
        busy * report["host"]["cpus_online"] - used - report["overhead"]["cpu_share"]


def while_alone(measure, tries=4, most=0.25):
    """What measure() returns, a report or a tuple that begins with one; once more if the hypervisor
    or others took CPUs meanwhile, on average `most` or more. The last try counts whatever happened."""
    for left in reversed(range(tries)):
        stolen = stolen_ns()
        result = measure()
        report = result[0] if isinstance(result, tuple) else result
        if (stolen_ns() - stolen < 10**7 and others(report) < most) or not left:
            return result
    return None


# What a report must satisfy

def whole_life(folder, *argv):
    """A program from its first instant to its last: (its report, what it said)."""
    out, said = folder / "report.json", folder / "said"
    out.unlink(missing_ok=True)
    with open(said, "w", encoding="utf-8") as f:
        result = run("-C", "-f", "json", "-o", out, "--", *map(str, argv), stdout=f)
    assert result.status == 0, result
    report = json.loads(out.read_text())
    assert_budget_closes(report)
    return report, said.read_text()


def close(figure, truth, share=0.03):
    return abs(figure - truth) <= share * truth


def process_of(report, pid):
    """The row of a process."""
    for process in report["processes"]:
        if process["pid"] == pid:
            return process
    raise AssertionError("no process %d in the report" % pid)


def thread_of(process, tid):
    """The row of a thread."""
    for thread in process["threads"]:
        if thread["tid"] == tid:
            return thread
    raise AssertionError("no thread %d in the report" % tid)


def state(row, name):
    """Nanoseconds in a state, of a process or thread."""
    return row["states"][name + "_ns"]


def share(row, *names):
    """The share of its window that a process or thread spent in these states."""
    return sum(state(row, name) for name in names) / row["window_ns"]


def main_state(row):
    """The state that took most of the time."""
    return max(STATES, key=lambda name: state(row, name))


def _assert_states_close(row, what):
    assert set(row["states"]) == {name + "_ns" for name in STATES}, what
    assert all(ns >= 0 for ns in row["states"].values()), (what, row["states"])
    residual = row["window_ns"] - sum(row["states"].values())
    assert abs(residual) <= 0.001 * row["window_ns"], \
        "%s: %d ns of %d are missing: %s" % (what, residual, row["window_ns"], row["states"])
    assert sum(row["runq"].values()) == state(row, "runq"), what
    assert sum(row["futex"].values()) == state(row, "lock") + state(row, "queue"), what


def assert_budget_closes(report):
    """The states of every thread sum to its window; the threads sum to their process."""
    window = report["window"]["ns"]
    assert window > 0
    for process in report["processes"]:
        folded = process["folded"]
        threads = process["threads"] + [folded]
        for thread in process["threads"]:
            what = "thread %d of %d" % (thread["tid"], process["pid"])
            _assert_states_close(thread, what)
            assert thread["start_ns"] + thread["window_ns"] <= window * 1.001, what
            # who execs takes the leader's number over, which is nobody's for a moment
            passed_on = process["execed"] and thread["tid"] == process["pid"]
            if not (thread["born"] or thread["ended"]):
                bound = 0.02 if passed_on else 0.001
                assert abs(thread["window_ns"] - window) <= bound * window, what
        residual = folded["window_ns"] - sum(folded["states"].values())
        assert abs(residual) <= 0.001 * folded["window_ns"], process["pid"]
        _assert_states_close(process, "process %d" % process["pid"])
        assert process["window_ns"] == sum(t["window_ns"] for t in threads), process["pid"]
        for name in STATES:
            assert state(process, name) == sum(state(t, name) for t in threads), name


def assert_no_losses(report, allowed=()):
    lost = {name: n for name, n in report["losses"].items() if n and name not in allowed}
    assert not lost, "lost: %s" % lost


def one_line_error(result, *words):
    """An error is one line on stderr that has these words, and nothing on stdout."""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result
    assert result.stdout == b"", result
    for word in words:
        assert str(word).lower() in lines[0].lower(), "%r is not in: %s" % (word, lines[0])


def verdict_of(report):
    """The verdict on the whole: the tree's where there are several processes."""
    if report["tree"]:
        return report["tree"]["verdict"]
    return report["processes"][0]["verdict"]


def window_realtime_ns(report):
    """Start and end of the window by CLOCK_REALTIME."""
    day, _, fraction = report["window"]["start"].rstrip("Z").partition(".")
    stamp = datetime.datetime.strptime(day, "%Y-%m-%dT%H:%M:%S")
    stamp = stamp.replace(tzinfo=datetime.timezone.utc)
    start = int(stamp.timestamp()) * 10**9 + int((fraction or "0").ljust(9, "0")[:9])
    return start, start + report["window"]["ns"]


# Oracles

def schedstat(pid, tid):
    """(CPU time, run-queue time) of a thread in ns, by the kernel."""
    with open("/proc/%d/task/%d/schedstat" % (pid, tid)) as f:
        return tuple(int(n) for n in f.read().split()[:2])


def stolen_ns():
    """CPU time that the hypervisor took from this machine: the kernel leaves it out of a thread's
    CPU time, and we do not."""
    with open("/proc/stat") as f:
        return int(f.readline().split()[8]) * 10**9 // os.sysconf("SC_CLK_TCK")


def switches(pid, tid):
    """(voluntary, involuntary) switches of a thread, by the kernel."""
    return (int(status_field(pid, "voluntary_ctxt_switches", tid)),
            int(status_field(pid, "nonvoluntary_ctxt_switches", tid)))


class Sampler(threading.Thread):
    """Reads the schedstat of all threads of a process over and over, so that it can be told for
    any moment afterwards, between two bounds: the kernel adds a thread's CPU time at its ticks and
    switches, and its time on a run queue only when it gets a CPU."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.rows, self.stopping = pid, {}, threading.Event()
        self.start()

    def run(self):
        # Alone in being early: the workload may fill all CPUs.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -20)
        while not self.stopping.wait(0.004):
            for tid in tids(self.pid):
                before = time.time_ns()
                figures = schedstat(self.pid, tid)
                after = time.time_ns()
                self.rows.setdefault(tid, []).append((before, after, figures))

    def stop(self):
        self.stopping.set()
        self.join(DEADLINE)

    def past(self, moment):
        """Has every thread moved on since this moment, or been seen to rest for a while?"""
        return bool(self.rows) and all(
            rows[-1][0] > moment + 5 * 10**8 for rows in self.rows.values())

    def at(self, tid, moment):
        """(least, most) of CPU time and of run-queue time at a moment: what was booked before it,
        and what was booked when the thread was next seen to have moved on."""
        rows = self.rows[tid]
        i = bisect.bisect([after for _, after, _ in rows], moment) - 1
        assert i >= 0 and rows[-1][0] > moment, "no samples around the edge of the window"
        least = rows[i][2]
        later = [figures for before, _, figures in rows[i + 1:] if before > moment]
        most = next((figures for figures in later if figures != least), later[-1])
        return list(zip(least, most))

    def between(self, tid, start, stop):
        """(least, most) of CPU time and of run-queue time in a window."""
        return [(stop_least - start_most, stop_most - start_least) for
                (start_least, start_most), (stop_least, stop_most) in
                zip(self.at(tid, start), self.at(tid, stop))]
