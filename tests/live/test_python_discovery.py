# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Finding Python runtimes in live processes, checked end to end.

Each target sets a switch interval of its own with sys.setswitchinterval(); what is read at the
address found for its GIL must be exactly that, so a wrong address cannot pass.

Interpreters: those of pyenv, /usr/bin/python3, and those of the chroots in BB_CHROOT
(colon-separated; tools/make-chroot builds one). BB_EXTRA_PYTHONS: further ones, colon-separated.
BB_PYPROBE: another build of pyprobe, e.g. with sanitizers.
"""
import contextlib
import glob
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTS = os.environ.get("BB_TESTS", os.path.join(ROOT, "build/tests"))
PYPROBE = os.path.abspath(os.environ.get("BB_PYPROBE", os.path.join(TESTS, "pyprobe")))
LIB = os.path.join(ROOT, "tests/lib/python")
DEADLINE = 60  # seconds, against hangs only
# Set half a microsecond higher: CPython truncates what it multiplies.
INTERVAL_US = 7321

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="reads other processes: needs root")

TARGET = """
import sys
if hasattr(sys, "setswitchinterval"):
    sys.setswitchinterval((%d + 0.5) / 1e6)
sys.stdout.write("ready %%d %%s %%s\\n" %% (sys.hexversion, sys.version.split()[0],
    getattr(sys, "_is_gil_enabled", lambda: True)()))
sys.stdout.flush()
sys.stdin.readline()
""" % INTERVAL_US


def pyenv_root():
    if shutil.which("pyenv"):
        return subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
    return os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))


def chroots():
    return [d for d in os.environ.get("BB_CHROOT", "").split(":") if d]


def interpreters():
    """Command lines, by a name for the test."""
    found = {}
    for path in sorted(glob.glob(os.path.join(pyenv_root(), "versions/*/bin/python"))):
        found["pyenv-" + path.split("/")[-3]] = [path]
    if os.path.exists("/usr/bin/python3"):
        found["system"] = ["/usr/bin/python3"]
    for path in os.environ.get("BB_EXTRA_PYTHONS", "").split(":"):
        if path:
            found["extra-" + path] = [path]
    for root in chroots():
        for path in sorted(glob.glob(os.path.join(root, "usr/bin/python3.*"))):
            if re.fullmatch(r"python3\.\d+", os.path.basename(path)):
                name = os.path.basename(path)
                found["chroot-" + name] = ["chroot", root, "/usr/bin/" + name]
    return found


INTERPRETERS = interpreters()


def minor(name):
    """(3, 12) from the test name of an interpreter."""
    if name == "system" or name.startswith("extra-"):
        out = subprocess.run(INTERPRETERS[name] + ["-c", "import sys; print(sys.version)"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        return tuple(int(n) for n in out.split()[0].split(".")[:2])
    match = re.search(r"(\d+)\.(\d+)", name)
    return int(match.group(1)), int(match.group(2))


def having(low, high=(4, 0)):
    return [n for n in INTERPRETERS if low <= minor(n) < high]


class Target:
    def __init__(self, process):
        self.process = process
        self.pid = process.pid

    def read_line(self):
        """One line of its stdout, with a deadline; byte by byte, so that nothing is buffered."""
        end = time.monotonic() + DEADLINE
        line = b""
        fd = self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            assert left > 0 and select.select([fd], [], [], left)[0], "no line from the target"
            byte = os.read(fd, 1)
            assert byte, "the target ended, after %r" % line
            line += byte
        return line.decode().strip()

    def say(self, line=""):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()


@contextlib.contextmanager
def started(argv, **kwargs):
    """A process that is killed at the end, and its children with it (it leads a session)."""
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               start_new_session=True, **kwargs)
    try:
        yield Target(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()


def wait_until_asleep(pid):
    """For programs that say nothing: Popen() returns when exec began, before the files are mapped."""
    end = time.monotonic() + DEADLINE
    while True:
        with open("/proc/%d/stat" % pid) as f:
            state = f.read().rpartition(")")[2].split()[0]
        with open("/proc/%d/syscall" % pid) as f:
            blocked = f.read().split()[0] not in ("running", "-1")
        if state == "S" and blocked:
            return
        assert time.monotonic() < end, "still not waiting"
        time.sleep(0.001)


def run_probe(pid, argv=(PYPROBE,)):
    assert os.path.exists(PYPROBE), PYPROBE + " is missing: build it first"
    return subprocess.run([*argv, str(pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=DEADLINE)


def probe(pid, **kwargs):
    result = run_probe(pid, **kwargs)
    assert result.returncode == 0, result.stderr
    assert not result.stderr
    return json.loads(result.stdout)


def intervals(found):
    return {gil["interpreter"]: gil["interval_us"] for gil in found["gils"]}


def check(found, line):
    """What was found, against the "ready" line of TARGET."""
    _, hexversion, version, enabled = line.split()
    assert found["name"] == "cpython"
    assert found["version"] == version.rstrip("+")
    assert found["version_hex"] == int(hexversion)
    assert intervals(found) == {0: INTERVAL_US}
    assert found["gil"] == {"True": "enabled", "False": "disabled"}[enabled]
    assert found["initialised"] and found["note"] is None


def compile_c(source, out, *options):
    subprocess.run(["cc", "-O1", "-o", str(out), os.path.join(LIB, source), *options], check=True)
    return str(out)


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    return compile_c("fake_runtime.c", tmp_path_factory.mktemp("fake") / "fake", "-rdynamic")


@pytest.fixture
def mapper(tmp_path):
    """A Python that has mapped tmp_path/libpython3.9.so.1.0, which is looked at before its own."""
    decoy = tmp_path / "libpython3.9.so.1.0"
    shutil.copy(PYPROBE, decoy)
    script = """
