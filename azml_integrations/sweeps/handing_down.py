"""Data of a sweep: handed over once, when it is submitted, and handed down to each child when it begins.

What was handed over stands under an id that no run has, in paths and variables; a child has its own id in its place.
"""

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .. import errors
from ..core import used
from ..core.dataset_registry import Promise, Registry
from ..core.hand_over import take_back

if TYPE_CHECKING:
    from ..core.workspace import Workspace


def taken_promises(workspace: "Workspace", pattern: str, properties: Mapping[str, str]) -> list[Promise]:
    """Return which outputs were promised for the id that no run has; nothing is promised for it any more."""
    registry = Registry(workspace)
    promises = registry.promised(pattern)
    registry.withdraw(pattern)
    for output in used.outputs(properties):
        with contextlib.suppress(OSError):  # one that holds something was there before
            Path(output["path"]).rmdir()
    return promises


def without_data(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of the sweep itself, which reads and makes no data."""
    return {name: value for name, value in properties.items() if name not in (used.INPUTS, used.OUTPUTS)}


def hand_down(
    workspace: "Workspace", pattern: str, child: str, properties: Mapping[str, str], promises: Sequence[Promise]
) -> None:
    """Give a child its data; harmless twice.

    Parameters
    ----------
    workspace : Workspace
        Where it belongs.
    pattern, child : str
        The id that no run has, and the child's.
    properties : dict of str to str
        Of the child: they name its outputs.
    promises : sequence of Promise
        What is registered when a run has completed.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    source, target = (workspace.root / "inputs" / run_id for run_id in (pattern, child))
    try:
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        for output in used.outputs(properties):
            Path(output["path"]).mkdir(parents=True, exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise errors.StoreError(str(target), OSError(str(error))) from error
    for promise in promises:
        Registry(workspace).promise(_of(promise, pattern, child))


def _of(promise: Promise, pattern: str, child: str) -> Promise:
    """Return a promise with a child's id in place of that which no run has."""
    told = msgspec.json.encode(promise).replace(pattern.encode(), child.encode())
    return msgspec.json.decode(told, type=Promise)


def clear(workspace: "Workspace", pattern: str) -> None:
    """Remove what was handed over for a sweep that has completed: no child wants it any more."""
    take_back(workspace, pattern)
