"""A search is a parent with one child for each candidate, while it runs."""

import csv
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib._parallel_backends import SequentialBackend
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the two halving searches importable
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from azml_integrations import autolog

DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
ALPHAS = [0.01, 0.1, 1.0, 10.0]


def candidates(run):
    """The children of a search, by the number of their candidate."""
    return sorted(run.get_children(), key=lambda child: int(child.id.rpartition("_")[2]))


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_every_candidate_is_a_child_with_its_scores(runs, backend, n_jobs):
    """With its parameter, the score of each split, times, mean, deviation and rank: those of ``cv_results_``."""
    with joblib.parallel_config(backend=backend):
        search = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=3, n_jobs=n_jobs, return_train_score=True).fit(*DIABETES)
    (run,) = runs()
    children = candidates(run)
    assert [child.get_properties() for child in children] == [{"param.alpha": str(alpha)} for alpha in ALPHAS]
    assert {child.get_status() for child in children} == {"Completed"}
    results = search.cv_results_
    for row, child in enumerate(children):
        found = child.get_metrics()
        for kind in ("test_score", "train_score"):
            points = sorted(child.metric_points(kind), key=lambda point: point.step)
            assert [point.value for point in points] == [results[f"split{split}_{kind}"][row] for split in range(3)]
            assert found[f"mean_{kind}"] == results[f"mean_{kind}"][row]
            assert found[f"std_{kind}"] == results[f"std_{kind}"][row]
        assert found["rank_test_score"] == results["rank_test_score"][row]
        assert min(found["fit_time"]) > 0
        assert found["mean_fit_time"] == results["mean_fit_time"][row]


def test_the_parent_has_the_best_and_the_whole_table(runs, tmp_path):
    """Best parameters, best score, best child; ``cv_results_`` as a table and as a file."""
    search = GridSearchCV(Ridge(), {"alpha": ALPHAS, "fit_intercept": [True, False]}, cv=3).fit(*DIABETES)
    (run,) = runs()
    found = run.get_properties()
    assert (found["best.alpha"], found["best.fit_intercept"]) == (str(search.best_params_["alpha"]), "True")
    assert found["best_child_run_id"] == f"{run.id}_{search.best_index_}"
    assert run.get_metrics()["best_score"] == search.best_score_
    table = run.get_metrics()["cv_results"]
    assert table["param_alpha"] == [alpha for alpha in ALPHAS for _ in range(2)]
    assert table["mean_test_score"] == search.cv_results_["mean_test_score"].tolist()
    assert set(table) == set(search.cv_results_) - {"params"}
    run.download_file("outputs/GridSearchCV/cv_results.csv", str(tmp_path / "table.csv"))
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert [float(row["split1_test_score"]) for row in rows] == search.cv_results_["split1_test_score"].tolist()


class Slow(ClassifierMixin, BaseEstimator):
    """Fits as long as a file is there."""

    def __init__(self, gate="", wait=False):
        self.gate, self.wait = gate, wait

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        deadline = time.monotonic() + 60
        while self.wait and Path(self.gate).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_candidates_appear_while_workers_run(runs, experiment, tmp_path, backend):
    """One candidate is done and another is being fitted: both can be seen before the search returns."""
    gate = tmp_path / "gate"
    gate.touch()
    search = GridSearchCV(Slow(str(gate)), {"wait": [False, True]}, cv=2)

    def fit():
        with joblib.parallel_config(backend=backend, n_jobs=2):
            search.fit(*CANCER)

    thread = threading.Thread(target=fit)
    thread.start()
    try:
        seen = {}
        deadline = time.monotonic() + 60
        while set(seen.values()) != {"Completed", "Running"} and time.monotonic() < deadline:
            time.sleep(0.05)
            for run in experiment.get_runs():
                seen = {child.get_properties().get("param.wait"): child.get_status() for child in run.get_children()}
        assert seen == {"False": "Completed", "True": "Running"}
        assert thread.is_alive()
        (done,) = runs()[0].get_children(status="Completed")
        assert len(done.get_metrics()["test_score"]) == 2
    finally:
        gate.unlink()
        thread.join()
    assert {child.get_status() for child in runs()[0].get_children()} == {"Completed"}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_candidate_that_fails_is_a_failed_child_with_its_error(runs, n_jobs):
    """The others go on, and so does the search."""
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        GridSearchCV(Ridge(), {"alpha": [1.0, -1.0]}, cv=2, n_jobs=n_jobs).fit(*DIABETES)
    (run,) = runs()
    good, bad = candidates(run)
    assert (run.get_status(), good.get_status(), bad.get_status()) == ("Completed", "Completed", "Failed")
    told = bad.get_details()["error"]["error"]
    assert "The 'alpha' parameter of Ridge must be a float in the range [0.0, inf)" in told["message"]
    assert "in _fit_and_score" in told["debugInfo"]["stackTrace"]


