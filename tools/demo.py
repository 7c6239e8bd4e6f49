# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Four threads that compute in pure Python: the GIL lets one of them run at a time."""
import threading


def work():
    while True:
        sum(i * i for i in range(1_000_000))


threads = [threading.Thread(target=work, name=f"worker-{i}", daemon=True) for i in range(4)]
for t in threads:
    t.start()
print("ready", flush=True)
threads[0].join()
