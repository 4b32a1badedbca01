"""An estimator that records its own fits is an estimator like any other, and starts no run too many."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
import sklearn
from sklearn import metrics
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import BaggingRegressor, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

import azml_sklearn
from azml_integrations import autolog
from azml_integrations.errors import AutologWarning, OptionError
from azml_sklearn import LoggedEstimator, azml_adapters

DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
QUIET = {"silent": True, "log_images": False}
FAST = {"silent": True, "log_images": False, "log_models": False}


@pytest.fixture
def found(experiment):
    """List runs and children, the oldest first; autolog is off."""
    return lambda: list(experiment.get_runs(include_children=True))[::-1]


def names(runs):
    return [run.get_properties().get("estimator") for run in runs]


@parametrize_with_checks(
    [
        LoggedEstimator(LogisticRegression(), **FAST),
        LoggedEstimator(DecisionTreeClassifier(random_state=0), **FAST),
        LoggedEstimator(Ridge(), **FAST),
    ]
)
def test_scikit_learns_own_checks(experiment, estimator, check):
    """What scikit-learn asks of a classifier and of a regressor, nothing excepted."""
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of SGDClassifier, alone too
@parametrize_with_checks(
    [
        LoggedEstimator(KMeans(n_init=1, random_state=0), **FAST),
        LoggedEstimator(StandardScaler(), **FAST),
        LoggedEstimator(SGDClassifier(random_state=0), **FAST),
        LoggedEstimator(make_pipeline(StandardScaler(), LogisticRegression()), **FAST),
    ]
)
def test_scikit_learns_own_checks_of_other_kinds(experiment, estimator, check):
    """What clusters, transforms, learns in batches, or is a pipeline, stays one."""
    check(estimator)


def test_a_fit_is_recorded_as_that_of_the_estimator_inside(found):
    """One line, no switch: the run tells of Ridge, and the model in it needs nothing of ours."""
    X, y = DIABETES
    model = LoggedEstimator(Ridge(alpha=0.03), **QUIET).fit(X, y)
    (run,) = found()
    told = run.get_properties()
    assert (told["estimator"], told["param.alpha"], run.get_status()) == ("Ridge", "0.03", "Completed")
    assert model.run_id_ == run.id
    assert run.get_metrics()["training_mean_squared_error"] == pytest.approx(
        metrics.mean_squared_error(y, model.predict(X))
    )
    assert run.get_file_names() == [f"outputs/Ridge/{name}" for name in ("model.json", "model.pkl", "signature.json")]


def test_the_stored_model_is_loaded_without_us(found, tmp_path):
    """A colleague has scikit-learn and the file."""
    LoggedEstimator(Ridge(alpha=0.03), **QUIET).fit(*DIABETES)
    found()[0].download_file("outputs/Ridge/model.pkl", str(tmp_path / "model.pkl"))
    program = (
        "import pickle, sys\n"
        "model = pickle.load(open('model.pkl', 'rb'))\n"
        "print(model.alpha, [name for name in sys.modules if name.startswith('azml')])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert answer.stdout.strip() == "0.03 []"


@pytest.mark.parametrize("seed", [0, None], ids=["seed", "global state"])
def test_results_are_those_of_the_estimator_alone(found, seed):
    """Recording moves no random number, not even of the forest that draws from numpy's global state."""
    X, y = CANCER

    def trees(wrap):
        np.random.seed(3)  # noqa: NPY002 - the state that is shared
        model = wrap(RandomForestClassifier(5, random_state=seed)).fit(X, y)
        return model.predict_proba(X), np.random.random()  # noqa: NPY002

    alone, after_alone = trees(lambda model: model)
    logged, after_logged = trees(lambda model: LoggedEstimator(model, **QUIET))
    np.testing.assert_array_equal(logged, alone)
    assert after_logged == after_alone
    assert len(found()) == 1


def test_the_estimator_given_is_never_fitted(found):
    """A clone is; parameters reach through, and stay what they were."""
    inner = Ridge(alpha=0.1)
    model = LoggedEstimator(inner, **FAST)
    model.set_params(estimator__alpha=0.5).fit(*DIABETES)
    assert (inner.alpha, hasattr(inner, "coef_"), model.estimator is inner) == (0.5, False, True)
    assert model.get_params()["estimator__alpha"] == 0.5
    assert model.estimator_.alpha == 0.5


