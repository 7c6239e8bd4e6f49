# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line: bad input, errors, exit statuses, outputs, signals, privileges."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import lib

pytestmark = pytest.mark.usefixtures("tool")

FAILED, USAGE, NO_TARGET, INCOMPLETE = 1, 2, 3, 4


def usage_error(result, *words):
    """As any error, but argp may add where to read on."""
    lines = result.stderr.splitlines(keepends=True)
    if len(lines) == 2 and lines[1].startswith("Try `"):
        result.stderr = lines[0]
    assert result.status == USAGE, result
    lib.one_line_error(result, *words)


@pytest.fixture
def sleeper():
    """The PID of an idle target."""
    with lib.program("sleeper") as workload:
        yield workload.pid


@pytest.fixture
def folder():
    """A folder that everybody can enter."""
    with tempfile.TemporaryDirectory(prefix="boundby-test-") as path:
        os.chmod(path, 0o755)
        yield path


# Whom to watch

@pytest.mark.parametrize("pid", ["0", "-1", "abc", "", " ", "12x", "1.5", "0x10", "1,,2", "1,",
                                 "99999999999999999999", "4294967297"])
def test_pid_that_is_none(pid):
    result = lib.run("-p", pid, "-d", 1)
    usage_error(result, "pid", pid)


def test_no_such_pid():
    # PIDs are always below the limit, so this one is never there.
    with open("/proc/sys/kernel/pid_max") as f:
        pid = f.read().strip()
    result = lib.run("-p", pid, "-d", 1)
    assert result.status == NO_TARGET, result
    lib.one_line_error(result, "no process " + pid)


def test_one_of_several_is_not_there(sleeper):
    with open("/proc/sys/kernel/pid_max") as f:
        pid = f.read().strip()
    result = lib.run("-p", "%d,%s" % (sleeper, pid), "-d", 1)
    assert result.status == NO_TARGET, result
    lib.one_line_error(result, "no process " + pid)


def test_zombie():
    """Dead, not yet collected: nothing can be measured."""
    child = os.fork()
    if not child:
        os._exit(0)
    try:
        lib.wait_until(lambda: lib.process_state(child) == "Z", "the child's end")
        result = lib.run("-p", child, "-d", 1)
    finally:
        os.waitpid(child, 0)
    assert result.status == NO_TARGET, result
    lib.one_line_error(result, child)


def test_thread_instead_of_process():
    """A TID is a PID only for the leader: say whose thread it is, or watch that process."""
    with lib.program("mutex_convoy", 3) as workload:
        tid = lib.tids(workload.pid)[-1]
        result = lib.run("-p", tid, "-d", 0.3, "-f", "json")
    if result.status == 0:
        assert result.report["processes"][0]["pid"] == workload.pid
    else:
        assert result.status in (USAGE, NO_TARGET), result
        lib.one_line_error(result, tid, workload.pid)


