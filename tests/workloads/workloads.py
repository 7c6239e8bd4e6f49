# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python programs whose bound is known beforehand.

    workloads.py NAME [ARG]     NAME is W-number and form, e.g. w2-threads

Each prints one line `ready` when it is in its steady state, then repeats its work
until it is killed. w8-* takes the port of http_server.py, w9-threads a folder.
Runs unchanged on CPython 3.7 to 3.15: no syntax and no module newer than 3.7.
"""
import asyncio
import hashlib
import http.client
import multiprocessing
import os
import queue
import random
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

WORKERS = 4


def ready():
    """Tell the harness that the steady state is reached."""
    print("ready", flush=True)


# What one task computes. Each takes from tens of milliseconds to a few seconds.

def squares():
    """W1: the sum of squares."""
    return sum(i * i for i in range(5000000))


def fib(n=35):
    """W4: the naive recursion."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def primes(limit=60000):
    """W5: primes by trial division."""
    found = 0
    for n in range(2, limit):
        d = 2
        while d * d <= n:
            if n % d == 0:
                break
            d += 1
        else:
            found += 1
    return found


def monte_carlo(samples=300000):
    """W6: pi from random points."""
    inside = 0
    for _ in range(samples):
        x, y = random.random(), random.random()
        if x * x + y * y <= 1.0:
            inside += 1
    return 4.0 * inside / samples


# How tasks are run.

def sequential(task):
    """One thread, one task after the other, for ever."""
    ready()
    while True:
        task()


def in_threads(task, count=WORKERS):
    """`count` threads, each repeating the task for ever."""
    started = threading.Barrier(count + 1)

    def worker():
        started.wait()
        while True:
            task()

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    started.wait()
    ready()
    for thread in threads:
        thread.join()


def process_worker(task, pipe):
    """A child process: repeat the task until the parent is gone."""
    parent = os.getppid()
    pipe.send("up")
    while os.getppid() == parent:
        task()


def in_processes(task, count=WORKERS):
    """`count` child processes by the default start method, each repeating the task."""
    here, there = multiprocessing.Pipe(duplex=False)
    children = [multiprocessing.Process(target=process_worker, args=(task, there), daemon=True)
                for _ in range(count)]
    for child in children:
        child.start()
    for _ in children:
        here.recv()
    ready()
    for child in children:
        child.join()


# W6: coroutines that compute. asyncio gives them nothing.

async def compute_in_loop():
    async def one():
        while True:
            monte_carlo(50000)
            await asyncio.sleep(0)

    ready()
    await asyncio.gather(*[one() for _ in range(WORKERS)])


# W7: sleeps that stand for requests.

NAPS = [0.3, 0.5] * 10


def naps_sequential():
    ready()
    while True:
        for nap in NAPS:
            time.sleep(nap)


def pool_rounds(task, items, workers):
    """Map the task over the items in a thread pool, round after round."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(task, items))
        ready()
        while True:
            list(pool.map(task, items))


def naps_threads():
    pool_rounds(time.sleep, NAPS, 10)


async def naps_asyncio():
    ready()
    while True:
        await asyncio.gather(*[asyncio.sleep(nap) for nap in NAPS])


# W8: requests to http_server.py, which answers after 0.5 s.

def http_get(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    body = connection.getresponse().read()
    connection.close()
    return body


def http_sequential(port):
    http_get(port)
    ready()
    while True:
        http_get(port)


def http_threads(port):
    pool_rounds(http_get, [port] * 10, 10)


async def http_asyncio(port):
    async def get():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        body = await reader.read()
        writer.close()
        return body

    await get()
    ready()
    while True:
        await asyncio.gather(*[get() for _ in range(10)])


# W9: files. Each thread writes a block, forces it to the disk, and reads it back.

def disk_threads(folder):
    block = os.urandom(1 << 20)
    turn = threading.local()

    def write_and_read():
        if not hasattr(turn, "fd"):
            path = os.path.join(folder, "block-%d" % threading.get_ident())
            turn.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            turn.number = 0
        offset = turn.number % 16 * len(block)
        turn.number += 1
        os.pwrite(turn.fd, block, offset)
        os.fsync(turn.fd)
        os.posix_fadvise(turn.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.pread(turn.fd, len(block), offset)

    in_threads(write_and_read)


# W16: producers and consumers. The producers are paced, so consumers wait for work.

def queue_threads():
    jobs = queue.Queue(maxsize=100)

    def consumer():
        while True:
            sum(range(jobs.get()))

    def producer():
        while True:
            time.sleep(0.01)
            jobs.put(1000)

    for target in [consumer] * 4 + [producer] * 2:
        threading.Thread(target=target, daemon=True).start()
    ready()
    threading.Event().wait()


def queue_consumer(jobs):
    """A child process that takes jobs until it is told to end or the parent is gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        sum(range(jobs.get()))


