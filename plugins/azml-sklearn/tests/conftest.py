"""A home of its own for every test, with scikit-learn's adapter switched on and nothing else."""

import re

import pytest

from azml_integrations import Experiment, Workspace, autolog


@pytest.fixture
def experiment(azml_home, monkeypatch, tmp_path):
    """Where runs go that nobody started."""
    monkeypatch.setenv("AZML_PLUGINS", "sklearn")
    monkeypatch.setenv("AZML_EXPERIMENT", "exp")
    monkeypatch.chdir(tmp_path)
    return Experiment(Workspace.from_config(), "exp")


@pytest.fixture
def runs(experiment):
    """Switch autolog on; the result lists runs and children, the oldest first, but for the candidates of sweeps."""
    autolog("sklearn", silent=True, log_images=False)

    def look():
        return [run for run in experiment.get_runs(include_children=True) if not re.search(r"_\d+$", run.id)][::-1]

    return look


@pytest.fixture
def notes():
    """Read what a run says was skipped."""

    def read(run):
        return [note.message for note in run._record().notes]

    return read
