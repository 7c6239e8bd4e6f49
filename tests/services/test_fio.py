# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Waiting for the disk against fio's own clock.

fio takes the time from before each read to after it (clat): that is our `disk`, and also the work of the call itself
and the wait for a CPU once the data is there. On a disk of 50 us the two of them are a third of it, so
there only the sum can be compared. Where the kernel lets 50 reads through a second, each takes 20 ms, and
`disk` alone is fio's figure.
"""
import contextlib
import json
import os
import tempfile

import pytest

import lib

READS_PER_S = 50
SECONDS = 3


@pytest.fixture(scope="module")
def folder():
    """On a disk, and no tmpfs: with a file that was written to it."""
    with tempfile.TemporaryDirectory(prefix="boundby-fio-", dir="/var/tmp") as path:
        with open(path + "/file", "wb") as f:
            f.write(os.urandom(1 << 20) * 64)
            os.fsync(f.fileno())
        yield path


def disk_of(folder):
    """MAJOR:MINOR of the whole disk that it is on."""
    dev = os.stat(folder).st_dev
    path = os.path.realpath("/sys/dev/block/%d:%d" % (os.major(dev), os.minor(dev)))
    if not os.path.exists(path):
        pytest.skip("%s is on no block device of its own" % folder)
    if os.path.exists(path + "/partition"):
        path = os.path.dirname(path)
    with open(path + "/dev") as f:
        return f.read().strip()


def io_controller():
    """(folder, file of the limits, form of one) of a cgroup hierarchy that can limit I/O."""
    with open("/proc/mounts") as f:
        for _, folder, kind, options, *_ in map(str.split, f):
            if kind == "cgroup" and "blkio" in options.split(","):
                return folder, "blkio.throttle.read_iops_device", "%s %d"
            if kind == "cgroup2":
                with open(folder + "/cgroup.subtree_control") as control:
                    if "io" in control.read().split():
                        return folder, "io.max", "%s riops=%d"
    return None


@contextlib.contextmanager
def slow_cgroup(disk):
    """A new cgroup for which the disk is slow."""
    found = io_controller()
    if not found:
        pytest.skip("no cgroup hierarchy here has the I/O controller")
    mount, limits, form = found
    path = "%s/boundby-test-%d" % (mount, os.getpid())
    os.mkdir(path)
    try:
        with open(os.path.join(path, limits), "w") as f:
            f.write(form % (disk, READS_PER_S))
        yield path
    finally:
        os.rmdir(path)


def read_by_fio(folder, tmp_path, *options):
    """(the thread that reads, fio's word on its reads): random ones of 4 KiB, past the page cache."""
    out = folder + "/fio.json"
    report, _ = lib.whole_life(
        tmp_path, "/usr/bin/env", "-C", folder, "fio", "--name=reads", "--filename=%s/file" % folder, "--size=64M",
        "--rw=randread", "--bs=4k", "--direct=1", "--ioengine=psync", "--time_based",
        "--runtime=%d" % SECONDS, "--output-format=json", "--output=" + out, *options)
    threads = [t for process in report["processes"] for t in process["threads"]
               if any(w["syscall"] == "pread64" and w["count"] > READS_PER_S for w in t["waits"])]
    assert len(threads) == 1, [p["waits"][:3] for p in report["processes"]]
    with open(out) as f:
        reads = json.load(f)["jobs"][0]["read"]
    return threads[0], reads


def total_ns(reads):
    clat = reads["clat_ns"]
    assert clat["N"] == reads["total_ios"] and reads["slat_ns"]["N"] == 0, reads
    return clat["mean"] * clat["N"]


def disk_wait(thread):
    """(time, number) of its waits in reads."""
    row, = [w for w in thread["waits"] if w["state"] == "disk" and w["syscall"] == "pread64"]
    assert row["fdkind"] == "file", row
    return row["wait_ns"], row["count"]


def test_known_latency(folder, tmp_path):
    """50 reads a second: `disk` is within 2 % of what fio measured. Once more if the thread had to wait for
    a CPU for a fifth of that; the last try counts whatever happened."""
    for _ in range(4):
        with slow_cgroup(disk_of(folder)) as cgroup:
            # fio itself starts at full speed: only the process that reads goes there
            thread, reads = read_by_fio(folder, tmp_path,
                                        "--exec_prerun=echo $PPID | tee %s/cgroup.procs" % cgroup)
        truth, (ours, waits) = total_ns(reads), disk_wait(thread)
        if lib.state(thread, "runq") < 0.004 * truth:
            break
    assert reads["clat_ns"]["mean"] > 0.9 * 10**9 / READS_PER_S, "the disk was not slowed down: %s" % reads
    # the first few are let through at once, and may be there before the thread has gone to sleep
    assert reads["total_ios"] - READS_PER_S / 5 <= waits <= reads["total_ios"], thread["waits"]
    assert lib.close(ours, truth, 0.02), (ours, truth, thread["states"])


def test_disk_as_it_is(folder, tmp_path):
    """At full speed: no more than what fio measured, and no less than that without all that the thread ran or
    waited for a CPU."""
    thread, reads = read_by_fio(folder, tmp_path)
    truth, (ours, waits) = total_ns(reads), disk_wait(thread)
    rest = lib.state(thread, "oncpu") + lib.state(thread, "runq")
    assert truth - rest <= ours <= truth, (ours, rest, truth)
    # some are there before the thread has gone to sleep
    assert 0.5 * reads["total_ios"] < waits <= reads["total_ios"], (reads, thread["waits"])