def kernel_thread():
    """The PID of some kernel thread (PF_KTHREAD)."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(path) as f:
            pid, _, rest = f.read().partition(" (")
            if int(rest.rpartition(") ")[2].split()[6]) & 0x200000:
                return int(pid)
    return pytest.skip("no kernel thread is visible in this PID namespace")


def test_kernel_thread():
    pid = kernel_thread()
    result = lib.run("-p", pid, "-d", 0.5, "-f", "json")
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    process = lib.process_of(result.report, pid)
    assert process["kernel_thread"] and process["exe"] is None
    assert process["verdict"]["bound"] in lib.VERDICTS


def test_ourselves():
    result = lib.run("-c", 'exec "$0" -p $$ -d 0.5 -f json', lib.BIN, binary="/bin/sh")
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    assert result.report["processes"][0]["exe"] == os.path.realpath(lib.BIN)


@pytest.mark.parametrize("args", [
    [], ["-p"], ["-d", "1"], ["--no-such-option"], ["-p", "1", "-f", "no-such-format"],
    ["-p", "1", "-d", "0"], ["-p", "1", "-d", "-1"], ["-p", "1", "-d", "abc"],
    ["-p", "1", "-d", "nan"], ["-p", "1", "-d", "1e99"], ["-p", "1", "-d", ""],
    ["-p", "1", "-i", "0"], ["-p", "1", "--syscalls=maybe"], ["-p", "1", "stray"],
    ["no-such-command"], ["-p", "1", "--", "true"], ["--"]],
    ids=lambda args: " ".join(args) or "nothing")
def test_usage_errors(args):
    usage_error(lib.run(*args, deadline=20))


def test_help_and_version():
    for args in (["--help"], ["--version"], ["-?"]):
        result = lib.run(*args)
        assert result.status == 0 and result.stdout and not result.stderr, result
    text = lib.run("--help").stdout.decode()
    for option in ("--pid", "--duration", "--interval", "--format", "--output", "--children",
                   "--exit-code", "--syscalls", "doctor"):
        assert option in text, option
    assert "--test" not in text, "options for tests are not for users"


# The target comes to its end

def test_killed_in_the_window():
    with lib.program("spin", 2) as workload, \
            lib.Tool("-p", workload.pid, "-d", 50, "-f", "json") as tool:
        tool.wait_open()
        workload.process.kill()
        workload.process.wait(lib.DEADLINE)
        result = tool.wait(20)
    assert result.status == 0, result
    report = result.report
    lib.assert_budget_closes(report)
    process = lib.process_of(report, workload.pid)
    assert process["ended"] and process["exit_signal"] == signal.SIGKILL
    assert report["window"]["cut_short"] and report["window"]["ns"] < 40 * 10**9
    assert lib.state(process, "oncpu") > 0
    assert process["comm"] == "spin"


def test_exits_in_the_window():
    with lib.program("selftimer", 600) as workload, \
            lib.Tool("-p", workload.pid, "-d", 50) as tool:
        tool.wait_open()
        result = tool.wait(30)
    assert result.status == 0, result
    text = result.stdout.decode()
    assert re.search(r"end|exit|gone", text), "the report says that the target ended"


def test_one_of_two_ends():
    """The window goes on for the other one."""
    with lib.program("sleeper", 5) as stays, lib.program("sleeper", 5) as goes, \
            lib.Tool("-p", "%d,%d" % (stays.pid, goes.pid), "-d", 3, "-f", "json") as tool:
        tool.wait_open()
        goes.end()
        result = tool.wait()
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    assert not result.report["window"]["cut_short"]
    assert lib.process_of(result.report, goes.pid)["ended"]
    assert not lib.process_of(result.report, stays.pid)["ended"]


def reuse(pid, *argv):
    """A program that has the PID of one that is gone."""
    def start():
        # The PID stays taken until the kernel is through with the dead one.
        imposter = lib.program("exec_as_pid", pid, *argv, ready=None)
        if imposter.lines.next() == "ready":
            return imposter
        imposter.end()
        return None
    return lib.wait_until(start, "PID %d to be free" % pid)


def test_pid_reused_before_attach(folder):
    """The target dies between look-up and attach, and another process gets its PID.

    BOUNDBY_TEST_HOLD=FILE: between look-up and attaching, the tool waits while FILE exists.
    """
    hold = os.path.join(folder, "hold")
    open(hold, "w").close()
    with lib.program("sleeper") as target:
        with lib.Tool("-p", target.pid, "-d", 1, "-f", "json",
                      env={"BOUNDBY_TEST_HOLD": hold}) as tool:
            tool.wait_holding(target.pid)
            target.end()
            with reuse(target.pid, os.path.join(lib.TESTS, "spin"), 1):
                assert lib.status_field(target.pid, "Name") == "spin"
                os.unlink(hold)
                result = tool.wait()
    assert result.status == NO_TARGET, result
    lib.one_line_error(result, target.pid)


def test_pid_reused_in_the_window():
    """The target dies in the window, and another process gets its PID: none of its data."""
    with lib.program("sleeper") as target, lib.program("sleeper") as other:
        with lib.Tool("-p", "%d,%d" % (target.pid, other.pid), "-d", 60, "-f", "json") as tool:
            tool.wait_open()
            target.end()
            with reuse(target.pid, os.path.join(lib.TESTS, "spin"), 2):
                began = lib.schedstat(target.pid, target.pid)[0]
                lib.wait_until(lambda: lib.schedstat(target.pid, target.pid)[0] - began > 10**9,
                               "the other one to use a second of CPU time")
                tool.signal(signal.SIGINT)
                result = tool.wait()
    assert result.status == 0, result
    report = result.report
    lib.assert_budget_closes(report)
    rows = [p for p in report["processes"] if p["pid"] == target.pid]
    assert len(rows) == 1 and rows[0]["comm"] == "sleeper" and rows[0]["ended"], rows
    assert lib.state(rows[0], "oncpu") < 10**7, "it has another process's CPU time"


# Where the report goes

def assert_nothing_new(folder, before):
    assert sorted(os.listdir(folder)) == sorted(before), "something was left behind"


def test_output_file(sleeper, folder):
    path = os.path.join(folder, "report.json")
    result = lib.run("-p", sleeper, "-d", 0.3, "-f", "json", "-o", path)
    assert result.status == 0 and result.stdout == b"", result
    with open(path) as f:
        lib.assert_budget_closes(json.load(f))
    assert_nothing_new(folder, ["report.json"])


def test_output_file_appears_whole(sleeper, folder):
    """Nobody ever sees half of it, or an empty one."""
    path = os.path.join(folder, "report.json")
    with lib.Tool("-p", sleeper, "-d", 1, "-f", "json", "-o", path) as tool:
        tool.wait_open()
        assert not os.path.exists(path)
        lib.wait_until(lambda: os.path.exists(path) or tool.process.poll() is not None, path)
        with open(path) as f:
            json.load(f)
        assert tool.wait().status == 0


def test_output_file_exists(sleeper, folder):
    """It is left alone, and that is said before the window, not after."""
    path = os.path.join(folder, "report.json")
    with open(path, "w") as f:
        f.write("precious")
    result = lib.run("-p", sleeper, "-d", 50, "-o", path, deadline=15)
    assert result.status == FAILED, result
    lib.one_line_error(result, path, "exists")
    with open(path) as f:
        assert f.read() == "precious"
    assert_nothing_new(folder, ["report.json"])


def test_output_to_a_device_or_a_pipe(sleeper, folder):
    """They are no files that could be lost, and a reader who has had enough may go."""
    result = lib.run("-p", sleeper, "-d", 0.2, "-o", "/dev/null")
    assert result.status == 0 and not result.stderr, result
    pipe = os.path.join(folder, "pipe")
    os.mkfifo(pipe)
    with lib.Tool("-p", sleeper, "-d", 0.2, "-f", "json", "-o", pipe) as tool:
        with open(pipe) as f:
            assert json.load(f)["processes"]
        assert tool.wait().status == 0
    with lib.Tool("-p", sleeper, "-d", 50, "-i", 0.2, "-f", "json", "-o", pipe) as tool:
        with open(pipe) as f:
            assert json.loads(f.readline())["processes"]
        result = tool.wait()
        assert result.status == 0 and not result.stderr, result
    assert_nothing_new(folder, ["pipe"])


@pytest.mark.parametrize("path", ["/proc/boundby-report", "/no/such/folder/report",
                                  "/dev/null/report", "/tmp"])
def test_output_folder_is_unwritable(sleeper, path):
    result = lib.run("-p", sleeper, "-d", 50, "-o", path, deadline=15)
    assert result.status == FAILED, result
    lib.one_line_error(result, path)


@contextlib.contextmanager
def mounted(path, options):
    """A small tmpfs."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def test_output_folder_is_read_only(sleeper, folder):
    with mounted(folder, "size=64k,ro"):
        result = lib.run("-p", sleeper, "-d", 50, "-o", folder + "/report", deadline=15)
    assert result.status == FAILED, result
    lib.one_line_error(result, folder + "/report", "read-only")


