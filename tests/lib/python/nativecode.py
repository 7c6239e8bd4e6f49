# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs whose time goes into C code with the GIL held: nativecode.py FORM [FOLDER]. Each prints "ready"."""
import _ctypes
import ctypes
import hashlib
import os
import sys
import threading
import time
import zlib

FOLDER = os.path.dirname(os.path.abspath(__file__))
N = 3 * 10 ** 6  # rounds of a loop, some 5 ms


def thread(function, *args):
    t = threading.Thread(target=function, args=args)
    t.daemon = True
    t.start()
    return t


def library(name):
    """Its functions keep the GIL."""
    return ctypes.PyDLL(os.path.join(FOLDER, name))


def call(function):
    n = ctypes.c_ulong(N)
    while True:
        function(n)


def in_python():
    x = 0
    while True:
        for i in range(10000):
            x += i


def in_crc32():
    data = b"x" * 4000
    while True:
        zlib.crc32(data)


def in_sha256():
    data = b"x" * 2000
    while True:
        hashlib.sha256(data).digest()


def standard():
    """Calls into the standard library's C code that keep the GIL for their 4 kB, and none."""
    thread(in_crc32)
    thread(in_sha256)
    thread(in_python)


def chain():
    """Through three functions of a library."""
    thread(call, library("calls.so").calls_outer)
    thread(in_python)


def unnamed():
    """In a function that has no name in the file any more."""
    thread(call, library("calls.so").calls_unnamed)
    thread(in_python)


def deleted():
    """The file goes away, and another one gets its name."""
    lib = library("calls.so")
    os.unlink(os.path.join(FOLDER, "calls.so"))
    os.rename(os.path.join(FOLDER, "other.so"), os.path.join(FOLDER, "calls.so"))
    thread(call, lib.calls_outer)
    thread(in_python)


def in_first(function):
    for _ in range(300):
        function(ctypes.c_ulong(N))


def in_second(function):
    for _ in range(300):
        function(ctypes.c_ulong(N))


def swapping():
    """Two libraries in turns, each loaded where the other was."""
    def loop():
        while True:
            for name, function in ("calls", in_first), ("other", in_second):
                lib = library(name + ".so")
                function(getattr(lib, name + "_outer"))
                _ctypes.dlclose(lib._handle)
                del lib
    thread(loop)


def in_read(fd):
    while True:
        os.read(fd, 1 << 24)


def reading():
    """On a CPU in the kernel: a read that copies zeros."""
    thread(in_read, os.open("/dev/zero", os.O_RDONLY))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print("ready", flush=True)
    time.sleep(600)