def test_hasattr_tells_the_truth(found):
    """Before and after the fit, the wrapper can what the estimator inside can, no more and no less."""
    asked = ("predict", "predict_proba", "decision_function", "transform", "score_samples", "score", "partial_fit")
    asked += ("fit_predict", "fit_transform", "inverse_transform", "set_output", "get_feature_names_out")
    for inner in (Ridge(), SVC(), DecisionTreeClassifier(), StandardScaler(), KMeans(2, n_init=1), SGDClassifier()):
        model = LoggedEstimator(inner, **FAST)
        assert [hasattr(model, name) for name in asked] == [hasattr(inner, name) for name in asked]
        fitted, model = inner.fit(*CANCER), model.fit(*CANCER)
        assert [hasattr(model, name) for name in asked] == [hasattr(fitted, name) for name in asked]
    unfitted = LoggedEstimator(LogisticRegression())
    assert not any(hasattr(unfitted, name) for name in ("classes_", "n_features_in_", "coef_"))
    with pytest.raises(NotFittedError):
        unfitted.predict(CANCER[0])
    with pytest.raises(NotFittedError):
        check_is_fitted(unfitted)
    with pytest.raises(AttributeError, match="has no attribute 'transform'"):
        model.transform(CANCER[0])


def test_what_was_learned_is_found_outside_too(found):
    """Coefficients, classes, the best of a search: as on the estimator itself."""
    model = LoggedEstimator(GridSearchCV(LogisticRegression(max_iter=3000), {"C": [0.1, 1]}, cv=2), **FAST)
    X = StandardScaler().fit_transform(CANCER[0])
    model.fit(X, CANCER[1])
    assert model.best_params_ == model.estimator_.best_params_
    assert model.classes_.tolist() == [0, 1]
    assert (model.n_features_in_, hasattr(model, "feature_names_in_")) == (30, False)
    assert found()[0].get_properties()["best.C"] == str(model.best_params_["C"])
    pd = pytest.importorskip("pandas")
    named = LoggedEstimator(Ridge(), **FAST).fit(pd.DataFrame(X[:, :2], columns=["a", "b"]), CANCER[1])
    assert named.feature_names_in_.tolist() == ["a", "b"]


def test_tags_are_those_inside():
    """A classifier stays one for cross-validation, a regressor one for scorers."""
    assert is_classifier(LoggedEstimator(SVC()))
    assert is_regressor(LoggedEstimator(Ridge()))
    assert get_tags(LoggedEstimator(KNeighborsRegressor())).input_tags == get_tags(KNeighborsRegressor()).input_tags


def test_a_transformer_keeps_its_output(found):
    """`set_output` and the names of the columns are handed on."""
    pytest.importorskip("pandas")
    model = LoggedEstimator(StandardScaler(), **FAST).set_output(transform="pandas")
    out = model.fit_transform(DIABETES[0])
    assert list(out.columns) == list(model.get_feature_names_out())
    assert names(found()) == ["StandardScaler"]  # asked for by name, so it counts


@pytest.mark.parametrize("routing", [False, True])
def test_sample_weights_pass(found, routing):
    """With scikit-learn's metadata routing and without it; the metrics are weighted too."""
    X, y = DIABETES
    weight = np.linspace(0.1, 2, len(y))
    expected = Ridge().fit(X, y, weight)
    with sklearn.config_context(enable_metadata_routing=routing):
        inner = Ridge()
        if routing:
            inner.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        model = LoggedEstimator(inner, **FAST).fit(X, y, sample_weight=weight)
        score = model.score(X, y, sample_weight=weight)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert score == expected.score(X, y, weight)
    (run,) = found()
    assert run.get_metrics()["training_r2_score"] == pytest.approx(score)


