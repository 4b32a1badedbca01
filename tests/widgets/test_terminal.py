"""RunDetails on a terminal: a panel that follows the run, in which nothing steers the terminal."""

import io
import sys
import threading

import pytest
from rich.console import Console

from azml_integrations import report
from azml_integrations.core import Run
from azml_integrations.widgets import RunDetails, terminal
from azml_integrations.widgets.pace import Pace


class Terminal(io.StringIO):
    """A screen that remembers everything."""

    def isatty(self):
        return True


def drawn(run, width=100):
    out = io.StringIO()
    Console(file=out, width=width).print(terminal.panel(report.account(run, report.GLANCE)))
    return out.getvalue()


def test_a_panel_tells_what_matters(run):
    """Status, metrics with their curves, the end of the log."""
    with run:
        for step in range(8):
            run.log("loss", 8.0 - step, step=step)
        sys.stdout.write("epoch 8 done\n")
    shown = drawn(run)
    for words in ("trials #1", "Completed", run.id, "loss", "█▇▆▅▄▃▂▁", "epoch 8 done"):
        assert words in shown


def test_a_panel_of_a_sweep_ranks_the_children(run):
    """The best is marked, the reason of a failure is told."""
    run.add_properties({"primary_metric_config": '{"name": "mse", "goal": "minimize"}'})
    for alpha in (1.0, 0.1, 10.0):
        child = run.child_run()
        child.add_properties({"param.alpha": str(alpha)})
        child.log("mse", alpha)
        child.complete()
    run.fail("disk on fire")
    lines = drawn(run).splitlines()
    assert any("#3 best" in line and "0.1" in line for line in lines)
    assert any("disk on fire" in line for line in lines)


def test_nothing_steers_the_terminal(run):
    """Names and logs come from anywhere."""
    run.log("a\x1b[2J[red]b[/red]", "x\x1b]0;owned\x07")
    run.display_name = "\x1b[31m[bold]name"
    shown = drawn(run)
    assert "\x1b" not in shown
    assert "[red]" in shown
    assert "[bold]" in shown


def test_the_panel_follows_the_run_to_its_end(experiment, run, monkeypatch):
    """The call blocks as SDK v1's did outside notebooks, and the last state stays on the screen."""
    monkeypatch.setenv("AZUREML_OVERRIDE_ALL_WIDGET_REFRESH_TIME", "0.05")
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    threading.Timer(0.3, run.complete).start()
    RunDetails(Run._handle(experiment, run.id)).show()
    assert "Running" in screen.getvalue()
    assert "Completed" in screen.getvalue().rpartition("Running")[2]


def test_an_interruption_ends_the_watching_not_the_run(experiment, run, monkeypatch):
    """Ctrl-C is the user's; the run goes on."""
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(Pace, "pause", lambda self, cost: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        RunDetails(Run._handle(experiment, run.id)).show()
    assert run.get_status() == "Running"
