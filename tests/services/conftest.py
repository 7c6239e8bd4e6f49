# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Settings of the tests with real services: the harness is that of the live tests (tests/live/lib.py)."""
import os
import signal
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "live")]

import servers  # noqa: E402


def pytest_configure(config):
    # Ended from outside, what was started is still ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres():
    """Its port."""
    with servers.postgres() as port:
        yield port


@pytest.fixture(scope="session")
def redis():
    """Its port."""
    with servers.redis() as port:
        yield port
