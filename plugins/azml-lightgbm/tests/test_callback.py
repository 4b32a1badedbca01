"""``AzmlCallback`` and `log_booster`: for those who would rather say which training is recorded."""

import copy

import lightgbm
import pytest
from conftest import QUICK

from azml_integrations.errors import OptionError
from azml_lightgbm import AzmlCallback, log_booster


def test_they_record_into_a_run(experiment, data):
    """Rounds while they come; what LightGBM took for itself, importances and the model afterwards."""
    with experiment.start_logging(snapshot_directory=None) as run:
        booster = lightgbm.train(QUICK, data[0], 4, [data[1]], callbacks=[AzmlCallback(on_error="raise")])
        assert len(run.metric_points("valid_0 binary_logloss")) == 4
        assert (run.properties["estimator"], run.properties["param.num_leaves"]) == ("Booster", "7")
        log_booster(run, booster)

    assert run.properties["param.min_data_in_leaf"] == "20"
    assert {"num_iterations", "importance_table"} <= set(run.get_metrics())
    assert "outputs/Booster/model.txt" in run.get_file_names()
    assert "warnings" not in run.get_details()


def test_an_estimator_takes_it_too(experiment, cancer):
    """The run has the parameters of the estimator."""
    X, X_test, y, y_test = cancer
    with experiment.start_logging(snapshot_directory=None) as run:
        model = lightgbm.LGBMClassifier(n_estimators=2, n_jobs=1, verbosity=-1)
        model.fit(X, y, eval_set=[(X_test, y_test)], callbacks=[AzmlCallback(run)])
        log_booster(run, model, log_models=False, log_images=False)

    assert (run.properties["estimator"], run.properties["param.n_estimators"]) == ("LGBMClassifier", "2")
    assert len(run.metric_points("valid_0 binary_logloss")) == 2
    assert not [name for name in run.get_file_names() if name.startswith("outputs")]


def test_autolog_leaves_it_alone(runs, experiment, data):
    """One training is recorded once."""
    with experiment.start_logging(snapshot_directory=None) as run:
        lightgbm.train(QUICK, data[0], 3, [data[1]], callbacks=[AzmlCallback(run)])
        lightgbm.cv(QUICK, data[0], 3, nfold=2, callbacks=[AzmlCallback(run)])

    assert [one.id for one in runs()] == [run.id]
    assert len(run.metric_points("valid_0 binary_logloss")) == 3
    assert len(run.metric_points("valid binary_logloss-mean")) == 3
    assert "num_iterations" not in run.get_metrics()


def test_what_is_no_run_is_refused(experiment):
    """One clear error, at once."""
    with pytest.raises(OptionError, match="takes a Run"):
        AzmlCallback("my run")
    with pytest.raises(OptionError, match="needs a run"):
        AzmlCallback()
    with experiment.start_logging(snapshot_directory=None) as run:
        with pytest.raises(OptionError, match="takes a Booster"):
            log_booster(run, "my model")
        assert copy.deepcopy(AzmlCallback(run))._run is run
