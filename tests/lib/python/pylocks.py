# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python's own locks, and how long each was waited for by the program's clock.

    pylocks.py lock|rlock|condition|semaphore|queue

prints a line of JSON at its end: wait_ns and waits, contended_ns of the locks, and by the numbers
of threads the contended time in which each had it.
"""
import json
import queue
import sys
import threading
import time

ROUNDS = 25
now = time.monotonic_ns


class Told:
    """What the program knows; each figure is changed with the lock in hand, or by one thread."""

    def __init__(self):
        self.wait = self.waits = self.contended = 0
        self.waiting_since = None
        self.holders = {}

    def say(self):
        print(json.dumps({"wait_ns": self.wait, "waits": self.waits, "contended_ns": self.contended,
                          "holders": self.holders}), flush=True)


def tid():
    return threading.get_native_id()


def run(*threads):
    started = [threading.Thread(target=function, args=args) for function, args in threads]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def two_that_take(lock):
    """One has it three times as long as the other; never more than one waits."""
    told = Told()

    def hold(secs):
        for _ in range(ROUNDS):
            if not lock.acquire(blocking=False):
                told.waiting_since = now()
                lock.acquire()
                took = now() - told.waiting_since
                told.waiting_since = None
                told.wait += took
                told.contended += took
                told.waits += 1
            got = now()
            time.sleep(secs)
            if told.waiting_since:
                held = now() - max(got, told.waiting_since)
                told.holders[tid()] = told.holders.get(tid(), 0) + held
            lock.release()
            time.sleep(secs / 4)

    run((hold, (0.01,)), (hold, (0.03,)))
    told.say()


def condition():
    told, cond = Told(), threading.Condition()
    done = threading.Event()

    def notify():
        while not done.is_set():
            time.sleep(0.03)
            with cond:
                cond.notify_all()

    def wait():
        for _ in range(ROUNDS):
            with cond:
                start = now()
                cond.wait()
                told.wait += now() - start
                told.waits += 1
        done.set()

    run((notify, ()), (wait, ()))
    told.say()


def semaphore():
    """Two at a time, of five."""
    told, lock, sem = Told(), threading.Lock(), threading.Semaphore(2)

    def use():
        for _ in range(ROUNDS // 3):
            start = now()
            sem.acquire()
            took = now() - start
            with lock:
                told.wait += took
                told.waits += 1
            time.sleep(0.03)
            sem.release()

    run(*[(use, ())] * 5)
    told.say()


def queues():
    told, q = Told(), queue.Queue()

    def put():
        told.holders[tid()] = ROUNDS
        for i in range(ROUNDS):
            time.sleep(0.03)
            q.put(i)

    def get():
        for _ in range(ROUNDS):
            start = now()
            q.get()
            told.wait += now() - start
            told.waits += 1

    run((put, ()), (get, ()))
    told.say()


FORMS = {"lock": lambda: two_that_take(threading.Lock()),
         "rlock": lambda: two_that_take(threading.RLock()),
         "condition": condition, "semaphore": semaphore, "queue": queues}

if __name__ == "__main__":
    FORMS[sys.argv[1]]()
