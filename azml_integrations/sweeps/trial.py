"""One child of a sweep, as its controller sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..records import TERMINAL, RunStatus

HYPERPARAMETERS = "hyperparameters"
"""Tag of a child that holds its hyperparameters as JSON."""

STOPPED = "early_termination"
"""Tag of a child that a policy has stopped; says why."""


@dataclass(frozen=True)
class Trial:
    """One child of a sweep as it stands.

    Attributes
    ----------
    number : int
        Which child, from 0; its id ends in it.
    status : str
        One of `RunStatus`.
    parameters : dict of str to value
        Its hyperparameters, by their names in the search space.
    values : tuple of float
        What it has logged of the primary metric, in order.
    """

    number: int
    status: str = RunStatus.QUEUED
    parameters: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[float, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.status in TERMINAL
