# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The documentation against the code: rules, states, losses and options are the same in both,
what the pages tell to type is understood, and their links lead somewhere."""
import json
import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BB_BIN", ROOT / "build/boundby"))
PAGES = sorted(p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md")])


def source(path):
    return (ROOT / path).read_text()


def section(text, title):
    """A part of a page, from its heading to the next one of the same rank."""
    found = re.search(r"^## [\d. ]*%s\n(.*?)(?=^## |\Z)" % re.escape(title), text, re.M | re.S)
    assert found, "no section '%s'" % title
    return found.group(1)


def rows(text):
    """The rows of the tables in a text that begin with a word in backticks: {word: cells}."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = re.fullmatch(r"`([\w-]+)`", cells[0])
        if line.startswith("|") and name:
            assert name.group(1) not in found, "two rows of %s" % name.group(1)
            found[name.group(1)] = cells
    return found


def method(title):
    return rows(section(source("docs/method.md"), title))


def macro(path, name):
    """The text of a list macro of a header."""
    found = re.search(r"#define %s\(X\)(.*?[^\\])\n" % name, source(path), re.S)
    assert found, "no %s in %s" % (name, path)
    return found.group(1)


def test_rules():
    """Every threshold is on the page, with its value, and no other is."""
    code = dict(re.findall(r'X\(\w+,\s*"([\w-]+)",\s*([\d.e]+),',
                           macro("user/diagnose/rules.h", "BB_RULES")))
    page = method("The rules")
    assert code and set(page) == set(code)
    for name, value in code.items():
        assert float(page[name][1]) == float(value), name
        assert page[name][2] in ("threads", "share", "ns", "per_s", "slices", "units"), name
        if page[name][2] != "per_s":
            assert (float(value) > 1000) == (page[name][2] == "ns"), name
        assert page[name][3] and page[name][4], "%s: say what it is, and on what evidence" % name


def test_findings():
    """Every finding is on the page and in the schema, and what to do about it in python.md."""
    code = re.findall(r'X\(\w+,\s*"([\w-]+)"', macro("user/diagnose/findings.h", "BB_FINDINGS"))
    page = method("Findings")
    assert code and list(page) == code
    assert all(len(cells) == 4 and all(cells) for cells in page.values())
    assert list(rows(section(source("docs/python.md"), "Findings: what to do about each"))) == code
    schema = json.loads(source("docs/schema.json"))
    assert schema["$defs"]["finding"]["properties"]["id"]["enum"] == code


def test_advice():
    """Every advice is on the page and in the schema."""
    code = re.findall(r'X\(\w+,\s*"([\w-]+)"\)', macro("user/diagnose/advice.h", "BB_ADVICES"))
    page = method("Advice")
    assert code and list(page) == code
    assert all(len(cells) == 4 and cells[1] for cells in page.values())
    schema = json.loads(source("docs/schema.json"))
    assert schema["$defs"]["advice"]["properties"]["id"]["enum"] == code


def test_stages_of_an_explanation():
    code = re.findall(r'X\(\w+,\s*"([\w-]+)"', macro("user/diagnose/explain.h", "BB_STAGES"))
    schema = json.loads(source("docs/schema.json"))
    assert code and schema["$defs"]["step"]["properties"]["stage"]["enum"] == code


def test_states():
    code = re.findall(r'X\(\w+,\s*"(\w+)"', macro("user/model/state.h", "BB_STATES"))
    page = method("States")
    assert code and list(page) == code
    assert all(cells[1] for cells in page.values())


def test_losses():
    code = re.findall(r'X\(\w+,\s*\d+,\s*"(\w+)"', macro("bpf/abi.h", "BB_DROPS"))
    page = method("Losses")
    assert code and list(page) == code
    assert all(len(cells) == 4 and all(cells) for cells in page.values())


def test_reserved_losses_are_said_to_be_reserved():
    """A counter that no program raises is called reserved, and only such a one."""
    programs = "".join(path.read_text() for path in ROOT.glob("bpf/*.bpf.*"))
    page = method("Losses")
    for drop, name in re.findall(r'X\((\w+),\s*\d+,\s*"(\w+)"', macro("bpf/abi.h", "BB_DROPS")):
        raised = re.search(r"\bBB_DROP_%s\b" % drop, programs) or \
            any(re.search(r"\bBB_DROP_%s\b" % drop, path.read_text())
                for path in ROOT.glob("user/capture/*.c"))
        assert bool(raised) != page[name][2].startswith("reserved"), name


def manual():
    """The manual page, with the escapes of roff undone."""
    return source("docs/boundby.8").replace(r"\-", "-").replace(r"\&", "")


def manual_section(title):
    found = re.search(r"^\.Sh %s\n(.*?)(?=^\.Sh |\Z)" % title, manual(), re.M | re.S)
    assert found, "no section %s" % title
    return found.group(1)


def words(text):
    return re.findall(r"^\.It Cm ([\w-]+)$", text, re.M)


