# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program of known phases, of four threads that do the same kind of work at a time.

    phases.py LOG KIND=SECONDS... [once]

LOG gets a line for each phase, with its kind and when it began by the wall clock.

fetch    each thread waits for a timer of 50 ms, over and over
compute  each thread computes in Python
quiet    they wait for work
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
    def __init__(self, log, plan, once):
        self.log, self.plan, self.once = log, plan, once
        self.meet = threading.Barrier(THREADS)
        self.until = 0.0

    def note(self, kind, seconds):
        self.until = time.monotonic() + seconds
        self.log.write("%s %d\n" % (kind, time.time_ns()))
        self.log.flush()

    def run(self, number):
        while True:
            for kind, seconds in self.plan:
                if self.meet.wait() == 0:
                    self.note(kind, seconds)
                self.meet.wait()
                if kind == "fetch":
                    fetch(self.until)
                elif kind == "compute":
                    compute(self.until)
                elif number == 0:
                    time.sleep(self.until - time.monotonic())
            if self.once:
                return


def main():
    once = sys.argv[-1] == "once"
    plan = [arg.split("=") for arg in sys.argv[2:len(sys.argv) - once]]
    assert all(kind in ("fetch", "compute", "quiet") for kind, _ in plan)
    with open(sys.argv[1], "w", encoding="ascii") as log:
        program = Program(log, [(kind, float(seconds)) for kind, seconds in plan], once)
        threads = [threading.Thread(target=program.run, args=(number,), daemon=True)
                   for number in range(THREADS)]
        for thread in threads:
            thread.start()
        print("ready", flush=True)
        for thread in threads:
            thread.join()


main()
