"""Hyperparameters as properties: flat names, readable values."""

import dataclasses
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

MOST = 4096
"""Characters of a value that are kept."""

_OF_CLI = frozenset({"_class_path", "_instantiator"})
"""What LightningCLI puts beside the hyperparameters, to build the module again."""


def flattened(params: object) -> dict[str, str]:
    """Return hyperparameters by their full names: ``{"optimizer": {"lr": 0.1}}`` is ``param.optimizer.lr``.

    Parameters
    ----------
    params : mapping, Namespace, dataclass or None
        Nested as deep as it is; a list is one value.

    Returns
    -------
    properties : dict of str to str
        One for each leaf, the name with ``param.`` before it.
    """
    return {storable(name): storable(_text(value)) for name, value in _leaves("param", params) if name != "param"}


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    inside = _inside(value)
    if not inside:
        yield name, value
        return
    for key, part in inside.items():
        if key not in _OF_CLI:
            yield from _leaves(f"{name}.{key}", part)


def _inside(value: object) -> Mapping[Any, object] | None:
    """Return what a nested value holds by name; None for a leaf."""
    if isinstance(value, Mapping):  # OmegaConf's too
        return value
    if isinstance(value, Namespace):
        return vars(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if callable(as_dict := getattr(value, "as_dict", None)):  # jsonargparse's Namespace
        found = as_dict()
        return found if isinstance(found, Mapping) else None
    return None


def _text(value: object) -> str:
    """Return a value as a person would write it; nothing that differs from run to run, such as an address."""
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "state_dict"):  # a module: its weights are no hyperparameter
        return f"{type(value).__module__}.{type(value).__qualname__}"
    return str(value)


def storable(text: str) -> str:
    """Return a text that a journal can hold, cut where it is longer than a person reads."""
    kept = text if len(text) <= MOST else text[: MOST - 3] + "..."
    return kept.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
