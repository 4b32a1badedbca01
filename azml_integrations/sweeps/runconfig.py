"""What to sweep over: the configuration that `Experiment.submit` takes."""

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import errors, names
from ..core.run import Run
from .definition import DAYS, Sweep
from .goal import PrimaryMetricGoal
from .policy import EarlyTerminationPolicy, NoTerminationPolicy
from .sampling import BayesianParameterSampling, HyperParameterSampling
from .trial import HYPERPARAMETERS

if TYPE_CHECKING:
    from ..core.experiment import Experiment
    from .run import HyperDriveRun

MOST_SWEEPS = 5
"""Sweeps that `resume_from` takes."""

ENOUGH = 20
"""Children for each hyperparameter, below which Bayesian sampling is warned of."""


class HyperDriveConfig:
    """A sweep of a script over hyperparameters, to be handed to `Experiment.submit`.

    Parameters
    ----------
    hyperparameter_sampling : HyperParameterSampling
        Random, grid or Bayesian, with the search space.
    primary_metric_name : str
        Name under which the script logs what is sought.
    primary_metric_goal : PrimaryMetricGoal
        Whether the highest or the lowest value is sought.
    max_total_runs : int
        Children at most.
    max_concurrent_runs : int, default=None
        Children at one time; `max_total_runs` by default. How many of them run together, the target's slots decide.
    max_duration_minutes : int, default=10080
        When it ends, whatever runs then being canceled [min].
    policy : EarlyTerminationPolicy, default=None
        Which children end early; none by default.
    estimator, pipeline : object, default=None
        Refused, with the way out.
    run_config : ScriptRunConfig
        What to run; hyperparameters are appended to its arguments as ``--name value``.
    resume_from : HyperDriveRun or list of them, default=None
        At most `MOST_SWEEPS` earlier sweeps: Bayesian sampling learns from their children, and one may be the best run.
    resume_child_runs : list of Run, default=None
        Children of earlier sweeps whose hyperparameters are tried again, before others are sampled.
    debug_flag : object, default=None
        Ignored.
    custom_run_id : str, default=None
        Id of the sweep; ``HD_<guid>`` by default.

    Raises
    ------
    HyperDriveConfigException
        If an argument is none that can be used.

    Warns
    -----
    AzmlWarning
        If Bayesian sampling gets fewer than `ENOUGH` children for each hyperparameter.

    Examples
    --------
    >>> from azml_integrations.sweeps import *  # doctest: +SKIP
    >>> config = HyperDriveConfig(  # doctest: +SKIP
    ...     hyperparameter_sampling=GridParameterSampling({"--alpha": choice(0.01, 0.1, 1.0)}),
    ...     primary_metric_name="mse",
    ...     primary_metric_goal=PrimaryMetricGoal.MINIMIZE,
    ...     max_total_runs=3,
    ...     run_config=ScriptRunConfig(".", "train.py"),
    ... )
    >>> best = experiment.submit(config).get_best_run_by_primary_metric()  # doctest: +SKIP
    """

    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: float = DAYS,
        policy: EarlyTerminationPolicy | None = None,
        estimator: object = None,
        run_config: Any = None,
        resume_from: object = None,
        resume_child_runs: object = None,
        pipeline: object = None,
        debug_flag: object = None,
        custom_run_id: str | None = None,
    ) -> None:
        self.run_config = _script(estimator, run_config, pipeline)
        total = _count("max_total_runs", max_total_runs)
        concurrent = total if max_concurrent_runs is None else _count("max_concurrent_runs", max_concurrent_runs)
        children = _runs("resume_child_runs", resume_child_runs)
        self.custom_run_id = None if custom_run_id is None else names.run(custom_run_id)
        self.sweep = Sweep(
            _instance("hyperparameter_sampling", hyperparameter_sampling, HyperParameterSampling),
            _metric(primary_metric_name),
            _goal(primary_metric_goal),
            total,
            min(concurrent, total),
            _minutes(max_duration_minutes),
            NoTerminationPolicy() if policy is None else _instance("policy", policy, EarlyTerminationPolicy),
            tuple(run.id for run in _sweeps(resume_from)),
            tuple(run.id for run in children),
            tuple(_parameters(run) for run in children),
        )
        self._warn_of_too_few()

    @classmethod
    def _of(cls, sweep: Sweep, run_config: object) -> "HyperDriveConfig":
        """Return the configuration of a sweep that was submitted."""
        config = cls.__new__(cls)
        config.sweep, config.run_config, config.custom_run_id = sweep, run_config, None
        return config

    def _warn_of_too_few(self) -> None:
        sampling = self.sweep.sampling
        wanted = ENOUGH * len(sampling.parameter_space)
        if isinstance(sampling, BayesianParameterSampling) and self.sweep.total < wanted:
            errors.warn_outside(
                f"max_total_runs is {self.sweep.total}; Bayesian sampling of {len(sampling.parameter_space)} "
                f"hyperparameters is at its best from {wanted} on",
                errors.AzmlWarning,
            )

    # -- what was asked for --------------------------------------------------------------------------

    @property
    def source_directory(self) -> Any:
        """The folder of the script."""
        return getattr(self.run_config, "source_directory", None)

    @property
    def estimator(self) -> Any:
        """What is run; the name that SDK v1 keeps for it."""
        return self.run_config

    @property
    def hyperparameter_sampling(self) -> HyperParameterSampling:
        """Where hyperparameters come from."""
        return self.sweep.sampling

    @property
    def policy(self) -> EarlyTerminationPolicy:
        """Which children end early."""
        return self.sweep.policy

    @property
    def primary_metric_name(self) -> str:
        """Name of the primary metric."""
        return self.sweep.metric

    @property
    def primary_metric_goal(self) -> PrimaryMetricGoal:
        """Which way it is better."""
        return self.sweep.goal

    @property
    def max_total_runs(self) -> int:
        """Children at most."""
        return self.sweep.total

    @property
    def max_concurrent_runs(self) -> int:
        """Children at one time."""
        return self.sweep.concurrent

    @property
    def max_duration_minutes(self) -> float:
        """How long at most [min]."""
        return self.sweep.minutes

    def __repr__(self) -> str:
        """Return what is swept over, and what for."""
        return (
            f"{type(self).__name__}({self.sweep.sampling!r}, {self.sweep.metric!r}, {self.sweep.goal}, "
            f"max_total_runs={self.sweep.total}, max_concurrent_runs={self.sweep.concurrent}, "
            f"policy={self.sweep.policy!r})"
        )

    # -- submitting ----------------------------------------------------------------------------------

    def _submit(
        self, experiment: "Experiment", tags: Mapping[str, str | None] | None = None, **kwargs: Any
    ) -> "HyperDriveRun":
        """Begin the sweep; the way in of `Experiment.submit`."""
        from . import submission

        frozen = copy.copy(self)
        frozen.run_config = copy.deepcopy(self.run_config)
        return submission.begin(frozen, experiment, tags, **kwargs)


