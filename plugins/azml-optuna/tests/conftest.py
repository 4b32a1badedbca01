"""A home of its own for every test, with Optuna's adapter switched on and nothing else."""

import optuna
import pytest

from azml_integrations import Experiment, Workspace, autolog


@pytest.fixture(autouse=True)
def quiet():
    """Optuna tells each trial on stderr."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def experiment(azml_home, monkeypatch, tmp_path):
    """Where runs go that nobody started."""
    monkeypatch.setenv("AZML_PLUGINS", "optuna")
    monkeypatch.setenv("AZML_EXPERIMENT", "exp")
    monkeypatch.chdir(tmp_path)
    return Experiment(Workspace.from_config(), "exp")


@pytest.fixture
def runs(experiment):
    """Switch autolog on; the result lists the runs of studies, the oldest first."""
    autolog("optuna", silent=True, log_images=False)
    return lambda: list(experiment.get_runs())[::-1]


@pytest.fixture
def trials():
    """List the trials of a run by their numbers."""

    def look(run):
        return sorted(run.get_children(), key=lambda child: int(child.properties.get("trial", -1)))

    return look


@pytest.fixture
def notes():
    """Read what a run says was skipped."""

    def read(run):
        return [note.message for note in run._record().notes]

    return read
