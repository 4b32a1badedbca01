"""How the hyperparameters of the next child are chosen.

Child *n* of a sweep has the same hyperparameters however often its controller begins anew: random ones are drawn from
a generator that is seeded by the sweep's id and *n*, a grid is walked in order, and Bayesian ones follow from the
children that have ended.
"""

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from .. import errors
from ..core.pausing import paused
from . import space
from .goal import PrimaryMetricGoal
from .space import Parameters
from .trial import Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


class HyperParameterSampling:
    """What all samplings share.

    Parameters
    ----------
    parameter_space : dict of str to expression
        A name and an expression for each hyperparameter: ``{"--lr": loguniform(-6, -1)}``.
    properties : dict, default=None
        Kept as data.

    Raises
    ------
    HyperDriveConfigException
        If the space cannot be sampled.
    """

    NAME: ClassVar[str]
    TAKES: ClassVar[tuple[str, ...] | None] = None
    """Names of the expressions that this sampling can draw from; None for all."""

    def __init__(self, parameter_space: Mapping[str, Any], properties: Mapping[str, Any] | None = None) -> None:
        self._space = space.checked(parameter_space)
        self._properties = dict(properties or {})
        for name, (function, _) in self._space.items():
            if self.TAKES is not None and function not in self.TAKES:
                raise errors.HyperDriveConfigException(
                    f"{type(self).__name__} cannot sample {name!r} from {function}(); it takes "
                    f"{', '.join(self.TAKES)}; RandomParameterSampling takes every expression"
                )

    @property
    def parameter_space(self) -> dict[str, Any]:
        """The search space."""
        return dict(self._space)

    def size(self) -> int | None:
        """Return the number of children after which there is nothing left to try; None for no such number."""
        return None

    def check_installed(self) -> None:
        """Make sure that what this sampling needs is there.

        Raises
        ------
        HyperDriveConfigException
            If it is not.
        """

    def draw(self, number: int, seed: str, goal: PrimaryMetricGoal, before: Sequence[Trial] = ()) -> Parameters | None:
        """Return the hyperparameters of a child.

        Parameters
        ----------
        number : int
            Which child, from 0.
        seed : str
            The sweep's id.
        goal : PrimaryMetricGoal
            Which way the primary metric is better.
        before : sequence of Trial
            The children that there are.

        Returns
        -------
        parameters : dict or None
            None when there is nothing left to try.
        """
        raise NotImplementedError

    def as_definition(self) -> dict[str, Any]:
        """Return the sampling as a sweep's definition keeps it."""
        told: dict[str, Any] = {"name": self.NAME, "parameter_space": self._space}
        return {**told, "properties": self._properties} if self._properties else told

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return f"{type(self).__name__}({self._space!r})"


class RandomParameterSampling(HyperParameterSampling):
    """Draw each hyperparameter by itself; two children may draw the same.

    Parameters
    ----------
    parameter_space : dict of str to expression
        A name and an expression for each hyperparameter.
    properties : dict, default=None
        Kept as data.
    """

    NAME = "RANDOM"

    def draw(self, number: int, seed: str, goal: PrimaryMetricGoal, before: Sequence[Trial] = ()) -> Parameters | None:
        """Return what the generator of this child draws."""
        return space.draw(self._space, Random(f"{seed}/{number}"))  # noqa: S311 - reproducible on purpose


class GridParameterSampling(HyperParameterSampling):
    """Try every combination of choices, once; the last hyperparameter changes first.

    Parameters
    ----------
    parameter_space : dict of str to expression
        A name and a `choice` for each hyperparameter.
    properties : dict, default=None
        Kept as data.

    Raises
    ------
    HyperDriveConfigException
        If something in the space is no `choice`.
    """

    NAME = "GRID"
    TAKES = ("choice",)

    def size(self) -> int | None:
        """Return the number of combinations."""
        return space.size(self._space)

    def draw(self, number: int, seed: str, goal: PrimaryMetricGoal, before: Sequence[Trial] = ()) -> Parameters | None:
        """Return the combination of this number."""
        return next(islice(space.grid(self._space), number, None), None)


