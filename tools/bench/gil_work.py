# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Four threads that want the GIL all the time; each counts the work it has done in FILE.

gil_work.py FILE compute|release|io

compute: pure Python; the GIL changes hands every 5 ms, when the interpreter asks for it.
release: each piece of work gives the GIL up and takes it again, as a checksum of 8 KiB does,
         so that it changes hands as often as the threads can pass it on.
io:      two clients and two servers; each piece of work is a short request or answer through a
         socket, read, taken apart and sent, and both ends block for the other.
"""
import mmap
import socket
import sys
import threading
import zlib

THREADS = 4
DATA = bytes(8192)  # zlib.crc32() lets go of the GIL for more than 5 KiB


def compute(counts, at):
    done = 0
    while True:
        total = 0
        for i in range(2000):
            total += i * i
        done += 1
        counts[at] = done


def release(counts, at):
    done = 0
    while True:
        zlib.crc32(DATA)
        done += 1
        counts[at] = done


SOCKETS = [end for _ in range(THREADS // 2) for end in socket.socketpair()]


def io(counts, at):
    mine = SOCKETS[at]
    done = 0
    if at % 2 == 0:
        mine.send(b"method=get&path=/index&count=1")
    while True:
        fields = dict(part.split("=") for part in mine.recv(256).decode().split("&"))
        fields["count"] = str(int(fields["count"]) + 1)
        mine.send("&".join(key + "=" + value for key, value in fields.items()).encode())
        done += 1
        counts[at] = done


def main():
    work = {"compute": compute, "release": release, "io": io}[sys.argv[2]]
    with open(sys.argv[1], "r+b") as f:
        f.truncate(4096)
        # stored as one word; struct.pack_into() would write zeros first, for a reader to see
        counts = memoryview(mmap.mmap(f.fileno(), 4096)).cast("Q")
    threads = [threading.Thread(target=work, args=(counts, i), daemon=True)
               for i in range(THREADS)]
    for t in threads:
        t.start()
    print("ready", flush=True)
    threads[0].join()


main()