class HyperDriveRunConfig(HyperDriveConfig):
    """The old name of `HyperDriveConfig`, whose first argument is what to run."""

    def __init__(
        self,
        estimator: Any,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: float = DAYS,
        policy: EarlyTerminationPolicy | None = None,
        resume_from: object = None,
        resume_child_runs: object = None,
        debug_flag: object = None,
    ) -> None:
        errors.warn_outside("HyperDriveRunConfig is the old name; use HyperDriveConfig", DeprecationWarning)
        super().__init__(
            hyperparameter_sampling,
            primary_metric_name,
            primary_metric_goal,
            max_total_runs,
            max_concurrent_runs,
            max_duration_minutes,
            policy,
            run_config=estimator,
            resume_from=resume_from,
            resume_child_runs=resume_child_runs,
            debug_flag=debug_flag,
        )


# -- checks ------------------------------------------------------------------------------------------


def _refuse(name: str, value: object, wanted: str) -> errors.HyperDriveConfigException:
    return errors.HyperDriveConfigException(f"{name} got {value!r}; expected {wanted}")


def _script(estimator: object, run_config: object, pipeline: object) -> Any:
    """Return what to run: exactly one of three, and of these only a script."""
    given = {"estimator": estimator, "run_config": run_config, "pipeline": pipeline}
    there = [name for name, value in given.items() if value is not None]
    if len(there) != 1:
        raise errors.HyperDriveConfigException(
            f"expected exactly one of run_config, estimator and pipeline, got {' and '.join(there) or 'none of them'}; "
            f"pass run_config=ScriptRunConfig(source_directory, script)"
        )
    value = given[there[0]]
    if there[0] == "pipeline" or not (hasattr(value, "script") and hasattr(value, "source_directory")):
        raise errors.HyperDriveConfigException(
            f"{there[0]} got {errors.a(value)}; expected run_config=ScriptRunConfig(source_directory, script): "
            f"estimators and pipelines are not run on this machine"
        )
    return value


def _instance(name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        calls = "a sampling such as RandomParameterSampling({...})" if "sampling" in name else "a policy, or None"
        raise _refuse(name, value, calls)
    return value


def _metric(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise _refuse("primary_metric_name", name, "the name under which the script logs it")
    return names.label("primary metric", name)


def _goal(goal: object) -> PrimaryMetricGoal:
    return goal if isinstance(goal, PrimaryMetricGoal) else PrimaryMetricGoal.from_str(goal)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _refuse(name, value, "an integer from 1 on")
    return value


def _minutes(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise _refuse("max_duration_minutes", value, "a number of minutes above 0")
    return value


def _runs(name: str, given: Any) -> list[Run]:
    several = [] if given is None else list(given) if isinstance(given, Sequence) else [given]
    for run in several:
        if not isinstance(run, Run):
            raise _refuse(name, run, "runs")
    return several


def _sweeps(given: object) -> list[Run]:
    from .run import HyperDriveRun

    several = _runs("resume_from", given)
    for run in several:
        if not isinstance(run, HyperDriveRun):
            raise _refuse("resume_from", run.id, "sweeps, as Run.get and Experiment.submit return them")
    if len(several) > MOST_SWEEPS:
        raise _refuse("resume_from", [run.id for run in several], f"at most {MOST_SWEEPS} sweeps")
    return several


def _parameters(child: Run) -> dict[str, Any]:
    """Return the hyperparameters of a child of an earlier sweep."""
    import json

    told = child.tags.get(HYPERPARAMETERS)
    if told is None:
        raise _refuse("resume_child_runs", child.id, "children of a sweep")
    return dict(json.loads(told))


__all__ = ["HyperDriveConfig", "HyperDriveRunConfig", "PrimaryMetricGoal"]
