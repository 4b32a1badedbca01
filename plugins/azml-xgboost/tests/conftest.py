"""A home of its own for every test, with XGBoost's adapter switched on and nothing else."""

import pytest
import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from azml_integrations import Experiment, Workspace, autolog

QUICK = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}


@pytest.fixture
def experiment(azml_home, monkeypatch, tmp_path):
    """Where runs go that nobody started."""
    monkeypatch.setenv("AZML_PLUGINS", "sklearn,xgboost")
    monkeypatch.setenv("AZML_EXPERIMENT", "exp")
    monkeypatch.chdir(tmp_path)
    return Experiment(Workspace.from_config(), "exp")


@pytest.fixture
def runs(experiment):
    """Switch autolog of XGBoost on; the result lists runs and children, the oldest first."""
    autolog("xgboost", silent=True, on_error="raise")
    return lambda: list(experiment.get_runs(include_children=True))[::-1]


@pytest.fixture(scope="session")
def cancer():
    """Breast cancer as tables: training rows, test rows, their answers."""
    return train_test_split(*load_breast_cancer(return_X_y=True, as_frame=True), random_state=0)


@pytest.fixture
def matrices(cancer):
    """The same as fresh matrices of XGBoost: training, test."""
    X, X_test, y, y_test = cancer
    return xgboost.DMatrix(X, y, nthread=1), xgboost.DMatrix(X_test, y_test, nthread=1)


@pytest.fixture
def notes():
    """Read what a run says was skipped."""
    return lambda run: [one["message"] for one in run.get_details().get("warnings") or ()]
