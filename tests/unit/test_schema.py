# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The golden documents against docs/schema.json, by a validator of JSON Schema
2020-12, and the golden pages against promtool. A schema that lets everything
pass proves nothing, so documents that were broken on purpose must fail."""

import copy
import json
import pathlib
import shutil
import subprocess

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
JSONS = sorted(GOLDEN.glob("*.json"))
PROMS = sorted(GOLDEN.glob("*.prom"))
SCHEMA = json.loads((ROOT / "docs" / "schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def load(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_there_are_documents():
    assert len(JSONS) >= 7 and len(PROMS) >= 7


@pytest.mark.parametrize("path", JSONS, ids=lambda p: p.name)
def test_document_is_valid(path):
    errors = [f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(json.loads(path.read_text()))]
    assert not errors, "\n".join(errors)


def test_new_keys_are_allowed():
    doc = load("gil")
    doc["later"] = 1
    doc["processes"][0]["later"] = {"a": []}
    doc["processes"][0]["states"]["later_ns"] = 3
    assert VALIDATOR.is_valid(doc)


def every_object(value):
    if isinstance(value, dict):
        yield value
        for sub in value.values():
            yield from every_object(sub)
    elif isinstance(value, list):
        for sub in value:
            yield from every_object(sub)


@pytest.mark.parametrize("name", ["gil", "losses", "ended", "tree", "explained-gil"])
def test_each_key_is_required(name):
    """Take away any key of any object: the document is no longer valid."""
    doc = load(name)
    # One of each list is enough, and keeps this quick.
    for o in every_object(doc):
        for value in o.values():
            if isinstance(value, list):
                del value[1:]
    assert VALIDATOR.is_valid(doc)
    missing = []
    for o in list(every_object(doc)):
        for key in list(o):
            value = o.pop(key)
            if VALIDATOR.is_valid(doc):
                missing.append(key)
            o[key] = value
    assert not missing


BROKEN = {
    "a change that is none": lambda d: d["processes"][0]["what_if"][0].update(change="magic"),
    "a gain below nothing": lambda d: d["processes"][0]["what_if"][0].update(speedup=-1),
    "a curve without its workers": lambda d: d["processes"][0]["workers"]["curve"][0].pop("n"),
    "another schema": lambda d: d.update(schema="boundby/2"),
    "share above 1": lambda d: d["host"].update(busy_share=1.01),
    "share below 0": lambda d: d["processes"][0]["verdict"].update(confidence=-0.1),
    "share as text": lambda d: d["processes"][0]["verdict"].update(confidence="0.9"),
    "ns as a fraction": lambda d: d["processes"][0]["states"].update(gil_ns=1.5),
    "ns below 0": lambda d: d["processes"][0]["states"].update(gil_ns=-1),
    "ns null where it is always known": lambda d: d["processes"][0]["states"].update(oncpu_ns=None),
    "no such verdict": lambda d: d["processes"][0]["verdict"].update(bound="slow"),
    "no such runner-up": lambda d: d["processes"][0]["verdict"].update(runner_up="slow"),
    "no such state": lambda d: d["processes"][0]["waits"][0].update(state="waiting"),
    "no such gil mode": lambda d: d["processes"][0]["runtime"].update(gil="on"),
    "no such tracing": lambda d: d["overhead"].update(syscall_tracing="maybe"),
    "no such origin": lambda d: d["processes"][0]["waits"][0].update(origin="interrupt"),
    "no such unit": lambda d: d["processes"][0]["verdict"]["evidence"][0].update(unit="feet"),
    "no such command of futex": lambda d: d["processes"][0]["syscalls"][0].update(op="sleep"),
    "waits of a call null": lambda d: d["processes"][0]["syscalls"][0].update(waits=None),
    "pid as text": lambda d: d["processes"][0].update(pid="4242"),
    "pid null": lambda d: d["processes"][0].update(pid=None),
    "tid 0": lambda d: d["processes"][0]["threads"][0].update(tid=0),
    "address as number": lambda d: d["processes"][0]["gil"]["interpreters"][0].update(addr=1),
    "gil without interpreters": lambda d: d["processes"][0]["gil"].update(interpreters=[]),
    "empty slot of a histogram": lambda d: d["processes"][0]["gil"]["wait_hist"][0].update(count=0),
    "start without zone": lambda d: d["window"].update(start="2026-01-01T00:00:00.000000000"),
    "processes as object": lambda d: d.update(processes={}),
    "cmdline as string": lambda d: d["processes"][0].update(cmdline="python3 x.py"),
    "born as number": lambda d: d["processes"][0].update(born=1),
    "loss null": lambda d: d["losses"].update(clock_backwards=None),
    "tree without verdict": lambda d: d.update(tree={}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_document_fails(what):
    doc = load("gil")
    good = copy.deepcopy(doc)
    assert VALIDATOR.is_valid(doc)
    BROKEN[what](doc)
    assert doc != good
    assert not VALIDATOR.is_valid(doc)


def test_tree_has_no_threads():
    doc = load("tree")
    doc["tree"]["threads"] = doc["processes"][0]["threads"]
    assert not VALIDATOR.is_valid(doc)


def promtool(page):
    return subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)


@pytest.fixture(scope="module")
def has_promtool():
    if not shutil.which("promtool"):
        pytest.fail("promtool is not installed: it is in Debian's package prometheus")


@pytest.mark.parametrize("path", PROMS, ids=lambda p: p.name)
def test_page_is_clean(path, has_promtool):
    done = promtool(path.read_bytes())
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "line",
    [
        b"# TYPE boundby_x_total gauge\nboundby_x_total 1\n",  # only counters are totals
        b"boundby_no_help 1\n",
        b'boundby_info{version="1} 1\n',
    ],
)
def test_broken_page_fails(line, has_promtool):
    assert promtool((GOLDEN / "gil.prom").read_bytes() + line).returncode != 0


@pytest.mark.parametrize("path", PROMS, ids=lambda p: p.name)
def test_series_are_distinct(path):
    series = [l.rsplit(" ", 1)[0] for l in path.read_text().split("\n") if l and not l.startswith("#")]
    assert len(series) == len(set(series))
