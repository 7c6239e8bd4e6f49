# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Workloads that do something for a second after a line on their standard input, and say what it was."""
import json
import signal
import subprocess

import lib


def told(lines):
    return [json.loads(line) for line in lines if line.startswith("{")]


def measure(last, name, *args):
    """(process in the report, what it said before, what it said of that second, up to a line for
    which last() holds)"""
    report, pid, before, truth = measure_all(last, (), name, *args)
    return lib.process_of(report, pid), before, truth


def measure_all(last, options, name, *args):
    """The same with more options of the tool, and with (the report, the program's PID) in the place of a process."""
    with lib.program(name, *args, stdin=subprocess.PIPE) as workload, \
            lib.Tool("-p", workload.pid, "-d", 60, "-f", "json", *options) as tool:
        tool.wait_open()
        workload.process.stdin.write(b"\n")
        workload.process.stdin.flush()
        truth = told([workload.lines.next()])
        while not last(truth[-1]):
            truth += told([workload.lines.next()])
        tool.signal(signal.SIGINT)
        result = tool.wait()
    assert result.status == 0, result
    lib.assert_budget_closes(result.report)
    lib.assert_no_losses(result.report)
    return result.report, workload.pid, told(workload.heard), truth
