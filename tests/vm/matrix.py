# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Boots the kernels of the matrix in QEMU and checks what their guests report.

The guest (guest_init) only runs and reports; every judgement is here. A boot counts as failed
until the guest has written "@bb done".
"""
import base64
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = pathlib.Path(os.environ.get("OUT", ROOT / "build")).resolve()
BOUNDBY = pathlib.Path(os.environ.get("BB_BIN", OUT / "boundby")).resolve()
CACHE = pathlib.Path(os.environ.get("BB_VM_CACHE", "/var/cache/boundby-vm"))
KERNELS = ["5.10", "6.1", "6.12"]
DOC = ROOT / "docs" / "kernels.md"

# A boot takes 15 to 30 s; this is against hangs.
DEADLINE = float(os.environ.get("BB_VM_DEADLINE", "180"))

# One thread for both CPUs, and no cmpxchg16b: with a thread a CPU, QEMU 7.2 races with the kernel
# patching its own code ("Oops: int3" when a tracepoint is attached), and its cmpxchg16b takes 6.12's
# allocator to a double fault in a third of all boots. Both are the emulator's: 10 of 10 boots are well.
MACHINE = ["-accel", "tcg,thread=single", "-cpu", "qemu64,-cx16", "-smp", "2", "-m", "1G"]

STATES = ("oncpu runq gil lock queue disk net poll ipc sleep child fault stopped other unknown").split()


class Missing(Exception):
    """Something that this machine lacks: why nothing could be tried."""


class Guest:
    """What one boot said. Where it said nothing, a check fails with the reason, not with a stack trace."""

    def __init__(self, kernel, log, seconds, timed_out):
        self.kernel, self.log, self.seconds, self.timed_out = kernel, log, seconds, timed_out
        self.release = None
        self.done = False
        self.status = {}
        self.files = {}
        self.said = []
        self.modes = []
        name, lines = None, []
        for line in log.replace("\r", "").split("\n"):
            # The first line may follow what the firmware left on its own.
            at = line.find("@bb ")
            if at < 0:
                if name:
                    lines.append(line)
                continue
            word, _, rest = line[at + 4:].partition(" ")
            if word == "begin":
                self.release = rest
            elif word == "mode":
                self.modes.append(rest)
            elif word == "say":
                self.said.append(rest)
            elif word == "status":
                self.status[rest.split()[0]] = int(rest.split()[1])
            elif word == "file":
                name, lines = rest, []
            elif word == "end" and rest == name:
                self.files[name] = gzip.decompress(base64.b64decode("".join(lines)))
                name = None
            elif word == "done":
                self.done = True

    def text(self, name):
        assert name in self.files, f"the guest sent no {name}"
        return self.files[name].decode(errors="replace")

    def json(self):
        if not hasattr(self, "_json"):
            assert self.status.get("json") == 0, "no JSON, see json_exits_0"
            self._json = json.loads(self.text("json.out"))
        return self._json

    def threads(self):
        """{name: thread object of the JSON}, by the tids that the workload printed."""
        names = dict(re.findall(r"^thread (\d+) (\S+)$", self.text("workload"), re.M))
        assert len(names) == 9, f"workload: {self.text('workload')!r}"
        found = {t["tid"]: t for t in self.json()["processes"][0]["threads"]}
        missing = [f"{n} ({t})" for t, n in names.items() if int(t) not in found]
        assert not missing, "threads without a row: " + ", ".join(missing)
        return {n: found[int(t)] for t, n in names.items()}

    def account(self, name):
        """{tid: (on-CPU ns, run-queue ns, slices, voluntary, involuntary, migrations)} from /proc"""
        rows = re.findall(r"^tid" + r" (\d+)" * 7 + "$", self.text(name), re.M)
        return {int(r[0]): tuple(map(int, r[1:])) for r in rows}


def release(guest):
    """(major, minor) of the guest's kernel."""
    return tuple(map(int, guest.release.split(".")[:2]))


# ---- build and boot

def tool(command, remedy):
    if not shutil.which(command):
        raise Missing(f"no {command} (package {remedy})")


