# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernel matrix under pytest: each kernel boots once, each check is a test.

What this machine lacks (QEMU, the mirror) skips the tests and says so; in CI (BB_CI) it fails them.
"""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import matrix

MODES = ["boundby", "features"]


def give_up(why):
    if os.environ.get("BB_CI"):
        pytest.fail(str(why), pytrace=False)
    pytest.skip(str(why))


@pytest.fixture(scope="session")
def image():
    try:
        return matrix.build(MODES)
    except matrix.Missing as e:
        give_up(e)


@pytest.fixture(scope="module", params=matrix.KERNELS)
def guest(request, image):
    try:
        return matrix.boot(request.param, image, MODES)
    except matrix.Missing as e:
        give_up(e)


@pytest.mark.parametrize("name", [n for n in matrix.CHECKS])
def test_kernel(guest, name):
    word = matrix.CHECKS[name][1](guest)
    if word:
        print(word)
