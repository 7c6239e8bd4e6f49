# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python programs of the corpus that tests/workloads/workloads.py does not have.

    programs.py NAME [ARG...]     NAME is W-number (or mix) and form, e.g. w10-threads

Each prints `ready` and repeats its work until it is killed; the forms of workloads.py are known by
their names, too. What talks to a server takes the address of server.py's HTTP port. Runs unchanged on
CPython 3.7 to 3.15. What a verdict on each must be is written down in corpus.py.
"""
import asyncio
import hashlib
import lzma
import multiprocessing
import multiprocessing.connection
import os
import queue
import random
import resource
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import workloads
from workloads import ready


def compute(seconds):
    """Pure Python, for so much CPU time of the calling thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(i * i for i in range(2000))


def fetch(port, seconds):
    """One HTTP GET that is answered after so long; without a port a sleep stands for it."""
    if not port:
        time.sleep(seconds)
        return
    with socket.create_connection(("127.0.0.1", int(port))) as s:
        s.sendall(b"GET /%g HTTP/1.0\r\n\r\n" % seconds)
        while s.recv(4096):
            pass


def for_ever(function, *args):
    """Repeat until killed."""
    ready()
    while True:
        function(*args)


def in_threads(function, count):
    """So many threads, each of which repeats it."""
    workloads.in_threads(function, count)


# W10: 30 queries of 0.2 s, of which 5 are let through at a time.

def queries():
    connections = threading.BoundedSemaphore(5)

    def query():
        with connections:
            time.sleep(0.2)

    in_threads(query, 30)


# W11, W12: 10 tasks that fetch, then compute, twice as long the one as the other.

def fetch_and_compute(port, seconds):
    fetch(port, seconds)
    compute(seconds / 2)


def pipeline_threads(port, seconds):
    with ThreadPoolExecutor(10) as pool:
        for_ever(lambda: list(pool.map(lambda _: fetch_and_compute(port, seconds), range(10))))


def pipeline_hybrid(port, seconds):
    with ThreadPoolExecutor(10) as threads, ProcessPoolExecutor(4) as processes:
        list(processes.map(compute, [0.01] * 8))

        def one():
            list(threads.map(lambda _: fetch(port, seconds), range(10)))
            list(processes.map(compute, [seconds / 2] * 10))

        for_ever(one)


# W13 to W15: event loops.

async def many_sleeps(least, most):
    """10,000 tasks that sleep, each so long as it is dealt."""
    deal = random.Random(1).uniform

    async def one():
        while True:
            await asyncio.sleep(deal(least, most))

    ready()
    await asyncio.gather(*[one() for _ in range(10000)])


async def blocking_sleeps():
    async def one():
        time.sleep(1)

    ready()
    while True:
        await asyncio.gather(*[one() for _ in range(5)])


async def executor(port):
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(10) as pool:
        ready()
        while True:
            await asyncio.gather(*[loop.run_in_executor(pool, fetch, port, 0.3)
                                   for _ in range(20)])


# W19: parts of one shared array.

def fill_part(array, part, parts):
    parent, size = os.getppid(), len(array) // parts
    while os.getppid() == parent:
        for i in range(part * size, (part + 1) * size):
            array[i] = i * i


def shared_array():
    array = multiprocessing.Array("d", 100000, lock=False)
    for part in range(4):
        multiprocessing.Process(target=fill_part, args=(array, part, 4), daemon=True).start()
    ready()
    multiprocessing.connection.wait([p.sentinel for p in multiprocessing.active_children()])


def fill_numpy(raw, part, parts):
    import numpy
    parent, array = os.getppid(), numpy.frombuffer(raw)
    mine = array[part * len(array) // parts:(part + 1) * len(array) // parts]
    while os.getppid() == parent:
        numpy.multiply(mine, mine, out=mine)
        numpy.sqrt(mine, out=mine)


def shared_numpy():
    raw = multiprocessing.RawArray("d", 4000000)
    for part in range(4):
        multiprocessing.Process(target=fill_numpy, args=(raw, part, 4), daemon=True).start()
    ready()
    multiprocessing.connection.wait([p.sentinel for p in multiprocessing.active_children()])


# W20: the pool costs more than the tasks.

def tiny(n):
    return n * n


def tiny_tasks():
    with multiprocessing.Pool(4) as pool:
        pool.map(tiny, range(100), chunksize=1)
        for_ever(lambda: pool.map(tiny, range(20000), chunksize=1))


# W21: a chat of 1,000 connections in which nobody says a word.

def chat():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listener = listen()
    address, parent = listener.getsockname(), os.getpid()
    if not os.fork():
        clients = [socket.create_connection(address) for _ in range(1000)]
        while clients and os.getppid() == parent:
            time.sleep(1)
        os._exit(0)
    asyncio.run(serve_chat(listener))


def listen():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1000)
    return listener


async def serve_chat(listener):
    people = []

    async def joined(reader, writer):
        people.append(writer)
        if len(people) == 1000:
            ready()
        while await reader.read(100):
            pass

    await asyncio.start_server(joined, sock=listener, backlog=1000)
    await asyncio.get_running_loop().create_future()


# W22: compression that releases the GIL.

def compress_lzma():
    data = random.Random(1).getrandbits(1 << 20).to_bytes(1 << 17, "little")
    in_threads(lambda: lzma.compress(data, preset=1), 4)


