"""Studies, samplers, parameters and attributes as texts that a run can hold."""

import inspect
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Study

SOURCE = "optuna"
"""Name of the adapter, in warnings and notes."""
OBJECTIVE = "objective"
"""Metric of a study of one objective without a name; of several, ``objective_0`` and so on."""


def objectives(study: "Study") -> list[str]:
    """Return the names of a study's objectives, the user's own where there are any."""
    named = study.metric_names
    many = len(study.directions)
    return list(named) if named else [OBJECTIVE] if many == 1 else [f"{OBJECTIVE}_{place}" for place in range(many)]


def facts_of(study: "Study") -> dict[str, str]:
    """Return what a study is, as properties: its name, directions, sampler and pruner with their parameters."""
    import optuna

    return {
        "framework": f"optuna {optuna.__version__}",
        "study": study.study_name,
        "directions": ", ".join(direction.name.lower() for direction in study.directions),
        **_described("sampler", study.sampler),
        **_described("pruner", study.pruner),
    }


def as_text(value: object) -> str:
    """Return a parameter's value as text: a number as Python writes it, whichever library it is of."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    return value if isinstance(value, str) else repr(value)


def attribute_text(value: object) -> str:
    """Return a user attribute as text: JSON, but a text as it is."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return repr(value)


def _described(role: str, part: Any) -> dict[str, str]:
    """Return the class of a sampler or pruner, and the parameters that it keeps."""
    return {role: type(part).__name__} | {f"{role}.{name}": text for name, text in _parameters(part)}


def _parameters(part: Any) -> Iterator[tuple[str, str]]:
    """Yield the constructor's arguments that can be read back; Optuna keeps them under their names with ``_``."""
    kept: dict[str, Any] = {}
    for name, value in vars(part).items():
        kept[name] = value
        if isinstance(value, tuple) and hasattr(value, "_asdict"):  # the settings of an estimator within the sampler
            kept = value._asdict() | kept
    for name in inspect.signature(type(part)).parameters:
        value = kept.get(f"_{name}", kept.get(name, inspect.Parameter.empty))
        if value is None or isinstance(value, bool | int | float | str):
            yield name, as_text(value)
        elif type(value).__module__.startswith("optuna."):
            yield name, type(value).__name__
