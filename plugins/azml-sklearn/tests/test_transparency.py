"""scikit-learn does not notice us: same results, same pickles, same random numbers; and it is given back as it was."""

import copy
import importlib
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from sklearn import base, metrics, model_selection
from sklearn.datasets import load_breast_cancer, load_diabetes, make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators, parallel

import azml_sklearn
from azml_integrations import autolog
from azml_integrations.errors import AutologWarning
from azml_integrations.testing import check_plugin
from azml_sklearn import activation

DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIRECTORY = Path(__file__).parent


def test_the_entry_module_keeps_the_laws():
    """No framework at the top, no misspelt hook, words for every hook."""
    check_plugin(azml_sklearn)


def attributes(kind):
    """What a class has, less what Python writes there by itself: a note of its slots, and empty annotations."""
    found = dict(vars(kind))
    found.pop("__slotnames__", None)
    if found.get("__annotations__") == {}:
        del found["__annotations__"]
    return found


def everything():
    """What of scikit-learn could be replaced: classes' attributes, module attributes, closure cells."""
    seen = {"Parallel": attributes(parallel.Parallel)}
    for module in (base, parallel):
        seen[module.__name__] = {name: value for name, value in vars(module).items() if callable(value)}
    for name, kind in all_estimators():
        seen[name] = [attributes(each) for each in kind.__mro__ if each.__module__.startswith("sklearn")]
    for module in (metrics, model_selection):
        for name in module.__all__:
            public = getattr(module, name, None)
            cells = getattr(public, "__closure__", None) or ()
            seen[module.__name__, name] = public, [cell.cell_contents for cell in cells]
    return seen


def test_switching_off_gives_scikit_learn_back(experiment):
    """Every class, every function, every cell is the object that it was."""
    importlib.import_module("sklearn.experimental.enable_halving_search_cv")
    before = everything()
    autolog("sklearn", silent=True, log_images=False)
    assert everything() != before
    make_pipeline(StandardScaler(), LogisticRegression()).fit(*CANCER).score(*CANCER)
    RandomForestClassifier(4, n_jobs=2).fit(*CANCER)
    autolog(False)
    assert everything() == before
    Ridge().fit(*DIABETES)
    assert len(list(experiment.get_runs())) == 2


def test_only_predicting_methods_are_covered(runs):
    """A fit changes no attribute of any class but ``predict`` and its kin, and ``score``."""
    before = {each: attributes(each) for each in Ridge.__mro__}
    Ridge().fit(*DIABETES).predict(DIABETES[0])
    for each, old in before.items():
        changed = {name for name, value in attributes(each).items() if value is not old.get(name)}
        assert changed <= {"predict", "score"}


def test_the_users_random_numbers_are_unmoved(runs):
    """Our extra predict of a model that draws: neither the global state nor the model's own generator moves on."""
    X, y = CANCER

    def train(random_state):
        np.random.seed(1)  # noqa: NPY002 - the state that is shared
        model = DummyClassifier(strategy="stratified", random_state=random_state).fit(X, y)
        return np.random.random(), model.predict(X[:20]).tolist()  # noqa: NPY002

    for make in (lambda: None, lambda: np.random.RandomState(2)):
        with_us = train(make())
        autolog(False)
        assert train(make()) == with_us
        autolog("sklearn", silent=True, log_images=False)


class Mute(Ridge):
    """A model whose answers fail."""

    def predict(self, X):
        raise RuntimeError("ask me later")


def test_an_exception_in_our_predict_is_not_the_users(runs, notes):
    """A model whose predict fails is a fitted model all the same."""
    with pytest.warns(AutologWarning, match="ask me later") as caught:
        Mute().fit(*DIABETES)
    assert caught[0].filename == __file__  # the line to look at is the user's
    (run,) = runs()
    assert run.get_status() == "Completed"
    assert any("ask me later" in note for note in notes(run))


class Raising(LogisticRegression):
    """A model whose fit fails."""

    def fit(self, X, y):
        raise RuntimeError("my own mistake")


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_a_traceback_is_what_it_was(runs, backend):
    """An error inside a parallel fit shows the user's lines and scikit-learn's, none of ours."""

    def trace():
        with joblib.parallel_backend(backend, n_jobs=2), pytest.raises(RuntimeError, match="my own mistake") as caught:
            BaggingClassifier(Raising(), n_estimators=2, n_jobs=2).fit(*CANCER)
        return "".join(traceback.format_exception(caught.value))

    watched = trace()
    assert runs()[0].get_status() == "Failed"
    autolog(False)
    assert "azml_" not in watched.replace(str(DIRECTORY), "")
    assert watched.count("File ") == trace().count("File ")


def test_tracking_that_fails_leaves_the_model(runs, monkeypatch):
    """A full disk costs the notes, never the training."""

    def no_run(**_):
        raise OSError("No space left on device")

    monkeypatch.setattr("azml_integrations.core.process.implicit_run", no_run)
    with pytest.warns(AutologWarning, match="No space left"):
        model = Ridge().fit(*DIABETES)
    assert model.coef_.shape == (10,)


def test_a_context_of_the_users_own_passes_through(runs):
    """``sklearn.config_context`` is not what we listen to; settings hold in fits and end after them."""
    with sklearn.config_context(assume_finite=True):
        Ridge().fit(*DIABETES)
        assert sklearn.get_config()["assume_finite"]
    assert not sklearn.get_config()["assume_finite"]
    assert not sklearn.get_config()["skip_parameter_validation"]


def test_a_class_decorated_in_a_notebook_travels_to_workers(runs):
    """cloudpickle takes the globals of a fit along; it must find scikit-learn's own in the worker."""
    cloudpickle = pytest.importorskip("cloudpickle")
    assert pickle.loads(pickle.dumps(base.config_context)) is base.config_context
    assert b"azml_" not in cloudpickle.dumps(base.config_context)