import mmap, sys
f = open(%r, "rb")
m = mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)
""" % str(decoy)
    with started(["/usr/bin/python3", "-c", script + TARGET]) as target:
        yield target, target.read_line(), decoy


def test_chroot_given():
    if not chroots():
        pytest.skip("optional: no Python newer than pyenv's: BB_CHROOT is not set (see tools/make-chroot)")
    assert [n for n in INTERPRETERS if n.startswith("chroot-")]


@pytest.mark.parametrize("name", having((3, 7)))
def test_gil_of_each_version(name):
    with started(INTERPRETERS[name] + ["-c", TARGET]) as target:
        line = target.read_line()
        check(probe(target.pid), line)


def test_free_threaded_build_with_its_gil_enabled():
    names = [n for n in having((3, 13)) if subprocess.run(
        INTERPRETERS[n] + ["-c", "import sys; sys.exit('t' not in sys.abiflags)"]).returncode == 0]
    if not names:
        pytest.skip("optional: no free-threaded build at hand (name one in BB_EXTRA_PYTHONS)")
    for name in names:
        with started(INTERPRETERS[name] + ["-X", "gil=1", "-c", TARGET]) as target:
            line = target.read_line()
            assert line.endswith(" True")
            found = probe(target.pid)
            check(found, line)
        assert found["free_threaded"]


@pytest.mark.parametrize("name", having((2, 7), (3, 7)))
def test_old_versions_are_named_only(name):
    with started(INTERPRETERS[name] + ["-c", TARGET]) as target:
        _, hexversion, version, _ = target.read_line().split()
        found = probe(target.pid)
    assert (found["name"], found["version"]) == ("cpython", version)
    assert found["version_hex"] == int(hexversion)
    assert found["gil"] == "unknown" and not found["gils"]
    assert "before 3.7" in found["note"]


@pytest.mark.parametrize("name", having((3, 7)))
def test_while_threads_compute_and_come_and_go(name):
    script = TARGET.replace("sys.stdin.readline()", """
import threading
def compute():
    while True:
        sum(range(1000))
def churn():
    while True:
        t = threading.Thread(target=len, args=("",))
        t.start()
        t.join()
