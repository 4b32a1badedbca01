"""Somebody who trains with scikit-learn: what is fitted, and how it is asked for.

The three contestants fit the same estimators on the same data; only who listens differs. This file runs in each of
their environments, so it imports the standard library and scikit-learn only.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from contestant import Contestant, Timings, resident_along, timed
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def digits() -> tuple[Any, Any]:
    """1,797 pictures of 64 pixels, each pixel between 0 and 1."""
    X, y = load_digits(return_X_y=True)
    return X / 16, y


#: An estimator, and the data it is fitted on.
FITS: dict[str, tuple[Callable[[], Any], Callable[[], tuple[Any, Any]]]] = {
    "Ridge, diabetes": (Ridge, lambda: load_diabetes(return_X_y=True)),
    "LogisticRegression, digits": (LogisticRegression, digits),
    "scaled LogisticRegression, breast cancer": (
        lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        lambda: load_breast_cancer(return_X_y=True),
    ),
    "tiny Ridge": (Ridge, lambda: (np.arange(20.0).reshape(10, 2), np.arange(10.0))),
}

#: The same of searches: 20 candidates of 5 splits twice, and 500 of 2.
SEARCHES: dict[str, tuple[Callable[[], Any], Callable[[], tuple[Any, Any]]]] = {
    "20 × 5 forests, breast cancer": (
        lambda: GridSearchCV(
            RandomForestClassifier(n_estimators=25, random_state=0),
            {"max_depth": [2, 4, 6, 8, None], "min_samples_leaf": [1, 2, 5, 10]},
            n_jobs=2,
        ),
        lambda: load_breast_cancer(return_X_y=True),
    ),
    "20 × 5 Ridge, diabetes": (
        lambda: GridSearchCV(Ridge(), {"alpha": np.logspace(-4, 2, 20)}, n_jobs=2),
        lambda: load_diabetes(return_X_y=True),
    ),
    "500 × 2 Ridge, diabetes": (
        lambda: GridSearchCV(Ridge(), {"alpha": np.logspace(-4, 2, 500)}, cv=2),
        lambda: load_diabetes(return_X_y=True),
    ),
}


class Trainer(Contestant):
    """Fits without being listened to; a subclass lets its tracker listen."""

    def listen(self, models: bool, images: bool, classifies: bool) -> None:
        """Let the tracker listen, and store models and images or not."""

    def run(self) -> AbstractContextManager[object]:
        """A run of the user's, for one fit."""
        return contextlib.nullcontext()

    def fit(self, what: str, within: bool) -> Timings:
        """Fit again and again; `within` a run of the user's, whose begin and end do not count.

        Yields pairs: the time [ns] and the processor time [ns].
        """
        make, load = FITS[what]
        X, y = load()
        for _ in itertools.count():
            with self.run() if within else contextlib.nullcontext():
                took = timed(make().fit, X, y)
            yield took

    def search(self, what: str) -> Timings:
        """Search again and again; pairs as from `fit`."""
        make, load = SEARCHES[what]
        X, y = load()
        for _ in itertools.count():
            took = timed(make().fit, X, y)
            (self.home / "last").write_text(self.last_run() or "")
            yield took

    def last_run(self) -> str | None:
        """The id of the run that was recorded last."""
        return None

    def read_search(self, times: int) -> Timings:
        """Read what a page of the last search shows: its children with all they have, and its table."""
        raise NotImplementedError

    def log(self, steps: range) -> Timings:
        """Fit at each step: what is asked to go on and on is asked to fit."""
        for _, (took, _) in zip(steps, self.fit("tiny Ridge", within=False), strict=False):
            yield took

    def memory(self, marks: list[int], seconds: float) -> list[tuple[int, int]]:
        """Fit on, and say the memory [bytes] at each mark [fits], or where the time was over."""
        return resident_along(self.log(range(marks[-1])), marks, seconds, look_every=1)

    @property
    def last(self) -> str:
        """The id of the run of the last search, in whichever process it was."""
        return (self.home / "last").read_text()
