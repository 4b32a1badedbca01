"""Models in LightGBM's own format: stored, checked and loaded without a pickle."""

import json

import lightgbm
import numpy as np
import pandas as pd
import pytest
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
from azml_lightgbm import load_model, save_model


def test_a_model_comes_back(runs, experiment, cancer, tmp_path):
    """From the run, from a folder that was downloaded, and from the registry; categories of a table included."""
    X, _, y, _ = cancer
    kinds = pd.Series(pd.Categorical(np.where(X["mean radius"] > 14, "large", "small")), X.index)
    table = X.assign(kind=kinds)
    data = lightgbm.Dataset(table, y, params={"verbosity": -1})
    booster = lightgbm.train(QUICK, data, 5)

    (run,) = runs()
    run.download_files("outputs", str(tmp_path / "there"))
    run.register_model("cancer", "outputs/Booster")
    for place in (run, tmp_path / "there" / "outputs" / "Booster", Model(experiment.workspace, "cancer")):
        loaded = load_model(place)
        np.testing.assert_array_equal(loaded.predict(table), booster.predict(table))
    facts = json.loads((tmp_path / "there" / "outputs" / "Booster" / "lightgbm.json").read_bytes())
    assert (facts["format"], facts["rounds"], facts["features"]) == ("text", 5, 31)
    assert facts["categories"] == [["large", "small"]]
    assert facts["feature_names"][0] == "mean_radius"


def test_a_model_ends_with_its_best_round(runs, data):
    """As LightGBM saves it itself."""
    stop = [lightgbm.early_stopping(2, verbose=False)]
    booster = lightgbm.train({**QUICK, "learning_rate": 0.9}, data[0], 60, [data[1]], None, None, None, True, stop)

    (run,) = runs()  # with arguments by their place, and a booster that keeps all rounds
    assert load_model(run).current_iteration() == booster.best_iteration < booster.current_iteration()


def test_a_file_that_was_exchanged_is_refused(runs, data, tmp_path):
    """Before a byte of it is loaded."""
    lightgbm.train(QUICK, data[0], 1)
    (run,) = runs()
    run.download_files("outputs/Booster", str(tmp_path))
    file = tmp_path / "outputs" / "Booster" / "model.txt"
    file.write_bytes(file.read_bytes()[:-1] + b"!")

    with pytest.raises(ModelChangedError):
        load_model(file.parent)


def test_a_large_model_is_left_out_and_the_run_says_so(experiment, data, notes):
    """The cap is an option."""
    autolog("lightgbm", silent=True, max_model_bytes=100)
    lightgbm.train(QUICK, data[0], 1)

    (run,) = experiment.get_runs()
    assert notes(run) == ["not recorded: model.txt (larger than 100 bytes)"]
    with pytest.raises(ModelNotFoundError):
        load_model(run)


def test_a_cap_is_a_number(experiment):
    """Of another, autolog says at once that nothing will be recorded."""
    with pytest.warns(AutologWarning, match="max_model_bytes is a number"):
        autolog("lightgbm", max_model_bytes="much")


def test_models_are_stored_by_hand(experiment, cancer, data):
    """A booster or an estimator, under a name of one's own."""
    X, _, y, _ = cancer
    booster = lightgbm.train(QUICK, data[0], 1)
    estimator = lightgbm.LGBMRegressor(n_estimators=1, n_jobs=1, verbosity=-1).fit(X, y)
    with experiment.start_logging(snapshot_directory=None) as run:
        assert [save_model(run, model) for model in (booster, estimator)] == ["Booster", "Booster_2"]
        assert save_model(run, booster, "mine") == "mine"
        with pytest.raises(ModelExistsError):
            save_model(run, booster, "mine")
        with pytest.raises(OptionError, match="expected a Booster"):
            save_model(run, X)
        with pytest.raises(OptionError, match="larger than 10 bytes"):
            save_model(run, booster, max_model_bytes=10)
