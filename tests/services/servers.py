# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Servers of the tests' own: on a free port of loopback, in a temporary folder, as nobody. Each is
ended with the test that started it, and leaves nothing."""
import contextlib
import glob
import os
import pwd
import signal
import socket
import subprocess
import tempfile

import psycopg2
import redis as redis_client

import lib

ADDRESS = "127.0.0.1"
USER = "nobody"


def free_port():
    with socket.socket() as sock:
        sock.bind((ADDRESS, 0))
        return sock.getsockname()[1]


def as_nobody(argv, folder, **options):
    return dict(args=argv, cwd=folder, user=USER, group=pwd.getpwnam(USER).pw_gid, extra_groups=[],
                stdin=subprocess.DEVNULL, env={"LC_ALL": "C", "HOME": folder}, **options)


@contextlib.contextmanager
def folder_of_nobody():
    with tempfile.TemporaryDirectory(prefix="boundby-service-") as folder:
        user = pwd.getpwnam(USER)
        os.chown(folder, user.pw_uid, user.pw_gid)
        yield folder


@contextlib.contextmanager
def running(argv, folder, answers, how):
    """A server, from its first answer on. @how: the signal that ends it in order."""
    with open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen(**as_nobody(argv, folder, stdout=log, stderr=log))

    def ready():
        if process.poll() is None:
            return answers()
        with open(log.name, errors="replace") as said:
            raise AssertionError("%s ended with %d: %s" % (argv[0], process.returncode, said.read()))

    try:
        lib.wait_until(ready, "the first answer of " + argv[0])
        yield
        process.send_signal(how)
        assert process.wait(lib.DEADLINE) == 0, argv
    finally:
        lib.end(process)


@contextlib.contextmanager
def postgres():
    programs = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    with folder_of_nobody() as folder:
        data, port = os.path.join(folder, "data"), free_port()
        subprocess.run(**as_nobody([programs + "/initdb", "-D", data, "-U", "test", "-A", "trust", "-N"],
                                   folder, stdout=subprocess.DEVNULL), check=True)
        options = {"listen_addresses": ADDRESS, "unix_socket_directories": "", "fsync": "off",
                   "shared_memory_type": "mmap", "dynamic_shared_memory_type": "mmap"}
        argv = [programs + "/postgres", "-D", data, "-p", str(port)]
        for option in options.items():
            argv += ["-c", "%s=%s" % option]

        def answers():
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(host=ADDRESS, port=port, user="test", dbname="postgres").close()
                return True
            return False

        with running(argv, folder, answers, signal.SIGINT):
            yield port


@contextlib.contextmanager
def redis():
    with folder_of_nobody() as folder:
        port = free_port()
        argv = ["/usr/bin/redis-server", "--port", str(port), "--bind", ADDRESS, "--save", "", "--hz", "100",
                "--dir", folder]

        def answers():
            with contextlib.suppress(redis_client.ConnectionError):
                with redis_client.Redis(ADDRESS, port) as client:
                    return client.ping()
            return False

        with running(argv, folder, answers, signal.SIGTERM):
            yield port