def build(modes):
    """The initramfs for these modes."""
    tool("qemu-system-x86_64", "qemu-system-x86")
    tool("cpio", "cpio")
    tool("busybox", "busybox-static")
    folder = OUT / "vm"
    folder.mkdir(parents=True, exist_ok=True)
    run = lambda *a: subprocess.run([str(x) for x in a], check=True, stdin=subprocess.DEVNULL)
    run("gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread",
        "-o", folder / "guest_workload", HERE / "guest_workload.c")
    run(HERE / "build-kfeatures", folder / "kfeatures")
    items = [folder / "guest_workload", folder / "kfeatures" / "kfeatures"]
    items += [f"{o}=/features/" for o in sorted((folder / "kfeatures").glob("*.bpf.o"))]
    if "boundby" in modes:
        if not BOUNDBY.exists():
            raise Missing(f"no {BOUNDBY}: make it first")
        items.append(f"{BOUNDBY}=/bin/boundby")
        items += python()
    image = folder / "initramfs.cpio.gz"
    run(HERE / "mkinitramfs", image, *items)
    return image


def python():
    """The system's Python, as far as guest_python.py needs it."""
    probe = ("import os, sys, encodings; print(os.path.realpath(sys.executable), "
             "os.path.dirname(encodings.__file__), 'zlib' in sys.builtin_module_names)")
    p = subprocess.run(["/usr/bin/python3", "-c", probe], capture_output=True, text=True, check=True)
    exe, encodings, has_zlib = p.stdout.split()
    if has_zlib != "True":
        raise Missing("the system's Python has no zlib built in")
    items = [f"{exe}=/bin/python3", f"{HERE / 'guest_python.py'}=/"]
    return items + [f"{encodings}/{name}.py={encodings}/" for name in ("__init__", "aliases", "utf_8")]


def fetch(kernel):
    """The kernel's vmlinuz, from the cache or the mirror."""
    p = subprocess.run([HERE / "fetch-kernels", kernel], capture_output=True, text=True)
    if p.returncode:
        raise Missing(p.stderr.strip())
    return pathlib.Path(p.stdout.split()[2])


def boot(kernel, image, modes):
    vmlinuz = fetch(kernel)
    btf = CACHE / kernel / "btf"
    modes = list(modes) + ([] if btf.exists() and btf.stat().st_size else ["btf"])
    argv = ["qemu-system-x86_64", *MACHINE, "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
            "-kernel", str(vmlinuz), "-initrd", str(image),
            "-append", f"console=ttyS0 quiet panic=-1 bb.modes={','.join(modes)}"]
    start = time.monotonic()
    timed_out = False
    qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            start_new_session=True)
    try:
        log, _ = qemu.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        timed_out = True
        os.killpg(qemu.pid, signal.SIGKILL)
        log, _ = qemu.communicate()
    except BaseException:
        os.killpg(qemu.pid, signal.SIGKILL)
        qemu.wait()
        raise
    log = log.decode(errors="replace")
    (OUT / "vm" / f"{kernel}.log").write_text(log)
    guest = Guest(kernel, log, time.monotonic() - start, timed_out)
    for name, data in guest.files.items():
        path = OUT / "vm" / kernel / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    if guest.files.get("btf"):
        part = btf.with_suffix(".part")
        part.write_bytes(guest.files["btf"])
        part.rename(btf)
    return guest


# ---- the checks: each asserts, and returns a word on what it saw

CHECKS = {}


def check(mode):
    def add(function):
        CHECKS[function.__name__] = (mode, function)
        return function
    return add


@check("boot")
def boots(g):
    tail = "\n".join(g.log.replace("\r", "").split("\n")[-15:])
    assert not g.timed_out, f"no end within {DEADLINE:.0f} s:\n{tail}"
    assert g.done, f"the guest never said it was done:\n{tail}"
    assert g.release and g.release.startswith(g.kernel + "."), f"booted {g.release}"
    return f"{g.release}, {g.seconds:.0f} s"


SPLAT = re.compile(r"WARNING:|BUG:|Oops|Call Trace|general protection|double fault|rcu.*stall|hung_task|"
                   r"blocked for more than|\b(bpf|BPF)\b.*(fail|warn|invalid|error)")


@check("boot")
def dmesg_is_quiet(g):
    bad = [l for l in g.text("dmesg").split("\n") if SPLAT.search(l)]
    assert not bad, "\n".join(bad[:20])


