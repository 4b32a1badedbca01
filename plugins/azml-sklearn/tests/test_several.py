"""Several fits in one run: a table and a picture by themselves."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

from azml_integrations import autolog
from azml_integrations.errors import AutologWarning
from azml_sklearn.several import curves

X, X_TEST, Y, Y_TEST = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
ALPHAS = (0.001, 0.1, 10.0)


@pytest.fixture
def pictured(experiment):
    """Autolog with pictures, and how a run of one's own begins."""
    autolog("sklearn", silent=True, log_models=False)

    def begin():
        return experiment.start_logging(outputs=None, snapshot_directory=None)

    return begin


def loop(alphas=ALPHAS):
    errors = []
    for alpha in alphas:
        model = Ridge(alpha=alpha).fit(X, Y)
        errors.append(float(mean_squared_error(Y_TEST, model.predict(X_TEST))))
    return errors


def pictures(run):
    return [name for name in run.get_file_names() if name.startswith("outputs/fits/")]


def test_a_loop_over_alphas_becomes_a_table_and_a_picture(pictured):
    """Alpha against the error on the test set, without a line about it in the user's program."""
    with pictured() as run:
        errors = loop()

    table = run.get_metrics()["fits"]
    fits = [run, *sorted(run.get_children(), key=lambda child: child.number)]
    assert table["alpha"] == list(ALPHAS)
    assert table["mean_squared_error"] == errors
    assert table["run_id"] == [fit.id for fit in fits]
    for metric in ("training_r2_score", "training_mean_squared_error", "fit_time"):
        assert table[metric] == [fit.get_metrics()[metric] for fit in fits]
    assert table == run.fits().columns
    assert pictures(run) == ["outputs/fits/alpha.png"]
    assert run.get_metrics()["fits_by_alpha"].endswith("outputs/fits/alpha.png")
    assert "fits" not in fits[1].get_metrics()


def test_alphas_out_of_numpy_are_numbers(pictured):
    """``for alpha in np.logspace(...)`` is how most people write it."""
    with pictured() as run:
        loop(np.logspace(-3, 1, 3))
    assert run.get_metrics()["fits"]["alpha"] == [0.001, 0.1, 10.0]


def test_one_fit_is_no_table(pictured):
    """There is nothing to compare; a run without fits is none of ours."""
    with pictured() as one:
        Ridge().fit(X, Y)
    with pictured() as none:
        none.log("loss", 1.0)
    assert "fits" not in one.get_metrics()
    assert none.get_metrics() == {"loss": 1.0}


def test_unlike_estimators_are_a_picture_too(pictured):
    """The oldest question of all: which one is best?"""
    data = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)
    with pictured() as run:
        for model in (GaussianNB(), LogisticRegression(max_iter=5000)):
            accuracy_score(data[3], model.fit(data[0], data[2]).predict(data[1]))
    assert run.get_metrics()["fits"]["estimator"] == ["GaussianNB", "LogisticRegression"]
    assert pictures(run) == ["outputs/fits/estimator.png"]


def test_a_failed_run_keeps_what_there_is(pictured):
    """The fits before the fault were fits."""
    run = pictured()
    with pytest.raises(ZeroDivisionError), run:
        _ = loop(ALPHAS[:2])[1] / 0
    assert run.get_status() == "Failed"
    assert run.get_metrics()["fits"]["alpha"] == [0.001, 0.1]
    assert pictures(run) == ["outputs/fits/alpha.png"]


def test_a_candidate_that_failed_stands_in_the_table(pictured):
    """Its row has a parameter and no score."""
    with pictured() as run:
        loop(ALPHAS[:1])
        with pytest.raises(ValueError, match="inconsistent"):
            Ridge(alpha=0.05).fit(X, Y[1:])
        loop(ALPHAS[1:])
    table = run.get_metrics()["fits"]
    assert table["alpha"] == [0.001, 0.05, 0.1, 10.0]
    assert table["mean_squared_error"][1] is None
    assert pictures(run) == ["outputs/fits/alpha.png"]


