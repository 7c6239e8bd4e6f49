# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The harness is that of the live tests."""
import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))

import lib  # noqa: E402


def pytest_configure(config):
    # Ended from outside, what was started is still killed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def tool():
    """A test needs root and the built tool."""
    if os.geteuid() != 0:
        pytest.skip("attaches to other processes: needs root")
    if not os.path.exists(lib.BIN):
        pytest.fail("%s is not built: run make" % lib.BIN)
