# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the results of the corpus come to: misses, confusion, reliability, targets."""
import collections

import lib

# A target: (what, of which rows, share that must be right)
SHORT = 5.0
TARGETS = (
    ("quiet", lambda r: r["window"] >= SHORT and r["condition"] == "quiet", 0.98),
    ("disturbed", lambda r: r["window"] >= SHORT and r["condition"] != "quiet", 0.95),
    ("short windows", lambda r: r["window"] < SHORT, 0.90),
)
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)


def is_right(row):
    return "error" not in row and row["verdict"]["bound"] in row["right"]


def label(row):
    return "%s %s %s %gs" % (row["program"], row["python"] or "-", row["condition"], row["window"])


def evidence_line(row):
    value = "unknown" if row["value"] is None else "%.4g" % row["value"]
    return "%s %s (%s)" % (value, row["fact"], row["rule"] or "context")


def print_row(row, verbose):
    """A line for each run that is wrong, with what the verdict rests on."""
    if "error" in row:
        print("ERROR %s: %s" % (label(row), row["error"]))
        return
    verdict = row["verdict"]
    told = "%s: %s %.2f, right: %s; %.1f s" % (
        label(row), verdict["bound"], verdict["confidence"], "|".join(row["right"]), row["took"])
    if row["missing"]:
        print("NOT FOUND %s: %s, but: %s" % (label(row), " ".join(row["missing"]),
                                             " ".join(row["found"]) or "none"))
    if is_right(row):
        if verbose:
            print("ok    " + told)
        return
    print("MISS  " + told)
    parts = {k: round(v, 3) for k, v in verdict["components"].items() if v}
    print("      components %s; others used %.2f CPUs" % (parts, row["others"]))
    for e in verdict["evidence"]:
        print("      for      " + evidence_line(e))
    for e in verdict["against"]:
        print("      against  " + evidence_line(e))


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        print("  " + "  ".join(str(cell).ljust(w) if not i else str(cell).rjust(w)
                               for i, (cell, w) in enumerate(zip(row, widths))).rstrip())


def confusion(rows):
    """What was right, by what was said. A dot is nothing."""
    print("\nconfusion: what is right, by what was said")
    said = [v for v in lib.VERDICTS if any(r["verdict"]["bound"] == v for r in rows)]
    body = []
    for right in sorted({tuple(r["right"]) for r in rows}):
        mine = [r for r in rows if tuple(r["right"]) == right]
        counts = [sum(r["verdict"]["bound"] == v for r in mine) for v in said]
        body.append(["|".join(right)] + [n or "." for n in counts])
    table(["right"] + said, body)


def reliability(rows):
    """For each bin of confidence the share that is right, which is to be about the confidence."""
    print("\nreliability: verdicts by their confidence")
    body = []
    for low, high in zip(BINS, BINS[1:]):
        mine = [r for r in rows if low <= r["verdict"]["confidence"] < high]
        if mine:
            body.append(["%.2f to %.2f" % (low, min(high, 1)), len(mine),
                         "%.3f" % (sum(r["verdict"]["confidence"] for r in mine) / len(mine)),
                         "%.3f" % (sum(map(is_right, mine)) / len(mine))])
    table(["confidence", "verdicts", "mean", "right"], body)
    brier = sum((r["verdict"]["confidence"] - is_right(r)) ** 2 for r in rows) / len(rows)
    print("  Brier score %.4f" % brier)


def findings(rows):
    """Of which programs something was found: whoever knows them sees what does not fit."""
    print("\nfindings: in how many runs of which programs")
    runs = collections.Counter(r["program"] for r in rows)
    for found in sorted({f for r in rows for f in r["found"]}):
        mine = collections.Counter(r["program"] for r in rows if found in r["found"])
        print("  %s: %s" % (found, ", ".join("%s %d of %d" % (name, n, runs[name])
                                             for name, n in sorted(mine.items()))))


def times(rows):
    print("\ntime: seconds from the start of a program to its verdict, less the window")
    over = sorted(r["took"] - r["tries"] * r["window"] for r in rows)
    print("  median %.2f, most %.2f" % (over[len(over) // 2], over[-1]))


def targets(rows, errors):
    """Print each target that there are rows for; are they met?"""
    print("\ntargets")
    met = True
    for what, of, share in TARGETS:
        mine = [r for r in rows if of(r)]
        if mine:
            right = sum(map(is_right, mine))
            good = right >= share * len(mine)
            met = met and good
            print("  %-6s %s: %d of %d right, %.1f %%, target %.0f %%" % (
                "ok" if good else "MISSED", what, right, len(mine), 100 * right / len(mine),
                100 * share))
    never = [r for r in rows if r["verdict"]["bound"] in r["never"]]
    print("  %-6s verdicts that must never be given (gil-bound without a contended GIL): %d, target 0" % (
        "MISSED" if never else "ok", len(never)))
    missing = sum(1 for r in rows if r["missing"])
    print("  %-6s findings that were not found: %d, target 0" % ("MISSED" if missing else "ok", missing))
    if errors:
        print("  MISSED %d runs failed" % errors)
    return met and not never and not missing and not errors


def print_all(rows):
    """All tables; are the targets met?"""
    judged = [r for r in rows if "error" not in r]
    if not judged:
        print("no results")
        return False
    confusion(judged)
    reliability(judged)
    findings(judged)
    times(judged)
    return targets(judged, len(rows) - len(judged))
