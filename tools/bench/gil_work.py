# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Four threads that want the GIL all the time; each counts the work it has done in FILE.

gil_work.py FILE compute|release|requests|messages

compute: pure Python; the GIL changes hands every 5 ms, when the interpreter asks for it.
release: each piece of work gives the GIL up and takes it again, as a checksum of 8 KiB does,
         so that it changes hands as often as the threads can pass it on.
requests: two clients and two servers; each piece of work is a request or an answer of 1 KiB of
         JSON over TCP, read, taken apart and sent, and both ends block for the other.
messages: the same with 30 bytes over a Unix socket: hardly more than the switches.
"""
import json
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


def over_tcp():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        ends = client, server.accept()[0]
    for end in ends:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ends


def pairs(make):
    return [end for _ in range(THREADS // 2) for end in make()]


SOCKETS = []
REQUEST = {"method": "get", "path": "/index", "count": 1,
           "items": [{"id": i, "name": "item %d" % i, "price": i / 4} for i in range(20)]}


def requests(counts, at):
    mine = SOCKETS[at]
    done = 0
    if at % 2 == 0:
        mine.sendall(json.dumps(REQUEST).encode())
    while True:
        fields = json.loads(mine.recv(65536))
        fields["count"] += 1
        fields["items"].append(fields["items"].pop(0))
        mine.sendall(json.dumps(fields).encode())
        done += 1
        counts[at] = done


def messages(counts, at):
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
    work = {"compute": compute, "release": release, "requests": requests,
            "messages": messages}[sys.argv[2]]
    SOCKETS.extend(pairs(over_tcp if work is requests else socket.socketpair))
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