def test_parallel_fits_that_cannot_be_told_apart_are_told(experiment, monkeypatch):
    """A scikit-learn that carries its settings to workers another way: one warning, and fits are recorded."""
    monkeypatch.setattr(parallel.Parallel, "__call__", joblib.Parallel.__call__)
    with pytest.warns(AutologWarning, match="each may be recorded as a run") as caught:
        autolog("sklearn", silent=True, log_images=False)
    assert caught[0].filename == __file__
    Ridge().fit(*DIABETES)
    assert len(list(experiment.get_runs())) == 1


def test_an_unknown_scikit_learn_is_left_alone(experiment, monkeypatch):
    """A scikit-learn that makes its fits another way: one clear warning, nothing replaced."""
    before = base.config_context

    def other_fit_context(*, prefer_skip_nested_validation):
        return lambda fit_method: fit_method

    monkeypatch.setattr(base, "_fit_context", other_fit_context)
    with pytest.warns(AutologWarning, match="does not let its fits be seen") as caught:
        autolog("sklearn")
    assert "tested with scikit-learn >=1.6" in str(caught[0].message)
    assert base.config_context is before


def test_a_choke_point_that_is_not_reached_is_noticed(experiment, monkeypatch):
    """The shape may be right and the call gone: the tiny estimator shows it."""
    monkeypatch.setattr(activation, "_probe", object)
    with pytest.warns(AutologWarning, match="the fit of a tiny estimator was not seen"):
        autolog("sklearn")


def test_importing_scikit_learn_stays_light(experiment, tmp_path):
    """The line alone imports nothing; with it, ``import sklearn`` brings neither metrics nor matplotlib."""
    program = (
        "import sys, azml_integrations\n"
        "azml_integrations.autolog('sklearn')\n"
        "assert 'sklearn' not in sys.modules and 'numpy' not in sys.modules\n"
        "import sklearn\n"
        "print([m for m in ('sklearn.metrics', 'sklearn.model_selection', 'matplotlib') if m in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert answer.stdout.strip() == "[]"


def fitted(kind):
    """Fit a class on small data of its kind, as the same call always does; None where it wants more."""
    X, y = DATA
    try:
        model = kind()
        if base.is_classifier(model):
            y = WORDS[y]
        if "random_state" in model.get_params():
            model.set_params(random_state=0)
        np.random.seed(0)  # noqa: NPY002 - as above
        return model.fit(abs(X), y)
    except Exception:  # noqa: BLE001 - wants other data
        return None


DATA = make_blobs(40, n_features=4, centers=2, random_state=0)
WORDS = np.array(["ill", "well"])


def assert_judged_by_scikit_learn(found, model):
    """Compare with what scikit-learn's own functions say about the same predictions."""
    X, y = abs(DATA[0]), WORDS[DATA[1]] if base.is_classifier(model) else DATA[1].astype(float)
    predicted = model.predict(X)
    if model.predict(X).tolist() != predicted.tolist() or "Dummy" in type(model).__name__:
        return  # it draws its answers
    if base.is_classifier(model):
        weighted = {"average": "weighted", "zero_division": 0}
        expected = {
            "training_accuracy_score": metrics.accuracy_score(y, predicted),
            "training_precision_score": metrics.precision_score(y, predicted, **weighted),
            "training_recall_score": metrics.recall_score(y, predicted, **weighted),
            "training_f1_score": metrics.f1_score(y, predicted, **weighted),
        }
        if hasattr(model, "predict_proba"):
            probability = model.predict_proba(X)
            expected["training_log_loss"] = metrics.log_loss(y, probability)
            expected["training_roc_auc_score"] = metrics.roc_auc_score(y, probability[:, 1])
        found = {name: found[name] for name in expected}
    else:
        found = {name: value for name, value in found.items() if name.startswith("training_")}
        expected = {
            "training_mean_squared_error": metrics.mean_squared_error(y, predicted),
            "training_root_mean_squared_error": metrics.root_mean_squared_error(y, predicted),
            "training_mean_absolute_error": metrics.mean_absolute_error(y, predicted),
            "training_r2_score": metrics.r2_score(y, predicted),
        }
    assert found == pytest.approx(expected, abs=1e-12)


def _portable(model):
    try:
        return pickle.dumps(model)
    except Exception:  # noqa: BLE001 - holds what no pickle can
        return None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name, _ in all_estimators()])
def test_every_estimator_comes_out_the_same(experiment, name):
    """Attributes and pickle of all of scikit-learn's estimators are those without us; trainings leave a run."""
    kind = dict(all_estimators())[name]
    plain = fitted(kind)
    if plain is None:
        return
    attributes = set(vars(plain))
    content, again = _portable(plain), _portable(fitted(kind))
    autolog("sklearn", silent=True, log_images=False)
    watched = fitted(kind)
    assert set(vars(watched)) == attributes
    if content == again:  # else it holds times or addresses, and never pickles the same
        assert _portable(watched) == content
    from azml_sklearn.fits import counts

    found = list(experiment.get_runs())
    assert len(found) == (1 if counts(watched) else 0)
    if base.is_classifier(watched) or base.is_regressor(watched):
        scored = watched.score(abs(DATA[0]), WORDS[DATA[1]] if base.is_classifier(watched) else DATA[1])
        assert found[0].get_metrics()["score"] == scored
    autolog(False)
    if base.is_classifier(watched) or base.is_regressor(watched):
        assert_judged_by_scikit_learn(found[0].get_metrics(), watched)
    assert copy.deepcopy(watched).get_params().keys() == plain.get_params().keys()
