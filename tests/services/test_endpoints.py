# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A client of a real PostgreSQL and a real Redis, of which one is slow: who is blamed, and by what.

Blocked in a call on one connection, a thread waits for that: by its port, in whatever library. An asyncio
program waits in one epoll_wait() for all of its connections at once. Which of them woke it up is in no
argument of that call, so the report has one row for the whole poll set: the first outbound connection,
and of how many it is one. It does not say which of several is the slow one; where there is
one, it is that one.
"""
import os
import re

import pytest

import lib
import servers

CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "client.py")
# in what each library waits: libpq polls its connection, redis-py reads from it
STATE = {"postgres": "poll", "redis": "net"}
SECONDS = 2

both = pytest.mark.parametrize("slow", ["postgres", "redis"])


@pytest.fixture
def ports(postgres, redis):
    return {"postgres": postgres, "redis": redis}


def client_argv(form, slow, ports, *rounds):
    return ["/usr/bin/python3", CLIENT, form, slow, str(ports["postgres"]), str(ports["redis"]),
            *map(str, rounds)]


def labels(ports):
    return {name: "tcp out %s:%d" % (servers.ADDRESS, port) for name, port in ports.items()}


def row_of(process, state, label):
    """The one row of waits of that state and label."""
    rows = [w for w in process["waits"] if w["state"] == state and w["label"] == label]
    assert len(rows) == 1, process["waits"]
    return rows[0]


def look(form, slow, ports):
    """(process of the report, text) of a client that goes on for ever."""
    with lib.Workload(client_argv(form, slow, ports)) as client:
        process = lib.process_of(lib.diagnose(client.pid, SECONDS), client.pid)
        text = lib.run("-p", client.pid, "-d", 1).stdout.decode()
    return process, text


def first_line_of(text, state):
    """The longest wait in a state, in the table of waits."""
    return next(line for line in text.splitlines() if re.match(r"  %s\s.* out " % state, line))


@both
def test_blocking_client(slow, ports):
    """psycopg2 (libpq) and redis: the slow one has nearly all of the time, in text and JSON."""
    fast = "redis" if slow == "postgres" else "postgres"
    process, text = look("blocking", slow, ports)
    label = labels(ports)
    rows = {name: row_of(process, STATE[name], label[name]) for name in ports}
    assert rows[slow]["endpoint"] == rows[fast]["endpoint"] == "outbound"
    # 30 ms of each round, against a round trip on loopback
    assert rows[slow]["wait_ns"] > 0.7 * SECONDS * 10**9, rows
    assert rows[slow]["wait_ns"] > 5 * rows[fast]["wait_ns"], rows
    assert process["waits"][0] == rows[slow], process["waits"]
    assert process["verdict"]["bound"] == "io-bound", process["verdict"]
    assert label[slow] in first_line_of(text, STATE[slow]), text


@both
def test_blocking_client_by_its_own_clock(slow, ports, tmp_path):
    """100 rounds, from its first instant to its last. What it measured contains its own work on the answers
    and the wait for a CPU after them, which is the little that the rows may lack."""
    report, said = lib.whole_life(tmp_path, *client_argv("blocking", slow, ports, 100))
    process, = report["processes"]
    row = row_of(process, STATE[slow], labels(ports)[slow])
    ready, spent = said.split("\n")[:2]
    truth = 10**9 * float(spent.split()[["postgres", "redis"].index(slow)])
    assert ready == "ready" and truth >= 100 * 0.03 * 10**9
    # connecting is a few waits more
    assert 100 <= row["count"] <= 110, row
    own = lib.state(process, "oncpu") + lib.state(process, "runq")
    assert truth - own <= row["wait_ns"] <= 1.03 * truth, (row, truth, own)


@both
def test_asyncio_client_of_one(slow, ports):
    """asyncpg, or redis.asyncio: the only connection that it polls is blamed, with its port."""
    process, text = look("one", slow, ports)
    row = row_of(process, "poll", labels(ports)[slow])
    assert row["endpoint"] == "outbound"
    assert row["wait_ns"] > 0.7 * SECONDS * 10**9, process["waits"]
    assert process["verdict"]["bound"] == "io-bound", process["verdict"]
    assert labels(ports)[slow] in first_line_of(text, "poll"), text


@both
def test_asyncio_client_of_both(slow, ports):
    """Both in one poll set: told are the direction, and that it is one of these two."""
    process, text = look("asyncio", slow, ports)
    row = process["waits"][0]
    assert row["state"] == "poll" and row["endpoint"] == "outbound", row
    assert row["label"].startswith("one of 2: tcp out "), row
    assert all(label.rpartition(" ")[2] in row["label"] for label in labels(ports).values()), row
    assert row["wait_ns"] > 0.7 * SECONDS * 10**9, process["waits"]
    assert process["verdict"]["bound"] == "io-bound", process["verdict"]
    # as much as there is room for
    assert row["label"][:20] in first_line_of(text, "poll"), text
