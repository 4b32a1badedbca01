"""Parameters: those that were given, and those that XGBoost took for itself."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

ALIASES = (
    ("learning_rate", "eta"),
    ("gamma", "min_split_loss"),
    ("reg_lambda", "lambda"),
    ("reg_alpha", "alpha"),
    ("seed", "random_state"),
    ("nthread", "n_jobs"),
)
"""Names for one thing; the first is written where nobody gave it."""

SILENT = frozenset(
    {
        "boost_from_average",
        "debug_synchronize",
        "disable_default_eval_metric",
        "fail_on_invalid_gpu_id",
        "max_cached_hist_node",
        "num_trees",
        "process_type",
        "refresh_leaf",
        "seed_per_iteration",
        "sparse_threshold",
        "updater_seq",
        "validate_parameters",
    }
)
"""Settings of XGBoost's inside that tell a person nothing."""


def native(params: Any) -> dict[str, Any]:
    """Return the parameters of a native function as a dict; several metrics are one list."""
    if not isinstance(params, list | tuple):
        return dict(params or {})
    given: dict[str, Any] = {}
    for name, value in params:
        given[name] = [*_listed(given[name]), value] if name in given else value
    return given


def effective(config: str, given: Iterable[str]) -> dict[str, str]:
    """Return what XGBoost took for itself.

    Parameters
    ----------
    config : str
        What ``Booster.save_config`` says.
    given : iterable of str
        Names that are written already; their aliases are left out as well.

    Returns
    -------
    dict of str to str
        Values by name, numbers as short as they can be: XGBoost keeps 32 bits of them.
    """
    learner = json.loads(config)["learner"]
    found: dict[str, str] = {}
    for name, value in _leaves(learner):
        found.setdefault(_one_name(name), _short(value))
    found["eval_metric"] = str([metric["name"] for metric in learner.get("metrics", ())])
    there = {_one_name(name) for name in given}
    return {name: value for name, value in sorted(found.items()) if name not in there and value not in ("", "()", "[]")}


def _leaves(learner: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the parameters of a configuration, wherever they lie in it."""
    for name, inside in learner.items():
        if not isinstance(inside, dict):
            continue
        yield from ((key, value) for key, value in inside.items() if isinstance(value, str) and _tells(name, key))
        yield from _leaves(inside)


def _tells(section: str, key: str) -> bool:
    return key not in SILENT and section.endswith("_param")


def _one_name(name: str) -> str:
    return next((names[0] for names in ALIASES if name in names), name)


def _short(text: str) -> str:
    import numpy as np

    plain = text.strip("[]") if text.startswith("[") and "," not in text else text
    if not any(sign in plain for sign in ".eE"):
        return plain
    try:
        return str(np.float32(plain))
    except ValueError:
        return plain


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
