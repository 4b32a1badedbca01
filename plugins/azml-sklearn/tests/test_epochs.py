"""The epochs of a fit are in its run while it still runs; and once, whole and in order, when it is over."""

import gc
import json
import os
import pickle
import subprocess
import sys
import threading
import time
import warnings
import weakref

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from azml_integrations import AutologOptions, autolog
from azml_sklearn import epochs
from azml_sklearn.session import Session

CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
DIGITS = load_digits(return_X_y=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def hasty(monkeypatch):
    """Look so often that short fits are seen too."""
    monkeypatch.setattr(epochs, "FIRST", 0.001)
    monkeypatch.setattr(epochs, "PAUSE", 0.001)
    monkeypatch.setattr(epochs, "SHARE", 1.0)


def curve(run, name):
    """Read a metric as steps and values."""
    points = run.metric_points(name)
    return [point.step for point in points], [point.value for point in points]


class Held(MLPClassifier):
    """A network that waits, after its 30th epoch, for somebody to have seen what it has logged so far."""

    def _update_no_improvement_count(self, *arguments):
        super()._update_no_improvement_count(*arguments)
        if len(self.loss_curve_) == 30:
            WATCHED.wait(60)


WATCHED = threading.Event()


def test_epochs_are_read_while_fit_runs(runs):
    """Whoever watches a network from another process sees its loss fall, long before `fit` returns."""
    look = "import json, sys, azml_integrations as a; r = a.Run.get(a.Workspace.from_config(), sys.argv[1]); "
    look += "print(r.get_status(), json.dumps([p.value for p in r.metric_points('loss_curve')]))"
    seen = []

    def watch():
        while not seen or not seen[-1].startswith("Running") or seen[-1].endswith("[]"):
            for run in runs():
                told = subprocess.run(
                    [sys.executable, "-c", look, run.id], capture_output=True, text=True, timeout=60, check=True
                )
                seen.append(told.stdout.strip())
        WATCHED.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    model = Held(max_iter=60, random_state=0, n_iter_no_change=60).fit(*DIGITS)
    assert WATCHED.is_set()  # before fit returned, or it would have waited for a minute
    watcher.join()
    status, _, points = seen[-1].partition(" ")
    early = json.loads(points)
    assert status == "Running"
    assert early == model.loss_curve_[: len(early)]
    assert 0 < len(early) <= 30
    (run,) = runs()
    assert curve(run, "loss_curve") == (list(range(1, 61)), model.loss_curve_)


KINDS = [
    (MLPClassifier(max_iter=40), CANCER, {"loss_curve": 1}),
    (MLPRegressor(max_iter=40, early_stopping=True), DIABETES, {"loss_curve": 1, "validation_scores": 1}),
    (GradientBoostingRegressor(n_estimators=60), DIABETES, {"train_score": 1}),
    (
        GradientBoostingClassifier(n_estimators=20, subsample=0.5),
        (DIGITS[0][:300], DIGITS[1][:300]),
        {"train_score": 1, "oob_improvement": 1, "oob_scores": 1},
    ),
    (GradientBoostingRegressor(n_estimators=60, n_iter_no_change=2, tol=0.1), DIABETES, {"train_score": 1}),
    (
        HistGradientBoostingRegressor(max_iter=30, early_stopping=True),
        DIABETES,
        {"train_score": 0, "validation_score": 0},
    ),
    (
        HistGradientBoostingClassifier(max_iter=30, early_stopping=True, validation_fraction=None),
        CANCER,
        {"train_score": 0},
    ),
    (make_pipeline(StandardScaler(), make_pipeline(MLPClassifier(max_iter=40))), CANCER, {"loss_curve": 1}),
]


@pytest.mark.parametrize(("model", "data", "names"), KINDS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("pace", ["hasty", "seldom"])
def test_a_curve_is_there_once_whole_and_in_order(runs, request, model, data, names, pace):
    """Whether it was seen growing or only at the end, the run holds what the estimator holds."""
    if pace == "hasty":
        request.getfixturevalue("hasty")
    fitted = model.fit(*data)
    inner = fitted
    while hasattr(inner, "steps"):
        inner = inner.steps[-1][1]
    (run,) = runs()
    for name, first in names.items():
        values = list(getattr(inner, f"{name}_"))
        assert curve(run, name) == (list(range(first, first + len(values))), values)
    curves = {"loss_curve", "validation_scores", "train_score", "validation_score", "oob_improvement", "oob_scores"}
    assert curves & set(run.get_metrics()) == set(names)


@pytest.mark.parametrize(
    "model",
    [
        Ridge(),
        MLPRegressor(solver="lbfgs", max_iter=20),
        HistGradientBoostingRegressor(max_iter=5, early_stopping=False),
    ],
    ids=lambda model: type(model).__name__,
)
def test_who_has_no_epochs_pays_for_none(runs, monkeypatch, model):
    """No thread is started for an estimator of which nothing grows."""
    monkeypatch.setattr(epochs, "Epochs", None)  # would raise, and so warn
    model.fit(*DIABETES)
    assert runs()[0].get_status() == "Completed"


WARM = [
    (MLPRegressor(max_iter=10, early_stopping=True, n_iter_no_change=99), "loss_curve", 20),
    (MLPRegressor(max_iter=10, early_stopping=True, n_iter_no_change=99), "validation_scores", 20),
    (GradientBoostingRegressor(n_estimators=10, subsample=0.5), "train_score", 20),
    (GradientBoostingRegressor(n_estimators=10, subsample=0.5), "oob_scores", 20),
    (HistGradientBoostingRegressor(max_iter=10, early_stopping=True, n_iter_no_change=99), "train_score", 21),
    (HistGradientBoostingRegressor(max_iter=10, early_stopping=True, n_iter_no_change=99), "validation_score", 21),
]


@pytest.mark.parametrize(("model", "name", "total"), WARM)
def test_a_warm_start_goes_on_where_it_was(runs, hasty, model, name, total):
    """The second fit logs its own epochs only, under the steps that follow those of the first."""
    model = type(model)(**model.get_params() | {"warm_start": True, "random_state": 0})
    model.fit(*DIABETES)
    if not isinstance(model, MLPRegressor):
        model.set_params(**{"max_iter" if hasattr(model, "max_iter") else "n_estimators": 20})
    model.fit(*DIABETES)
    first, second = runs()
    steps, values = (one + two for one, two in zip(curve(first, name), curve(second, name), strict=True))
    start = 0 if isinstance(model, HistGradientBoostingRegressor) else 1
    assert steps == list(range(start, start + total))
    assert values == list(getattr(model, f"{name}_"))


@pytest.mark.parametrize(("model", "data", "names"), KINDS[:-1], ids=lambda value: type(value).__name__)
def test_a_second_fit_begins_anew(runs, hasty, model, data, names):
    """What is left of an earlier fit is not taken for epochs of this one."""
    model.fit(*data)
    model.fit(*data)
    _, run = runs()
    for name, first in names.items():
        values = list(getattr(model, f"{name}_"))
        assert curve(run, name) == (list(range(first, first + len(values))), values)


class Failing(MLPClassifier):
    """A network that breaks after its 20th epoch."""

    error = RuntimeError("out of memory")

    def _update_no_improvement_count(self, *arguments):
        super()._update_no_improvement_count(*arguments)
        if len(self.loss_curve_) == 20:
            raise self.error


def failing_monitor(stage, model, _):
    if stage == 10:
        raise KeyboardInterrupt


def test_a_fit_that_fails_keeps_its_epochs(runs):
    """How the loss went is most wanted where the training broke down."""
    model = Failing(max_iter=60, random_state=0)
    with pytest.raises(RuntimeError, match="out of memory"):
        model.fit(*CANCER)
    (run,) = runs()
    assert run.get_status() == "Failed"
    assert curve(run, "loss_curve") == (list(range(1, 21)), model.loss_curve_)


def test_a_fit_that_is_interrupted_keeps_its_epochs(runs):
    """Ctrl-C ends the fit, the run and the thread that looked; the stages that were done for certain are there."""
    model = GradientBoostingRegressor(n_estimators=60)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*DIABETES, monitor=failing_monitor)
    (run,) = runs()
    assert curve(run, "train_score") == (list(range(1, 11)), list(model.train_score_[:10]))
    assert not any(thread.name == "azml-epochs" for thread in threading.enumerate())


def test_an_estimator_that_cannot_be_read_is_fitted_all_the_same(runs, hasty, notes, monkeypatch):
    """A look that fails costs the live view only: the whole curve is written at the end, and a note says why."""
    looked = threading.Event()

    def fail(*_):
        looked.set()
        raise RuntimeError("changed while we looked")

    monkeypatch.setattr(epochs.Epochs, "_write_news", fail)
    model = MLPClassifier(max_iter=200, n_iter_no_change=200, random_state=0).fit(*DIGITS)
    assert looked.is_set()
    (run,) = runs()
    assert curve(run, "loss_curve") == (list(range(1, 201)), model.loss_curve_)
    assert (
        "epochs were written at the end of the fit, not while it ran (RuntimeError: changed while we looked)"
        in notes(run)
    )


class Twice(MLPClassifier):
    """A network that begins again in the middle of its fit."""

    def _fit(self, X, y, *arguments, **settings):
        super()._fit(X, y, *arguments, **settings)
        epochs_seen = threading.Event()
        epochs_seen.wait(0.05)
        return super()._fit(X, y, *arguments, **settings)


def test_a_curve_that_begins_again_is_said_to(runs, hasty, notes):
    """What has been logged cannot be taken back; the final curve follows it, and a note tells them apart."""
    model = Twice(max_iter=20, random_state=None).fit(*CANCER)
    (run,) = runs()
    steps, values = curve(run, "loss_curve")
    assert steps[-20:] == list(range(1, 21))
    assert values[-20:] == model.loss_curve_
    early = len(steps) - 20
    assert early > 0
    assert f"loss_curve: the fit began its epochs again after {early} of them; the curve has both" in notes(run)


def test_fits_at_once_keep_their_epochs_apart(runs, hasty):
    """Each thread's fit is looked at by itself, and told in its own run."""
    models = [MLPClassifier(max_iter=20 + number, n_iter_no_change=99, random_state=number) for number in range(3)]

    def train(model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(*CANCER)

    threads = [threading.Thread(target=train, args=[model]) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logged = {len(values): values for values in (curve(run, "loss_curve")[1] for run in runs())}
    assert logged == {model.max_iter: model.loss_curve_ for model in models}


def test_looking_leaves_no_trace(runs, hasty):
    """Results, pickle and numpy's random numbers are those of a fit that nobody looks at; nothing is kept."""

    def train():
        np.random.seed(3)  # noqa: NPY002 - the state that is shared
        model = MLPClassifier(max_iter=30).fit(*CANCER)
        return pickle.dumps(model), np.random.random(), weakref.ref(model)  # noqa: NPY002

    watched, drawn, gone = train()
    gc.collect()
    assert gone() is None
    autolog(False)
    assert train()[:2] == (watched, drawn)
    assert not any(thread.name == "azml-epochs" for thread in threading.enumerate())


class Forking(MLPClassifier):
    """A network that forks in the middle of its fit; the child goes on as the parent does, and leaves the fit."""

    def _update_no_improvement_count(self, *arguments):
        super()._update_no_improvement_count(*arguments)
        if len(self.loss_curve_) == 20:
            self.child_ = os.fork()
            if not self.child_:
                raise SystemExit


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_tells_no_epochs(runs, hasty):
    """A child that leaves the fit neither waits for the parent's thread nor writes the parent's epochs."""
    try:
        model = Forking(max_iter=40, n_iter_no_change=99, random_state=0).fit(*CANCER)
    except SystemExit:
        os._exit(7)
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(model.child_, os.WNOHANG)) == (0, 0):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 7
    (run,) = runs()
    assert curve(run, "loss_curve") == (list(range(1, 41)), model.loss_curve_)


def test_a_fit_that_is_dropped_ends_its_thread(runs, hasty, experiment):
    """The thread holds on to nothing: where the observer vanishes without a word, so does the thread."""
    run = experiment.start_logging()
    model = MLPClassifier()
    watched = epochs.epochs_of(run, model, Session(AutologOptions()))
    watched.__enter__()
    thread = watched._thread
    del watched
    thread.join(60)
    assert not thread.is_alive()
    run.complete()
