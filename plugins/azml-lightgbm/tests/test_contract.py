"""The promises of every adapter, kept by trainings, cross-validations and estimators."""

from typing import ClassVar

import lightgbm
import numpy as np
import pytest

from azml_integrations.testing import AdapterContract

X = np.random.default_rng(0).normal(size=(80, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
PARAMS = {"objective": "binary", "num_leaves": 4, "bagging_fraction": 0.8, "bagging_freq": 1}
PARAMS |= {"num_threads": 1, "verbosity": -1, "deterministic": True}
SMALL = {"n_estimators": 3, "num_leaves": 4, "subsample": 0.8, "subsample_freq": 1, "n_jobs": 1, "verbosity": -1}


def dataset():
    return lightgbm.Dataset(X, Y, params={"verbosity": -1}, free_raw_data=False)


def failing_metric(error):
    """A metric of the user's that raises in the second round."""
    calls = []

    def metric(predictions, data):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return "mine", 0.0, False

    return metric


class Promises(AdapterContract):
    plugin = "azml_lightgbm"
    options: ClassVar = {"max_model_bytes": 10_000_000}

    @pytest.fixture
    def idle(self):
        return lambda: dataset().construct()


class TestTrain(Promises):
    """``lightgbm.train``."""

    expected = (
        "estimator",
        "framework",
        "param.num_leaves",
        "param.lambda_l2",
        "data.rows",
        "test binary_logloss",
        "num_iterations",
        "training_time",
        "importance_table",
        "outputs/Booster/importance.png",
        "outputs/Booster/model.txt",
        "outputs/Booster/lightgbm.json",
    )

    @pytest.fixture
    def training(self):
        def train():
            data = dataset()
            stop = lightgbm.early_stopping(3, verbose=False)
            return lightgbm.train(PARAMS, data, 4, [data.create_valid(X, Y)], ["test"], callbacks=[stop])

        return train

    @pytest.fixture
    def failing(self):
        def train(error):
            data = dataset()
            return lightgbm.train(PARAMS, data, 4, [data.create_valid(X, Y)], feval=failing_metric(error))

        return train


class TestCv(Promises):
    """``lightgbm.cv``."""

    expected = ("validation", "param.nfold", "valid binary_logloss-mean", "valid binary_logloss-stdv", "training_time")

    @pytest.fixture
    def training(self):
        return lambda: lightgbm.cv(PARAMS, dataset(), 3, nfold=2, seed=1)

    @pytest.fixture
    def failing(self):
        return lambda error: lightgbm.cv(PARAMS, dataset(), 3, nfold=2, feval=failing_metric(error))


class TestEstimator(Promises):
    """``LGBMClassifier.fit``."""

    expected = ("param.n_estimators", "training binary_logloss", "importance_table", "outputs/Booster/model.txt")

    @pytest.fixture
    def training(self):
        return lambda: lightgbm.LGBMClassifier(**SMALL, random_state=1).fit(X, Y, eval_set=[(X, Y)])

    @pytest.fixture
    def failing(self):
        def train(error):
            def metric(y, predicted):
                raise error

            return lightgbm.LGBMClassifier(**SMALL).fit(X, Y, eval_set=[(X, Y)], eval_metric=metric)

        return train
