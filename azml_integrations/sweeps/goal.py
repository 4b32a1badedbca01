"""Which way a metric is better."""

from collections.abc import Iterable
from enum import Enum
from math import isfinite
from typing import Any

from .. import errors


class PrimaryMetricGoal(Enum):
    """Whether a sweep looks for the highest or for the lowest value of its primary metric."""

    MAXIMIZE = "MAXIMIZE"
    MINIMIZE = "MINIMIZE"

    @staticmethod
    def from_str(goal: Any) -> "PrimaryMetricGoal":
        """Return a goal by its name, in letters of either case.

        Raises
        ------
        HyperDriveConfigException
            If there is none of that name.
        """
        try:
            return PrimaryMetricGoal(goal.upper())
        except (ValueError, AttributeError):
            raise errors.HyperDriveConfigException(
                f"{goal!r} is no goal; expected PrimaryMetricGoal.MAXIMIZE or PrimaryMetricGoal.MINIMIZE"
            ) from None

    @property
    def word(self) -> str:
        """The name as SDK v1 stores it: in small letters."""
        return self.value.lower()

    def best(self, values: Iterable[float]) -> float | None:
        """Return the best of several values; None if none of them is finite."""
        finite = [value for value in values if isfinite(value)]
        if not finite:
            return None
        return max(finite) if self is PrimaryMetricGoal.MAXIMIZE else min(finite)

    def loss(self, value: float) -> float:
        """Return a number that is the lower the better; one that is not finite is worse than any other."""
        if not isfinite(value):
            return float("inf")
        return -value if self is PrimaryMetricGoal.MAXIMIZE else value
