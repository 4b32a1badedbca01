"""``lightgbm.train`` and ``lightgbm.cv`` record themselves."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
from conftest import QUICK

from azml_integrations import Run, autolog, current_run
from azml_integrations.errors import AutologWarning


def points(run, name):
    return [(point.step, point.value) for point in run.metric_points(name)]


def test_a_training_is_a_run(runs, data):
    """Parameters, each round of each evaluation set at its step, and how it went."""
    history = {}
    lightgbm.train(
        {**QUICK, "metric": ["auc", "binary_logloss"], "eta": np.float64(0.2), "reg_lambda": 2},
        data[0],
        6,
        valid_sets=[*data],
        valid_names=["mine", "test"],
        callbacks=[lightgbm.record_evaluation(history)],
    )

    (run,) = runs()
    metrics = run.get_metrics()
    assert (run.status, run.properties["estimator"]) == ("Completed", "Booster")
    assert run.properties["framework"] == f"lightgbm {lightgbm.__version__}"
    assert {"mine auc", "mine binary_logloss", "test auc", "test binary_logloss"} <= set(metrics)
    assert points(run, "test binary_logloss") == list(enumerate(history["test"]["binary_logloss"], 1))
    assert metrics["num_iterations"] == 6
    assert metrics["iterations_per_second"] == pytest.approx(6 / metrics["training_time"])
    assert not {"best_iteration", "stopped_iteration"} & set(metrics)
    sizes = {name: run.properties.get(f"data.{name}") for name in ("rows", "columns", "test.rows", "mine.rows")}
    assert sizes == {"rows": "426", "columns": "30", "test.rows": "143", "mine.rows": None}
    given = {"param.eta": "0.2", "param.num_leaves": "7", "param.num_boost_round": "6", "param.reg_lambda": "2"}
    taken = {"param.lambda_l1": "0", "param.boosting": "gbdt", "param.min_data_in_leaf": "20"}
    assert (given | taken).items() <= run.properties.items()
    assert not {"param.learning_rate", "param.lambda_l2", "param.num_iterations"} & set(run.properties)  # their aliases


def test_rounds_are_there_while_it_trains(runs, data):
    """Somebody who looks in the middle of a training sees its rounds; the user's list and order are the user's."""
    seen = []

    def look(env):
        seen.append(len(current_run().metric_points("valid_0 binary_logloss")))

    mine = [look, lightgbm.record_evaluation({})]
    lightgbm.train(QUICK, data[0], 3, [data[1]], callbacks=mine)

    assert seen == [1, 2, 3]
    assert len(mine) == 2
    assert look.order == -2  # what LightGBM would have noted without us


@pytest.mark.parametrize("how", ["callback", "parameter", "own"])
def test_early_stopping_is_told(runs, data, how):
    """Which round was the best, how good it was, and where it ended: the last round is not lost."""

    def own(env):
        if env.iteration == 4:
            raise lightgbm.EarlyStopException(2, env.evaluation_result_list)

    more = {"parameter": {"early_stopping_round": 2}}.get(how, {})
    stop = {"callback": [lightgbm.early_stopping(2, verbose=False)], "own": [own]}.get(how)
    booster = lightgbm.train({**QUICK, "learning_rate": 0.9, **more}, data[0], 60, [data[1]], callbacks=stop)

    (run,) = runs()
    metrics = run.get_metrics()
    last = points(run, "valid_0 binary_logloss")[-1][0]
    assert metrics["stopped_iteration"] == last < 60
    assert metrics["best_iteration"] == booster.best_iteration == last - 2
    assert metrics["best_score valid_0 binary_logloss"] == booster.best_score["valid_0"]["binary_logloss"]


def test_importances_have_the_names_of_the_features(runs, data):
    """A table with gain and splits, and a picture of it."""
    booster = lightgbm.train(QUICK, data[0], 3)

    (run,) = runs()
    table, gain = run.get_metrics()["importance_table"], booster.feature_importance("gain")
    assert set(table) == {"feature", "gain", "split"}
    assert len(table["feature"]) == 30
    assert table["feature"][0] == booster.feature_name()[gain.argmax()]
    assert table["gain"][0] == gain.max()
    assert "outputs/Booster/importance.png" in run.get_file_names()


def test_what_is_not_wanted_is_not_stored(experiment, data):
    """``log_models`` and ``log_images`` are options of every adapter."""
    autolog("lightgbm", silent=True, log_models=False, log_images=False)
    lightgbm.train(QUICK, data[0], 2)

    (run,) = experiment.get_runs()
    assert run.get_file_names() == []
    assert "importance_table" not in run.get_metrics()


def test_objectives_and_metrics_of_the_user(runs, data):
    """They are named as they are, and their rounds are written under the name that the metric gives itself."""

    def squared(predictions, train):
        return predictions - train.get_label(), np.ones_like(predictions)

    def misses(predictions, train):
        return "misses", float(np.sum((predictions > 0.5) != train.get_label())), False

    def hits(predictions, train):
        return "hits", float(np.sum((predictions > 0.5) == train.get_label())), True

    params = {"objective": squared, "num_threads": 1, "verbosity": -1}
    lightgbm.train(params, data[0], 3, [data[1]], feval=[misses, hits])

    (run,) = runs()
    assert len(points(run, "valid_0 misses")) == 3
    assert run.properties["param.objective"].endswith("squared")
    assert "misses, " in run.properties["param.feval"]


def test_a_training_that_continues_goes_on_with_its_steps(runs, cancer):
    """The second training begins where the model that it was given ends."""
    X, X_test, y, y_test = cancer

    def train(rounds, before=None):
        data = lightgbm.Dataset(X, y, params={"verbosity": -1})
        return lightgbm.train(QUICK, data, rounds, [data.create_valid(X_test, y_test)], init_model=before)

    train(3, train(4))

    _, run = runs()
    assert [step for step, _ in points(run, "valid_0 binary_logloss")] == [5, 6, 7]
    assert run.get_metrics()["num_iterations"] == 7
    assert run.properties["continued_from_round"] == "4"


def test_classes_ranks_and_categories(runs, cancer):
    """Whatever LightGBM trains: several classes, queries, a table with categories."""
    X, _, y, _ = cancer
    table = X.iloc[:90].assign(kind=pd.Categorical(["a", "b", "c"] * 30))
    table.columns = [f"c{number}" for number in range(30)] + ["kind"]
    classes = lightgbm.Dataset(table, np.arange(90) % 3, params={"verbosity": -1, "min_data_in_leaf": 1})
    several = {"objective": "multiclass", "num_class": 3, "num_threads": 1, "verbosity": -1, "min_data_in_leaf": 1}
    lightgbm.train(several, classes, 2)
    queries = lightgbm.Dataset(X, y, group=[71] * 6, params={"verbosity": -1})
    ranking = {"objective": "lambdarank", "metric": "ndcg", "eval_at": [5], "num_threads": 1, "verbosity": -1}
    lightgbm.train(ranking, queries, 2, [queries])

    several, ranked = runs()
    assert several.properties["param.num_class"] == "3"
    assert "kind" in several.get_metrics()["importance_table"]["feature"]
    assert len(points(ranked, "training ndcg@5")) == 2


def test_parameters_of_another_boosting_are_told_only_with_it(runs, data):
    """A person who reads them is not told of 140 settings of machines and files."""
    lightgbm.train(QUICK, data[0], 1)
    lightgbm.train({**QUICK, "boosting": "dart"}, data[0], 1)

    plain, dart = (set(run.properties) for run in runs())
    assert {"param.drop_rate", "param.max_drop"} <= dart - plain
    assert not {"param.machines", "param.gpu_device_id", "param.data", "param.top_rate"} & dart


def test_cross_validation_is_one_run(runs, data):
    """Mean and deviation of each round, named as in the result; the best round of an early stop."""
    stop = [lightgbm.early_stopping(2, verbose=False)]
    results = lightgbm.cv({**QUICK, "learning_rate": 0.9}, data[0], 40, nfold=3, seed=1, callbacks=stop)

    (run,) = runs()
    metrics = run.get_metrics()
    assert set(results) <= set(metrics)
    for name, values in results.items():
        assert points(run, name)[: len(values)] == list(enumerate(values, 1))
    assert metrics["best_iteration"] == len(results["valid binary_logloss-mean"])
    assert (run.properties["validation"], run.properties["param.nfold"]) == ("cv", "3")


def test_each_training_of_a_run_has_its_place(runs, experiment, data):
    """The first stands in the user's run, each later one in a child; together they are the table of fits."""
    with experiment.start_logging(snapshot_directory=None) as run:
        for leaves in (3, 5, 7):
            lightgbm.train({**QUICK, "num_leaves": leaves}, data[0], 2, [data[1]])

    assert [one.parent and one.parent.id for one in runs()] == [None, run.id, run.id]
    assert run.fits().parameters["num_leaves"] == [3, 5, 7]


