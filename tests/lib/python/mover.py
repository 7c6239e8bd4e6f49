# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Moves itself from one CPU to another: as often as a line of its input says, its main thread, and as
often as the next one says, a thread that then ends. usage: mover.py CPU OTHER_CPU"""
import os
import sys
import threading

CPUS = [int(arg) for arg in sys.argv[1:3]]


def move(times):
    for i in range(times):
        os.sched_setaffinity(0, {CPUS[(i + 1) % 2]})


os.sched_setaffinity(0, {CPUS[0]})
print("ready", flush=True)
move(int(sys.stdin.readline()))
print("moved", flush=True)
thread = threading.Thread(target=move, args=[int(sys.stdin.readline())])
thread.start()
thread.join()
print("ended", flush=True)
sys.stdin.readline()
