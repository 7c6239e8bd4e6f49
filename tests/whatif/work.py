# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program that counts its units of work, in several forms that do the same.

    work.py FORM N PIECE...    FORM: threads, processes, asyncio; N workers
                               PIECE: what a unit is made of, in order

Pieces: cpu:US, Python code for about so many microseconds; native:US, C code that lets go of the
GIL; sleep:US; ask:US:PORT, a request to a server that answers after so long; fsync:KIB, so much
written to a file in the current folder and to its disk; lock and unlock, around those between, by
the lock of the form. lock:K: by one of K locks, at random.

It says "ready" once all workers have done a unit. For each line on stdin it prints the units done
so far and its own clock, in ns.
"""
import asyncio
import hashlib
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import threading
import time

BLOCK = bytes(1 << 16)


def spin(rounds):
    n = 0
    for i in range(rounds):
        n += i * i
    return n


def native(rounds):
    for _ in range(rounds):
        hashlib.sha256(BLOCK)


def rounds_for(piece, us, one):
    """How many rounds take so long on this machine, alone."""
    for _ in range(50):
        piece(one)
    best = min(timed(piece, one) for _ in range(100))
    return us / best * one


def timed(piece, count):
    start = time.perf_counter_ns()
    piece(count)
    return (time.perf_counter_ns() - start) / 1000


def parse(words):
    """[(kind, figure)], calibrated: by numbers from the environment, so that two forms do the same."""
    pieces = []
    for word in words:
        kind, *figures = word.split(":")
        pieces.append((kind, *map(int, figures)))
    return pieces


PER_MS = {}


def calibrate():
    given = os.environ.get("WORK_PER_MS")
    if given:
        PER_MS["cpu"], PER_MS["native"] = map(float, given.split(","))
        return
    PER_MS["cpu"] = rounds_for(spin, 1000, 20000)
    PER_MS["native"] = rounds_for(native, 1000, 30)


def rounds(kind, us):
    return max(1, round(PER_MS[kind] * us / 1000))


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, us):
        self.socket.sendall(b"%9d\n" % us)
        got = b""
        while len(got) < 10:
            data = self.socket.recv(10 - len(got))
            if not data:
                os._exit(1)
            got += data


class Disk:
    """A file of its own, that nobody else sees."""

    def __init__(self):
        self.file = tempfile.TemporaryFile(dir=".", buffering=0)

    def sync(self, kib):
        os.pwrite(self.file.fileno(), bytes(kib << 10), 0)
        os.fsync(self.file.fileno())


def locks_of(pieces):
    """How many locks there are."""
    return max([figures[0] for kind, *figures in pieces if kind == "lock" and figures], default=1)


def compile_unit(pieces, locks):
    """A function that does one unit."""
    clients, choose = {}, random.Random(threading.get_ident() ^ os.getpid())
    disk = Disk() if any(kind == "fsync" for kind, *_ in pieces) else None

    def unit():
        lock = None
        for kind, *figures in pieces:
            if kind == "cpu":
                spin(rounds("cpu", figures[0]))
            elif kind == "native":
                native(rounds("native", figures[0]))
            elif kind == "sleep":
                time.sleep(figures[0] / 1e6)
            elif kind == "lock":
                lock = locks[0] if len(locks) == 1 else choose.choice(locks)
                lock.acquire()
            elif kind == "unlock":
                lock.release()
            elif kind == "fsync":
                disk.sync(figures[0])
            elif kind == "ask":
                if figures[1] not in clients:
                    clients[figures[1]] = Client(figures[1])
                clients[figures[1]].ask(figures[0])
    return unit


def work(pieces, locks, counts, slot):
    unit = compile_unit(pieces, locks)
    while True:
        unit()
        counts[slot] += 1


async def work_async(pieces, lock, counts, slot):
    streams, waits = {}, any(kind in ("sleep", "ask") for kind, *_ in pieces)
    while True:
        for kind, *figures in pieces:
            if kind == "cpu":
                spin(rounds("cpu", figures[0]))
            elif kind == "native":
                native(rounds("native", figures[0]))
            elif kind == "sleep":
                await asyncio.sleep(figures[0] / 1e6)
            elif kind == "lock":
                await lock.acquire()
            elif kind == "unlock":
                lock.release()
            elif kind == "ask":
                if figures[1] not in streams:
                    streams[figures[1]] = await asyncio.open_connection("127.0.0.1", figures[1])
                reader, writer = streams[figures[1]]
                writer.write(b"%9d\n" % figures[0])
                await reader.readexactly(10)
        counts[slot] += 1
        if not waits:
            await asyncio.sleep(0)


async def main_async(pieces, n, counts):
    lock = asyncio.Lock()
    await asyncio.gather(*(work_async(pieces, lock, counts, i) for i in range(n)))


def answer(counts):
    while not all(counts):
        time.sleep(0.005)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(sum(counts), time.monotonic_ns(), flush=True)
    os._exit(0)


def serve():
    """Each connection's requests are answered after the delay that they name, by one loop."""
    async def client(reader, writer):
        try:
            while True:
                us = int(await reader.readexactly(10))
                await asyncio.sleep(us / 1e6)
                writer.write(b"%9d\n" % us)
        except asyncio.IncompleteReadError:
            writer.close()

    async def main():
        server = await asyncio.start_server(client, "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())


def main():
    if sys.argv[1] == "serve":
        return serve()
    if sys.argv[1] == "calibrate":
        calibrate()
        print("%f,%f" % (PER_MS["cpu"], PER_MS["native"]))
        return None
    form, n, pieces = sys.argv[1], int(sys.argv[2]), parse(sys.argv[3:])
    calibrate()
    if form == "processes":
        counts = multiprocessing.RawArray("Q", n)
        locks = [multiprocessing.Lock() for _ in range(locks_of(pieces))]
        for i in range(n):
            if not os.fork():
                os.close(0)
                work(pieces, locks, counts, i)
        return answer(counts)
    counts = [0] * n
    if form == "asyncio":
        threading.Thread(target=answer, args=(counts,), daemon=True).start()
        return asyncio.run(main_async(pieces, n, counts))
    locks = [threading.Lock() for _ in range(locks_of(pieces))]
    for i in range(n):
        threading.Thread(target=work, args=(pieces, locks, counts, i), daemon=True).start()
    return answer(counts)


if __name__ == "__main__":
    main()