def frames(error):
    """The functions of a traceback, also of one that came from another process."""
    told = "".join(traceback.format_exception(error))
    return [line for line in told.splitlines() if "azml_sklearn" in line or "azml_integrations" in line]


class Hesitant(Ridge):
    """It raises when the other tasks have long been answered."""

    def fit(self, X, y):
        if self.alpha < 0:
            time.sleep(1)
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("model", "cv", "backend"),
    [
        (Ridge(), 2, "loky"),
        (Ridge(), 2, "threading"),
        (Ridge(), 2, "sequential"),
        # joblib's pool stops its workers by a signal, and one that is just sending its answer takes the lock of the
        # pipe along: 4 of 150 plain searches that raised never came back (joblib 1.6). So here none is sending.
        (Hesitant(), ShuffleSplit(1), "multiprocessing"),
    ],
)
def test_a_search_that_raises_leaves_nothing_running(runs, model, cv, backend):
    """The candidate that raised is Failed, and the error is the user's own, with no frame of ours in it."""
    search = GridSearchCV(model, {"alpha": [1.0, -1.0, 2.0, 3.0]}, cv=cv, error_score="raise")
    with joblib.parallel_config(backend=backend, n_jobs=2), pytest.raises(ValueError, match="alpha") as caught:
        search.fit(*DIABETES)
    (run,) = runs()
    assert run.get_status() == "Failed"
    statuses = {child.get_properties()["param.alpha"]: child.get_status() for child in run.get_children()}
    assert statuses["-1.0"] == "Failed"
    assert "Running" not in statuses.values()
    assert frames(caught.value) == []


