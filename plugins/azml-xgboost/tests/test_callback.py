"""``AzmlCallback``: for those who would rather say which training is recorded."""

import copy
import pickle

import pytest
import xgboost
from conftest import QUICK
from sklearn.base import clone

from azml_integrations.errors import OptionError
from azml_xgboost import AzmlCallback


def train(matrices, *callbacks, **more):
    given = {"evals": [(matrices[1], "test")], "verbose_eval": False}
    return xgboost.train(QUICK, matrices[0], 4, callbacks=[*callbacks], **given, **more)


def test_it_records_into_a_run(experiment, matrices):
    """Rounds, what XGBoost took for itself, importances and the model; a second training has its own child."""
    with experiment.start_logging(snapshot_directory=None) as run:
        callback = AzmlCallback(run, silent=True, on_error="raise")
        train(matrices, callback)
        train(matrices, callback)

    child, own = experiment.get_runs(include_children=True)
    for one in (own, child):
        assert len(one.metric_points("test-logloss")) == 4
        assert one.properties["param.max_depth"] == "3"
        assert "outputs/Booster/model.ubj" in one.get_file_names()
        assert one.status == "Completed"
    assert (own.id, child.parent.id) == (run.id, run.id)


def test_without_a_run_it_begins_one(experiment, matrices, capsys):
    """And ends it when the training is over, and says where it is."""
    train(matrices, AzmlCallback())

    (run,) = experiment.get_runs()
    assert run.status == "Completed"
    assert f"azml run show {run.id}" in capsys.readouterr().err


def test_autolog_leaves_it_alone(runs, matrices):
    """One training is recorded once."""
    train(matrices, AzmlCallback(silent=True))

    (run,) = runs()
    assert len(run.metric_points("test-logloss")) == 4


def test_the_round_in_which_another_callback_stops_is_not_lost(experiment, matrices):
    """XGBoost does not ask callbacks that come after the one that stops."""

    class Stop(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            return epoch == 2

    train(matrices, Stop(), AzmlCallback(silent=True))
    early = xgboost.callback.EarlyStopping(rounds=1)
    kept = xgboost.cv({**QUICK, "eta": 1.0}, matrices[0], 60, callbacks=[early, AzmlCallback(silent=True)])

    validated, trained = experiment.get_runs()
    assert [point.step for point in trained.metric_points("test-logloss")] == [0, 1, 2]
    assert len(kept) + 1 == len(validated.metric_points("test-logloss-mean")) < 60


def test_it_takes_a_cross_validation(experiment, matrices):
    """Which has no model of its own."""
    xgboost.cv(QUICK, matrices[0], 3, nfold=2, callbacks=[AzmlCallback(silent=True, on_error="raise")])

    (run,) = experiment.get_runs()
    assert (run.status, len(run.metric_points("test-logloss-mean"))) == ("Completed", 3)


def test_an_estimator_keeps_it_through_a_clone_only(experiment, cancer):
    """A clone writes where the original does; a pickle leaves the run out."""
    X, X_test, y, y_test = cancer
    with experiment.start_logging(snapshot_directory=None) as run:
        model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1, callbacks=[AzmlCallback(run, silent=True)])
        twin = clone(model)
        twin.fit(X, y, eval_set=[(X_test, y_test)], verbose=False)
        assert run.id.encode() not in pickle.dumps(twin)

    assert run.properties["estimator"] == "XGBClassifier"
    assert len(run.metric_points("validation_0-logloss")) == 2
    again = pickle.loads(pickle.dumps(AzmlCallback(run, log_models=False)))
    assert (again._run, again._options.log_models) == (None, False)
    assert copy.deepcopy(AzmlCallback(run))._run is run


def test_what_is_no_run_is_refused():
    """One clear error, at once."""
    with pytest.raises(OptionError, match="takes a Run"):
        AzmlCallback("my run")
