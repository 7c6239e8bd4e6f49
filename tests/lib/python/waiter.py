# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program that waits for files, pipes and sockets: a thread for each of the forms that are named.

    waiter.py FOLDER FORM...

Files, written and flushed all the time:
    turns       two files, four times as often the second
    direct      the same, read without the page cache
    gone        one that was unlinked
    closed      one that is opened for each time
    many        40 in turn
Others:
    pipe        to read from a pipe, that another process writes to
    full        to write to a pipe, that another process does not read
    fifo        as pipe, by a path
    own         a pipe of its own
    reused      a pipe, whose descriptor becomes one of a file meanwhile
    pair        a socketpair with another process
    CALL_client, CALL_server, CALL_both     by poll, select or epoll: for a server, for clients, or
                for both; and for a pipe of its own

A form says its name, its thread and what there is to know of it. With LIFE, seconds, in the
environment it ends then, and says how long each file took by its own clock.
"""
import json
import mmap
import os
import select
import socket
import subprocess
import sys
import threading
import time

FOLDER = sys.argv[1]
TOOK = {}
WRITER = "import os, time\nwhile True: time.sleep(0.02); os.write(1, b'x')"
IDLE = "import signal\nsignal.pause()"
say_lock = threading.Lock()
kept = []


def say(form, *known, tid=None):
    with say_lock:
        print(form, tid or threading.get_native_id(), *known, flush=True)


def other(code, **ends):
    """Another process, that ends with this one."""
    code = "import ctypes; ctypes.CDLL(None).prctl(1, 9)\n" + code
    process = subprocess.Popen([sys.executable, "-c", code], **ends)
    kept.append(process)
    return process.pid


def create(name):
    return os.open(os.path.join(FOLDER, name), os.O_CREAT | os.O_RDWR)


def timed(name, work):
    start = time.monotonic_ns()
    work()
    TOOK[name] = TOOK.get(name, 0) + time.monotonic_ns() - start


def flush(fd):
    os.pwrite(fd, b"x" * 4096, 0)
    os.fsync(fd)


def turns(_):
    one, four = create("one.db"), create("four.db")
    say("turns")
    while True:
        timed("one.db", lambda: flush(one))
        for _ in range(4):
            timed("four.db", lambda: flush(four))


def direct(_):
    for name in ("one.raw", "four.raw"):
        with open(os.path.join(FOLDER, name), "wb") as f:
            f.write(b"x" * (1 << 20))
            os.fsync(f.fileno())
    one, four = (os.open(os.path.join(FOLDER, name), os.O_RDONLY | os.O_DIRECT)
                 for name in ("one.raw", "four.raw"))
    page = mmap.mmap(-1, 1 << 16)
    say("direct")
    while True:
        timed("one.raw", lambda: os.preadv(one, [page], 0))
        for _ in range(4):
            timed("four.raw", lambda: os.preadv(four, [page], 0))


def gone(_):
    fd = create("gone.db")
    os.unlink(os.path.join(FOLDER, "gone.db"))
    say("gone")
    while True:
        flush(fd)


def closed(_):
    while True:
        fd = create("closed.db")
        flush(fd)
        os.close(fd)
        if "closed" not in TOOK:
            TOOK["closed"] = 0
            say("closed")


def many(_):
    fds = [create("many.%d" % i) for i in range(40)]
    say("many")
    while True:
        for fd in fds:
            flush(fd)


def reader(form, fd, *known):
    say(form, *known)
    while os.read(fd, 100):
        pass


def pipe(form):
    r, w = os.pipe()
    pid = other(WRITER, stdout=w)
    os.close(w)
    reader(form, r, pid)


def full(form):
    r, w = os.pipe()
    pid = other(IDLE, stdin=r)
    os.close(r)
    say(form, pid)
    while True:
        os.write(w, b"x" * 65536)


def fifo(form):
    path = os.path.join(FOLDER, "fifo")
    os.mkfifo(path)
    pid = other("import os\nos.dup2(os.open(%r, os.O_WRONLY), 1)\n" % path + WRITER)
    reader(form, os.open(path, os.O_RDONLY), pid)


def own(form):
    kept.append(os.pipe())
    reader(form, kept[-1][0])


def reused(form):
    r, w = os.pipe()
    file = create("another")
    kept.append(w)
    blocked = threading.get_native_id()

    def reuse():
        with open("/proc/self/task/%d/syscall" % blocked) as f:
            while f.seek(0) or f.read().startswith("running"):
                pass
        os.dup2(file, r)
        say(form, tid=blocked)

    threading.Thread(target=reuse, daemon=True).start()
    os.read(r, 1)


def pair(form):
    ours, its = socket.socketpair()
    pid = other(WRITER, stdout=its)
    its.close()
    reader(form, ours.fileno(), pid)


def select_call(fds):
    while True:
        select.select(fds, [], [], 0.05)


def poll_call(fds):
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    while True:
        poll.poll(50)


def epoll_call(fds):
    epoll = select.epoll()
    for fd in fds:
        epoll.register(fd, select.EPOLLIN)
    while True:
        epoll.poll(0.05)


def watch(form):
    """Nobody ever says anything."""
    call, role = form.split("_")
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    accepted = server.accept()[0]
    lone = socket.create_server(("127.0.0.1", 0))
    lone.listen()
    out = socket.create_connection(lone.getsockname())
    kept.append((server, client, accepted, lone))
    socks = {"client": [out], "server": [server, accepted], "both": [out, server, accepted]}[role]
    say(form, lone.getsockname()[1])
    globals()[call + "_call"]([sock.fileno() for sock in socks] + [os.pipe()[0]])


def main():
    for form in sys.argv[2:]:
        work = watch if "_" in form else globals()[form]
        threading.Thread(target=work, args=(form,), daemon=True).start()
    time.sleep(float(os.environ.get("LIFE", 3600)))
    print(json.dumps(TOOK), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
