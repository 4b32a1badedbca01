"""RunDetails in a kernel that only remembers: what is shown where, by which thread, until when."""

import os
import re
import sys
import threading
import time
from types import ModuleType, SimpleNamespace

import pytest

from azml_integrations.core import Run
from azml_integrations.widgets import RunDetails, notebook


class Events:
    """The shell's events, as IPython has them."""

    def __init__(self):
        self.callbacks = {"post_run_cell": []}

    def register(self, name, callback):
        self.callbacks[name].append(callback)

    def unregister(self, name, callback):
        self.callbacks[name].remove(callback)

    def fire(self):
        for callback in list(self.callbacks["post_run_cell"]):
            callback(None)


class Cell:
    """A display handle that remembers what it shows and who showed it."""

    def __init__(self, bundle):
        self.shown, self.threads = [bundle], [threading.current_thread()]

    def update(self, bundle, raw):
        assert raw
        self.shown.append(bundle)
        self.threads.append(threading.current_thread())

    @property
    def last(self):
        return self.shown[-1]["text/plain"]


@pytest.fixture
def kernel(azml_home, monkeypatch):
    """Stand in a notebook: a shell with a kernel, and cells that remember."""
    shell, cells = SimpleNamespace(kernel=object(), events=Events()), []

    def display(bundle, raw, display_id):
        cells.append(Cell(bundle))
        return cells[-1]

    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: shell
    ipython.display = SimpleNamespace(display=display)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setenv("AZUREML_OVERRIDE_ALL_WIDGET_REFRESH_TIME", "0.02")
    monkeypatch.setattr("azml_integrations.widgets.pace.SHARE", 0.1)  # tests do not wait
    yield SimpleNamespace(cells=cells, events=shell.events)
    for follower in list(notebook._followers.values()):
        follower.stop()


def followers():
    return [thread for thread in threading.enumerate() if isinstance(thread, notebook.Follower)]


def wait_for(true, seconds=10.0):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"waited in vain; {followers()}"
        time.sleep(0.01)


def test_the_cell_returns_and_is_kept_up_to_date(kernel, run):
    """Training goes on in the next cell, and the picture follows it to its end."""
    assert RunDetails(run).show() is None
    (cell,) = kernel.cells
    assert "trials #1: Running" in cell.last

    run.log("loss", 0.25)
    wait_for(lambda: "0.25" in cell.last)
    run.complete()
    wait_for(lambda: "trials #1: Completed" in cell.last)
    wait_for(lambda: not followers())

    assert cell.shown[-1]["text/html"].startswith('<div class="azml">')
    assert threading.current_thread() not in cell.threads[1:]
    assert kernel.events.callbacks["post_run_cell"] == []
    assert notebook._followers == {}


def test_a_run_of_the_past_needs_no_thread(kernel, experiment, run):
    """It is shown once."""
    run.complete()
    RunDetails(Run(experiment, run.id)).show()
    assert "Completed" in kernel.cells[0].last
    assert followers() == []


def test_any_front_end_can_show_it(kernel, run):
    """Plain text, and HTML that needs no script, style sheet or file: what VS Code and a viewer of files draw."""
    run.log("loss", 1.0, step=0)
    run.log("loss", 0.5, step=1)
    RunDetails(run).show()
    (shown,) = kernel.cells[0].shown
    assert set(shown) == {"text/html", "text/plain"}
    assert "<svg" in shown["text/html"]
    assert not re.search(r"<(script|link|iframe|object|embed|base|meta)\b|\bon\w+=|url\(|@import", shown["text/html"])


def test_one_thread_for_one_run(kernel, run):
    """However often it is shown, it is looked at once; the newest cells follow."""
    for _ in range(5):
        RunDetails(run).show()
    assert len(followers()) == 1
    run.complete()
    wait_for(lambda: not followers())
    ended = ["Completed" in cell.last for cell in kernel.cells]
    assert ended == [False, False, True, True, True]


def test_the_end_is_shown_before_the_cell_is_done(kernel, run, monkeypatch):
    """A notebook that is executed and saved by a program keeps the final state."""
    monkeypatch.setenv("AZUREML_OVERRIDE_ALL_WIDGET_REFRESH_TIME", "60")
    RunDetails(run).show()
    kernel.events.fire()
    assert "Running" in kernel.cells[0].last
    run.complete()
    kernel.events.fire()
    assert "Completed" in kernel.cells[0].last
    wait_for(lambda: not followers())


def test_what_cannot_be_shown_never_reaches_the_user(kernel, run, monkeypatch, capsys):
    """A thread that stumbles goes on, and gives up in the end, silently."""
    RunDetails(run).show()
    monkeypatch.setattr(notebook, "account", lambda *_: 1 / 0)
    wait_for(lambda: not followers())
    kernel.events.fire()
    assert capsys.readouterr().err == ""
    assert len(kernel.cells) == 1


def test_one_stumble_is_forgiven(kernel, run, monkeypatch):
    """A disk that was busy for a moment does not end the picture."""
    looks = []

    def account(*arguments, tell=notebook.account):
        looks.append(None)
        if len(looks) == 2:
            raise OSError("busy")
        return tell(*arguments)

    monkeypatch.setattr(notebook, "account", account)
    RunDetails(run).show()
    wait_for(lambda: len(looks) > 4)
    assert len(followers()) == 1


def test_a_kernel_that_ends_takes_the_thread_along(kernel, run):
    """Nobody waits for a pause of ten seconds."""
    RunDetails(run).show()
    (follower,) = followers()
    follower.stop()
    assert not follower.is_alive()


def test_a_forked_child_follows_on_its_own(kernel, run):
    """The parent's thread is not there; what its locks say means nothing."""
    RunDetails(run).show()
    if (child := os.fork()) == 0:
        code = 1
        try:
            notebook._followers[run].stop()
            RunDetails(run).show()
            code = 0 if len(followers()) == 1 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_nothing_new_is_nothing_sent(kernel, run, monkeypatch):
    """A run that stands still does not fill the notebook's wire."""
    still, looks = notebook.account(run, notebook.GLANCE), []
    monkeypatch.setattr(notebook, "account", lambda *_: looks.append(None) or still)
    RunDetails(run).show()
    wait_for(lambda: len(looks) > 5)
    assert len(kernel.cells[0].shown) == 1
