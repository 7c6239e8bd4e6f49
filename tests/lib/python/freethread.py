# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that know what they wait for: freethread.py FORM [FOLDER]. Each prints "ready".

What else it says of itself stands before that: "address N".
"""
import gc
import hashlib
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

KEPT = []


def say(*words):
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def thread(function, *args):
    t = threading.Thread(target=function, args=args)
    t.daemon = True
    t.start()
    return t


def compute():
    x = 0
    while True:
        for i in range(1000):
            x += i


def threads():
    """Three threads that compute."""
    for _ in range(3):
        thread(compute)


def collect():
    while True:
        gc.collect()
        time.sleep(0.02)


def world():
    """Two threads compute, and a third collects garbage, of which there is much to look at."""
    KEPT.extend({i: [i]} for i in range(100000))
    thread(compute)
    thread(compute)
    thread(collect)


def sort(shared):
    while True:
        shared.sort()
        shared.reverse()


def critical():
    """Four threads sort one list: they need its own mutex."""
    shared = list(range(20000))
    KEPT.append(shared)
    say("address", id(shared))
    for _ in range(4):
        thread(sort, shared)


def under(lock):
    data = b"x" * 300000
    while True:
        with lock:
            hashlib.sha256(data).digest()


def lock():
    """Four threads that compute under a threading.Lock, without the GIL."""
    one = threading.Lock()
    KEPT.append(one)
    say("address", id(one))
    for _ in range(4):
        thread(under, one)


def rlock():
    """The same with a threading.RLock."""
    one = threading.RLock()
    KEPT.append(one)
    say("address", id(one))
    for _ in range(4):
        thread(under, one)


def get(source):
    while True:
        source.get()


def feed(pool, *sinks):
    while True:
        time.sleep(0.01)
        pool.submit(int)
        for sink in sinks:
            sink.put(1)


def signalled(one):
    """A lock used as a signal: who waits for it is never who lets go of it."""
    while True:
        one.acquire()


def signals(one):
    while True:
        time.sleep(0.01)
        if one.locked():
            one.release()


def queues():
    """Consumers that wait for work, of every kind."""
    fifo, simple = queue.Queue(), queue.SimpleQueue()
    one, pool = threading.Lock(), ThreadPoolExecutor(3)
    for source in fifo, fifo, simple, simple:
        thread(get, source)
    thread(feed, pool, fifo, simple)
    thread(signalled, one)
    thread(signals, one)
    KEPT.extend((pool, one, simple))
    say("address", id(simple))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    say("ready")
    line = sys.stdin.readline()
    if line:
        sys.path.insert(0, sys.argv[2])
        __import__(line.strip())
        say(line.strip(), sys._is_gil_enabled())
    # asleep in C
    while True:
        time.sleep(1000)
