"""The contract of an adapter lets a good one pass, and names what a bad one does."""

import pytest

from azml_integrations.testing import AdapterContract, toy

X, Y = [0.0, 1.0, 2.0], [1.0, 3.0, 5.0]


class TestToy(AdapterContract):
    """An adapter of fifteen lines keeps every promise."""

    plugin = "toy_plugin"
    expected = ("loss", "training_score", "param.rate", "outputs/*.json")
    options = {"save_as": "line"}  # noqa: RUF012 - as an author writes it

    @pytest.fixture
    def training(self):
        return lambda: toy.Model().fit(X, Y)

    @pytest.fixture
    def failing(self):
        return lambda error: toy.Model().fit(X, Y, callbacks=[toy.failing_at(1, error)])

    @pytest.fixture
    def idle(self):
        return lambda: toy.Model().get_params()
