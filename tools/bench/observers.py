# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""boundby and its peers: how each is started on a target, seen to be attached, and ended."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import machine

SETTLE = 0.1  # seconds, after the last program is attached
GOVERNED = 0.4  # and for boundby's governor to have looked


class Unavailable(Exception):
    """The tool is not here, or does not work here; says why."""


class Observer:
    """One way to watch a process."""

    def __init__(self, name, cmd, stop=signal.SIGTERM, package=None):
        self.name = name
        self.cmd = cmd  # PID stands for the target's
        self.stop_signal = stop
        self.package = package
        self.cpus = [machine.TOOL_CPU]
        self.settle = SETTLE
        self.process = None
        self.errors = None
        self.target = 0

    def shown(self):
        return " ".join(self.cmd)

    def check(self):
        """Is it here at all?"""
        if not shutil.which(self.cmd[0], path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            raise Unavailable("%s is not installed%s" % (
                self.cmd[0], " (Debian: %s)" % self.package if self.package else ""))

    def start(self, pid):
        self.target = pid
        cmd = [str(pid) if word == "PID" else word for word in self.cmd]
        cmd[0] = shutil.which(cmd[0], path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") or cmd[0]
        self.errors = tempfile.TemporaryFile()
        self.process = machine.Process(cmd, self.cpus, self.output(), self.errors)
        try:
            machine.until(self.settled, self.shown())
        except RuntimeError as e:
            raise Unavailable(str(e)) from e
        time.sleep(self.settle)
        self.fail_if_ended()

    def output(self):
        return subprocess.DEVNULL

    def settled(self):
        self.fail_if_ended()
        return self.attached()

    def fail_if_ended(self):
        if self.process.ended():
            self.process.stop()
            self.errors.seek(0)
            lines = self.errors.read().decode(errors="replace").strip().splitlines()
            raise Unavailable("%s ended at once: %s" % (self.cmd[0], lines[-1] if lines else "no word"))

    def attached(self):
        """All its programs are: their number has stood still for a while."""
        before = machine.links(self.process.pid)
        time.sleep(0.15)
        return before and machine.links(self.process.pid) == before

    def stop(self):
        if self.process:
            self.process.stop(self.stop_signal)
            self.process = None
            self.errors.close()


class Nothing(Observer):
    """No tool: as a row of its own it shows how far two equal measurements differ."""

    def __init__(self):
        super().__init__("nothing (the noise)", ["true"])

    def start(self, pid):
        time.sleep(GOVERNED)

    def fail_if_ended(self):
        pass

    def shown(self):
        return "-"


class Empty(Observer):
    def __init__(self, *programs):
        super().__init__("an empty program", [os.path.join(machine.OUT, "bench/empty"), *programs])

    def shown(self):
        return "empty " + " ".join(self.cmd[1:])


class Boundby(Observer):
    """@about: another PID to watch, so that the workload is a bystander."""

    def __init__(self, name, *options, about=None, tracing=None):
        super().__init__(name, [os.path.join(machine.OUT, "boundby"), "-p", "PID", "-d", "60",
                                "-q", "-f", "json", *options])
        self.settle = GOVERNED
        self.options = options
        self.about = about
        self.tracing = tracing  # what the report has to say of it
        self.file = None
        self.reports = []

    def shown(self):
        return " ".join(["boundby", "-p", "OTHER" if self.about else "PID", *self.options])

    def output(self):
        self.file = tempfile.TemporaryFile()
        return self.file

    def start(self, pid):
        super().start(self.about() if self.about else pid)

    def attached(self):
        return machine.links(self.process.pid) and super().attached()

    def stop(self):
        if not self.process:
            return
        super().stop()
        self.file.seek(0)
        report = json.loads(self.file.read() or b"null")
        self.file.close()
        if report is None:
            raise RuntimeError("%s printed no report" % self.shown())
        self.reports.append(report)

    def complaints(self):
        """What would make its figures worth nothing."""
        for report in self.reports:
            for name, n in report["losses"].items():
                if n:
                    yield "%s: losses: %s %s" % (self.shown(), name, n)
            tracing = report["overhead"]["syscall_tracing"]
            if self.tracing and tracing != self.tracing:
                yield "%s: system call tracing is '%s', not '%s'" % (
                    self.shown(), tracing, self.tracing)


class PerfTrace(Observer):
    def __init__(self):
        super().__init__("perf trace -s", ["perf", "trace", "-s", "-p", "PID"], signal.SIGINT,
                         "linux-perf")

    def attached(self):
        n = sum(1 for fd in os.listdir("/proc/%d/fd" % self.process.pid)
                if self.is_event(fd))
        time.sleep(0.15)
        return n > 0

    def is_event(self, fd):
        try:
            return "perf_event" in os.readlink("/proc/%d/fd/%s" % (self.process.pid, fd))
        except OSError:
            return False


class Strace(Observer):
    def __init__(self):
        super().__init__("strace -c", ["strace", "-c", "-f", "-p", "PID"], signal.SIGINT, "strace")

    def attached(self):
        return "TracerPid:\t%d\n" % self.process.pid in machine.read("/proc/%d/status" % self.target)


class TakeGil(Observer):
    """Uprobes on take_gil: needs an interpreter with symbols."""

    SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "take_gil.bt")

    def __init__(self, python):
        super().__init__("uprobes on take_gil", ["bpftrace", "take_gil.bt"], package="bpftrace")
        self.library = python.code_file("take_gil")
        self.script = None

    def shown(self):
        return "bpftrace tools/bench/take_gil.bt"

    def check(self):
        super().check()
        if not self.library:
            raise Unavailable("no symbol take_gil in this Python: name one that has it in BENCH_PYTHON")

    def start(self, pid):
        self.script = tempfile.NamedTemporaryFile("w", suffix=".bt")
        self.script.write(machine.read(self.SCRIPT).replace("LIBPYTHON", self.library))
        self.script.flush()
        self.cmd = ["bpftrace", self.script.name]
        super().start(pid)

    def output(self):
        return subprocess.PIPE

    def attached(self):
        self.process.wait_for_line()  # bpftrace says that it attaches
        line = self.process.wait_for_line()
        return b"ready" in line

    def stop(self):
        super().stop()
        if self.script:
            self.script.close()
            self.script = None


class Sampler(Observer):
    """A sampler that reads the target's memory from outside, from a process of its own."""

    def __init__(self, name, cmd, shown, missing):
        super().__init__(name, cmd, signal.SIGINT)
        self.text = shown
        self.missing = missing  # why there is none, where @cmd is empty
        self.file = self.out = None
        self.since = 0

    def shown(self):
        return self.text

    def check(self):
        if not self.cmd:
            raise Unavailable(self.missing)
        super().check()

    def start(self, pid):
        self.file = tempfile.NamedTemporaryFile(suffix=".txt")
        cmd = self.cmd
        self.cmd = [self.file.name if word == "FILE" else word for word in cmd]
        self.since = time.monotonic()
        try:
            super().start(pid)
        finally:
            self.cmd = cmd

    def attached(self):
        # nothing in the kernel shows it: it has read the symbols and samples by now
        return time.monotonic() - self.since > 2

    def stop(self):
        if not self.process:
            return
        super().stop()
        stacks = os.path.getsize(self.file.name)
        self.file.close()
        if not stacks:
            raise Unavailable("%s took no sample" % self.name)


def py_spy(*options):
    """By pip, for the comparison only: BENCH_PYSPY names it, where it is not in PATH."""
    path = shutil.which(os.environ.get("BENCH_PYSPY") or "py-spy")
    text = ["record", "--gil", *options, "-p", "PID"]
    return Sampler(" ".join(["py-spy", *options]) if options else "py-spy, pausing",
                   [path, *text, "-d", "60", "-f", "raw", "-o", "FILE"] if path else [],
                   " ".join(["py-spy", *text]),
                   "no py-spy: pip install py-spy into a venv, and name its py-spy in BENCH_PYSPY")


def python_sampler(python, *options):
    """Python 3.15's own."""
    text = ["-m", "profiling.sampling", "attach", "-a", "--mode", "gil", *options]
    return Sampler(" ".join(["Python 3.15's sampler", *options]),
                   python.tool + text + ["-d", "60", "--collapsed", "-o", "FILE", "PID"],
                   " ".join(["python3.15", *text, "PID"]), "")


def cpudist():
    return Observer("cpudist", ["cpudist", "-p", "PID"], package="libbpf-tools")


def offcputime():
    return Observer("offcputime", ["offcputime", "-p", "PID"], package="libbpf-tools")


def runqlat():
    return Observer("runqlat", ["runqlat", "-p", "PID"], package="libbpf-tools")


def syscount():
    return Observer("syscount", ["syscount", "-L", "-p", "PID"], package="libbpf-tools")
