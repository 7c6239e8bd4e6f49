# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Two threads that want the GIL: one loops in Python, one calls C that keeps it. Only built-in modules."""
import _thread
import time
import zlib

DATA = b"x" * 4000  # up to 5 KiB it does not let go of the GIL


def in_python():
    x = 0
    while True:
        for i in range(10000):
            x += i


def in_c():
    while True:
        zlib.crc32(DATA)


_thread.start_new_thread(in_python, ())
_thread.start_new_thread(in_c, ())
print("ready", flush=True)
time.sleep(600)
