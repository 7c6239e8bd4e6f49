# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How threads share the work, well or badly; each form has one alike.

    habits.py computes          4 threads compute in Python
    habits.py releases          4 threads compute in C that lets go of the GIL
    habits.py alone             1 thread computes, 3 want the GIL for moments
    habits.py many N            N threads compute in C that lets go of the GIL
    habits.py large             a pool of 200 with a small task every 20 ms
    habits.py fitting           a pool of 20 with the same
    habits.py serial            a pool of 4 that has had work, and one thread that computes by itself
    habits.py shared            the same, where the pool computes too (in C)
"""
import concurrent.futures
import hashlib
import sys
import threading
import time

DATA = bytes(4 << 20)


def start(function, n):
    for _ in range(n):
        threading.Thread(target=function, daemon=True).start()


def compute():
    while True:
        sum(i * i for i in range(20000))


def digest():
    while True:
        hashlib.sha256(DATA).digest()


def want():
    while True:
        time.sleep(0.02)


def alone():
    start(compute, 1)
    start(want, 3)


def pool(workers):
    executor = concurrent.futures.ThreadPoolExecutor(workers)
    everyone = threading.Barrier(workers + 1)
    waits = [executor.submit(everyone.wait) for _ in range(workers)]
    everyone.wait()
    concurrent.futures.wait(waits)
    return executor


def feed(workers):
    executor = pool(workers)

    def feeder():
        while True:
            executor.submit(sum, range(1000)).result()
            time.sleep(0.02)

    start(feeder, 1)
    return executor


def serial(busy):
    executor = pool(4)
    start(compute if not busy else digest, 1)
    if busy:
        executor.submit(digest)
    return executor


FORMS = {"computes": lambda: start(compute, 4), "releases": lambda: start(digest, 4),
         "alone": alone, "many": lambda: start(digest, int(sys.argv[2])),
         "large": lambda: feed(200), "fitting": lambda: feed(20),
         "serial": lambda: serial(False), "shared": lambda: serial(True)}

if __name__ == "__main__":
    kept = FORMS[sys.argv[1]]()
    print("ready", flush=True)
    while True:
        time.sleep(1000)
