# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Goes into a cgroup, and computes there on one CPU. usage: throttled.py CGROUP_FOLDER CPU SECONDS"""
import os
import sys
import time

os.sched_setaffinity(0, {int(sys.argv[2])})
with open(sys.argv[1] + "/cgroup.procs", "w") as procs:
    procs.write(str(os.getpid()))
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    pass