def test_weights_that_nobody_asked_for_are_refused(found):
    """Routing says so, as it does for the estimators of scikit-learn; a search routes through the wrapper."""
    X, y = DIABETES
    weight = np.ones(len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(ValueError, match="sample_weight"):
            LoggedEstimator(Ridge(), **FAST).fit(X, y, sample_weight=weight)
        inner = Ridge().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        search = GridSearchCV(LoggedEstimator(inner, **FAST), {"estimator__alpha": [1, 2]}, cv=2)
        search.fit(X, y, sample_weight=weight)
    assert names(found()) == ["Ridge"]  # the refit


def test_a_pickle_travels_without_the_run(found, experiment):
    """What is loaded tomorrow does not write into the run of today; a clone does."""
    with experiment.start_logging(snapshot_directory=None) as run:
        model = LoggedEstimator(Ridge(), run, **FAST).fit(*DIABETES)
        content = pickle.dumps(model)
        assert run.id.encode() not in content.replace(model.run_id_.encode(), b"", 1)  # said once, as run_id_
        for loaded in (pickle.loads(content), copy.deepcopy(model)):
            assert (loaded.run, loaded.run_id_) == (None, run.id)
            np.testing.assert_array_equal(loaded.predict(DIABETES[0]), model.predict(DIABETES[0]))
        assert clone(model).run is run
    assert model.run is run
    pickle.loads(content).fit(*DIABETES)
    assert [each.id == run.id for each in found()] == [True, False]


def test_the_run_given_is_where_it_goes(found, experiment):
    """The first fit stands in it, a later one in a child; another run that is current has no say."""
    run = experiment.start_logging(snapshot_directory=None)
    with experiment.start_logging(snapshot_directory=None) as current:
        model = LoggedEstimator(Ridge(alpha=0.1), run, **FAST).fit(*DIABETES)
        assert model.run_id_ == run.id
        model.set_params(estimator__alpha=0.2).fit(*DIABETES)
        assert "estimator" not in current.get_properties()
    (child,) = run.get_children()
    assert (child.get_properties()["param.alpha"], child.get_status()) == ("0.2", "Completed")
    assert run.get_status() == "Running"
    run.complete()


def test_a_run_that_is_over_takes_no_more(found, experiment, notes):
    """Then it is as if none were given, and the run says so."""
    run = experiment.start_logging(snapshot_directory=None)
    model = LoggedEstimator(Ridge(), run, **FAST)
    run.complete()
    model.fit(*DIABETES)
    assert "estimator" not in run.get_properties()
    (other,) = [each for each in found() if each.id != run.id]
    assert any(run.id in note for note in notes(other))


def test_without_a_run_the_current_one_is_taken(found, experiment):
    """By the rules of autolog: first the run, then children."""
    with experiment.start_logging(snapshot_directory=None) as run:
        LoggedEstimator(Ridge(), **FAST).fit(*DIABETES)
        LoggedEstimator(Ridge(), **FAST).fit(*DIABETES)
    assert [each.parent is not None for each in found()] == [False, True]
    assert run.get_properties()["estimator"] == "Ridge"


def test_threads_share_a_run_in_order(found, experiment):
    """Four fits at once into one run: it is the run of one of them, and each other has a child."""
    run = experiment.start_logging(snapshot_directory=None)
    models = [LoggedEstimator(Ridge(alpha=alpha), run, **FAST) for alpha in (0.1, 0.2, 0.3, 0.4)]
    threads = [threading.Thread(target=model.fit, args=DIABETES) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.complete()
    assert sorted(each.get_properties()["param.alpha"] for each in found()) == ["0.1", "0.2", "0.3", "0.4"]
    assert len(list(run.get_children())) == 3


def test_with_autolog_on_a_fit_is_recorded_once(runs):
    """Two ways of asking for a record are one record; metrics of its predictions go to its run."""
    X, y = DIABETES
    Ridge(alpha=7).fit(X, y)
    model = LoggedEstimator(Ridge(alpha=1), **FAST).fit(X, y)
    error = metrics.mean_absolute_error(y, model.predict(X))
    score = model.score(X, y)
    before, run = runs()
    assert [each.get_properties()["param.alpha"] for each in (before, run)] == ["7", "1"]
    assert (run.get_metrics()["mean_absolute_error"], run.get_metrics()["score"]) == (error, score)
    assert "mean_absolute_error" not in before.get_metrics()


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
@pytest.mark.parametrize("watched", [False, True], ids=["autolog off", "autolog on"])
def test_a_search_starts_no_run_for_a_candidate(experiment, found, backend, watched):
    """Candidates are parts of the search, in whichever process; the refit is a fit, unless the search is recorded."""
    if watched:
        autolog("sklearn", **FAST)
    search = GridSearchCV(LoggedEstimator(Ridge(), **FAST), {"estimator__alpha": [0.1, 1.0]}, cv=2, n_jobs=2)
    with joblib.parallel_backend(backend):
        search.fit(*DIABETES)
    kept = [name for run, name in zip(found(), names(found()), strict=True) if run.parent is None]
    assert kept == (["GridSearchCV"] if watched else ["Ridge"])
    assert "Ridge" not in kept or found()[0].get_properties()["param.alpha"] == str(
        search.best_params_["estimator__alpha"]
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_folds_and_members_start_no_runs(found, n_jobs):
    """Five folds, four members of a bag, eight rounds of elimination: none is a training of its own."""
    cross_val_score(LoggedEstimator(Ridge(), **FAST), *DIABETES, n_jobs=n_jobs)
    BaggingRegressor(LoggedEstimator(Ridge(), **FAST), n_estimators=4, n_jobs=n_jobs).fit(*DIABETES)
    RFE(LoggedEstimator(Ridge(), **FAST), n_features_to_select=2).fit(*DIABETES)
    assert found() == []


def test_the_last_step_of_a_pipeline_is_recorded(found):
    """It is fitted once, on everything; with the pipeline wrapped, that is recorded, once."""
    make_pipeline(StandardScaler(), LoggedEstimator(Ridge(), **FAST)).fit(*DIABETES)
    LoggedEstimator(make_pipeline(StandardScaler(), LoggedEstimator(Ridge(), **FAST)), **FAST).fit(*DIABETES)
    assert names(found()) == ["Ridge", "Pipeline"]


def fitted_there(model):
    return model.fit(*DIABETES).run_id_


def test_a_worker_of_the_users_begins_no_run(found):
    """The run was left at home; who wants one in a worker gives it there."""
    models = [LoggedEstimator(Ridge(alpha=alpha), **FAST) for alpha in (0.1, 1.0)]
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(fitted_there)(model) for model in models) == [None, None]
    assert found() == []


def test_a_loop_over_partial_fit_is_one_run(found, monkeypatch):
    """Three batches, three steps; the model is stored when the next training begins."""
    X, y = load_iris(return_X_y=True)
    monkeypatch.setattr("azml_sklearn.loops.SHARE", 1e6)  # metrics of each step, however slow this machine is
    expected = SGDClassifier(random_state=0)
    model = LoggedEstimator(SGDClassifier(random_state=0), **QUIET)
    for start in range(3):
        model.partial_fit(X[start::3], y[start::3], classes=[0, 1, 2])
        expected.partial_fit(X[start::3], y[start::3], classes=[0, 1, 2])
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    LoggedEstimator(SGDClassifier(random_state=0), **FAST).partial_fit(X, y, classes=[0, 1, 2])
    loop, _ = found()
    assert model.run_id_ == loop.id
    assert [point.step for point in loop.metric_points("training_accuracy_score")] == [1, 2, 3]
    assert "outputs/SGDClassifier/model.pkl" in loop.get_file_names()


def test_a_fit_that_fails_is_a_run_that_failed(found):
    """The user's exception leaves as it came, and an earlier fit stays."""
    model = LoggedEstimator(Ridge(), **FAST).fit(*DIABETES)
    before = model.estimator_
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(DIABETES[0], DIABETES[1][:-1])
    assert [run.get_status() for run in found()] == ["Completed", "Failed"]
    assert model.estimator_ is before


def test_recording_that_fails_costs_the_record_only(found, monkeypatch):
    """A full disk: one warning at the user's line, and a fitted model."""

    def no_run(**_):
        raise OSError("No space left on device")

    monkeypatch.setattr("azml_integrations.core.process.implicit_run", no_run)
    with pytest.warns(AutologWarning, match="No space left") as caught:
        model = LoggedEstimator(Ridge(), **FAST).fit(*DIABETES)
    assert (model.coef_.shape, model.run_id_) == ((10,), None)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"estimator": Ridge}, "wraps an estimator"),
        ({"estimator": "ridge"}, "wraps an estimator"),
        ({"run": "run_1"}, "expected a Run or None"),
        ({"log_models": "no"}, "log_models='no'; expected True or False"),
    ],
)
def test_wrong_arguments_are_refused_by_fit(wrong, told):
    """The constructor stores, as scikit-learn wants it; `fit` says what came and what was wanted."""
    model = LoggedEstimator(**{"estimator": Ridge(), **wrong})
    with pytest.raises(OptionError, match=told):
        model.fit(*DIABETES)


