"""The contract that every adapter is held to, with the smallest trainings of scikit-learn."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV

from azml_integrations.testing import AdapterContract

X, Y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], [0.0, 1.1, 1.9, 3.2, 3.9, 5.1]


class Refusing(Ridge):
    """A regression whose fit fails."""

    def __init__(self, error=None):
        super().__init__()
        self.error = error

    def fit(self, X, y):
        raise self.error


class TestFit(AdapterContract):
    """One fit."""

    plugin = "azml_sklearn"
    settings = {"log_images": False}  # noqa: RUF012 - as an author writes it
    options = {  # noqa: RUF012 - likewise
        "log_input_examples": True,
        "max_child_runs": 2,
        "max_metric_rows": 3,
        "max_model_bytes": 10_000,
        "model_format": "pickle",
    }
    expected = ("param.alpha", "training_mean_squared_error", "outputs/Ridge/model.pkl")

    @pytest.fixture
    def training(self):
        return lambda: Ridge(alpha=0.5).fit(X, Y)

    @pytest.fixture
    def failing(self):
        return lambda error: Refusing(error).fit(X, Y)

    @pytest.fixture
    def idle(self):
        return lambda: Ridge().get_params()


class TestSearch(TestFit):
    """A search with children, on a classifier that draws random numbers."""

    expected = ("param.*", "best_*", "outputs/*/model.pkl")
    ignore = ("result.cv_results_", "result.refit_time_", "pickle")  # it holds times

    @pytest.fixture
    def training(self):
        return lambda: GridSearchCV(LogisticRegression(solver="saga", max_iter=500, tol=0.1), {"C": [1, 2]}, cv=2).fit(
            X, [0, 1, 0, 1, 0, 1]
        )
