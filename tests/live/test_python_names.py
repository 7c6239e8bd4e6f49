# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Names and lines of Python code, read from outside, against what the interpreter itself says.

A program says of many code objects, and of threads that wait, what their lines are; pynames reads
the same from the live process. Every two bytes of bytecode are asked for, and all must be equal.

BB_EXTRA_PYTHONS: further interpreters, colon-separated, e.g. free-threaded ones.
"""
import json
import os
import subprocess

import pytest

import lib

PYNAMES = os.path.abspath(os.environ.get("BB_PYNAMES", os.path.join(lib.TESTS, "pynames")))
PROGRAM = os.path.join(lib.ROOT, "tests/lib/python/codes.py")
EFAULT = 14

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="reads other processes: needs root")


class Target:
    """The program, and what it says of itself."""

    def __init__(self, python, modules):
        with open(PROGRAM, encoding="utf-8") as f:
            argv = python.argv + ["-X", "utf8", "-c", f.read(), str(modules)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.codes, self.threads = [], []
        lines = lib.Lines(self.process.stdout)
        for line in iter(lines.next, "ready"):
            assert line is not None, "%s ended" % python
            said = json.loads(line)
            (self.threads if "thread" in said else self.codes).append(said)

    def ask(self, questions):
        """The answers of pynames, one for each line."""
        out = subprocess.run([PYNAMES, str(self.process.pid)], stdout=subprocess.PIPE, check=True,
                             input="".join(q + "\n" for q in questions), encoding="utf-8").stdout
        answers = [json.loads(line) for line in out.split("\n")[:-1]]
        assert len(answers) == len(questions)
        return answers

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        lib.end(self.process)


@pytest.fixture(scope="module", params=lib.interpreters(), ids=repr)
def target(request):
    with Target(request.param, 5 if lib.FULL else 2) as t:
        t.python = request.param
        yield t


def readable(text):
    """Without what is no character."""
    return "".join("\ufffd" if 0xd800 <= ord(c) <= 0xdfff else c for c in text)


def test_every_line_of_many_code_objects(target):
    questions, expected = [], []
    for code in target.codes:
        lines = {offset: line for start, end, line in code["ranges"]
                 for offset in range(start, end, 2)}
        assert code["size"], code
        for offset in range(0, code["size"], 2):
            questions.append("%d %d" % (code["code"], code["start"] + offset * code["unit"] // 2))
            expected.append((code, offset, lines.get(offset, 0)))
    wrong, known = [], 0
    for answer, (code, offset, line) in zip(target.ask(questions), expected):
        known += line > 0
        said = tuple(answer[key] for key in ("err", "file", "function", "first_line", "line"))
        truth = 0, readable(code["file"]), readable(code["function"]), code["first_line"], line
        if said != truth:
            wrong.append((offset, said, truth))
    assert not wrong, "%d of %d wrong, first: %s" % (len(wrong), len(expected), wrong[:3])
    # the sample is what it is meant to be
    assert len(target.codes) > 150 and known > 20000
    names = {code["function"].rsplit(".")[-1] for code in target.codes}
    assert {"decorated", "<lambda>", "coroutine", "far", "prop"} <= names
    assert {"caf\xe9", "\u51fd\u6570", "\U00010400"} <= names
    assert max(line for _, _, line in expected) > 2000000


def test_positions_outside_the_code_have_no_line(target):
    """What is no place in the code has no line; a frame that has not begun has the first one."""
    questions, begun = [], []
    for code in target.codes[:200]:
        start, unit, size = code["start"], code["unit"], code["size"]
        end = start + size * unit // 2
        outside = [end, end + unit, end + 4096, start - 2 * unit, start - 4096, 2**31 - 2, 2**63]
        if unit == 2:
            outside += [start + 1, end - 1]
        questions += ["%d %d" % (code["code"], pos % 2**64) for pos in outside]
        if target.python.version < (3, 13):
            begun.append((code, "%d %d" % (code["code"], (start - (2 if start else 1)) % 2**64)))
    wrong = [(q, a) for q, a in zip(questions, target.ask(questions)) if a["line"] or a["err"]]
    # 2**63 has the low half of a position that is 0
    if target.python.version < (3, 11):
        wrong = [(q, a) for q, a in wrong if not q.endswith(" %d" % 2**63)]
    assert not wrong, wrong[:3]
    for (code, _), answer in zip(begun, target.ask([question for _, question in begun])):
        assert answer["line"] == code["first_line"], (code, answer)


def test_frames_of_waiting_threads(target):
    """The frames of each thread, from the top: code, position, file, function and line."""
    walk = {thread["thread"]: thread for thread in target.ask(["-"])[0]}
    assert len(target.threads) == 5
    for thread in target.threads:
        found = walk[thread["thread"]]
        keys = ("code", "file", "function", "line", "pos")
        # only the low half of a cell with f_lasti is that
        said = [tuple(f["pos"] % 2**32 if k == "pos" and target.python.version < (3, 11) else f[k]
                      for k in keys) for f in found["frames"]]
        assert said == [tuple(f[k] for k in keys) for f in thread["frames"]]
        assert len(said) > 3
        # where the C library keeps it where we expect it, the key leads to the thread state
        if target.python.version < (3, 15):
            assert found["key"] == found["tstate"]


def test_what_is_no_code_object_is_refused(target):
    """Other objects and addresses; and it goes on to answer."""
    with open("/proc/%d/maps" % target.process.pid) as f:
        maps = [int(line.split("-")[0], 16) for line in f]
    code = target.codes[0]
    near = [code["code"] + d for d in (-64, -16, -8, 1, 8, 16, 64)]
    wild = [0, 1, 8, 2**47 - 8, 2**63 - 8, 2**63, 2**64 - 8, 2**64 - 1]
    questions = ["%d 0" % addr for addr in near + wild + maps + [m + 16 for m in maps]]
    for question, answer in zip(questions, target.ask(questions * 3)):
        assert answer["err"] == EFAULT, (question, answer)
        assert not answer["file"] and not answer["function"] and not answer["line"], answer
    assert target.ask([questions[0], "%d %d" % (code["code"], code["start"])])[1]["err"] == 0