def filter_image():
    """A 3 x 3 blur of 2,000 x 2,000 pixels, in each thread its own."""
    import numpy

    def image():
        pixels = numpy.random.default_rng(1).random((2000, 2000), dtype=numpy.float32)
        return pixels, numpy.empty((1998, 1998), dtype=numpy.float32)

    local = threading.local()

    def blur():
        if not hasattr(local, "image"):
            local.image = image()
        pixels, out = local.image
        out[:] = 0
        for y in range(3):
            for x in range(3):
                out += pixels[y:y + 1998, x:x + 1998]
        out /= 9

    in_threads(blur, 4)


# Mixes: programs without a clean answer.

def one_thread(wait):
    """Half of the time it waits, half it computes."""
    def turn():
        wait()
        compute(0.05)

    for_ever(turn)


def disk_and_compute(folder):
    block, fd = os.urandom(1 << 20), tempfile.TemporaryFile(dir=folder)

    def turn():
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            fd.seek(0)
            fd.write(block)
            fd.flush()
            os.fsync(fd.fileno())

    one_thread(turn)


def gil_and_requests(port):
    """Two threads compute, eight wait for a server."""
    for _ in range(8):
        threading.Thread(target=lambda: for_each(fetch, port, 0.1), daemon=True).start()
    in_threads(lambda: compute(0.05), 2)


def for_each(function, *args):
    while True:
        function(*args)


def python_and_hash():
    """Half of it wants the GIL, half of it has let go of it."""
    data = bytes(8 << 20)

    def turn():
        start = time.thread_time()
        hashlib.sha256(data).digest()
        compute(time.thread_time() - start)

    in_threads(turn, 4)


def lock_and_sleep():
    """Each waits for the lock, whose holder waits for a timer."""
    lock = threading.Lock()

    def turn():
        with lock:
            time.sleep(0.02)
        compute(0.002)

    in_threads(turn, 4)


async def requests_in_loop(port):
    async def one():
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /0.1 HTTP/1.0\r\n\r\n")
            await reader.read()
            writer.close()
            compute(0.015)

    ready()
    await asyncio.gather(*[one() for _ in range(3)])


def half_loaded_server():
    """A client asks every 20 ms for what takes 10 ms of CPU time: up, and half busy."""
    listener = listen()
    parent = os.getpid()
    if not os.fork():
        with socket.create_connection(listener.getsockname()) as s:
            while os.getppid() == parent:
                s.sendall(b"?")
                s.recv(1)
                time.sleep(0.01)
        os._exit(0)
    client = listener.accept()[0]
    ready()
    while client.recv(1):
        compute(0.01)
        client.sendall(b"!")


def nap_and_compute():
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.05)
        compute(0.05)


def processes_half():
    """Four processes, each of which naps for half of the time."""
    children = [multiprocessing.Process(target=nap_and_compute, daemon=True) for _ in range(4)]
    for child in children:
        child.start()
    ready()
    for child in children:
        child.join()


def full_queue():
    """Two that put as fast as they can, two that take."""
    jobs = queue.Queue(maxsize=100)

    def put():
        jobs.put(sum(range(1000)))

    def take():
        sum(range(jobs.get() % 1000))

    for function in (put, put, take):
        threading.Thread(target=for_each, args=(function,), daemon=True).start()
    for_ever(take)


FORMS = {
    "w10-threads": queries,
    "w11-sequential": lambda port: for_ever(fetch_and_compute, port, 2.0),
    "w11-threads": lambda port: pipeline_threads(port, 2.0),
    "w11-sleep": lambda: pipeline_threads(None, 2.0),
    "w11-short": lambda port: pipeline_threads(port, 0.4),
    "w12-hybrid": lambda port: pipeline_hybrid(port, 2.0),
    "w12-short": lambda port: pipeline_hybrid(port, 0.4),
    "w13-asyncio": lambda: asyncio.run(many_sleeps(0.5, 1.5)),
    "w13-second": lambda: asyncio.run(many_sleeps(1.0, 1.0)),
    "w14-asyncio": lambda: asyncio.run(blocking_sleeps()),
    "w15-sleep": lambda: asyncio.run(executor(None)),
    "w15-http": lambda port: asyncio.run(executor(port)),
    "w19-array": shared_array,
    "w19-numpy": shared_numpy,
    "w20-pool": tiny_tasks,
    "w21-asyncio": chat,
    "w22-lzma": compress_lzma,
    "w22-numpy": filter_image,
    "mix-sleep-compute": lambda: one_thread(lambda: time.sleep(0.05)),
    "mix-disk-compute": disk_and_compute,
    "mix-gil-requests": gil_and_requests,
    "mix-python-hash": python_and_hash,
    "mix-lock-sleep": lock_and_sleep,
    "mix-loop-requests": lambda port: asyncio.run(requests_in_loop(port)),
    "mix-half-loaded": half_loaded_server,
    "mix-processes": processes_half,
    "mix-full-queue": full_queue,
}


def main():
    forms = dict(workloads.FORMS, **FORMS)
    if len(sys.argv) < 2 or sys.argv[1] not in forms:
        sys.exit("usage: programs.py NAME [ARG...], NAME one of: " + " ".join(forms))
    forms[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
