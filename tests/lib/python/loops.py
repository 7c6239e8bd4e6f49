# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An asyncio loop that times its own turns: loops.py FORM FOLDER. Prints "ready".

Each turn, from the return of the selector to its next call, is written to FOLDER/turns as two
numbers: the monotonic clock at its end and its length, in ns.
"""
import asyncio
import os
import random
import sys
import time

FORM, FOLDER = sys.argv[1], os.path.dirname(os.path.abspath(__file__))


def burn(secs):
    end = time.thread_time() + secs
    while time.thread_time() < end:
        pass


async def ticker():
    """Short turns."""
    while True:
        await asyncio.sleep(0.005)
        burn(random.choice((0.0005, 0.001, 0.002)))


async def sleeps_in_the_loop():
    """A blocking call in a coroutine."""
    while True:
        await asyncio.sleep(0.2)
        time.sleep(0.1)


async def computes_in_the_loop():
    while True:
        await asyncio.sleep(0.2)
        burn(0.1)


def time_turns(loop):
    """Wrap the selector; the lines are written by the turn's end."""
    selector, clock = loop._selector, time.perf_counter_ns
    select, out, last = selector.select, [], [None]

    def timed(timeout=None):
        now = clock()
        if last[0] is not None:
            out.append((time.monotonic_ns(), now - last[0]))
        if len(out) >= 50:
            with open(os.path.join(FOLDER, "turns"), "a") as f:
                f.write("".join("%d %d\n" % row for row in out))
            del out[:]
        result = select(timeout)
        last[0] = clock()
        return result

    selector.select = timed


async def main():
    time_turns(asyncio.get_event_loop())
    tasks = [asyncio.ensure_future(ticker())]
    if FORM == "blocked":
        tasks.append(asyncio.ensure_future(sleeps_in_the_loop()))
    if FORM == "computes":
        tasks.append(asyncio.ensure_future(computes_in_the_loop()))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.wait(tasks)


if __name__ == "__main__":
    asyncio.new_event_loop().run_until_complete(main())