def words(g, name):
    """Why a run failed; where it could not load, the end of what the kernel said."""
    said = g.files.get("words.err", b"").decode(errors="replace").strip().split("\n")
    return f"status {g.status.get(name)}: {g.text(name + '.err')}" + "\n".join(s[:200] for s in said[-25:])


@check("boundby")
def json_exits_0(g):
    assert g.status.get("json") == 0, words(g, "json")
    assert g.json()["schema"] == "boundby/1"
    return g.json()["processes"][0]["verdict"]["bound"]


@check("boundby")
def text_exits_0(g):
    assert g.status.get("text") == 0, f"status {g.status.get('text')}: {g.text('text.err')}"
    assert g.text("text.out").strip(), "no report"
    wide = [l for l in g.text("text.out").split("\n") if len(l) > 80]
    assert not wide, f"wider than 80 columns: {wide[0]!r}"


@check("boundby")
def stacks_are_taken(g):
    """With the programs that take them: what blocks, by its kernel functions, and what ends that."""
    assert g.status.get("stacks") == 0, f"status {g.status.get('stacks')}: {g.text('stacks.err')}"
    process = json.loads(g.text("stacks.out"))["processes"][0]
    rows = [r for r in process["stacks"] if r["frames"]]
    for state in ("sleep", "ipc", "lock"):
        told = sum(r["ns"] for r in process["stacks"] if r["kind"] == "blocked" and r["state"] == state)
        assert 0 < told <= 1.01 * process["states"][state + "_ns"] + 1e6, (state, told, process["states"])
    blocked = [r for r in rows if r["kind"] == "blocked"]
    kernel = [f["name"] for r in blocked for f in r["frames"] if f["kind"] == "kernel"]
    assert any("nanosleep" in name for name in kernel), kernel
    assert any("pipe" in name for name in kernel), kernel
    assert not any("schedule" == name for name in kernel), kernel
    wakes = [r for r in process["stacks"] if r["kind"] == "wakeup"]
    timers = [r for r in wakes if r["state"] == "sleep"]
    assert timers and all(r["waker"]["interrupt"] for r in timers), timers
    assert any(r["waker"]["comm"] for r in wakes if r["state"] in ("ipc", "lock")), wakes
    return f"{len(process['stacks'])} rows"


@check("boundby")
def says_the_kernel(g):
    assert g.json()["host"]["kernel"] == g.release
    assert g.json()["host"]["cpus_online"] == 2


@check("boundby")
def budget_closes(g):
    """The states of each thread sum to its window within 0.1 %, and its window is that of the report."""
    window = g.json()["window"]["ns"]
    assert 1.9e9 < window < 3e9, f"a window of {window} ns for -d 2"
    worst = 0
    for name, t in g.threads().items():
        total = sum(t["states"][s + "_ns"] for s in STATES)
        off = abs(total - t["window_ns"]) / t["window_ns"]
        assert off <= 0.001, f"{name}: states sum to {total}, window {t['window_ns']}"
        assert abs(t["window_ns"] - window) / window <= 0.001, f"{name}: window {t['window_ns']} of {window}"
        worst = max(worst, off)
    return f"worst residual {worst:.6%}"


@check("boundby")
def python_and_its_c_code(g):
    """Frames are walked, the clock samples, and what ran on top of the user's stack is named."""
    assert g.status.get("python") == 0, words(g, "python")
    process = json.loads(g.text("python.out"))["processes"][0]
    rows = [c for c in process["code"] if c["kind"] == "oncpu-with-gil" and c["frames"]]
    count = lambda name, symbol: sum(
        top["samples"] for c in rows if c["frames"][0]["function"] == name
        for top in c["native"]["tops"] if symbol is None or top["symbol"] == symbol)
    loop, call, crc = count("in_python", None), count("in_c", None), count("in_c", "crc32_z")
    word = f"{loop} samples in Python, {call} in the call, {crc} of these in crc32_z"
    assert loop >= 10 and call >= 10 and crc > 0.5 * call, word
    # of each the line that held it most, which comes first
    holders = {h["function"]: h["c_call"] for h in reversed(process["gil"]["holders"]) if h["function"]}
    assert set(holders) == {"in_python", "in_c"}, holders
    assert holders["in_python"] is None and holders["in_c"]["symbol"] == "crc32_z", holders
    return word