def queue_processes():
    jobs = multiprocessing.Queue()
    for _ in range(3):
        multiprocessing.Process(target=queue_consumer, args=(jobs,), daemon=True).start()
    jobs.put(1000)
    ready()
    while True:
        time.sleep(0.01)
        jobs.put(1000)


async def queue_asyncio():
    jobs = asyncio.Queue(maxsize=100)

    async def consumer():
        while True:
            sum(range(await jobs.get()))

    async def producer():
        while True:
            await asyncio.sleep(0.01)
            await jobs.put(1000)

    ready()
    await asyncio.gather(*[consumer() for _ in range(4)], *[producer() for _ in range(2)])


# W17: one lock, held for real work: in Python code, or in C code without the GIL.

COUNTER = 0


def locked_python():
    lock = threading.Lock()

    def work():
        global COUNTER
        with lock:
            sum(i * i for i in range(20000))
            COUNTER += 1

    in_threads(work)


def locked_hash():
    lock = threading.Lock()
    data = bytes(1 << 20)

    def work():
        global COUNTER
        with lock:
            hashlib.sha256(data).digest()
            COUNTER += 1

    in_threads(work)


# W18: a pool of 1,000 workers with little to do.

def oversized_pool():
    workers = 1000
    everyone = threading.Barrier(workers + 1)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        # A worker is only started when none is idle: keep each busy until all are there.
        waits = [pool.submit(everyone.wait) for _ in range(workers)]
        everyone.wait()
        for wait in waits:
            wait.result()
        used = -1.0
        while time.process_time() - used > 0.01:  # they are still going back to the queue
            used = time.process_time()
            time.sleep(0.2)
        ready()
        while True:
            pool.submit(sum, range(1000)).result()
            time.sleep(0.02)


# W22: C code that releases the GIL.

def hash_threads():
    data = bytes(8 << 20)
    in_threads(lambda: hashlib.sha256(data).digest())


def zlib_threads():
    data = random.Random(1).getrandbits(8 << 20).to_bytes(1 << 20, "little")
    in_threads(lambda: zlib.compress(data, 6))


FORMS = {
    "w1-sequential": lambda: sequential(squares),
    "w2-threads": lambda: in_threads(squares),
    "w3-processes": lambda: in_processes(squares),
    "w4-threads": lambda: in_threads(fib),
    "w4-processes": lambda: in_processes(fib),
    "w5-threads": lambda: in_threads(primes),
    "w5-processes": lambda: in_processes(primes),
    "w6-threads": lambda: in_threads(monte_carlo),
    "w6-asyncio": lambda: asyncio.run(compute_in_loop()),
    "w6-processes": lambda: in_processes(monte_carlo),
    "w7-sequential": naps_sequential,
    "w7-threads": naps_threads,
    "w7-asyncio": lambda: asyncio.run(naps_asyncio()),
    "w8-sequential": lambda port: http_sequential(int(port)),
    "w8-threads": lambda port: http_threads(int(port)),
    "w8-asyncio": lambda port: asyncio.run(http_asyncio(int(port))),
    "w9-threads": disk_threads,
    "w16-queue": queue_threads,
    "w16-multiprocessing": queue_processes,
    "w16-asyncio": lambda: asyncio.run(queue_asyncio()),
    "w17-python": locked_python,
    "w17-hash": locked_hash,
    "w18-threads": oversized_pool,
    "w22-hash": hash_threads,
    "w22-zlib": zlib_threads,
}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in FORMS:
        sys.exit("usage: workloads.py NAME [ARG], NAME one of: " + " ".join(FORMS))
    FORMS[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
