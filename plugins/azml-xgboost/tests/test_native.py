"""``xgboost.train`` and ``xgboost.cv`` record themselves."""

import numpy as np
import pandas as pd
import pytest
import xgboost
from conftest import QUICK

from azml_integrations import autolog, current_run
from azml_integrations.errors import AutologWarning


def points(run, name):
    return [(point.step, point.value) for point in run.metric_points(name)]


def test_a_training_is_a_run(runs, matrices):
    """Parameters, each round of each evaluation set at its step, and how it went."""
    train, test = matrices
    history = {}
    xgboost.train(
        {**QUICK, "eval_metric": ["auc", "logloss"], "eta": np.float64(0.2)},
        train,
        6,
        evals=[(train, "train"), (test, "test")],
        evals_result=history,
        verbose_eval=False,
    )

    (run,) = runs()
    metrics = run.get_metrics()
    assert (run.status, run.properties["estimator"]) == ("Completed", "Booster")
    assert run.properties["framework"] == f"xgboost {xgboost.__version__}"
    assert {"train-auc", "train-logloss", "test-auc", "test-logloss"} <= set(metrics)
    assert points(run, "test-logloss") == list(enumerate(history["test"]["logloss"]))
    assert metrics["num_boosted_rounds"] == 6
    assert metrics["training_time"] > 0
    assert metrics["rounds_per_second"] == pytest.approx(6 / metrics["training_time"])
    assert not {"best_iteration", "stopped_iteration"} & set(metrics)
    assert [run.properties[f"data.{name}"] for name in ("rows", "columns", "test.rows")] == ["426", "30", "143"]
    given = {"param.eta": "0.2", "param.max_depth": "3", "param.num_boost_round": "6"}
    taken = {"param.reg_lambda": "1", "param.booster": "gbtree", "param.tree_method": "auto"}
    assert (given | taken).items() <= run.properties.items()
    assert "param.learning_rate" not in run.properties  # it is eta, which was given