for f in (compute, compute, churn, churn):
    t = threading.Thread(target=f)
    t.daemon = True
    t.start()
sys.stdin.readline()
""")
    with started(INTERPRETERS[name] + ["-c", script]) as target:
        line = target.read_line()
        for _ in range(25):
            check(probe(target.pid), line)


@pytest.mark.parametrize("name", having((3, 12)))
def test_own_gil_of_subinterpreters(name):
    script = TARGET.replace("sys.stdout.write", """
try:
    import _interpreters as sub
    made = [sub.create() for _ in range(2)]
    run = sub.exec
except ImportError:
    import _xxsubinterpreters as sub
    made = [sub.create(isolated=True) for _ in range(2)]
    run = sub.run_string
for i in made:
    run(i, "import sys; sys.setswitchinterval((%d + 0.5) / 1e6)" % (2000 + int(i)))
sys.stdout.write("made %s\\n" % " ".join(str(int(i)) for i in made))
sys.stdout.write""", 1)
    with started(INTERPRETERS[name] + ["-c", script]) as target:
        ids = [int(i) for i in target.read_line().split()[1:]]
        target.read_line()
        found = probe(target.pid)
    assert len(ids) == 2
    assert intervals(found) == {0: INTERVAL_US, **{i: 2000 + i for i in ids}}
    assert len({gil["addr"] for gil in found["gils"]}) == 3


@pytest.mark.parametrize("name", having((3, 8)))
def test_many_subinterpreters_share_the_main_gil(name):
    script = TARGET.replace("sys.stdout.write", """
try:
    import _interpreters as sub
    make = lambda: sub.create("legacy")
except ImportError:
    import _xxsubinterpreters as sub
    make = sub.create if sys.version_info < (3, 10) else lambda: sub.create(isolated=False)
made = [make() for _ in range(70)]
sys.stdout.write""", 1)
    with started(INTERPRETERS[name] + ["-c", script]) as target:
        line = target.read_line()
        check(probe(target.pid), line)


@pytest.mark.parametrize("name", having((3, 7)))
def test_fork_child_has_the_same_gil(name):
    script = "import os, sys\nif os.fork(): sys.exit(os.wait()[1])\n" + TARGET.replace(
        '"ready ', '"%d ready ').replace("(sys.hexversion", "(os.getpid(), sys.hexversion")
    with started(INTERPRETERS[name] + ["-c", script]) as target:
        child, line = target.read_line().split(" ", 1)
        found = probe(int(child))
        check(found, line)
        parent = probe(target.pid)
    assert parent["gils"][0]["addr"] == found["gils"][0]["addr"]


@contextlib.contextmanager
def refreshing(pid):
    with started([PYPROBE, "-r", str(pid)]) as asker:
        def ask():
            asker.say()
            return json.loads(asker.read_line())
        yield json.loads(asker.read_line()), ask


@pytest.mark.parametrize("name", having((3, 7)))
def test_refresh_sees_a_new_interval_and_a_new_program(name):
    script = TARGET + """
