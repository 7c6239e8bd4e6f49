# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Settings of the live tests. See lib.py for the environment variables."""
import os
import signal
import sys

import pytest

# The tests leave nothing in the source tree.
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lib  # noqa: E402


def pytest_configure(config):
    # Ended from outside, what was started is still killed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line("markers",
                            "full(reason): slow; runs with BB_FULL=1 only, for that reason")


def pytest_collection_modifyitems(items):
    for item in items:
        mark = item.get_closest_marker("full")
        if not mark:
            continue
        if not mark.kwargs.get("reason"):
            raise pytest.UsageError("%s: mark full without a reason" % item.nodeid)
        if not lib.FULL:
            item.add_marker(pytest.mark.skip(reason="optional: BB_FULL=1 only: " + mark.kwargs["reason"]))


@pytest.fixture
def tool():
    """The path of the tool. A test that uses it needs root and the built tool."""
    if os.geteuid() != 0:
        pytest.skip("attaches to other processes: needs root")
    if not os.path.exists(lib.BIN):
        pytest.fail("%s is not built: run make" % lib.BIN)
    return lib.BIN
