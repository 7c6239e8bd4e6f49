# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The machine while it is measured: its settings, the processes that the bench starts, their BPF."""
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time

OUT = os.path.abspath(os.environ.get("OUT", "build"))
BPFTOOL = os.environ.get("BPFTOOL", "/usr/sbin/bpftool")
STATS = "/proc/sys/kernel/bpf_stats_enabled"
TRACEFS = "/sys/kernel/tracing"

CPUS = sorted(os.sched_getaffinity(0))
WORK_CPU = CPUS[-1]  # where a pinned workload runs
TOOL_CPU = CPUS[0]  # where this program and the tools' own processes run


def say(text):
    print(text, file=sys.stderr, flush=True)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


# Settings, put back as they were

@contextlib.contextmanager
def bpf_stats():
    """The kernel counts and times the runs of BPF programs."""
    before = read(STATS).strip()
    write(STATS, "1")
    try:
        yield
    finally:
        write(STATS, before)


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


@contextlib.contextmanager
def tracefs():
    """perf needs it; not every machine mounts it."""
    if os.path.exists(TRACEFS + "/events"):
        yield
        return
    done = subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACEFS], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0
    try:
        yield
    finally:
        if done:
            subprocess.run(["umount", TRACEFS], check=False, stderr=subprocess.DEVNULL)


# Processes

class Process:
    """A process that we started; it is ended by its PID, and nothing else is."""

    alive = []

    def __init__(self, cmd, cpus=None, out=subprocess.DEVNULL, err=subprocess.DEVNULL):
        self.cmd = [str(word) for word in cmd]
        pin = ["taskset", "-c", ",".join(str(c) for c in cpus)] if cpus else []
        self.popen = subprocess.Popen(pin + self.cmd, stdin=subprocess.DEVNULL, stdout=out,
                                      stderr=err)
        self.pid = self.popen.pid
        Process.alive.append(self)

    def ended(self):
        return self.popen.poll() is not None

    def stop(self, sig=signal.SIGTERM, patience=20):
        """End it and return what it printed, where that was asked for."""
        if not self.ended():
            self.popen.send_signal(sig)
        try:
            out = self.popen.communicate(timeout=patience)[0]
        except subprocess.TimeoutExpired:
            self.popen.kill()
            out = self.popen.communicate()[0]
        if self in Process.alive:
            Process.alive.remove(self)
        return out

    def wait_for_line(self, patience=30):
        """The first line of its output, which says that it is ready."""
        if not select.select([self.popen.stdout], [], [], patience)[0]:
            raise RuntimeError("%s says nothing" % self.cmd[0])
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError("%s ended at once" % " ".join(self.cmd))
        return line

    @classmethod
    def stop_all(cls):
        for p in list(cls.alive):
            p.stop(signal.SIGKILL)


def until(condition, what, patience=30):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("waited %d s for %s" % (patience, what))
        time.sleep(0.02)


# What a process has in the kernel, from the files that it holds open

def parse(path):
    try:
        rows = (line.split(":", 1) for line in read(path).splitlines() if ":" in line)
        return {key.strip(): value.strip() for key, value in rows}
    except OSError:
        return {}


def fdinfo(pid):
    """The keys and numbers of each file descriptor."""
    folder = "/proc/%d/fdinfo/" % pid
    return [parse(folder + fd) for fd in os.listdir(folder)]


def links(pid):
    """Identifiers of the BPF links that it holds: its attached programs."""
    return sorted(info["link_id"] for info in fdinfo(pid) if "link_id" in info)


def map_bytes(pid):
    """Memory of its maps, as the kernel charges it."""
    return sum(int(info["memlock"]) for info in fdinfo(pid)
               if "memlock" in info and "map_type" in info)


NAMES = {}


def program_name(prog_id):
    if prog_id not in NAMES:
        out = subprocess.run([BPFTOOL, "-j", "prog", "show", "id", prog_id], check=False,
                             capture_output=True).stdout
        NAMES[prog_id] = json.loads(out or b"{}").get("name", "?")
    return NAMES[prog_id]


class Programs:
    """The programs that a process has loaded: their runs and nanoseconds, flat in one tuple."""

    def __init__(self, pid):
        self.files = {}
        folder = "/proc/%d/fdinfo/" % pid
        for fd in os.listdir(folder):
            info = parse(folder + fd)
            if "prog_type" in info and "run_cnt" in info:
                self.files[program_name(info["prog_id"])] = folder + fd

    def names(self):
        return list(self.files)

    def sample(self):
        numbers = []
        for path in self.files.values():
            info = parse(path)
            numbers += [int(info["run_cnt"]), int(info["run_time_ns"])]
        return tuple(numbers)


def readable(pipe):
    return bool(select.select([pipe], [], [], 0)[0])
