# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files by their paths, pipes and unix sockets by the processes at the other end, sets by direction."""
import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
import time

import pytest

import lib

WAITER = os.path.join(lib.ROOT, "tests/lib/python/waiter.py")
TALKER = os.path.join(lib.ROOT, "tests/lib/python/talker.py")
PYTHON = "/usr/bin/python3"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(name="disk")
def fixture_disk():
    """A folder where to flush a file takes its time: not in memory."""
    with tempfile.TemporaryDirectory(prefix="boundby-test-", dir="/var/tmp") as path:
        yield path


class Waiter(lib.Workload):
    """Once each of its threads is at it; what they said, by form."""

    def __init__(self, folder, *forms, prefix=()):
        super().__init__(list(prefix) + [PYTHON, WAITER, str(folder)] + list(forms), ready=None)
        self.said = {}
        try:
            while len(self.said) < len(forms):
                form, tid, *known = self.lines.next().split()
                self.said[form] = (int(tid), known)
        except BaseException:
            self.end()
            raise

    def main_wait(self, report, form):
        """What the thread of a form waited in mostly."""
        return lib.thread_of(lib.process_of(report, self.pid), self.said[form][0])["waits"][0]


def time_by_label(process, states=("disk",)):
    rows = {}
    for wait in process["waits"]:
        if wait["state"] in states and wait["label"]:
            rows[wait["label"]] = rows.get(wait["label"], 0) + wait["wait_ns"]
    return rows


def test_files_by_path(disk):
    """Flushed in turn, removed, or closed each time: all of them by their names."""
    with Waiter(disk, "turns", "gone", "closed") as waiter:
        report = lib.diagnose(waiter.pid, 2)
        text = lib.run("-p", waiter.pid, "-d", 1).stdout.decode()
    process = lib.process_of(report, waiter.pid)
    rows = time_by_label(process)
    assert rows[disk + "/four.db"] > rows[disk + "/one.db"] > 0, rows
    assert rows[disk + "/gone.db (deleted)"] > 0, rows
    # it is open or not when the report is made
    closed = os.stat(disk + "/closed.db")
    name = ".../%s/closed.db" % os.path.basename(disk)[:23]
    shut = "%s (%d:%d inode %d)" % (name, os.major(closed.st_dev), os.minor(closed.st_dev),
                                    closed.st_ino)
    assert disk + "/closed.db" in rows or shut in rows, (shut, rows)
    flushes = [w for w in process["waits"] if w["syscall"] == "fsync"]
    assert flushes and all(w["endpoint"] == "file" and w["fdkind"] == "file" for w in flushes)
    assert "/four.db" in text and "fsync" in text, text


@pytest.mark.parametrize("form, names", [("turns", ("one.db", "four.db")),
                                         ("direct", ("one.raw", "four.raw"))])
def test_files_by_its_own_clock(tmp_path, disk, form, names, monkeypatch):
    """Of a process that has ended, files have their names still, and their shares of the time."""
    monkeypatch.setenv("LIFE", "1.5")
    report, said = lib.whole_life(tmp_path, PYTHON, WAITER, disk, form)
    process, = report["processes"]
    truth = json.loads(said.splitlines()[-1])
    rows = time_by_label(process)
    for name in names:
        inode = os.stat(os.path.join(disk, name)).st_ino
        found = [label for label in rows if "/%s (" % name in label]
        assert len(found) == 1 and found[0].endswith(" inode %d)" % inode), rows
        # its clock has the CPU time in it, too
        assert rows[found[0]] <= truth[name], (rows, truth)
        rows[name] = rows[found[0]]
    told = rows[names[1]] / sum(rows[name] for name in names)
    assert abs(told - truth[names[1]] / sum(truth.values())) < 0.1, (rows, truth)


def test_more_files_than_rows(disk):
    """One row is for all that have none of their own, and these take no room from others."""
    with Waiter(disk, "many") as waiter:
        report = lib.diagnose(waiter.pid, 1, "--test-map-entries", "ends=16")
    rows = time_by_label(lib.process_of(report, waiter.pid))
    assert report["losses"]["ends_map_full"] == 0
    assert rows["several"] == max(rows.values()), rows
    assert 1 < len(rows) <= 6 and sum("/many." in label for label in rows) == len(rows) - 1, rows


def test_file_of_another_mount_namespace(disk):
    """By its path there."""
    os.mkdir(disk + "/real")
    os.mkdir(disk + "/seen")
    prefix = ["unshare", "-m", "sh", "-c", 'mount --bind "$0/real" "$0/seen" && exec "$@"', disk]
    with Waiter(disk + "/seen", "turns", prefix=prefix) as waiter:
        rows = time_by_label(lib.process_of(lib.diagnose(waiter.pid, 1), waiter.pid))
    assert os.path.exists(disk + "/real/four.db") and not os.path.exists(disk + "/seen/four.db")
    assert disk + "/seen/four.db" in rows, rows


def test_file_of_a_chroot(disk):
    """By its path as the tool sees it."""
    for tree in ("usr", "lib", "lib64", "proc"):
        os.mkdir(os.path.join(disk, tree))
    os.mkdir(disk + "/data")
    shutil.copy(WAITER, disk)
    binds = ("for d in usr lib lib64; do [ ! -e /$d ] || mount --rbind /$d $0/$d; done;"
             " mount -t proc proc $0/proc")
    prefix = ["unshare", "-m", "sh", "-c", binds + '; exec chroot "$0" "$@"', disk]
    with lib.Workload(prefix + [PYTHON, "/waiter.py", "/data", "turns"], ready=None) as waiter:
        assert waiter.lines.next().startswith("turns")
        rows = time_by_label(lib.process_of(lib.diagnose(waiter.pid, 1), waiter.pid))
    assert disk + "/data/four.db" in rows, rows


