"""A queue with a launcher that ends with the test, and scripts to put into it."""

import contextlib
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest

from azml_integrations.core import Experiment, Run
from azml_integrations.core.submission import Family, enter, environment, new_id
from azml_integrations.launch import channel
from azml_integrations.launch.queue import Queue
from azml_integrations.launch.ticket import Ticket


@pytest.fixture
def queue(workspace):
    """The queue of the local target; whatever launcher it has got is killed with all its scripts at the end."""
    queue = Queue(workspace.root, "local")
    yield queue
    dismiss(queue)


def dismiss(queue):
    """End a queue's launcher and the scripts that it started."""
    for place in queue.waiting():
        queue.remove(place)
    for place in queue.running():
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if place.ticket.run_id.encode() in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
    until = time.monotonic() + 10
    while (pid := channel.launcher(queue)) and time.monotonic() < until:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


@pytest.fixture
def ticket(experiment, tmp_path):
    """Make a ticket for a script given as text; the script lies outside of any snapshot."""

    def make(text="print('hello')", *words, run_id=None, submitter="me", **facts):
        run_id = run_id or new_id(experiment.name)
        script = tmp_path / f"{run_id}.py"
        script.write_text(textwrap.dedent(text))
        stored, _ = environment(experiment, run_id, {})
        facts = {"python": sys.executable, "variables": stored, "script": str(script)} | facts
        return Ticket(
            run_id, experiment.name, "local", submitter, time.time(), arguments=[os.fsencode(w) for w in words], **facts
        )

    return make


@pytest.fixture
def submitted(experiment, queue, ticket):
    """Put a script into the queue, and return its run."""

    def submit(*args, secrets=None, **facts):
        made = ticket(*args, **facts)
        enter(experiment, made, Family(made.run_id), {}, {}, secrets or {})
        return Run(experiment, made.run_id)

    return submit


@pytest.fixture
def log(workspace):
    """Read what a run has printed."""

    def read(run: Run, name="user_logs/std_log.txt"):
        path = workspace.view.folder(run.id) / name
        return path.read_text() if path.exists() else ""

    return read


def eventually(true, seconds=30.0):
    """Wait until something is true."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)


@pytest.fixture
def elsewhere_experiment(workspace):
    return Experiment(workspace, "others")