class BayesianParameterSampling(HyperParameterSampling):
    """Choose what the children before make look promising: Optuna's tree-structured Parzen estimator.

    What is Running counts as an unpromising result for as long, so that children at one time try different things.

    Parameters
    ----------
    parameter_space : dict of str to expression
        A name and a `choice`, `uniform` or `quniform` for each hyperparameter.
    properties : dict, default=None
        Kept as data.

    Raises
    ------
    HyperDriveConfigException
        If something in the space is another expression.
    """

    NAME = "BAYESIANOPTIMIZATION"
    TAKES = ("choice", "uniform", "quniform")

    def check_installed(self) -> None:
        """Make sure that Optuna is there."""
        if find_spec("optuna") is None:
            raise errors.HyperDriveConfigException(
                "BayesianParameterSampling needs Optuna: pip install 'azml-integrations[sweep]'; "
                "RandomParameterSampling and GridParameterSampling need nothing"
            )

    def draw(self, number: int, seed: str, goal: PrimaryMetricGoal, before: Sequence[Trial] = ()) -> Parameters | None:
        """Return what Optuna asks for after the children before."""
        self.check_installed()
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        axes = {name: _distribution(expression) for name, expression in self._space.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # constant_liar is one since 2.8
            sampler = optuna.samplers.TPESampler(seed=_number_of(f"{seed}/{number}"), constant_liar=True)
        study = optuna.create_study(direction=_direction(goal), sampler=sampler)
        for trial in sorted(before, key=lambda trial: trial.number):
            if trial.parameters.keys() == axes.keys() and (told := self._told(trial, goal, axes)) is not None:
                study.add_trial(told)
        with paused("optuna"):  # the trials of a sweep are its children; this study is only asked
            asked = study.ask(axes)
        return {name: _value(self._space[name], asked.params[name]) for name in self._space}

    def _told(self, trial: Trial, goal: PrimaryMetricGoal, axes: "dict[str, BaseDistribution]") -> "FrozenTrial | None":
        """Return a child as Optuna has it; None if it was tried in another space."""
        from optuna.trial import TrialState, create_trial

        best = goal.best(trial.values)
        state = TrialState.RUNNING if not trial.over else TrialState.FAIL if best is None else TrialState.COMPLETE
        with contextlib.suppress(ValueError):  # raised of values outside of the space
            places = {name: _position(self._space[name], value) for name, value in trial.parameters.items()}
            value = best if state is TrialState.COMPLETE else None
            return create_trial(state=state, value=value, params=places, distributions=axes)
        return None


def _direction(goal: PrimaryMetricGoal) -> Literal["maximize", "minimize"]:
    return "maximize" if goal is PrimaryMetricGoal.MAXIMIZE else "minimize"


def _number_of(seed: str) -> int:
    return int.from_bytes(sha256(seed.encode()).digest()[:4])


def _distribution(expression: list[Any]) -> "BaseDistribution":
    """Return an axis of Optuna's: of a choice the places of its options, of multiples how many times."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match expression:
        case ["choice", [options]]:
            return CategoricalDistribution(range(len(options)))
        case ["quniform", [low, high, q]]:
            return IntDistribution(round(low / q), round(high / q))
        case [_, [low, high]]:
            return FloatDistribution(low, high)
    raise AssertionError(expression)


def _value(expression: list[Any], position: Any) -> Any:
    match expression:
        case ["choice", [options]]:
            return options[position]
        case ["quniform", [_, _, q]]:
            return space.multiple(position * q, q)
    return position


def _position(expression: list[Any], value: Any) -> Any:
    match expression:
        case ["choice", [options]]:
            return options.index(value)
        case ["quniform", [_, _, q]]:
            return round(value / q)
    return value


_KINDS: Mapping[str, type[HyperParameterSampling]] = {
    kind.NAME: kind for kind in (RandomParameterSampling, GridParameterSampling, BayesianParameterSampling)
}


def from_definition(definition: Mapping[str, Any]) -> HyperParameterSampling:
    """Return the sampling that a definition names."""
    return _KINDS[definition["name"]](definition["parameter_space"], definition.get("properties"))


__all__ = [
    "BayesianParameterSampling",
    "GridParameterSampling",
    "HyperParameterSampling",
    "RandomParameterSampling",
]