def test_pipes_and_who_is_at_the_other_end(tmp_path):
    forms = ["pipe", "full", "fifo", "own", "pair"]
    with Waiter(tmp_path, *forms) as waiter:
        report = lib.diagnose(waiter.pid, 1)
        comm = lib.status_field(waiter.pid, "Name")
        waits = {form: waiter.main_wait(report, form) for form in forms}
        pids = {form: known[0] for form, (_, known) in waiter.said.items() if known}
    assert waits["pipe"]["label"] == "pipe from %s (%s)" % (comm, pids["pipe"])
    assert waits["full"]["label"] == "pipe to %s (%s)" % (comm, pids["full"])
    assert waits["fifo"]["label"].startswith("fifo ")
    assert waits["fifo"]["label"].endswith("/fifo from %s (%s)" % (comm, pids["fifo"]))
    assert waits["own"]["label"] == "pipe of its own"
    assert waits["pair"]["label"] == "socketpair with %s (%s)" % (comm, pids["pair"])
    assert {wait["state"] for wait in waits.values()} == {"ipc"}
    assert {wait["endpoint"] for wait in waits.values()} == {"local"}


def test_pipe_whose_descriptor_becomes_that_of_a_file(tmp_path, monkeypatch):
    """A thread that is blocked stays so, on what it blocked on."""
    monkeypatch.setenv("LIFE", "1")
    report, said = lib.whole_life(tmp_path, PYTHON, WAITER, tmp_path, "reused")
    process, = report["processes"]
    waits = lib.thread_of(process, int(said.split()[1]))["waits"]
    assert waits[0]["fdkind"] == "pipe" and waits[0]["label"] == "pipe", waits
    assert waits[0]["wait_ns"] > 0.5 * 10**9, waits


def unix_server(path, delay):
    """Answers after some time, in this process."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()

    def serve():
        with server, server.accept()[0] as conn, contextlib.suppress(BrokenPipeError):
            while conn.recv(100):
                time.sleep(delay)
                conn.sendall(b"!")

    threading.Thread(target=serve, daemon=True).start()


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_client_of_a_unix_server(tmp_path, abstract):
    name = "\0boundby-test-%d" % os.getpid() if abstract else str(tmp_path / "x.sock")
    unix_server(name, 0.02)
    with lib.Workload([PYTHON, TALKER, "local", name.replace("\0", "@")]) as workload:
        report = lib.diagnose(workload.pid, 1)
    process = lib.process_of(report, workload.pid)
    wait, = [w for w in process["waits"] if w["state"] == "ipc"]
    comm = lib.status_field(os.getpid(), "Name")
    assert wait["label"].startswith("unix out ") and wait["endpoint"] == "outbound", wait
    assert wait["label"].endswith("%s (%s %d)" % (name[-20:].replace("\0", "@"), comm, os.getpid()))
    assert wait["wait_ns"] > 0.7 * 10**9
    assert process["verdict"]["bound"] == "io-bound"


def test_unix_server_waits_for_its_clients(tmp_path):
    """It is idle, however often they ask."""
    path = str(tmp_path / "x.sock")
    with lib.Workload([PYTHON, TALKER, "serve_local", path]) as workload:
        clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in clients:
            client.connect(path)
        done = threading.Event()

        def ask():
            while not done.wait(0.02):
                clients[0].sendall(b"?")
                clients[0].recv(1)

        asker = threading.Thread(target=ask)
        asker.start()
        report = lib.diagnose(workload.pid, 1)
        done.set()
        asker.join()
        for client in clients:
            client.close()
    process = lib.process_of(report, workload.pid)
    rows = {w["label"].split()[1]: w for w in process["waits"] if w["state"] == "ipc"}
    assert rows["in"]["endpoint"] == "inbound" and rows["in"]["peers"] == 3, rows
    assert rows["in"]["label"].endswith("/x.sock") and rows["in"]["wait_ns"] > 2.5 * 10**9
    assert rows["listen"]["endpoint"] == "listen" and rows["listen"]["label"].endswith("/x.sock")
    assert process["verdict"]["bound"] == "idle", process["verdict"]


def test_poll_sets_by_direction(tmp_path):
    """A client that waits for its server, a server that waits for clients, and what does both."""
    calls = ("poll", "select", "epoll")
    roles = {"client": "outbound", "server": "inbound", "both": "mixed"}
    forms = ["%s_%s" % (call, role) for call in calls for role in roles]
    with Waiter(tmp_path, *forms) as waiter:
        report = lib.diagnose(waiter.pid, 1)
        waits = {form: waiter.main_wait(report, form) for form in forms}
        ports = {form: known[0] for form, (_, known) in waiter.said.items()}
    for form, wait in waits.items():
        role = form.split("_")[1]
        assert wait["state"] == "poll" and wait["endpoint"] == roles[role], (form, wait)
        out = "tcp out 127.0.0.1:" + ports[form]
        assert wait["label"] == {"client": out, "server": "1 client",
                                 "both": out + ", 1 client"}[role], (form, wait)


def test_name_server():
    prefix = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    with lib.Workload(prefix + [PYTHON, TALKER, "names"]) as workload:
        process = lib.process_of(lib.diagnose(workload.pid, 1), workload.pid)
    waits = {w["label"]: w for w in process["waits"] if w["state"] == "net"}
    assert waits["udp out 127.0.0.1:53 (dns)"]["wait_ns"] > 0.7 * 10**9, waits
    assert waits["udp out 127.0.0.1:53 (dns)"]["endpoint"] == "outbound"
