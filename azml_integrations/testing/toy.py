"""A framework to test with: a model that fits a line in a few epochs, and does all that an adapter has to put up with.

It is made of the standard library, draws random numbers, calls back after each epoch, and can be told to fail. An
adapter is activated on it by its import name, ``azml_integrations.testing.toy``.

Examples
--------
>>> from azml_integrations.testing import toy
>>> model = toy.Model(rate=0.1, epochs=20).fit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
>>> round(model.score([0.0, 1.0, 2.0], [1.0, 3.0, 5.0]), 1)
1.0
"""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self, TypeAlias

__all__ = ["Callback", "Model", "failing_at", "load"]

__version__ = "1.0"

Callback: TypeAlias = Callable[["Model", int, float], None]
"""Called after each epoch with the model, the number of the epoch from 0, and its loss."""


class Model:
    """A line through points, ``y = slope * x + offset``, found by stochastic gradient descent.

    Parameters
    ----------
    rate : float, default=0.1
        Learning rate.
    epochs : int, default=3
        Passes over the points.

    Attributes
    ----------
    slope_, offset_ : float
        The line, once it has been fitted.
    losses_ : list of float
        Mean squared error of each epoch, while it was learning.
    """

    def __init__(self, rate: float = 0.1, epochs: int = 3) -> None:
        self.rate, self.epochs = rate, epochs

    def get_params(self) -> dict[str, object]:
        """Return the hyperparameters by name."""
        return {"rate": self.rate, "epochs": self.epochs}

    def fit(self, X: Sequence[float], y: Sequence[float], callbacks: Iterable[Callback] = ()) -> Self:  # noqa: N803 - the field's name
        """Learn from the points, in a random order, from a random beginning.

        Parameters
        ----------
        X, y : sequence of float
            Abscissae and ordinates, of one length.
        callbacks : iterable of callable, default=()
            Each is called after each epoch; what one raises ends the fit.

        Returns
        -------
        Model
            Itself.

        Raises
        ------
        ValueError
            If there are no points, or the lengths differ.
        """
        if not X or len(X) != len(y):
            raise ValueError(f"fit got {len(X)} abscissae and {len(y)} ordinates; expected one of each, at least one")
        self.slope_, self.offset_ = random.random(), random.random()  # noqa: S311 - a beginning, no secret
        self.losses_: list[float] = []
        for epoch in range(self.epochs):
            self.losses_.append(self._pass(X, y))
            for call in callbacks:
                call(self, epoch, self.losses_[-1])
        return self

    def predict(self, X: Sequence[float]) -> list[float]:  # noqa: N803 - as above
        """Return the ordinates of the line."""
        return [self.slope_ * x + self.offset_ for x in X]

    def score(self, X: Sequence[float], y: Sequence[float]) -> float:  # noqa: N803 - as above
        """Return the coefficient of determination, R²."""
        mean = sum(y) / len(y)
        left = sum((wanted - found) ** 2 for wanted, found in zip(y, self.predict(X), strict=True))
        return 1 - left / sum((wanted - mean) ** 2 for wanted in y)

    def save(self, path: str | Path) -> None:
        """Write the line and the hyperparameters to a JSON file."""
        Path(path).write_text(json.dumps({**self.get_params(), "slope": self.slope_, "offset": self.offset_}))

    def _pass(self, X: Sequence[float], y: Sequence[float]) -> float:  # noqa: N803 - as above
        """Go over the points once; return their mean squared error."""
        order, total = random.sample(range(len(X)), len(X)), 0.0
        for place in order:
            error = self.slope_ * X[place] + self.offset_ - y[place]
            self.slope_ -= self.rate * error * X[place]
            self.offset_ -= self.rate * error
            total += error**2
        return total / len(X)


def load(path: str | Path) -> Model:
    """Return the model that `Model.save` wrote."""
    found = json.loads(Path(path).read_text())
    model = Model(found["rate"], found["epochs"])
    model.slope_, model.offset_ = found["slope"], found["offset"]
    return model


def failing_at(epoch: int, error: BaseException) -> Callback:
    """Return a callback of a user's that raises `error` after an epoch."""

    def fail(_: Model, now: int, __: float) -> None:
        if now == epoch:
            raise error

    return fail
