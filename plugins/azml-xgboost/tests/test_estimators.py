"""The estimators of XGBoost, alone, in scikit-learn's company, and beside scikit-learn's own adapter."""

import numpy as np
import pytest
import xgboost
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import azml_xgboost
from azml_integrations import autolog

FAST = {"n_estimators": 4, "max_depth": 2, "n_jobs": 1}


@pytest.fixture
def both(runs):
    """Switch scikit-learn's adapter on as well."""
    autolog("sklearn", silent=True, log_images=False, on_error="raise")
    return runs


@pytest.mark.parametrize("kind", ["XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker"])
def test_each_estimator_is_recorded(runs, cancer, kind):
    """Its class names the run; what it was not given is what XGBoost takes for itself."""
    X, X_test, y, y_test = cancer
    more = {"qid": np.arange(len(X)) // 20, "eval_qid": [np.arange(len(X_test)) // 20]} if kind == "XGBRanker" else {}
    model = getattr(xgboost, kind)(**FAST)
    model.fit(X, y, eval_set=[(X_test, y_test)], verbose=False, **more)

    (run,) = runs()
    (metric,) = model.evals_result()["validation_0"]
    rounds = model.get_booster().num_boosted_rounds()
    assert (run.properties["estimator"], run.name) == (kind, kind)
    assert run.properties["param.max_depth"] == "2"
    assert run.properties["param.reg_lambda"] == ("1e-05" if "RF" in kind else "1")
    assert "None" not in run.properties.values()
    assert len(run.metric_points(f"validation_0-{metric}")) == rounds
    assert run.get_metrics()["importance_table"]["feature"][0] in list(X.columns)
    loaded = azml_xgboost.load_model(run)
    assert type(loaded) is type(model)
    np.testing.assert_allclose(loaded.predict(X_test), model.predict(X_test))


def test_a_search_is_one_training(runs, cancer):
    """Folds and candidates are parts of something; what is fitted at the end, on all data, is recorded."""
    X, _, y, _ = cancer
    pipeline = make_pipeline(StandardScaler(), xgboost.XGBClassifier(**FAST))
    search = GridSearchCV(pipeline, {"xgbclassifier__max_depth": [1, 2]}, cv=2).fit(X, y)
    cross_val_score(xgboost.XGBClassifier(**FAST), X, y, cv=2)
    BaggingClassifier(xgboost.XGBClassifier(**FAST), n_estimators=2).fit(X, y)

    (run,) = runs()
    assert run.properties["estimator"] == "XGBClassifier"
    assert run.properties["param.max_depth"] == str(search.best_params_["xgbclassifier__max_depth"])


def test_two_adapters_share_one_run(both, cancer):
    """scikit-learn's tells parameters, scores and the pickle; XGBoost's adds rounds, importances and its own file."""
    X, X_test, y, y_test = cancer
    model = xgboost.XGBClassifier(**FAST, early_stopping_rounds=2).fit(X, y, eval_set=[(X_test, y_test)], verbose=0)

    (run,) = both()
    metrics = run.get_metrics()
    assert (run.status, run.properties["framework"]) == ("Completed", _version("scikit-learn"))
    assert run.properties["framework.xgboost"] == f"xgboost {xgboost.__version__}"
    assert run.properties["param.learning_rate"] == "None"  # as scikit-learn's get_params says
    assert run.properties["effective.learning_rate"] == "0.3"
    assert len(run.metric_points("validation_0-logloss")) == 4
    assert metrics["best_iteration"] == model.best_iteration
    assert {"fit_time", "training_accuracy_score", "importance_table"} <= set(metrics)
    assert {"outputs/XGBClassifier/model.pkl", "outputs/Booster/model.ubj"} <= set(run.get_file_names())
    assert type(azml_xgboost.load_model(run)) is xgboost.XGBClassifier
    import azml_sklearn

    assert type(azml_sklearn.load_model(run, trust=True)) is xgboost.XGBClassifier


def test_two_adapters_share_the_run_of_a_search(both, cancer):
    """The refit adds to the search's run; candidates are scikit-learn's children."""
    X, X_test, y, y_test = cancer
    steps = make_pipeline(StandardScaler(), xgboost.XGBClassifier(**FAST, early_stopping_rounds=3))
    search = GridSearchCV(steps, {"xgbclassifier__max_depth": [1, 2]}, cv=2)
    search.fit(X, y, xgbclassifier__eval_set=[(X_test.to_numpy(), y_test)], xgbclassifier__verbose=False)

    run, *candidates = both()
    assert len(candidates) == 2
    assert run.properties["estimator"] == "GridSearchCV"
    assert len(run.metric_points("validation_0-logloss")) == 4
    assert isinstance(run.get_metrics()["best_score"], float)  # the search's: ours has another name
    assert "best_iteration_score" in run.get_metrics()
    assert all("num_boosted_rounds" not in one.get_metrics() for one in candidates)


def test_a_run_with_trainings_of_both_kinds(both, experiment, cancer, matrices):
    """Each has one place: the first in the run, the others in children."""
    X, _, y, _ = cancer
    with experiment.start_logging(snapshot_directory=None) as run:
        xgboost.train({"nthread": 1}, matrices[0], 2)
        xgboost.XGBRegressor(**FAST).fit(X, y)
        xgboost.train({"nthread": 1}, matrices[0], 3)

    assert [one.properties["estimator"] for one in both()] == ["Booster", "XGBRegressor", "Booster"]
    assert [one.get_metrics()["num_boosted_rounds"] for one in both()] == [2, 4, 3]
    assert run.fits().estimators == ("Booster", "XGBRegressor", "Booster")


def _version(name):
    from importlib.metadata import version

    return f"{name} {version(name)}"
