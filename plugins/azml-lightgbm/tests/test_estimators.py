"""The estimators of LightGBM, alone, in scikit-learn's company, and beside scikit-learn's own adapter."""

from importlib.metadata import version

import lightgbm
import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import azml_lightgbm
from azml_integrations import autolog

FAST = {"n_estimators": 4, "num_leaves": 5, "n_jobs": 1, "verbosity": -1}


@pytest.fixture
def both(runs):
    """Switch scikit-learn's adapter on as well."""
    autolog("sklearn", silent=True, log_images=False, on_error="raise")
    return runs


@pytest.mark.parametrize("kind", ["LGBMClassifier", "LGBMRegressor", "LGBMRanker"])
def test_each_estimator_is_recorded(runs, cancer, kind):
    """Its class names the run, and its evaluation sets have the names that they were given."""
    X, X_test, y, y_test = cancer
    more = {"group": [71] * 6, "eval_group": [[143]]} if kind == "LGBMRanker" else {}
    model = getattr(lightgbm, kind)(**FAST).fit(X, y, eval_set=[(X_test, y_test)], eval_names=["test"], **more)

    (run,) = runs()
    assert (run.properties["estimator"], run.name) == (kind, kind)
    assert (run.properties["param.num_leaves"], run.properties["param.min_data_in_bin"]) == ("5", "3")
    assert "None" not in run.properties.values()
    for metric, values in model.evals_result_["test"].items():
        assert [point.value for point in run.metric_points(f"test {metric}")] == values
    assert run.get_metrics()["importance_table"]["feature"][0] in [name.replace(" ", "_") for name in X.columns]
    np.testing.assert_allclose(azml_lightgbm.load_model(run).predict(X_test), model.booster_.predict(X_test))


def test_a_search_is_one_training(runs, cancer):
    """Folds and candidates are parts of something; what is fitted at the end, on all data, is recorded."""
    X, _, y, _ = (each.to_numpy() for each in cancer)
    model = lightgbm.LGBMClassifier(**FAST)
    search = GridSearchCV(model, {"num_leaves": [2, 3]}, cv=2).fit(X, y)
    cross_val_score(model, X, y, cv=2)
    BaggingClassifier(model, n_estimators=2).fit(X, y)

    (run,) = runs()
    assert run.properties["estimator"] == "LGBMClassifier"
    assert run.properties["param.num_leaves"] == str(search.best_params_["num_leaves"])


def test_two_adapters_share_one_run(both, cancer):
    """scikit-learn's tells parameters, scores and the pickle; LightGBM's adds rounds, importances and its own file."""
    X, X_test, y, y_test = cancer
    stop = [lightgbm.early_stopping(3, verbose=False)]
    model = lightgbm.LGBMClassifier(**FAST).fit(X, y, eval_set=[(X_test, y_test)], callbacks=stop)

    (run,) = both()
    metrics = run.get_metrics()
    assert (run.status, run.properties["framework"]) == ("Completed", f"scikit-learn {version('scikit-learn')}")
    assert run.properties["framework.lightgbm"] == f"lightgbm {lightgbm.__version__}"
    assert run.properties["param.learning_rate"] == "0.1"
    assert run.properties["effective.min_data_in_bin"] == "3"
    assert len(run.metric_points("valid_0 binary_logloss")) == 4
    assert metrics["best_iteration"] == model.best_iteration_
    assert {"fit_time", "training_accuracy_score", "importance_table"} <= set(metrics)
    assert {"outputs/LGBMClassifier/model.pkl", "outputs/Booster/model.txt"} <= set(run.get_file_names())


def test_two_adapters_share_the_run_of_a_search(both, cancer):
    """The refit adds to the search's run; candidates are scikit-learn's children."""
    X, _, y, _ = (each.to_numpy() for each in cancer)
    steps = make_pipeline(StandardScaler(), lightgbm.LGBMRegressor(**FAST)).set_output(transform="default")
    GridSearchCV(steps, {"lgbmregressor__num_leaves": [2, 3]}, cv=2).fit(X, y.astype(float))

    run, *candidates = both()
    assert (len(candidates), run.properties["estimator"]) == (2, "GridSearchCV")
    assert run.get_metrics()["num_iterations"] == 4
    assert all("num_iterations" not in one.get_metrics() for one in candidates)