sys.setswitchinterval(0.002)
sys.stdout.write("changed\\n")
sys.stdout.flush()
sys.stdin.readline()
import os
os.execv("/bin/sh", ["sh", "-c", "echo replaced; read line"])
"""
    with started(INTERPRETERS[name] + ["-u", "-c", script]) as target:
        line = target.read_line()
        with refreshing(target.pid) as (first, ask):
            check(first, line)
            target.say()
            target.read_line()
            assert intervals(ask()) == {0: 2000}
            target.say()
            assert target.read_line() == "replaced"
            assert ask()["name"] == ""


def test_another_pid_namespace():
    argv = ["unshare", "-pf", "--mount-proc", "/usr/bin/python3", "-c", TARGET]
    with started(argv) as target:
        line = target.read_line()
        with open("/proc/%d/task/%d/children" % (target.pid, target.pid)) as f:
            child = int(f.read().split()[0])
        check(probe(child), line)


def test_deleted_and_replaced_executable(tmp_path):
    exe = tmp_path / "python3.8"  # a lie, too
    shutil.copy(os.path.realpath("/usr/bin/python3"), exe)
    with started([str(exe), "-c", TARGET]) as target:
        line = target.read_line()
        exe.unlink()
        check(probe(target.pid), line)
        shutil.copy("/bin/true", exe)
        check(probe(target.pid), line)


def test_runtime_in_a_program_of_any_name(tmp_path):
    exe = tmp_path / "uwsgi"
    shutil.copy(os.path.realpath("/usr/bin/python3"), exe)
    with started([str(exe), "-c", TARGET]) as target:
        line = target.read_line()
        check(probe(target.pid), line)


@pytest.mark.parametrize("name", [n for n in having((3, 7)) if n.startswith("pyenv-")])
def test_version_without_a_telling_file_name(name, tmp_path):
    prefix = os.path.dirname(os.path.dirname(INTERPRETERS[name][0]))
    libs = glob.glob(os.path.join(prefix, "lib/libpython3.*.so.1.0"))
    if not libs:
        pytest.skip("optional: " + name + " has no shared library")
    # The loader goes by the name inside the file, so this stands in for libpython.
    shutil.copy(libs[0], tmp_path / "libapp.so")
    env = dict(os.environ, LD_PRELOAD=str(tmp_path / "libapp.so"))
    with started(INTERPRETERS[name] + ["-c", TARGET], env=env) as target:
        line = target.read_line()
        with open("/proc/%d/maps" % target.pid) as f:
            assert "libpython" not in f.read()
        check(probe(target.pid), line)


@pytest.mark.parametrize("name", [n for n in having((3, 7)) if n.startswith("pyenv-")])
def test_embedded_before_during_and_after(name, tmp_path):
    prefix = os.path.dirname(os.path.dirname(INTERPRETERS[name][0]))
    libs = glob.glob(os.path.join(prefix, "lib/libpython3.*.so.1.0"))
    if not libs:
        pytest.skip("optional: " + name + " has no shared library")
    host = compile_c("embed.c", tmp_path / "host", libs[0], "-Wl,-rpath,%s/lib" % prefix)
    with started([host], env=dict(os.environ, PYTHONHOME=prefix)) as target:
        assert target.read_line() == "before"
        with refreshing(target.pid) as (before, ask):
            assert before["name"] == "cpython" and not before["initialised"]
            assert before["gil"] == "unknown" and not before["gils"]
            target.say()
            assert target.read_line() == "running"
            running = ask()
            assert running["initialised"] and running["gil"] == "enabled"
            assert intervals(running) == {0: 5000} and running["note"] is None
            target.say()
            assert target.read_line() == "after"
            after = ask()
            assert not after["initialised"] and not after["gils"]


def test_not_a_python():
    with started(["sleep", "1000"]) as target:
        wait_until_asleep(target.pid)
        found = probe(target.pid)
    assert (found["name"], found["gil"], found["gils"]) == ("", "none", [])


@pytest.mark.parametrize("name, argv", [
    ("node", ["node", "-e", "console.log('ready'); process.stdin.resume()"]),
    ("go", ["gofmt"]),
    ("java", ["java", "@SOURCE@"]),
])
def test_other_runtimes_are_named(name, argv, tmp_path):
    if not shutil.which(argv[0]):
        pytest.skip("optional: " + argv[0] + " is not installed")
    source = tmp_path / "Waits.java"
    source.write_text("class Waits { public static void main(String[] a) throws Exception {"
                      'System.out.println("ready"); System.in.read(); } }')
    with started([str(source) if a == "@SOURCE@" else a for a in argv]) as target:
        if name == "go":  # gofmt says nothing before its input ends
            wait_until_asleep(target.pid)
        else:
            target.read_line()
        found = probe(target.pid)
    assert (found["name"], found["gil"], found["gils"]) == (name, "none", [])


def test_gone_zombie_and_forbidden():
    with started(["true"]) as target:
        os.waitid(os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
        assert probe(target.pid)["name"] == ""
    gone = run_probe(target.pid)
    assert gone.returncode == 1 and "No such process" in gone.stderr
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory() as public:
        os.chmod(public, 0o755)
        copy = shutil.copy(PYPROBE, public)
        denied = run_probe(os.getpid(), argv=[*as_nobody, copy])
        assert denied.returncode == 1 and "Permission denied" in denied.stderr
        with started([*as_nobody, "/usr/bin/python3", "-c", TARGET]) as target:
            line = target.read_line()
            check(probe(target.pid, argv=[*as_nobody, copy]), line)


@pytest.mark.parametrize("case", [
    "random", "random-312", "self", "kernel-pointers", "low-pointers", "stack-pointers",
    "no-version", "debug-offsets-huge", "debug-offsets-zero", "debug-offsets-odd",
    "debug-offsets-version", "future", "bad-interval", "bad-locked", "bad-holder", "bad-thread",
])
def test_hostile_runtime_is_refused(fake, case):
    with started([fake, case]) as target:
        target.read_line()
        found = probe(target.pid)
    assert found["name"] == "cpython"
    assert found["gil"] == "unknown" and found["gils"] == [] and found["note"]
    if case == "future":
        assert found["version"] == "3.16.0" and "3.16.0" in found["note"]


def test_layout_of_code_by_the_targets_own_word(fake, tmp_path):
    """A build with other options may have its GIL where we know it, and its objects not."""
    traced = compile_c("fake_runtime.c", tmp_path / "traced", "-rdynamic", "-DTRACE_REFS")
    for exe, case, refused in ((fake, "release-313", False), (fake, "other-313", True),
                               (fake, "shared-gil", False), (traced, "shared-gil", True)):
        with started([exe, case]) as target:
            target.read_line()
            found = probe(target.pid)
        assert found["gil"] == "enabled" and len(found["gils"]) == 1, (case, found)
        assert (found["note"] is not None) == refused, (case, found)
        assert not refused or "other options" in found["note"], found


def test_debug_build_is_refused():
    """Debian's --with-pydebug: objects are of another size, and it says so itself."""
    system = os.path.basename(os.path.realpath("/usr/bin/python3"))
    with started(["/usr/bin/%s-dbg" % system, "-c", "print('ready', flush=True); input()"]) as target:
        target.read_line()
        found = probe(target.pid)
    assert found["name"] == "cpython" and found["gil"] == "unknown" and found["gils"] == [], found
    assert "debug build" in found["note"], found


