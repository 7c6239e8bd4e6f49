# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program that talks to servers, of known slowness.

    talker.py FORM [PORT...]

    short A B     a request each to A and to B in turn, by a new connection each time
    kept A B      the same by one connection each
    timeout A B   the same by sockets with a timeout, which poll() before each read
    six A B       the same by IPv6
    datagrams A B the same by UDP, connected
    reused A B    blocked in a read from A, while the descriptor becomes one of a connection to B
    serve N       a server with a thread for each of its N clients, which it waits for
    alone         a server and its client, in a network namespace of their own
    names         the same by UDP, on the port of name servers
    local PATH    as kept, of a unix server; @ at the start for a name without a file
    serve_local PATH  a unix server with a thread for each client, that answers at once
"""
import os
import socket
import sys
import threading
import time


def ready(*said):
    for line in said:
        print(line)
    print("ready", flush=True)


def ask(sock):
    sock.sendall(b"?")
    if not sock.recv(100):
        sys.exit("the server is gone")


def connect(port, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    sock = socket.socket(family, kind)
    sock.connect(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
    return sock


def short(*ports):
    ready()
    while True:
        for port in ports:
            with connect(port) as sock:
                ask(sock)


def in_turn(socks):
    ready()
    while True:
        for sock in socks:
            ask(sock)


def kept(*ports):
    in_turn([connect(port) for port in ports])


def timeout(*ports):
    socks = [connect(port) for port in ports]
    for sock in socks:
        sock.settimeout(5)
    in_turn(socks)


def six(*ports):
    in_turn([connect(port, socket.AF_INET6) for port in ports])


def datagrams(*ports):
    in_turn([connect(port, kind=socket.SOCK_DGRAM) for port in ports])


def reused(first, second):
    sock, other = connect(first), connect(second)
    blocked = threading.Thread(target=sock.recv, args=(1,), daemon=True)
    blocked.start()
    time.sleep(0.2)
    os.dup2(other.fileno(), sock.fileno())
    ready(blocked.native_id)
    time.sleep(1)
    os._exit(0)


def listen():
    server = socket.create_server(("127.0.0.1", 0))
    return server, server.getsockname()[1]


def answer(conn):
    while conn.recv(100):
        conn.sendall(b"!")


def serve(nr):
    server, port = listen()
    print(port, flush=True)
    for _ in range(nr):
        threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
    ready()
    server.accept()


def alone(_):
    """The server answers after 20 ms."""
    server, port = listen()

    def slow():
        conn = server.accept()[0]
        while conn.recv(100):
            time.sleep(0.02)
            conn.sendall(b"!")

    threading.Thread(target=slow, daemon=True).start()
    print(port, flush=True)
    in_turn([connect(port)])


def names(_):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def slow():
        while True:
            peer = server.recvfrom(100)[1]
            time.sleep(0.02)
            server.sendto(b"!", peer)

    threading.Thread(target=slow, daemon=True).start()
    in_turn([connect(53, kind=socket.SOCK_DGRAM)])


def local(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path.replace("@", "\0"))
    in_turn([sock])


def serve_local(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    ready()
    while True:
        threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()


def main(form, *args):
    globals()[form](*(int(arg) if arg.isdigit() else arg for arg in args or ["0"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
