# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""computing.py N: so many threads compute; for any Python, 2.7 too. Prints "ready"."""
import sys
import threading
import time


def compute():
    x = 0
    while True:
        for i in range(1000):
            x += i


for _ in range(int(sys.argv[1])):
    t = threading.Thread(target=compute)
    t.daemon = True
    t.start()
sys.stdout.write("ready\n")
sys.stdout.flush()
while True:
    time.sleep(1000)