def test_rounds_are_there_while_it_trains(runs, matrices):
    """Somebody who looks in the middle of a training sees its rounds."""
    seen = []

    class Looking(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            seen.append(len(current_run().metric_points("test-logloss")))
            return False

    mine = [Looking()]
    xgboost.train(QUICK, matrices[0], 3, evals=[(matrices[1], "test")], callbacks=mine, verbose_eval=False)

    assert seen == [1, 2, 3]
    assert len(mine) == 1  # the user's list is the user's


@pytest.mark.parametrize("how", ["argument", "save_best", "callback"])
def test_early_stopping_is_told(runs, matrices, how):
    """Which round was the best, how good it was, and where it ended: the last round is not lost."""
    train, test = matrices
    more = {"early_stopping_rounds": 2}
    if how == "save_best":
        more = {"callbacks": [xgboost.callback.EarlyStopping(rounds=2, save_best=True)]}
    if how == "callback":

        class Stop(xgboost.callback.TrainingCallback):
            def after_iteration(self, model, epoch, evals_log):
                return epoch == 4

        more = {"callbacks": [Stop()]}
    booster = xgboost.train({**QUICK, "eta": 1.0}, train, 60, evals=[(test, "test")], verbose_eval=False, **more)

    (run,) = runs()
    metrics = run.get_metrics()
    last = points(run, "test-logloss")[-1][0]
    assert metrics["stopped_iteration"] == last < 59
    if how == "callback":
        assert last == 4
        assert "best_iteration" not in metrics
    else:
        assert metrics["best_iteration"] == booster.best_iteration == last - 2
        assert metrics["best_score"] == pytest.approx(booster.best_score)


def test_importances_have_the_names_of_the_features(runs, matrices):
    """A table with gain, weight and cover, and a picture of it."""
    booster = xgboost.train(QUICK, matrices[0], 3)

    (run,) = runs()
    table = run.get_metrics()["importance_table"]
    gain = booster.get_score(importance_type="gain")
    assert set(table) == {"feature", "gain", "weight", "cover"}
    assert len(table["feature"]) == 30  # those without a split, too
    assert table["feature"][0] == max(gain, key=gain.get)
    assert table["gain"][0] == pytest.approx(max(gain.values()))
    assert table["gain"][-1] == 0
    assert "outputs/Booster/importance.png" in run.get_file_names()


def test_what_is_not_wanted_is_not_stored(experiment, matrices):
    """``log_models`` and ``log_images`` are options of every adapter."""
    autolog("xgboost", silent=True, log_models=False, log_images=False)
    xgboost.train(QUICK, matrices[0], 2)

    (run,) = experiment.get_runs()
    assert run.get_file_names() == []
    assert "importance_table" not in run.get_metrics()


def test_objectives_and_metrics_of_the_user(runs, matrices):
    """They are named as they are, and their rounds are written under the name that the metric gives itself."""

    def squared(predt, dtrain):
        return predt - dtrain.get_label(), np.ones_like(predt)

    def misses(predt, dtrain):
        return "misses", float(np.sum((predt > 0.5) != dtrain.get_label()))

    train, test = matrices
    params = {"max_depth": 2, "nthread": 1, "disable_default_eval_metric": 1}
    more = {"obj": squared, "custom_metric": misses, "verbose_eval": False}
    xgboost.train(params, train, 3, evals=[(test, "test")], **more)

    (run,) = runs()
    assert len(points(run, "test-misses")) == 3
    assert run.properties["param.obj"].endswith("squared")
    assert run.properties["param.custom_metric"].endswith("misses")


def test_a_training_that_continues_goes_on_with_its_steps(runs, matrices):
    """The second training begins where the model that it was given ends; an older best round is not its own."""
    train, test = matrices
    more = {"evals": [(test, "test")], "verbose_eval": False}
    first = xgboost.train(QUICK, train, 4, early_stopping_rounds=50, **more)
    xgboost.train(QUICK, train, 3, xgb_model=first, **more)

    _, run = runs()
    assert [step for step, _ in points(run, "test-logloss")] == [4, 5, 6]
    assert run.get_metrics()["num_boosted_rounds"] == 7
    assert run.properties["continued_from_round"] == "4"
    assert "best_iteration" not in run.get_metrics()


def test_classes_ranks_and_categories(runs, cancer):
    """Whatever XGBoost trains: several classes, queries, a table with categories, a quantized matrix."""
    X, _, y, _ = cancer
    rows = X.iloc[:90].assign(kind=pd.Categorical(["a", "b", "c"] * 30))
    classes = xgboost.QuantileDMatrix(rows, label=np.arange(90) % 3, enable_categorical=True, nthread=1)
    xgboost.train({"objective": "multi:softprob", "num_class": 3, "nthread": 1}, classes, 2)
    queries = xgboost.DMatrix(X, y, qid=np.sort(np.arange(len(X)) % 20), nthread=1)
    ranking = {"objective": "rank:ndcg", "eval_metric": "ndcg@5", "nthread": 1}
    xgboost.train(ranking, queries, 2, evals=[(queries, "train")], verbose_eval=False)

    several, ranked = runs()
    assert several.properties["param.num_class"] == "3"
    assert several.properties["data.columns"] == "31"
    assert "kind" in several.get_metrics()["importance_table"]["feature"]
    assert len(points(ranked, "train-ndcg@5")) == 2


def test_a_linear_model_has_coefficients(runs, matrices):
    """It has no splits, so a weight is all that there is."""
    xgboost.train({"booster": "gblinear", "nthread": 1}, matrices[0], 3)

    (run,) = runs()
    assert set(run.get_metrics()["importance_table"]) == {"feature", "weight"}
    assert run.properties["param.booster"] == "gblinear"


def test_a_stump_of_nothing_has_no_importances(runs, notes):
    """The run says why they are not there."""
    xgboost.train({"nthread": 1}, xgboost.DMatrix(np.zeros((4, 2)), np.zeros(4), nthread=1), 1)

    (run,) = runs()
    assert notes(run) == ["not recorded: importance (no tree has a split)"]
    assert run.status == "Completed"


def test_cross_validation_is_one_run(runs, matrices):
    """Mean and deviation of each round, named as in the table that ``cv`` returns; the best round of an early stop."""
    table = xgboost.cv({**QUICK, "eta": 1.0}, matrices[0], 40, nfold=3, early_stopping_rounds=2, seed=1, callbacks=None)

    (run,) = runs()
    metrics = run.get_metrics()
    mean = dict(points(run, "test-logloss-mean"))
    assert [mean[step] for step in range(len(table))] == pytest.approx(list(table["test-logloss-mean"]))
    assert {"train-logloss-mean", "train-logloss-std", "test-logloss-std"} <= set(metrics)
    assert metrics["best_iteration"] == len(table) - 1
    assert (run.properties["validation"], run.properties["param.nfold"]) == ("cv", "3")


def test_each_training_of_a_run_has_its_place(runs, experiment, matrices):
    """The first stands in the user's run, each later one in a child; together they are the table of fits."""
    with experiment.start_logging(snapshot_directory=None) as run:
        for depth in (1, 2, 3):
            xgboost.train({**QUICK, "max_depth": depth}, matrices[0], 2, evals=[(matrices[1], "test")], verbose_eval=0)

    assert [one.parent and one.parent.id for one in runs()] == [None, run.id, run.id]
    assert run.fits().parameters["max_depth"] == [1, 2, 3]
    assert len(run.fits().metrics["num_boosted_rounds"]) == 3


class OutOfPatience(Exception):
    """The user's own."""


@pytest.mark.parametrize("error", [OutOfPatience("enough"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["objective", "callback"])
def test_the_users_exception_is_the_users(runs, matrices, error, where):
    """It comes out as the very same object; the run has failed, with the rounds that there were."""
    rounds = []

    def objective(predt, dtrain):
        rounds.append(1)
        if where == "objective" and len(rounds) == 3:
            raise error
        return predt - dtrain.get_label(), np.ones_like(predt)

    class Failing(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            if where == "callback" and epoch == 1:
                raise error
            return False

    params = {"nthread": 1, "eval_metric": "rmse"}
    more = {"obj": objective, "callbacks": [Failing()], "verbose_eval": False}
    with pytest.raises(type(error)) as caught:
        xgboost.train(params, matrices[0], 5, evals=[(matrices[1], "test")], **more)

    (run,) = runs()
    assert caught.value is error
    assert run.status == "Failed"
    assert len(points(run, "test-rmse")) == 2


def test_an_argument_that_xgboost_refuses_is_the_users_error_alone(runs, matrices, recwarn):
    """It reaches the user once, from XGBoost; the adapter, that has met it before, says nothing."""
    with pytest.raises(xgboost.core.XGBoostError, match="Unknown objective"):
        xgboost.train({"objective": "nonsense"}, matrices[0], 1)
    (run,) = runs()
    assert run.status == "Failed"
    assert not [warning for warning in recwarn if issubclass(warning.category, AutologWarning)]


def test_a_wrong_call_is_the_users_to_hear_of(experiment):
    """XGBoost refuses it in its own words."""
    autolog("xgboost", silent=True)
    with pytest.raises(TypeError, match="callback must be"):
        xgboost.train({"nthread": 1}, xgboost.DMatrix([[1.0]], [1.0], nthread=1), 1, callbacks=["no callback"])


def test_a_full_disk_costs_one_warning(experiment, matrices, monkeypatch):
    """The model is the one that it would have been."""
    from azml_integrations import Run

    plain = xgboost.train(QUICK, matrices[0], 5)
    autolog("xgboost", silent=True, log_images=False)
    calls = []

    def full(self, values, step=None):
        calls.append(step)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "log_metrics", full)
    with pytest.warns(AutologWarning, match="No space left") as told:
        booster = xgboost.train(QUICK, matrices[0], 5, evals=[(matrices[1], "test")], verbose_eval=False)

    assert booster.save_raw() == plain.save_raw()
    assert calls == [0, None]  # the rounds are given up, what follows them is tried
    assert len({str(one.message) for one in told}) == 1