class OutOfPatience(Exception):
    """The user's own."""


@pytest.mark.parametrize("error", [OutOfPatience("enough"), KeyboardInterrupt()])
def test_the_users_exception_is_the_users(runs, data, error):
    """It comes out as the very same object; the run has failed, with the rounds that there were."""

    def failing(env):
        if env.iteration == 1:
            raise error

    with pytest.raises(type(error)) as caught:
        lightgbm.train(QUICK, data[0], 5, [data[1]], callbacks=[failing])

    (run,) = runs()
    assert caught.value is error
    assert run.status == "Failed"
    assert len(points(run, "valid_0 binary_logloss")) == 2


def test_a_wrong_call_is_the_users_to_hear_of(runs):
    """LightGBM refuses it in its own words; a call with wrong names is no training."""
    with pytest.raises(TypeError, match="only accepts Dataset"):
        lightgbm.train(QUICK, [[1.0]])
    with pytest.raises(TypeError, match="no_such"):
        lightgbm.train(QUICK, no_such=1)

    assert [run.status for run in runs()] == ["Failed"]


def test_a_full_disk_costs_one_warning(experiment, data, monkeypatch):
    """The model is the one that it would have been."""
    plain = lightgbm.train(QUICK, data[0], 5)
    autolog("lightgbm", silent=True, log_images=False)
    calls = []

    def full(self, values, step=None):
        calls.append(step)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "log_metrics", full)
    with pytest.warns(AutologWarning, match="No space left") as told:
        booster = lightgbm.train(QUICK, data[0], 5, [data[1]])

    assert booster.model_to_string() == plain.model_to_string()
    assert calls == [1, None]  # the rounds are given up, what follows them is tried
    assert len({str(one.message) for one in told}) == 1


def test_a_round_costs_one_line_in_the_journal(runs, data, monkeypatch):
    """However many evaluation sets and metrics there are."""
    calls = []
    log = Run.log_metrics
    monkeypatch.setattr(Run, "log_metrics", lambda self, *args, **kw: calls.append(args) or log(self, *args, **kw))
    lightgbm.train({**QUICK, "metric": ["auc", "binary_error"]}, data[0], 5, [*data])

    assert [len(values) for values, _ in calls[:5]] == [4] * 5
    assert len(calls) == 6
