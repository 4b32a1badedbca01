"""Parameter sweeps over scripts, under the names of ``azureml.train.hyperdrive``.

>>> from azml_integrations.sweeps import HyperDriveConfig, RandomParameterSampling, choice, uniform
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .parameter_expressions import (
        choice,
        lognormal,
        loguniform,
        normal,
        qlognormal,
        qloguniform,
        qnormal,
        quniform,
        randint,
        uniform,
    )
    from .policy import (
        BanditPolicy,
        EarlyTerminationPolicy,
        MedianStoppingPolicy,
        NoTerminationPolicy,
        TruncationSelectionPolicy,
    )
    from .run import HyperDriveRun
    from .runconfig import HyperDriveConfig, HyperDriveRunConfig, PrimaryMetricGoal
    from .sampling import (
        BayesianParameterSampling,
        GridParameterSampling,
        HyperParameterSampling,
        RandomParameterSampling,
    )

__all__ = [
    "BanditPolicy",
    "BayesianParameterSampling",
    "EarlyTerminationPolicy",
    "GridParameterSampling",
    "HyperDriveConfig",
    "HyperDriveRun",
    "HyperDriveRunConfig",
    "HyperParameterSampling",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "PrimaryMetricGoal",
    "RandomParameterSampling",
    "TruncationSelectionPolicy",
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]

_LATE = {
    **dict.fromkeys(["choice", "lognormal", "loguniform", "normal", "qlognormal"], "parameter_expressions"),
    **dict.fromkeys(["qloguniform", "qnormal", "quniform", "randint", "uniform"], "parameter_expressions"),
    **dict.fromkeys(["BanditPolicy", "EarlyTerminationPolicy", "MedianStoppingPolicy"], "policy"),
    **dict.fromkeys(["NoTerminationPolicy", "TruncationSelectionPolicy"], "policy"),
    **dict.fromkeys(["HyperDriveConfig", "HyperDriveRunConfig", "PrimaryMetricGoal"], "runconfig"),
    **dict.fromkeys(["BayesianParameterSampling", "GridParameterSampling"], "sampling"),
    **dict.fromkeys(["HyperParameterSampling", "RandomParameterSampling"], "sampling"),
    "HyperDriveRun": "run",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
