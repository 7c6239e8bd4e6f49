# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Predict what a change brings, make it, and compare: the table, and the shares of the pairs that are near.

    run.py [-k WORD] [--set NAME] [-d SECONDS] [--part K/N] [--markdown] [-o FILE]
    run.py --alone TIMES -o FILE [-k WORD] [--set NAME] [-d SECONDS] [--part K/N]
    run.py --noise FILE...

Exit status 0 if 80 % of the predictions are within 20 % of what was achieved, and 95 % of the
achieved ones within the printed bounds; 1 if not. Needs root, and build/ to be built.

-o adds to FILE a line of JSON for each pair: what was predicted, and the rates of both programs.
--alone runs each program of the pairs so many times, with no tool, for its rates alone.
--noise reads such files, and says by how much the rates of one program differ from run to run.
Where BB_FREETHREADED names free-threaded Pythons, those pairs run, too, of which this machine
has the same version with a GIL (also by BB_EXTRA_PYTHONS). WORK_PER_MS keeps the units of several
runs the same: what "work.py calibrate" prints.
"""
import argparse
import collections
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "live")]

import lib  # noqa: E402
import pairs  # noqa: E402

WORK = os.path.join(HERE, "work.py")
OTHERS, TRIES = 0.15, 2  # CPUs of others from which it is measured once more
NEAR, NEAR_SHARE, INSIDE_SHARE = 0.2, 0.8, 0.95
OFFERED_SHARE = 0.9  # what is refused is not right by that


def calibrated():
    """An environment in which all programs do the same units."""
    if os.environ.get("WORK_PER_MS"):
        return dict(os.environ)
    out = subprocess.run([sys.executable, WORK, "calibrate"], stdout=subprocess.PIPE, check=True)
    return dict(os.environ, WORK_PER_MS=out.stdout.decode().strip())


def builds():
    """[(version, {"gil": one with a GIL, "free": the same version without})]"""
    extra = [lib.Python("extra", [path])
             for path in os.environ.get("BB_EXTRA_PYTHONS", "").split(":") if path]
    for free in lib.freethreaded():
        for gil in extra + lib.pythons():
            if gil.version[:2] == free.version[:2] and not gil.free_threaded and not gil.chroot:
                yield "%d.%d" % free.version[:2], {"gil": gil.argv[0], "free": free.argv[0]}
                break


def all_pairs(names):
    """[(pair, its builds of Python)] of these sets, of those that this machine can run."""
    for name in names:
        if name == "QUOTA" and not lib.cpu_controller():
            continue
        for python, found in list(builds()) if name == "FREE" else [(None, {})]:
            for pair in getattr(pairs, name):
                word = " (%s)" % python if python else ""
                yield pair._replace(name=pair.name + word), found


def words(program):
    """A program in one line, of which no two have the same."""
    told = ["%s=%s" % (key, value) for key, value in program._asdict().items()
            if key not in ("form", "n", "pieces") and value is not None]
    return " ".join(map(str, [program.form, program.n, *program.pieces, *told]))


@contextlib.contextmanager
def server():
    """One that answers after the delay that it is asked for: its port."""
    with lib.Workload([sys.executable, WORK, "serve"], ready=None) as running:
        yield int(running.lines.next())


class Running:
    """A program of a pair, doing its units."""

    def __init__(self, program, port, env, found=None):
        if program.form == "units":
            argv = [os.path.join(lib.TESTS, "units"), program.n, *program.pieces]
        else:
            pieces = ["%s:%d" % (p, port) if p.startswith("ask") else p for p in program.pieces]
            python = found[program.build] if program.build else sys.executable
            argv = [python, WORK, program.form, program.n, *pieces]
        with contextlib.ExitStack() as stack:
            group = program.quota and stack.enter_context(lib.cgroup_with_quota(program.quota))
            self.work = stack.enter_context(
                lib.Workload(["taskset", "-c", ",".join(map(str, lib.CPUS[:program.cpus])),
                              *map(str, argv)], env=env, stdin=subprocess.PIPE))
            self.pid = self.work.pid
            if group:
                with open(group + "/cgroup.procs", "w", encoding="utf-8") as procs:
                    procs.write(str(self.pid))
            self.stack = stack.pop_all()

    def count(self):
        """Units so far, and its clock, in s."""
        self.work.process.stdin.write(b"\n")
        self.work.process.stdin.flush()
        done, now = map(int, self.work.lines.next().split())
        return done, now / 1e9

    def rate(self, meanwhile):
        """(units a second while something goes on, CPUs that others used then, what it returned)."""
        others = self.others()
        before = self.count()
        result = meanwhile()
        after = self.count()
        secs = after[1] - before[1]
        return (after[0] - before[0]) / secs, (self.others() - others) / secs, result

    @staticmethod
    def others():
        """CPU time that neither the program nor what we started took, the hypervisor's included."""
        return lib.busy_seconds() - lib.tree_seconds(os.getpid())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stack.close()


