"""A run in lines, for whatever shows no HTML; and logs as a terminal would show them in the end."""

import sys

from azml_integrations import report
from azml_integrations.report.files import legible, log_tail


def test_a_run_in_lines(run):
    """Status, metrics with their curves, the end of the log."""
    for step in range(8):
        run.log("loss", 8.0 - step, step=step)
    run.log("note", "evil\x1b[2J\u202e")
    said = report.text(report.account(run, report.GLANCE))
    assert "trials #1: Running" in said
    assert "█▇▆▅▄▃▂▁" in said
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_children_in_lines(sweep):
    """The best first, with what was varied."""
    lines = report.text(report.account(sweep, report.GLANCE)).splitlines()
    (best,) = [line for line in lines if " best" in line]
    assert best.split() == ["#4", "best", "Completed", "0.1", "3000", "0.4"]
    assert "  6 runs: 5 Completed, 1 Failed" in lines


def test_logs_are_legible():
    """Progress bars write over themselves, programs colour their words."""
    assert legible("\x1b[31mred\x1b[0m\n10%\r50%\r100%\r\ndone\x1b]0;title\x07") == "red\n100%\ndone"


def test_the_end_of_a_long_log(run):
    """From the beginning of a line on, and how much stands before."""
    with run:
        for n in range(2000):
            sys.stdout.write(f"line {n}\n")
    tail = log_tail(run._folder, run._store().artifacts(run.id), 1000, 5)
    assert tail.text.splitlines() == [f"line {n}" for n in range(1995, 2000)]
    assert tail.left_out == sum(len(f"line {n}\n") for n in range(1995))