@pytest.mark.parametrize("case", ["zero", "no-gil-yet"])
def test_runtime_that_is_not_started(fake, case):
    with started([fake, case]) as target:
        target.read_line()
        found = probe(target.pid)
    assert found["gil"] == "unknown" and found["gils"] == []
    assert found["initialised"] is False


@pytest.mark.parametrize("case, ids", [
    ("shared-gil", [0]), ("cycle", [0, 1]), ("many", [0] + list(range(99, 92, -1))),
    ("endless", [0] + list(range(99999, 99992, -1))),
])
def test_lists_are_walked_within_bounds(fake, case, ids):
    with started([fake, case]) as target:
        target.read_line()
        found = probe(target.pid)
    assert [gil["interpreter"] for gil in found["gils"]] == ids
    assert (found["note"] is not None) == (len(ids) == 8)


def test_corrupt_elf_files_do_no_harm(mapper):
    target, line, decoy = mapper
    good = decoy.read_bytes()
    rng = random.Random(20240229)
    header = [i for i in range(64)]
    shoff = int.from_bytes(good[40:48], "little")
    sections = [i for i in range(shoff, len(good))]
    for n in range(150):
        bad = bytearray(good)
        for _ in range(rng.choice((1, 4, 32))):
            where = rng.choice((header[16:], sections, range(len(bad))))
            bad[rng.choice(where)] = rng.randrange(256)
        if n % 10 == 0:
            del bad[rng.randrange(len(bad)):]
        decoy.write_bytes(bad)
        check(probe(target.pid), line)