def test_a_search_that_is_interrupted_leaves_nothing_running(experiment, tmp_path):
    """Ctrl-C in the middle: the parent and the candidate under way end, in a process of their own."""
    (tmp_path / "gate").touch()
    (tmp_path / "slow.py").write_text(
        "import os, time\n"
        "from sklearn.linear_model import Ridge\n"
        "class Slow(Ridge):\n"
        "    def fit(self, X, y):\n"
        "        while self.alpha == 2 and os.path.exists('gate'):\n"
        "            open('begun', 'w').close()\n"
        "            time.sleep(0.01)\n"
        "        return super().fit(X, y)\n"
    )
    (tmp_path / "train.py").write_text(
        "import azml_integrations\n"
        "azml_integrations.autolog('sklearn', silent=True, log_images=False)\n"
        "from slow import Slow\n"
        "from sklearn.datasets import load_diabetes\n"
        "from sklearn.model_selection import GridSearchCV\n"
        "GridSearchCV(Slow(), {'alpha': [1, 2, 3]}, cv=2).fit(*load_diabetes(return_X_y=True))\n"
    )
    process = subprocess.Popen([sys.executable, "train.py"], cwd=tmp_path, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in told
    (run,) = experiment.get_runs()
    statuses = {child.get_properties()["param.alpha"]: child.get_status() for child in run.get_children()}
    assert run.get_status() in {"Canceled", "Failed"}
    assert statuses == {"1": "Completed", "2": "Canceled"}


def test_a_randomized_search_too(runs):
    """Its candidates are drawn, and drawn the same with us."""
    settings = {"n_iter": 4, "cv": 2, "random_state": 0}
    search = RandomizedSearchCV(Ridge(), {"alpha": np.logspace(-3, 2, 50)}, **settings).fit(*DIABETES)
    (run,) = runs()
    drawn = [child.get_properties()["param.alpha"] for child in candidates(run)]
    autolog(False)
    again = RandomizedSearchCV(Ridge(), {"alpha": np.logspace(-3, 2, 50)}, **settings).fit(*DIABETES)
    assert drawn == [str(params["alpha"]) for params in again.cv_results_["params"]]
    assert search.best_params_ == again.best_params_


@pytest.mark.parametrize(
    ("kind", "settings"), [(HalvingGridSearchCV, {}), (HalvingRandomSearchCV, {"n_candidates": 4})]
)
def test_each_round_of_a_halving_search_has_candidates_of_its_own(runs, kind, settings):
    """A candidate that survives is judged again, on more data: another child, as another row of the table."""
    depths = {"max_depth": [1, 2, 3, 4]}
    search = kind(DecisionTreeClassifier(random_state=0), depths, cv=2, random_state=0, n_jobs=2, **settings)
    search.fit(*CANCER)
    (run,) = runs()
    children = candidates(run)
    results = search.cv_results_
    assert len(children) == len(results["params"]) > 4
    assert [child.get_metrics()["iter"] for child in children] == results["iter"].tolist()
    assert [child.get_metrics()["n_resources"] for child in children] == results["n_resources"].tolist()
    assert [child.get_properties()["param.max_depth"] for child in children] == [
        str(params["max_depth"]) for params in results["params"]
    ]
    assert {child.get_status() for child in children} == {"Completed"}


def test_several_scores_each_have_their_name(runs):
    """As ``cross_validate`` calls them; without `refit` there is no best one."""
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, scoring=["r2", "neg_mean_absolute_error"], refit=False, cv=2)
    search.fit(*DIABETES)
    (run,) = runs()
    (child,) = run.get_children()
    assert len(child.get_metrics()["test_neg_mean_absolute_error"]) == 2
    assert child.get_metrics()["mean_test_r2"] == search.cv_results_["mean_test_r2"][0]
    assert "best.alpha" not in run.get_properties()


def test_max_child_runs_limits_children_never_the_table(experiment, runs, notes):
    """Ten thousand candidates need not be ten thousand folders."""
    autolog("sklearn", silent=True, log_images=False, max_child_runs=2)
    search = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=2).fit(*DIABETES)
    (run,) = runs()
    assert [child.id for child in candidates(run)] == [f"{run.id}_0", f"{run.id}_1"]
    assert run.get_metrics()["cv_results"]["mean_test_score"] == search.cv_results_["mean_test_score"].tolist()
    assert notes(run) == [
        '2 of 4 candidates have a child run, the table has all; autolog("sklearn", max_child_runs=...) sets another cap'
    ]


def test_a_search_at_the_end_of_a_pipeline_counts(runs):
    """Scale, then search: the candidates are those of the search, the pipeline is the parent."""
    make_pipeline(StandardScaler(), GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=2)).fit(*DIABETES)
    (run,) = runs()
    assert run.get_properties()["estimator"] == "Pipeline"
    assert run.get_properties()["best.alpha"] in map(str, ALPHAS)
    assert len(candidates(run)) == 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_inside_a_search_is_part_of_its_candidate(runs, n_jobs):
    """Nested cross-validation: two candidates outside, whatever is tried inside."""
    inner = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=2)
    GridSearchCV(inner, {"cv": [2, 3]}, cv=2, n_jobs=n_jobs).fit(*DIABETES)
    (run,) = runs()
    assert [child.get_properties() for child in candidates(run)] == [{"param.cv": "2"}, {"param.cv": "3"}]


