"""Parameters: those that were given, and those that LightGBM took for itself."""

import contextlib
import re
from collections.abc import Iterable
from typing import Any

SILENT = frozenset(
    {
        "bin_construct_sample_cnt",
        "data",
        "data_random_seed",
        "enable_bundle",
        "feature_pre_filter",
        "force_col_wise",
        "force_row_wise",
        "header",
        "histogram_pool_size",
        "is_enable_sparse",
        "local_listen_port",
        "max_bin_by_feature",
        "num_gpu",
        "parser_config_file",
        "pre_partition",
        "precise_float_parser",
        "saved_feature_importance_type",
        "time_out",
        "top_k",
        "two_round",
        "valid",
    }
)
"""Settings of files, networks and LightGBM's inside that tell a person nothing."""
SILENT_WORDS = ("filename", "gpu_", "_column", "machine", "cegb_", "auc_mu", "objective_seed")
DART = ("drop", "xgboost_dart_mode")
"""Parameters of one kind of boosting."""
GOSS = ("top_rate", "other_rate")

_LINE = re.compile(r"^\[([^:]+): (.*)\]$", re.MULTILINE)


def readable(given: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with several functions by their names; None is no parameter."""
    return {name: _named(value) for name, value in given.items() if value is not None}


def effective(model: str, given: Iterable[str]) -> dict[str, str]:
    """Return what LightGBM took for itself.

    Parameters
    ----------
    model : str
        What ``Booster.model_to_string`` says.
    given : iterable of str
        Names that are written already; where they are aliases, what they stand for is left out as well.

    Returns
    -------
    dict of str to str
        Values by the main names of LightGBM, and none that is empty.
    """
    _, _, part = model.rpartition("\nparameters:")
    found = dict(_LINE.findall(part.partition("end of parameters")[0]))
    there = {_main_name(name) for name in given}
    return {
        name: value
        for name, value in sorted(found.items())
        if value
        and name not in there
        and _tells(name, found.get("boosting", ""), found.get("data_sample_strategy", ""))
    }


def _tells(name: str, boosting: str, sampling: str) -> bool:
    if name in SILENT or any(word in name for word in SILENT_WORDS):
        return False
    if any(word in name for word in DART):
        return boosting == "dart"
    return name not in GOSS or "goss" in (boosting, sampling)


def _main_name(name: str) -> str:
    """Return the name that LightGBM writes for an alias; the name itself where that cannot be found out."""
    with contextlib.suppress(Exception):  # a private name, and the only way to ask
        from lightgbm.basic import _ConfigAliases

        _ConfigAliases.get("num_iterations")
        return next((main for main, names in (_ConfigAliases.aliases or {}).items() if name in names), name)
    return name


def _named(value: Any) -> Any:
    if isinstance(value, list | tuple) and any(map(callable, value)):
        return ", ".join(getattr(each, "__qualname__", str(each)) for each in value)
    return value