@check("boundby")
def agrees_with_schedstat(g):
    """On-CPU and run-queue time and switches of the window lie within the kernel's own, taken around it.

    The accounts frame the run, so they are upper bounds; the kernel's sums lag by a tick (4 ms) for a
    thread that runs. For the two that only run in turns the on-CPU time must also not be far below."""
    before, after = g.account("account0"), g.account("account1")
    for name, t in g.threads().items():
        a, b = before[t["tid"]], after[t["tid"]]
        for key, i in (("oncpu_ns", 0), ("runq_ns", 1)):
            assert t["states"][key] <= b[i] - a[i] + 10e6, \
                f"{name}: {key} {t['states'][key]}, the kernel counted {b[i] - a[i]} around the run"
        switches = t["switches"]
        assert switches["voluntary"] <= b[3] - a[3], f"{name}: {switches} against {b[3] - a[3]}"
        assert switches["involuntary"] <= b[4] - a[4], f"{name}: {switches} against {b[4] - a[4]}"


def share(t, *states):
    return sum(t["states"][s + "_ns"] for s in states) / t["window_ns"]


def shown(t):
    return {s: round(share(t, s), 4) for s in STATES if share(t, s) > 0}


@check("boundby")
def compute_is_oncpu_or_runq(g):
    t = g.threads()["compute"]
    assert share(t, "oncpu") > 0.2 and share(t, "oncpu", "runq") > 0.999, shown(t)
    return shown(t)


@check("boundby")
def sleeper_is_sleep(g):
    t = g.threads()["sleeper"]
    assert share(t, "sleep") > 0.8 and share(t, "sleep", "oncpu", "runq") > 0.999, shown(t)
    return shown(t)


@check("boundby")
def reader_is_ipc(g):
    t = g.threads()["reader"]
    assert share(t, "ipc") > 0.8 and share(t, "ipc", "oncpu", "runq") > 0.999, shown(t)
    return shown(t)


@check("boundby")
def other_ends_are_told(g):
    """The kernel's fields for unix sockets and inodes, by what the report makes of them."""
    threads = g.threads()
    pid = g.json()["processes"][0]["pid"]
    said = {name: (threads[name]["waits"][0]["label"], threads[name]["waits"][0]["endpoint"])
            for name in ("reader", "client")}
    server = [(w["label"], w["endpoint"]) for w in threads["server"]["waits"] if w["state"] == "ipc"]
    assert said["reader"] == ("pipe of its own", "local"), said
    assert said["client"] == ("unix out @guest (guest_workload %d)" % pid, "outbound"), said
    # it may not have had to wait for a question
    assert server in ([], [("unix in @guest", "inbound")]), server
    return said


@check("boundby")
def mutex_is_lock(g):
    for name in "lock1", "lock2":
        t = g.threads()[name]
        assert share(t, "lock") > 0.2, f"{name}: {shown(t)}"
        assert share(t, "queue") < 0.01, f"{name}: {shown(t)}"
        assert share(t, "lock", "sleep", "oncpu", "runq") > 0.99, f"{name}: {shown(t)}"
    return shown(t)


@check("boundby")
def untouched_wait_is_told(g):
    """main blocked in pause() before the window and through all of it: the iterator has to tell it."""
    t = g.threads()["main"]
    assert share(t, "unknown") == 0 and share(t, "other", "sleep") > 0.999, shown(t)
    return shown(t)


@check("boundby")
def clock_may_jump(g):
    """Nothing is measured by the wall clock."""
    by = int(next(line for line in g.said if line.startswith("jumped by ")).split()[-1])
    assert by > 172000, by
    assert g.status.get("jump") == 0, f"status {g.status.get('jump')}: {g.text('jump.err')}"
    report = json.loads(g.text("jump.out"))
    assert 2e9 <= report["window"]["ns"] < 2.2e9, report["window"]
    process = report["processes"][0]
    for t in process["threads"]:
        assert abs(t["window_ns"] - sum(t["states"].values())) <= 0.001 * t["window_ns"], shown(t)
        assert abs(t["window_ns"] - report["window"]["ns"]) <= 0.001 * t["window_ns"], shown(t)
    assert process["verdict"]["bound"] == g.json()["processes"][0]["verdict"]["bound"]


