# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""GIL waits, acquisitions and holders against uprobes on take_gil() and drop_gil().

Needs a Python with these symbols; Debian's is stripped. What a passage through take_gil() takes is
blocked time, which is what the tool calls waiting for the GIL, and time after the wake-up in which
the thread queues for a CPU, which the tool has under runq (docs/method.md, The GIL). The oracle
tells the two apart, so that both the waiting and the passage as a whole are accounted for.
"""
import pytest

import gil_oracle
import lib
from gil_oracle import BLOCKED, DROP, QUEUES, RUNS, TAKE
from test_gil_code import Program

pytestmark = pytest.mark.usefixtures("tool")


def candidates():
    found = [p for p in lib.pythons() if gil_oracle.object_of(p)]
    return found if lib.FULL else found[-1:]


# A machine without such a build has no oracle: then there is no test, and none that is skipped.
WITH_SYMBOLS = candidates()
SHAPES = "four", "io_cycles", "mixed", "hog"


@pytest.fixture(params=[(p, s) for p in WITH_SYMBOLS for s in SHAPES],
                ids=lambda param: "%r-%s" % param)
def seen(request):
    """
    (the process's report, the truth) of one window; of another one where others took the CPUs: then
    a thread is preempted within take_gil() itself, before its probes can tell.
    """
    python, shape = request.param
    for left in reversed(range(4)):
        with Program(python, shape) as program, gil_oracle.Oracle(python, program.pid) as oracle:
            busy = lib.busy_seconds()
            _, process = program.diagnose(3)
            busy = lib.busy_seconds() - busy
            truth = oracle.truth(program.report)
        if busy - lib.state(process, "oncpu") / 10 ** 9 < 1.2 or not left:
            return process, truth
    return None


def check_against_take_gil(seen):
    process, truth = seen
    known = {t["tid"]: t for t in process["threads"]}
    threads = [(known[tid], t) for tid, t in truth.threads.items() if tid in known]
    blocked = sum(t.ns[TAKE, BLOCKED] + t.ns[DROP, BLOCKED] for _, t in threads)
    passages = sum(t.gil(BLOCKED, QUEUES, RUNS) for _, t in threads)
    after = sum(t.gil(QUEUES, RUNS) for _, t in threads)
    lets_go = sum(t.ns[DROP, BLOCKED] for _, t in threads)
    ours = lib.state(process, "gil")
    # the wait, and the whole of take_gil() with what comes after the wake-up
    assert abs(ours - blocked) <= 0.03 * blocked + 10 ** 6, (ours, blocked)
    assert abs(ours - lets_go + after - passages) <= 0.03 * passages + 10 ** 6, (ours, passages)
    assert any(t.acquisitions for _, t in threads), "nobody had to wait"
    for thread, t in threads:
        # the passages that are open at the edges of the window are counted, or not
        least = t.acquisitions - t.joined - 2
        most = t.acquisitions + t.cut + t.unsure + 2
        assert least <= thread["gil"]["acquisitions"] <= most, (thread, vars(t))
    gil = process["gil"]
    assert abs(gil["contended_ns"] - truth.contended_ns) <= \
        0.03 * truth.contended_ns + 2 * 10 ** 6, (gil, truth.contended_ns)
    # who held it meanwhile, of the time in which somebody did
    held = [(thread["gil"]["held_contended_ns"], t.held_contended_ns) for thread, t in threads]
    ours, theirs = (sum(column) for column in zip(*held))
    for mine, its in held:
        assert abs(mine / ours - its / theirs) < 0.05, held


if WITH_SYMBOLS:
    test_against_take_gil = check_against_take_gil