def elapse(program, secs):
    """Until a program's own clock has gone on for so long."""
    end = program.count()[1] + secs
    lib.wait_until(lambda: program.count()[1] >= end, "%g s" % secs)


def predicted(report, pid, pair):
    """The row of what_if for the pair's change, or why there is none."""
    of = report["tree"] if pair.whole else lib.process_of(report, pid)
    for row in of["what_if"]:
        if row["change"] == pair.change and pair.amount in (None, row["amount"]):
            return row, None
    # numbers that are no power of two are in the curve alone
    curve = of["workers"] or {"kind": None, "curve": []}
    kind = "processes" if pair.whole or pair.change == "processes" else "threads"
    if pair.change in ("threads", "processes") and curve["kind"] == kind:
        for point in curve["curve"]:
            if point["n"] == pair.amount:
                return point, None
    return None, of["what_if_why_not"] or "%s %s is not among what is offered" % (
        pair.change, pair.amount)


class Outcome:
    """What a pair came to. Once more if others used the CPUs meanwhile; the last try counts."""

    def __init__(self, pair, secs, port, env, found=None):
        self.pair, self.rates = pair, []
        for _ in range(TRIES):
            self.measure(pair, secs, port, env, found)
            if self.disturbed < OTHERS:
                break

    def measure(self, pair, secs, port, env, found):
        with Running(pair.first, port, env, found) as first:
            _, others, self.report = first.rate(
                lambda: lib.diagnose(first.pid, secs, *(["-C"] if pair.whole else [])))
            # again without the tool, which takes CPUs to load its programs
            self.before, rest, _ = first.rate(lambda: elapse(first, secs))
            self.row, self.why_not = predicted(self.report, first.pid, pair)
        with Running(pair.second, port, env, found) as second:
            self.after, last, _ = second.rate(lambda: elapse(second, secs))
        self.disturbed = max(last, others, rest)
        # only of runs that nobody disturbed: from run to run, and not from neighbour to neighbour
        self.rates += [(words(program), rate) for program, rate, used in
                       ((pair.first, self.before, rest), (pair.second, self.after, last))
                       if used < OTHERS]
        self.achieved = self.after / self.before

    @property
    def offered(self):
        return self.row is not None

    @property
    def near(self):
        return abs(self.row["speedup"] / self.achieved - 1) <= NEAR

    @property
    def inside(self):
        return self.row["low"] <= self.achieved <= self.row["high"]

    def record(self, env):
        """For -o."""
        return {"pair": self.pair.name, "change": self.pair.change, "predicted": self.row,
                "why_not": self.why_not, "achieved": self.achieved, "disturbed": self.disturbed,
                "rates": self.rates, "work_per_ms": env["WORK_PER_MS"]}

    def cells(self):
        if not self.offered:
            return [self.pair.name, "-", "-", "%.2f" % self.achieved, "not offered: " + self.why_not]
        r = self.row
        off = "%+.0f %%" % (100 * (r["speedup"] / self.achieved - 1))
        return [self.pair.name, "%.2f" % r["speedup"], "%.2f to %.2f" % (r["low"], r["high"]),
                "%.2f" % self.achieved,
                off + ("" if self.near else ", far") + ("" if self.inside else ", outside")
                + (", disturbed" if self.disturbed >= OTHERS else "")]


TITLES = ["program, and what was changed", "predicted", "bounds", "achieved", "off by"]


def table(outcomes, markdown):
    rows = [o.cells() for o in outcomes]
    if markdown:
        yield "| " + " | ".join(TITLES) + " |"
        yield "|" + "---|" * len(TITLES)
        for row in rows:
            yield "| " + " | ".join(row) + " |"
        return
    for row in [TITLES] + rows:
        yield "%-55s %9s %13s %9s  %s" % tuple(row)


