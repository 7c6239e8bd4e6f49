# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rows of results, as a text for people and as Markdown."""
import statistics


class Row:
    """@values: one ratio for each paired run. @budget: the most that the median may be."""

    def __init__(self, name, values, budget=None, unit="x", command="", note=""):
        self.name = name
        self.values = list(values)
        self.budget = budget
        self.unit = unit
        self.command = command
        self.note = note

    def median(self):
        return statistics.median(self.values) if self.values else None

    def verdict(self):
        if not self.values:
            return "no figure"
        if self.budget is None:
            return ""
        return "ok" if self.median() <= self.budget else "OVER"

    def number(self, value):
        if value is None:
            return "-"
        if self.unit == "x":
            return "%.0fx" % value if value >= 20 else "%.2fx" % value if value >= 2 else "%.3fx" % value
        if self.unit == "%":
            return "%.3f %%" % value
        return ("%.0f %s" if value >= 20 else "%.1f %s") % (value, self.unit)

    def cells(self):
        spread = "%s .. %s" % (self.number(min(self.values)), self.number(max(self.values))) \
            if self.values else self.note
        return [self.name, self.number(self.median()), spread, self.number(self.budget),
                self.verdict(), self.command]


HEAD = ["what", "median", "spread", "budget", "", "as"]


class Table:
    def __init__(self, title, rows, notes=()):
        self.title = title
        self.rows = rows
        self.notes = list(notes)

    def text(self):
        cells = [HEAD] + [row.cells() for row in self.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(HEAD))]
        lines = ["", self.title, ""]
        for row in cells:
            lines.append("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())
        lines += ["  note: " + note for note in self.notes]
        return "\n".join(lines)

    def markdown(self):
        lines = ["### " + self.title, "", "| " + " | ".join(HEAD) + " |",
                 "|---" * len(HEAD) + "|"]
        for row in self.rows:
            cells = row.cells()
            cells[-1] = "`%s`" % cells[-1] if cells[-1] not in ("", "-") else ""
            lines.append("| " + " | ".join(cells) + " |")
        if self.notes:
            lines += [""] + ["* " + note for note in self.notes]
        return "\n".join(lines + [""])

    def over(self):
        return ["%s (%s)" % (row.name, self.title) for row in self.rows if row.verdict() == "OVER"]
