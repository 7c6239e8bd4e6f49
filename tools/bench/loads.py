# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is watched while it works, and how far it has got."""
import os
import shutil
import struct
import subprocess
import tempfile
import time

import machine
import speed


class Load:
    """
    A workload; sample() gives (work done, time that it took) since it started. FILE in @cmd is
    where it counts its work; it sees @root as its /.
    """

    window = 0.01
    cpus = [machine.WORK_CPU]

    def __init__(self, cmd, cpus, counted=False, root=""):
        self.file = tempfile.NamedTemporaryFile(dir=root + "/tmp") if counted else None
        cmd = [self.file.name[len(root):] if word == "FILE" else word for word in cmd]
        self.process = machine.Process(cmd, cpus, subprocess.PIPE)
        self.pid = self.process.pid
        self.process.wait_for_line()

    def done(self):
        return sum(struct.unpack("4Q", os.pread(self.file.fileno(), 32, 0)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()
        if self.file:
            self.file.close()

    def measure(self, seconds):
        """Time for one piece of work, in nanoseconds."""
        work, took = speed.steady(self.sample, self.cpus, self.window, seconds)
        if work <= 0:
            raise RuntimeError("%s stands still" % self.process.cmd[0])
        return took / work

    def threads(self):
        folder = "/proc/%d/task" % self.pid
        return [folder + "/" + tid for tid in os.listdir(folder)]


class Switches(Load):
    """
    Two threads on one CPU. Work: their switches. Time: the CPU time of both, which is the time
    that passed, less what others took of that CPU; the cost of a switch is in it.
    """

    def __init__(self, cmd):
        super().__init__(cmd, None)

    def sample(self):
        work = took = 0
        for thread in self.threads():
            took += int(machine.read(thread + "/schedstat").split()[0])
            for line in machine.read(thread + "/status").splitlines():
                if "ctxt_switches" in line:
                    work += int(line.split()[1])
        return work, took


class Pingpong(Switches):
    """Through pipes."""

    def __init__(self):
        super().__init__([machine.OUT + "/tests/pingpong", "threads", machine.WORK_CPU])


class Handoff(Switches):
    """By semaphores: all waits are on futexes."""

    def __init__(self):
        super().__init__([machine.OUT + "/bench/handoff", machine.WORK_CPU])


class Calls(Load):
    """Work: system calls. Time: what passed, less what it waited for its CPU."""

    def __init__(self):
        super().__init__([machine.OUT + "/bench/calls", "FILE"], [machine.WORK_CPU], True)

    def sample(self):
        waited = int(machine.read("/proc/%d/schedstat" % self.pid).split()[1])
        return self.done(), time.monotonic_ns() - waited


class Gil(Load):
    """Work: what the four threads have done. Time: what passed."""

    window = 0.02

    def __init__(self, python, kind, cpus):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gil_work.py")
        self.folder = None
        if python.root:
            self.folder = tempfile.TemporaryDirectory(dir=python.root + "/tmp")
            script = shutil.copy(script, self.folder.name)[len(python.root):]
        super().__init__(python.argv + [script, "FILE", kind], cpus, True, python.root)
        self.cpus = cpus

    def sample(self):
        return self.done(), time.monotonic_ns()

    def __exit__(self, *exc):
        super().__exit__(*exc)
        if self.folder:
            self.folder.cleanup()


class Sleeper(Load):
    """A process that does nothing, so that the others are bystanders."""

    def __init__(self):
        super().__init__([machine.OUT + "/tests/sleeper"], None)


class ManyThreads(Load):
    def __init__(self, threads):
        super().__init__([machine.OUT + "/tests/many_threads", threads], None)
