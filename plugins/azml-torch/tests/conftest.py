"""A home of its own for every test, with PyTorch's adapter switched on and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from azml_integrations import Experiment, Workspace, autolog


@pytest.fixture
def experiment(azml_home, monkeypatch, tmp_path):
    """Where runs go that nobody started."""
    monkeypatch.setenv("AZML_PLUGINS", "torch")
    monkeypatch.setenv("AZML_EXPERIMENT", "exp")
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.chdir(tmp_path)
    return Experiment(Workspace.from_config(), "exp")


@pytest.fixture
def run(experiment):
    """Give a run of the user's, with autolog off."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        yield run


@pytest.fixture
def runs(experiment):
    """Switch autolog on; the result lists the runs, the oldest first, once everything seen is written."""
    autolog("torch", silent=True, on_error="raise")

    def look():
        from azml_torch.session import LISTENING

        for session in LISTENING:
            session.numbers.finish()
            session.recorder.drain()
        return list(experiment.get_runs())[::-1]

    return look


@pytest.fixture
def only(runs):
    """Switch autolog on; the result ends what was recorded, and returns the only run."""
    assert runs() == []

    def look():
        autolog(False)
        (run,) = runs()
        return run

    return look


@pytest.fixture
def batches():
    """Inputs of shape (32, 4) and targets of shape (32, 1)."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(32, 4, generator=generator)
    return inputs, inputs.sum(1, keepdim=True)


@pytest.fixture
def model():
    """A net with known weights."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))


@pytest.fixture
def notes():
    """Read what a run says was skipped."""

    def read(run):
        return [note.message for note in run._record().notes]

    return read


@pytest.fixture
def script(experiment, tmp_path):
    """Run a program in a process of its own, as a user does."""

    def run(text, *, fails=False):
        path = Path(tmp_path / "program.py")
        path.write_text(text)
        leaving = os.pathsep.join([str(Path(__file__).with_name("leaving")), os.environ.get("PYTHONPATH", "")])
        surroundings = {**os.environ, "PYTHONPATH": leaving}
        done = subprocess.run(
            [sys.executable, path], capture_output=True, text=True, timeout=250, check=False, env=surroundings
        )
        assert (done.returncode != 0) is fails, done.stderr
        return done

    return run
