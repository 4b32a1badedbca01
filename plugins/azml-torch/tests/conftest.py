"""A home of its own for every test."""

import pytest

from azml_integrations import Experiment, Workspace


@pytest.fixture
def experiment(azml_home, monkeypatch, tmp_path):
    """Where runs go that nobody started."""
    monkeypatch.setenv("AZML_PLUGINS", "torch")
    monkeypatch.setenv("AZML_EXPERIMENT", "exp")
    monkeypatch.chdir(tmp_path)
    return Experiment(Workspace.from_config(), "exp")


@pytest.fixture
def run(experiment):
    """Give a run of the user's, with autolog off."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        yield run


@pytest.fixture
def notes():
    """Read what a run says was skipped."""

    def read(run):
        return [note.message for note in run._record().notes]

    return read