def closing(outcomes):
    """The closing line, and whether the targets are met."""
    offered = [o for o in outcomes if o.offered]
    near, inside = sum(o.near for o in offered), sum(o.inside for o in offered)
    good = len(offered) >= OFFERED_SHARE * len(outcomes) and near >= NEAR_SHARE * len(offered) and \
        inside >= INSIDE_SHARE * len(offered)
    return ("%d pairs, %d offered: %d within %d %% (%.0f %%), %d inside the bounds (%.0f %%)"
            % (len(outcomes), len(offered), near, 100 * NEAR, 100 * near / max(1, len(offered)),
               inside, 100 * inside / max(1, len(offered)))), good


def noise(files):
    """By how much two runs of one program differ, of all programs that ran more than once."""
    rates = collections.defaultdict(list)
    for name in files:
        with open(name, encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                for program, rate in record["rates"]:
                    rates[program, record["work_per_ms"]].append(rate)
    ratios, runs, programs = [], 0, 0
    for (program, _), seen in sorted(rates.items()):
        if len(seen) < 2:
            continue
        programs, runs = programs + 1, runs + len(seen)
        ratios += [max(a, b) / min(a, b) - 1 for a, b in itertools.combinations(seen, 2)]
        print("%5.1f %%  %2d runs  %s" % (100 * (max(seen) / min(seen) - 1), len(seen), program))
    if not ratios:
        sys.exit("run.py: no program ran more than once")
    ratios.sort()
    print("%d runs of %d programs, %d pairs of runs: differ by %s" % (
        runs, programs, len(ratios), ", ".join(
            "%.1f %% (%d of 100)" % (100 * ratios[min(len(ratios) - 1, len(ratios) * q // 100)], q)
            for q in (50, 90, 95, 99))))


def alone(some, times, secs, port, env, name):
    """Each program of these pairs by itself, in rounds, so that its runs are apart in time."""
    programs = {}
    for pair, found in some:
        programs.update({words(p): (p, found) for p in (pair.first, pair.second)})
    for _ in range(times):
        for told, (program, found) in programs.items():
            with Running(program, port, env, found) as running:
                rate, others, _ = running.rate(lambda: elapse(running, secs))
            with open(name, "a", encoding="utf-8") as out:
                print(json.dumps({"rates": [(told, rate)], "disturbed": others,
                                  "work_per_ms": env["WORK_PER_MS"]}), file=out)


SETS = ["PAIRS", "SPLIT", "FREE", "QUOTA", "FRESH"]


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    args.add_argument("-k", default="", help="only pairs whose name has this word")
    args.add_argument("-d", type=float, default=1.7, help="seconds of each measurement")
    args.add_argument("--part", default="1/1", help="the K-th of N parts of the pairs: K/N")
    args.add_argument("--set", action="append", choices=SETS, help="only these; more than one may be given")
    args.add_argument("--markdown", action="store_true")
    args.add_argument("-o", help="a line of JSON for each pair is added to this file")
    args.add_argument("--alone", type=int, metavar="TIMES", help="only the rates of each program, with -o")
    args.add_argument("--noise", nargs="+", metavar="FILE", help="sum up what -o wrote")
    args = args.parse_args()
    if args.noise:
        noise(args.noise)
        return 0
    if os.geteuid():
        sys.exit("run.py: the tool needs root: sudo make whatif")
    # what was started ends with us, also where we are told to
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    env, outcomes = calibrated(), []
    part, parts = map(int, args.part.split("/"))
    if args.alone and not args.o:
        sys.exit("run.py: --alone needs -o")
    some = [(pair, found) for pair, found in list(all_pairs(args.set or SETS))[part - 1::parts]
            if args.k in pair.name]
    with server() as port:
        if args.alone:
            alone(some, args.alone, args.d, port, env, args.o)
            return 0
        for pair, found in some:
            outcomes.append(Outcome(pair, args.d, port, env, found))
            print("  " + "  ".join(outcomes[-1].cells()), file=sys.stderr, flush=True)
            if args.o:
                with open(args.o, "a", encoding="utf-8") as out:
                    print(json.dumps(outcomes[-1].record(env)), file=out)
    if not outcomes:
        sys.exit("run.py: no pair has '%s' in its name" % args.k)
    print("\n".join(table(outcomes, args.markdown)))
    line, good = closing(outcomes)
    print(line)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