def test_without_pictures_there_is_the_table(runs, experiment):
    """``log_images=False`` draws nothing and loads nothing to draw with."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        loop()
    assert run.get_metrics()["fits"]["alpha"] == list(ALPHAS)
    assert pictures(run) == []


def test_names_of_the_user_are_not_taken(pictured):
    """A metric named ``fits`` and a picture of that name stay what they are."""
    with pictured() as run:
        run.log("fits", 3)
        loop()
    assert run.get_metrics()["fits"] == 3
    assert run.get_metrics()["fits_2"]["alpha"] == list(ALPHAS)


def test_switched_off_nothing_is_told(pictured):
    """``autolog(False)`` is the end of it; the view is there all the same."""
    with pictured() as run:
        loop()
        autolog(False)
    assert "fits" not in run.get_metrics()
    assert run.fits().parameters == {"alpha": list(ALPHAS)}


def test_a_picture_that_fails_costs_itself(pictured, monkeypatch):
    """The user's program ends as it would, with a word."""
    monkeypatch.setattr("azml_sklearn.pictures.album.png", lambda *_: 1 / 0)
    with pytest.warns(AutologWarning, match="ZeroDivisionError"), pictured() as run:
        loop()
    assert run.get_status() == "Completed"
    assert run.get_metrics()["fits"]["alpha"] == list(ALPHAS)


PROGRAM = """
import azml_integrations
azml_integrations.autolog("sklearn", silent=True, log_models=False)
from sklearn.linear_model import Ridge
from azml_integrations import Experiment, Run, Workspace
run = {begin}
for alpha in (0.1, 1.0):
    Ridge(alpha=alpha).fit([[0.0], [1.0], [3.0]], [0.0, 1.0, 2.0])
print(run.id)
"""


@pytest.mark.parametrize(
    "begin",
    [
        "Run.get_context()",
        "Experiment(Workspace.from_config(), 'exp').start_logging(outputs=None, snapshot_directory=None)",
    ],
    ids=["the process's own run", "a run that nobody ends"],
)
def test_the_end_of_the_program_is_an_end(experiment, tmp_path, begin):
    """A script that never says ``complete()`` gets its table and picture too."""
    (tmp_path / "train.py").write_text(PROGRAM.format(begin=begin))
    told = subprocess.run([sys.executable, "train.py"], check=True, cwd=tmp_path, capture_output=True, text=True)
    run = experiment.workspace.get_run(told.stdout.strip())
    assert run.get_metrics()["fits"]["alpha"] == [0.1, 1.0]
    assert "outputs/fits/alpha.png" in pictures(run)
    assert run.get_status() == "Completed"


def test_which_metrics_are_drawn():
    """The user's own first, other data and training data beside them; no times, and no root of what is there."""
    names = (
        *("mean_squared_error", "mean_squared_error_2", "training_mean_squared_error"),
        *("training_root_mean_squared_error", "training_r2_score", "fit_time"),
    )
    found = curves({name: [1.0, 2.0] for name in names} | {"verdict": ["good", "bad"]})
    assert {name: curve.panel for name, curve in found.items()} == {
        "mean_squared_error": "mean_squared_error",
        "mean_squared_error_2": "mean_squared_error",
        "training_mean_squared_error": "mean_squared_error",
        "training_r2_score": "training_r2_score",
    }
    alone = curves({"root_mean_squared_error": [1.0, 2.0], "training_root_mean_squared_error": [1.0, 2.0]})
    assert {curve.panel for curve in alone.values()} == {"root_mean_squared_error"}
    assert len(alone) == 2


def test_two_loops_in_one_run_are_one_table(pictured):
    """Ridge and Lasso over the same alphas: the class and alpha both vary, so each has a picture."""
    with pictured() as run:
        for kind in (Ridge, Lasso):
            for alpha in ALPHAS:
                kind(alpha=alpha).fit(X, Y)
    table = run.get_metrics()["fits"]
    assert table["estimator"] == ["Ridge"] * 3 + ["Lasso"] * 3
    assert table["alpha"] == [*ALPHAS, *ALPHAS]
    assert sorted(pictures(run)) == ["outputs/fits/alpha.png", "outputs/fits/estimator.png"]