def test_a_count_below_nothing_is_refused_by_fit():
    """The same words as autolog's."""
    with pytest.raises(ValueError, match="max_metric_rows is a number of at least 0"):
        LoggedEstimator(Ridge(), max_metric_rows=-1).fit(*DIABETES)


def test_options_are_autologs(found, tmp_path):
    """What the adapter can be told, the wrapper can be told; a small cap holds here too."""
    (adapter,) = azml_adapters()
    assert set(adapter.options) <= set(inspect.signature(LoggedEstimator).parameters)
    LoggedEstimator(Ridge(), max_model_bytes=10, max_metric_rows=0, **QUIET).fit(*DIABETES)
    (run,) = found()
    assert run.get_file_names() == ["outputs/Ridge/signature.json"]
    assert set(run.get_metrics()) == {"fit_time"}


def test_the_diagram_shows_the_estimator_inside(found):
    """In a notebook one sees Ridge, with its parameters, and whether it is fitted."""
    model = LoggedEstimator(Ridge(alpha=0.03), **FAST)
    assert "estimator: Ridge" in model._repr_html_inner()
    assert "Ridge(alpha=0.03)" in model.fit(*DIABETES)._repr_html_inner()
    assert model._sk_visual_block_().estimators == [model.estimator_]


def test_the_name_is_found_late():
    """`import azml_sklearn` brings no scikit-learn; the class comes when it is asked for."""
    program = (
        "import azml_sklearn, sys, json; print(json.dumps('sklearn' in sys.modules)); azml_sklearn.LoggedEstimator"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) is False
    assert azml_sklearn.LoggedEstimator is LoggedEstimator
