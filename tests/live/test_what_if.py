# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Some of the pairs of tests/whatif: what was predicted for a change, and what it brought."""
import os
import sys

import pytest

import lib

sys.path.append(os.path.join(lib.ROOT, "tests/whatif"))
import pairs  # noqa: E402
import run as whatif  # noqa: E402

pytestmark = pytest.mark.usefixtures("tool")

SOME = ["2 computing threads to processes", "without a lock held while sleeping",
        "a server twice as fast, one client", "a lock held while sleeping, split in 2",
        "2 threads on one CPU without a quota of 0.25 CPUs"]


@pytest.fixture(scope="module")
def env():
    return whatif.calibrated()


@pytest.fixture(scope="module")
def port():
    with whatif.server() as listening:
        yield listening


@pytest.mark.parametrize("name", SOME)
def test_prediction(name, env, port):
    """Near what was achieved; measured again where others had the CPUs."""
    pair, = [p for p in pairs.PAIRS + pairs.SPLIT + pairs.QUOTA if p.name == name]
    if pair.first.quota and not lib.cpu_controller():
        pytest.skip("optional: no cgroup CPU controller here; the kernel matrix tests it")
    for left in reversed(range(3)):
        outcome = whatif.Outcome(pair, 1.2, port, env)
        assert outcome.offered, outcome.why_not
        assert outcome.row["low"] <= outcome.row["speedup"] <= outcome.row["high"]
        if outcome.near and outcome.inside or not left:
            break
    assert outcome.near and outcome.inside, outcome.cells()