def test_manual_has_the_states():
    code = re.findall(r'X\(\w+,\s*"(\w+)"', macro("user/model/state.h", "BB_STATES"))
    assert words(manual_section("STATES")) == code


def test_manual_has_the_verdicts():
    code = re.findall(r'X\(\w+,\s*"([\w-]+)"\)', macro("user/diagnose/bound.h", "BB_VERDICTS"))
    assert code and words(manual_section("VERDICTS")) == code
    assert set(rows(section(source("README.md"), "The verdicts"))) == set(code)


def test_manual_has_the_exit_statuses():
    code = re.findall(r"^#define BB_EXIT_\w+ +(\d)", source("user/options.h"), re.M)
    assert code, "no exit statuses in options.h"
    assert sorted(re.findall(r"^\.It (\d)$", manual_section("EXIT STATUS"), re.M)) == sorted(code)


def run(*args):
    if not BIN.exists():
        pytest.fail("%s is not built: run make" % BIN)
    return subprocess.run([str(BIN), *args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)


def help_options():
    """{option: whether it takes a value}, of --help."""
    told = run("--help")
    assert told.returncode == 0, told
    found = {}
    for line in told.stdout.splitlines():
        m = re.match(r"  (?:(-[\w?]), )?\s*--([\w-]+)(=\S+)?", line)
        if m:
            found["--" + m.group(2)] = bool(m.group(3))
            if m.group(1):
                found[m.group(1)] = bool(m.group(3))
    return found


def manual_options():
    """{option: whether it takes a value}, of the manual page."""
    found = {}
    for item in re.findall(r"^\.It (Fl .*)$", manual_section("OPTIONS"), re.M):
        if item.startswith("Fl - "):
            continue  # "--" before a command
        for part in item.split(" , "):
            name = re.match(r"Fl (-?[\w?-]+)", part)
            assert name, item
            found["-" + name.group(1)] = " Ar " in part
    return found


def test_options_are_in_the_manual():
    """Every option of --help, with a value where it takes one, and no other."""
    told = help_options()
    assert {"-p", "--pid", "--help", "-V"} <= set(told)
    assert manual_options() == told


def commands(text, pattern):
    """The arguments of each boundby in the lines of a page that are to be typed."""
    for line in re.findall(pattern, text, re.M):
        line = re.sub(r"\$\([^)]*\)|\bPID\b", "1", line)
        line = line.split(" | ")[0]
        args = shlex.split(line, comments=True)
        if args[0] == "sudo":
            args = args[1:]
        if os.path.basename(args[0]) == "boundby":
            yield args[1:]


PAGE_COMMANDS = r"^(?:    |\$ )?(?:\$ )?((?:sudo )?(?:build/)?boundby .*)$"
EXAMPLES = [("README.md", args) for args in commands(source("README.md"), PAGE_COMMANDS)] + \
    [("docs/method.md", args) for args in commands(source("docs/method.md"), PAGE_COMMANDS)] + \
    [("docs/boundby.8", args) for args in commands(manual(), r"^\.Dl # (boundby .*)$")] + \
    [("--help", args) for args in commands(source("user/options.c"), r'^\t"  (boundby .*?)  +')]


def test_there_are_examples():
    assert {page for page, _ in EXAMPLES} >= {"README.md", "docs/boundby.8", "--help"}
    assert sum(page == "README.md" for page, _ in EXAMPLES) >= 6


@pytest.mark.parametrize("page, args", EXAMPLES, ids=lambda v: v if isinstance(v, str) else " ".join(v))
def test_example_is_understood(page, args):
    """--help comes last and ends it, so all before it has been taken."""
    if args == ["doctor"]:
        assert re.search(r"^  or: .* doctor$", run("--help").stdout, re.M)
        return
    if "--" in args:
        at = args.index("--")
        assert args[at + 1:], "%s: no command" % page
        args = args[:at]
    result = run(*args, "--help")
    assert result.returncode == 0, result.stderr
    assert "Usage:" in result.stdout


def test_a_wrong_example_is_not_understood():
    assert run("-p", "none", "--help").returncode == 2
    assert run("--no-such-option", "--help").returncode == 2


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    """Every file that a page links to is there, every heading too."""
    text = path.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), "%s links to %s" % (path.name, target)
        if anchor:
            headings = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-")
                        for h in re.findall(r"^#+ (.*)$", file.read_text(), re.M)}
            assert anchor in headings, "%s links to %s" % (path.name, target)


def test_licence_has_both_texts():
    text = source("LICENSE")
    assert "GPL-2.0-only OR BSD-2-Clause" in text
    for words_of_it in ("BSD 2-Clause License", "THIS SOFTWARE IS PROVIDED BY",
                        "GNU GENERAL PUBLIC LICENSE", "Version 2, June 1991",
                        "END OF TERMS AND CONDITIONS"):
        assert words_of_it in text


def test_changelog_has_this_version():
    version = re.search(r"^VERSION := (\S+)$", source("Makefile"), re.M).group(1)
    assert re.search(r"^## %s\b" % re.escape(version), source("CHANGELOG.md"), re.M)
