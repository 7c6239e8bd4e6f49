# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Event loops other than plain asyncio: eventloops.py KIND FORM. Prints "ready".

FORM clean: short turns. FORM busy: also a blocking sleep of 50 ms and 30 ms of computing now and
then, each written to the file "deeds" beside this one as it ends: its name and CLOCK_MONOTONIC in
ns. The turns are timed by tests/lib/pollclock.c.
"""
import os
import select
import signal
import socket
import sys
import threading
import time

KIND, FORM = sys.argv[1], sys.argv[2]
DEEDS = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "deeds"), "a", buffering=1)


def burn(secs):
    end = time.thread_time() + secs
    while time.thread_time() < end:
        pass


def ready():
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def did(what):
    DEEDS.write("%s %d\n" % (what, time.monotonic_ns()))


def blocking():
    time.sleep(0.05)
    did("blocking")


def computing():
    burn(0.03)
    did("computing")


async def ticker(sleep):
    while True:
        await sleep(0.005)
        burn(0.0005)


async def sleeper(sleep):
    while True:
        await sleep(0.2)
        blocking()


async def computer(sleep):
    while True:
        await sleep(0.1)
        computing()


async def main():
    import asyncio
    coroutines = [ticker] + ([sleeper, computer] if FORM == "busy" else [])
    tasks = [asyncio.ensure_future(c(asyncio.sleep)) for c in coroutines]
    ready()
    await asyncio.wait(tasks)


def run_asyncio():
    import asyncio
    asyncio.new_event_loop().run_until_complete(main())


def run_uvloop():
    import uvloop
    uvloop.install()
    run_asyncio()


def run_two():
    """Two loops, in two threads, neither of them the main one."""
    threads = [threading.Thread(target=run_asyncio) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def run_signals():
    """The poll is interrupted 300 times a second."""
    signal.signal(signal.SIGALRM, lambda *args: None)
    signal.setitimer(signal.ITIMER_REAL, 0.0033, 0.0033)
    run_asyncio()


def run_gevent():
    import gevent

    def every(secs, what):
        while True:
            gevent.sleep(secs)
            what()

    def sleeping_greenlet():
        every(0.2, blocking)

    def computing_greenlet():
        every(0.1, computing)

    greenlets = [gevent.spawn(every, 0.005, lambda: burn(0.0005))]
    if FORM == "busy":
        greenlets += [gevent.spawn(sleeping_greenlet), gevent.spawn(computing_greenlet)]
    ready()
    gevent.joinall(greenlets)


def run_tornado():
    from tornado import ioloop

    ioloop.PeriodicCallback(lambda: burn(0.0005), 5).start()
    if FORM == "busy":
        ioloop.PeriodicCallback(blocking, 250).start()
        ioloop.PeriodicCallback(computing, 130).start()
    ready()
    ioloop.IOLoop.current().start()


def run_trio():
    import trio

    async def nursery():
        async with trio.open_nursery() as n:
            for c in [ticker] + ([sleeper, computer] if FORM == "busy" else []):
                n.start_soon(c, trio.sleep)
            ready()

    trio.run(nursery)


def run_spinning():
    """A loop of its own, that never waits."""
    with select.epoll() as epoll:
        ready()
        while True:
            epoll.poll(0)
            burn(0.0005)


def receive(ours, theirs):
    def send():
        while True:
            time.sleep(0.01)
            theirs.send(b"x")
    threading.Thread(target=send, daemon=True).start()
    while True:
        ours.recv(1)
        burn(0.0005)


def wait_for_one(ours):
    while True:
        select.select([ours], [], [], 0.01)
        burn(0.0005)


def a_set_for_each_wait(ours):
    """As clients of databases wait for their answers."""
    while True:
        with select.epoll() as epoll:
            epoll.register(ours.fileno(), select.EPOLLIN)
            epoll.poll(0.01)
        burn(0.0005)


def leader(ours, lock):
    """Workers that poll in turn: one of them waits for events, the others for it."""
    epoll = select.epoll()
    epoll.register(ours.fileno(), select.EPOLLIN)
    while True:
        with lock:
            epoll.poll(0.01)
            time.sleep(0.001)
        burn(0.0005)


def run_none():
    """Threads that wait for events, and run no loop."""
    from concurrent.futures import ThreadPoolExecutor

    lock = threading.Lock()
    pairs = [socket.socketpair() for _ in range(3)]
    threads = [(receive, pairs[0]), (wait_for_one, pairs[1][:1]), (a_set_for_each_wait, pairs[2][:1])]
    threads += [(leader, (pairs[2][0], lock)) for _ in range(3)]
    for target, args in threads:
        threading.Thread(target=target, args=args, daemon=True).start()
    with ThreadPoolExecutor(4) as pool:
        ready()
        while True:
            list(pool.map(burn, [0.0005] * 20))
            time.sleep(0.02)


if __name__ == "__main__":
    globals()["run_" + KIND]()
