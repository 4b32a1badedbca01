"""A sweep's definition: all that its controller has to know, kept in the parent's folder."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from .. import errors
from . import policy, sampling
from .goal import PrimaryMetricGoal
from .policy import EarlyTerminationPolicy
from .sampling import HyperParameterSampling

SWEEP = "sweep.json"
"""File name, in the parent's folder ``about/``."""

DAYS = 10_080
"""A sweep's longest duration by default [min]."""


@dataclass(frozen=True)
class Sweep:
    """What a sweep tries, for how long, and what it looks for.

    Attributes
    ----------
    sampling : HyperParameterSampling
        Where hyperparameters come from.
    metric : str
        Name of the primary metric.
    goal : PrimaryMetricGoal
        Which way it is better.
    total, concurrent : int
        How many children at most, and how many of them at one time.
    minutes : float
        How long at most [min].
    policy : EarlyTerminationPolicy
        Which children end early.
    resume_from, resume_child_runs : tuple of str
        Ids of sweeps whose results count, and of children that are tried again first.
    again : tuple of dict
        Hyperparameters of those children.
    """

    sampling: HyperParameterSampling
    metric: str
    goal: PrimaryMetricGoal
    total: int
    concurrent: int
    minutes: float = DAYS
    policy: EarlyTerminationPolicy = field(default_factory=policy.NoTerminationPolicy)
    resume_from: tuple[str, ...] = ()
    resume_child_runs: tuple[str, ...] = ()
    again: tuple[dict[str, Any], ...] = ()

    def as_definition(self) -> dict[str, Any]:
        """Return the same as JSON has it, under the names of SDK v1."""
        return {
            "generator_config": self.sampling.as_definition(),
            "policy_config": self.policy.as_definition(),
            "primary_metric_config": {"name": self.metric, "goal": self.goal.word},
            "max_total_jobs": self.total,
            "max_concurrent_jobs": self.concurrent,
            "max_duration_minutes": self.minutes,
            "resume_from": list(self.resume_from),
            "resume_child_runs": list(self.resume_child_runs),
            "again": list(self.again),
        }

    @classmethod
    def from_definition(cls, definition: dict[str, Any]) -> Self:
        """Return what `as_definition` has told."""
        metric = definition["primary_metric_config"]
        return cls(
            sampling.from_definition(definition["generator_config"]),
            metric["name"],
            PrimaryMetricGoal.from_str(metric["goal"]),
            definition["max_total_jobs"],
            definition["max_concurrent_jobs"],
            definition["max_duration_minutes"],
            policy.from_definition(definition["policy_config"]),
            tuple(definition["resume_from"]),
            tuple(definition["resume_child_runs"]),
            tuple(definition["again"]),
        )

    def labels(self) -> dict[str, str]:
        """Return the tags that SDK v1 puts on a sweep."""
        told = self.as_definition()
        return {
            name: json.dumps(told[name]) if isinstance(told[name], dict) else str(told[name])
            for name in (
                "generator_config",
                "policy_config",
                "primary_metric_config",
                "max_total_jobs",
                "max_concurrent_jobs",
                "max_duration_minutes",
            )
        }

    def keep(self, folder: Path) -> None:
        """Write the definition into a run's folder.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        path = folder / "about" / SWEEP
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(self.as_definition(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise errors.StoreError(str(path), error) from error

    @classmethod
    def kept(cls, folder: Path) -> Self:
        """Return the definition that lies in a run's folder.

        Raises
        ------
        UserErrorException
            If there is none that can be read.
        """
        path = folder / "about" / SWEEP
        try:
            return cls.from_definition(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise errors.UserErrorException(
                f"run {folder.name} is no sweep that can be read: {path} says {error!r}; expected what submitting a "
                f"HyperDriveConfig writes there"
            ) from error


def child_id(sweep_id: str, number: int) -> str:
    """Return the id of a sweep's child."""
    return f"{sweep_id}_{number}"


def child_number(sweep_id: str, run_id: str) -> int | None:
    """Return which child of a sweep a run is; None for a run that is none."""
    head, _, number = run_id.rpartition("_")
    return int(number) if head == sweep_id and number.isdecimal() else None