def test_output_disk_is_full(sleeper, folder):
    with mounted(folder, "size=8k"):
        with open(folder + "/filler", "wb", buffering=0) as f:
            with contextlib.suppress(OSError):
                while True:
                    f.write(bytes(4096))
        result = lib.run("-p", sleeper, "-d", 0.3, "-f", "json", "-o", folder + "/report")
        assert_nothing_new(folder, ["filler"])
    assert result.status == FAILED, result
    lib.one_line_error(result, folder + "/report", "no space")


@pytest.mark.parametrize("form", ["text", "json", "prometheus"])
def test_stdout_is_full(sleeper, form):
    with open("/dev/full", "wb") as full:
        result = lib.run("-p", sleeper, "-d", 0.3, "-f", form, stdout=full)
    assert result.status == FAILED, result
    lib.one_line_error(result, "no space")


def test_output_to_dev_full(sleeper):
    result = lib.run("-p", sleeper, "-d", 0.3, "-o", "/dev/full")
    assert result.status == FAILED, result
    lib.one_line_error(result, "/dev/full")


@pytest.mark.parametrize("args", [["-d", "0.3"], ["-d", "0.3", "-f", "json"],
                                  ["-d", "50", "-i", "0.3"],
                                  ["-d", "50", "-i", "0.3", "-f", "json"]], ids=" ".join)
