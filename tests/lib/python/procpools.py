# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pools of processes: procpools.py futures|pool computes|tiny|waits|idle

The parent only feeds two workers (eight, for tasks that wait), and waits for their results.
"""
import concurrent.futures
import multiprocessing
import sys
import time


def compute(n):
    return sum(i * i for i in range(n))


def square(x):
    return x * x


def nap(seconds):
    time.sleep(seconds)


TASKS = {"computes": (compute, [200000] * 40, 2), "tiny": (square, range(4000), 2),
         "waits": (nap, [0.02] * 80, 8), "idle": (nap, [0.02] * 80, 4)}


def rounds(run, form):
    function, items, _ = TASKS[form]
    run(function, items)
    print("ready", flush=True)
    while form != "idle":
        run(function, items)
    while True:
        time.sleep(1000)


def main():
    kind, form = sys.argv[1:]
    workers = TASKS[form][2]
    if kind == "futures":
        with concurrent.futures.ProcessPoolExecutor(workers) as pool:
            rounds(lambda f, items: list(pool.map(f, items)), form)
    else:
        with multiprocessing.Pool(workers) as pool:
            rounds(lambda f, items: pool.map(f, items, chunksize=1), form)


if __name__ == "__main__":
    main()
