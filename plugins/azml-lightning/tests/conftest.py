"""A home of its own for every test, and a toy of each of the two packages."""

import importlib
import logging

import pytest
import toys

from azml_integrations import Experiment, Workspace

NAMESPACES = {"lightning": "lightning.pytorch", "pytorch_lightning": "pytorch_lightning"}


@pytest.fixture(params=list(NAMESPACES))
def kind(request):
    """Name one of the two packages."""
    return request.param


@pytest.fixture
def pl(kind):
    """Import it as users do."""
    logging.getLogger(NAMESPACES[kind]).setLevel(logging.ERROR)  # tips and banners
    return importlib.import_module(NAMESPACES[kind])


@pytest.fixture
def azml(kind):
    """Import what we have for it."""
    return importlib.import_module(f"azml_lightning.{kind}")


@pytest.fixture
def toy(kind):
    """Return the class of a tiny classifier of it."""
    return toys.TOYS[kind]


@pytest.fixture
def experiment(azml_home, monkeypatch, tmp_path):
    """Where runs go that nobody started; the working directory is empty."""
    monkeypatch.setenv("AZML_EXPERIMENT", "exp")
    monkeypatch.chdir(tmp_path)
    return Experiment(Workspace.from_config(), "exp")


@pytest.fixture
def train(pl, toy, experiment):
    """Fit a toy with a logger; the result is the trainer."""

    def fit(logger, *, model=None, ckpt_path=None, **settings):
        trainer = trainer_of(pl, logger, **settings)
        trainer.fit(model or toy(), toys.rows(), toys.rows(), ckpt_path=ckpt_path)
        return trainer

    return fit


@pytest.fixture
def trainer_for(pl):
    """Make a quiet trainer."""
    return lambda logger=None, **settings: trainer_of(pl, logger, **settings)


def trainer_of(pl, logger, **settings):
    """Make a trainer that logs every step and prints nothing."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 1, "accelerator": "cpu"}
    return pl.Trainer(**{"logger": logger, "max_epochs": 2, **quiet, **settings})


@pytest.fixture
def runs(experiment):
    """List the runs of the experiment, the oldest first."""
    return lambda: list(experiment.get_runs())[::-1]


@pytest.fixture
def notes():
    """Read what a run says was skipped."""
    return lambda run: [note.message for note in run._record().notes]
