# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who is at the other end of what a program waits on."""
import json
import os
import socket
import threading
import time

import pytest

import lib

TALKER = os.path.join(lib.ROOT, "tests/lib/python/talker.py")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class Server:
    """Answers each message after some time, and knows for how long that was."""

    def __init__(self, delay, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        self.delay, self.kind, self.at = delay, kind, []
        self.sock = socket.socket(family, kind)
        self.sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        if kind == socket.SOCK_STREAM:
            self.sock.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while self.kind == socket.SOCK_DGRAM:
                peer = self.sock.recvfrom(100)[1]
                time.sleep(self.delay)
                self.sock.sendto(b"!", peer)
            while True:
                threading.Thread(target=self.answer, args=self.sock.accept()[:1],
                                 daemon=True).start()
        except OSError:
            pass  # it was closed

    def answer(self, conn):
        with conn:
            try:
                while conn.recv(100):
                    time.sleep(self.delay)
                    conn.sendall(b"!")
            except OSError:
                pass  # the client was ended

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()


def talker(*argv, prefix=(), **options):
    return lib.Workload(list(prefix) + ["/usr/bin/python3", TALKER] + list(map(str, argv)), **options)


def by_label(process, state):
    rows = {}
    for wait in process["waits"]:
        if wait["state"] == state and wait["label"]:
            rows[wait["label"]] = rows.get(wait["label"], 0) + wait["wait_ns"]
    return rows


FORMS = [("short", "net", {}), ("kept", "net", {}), ("timeout", "poll", {}),
         ("six", "net", {"family": socket.AF_INET6}), ("datagrams", "net", {"kind": socket.SOCK_DGRAM})]


@pytest.mark.parametrize("form, state, options", FORMS, ids=[form for form, _, _ in FORMS])
def test_the_slow_one_is_blamed(form, state, options):
    """Of two servers one takes four times as long: by its port, whatever the connection."""
    with Server(0.01, **options) as fast, Server(0.04, **options) as slow:
        with talker(form, fast.port, slow.port) as workload:
            report = lib.diagnose(workload.pid, 2)
            text = lib.run("-p", workload.pid, "-d", 1).stdout.decode()
    process = lib.process_of(report, workload.pid)
    proto = "udp" if form == "datagrams" else "tcp"
    host = "[::1]" if form == "six" else "127.0.0.1"
    label = {server: "%s out %s:%d" % (proto, host, server.port) for server in (fast, slow)}
    rows = by_label(process, state)
    assert 0.75 < rows[label[slow]] / (2 * 10**9) < 0.85, rows
    assert 0.15 < rows[label[fast]] / (2 * 10**9) < 0.25, rows
    ends = {w["label"]: w["endpoint"] for w in process["waits"]}
    assert ends[label[slow]] == ends[label[fast]] == "outbound"
    assert process["verdict"]["bound"] == "io-bound"
    line = next(line for line in text.splitlines() if line.startswith("  " + state) and " out " in line)
    assert label[slow] in line, text


def test_clients_of_a_server_are_one_row():
    """A thread for each of 40 clients: they wait for requests, all on one port."""
    with talker("serve", 40, ready=None) as workload:
        port = int(workload.lines.next())
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        assert workload.lines.next() == "ready"
        for client in clients:
            client.sendall(b"?")
        report = lib.diagnose(workload.pid, 1)
        text = lib.run("-p", workload.pid, "-d", 1).stdout.decode()
        for client in clients:
            client.close()
    process = lib.process_of(report, workload.pid)
    rows = [w for w in process["waits"] if w["label"] == "tcp in :%d" % port]
    assert len(rows) == 1 and rows[0]["endpoint"] == "inbound" and rows[0]["peers"] == 40, rows
    assert rows[0]["wait_ns"] > 39 * 10**9
    assert "tcp in :%d (40 peers)" % port in text, text
    assert "tcp listen :%d" % port in by_label(process, "net")
    assert process["verdict"]["bound"] == "idle"


def test_descriptor_that_becomes_another_one(tmp_path):
    """A thread that is blocked stays so, on what it blocked on."""
    with Server(60) as one, Server(60) as other:
        report, said = lib.whole_life(tmp_path, "/usr/bin/python3", TALKER, "reused", one.port,
                                      other.port)
    process, = report["processes"]
    tid = int(said.split()[0])
    waits = [w for w in lib.thread_of(process, tid)["waits"] if w["state"] == "net"]
    assert waits[0]["label"] == "tcp out 127.0.0.1:%d" % one.port, waits
    assert waits[0]["wait_ns"] > 10**9


def test_another_network_namespace():
    """Ports and addresses there are its own."""
    with talker("alone", prefix=["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"],
                ready=None) as workload:
        port = int(workload.lines.next())
        assert workload.lines.next() == "ready"
        process = lib.process_of(lib.diagnose(workload.pid, 2), workload.pid)
    rows = by_label(process, "net")
    # the client waits for the server, and that for the client
    assert rows["tcp out 127.0.0.1:%d" % port] > 1.8 * 10**9, rows
    assert "tcp in :%d" % port in rows, rows


def test_more_ends_than_there_is_room_for():
    with Server(0.01) as one, Server(0.01) as other:
        with talker("short", one.port, other.port) as workload:
            report = lib.diagnose(workload.pid, 1, "--test-map-entries", "ends=1")
    assert report["losses"]["ends_map_full"] > 0
    lib.assert_budget_closes(report)