def test_broken_pipe(args):
    """The reader takes one line and goes: no error, and no useless further run."""
    with lib.program("many_threads", 500, 5) as workload:
        read, write = os.pipe()
        with lib.Tool("-p", workload.pid, *args, stdout=write) as tool:
            os.close(write)
            data = b""
            while b"\n" not in data:
                part = os.read(read, 1)
                assert part, tool.wait()
                data += part
            os.close(read)
            result = tool.wait(20)
    assert result.status == 0, result
    assert result.stderr == "", result


def test_broken_pipe_to_head(sleeper):
    script = '"$0" -p %d -d 0.3 -f json | head -1; echo ${PIPESTATUS[0]}' % sleeper
    out = subprocess.run(["/bin/bash", "-c", script, lib.BIN], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=lib.DEADLINE)
    assert out.stdout.splitlines() == ["{", "0"], out
    assert out.stderr == "", out


# Ending early

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_signal_ends_the_window(sleeper, number):
    with lib.Tool("-p", sleeper, "-d", 50, "-f", "json") as tool:
        tool.wait_open()
        tool.signal(number)
        result = tool.wait(20)
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    assert result.report["window"]["cut_short"]
    assert result.report["window"]["ns"] < 30 * 10**9
    assert result.report["window"]["asked_ns"] == 50 * 10**9


def test_signal_at_any_moment(sleeper):
    """Also while it looks up, loads and attaches: a report, or a clean end; never a crash."""
    for step in range(12):
        with lib.Tool("-p", sleeper, "-d", 50, "-f", "json") as tool:
            end = time.monotonic() + step * 0.03
            lib.wait_until(lambda: time.monotonic() > end, "a moment of its start")
            tool.signal(signal.SIGINT)
            result = tool.wait(20)
        # Before the handler is installed the signal kills it, as any program.
        assert result.status in (0, NO_TARGET, INCOMPLETE, FAILED, -signal.SIGINT), result
        if result.stdout:
            lib.assert_budget_closes(result.report)
        else:
            assert result.status != 0, result


def test_duration(sleeper):
    """The window is as long as asked."""
    for secs, ns in (("0.5", 500), ("700ms", 700), ("1s", 1000)):
        report = lib.diagnose(sleeper, secs)
        assert abs(report["window"]["ns"] - ns * 10**6) <= 20 * 10**6
        assert report["window"]["asked_ns"] == ns * 10**6
        assert not report["window"]["cut_short"]