def test_in_a_users_run_the_candidates_are_children_of_it(runs, experiment):
    """The first search stands in the run itself, the second in a child, its candidates below that."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2).fit(*DIABETES)
        GridSearchCV(Ridge(), {"alpha": [10.0]}, cv=2).fit(*DIABETES)
    assert [child.name for child in list(run.get_children())[::-1]] == ["alpha=0.1", "alpha=1.0", "GridSearchCV"]
    second = next(run.get_children())
    assert [child.get_properties()["param.alpha"] for child in second.get_children()] == ["10.0"]


class Wrapper(Ridge):
    def __init__(self, estimator=None, verbose=None):
        super().__init__()
        self.estimator, self.verbose = estimator, verbose

    def fit(self, X, y):
        return self.estimator.fit(X, y)

    def predict(self, X):
        return self.estimator.predict(X)


class Hostile:
    """A parameter whose repr raises."""

    def __repr__(self):
        raise RuntimeError("no")


def test_parameters_of_any_kind_are_told(runs):
    """An estimator, a function, one whose repr raises; a grid of several parts leaves gaps in the table."""
    grid = [{"estimator": [Ridge(alpha=2.0)]}, {"estimator__alpha": [0.5], "verbose": [Hostile()]}]

    GridSearchCV(Wrapper(Ridge()), grid, cv=2).fit(*DIABETES)
    (run,) = runs()
    one, other = candidates(run)
    assert one.get_properties() == {"param.estimator": "Ridge(alpha=2.0)"}
    assert other.get_properties() == {
        "param.estimator__alpha": "0.5",
        "param.verbose": "<its repr raised RuntimeError>",
    }
    assert run.get_metrics()["cv_results"]["param_estimator__alpha"] == [None, 0.5]


def test_folds_of_a_cross_validation_appear_while_it_runs(runs, experiment, tmp_path):
    """The run of ``cross_validate`` has the scores that are there, before the last fold is done."""
    gate = tmp_path / "gate"
    gate.touch()
    first = load_breast_cancer().data[0, 0]

    class SlowOnce(Slow):
        def fit(self, X, y):
            self.wait = X[0, 0] == first  # all folds but the first are trained on the first row
            return super().fit(X, y)

    thread = threading.Thread(target=lambda: cross_validate(SlowOnce(str(gate)), *CANCER, cv=3))
    thread.start()
    try:
        seen = []
        deadline = time.monotonic() + 60
        while not seen and time.monotonic() < deadline:
            time.sleep(0.05)
            seen = [point.step for run in experiment.get_runs() for point in run.metric_points("test_score")]
        assert seen == [0]
        assert thread.is_alive()
    finally:
        gate.unlink()
        thread.join()
    assert len(runs()[0].get_metrics()["test_score"]) == 3


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_value_of_a_validation_curve_is_a_child(runs, n_jobs):
    """With its parameter, and the scores of every split; the means are a table of the parent."""
    of_train, of_test = validation_curve(
        Ridge(), *DIABETES, param_name="alpha", param_range=[0.1, 1.0, 10.0], cv=2, n_jobs=n_jobs
    )
    (run,) = runs()
    children = candidates(run)
    assert [child.get_properties() for child in children] == [
        {"param.alpha": value} for value in ("0.1", "1.0", "10.0")
    ]
    for child, train, test in zip(children, of_train, of_test, strict=True):
        assert sorted(child.get_metrics()["test_score"]) == sorted(test.tolist())
        assert child.get_metrics()["mean_train_score"] == train.mean()
    table = run.get_metrics()["validation_curve"]
    assert table["alpha"] == [0.1, 1.0, 10.0]
    assert table["mean_test_score"] == of_test.mean(axis=1).tolist()
    assert {child.get_status() for child in children} == {"Completed"}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_size_of_a_learning_curve_is_a_child(runs, n_jobs):
    """Also where the folds are not of one size."""
    sizes, _, of_test = learning_curve(
        LogisticRegression(max_iter=10000), *CANCER, cv=3, train_sizes=[0.5, 1.0], n_jobs=n_jobs
    )
    (run,) = runs()
    children = candidates(run)
    assert [child.get_properties() for child in children] == [{"train_size": str(size)} for size in sizes]
    for child, test in zip(children, of_test, strict=True):
        assert sorted(child.get_metrics()["test_score"]) == sorted(test.tolist())
    assert run.get_metrics()["learning_curve"]["train_size"] == sizes.tolist()
    assert run.get_metrics()["learning_curve"]["mean_test_score"] == of_test.mean(axis=1).tolist()


def test_a_learning_curve_by_partial_fit_is_told_at_its_end(runs):
    """Its tasks are of another kind; the children come when the curve is there."""
    from sklearn.naive_bayes import GaussianNB

    sizes, _, of_test = learning_curve(
        GaussianNB(), *CANCER, cv=3, train_sizes=[0.5, 1.0], exploit_incremental_learning=True
    )
    children = candidates(runs()[0])
    assert [child.get_properties() for child in children] == [{"train_size": str(size)} for size in sizes]
    assert [child.get_metrics()["test_score"] for child in children] == of_test.tolist()
    assert {child.get_status() for child in children} == {"Completed"}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_are_what_they_are_without_us(experiment, n_jobs):
    """Same scores, same parameters, same attributes, nothing of ours on the search."""
    X, y = load_digits(return_X_y=True)
    search = GridSearchCV(SVC(), {"C": [0.1, 1.0], "gamma": ["scale", 0.01]}, cv=2, n_jobs=n_jobs)
    plain = GridSearchCV(SVC(), {"C": [0.1, 1.0], "gamma": ["scale", 0.01]}, cv=2, n_jobs=n_jobs).fit(X[:300], y[:300])
    autolog("sklearn", silent=True, log_images=False)
    search.fit(X[:300], y[:300])
    assert set(vars(search)) == set(vars(plain))
    for name, values in plain.cv_results_.items():
        if not name.endswith("_time"):
            assert np.array_equal(search.cv_results_[name], values), name


class Elsewhere(SequentialBackend):
    """A backend that joblib does not bring: its workers might not know us."""


def test_with_workers_that_may_not_know_us_the_candidates_come_at_the_end(runs):
    """A dask or ray host gets its tasks as they are; the children are made of the results."""
    joblib.register_parallel_backend("elsewhere", Elsewhere)
    with joblib.parallel_config(backend="elsewhere"):
        search = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=3).fit(*DIABETES)
    (run,) = runs()
    for row, child in enumerate(candidates(run)):
        assert child.get_properties() == {"param.alpha": str(ALPHAS[row])}
        assert child.get_metrics()["test_score"] == [
            search.cv_results_[f"split{split}_test_score"][row] for split in range(3)
        ]
        assert child.get_status() == "Completed"


def test_what_joblib_prints_is_what_it_prints_without_us(experiment, capfd):
    """Verbose searches name the class that dispatches."""
    autolog("sklearn", silent=True, log_images=False)
    with joblib.parallel_config(backend="threading", n_jobs=2, verbose=10):
        GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=2).fit(*DIABETES)
    out, err = capfd.readouterr()
    assert "[Parallel(n_jobs=2)]" in out + err
    assert "Watched" not in out + err


def test_a_follower_of_a_group_records_no_candidates(experiment, monkeypatch):
    """As it records no run."""
    monkeypatch.setenv("RANK", "1")
    autolog("sklearn", silent=True)
    GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=2, n_jobs=2).fit(*DIABETES)
    assert list(experiment.get_runs(include_children=True)) == []


def test_switched_off_the_modules_are_what_they_were(experiment):
    """To the object."""
    from sklearn.model_selection import _search, _validation
    from sklearn.utils.parallel import Parallel

    autolog("sklearn", silent=True)
    assert _search.Parallel is not Parallel
    autolog(False)
    assert _search.Parallel is _validation.Parallel is Parallel
