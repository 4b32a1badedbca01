"""The promises of every adapter, kept by trainings, cross-validations and estimators."""

from typing import ClassVar

import numpy as np
import pytest
import xgboost

from azml_integrations.testing import AdapterContract

X = np.random.default_rng(0).normal(size=(60, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
PARAMS = {"objective": "binary:logistic", "max_depth": 2, "subsample": 0.8, "nthread": 1}


def matrix():
    return xgboost.DMatrix(X, Y, nthread=1)


def failing_metric(error):
    """A metric of the user's that raises in the second round."""
    calls = []

    def metric(predt, dtrain):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return "mine", 0.0

    return metric


class Promises(AdapterContract):
    plugin = "azml_xgboost"
    options: ClassVar = {"max_model_bytes": 10_000_000}

    @pytest.fixture
    def idle(self):
        return lambda: matrix().num_row()


class TestTrain(Promises):
    """``xgboost.train``."""

    expected = (
        "estimator",
        "framework",
        "param.max_depth",
        "param.reg_lambda",
        "data.rows",
        "test-logloss",
        "num_boosted_rounds",
        "training_time",
        "importance_table",
        "outputs/Booster/importance.png",
        "outputs/Booster/model.ubj",
        "outputs/Booster/xgboost.json",
    )

    @pytest.fixture
    def training(self):
        more = {"verbose_eval": False, "early_stopping_rounds": 3}
        return lambda: xgboost.train(PARAMS, matrix(), 4, evals=[(matrix(), "test")], **more)

    @pytest.fixture
    def failing(self):
        more = {"evals": [(matrix(), "test")], "verbose_eval": False}
        return lambda error: xgboost.train(PARAMS, matrix(), 4, custom_metric=failing_metric(error), **more)


class TestCv(Promises):
    """``xgboost.cv``."""

    expected = ("validation", "param.nfold", "test-logloss-mean", "train-logloss-std", "training_time")

    @pytest.fixture
    def training(self):
        return lambda: xgboost.cv(PARAMS, matrix(), 3, nfold=2, seed=1, as_pandas=False)

    @pytest.fixture
    def failing(self):
        return lambda error: xgboost.cv(PARAMS, matrix(), 3, nfold=2, custom_metric=failing_metric(error))


class TestEstimator(Promises):
    """``XGBClassifier.fit``."""

    expected = ("param.n_estimators", "validation_0-logloss", "importance_table", "outputs/Booster/model.ubj")

    @pytest.fixture
    def training(self):
        def train():
            model = xgboost.XGBClassifier(n_estimators=3, subsample=0.8, random_state=1, n_jobs=1)
            return model.fit(X, Y, eval_set=[(X, Y)], verbose=False)

        return train

    @pytest.fixture
    def failing(self):
        def train(error):
            def metric(y, predicted):
                raise error

            model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1, eval_metric=metric)
            return model.fit(X, Y, eval_set=[(X, Y)], verbose=False)

        return train