def test_nothing_stays_after_sigkill(sleeper):
    """Killed without warning: the kernel removes all that it held."""
    with lib.Tool("-p", sleeper, "-d", 50) as tool:
        tool.wait_open()
        held = tool.objects()
        assert {kind for kind, _ in held} >= {"prog", "link"}, held
        shown = {("prog", p["id"]) for p in bpftool("prog")} | \
            {("map", m["id"]) for m in bpftool("map")}
        assert {o for o in held if o[0] != "link"} <= shown
        tool.process.kill()
        tool.process.wait(lib.DEADLINE)

        def gone():
            left = {("prog", p["id"]) for p in bpftool("prog")}
            left |= {("map", m["id"]) for m in bpftool("map")}
            left |= {("link", li["id"]) for li in bpftool("link")}
            return not left & held
        lib.wait_until(gone, "the kernel to free %s" % held)


def test_nothing_stays_after_the_end(sleeper):
    with lib.Tool("-p", sleeper, "-d", 1) as tool:
        tool.wait_open()
        held = tool.objects()
        assert tool.wait().status == 0
    lib.wait_until(lambda: not {("prog", p["id"]) for p in bpftool("prog")} & held, "the end")


def bpftool(what):
    """The kernel's list of BPF objects."""
    path = shutil.which("bpftool", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert path, "bpftool is missing"
    out = subprocess.run([path, "-j", what, "show"], stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout)


# -- COMMAND

def test_command(folder):
    out = os.path.join(folder, "report")
    result = lib.run("-f", "json", "-o", out, "--", os.path.join(lib.TESTS, "selftimer"), 100)
    assert result.status == 0, result
    # The command has our stdout for itself.
    ready, own = result.stdout.decode().splitlines()
    assert ready == "ready"
    with open(out) as f:
        report = json.load(f)
    lib.assert_budget_closes(report)
    process = report["processes"][0]
    assert process["comm"] == "selftimer" and process["ended"]
    assert report["command"] == {"exit_status": 0, "signal": None}
    own = json.loads(own)["nanosleep"]
    waits = lib.thread_of(process, own["tid"])["waits"]
    assert [w["count"] for w in waits if w["syscall"] == "nanosleep"] == [100], waits
    # From its first instant: nothing of us, or of a shell, is in the report.
    assert report["window"]["ns"] >= own["ns"]
    assert lib.share(process, "unknown") < 0.01


def test_command_that_fails(folder):
    out = os.path.join(folder, "report")
    result = lib.run("-f", "json", "-o", out, "--", "/bin/sh", "-c", "exit 7")
    assert result.status == 0, result
    assert "7" in result.stderr, "a command that fails is reported"
    with open(out) as f:
        assert json.load(f)["command"] == {"exit_status": 7, "signal": None}


@pytest.mark.parametrize("script, status", [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_exit_code(script, status):
    result = lib.run("--exit-code", "--", "/bin/sh", "-c", script)
    assert result.status == status, result


def test_command_that_is_not_there():
    result = lib.run("--", "/no/such/command")
    assert result.status in (FAILED, NO_TARGET, 127), result
    lib.one_line_error(result, "/no/such/command", "no such file")


def test_command_outlives_the_window():
    """-d ends our window, not the command."""
    with lib.Tool("-d", 0.5, "-f", "json", "--", os.path.join(lib.TESTS, "sleeper")) as tool:
        tool.wait_open()
        command, = lib.children(tool.pid)
        try:
            result = tool.wait(20)
            assert result.status == 0, result
            assert lib.status_field(command, "Name") == "sleeper"
        finally:
            lib.kill(command)


# Text of the target

# Controls, which no format may have; for people also what moves the text or turns its direction.
CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def test_hostile_names(folder):
    """Names with escapes, quotes, newlines and broken UTF-8 cannot break any report."""
    binary = os.path.join(folder.encode(), b"ev\x1b[31mil \"'\\\xff\xfe\n name\xe2\x80\xae")
    shutil.copy(os.path.join(lib.TESTS, "comm_hostile"), binary)
    with lib.Workload([binary]) as workload:
        text = lib.run("-p", workload.pid, "-d", 0.5)
        report = lib.run("-p", workload.pid, "-d", 0.5, "-f", "json")
        metrics = lib.run("-p", workload.pid, "-d", 0.5, "-f", "prometheus")
        quiet = lib.run("-p", workload.pid, "-d", 0.5, "-i", 0.2)
    for result, unsafe in ((text, UNSAFE), (quiet, UNSAFE), (metrics, CONTROL), (report, CONTROL)):
        assert result.status == 0, result
        found = unsafe.findall(result.stdout.decode("utf-8"))
        assert not found, "%r in %s" % (found, result)
        assert not UNSAFE.findall(result.stderr)
    process = lib.process_of(report.report, workload.pid)
    lib.assert_budget_closes(report.report)
    assert len(process["threads"]) == 8
    assert process["comm"].startswith("\x1b[31mred"), "in JSON it is whole"
    assert "new\nline\r\ttab" in process["cmdline"]
    assert "quo\"te'\\back" in process["cmdline"]
    promtool(metrics.stdout)


@pytest.mark.parametrize("width", [80])
def test_text_width(width):
    """No line is wider than the terminal that everybody has."""
    with lib.program("mutex_convoy", 12) as workload:
        result = lib.run("-p", workload.pid, "-d", 0.5)
    assert result.status == 0, result
    for line in result.stdout.decode().splitlines():
        assert len(line) <= width, line
    first = result.stdout.decode().lstrip().splitlines()[0]
    assert "lock" in first, "it leads with the verdict: %r" % first


def test_no_colour_into_a_pipe(sleeper):
    for env in ({}, {"NO_COLOR": "1"}, {"TERM": "xterm-256color"}):
        result = lib.run("-p", sleeper, "-d", 0.3, env=env)
        assert b"\x1b" not in result.stdout and "\x1b" not in result.stderr, result


# Formats

def promtool(text):
    """Prometheus's own check of names, types and help texts."""
    path = shutil.which("promtool")
    if not path:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    out = subprocess.run([path, "check", "metrics"], input=text, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=lib.DEADLINE)
    assert out.returncode == 0 and not out.stdout.strip(), out.stdout.decode()


@pytest.mark.parametrize("argv, options", [(("mutex_convoy",), ()), (("pipe_slow",), ("-C",)),
                                           (("sleeper",), ())], ids=str)
def test_prometheus(argv, options):
    with lib.program(*argv) as workload:
        result = lib.run("-p", workload.pid, "-d", 0.5, "-f", "prometheus", *options)
    assert result.status == 0, result
    promtool(result.stdout)
    text = result.stdout.decode()
    for name in lib.STATES:
        assert 'state="%s"' % name in text, name


@pytest.fixture(scope="module")
def validator():
    """docs/schema.json, itself checked."""
    jsonschema = pytest.importorskip("jsonschema")
    with open(lib.SCHEMA) as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("argv, options", [
    (("mutex_convoy",), ()), (("pipe_slow",), ("-C",)), (("forker", 20, 1, 1), ("-C",)),
    (("sleeper",), ("--syscalls=off",)), (("blocker", "tcp-recv"), ("--syscalls=on",)),
    (("thread_churn",), ()), (("execer", 100), ()), (("comm_hostile",), ())], ids=str)
def test_json_is_valid(validator, argv, options):
    with lib.program(*argv) as workload:
        report = lib.diagnose(workload.pid, 1, *options)
    validator.validate(report)


def test_json_of_a_python_is_valid(validator):
    python = [p for p in lib.pythons() if p.name == "system"][0]
    with python.folder() as folder, python.workload(folder, "w2-threads") as workload:
        report = lib.diagnose(workload.pid, 1)
    validator.validate(report)
    assert report["processes"][0]["gil"]["wait_hist"]


def test_schema_is_the_documented_one():
    with open(lib.SCHEMA) as f:
        assert json.loads(lib.run("--json-schema").stdout) == json.load(f)


def test_intervals(validator):
    """One object per interval; they are whole, and follow each other."""
    with lib.program("mutex_convoy") as workload:
        result = lib.run("-p", workload.pid, "-d", 3, "-i", 1, "-f", "json")
    assert result.status == 0, result
    reports = result.reports
    assert len(reports) >= 3, result
    last = None
    for report in reports[:3]:
        validator.validate(report)
        lib.assert_budget_closes(report)
        assert abs(report["window"]["ns"] - 10**9) <= 5 * 10**7
        start, end = lib.window_realtime_ns(report)
        if last is not None:
            # Not a moment between two intervals is lost or counted twice.
            assert abs(start - last) <= 10**6, start - last
        last = end
        process = lib.process_of(report, workload.pid)
        assert process["verdict"]["bound"] == "lock-bound"


def test_intervals_text(sleeper):
    result = lib.run("-p", sleeper, "-d", 1.5, "-i", 0.5)
    assert result.status == 0, result
    assert len(result.stdout.decode().splitlines()) >= 3


def test_select_threads():
    """-t counts these threads and no others."""
    with lib.program("mutex_convoy", 4) as workload:
        chosen = lib.tids(workload.pid)[2]
        result = lib.run("-t", chosen, "-d", 0.5, "-f", "json")
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    assert [t["tid"] for t in result.report["processes"][0]["threads"]] == [chosen]


# Losses

def test_full_map_is_a_named_loss():
    """Too few entries for the threads: named, less sure, and no time is lost."""
    with lib.program("mutex_convoy", 60) as workload:
        whole = lib.diagnose(workload.pid, 1)
        result = lib.run("-p", workload.pid, "-d", 1, "-f", "json",
                         "--test-map-entries", "threads=8")
        text = lib.run("-p", workload.pid, "-d", 1, "--test-map-entries", "threads=8")
    lib.assert_no_losses(whole)
    assert result.status == INCOMPLETE and text.status == INCOMPLETE, result
    report = result.report
    lib.assert_budget_closes(report)
    assert report["losses"]["threads_map_full"] > 0
    assert report["incomplete"] and not whole["incomplete"]
    before, after = (lib.process_of(r, workload.pid) for r in (whole, report))
    assert after["verdict"]["confidence"] < before["verdict"]["confidence"]
    assert len(after["threads"]) == 60
    assert sum(t["unseen"] for t in after["threads"]) == 60 - 8
    assert abs(after["window_ns"] - 60 * report["window"]["ns"]) <= 0.001 * after["window_ns"]
    assert "threads_map_full" in text.stdout.decode() + text.stderr


@pytest.mark.parametrize("entries, loss", [("locks=1", "locks_map_full"),
                                           ("syscalls=1", "syscalls_map_full")])
def test_full_detail_maps(entries, loss):
    """Detail goes, time does not."""
    with lib.program("selftimer", 100000, "wait") as workload:
        workload.signal(signal.SIGUSR1)
        with lib.program("mutex_convoy", 4) as convoy:
            result = lib.run("-p", "%d,%d" % (workload.pid, convoy.pid), "-d", 1, "-f", "json",
                             "--syscalls=on", "--test-map-entries", entries)
    assert result.status in (0, INCOMPLETE), result
    lib.assert_budget_closes(result.report)
    assert result.report["losses"][loss] > 0, result.report["losses"]
    assert lib.state(lib.process_of(result.report, convoy.pid), "unknown") == 0


# Privileges

def as_nobody(*more):
    """A command prefix: user and group nobody, without groups."""
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed (Debian package util-linux)")
    return ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", *more]


@pytest.fixture
def shared(folder):
    """The tool and a workload where every user can run them."""
    shutil.copy(lib.BIN, folder + "/boundby")
    shutil.copy(os.path.join(lib.TESTS, "sleeper"), folder)
    return folder


def test_no_privilege(shared):
    with lib.Workload(as_nobody() + [shared + "/sleeper"]) as workload:
        result = lib.run("-p", workload.pid, "-d", 1, prefix=as_nobody(),
                         binary=shared + "/boundby")
    assert result.status == FAILED, result
    lib.one_line_error(result, "CAP_BPF")


def test_doctor_without_privilege(shared):
    result = lib.run("doctor", prefix=as_nobody(), binary=shared + "/boundby")
    text = result.stdout.decode()
    assert "CAP_BPF" in text and "CAP_PERFMON" in text, result


def test_doctor():
    result = lib.run("doctor")
    assert result.status == 0, result
    assert re.search(r"BTF", result.stdout.decode())


def caps_of_doctor():
    """The capabilities that doctor names, as far as this machine's root has them itself."""
    names = set(re.findall(r"CAP_[A-Z_]+", lib.run("doctor").stdout.decode()))
    assert {"CAP_BPF", "CAP_PERFMON"} <= names and "CAP_SYS_ADMIN" not in names
    bounding = int(lib.status_field(os.getpid(), "CapBnd"), 16)
    return sorted(name for name in names if bounding >> CAPABILITIES[name] & 1)


# Of linux/capability.h, those that a tool of this kind may ask for.
CAPABILITIES = {"CAP_DAC_READ_SEARCH": 2, "CAP_SYS_PTRACE": 19, "CAP_SYS_RESOURCE": 24,
                "CAP_PERFMON": 38, "CAP_BPF": 39, "CAP_CHECKPOINT_RESTORE": 40}


@pytest.mark.parametrize("names", [["CAP_BPF", "CAP_PERFMON"], caps_of_doctor],
                         ids=["least", "doctor"])
def test_capabilities_suffice(shared, names):
    """CAP_BPF and CAP_PERFMON, or all that doctor names, do for a process of the same user."""
    names = names() if callable(names) else names
    caps = ",".join("+" + name[len("CAP_"):].lower() for name in names)
    prefix = as_nobody("--inh-caps", caps, "--ambient-caps", caps)
    with lib.Workload(as_nobody() + [shared + "/sleeper"]) as workload:
        report = lib.diagnose(workload.pid, 1, prefix=prefix, binary=shared + "/boundby")
    process = lib.process_of(report, workload.pid)
    assert lib.main_state(process) == "sleep"
    assert process["comm"] == "sleeper"
    assert process["cmdline"] == [shared + "/sleeper"]


def test_privileges_are_dropped(sleeper):
    """Once attached it keeps no capability that it does not need."""
    with lib.Tool("-p", sleeper, "-d", 50) as tool:
        tool.wait_open()
        effective = int(lib.status_field(tool.pid, "CapEff"), 16)
        sys_admin, sys_module, net_admin = 21, 16, 12
        for cap in (sys_admin, sys_module, net_admin):
            assert not effective >> cap & 1, "still has capability %d: %x" % (cap, effective)


def test_without_tracefs_and_bpffs(sleeper):
    """A mount namespace without them: it works all the same."""
    script = ("for m in /sys/kernel/tracing /sys/kernel/debug /sys/fs/bpf; do "
              "while mountpoint -q $m; do umount -l $m || exit 99; done; done; "
              'exec "$0" -p %d -d 0.5 -f json' % sleeper)
    result = lib.run("--mount", "/bin/sh", "-c", script, lib.BIN, binary="unshare")
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)


def test_without_btf(sleeper):
    """No BTF: an error that says so."""
    script = ('mount -t tmpfs none /sys/kernel/btf && mount -t tmpfs none /boot || exit 99; '
              'exec "$0" -p %d -d 0.5' % sleeper)
    result = lib.run("--mount", "/bin/sh", "-c", script, lib.BIN, binary="unshare")
    assert result.status == FAILED, result
    lib.one_line_error(result, "BTF")


def test_pid_of_another_namespace(sleeper):
    """In another PID namespace it can see its own processes only, by their numbers there."""
    script = ('%s >&2 & p=$!; until grep -q sleeper /proc/$p/comm; do :; done; '
              '"$0" -p $p -d 0.5 -f json; s=$?; kill -9 $p; exit $s'
              % os.path.join(lib.TESTS, "sleeper"))
    result = lib.run("--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", script,
                     lib.BIN, binary="unshare")
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    process, = result.report["processes"]
    assert process["comm"] == "sleeper" and process["pid"] < 100
    assert lib.main_state(process) == "sleep"
