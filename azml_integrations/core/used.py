"""Which data a run used and made: properties of the run, written when it is submitted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

INPUTS, OUTPUTS = "azml.input_datasets", "azml.output_datasets"
"""Properties that hold JSON lists of objects with ``name``, ``id``, ``mode`` and what else is known."""


def properties(inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the properties that say so; none where there is nothing to say."""
    found = {INPUTS: list(inputs), OUTPUTS: list(outputs)}
    return {key: json.dumps(value, ensure_ascii=False) for key, value in found.items() if value}


def inputs(properties: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return which datasets the properties of a run name as its inputs; none where they cannot be read."""
    return _told(properties, INPUTS)


def outputs(properties: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return which datasets the properties of a run name as its outputs; none where they cannot be read."""
    return _told(properties, OUTPUTS)


def _told(properties: Mapping[str, str], key: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(properties.get(key, "[]"))
    except ValueError:
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
