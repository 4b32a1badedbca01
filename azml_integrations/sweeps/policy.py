"""Which children of a sweep end early: pure rules over what each child has logged so far.

An interval is one logged value of the primary metric. A policy looks at a running child when the number of its
intervals passes a multiple of `evaluation_interval` that is not below `delay_evaluation`, and compares what the
children had at that interval: each with its values up to there. A value that is not finite is worse than any other.
"""

from collections.abc import Hashable, Mapping, Sequence
from math import isfinite
from statistics import fmean, median
from typing import Any, ClassVar, Self, TypeVar

from .. import errors
from .goal import PrimaryMetricGoal

K = TypeVar("K", bound=Hashable)

Losses = Mapping[K, Sequence[float]]
"""What each child has logged, turned so that lower is better, and infinite where it was not finite."""

_EQUAL = 1e-12
"""Numbers that differ by this part of themselves are equal: a mean of equal numbers may miss them by so much."""


class EarlyTerminationPolicy:
    """What all policies share.

    Parameters
    ----------
    name : str
        Its name in a sweep's definition.
    evaluation_interval : int, default=1
        How often to look at a child [intervals], > 0.
    delay_evaluation : int, default=0
        From which interval on [intervals], >= 0.

    Raises
    ------
    HyperDriveConfigException
        If either is no such integer.
    """

    NAME: ClassVar[str]
    WORDS: ClassVar[tuple[str, ...]] = ("evaluation_interval", "delay_evaluation")

    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        self.evaluation_interval = _integer("evaluation_interval", evaluation_interval, 1)
        self.delay_evaluation = _integer("delay_evaluation", delay_evaluation, 0)

    @property
    def name(self) -> str:
        """Name in a sweep's definition."""
        return self.NAME

    def due(self, intervals: int) -> int:
        """Return the last interval at which to look at a child that has logged so many values; 0 for none."""
        last = intervals // self.evaluation_interval * self.evaluation_interval
        return last if last >= self.delay_evaluation else 0

    def stops(
        self, child: K, values: Mapping[K, Sequence[float]], interval: int, goal: PrimaryMetricGoal
    ) -> str | None:
        """Tell whether a child is to end, and why.

        Parameters
        ----------
        child : hashable
            Which.
        values : dict of child to sequence of float
            What each child of the sweep has logged of the primary metric, in order; those that have ended too.
        interval : int
            The interval that is looked at; `child` has logged so many values at least.
        goal : PrimaryMetricGoal
            Which way is better.

        Returns
        -------
        why : str or None
            One sentence; None lets it go on.
        """
        losses = {other: [goal.loss(value) for value in several[:interval]] for other, several in values.items()}
        return self._judged(child, losses, interval)

    def _judged(self, child: K, losses: Losses[K], interval: int) -> str | None:
        raise NotImplementedError

    def as_definition(self) -> dict[str, Any]:
        """Return the policy as a sweep's definition keeps it."""
        given = {word: getattr(self, word) for word in self.WORDS}
        return {"name": self.NAME, "properties": {word: value for word, value in given.items() if value is not None}}

    @classmethod
    def _of(cls, properties: Mapping[str, Any]) -> Self:
        return cls(**properties)

    def __eq__(self, other: object) -> bool:
        """Two policies of one definition are equal."""
        return isinstance(other, EarlyTerminationPolicy) and self.as_definition() == other.as_definition()

    def __hash__(self) -> int:
        """Hash by kind."""
        return hash(self.NAME)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        told = ", ".join(f"{word}={getattr(self, word)!r}" for word in self.WORDS)
        return f"{type(self).__name__}({told})"


class BanditPolicy(EarlyTerminationPolicy):
    """Stop a child whose best value is further from the best of all than some slack.

    With ``slack_factor=f`` a child goes on while its best value is within a ratio of ``1 + f`` of the best of all:
    stopped is what is below ``best / (1 + f)`` where the highest value is sought, above ``best * (1 + f)`` where the
    lowest is; of negative values, the same of their amounts. With ``slack_amount=a`` stopped is what is further than
    ``a`` from the best.

    Parameters
    ----------
    evaluation_interval : int, default=1
        How often to look at a child [intervals].
    slack_factor : float, default=None
        Allowed ratio, less 1; >= 0.
    slack_amount : float, default=None
        Allowed distance [units of the metric]; >= 0.
    delay_evaluation : int, default=0
        From which interval on [intervals].

    Raises
    ------
    HyperDriveConfigException
        If not exactly one slack is given, or an argument is no such number.
    """

    NAME = "BANDIT"
    WORDS = ("evaluation_interval", "slack_factor", "slack_amount", "delay_evaluation")

    def __init__(
        self,
        evaluation_interval: int = 1,
        slack_factor: float | None = None,
        slack_amount: float | None = None,
        delay_evaluation: int = 0,
    ) -> None:
        super().__init__(evaluation_interval, delay_evaluation)
        if (slack_factor is None) == (slack_amount is None):
            raise errors.HyperDriveConfigException(
                f"BanditPolicy got slack_factor={slack_factor!r} and slack_amount={slack_amount!r}; "
                f"expected exactly one of them"
            )
        self.slack_factor = None if slack_factor is None else _slack("slack_factor", slack_factor)
        self.slack_amount = None if slack_amount is None else _slack("slack_amount", slack_amount)

    def _judged(self, child: K, losses: Losses[K], interval: int) -> str | None:
        best = min((min(several) for several in losses.values() if several), default=float("inf"))
        own = min(losses[child], default=float("inf"))
        if not isfinite(best) or own - self._allowance(own, best) <= best:
            return None
        slack = f"factor {self.slack_factor}" if self.slack_factor is not None else f"amount {self.slack_amount}"
        return f"its best value at interval {interval} is beyond a slack {slack} of the best of all"

    def _allowance(self, own: float, best: float) -> float:
        """Return how much worse than the best a child may be: of a ratio, that of the smaller amount."""
        if self.slack_factor is None:
            return self.slack_amount or 0.0
        return self.slack_factor * min(abs(own), abs(best))


