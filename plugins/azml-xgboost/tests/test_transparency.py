"""Training does not notice: same model, same random state, same functions afterwards."""

import copy
import inspect
import pickle

import numpy as np
import xgboost
import xgboost.sklearn
from conftest import QUICK

import azml_xgboost
from azml_integrations import Run, autolog
from azml_integrations.testing import check_plugin


def test_the_entry_module_keeps_the_laws():
    """It imports no framework."""
    check_plugin(azml_xgboost)


def test_a_training_is_what_it_would_have_been(experiment, cancer, matrices):
    """To the byte, with sampling that draws random numbers."""
    X, X_test, y, y_test = cancer
    params = {**QUICK, "subsample": 0.5, "seed": 3, "eval_metric": ["auc", "logloss"]}

    def trained():
        np.random.seed(0)  # noqa: NPY002 - the state that users' code draws from
        history, given, callbacks = {}, copy.deepcopy(params), [xgboost.callback.EarlyStopping(rounds=3)]
        more = {"evals": [(matrices[1], "test")], "evals_result": history, "verbose_eval": False}
        booster = xgboost.train(given, matrices[0], 6, callbacks=callbacks, **more)
        estimator = xgboost.XGBClassifier(n_estimators=3, n_jobs=1, subsample=0.5, callbacks=[])
        estimator.fit(X, y, eval_set=[(X_test, y_test)], verbose=False)
        table = xgboost.cv(QUICK, matrices[0], 3, nfold=2, seed=4)
        state = np.random.get_state()[1].tolist()  # noqa: NPY002 - as above
        pickled = pickle.dumps(booster), pickle.dumps(estimator), table.to_json()
        return history, given, len(callbacks), pickled, sorted(vars(estimator)), booster.attributes(), state

    before = trained()
    autolog("xgboost", silent=True, on_error="raise")
    during = trained()

    assert during == before
    assert len(list(experiment.get_runs())) == 3


def test_everything_is_given_back(experiment):
    """To the object; and while it is on, a function looks like itself."""
    places = [(xgboost, "train"), (xgboost.training, "train"), (xgboost.sklearn, "train"), (xgboost, "cv")]
    before = [getattr(*place) for place in places]
    autolog("xgboost", silent=True)
    for place, plain in zip(places, before, strict=True):
        observed = getattr(*place)
        assert observed is not plain
        assert inspect.signature(observed) == inspect.signature(plain)
        assert (observed.__name__, observed.__doc__) == (plain.__name__, plain.__doc__)
    autolog(False)

    assert [getattr(*place) for place in places] == before
    assert "fit" in vars(xgboost.XGBClassifier)
    assert xgboost.XGBClassifier.fit.__module__ == "xgboost.sklearn"


def test_a_round_costs_one_line_in_the_journal(runs, matrices, monkeypatch):
    """However many evaluation sets and metrics there are."""
    calls = []
    log = Run.log_metrics
    monkeypatch.setattr(Run, "log_metrics", lambda self, *args, **kw: calls.append(args) or log(self, *args, **kw))
    params = {**QUICK, "eval_metric": ["auc", "logloss", "error"]}
    xgboost.train(params, matrices[0], 5, evals=[(matrices[0], "a"), (matrices[1], "b")], verbose_eval=False)

    assert [len(values) for values, step in calls[:5]] == [6] * 5
    assert len(calls) == 6


def test_another_thread_is_recorded_too(runs, matrices):
    """Each training that a thread makes is a run."""
    from concurrent.futures import ThreadPoolExecutor

    def one(seed):
        return xgboost.train({**QUICK, "seed": seed}, matrices[0], 2)

    matrices[0].num_row()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(3)))

    assert [run.status for run in runs()] == ["Completed"] * 3
