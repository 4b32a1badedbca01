"""The toy behaves like a framework, or it would prove nothing about adapters."""

import random

import pytest

from azml_integrations.testing import toy

X, Y = [0.0, 1.0, 2.0], [1.0, 3.0, 5.0]


def test_it_learns():
    """More epochs, a better line: y = 2 x + 1."""
    model = toy.Model(epochs=200).fit(X, Y)
    assert (model.slope_, model.offset_) == pytest.approx((2, 1), abs=1e-3)
    assert model.losses_[0] > model.losses_[-1]
    assert model.score(X, Y) == pytest.approx(1)


def test_it_draws_random_numbers():
    """So that an adapter which draws, too, is found out."""
    random.seed(1)
    one = toy.Model().fit(X, Y).slope_
    assert toy.Model().fit(X, Y).slope_ != one
    random.seed(1)
    assert toy.Model().fit(X, Y).slope_ == one


def test_it_calls_back_and_can_be_made_to_fail():
    """After each epoch; what a callback raises ends the fit."""
    seen, mistake = [], KeyError("mine")
    with pytest.raises(KeyError) as caught:
        toy.Model(epochs=5).fit(
            X, Y, callbacks=[lambda model, epoch, loss: seen.append(epoch), toy.failing_at(2, mistake)]
        )
    assert caught.value is mistake
    assert seen == [0, 1, 2]


def test_a_saved_model_comes_back(tmp_path):
    """An adapter stores it in its own format."""
    model = toy.Model(rate=0.05).fit(X, Y)
    model.save(tmp_path / "model.json")
    again = toy.load(tmp_path / "model.json")
    assert again.predict(X) == model.predict(X)
    assert again.get_params() == model.get_params()


def test_wrong_points_are_refused():
    """One abscissa for each ordinate."""
    with pytest.raises(ValueError, match="3 abscissae and 1 ordinates"):
        toy.Model().fit(X, [1.0])
