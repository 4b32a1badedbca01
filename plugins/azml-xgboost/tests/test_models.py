"""Models in XGBoost's own format: stored, checked and loaded without a pickle."""

import json

import numpy as np
import pytest
import xgboost
from conftest import QUICK

from azml_integrations import autolog
from azml_integrations.core import Model
from azml_integrations.errors import (
    AutologWarning,
    ModelChangedError,
    ModelExistsError,
    ModelNotFoundError,
    OptionError,
)
from azml_xgboost import load_model, save_model


def test_a_model_comes_back(runs, experiment, matrices, tmp_path):
    """From the run, from a folder that was downloaded, and from the registry."""
    train, test = matrices
    booster = xgboost.train(QUICK, train, 5, evals=[(test, "test")], early_stopping_rounds=5, verbose_eval=False)

    (run,) = runs()
    run.download_files("outputs", str(tmp_path / "there"))
    run.register_model("cancer", "outputs/Booster")
    places = run, tmp_path / "there" / "outputs" / "Booster", Model(experiment.workspace, "cancer")
    for place in places:
        loaded = load_model(place)
        assert type(loaded) is xgboost.Booster
        np.testing.assert_array_equal(loaded.predict(test), booster.predict(test))
        assert loaded.feature_names == train.feature_names
    facts = json.loads((tmp_path / "there" / "outputs" / "Booster" / "xgboost.json").read_bytes())
    assert (facts["format"], facts["rounds"], facts["objective"]) == ("ubj", 5, "binary:logistic")
    assert facts["best_iteration"] == booster.best_iteration
    assert (facts["features"], facts["feature_names"][0], facts["feature_types"][0]) == (30, "mean radius", "float")
    assert any(
        name.startswith("xgboost") and version == xgboost.__version__ for name, version in facts["versions"].items()
    )


def test_a_file_that_was_exchanged_is_refused(runs, matrices, tmp_path):
    """Before a byte of it is loaded."""
    xgboost.train(QUICK, matrices[0], 1)
    (run,) = runs()
    run.download_files("outputs/Booster", str(tmp_path))
    file = tmp_path / "outputs" / "Booster" / "model.ubj"
    file.write_bytes(file.read_bytes()[:-1] + b"!")

    with pytest.raises(ModelChangedError):
        load_model(file.parent)


def test_a_large_model_is_left_out_and_the_run_says_so(experiment, matrices, notes):
    """The cap is an option."""
    autolog("xgboost", silent=True, max_model_bytes=100)
    xgboost.train(QUICK, matrices[0], 1)

    (run,) = experiment.get_runs()
    assert notes(run) == ["not recorded: model.ubj (larger than 100 bytes)"]
    with pytest.raises(ModelNotFoundError):
        load_model(run)


def test_a_cap_is_a_number(experiment):
    """Of another, autolog says at once that nothing will be recorded."""
    with pytest.warns(AutologWarning, match="max_model_bytes is a number"):
        autolog("xgboost", max_model_bytes="much")


def test_models_are_stored_by_hand(experiment, cancer, matrices):
    """A booster or an estimator, under a name of one's own."""
    X, _, y, _ = cancer
    booster = xgboost.train(QUICK, matrices[0], 1)
    estimator = xgboost.XGBRegressor(n_estimators=1, n_jobs=1).fit(X, y)
    with experiment.start_logging(snapshot_directory=None) as run:
        assert [save_model(run, model) for model in (booster, estimator)] == ["Booster", "Booster_2"]
        assert save_model(run, booster, "mine") == "mine"
        with pytest.raises(ModelExistsError):
            save_model(run, booster, "mine")
        with pytest.raises(OptionError, match="expected a Booster"):
            save_model(run, X)
        with pytest.raises(OptionError, match="larger than 10 bytes"):
            save_model(run, booster, max_model_bytes=10)

    assert type(load_model(run, "Booster_2")) is xgboost.XGBRegressor
