# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that count their own units of work, and the CPU time of each.

    counted.py FORM [PAUSE_MS [N]]

Servers are asked by N clients in a process of their own, each of which pauses between requests:
    threads   a thread for each connection, many requests on one
    parts     the same, of requests that come in two parts, each waited for
    http      http.server, a connection for each request, and so a thread
    asyncio   streams; its units are the turns of the loop
Workers, N of them, are given work by a thread that pauses, and one unit more that is never done:
    pool      concurrent.futures: all workers wait by one lock
    queue     queue.Queue: each waits by a lock of its own
    compute   no units: N threads that compute

Prints "ready" once there were 20 units. A line "START STOP" (time.time_ns()) on stdin is answered
by the units that ended in between, and the CPU time of these in ns.
"""
import asyncio
import collections
import concurrent.futures
import http.server
import os
import queue
import socket
import sys
import threading
import time

ROUNDS = 8000
ended = collections.deque()  # (when, CPU time)
process_last = [0]
lock = threading.Lock()


def work():
    n = 0
    for i in range(ROUNDS):
        n += i * i
    return n


def unit_done(last):
    """The unit that the thread did since `last` of its CPU time."""
    now = time.thread_time_ns()
    ended.append((time.time_ns(), now - last))
    return now


def answer():
    while len(ended) < 20 and FORM != "compute":
        time.sleep(0.005)
    print("ready", flush=True)
    for line in sys.stdin:
        start, stop = map(int, line.split())
        some = [cpu for when, cpu in list(ended) if start <= when < stop]
        print(len(some), sum(some), flush=True)
    os._exit(0)


def ask(port, pause):
    """A client: of http a connection for each request."""
    sock = None
    while True:
        if not sock:
            sock = socket.create_connection(("127.0.0.1", port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if FORM == "http":
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while sock.recv(65536):
                pass
            sock.close()
            sock = None
        else:
            sock.sendall(b"0123")
            if FORM == "parts":
                time.sleep(0.002)
            sock.sendall(b"4567" if FORM == "parts" else b"")
            sock.recv(16)
        time.sleep(pause)


def clients(port, n, pause):
    if os.fork():
        return
    threads = [threading.Thread(target=ask, args=(port, pause)) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    last = time.thread_time_ns()
    while connection.recv(4) and (FORM != "parts" or connection.recv(4)):
        work()
        connection.sendall(b"ok")
        last = unit_done(last)


def threads(n, pause):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    clients(listener.getsockname()[1], n, pause)
    threading.Thread(target=answer, daemon=True).start()
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        work()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")
        # all of the process: what it takes to accept, and to start a thread
        with lock:
            now = time.process_time_ns()
            ended.append((time.time_ns(), now - process_last[0]))
            process_last[0] = now

    def log_message(self, *args):
        pass


def http_server(n, pause):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    clients(server.server_address[1], n, pause)
    threading.Thread(target=answer, daemon=True).start()
    server.serve_forever()


async def loop_server(n, pause):
    async def client(reader, writer):
        while await reader.read(4):
            work()
            writer.write(b"ok")

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    clients(server.sockets[0].getsockname()[1], n, pause)
    threading.Thread(target=answer, daemon=True).start()
    selector = asyncio.get_running_loop()._selector
    select, last = selector.select, [time.thread_time_ns()]

    def counted(timeout):
        last[0] = unit_done(last[0])
        return select(timeout)

    selector.select = counted
    await server.serve_forever()


def pool(n, pause):
    barrier = threading.Barrier(n)
    local = threading.local()
    executor = concurrent.futures.ThreadPoolExecutor(n)

    def task():
        work()
        local.last = unit_done(getattr(local, "last", 0))

    for done in [executor.submit(barrier.wait) for _ in range(n)]:
        done.result()
    threading.Thread(target=answer, daemon=True).start()
    while True:
        executor.submit(task)
        time.sleep(pause)


def queued(n, pause):
    tasks = queue.Queue(100)

    def worker():
        last = time.thread_time_ns()
        while True:
            tasks.get()
            work()
            last = unit_done(last)

    for _ in range(n):
        threading.Thread(target=worker, daemon=True).start()
    threading.Thread(target=answer, daemon=True).start()
    while True:
        tasks.put(1)
        if pause:
            time.sleep(pause)


def compute(n, _pause):
    def forever():
        while True:
            work()

    for _ in range(n):
        threading.Thread(target=forever, daemon=True).start()
    answer()


def main():
    if FORM == "asyncio":
        return asyncio.run(loop_server(N, PAUSE))
    return {"threads": threads, "parts": threads, "http": http_server, "pool": pool,
            "queue": queued, "compute": compute}[FORM](N, PAUSE)


FORM = sys.argv[1]
PAUSE = float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.02
N = int(sys.argv[3]) if len(sys.argv) > 3 else 3

if __name__ == "__main__":
    main()