@check("boundby")
def quota_is_throttled(g):
    """With a quota of a fifth of a CPU a thread that computes runs that long at most, and waits for the
    quota else. cpu.stat frames the run, and sums over the CPUs: an upper bound."""
    stat = [dict(line.split() for line in g.text(name).splitlines()) for name in ("quota0", "quota1")]
    kernel = (int(stat[1]["throttled_usec"]) - int(stat[0]["throttled_usec"])) * 1000
    report = json.loads(g.text("quota.out"))
    process = report["processes"][0]
    named = {t["tid"]: t for t in process["threads"]}
    t = named[g.threads()["compute"]["tid"]]
    throttled = t["runq"]["throttled_ns"] / t["window_ns"]
    assert share(t, "oncpu") < 0.25 and throttled > 0.5, (t["runq"], shown(t))
    assert share(t, "oncpu", "runq") > 0.999, shown(t)
    assert t["runq"]["throttled_ns"] <= kernel + 10e6, (t["runq"], kernel)
    return f"{throttled:.1%} of the window"


@check("boundby")
def throttled_as_the_kernel_says(g):
    """What a quota took from a loop that is alone in its cgroup is what cpu.stat has counted. Before 6.6 that
    holds where nobody else wants its CPU: there it is all of the waits that the quota began."""
    stat = dict(line.split() for line in g.text("life").splitlines())
    kernel = int(stat["throttled_usec"]) * 1000
    process, = json.loads(g.text("life.out"))["processes"]
    ours = process["runq"]["throttled_ns"]
    # somebody else wanted its CPU meanwhile: before 6.6 some of that is in these waits, too
    others = 0 if release(g) >= (6, 6) else process["runq"]["preempted_ns"]
    assert kernel > 1e9, stat
    assert -0.02 * kernel <= ours - kernel <= 0.02 * kernel + others, (process["runq"], stat)
    return f"{ours / 1e6:.1f} ms, by the kernel {kernel / 1e6:.1f}"


@check("boundby")
def kernel_locks_are_told(g):
    """Where the kernel has the tracepoints (5.19), and nowhere else."""
    told = g.json()["host"]["kernel_locks"]
    assert told == (release(g) >= (5, 19)), told
    rows = g.json()["processes"][0]["kernel_locks"]
    assert (rows is not None) == told, rows
    return "yes" if told else "no"


@check("boundby")
def migrations_as_the_kernel_says(g):
    """The accounts frame the run, and so count at least as many."""
    before, after = g.account("account0"), g.account("account1")
    for name, t in g.threads().items():
        most = after[t["tid"]][5] - before[t["tid"]][5]
        assert 0 <= t["migrations"] <= most, f"{name}: {t['migrations']} of {most}"


@check("boundby")
def nothing_unknown(g):
    for name, t in g.threads().items():
        assert share(t, "unknown") <= 0.001, f"{name}: {shown(t)}"


@check("boundby")
def nothing_lost(g):
    lost = {k: v for k, v in g.json()["losses"].items() if v}
    assert not lost, lost


@check("boundby")
def leaves_nothing(g):
    """Neither a run that ended nor one that was killed leaves a program, map or link in the kernel."""
    said = [s for s in g.said if s.startswith("left ")]
    assert len(said) == 2, g.said
    for line in said:
        before, after = re.fullmatch(r"left \w+ before: (.*) after: (.*)", line).groups()
        assert before == after, line
    killed = [s for s in g.said if s.startswith("killed while ")]
    links = [line.split()[-1] for line in killed + [before]]
    assert len(links) == 2 and links[0] != links[1], f"was not attached when killed: {killed}"
    return killed[0]


@check("boundby")
def no_such_pid_exits_3(g):
    assert g.status.get("gone") == 3, f"status {g.status.get('gone')}: {g.text('gone.err')}"
    assert len(g.text("gone.err").strip().split("\n")) == 1, g.text("gone.err")


# ---- doctor: what it says is what the kernel is, by its version and by kfeatures of the same boot

def doctor(g, name="doctor"):
    """{what: (ok|partly|MISSING, text)}"""
    rows = re.findall(r"^(ok|partly|MISSING) +(\S.*?) {2,}(\S.*)$", g.text(name + ".out"), re.M)
    assert len(rows) > 3, f"{name}: {g.text(name + '.out')!r} {g.text(name + '.err')!r}"
    return {what: (word, text) for word, what, text in rows}


