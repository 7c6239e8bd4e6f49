# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What caps how many threads are at work, and what does not.

    pools.py semaphore N    30 clients of N connections, 0.2 s a query, 5 ms between two
    pools.py fed            a semaphore that counts items: one thread makes them, 10 take them
    pools.py starved        4 workers for always 20 tasks that wait, whose results others wait for
    pools.py computes       the same of tasks that compute
    pools.py enough         8 workers for one such task at a time
    pools.py idle           8 workers without a task
"""
import concurrent.futures
import sys
import threading
import time


def start(function, n):
    for _ in range(n):
        threading.Thread(target=function, daemon=True).start()


def semaphore(n):
    connections = threading.BoundedSemaphore(n)

    def query():
        with connections:
            time.sleep(0.2)

    def client():
        while True:
            query()
            time.sleep(0.005)

    start(client, 30)


def fed():
    items = threading.Semaphore(0)

    def take():
        items.acquire()
        time.sleep(0.002)

    def consumer():
        while True:
            take()

    def producer():
        while True:
            time.sleep(0.005)
            items.release()

    start(consumer, 10)
    start(producer, 1)


def request():
    time.sleep(0.02)


def compute():
    sum(range(200000))


def pool(workers, tasks, function):
    executor = concurrent.futures.ThreadPoolExecutor(workers)
    first = [executor.submit(request) for _ in range(workers)]
    concurrent.futures.wait(first)

    def asker():
        while tasks:
            executor.submit(function).result()

    start(asker, tasks)
    return executor  # its end would be the threads' end


FORMS = {"semaphore": lambda: semaphore(int(sys.argv[2])), "fed": fed,
         "starved": lambda: pool(4, 20, request), "computes": lambda: pool(4, 20, compute),
         "enough": lambda: pool(8, 1, request), "idle": lambda: pool(8, 0, request)}

if __name__ == "__main__":
    kept = FORMS[sys.argv[1]]()
    print("ready", flush=True)
    while True:
        time.sleep(1000)