class MedianStoppingPolicy(EarlyTerminationPolicy):
    """Stop a child whose best value is worse than the median of the running averages of all children.

    Parameters
    ----------
    evaluation_interval : int, default=1
        How often to look at a child [intervals].
    delay_evaluation : int, default=0
        From which interval on [intervals].
    """

    NAME = "MEDIANSTOPPING"

    def _judged(self, child: K, losses: Losses[K], interval: int) -> str | None:
        numbers = [[loss for loss in several if isfinite(loss)] for several in losses.values()]
        averages = [fmean(several) for several in numbers if several]
        if not averages:
            return None
        middle = median(averages)
        if min(losses[child], default=float("inf")) <= middle + _EQUAL * abs(middle):
            return None
        return f"its best value at interval {interval} is worse than the median of the averages of all"


class TruncationSelectionPolicy(EarlyTerminationPolicy):
    """Stop the children that are the worst so many percent of those that have reached the interval.

    They are compared by their best values up to there; of equal ones the later is the worse.

    Parameters
    ----------
    truncation_percentage : int
        How many [percent], 1 to 99.
    evaluation_interval : int, default=1
        How often to look at a child [intervals].
    delay_evaluation : int, default=0
        From which interval on [intervals].

    Raises
    ------
    HyperDriveConfigException
        If an argument is no such integer.
    """

    NAME = "TRUNCATIONSELECTION"
    WORDS = ("truncation_percentage", "evaluation_interval", "delay_evaluation")

    def __init__(self, truncation_percentage: int, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        super().__init__(evaluation_interval, delay_evaluation)
        self.truncation_percentage = _integer("truncation_percentage", truncation_percentage, 1, 99)

    def _judged(self, child: K, losses: Losses[K], interval: int) -> str | None:
        there = [other for other, several in losses.items() if len(several) >= interval]
        order = sorted(there, key=lambda other: min(losses[other], default=float("inf")))  # stable: the later is worse
        worst = len(there) * self.truncation_percentage // 100
        if child not in order[len(order) - worst :]:
            return None
        return (
            f"its best value at interval {interval} is among the worst {self.truncation_percentage} % of {len(there)}"
        )


class NoTerminationPolicy(EarlyTerminationPolicy):
    """Stop nothing: every child runs to its end."""

    NAME = "DEFAULT"
    WORDS = ()

    def __init__(self) -> None:
        super().__init__()

    def due(self, intervals: int) -> int:
        """Return 0: there is nothing to look at."""
        return 0

    def _judged(self, child: K, losses: Losses[K], interval: int) -> str | None:
        return None


_KINDS: Mapping[str, type[EarlyTerminationPolicy]] = {
    kind.NAME: kind for kind in (BanditPolicy, MedianStoppingPolicy, TruncationSelectionPolicy, NoTerminationPolicy)
}


def from_definition(definition: Mapping[str, Any]) -> EarlyTerminationPolicy:
    """Return the policy that a definition names."""
    return _KINDS[definition["name"]]._of(definition["properties"])  # noqa: SLF001 - a constructor


def condemned(
    policy: EarlyTerminationPolicy,
    values: Mapping[K, Sequence[float]],
    looked_at: Mapping[K, int],
    goal: PrimaryMetricGoal,
) -> dict[K, str]:
    """Return the running children that a policy stops, and why.

    Parameters
    ----------
    policy : EarlyTerminationPolicy
        The rule.
    values : dict of child to sequence of float
        What each child has logged, those that have ended too.
    looked_at : dict of child to int
        The running children, and the last interval at which each was looked at; 0 for never.
    goal : PrimaryMetricGoal
        Which way is better.
    """
    found: dict[K, str] = {}
    for child, last in looked_at.items():
        interval = policy.due(len(values[child]))
        if interval > last and (why := policy.stops(child, values, interval, goal)) is not None:
            found[child] = why
    return found


def _integer(name: str, value: Any, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        wanted = f"an integer from {least} on" if most is None else f"an integer from {least} to {most}"
        raise errors.HyperDriveConfigException(f"{name} got {value!r}; expected {wanted}")
    return value


def _slack(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value) or value < 0:
        raise errors.HyperDriveConfigException(f"{name} got {value!r}; expected a finite number, 0 or above")
    return value


__all__ = [
    "BanditPolicy",
    "EarlyTerminationPolicy",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "TruncationSelectionPolicy",
]