@check("boundby")
def doctor_exits_0(g):
    assert g.status.get("doctor") == 0, \
        f"status {g.status.get('doctor')}: {g.text('doctor.out')}{g.text('doctor.err')}"
    assert "MISSING" not in g.text("doctor.out")


@check("boundby")
def doctor_knows_the_kernel(g):
    said = doctor(g)
    assert said["kernel"] == ("ok", g.release), said["kernel"]
    assert said["BTF"] == ("ok", "/sys/kernel/btf/vmlinux"), said["BTF"]
    for what in "load programs", "tp_btf/sched_switch", "task iterator", "tp_btf/sched_waking", "tp_btf/sys_enter":
        assert said[what][0] == "ok", f"{what}: {said[what]}"
    for cap in "CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "CAP_SYS_RESOURCE":
        assert said[cap][0] == "ok", f"root has it: {cap}: {said[cap]}"


@check("boundby")
def doctor_knows_its_features(g):
    """Each answer by the version, written here, and not by asking the same way once more."""
    said = doctor(g)
    version = tuple(int(x) for x in g.kernel.split("."))
    helper = "bpf_task_pt_regs" in said["saved registers"][1]
    assert helper == (version >= (5, 15)), said["saved registers"]
    cas = said["compare-and-swap"][0] == "ok"
    assert cas == (version >= (5, 12)), said["compare-and-swap"]
    if "kfeatures.out" in g.files:
        real = measured(g.text("kfeatures.out"))
        assert helper == (real["feature task_pt_regs"] == "yes"), said["saved registers"]
        assert cas == (real["feature atomic_cmpxchg"] == "yes"), said["compare-and-swap"]
    # CONFIG_FAIR_GROUP_SCHED is on in all three
    assert said["run-queue time"][0] == "ok", said["run-queue time"]


@check("boundby")
def doctor_misses_privileges(g):
    """As nobody: it says which capabilities are missing, and fails."""
    said = doctor(g, "doctor_user")
    assert g.status.get("doctor_user") == 1, g.status.get("doctor_user")
    for cap in "CAP_BPF", "CAP_PERFMON":
        assert said[cap][0] == "MISSING", f"{cap}: {said[cap]}"
    assert said["BTF"][0] == "ok", said["BTF"]


@check("boundby")
def doctor_misses_btf(g):
    said = doctor(g, "doctor_nobtf")
    assert g.status.get("doctor_nobtf") == 1, g.status.get("doctor_nobtf")
    assert said["BTF"][0] == "MISSING" and "CONFIG_DEBUG_INFO_BTF" in said["BTF"][1], said["BTF"]


@check("boundby")
def no_btf_is_an_error_with_a_remedy(g):
    why = g.text("nobtf.err").strip().split("\n")
    assert g.status.get("nobtf") == 1, f"status {g.status.get('nobtf')}: {why}"
    assert "BTF" in why[0] and "CONFIG_DEBUG_INFO_BTF" in why[0] and len(why) == 1, why
    assert not g.files["nobtf.out"], "no report was due"


# ---- what the kernel can do, against docs/kernels.md

def documented(kernel):
    """{"feature x" or "field x" or "var x": cell} from the tables of docs/kernels.md"""
    rows, column = {}, None
    for line in DOC.read_text().split("\n"):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            column = None
        elif kernel in cells:
            column = cells.index(kernel)
        elif column is not None and re.fullmatch(r"`(feature|field|var|func) \S+`", cells[0]):
            rows[cells[0].strip("`")] = cells[column]
    return rows


def measured(text):
    """The same from kfeatures' output."""
    rows = {}
    for line in text.strip().split("\n"):
        kind, name, result = line.split(" ", 2)
        rows[f"{kind} {name}"] = result.split(" ")[0] if kind == "feature" else result
    return rows


@check("features")
def features_as_documented(g):
    assert g.status.get("kfeatures") == 0, g.text("kfeatures.err")
    doc, real = documented(g.kernel), measured(g.text("kfeatures.out"))
    assert doc, f"docs/kernels.md has no column {g.kernel}"
    wrong = [f"{n}: documented {doc.get(n)}, measured {real.get(n)}"
             for n in sorted(set(doc) | set(real)) if doc.get(n) != real.get(n)]
    assert not wrong, "\n".join(wrong)
    return f"{len(real)} rows"
