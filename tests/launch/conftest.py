"""Scripts to put into the queue without a configuration."""

import os
import sys
import textwrap
import time

import pytest

from azml_integrations.core import Run
from azml_integrations.core.submission import Family, enter, environment, new_id
from azml_integrations.launch.ticket import Ticket


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
