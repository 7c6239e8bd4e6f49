# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of the corpus on each run of the tests: what test_verdicts.py does not have.

All of it, under three conditions and on more Pythons, is `make corpus`.
"""
import os
import sys

import pytest

import lib

sys.path.insert(0, os.path.join(lib.ROOT, "tests/corpus"))

import corpus  # noqa: E402
import measure  # noqa: E402
import tables  # noqa: E402

pytestmark = pytest.mark.usefixtures("tool")

PROGRAMS = ("w10-threads", "w11-short", "w12-short", "w13-asyncio", "w15-http", "w19-array",
            "w20-pool", "w21-asyncio", "w22-lzma", "mix-python-hash", "mix-half-loaded",
            "mix-gil-requests")


@pytest.fixture(scope="module")
def ports():
    with measure.server() as found:
        yield found


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, ports, tmp_path):
    program, = [p for p in corpus.PROGRAMS if p.name == name]
    python, = [p for p in lib.pythons() if p.name == "system"]
    row = measure.one(program, python, "quiet", 1.0, ports, tmp_path)
    verdict = row["verdict"]
    told = "%s (%.2f), right: %s; components %s; others used %.2f CPUs" % (
        verdict["bound"], verdict["confidence"], row["right"], verdict["components"], row["others"])
    assert tables.is_right(row), told
    assert not row["missing"], (row["missing"], row["found"])
    assert not row["losses"], row["losses"]
