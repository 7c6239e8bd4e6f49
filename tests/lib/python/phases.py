# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program of known phases: `phases.py LOG KIND=SECONDS...` does one kind of work after the other,
over and over, in four threads at once, and notes in LOG by the wall clock when each begins.

fetch    each thread waits 50 ms for a timer, over and over
compute  each thread computes in Python
quiet    all but the main thread wait for work, and that for a second
"""
import sys
import threading
import time

THREADS = 4


def fetch(until):
    while time.monotonic() < until:
        time.sleep(0.05)


def compute(until):
    while time.monotonic() < until:
        sum(i * i for i in range(3000))


class Program:
    def __init__(self, log, plan):
        self.log, self.plan = log, plan
        self.start = threading.Barrier(THREADS)
        self.until = 0.0

    def run(self, number):
        while True:
            for kind, seconds in self.plan:
                if self.start.wait() == 0:
                    self.until = time.monotonic() + seconds
                    self.log.write("%s %d\n" % (kind, time.time_ns()))
                    self.log.flush()
                self.start.wait()
                if kind == "fetch":
                    fetch(self.until)
                elif kind == "compute":
                    compute(self.until)
                elif number == 0:
                    time.sleep(self.until - time.monotonic())


def main():
    plan = [(kind, float(seconds)) for kind, _, seconds in
            (arg.partition("=") for arg in sys.argv[2:])]
    assert all(kind in ("fetch", "compute", "quiet") for kind, _ in plan)
    with open(sys.argv[1], "w", encoding="ascii") as log:
        program = Program(log, plan)
        threads = [threading.Thread(target=program.run, args=(number,), daemon=True)
                   for number in range(THREADS)]
        for thread in threads:
            thread.start()
        print("ready", flush=True)
        for thread in threads:
            thread.join()


main()
